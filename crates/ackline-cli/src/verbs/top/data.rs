//! What `top` shows, and how it is collected: a bounded amount of work each time, however many streams there are.

use super::app::View;
use ackline_admin::doctor::{self, Finding};
use ackline_admin::reply::text;
use ackline_admin::view::{self, Consumer, Group, Overview, Pending, PendingFilter};
use ackline_admin::{Client, Error};
use std::collections::{BTreeMap, VecDeque};
use std::time::Instant;

/// Streams that are known at most.
const STREAMS: usize = 10_000;

/// Streams that one look asks for; with more of them each has its turn.
const TOGETHER: usize = 200;

/// Looks after which new keys are searched for.
const SEARCH: u32 = 5;

/// Pending entries that are shown.
const PENDING: u64 = 100;

/// Points of a sparkline.
pub(super) const POINTS: usize = 120;

/// What the server says of itself.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Server {
    pub(super) name: String,
    /// Commands in a second.
    pub(super) ops: i64,
    /// Commands ever.
    pub(super) commands: i64,
    pub(super) memory: i64,
    pub(super) clients: i64,
    pub(super) blocked: i64,
}

/// What happens in a second; `None` if it is not known yet, or not at all.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Rate {
    pub(super) added: Option<f64>,
    pub(super) delivered: Option<f64>,
    pub(super) acked: Option<f64>,
}

/// A stream as it was seen last.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Watched {
    pub(super) overview: Overview,
    pub(super) rate: Rate,
    /// In the order of its groups.
    pub(super) group_rates: Vec<Rate>,
}

/// One group in detail.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Detail {
    pub(super) consumers: Vec<Consumer>,
    pub(super) pending: Vec<Pending>,
    pub(super) findings: Vec<Finding>,
}

/// Everything that is to be drawn.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Seen {
    pub(super) server: Server,
    pub(super) streams: Vec<Watched>,
    pub(super) detail: Option<Detail>,
    /// Entries added in a second over all streams, look by look.
    pub(super) added: Vec<u64>,
}

/// Looks, and remembers what was there before.
pub(super) struct Collector {
    client: Client,
    known: BTreeMap<Vec<u8>, Option<(Instant, Watched)>>,
    /// The key whose turn it is next.
    turn: Vec<u8>,
    looks: u32,
    /// How many commands there had been, and when.
    commands: Option<(Instant, i64)>,
    added: VecDeque<u64>,
}

impl Collector {
    pub(super) fn new(client: Client) -> Collector {
        Collector {
            client,
            known: BTreeMap::new(),
            turn: Vec::new(),
            looks: 0,
            commands: None,
            added: VecDeque::new(),
        }
    }

    pub(super) fn reconnect(&mut self, client: Client) {
        self.client = client;
    }

    pub(super) fn look(&mut self, view: &View) -> Result<Seen, Error> {
        if self.looks.is_multiple_of(SEARCH) {
            self.search()?;
        }
        self.looks += 1;
        let server = self.server()?;
        match view {
            View::Streams => self.refresh_some()?,
            View::Groups(key) | View::Group(key, _) => self.refresh(vec![key.clone()])?,
        }
        let streams: Vec<Watched> =
            self.known.values().flatten().map(|(_, watched)| watched.clone()).collect();
        let added: f64 = streams.iter().filter_map(|one| one.rate.added).sum();
        self.added.push_back(added.round() as u64);
        self.added.drain(..self.added.len().saturating_sub(POINTS));
        let detail = match view {
            View::Group(key, group) => Some(detail(&mut self.client, key, group)?),
            _ => None,
        };
        Ok(Seen { server, streams, detail, added: self.added.iter().copied().collect() })
    }

    /// Commands in a second are counted here: not every server averages them over the same time.
    fn server(&mut self) -> Result<Server, Error> {
        let mut server = server_of(&text(&self.client.call(&["INFO"])?));
        let now = Instant::now();
        if let Some((at, before)) = self.commands.replace((now, server.commands)) {
            let seconds = now.duration_since(at).as_secs_f64().max(0.001);
            server.ops = (server.commands.saturating_sub(before).max(0) as f64 / seconds) as i64;
        }
        Ok(server)
    }

    fn search(&mut self) -> Result<(), Error> {
        let (mut cursor, mut found) = (0, Vec::new());
        loop {
            let (next, keys) = view::stream_keys(&mut self.client, cursor, b"*", 1000)?;
            found.extend(keys);
            if next == 0 || found.len() >= STREAMS {
                break;
            }
            cursor = next;
        }
        found.truncate(STREAMS);
        let mut before = std::mem::take(&mut self.known);
        self.known = found.into_iter().map(|key| (key.clone(), before.remove(&key).flatten())).collect();
        Ok(())
    }

    fn refresh_some(&mut self) -> Result<(), Error> {
        let behind = self.known.range(self.turn.clone()..).map(|(key, _)| key);
        let from_start = self.known.range(..self.turn.clone()).map(|(key, _)| key);
        let mut keys: Vec<Vec<u8>> = behind.chain(from_start).take(TOGETHER + 1).cloned().collect();
        self.turn = if keys.len() > TOGETHER { keys.pop().unwrap_or_default() } else { Vec::new() };
        self.refresh(keys)
    }

    fn refresh(&mut self, keys: Vec<Vec<u8>>) -> Result<(), Error> {
        let found = view::overviews(&mut self.client, &keys)?;
        let now = Instant::now();
        // What is gone is not shown any more.
        let taken = keys.into_iter().map(|key| (self.known.remove(&key).flatten(), key));
        let mut before: BTreeMap<_, _> = taken.map(|(old, key)| (key, old)).collect();
        for overview in found {
            let key = overview.stream.name.clone();
            let watched = match before.remove(&key).flatten() {
                Some((at, before)) => {
                    watched(overview, &before.overview, now.duration_since(at).as_secs_f64())
                }
                None => unknown(overview),
            };
            self.known.insert(key, Some((now, watched)));
        }
        Ok(())
    }
}

/// Seen for the first time.
pub(super) fn unknown(overview: Overview) -> Watched {
    let group_rates = vec![Rate::default(); overview.groups.len()];
    Watched { overview, rate: Rate::default(), group_rates }
}

/// Seen again after so many seconds.
pub(super) fn watched(overview: Overview, before: &Overview, seconds: f64) -> Watched {
    let a_second = |more: i64| (seconds > 0.0).then(|| more.max(0) as f64 / seconds);
    let added = a_second(overview.stream.entries_added.saturating_sub(before.stream.entries_added));
    let of_group = |group: &Group| {
        let earlier = before.groups.iter().find(|one| one.name == group.name);
        let read =
            earlier.and_then(|earlier| Some(group.entries_read?.saturating_sub(earlier.entries_read?)));
        let kept = earlier.map_or(0, |earlier| group.pending.saturating_sub(earlier.pending));
        Rate {
            added,
            delivered: read.and_then(a_second),
            acked: read.and_then(|read| a_second(read.saturating_sub(kept))),
        }
    };
    let group_rates: Vec<Rate> = overview.groups.iter().map(of_group).collect();
    let sum = |of: fn(&Rate) -> Option<f64>| group_rates.iter().filter_map(of).reduce(|a, b| a + b);
    let rate = Rate { added, delivered: sum(|rate| rate.delivered), acked: sum(|rate| rate.acked) };
    Watched { overview, rate, group_rates }
}

fn detail(client: &mut Client, key: &[u8], group: &[u8]) -> Result<Detail, Error> {
    let facts = doctor::gather(client, key, group)?;
    let (pending, _) = view::pending(client, key, group, &PendingFilter::default(), PENDING)?;
    Ok(Detail { findings: doctor::diagnose(&facts), consumers: facts.consumers, pending })
}

/// Picks out of INFO.
pub(super) fn server_of(info: &str) -> Server {
    let find = |name: &str| {
        info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).unwrap_or_default()
    };
    let number = |name: &str| find(name).trim().parse().unwrap_or(0);
    let kinds = [
        ("ackline_version", "Ackline"),
        ("valkey_version", "Valkey"),
        ("dragonfly_version", "Dragonfly"),
        ("redis_version", "Redis"),
    ];
    let named = kinds.iter().find(|(field, _)| !find(field).is_empty());
    Server {
        name: named.map_or(String::new(), |(field, kind)| format!("{kind} {}", find(field).trim())),
        ops: 0,
        commands: number("total_commands_processed"),
        memory: number("used_memory"),
        clients: number("connected_clients"),
        blocked: number("blocked_clients"),
    }
}
