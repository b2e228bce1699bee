//! Takes the samples, each second, on a thread of its own and a connection of its own.

use super::followed::StreamSample;
use super::walk::Walk;
use super::{Samples, ServerSample, this_second};
use crate::client::{Client, Error};
use crate::http::info::Info;
use crate::http::pool::Pool;
use crate::http::rows::now_ms;
use crate::reply::{field, field_int};
use crate::{Value, view};
use ackline_server::{Handle, Who};
use std::collections::HashSet;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

/// Streams that are asked about together: XINFO STREAM answers two entries of each.
const TOGETHER: usize = 20;

/// Bytes of those entries from which on a stream is asked less often, and how often.
const HEAVY: usize = 64 * 1024;
const RARELY: i64 = 10;

/// Starts the thread. It ends with the server.
pub(crate) fn start(handle: Handle, pool: Arc<Pool>, samples: Arc<Samples>) -> std::io::Result<()> {
    let sampler = Sampler { pool, samples, walk: Walk::default(), heavy: HashSet::new(), own: 0 };
    thread::Builder::new().name("admin-samples".into()).spawn(move || sampler.run(&handle)).map(drop)
}

struct Sampler {
    pool: Arc<Pool>,
    samples: Arc<Samples>,
    walk: Walk,
    /// Streams with large entries.
    heavy: HashSet<(u32, Vec<u8>)>,
    /// Commands of our own, which nobody wants to see in the server's rate.
    own: u64,
}

impl Sampler {
    fn run(mut self, handle: &Handle) {
        let mut client = None;
        while !handle.is_stopping() {
            // At the full second, as far as the system lets us.
            thread::sleep(Duration::from_millis(1000 - now_ms().rem_euclid(1000) as u64));
            if handle.is_loading() {
                continue;
            }
            // What went wrong is over with the connection: the next second begins anew.
            client = client.or_else(|| self.connect().ok());
            if let Some(open) = &mut client
                && self.sample(open).is_err()
            {
                client = None;
            }
        }
    }

    fn connect(&mut self) -> Result<Client, Error> {
        let mut client = self.pool.connect(Who::Operator)?;
        // To be looked at by us does not make a key be in use.
        client.call(&["CLIENT", "NO-TOUCH", "ON"])?;
        client.call(&["CLIENT", "SETNAME", "ackline-admin-samples"])?;
        self.own += 2;
        Ok(client)
    }

    fn sample(&mut self, client: &mut Client) -> Result<(), Error> {
        let second = this_second();
        let info = Info::of_sections(client, &["clients", "memory", "stats", "keyspace"])?;
        self.samples.push_server(second, self.server(&info));
        self.own += 1;
        let databases: Vec<u32> = info.databases().into_iter().map(|(db, _)| db).collect();
        self.streams(client, second)?;
        self.own += self.walk.turn(client, &databases, &self.samples)?;
        self.walk.tidy();
        Ok(())
    }

    fn server(&self, info: &Info) -> ServerSample {
        ServerSample {
            commands: info.int("total_commands_processed") - self.own as i64,
            net_in: info.int("total_net_input_bytes"),
            net_out: info.int("total_net_output_bytes"),
            memory: info.int("used_memory"),
            clients: info.int("connected_clients"),
            blocked: info.int("blocked_clients"),
        }
    }

    /// The streams that are followed, a database after the other.
    fn streams(&mut self, client: &mut Client, second: i64) -> Result<(), Error> {
        let mut keys = self.samples.0.lock().streams.keys();
        self.heavy.retain(|key| keys.contains(key));
        keys.sort_unstable();
        for keys in keys.chunk_by(|a, b| a.0 == b.0) {
            client.call(&["SELECT", &keys[0].0.to_string()])?;
            self.own += 1;
            for keys in keys.chunks(TOGETHER) {
                self.ask(client, keys, second)?;
            }
        }
        Ok(())
    }

    fn ask(&mut self, client: &mut Client, keys: &[(u32, Vec<u8>)], second: i64) -> Result<(), Error> {
        let word = |text: &[u8]| text.to_vec();
        let commands: Vec<Vec<Vec<u8>>> = keys
            .iter()
            .flat_map(|at| {
                let spared = second % RARELY != 0 && self.heavy.contains(at);
                let first = if spared {
                    vec![word(b"XLEN"), at.1.clone()]
                } else {
                    vec![word(b"XINFO"), word(b"STREAM"), at.1.clone()]
                };
                [first, vec![word(b"XINFO"), word(b"GROUPS"), at.1.clone()]]
            })
            .collect();
        let replies = client.call_all(&commands)?;
        self.own += commands.len() as u64;
        for (at, replies) in keys.iter().zip(replies.chunks_exact(2)) {
            let [info, groups] = replies else { continue };
            if weight(info) > HEAVY {
                self.heavy.insert(at.clone());
            }
            let sample = sample_of(info, groups);
            self.samples.0.lock().streams.push((at.0, &at.1), second, &sample);
        }
        Ok(())
    }
}

/// A stream, of the replies to XINFO STREAM or XLEN, and XINFO GROUPS. One that is gone is a gap.
fn sample_of(info: &Value, groups: &Value) -> StreamSample {
    match (info, groups) {
        (_, Value::Error(_)) => StreamSample::default(),
        (Value::Int(length), groups) => {
            StreamSample { length: Some(*length), added: None, groups: view::groups_of(groups) }
        }
        (info, groups) => StreamSample {
            length: field_int(info, "length"),
            added: field_int(info, "entries-added"),
            groups: view::groups_of(groups),
        },
    }
}

/// Bytes of the entries in a reply to XINFO STREAM.
fn weight(info: &Value) -> usize {
    let entries =
        ["first-entry", "last-entry"].into_iter().filter_map(|name| field(info, name).and_then(view::entry));
    entries
        .flat_map(|entry| entry.fields.unwrap_or_default())
        .map(|(name, value)| name.len() + value.len())
        .sum()
}
