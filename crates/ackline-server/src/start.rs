//! Starting and stopping.

use crate::commands;
use crate::config::Config;
use crate::driver::{Driver, WAKER};
use crate::handle::Handle;
use crate::mail::Mailbox;
use crate::net::Listener;
use crate::shared::Shared;
use crate::signals;
use crate::supervision::PidFile;
use ackline::{Broker, Growth, LocalOptions, OpenError, Options, Storage, SyncMode};
use mio::{Poll, Waker};
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::RecvTimeoutError;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Why the server does not start.
#[derive(Debug)]
pub enum StartError {
    /// The data could not be opened.
    Open(PathBuf, OpenError),
    /// An address could not be listened on.
    Listen(String, std::io::Error),
    /// The files or parameters for encryption cannot be used; the text says why.
    Tls(String),
    /// The operating system refused something.
    System(std::io::Error),
    /// A user is not declared as it should be.
    Users(String),
    /// What the caller wanted to run beside the server did not start.
    Beside(String),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StartError::Open(dir, error) => write!(f, "cannot open the data in {}: {error}", dir.display()),
            StartError::Listen(addr, error) => write!(f, "cannot listen on {addr}: {error}"),
            StartError::Tls(why) => f.write_str(why),
            StartError::System(error) => {
                write!(f, "the operating system refused to start the server: {error}")
            }
            StartError::Users(why) => f.write_str(why),
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
    say_begin(&shared.config);
    let _pid = PidFile::write(&shared.config);
    if let Err(reason) = raise_descriptors(&shared.config) {
        tracing::warn!("maxclients {}: {reason}", shared.config.int("maxclients"));
    }
    watch_config(&shared);
    shared.users.open(&shared.config).map_err(StartError::Users)?;
    shared.tls.begin(&shared.config).map_err(StartError::Tls)?;
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
    signals::watch(&shared).map_err(StartError::System)?;
    watch_memory(&shared)?;
    let mut handles = Vec::new();
    for (index, poll) in polls.into_iter().enumerate() {
        handles.push(spawn(index, &shared, poll, std::mem::take(&mut listeners))?);
    }
    shared.manager.feed_watchdog(&shared).map_err(StartError::System)?;
    // Clients are told meanwhile that the data is being loaded.
    let loaded = beside(Handle::new(&shared)).map_err(StartError::Beside).and_then(|()| load(&shared));
    match &loaded {
        Ok(()) => say_ready(&shared),
        Err(_) => shared.stop(),
    }
    let finished = finish(&shared, handles);
    loaded.and(finished)
}

/// What this is, where its data lies, and what of its configuration is not as it may seem.
fn say_begin(config: &Config) {
    let (version, pid) = (env!("CARGO_PKG_VERSION"), std::process::id());
    let file = config.file().map_or_else(|| "no file".to_owned(), |path| path.display().to_string());
    tracing::info!("Ackline {version} starts: process {pid}, configuration from {file}");
    if config.flag("appendonly") {
        let dir = PathBuf::from(config.string("dir"));
        let dir = std::path::absolute(&dir).unwrap_or(dir);
        tracing::info!("data in {}, appendfsync {}", dir.display(), config.string("appendfsync"));
    }
    for notice in config.notices() {
        tracing::warn!("{notice}");
    }
}

/// What changes at run time bring about. While the data is loaded there is no log to change; it takes these values over
/// once it is there.
fn watch_config(shared: &Arc<Shared>) {
    let config = &shared.config;
    config.watch(&["maxclients"], raise_descriptors);
    let weak = Arc::downgrade(shared);
    config.watch(&["appendfsync", "auto-aof-rewrite-min-size", "auto-aof-rewrite-percentage"], move |_| {
        weak.upgrade().iter().for_each(|shared| tune(shared));
        Ok(())
    });
}

fn tune(shared: &Shared) {
    shared.broker().log().set_sync(sync_mode(&shared.config));
    shared.broker().set_growth(growth(&shared.config));
}

/// A line for each way in, as programs that start a server wait for them.
fn say_ready(shared: &Shared) {
    shared.manager.say_ready();
    let config = &shared.config;
    let ways = [
        ("tcp", config.int("port") > 0),
        ("unix", !config.string("unixsocket").is_empty()),
        ("tls", config.int("tls-port") > 0),
    ];
    for (way, _) in ways.iter().filter(|(_, open)| *open) {
        tracing::info!("Ready to accept connections {way}");
    }
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
        let text = format!("loading: {done} of {total} MiB");
        tracing::info!("{text}");
        shared.manager.say_loading(&text);
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
    Broker::start_timer(&broker);
    Broker::start_checkpoints(&broker);
    Broker::start_reaper(&broker);
    shared.set_broker(broker);
    tune(shared);
    // What the subscriber was told before found no broker to look at.
    if shared.broker().log().durable().poisoned() {
        shared.stop();
    }
    Ok(())
}

/// Descriptors that are not for clients.
const DESCRIPTORS: u64 = 64;

/// As many descriptors as clients and files need. If the system does not allow it, as many as it does.
fn raise_descriptors(config: &Config) -> Result<(), String> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let wanted = config.int("maxclients").max(0) as u64 + DESCRIPTORS;
    let now = getrlimit(Resource::Nofile);
    let most = now.maximum.unwrap_or(u64::MAX);
    let refused = |most: u64| {
        let clients = most.saturating_sub(DESCRIPTORS);
        format!(
            "The operating system is not able to handle the specified number of clients, try with {clients}"
        )
    };
    let Some(current) = now.current.filter(|current| *current < wanted) else { return Ok(()) };
    let raised = Rlimit { current: Some(wanted.min(most)), maximum: now.maximum };
    match setrlimit(Resource::Nofile, raised) {
        Err(_) => Err(refused(current)),
        Ok(()) if most < wanted => Err(refused(most)),
        Ok(()) => Ok(()),
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
    let kept = broker.keeps_log();
    broker.close().map_err(|error| StartError::Open(dir, error.into()))?;
    match kept {
        true => tracing::info!("everything acknowledged is on disk, bye"),
        false => tracing::info!("nothing was to be kept, bye"),
    }
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
    let options = Options {
        databases,
        commands: commands::specs(),
        renames: config.renames().to_vec(),
        progress,
        flushes: true,
        listener,
        ..Options::new(storage)
    };
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
fn growth(config: &Config) -> Growth {
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
    let backlog = config.int("tcp-backlog") as i32;
    listen_tcp(config, "port", backlog, Listener::Tcp, &mut listeners)?;
    listen_tcp(config, "tls-port", backlog, Listener::Tls, &mut listeners)?;
    let path = config.string("unixsocket");
    if !path.is_empty() {
        let listener = socket_mode(config).and_then(|mode| Listener::unix(&path, mode, backlog));
        listeners.push(listener.map_err(|error| StartError::Listen(path, error))?);
    }
    Ok(listeners)
}

/// Listens on every address, at the port that a parameter names; 0 = at none.
fn listen_tcp(
    config: &Config,
    port: &str,
    backlog: i32,
    kind: fn(mio::net::TcpListener) -> Listener,
    listeners: &mut Vec<Listener>,
) -> Result<(), StartError> {
    let port = config.int(port) as u16;
    for word in config.string("bind").split_whitespace().filter(|_| port > 0) {
        // A leading minus: an address that this machine lacks is no error.
        let optional = word.starts_with('-');
        match address(word.trim_start_matches('-'), port).and_then(|addr| Listener::tcp(addr, backlog)) {
            Ok(listener) => listeners.push(kind(listener)),
            Err(error) if optional => tracing::info!("not listening on {word}: {error}"),
            Err(error) => return Err(StartError::Listen(format!("{word}:{port}"), error)),
        }
    }
    Ok(())
}

/// Who may open the socket file, from octal digits.
fn socket_mode(config: &Config) -> std::io::Result<u32> {
    let mode = u32::from_str_radix(&config.string("unixsocketperm"), 8).ok().filter(|mode| *mode <= 0o777);
    let invalid = || {
        std::io::Error::new(
            std::io::ErrorKind::InvalidInput,
            "unixsocketperm: Invalid socket file permissions",
        )
    };
    mode.ok_or_else(invalid)
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

/// How often the allocator is asked.
const SAMPLE: Duration = Duration::from_millis(100);
/// After so many samples the files of certificates are looked at.
const SAMPLES_A_LOOK: u32 = 10;

fn watch_memory(shared: &Arc<Shared>) -> Result<(), StartError> {
    let weak = Arc::downgrade(shared);
    let run = move || {
        for sample in 1_u32.. {
            let Some(shared) = weak.upgrade() else { return };
            shared.memory.sample();
            shared.rates.sample(&shared.stats, Instant::now());
            if sample.is_multiple_of(SAMPLES_A_LOOK) {
                shared.tls.follow_files(&shared.config);
            }
            drop(shared);
            std::thread::sleep(SAMPLE);
        }
    };
    let thread = std::thread::Builder::new().name("memory".into());
    thread.spawn(run).map(drop).map_err(StartError::System)
}
