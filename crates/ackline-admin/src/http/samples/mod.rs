//! What was measured lately: the server each second, and the streams that somebody looks at or that much happens in.
//!
//! ```text
//! sampler (a thread) ── push ──► Samples ──► rates of rows, curves, totals
//! ring    a number over time, a byte or two a point        series  an hour by seconds, a week by minutes
//! walk    step by step over all streams: totals, and who is busy
//! ```

mod followed;
mod ring;
mod sampler;
mod series;
mod walk;

pub(crate) use sampler::start;
pub(crate) use series::Step;

use super::rows::now_ms;
use followed::Streams;
use parking_lot::Mutex;
use series::{Series, gains};

/// Streams that are followed, and groups of all of them together.
const STREAMS: usize = 200;
const GROUPS: usize = 300;

/// Bytes that one series takes at most.
#[cfg(test)]
const SERIES_BYTES: usize = 40 * 1024;

/// Rates of a stream.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct StreamRates {
    pub(crate) added: Option<f64>,
    pub(crate) acked: Option<f64>,
}

/// Rates of a group.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct GroupRates {
    pub(crate) delivered: Option<f64>,
    pub(crate) acked: Option<f64>,
}

/// Rates of the server.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct ServerRates {
    pub(crate) ops: Option<f64>,
    pub(crate) net_in: Option<f64>,
    pub(crate) net_out: Option<f64>,
}

/// Over all databases.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Totals {
    pub(crate) streams: i64,
    pub(crate) groups: i64,
    pub(crate) pending: i64,
    /// Entries in streams of dead letters.
    pub(crate) dead: i64,
    /// Unix ms.
    pub(crate) as_of: i64,
}

/// The server in one second.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ServerSample {
    pub(crate) commands: i64,
    pub(crate) net_in: i64,
    pub(crate) net_out: i64,
    pub(crate) memory: i64,
    pub(crate) clients: i64,
    pub(crate) blocked: i64,
}

/// The server over time: counters first.
#[derive(Default)]
struct Server {
    commands: Series,
    net_in: Series,
    net_out: Series,
    memory: Series,
    clients: Series,
    blocked: Series,
}

/// All samples. At most 6 series of the server, 2 of each followed stream and 3 of each of their groups: 50 MiB if each of them
/// changed wildly for a week, a few if not.
#[derive(Default)]
pub(crate) struct Samples(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    server: Server,
    streams: Streams,
    totals: Option<Totals>,
    /// The second in which somebody last asked for totals or for a stream; 0 = nobody has.
    asked_at: i64,
}

/// For how many seconds after a question others are expected.
const WATCHED: i64 = 60;

impl Samples {
    /// Rates of a stream; unknown where it is not followed.
    pub(crate) fn stream_rates(&self, db: u32, key: &[u8]) -> StreamRates {
        self.0.lock().streams.find(db, key).map(|stream| stream.rates(this_second())).unwrap_or_default()
    }

    /// Rates of a group; unknown where its stream is not followed.
    pub(crate) fn group_rates(&self, db: u32, key: &[u8], group: &[u8]) -> GroupRates {
        let inner = self.0.lock();
        let group = inner.streams.find(db, key).and_then(|stream| stream.group(group));
        group.map(|group| group.rates(this_second())).unwrap_or_default()
    }

    /// Rates of the server.
    pub(crate) fn server_rates(&self) -> ServerRates {
        let (inner, now) = (self.0.lock(), this_second());
        let Server { commands, net_in, net_out, .. } = &inner.server;
        ServerRates { ops: commands.rate(now), net_in: net_in.rate(now), net_out: net_out.rate(now) }
    }

    /// The last complete count, or the one under way if it has come further.
    pub(crate) fn totals(&self) -> Option<Totals> {
        let mut inner = self.0.lock();
        inner.asked_at = this_second();
        inner.totals
    }

    /// Whether somebody has asked lately.
    fn is_watched(&self, now: i64) -> bool {
        now - self.0.lock().asked_at < WATCHED
    }

    /// Somebody looks at these streams: they are followed.
    pub(crate) fn looked_at<'k>(&self, db: u32, keys: impl Iterator<Item = &'k [u8]>) {
        let (mut inner, now) = (self.0.lock(), this_second());
        inner.asked_at = now;
        keys.for_each(|key| inner.streams.looked_at(db, key, now));
    }

    /// The points of a curve, and the unix ms of the last. All are unknown if there is no such curve.
    pub(crate) fn curve(&self, curve: &Curve, step: Step, points: usize) -> (i64, Vec<Option<f64>>) {
        let inner = self.0.lock();
        // The slot before this one is complete.
        let last = now_ms().div_euclid(step.ms()) - 1;
        let found = match curve {
            Curve::Server(name) => inner.server.curve(name, step, last, points),
            Curve::Stream(db, key, name) => {
                inner.streams.find(*db, key).and_then(|stream| stream.curve(name, step, last, points))
            }
            Curve::Group(db, key, group, name) => {
                let group = inner.streams.find(*db, key).and_then(|stream| stream.group(group));
                group.and_then(|group| group.curve(name, step, last, points))
            }
        };
        (last * step.ms(), found.unwrap_or_else(|| vec![None; points]))
    }

    fn push_server(&self, second: i64, sample: ServerSample) {
        let mut inner = self.0.lock();
        let Server { commands, net_in, net_out, memory, clients, blocked } = &mut inner.server;
        let all = [
            (commands, sample.commands),
            (net_in, sample.net_in),
            (net_out, sample.net_out),
            (memory, sample.memory),
            (clients, sample.clients),
            (blocked, sample.blocked),
        ];
        all.into_iter().for_each(|(series, value)| series.push(second, Some(value)));
    }
}

/// Which curve.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Curve {
    Server(String),
    Stream(u32, Vec<u8>, String),
    Group(u32, Vec<u8>, Vec<u8>, String),
}

impl Curve {
    /// `ops`, `stream/{key}/length`, `group/{key}/{group}/lag`; names of streams and groups percent-encoded.
    pub(crate) fn of(db: u32, name: &str) -> Option<Curve> {
        let parts: Vec<&str> = name.split('/').collect();
        let bytes = |part: &str| percent_encoding::percent_decode_str(part).collect();
        match parts[..] {
            [name] if SERVER.contains(&name) => Some(Curve::Server(name.to_owned())),
            ["stream", key, name] if followed::STREAM.contains(&name) => {
                Some(Curve::Stream(db, bytes(key), name.to_owned()))
            }
            ["group", key, group, name] if followed::GROUP.contains(&name) => {
                Some(Curve::Group(db, bytes(key), bytes(group), name.to_owned()))
            }
            _ => None,
        }
    }
}

/// Names of the server's curves.
const SERVER: &[&str] = &["ops", "net_in", "net_out", "memory", "clients", "blocked"];

impl Server {
    fn curve(&self, name: &str, step: Step, last: i64, points: usize) -> Option<Vec<Option<f64>>> {
        let gained = |series: &Series| gains(&series.values(step, last, points + 1), step);
        Some(match name {
            "ops" => gained(&self.commands),
            "net_in" => gained(&self.net_in),
            "net_out" => gained(&self.net_out),
            "memory" => levels(&self.memory, step, last, points),
            "clients" => levels(&self.clients, step, last, points),
            "blocked" => levels(&self.blocked, step, last, points),
            _ => return None,
        })
    }
}

fn levels(series: &Series, step: Step, last: i64, points: usize) -> Vec<Option<f64>> {
    series.values(step, last, points).into_iter().map(|value| value.map(|value| value as f64)).collect()
}

fn this_second() -> i64 {
    now_ms().div_euclid(1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_curves() {
        assert_eq!(Curve::of(0, "ops"), Some(Curve::Server("ops".to_owned())));
        let stream = Curve::Stream(2, b"a/b".to_vec(), "length".to_owned());
        assert_eq!(Curve::of(2, "stream/a%2Fb/length"), Some(stream));
        let group = Curve::Group(0, b"s".to_vec(), b"\xff".to_vec(), "acked".to_owned());
        assert_eq!(Curve::of(0, "group/s/%ff/acked"), Some(group));
        for wrong in ["", "nosuch", "stream/a", "stream/a/lag", "group/a/b/length", "stream/a/b/length"] {
            assert_eq!(Curve::of(0, wrong), None, "{wrong}");
        }
    }

    #[test]
    fn all_series_together_are_bounded() {
        let series = SERVER.len() + 2 * STREAMS + 3 * GROUPS;
        assert!(series * SERIES_BYTES <= 52 << 20, "{}", series * SERIES_BYTES);
    }
}
