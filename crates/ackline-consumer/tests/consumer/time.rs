//! What time brings about: leases, backoff, delays, takeovers, and the end of consumers.

use crate::suite::{HOUR, add_numbers, until};
use ackline_consumer::harness::{Harness, Kind, Recorder};
use ackline_consumer::{
    AckPolicy, Add, Backoff, Client, Delivery, Format, Json, Message, Nack, OnAck, Outcome, Poison, Start,
    State, Text, Without,
};
use parking_lot::Mutex;
use std::error::Error as StdError;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;
use tokio::time::{Instant, sleep};

type BoxError = Box<dyn StdError + Send + Sync>;

const LEASE: Duration = Duration::from_secs(30);
const OLD: Without = Without { xnack: true, claim: true, xackdel: true };

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// A handler that remembers when it was called, and fails.
fn failing(
    times: &Arc<Mutex<Vec<u64>>>,
) -> impl Fn(Message) -> std::future::Ready<Result<(), BoxError>> + use<> {
    let (times, start) = (Arc::clone(times), Instant::now());
    move |_| {
        times.lock().push(start.elapsed().as_secs());
        std::future::ready(Err("again".into()))
    }
}

#[tokio::test(start_paused = true)]
async fn failures_wait_as_the_backoff_says() {
    for without in [Without::default(), OLD] {
        let harness = Harness::lacking(without);
        let client = harness.client();
        client.add("s", Text("m".into())).await.unwrap();
        let times = Arc::default();
        let backoff = Backoff::exponential(seconds(10), seconds(60));
        let consume = client.consume("s", "g").backoff(backoff).max_deliveries(6);
        let running = consume.handler(failing(&times)).start().await.unwrap();
        harness.settled().await;
        running.stop().await.unwrap();
        assert_eq!(*times.lock(), [0, 10, 30, 70, 130, 190], "{without:?}");
        assert_eq!(harness.dead_letters("s")[0].deliveries, 6);
    }
}

#[tokio::test(start_paused = true)]
async fn a_wait_of_its_own_outlasts_many_leases() {
    let harness = Harness::new();
    let client = harness.client();
    client.add("s", Text("m".into())).await.unwrap();
    let calls = harness.recorder::<Text>();
    calls.answer([Outcome::Nack(Some(HOUR))]);
    let other = harness.recorder::<Text>();
    let first = client.consume("s", "g").lease(LEASE).handler(calls.handler()).start().await.unwrap();
    harness.advance(seconds(1)).await;
    let second = client.consume("s", "g").lease(LEASE).handler(other.handler()).start().await.unwrap();
    harness.advance(HOUR - seconds(2)).await;
    assert_eq!((calls.len(), other.len()), (1, 0));
    harness.settled().await;
    assert_eq!(calls.len() + other.len(), 2);
    for running in [first, second] {
        running.stop().await.unwrap();
    }
}

/// How often a handler of ten leases is run while another consumer is there.
async fn runs_of_a_long_handler(renewed: bool) -> usize {
    let harness = Harness::new();
    let client = harness.client();
    client.add("s", Text("m".into())).await.unwrap();
    let calls = Arc::new(AtomicUsize::new(0));
    let mut all = Vec::new();
    // Without renewal: the one who holds it believes in a longer lease than the one who takes over.
    for lease in [if renewed { LEASE } else { LEASE * 100 }, LEASE] {
        let count = Arc::clone(&calls);
        let handler = move |Text(_): Text| {
            count.fetch_add(1, SeqCst);
            sleep(LEASE * 10)
        };
        // Without room for more the first one does not read, and so cannot claim its own.
        let consume = client.consume("s", "g").lease(lease).prefetch(0);
        all.push(consume.handler(handler).start().await.unwrap());
        harness.advance(seconds(1)).await;
    }
    harness.settled().await;
    for running in all {
        running.stop().await.unwrap();
    }
    calls.load(SeqCst)
}

#[tokio::test(start_paused = true)]
async fn a_lease_is_renewed_for_as_long_as_the_handler_runs() {
    assert_eq!(runs_of_a_long_handler(true).await, 1);
    assert!(runs_of_a_long_handler(false).await > 1, "without renewal it would be taken over");
}

#[tokio::test(start_paused = true)]
async fn who_dies_is_taken_over_from_once_its_lease_is_over() {
    for without in [Without::default(), OLD] {
        let harness = Harness::lacking(without);
        let client = harness.client();
        let ids = add_numbers(client, "s", 0..3).await;
        let handler = |_: Message| std::future::pending::<()>();
        let dying = client.consume("s", "g").lease(LEASE).handler(handler).start().await.unwrap();
        harness.advance(seconds(5)).await;
        harness.crash(dying).await;
        assert_eq!(harness.pending("s", "g").len(), 3);
        let calls = harness.recorder::<Message>();
        let heir = client.consume("s", "g").lease(LEASE).handler(calls.handler()).start().await.unwrap();
        harness.advance(seconds(20)).await;
        assert_eq!(calls.len(), 0, "the lease is not over");
        harness.settled().await;
        assert_eq!(harness.acknowledged("s"), ids);
        assert!(calls.calls().iter().all(|message| message.deliveries() == 2), "{without:?}");
        heir.stop().await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_name_of_its_own_finds_its_own_at_once() {
    let harness = Harness::new();
    let client = harness.client();
    let ids = add_numbers(client, "s", 0..300).await;
    let handler = |_: Message| std::future::pending::<()>();
    let dying = client.consume("s", "g").name("c").prefetch(250).handler(handler).start().await.unwrap();
    harness.advance(seconds(1)).await;
    harness.crash(dying).await;
    let calls = harness.recorder::<Message>();
    let start = Instant::now();
    let again =
        client.consume("s", "g").name("c").prefetch(10).handler(calls.handler()).start().await.unwrap();
    harness.settled().await;
    assert!(start.elapsed() < LEASE, "nobody waited for a lease");
    assert_eq!(harness.acknowledged("s"), ids, "in order");
    again.stop().await.unwrap();
    assert_eq!(harness.consumers("s", "g"), ["c"], "a name of its own stays");
}

#[tokio::test(start_paused = true)]
async fn a_generated_name_goes_with_its_consumer() {
    let harness = Harness::new();
    let client = harness.client();
    add_numbers(client, "s", 0..10).await;
    let calls = harness.recorder::<Message>();
    let running = client.consume("s", "g").handler(calls.handler()).start().await.unwrap();
    harness.settled().await;
    assert_eq!(harness.consumers("s", "g").len(), 1);
    running.stop().await.unwrap();
    assert_eq!(harness.consumers("s", "g"), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn the_dead_are_forgotten_and_nothing_of_theirs() {
    let harness = Harness::new();
    let client = harness.client();
    harness.command(&["XGROUP", "CREATE", "s", "g", "0", "MKSTREAM"]);
    let ids = add_numbers(client, "s", 0..2).await;
    harness.command(&["XGROUP", "CREATECONSUMER", "s", "g", "idle"]);
    harness.command(&["XREADGROUP", "GROUP", "g", "holds", "COUNT", "1", "STREAMS", "s", ">"]);
    harness.advance(seconds(3700)).await;
    let calls = harness.recorder::<Message>();
    let consume = client.consume("s", "g").name("new").forget_consumers(HOUR).lease(2 * HOUR);
    let running = consume.handler(calls.handler()).start().await.unwrap();
    harness.advance(seconds(125)).await;
    assert_eq!(harness.consumers("s", "g"), ["holds", "new"]);
    harness.settled().await;
    harness.advance(seconds(125)).await;
    assert_eq!(harness.consumers("s", "g"), ["new"], "what it had was taken over");
    assert_eq!(harness.acknowledged("s"), [ids[1], ids[0]]);
    running.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn no_more_is_pending_than_may_be_fetched_and_worked_on() {
    let harness = Harness::new();
    let client = harness.client();
    add_numbers(client, "s", 0..200).await;
    let handler = |_: Message| sleep(seconds(1));
    let consume = client.consume("s", "g").concurrency(3).prefetch(5);
    let running = consume.handler(handler).start().await.unwrap();
    let mut most = 0;
    while !harness.pending("s", "g").is_empty() || most == 0 {
        most = most.max(harness.pending("s", "g").len());
        sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(most, 8);
    running.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn poison_is_marked_or_discarded() {
    for without in [Without::default(), OLD] {
        let harness = Harness::lacking(without);
        let client = harness.client();
        let fails = |_: Message| async { Err::<(), BoxError>("no".into()) };
        for (stream, poison) in [("marked", Poison::Mark), ("discarded", Poison::Discard)] {
            client.add(stream, Text("m".into())).await.unwrap();
            let consume = client.consume(stream, "g").poison(poison).max_deliveries(2).backoff(Backoff::NONE);
            let running = consume.lease(LEASE).handler(fails).start().await.unwrap();
            harness.advance(LEASE * 20).await;
            let tries = harness
                .events()
                .iter()
                .filter(|one| one.stream == stream && one.kind == Kind::Begun { deliveries: 2 })
                .count();
            assert_eq!(tries, 1, "{stream}, {without:?}");
            running.stop().await.unwrap();
        }
        let marked = harness.pending("marked", "g");
        assert!(marked.len() == 1 && marked[0].deliveries >= 1 << 62, "{marked:?}");
        assert_eq!(harness.pending("discarded", "g"), []);
        assert_eq!(client.len("discarded:dead").await.unwrap(), 0);
        if without != OLD {
            assert_eq!(harness.consumers("marked", "g"), [""; 0], "poison keeps nobody in the group");
        }
    }
}

/// A consumer of a stream whose first message takes long, and what was done by then.
async fn busy(client: &Client, calls: &Recorder<Json<u32>>) -> ackline_consumer::Running {
    let record = calls.handler();
    let handler = move |Json(number): Json<u32>| {
        let recorded = record(Json(number));
        async move {
            sleep(seconds(if number == 0 { 20 } else { 1 })).await;
            recorded.await
        }
    };
    let consume =
        client.consume("s", "g").concurrency(2).prefetch(3).lease(LEASE).backoff(Backoff::fixed(seconds(7)));
    consume.handler(handler).start().await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_group_that_is_destroyed_is_made_again_where_it_was() {
    let harness = Harness::new();
    let client = harness.client();
    let ids = add_numbers(client, "s", 0..12).await;
    let calls = harness.recorder::<Json<u32>>();
    // The second fails before, so that it waits to be given back meanwhile.
    calls.answer([Outcome::Done, Outcome::Nack(None)]);
    let running = busy(client, &calls).await;
    harness.advance(Duration::from_millis(5500)).await;
    let before = harness.acknowledged("s");
    assert!(before.len() >= 3, "{before:?}");
    harness.command(&["XGROUP", "DESTROY", "s", "g"]);
    harness.settled().await;
    running.stop().await.unwrap();
    let mut done = harness.acknowledged("s");
    done.sort();
    assert_eq!(done, ids, "everything is done, and what was done is not done again");
    assert_eq!(calls.len(), 13, "one of them twice");
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_is_lost_begins_anew() {
    for lost in [&["FLUSHALL"][..], &["DEL", "s"]] {
        let harness = Harness::new();
        let client = harness.client();
        add_numbers(client, "s", 0..5).await;
        let calls = harness.recorder::<Json<u32>>();
        let running = client.consume("s", "g").handler(calls.handler()).start().await.unwrap();
        harness.settled().await;
        harness.command(lost);
        harness.advance(seconds(1)).await;
        add_numbers(client, "s", 5..10).await;
        harness.settled().await;
        harness.command(lost);
        add_numbers(client, "s", 10..12).await;
        harness.settled().await;
        running.stop().await.unwrap();
        let all: Vec<u32> = calls.calls().into_iter().map(|Json(number)| number).collect();
        assert_eq!(all, (0..12).collect::<Vec<u32>>(), "{lost:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_group_of_new_entries_is_not_made_again_from_the_beginning() {
    let harness = Harness::new();
    let client = harness.client();
    add_numbers(client, "s", 0..5).await;
    let calls = harness.recorder::<Json<u32>>();
    let running =
        client.consume("s", "g").start_at(Start::New).handler(calls.handler()).start().await.unwrap();
    harness.advance(seconds(1)).await;
    harness.command(&["XGROUP", "DESTROY", "s", "g"]);
    harness.advance(seconds(1)).await;
    add_numbers(client, "s", 5..6).await;
    harness.settled().await;
    running.stop().await.unwrap();
    assert_eq!(calls.calls(), [Json(5)]);
}

#[tokio::test(start_paused = true)]
async fn what_is_deleted_while_pending_is_let_go() {
    for without in [Without::default(), OLD] {
        let harness = Harness::lacking(without);
        let client = harness.client();
        let ids = add_numbers(client, "s", 0..3).await;
        harness.command(&["XGROUP", "CREATE", "s", "g", "0"]);
        harness.command(&["XREADGROUP", "GROUP", "g", "dead", "STREAMS", "s", ">"]);
        harness.command(&["XREADGROUP", "GROUP", "g", "c", "STREAMS", "s", "0"]);
        harness.command(&["XDEL", "s", &ids[1].to_string()]);
        let calls = harness.recorder::<Json<u32>>();
        let running = client.consume("s", "g").name("c").handler(calls.handler()).start().await.unwrap();
        harness.advance(LEASE * 2).await;
        harness.settled().await;
        running.stop().await.unwrap();
        assert_eq!(calls.calls(), [Json(0), Json(2)], "{without:?}");
        assert_eq!(harness.pending("s", "g"), []);
    }
}

#[tokio::test(start_paused = true)]
async fn at_most_once_means_not_twice() {
    for policy in [AckPolicy::AckFirst, AckPolicy::None] {
        let harness = Harness::new();
        let client = harness.client();
        add_numbers(client, "s", 0..3).await;
        let calls = Arc::new(Mutex::new(Vec::new()));
        let keep = Arc::clone(&calls);
        let handler = move |Json(number): Json<u32>| {
            keep.lock().push(number);
            std::future::pending::<()>()
        };
        let consume = client.consume("s", "g").policy(policy).prefetch(0).lease(LEASE);
        let running = consume.handler(handler).start().await.unwrap();
        harness.advance(LEASE * 3).await;
        // The one that is fetched ahead is not acknowledged yet.
        let ahead = usize::from(policy == AckPolicy::AckFirst);
        assert_eq!((harness.pending("s", "g").len(), calls.lock().len()), (ahead, 1), "{policy:?}");
        harness.crash(running).await;
        let heir = harness.recorder::<Json<u32>>();
        let running = client.consume("s", "g").lease(LEASE).handler(heir.handler()).start().await.unwrap();
        harness.settled().await;
        running.stop().await.unwrap();
        let mut rest = heir.calls();
        rest.sort();
        assert_eq!(rest, [Json(1), Json(2)], "{policy:?}");
    }
}

/// What the server has forgotten as it delivered it is worked on before the end.
#[tokio::test(start_paused = true)]
async fn what_is_fetched_without_acknowledgements_is_worked_on() {
    let harness = Harness::new();
    let client = harness.client();
    add_numbers(client, "s", 0..50).await;
    let calls = harness.recorder::<Json<u32>>();
    let record = calls.handler();
    let handler = move |number: Json<u32>| {
        let recorded = record(number);
        async move {
            sleep(Duration::from_millis(10)).await;
            recorded.await
        }
    };
    let running = client.consume("s", "g").policy(AckPolicy::None).handler(handler).start().await.unwrap();
    harness.advance(Duration::from_millis(35)).await;
    assert!(calls.len() < 10);
    running.stop().await.unwrap();
    assert_eq!(calls.len(), 50);
}

#[tokio::test(start_paused = true)]
async fn what_is_refused_is_not_acknowledged() {
    for on_ack in [OnAck::Keep, OnAck::Delete] {
        let harness = Harness::new();
        let client = harness.client();
        let id = client.add("s", Text("m".into())).await.unwrap();
        harness.command(&["SET", "string", "no stream"]);
        let subscription = client.consume("s", "g").on_ack(on_ack).lease(LEASE).subscribe().await.unwrap();
        let delivery = subscription.next().await.unwrap();
        assert!(delivery.ack_and([Add::to("string", Text("x".into()))]).await.is_err());
        let again = subscription.next().await.unwrap();
        assert_eq!((again.id(), again.deliveries()), (id, 2), "{on_ack:?}");
        again.ack_and([Add::to("next", Text("x".into()))]).await.unwrap();
        assert_eq!(client.len("next").await.unwrap(), 1);
        assert_eq!(client.len("s").await.unwrap(), u64::from(on_ack == OnAck::Keep));
        subscription.close().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_state_that_is_missing_is_a_failure_and_not_the_message_s_fault() {
    let harness = Harness::new();
    let client = harness.client();
    let id = client.add("s", Text("m".into())).await.unwrap();
    let handler = |Text(_): Text, _: State<String>| async {};
    let running = client.consume("s", "g").max_deliveries(2).handler(handler).start().await.unwrap();
    harness.settled().await;
    running.stop().await.unwrap();
    assert_eq!(harness.nacked("s"), [id]);
    assert_eq!(harness.dead_lettered("s"), [(id, "max-deliveries".to_owned())]);
    let running =
        client.consume("s:dead", "g").state("here".to_owned()).handler(handler).start().await.unwrap();
    harness.settled().await;
    running.stop().await.unwrap();
    assert_eq!(harness.acknowledged("s:dead").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn layers_are_called_from_the_outside_in() {
    use tower::util::MapResponseLayer;
    let harness = Harness::new();
    let client = harness.client();
    let id = client.add("s", Text("m".into())).await.unwrap();
    let order = Arc::new(Mutex::new(Vec::new()));
    let note = |name: &'static str| {
        let order = Arc::clone(&order);
        MapResponseLayer::new(move |outcome: Outcome| {
            order.lock().push(name);
            outcome
        })
    };
    let consume = client.consume("s", "g").max_deliveries(1);
    let consumer = consume.handler(|Text(_): Text| async {}).layer(note("inner")).layer(note("outer"));
    let running = consumer.start().await.unwrap();
    harness.settled().await;
    running.stop().await.unwrap();
    assert_eq!(*order.lock(), ["inner", "outer"]);
    assert_eq!(harness.acknowledged("s"), [id]);

    let slow = client.add("t", Text("m".into())).await.unwrap();
    let consume = client.consume("t", "g").policy(AckPolicy::RejectOnError);
    let consumer = consume.handler(|Text(_): Text| sleep(HOUR));
    let running = consumer.layer(tower::timeout::TimeoutLayer::new(seconds(3))).start().await.unwrap();
    harness.settled().await;
    running.stop().await.unwrap();
    assert_eq!(harness.dead_lettered("t"), [(slow, "failed".to_owned())]);
}

#[tokio::test(start_paused = true)]
async fn a_message_of_faststream_is_a_message() {
    let harness = Harness::new();
    let client = harness.client();
    let add = Add::to("s", Json(7)).header("tenant", "north").format(Format::FastStream);
    client.send(add).await.unwrap();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let keep = Arc::clone(&seen);
    let handler = move |Json(number): Json<u32>, message: Message| {
        keep.lock().push((number, message.header("tenant").map(str::to_owned)));
        async {}
    };
    let running = client.consume("s", "g").handler(handler).start().await.unwrap();
    harness.settled().await;
    running.stop().await.unwrap();
    assert_eq!(*seen.lock(), [(7, Some("north".to_owned()))]);
}

/// A failure while the consumer drains does not wait for its backoff.
#[tokio::test(start_paused = true)]
async fn what_fails_at_the_end_goes_back_at_once() {
    for order_by in [None, Some("key")] {
        let harness = Harness::new();
        let client = harness.client();
        let add = |number: u32| client.send(Add::to("s", Json(number)).header("key", "k"));
        let ids = [add(0).await.unwrap(), add(1).await.unwrap()];
        let handler = |Json(_): Json<u32>| async {
            sleep(seconds(2)).await;
            Err::<(), _>(Nack::after(HOUR))
        };
        let mut consume = client.consume("s", "g").name("c");
        if let Some(field) = order_by {
            consume = consume.order_by(field);
        }
        let running = consume.handler(handler).start().await.unwrap();
        harness.advance(seconds(1)).await;
        let start = Instant::now();
        running.stop().await.unwrap();
        assert!(start.elapsed() < seconds(3));
        let pending = harness.pending("s", "g");
        // Who keeps order keeps it for its successor; anybody may claim it all the same.
        let owner = order_by.map_or("", |_| "c");
        assert!(pending.iter().all(|one| one.consumer == owner), "{pending:?}");
        let subscription = client.consume("s", "g").subscribe().await.unwrap();
        let mut got = Vec::new();
        for _ in 0..2 {
            let delivery = subscription.next().await.unwrap();
            got.push((delivery.id(), delivery.deliveries()));
            delivery.ack().await.unwrap();
        }
        if order_by.is_none() {
            got.sort();
        }
        assert_eq!(got, [(ids[0], 2), (ids[1], 1)], "{order_by:?}");
        subscription.close().await;
    }
}

/// In order, what nobody decides about keeps its place.
#[tokio::test(start_paused = true)]
async fn what_is_left_undecided_keeps_its_place() {
    let harness = Harness::new();
    let client = harness.client();
    for number in 0..3_u32 {
        client.send(Add::to("s", Json(number)).header("key", "k")).await.unwrap();
    }
    let calls = Arc::new(Mutex::new(Vec::new()));
    let keep = Arc::clone(&calls);
    let handler = move |Json(number): Json<u32>, delivery: Delivery| {
        keep.lock().push(number);
        async move {
            if number == 0 && delivery.deliveries() < 3 {
                drop(delivery);
                return Ok(());
            }
            delivery.ack().await
        }
    };
    let consume = client.consume("s", "g").policy(AckPolicy::Manual).order_by("key").lease(LEASE);
    let running = consume.handler(handler).start().await.unwrap();
    harness.settled().await;
    running.stop().await.unwrap();
    assert_eq!(*calls.lock(), [0, 0, 0, 1, 2]);
}

/// Poison that comes in does not let another of its key go while one is worked on.
#[tokio::test(start_paused = true)]
async fn who_comes_again_under_its_name_finds_its_keys_in_order() {
    for without in [Without::default(), OLD] {
        let harness = Harness::lacking(without);
        let client = harness.client();
        for number in 0..6 {
            let fields = [("data", number.to_string()), ("key", "k".to_owned())];
            client.add("s", fields).await.unwrap();
        }
        let calls = harness.recorder::<Message>();
        // The first fails and waits, and those behind it wait for it, when their consumer stops.
        calls.answer([Outcome::Nack(Some(HOUR))]);
        for prefetch in [2, 0] {
            let consume = client.consume("s", "g").name("a").order_by("key").prefetch(prefetch);
            let running = consume.handler(calls.handler()).start().await.unwrap();
            harness.advance(seconds(5)).await;
            running.stop().await.unwrap();
        }
        let seen: Vec<_> = calls.calls().iter().map(|call| (call.id(), call.deliveries())).collect();
        let mut ids = harness.acknowledged("s");
        ids.sort();
        let mut want: Vec<_> = ids.iter().map(|&id| (id, 1)).collect();
        want[0].1 = 2;
        want.insert(0, (ids[0], 1));
        assert_eq!(seen, want, "{without:?}");
        assert_eq!(ids.len(), 6);
    }
}

#[tokio::test(start_paused = true)]
async fn poison_has_no_place_in_order() {
    let harness = Harness::new();
    let client = harness.client();
    let mut ids = Vec::new();
    for number in 0..4_u32 {
        ids.push(client.send(Add::to("s", Json(number)).header("key", "k")).await.unwrap());
    }
    harness.command(&["XGROUP", "CREATE", "s", "g", "0"]);
    harness.command(&["XREADGROUP", "GROUP", "g", "c", "COUNT", "2", "STREAMS", "s", ">"]);
    harness.command(&["XCLAIM", "s", "g", "c", "0", &ids[1].to_string(), "RETRYCOUNT", "50", "JUSTID"]);
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (at_once, greatest) = (Arc::clone(&now), Arc::clone(&most));
    let handler = move |Json(_): Json<u32>| {
        let (now, most) = (Arc::clone(&at_once), Arc::clone(&greatest));
        async move {
            most.fetch_max(now.fetch_add(1, SeqCst) + 1, SeqCst);
            sleep(seconds(1)).await;
            now.fetch_sub(1, SeqCst);
        }
    };
    let consume = client.consume("s", "g").name("c").order_by("key").concurrency(4);
    let running = consume.handler(handler).start().await.unwrap();
    harness.settled().await;
    running.stop().await.unwrap();
    assert_eq!(most.load(SeqCst), 1);
    assert_eq!(harness.dead_lettered("s"), [(ids[1], "max-deliveries".to_owned())]);
    until("all others are done", || harness.acknowledged("s").len() == 3).await;
}

/// Somebody else has given it up meanwhile: of the two letters the first stays.
#[tokio::test(start_paused = true)]
async fn one_death_is_one_letter() {
    let harness = Harness::new();
    let id = harness.client().add("s", &Json(1)).await.unwrap().to_string();
    let subscription = harness.client().consume("s", "g").subscribe().await.unwrap();
    let delivery = subscription.next().await.unwrap();
    for (of, group) in [(id.as_str(), "g"), (id.as_str(), "other")] {
        let provenance = ["dead-letter-id", of, "dead-letter-stream", "s", "dead-letter-group", group];
        harness.command(&[&["XADD", "s:dead", "*"][..], &provenance].concat());
    }
    harness.command(&["XACK", "s", "g", &id]);
    delivery.reject("late").await.unwrap();
    assert_eq!(harness.entries("s:dead").len(), 2, "each group's own");
    subscription.close().await;
}

/// Nobody else has: that nothing was acknowledged is no reason to throw a letter away.
#[tokio::test(start_paused = true)]
async fn the_only_letter_stays() {
    let harness = Harness::new();
    let id = harness.client().add("s", &Json(1)).await.unwrap().to_string();
    let subscription = harness.client().consume("s", "g").subscribe().await.unwrap();
    let delivery = subscription.next().await.unwrap();
    harness.command(&["XACK", "s", "g", &id]);
    delivery.reject("late").await.unwrap();
    assert_eq!(harness.dead_letters("s").len(), 1);
    subscription.close().await;
}

/// Who was away for longer than its lease asks first whether what it holds is still its own.
#[tokio::test(start_paused = true)]
async fn who_comes_back_too_late_takes_nothing_back() {
    let harness = Harness::new();
    let client = harness.client();
    let id = client.add("s", Text("m".into())).await.unwrap();
    let late = |_: Message| async {
        sleep(LEASE * 4).await;
        Err::<(), BoxError>("too late".into())
    };
    let first = client.consume("s", "g").name("first").lease(LEASE).handler(late).start().await.unwrap();
    harness.advance(seconds(1)).await;
    let slow = |_: Message| sleep(LEASE * 5);
    let consume = client.consume("s", "g").name("second").lease(LEASE).block(LEASE * 10);
    let second = consume.handler(slow).start().await.unwrap();
    harness.advance(seconds(1)).await;
    // Nobody runs meanwhile, as in a process that is suspended. The engine goes on.
    tokio::time::advance(LEASE + seconds(1)).await;
    harness.advance(LEASE * 4).await;
    assert_eq!(harness.pending("s", "g")[0].consumer, "second");
    harness.settled().await;
    for running in [first, second] {
        running.stop().await.unwrap();
    }
    assert_eq!((harness.nacked("s"), harness.acknowledged("s")), (vec![], vec![id]));
    assert_eq!(harness.deliveries("s", id), 2);
}
