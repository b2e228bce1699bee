//! Random outcomes, crashes and options: whatever happens, every entry is worked on, and settled once.

use ackline_consumer::harness::{Harness, Kind};
use ackline_consumer::{
    Ack, AckPolicy, Add, Backoff, Delivery, EntryId, Json, Nack, Reject, Running, Without,
};
use parking_lot::Mutex;
use proptest::prelude::*;
use std::collections::{HashMap, HashSet};
use std::error::Error as StdError;
use std::sync::Arc;
use std::time::Duration;

const LEASE: Duration = Duration::from_secs(10);

/// What the handler does with one delivery.
#[derive(Clone, Copy, Debug)]
enum Act {
    Return,
    Ack,
    Nack,
    NackAfter(u64),
    Reject,
    Fail,
    Panic,
    /// Takes the right to decide, and drops it after the handler has ended.
    Leave,
    Release,
    /// Longer than the lease, then a return.
    Slow,
}

#[derive(Clone, Debug)]
enum Step {
    /// Time passes, ms.
    Wait(u64),
    Stop(usize),
    Crash(usize),
}

#[derive(Clone, Debug)]
struct Case {
    /// By entry, then by delivery; afterwards they return.
    scripts: Vec<Vec<Act>>,
    steps: Vec<Step>,
    consumers: usize,
    named: bool,
    concurrency: usize,
    prefetch: usize,
    ordered: bool,
    max_deliveries: u64,
    backoff_ms: u64,
    without: Without,
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        4 => Just(Act::Return),
        1 => Just(Act::Ack),
        2 => Just(Act::Nack),
        2 => (1_u64..30_000).prop_map(Act::NackAfter),
        1 => Just(Act::Reject),
        2 => Just(Act::Fail),
        1 => Just(Act::Panic),
        1 => Just(Act::Leave),
        1 => Just(Act::Release),
        1 => Just(Act::Slow),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (0_u64..20_000).prop_map(Step::Wait),
        1 => (0_usize..4).prop_map(Step::Stop),
        1 => (0_usize..4).prop_map(Step::Crash),
    ]
}

fn case() -> impl Strategy<Value = Case> {
    let scripts = prop::collection::vec(prop::collection::vec(act(), 0..5), 1..40);
    let steps = prop::collection::vec(step(), 0..8);
    let size = (1_usize..5, 1_usize..9, 0_usize..20);
    let rest = (any::<bool>(), any::<bool>(), 1_u64..6, prop_oneof![Just(0), 1_u64..5_000]);
    let without = prop_oneof![
        2 => Just(Without::default()),
        1 => Just(Without { xnack: true, ..Without::default() }),
        1 => Just(Without { xnack: true, claim: true, xackdel: true }),
    ];
    (scripts, steps, size, rest, without).prop_map(|(scripts, steps, size, rest, without)| Case {
        scripts,
        steps,
        consumers: size.0,
        concurrency: size.1,
        prefetch: size.2,
        named: rest.0,
        ordered: rest.1,
        max_deliveries: rest.2,
        backoff_ms: rest.3,
        without,
    })
}

/// What the handlers saw.
#[derive(Default)]
struct Log {
    /// How often each was begun.
    begun: HashMap<u32, usize>,
    /// In which order.
    order: Vec<u32>,
    crashed: bool,
}

struct World {
    harness: Harness,
    case: Case,
    log: Arc<Mutex<Log>>,
}

fn key(number: u32) -> u32 {
    number % 5
}

async fn perform(act: Act, delivery: Delivery) -> Result<(), Box<dyn StdError + Send + Sync>> {
    match act {
        Act::Return => drop(delivery),
        Act::Ack => Err(Ack::now())?,
        Act::Nack => Err(Nack::now())?,
        Act::NackAfter(ms) => delivery.nack_after(Duration::from_millis(ms)).await?,
        Act::Reject => Err(Reject::because("scripted"))?,
        Act::Fail => Err("scripted")?,
        Act::Panic => std::panic::resume_unwind(Box::new("scripted")),
        Act::Release => delivery.release().await?,
        Act::Leave => drop(tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(20)).await;
            drop(delivery);
        })),
        Act::Slow => {
            tokio::time::sleep(LEASE * 3).await;
            delivery.ack().await?;
        }
    }
    Ok(())
}

impl World {
    async fn start(&mut self, place: usize) -> Running {
        let case = &self.case;
        let (log, scripts) = (Arc::clone(&self.log), case.scripts.clone());
        let handler = move |Json(number): Json<u32>, delivery: Delivery| {
            let times = {
                let mut log = log.lock();
                let times = log.begun.entry(number).or_default();
                *times += 1;
                let times = *times;
                log.order.push(number);
                times
            };
            let act = scripts[number as usize].get(times - 1).copied().unwrap_or(Act::Return);
            perform(act, delivery)
        };
        let consume = self.harness.client().consume("s", "g").policy(AckPolicy::NackOnError).lease(LEASE);
        let consume = consume.concurrency(case.concurrency).prefetch(case.prefetch);
        let consume = consume.max_deliveries(case.max_deliveries).drain(Duration::from_secs(5));
        let mut consume = consume.backoff(Backoff::fixed(Duration::from_millis(case.backoff_ms)));
        if case.ordered {
            consume = consume.order_by("key");
        }
        if case.named {
            consume = consume.name(format!("c{place}"));
        }
        consume.handler(handler).start().await.unwrap()
    }

    async fn run(&mut self) -> Vec<EntryId> {
        let mut ids = Vec::new();
        let mut running: Vec<Running> = Vec::new();
        for number in 0..self.case.scripts.len() as u32 {
            let add = Add::to("s", Json(number)).header("key", format!("k{}", key(number)));
            ids.push(self.harness.client().send(add).await.unwrap());
        }
        for place in 0..self.case.consumers {
            running.push(self.start(place).await);
        }
        for step in self.case.steps.clone() {
            match step {
                Step::Wait(ms) => self.harness.advance(Duration::from_millis(ms)).await,
                Step::Stop(which) => {
                    let place = which % running.len();
                    running.remove(place).stop().await.unwrap();
                    running.insert(place, self.start(place).await);
                }
                Step::Crash(which) => {
                    self.log.lock().crashed = true;
                    let place = which % running.len();
                    self.harness.crash(running.remove(place)).await;
                    running.insert(place, self.start(place).await);
                }
            }
        }
        self.harness.settled().await;
        for one in running {
            one.stop().await.unwrap();
        }
        ids
    }

    fn check(&self, ids: &[EntryId]) {
        let World { harness, case, log, .. } = self;
        let log = log.lock();
        assert_eq!(harness.pending("s", "g"), [], "nothing is pending");
        let acked: HashSet<EntryId> = harness.acknowledged("s").into_iter().collect();
        let letters: Vec<EntryId> = harness.dead_letters("s").into_iter().map(|letter| letter.id).collect();
        let dead: HashSet<EntryId> = letters.iter().copied().collect();
        assert_eq!(dead.len(), letters.len(), "one dead letter for each that is dead");
        for (number, id) in (0_u32..).zip(ids) {
            let times = log.begun.get(&number).copied().unwrap_or(0);
            let events: Vec<_> = harness.events().into_iter().filter(|one| one.id == *id).collect();
            let what = || {
                format!(
                    "{number}: {:#?}",
                    events.iter().map(|one| (&one.consumer, &one.kind)).collect::<Vec<_>>()
                )
            };
            // A process may die with an entry each time before its handler is reached.
            assert!(times >= 1 || log.crashed && dead.contains(id), "worked on: {}", what());
            assert!(acked.contains(id) != dead.contains(id), "settled once: {}", what());
            let greatest = events.iter().filter_map(|one| match one.kind {
                Kind::Begun { deliveries } => Some(deliveries),
                _ => None,
            });
            assert!(greatest.max().unwrap_or(0) <= case.max_deliveries, "too often: {}", what());
        }
        // Whoever holds what is in order is one consumer, which was never interrupted.
        if case.ordered
            && case.consumers == 1
            && !case.steps.iter().any(|step| !matches!(step, Step::Wait(_)))
        {
            self.check_order(&log);
        }
    }

    fn check_order(&self, log: &Log) {
        for of in 0..5 {
            let all: Vec<u32> = log.order.iter().copied().filter(|&number| key(number) == of).collect();
            // Whoever gives an entry back by hand gives up its place.
            let released = |&number: &u32| {
                self.case.scripts[number as usize].iter().any(|act| matches!(act, Act::Release))
            };
            assert!(all.is_sorted() || all.iter().any(released), "key {of}: {all:?}");
        }
    }
}

fn run(case: Case) {
    fastrand::seed(7);
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let harness = Harness::lacking(case.without);
        let mut world = World { harness, case, log: Arc::default() };
        let ids = world.run().await;
        world.check(&ids);
    });
}

/// `PROPTEST_CASES` asks for more.
fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(50)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), max_shrink_iters: 400, ..ProptestConfig::default() })]

    #[test]
    fn every_entry_is_worked_on_and_settled_once(case in case()) {
        run(case);
    }
}
