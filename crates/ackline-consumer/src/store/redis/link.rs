//! The connection that all short commands to one server share.

use super::dial::{Address, Dialer, Live};
use super::lazy::Lazy;
use super::sentinel::Sentinels;
use crate::error::{Error, Result, ServerError};
use crate::store::{Command, Value};
use futures_util::FutureExt;
use std::sync::Arc;
use std::time::Duration;

/// How to find the server.
pub(super) enum Way {
    Direct(Address),
    Sentinel(Arc<Sentinels>),
}

pub(super) struct Link {
    dialer: Arc<Dialer>,
    way: Arc<Way>,
    live: Lazy<Arc<Live>>,
}

impl Link {
    pub(super) fn new(dialer: Arc<Dialer>, way: Way) -> Link {
        Link { dialer, way: Arc::new(way), live: Lazy::new() }
    }

    /// A connection nobody else has.
    pub(super) async fn dial(&self) -> Result<Live> {
        dial(&self.dialer, &self.way).await
    }

    /// How long this server may take to answer.
    pub(super) fn patience(&self) -> Duration {
        self.dialer.patience
    }

    async fn live(&self) -> Result<(u64, Arc<Live>)> {
        let (number, live) = self.made().await?;
        if live.is_sound(self.patience()).await {
            return Ok((number, live));
        }
        self.live.forget(number);
        self.made().await
    }

    async fn made(&self) -> Result<(u64, Arc<Live>)> {
        let (dialer, way) = (&self.dialer, &self.way);
        let make = || {
            let (dialer, way) = (dialer.clone(), way.clone());
            async move { dial(&dialer, &way).await.map(Arc::new) }.boxed()
        };
        self.live.get(make).await
    }

    pub(super) async fn pipeline(&self, commands: &[Command]) -> Result<Vec<Value>> {
        let (number, live) = self.live().await?;
        let answers = live.run(commands, self.patience()).await;
        let over = match &answers {
            Err(_) => true,
            Ok(answers) => answers.iter().any(|answer| matches!(answer, Value::Error(e) if is_demoted(e))),
        };
        if over {
            self.live.forget(number);
        }
        answers
    }

    /// Has the server end the wait of another connection of ours. Whether it did; an error if it never will.
    pub(super) async fn unblock(&self, blocked: &Live) -> Result<bool> {
        let Some(id) = blocked.client_id else {
            return Err(Error::Unsupported { peer: blocked.address.to_string(), feature: "CLIENT ID" });
        };
        let (_, live) = self.live().await?;
        // After a failover the number would be somebody else's.
        if live.address != blocked.address {
            return Err(live.broken("another server by now"));
        }
        let answers = self.pipeline(&[Command::new("CLIENT").arg("UNBLOCK").int(id)]).await?;
        answers
            .into_iter()
            .next_back()
            .unwrap_or(Value::Nil)
            .into_result()
            .map(|answer| answer.int() == Some(1))
    }
}

async fn dial(dialer: &Dialer, way: &Way) -> Result<Live> {
    match way {
        Way::Direct(address) => Ok(dialer.dial(address, Command::new("PING")).await?.0),
        Way::Sentinel(sentinels) => sentinels.dial(dialer).await,
    }
}

/// Whether the server is no master any more: the next connection may find the one that is.
pub(super) fn is_demoted(error: &ServerError) -> bool {
    ["READONLY", "UNBLOCKED", "MASTERDOWN"].contains(&error.code())
}
