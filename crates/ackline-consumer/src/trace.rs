//! Spans, and trace contexts in headers.
//!
//! A span whose callsite nobody listens to costs one load; its fields are made only if somebody does. With the feature `otel`
//! a layer of tracing-opentelemetry finds in them what the semantic conventions of OpenTelemetry for messaging ask for.

use crate::error::Result;
use crate::message::Message;
use tracing::{Instrument, Span, debug};

#[cfg(feature = "otel")]
mod otel;

/// `info_span!`, with a kind and a name for OpenTelemetry where that is compiled in: these two can be given by fields only.
macro_rules! span {
    ($name:literal, $kind:literal, $operation:literal, $stream:expr, $($field:tt)*) => {{
        #[cfg(feature = "otel")]
        {
            tracing::info_span!(
                target: "ackline_consumer",
                $name,
                stream = $stream,
                $($field)*
                otel.kind = $kind,
                otel.name = format_args!(concat!($operation, " {}"), $stream),
            )
        }
        #[cfg(not(feature = "otel"))]
        {
            tracing::info_span!(target: "ackline_consumer", $name, stream = $stream, $($field)*)
        }
    }};
}

/// The span of the work on a message.
pub(crate) fn handle(message: &Message) -> Span {
    let span = span!("handle", "consumer", "process", message.stream(),
        group = message.group(),
        id = %message.id(),
        deliveries = message.deliveries(),
    );
    #[cfg(feature = "otel")]
    otel::handle(&span, message);
    span
}

/// The span of the work on several messages of one stream.
pub(crate) fn handle_batch(messages: &[Message]) -> Span {
    let Some(first) = messages.first() else { return Span::none() };
    let span = span!(
        "handle",
        "consumer",
        "process",
        first.stream(),
        group = first.group(),
        messages = messages.len(),
    );
    #[cfg(feature = "otel")]
    otel::handle_batch(&span, first, messages);
    span
}

/// The span of adding entries to a stream.
pub(crate) fn produce(stream: &str, entries: usize) -> Span {
    let span = span!("produce", "producer", "send", stream, entries,);
    #[cfg(feature = "otel")]
    otel::produce(&span, stream, entries);
    span
}

/// Runs `work` in a span, which says whether it failed.
pub(crate) async fn observed<T>(work: impl Future<Output = Result<T>>, span: Span) -> Result<T> {
    let work = async {
        let result = work.await;
        if let Err(error) = &result {
            debug!(%error, "not added");
            failed("error", &error.to_string());
        }
        result
    };
    work.instrument(span).await
}

#[cfg(feature = "otel")]
pub(crate) use otel::{failed, inject, produced};

/// Nothing listens.
#[cfg(not(feature = "otel"))]
mod without {
    use crate::headers::Headers;
    use crate::id::EntryId;

    /// Writes the current span's context, if there is one, into the headers of a message.
    pub(crate) fn inject(_: &mut Headers) {}

    /// What the current span was about has failed.
    pub(crate) fn failed(_: &'static str, _: &str) {}

    /// What the current span has added.
    pub(crate) fn produced(_: EntryId) {}
}

#[cfg(not(feature = "otel"))]
pub(crate) use without::{failed, inject, produced};
