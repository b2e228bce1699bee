//! Reads that block.

use super::Redis;
use super::cluster::REDIRECTS;
use super::dial::{Address, Live};
use super::link::{Link, is_demoted};
use super::slots::Redirect;
use crate::error::{Error, Result, ServerError};
use crate::store::{Command, Value};
use crate::target::Host;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Between attempts to wake a read that the server has not begun yet.
const NUDGE: Duration = Duration::from_millis(5);
const NUDGE_MOST: Duration = Duration::from_millis(200);

/// A connection of its own.
pub(crate) struct Reader {
    redis: Redis,
    /// Taken out while a command is under way: if that is given up half-way, so is the connection, and the late answer with
    /// it.
    held: Option<Held>,
}

struct Held {
    link: Arc<Link>,
    live: Live,
    /// Whether the server has to be told that it was another that sent us: a slot of a cluster is on its way to it.
    asking: bool,
}

impl Reader {
    pub(super) fn new(redis: Redis) -> Reader {
        Reader { redis, held: None }
    }

    pub(crate) async fn call(
        &mut self,
        command: Command,
        block: Duration,
        stop: &CancellationToken,
    ) -> Result<Value> {
        let called = self.redirected(command, block, stop).await;
        if let (Err(_), Some(cluster)) = (&called, self.redis.cluster()) {
            cluster.doubt();
        }
        called?.into_result()
    }

    async fn redirected(
        &mut self,
        command: Command,
        block: Duration,
        stop: &CancellationToken,
    ) -> Result<Value> {
        let mut asked = None;
        for last in (0..=REDIRECTS).map(|round| round == REDIRECTS) {
            let held = tokio::select! {
                biased;
                () = stop.cancelled() => return Ok(Value::Nil),
                held = self.ready(&command, asked.take()) => held?,
            };
            match held.read(&command, block, stop).await? {
                Value::Error(error) => match self.redirect(&error, &held) {
                    Some(to) if !last => asked = to,
                    _ => return self.failed(error, held),
                },
                answer => {
                    self.held = Some(held);
                    return Ok(answer);
                }
            }
        }
        Ok(Value::Nil)
    }

    /// A connection to the server that has the key, or that was named.
    async fn ready(&mut self, command: &Command, asked: Option<Host>) -> Result<Held> {
        let asking = asked.is_some();
        let link = match (asked, self.redis.cluster()) {
            (Some(host), Some(cluster)) => cluster.link(&host),
            _ => self.redis.link(command).await?,
        };
        match self.held.take() {
            Some(held) if Arc::ptr_eq(&held.link, &link) && held.live.is_sound(link.patience()).await => {
                Ok(Held { asking, ..held })
            }
            _ => Ok(Held { live: link.dial().await?, link, asking }),
        }
    }

    /// If the read belongs elsewhere: whom to ask, if it is not whoever has the slot by now.
    fn redirect(&self, error: &ServerError, held: &Held) -> Option<Option<Host>> {
        let cluster = self.redis.cluster()?;
        let Address::Host(host) = &held.live.address else { return None };
        match Redirect::of(error, host)? {
            Redirect::Ask(host) => Some(Some(host)),
            Redirect::Moved(host) => {
                cluster.moved(host);
                Some(None)
            }
        }
    }

    fn failed(&mut self, error: ServerError, held: Held) -> Result<Value> {
        if error.code() == "UNBLOCKED" {
            // A master that became a replica: nothing was handed out, and the next call finds the new master.
            return Ok(Value::Nil);
        }
        if !is_demoted(&error) {
            self.held = Some(held);
        }
        Ok(Value::Error(error))
    }
}

impl Held {
    async fn read(&self, command: &Command, block: Duration, stop: &CancellationToken) -> Result<Value> {
        let asking = self.asking.then(|| Command::new("ASKING"));
        let commands: Vec<Command> = asking.into_iter().chain([command.clone()]).collect();
        let limit = block.saturating_add(self.link.patience());
        let mut run = pin!(self.live.run(&commands, limit));
        let waking = async {
            stop.cancelled().await;
            match self.wake().await {
                // It ends by itself.
                Err(Error::Server(_) | Error::Unsupported { .. }) => std::future::pending().await,
                Ok(()) | Err(_) => tokio::time::sleep(self.link.patience()).await,
            }
        };
        let answers = tokio::select! {
            biased;
            answers = &mut run => answers?,
            () = waking => return Err(self.live.broken("silent, although the wait is over")),
        };
        Ok(answers.into_iter().next_back().unwrap_or(Value::Nil))
    }

    /// Ends the wait at the server.
    async fn wake(&self) -> Result<()> {
        let mut pause = NUDGE;
        // Our words overtake the read, which comes over another connection: then there is nobody to wake yet.
        while !self.link.unblock(&self.live).await? {
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(NUDGE_MOST);
        }
        Ok(())
    }
}
