//! Reads that block.

use super::dial::Live;
use super::link::{Link, is_demoted};
use super::{PATIENCE, Redis};
use crate::error::Result;
use crate::store::{Command, Value};
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
    held: Option<(Arc<Link>, Live)>,
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
        let (link, live) = tokio::select! {
            biased;
            () = stop.cancelled() => return Ok(Value::Nil),
            ready = self.ready(&command) => ready?,
        };
        let limit = block.saturating_add(PATIENCE);
        let answer = answer(&link, &live, &[command], limit, stop).await?;
        match answer {
            Value::Error(error) if is_demoted(&error) => match error.code() {
                "UNBLOCKED" => Ok(Value::Nil),
                _ => Err(error.into()),
            },
            answer => {
                self.held = Some((link, live));
                answer.into_result()
            }
        }
    }

    async fn ready(&mut self, command: &Command) -> Result<(Arc<Link>, Live)> {
        let link = self.redis.link(command).await?;
        match self.held.take() {
            Some((held, live)) if Arc::ptr_eq(&held, &link) => Ok((held, live)),
            _ => {
                let live = link.dial().await?;
                Ok((link, live))
            }
        }
    }
}

/// The answer to the last of the commands, which may block.
async fn answer(
    link: &Link,
    live: &Live,
    commands: &[Command],
    limit: Duration,
    stop: &CancellationToken,
) -> Result<Value> {
    let mut run = pin!(live.run(commands, limit));
    let woken = async {
        stop.cancelled().await;
        wake(link, live).await;
        std::future::pending::<()>().await;
    };
    let answers = tokio::select! {
        biased;
        answers = &mut run => answers?,
        () = woken => unreachable!("it never ends"),
    };
    Ok(answers.into_iter().next_back().unwrap_or(Value::Nil))
}

/// Ends the wait at the server. If it cannot be ended, it ends by itself.
async fn wake(link: &Link, live: &Live) {
    let mut pause = NUDGE;
    // Our words overtake the read, which comes over another connection: then there is nobody to wake yet.
    while let Ok(false) = link.unblock(live).await {
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(NUDGE_MOST);
    }
}
