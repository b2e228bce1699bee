//! The suite on the engine in this process, in time that passes at once.

use crate::suite;
use ackline_consumer::Without;
use ackline_consumer::harness::Harness;

macro_rules! each {
    ($($name:ident),* $(,)?) => {$(
        #[tokio::test(start_paused = true)]
        async fn $name() {
            suite::$name(Harness::new().client()).await;
        }
    )*};
}

each!(
    every_policy,
    decided_by_hand,
    left_undecided,
    dead_letters_say_where_they_come_from,
    prefetched_entries_go_back,
    the_drain_waits_and_gives_up,
    order_is_kept,
    concurrency_is_bounded,
    batches,
    what_follows_is_added_with_the_acknowledgement,
    added_once,
    deleted_with_the_acknowledgement,
    several_streams,
    work_is_shared,
);

/// As on a server that knows none of the newer commands.
#[tokio::test(start_paused = true)]
async fn everything_without_newer_commands() {
    let without = Without { xnack: true, claim: true, xackdel: true };
    suite::everything(Harness::lacking(without).client()).await;
}

/// As on a server that claims while it reads and cannot take back.
#[tokio::test(start_paused = true)]
async fn everything_without_xnack() {
    let without = Without { xnack: true, ..Without::default() };
    suite::everything(Harness::lacking(without).client()).await;
}

/// In the time of the system, and with threads.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn everything_at_once_with_threads() {
    let client = ackline_consumer::Client::open("memory:").await.unwrap();
    suite::everything(&client).await;
}
