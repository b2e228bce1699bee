//! What a consumer does, whoever serves the streams: functions of a client, to be run against the engine in this process and
//! against every server.

use ackline_consumer::{
    Ack, AckPolicy, Add, Backoff, Batch, Client, Delivery, EntryId, Json, Message, Nack, OnAck, Outcome,
    Reject, Running, Text, What,
};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::error::Error as StdError;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering::SeqCst};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// Within this anything comes about that does so at all.
const DEADLINE: Duration = Duration::from_secs(60);
pub(crate) const HOUR: Duration = Duration::from_secs(3600);

type BoxError = Box<dyn StdError + Send + Sync>;

/// What became of entries, in words.
#[derive(Clone, Default)]
pub(crate) struct Watch(Arc<Mutex<Vec<(String, EntryId, String)>>>);

impl Watch {
    pub(crate) fn of(client: &Client) -> Watch {
        let watch = Watch::default();
        let ours = watch.clone();
        client.observe(move |event| {
            let words = match event.what {
                What::Begun { deliveries } => format!("begun {deliveries}"),
                What::Acknowledged => "acknowledged".to_owned(),
                What::Nacked { .. } => "nacked".to_owned(),
                What::Released { counted: true } => "released, counted".to_owned(),
                What::Released { counted: false } => "released".to_owned(),
                What::DeadLettered { reason, .. } => format!("dead: {reason}"),
                What::Undecided => "undecided".to_owned(),
                What::Discarded => "discarded".to_owned(),
                What::Marked => "marked".to_owned(),
                other => format!("{other:?}"),
            };
            ours.0.lock().push((event.stream.to_owned(), event.id, words));
        });
        watch
    }

    /// What became of one entry.
    pub(crate) fn of_one(&self, stream: &str, id: EntryId) -> Vec<String> {
        let all = self.0.lock();
        let ours = all.iter().filter(|one| one.0 == stream && one.1 == id);
        ours.map(|one| one.2.clone()).collect()
    }

    /// Which entries this became of, in order.
    pub(crate) fn all(&self, stream: &str, what: &str) -> Vec<EntryId> {
        let all = self.0.lock();
        all.iter().filter(|one| one.0 == stream && one.2 == what).map(|one| one.1).collect()
    }

    pub(crate) async fn count(&self, stream: &str, what: &str, count: usize) {
        until(&format!("{count} times {what:?} in {stream}"), || self.all(stream, what).len() >= count).await;
        assert_eq!(self.all(stream, what).len(), count, "{what} in {stream}");
    }
}

/// Waits until it is so.
pub(crate) async fn until(what: &str, so: impl Fn() -> bool) {
    let end = Instant::now() + DEADLINE;
    while !so() {
        assert!(Instant::now() < end, "not in time: {what}");
        sleep(Duration::from_millis(5)).await;
    }
}

/// A stream that nobody else uses.
pub(crate) fn fresh(name: &str) -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("{{{name}-{}-{}}}", std::process::id(), NEXT.fetch_add(1, SeqCst))
}

pub(crate) async fn add_numbers(
    client: &Client,
    stream: &str,
    numbers: std::ops::Range<u32>,
) -> Vec<EntryId> {
    let mut ids = Vec::new();
    for number in numbers {
        ids.push(client.add(stream, &Json(number)).await.unwrap());
    }
    ids
}

/// Everything, one after the other.
pub(crate) async fn everything(client: &Client) {
    every_policy(client).await;
    decided_by_hand(client).await;
    left_undecided(client).await;
    dead_letters_say_where_they_come_from(client).await;
    prefetched_entries_go_back(client).await;
    the_drain_waits_and_gives_up(client).await;
    order_is_kept(client).await;
    concurrency_is_bounded(client).await;
    batches(client).await;
    what_follows_is_added_with_the_acknowledgement(client).await;
    added_once(client).await;
    deleted_with_the_acknowledgement(client).await;
    several_streams(client).await;
    work_is_shared(client).await;
}

fn interrupt(how: &str) -> BoxError {
    let deep = |how: &str| -> Result<(), BoxError> {
        match how {
            "ack" => Err(Ack::now())?,
            "nack" => Err(Nack::after(HOUR))?,
            _ => Err(Reject::because("no"))?,
        }
        Ok(())
    };
    let (how, wrap) = how.split_once(' ').unwrap();
    let plain = deep(how).unwrap_err();
    match wrap {
        "anyhow" => anyhow::Error::from_boxed(plain).context("below").context("above").into(),
        "eyre" => match how {
            "ack" => eyre::Report::new(Ack::now()).wrap_err("below").into(),
            "nack" => eyre::Report::new(Nack::after(HOUR)).wrap_err("below").into(),
            _ => eyre::Report::new(Reject::because("no")).wrap_err("below").into(),
        },
        _ => plain,
    }
}

async fn behave(Json(how): Json<String>) -> Result<(), BoxError> {
    match how.as_str() {
        "returns" => Ok(()),
        "fails" => Err("it failed".into()),
        "panics" => panic!("it panicked"),
        how => Err(interrupt(how)),
    }
}

const BEHAVIOURS: [&str; 13] = [
    "returns",
    "fails",
    "panics",
    "undecodable",
    "ack boxed",
    "ack anyhow",
    "ack eyre",
    "nack boxed",
    "nack anyhow",
    "nack eyre",
    "reject boxed",
    "reject anyhow",
    "reject eyre",
];

fn expected(policy: AckPolicy, how: &str) -> &'static str {
    use AckPolicy::{AckFirst, Manual, NackOnError, None, RejectOnError};
    match (policy, how.split(' ').next().unwrap()) {
        (None, "undecodable") => "begun 1",
        (None, _) => "begun 1",
        (AckFirst, _) | (_, "ack") => "acknowledged",
        (_, "nack") => "nacked",
        (_, "reject") => "dead: rejected",
        (Manual, _) => "undecided",
        (_, "returns") | (AckPolicy::Ack, _) => "acknowledged",
        (RejectOnError | NackOnError, "undecodable") => "dead: malformed",
        (RejectOnError, _) => "dead: failed",
        (NackOnError, _) => "nacked",
    }
}

pub(crate) async fn every_policy(client: &Client) {
    use AckPolicy::{Ack, AckFirst, Manual, NackOnError, None, RejectOnError};
    let watch = Watch::of(client);
    for policy in [AckFirst, Ack, RejectOnError, NackOnError, Manual, None] {
        let stream = fresh("policy");
        let mut ids = HashMap::new();
        for how in BEHAVIOURS {
            let id = match how {
                "undecodable" => client.add(&stream, &[("data", "not json")]).await.unwrap(),
                how => client.add(&stream, &Json(how)).await.unwrap(),
            };
            ids.insert(how, id);
        }
        let consume = client.consume(&*stream, "g").policy(policy).backoff(Backoff::fixed(HOUR)).lease(HOUR);
        let running = consume.handler(behave).start().await.unwrap();
        for how in BEHAVIOURS {
            let became = || watch.of_one(&stream, ids[how]);
            until(&format!("{policy:?}, {how}"), || became().len() > usize::from(policy != None)).await;
            assert_eq!(became().last().unwrap(), expected(policy, how), "{policy:?}, {how}");
            assert!(became().len() <= 2, "{policy:?}, {how}: {:?}", became());
        }
        running.stop().await.unwrap();
        let dead = BEHAVIOURS.iter().filter(|how| expected(policy, how).starts_with("dead")).count();
        assert_eq!(client.len(&client.dead_letter_stream(&stream)).await.unwrap(), dead as u64, "{policy:?}");
    }
}

async fn decide(delivery: Delivery, Json(how): Json<String>, message: Message) -> Result<(), BoxError> {
    match how.as_str() {
        "ack" => delivery.ack().await?,
        "nack" if delivery.deliveries() == 1 => delivery.nack().await?,
        "nack_after" if delivery.deliveries() == 1 => delivery.nack_after(Duration::from_millis(50)).await?,
        "reject" => delivery.reject("by hand").await?,
        "release" if message.header("again").is_none() => {
            // Only the first consumer cannot work.
            match delivery.consumer().starts_with("idle") {
                true => delivery.release().await?,
                false => delivery.ack().await?,
            }
        }
        "ack_and" => {
            let stream = format!("{}:next", delivery.stream());
            delivery
                .ack_and([Add::to(&stream, Text("a".into())), Add::to(&stream, Text("b".into()))])
                .await?;
        }
        _ => delivery.ack().await?,
    }
    // What was decided by hand is not decided again.
    Err("too late to matter".into())
}

pub(crate) async fn decided_by_hand(client: &Client) {
    let watch = Watch::of(client);
    let stream = fresh("hand");
    let mut ids = HashMap::new();
    for how in ["ack", "nack", "nack_after", "reject", "ack_and"] {
        ids.insert(how, client.add(&stream, &Json(how)).await.unwrap());
    }
    let consume = client.consume(&*stream, "g").backoff(Backoff::NONE);
    let running = consume.handler(decide).start().await.unwrap();
    watch.count(&stream, "acknowledged", 4).await;
    watch.count(&stream, "dead: rejected", 1).await;
    running.stop().await.unwrap();
    let became = |how: &str| {
        let mut all = watch.of_one(&stream, ids[how]);
        all.retain(|what| what != "released, counted");
        all
    };
    assert_eq!(became("ack"), ["begun 1", "acknowledged"]);
    assert_eq!(became("nack"), ["begun 1", "nacked", "begun 2", "acknowledged"]);
    assert_eq!(became("nack_after"), ["begun 1", "nacked", "begun 2", "acknowledged"]);
    assert_eq!(became("reject"), ["begun 1", "dead: rejected"]);
    assert_eq!(became("ack_and"), ["begun 1", "acknowledged"]);
    assert_eq!(client.len(&format!("{stream}:next")).await.unwrap(), 2);
    released_by_hand(client, &watch).await;
}

async fn released_by_hand(client: &Client, watch: &Watch) {
    let stream = fresh("release");
    let id = client.add(&stream, &Json("release")).await.unwrap();
    let idle = client.consume(&*stream, "g").name("idle").subscribe().await.unwrap();
    idle.next().await.unwrap().release().await.unwrap();
    idle.close().await;
    let running = client.consume(&*stream, "g").handler(decide).start().await.unwrap();
    watch.count(&stream, "acknowledged", 1).await;
    running.stop().await.unwrap();
    let became = watch.of_one(&stream, id);
    assert_eq!(became.iter().filter(|what| *what == "begun 2").count(), 0, "{became:?}");
}

/// A delivery that the handler takes and drops is for the policy to decide; one that it keeps is not.
pub(crate) async fn left_undecided(client: &Client) {
    use AckPolicy::{Ack, Manual, NackOnError, RejectOnError};
    let watch = Watch::of(client);
    for (policy, want) in [
        (Ack, "acknowledged"),
        (RejectOnError, "acknowledged"),
        (NackOnError, "acknowledged"),
        (Manual, "undecided"),
    ] {
        let stream = fresh("undecided");
        let id = client.add(&stream, Text("m".into())).await.unwrap();
        let consume = client.consume(&*stream, "g").policy(policy).lease(HOUR);
        let running =
            consume.handler(|delivery: Delivery| async move { drop(delivery) }).start().await.unwrap();
        until("a verdict", || watch.of_one(&stream, id).len() == 2).await;
        assert_eq!(watch.of_one(&stream, id), ["begun 1", want], "{policy:?}");
        running.stop().await.unwrap();
    }
    let stream = fresh("kept");
    let id = client.add(&stream, Text("m".into())).await.unwrap();
    let keep = Arc::new(Mutex::new(None));
    let kept = Arc::clone(&keep);
    let handler = move |delivery: Delivery| {
        *kept.lock() = Some(delivery);
        async {}
    };
    let running = client.consume(&*stream, "g").handler(handler).start().await.unwrap();
    until("it is kept", || keep.lock().is_some()).await;
    sleep(Duration::from_millis(50)).await;
    assert_eq!(watch.of_one(&stream, id), ["begun 1"], "the handler has ended, the delivery has not");
    let delivery = keep.lock().take().unwrap();
    delivery.ack().await.unwrap();
    assert_eq!(watch.of_one(&stream, id), ["begun 1", "acknowledged"]);
    running.stop().await.unwrap();
}

pub(crate) async fn dead_letters_say_where_they_come_from(client: &Client) {
    let stream = fresh("dead");
    let id = client.send(Add::to(&stream, Json(7)).header("tenant", "north")).await.unwrap();
    let handler = |Json(_): Json<u32>| async { Err::<(), BoxError>("the disk is full".into()) };
    let consume = client.consume(&*stream, "g").name("c").max_deliveries(3).backoff(Backoff::NONE);
    let running = consume.handler(handler).start().await.unwrap();
    let dead = client.consume(client.dead_letter_stream(&stream), "operators").subscribe().await.unwrap();
    let letter = dead.next().await.unwrap();
    let text = |name: &str| letter.fields().text(name).unwrap_or("-").to_owned();
    assert_eq!(text("dead-letter-reason"), "max-deliveries");
    assert_eq!(text("dead-letter-stream"), stream);
    assert_eq!(text("dead-letter-group"), "g");
    assert_eq!(text("dead-letter-consumer"), "c");
    assert_eq!(text("dead-letter-id"), id.to_string());
    assert_eq!(text("dead-letter-deliveries"), "3");
    assert_eq!((text("tenant"), text("data")), ("north".to_owned(), "7".to_owned()));
    letter.ack().await.unwrap();
    running.stop().await.unwrap();
    dead.close().await;
}

/// What was fetched and not begun goes back at the stop, as if it had never been delivered, and in order.
pub(crate) async fn prefetched_entries_go_back(client: &Client) {
    let watch = Watch::of(client);
    let stream = fresh("back");
    let ids = add_numbers(client, &stream, 0..20).await;
    let subscription = client.consume(&*stream, "g").prefetch(50).subscribe().await.unwrap();
    let first = subscription.next().await.unwrap();
    assert_eq!(first.id(), ids[0]);
    let closing = tokio::spawn(subscription.close());
    watch.count(&stream, "released", 19).await;
    first.ack().await.unwrap();
    closing.await.unwrap();
    assert_eq!(watch.all(&stream, "released"), ids[1..]);
    let seen = Arc::new(Mutex::new(Vec::new()));
    let keep = Arc::clone(&seen);
    let handler = move |message: Message| {
        keep.lock().push((message.id(), message.deliveries()));
        async {}
    };
    let running = client.consume(&*stream, "g").handler(handler).start().await.unwrap();
    watch.count(&stream, "acknowledged", 20).await;
    running.stop().await.unwrap();
    let want: Vec<_> = ids[1..].iter().map(|&id| (id, 1)).collect();
    assert_eq!(*seen.lock(), want);
}

pub(crate) async fn the_drain_waits_and_gives_up(client: &Client) {
    let watch = Watch::of(client);
    let stream = fresh("drain");
    let slow = client.add(&stream, &Json(200)).await.unwrap();
    let handler = |Json(ms): Json<u64>| async move { sleep(Duration::from_millis(ms)).await };
    let running = client.consume(&*stream, "g").handler(handler).start().await.unwrap();
    until("it is begun", || !watch.of_one(&stream, slow).is_empty()).await;
    running.stop().await.unwrap();
    assert_eq!(watch.of_one(&stream, slow), ["begun 1", "acknowledged"]);

    let endless = client.add(&stream, &Json(u64::from(u32::MAX))).await.unwrap();
    for (policy, begun) in [(AckPolicy::NackOnError, "begun 1"), (AckPolicy::AckFirst, "begun 2")] {
        let consume = client.consume(&*stream, "g").policy(policy).drain(Duration::from_millis(100));
        let running = consume.handler(handler).start().await.unwrap();
        watch.count(&stream, begun, if begun == "begun 1" { 2 } else { 1 }).await;
        tokio::time::timeout(DEADLINE, running.stop()).await.expect("the drain ends").unwrap();
    }
    let became = watch.of_one(&stream, endless);
    assert_eq!(became, ["begun 1", "released, counted", "begun 2", "acknowledged"]);
}

/// One key's entries one after the other, failures included, while other keys go on.
pub(crate) async fn order_is_kept(client: &Client) {
    let stream = fresh("order");
    for number in 0..160_u32 {
        let add = Add::to(&stream, Json(number)).header("key", format!("k{}", number % 20));
        client.send(add).await.unwrap();
    }
    let (done, at_work) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(HashMap::new())));
    let (ours, now) = (Arc::clone(&done), Arc::clone(&at_work));
    let handler = move |Json(number): Json<u32>, message: Message| {
        let (done, at_work) = (Arc::clone(&ours), Arc::clone(&now));
        async move {
            let key = number % 20;
            assert_eq!(at_work.lock().insert(key, number), None, "two of one key at once");
            tokio::task::yield_now().await;
            at_work.lock().remove(&key);
            if message.deliveries() < 1 + u64::from(number % 3) {
                return Err::<(), BoxError>("not yet".into());
            }
            done.lock().push(number);
            Ok(())
        }
    };
    let consume = client.consume(&*stream, "g").order_by("key").concurrency(16).prefetch(200);
    let consume = consume.backoff(Backoff::fixed(Duration::from_millis(5)));
    let running = consume.handler(handler).start().await.unwrap();
    until("all are done", || done.lock().len() == 160).await;
    running.stop().await.unwrap();
    let done = done.lock();
    for key in 0..20 {
        let of_key: Vec<u32> = done.iter().copied().filter(|number| number % 20 == key).collect();
        assert!(of_key.is_sorted(), "{key}: {of_key:?}");
        assert_eq!(of_key.len(), 8);
    }
}

pub(crate) async fn concurrency_is_bounded(client: &Client) {
    let stream = fresh("bound");
    add_numbers(client, &stream, 0..60).await;
    let (now, most, done) =
        (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let counts = (Arc::clone(&now), Arc::clone(&most), Arc::clone(&done));
    let handler = move |Json(_): Json<u32>| {
        let (now, most, done) = counts.clone();
        async move {
            most.fetch_max(now.fetch_add(1, SeqCst) + 1, SeqCst);
            sleep(Duration::from_millis(3)).await;
            now.fetch_sub(1, SeqCst);
            done.fetch_add(1, SeqCst);
        }
    };
    let running = client.consume(&*stream, "g").concurrency(7).handler(handler).start().await.unwrap();
    until("all are done", || done.load(SeqCst) == 60).await;
    running.stop().await.unwrap();
    assert_eq!(most.load(SeqCst), 7);
}

pub(crate) async fn batches(client: &Client) {
    let watch = Watch::of(client);
    let stream = fresh("batch");
    let mut ids = add_numbers(client, &stream, 0..3).await;
    ids.push(client.add(&stream, &[("data", "not a number")]).await.unwrap());
    ids.extend(add_numbers(client, &stream, 4..6).await);
    let handler = |batch: Batch<Json<u32>>| async move {
        let each = batch.items.iter().map(|Json(number)| match number {
            1 => Outcome::Nack(Some(HOUR)),
            2 => Outcome::Reject("two".into()),
            _ => Outcome::Ack,
        });
        each.collect::<Vec<Outcome>>()
    };
    let consume = client.consume(&*stream, "g").batch_handler(10, Duration::from_millis(100), handler);
    let running = consume.start().await.unwrap();
    watch.count(&stream, "acknowledged", 3).await;
    watch.count(&stream, "dead: malformed", 1).await;
    running.stop().await.unwrap();
    let became = |at: usize| watch.of_one(&stream, ids[at]).swap_remove(1);
    let all: Vec<String> = (0..6).map(became).collect();
    let want =
        ["acknowledged", "nacked", "dead: rejected", "dead: malformed", "acknowledged", "acknowledged"];
    assert_eq!(all, want);
    one_error_for_all(client, &watch).await;
}

async fn one_error_for_all(client: &Client, watch: &Watch) {
    let stream = fresh("batch");
    add_numbers(client, &stream, 0..5).await;
    let sizes = Arc::new(Mutex::new(Vec::new()));
    let keep = Arc::clone(&sizes);
    let handler = move |batch: Batch<Json<u32>>| {
        keep.lock().push(batch.items.len());
        async { Err::<(), BoxError>("all of them".into()) }
    };
    let consume = client.consume(&*stream, "g").backoff(Backoff::NONE).max_deliveries(2);
    let consumer = consume.batch_handler(3, Duration::from_millis(50), handler);
    let running = consumer.start().await.unwrap();
    watch.count(&stream, "dead: max-deliveries", 5).await;
    running.stop().await.unwrap();
    assert_eq!(sizes.lock().iter().sum::<usize>(), 10);
    assert!(sizes.lock().iter().all(|&size| size <= 3), "{:?}", sizes.lock());
}

/// Also where the acknowledgement came first, or never comes.
pub(crate) async fn what_follows_is_added_with_the_acknowledgement(client: &Client) {
    for policy in [AckPolicy::NackOnError, AckPolicy::AckFirst, AckPolicy::None] {
        let (stream, next) = (fresh("follows"), fresh("next"));
        // In a cluster both lie in one slot.
        let next = format!("{stream}{next}");
        add_numbers(client, &stream, 0..3).await;
        let to = next.clone();
        let handler = move |Json(number): Json<u32>| {
            let add = Add::to(&to, Json(number + 10));
            async move { add }
        };
        let running = client.consume(&*stream, "g").policy(policy).handler(handler).start().await.unwrap();
        let end = Instant::now() + DEADLINE;
        while client.len(&next).await.unwrap() < 3 {
            assert!(Instant::now() < end, "{policy:?}: what follows was not added");
            sleep(Duration::from_millis(5)).await;
        }
        running.stop().await.unwrap();
        assert_eq!(client.len(&next).await.unwrap(), 3, "{policy:?}");
    }
}

pub(crate) async fn added_once(client: &Client) {
    let stream = fresh("once");
    let add = || Add::to(&stream, Json(1));
    let Ok(first) = client.send(add().once("p", "1")).await else { return };
    assert_eq!(client.send(add().once("p", "1")).await.unwrap(), first);
    assert_ne!(client.send(add().once("p", "2")).await.unwrap(), first);
    let content = client.send(add().once_by_content("q")).await.unwrap();
    assert_eq!(client.send(add().once_by_content("q")).await.unwrap(), content);
    assert_eq!(client.len(&stream).await.unwrap(), 3);
}

pub(crate) async fn deleted_with_the_acknowledgement(client: &Client) {
    let watch = Watch::of(client);
    let stream = fresh("delete");
    add_numbers(client, &stream, 0..5).await;
    let handler = |Json(number): Json<u32>| async move {
        if number == 2 { Err(Reject::because("two")) } else { Ok(()) }
    };
    let consume = client.consume(&*stream, "g").on_ack(OnAck::Delete);
    let running = consume.handler(handler).start().await.unwrap();
    watch.count(&stream, "acknowledged", 4).await;
    watch.count(&stream, "dead: rejected", 1).await;
    running.stop().await.unwrap();
    assert_eq!(client.len(&stream).await.unwrap(), 0);
    assert_eq!(client.len(&client.dead_letter_stream(&stream)).await.unwrap(), 1);
}

pub(crate) async fn several_streams(client: &Client) {
    let watch = Watch::of(client);
    let spread = ackline_consumer::Spread::new(fresh("spread").trim_matches(['{', '}']), 3);
    for number in 0..30_u32 {
        let stream = spread.stream_of(format!("k{number}"));
        client.add(&stream, &Json(number)).await.unwrap();
    }
    let running = client.consume(&spread, "g").handler(|Json(_): Json<u32>| async {}).start().await.unwrap();
    let done = || spread.streams().map(|part| watch.all(&part, "acknowledged").len()).sum::<usize>();
    until("all parts are done", || done() == 30).await;
    running.stop().await.unwrap();
    assert_eq!(done(), 30);
}

pub(crate) async fn work_is_shared(client: &Client) {
    let watch = Watch::of(client);
    let stream = fresh("shared");
    add_numbers(client, &stream, 0..100).await;
    let counts = Arc::new(Mutex::new(HashMap::<String, u32>::new()));
    let mut all: Vec<Running> = Vec::new();
    for name in ["a", "b"] {
        let keep = Arc::clone(&counts);
        let handler = move |message: Message| {
            *keep.lock().entry(message.consumer().to_owned()).or_default() += 1;
            sleep(Duration::from_millis(1))
        };
        let consume = client.consume(&*stream, "g").name(name).prefetch(4);
        all.push(consume.handler(handler).start().await.unwrap());
    }
    watch.count(&stream, "acknowledged", 100).await;
    for running in all {
        running.stop().await.unwrap();
    }
    let counts = counts.lock();
    assert_eq!(counts.values().sum::<u32>(), 100);
    assert!(counts.values().all(|&count| count >= 20), "{counts:?}");
}
