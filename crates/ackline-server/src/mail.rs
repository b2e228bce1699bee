//! Messages to I/O threads, and how they are woken.

use ackline::Lsn;
use ackline_engine::{Outcome, Ticket};
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A published message, or what a monitor sees.
#[derive(Debug)]
pub(crate) enum Push {
    /// To subscribers of a channel.
    Message { channel: Vec<u8>, payload: Vec<u8> },
    /// To subscribers of a pattern.
    Pattern { pattern: Vec<u8>, channel: Vec<u8>, payload: Vec<u8> },
    /// To subscribers of a shard channel.
    Shard { channel: Vec<u8>, payload: Vec<u8> },
    /// To monitors: one line.
    Monitor(String),
}

/// What an I/O thread is told.
#[derive(Debug)]
pub(crate) enum Msg {
    /// A new connection.
    Accepted(crate::net::Stream),
    /// A blocked read has its answer.
    Served { client: u64, ticket: Ticket, outcome: Outcome, lsn: Lsn },
    /// Something for a client beside its replies.
    Push(u64, Arc<Push>),
    /// The client goes.
    Kill(u64),
    /// CLIENT UNBLOCK of a client that waits for something outside the engine; `true` = with an error.
    Unblock(u64, bool),
    /// A pause ended.
    Resume,
}

/// An I/O thread's letter box.
pub(crate) struct Mailbox {
    queue: Mutex<Vec<Msg>>,
    waker: mio::Waker,
    /// The thread holds replies back and wants to hear of the log.
    pub(crate) waits_for_log: AtomicBool,
}

impl Mailbox {
    pub(crate) fn new(waker: mio::Waker) -> Mailbox {
        Mailbox { queue: Mutex::default(), waker, waits_for_log: AtomicBool::new(false) }
    }

    pub(crate) fn send(&self, msg: Msg) {
        let mut queue = self.queue.lock();
        queue.push(msg);
        if queue.len() == 1 {
            drop(queue);
            self.wake();
        }
    }

    pub(crate) fn take(&self) -> Vec<Msg> {
        std::mem::take(&mut *self.queue.lock())
    }

    /// Wakes the thread.
    pub(crate) fn wake(&self) {
        if let Err(error) = self.waker.wake() {
            tracing::error!("an I/O thread could not be woken: {error}");
        }
    }

    /// The log advanced.
    pub(crate) fn log_advanced(&self) {
        if self.waits_for_log.swap(false, Ordering::SeqCst) {
            self.wake();
        }
    }
}
