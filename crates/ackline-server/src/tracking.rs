//! Client tracking: who is told that what it may remember of a key is no longer so.
//!
//! ```text
//! keys      key    -> clients       that read it; each is told once, at the next touch
//! prefixes  prefix -> clients       BCAST: told of every key that begins so, whether they read it or not
//! clients   client -> mode          where to, and of what
//! ```
//!
//! A key is remembered before it is read, so that no touch falls between the two. What a touch leads to is sent while the
//! table is locked: everybody hears of touches in their order.

use crate::mail::{Msg, Push};
use crate::session::Session;
use crate::shared::Shared;
use ackline::{Lsn, Note};
use ackline_engine::spec::Flags;
use ackline_engine::state::Name;
use ackline_engine::{Args, Spec};
use ackline_resp::Protocol;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound::{Excluded, Unbounded};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

/// Which reads are remembered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Choice {
    #[default]
    All,
    /// Those behind CLIENT CACHING YES.
    In,
    /// Those that are not behind CLIENT CACHING NO.
    Out,
}

/// What a client asked for with CLIENT TRACKING.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Mode {
    /// Who is told in its place; 0 = nobody.
    pub(crate) redirect: u64,
    pub(crate) broadcast: bool,
    pub(crate) choice: Choice,
    /// It is not told of what it does itself.
    pub(crate) no_loop: bool,
}

/// A session's side of it.
#[derive(Debug)]
pub(crate) struct Tracked {
    pub(crate) mode: Mode,
    /// What CLIENT CACHING said for the next command.
    pub(crate) caching: Option<bool>,
    /// The keys that a blocked read waits for.
    waits_for: Vec<Name>,
}

impl Tracked {
    pub(crate) fn new(mode: Mode) -> Tracked {
        Tracked { mode, caching: None, waits_for: Vec::new() }
    }

    fn remembers(&self, spec: &Spec) -> bool {
        let chosen = match self.mode.choice {
            Choice::All => true,
            Choice::In => self.caching == Some(true),
            Choice::Out => self.caching != Some(false),
        };
        chosen && !self.mode.broadcast && spec.flags.has(Flags::READONLY)
    }
}

/// What all clients track.
#[derive(Debug, Default)]
pub(crate) struct Tracking {
    clients: BTreeMap<u64, Mode>,
    keys: BTreeMap<Name, BTreeSet<u64>>,
    /// How often a key is remembered, over all of them.
    items: usize,
    prefixes: BTreeMap<Vec<u8>, BTreeSet<u64>>,
}

impl Tracking {
    /// Whether nobody tracks.
    pub(crate) fn is_idle(&self) -> bool {
        self.clients.is_empty()
    }

    /// How many keys are remembered, how often, and how many prefixes.
    pub(crate) fn counts(&self) -> (usize, usize, usize) {
        (self.keys.len(), self.items, self.prefixes.len())
    }

    /// The prefixes of a client, in their order.
    pub(crate) fn prefixes_of(&self, client: u64) -> Vec<Vec<u8>> {
        let own = self.prefixes.iter().filter(|(_, clients)| clients.contains(&client));
        own.map(|(prefix, _)| prefix.clone()).collect()
    }

    /// A client tracks from now on, or in another way; prefixes add to those that it has.
    pub(crate) fn begin(&mut self, client: u64, mode: Mode, prefixes: &[&[u8]]) {
        self.clients.insert(client, mode);
        let everything: &[&[u8]] = &[b""];
        for prefix in if mode.broadcast && prefixes.is_empty() { everything } else { prefixes } {
            self.prefixes.entry(prefix.to_vec()).or_default().insert(client);
        }
    }

    pub(crate) fn end(&mut self, client: u64) {
        self.clients.remove(&client);
        self.prefixes.retain(|_, clients| {
            clients.remove(&client);
            !clients.is_empty()
        });
        // What others remember is looked at when it is touched; with nobody left nothing is.
        if self.clients.is_empty() {
            self.forget_all();
        }
    }

    fn forget_all(&mut self) {
        self.keys.clear();
        self.items = 0;
    }

    /// Remembers that a client is about to read a key. One too many makes room: who remembers another is told that it is
    /// no longer so.
    fn remember(&mut self, shared: &Shared, client: u64, key: &[u8]) {
        let is_new = self.keys.entry(key.into()).or_default().insert(client);
        self.items += usize::from(is_new);
        let max = shared.config.live().tracking_table_max_keys.load(Relaxed);
        while max > 0 && self.keys.len() as u64 > max {
            // The next in their order, which has nothing to do with how often it is read.
            let next = self.keys.range::<[u8], _>((Excluded(key), Unbounded)).next();
            let Some((victim, _)) = next.or(self.keys.iter().next()) else { return };
            let victim = victim.clone();
            self.touch(shared, &victim, None, 0);
        }
    }

    /// Tells who read a key, once, unless it was its own doing.
    fn touch(&mut self, shared: &Shared, key: &Name, by: Option<u64>, lsn: Lsn) {
        let clients = self.keys.remove(&key[..]).unwrap_or_default();
        self.items -= clients.len();
        for client in clients {
            let mode = self.clients.get(&client).filter(|mode| !mode.broadcast);
            if let Some(mode) = mode.filter(|mode| !(mode.no_loop && by == Some(client))) {
                shared.invalidate(client, *mode, Some(vec![key.clone()]), lsn);
            }
        }
    }

    /// Tells of the notes of one batch.
    pub(crate) fn report(&mut self, shared: &Shared, notes: &[Note], lsn: Lsn) {
        // Keys that begin with a prefix go together, each with who touched it last.
        let mut touched: BTreeMap<&Name, u64> = BTreeMap::new();
        for note in notes {
            match note {
                Note::Touch { key, by } => {
                    self.touch(shared, key, Some(*by), lsn);
                    touched.insert(key, *by);
                }
                Note::Flush => {
                    self.forget_all();
                    for (client, mode) in &self.clients {
                        shared.invalidate(*client, *mode, None, lsn);
                    }
                }
                Note::Event { .. } => {}
            }
        }
        for (prefix, clients) in &self.prefixes {
            for client in clients {
                let Some(mode) = self.clients.get(client) else { continue };
                let all = touched.iter().filter(|(key, _)| key.starts_with(prefix));
                let others = all.filter(|(_, by)| !(mode.no_loop && *by == client));
                let keys: Vec<Name> = others.map(|(key, _)| (*key).clone()).collect();
                if !keys.is_empty() {
                    shared.invalidate(*client, *mode, Some(keys), lsn);
                }
            }
        }
    }
}

impl Shared {
    /// Tells a client, or whom it named in its place, that keys were touched; `None` = all of them.
    fn invalidate(&self, client: u64, mode: Mode, keys: Option<Vec<Name>>, lsn: Lsn) {
        let redirected = mode.redirect != 0;
        let to = if redirected { mode.redirect } else { client };
        let push = Arc::new(Push::Invalidate { keys, redirected });
        if self.mail_client(to, Msg::Push(to, push, lsn)) {
            return;
        }
        if let Some(info) = self.clients.get(client).filter(|_| redirected) {
            info.details.lock().redirect_broken = true;
            self.mail_client(client, Msg::Push(client, Arc::new(Push::RedirectBroken(to)), lsn));
        }
    }
}

impl Session {
    /// Remembers the keys of a command that only reads, before it does.
    pub(crate) fn remember(&mut self, shared: &Shared, spec: &Spec, args: Args<'_>) {
        if !self.tracking.as_ref().is_some_and(|tracked| tracked.remembers(spec)) {
            return;
        }
        let mut tracking = shared.tracking.lock();
        spec.keys_of(args).for_each(|key| tracking.remember(shared, self.info.id, key));
    }

    /// As [`Session::remember`] for a read that parked: what it will be given is another reading.
    pub(crate) fn remember_later(&mut self, spec: &Spec, args: Args<'_>) {
        if let Some(tracked) = self.tracking.as_mut().filter(|tracked| tracked.remembers(spec)) {
            tracked.waits_for = spec.keys_of(args).map(Into::into).collect();
        }
    }

    /// A read that parked was answered in the batch of that position.
    pub(crate) fn remember_served(&mut self, shared: &Shared, lsn: Lsn) {
        let Some(tracked) = &mut self.tracking else { return };
        for key in std::mem::take(&mut tracked.waits_for) {
            let mut tracking = shared.tracking.lock();
            tracking.remember(shared, self.info.id, &key);
            drop(tracking);
            // What came between the reading and now found nobody to be told.
            if shared.broker().position(shared.broker().shard_of(&key)) > lsn {
                shared.tracking.lock().touch(shared, &key, None, lsn);
            }
        }
    }

    /// CLIENT CACHING is about one command, or one transaction.
    pub(crate) fn forget_caching(&mut self, spec: &Spec) {
        let in_multi = self.multi.is_some();
        if let Some(tracked) = &mut self.tracking
            && !in_multi
            && !spec.name.starts_with("client|")
        {
            tracked.caching = None;
        }
    }

    /// Tracking ends.
    pub(crate) fn untrack(&mut self, shared: &Shared) {
        if self.tracking.take().is_some() {
            shared.tracking.lock().end(self.info.id);
            shared.want_notes();
            self.show_tracking();
        }
    }

    /// Puts what others see of it where they look.
    pub(crate) fn show_tracking(&self) {
        let mut details = self.info.details.lock();
        details.tracking = self.tracking.as_ref().map(|tracked| tracked.mode);
        details.redirect_broken = false;
    }

    /// Writes that keys were touched; `None` = all of them. RESP2 has no pushes: there only a message on a channel, to
    /// whoever was named in a client's place and has subscribed to something.
    pub(crate) fn push_invalidation(&mut self, keys: Option<&[Name]>, redirected: bool) {
        match self.protocol {
            Protocol::Resp3 => {
                let mut out = self.writer();
                out.push(2);
                out.bulk(b"invalidate");
            }
            Protocol::Resp2 if redirected && self.subscribed() > 0 => {
                let mut out = self.writer();
                out.push(3);
                out.bulk(b"message");
                out.bulk(b"__redis__:invalidate");
            }
            Protocol::Resp2 => return,
        }
        let mut out = self.writer();
        let Some(keys) = keys else { return out.null() };
        out.array(keys.len());
        keys.iter().for_each(|key| out.bulk(key));
    }

    /// Writes that whom it named in its place is gone.
    pub(crate) fn push_broken_redirect(&mut self, to: u64) {
        if self.protocol == Protocol::Resp3 {
            let mut out = self.writer();
            out.push(2);
            out.bulk(b"tracking-redir-broken");
            out.int(to as i64);
        }
    }
}
