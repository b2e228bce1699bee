//! ackline-resp
