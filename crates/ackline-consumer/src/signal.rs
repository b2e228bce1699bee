//! Being told to end.

#[cfg(unix)]
use tokio::signal::unix::{Signal, SignalKind, signal};

/// SIGINT and SIGTERM of this process, from the moment this is made. From then on they end the process no more by themselves.
pub(crate) struct Signals {
    #[cfg(unix)]
    listeners: Vec<Signal>,
}

impl Signals {
    #[cfg(unix)]
    pub(crate) fn listen() -> Signals {
        let kinds = [SignalKind::terminate(), SignalKind::interrupt()];
        // Without a handler the signal itself ends the process.
        Signals { listeners: kinds.into_iter().filter_map(|kind| signal(kind).ok()).collect() }
    }

    #[cfg(not(unix))]
    pub(crate) fn listen() -> Signals {
        Signals {}
    }

    /// Returns with the next signal.
    #[cfg(unix)]
    pub(crate) async fn next(&mut self) {
        std::future::poll_fn(|cx| {
            let mut polls = self.listeners.iter_mut().map(|listener| listener.poll_recv(cx));
            // All of them, so that each knows whom to wake.
            match polls.by_ref().filter(std::task::Poll::is_ready).count() {
                0 => std::task::Poll::Pending,
                _ => std::task::Poll::Ready(()),
            }
        })
        .await;
    }

    /// Returns with the next signal.
    #[cfg(not(unix))]
    pub(crate) async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
