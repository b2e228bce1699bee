//! The engine of `memory:`, which clones of one broker share.

use ackline_consumer::Client;

#[cfg(feature = "embedded")]
pub(crate) use embedded::World;
#[cfg(not(feature = "embedded"))]
pub(crate) use servers::World;

#[cfg(feature = "embedded")]
mod embedded {
    use super::Client;
    use ackline::Ackline;
    use std::sync::{Arc, OnceLock};

    /// An engine, made when the first of its users connects.
    #[derive(Clone, Debug, Default)]
    pub(crate) struct World(Arc<OnceLock<Ackline>>);

    impl World {
        pub(crate) fn of(engine: Ackline) -> World {
            World(Arc::new(OnceLock::from(engine)))
        }

        pub(crate) fn engine(&self) -> Ackline {
            self.0.get_or_init(Ackline::memory).clone()
        }

        /// A client of it, if that is what the URL means.
        pub(crate) fn engine_of(&self, url: &str) -> Option<Client> {
            matches!(url, "memory:" | "memory://").then(|| Client::embedded(self.engine()))
        }
    }
}

#[cfg(not(feature = "embedded"))]
mod servers {
    use super::Client;

    /// Without the embedded engine every URL is that of a server.
    #[derive(Clone, Debug, Default)]
    pub(crate) struct World;

    impl World {
        pub(crate) fn engine_of(&self, _: &str) -> Option<Client> {
            None
        }
    }
}
