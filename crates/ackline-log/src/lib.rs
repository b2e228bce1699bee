//! ackline-log
