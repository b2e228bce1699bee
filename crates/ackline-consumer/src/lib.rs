//! Consuming streams with acknowledgement.
