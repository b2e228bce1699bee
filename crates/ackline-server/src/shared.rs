//! What all I/O threads share.

use crate::acl::Users;
use crate::clients::Clients;
use crate::commands::{self, Handler};
use crate::config::Config;
use crate::mail::{Mailbox, Msg};
use crate::memory::Memory;
use crate::pubsub::PubSub;
use crate::rates::Rates;
use crate::slowlog::Slowlog;
use crate::stats::{CommandStats, PerThread, Stats};
use crate::supervision::Manager;
use crate::tls::Tls;
use crate::tracking::Tracking;
use ackline::{Broker, Lsn, OpenError, Options, Progress, Settings, Storage};
use ackline_engine::{Served, Spec, Ticket};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

/// What there is about one command beside its declaration.
pub(crate) struct Row {
    pub(crate) handler: Option<Handler>,
    /// Its number in the catalog of access control.
    pub(crate) number: u16,
    pub(crate) stats: PerThread<CommandStats>,
}

impl Row {
    /// How many calls there were, and the microseconds in all of them.
    pub(crate) fn calls(&self) -> (u64, u64) {
        let both = self.stats.iter().map(|stats| (stats.times.values(), stats.times.sum()));
        both.fold((0, 0), |(calls, usec), more| (calls + more.0, usec + more.1))
    }

    /// How many calls took how long: upper bounds in microseconds, and calls above the bound before.
    pub(crate) fn times(&self) -> Vec<(u64, u64)> {
        let mut all: Vec<(u64, u64)> = Vec::new();
        for stats in self.stats.iter() {
            all.resize(stats.times.buckets().count(), (0, 0));
            let both = all.iter_mut().zip(stats.times.buckets());
            both.for_each(|(sum, (bound, count))| *sum = (bound, sum.1 + count));
        }
        all
    }
}

/// Who waits for the answer of a blocked read.
type Waiting = Mutex<HashMap<Ticket, (usize, u64), foldhash::fast::RandomState>>;

/// Everything that is not pinned to a thread.
pub(crate) struct Shared {
    broker: OnceLock<Arc<Broker>>,
    /// Stands in for the broker while it is loaded: it holds nothing and keeps nothing.
    stand_in: Arc<Broker>,
    /// How far loading is.
    pub(crate) progress: Arc<Progress>,
    pub(crate) memory: Memory,
    pub(crate) config: Config,
    pub(crate) tls: Tls,
    pub(crate) users: Users,
    pub(crate) clients: Clients,
    pub(crate) pubsub: PubSub,
    pub(crate) tracking: Mutex<Tracking>,
    pub(crate) stats: Stats,
    pub(crate) rates: Rates,
    /// How often each I/O thread has turned.
    pub(crate) turns: PerThread<AtomicU64>,
    pub(crate) manager: Manager,
    pub(crate) slowlog: Slowlog,
    /// Clients that see every command.
    pub(crate) monitors: Mutex<Vec<u64>>,
    pub(crate) has_monitors: AtomicBool,
    pub(crate) rows: HashMap<&'static str, Row, foldhash::fast::RandomState>,
    pub(crate) waiting: Waiting,
    mailboxes: OnceLock<Vec<Mailbox>>,
    /// Unix ms at which the server began.
    pub(crate) started_at: i64,
    /// 40 hexadecimal digits, new at every start.
    pub(crate) run_id: String,
    /// Unix ms until which commands pause, and whether reads pause too.
    pub(crate) pause_until: AtomicI64,
    pub(crate) pause_all: AtomicBool,
    /// Whether a clean end makes a checkpoint.
    pub(crate) saves_at_end: AtomicBool,
    pub(crate) stopping: AtomicBool,
}

impl Shared {
    pub(crate) fn new(config: Config, memory: fn() -> u64) -> Result<Shared, OpenError> {
        let now = ackline::now_ms();
        let threads = config.int("io-threads").max(1) as usize;
        let renames = config.renames().to_vec();
        let options =
            Options { shards: 1, commands: commands::specs(), renames, ..Options::new(Storage::None) };
        let stand_in = Broker::open(options, Box::new(|_, _| {}))?;
        Ok(Shared {
            broker: OnceLock::new(),
            stand_in: Arc::new(stand_in),
            progress: Arc::default(),
            memory: Memory::new(memory),
            manager: Manager::new(&config),
            config,
            tls: Tls::default(),
            users: Users::new(),
            clients: Clients::default(),
            pubsub: PubSub::default(),
            tracking: Mutex::default(),
            stats: Stats::new(threads),
            rates: Rates::default(),
            turns: PerThread::new(threads),
            slowlog: Slowlog::default(),
            monitors: Mutex::default(),
            has_monitors: AtomicBool::new(false),
            rows: commands::rows(threads),
            waiting: Mutex::default(),
            mailboxes: OnceLock::new(),
            started_at: now,
            run_id: run_id(now),
            pause_until: AtomicI64::new(0),
            pause_all: AtomicBool::new(false),
            saves_at_end: AtomicBool::new(true),
            stopping: AtomicBool::new(false),
        })
    }

    /// The broker, or what stands in for it while it is loaded.
    pub(crate) fn broker(&self) -> &Arc<Broker> {
        self.broker.get().unwrap_or(&self.stand_in)
    }

    /// Whether the data is still being loaded.
    pub(crate) fn is_loading(&self) -> bool {
        self.broker.get().is_none()
    }

    pub(crate) fn set_broker(&self, broker: Arc<Broker>) {
        // Set once, by the start of the server.
        let _ = self.broker.set(broker);
        self.want_notes();
    }

    pub(crate) fn set_mailboxes(&self, mailboxes: Vec<Mailbox>) {
        // Set once, by the start of the server.
        let _ = self.mailboxes.set(mailboxes);
    }

    pub(crate) fn mailboxes(&self) -> &[Mailbox] {
        self.mailboxes.get().map_or(&[], Vec::as_slice)
    }

    pub(crate) fn mail(&self, thread: usize, msg: Msg) {
        self.mailboxes()[thread].send(msg);
    }

    /// To the thread of a client, if there still is such a client.
    pub(crate) fn mail_client(&self, client: u64, msg: Msg) -> bool {
        let info = self.clients.get(client);
        info.is_some_and(|info| {
            self.mail(info.thread, msg);
            true
        })
    }

    /// The answers of blocked reads go to the clients that wait for them, all of a thread at once.
    pub(crate) fn deliver(&self, served: Vec<Served>, lsn: Lsn) {
        let mut mail: Vec<Vec<Msg>> = self.mailboxes().iter().map(|_| Vec::new()).collect();
        let mut waiting = self.waiting.lock();
        for Served { ticket, outcome } in served {
            if let Some((thread, client)) = waiting.remove(&ticket) {
                mail[thread].push(Msg::Served { client, ticket, outcome, lsn });
            }
        }
        drop(waiting);
        self.mailboxes().iter().zip(mail).for_each(|(mailbox, mail)| mailbox.send_all(mail));
    }

    /// The settings that the engine reads.
    pub(crate) fn settings(&self) -> Settings {
        let live = self.config.live();
        Settings {
            node_max_entries: live.stream_node_max_entries.load(Ordering::Relaxed),
            node_max_bytes: live.stream_node_max_bytes.load(Ordering::Relaxed),
            idmp_duration: live.stream_idmp_duration.load(Ordering::Relaxed),
            idmp_maxsize: live.stream_idmp_maxsize.load(Ordering::Relaxed),
        }
    }

    /// The server's part of a command.
    pub(crate) fn row(&self, spec: &Spec) -> &Row {
        &self.rows[spec.name]
    }

    /// Ends the server: every thread leaves its loop.
    pub(crate) fn stop(&self) {
        if !self.stopping.swap(true, Ordering::SeqCst) {
            self.manager.say_stopping();
        }
        self.mailboxes().iter().for_each(Mailbox::wake);
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }
}

fn run_id(now: i64) -> String {
    use std::hash::BuildHasher;
    let chance = || std::collections::hash_map::RandomState::new().hash_one(now);
    let text = format!("{:016x}{:016x}{:016x}", chance(), chance(), chance());
    text[..40].to_owned()
}
