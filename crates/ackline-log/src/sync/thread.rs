//! Threads of a model.

use super::atomic::{AtomicBool, Ordering::SeqCst};
use super::modelled;
use shuttle::thread as under;
use std::io;
use std::sync::Arc;
use std::time::Duration;

pub use under::yield_now;

/// How a thread begins.
#[derive(Debug, Default)]
pub struct Builder(under::Builder);

/// A thread that was begun.
#[derive(Debug)]
pub struct JoinHandle<T> {
    thread: under::JoinHandle<T>,
    finished: Arc<AtomicBool>,
}

impl Builder {
    /// A thread without a name.
    pub fn new() -> Builder {
        Builder::default()
    }

    /// The name that failures are reported with.
    pub fn name(self, name: String) -> Builder {
        Builder(self.0.name(name))
    }

    /// Begins.
    pub fn spawn<T: Send + 'static>(
        self,
        run: impl FnOnce() -> T + Send + 'static,
    ) -> io::Result<JoinHandle<T>> {
        let finished = Arc::new(AtomicBool::new(false));
        let done = Arc::clone(&finished);
        let thread = self.0.spawn(move || {
            let result = run();
            done.store(true, SeqCst);
            result
        })?;
        Ok(JoinHandle { thread, finished })
    }
}

impl<T> JoinHandle<T> {
    /// Waits for its end.
    pub fn join(self) -> std::thread::Result<T> {
        self.thread.join()
    }

    /// Whether it ended.
    pub fn is_finished(&self) -> bool {
        self.finished.load(SeqCst)
    }
}

/// Begins a thread without a name.
pub fn spawn<T: Send + 'static>(run: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
    Builder::new().spawn(run).expect("threads of a model cost nothing")
}

/// Lets others go on; the clock of the model goes on too.
pub fn sleep(duration: Duration) {
    modelled::pass(duration);
    yield_now();
}
