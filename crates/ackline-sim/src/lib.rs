//! ackline-sim
