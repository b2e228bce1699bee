//! What is under way, for tests.

#[cfg(feature = "testing")]
mod counting;
#[cfg(not(feature = "testing"))]
mod none;

#[cfg(feature = "testing")]
pub(crate) use counting::{Expected, Ledger};
#[cfg(not(feature = "testing"))]
pub(crate) use none::{Expected, Ledger};
