//! Notes: what a batch tells others beside its replies and records, as values. Events of the keyspace, and keys that were
//! touched.
//!
//! Nearly all of them follow from the records, which every change passes through, and from the name of the command. What
//! does not is said by the command itself ([`Txn::tell`]): the expiry that SET was given, a flush of what is empty.

use crate::args::{Args, is};
use crate::record::{Change, Record};
use crate::spec::{Keys, Run, Spec};
use crate::state::Name;
use crate::txn::{Query, Txn};
use std::cell::RefCell;
use std::collections::BTreeSet;

/// Which notes somebody wants: classes of events, as the letters of `notify-keyspace-events` name them, and touches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wanted(pub u32);

impl Wanted {
    /// None: what is not wanted costs one branch a command, and one a record.
    pub const NOTHING: Wanted = Wanted(0);
    /// `g`: events of any type of value.
    pub const GENERIC: Wanted = Wanted(1);
    /// `$`: events of strings.
    pub const STRING: Wanted = Wanted(1 << 1);
    /// `t`: events of streams.
    pub const STREAM: Wanted = Wanted(1 << 2);
    /// `x`: a key's time had come.
    pub const EXPIRED: Wanted = Wanted(1 << 3);
    /// `n`: there is a key that was not there before.
    pub const NEW: Wanted = Wanted(1 << 4);
    /// `o`: what a key held is replaced as a whole.
    pub const OVERWRITTEN: Wanted = Wanted(1 << 5);
    /// `c`: and the new value is of another type.
    pub const TYPE_CHANGED: Wanted = Wanted(1 << 6);
    /// `m`: a command read a key that is not there.
    pub const MISSED: Wanted = Wanted(1 << 7);
    /// Keys whose value may be another now, as WATCH sees it: for caches of clients.
    pub const TOUCHES: Wanted = Wanted(1 << 8);

    /// Whether one of `of` is wanted.
    #[inline]
    pub const fn any(self, of: Wanted) -> bool {
        self.0 & of.0 != 0
    }

    /// Both.
    pub const fn and(self, other: Wanted) -> Wanted {
        Wanted(self.0 | other.0)
    }
}

/// Something that others may want to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Note {
    /// An event of the keyspace, by its name in Redis 8.6.
    Event {
        /// The database of the key.
        db: u32,
        /// What it happened to.
        key: Name,
        /// What happened.
        name: &'static str,
    },
    /// What a client remembers of a key may be wrong from now on.
    Touch {
        /// The key, in whichever database.
        key: Name,
        /// The client of the context; 0 if it was time.
        by: u64,
    },
    /// As if all keys were touched.
    Flush,
}

/// What a transaction keeps of notes while somebody wants some.
#[derive(Debug)]
pub(crate) struct Noting {
    wanted: Wanted,
    pub(crate) notes: Vec<Note>,
    /// The name of the command that runs; empty while time acts.
    pub(crate) command: &'static str,
    /// Keys that were looked for in vain.
    missed: RefCell<Vec<Name>>,
}

impl Noting {
    pub(crate) fn of(wanted: Wanted) -> Noting {
        Noting { wanted, notes: Vec::new(), command: "", missed: RefCell::default() }
    }
}

/// The key that a change puts a whole value under, if it does.
fn target<'a>(record: &Record<'a>) -> Option<(u32, &'a [u8])> {
    match record.change {
        Change::Set { .. } | Change::Extend { .. } | Change::Load { .. } | Change::CreateStream { .. } => {
            Some((record.db, record.key))
        }
        Change::Move { db, to } | Change::Copy { db, to } => Some((db, to)),
        _ => None,
    }
}

impl Txn<'_> {
    /// What the target of a change holds before it is applied: the name of its type.
    #[cold]
    pub(crate) fn held(&self, record: &Record<'_>) -> Option<&'static str> {
        let (db, key) = target(record)?;
        self.reach.slot(db, key).map(|slot| slot.value.type_name())
    }

    /// Notes an event of the selected database, if its class is wanted.
    pub(crate) fn tell(&mut self, class: Wanted, key: &[u8], name: &'static str) {
        self.tell_in(class, (self.ctx.db, key), name);
    }

    fn tell_in(&mut self, class: Wanted, (db, key): (u32, &[u8]), name: &'static str) {
        if let Some(noting) = self.noting().filter(|noting| noting.wanted.any(class)) {
            noting.notes.push(Note::Event { db, key: key.into(), name });
        }
    }

    /// Notes that all keys go, whether there are any or not.
    pub(crate) fn tell_flush(&mut self) {
        if let Some(noting) = self.noting().filter(|noting| noting.wanted.any(Wanted::TOUCHES)) {
            noting.notes.push(Note::Flush);
        }
    }

    /// Notes what follows from a change that was applied; `held` is what [`Txn::held`] said before.
    #[cold]
    pub(crate) fn note(&mut self, record: &Record<'_>, held: Option<&'static str>) {
        self.note_touches(record);
        let (here, command) = ((record.db, record.key), self.command());
        match &record.change {
            Change::Set { .. } => self.note_set(here, held),
            Change::Move { .. } | Change::Copy { .. } | Change::Load { .. } => self.note_put(record, held),
            Change::CreateStream { .. } => self.tell_in(Wanted::NEW, here, "new"),
            Change::Extend { .. } => {
                if held.is_none() {
                    self.tell_in(Wanted::NEW, here, "new");
                }
                self.tell_in(Wanted::STRING, here, "append");
            }
            change => {
                if let Some((class, name)) = event(change, command) {
                    self.tell_in(class, here, name);
                }
            }
        }
    }

    /// A string as a whole: a number that was reckoned with replaces nothing.
    fn note_set(&mut self, here: (u32, &[u8]), held: Option<&'static str>) {
        let adds = matches!(self.command(), "incr" | "decr" | "incrby" | "decrby");
        match held {
            None => self.tell_in(Wanted::NEW, here, "new"),
            Some(_) if adds => {}
            Some(_) => self.note_replaced(here, held),
        }
        self.tell_in(Wanted::STRING, here, if adds { "incrby" } else { "set" });
    }

    fn note_replaced(&mut self, (db, key): (u32, &[u8]), held: Option<&'static str>) {
        self.tell_in(Wanted::OVERWRITTEN, (db, key), "overwritten");
        if held != self.reach.slot(db, key).map(|slot| slot.value.type_name()) {
            self.tell_in(Wanted::TYPE_CHANGED, (db, key), "type_changed");
        }
    }

    /// A value from elsewhere. To Redis the key is new even if another had the name, which it says last.
    fn note_put(&mut self, record: &Record<'_>, held: Option<&'static str>) {
        let (from, Some(to)) = ((record.db, record.key), target(record)) else { return };
        self.tell_in(Wanted::NEW, to, "new");
        match (&record.change, from.0 == to.0) {
            (Change::Move { .. }, true) => {
                self.tell_in(Wanted::GENERIC, from, "rename_from");
                self.tell_in(Wanted::GENERIC, to, "rename_to");
            }
            (Change::Move { .. }, false) => {
                self.tell_in(Wanted::GENERIC, from, "move_from");
                self.tell_in(Wanted::GENERIC, to, "move_to");
            }
            (Change::Copy { .. }, _) => self.tell_in(Wanted::GENERIC, to, "copy_to"),
            _ => self.tell_in(Wanted::GENERIC, to, "restore"),
        }
        if held.is_some() {
            self.note_replaced(to, held);
        }
    }

    /// What violates a WATCH touches; a flush is noted by its command, once for all databases.
    fn note_touches(&mut self, record: &Record<'_>) {
        let client = self.ctx.client;
        let Some(noting) = self.noting().filter(|noting| noting.wanted.any(Wanted::TOUCHES)) else { return };
        // Whoever happened to look when a key's time had come did not change it.
        let by = if noting.command.is_empty() { 0 } else { client };
        let touch = |key: &[u8]| Note::Touch { key: key.into(), by };
        match &record.change {
            Change::Move { to, .. } => noting.notes.extend([touch(record.key), touch(to)]),
            Change::Copy { to, .. } => noting.notes.push(touch(to)),
            change if change.is_modification() => noting.notes.push(touch(record.key)),
            _ => {}
        }
    }

    fn command(&self) -> &'static str {
        self.noting.as_ref().map_or("", |noting| noting.command)
    }

    /// A command begins; answers how many notes there are.
    pub(crate) fn begin_noting(&mut self, spec: &Spec) -> usize {
        let Some(noting) = self.noting() else { return 0 };
        noting.command = spec.name;
        noting.notes.len()
    }

    /// Notes the keys that a command looked for in vain: before everything else that it led to, from `start` on.
    pub(crate) fn note_misses(&mut self, spec: &Spec, args: Args<'_>, start: usize) {
        let db = self.ctx.db;
        let Some(noting) = self.noting() else { return };
        let mut missed = noting.missed.take();
        if missed.is_empty() || !tells_of_misses(spec, args) {
            return;
        }
        // These look once for every word, XREAD for its ID and for its entries, as in Redis; others look as they like.
        if spec.keys != Keys::ALL && spec.name != "xread" {
            let mut seen = BTreeSet::new();
            missed.retain(|key| seen.insert(key.clone()));
        }
        let misses = missed.into_iter().map(|key| Note::Event { db, key, name: "keymiss" });
        noting.notes.splice(start..start, misses);
    }
}

impl Query<'_> {
    /// Notes that there is no such key, for commands that say so.
    #[cold]
    pub(crate) fn miss(&self, key: &[u8]) {
        if let Some(noting) = self.noting.as_ref().filter(|noting| noting.wanted.any(Wanted::MISSED)) {
            noting.missed.borrow_mut().push(key.into());
        }
    }
}

/// The event of a change to a single key that was there before.
fn event(change: &Change<'_>, command: &str) -> Option<(Wanted, &'static str)> {
    let stream = |name| Some((Wanted::STREAM, name));
    match change {
        Change::Append { .. } => stream("xadd"),
        // What is trimmed one by one does not count as deleted.
        Change::Trim { .. } | Change::Delete { remember: false, .. } => stream("xtrim"),
        Change::Delete { .. } => stream("xdel"),
        Change::SetStream { .. } => stream("xsetid"),
        Change::CreateGroup { .. } => stream("xgroup-create"),
        Change::DestroyGroup { .. } => stream("xgroup-destroy"),
        // XCLAIM moves a group, too.
        Change::Seek { .. } if command == "xgroup|setid" => stream("xgroup-setid"),
        Change::CreateConsumer { .. } => stream("xgroup-createconsumer"),
        Change::DeleteConsumer { .. } => stream("xgroup-delconsumer"),
        // SET has its own word on a time that is past.
        Change::Remove if matches!(command, "" | "set") => Some((Wanted::EXPIRED, "expired")),
        Change::Remove => Some((Wanted::GENERIC, "del")),
        Change::Expire { at: Some(_) } if command != "restore" => Some((Wanted::GENERIC, "expire")),
        Change::Expire { at: None } => Some((Wanted::GENERIC, "persist")),
        _ => None,
    }
}

/// Whether a command says that it did not find a key: in Redis those that look for reading.
fn tells_of_misses(spec: &Spec, args: Args<'_>) -> bool {
    const LOOK_FIRST: [&str; 10] = [
        "copy",
        "getdel",
        "getex",
        "getset",
        "xack",
        "xackdel",
        "xautoclaim",
        "xclaim",
        "xnack",
        "xreadgroup",
    ];
    match spec.run {
        Run::Read { .. } => !spec.name.starts_with("object|") && !spec.name.starts_with("memory|"),
        _ if spec.name == "set" => args.from(3).iter().any(|word| is(word, "GET")),
        _ => LOOK_FIRST.contains(&spec.name),
    }
}
