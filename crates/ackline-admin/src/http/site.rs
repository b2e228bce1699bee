//! What all requests share.

use super::health::Check;
use super::pool::Pool;
use super::samples::Samples;
use super::sessions::Sessions;
use super::standing::Standings;
use super::throttle::Throttle;
use ackline_server::Handle;
use std::hash::RandomState;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// Live views at once, of each kind.
pub(crate) const LIVE: usize = 64;

/// Checks of health at once.
pub(crate) const CHECKS: usize = 2;

/// The admin port of one server.
pub(crate) struct Site {
    pub(crate) handle: Handle,
    /// Where it listens.
    pub(crate) doors: Vec<SocketAddr>,
    pub(crate) pool: Arc<Pool>,
    pub(crate) sessions: Sessions,
    pub(crate) standings: Standings,
    pub(crate) throttle: Throttle,
    pub(crate) samples: Arc<Samples>,
    pub(crate) prints: RandomState,
    pub(crate) tails: Arc<Semaphore>,
    pub(crate) ticks: Arc<Semaphore>,
    pub(crate) checks: Arc<Semaphore>,
    /// Whose turn it is to make a page of metrics.
    pub(crate) scrapes: Arc<Semaphore>,
    pub(crate) alive: Check,
    pub(crate) ready: Check,
}

impl Site {
    pub(crate) fn new(handle: Handle, doors: Vec<SocketAddr>) -> Site {
        Site {
            pool: Arc::new(Pool::new(handle.clone())),
            handle,
            doors,
            sessions: Sessions::default(),
            standings: Standings::default(),
            throttle: Throttle::default(),
            samples: Arc::default(),
            prints: RandomState::new(),
            tails: Arc::new(Semaphore::new(LIVE)),
            ticks: Arc::new(Semaphore::new(LIVE)),
            checks: Arc::new(Semaphore::new(CHECKS)),
            scrapes: Arc::new(Semaphore::new(1)),
            alive: Check::default(),
            ready: Check::default(),
        }
    }
}
