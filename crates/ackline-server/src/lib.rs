//! ackline-server
