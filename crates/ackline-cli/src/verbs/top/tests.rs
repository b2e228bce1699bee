use super::app::{App, Order, Turn, View};
use super::data::{Detail, Rate, Seen, Server, server_of, unknown, watched};
use super::draw::{draw, short};
use ackline_admin::doctor::{Finding, Severity};
use ackline_admin::view::{Consumer, Group, Overview, Pending, Stream};
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::Terminal;
use ratatui::backend::TestBackend;

fn stream(name: &str, length: i64, lag: Option<i64>) -> Overview {
    let group = Group {
        name: b"shop".to_vec(),
        consumers: 2,
        pending: 3,
        lag,
        entries_read: Some(10),
        ..Group::default()
    };
    let oldest = Pending { id: "1-1".to_owned(), consumer: b"ann".to_vec(), idle: 65_000, deliveries: 1 };
    Overview {
        stream: Stream {
            name: name.into(),
            length,
            entries_added: length,
            memory: Some(2048),
            last_id: "9-9".to_owned(),
            ..Stream::default()
        },
        groups: vec![group],
        oldest: vec![Some(oldest)],
    }
}

fn app() -> App {
    let mut app = App::new("127.0.0.1:6379".to_owned(), false);
    let server = Server {
        name: "Ackline 0.1.0".to_owned(),
        ops: 1200,
        commands: 9,
        memory: 1_572_864,
        clients: 3,
        blocked: 1,
    };
    let mut orders = unknown(stream("orders", 12_345, Some(7)));
    orders.rate = Rate { added: Some(2.5), delivered: Some(1234.0), acked: None };
    let streams =
        vec![unknown(stream("events", 5, Some(0))), orders, unknown(stream("x\u{1b}[31m", 1, None))];
    app.take(Seen { server, streams, detail: None, added: vec![1, 2, 3] });
    app
}

/// The screen as text.
fn screen(app: &mut App, width: u16, height: u16) -> Vec<String> {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| draw(frame, app)).unwrap();
    let buffer = terminal.backend().buffer();
    let line = |y| (0..width).map(|x| buffer[(x, y)].symbol()).collect::<String>().trim_end().to_owned();
    (0..height).map(line).collect()
}

fn press(app: &mut App, code: KeyCode) -> Turn {
    app.key(KeyEvent::new(code, KeyModifiers::NONE))
}

#[test]
fn streams_fit_into_80_columns() {
    let shown = screen(&mut app(), 80, 24);
    assert_eq!(shown[0], "127.0.0.1:6379  Ackline 0.1.0                                       in/s       3");
    assert!(shown[1].starts_with("1200 ops/s  1.5M  3 clients (1 blocked)"), "{}", shown[1]);
    assert_eq!(shown[2], "stream               length groups  pending    lag▼  oldest   in/s  out/s  ack/s");
    // What is unknown may be the worst; a name does nothing to the terminal.
    assert_eq!(shown[3], "x\\x1b[31m                 1      1        3       ?      1m      -      -      -");
    assert_eq!(shown[4], "orders                12.3k      1        3       7      1m    2.5   1234      -");
    assert_eq!(shown[5], "events                    5      1        3       0      1m      -      -      -");
    assert_eq!(shown[23], "Enter open  Esc back  s sort (lag)  / filter  p pause  ? help  q quit");
}

#[test]
fn a_small_or_empty_screen_is_no_problem() {
    for (width, height) in [(1, 1), (20, 5), (140, 40)] {
        for view in [
            View::Streams,
            View::Groups(b"orders".to_vec()),
            View::Group(b"orders".to_vec(), b"shop".to_vec()),
        ] {
            let mut app = app();
            (app.view, app.help) = (view, true);
            screen(&mut app, width, height);
            screen(&mut App::new("somewhere".to_owned(), true), width, height);
        }
    }
}

#[test]
fn one_goes_into_a_stream_and_back() {
    let mut app = app();
    press(&mut app, KeyCode::Char('j'));
    assert_eq!(press(&mut app, KeyCode::Enter), Turn::Look);
    assert_eq!(app.view, View::Groups(b"orders".to_vec()));
    let shown = screen(&mut app, 80, 24);
    assert_eq!(shown[2], "orders  12.3k entries  2.0K  last 9-9");
    assert_eq!(shown[4], "group                        consumers  pending     lag   oldest   out/s   ack/s");
    assert_eq!(shown[5], "shop                                 2        3       7       1m       -       -");
    assert_eq!(press(&mut app, KeyCode::Enter), Turn::Look);
    assert_eq!(app.view, View::Group(b"orders".to_vec(), b"shop".to_vec()));
    assert_eq!(
        (press(&mut app, KeyCode::Esc), press(&mut app, KeyCode::Char('h'))),
        (Turn::Look, Turn::Look)
    );
    assert_eq!((app.view.clone(), app.selected), (View::Streams, 1));
}

#[test]
fn a_group_shows_what_is_wrong_who_reads_and_what_is_pending() {
    let mut app = app();
    app.view = View::Group(b"orders".to_vec(), b"shop".to_vec());
    let finding = Finding {
        severity: Severity::Warn,
        kind: "poison",
        title: "1 entry was delivered 5 times or more".to_owned(),
        detail: String::new(),
        commands: Vec::new(),
        action: None,
    };
    let pending = |id: &str, idle, deliveries| Pending {
        id: id.to_owned(),
        consumer: b"ann".to_vec(),
        idle,
        deliveries,
    };
    let consumer = |name: &str, pending| Consumer { name: name.into(), pending, idle: 1500, inactive: None };
    let detail = Detail {
        consumers: vec![consumer("bob", 0), consumer("ann", 2)],
        pending: vec![pending("1-1", 65_000, 5), pending("1-2", -1, i64::MAX)],
        findings: vec![finding],
    };
    app.seen.as_mut().unwrap().detail = Some(detail);
    let shown = screen(&mut app, 80, 24);
    assert_eq!(shown[2], "shop of orders");
    assert_eq!(shown[3], "!  1 entry was delivered 5 times or more");
    assert_eq!(shown[5], "consumer                                                pending    idle inactive");
    assert_eq!(shown[6], "ann                                                           2      1s        -");
    assert_eq!(shown[10], "1-1                                                       ann      1m          5");
    assert_eq!(shown[11], "1-2                                                         -       -      FATAL");
}

#[test]
fn streams_are_filtered_and_sorted() {
    let mut app = app();
    press(&mut app, KeyCode::Char('/'));
    for c in "ORD".chars() {
        press(&mut app, KeyCode::Char(c));
    }
    assert_eq!(screen(&mut app, 80, 24)[23], "/ORD▏");
    assert_eq!(press(&mut app, KeyCode::Enter), Turn::Draw);
    assert_eq!(app.streams().len(), 1);
    press(&mut app, KeyCode::Esc);
    let mut first = Vec::new();
    for _ in 0..6 {
        first.push((app.order, String::from_utf8_lossy(&app.streams()[0].overview.stream.name).into_owned()));
        press(&mut app, KeyCode::Char('s'));
    }
    assert_eq!(first[0], (Order::Lag, "x\u{1b}[31m".to_owned()));
    assert_eq!(first[2], (Order::Added, "orders".to_owned()));
    assert_eq!(first[3], (Order::Name, "events".to_owned()));
    assert_eq!(first[4], (Order::Length, "orders".to_owned()));
    assert_eq!(app.order, Order::Lag);
}

#[test]
fn keys_pause_explain_and_end() {
    let mut app = app();
    press(&mut app, KeyCode::Char('p'));
    assert!(screen(&mut app, 80, 24)[0].contains("[paused]"));
    press(&mut app, KeyCode::Char('?'));
    assert!(screen(&mut app, 80, 24).iter().any(|line| line.contains(" keys ")));
    assert_eq!(press(&mut app, KeyCode::Char('q')), Turn::Draw);
    assert_eq!(press(&mut app, KeyCode::Char('q')), Turn::Quit);
    assert_eq!(app.key(KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL)), Turn::Quit);
    press(&mut app, KeyCode::End);
    assert_eq!(app.selected, 2);
}

#[test]
fn trouble_is_shown_until_it_is_over() {
    let mut app = app();
    app.trouble = Some("the server closed the connection\n  more".to_owned());
    assert_eq!(screen(&mut app, 80, 24)[23], "the server closed the connection");
    let seen = app.seen.clone().unwrap();
    app.take(seen);
    assert_eq!(app.trouble, None);
}

#[test]
fn rates_come_from_two_looks() {
    let before = stream("orders", 100, Some(1));
    let mut after = stream("orders", 120, Some(1));
    (after.groups[0].entries_read, after.groups[0].pending) = (Some(16), 5);
    let seen = watched(after, &before, 2.0);
    assert_eq!(seen.rate, Rate { added: Some(10.0), delivered: Some(3.0), acked: Some(2.0) });
    assert_eq!(seen.group_rates, [seen.rate]);
}

#[test]
fn servers_are_told_apart() {
    let redis = server_of("# Server\r\nredis_version:8.6.3\r\nconnected_clients:4\r\nused_memory:10\r\n");
    assert_eq!((redis.name.as_str(), redis.clients, redis.memory), ("Redis 8.6.3", 4, 10));
    assert_eq!(server_of("redis_version:7.2.4\r\nvalkey_version:9.1.2\r\n").name, "Valkey 9.1.2");
    assert_eq!(server_of(""), Server::default());
}

#[test]
fn numbers_are_short() {
    assert_eq!(
        [0, 9999, 10_000, 1_234_567, -5, i64::MAX].map(short),
        ["0", "9999", "10.0k", "1.2M", "-5", "9223372036.9G"]
    );
}
