//! ackline-engine
