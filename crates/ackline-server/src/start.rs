//! Starting and stopping.

use crate::commands;
use crate::config::Config;
use crate::driver::{Driver, WAKER};
use crate::handle::Handle;
use crate::mail::Mailbox;
use crate::net::Listener;
use crate::shared::Shared;
use ackline::{Broker, Growth, LocalOptions, OpenError, Options, Storage, SyncMode};
use mio::{Poll, Waker};
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::RecvTimeoutError;
use std::thread::JoinHandle;
use std::time::Duration;

/// Why the server does not start.
#[derive(Debug)]
pub enum StartError {
    /// The data could not be opened.
    Open(PathBuf, OpenError),
    /// An address could not be listened on.
    Listen(String, std::io::Error),
    /// The operating system refused something.
    System(std::io::Error),
    /// What the caller wanted to run beside the server did not start.
    Beside(String),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StartError::Open(dir, error) => write!(f, "cannot open the data in {}: {error}", dir.display()),
            StartError::Listen(addr, error) => write!(f, "cannot listen on {addr}: {error}"),
            StartError::System(error) => {
                write!(f, "the operating system refused to start the server: {error}")
            }
            StartError::Beside(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for StartError {}

/// Runs a server until SHUTDOWN, SIGTERM or SIGINT; everything acknowledged is on disk when it ends. `memory` answers the
/// bytes that the allocator has given out. `beside` is called once connections are possible, which is before the data is
/// loaded; if it fails, the server ends.
pub fn run(
    config: Config,
    memory: fn() -> u64,
    beside: impl FnOnce(Handle) -> Result<(), String>,
) -> Result<(), StartError> {
    let dir = PathBuf::from(config.string("dir"));
    let shared = Shared::new(config, memory).map_err(|error| StartError::Open(dir, error))?;
    let shared = Arc::new(shared);
    raise_descriptors(&shared.config);
    let mut listeners = listen(&shared.config)?;
    let threads = shared.config.int("io-threads").max(1) as usize;
    let mut polls = Vec::new();
    let mut mailboxes = Vec::new();
    for _ in 0..threads {
        let poll = Poll::new().map_err(StartError::System)?;
        mailboxes.push(Mailbox::new(Waker::new(poll.registry(), WAKER).map_err(StartError::System)?));
        polls.push(poll);
    }
    shared.set_mailboxes(mailboxes);
    watch_signals(&shared)?;
    watch_memory(&shared)?;
    let mut handles = Vec::new();
    for (index, poll) in polls.into_iter().enumerate() {
        handles.push(spawn(index, &shared, poll, std::mem::take(&mut listeners))?);
    }
    // Clients are told meanwhile that the data is being loaded.
    let loaded = beside(Handle::new(&shared)).map_err(StartError::Beside).and_then(|()| load(&shared));
    match &loaded {
        Ok(()) => tracing::info!("Ready to accept connections tcp"),
        Err(_) => shared.stop(),
    }
    let finished = finish(&shared, handles);
    loaded.and(finished)
}

/// Opens the broker, and says every second how far it is.
fn load(shared: &Arc<Shared>) -> Result<(), StartError> {
    let (done, waits) = std::sync::mpsc::channel();
    let loading = Arc::clone(shared);
    let thread = std::thread::Builder::new().name("load".into());
    let thread = thread.spawn(move || {
        let opened = open(&loading);
        // Whoever waits has not gone away: it is this thread's caller.
        let _ = done.send(());
        opened
    });
    while waits.recv_timeout(Duration::from_secs(1)) == Err(RecvTimeoutError::Timeout) {
        let [done, total] = [&shared.progress.done, &shared.progress.total].map(|n| n.load(Relaxed) >> 20);
        tracing::info!("loading: {done} of {total} MiB");
    }
    let thread = thread.map_err(StartError::System)?;
    let panicked = |_| StartError::System(std::io::Error::other("loading panicked"));
    let broker = thread.join().map_err(panicked)??;
    let woken = Arc::downgrade(shared);
    broker.log().durable().subscribe(Box::new(move || {
        if let Some(shared) = woken.upgrade() {
            shared.mailboxes().iter().for_each(Mailbox::log_advanced);
            // Nothing will be acknowledged any more: connections close without replies, and the process ends.
            if shared.broker().log().durable().poisoned() {
                shared.stop();
            }
        }
    }));
    broker.set_growth(growth(&shared.config));
    Broker::start_timer(&broker);
    Broker::start_checkpoints(&broker);
    Broker::start_reaper(&broker);
    shared.set_broker(broker);
    // What the subscriber was told before found no broker to look at.
    if shared.broker().log().durable().poisoned() {
        shared.stop();
    }
    Ok(())
}

/// As many descriptors as clients and files need, if the system allows it.
fn raise_descriptors(config: &Config) {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let wanted = config.int("maxclients").max(0) as u64 + 64;
    let now = getrlimit(Resource::Nofile);
    let most = now.maximum.unwrap_or(u64::MAX);
    if now.current.is_some_and(|current| current < wanted) {
        let current = Some(wanted.min(most));
        if setrlimit(Resource::Nofile, Rlimit { current, maximum: now.maximum }).is_err() || most < wanted {
            tracing::warn!("there are descriptors for fewer than maxclients {} clients", wanted - 64);
        }
    }
}

fn finish(shared: &Shared, handles: Vec<JoinHandle<std::io::Result<()>>>) -> Result<(), StartError> {
    for handle in handles {
        match handle.join() {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!("an I/O thread ended: {error}"),
            Err(_) => tracing::error!("an I/O thread panicked"),
        }
        shared.stop();
    }
    let path = shared.config.string("unixsocket");
    if !path.is_empty() {
        // It may be gone already.
        let _ = std::fs::remove_file(&path);
    }
    if shared.is_loading() {
        return Ok(());
    }
    let broker = shared.broker();
    if shared.saves_at_end.load(Relaxed)
        && !broker.log().durable().poisoned()
        && let Err(error) = broker.checkpoint()
    {
        tracing::error!("no checkpoint at the end, the next start reads the log: {error}");
    }
    let dir = PathBuf::from(shared.config.string("dir"));
    broker.close().map_err(|error| StartError::Open(dir, error.into()))?;
    tracing::info!("everything acknowledged is on disk, bye");
    Ok(())
}

fn open(shared: &Arc<Shared>) -> Result<Arc<Broker>, StartError> {
    let config = &shared.config;
    let dir = PathBuf::from(config.string("dir"));
    let storage = match config.flag("appendonly") {
        true => {
            Storage::Local(dir.clone(), LocalOptions { sync: sync_mode(config), ..LocalOptions::default() })
        }
        false => Storage::None,
    };
    let databases = config.int("databases").max(1) as u32;
    let progress = Arc::clone(&shared.progress);
    let ear = Arc::downgrade(shared);
    let listener = Box::new(move |notes: Vec<_>, lsn| {
        if let Some(shared) = ear.upgrade() {
            shared.report(&notes, lsn);
        }
    });
    let commands = commands::specs();
    let options = Options { databases, commands, progress, flushes: true, listener, ..Options::new(storage) };
    let sink = Arc::downgrade(shared);
    let deliver = move |served, lsn| {
        if let Some(shared) = sink.upgrade() {
            shared.deliver(served, lsn);
        }
    };
    let broker = Broker::open(options, Box::new(deliver)).map_err(|error| StartError::Open(dir, error))?;
    Ok(Arc::new(broker))
}

/// When the growth of the log calls for a checkpoint.
pub(crate) fn growth(config: &Config) -> Growth {
    let percent = config.int("auto-aof-rewrite-percentage").max(0) as u64;
    Growth { percent, bytes_min: config.int("auto-aof-rewrite-min-size").max(0) as u64 }
}

/// The log's mode that `appendfsync` names.
pub(crate) fn sync_mode(config: &Config) -> SyncMode {
    match config.string("appendfsync").as_str() {
        "everysec" => SyncMode::EverySec,
        "no" => SyncMode::No,
        _ => SyncMode::Always,
    }
}

fn listen(config: &Config) -> Result<Vec<Listener>, StartError> {
    let mut listeners = Vec::new();
    let port = config.int("port") as u16;
    let backlog = config.int("tcp-backlog") as i32;
    for word in config.string("bind").split_whitespace().filter(|_| port > 0) {
        // A leading minus: an address that this machine lacks is no error.
        let optional = word.starts_with('-');
        match address(word.trim_start_matches('-'), port).and_then(|addr| Listener::tcp(addr, backlog)) {
            Ok(listener) => listeners.push(listener),
            Err(error) if optional => tracing::info!("not listening on {word}: {error}"),
            Err(error) => return Err(StartError::Listen(format!("{word}:{port}"), error)),
        }
    }
    let path = config.string("unixsocket");
    if !path.is_empty() {
        listeners.push(Listener::unix(&path).map_err(|error| StartError::Listen(path, error))?);
    }
    Ok(listeners)
}

fn address(word: &str, port: u16) -> std::io::Result<SocketAddr> {
    let ip: IpAddr = match word {
        "*" => "0.0.0.0".parse(),
        "::*" => "::".parse(),
        "localhost" => "127.0.0.1".parse(),
        _ => word.parse(),
    }
    .map_err(|_| std::io::Error::new(std::io::ErrorKind::InvalidInput, "not an IP address"))?;
    Ok(SocketAddr::new(ip, port))
}

fn spawn(
    index: usize,
    shared: &Arc<Shared>,
    poll: Poll,
    listeners: Vec<Listener>,
) -> Result<JoinHandle<std::io::Result<()>>, StartError> {
    let driver = Driver::new(index, Arc::clone(shared), poll, listeners);
    let thread = std::thread::Builder::new().name(format!("io-{index}"));
    thread.spawn(move || driver.run()).map_err(StartError::System)
}

fn watch_signals(shared: &Arc<Shared>) -> Result<(), StartError> {
    use signal_hook::consts::{SIGINT, SIGTERM};
    let mut signals = signal_hook::iterator::Signals::new([SIGINT, SIGTERM]).map_err(StartError::System)?;
    let shared = Arc::downgrade(shared);
    let wait = move || {
        if let Some(signal) = signals.forever().next()
            && let Some(shared) = shared.upgrade()
        {
            tracing::info!("signal {signal}: stopping");
            shared.stop();
        }
    };
    let thread = std::thread::Builder::new().name("signals".into());
    thread.spawn(wait).map(drop).map_err(StartError::System)
}

/// How often the allocator is asked.
const SAMPLE: Duration = Duration::from_millis(100);

fn watch_memory(shared: &Arc<Shared>) -> Result<(), StartError> {
    let weak = Arc::downgrade(shared);
    let run = move || {
        while let Some(shared) = weak.upgrade() {
            shared.memory.sample();
            drop(shared);
            std::thread::sleep(SAMPLE);
        }
    };
    let thread = std::thread::Builder::new().name("memory".into());
    thread.spawn(run).map(drop).map_err(StartError::System)
}
