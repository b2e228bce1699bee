//! OpenTelemetry: contexts in headers, and attributes as its semantic conventions for messaging name them.

use crate::headers::{BAGGAGE, Headers, TRACEPARENT};
use crate::id::EntryId;
use crate::message::Message;
use opentelemetry::global::get_text_map_propagator;
use opentelemetry::propagation::{Extractor, Injector};
use opentelemetry::trace::{Status, TraceContextExt};
use opentelemetry::{Context, Value};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

/// The protocol, whoever speaks it: other frameworks say the same of the streams that they share with this one.
const SYSTEM: &str = "redis";

fn describe(span: &Span, operation: &'static str, stream: &str) {
    span.set_attribute("messaging.system", SYSTEM);
    span.set_attribute("messaging.operation.type", operation);
    span.set_attribute("messaging.operation.name", operation);
    span.set_attribute("messaging.destination.name", stream.to_owned());
}

/// The context in which the message was added becomes the parent: a message is handled by itself, in a task that has no span
/// of its own to be hidden, and its way from the request to the last effect is one trace. The conventions allow both this and
/// a link.
pub(super) fn handle(span: &Span, message: &Message) {
    if span.is_disabled() {
        return;
    }
    describe(span, "process", message.stream());
    span.set_attribute("messaging.consumer.group.name", message.group().to_owned());
    span.set_attribute("messaging.message.id", message.id().to_string());
    let sent = sent_in(message);
    if is_in(&Span::current().context()) {
        // One of a batch, whose span is the parent.
        span.add_link(sent.span().span_context().clone());
    } else if is_in(&sent) {
        // Without a layer of OpenTelemetry nobody would see the parent.
        let _ = span.set_parent(sent);
    }
}

/// A batch has many origins and a span only one parent: links.
pub(super) fn handle_batch(span: &Span, first: &Message, messages: &[Message]) {
    if span.is_disabled() {
        return;
    }
    describe(span, "process", first.stream());
    span.set_attribute("messaging.consumer.group.name", first.group().to_owned());
    span.set_attribute("messaging.batch.message_count", count(messages.len()));
    for message in messages {
        span.add_link(sent_in(message).span().span_context().clone());
    }
}

pub(super) fn produce(span: &Span, stream: &str, entries: usize) {
    if span.is_disabled() {
        return;
    }
    describe(span, "send", stream);
    if entries != 1 {
        span.set_attribute("messaging.batch.message_count", count(entries));
    }
}

fn count(count: usize) -> Value {
    Value::I64(i64::try_from(count).unwrap_or(i64::MAX))
}

/// Whether a context has a span.
fn is_in(context: &Context) -> bool {
    context.span().span_context().is_valid()
}

/// What the current span has added.
pub(crate) fn produced(id: EntryId) {
    let span = Span::current();
    if !span.is_disabled() {
        span.set_attribute("messaging.message.id", id.to_string());
    }
}

/// What the current span was about has failed.
pub(crate) fn failed(kind: &'static str, error: &str) {
    let span = Span::current();
    span.set_attribute("error.type", kind);
    span.set_status(Status::error(error.to_owned()));
}

/// Writes the current span's context, if there is one, into the headers of a message. Who has set a context has decided.
pub(crate) fn inject(headers: &mut Headers) {
    let own = Span::current().context();
    // Without a layer for spans there may still be a context: OpenTelemetry can be used directly.
    let context = if is_in(&own) { own } else { Context::current() };
    let decided = headers.contains(TRACEPARENT);
    get_text_map_propagator(|propagator| {
        propagator.inject_context(&context, &mut HeadersInjector { headers, decided });
    });
}

struct HeadersInjector<'a> {
    headers: &'a mut Headers,
    decided: bool,
}

impl Injector for HeadersInjector<'_> {
    fn set(&mut self, key: &str, value: String) {
        // Baggage is no part of the context that was decided about. A state that is empty says nothing.
        if (key == BAGGAGE || !self.decided) && !value.is_empty() {
            self.headers.insert_default(key.to_owned(), value);
        }
    }
}

struct HeadersExtractor<'a>(&'a Headers);

impl Extractor for HeadersExtractor<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key)
    }

    fn keys(&self) -> Vec<&str> {
        self.0.iter().map(|(name, _)| name).collect()
    }
}

/// The context in which a message was added. One that cannot be read has none.
fn sent_in(message: &Message) -> Context {
    let none = Context::new();
    let Ok(body) = message.body() else { return none };
    get_text_map_propagator(|propagator| {
        propagator.extract_with_context(&none, &HeadersExtractor(&body.headers))
    })
}
