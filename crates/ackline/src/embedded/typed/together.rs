//! Calls with types as one atomic batch.

use super::Words;
use crate::embedded::call::{Call, Plan};
use crate::embedded::{Ackline, PendingAll};
use ackline_engine::{Error, Outcome};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

/// Calls that are made as one atomic batch, and have not been made yet: [`Ackline::together`]. As [`Call`].
///
/// # Panics
///
/// When it is polled again after it was ready.
#[must_use = "calls do nothing until they are awaited, waited for or submitted"]
pub struct Batch<'a, R: Results>(State<'a, R>);

enum State<'a, R> {
    Unsent(&'a Ackline, Vec<Words>, R),
    Sent(PendingAll, R),
    Done,
}

impl<R: Results> fmt::Debug for Batch<'_, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if matches!(self.0, State::Unsent(..)) { "Batch(unsent)" } else { "Batch(sent)" })
    }
}

impl<'a, R: Results> Batch<'a, R> {
    pub(crate) fn new(broker: &'a Ackline, calls: impl Together<Results = R>) -> Batch<'a, R> {
        let mut words = Vec::new();
        let results = calls.split(&mut words);
        Batch(State::Unsent(broker, words.into_iter().map(|Batched(words)| words).collect(), results))
    }

    /// Makes the calls and blocks until their results are there and durable.
    pub fn wait(self) -> R::All {
        let (pending, results) = self.0.send();
        results.of(&mut pending.wait().into_iter())
    }

    /// Makes the calls now; the results are still to be awaited or waited for.
    pub fn submit(self) -> Batch<'static, R> {
        let (pending, results) = self.0.send();
        Batch(State::Sent(pending, results))
    }
}

impl<R> State<'_, R> {
    fn send(self) -> (PendingAll, R) {
        match self {
            State::Unsent(broker, words, results) => (broker.submit_words(&words), results),
            State::Sent(pending, results) => (pending, results),
            State::Done => panic!("a future is not polled after it was ready"),
        }
    }
}

impl<R: Results + Unpin> Future for Batch<'_, R> {
    type Output = R::All;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<R::All> {
        let (mut pending, results) = std::mem::replace(&mut self.0, State::Done).send();
        match Pin::new(&mut pending).poll(cx) {
            Poll::Ready(replies) => Poll::Ready(results.of(&mut replies.into_iter())),
            Poll::Pending => {
                self.0 = State::Sent(pending, results);
                Poll::Pending
            }
        }
    }
}

/// Calls that can be made as one batch: tuples of [`Call`]s, whose results come in a tuple, and lists of calls of one
/// kind, whose results come in a list. See [`Ackline::together`].
pub trait Together {
    /// What becomes of their replies.
    type Results: Results;
    #[doc(hidden)]
    fn split(self, words: &mut Vec<Batched>) -> Self::Results;
}

/// What becomes of the replies to several calls.
pub trait Results {
    /// All the results.
    type All;
    #[doc(hidden)]
    fn of(self, replies: &mut dyn Iterator<Item = Outcome>) -> Self::All;
}

/// The words of one of several calls.
#[doc(hidden)]
pub struct Batched(Words);

/// Where the result of a call comes from.
#[doc(hidden)]
pub enum Source<T> {
    Reply(fn(Outcome) -> Result<T, Error>),
    Known(Result<T, Error>),
}

// Nothing in it is ever pinned.
impl<T> Unpin for Source<T> {}

fn split<T>(call: Call<'_, T>, all: &mut Vec<Batched>) -> Source<T> {
    match call.into_plan() {
        Plan::Send(words, read) => {
            all.push(Batched(words));
            Source::Reply(read)
        }
        Plan::Known(result) => Source::Known(result),
    }
}

fn result<T>(source: Source<T>, replies: &mut dyn Iterator<Item = Outcome>) -> Result<T, Error> {
    match source {
        Source::Reply(read) => read(replies.next().expect("every call of a batch has a reply")),
        Source::Known(result) => result,
    }
}

impl<T> Together for Vec<Call<'_, T>> {
    type Results = Vec<Source<T>>;

    fn split(self, words: &mut Vec<Batched>) -> Vec<Source<T>> {
        self.into_iter().map(|call| split(call, words)).collect()
    }
}

impl<T> Results for Vec<Source<T>> {
    type All = Vec<Result<T, Error>>;

    fn of(self, replies: &mut dyn Iterator<Item = Outcome>) -> Self::All {
        self.into_iter().map(|source| result(source, replies)).collect()
    }
}

macro_rules! tuples {
    ($($name:ident)*) => {
        #[allow(non_snake_case, reason = "a variable for each type")]
        impl<$($name),*> Together for ($(Call<'_, $name>,)*) {
            type Results = ($(Source<$name>,)*);

            fn split(self, words: &mut Vec<Batched>) -> Self::Results {
                let ($($name,)*) = self;
                ($(split($name, words),)*)
            }
        }

        #[allow(non_snake_case, reason = "a variable for each type")]
        impl<$($name),*> Results for ($(Source<$name>,)*) {
            type All = ($(Result<$name, Error>,)*);

            fn of(self, replies: &mut dyn Iterator<Item = Outcome>) -> Self::All {
                let ($($name,)*) = self;
                ($(result($name, replies),)*)
            }
        }
    };
}

tuples!(A B);
tuples!(A B C);
tuples!(A B C D);
tuples!(A B C D E);
tuples!(A B C D E F);
