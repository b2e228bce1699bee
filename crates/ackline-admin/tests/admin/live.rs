//! Live views.

use crate::server::{Events, Server};
use serde_json::{Value as Json, json};

fn add(server: &Server, numbers: std::ops::RangeInclusive<u64>) {
    let mut client = server.client();
    numbers.for_each(|n| {
        drop(client.call(&["XADD", "orders", &format!("{n}-0"), "n", &n.to_string()]).unwrap())
    });
}

fn live(mut events: Events) -> Events {
    let state = events.next();
    assert_eq!((state.name.as_str(), state.data.as_str()), ("state", r#"{"live":true}"#));
    events
}

#[test]
fn entries_come_as_they_are_added() {
    let server = Server::start();
    add(&server, 1..=3);
    let mut all = live(server.events("/streams/orders/tail?from=0", &[]));
    let mut new = live(server.events("/streams/orders/tail?from=3-0", &[]));
    assert_eq!([all.next_number(), all.next_number(), all.next_number()], [1, 2, 3]);
    add(&server, 4..=5);
    assert_eq!([all.next_number(), all.next_number()], [4, 5]);
    assert_eq!([new.next_number(), new.next_number()], [4, 5]);
}

#[test]
fn a_view_goes_on_where_it_was() {
    let server = Server::start();
    add(&server, 1..=200);
    let mut first = live(server.events("/streams/orders/tail?from=0", &[]));
    (1..=120).for_each(|n| assert_eq!(first.next_number(), n));
    drop(first);
    add(&server, 201..=210);
    // As a browser does it, and as a page that was paused.
    let again = live(server.events("/streams/orders/tail", &["Last-Event-ID: 120-0"]));
    let paused = live(server.events("/streams/orders/tail?from=120-0", &[]));
    for mut events in [again, paused] {
        (121..=210).for_each(|n| assert_eq!(events.next_number(), n));
    }
}

#[test]
fn only_what_contains_a_text() {
    let server = Server::start();
    add(&server, 1..=120);
    let mut events = live(server.events("/streams/orders/tail?from=0&contains=11", &[]));
    for n in [11, 110, 111, 112, 113, 114, 115, 116, 117, 118, 119] {
        assert_eq!(events.next_number(), n);
    }
    add(&server, 210..=212);
    assert_eq!(events.next_number(), 211);
}

#[test]
fn a_stream_that_is_still_to_come() {
    let server = Server::start();
    let mut events = live(server.events("/streams/orders/tail", &[]));
    add(&server, 1..=1);
    assert_eq!(events.next_number(), 1);
    let wrong = server.get("/streams/orders/tail?from=x");
    assert_eq!((wrong.status, wrong.code()), (422, "ERR".to_owned()));
}

#[test]
fn a_tick_each_second() {
    let server = Server::start();
    let mut events = server.events("/events", &[]);
    for _ in 0..2 {
        let tick = events.next();
        assert_eq!(tick.name, "tick");
        let tick: Json = serde_json::from_str(&tick.data).unwrap();
        assert_eq!(tick["overview"]["server"]["port"], server.port);
    }
}

#[test]
fn live_views_have_a_limit_and_make_room() {
    let server = Server::start();
    add(&server, 1..=1);
    let mut views: Vec<Events> = (0..64).map(|_| live(server.events("/streams/orders/tail", &[]))).collect();
    let refused = server.get("/streams/orders/tail");
    assert_eq!((refused.status, refused.code()), (429, "TOO_MANY".to_owned()));
    // Others are not affected, and a view that goes away makes room.
    assert_eq!(server.json("/streams/orders")["length"], 1);
    drop(views.pop());
    // An ID that is none is only found by those for whom there is room.
    server.until("room for one more", || server.get("/streams/orders/tail?from=x").status == 422);
}

#[test]
fn views_end_with_the_server() {
    let server = Server::start();
    add(&server, 1..=1);
    let tail = live(server.events("/streams/orders/tail", &[]));
    let ticks = server.events("/events", &[]);
    drop(server);
    assert!(tail.ends());
    assert!(ticks.ends());
}

#[test]
fn views_end_with_the_right_to_see_them() {
    let server = Server::start_with(&["--admin-token", "operate"]);
    add(&server, 1..=1);
    let login = server.post("/login", &json!({"token": "operate"}));
    let session = login.header("set-cookie").and_then(|cookie| cookie.split(';').next()).unwrap();
    let session = format!("Cookie: {session}");
    let tail = live(server.events("/streams/orders/tail", &[&session]));
    let mut ticks = server.events("/events", &[&session]);
    assert_eq!(ticks.next().name, "tick");
    let kind = "Content-Type: application/json";
    assert_eq!(server.send("POST", "/api/v1/logout", &[&session, kind], "").status, 200);
    assert!(ticks.ends());
    add(&server, 2..=2);
    assert!(tail.ends());
}

#[test]
fn samples_are_not_shown_to_monitors() {
    let server = Server::start();
    add(&server, 1..=1);
    let mut monitor = server.client();
    monitor.call(&["MONITOR"]).unwrap();
    // Some seconds of samples, the first of them under the monitor's eyes.
    server.until("samples", || server.json("/streams/orders")["added_per_second"].is_number());
    server.call("ECHO end");
    loop {
        let line = ackline_admin::reply::text(&monitor.receive().unwrap());
        assert!(!line.contains("\"keyspace\""), "{line}");
        if line.contains("\"end\"") {
            return;
        }
    }
}
