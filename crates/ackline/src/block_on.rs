//! A thread that waits for a future.

use crate::sync::{Condvar, Mutex};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

/// Wakes a thread.
#[derive(Default)]
struct Signal {
    woken: Mutex<bool>,
    changed: Condvar,
}

impl Wake for Signal {
    fn wake(self: Arc<Signal>) {
        *self.woken.lock() = true;
        self.changed.notify_one();
    }
}

/// Blocks until the future is ready.
pub(crate) fn block_on<F: Future + Unpin>(mut future: F) -> F::Output {
    let signal = Arc::<Signal>::default();
    let waker = Waker::from(Arc::clone(&signal));
    let mut cx = Context::from_waker(&waker);
    loop {
        if let Poll::Ready(output) = Pin::new(&mut future).poll(&mut cx) {
            return output;
        }
        let mut woken = signal.woken.lock();
        while !std::mem::take(&mut *woken) {
            signal.changed.wait(&mut woken);
        }
    }
}
