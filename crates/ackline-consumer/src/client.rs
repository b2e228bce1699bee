//! A place where streams live, opened.

use crate::capabilities::{Capabilities, Without};
use crate::codec::IntoEntry;
use crate::consumer::Consume;
use crate::error::Result;
use crate::event::{Event, Observer};
use crate::id::EntryId;
use crate::meter::Produced;
use crate::producer::{self, Add};
use crate::store::{Command, Store, expect};
use crate::streams::Streams;
use crate::target::Target;
use crate::trace;
use parking_lot::Mutex;
use std::fmt;
use std::sync::Arc;

/// A place where streams live: a server, a cluster, or an engine in this process. Cheap to clone, usable from any task.
///
/// | URL | what it opens |
/// |---|---|
/// | `memory:` | an engine in this process that keeps nothing |
/// | `ackline:///var/lib/app`, `ackline:./data` | an engine in this process, kept in that directory |
/// | `redis://user:password@host:6379/0`, `rediss://…` | a server, `rediss` over TLS |
/// | `redis+unix:///run/redis.sock` | a server behind a Unix socket |
/// | `redis+sentinel://host1:26379,host2:26379/service` | the master of a service |
/// | `redis+cluster://host1:7000,host2:7000`, `rediss+cluster://…` | a cluster |
#[derive(Clone)]
pub struct Client(Arc<Inner>);

struct Inner {
    store: Store,
    without: Without,
    observers: Mutex<Vec<Observer>>,
    #[cfg(feature = "harness")]
    subscriptions: Mutex<Vec<std::sync::Weak<crate::subscription::Shared>>>,
    capabilities: tokio::sync::OnceCell<Capabilities>,
    produced: Arc<Produced>,
}

impl Client {
    /// Opens what a URL says. Fails if it cannot be reached now; later it is reached again by itself.
    pub async fn open(url: &str) -> Result<Client> {
        let target: Target = url.parse()?;
        let client = Client::on(Store::open(target).await?);
        client.ping().await?;
        Ok(client)
    }

    /// A client of an engine that this program has opened itself.
    #[cfg(feature = "embedded")]
    pub fn embedded(engine: ackline::Ackline) -> Client {
        Client::on(Store::Embedded(crate::store::embedded::Embedded::new(engine)))
    }

    pub(crate) fn on(store: Store) -> Client {
        Client::lacking(store, Without::default())
    }

    pub(crate) fn lacking(store: Store, without: Without) -> Client {
        Client(Arc::new(Inner {
            store,
            without,
            observers: Mutex::default(),
            #[cfg(feature = "harness")]
            subscriptions: Mutex::default(),
            produced: Arc::default(),
            capabilities: tokio::sync::OnceCell::new(),
        }))
    }

    /// Another client of the same place, which does not use some commands.
    #[doc(hidden)]
    pub fn without(&self, without: Without) -> Client {
        Client::lacking(self.0.store.clone(), without)
    }

    /// Tells `observer` what becomes of entries at those consumers of this client that are started from now on: for metrics,
    /// for audits, for tests. It is called where it happens, so it has to be quick, and must not panic.
    ///
    /// ```
    /// # use ackline_consumer::{Client, What};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), ackline_consumer::Error> {
    /// let client = Client::open("memory:").await?;
    /// client.observe(|event| {
    ///     if let What::DeadLettered { to, reason, .. } = event.what {
    ///         eprintln!("{} of {} lies in {to}: {reason}", event.id, event.stream);
    ///     }
    /// });
    /// # Ok(()) }
    /// ```
    pub fn observe(&self, observer: impl Fn(&Event<'_>) + Send + Sync + 'static) {
        self.0.observers.lock().push(Arc::new(observer));
    }

    pub(crate) fn observers(&self) -> Vec<Observer> {
        self.0.observers.lock().clone()
    }

    /// Those who hold entries of this client's streams.
    #[cfg(feature = "harness")]
    pub(crate) fn subscriptions(
        &self,
    ) -> parking_lot::MutexGuard<'_, Vec<std::sync::Weak<crate::subscription::Shared>>> {
        self.0.subscriptions.lock()
    }

    /// What this client does without.
    pub(crate) fn lacks(&self) -> Without {
        self.0.without
    }

    pub(crate) fn store(&self) -> &Store {
        &self.0.store
    }

    /// What is counted about adding.
    pub(crate) fn produced(&self) -> &Arc<Produced> {
        &self.0.produced
    }

    /// What the server can do, asked once by means of a stream.
    pub(crate) async fn capabilities(&self, stream: &str) -> Result<Capabilities> {
        let ask = || Capabilities::of(&self.0.store, stream);
        Ok(self.0.without.of(self.0.capabilities.get_or_try_init(ask).await?.clone()))
    }

    /// Adds an entry to a stream, which is created if there is none: a value in a codec ([`Json`](crate::Json),
    /// [`MsgPack`](crate::MsgPack) ..) or fields. Returns once the server has confirmed it.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), ackline_consumer::Error> {
    /// let client = ackline_consumer::Client::open("memory:").await?;
    /// client.add("orders", &[("item", "tea"), ("count", "2")]).await?;
    /// # Ok(()) }
    /// ```
    pub async fn add(&self, stream: &str, value: impl IntoEntry) -> Result<EntryId> {
        self.send(Add::to(stream, value)).await
    }

    /// Adds an entry with options: headers, format, a bound for the stream, idempotence.
    pub async fn send(&self, add: Add) -> Result<EntryId> {
        let span = trace::produce(add.stream(), 1);
        let stream = add.stream().to_owned();
        let added = async {
            let value = self.0.store.call(add.into_command()?).await?;
            let id = expect("XADD", value, |value| value.id())?;
            trace::produced(id);
            Ok(id)
        };
        let added = trace::observed(added, span).await;
        self.0.produced.count(&stream, u64::from(added.is_ok()), u64::from(added.is_err()));
        added
    }

    /// Adds entries in one step: all of them or none. In a cluster their streams have to lie in one slot.
    pub async fn send_all(&self, adds: impl IntoIterator<Item = Add>) -> Result<Vec<EntryId>> {
        let adds: Vec<Add> = adds.into_iter().collect();
        let mut streams: Vec<(String, u64)> = Vec::new();
        for add in &adds {
            match streams.last_mut() {
                Some((stream, count)) if stream == add.stream() => *count += 1,
                _ => streams.push((add.stream().to_owned(), 1)),
            }
        }
        let span = trace::produce(streams.first().map_or("", |(stream, _)| stream), adds.len());
        let added = async {
            let commands: Vec<Command> = adds.into_iter().map(Add::into_command).collect::<Result<_>>()?;
            let answers = self.0.store.transaction(commands).await?;
            answers.into_iter().map(|answer| expect("XADD", answer, |value| value.id())).collect()
        };
        let added: Result<Vec<EntryId>> = trace::observed(added, span).await;
        for (stream, count) in streams {
            let (well, ill) = if added.is_ok() { (count, 0) } else { (0, count) };
            self.0.produced.count(&stream, well, ill);
        }
        added
    }

    /// Consumes a stream, or several, for a group.
    pub fn consume(&self, streams: impl Into<Streams>, group: impl Into<String>) -> Consume {
        Consume::new(self.clone(), streams.into(), group.into())
    }

    /// The name of a stream's dead-letter stream, unless its consumers say otherwise.
    pub fn dead_letter_stream(&self, stream: &str) -> String {
        producer::dead_letter_stream(stream, self.0.store.is_cluster())
    }

    /// How many entries a stream holds; 0 if there is none.
    pub async fn len(&self, stream: &str) -> Result<u64> {
        let answer = self.0.store.call(Command::new("XLEN").arg(stream)).await?;
        expect("XLEN", answer, |value| u64::try_from(value.int()?).ok())
    }

    /// Whether the place answers: for health checks.
    pub async fn ping(&self) -> Result<()> {
        // PING belongs to servers; this every engine answers too.
        self.0.store.call(Command::new("EXISTS").arg("ackline:ping")).await.map(drop)
    }

    /// Who is spoken to, for messages; no password.
    pub fn peer(&self) -> &str {
        self.0.store.peer()
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Client").field(&self.peer()).finish()
    }
}
