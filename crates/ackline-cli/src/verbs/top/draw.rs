//! The screen.

use super::app::{App, Order, View};
use super::data::{Detail, Rate, Watched};
use crate::verbs::output::size;
use ackline_admin::doctor::{Severity, span};
use ackline_admin::view::Group;
use ackline_admin::words::escaped;
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Clear, Paragraph, Row, Sparkline, Table, TableState};

const KEYS: &[(&str, &str)] = &[
    ("↑ ↓  j k", "up and down; PgUp PgDn, g G"),
    ("Enter  l", "open: stream, then group"),
    ("Esc  h", "back"),
    ("s", "sort by the next column"),
    ("/", "filter streams by name; Enter keeps it, Esc clears it"),
    ("p  space", "pause"),
    ("q  Ctrl-C", "quit"),
];

pub(super) fn draw(frame: &mut Frame, app: &mut App) {
    let [head, body, foot] =
        Layout::vertical([Constraint::Length(2), Constraint::Min(3), Constraint::Length(1)])
            .areas(frame.area());
    header(frame, app, head);
    match app.view.clone() {
        View::Streams => streams(frame, app, body),
        View::Groups(_) => groups(frame, app, body),
        View::Group(..) => group(frame, app, body),
    }
    footer(frame, app, foot);
    if app.help {
        help(frame);
    }
}

fn header(frame: &mut Frame, app: &App, area: Rect) {
    let [left, right] = Layout::horizontal([Constraint::Min(20), Constraint::Length(30)]).areas(area);
    let server = app.seen.as_ref().map(|seen| seen.server.clone()).unwrap_or_default();
    let facts = format!(
        "{} ops/s  {}  {} clients ({} blocked)",
        server.ops,
        size(server.memory),
        server.clients,
        server.blocked
    );
    let title = Line::from(vec![
        Span::styled(app.address.clone(), Modifier::BOLD),
        Span::raw(format!("  {}{}", server.name, if app.paused { "  [paused]" } else { "" })),
    ]);
    frame.render_widget(Paragraph::new(vec![title, Line::raw(facts)]), left);
    let added = app.seen.as_ref().map(|seen| seen.added.clone()).unwrap_or_default();
    // The newest points, as many as there is room for.
    let newest = &added[added.len().saturating_sub(usize::from(right.width))..];
    let [label, chart] = Layout::vertical([Constraint::Length(1); 2]).areas(right);
    let label_text = format!("in/s {:>7}", newest.last().copied().unwrap_or(0));
    frame.render_widget(Paragraph::new(label_text).right_aligned(), label);
    frame.render_widget(Sparkline::default().data(newest), chart);
}

fn footer(frame: &mut Frame, app: &App, area: Rect) {
    let line = match (&app.trouble, app.typing) {
        (Some(trouble), _) => {
            Line::styled(trouble.lines().next().unwrap_or_default().to_owned(), ink(app, Color::Red))
        }
        (None, true) => Line::raw(format!("/{}▏", app.filter)),
        (None, false) if !app.filter.is_empty() => {
            Line::raw(format!("filter {}   sort {}   ? help   q quit", app.filter, app.order.name()))
        }
        (None, false) => Line::raw(format!(
            "Enter open  Esc back  s sort ({})  / filter  p pause  ? help  q quit",
            app.order.name()
        )),
    };
    frame.render_widget(Paragraph::new(line), area);
}

fn help(frame: &mut Frame) {
    let area = frame.area().centered(Constraint::Length(70), Constraint::Length(KEYS.len() as u16 + 2));
    let line = |(keys, what): &(&str, &str)| Line::raw(format!(" {keys:<12}{what}"));
    let text: Vec<Line> = KEYS.iter().map(line).collect();
    frame.render_widget(Clear, area);
    frame.render_widget(Paragraph::new(text).block(Block::bordered().title(" keys ")), area);
}

fn ink(app: &App, color: Color) -> Style {
    if app.colours { Style::new().fg(color) } else { Style::new() }
}

/// Numbers as short as they have to be: 999, 12.3k, 4.5M.
pub(super) fn short(number: i64) -> String {
    match number.unsigned_abs() {
        0..10_000 => number.to_string(),
        10_000..1_000_000 => format!("{:.1}k", number as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1}M", number as f64 / 1e6),
        _ => format!("{:.1}G", number as f64 / 1e9),
    }
}

fn rate(rate: Option<f64>) -> String {
    match rate {
        None => "-".to_owned(),
        Some(rate) if rate < 10.0 => format!("{rate:.1}"),
        Some(rate) => short(rate as i64),
    }
}

fn or_dash(number: Option<String>) -> String {
    number.unwrap_or_else(|| "-".to_owned())
}

/// Numbers stand at the right.
fn right(text: String, width: usize) -> String {
    format!("{text:>width$}")
}

/// Room for a name: on a wide screen numbers stay near to it.
const NAME: u16 = 60;

/// A table with a name, which takes what room there is, and numbers of a width each.
fn table<'t>(names: &[(&'t str, usize)], rows: Vec<Vec<String>>, order: Option<&str>) -> Table<'t> {
    let widths = names.iter().enumerate().map(|(at, (_, width))| match at {
        0 => Constraint::Max(NAME.max(*width as u16)),
        _ => Constraint::Length(*width as u16),
    });
    let heading = names.iter().enumerate().map(|(at, (name, width))| {
        let marked = if order == Some(*name) { format!("{name}▼") } else { (*name).to_owned() };
        if at == 0 { marked } else { right(marked, *width) }
    });
    let cells = |row: Vec<String>| {
        Row::new(
            row.into_iter()
                .enumerate()
                .map(|(at, cell)| if at == 0 { cell } else { right(cell, names[at].1) })
                .collect::<Vec<_>>(),
        )
    };
    let header = Row::new(heading.collect::<Vec<_>>()).style(Modifier::BOLD);
    Table::new(rows.into_iter().map(cells).collect::<Vec<_>>(), widths.collect::<Vec<_>>())
        .header(header)
        .row_highlight_style(Modifier::REVERSED)
}

fn show(frame: &mut Frame, area: Rect, table: Table, selected: Option<usize>) {
    let mut state = TableState::default().with_selected(selected);
    frame.render_stateful_widget(table, area, &mut state);
}

fn streams(frame: &mut Frame, app: &App, area: Rect) {
    let names = [
        ("stream", 12),
        ("length", 7),
        ("groups", 6),
        ("pending", 8),
        ("lag", 7),
        ("oldest", 7),
        ("in/s", 6),
        ("out/s", 6),
        ("ack/s", 6),
    ];
    let row = |one: &&Watched| {
        let Watched { overview, rate: Rate { added, delivered, acked }, .. } = one;
        let lag = if overview.groups.is_empty() { Some("-".to_owned()) } else { overview.lag().map(short) };
        vec![
            escaped(&overview.stream.name),
            short(overview.stream.length),
            overview.groups.len().to_string(),
            short(overview.pending()),
            lag.unwrap_or_else(|| "?".to_owned()),
            or_dash(overview.oldest_pending().map(one_unit)),
            rate(*added),
            rate(*delivered),
            rate(*acked),
        ]
    };
    let rows: Vec<Vec<String>> = app.streams().iter().map(row).collect();
    if rows.is_empty() && app.seen.is_some() {
        frame.render_widget(Paragraph::new("\n  There are no streams here."), area);
        return;
    }
    let order = if app.order == Order::Name { "stream" } else { app.order.name() };
    show(frame, area, table(&names, rows, Some(order)), Some(app.selected));
}

/// The greater of the two units of a time.
fn one_unit(ms: i64) -> String {
    span(ms).split(' ').next().unwrap_or_default().to_owned()
}

fn groups(frame: &mut Frame, app: &App, area: Rect) {
    let Some(one) = app.stream() else {
        frame.render_widget(Paragraph::new("\n  The stream is gone."), area);
        return;
    };
    let stream = &one.overview.stream;
    let title = format!(
        "{}  {} entries  {}  last {}",
        escaped(&stream.name),
        short(stream.length),
        or_dash(stream.memory.map(size)),
        stream.last_id
    );
    let names = [
        ("group", 12),
        ("consumers", 9),
        ("pending", 8),
        ("lag", 7),
        ("oldest", 8),
        ("out/s", 7),
        ("ack/s", 7),
    ];
    let rows = one.overview.groups.iter().zip(&one.overview.oldest).zip(&one.group_rates);
    let row = |((group, oldest), moves): ((&Group, &Option<_>), &Rate)| {
        let oldest =
            oldest.as_ref().map(|one: &ackline_admin::view::Pending| one.idle).filter(|idle| *idle >= 0);
        vec![
            escaped(&group.name),
            group.consumers.to_string(),
            short(group.pending),
            group.lag.map_or("?".to_owned(), short),
            or_dash(oldest.map(one_unit)),
            rate(moves.delivered),
            rate(moves.acked),
        ]
    };
    let rows: Vec<Vec<String>> = rows.map(row).collect();
    let [top, below] = Layout::vertical([Constraint::Length(2), Constraint::Min(2)]).areas(area);
    frame.render_widget(Paragraph::new(Line::styled(title, Modifier::BOLD)), top);
    match rows.is_empty() {
        true => frame.render_widget(Paragraph::new("  The stream has no groups."), below),
        false => show(frame, below, table(&names, rows, None), Some(app.selected)),
    }
}

fn group(frame: &mut Frame, app: &App, area: Rect) {
    let View::Group(key, name) = &app.view else { return };
    let detail = app.seen.as_ref().and_then(|seen| seen.detail.clone()).unwrap_or_default();
    let found = findings(app, &detail);
    let consumers = (detail.consumers.len() as u16).min(area.height / 4).max(1);
    let [top, diagnosis, mid, below] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(found.len() as u16 + 1),
        Constraint::Length(consumers + 2),
        Constraint::Min(2),
    ])
    .areas(area);
    let title = format!("{} of {}", escaped(name), escaped(key));
    frame.render_widget(Paragraph::new(Line::styled(title, Modifier::BOLD)), top);
    frame.render_widget(Paragraph::new(found), diagnosis);
    show(frame, mid, consumer_table(&detail), None);
    show(frame, below, pending_table(&detail), Some(app.selected));
}

/// What the doctor says, in a line each.
fn findings<'l>(app: &App, detail: &Detail) -> Vec<Line<'l>> {
    let shown = detail.findings.iter().take(4).map(|finding| match finding.severity {
        Severity::Critical => Line::styled(format!("!! {}", finding.title), ink(app, Color::Red)),
        Severity::Warn => Line::styled(format!("!  {}", finding.title), ink(app, Color::Yellow)),
        Severity::Info => Line::raw(format!("-  {}", finding.title)),
    });
    shown.collect()
}

fn consumer_table(detail: &Detail) -> Table<'static> {
    // Those who hold most are the first of as many as there is room for.
    let mut consumers: Vec<_> = detail.consumers.iter().collect();
    consumers.sort_by_key(|one| (std::cmp::Reverse(one.pending), one.idle));
    let row = |one: &&ackline_admin::view::Consumer| {
        vec![escaped(&one.name), short(one.pending), one_unit(one.idle), or_dash(one.inactive.map(one_unit))]
    };
    let names = [("consumer", 20), ("pending", 8), ("idle", 7), ("inactive", 8)];
    table(&names, consumers.iter().map(row).collect(), None)
}

fn pending_table(detail: &Detail) -> Table<'static> {
    let row = |one: &ackline_admin::view::Pending| {
        let (consumer, idle) = match one.idle {
            ..0 => ("-".to_owned(), "-".to_owned()),
            idle => (escaped(&one.consumer), one_unit(idle)),
        };
        let deliveries = if one.deliveries == i64::MAX { "FATAL".to_owned() } else { short(one.deliveries) };
        vec![one.id.clone(), consumer, idle, deliveries]
    };
    let names = [("pending entry", 22), ("consumer", 20), ("idle", 7), ("deliveries", 10)];
    table(&names, detail.pending.iter().map(row).collect(), None)
}
