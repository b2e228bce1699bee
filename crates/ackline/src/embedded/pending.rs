//! Replies that may still be on their way: futures of no particular runtime.

use super::core::Core;
use crate::block_on::block_on;
use crate::gate::Place;
use ackline_engine::{Error, Outcome, Ticket};
use ackline_log::Lsn;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

/// The reply to a command that has been executed: [`Ackline::submit`](crate::Ackline::submit).
///
/// A future for any runtime, or for none: [`Pending::wait`] blocks. It is ready once what the command saw is durable,
/// which it often is at once, and for a read with BLOCK once there is something to read or its time is over.
///
/// Dropping it takes nothing back: the command has been executed. A read that waits leaves its place, so that nothing is
/// delivered to somebody who is gone. Should an entry have been delivered in the very moment, then it is pending for its
/// consumer like any other that was read and not acknowledged: the consumer finds it in its history, and others may
/// claim it.
///
/// # Panics
///
/// When it is polled again after it was ready.
#[must_use = "the command has been executed; without its reply nobody knows whether that is durable"]
pub struct Pending(State);

enum State {
    Held(Held<Outcome>),
    Parked(Parked),
}

/// The replies to the commands of a batch that has been executed:
/// [`Ackline::submit_all`](crate::Ackline::submit_all). As [`Pending`], for all of them at once.
///
/// # Panics
///
/// When it is polled again after it was ready.
#[must_use = "the commands have been executed; without the replies nobody knows whether that is durable"]
pub struct PendingAll(Held<Vec<Outcome>>);

impl Pending {
    pub(crate) fn held(held: Held<Outcome>) -> Pending {
        Pending(State::Held(held))
    }

    pub(crate) fn parked(parked: Parked) -> Pending {
        Pending(State::Parked(parked))
    }

    /// Blocks until the reply is there.
    pub fn wait(self) -> Outcome {
        match self.0 {
            State::Held(held) => held.wait().and_then(|outcome| outcome),
            State::Parked(parked) => {
                let core = Arc::clone(&parked.core);
                let (outcome, lsn) = block_on(parked);
                core.pass(lsn).and(outcome)
            }
        }
    }

    /// Whether the read waits for something to read: it has not been answered yet.
    pub fn is_parked(&self) -> bool {
        matches!(self.0, State::Parked(_))
    }
}

impl Future for Pending {
    type Output = Outcome;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Outcome> {
        if let State::Parked(parked) = &mut self.0 {
            let Poll::Ready((outcome, lsn)) = Pin::new(&mut *parked).poll(cx) else { return Poll::Pending };
            let held = Held::new(&parked.core, outcome, lsn);
            self.0 = State::Held(held);
        }
        match &mut self.0 {
            State::Held(held) => held.poll(cx).map(|passed| passed.and_then(|outcome| outcome)),
            State::Parked(_) => unreachable!("it has just been answered"),
        }
    }
}

impl PendingAll {
    pub(crate) fn new(held: Held<Vec<Outcome>>) -> PendingAll {
        PendingAll(held)
    }

    /// Blocks until the replies are there.
    pub fn wait(self) -> Vec<Outcome> {
        let count = self.0.value.as_ref().map_or(0, Vec::len);
        each(self.0.wait(), count)
    }
}

impl Future for PendingAll {
    type Output = Vec<Outcome>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Vec<Outcome>> {
        let count = self.0.value.as_ref().map_or(0, Vec::len);
        self.0.poll(cx).map(|passed| each(passed, count))
    }
}

/// Nobody knows of any of them what became of it.
fn each(passed: Result<Vec<Outcome>, Error>, count: usize) -> Vec<Outcome> {
    passed.unwrap_or_else(|error| vec![Err(error); count])
}

/// An answer that is held back until the log is durable up to what it saw.
pub(crate) struct Held<T> {
    value: Option<T>,
    /// Where it waits; `None` once nothing has to be waited for.
    gate: Option<(Arc<Core>, Lsn)>,
    place: Option<Place>,
}

impl<T: Unpin> Held<T> {
    pub(crate) fn new(core: &Arc<Core>, value: T, lsn: Lsn) -> Held<T> {
        let is_safe = core.broker.log().durable().lsn() >= lsn;
        let gate = (!is_safe).then(|| (Arc::clone(core), lsn));
        Held { value: Some(value), gate, place: None }
    }

    fn wait(mut self) -> Result<T, Error> {
        if let Some((core, lsn)) = &self.gate {
            core.pass(*lsn)?;
        }
        Ok(self.take())
    }

    fn poll(&mut self, cx: &Context<'_>) -> Poll<Result<T, Error>> {
        if let Some((core, lsn)) = &self.gate {
            match core.gate.poll(core.broker.log().durable(), *lsn, &mut self.place, cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(true) => self.gate = None,
                Poll::Ready(false) => return Poll::Ready(Err(core.lost())),
            }
        }
        Poll::Ready(Ok(self.take()))
    }

    fn take(&mut self) -> T {
        self.value.take().expect("a future is not polled after it was ready")
    }
}

impl<T> Drop for Held<T> {
    fn drop(&mut self) {
        if let Some((core, _)) = &self.gate {
            core.gate.leave(&mut self.place);
        }
    }
}

/// A read that waits for something to read.
pub(crate) struct Parked {
    core: Arc<Core>,
    /// `None` once it was answered.
    ticket: Option<Ticket>,
}

impl Parked {
    pub(crate) fn new(core: &Arc<Core>, ticket: Ticket) -> Parked {
        Parked { core: Arc::clone(core), ticket: Some(ticket) }
    }
}

impl Future for Parked {
    type Output = (Outcome, Lsn);

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<(Outcome, Lsn)> {
        let ticket = self.ticket.expect("a future is not polled after it was ready");
        let answer = self.core.answers.poll(ticket, cx);
        if answer.is_ready() {
            self.ticket = None;
        }
        answer
    }
}

impl Drop for Parked {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket.take() {
            self.core.abandon(ticket);
        }
    }
}
