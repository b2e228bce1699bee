//! The protocol from outside: requests whole and in pieces, replies there and back.

#[path = "resp/decode.rs"]
mod decode;
#[path = "resp/encode.rs"]
mod encode;
#[path = "resp/pieces.rs"]
mod pieces;
#[path = "resp/properties.rs"]
mod properties;
#[path = "resp/reply.rs"]
mod reply;
