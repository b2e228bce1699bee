//! Consuming streams with acknowledgement.

mod error;
pub mod fields;
mod id;
mod store;
mod target;
