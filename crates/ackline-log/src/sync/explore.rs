//! Trying the orders in which threads may run.

use super::modelled;
use shuttle::scheduler::{DfsScheduler, PctScheduler, RandomScheduler, Scheduler};
use shuttle::{Config, FailurePersistence, MaxSteps, Runner};
use std::cell::Cell;

/// What becomes of a wait that may time out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Timeouts {
    /// It only ends by a notification: whoever relies on the clock to repair a lost one hangs, which is found.
    Never,
    /// It may end at any time.
    Any,
}

/// Waits that may time out, as the execution under way has them.
pub(super) mod times_out {
    use super::{Cell, Timeouts};
    use shuttle::rand::{Rng, thread_rng};

    thread_local! {
        pub(super) static MODE: Cell<Timeouts> = const { Cell::new(Timeouts::Any) };
    }

    pub(in super::super) fn possible() -> bool {
        MODE.get() == Timeouts::Any
    }

    pub(in super::super) fn now() -> bool {
        thread_rng().r#gen()
    }
}

/// The same schedules at every run; the variable `SHUTTLE_RANDOM_SEED` asks for others.
const SEED: u64 = 0x00ac_c11e;
/// Preemptions at places of PCT's choice: bugs need few of them.
const DEPTH: usize = 3;
/// Bytes of a thread's stack.
const STACK: usize = 512 * 1024;

/// Points at which another thread may go on; an execution with more of them goes in circles.
const STEPS: usize = 100_000;

fn run(scheduler: impl Scheduler + 'static, timeouts: Timeouts, body: impl Fn() + Send + Sync + 'static) {
    let mut config = Config::new();
    config.stack_size = STACK;
    config.max_steps = MaxSteps::FailAfter(STEPS);
    // The seed does it, which is always the same: running the test again is replaying it.
    config.failure_persistence = FailurePersistence::None;
    config.silence_warnings = true;
    config.ungraceful_shutdown_config.immediately_return_on_panic = true;
    Runner::new(scheduler, config).run(move || {
        modelled::reset();
        times_out::MODE.set(timeouts);
        body();
    });
}

/// Runs `body` under so many schedules, half of them by chance and half with few preemptions. A panic, a deadlock and a
/// loop without end fail.
pub fn explore(schedules: usize, timeouts: Timeouts, body: impl Fn() + Clone + Send + Sync + 'static) {
    run(RandomScheduler::new_from_seed(SEED, schedules / 2), timeouts, body.clone());
    run(PctScheduler::new_from_seed(SEED, DEPTH, schedules / 2), timeouts, body);
}

/// Runs `body` under every schedule that there is. Waits only end by a notification.
pub fn explore_all(body: impl Fn() + Send + Sync + 'static) {
    run(DfsScheduler::new(None, false), Timeouts::Never, body);
}
