//! Messages to I/O threads, and how they are woken.

#[cfg(all(test, feature = "model"))]
mod model;

use crate::handle::Who;
use ackline::Lsn;
use ackline_engine::{Outcome, Ticket};
use std::sync::Arc;

#[cfg(feature = "model")]
use ackline_log::sync::{
    Mutex,
    atomic::{AtomicBool, Ordering},
};
#[cfg(not(feature = "model"))]
use parking_lot::Mutex;
#[cfg(not(feature = "model"))]
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
    /// A connection from within this process.
    Invited(crate::net::Stream, Who),
    /// A blocked read has its answer.
    Served { client: u64, ticket: Ticket, outcome: Outcome, lsn: Lsn },
    /// Something for a client beside its replies.
    Push(u64, Arc<Push>),
    /// The client goes.
    Kill(u64),
    /// CLIENT UNBLOCK of a client that waits for something outside the engine; `true` = with an error.
    Unblock(u64, bool),
    /// Users, or what they may do, were changed by this client.
    UsersChanged { by: u64 },
    /// A pause ended.
    Resume,
}

/// What ends the sleep of an I/O thread, or keeps its next one from beginning.
pub(crate) trait Wake {
    fn wake(&self) -> std::io::Result<()>;
}

impl Wake for mio::Waker {
    fn wake(&self) -> std::io::Result<()> {
        mio::Waker::wake(self)
    }
}

/// An I/O thread's letter box.
pub(crate) struct Mailbox<W = mio::Waker> {
    post: Mutex<Post>,
    waker: W,
    /// The thread holds replies back and wants to hear of the log.
    waits_for_log: AtomicBool,
}

/// What is in the box.
#[derive(Default)]
struct Post {
    mail: Vec<Msg>,
    /// The thread found the box empty and will not look into it again by itself.
    asleep: bool,
}

impl<W: Wake> Mailbox<W> {
    pub(crate) fn new(waker: W) -> Mailbox<W> {
        Mailbox { post: Mutex::default(), waker, waits_for_log: AtomicBool::new(false) }
    }

    pub(crate) fn send(&self, msg: Msg) {
        self.post(|mail| mail.push(msg));
    }

    /// Sends several messages, with one wake-up at most.
    pub(crate) fn send_all(&self, several: Vec<Msg>) {
        match several.is_empty() {
            true => {}
            false => self.post(|mail| mail.extend(several)),
        }
    }

    /// Who is awake looks into the box before it sleeps, and is not woken.
    fn post(&self, put: impl FnOnce(&mut Vec<Msg>)) {
        let mut post = self.post.lock();
        put(&mut post.mail);
        let wakes = std::mem::take(&mut post.asleep);
        drop(post);
        if wakes {
            self.wake();
        }
    }

    /// Takes what there is.
    pub(crate) fn take(&self) -> Vec<Msg> {
        let mut post = self.post.lock();
        post.asleep = false;
        std::mem::take(&mut post.mail)
    }

    /// Whether the thread may sleep: if so, the next message wakes it.
    pub(crate) fn may_sleep(&self) -> bool {
        let mut post = self.post.lock();
        post.asleep = post.mail.is_empty();
        post.asleep
    }

    /// Wakes the thread.
    pub(crate) fn wake(&self) {
        if let Err(error) = self.waker.wake() {
            tracing::error!("an I/O thread could not be woken: {error}");
        }
    }

    /// Looks at what the log released; if `look` says that something still waits, the next advance wakes the thread.
    pub(crate) fn look_at_log(&self, look: impl FnOnce() -> bool) {
        // Asked before looking: what becomes durable in between wakes the thread.
        self.waits_for_log.store(true, Ordering::SeqCst);
        if !look() {
            self.waits_for_log.store(false, Ordering::SeqCst);
        }
    }

    /// The log advanced.
    pub(crate) fn log_advanced(&self) {
        if self.waits_for_log.swap(false, Ordering::SeqCst) {
            self.wake();
        }
    }
}
