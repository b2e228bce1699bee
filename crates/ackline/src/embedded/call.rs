//! A call whose result has a type.

use super::Ackline;
use super::pending::Pending;
use super::words::Words;
use ackline_engine::{Error, Outcome};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

/// A call that has not been made yet: await it, or let [`Call::wait`] block.
///
/// It does nothing before that, like every future, and is made once. [`Call::submit`] makes it at once and leaves the
/// result for later; so several calls take effect in the order in which they are submitted and wait for one sync
/// together.
///
/// ```
/// # use ackline::Ackline;
/// let broker = Ackline::memory();
/// let first = broker.add("orders", [("item", "tea")]).submit();
/// let second = broker.add("orders", [("item", "rice")]).submit();
/// assert!(first.wait()? < second.wait()?);
/// # Ok::<(), ackline::Error>(())
/// ```
///
/// Dropped before it was made, it is never made. Dropped afterwards, what it did stays done; see [`Pending`] for a read
/// that waits.
///
/// # Panics
///
/// When it is polled again after it was ready.
#[must_use = "a call does nothing until it is awaited, waited for or submitted"]
pub struct Call<'a, T>(State<'a, T>);

/// What makes a result of a reply.
pub(crate) type Read<T> = fn(Outcome) -> Result<T, Error>;

enum State<'a, T> {
    Unsent(&'a Ackline, Words, Read<T>),
    Sent(Pending, Read<T>),
    /// Nothing has to be asked for it.
    Known(Result<T, Error>),
    Done,
}

/// What is left of a call of which several are made at once.
pub(crate) enum Plan<T> {
    Send(Words, Read<T>),
    Known(Result<T, Error>),
}

/// A call that was made cannot be made again with others.
const MADE: Error = Error::from_static("ERR the call was made before");

impl<T> fmt::Debug for Call<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if matches!(self.0, State::Unsent(..)) { "Call(unsent)" } else { "Call(sent)" })
    }
}

impl<'a, T> Call<'a, T> {
    pub(crate) fn new(broker: &'a Ackline, words: Words, read: Read<T>) -> Call<'a, T> {
        Call(State::Unsent(broker, words, read))
    }

    pub(crate) fn known(result: Result<T, Error>) -> Call<'a, T> {
        Call(State::Known(result))
    }

    /// Makes the call and blocks until its result is there and durable.
    pub fn wait(self) -> Result<T, Error> {
        match self.0 {
            State::Unsent(broker, words, read) => read(broker.core().call(words.as_args())),
            State::Sent(pending, read) => read(pending.wait()),
            State::Known(result) => result,
            State::Done => done(),
        }
    }

    /// Makes the call now; the result is still to be awaited or waited for.
    pub fn submit(self) -> Call<'static, T> {
        Call(match self.0 {
            State::Unsent(broker, words, read) => State::Sent(broker.core().submit(words.as_args()), read),
            State::Sent(pending, read) => State::Sent(pending, read),
            State::Known(result) => State::Known(result),
            State::Done => State::Done,
        })
    }

    pub(crate) fn into_plan(self) -> Plan<T> {
        match self.0 {
            State::Unsent(_, words, read) => Plan::Send(words, read),
            State::Known(result) => Plan::Known(result),
            State::Sent(..) | State::Done => Plan::Known(Err(MADE)),
        }
    }
}

// Nothing in it is ever pinned.
impl<T> Unpin for Call<'_, T> {}

impl<T> Future for Call<'_, T> {
    type Output = Result<T, Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<T, Error>> {
        if let State::Unsent(broker, words, read) = &self.0 {
            self.0 = State::Sent(broker.core().submit(words.as_args()), *read);
        }
        if let State::Sent(pending, read) = &mut self.0 {
            return Pin::new(pending).poll(cx).map(*read);
        }
        match std::mem::replace(&mut self.0, State::Done) {
            State::Known(result) => Poll::Ready(result),
            _ => done(),
        }
    }
}

fn done() -> ! {
    panic!("a future is not polled after it was ready")
}
