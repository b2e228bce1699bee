//! The in-process mode: `memory:`, which is the real engine.
//!
//! Nothing is modelled, so nothing behaves differently under test but for the place where it happens: XNACK, delivery
//! counts, dead letters, leases and order are those of production.

use crate::broker::AcklineBroker;
use crate::connected::ConnectedAckline;
use crate::error::Result;
use crate::headers;
use ackline_consumer::{Body, Fields};
use bytes::BytesMut;
use futures_util::FutureExt;
use ruststream::testing::{Backlog, Coordinator, InProcess, TestableBroker};
use ruststream::{OutgoingMessage, Publisher, RawMessage};

impl InProcess for AcklineBroker {
    async fn connect_in_process(self) -> Result<ConnectedAckline> {
        Ok(self.in_process())
    }
}

impl TestableBroker for ConnectedAckline {
    fn install_coordinator(&self, coordinator: Coordinator) {
        self.0.ledger.install(coordinator);
    }

    fn inject(&self, message: OutgoingMessage<'_>) {
        let (stream, payload, headers) = message.into_parts();
        let message = OutgoingMessage::produced(stream, BytesMut::from(payload)).with_headers(headers);
        let sent = self.publisher().publish(message, None).now_or_never();
        sent.expect("an engine in memory answers at once").expect("a test injects what can be published");
    }

    /// What the stream holds.
    fn published(&self, name: &str) -> Vec<RawMessage> {
        let engine = self.0.ledger.world().engine();
        match engine.command(&["XRANGE", name, "-", "+"]) {
            Ok(ackline::Reply::Array(entries)) => {
                entries.iter().filter_map(|entry| published(name, entry)).collect()
            }
            _ => Vec::new(),
        }
    }

    /// A group begins with the oldest entry.
    fn backlog(&self) -> Backlog {
        Backlog::Delivered
    }
}

fn published(name: &str, entry: &ackline::Reply) -> Option<RawMessage> {
    let ackline::Reply::Entry(entry) = entry else { return None };
    let body = Body::read(&Fields::from_words(entry.words())?).ok()?;
    Some(RawMessage::new(name, body.payload()).with_headers(headers::incoming(&body.headers)))
}

ruststream::register_testable_broker!(AcklineBroker);
