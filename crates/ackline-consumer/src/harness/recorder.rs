//! A handler for tests.

use crate::outcome::Outcome;
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::future::{Ready, ready};
use std::sync::Arc;

/// A handler that keeps what it is called with, and answers what it was told to.
#[derive(Debug)]
pub struct Recorder<T>(Arc<Mutex<Records<T>>>);

#[derive(Debug)]
struct Records<T> {
    calls: Vec<T>,
    answers: VecDeque<Outcome>,
}

impl<T> Clone for Recorder<T> {
    fn clone(&self) -> Recorder<T> {
        Recorder(Arc::clone(&self.0))
    }
}

impl<T: Send + 'static> Recorder<T> {
    pub(super) fn new() -> Recorder<T> {
        Recorder(Arc::new(Mutex::new(Records { calls: Vec::new(), answers: VecDeque::new() })))
    }

    /// The next calls are answered so, each with one of these; those behind them with [`Outcome::Done`].
    pub fn answer(&self, answers: impl IntoIterator<Item = Outcome>) {
        self.0.lock().answers.extend(answers);
    }

    /// The handler, for [`Consume::handler`](crate::Consume::handler).
    pub fn handler(&self) -> impl Fn(T) -> Ready<Outcome> + Send + Sync + 'static {
        let records = Arc::clone(&self.0);
        move |call| {
            let mut records = records.lock();
            records.calls.push(call);
            ready(records.answers.pop_front().unwrap_or(Outcome::Done))
        }
    }

    /// How often it was called.
    pub fn len(&self) -> usize {
        self.0.lock().calls.len()
    }

    /// Whether it was never called.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What it was called with since this was last asked.
    pub fn take(&self) -> Vec<T> {
        std::mem::take(&mut self.0.lock().calls)
    }
}

impl<T: Clone + Send + 'static> Recorder<T> {
    /// What it was called with.
    pub fn calls(&self) -> Vec<T> {
        self.0.lock().calls.clone()
    }
}
