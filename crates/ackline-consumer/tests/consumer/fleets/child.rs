//! The process of a consumer: this program once more, told by its environment what to do.

use super::record::{History, Record};
use ackline_consumer::{Backoff, BoxError, Client, Consumer, EntryId, Error, Fields, Message, Reject};
use serde::{Deserialize, Serialize};
use std::io::Read;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

pub(super) const GROUP: &str = "workers";
pub(super) const LEASE: Duration = Duration::from_secs(1);

/// More than anybody is killed in a round: an entry that is delivered so often is one that comes back for ever.
const DELIVERIES_MAX: u64 = 40;

/// In the environment: what a child shall do.
pub(super) const ORDERS: &str = "ACKLINE_FLEET_CHILD";

#[derive(Clone, Debug, Deserialize, Serialize)]
pub(super) struct Orders {
    pub(super) url: String,
    pub(super) streams: Vec<String>,
    /// Its consumers. Who has no name makes one up.
    pub(super) names: Vec<Option<String>>,
    pub(super) ordered: bool,
    pub(super) record: PathBuf,
    /// What it has to say.
    pub(super) log: PathBuf,
    /// How many entries it adds if nobody has yet.
    pub(super) add: usize,
    pub(super) seed: u64,
}

/// Does what the environment says, if it does.
#[test]
fn child() {
    let Some(orders) = std::env::var_os(ORDERS) else { return };
    let orders: Orders = serde_json::from_str(orders.to_str().unwrap()).unwrap();
    std::thread::spawn(|| {
        // Whoever started this has ended.
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(1);
    });
    let log = std::fs::OpenOptions::new().create(true).append(true).open(&orders.log).unwrap();
    let level = tracing_subscriber::filter::LevelFilter::DEBUG;
    tracing_subscriber::fmt().with_max_level(level).with_ansi(false).with_writer(Arc::new(log)).init();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.unwrap().block_on(work(orders));
}

async fn work(orders: Orders) {
    let client = open(&orders.url).await;
    let record = Arc::new(Record::open(&orders.record));
    let adding = async {
        let before = History::read(&orders.record).confirmed();
        add(&client, &record, &orders, before..orders.add, &AtomicBool::new(false)).await;
    };
    let consumers = orders.names.iter().map(|name| consume(&client, &orders, name.as_deref(), &record));
    let consuming = futures_util::future::join_all(consumers);
    // The consumers end when they are told to, whether all is added or not.
    tokio::select! {
        _ = consuming => {}
        () = async { adding.await; std::future::pending().await } => {}
    }
}

/// A client of what is not always there.
pub(super) async fn open(url: &str) -> Client {
    loop {
        match Client::open(url).await {
            Ok(client) => return client,
            Err(error) => assert!(error.is_transient(), "{error}"),
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn consume(client: &Client, orders: &Orders, name: Option<&str>, record: &Arc<Record>) {
    loop {
        match consumer(client, orders, name, record).run().await {
            Ok(()) => return,
            Err(error) => assert!(error.is_transient(), "{error}"),
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn consumer(
    client: &Client,
    orders: &Orders,
    name: Option<&str>,
    record: &Arc<Record>,
) -> Consumer<impl ackline_consumer::Work> {
    let consume =
        client.consume(orders.streams.iter().cloned().collect::<ackline_consumer::Streams>(), GROUP);
    let consume = name.into_iter().fold(consume, |consume, name| consume.name(name));
    let consume = match orders.ordered {
        true => consume.order_by("key"),
        false => consume,
    };
    let backoff = Backoff::exponential(Duration::from_millis(10), Duration::from_millis(200)).with_jitter();
    let record = Arc::clone(record);
    consume
        .concurrency(4)
        .prefetch(8)
        .block(Duration::from_millis(200))
        .lease(LEASE)
        .max_deliveries(DELIVERIES_MAX)
        .backoff(backoff)
        .handler(move |message: Message, fields: Fields| handle(Arc::clone(&record), message, fields))
}

async fn handle(record: Arc<Record>, message: Message, fields: Fields) -> Result<(), BoxError> {
    let (stream, id) = (message.stream(), message.id());
    let word = |name: &str| fields.text(name).unwrap().to_owned();
    record.begun(stream, id, &word("key"), message.deliveries());
    let plan = word("plan");
    tokio::time::sleep(match plan.as_str() {
        "slow" => LEASE.mul_f64(1.5),
        _ => Duration::from_millis(fastrand::u64(..3)),
    })
    .await;
    let (how, result) = match (plan.as_str(), message.deliveries()) {
        ("fail", 1 | 2) => ("fail", Err("not yet".into())),
        ("panic", 1) => {
            record.ended(stream, id, "panic");
            panic!("as planned");
        }
        ("reject", _) => ("reject", Err(Reject::because("as planned").into())),
        _ => ("ok", Ok(())),
    };
    record.ended(stream, id, how);
    result
}

/// Adds entries until each is confirmed, or it is told to stop.
pub(super) async fn add(
    client: &Client,
    record: &Record,
    orders: &Orders,
    numbers: std::ops::Range<usize>,
    stop: &AtomicBool,
) {
    for number in numbers {
        let mut random = fastrand::Rng::with_seed(orders.seed.wrapping_mul(1_000_003) + number as u64);
        let key = random.usize(..8);
        let stream = &orders.streams[key % orders.streams.len()];
        let plan = match random.u32(..100) {
            0..10 => "fail",
            10..16 => "reject",
            16..20 => "panic",
            20 => "slow",
            _ => "ok",
        };
        let fields = [("key", format!("k{key}")), ("number", number.to_string()), ("plan", plan.to_owned())];
        let id = insist(|| client.add(stream, &fields)).await;
        record.added(stream, id, plan);
        if stop.load(Ordering::Relaxed) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(random.u64(..15))).await;
    }
}

async fn insist<F: Future<Output = Result<EntryId, Error>>>(add: impl Fn() -> F) -> EntryId {
    loop {
        match add().await {
            Ok(id) => return id,
            Err(error) => assert!(error.is_transient(), "{error}"),
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
