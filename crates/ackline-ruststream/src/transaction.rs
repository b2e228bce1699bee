//! Several entries in one step.

use crate::connected::ConnectedAckline;
use crate::error::{AcklineError, Result};
use crate::publish::{AcklineOptions, AcklinePublish, AcklinePublisher};
use ackline_consumer::Add;
use bytes::BytesMut;
use parking_lot::Mutex;
use ruststream::{
    OutgoingMessage, PairError, PublishPolicy, Publisher, Take, Transaction, TransactionalPublisher,
};
use tracing::warn;

/// Messages that are added in one step (MULTI, EXEC), or not at all. Nobody sees some of them and not the others. In a
/// cluster their streams have to lie in one slot.
#[must_use = "nothing is added before it is committed"]
#[derive(Debug)]
pub struct AcklineTransaction {
    publisher: AcklinePublisher,
    adds: Vec<Add>,
}

impl AcklineTransaction {
    pub(crate) fn new(publisher: AcklinePublisher) -> AcklineTransaction {
        AcklineTransaction { publisher, adds: Vec::new() }
    }
}

impl Transaction for AcklineTransaction {
    type Payload = Take;
    type Error = AcklineError;
    type Options = AcklineOptions;

    /// Collects a message. Only what cannot be written at all fails here.
    async fn publish(
        &mut self,
        message: OutgoingMessage<'_, BytesMut>,
        options: Option<&AcklineOptions>,
    ) -> Result<()> {
        self.adds.push(self.publisher.add(message, options)?);
        Ok(())
    }

    async fn commit(mut self) -> Result<()> {
        let adds = std::mem::take(&mut self.adds);
        self.publisher.send_all(adds).await
    }

    async fn abort(mut self) -> Result<()> {
        self.adds.clear();
        Ok(())
    }
}

impl Drop for AcklineTransaction {
    fn drop(&mut self) {
        if !self.adds.is_empty() {
            warn!(
                messages = self.adds.len(),
                "a transaction was dropped without commit or abort: nothing of it is added"
            );
        }
    }
}

/// A policy whose publisher collects messages from `begin_transaction` to `commit`; outside of that it adds each at once.
#[derive(Clone, Debug, Default)]
pub struct AcklineTransactionalPublish(pub(crate) AcklinePublish);

impl AcklineTransactionalPublish {
    /// The publisher, without ruststream: for programs that use this crate on its own.
    pub fn live(self, connected: &ConnectedAckline) -> AcklineTransactionalPublisher {
        AcklineTransactionalPublisher { publisher: self.0.live(connected), open: Mutex::default() }
    }
}

impl PublishPolicy<ConnectedAckline> for AcklineTransactionalPublish {
    type Live = AcklineTransactionalPublisher;

    async fn pair(self, connected: &ConnectedAckline) -> Result<AcklineTransactionalPublisher, PairError> {
        Ok(self.live(connected))
    }
}

/// A publisher with one transaction of its own.
#[derive(Debug)]
pub struct AcklineTransactionalPublisher {
    publisher: AcklinePublisher,
    /// What was collected since the transaction began.
    open: Mutex<Option<Vec<Add>>>,
}

impl AcklineTransactionalPublisher {
    /// The add, unless the open transaction has taken it.
    fn collect(&self, add: Add) -> Option<Add> {
        match &mut *self.open.lock() {
            Some(adds) => {
                adds.push(add);
                None
            }
            None => Some(add),
        }
    }

    fn close(&self) -> Result<Vec<Add>> {
        self.open.lock().take().ok_or(AcklineError::NoTransaction)
    }
}

impl Publisher for AcklineTransactionalPublisher {
    type Payload = Take;
    type Error = AcklineError;
    type Options = AcklineOptions;

    async fn publish(
        &self,
        message: OutgoingMessage<'_, BytesMut>,
        options: Option<&AcklineOptions>,
    ) -> Result<()> {
        match self.collect(self.publisher.add(message, options)?) {
            Some(add) => self.publisher.send(add).await,
            None => Ok(()),
        }
    }
}

impl TransactionalPublisher for AcklineTransactionalPublisher {
    async fn begin_transaction(&self) -> Result<()> {
        self.publisher.alive()?;
        let mut open = self.open.lock();
        match *open {
            Some(_) => Err(AcklineError::TransactionOpen),
            None => {
                *open = Some(Vec::new());
                Ok(())
            }
        }
    }

    async fn commit(&self) -> Result<()> {
        let adds = self.close()?;
        self.publisher.send_all(adds).await
    }

    async fn abort(&self) -> Result<()> {
        self.close().map(drop)
    }
}
