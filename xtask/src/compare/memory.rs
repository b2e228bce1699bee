//! Bytes of memory: how much more the server says it uses, divided by what was made.

use super::cases::Metric;
use super::client::Client;
use super::fill::{self, GROUP, KEY, PAYLOAD, id, many};
use super::lab::{Kind, Lab};
use super::server::{Durability, Server};
use super::unit::Row;
use ackline_resp::encode::request;
use std::thread::sleep;
use std::time::Duration;

/// Servers look at their allocator a few times a second only, and some free in the background.
const SETTLE: Duration = Duration::from_millis(400);
/// The peers take the buffers of a connection back when it has been idle for some seconds.
const IDLE: Duration = Duration::from_secs(6);

struct Scale<'a> {
    server: &'a Server,
    /// What was used before.
    before: f64,
    rows: Vec<Row>,
}

/// Everything on one server.
pub(super) fn run(lab: &Lab, kind: Kind) -> Result<Vec<Row>, String> {
    let place = lab.place()?;
    let server = Server::start(lab, kind, 1, Durability::None, &place.0)?;
    let mut scale = Scale { server: &server, before: 0.0, rows: Vec::new() };
    scale.entries(lab.scaled(1_000_000))?;
    scale.streams(lab.scaled(100_000))?;
    scale.members(lab.scaled(100_000))?;
    scale.connections(lab.scaled(1000) as usize)?;
    Ok(scale.rows)
}

impl Scale<'_> {
    fn used(&self) -> Result<f64, String> {
        sleep(SETTLE);
        Ok(self.server.client()?.info("memory", "used_memory")? as f64)
    }

    /// From here on it is counted.
    fn zero(&mut self) -> Result<(), String> {
        self.before = self.used()?;
        Ok(())
    }

    /// What has come since, for one of so many.
    fn keep(&mut self, row: &str, count: u64) -> Result<(), String> {
        let bytes = (self.used()? - self.before) / count as f64;
        self.rows.push((format!("memory/{row}"), vec![(Metric::Bytes, bytes.max(0.0))]));
        Ok(())
    }

    /// Entries and pending entries, and what stays of them when they are gone.
    fn entries(&mut self, count: u64) -> Result<(), String> {
        let mut client = self.server.client()?;
        self.zero()?;
        let empty = self.before;
        fill::add(&mut client, count)?;
        self.keep("entry", count)?;
        client.ask(&["XGROUP", "CREATE", KEY, GROUP, "0"])?;
        self.zero()?;
        fill::deliver(&mut client, count)?;
        self.keep("pending", count)?;
        many(&mut client, 1..=count, |n| vec!["XACK".to_owned(), KEY.into(), GROUP.into(), id(n)])?;
        self.keep("left-acked", count)?;
        self.before = empty;
        client.ask(&["XTRIM", KEY, "MAXLEN", "0"])?;
        self.keep("left-trimmed", count)?;
        client.ask(&["DEL", KEY])?;
        self.keep("left-deleted", count)
    }

    /// Many streams: with one entry, and without.
    fn streams(&mut self, count: u64) -> Result<(), String> {
        let mut client = self.server.client()?;
        let key = |n| format!("stream:{n:06}");
        self.zero()?;
        many(&mut client, 1..=count, |n| {
            ["XADD".into(), key(n), id(1), "f".into(), PAYLOAD.into()].to_vec()
        })?;
        self.keep("stream-one", count)?;
        many(&mut client, 1..=count, |n| ["XTRIM".into(), key(n), "MAXLEN".into(), "0".into()].to_vec())?;
        self.keep("stream-empty", count)
    }

    /// Groups of a stream, and consumers of a group.
    fn members(&mut self, count: u64) -> Result<(), String> {
        let mut client = self.server.client()?;
        fill::add(&mut client, 1)?;
        self.zero()?;
        let group = |n| format!("group:{n:06}");
        many(&mut client, 1..=count, |n| {
            ["XGROUP".into(), "CREATE".into(), KEY.into(), group(n), "$".into()].to_vec()
        })?;
        self.keep("group", count)?;
        self.zero()?;
        let consumer =
            |n| ["XGROUP".into(), "CREATECONSUMER".into(), KEY.into(), group(1), format!("consumer:{n:06}")];
        many(&mut client, 1..=count, |n| consumer(n).to_vec())?;
        self.keep("consumer", count)
    }

    /// Connections that are idle, and others that are blocked.
    fn connections(&mut self, count: usize) -> Result<(), String> {
        let mut read = Vec::new();
        request(&mut read, &["XREAD", "BLOCK", "0", "STREAMS", KEY, "$"]);
        for (row, last) in [("connection", None), ("blocked", Some(&read))] {
            self.zero()?;
            let mut clients = Vec::new();
            for _ in 0..count {
                let mut client = Client::connect(self.server.port)?;
                client.ask(&["PING"])?;
                last.map_or(Ok(()), |read| client.send(read))?;
                clients.push(client);
            }
            sleep(IDLE);
            self.keep(row, count as u64)?;
            drop(clients);
            sleep(SETTLE);
        }
        Ok(())
    }
}
