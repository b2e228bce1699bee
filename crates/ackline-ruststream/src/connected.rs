//! The broker, connected.

use crate::broker::AcklineBroker;
use crate::error::{AcklineError, HalfDeclaration, Result};
use crate::ledger::Ledger;
use crate::publish::AcklinePublish;
use crate::source::AcklineStream;
use crate::subscriber::{AcklineSubscriber, Opened};
use crate::world::World;
use ackline_consumer::{Add, Client};
use futures_util::FutureExt;
use parking_lot::Mutex;
use ruststream::{
    BrokerMoves, ConnectedBroker, DeclareRetryError, DefaultPublish, RetryDeclaration, Subscribe,
};
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// A connected [`AcklineBroker`]. Cheap to clone; clones are closed with the one that is shut down.
#[derive(Clone)]
pub struct ConnectedAckline(pub(crate) Arc<Shared>);

/// What a connected broker's subscriptions and publishers share.
pub(crate) struct Shared {
    client: Client,
    /// Where the broker was connected: what runs on its behalf runs here, whoever asked for it.
    runtime: Handle,
    group: Option<String>,
    drain: Duration,
    /// What registrations by name have declared, until they open.
    declared: Mutex<HashMap<String, RetryDeclaration>>,
    open: Mutex<Vec<Arc<Opened>>>,
    closed: CancellationToken,
    pub(crate) ledger: Ledger,
}

/// A broker that was shut down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClosedAckline {
    /// Whether every delivery was settled in time. Those that were not have been given back.
    pub settled: bool,
}

impl ConnectedAckline {
    pub(crate) fn new(client: Client, broker: &AcklineBroker, world: World) -> ConnectedAckline {
        ConnectedAckline(Arc::new(Shared {
            client,
            runtime: Handle::current(),
            group: broker.group.clone(),
            drain: broker.drain,
            declared: Mutex::default(),
            open: Mutex::default(),
            closed: CancellationToken::new(),
            ledger: Ledger::new(world),
        }))
    }

    /// The client below, for everything that ruststream has no words for: lengths, health, other consumers.
    pub fn client(&self) -> &Client {
        &self.0.client
    }

    /// A publisher with the usual settings.
    pub fn publisher(&self) -> crate::AcklinePublisher {
        AcklinePublish::new().live(self)
    }

    pub(crate) async fn open(&self, source: AcklineStream) -> Result<AcklineSubscriber> {
        let shared = &self.0;
        shared.alive()?;
        let group = source.group.clone().map(Into::into).or_else(|| shared.group.clone());
        let group = group.ok_or_else(|| AcklineError::NoGroup { stream: source.stream.to_string() })?;
        shared.refuse_second(&source.stream, &group)?;
        let consume = shared.client.consume(&*source.stream, &group).options(source.options.clone());
        // Its tasks shall live as long as the broker does, not as long as the runtime of whoever opens it.
        let subscription =
            shared.runtime.spawn(consume.subscribe()).await.map_err(|_| AcklineError::Closed)??;
        let opened = Opened::new(subscription, group, source, shared.runtime.clone(), shared.ledger.clone());
        let opened = Arc::new(opened);
        shared.open.lock().push(Arc::clone(&opened));
        if shared.closed.is_cancelled() {
            opened.subscription.give_up();
            return Err(AcklineError::Closed);
        }
        Ok(AcklineSubscriber::new(opened))
    }
}

impl Shared {
    pub(crate) fn alive(&self) -> Result<()> {
        if self.closed.is_cancelled() { Err(AcklineError::Closed) } else { Ok(()) }
    }

    pub(crate) async fn send(&self, add: Add) -> Result<()> {
        self.alive()?;
        let expected = self.ledger.expect_entries([&add]);
        let sent = self.client.send(add).await;
        self.ledger.added(expected, sent.as_ref().map(std::slice::from_ref));
        Ok(sent.map(drop)?)
    }

    /// All of them or none.
    pub(crate) async fn send_all(&self, adds: Vec<Add>) -> Result<()> {
        self.alive()?;
        if adds.is_empty() {
            return Ok(());
        }
        let expected = self.ledger.expect_entries(&adds);
        let sent = self.client.send_all(adds).await;
        self.ledger.added(expected, sent.as_ref().map(Vec::as_slice));
        Ok(sent.map(drop)?)
    }

    fn refuse_second(&self, stream: &str, group: &str) -> Result<()> {
        let mut open = self.open.lock();
        open.retain(|opened| opened.subscription.ended().now_or_never().is_none());
        match open
            .iter()
            .any(|opened| opened.is_read() && opened.stream() == stream && opened.group() == group)
        {
            true => Err(AcklineError::Taken { stream: stream.to_owned(), group: group.to_owned() }),
            false => Ok(()),
        }
    }
}

impl ConnectedBroker for ConnectedAckline {
    type Error = AcklineError;
    type Closed = ClosedAckline;

    /// Ends every subscription: what was fetched and not handed out is given back, verdicts are sent, consumers without a
    /// name of their own leave their groups.
    async fn shutdown(self) -> Result<ClosedAckline> {
        let shared = &self.0;
        shared.closed.cancel();
        let open = std::mem::take(&mut *shared.open.lock());
        open.iter().for_each(|opened| opened.subscription.stop());
        let settled = timeout(shared.drain, all_ended(&open)).await.is_ok();
        if !settled {
            open.iter().for_each(|opened| opened.subscription.give_up());
            all_ended(&open).await;
        }
        Ok(ClosedAckline { settled })
    }
}

async fn all_ended(open: &[Arc<Opened>]) {
    for opened in open {
        opened.subscription.ended().await;
    }
}

impl DefaultPublish for ConnectedAckline {
    type Policy = AcklinePublish;
}

/// Streams by name alone, for the group that [`AcklineBroker::group`] says.
impl Subscribe for ConnectedAckline {
    type Subscriber = AcklineSubscriber;
    type Copies = BrokerMoves;

    async fn subscribe(&self, name: &str) -> Result<AcklineSubscriber> {
        let declared = self.0.declared.lock().remove(name).unwrap_or_default();
        self.open(AcklineStream::new(name.to_owned()).declared(&declared)).await
    }

    fn declare_retry(&self, name: &str, declaration: &RetryDeclaration) -> Result<(), DeclareRetryError> {
        whole(declaration)?;
        if !declaration.declares_nothing() {
            self.0.declared.lock().insert(name.to_owned(), declaration.clone());
        }
        Ok(())
    }
}

/// A limit and a destination belong together.
pub(crate) fn whole(declaration: &RetryDeclaration) -> Result<(), DeclareRetryError> {
    match declaration.max_attempts().is_some() == declaration.dead_letter().is_some() {
        true => Ok(()),
        false => Err(DeclareRetryError::Broker(Box::new(HalfDeclaration))),
    }
}

impl fmt::Debug for ConnectedAckline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let open = self.0.open.lock();
        let open: Vec<_> = open.iter().map(|opened| (opened.stream(), opened.group())).collect();
        f.debug_struct("ConnectedAckline").field("client", &self.0.client).field("open", &open).finish()
    }
}
