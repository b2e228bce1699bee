//! Live views: entries as they are added, and the overview each second.

use super::asked::Asked;
use super::caller::Caller;
use super::pages::entries::{contains, entry_row};
use super::pages::server::overview_row;
use super::pool::{Pool, Way};
use super::problem::Problem;
use super::rows::now_ms;
use super::site::Site;
use crate::Value;
use crate::reply::{items, pairs};
use crate::view::{self, Entry};
use ackline_resp::decode_reply::decode_value;
use ackline_resp::encode;
use ackline_server::Who;
use axum::extract::{ConnectInfo, State};
use axum::http::HeaderMap;
use axum::response::Sse;
use axum::response::sse::{Event, KeepAlive};
use futures_util::stream::{Stream, unfold};
use serde_json::json;
use std::collections::VecDeque;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::UnixStream;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Interval, MissedTickBehavior, interval};

/// How often a view is told that it is still alive.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// How often it is asked whether somebody may still watch.
const AGAIN: Duration = Duration::from_millis(500);

/// Entries that are read together, and bytes of a reply.
const TOGETHER: &str = "50";
const REPLY_MAX: usize = 256 * 1024 * 1024;

/// A stream of events.
type Events<S> = Sse<axum::response::sse::KeepAliveStream<S>>;

/// `GET /streams/{key}/tail`. What a view does not take is not read either: it then comes later.
pub(crate) async fn tail(
    State(site): State<Arc<Site>>,
    ConnectInfo(address): ConnectInfo<SocketAddr>,
    caller: Caller,
    asked: Asked,
    headers: HeaderMap,
) -> Result<Events<impl Stream<Item = Result<Event, Infallible>>>, Problem> {
    let permit = Arc::clone(&site.tails).try_acquire_owned();
    let permit = permit.map_err(|_| Problem::too_many("there are 64 live views already"))?;
    // A browser that has lost the connection goes on where it was.
    let last = headers.get("last-event-id").and_then(|id| id.to_str().ok()).map(str::to_owned);
    let from = match last {
        Some(id) => id,
        None => asked.text("from", "$")?,
    };
    let (db, key) = (asked.db()?, asked.key());
    let from = begin(&site, &caller, db, &key, from).await?;
    let client = prepare(&site, &caller, db).await?;
    let tail = Tail {
        client,
        key,
        from,
        contains: asked.bytes("contains"),
        right: Right::new(site, caller, headers, address),
        ready: VecDeque::from([Event::default().event("state").data(json!({ "live": true }).to_string())]),
        _permit: permit,
    };
    let events = unfold(tail, |mut tail| async move {
        let event = tail.next().await?;
        Some((Ok(event), tail))
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)))
}

/// The ID behind which a view begins. `$` is looked up here: what is added from now on is in the view.
async fn begin(site: &Site, caller: &Caller, db: u32, key: &[u8], from: String) -> Result<String, Problem> {
    let key = key.to_vec();
    let job = move |client: &mut crate::Client| {
        // Says what is wrong with the key or the ID; that there is no stream yet is nothing wrong.
        client.call(&[&b"XREAD"[..], b"COUNT", b"1", b"STREAMS", &key, from.as_bytes()])?;
        if from != "$" {
            return Ok(from);
        }
        let newest = view::entries(client, &key, ("-", "+"), true, 1)?;
        Ok(newest.into_iter().next().map_or("0-0".to_owned(), |entry| entry.id))
    };
    site.pool.ask(caller.way.clone(), db, job).await
}

/// A connection of its own, as the caller.
async fn prepare(site: &Arc<Site>, caller: &Caller, db: u32) -> Result<Line, Problem> {
    let way = caller.way.clone();
    let pool = Arc::clone(&site.pool);
    let mut line = Line::open(&pool, &way)?;
    if let Way::Password(user, password) = way {
        line.call(&[b"AUTH", user.as_bytes(), password.as_bytes()]).await?;
    }
    if db != 0 {
        line.call(&[b"SELECT", db.to_string().as_bytes()]).await?;
    }
    Ok(line)
}

/// One live view of a stream.
struct Tail {
    client: Line,
    key: Vec<u8>,
    /// The ID behind which to go on.
    from: String,
    contains: Option<Vec<u8>>,
    right: Right,
    ready: VecDeque<Event>,
    _permit: OwnedSemaphorePermit,
}

impl Tail {
    /// The next event; `None` at the end, which is an error's or the server's.
    async fn next(&mut self) -> Option<Event> {
        while self.ready.is_empty() {
            let words: [&[u8]; 8] = [
                b"XREAD",
                b"BLOCK",
                b"0",
                b"COUNT",
                TOGETHER.as_bytes(),
                b"STREAMS",
                &self.key,
                self.from.as_bytes(),
            ];
            let reply = self.client.call(&words).await.ok()?;
            if !self.right.holds().await {
                return None;
            }
            for entry in entries(&reply) {
                self.from.clone_from(&entry.id);
                let fields = entry.fields.as_deref().unwrap_or_default();
                if self.contains.as_ref().is_none_or(|text| contains(fields, text)) {
                    let data = entry_row(&entry).to_string();
                    self.ready.push_back(Event::default().event("entry").id(entry.id).data(data));
                }
            }
        }
        self.ready.pop_front()
    }
}

/// By what right somebody watches.
struct Right {
    site: Arc<Site>,
    caller: Caller,
    headers: HeaderMap,
    from: SocketAddr,
    asked: Instant,
}

impl Right {
    fn new(site: Arc<Site>, caller: Caller, headers: HeaderMap, from: SocketAddr) -> Right {
        Right { site, caller, headers, from, asked: Instant::now() }
    }

    /// Whether it still holds, asked once in a while: one may have logged out, and passwords and tokens change.
    async fn holds(&mut self) -> bool {
        if self.asked.elapsed() < AGAIN {
            return true;
        }
        self.asked = Instant::now();
        let now = self.site.caller(&self.headers, self.from).await;
        now.is_ok_and(|now| now.name == self.caller.name)
    }
}

/// The entries in a reply of XREAD about one stream.
fn entries(reply: &Value) -> Vec<Entry> {
    let of = match reply {
        Value::Map(_) => pairs(reply).first().map(|(_, entries)| *entries),
        _ => items(reply).first().and_then(|stream| items(stream).get(1)),
    };
    of.map(items).unwrap_or_default().iter().filter_map(view::entry).collect()
}

/// A connection whose replies may take for ever, without a thread that waits for them.
struct Line {
    stream: UnixStream,
    input: Vec<u8>,
}

impl Line {
    fn open(pool: &Pool, way: &Way) -> Result<Line, Problem> {
        let who = match way {
            Way::As(who) => who.clone(),
            Way::Password(..) => Who::Nobody,
        };
        let stream = pool.plain(who).and_then(|stream| {
            stream.set_nonblocking(true)?;
            UnixStream::from_std(stream)
        });
        let stream = stream.map_err(|error| Problem::from(crate::Error::Io(error)))?;
        Ok(Line { stream, input: Vec::new() })
    }

    async fn call(&mut self, words: &[&[u8]]) -> Result<Value, Problem> {
        let mut out = Vec::new();
        encode::request(&mut out, words);
        self.send(&out).await.map_err(|error| Problem::busy(&error.to_string()))?;
        loop {
            let decoded = decode_value(&self.input).map_err(|error| Problem::busy(&error.to_string()))?;
            match decoded {
                Some((value, taken)) => {
                    self.input.drain(..taken);
                    match value {
                        Value::Error(text) => return Err(Problem::said(&String::from_utf8_lossy(&text))),
                        value => return Ok(value),
                    }
                }
                None => self.read().await.map_err(|error| Problem::busy(&error.to_string()))?,
            }
        }
    }

    async fn send(&self, mut out: &[u8]) -> std::io::Result<()> {
        while !out.is_empty() {
            self.stream.writable().await?;
            match self.stream.try_write(out) {
                Ok(written) => out = &out[written..],
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// As much more as there is already, so that a long reply is not decoded from its start too often.
    async fn read(&mut self) -> std::io::Result<()> {
        if self.input.len() > REPLY_MAX {
            return Err(std::io::Error::other("a reply is too long"));
        }
        let (before, room) = (self.input.len(), self.input.len().max(64 * 1024));
        self.input.resize(before + room, 0);
        let mut filled = before;
        let result = loop {
            match self.stream.try_read(&mut self.input[filled..]) {
                Ok(0) if filled < self.input.len() => break Err(std::io::ErrorKind::UnexpectedEof.into()),
                Ok(read) => filled += read,
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock && filled == before => {
                    if let Err(error) = self.stream.readable().await {
                        break Err(error);
                    }
                    continue;
                }
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => break Ok(()),
                Err(error) => break Err(error),
            }
            if filled == self.input.len() {
                break Ok(());
            }
        };
        self.input.truncate(filled);
        result
    }
}

/// `GET /events`: `tick` each second.
pub(crate) async fn events(
    State(site): State<Arc<Site>>,
    ConnectInfo(address): ConnectInfo<SocketAddr>,
    caller: Caller,
    headers: HeaderMap,
) -> Result<Events<impl Stream<Item = Result<Event, Infallible>>>, Problem> {
    let permit = Arc::clone(&site.ticks).try_acquire_owned();
    let permit = permit.map_err(|_| Problem::too_many("there are 64 live views already"))?;
    let mut every = interval(Duration::from_secs(1));
    every.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let ticks = Ticks { right: Right::new(site, caller, headers, address), every, _permit: permit };
    let events = unfold(ticks, |mut ticks| async move {
        let event = ticks.next().await?;
        Some((Ok(event), ticks))
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)))
}

struct Ticks {
    right: Right,
    every: Interval,
    _permit: OwnedSemaphorePermit,
}

impl Ticks {
    async fn next(&mut self) -> Option<Event> {
        self.every.tick().await;
        if !self.right.holds().await {
            return None;
        }
        let Right { site, caller, .. } = &self.right;
        let samples = Arc::clone(&site.samples);
        let sync = site.handle.config().string("appendfsync");
        let ask = move |client: &mut crate::Client| Ok(overview_row(client, &samples, &sync)?);
        let overview = site.pool.ask(caller.way.clone(), 0, ask).await.ok()?;
        Some(Event::default().event("tick").data(json!({ "at": now_ms(), "overview": overview }).to_string()))
    }
}
