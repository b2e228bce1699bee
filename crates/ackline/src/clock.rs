//! The clock. The engine reads none; it is handed a sample.

use crate::broker::Broker;
use crate::sync::Mutex;
use crate::sync::atomic::{AtomicI64, Ordering::SeqCst};
use std::cell::Cell;
use std::fmt;
use std::sync::{Arc, Weak};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

thread_local! {
    static SIMULATED: Cell<Option<i64>> = const { Cell::new(None) };
}

/// Unix time in milliseconds; 0 before 1970.
pub fn now_ms() -> i64 {
    let system = || SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as i64);
    SIMULATED.get().unwrap_or_else(system)
}

/// From here on it is `at` for this thread, until told otherwise; `None` = the system's time again. For simulations.
pub fn simulate(at: Option<i64>) {
    SIMULATED.set(at);
}

/// Where a broker gets the time from: IDs of entries, idle times and the deadlines of reads that wait.
///
/// The system's by default. With a [`ManualClock`] time stands still until somebody moves it.
#[derive(Clone, Debug, Default)]
pub struct Clock(Source);

/// Not behind a trait: every command looks at the clock.
#[derive(Clone, Debug, Default)]
enum Source {
    #[default]
    System,
    Manual(ManualClock),
}

impl Clock {
    /// The time of the operating system.
    pub fn system() -> Clock {
        Clock::default()
    }

    /// A clock that stands at `start_ms`, Unix ms, until it is moved.
    pub fn manual(start_ms: i64) -> ManualClock {
        ManualClock::new(start_ms)
    }

    /// Unix time in milliseconds.
    #[inline]
    pub fn now_ms(&self) -> i64 {
        match &self.0 {
            Source::System => now_ms(),
            Source::Manual(clock) => clock.now_ms(),
        }
    }

    pub(crate) fn by_hand(&self) -> Option<&ManualClock> {
        match &self.0 {
            Source::System => None,
            Source::Manual(clock) => Some(clock),
        }
    }
}

impl From<ManualClock> for Clock {
    fn from(clock: ManualClock) -> Clock {
        Clock(Source::Manual(clock))
    }
}

/// A clock for tests, whose time goes on only when it is moved. Clones are the same clock.
///
/// Moving it does at once, in the order of time, all that time alone brings about in the brokers on it: reads run into
/// their deadline, entries become idle enough to be claimed by those who wait for that, keys expire. Once
/// [`ManualClock::advance`] has returned everything due has happened; no thread is behind it. Futures that become ready by
/// it are woken before it returns, and what their wakers run must not move the clock itself.
///
/// ```
/// use ackline::{Ackline, Clock};
/// use std::time::Duration;
///
/// let clock = Clock::manual(1_000_000);
/// let broker = Ackline::builder().clock(clock.clone()).memory();
/// let read = broker.submit(&["XREAD", "BLOCK", "500", "STREAMS", "orders", "$"]);
/// clock.advance(Duration::from_millis(500));
/// assert!(matches!(read.wait(), Ok(ackline::Reply::NullArray)));
/// ```
#[derive(Clone, Default)]
pub struct ManualClock(Arc<Hands>);

#[derive(Default)]
struct Hands {
    now: AtomicI64,
    /// Who moves the clock.
    turn: Mutex<()>,
    brokers: Mutex<Vec<Weak<Broker>>>,
}

impl fmt::Debug for ManualClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ManualClock").field(&self.now_ms()).finish()
    }
}

impl ManualClock {
    /// A clock that stands at `start_ms`, Unix ms.
    pub fn new(start_ms: i64) -> ManualClock {
        let clock = ManualClock::default();
        clock.0.now.store(start_ms, SeqCst);
        clock
    }

    /// Unix time in milliseconds.
    #[inline]
    pub fn now_ms(&self) -> i64 {
        self.0.now.load(SeqCst)
    }

    /// Moves the clock on, and does what is due until then.
    pub fn advance(&self, by: Duration) {
        let by = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        self.turn_to(|now| now.saturating_add(by));
    }

    /// Moves the clock to `at_ms`, Unix ms, and does what is due until then. Clocks may be set back.
    pub fn set(&self, at_ms: i64) {
        self.turn_to(|_| at_ms);
    }

    fn turn_to(&self, target: impl FnOnce(i64) -> i64) {
        let _turn = self.0.turn.lock();
        let now = self.now_ms();
        let (to, brokers) = (target(now), self.brokers());
        let due = || brokers.iter().filter_map(|broker| broker.next_due()).min().filter(|at| *at <= to);
        let mut last = i64::MIN;
        // What stays due (a key that is not to expire) must not hold time up.
        while let Some(at) = due().filter(|at| *at > last) {
            last = at;
            self.0.now.store(at.max(self.now_ms()), SeqCst);
            brokers.iter().for_each(|broker| broker.ring());
        }
        self.0.now.store(to, SeqCst);
        brokers.iter().for_each(|broker| broker.ring());
    }

    /// From here on what is due in the broker happens when the clock is moved.
    pub(crate) fn drive(&self, broker: &Arc<Broker>) {
        let mut brokers = self.0.brokers.lock();
        brokers.retain(|broker| broker.strong_count() > 0);
        brokers.push(Arc::downgrade(broker));
    }

    fn brokers(&self) -> Vec<Arc<Broker>> {
        self.0.brokers.lock().iter().filter_map(Weak::upgrade).collect()
    }
}
