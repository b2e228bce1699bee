//! The alarm clock: one thread that lets the broker do what time alone brings about.

use crate::broker::Broker;
use crate::clock::now_ms;
use crate::sync::{Condvar, Mutex, thread};
use std::sync::Arc;
use std::sync::Weak;
use std::time::Duration;

/// When the timer is due next. Stops the timer when it is dropped, which therefore holds the bell alone while it waits.
pub(crate) struct Alarm {
    bell: Arc<Bell>,
    watchers: Mutex<Vec<Watcher>>,
}

/// Is told that the timer is due earlier.
type Watcher = Arc<dyn Fn() + Send + Sync>;

struct Bell {
    at: Mutex<Due>,
    changed: Condvar,
}

struct Due {
    at: i64,
    stopped: bool,
}

/// The timer looks at the clock at least this often: the clock may jump.
const LOOK_MAX: Duration = Duration::from_secs(1);

impl Alarm {
    pub(crate) fn new() -> Alarm {
        let at = Mutex::new(Due { at: i64::MAX, stopped: false });
        Alarm { bell: Arc::new(Bell { at, changed: Condvar::new() }), watchers: Mutex::default() }
    }

    /// Rings at `at`, Unix ms, or earlier. Called without any lock held.
    pub(crate) fn set(&self, at: i64) {
        let mut due = self.bell.at.lock();
        if at >= due.at {
            return;
        }
        due.at = at;
        self.bell.changed.notify_one();
        drop(due);
        let watchers = self.watchers.lock().clone();
        watchers.iter().for_each(|watcher| watcher());
    }

    /// When it rings.
    pub(crate) fn at(&self) -> Option<i64> {
        Some(self.bell.at.lock().at).filter(|at| *at < i64::MAX)
    }

    /// Whether it rings by `now`. Then it does not ring again until it is set again.
    pub(crate) fn take(&self, now: i64) -> bool {
        let mut due = self.bell.at.lock();
        let rings = due.at <= now && !due.stopped;
        if rings {
            due.at = i64::MAX;
        }
        rings
    }

    /// Calls `watcher` whenever it is set to ring earlier than before.
    pub(crate) fn watch(&self, watcher: Watcher) {
        self.watchers.lock().push(watcher);
    }

    pub(crate) fn stop(&self) {
        self.bell.at.lock().stopped = true;
        self.bell.changed.notify_all();
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Bell {
    /// Waits until something is due. False once stopped.
    fn wait(&self) -> bool {
        let mut due = self.at.lock();
        loop {
            if due.stopped {
                return false;
            }
            let left = due.at.saturating_sub(now_ms());
            if left <= 0 {
                due.at = i64::MAX;
                return true;
            }
            let left = Duration::from_millis(left as u64).min(LOOK_MAX);
            self.changed.wait_for(&mut due, left);
        }
    }
}

impl Broker {
    /// Starts the timer. It ends when the broker is closed or dropped.
    ///
    /// On a [`ManualClock`](crate::ManualClock) there is no thread: whoever moves the clock does what is due.
    pub fn start_timer(broker: &Arc<Broker>) {
        if let Some(clock) = broker.clock.by_hand() {
            clock.drive(broker);
            return broker.ring();
        }
        let (weak, bell): (Weak<Broker>, _) = (Arc::downgrade(broker), Arc::clone(&broker.alarm.bell));
        let thread = thread::Builder::new().name("timer".into());
        let run = move || {
            while bell.wait()
                && let Some(broker) = weak.upgrade()
            {
                broker.tick();
            }
        };
        if let Err(error) = thread.spawn(run) {
            tracing::error!("the timer could not be started: {error}");
        }
    }

    /// When time alone next brings something about, Unix ms; it may turn out to be nothing.
    pub fn next_due(&self) -> Option<i64> {
        self.alarm.at()
    }

    /// Calls `watcher` whenever [`Broker::next_due`] has become earlier, on the thread that made it so. No lock is held.
    pub fn watch_due(&self, watcher: impl Fn() + Send + Sync + 'static) {
        self.alarm.watch(Arc::new(watcher));
    }

    /// Does what is due by now, if anything is.
    pub(crate) fn ring(&self) {
        if self.alarm.take(self.now_ms()) {
            self.tick();
        }
    }
}

#[cfg(all(test, feature = "model"))]
mod tests {
    use super::*;
    use ackline_log::sync::{Timeouts, explore, explore_all};

    fn ring(alarm: &Arc<Alarm>, set: impl FnOnce(&Alarm) + Send + 'static) {
        let other = Arc::clone(alarm);
        thread::spawn(move || set(&other));
    }

    /// Whatever the timer is doing when a deadline comes, it rings; nothing here would repair a lost wake-up.
    #[test]
    fn a_deadline_set_while_the_timer_goes_to_sleep_is_not_missed() {
        explore_all(|| {
            let alarm = Arc::new(Alarm::new());
            ring(&alarm, |alarm| alarm.set(0));
            assert!(alarm.bell.wait());
        });
    }

    #[test]
    fn one_deadline_after_the_other_rings() {
        explore(2000, Timeouts::Never, || {
            let alarm = Arc::new(Alarm::new());
            for at in [i64::MAX - 1, 1, i64::MAX - 2] {
                ring(&alarm, move |alarm| alarm.set(at));
            }
            assert!(alarm.bell.wait());
            ring(&alarm, |alarm| alarm.set(0));
            assert!(alarm.bell.wait());
        });
    }

    #[test]
    fn the_timer_ends_once_it_is_stopped() {
        explore_all(|| {
            let alarm = Arc::new(Alarm::new());
            ring(&alarm, Alarm::stop);
            assert!(!alarm.bell.wait());
        });
    }
}
