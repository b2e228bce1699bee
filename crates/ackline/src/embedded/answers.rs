//! The answers of reads that parked, on their way from the sink to whoever waits for them.
//!
//! ```text
//! parked ──► Waiting ──► Served ──► taken         the sink may be first: then there is only Served
//!               └─────► Gone ──► (sink) forgotten        dropped before it was answered
//! ```

use crate::sync::Mutex;
use ackline_engine::{Outcome, Served, Ticket};
use ackline_log::Lsn;
use std::collections::HashMap;
use std::task::{Context, Poll, Waker};

/// By ticket. A read that did not park is never in here.
#[derive(Default)]
pub(crate) struct Answers(Mutex<HashMap<Ticket, Answer, foldhash::fast::RandomState>>);

enum Answer {
    Waiting(Option<Waker>),
    Served(Outcome, Lsn),
    /// Nobody wants it.
    Gone,
}

impl Answers {
    /// The sink. Called without any lock held; wakes without one.
    pub(crate) fn deliver(&self, all: Vec<Served>, lsn: Lsn) {
        let mut answers = self.0.lock();
        let mut wakers = Vec::new();
        for Served { ticket, outcome } in all {
            match answers.insert(ticket, Answer::Served(outcome, lsn)) {
                Some(Answer::Waiting(waker)) => wakers.extend(waker),
                Some(Answer::Gone) => drop(answers.remove(&ticket)),
                Some(Answer::Served(..)) | None => {}
            }
        }
        drop(answers);
        wakers.into_iter().for_each(Waker::wake);
    }

    /// A read has parked.
    pub(crate) fn expect(&self, ticket: Ticket) {
        self.0.lock().entry(ticket).or_insert(Answer::Waiting(None));
    }

    /// Takes the answer of a read that parked.
    pub(crate) fn poll(&self, ticket: Ticket, cx: &Context<'_>) -> Poll<(Outcome, Lsn)> {
        let mut answers = self.0.lock();
        let before = match answers.get_mut(&ticket) {
            Some(Answer::Waiting(Some(waker))) if waker.will_wake(cx.waker()) => None,
            Some(Answer::Waiting(waker)) => waker.replace(cx.waker().clone()),
            _ => match answers.remove(&ticket) {
                Some(Answer::Served(outcome, lsn)) => return Poll::Ready((outcome, lsn)),
                _ => unreachable!("a read that parked is expected until its answer is taken"),
            },
        };
        drop(answers);
        // A waker may run anything when it is dropped.
        drop(before);
        Poll::Pending
    }

    /// Nobody waits for this read any more. Whether it is still to be answered: then the sink forgets it.
    pub(crate) fn abandon(&self, ticket: Ticket) -> bool {
        let mut answers = self.0.lock();
        let waits = matches!(answers.get(&ticket), Some(Answer::Waiting(_)));
        let before = match waits {
            true => answers.insert(ticket, Answer::Gone),
            false => answers.remove(&ticket),
        };
        drop(answers);
        drop(before);
        waits
    }

    /// The reads that wait.
    pub(crate) fn waiting(&self) -> Vec<Ticket> {
        let answers = self.0.lock();
        let waits =
            |(ticket, answer): (&Ticket, &Answer)| matches!(answer, Answer::Waiting(_)).then_some(*ticket);
        answers.iter().filter_map(waits).collect()
    }
}
