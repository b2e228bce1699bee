//! ackline
