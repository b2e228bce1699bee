//! The server without sockets and threads: the same sessions, commands and gate, driven by hand. For simulations.

use crate::clients::ClientInfo;
use crate::commands;
use crate::config::{Config, ConfigError};
use crate::driver::WAKER;
use crate::handle::Who;
use crate::mail::{Mailbox, Msg};
use crate::session::Session;
use crate::shared::Shared;
use crate::start::sync_mode;
use ackline::{Broker, LocalOptions, OpenError, Options, Storage};
use mio::{Poll, Waker};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

/// A server that does nothing unless told to.
pub struct Offline {
    shared: Arc<Shared>,
    sessions: BTreeMap<u64, Session>,
    /// What the mailbox's waker wakes.
    _poll: Poll,
}

/// Why it does not start.
#[derive(Debug)]
pub enum OfflineError {
    /// The directives are not understood.
    Config(ConfigError),
    /// The data could not be opened.
    Open(OpenError),
    /// The operating system refused.
    System(std::io::Error),
    /// The file of the users is wrong.
    Users(String),
}

impl fmt::Display for OfflineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            OfflineError::Config(error) => error.fmt(f),
            OfflineError::Open(error) => error.fmt(f),
            OfflineError::System(error) => error.fmt(f),
            OfflineError::Users(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for OfflineError {}

impl Offline {
    /// Opens the data in a storage, which is left alone with `--appendonly no`. `directives` are those of
    /// `ackline serve`; `seed` goes into whatever is chance otherwise.
    pub fn open(
        storage: Arc<dyn ackline::storage::Storage>,
        local: LocalOptions,
        seed: u64,
        directives: &[String],
    ) -> Result<Offline, OfflineError> {
        let config = Config::from_args(directives).map_err(OfflineError::Config)?;
        let local =
            LocalOptions { sync: sync_mode(&config), seed: Some(seed as u32), by_hand: true, ..local };
        let shared = Arc::new(Shared::new(config, || 0).map_err(OfflineError::Open)?);
        shared.users.open(&shared.config).map_err(OfflineError::Users)?;
        let poll = Poll::new().map_err(OfflineError::System)?;
        let waker = Waker::new(poll.registry(), WAKER).map_err(OfflineError::System)?;
        shared.set_mailboxes(vec![Mailbox::new(waker)]);
        let sink = Arc::downgrade(&shared);
        let deliver = move |served, lsn| {
            if let Some(shared) = sink.upgrade() {
                shared.deliver(served, lsn);
            }
        };
        let storage = match shared.config.flag("appendonly") {
            true => Storage::On(storage, local),
            false => Storage::None,
        };
        let options = Options { commands: commands::specs(), seed: Some(seed), ..Options::new(storage) };
        let broker = Broker::open(options, Box::new(deliver)).map_err(OfflineError::Open)?;
        shared.set_broker(Arc::new(broker));
        Ok(Offline { shared, sessions: BTreeMap::new(), _poll: poll })
    }

    /// The broker.
    pub fn broker(&self) -> &Arc<Broker> {
        self.shared.broker()
    }

    /// A new connection.
    pub fn connect(&mut self) -> u64 {
        let id = self.shared.clients.next_id();
        let ends = (format!("offline:{id}"), "offline".to_owned());
        let info = Arc::new(ClientInfo::new(id, ends, -1, 0));
        self.shared.clients.add(Arc::clone(&info));
        let identity = self.shared.identify(&Who::Nobody).expect("there is a default user");
        self.sessions.insert(id, Session::new(info, true, identity));
        id
    }

    /// What a client sends.
    pub fn feed(&mut self, id: u64, bytes: &[u8]) {
        if let Some(session) = self.sessions.get_mut(&id) {
            session.input().extend_from_slice(bytes);
            session.feed(&self.shared);
        }
    }

    /// What a client gets: as much as the gate lets through. `None` once the connection is closed, as all are when the
    /// log has failed.
    pub fn receive(&mut self, id: u64) -> Option<Vec<u8>> {
        let durable = self.shared.broker().log().durable();
        let session = self.sessions.get_mut(&id)?;
        if durable.poisoned() {
            self.disconnect(id);
            return None;
        }
        let ready = session.out.ready(durable.lsn()).to_vec();
        session.out.advance(ready.len());
        if session.closing && session.out.len() == 0 {
            self.disconnect(id);
        }
        Some(ready)
    }

    /// A connection ends, whatever is under way.
    pub fn disconnect(&mut self, id: u64) {
        if let Some(mut session) = self.sessions.remove(&id) {
            session.end(&self.shared);
        }
    }

    /// Hands out what the threads of a server would: answers of blocked reads, pushes, and the end of waiting.
    pub fn turn(&mut self) {
        let shared = Arc::clone(&self.shared);
        for msg in shared.mailboxes().iter().flat_map(Mailbox::take) {
            match msg {
                Msg::Served { client, ticket, outcome, lsn } => {
                    if let Some(session) = self.sessions.get_mut(&client) {
                        session.serve(&shared, ticket, &outcome, lsn);
                        session.feed(&shared);
                    }
                }
                Msg::Push(client, push) => {
                    self.sessions.get_mut(&client).into_iter().for_each(|session| session.push(&push));
                }
                Msg::Kill(client) => self.disconnect(client),
                Msg::Unblock(client, with_error) => {
                    if let Some(session) = self.sessions.get_mut(&client) {
                        session.give_up(with_error);
                        session.feed(&shared);
                    }
                }
                Msg::UsersChanged { by } => self.renew_users(by),
                Msg::Accepted(_) | Msg::Invited(..) | Msg::Resume => {}
            }
        }
        let now = ackline::now_ms();
        for session in self.sessions.values_mut() {
            if session.blocked.is_some() && session.poll(&shared, now) {
                session.feed(&shared);
            }
        }
    }

    fn renew_users(&mut self, by: u64) {
        let shared = Arc::clone(&self.shared);
        let outdated = |(id, session): (&u64, &mut Session)| (!session.renew_user(&shared)).then_some(*id);
        let leaving: Vec<u64> = self.sessions.iter_mut().filter_map(outdated).collect();
        for id in leaving {
            match self.sessions.get_mut(&id) {
                Some(session) if id == by => session.closing = true,
                _ => self.disconnect(id),
            }
        }
    }

    /// Whether SHUTDOWN was asked for.
    pub fn is_stopping(&self) -> bool {
        self.shared.stopping.load(Relaxed)
    }
}
