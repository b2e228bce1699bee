//! Random commands over few keys, groups, consumers and IDs, so that most of them meet something.

use crate::model::{
    ClaimOptions, Command, Id, Mode, Model, NewId, Policy, ReadOptions, Threshold, Trim, When,
};
use crate::rng::Rng;

/// The keys used.
pub const KEYS: [&str; 2] = ["s", "t"];
/// The groups used.
pub const GROUPS: [&str; 2] = ["g", "h"];
const CONSUMERS: [&str; 4] = ["a", "b", "c", ""];

/// Invents commands.
pub struct Workload {
    rng: Rng,
}

impl Workload {
    /// The commands of a seed.
    pub fn new(seed: u64) -> Workload {
        Workload { rng: Rng::new(seed) }
    }

    /// How long to wait before the next command, in ms.
    pub fn pause(&mut self) -> i64 {
        if self.rng.one_in(3) { self.rng.between(1, 7) } else { 0 }
    }

    /// The next command. It looks at the model to find IDs that exist.
    pub fn command(&mut self, model: &Model) -> Command {
        match self.rng.below(100) {
            0..24 => self.add(model),
            24..34 => self.on_stream(model),
            34..44 => self.on_group(model),
            44..66 => self.read(model),
            66..72 => self.acknowledge(model),
            72..80 => self.nack(model),
            80..93 => self.claim(model),
            _ => self.pending(model),
        }
    }

    fn key(&mut self) -> String {
        (*self.rng.pick(&KEYS)).to_owned()
    }

    fn group(&mut self) -> String {
        let groups = [GROUPS[0], GROUPS[0], GROUPS[0], GROUPS[1], GROUPS[1], "nobody"];
        (*self.rng.pick(&groups)).to_owned()
    }

    fn consumer(&mut self) -> String {
        (*self.rng.pick(&CONSUMERS)).to_owned()
    }

    fn policy(&mut self) -> Option<Policy> {
        self.rng.maybe(2, |rng| *rng.pick(&[Policy::KeepRef, Policy::DelRef, Policy::Acked]))
    }

    /// Mostly an entry, pending or live; sometimes any ID.
    fn id(&mut self, model: &Model, key: &str) -> Id {
        let stream = model.streams.get(key);
        let pending =
            stream.into_iter().flat_map(|stream| stream.groups.values()).flat_map(|group| &group.pending);
        let live = stream.into_iter().flat_map(|stream| stream.entries.keys().copied());
        let known: Vec<Id> = pending.map(|pending| pending.id).chain(live).collect();
        match known.is_empty() || self.rng.one_in(8) {
            true => (self.rng.below(model.now as u64 + 5), self.rng.below(3)),
            false => *self.rng.pick(&known),
        }
    }

    fn ids(&mut self, model: &Model, key: &str) -> Vec<Id> {
        (0..self.rng.between(1, 5)).map(|_| self.id(model, key)).collect()
    }

    fn count(&mut self) -> Option<i64> {
        self.rng.maybe(2, |rng| rng.between(0, 4))
    }

    fn min_idle(&mut self, model: &Model) -> i64 {
        match self.rng.below(4) {
            0 => 0,
            1 => model.now + self.rng.between(-1, 2),
            _ => self.rng.between(1, 15),
        }
    }

    fn trim(&mut self, model: &Model, key: &str) -> Trim {
        let threshold = match self.rng.one_in(2) {
            true => Threshold::MaxLen(self.rng.below(12)),
            false => Threshold::MinId(self.id(model, key)),
        };
        let approximate = self.rng.one_in(2);
        let limit = if approximate { self.rng.maybe(2, |rng| rng.below(8)) } else { None };
        Trim { threshold, approximate, limit }
    }

    fn add(&mut self, model: &Model) -> Command {
        let key = self.key();
        let last = model.streams.get(&key).map_or((0, 0), |stream| stream.last_id);
        let id = match self.rng.below(8) {
            0 => NewId::AutoSeq(last.0 + self.rng.below(2)),
            1 => NewId::Exact((last.0 + self.rng.below(3), self.rng.below(4))),
            2 => NewId::Exact((self.rng.below(4), 0)),
            _ => NewId::Auto,
        };
        let trim = if self.rng.one_in(6) { Some(self.trim(model, &key)) } else { None };
        let policy = if self.rng.one_in(4) { self.policy() } else { None };
        let pairs = self.rng.between(1, 3);
        let fields = (0..2 * pairs).map(|i| format!("w{}", i + self.rng.between(0, 99))).collect();
        Command::Add { key, nomkstream: self.rng.one_in(10), policy, trim, id, fields }
    }

    fn on_stream(&mut self, model: &Model) -> Command {
        let key = self.key();
        match self.rng.below(8) {
            0 | 1 => Command::Del { ids: self.ids(model, &key), key },
            2 => Command::DelEx { ids: self.ids(model, &key), policy: self.policy(), key },
            3 => Command::Trim { trim: self.trim(model, &key), policy: self.policy(), key },
            4 => Command::Len { key },
            5 => self.set_id(model, key),
            _ => {
                let (start, end) = (self.id(model, &key), self.id(model, &key));
                let count = self.rng.maybe(2, |rng| rng.between(-1, 4));
                Command::Range { key, start, end, count, reverse: self.rng.one_in(2) }
            }
        }
    }

    fn set_id(&mut self, model: &Model, key: String) -> Command {
        let last = model.streams.get(&key).map_or((0, 0), |stream| stream.last_id);
        let id = (last.0 + self.rng.below(2), last.1 + self.rng.below(2));
        let added = self.rng.maybe(3, |rng| rng.below(40));
        let deleted = if self.rng.one_in(4) { Some(self.id(model, &key)) } else { None };
        Command::SetId { key, id, added, deleted }
    }

    fn on_group(&mut self, model: &Model) -> Command {
        let (key, group) = (self.key(), self.group());
        let id = if self.rng.one_in(4) { None } else { Some(self.id(model, &key)) };
        let id = if self.rng.one_in(3) { Some((0, 0)) } else { id };
        let read = self.rng.maybe(3, |rng| rng.between(-1, 30));
        match self.rng.below(12) {
            0..5 => Command::Create { key, group, id, mkstream: self.rng.one_in(2), read },
            5..8 => Command::Seek { key, group, id, read },
            8 => Command::Destroy { key, group },
            9 | 10 => Command::CreateConsumer { key, group, consumer: self.consumer() },
            _ => Command::DelConsumer { key, group, consumer: self.consumer() },
        }
    }

    fn read(&mut self, model: &Model) -> Command {
        let options = ReadOptions {
            count: self.count(),
            maxcount: self.rng.maybe(4, |rng| rng.below(6) + 1),
            claim: if self.rng.one_in(2) { Some(self.min_idle(model)) } else { None },
            noack: self.rng.one_in(6),
        };
        let streams = (0..self.rng.between(1, 2)).map(|_| {
            let key = self.key();
            let from = if self.rng.one_in(5) { Some((self.rng.below(model.now as u64), 0)) } else { None };
            (key, from)
        });
        let streams = streams.collect();
        Command::Read { group: self.group(), consumer: self.consumer(), options, streams }
    }

    fn acknowledge(&mut self, model: &Model) -> Command {
        let (key, group) = (self.key(), self.group());
        let ids = self.ids(model, &key);
        match self.rng.one_in(3) {
            true => Command::AckDel { key, group, policy: self.policy(), ids },
            false => Command::Ack { key, group, ids },
        }
    }

    fn nack(&mut self, model: &Model) -> Command {
        let (key, group) = (self.key(), self.group());
        let mode = *self.rng.pick(&[Mode::Silent, Mode::Fail, Mode::Fatal]);
        let retry = self.rng.maybe(4, |rng| rng.between(0, 3));
        Command::Nack { ids: self.ids(model, &key), key, group, mode, retry, force: self.rng.one_in(4) }
    }

    fn claim(&mut self, model: &Model) -> Command {
        let (key, group, consumer) = (self.key(), self.group(), self.consumer());
        let min_idle = self.min_idle(model) - i64::from(self.rng.one_in(9));
        if self.rng.one_in(3) {
            let start = if self.rng.one_in(2) { (0, 0) } else { self.id(model, &key) };
            let count = self.rng.maybe(2, |rng| rng.below(3) + 1);
            return Command::AutoClaim {
                key,
                group,
                consumer,
                min_idle,
                start,
                count,
                justid: self.rng.one_in(3),
            };
        }
        let options = ClaimOptions {
            when: match self.rng.below(6) {
                0 => When::Idle(self.rng.between(-3, model.now + 5)),
                1 => When::Time(self.rng.between(-2, model.now + 5)),
                _ => When::Now,
            },
            retry: self.rng.maybe(5, |rng| rng.between(-1, 3)),
            force: self.rng.one_in(4),
            justid: self.rng.one_in(3),
            lastid: if self.rng.one_in(8) { Some(self.id(model, &key)) } else { None },
        };
        Command::Claim { ids: self.ids(model, &key), key, group, consumer, min_idle, options }
    }

    fn pending(&mut self, model: &Model) -> Command {
        let (key, group) = (self.key(), self.group());
        if self.rng.one_in(3) {
            return Command::Pending { key, group };
        }
        let (start, end) = (self.id(model, &key), self.id(model, &key));
        let consumer = if self.rng.one_in(2) { Some(self.consumer()) } else { None };
        let idle = self.rng.maybe(2, |rng| rng.between(-1, 12));
        Command::PendingRange { key, group, idle, start, end, count: self.rng.between(-1, 6), consumer }
    }
}

/// Commands whose replies together show everything that can be seen.
pub fn observations(model: &Model) -> Vec<Command> {
    let mut all = Vec::new();
    for (key, stream) in &model.streams {
        let (start, end) = ((0, 0), (u64::MAX, u64::MAX));
        all.push(Command::Range { key: key.clone(), start, end, count: None, reverse: false });
        for group in stream.groups.keys() {
            let (key, group) = (key.clone(), group.clone());
            let (idle, count, consumer) = (None, 1_000_000, None);
            all.push(Command::Pending { key: key.clone(), group: group.clone() });
            all.push(Command::PendingRange { key, group, idle, start, end, count, consumer });
        }
    }
    all
}

/// How a command reads in a failure.
pub fn shown(command: &Command) -> String {
    let words = command.words().into_iter();
    words.map(|word| if word.is_empty() { "\"\"".into() } else { word }).collect::<Vec<_>>().join(" ")
}
