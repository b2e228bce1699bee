//! The course of a run: prepare, warm up, measure, clean up.

use super::control::{Control, Server};
use super::plan::Plan;
use super::progress::Progress;
use super::setup::{delete, prepare};
use super::tally::Tally;
use super::usage::{Cpu, memory};
use super::worker::Worker;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

/// How often it is looked whether the time is up.
const TICK: Duration = Duration::from_millis(100);

/// What a run found.
pub(super) struct Outcome {
    /// Who was measured.
    pub(super) server: Server,
    /// What was counted.
    pub(super) tally: Tally,
    /// Measured time.
    pub(super) seconds: f64,
    /// This process in that time.
    pub(super) client: Cpu,
    /// The server's process in that time, if it was named.
    pub(super) used: Option<Cpu>,
    /// Its resident memory in bytes before and after.
    pub(super) memory: Option<(u64, u64)>,
}

/// Runs a workload.
pub(super) fn run(plan: &Plan<'_>) -> Result<Outcome, String> {
    plan.check()?;
    process_time(plan)?;
    let mut control = Control::open(&plan.settings.address()?)?;
    let server = control.server()?;
    let outcome = prepare(&mut control, plan).and_then(|()| measured(plan, &mut control, server));
    if plan.settings.keep {
        return outcome;
    }
    let deleted = delete(&mut control, plan);
    let outcome = outcome?;
    deleted.map(|()| outcome)
}

/// Processor time of the server's process, if one was named.
fn process_time(plan: &Plan<'_>) -> Result<Option<Cpu>, String> {
    let cpu = |pid: u32| Cpu::of(&pid.to_string()).map_err(|error| format!("--pid {pid}: {error}"));
    plan.settings.pid.map(cpu).transpose()
}

fn measured(plan: &Plan<'_>, control: &mut Control, server: Server) -> Result<Outcome, String> {
    let mut crew = crew(plan)?;
    let progress = Progress::start(plan.work.name());
    if plan.settings.warmup > 0.0 {
        round(plan, &mut crew, plan.reach().unwrap_or(u64::MAX), plan.settings.warmup, &progress)?;
        renew(plan, control)?;
    }
    let resident = || plan.settings.pid.and_then(|pid| memory(&pid.to_string()));
    let before = resident();
    let (used, client) = (plan.settings.pid.map(|_| Cpu::default()), Cpu::default());
    let mut outcome = Outcome { server, tally: Tally::new(), seconds: 0.0, client, used, memory: None };
    let mut left = plan.settings.requests.unwrap_or(u64::MAX);
    loop {
        let limit = plan.reach().unwrap_or(u64::MAX).min(left);
        let seconds = plan.settings.seconds() - outcome.seconds;
        outcome.add(plan, || round(plan, &mut crew, limit, seconds, &progress))?;
        left -= plan.budget.begun();
        if left == 0 || outcome.seconds >= plan.settings.seconds() {
            break;
        }
        renew(plan, control)?;
    }
    outcome.memory = before.zip(resident());
    Ok(outcome)
}

/// Prepares anew what a round uses up.
fn renew(plan: &Plan<'_>, control: &mut Control) -> Result<(), String> {
    if plan.reach().is_some() { prepare(control, plan) } else { Ok(()) }
}

impl Outcome {
    /// Measures a round.
    fn add(&mut self, plan: &Plan<'_>, round: impl FnOnce() -> Result<Tally, String>) -> Result<(), String> {
        let (used, client) = (process_time(plan)?, Cpu::of("self")?);
        let start = Instant::now();
        let tally = round()?;
        self.seconds += start.elapsed().as_secs_f64();
        self.client += Cpu::of("self")? - client;
        if let (Some(sum), Some(before), Some(after)) = (&mut self.used, used, process_time(plan)?) {
            *sum += after - before;
        }
        self.tally.add(tally);
        Ok(())
    }
}

/// The threads' connections, as even as they can be divided.
fn crew<'a>(plan: &'a Plan<'a>) -> Result<Vec<Worker<'a>>, String> {
    let (connections, threads) = (plan.connections(), plan.settings.threads);
    let first = |thread: u64| connections * thread / threads;
    (0..threads)
        .map(|thread| Worker::connect(plan, first(thread), first(thread + 1) - first(thread)))
        .collect()
}

/// So many operations or so many seconds, whichever ends first; what was sent is waited for.
fn round(
    plan: &Plan<'_>,
    crew: &mut [Worker<'_>],
    limit: u64,
    seconds: f64,
    progress: &Progress,
) -> Result<Tally, String> {
    plan.budget.begin(limit);
    let (ending, ended) = channel::<()>();
    thread::scope(|scope| {
        let start = |worker| {
            let ending = ending.clone();
            scope.spawn(move || work(plan, worker, ending))
        };
        let threads: Vec<_> = crew.iter_mut().map(start).collect();
        drop(ending);
        watch(plan, &ended, seconds, progress);
        let mut sum = Tally::new();
        for thread in threads {
            sum.add(thread.join().map_err(|_| "a thread of the client panicked")??);
        }
        Ok(sum)
    })
}

/// One thread's part. Where one fails, the others have nothing more to begin.
fn work(
    plan: &Plan<'_>,
    worker: &mut Worker<'_>,
    ending: std::sync::mpsc::Sender<()>,
) -> Result<Tally, String> {
    let tally = worker.round();
    if tally.is_err() {
        plan.budget.stop();
    }
    drop(ending);
    tally
}

/// Returns when all threads have ended; says when the time is up.
fn watch(plan: &Plan<'_>, ended: &Receiver<()>, seconds: f64, progress: &Progress) {
    let start = Instant::now();
    let end = Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX);
    loop {
        let left = end.saturating_sub(start.elapsed());
        if left.is_zero() {
            plan.budget.stop();
        }
        let wait = if left.is_zero() { TICK } else { left.min(TICK) };
        // Nobody sends: the channel is gone with the last thread.
        if ended.recv_timeout(wait) == Err(RecvTimeoutError::Disconnected) {
            return;
        }
        progress.show(plan.budget.begun(), start.elapsed());
    }
}
