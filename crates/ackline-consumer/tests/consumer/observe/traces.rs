//! Traces, from a producer through a consumer to what follows.

use super::{memory, until};
use ackline_consumer::{Add, Batch, Client, Format, Json, Message, TRACEPARENT};
use opentelemetry::propagation::TextMapCompositePropagator;
use opentelemetry::trace::{SpanKind, Status, TracerProvider};
use opentelemetry::{Key, KeyValue, baggage::BaggageExt, global};
use opentelemetry_sdk::propagation::{BaggagePropagator, TraceContextPropagator};
use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider, SpanData};
use std::cell::Cell;
use std::sync::LazyLock;
use std::time::Duration;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::dynamic_filter_fn;
use tracing_subscriber::layer::SubscriberExt;

struct Exported(InMemorySpanExporter);

thread_local! {
    /// Whether this thread wants traces: other tests look at entries without them.
    static TRACED: Cell<bool> = const { Cell::new(false) };
}

/// For the whole process: what each thread is interested in may change under it otherwise. Tests are told apart by their streams.
fn exporter() -> &'static Exported {
    TRACED.set(true);
    static EXPORTED: LazyLock<Exported> = LazyLock::new(|| {
        global::set_text_map_propagator(TextMapCompositePropagator::new(vec![
            Box::new(TraceContextPropagator::new()),
            Box::new(BaggagePropagator::new()),
        ]));
        let spans = InMemorySpanExporter::default();
        let provider = SdkTracerProvider::builder().with_simple_exporter(spans.clone()).build();
        let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("test"));
        let layer = layer.with_filter(dynamic_filter_fn(|_, _| TRACED.get()));
        tracing::subscriber::set_global_default(tracing_subscriber::registry().with(layer)).unwrap();
        global::set_tracer_provider(provider);
        Exported(spans)
    });
    &EXPORTED
}

impl Exported {
    fn named(&self, name: &str) -> Vec<SpanData> {
        let all = self.0.get_finished_spans().unwrap();
        all.into_iter().filter(|span| span.name == *name).collect()
    }

    async fn first(&self, name: &str) -> SpanData {
        until(|| !self.named(name).is_empty()).await;
        self.named(name).remove(0)
    }
}

fn attribute(span: &SpanData, name: &'static str) -> String {
    let found = span.attributes.iter().find(|attribute| attribute.key == Key::new(name));
    found.unwrap_or_else(|| panic!("{name} in {span:?}")).value.to_string()
}

#[tokio::test]
async fn one_trace_from_the_producer_to_what_follows() {
    for (format, stream, next) in
        [(Format::Plain, "plain", "plain.next"), (Format::FastStream, "python", "python.next")]
    {
        let exported = exporter();
        let client = memory().await;
        let handler = move |_: Json<u32>| async move { Add::to(next, Json(2)) };
        let running = client.consume(stream, "g").handler(handler).start().await.unwrap();
        let follower = client.consume(next, "g").handler(|_: Json<u32>| async {}).start().await.unwrap();
        let id = client.send(Add::to(stream, Json(1)).format(format)).await.unwrap();
        let (send, process, last) = (
            exported.first(&format!("send {stream}")).await,
            exported.first(&format!("process {stream}")).await,
            exported.first(&format!("process {next}")).await,
        );

        assert_eq!(
            (send.span_kind.clone(), process.span_kind.clone()),
            (SpanKind::Producer, SpanKind::Consumer)
        );
        for (parent, child) in [(&send, &process), (&process, &last)] {
            assert_eq!(child.span_context.trace_id(), parent.span_context.trace_id());
            assert_eq!(child.parent_span_id, parent.span_context.span_id());
        }
        for (name, value) in [
            ("messaging.system", "redis"),
            ("messaging.destination.name", stream),
            ("messaging.consumer.group.name", "g"),
            ("messaging.message.id", &id.to_string()),
            ("messaging.operation.type", "process"),
        ] {
            assert_eq!(attribute(&process, name), value);
        }
        assert_eq!(attribute(&send, "messaging.operation.type"), "send");
        assert_eq!(attribute(&send, "messaging.message.id"), id.to_string());
        running.stop().await.unwrap();
        follower.stop().await.unwrap();
    }
}

#[tokio::test]
async fn baggage_goes_along() {
    let exported = exporter();
    let client = memory().await;
    let handler = |message: Message| async move {
        assert_eq!(message.header("baggage"), Some("tenant=north"));
        let tenant = opentelemetry::Context::current().baggage().get("tenant").map(ToString::to_string);
        assert_eq!(tenant.as_deref(), Some("north"));
    };
    let running = client.consume("baggage", "g").handler(handler).start().await.unwrap();
    let context = opentelemetry::Context::current_with_baggage([KeyValue::new("tenant", "north")]);
    let attached = context.attach();
    let command = client.add("baggage", Json(1));
    let mut command = std::pin::pin!(command);
    let sent = std::future::poll_fn(|cx| command.as_mut().poll(cx));
    sent.await.unwrap();
    drop(attached);
    let process = exported.first("process baggage").await;
    assert_eq!(process.status, Status::Unset);
    running.stop().await.unwrap();
}

#[tokio::test]
async fn a_context_of_the_callers_own_stays() {
    let exported = exporter();
    let client = memory().await;
    let running = client.consume("own", "g").handler(|_: Json<u32>| async {}).start().await.unwrap();
    let own = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    client.send(Add::to("own", Json(1)).header(TRACEPARENT, own)).await.unwrap();
    let process = exported.first("process own").await;
    assert_eq!(process.span_context.trace_id().to_string(), "0af7651916cd43dd8448eb211c80319c");
    assert_eq!(process.parent_span_id.to_string(), "b7ad6b7169203331");
    running.stop().await.unwrap();
}

#[tokio::test]
async fn a_context_does_not_make_equal_entries_different() {
    let _exported = exporter();
    let client = memory().await;
    let add = || client.send(Add::to("equal", Json(1)).once_by_content("p"));
    assert_eq!(add().await.unwrap(), add().await.unwrap());
}

#[tokio::test]
async fn a_batch_is_linked_to_all_that_it_is_made_of() {
    let exported = exporter();
    let client = memory().await;
    client.add("batch", Json(1)).await.unwrap();
    client.send_all([Add::to("batch", Json(2)), Add::to("batch", Json(3))]).await.unwrap();
    let handler = |_: Batch<Json<u32>>| async { vec![Ok(()), Err("no"), Ok(())] };
    let consume = client.consume("batch", "g").max_deliveries(1);
    let running = consume.batch_handler(3, Duration::from_secs(10), handler).start().await.unwrap();
    until(|| exported.named("process batch").len() == 2).await;
    let [failed, whole] = &exported.named("process batch")[..] else {
        panic!("one of the batch, one of its failure")
    };
    let sends: Vec<_> = exported.named("send batch").iter().map(|span| span.span_context.span_id()).collect();
    let links: Vec<_> = whole.links.iter().map(|link| link.span_context.span_id()).collect();
    assert_eq!(links, [sends[0], sends[1], sends[1]]);
    assert_eq!(attribute(whole, "messaging.batch.message_count"), "3");
    assert_eq!(failed.parent_span_id, whole.span_context.span_id());
    assert_eq!(failed.status, Status::error("no"));
    assert_eq!(attribute(failed, "error.type"), "error");
    running.stop().await.unwrap();
}

#[tokio::test]
async fn what_cannot_be_added_is_a_failure_of_its_span() {
    let exported = exporter();
    let engine = ackline::Ackline::memory();
    engine.command(&["SET", "failure", "no stream"]).unwrap();
    let error = Client::embedded(engine).add("failure", Json(1)).await.unwrap_err();
    let send = exported.first("send failure").await;
    assert_eq!(send.status, Status::error(error.to_string()));
}
