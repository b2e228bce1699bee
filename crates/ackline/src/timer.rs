//! The alarm clock: one thread that lets the broker do what time alone brings about.

use crate::broker::Broker;
use crate::clock::now_ms;
use crate::sync::{Condvar, Mutex, thread};
use std::sync::Arc;
use std::sync::Weak;
use std::time::Duration;

/// When the timer is due next. Stops the timer when it is dropped, which therefore holds the clock alone while it waits.
pub(crate) struct Alarm(Arc<Clock>);

struct Clock {
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
        Alarm(Arc::new(Clock { at, changed: Condvar::new() }))
    }

    /// Rings at `at`, Unix ms, or earlier.
    pub(crate) fn set(&self, at: i64) {
        let mut due = self.0.at.lock();
        if at < due.at {
            due.at = at;
            self.0.changed.notify_one();
        }
    }

    pub(crate) fn stop(&self) {
        self.0.at.lock().stopped = true;
        self.0.changed.notify_all();
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Clock {
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
    pub fn start_timer(broker: &Arc<Broker>) {
        let (weak, clock): (Weak<Broker>, _) = (Arc::downgrade(broker), Arc::clone(&broker.alarm.0));
        let thread = thread::Builder::new().name("timer".into());
        let run = move || {
            while clock.wait()
                && let Some(broker) = weak.upgrade()
            {
                broker.tick();
            }
        };
        if let Err(error) = thread.spawn(run) {
            tracing::error!("the timer could not be started: {error}");
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
            assert!(alarm.0.wait());
        });
    }

    #[test]
    fn one_deadline_after_the_other_rings() {
        explore(2000, Timeouts::Never, || {
            let alarm = Arc::new(Alarm::new());
            for at in [i64::MAX - 1, 1, i64::MAX - 2] {
                ring(&alarm, move |alarm| alarm.set(at));
            }
            assert!(alarm.0.wait());
            ring(&alarm, |alarm| alarm.set(0));
            assert!(alarm.0.wait());
        });
    }

    #[test]
    fn the_timer_ends_once_it_is_stopped() {
        explore_all(|| {
            let alarm = Arc::new(Alarm::new());
            ring(&alarm, Alarm::stop);
            assert!(!alarm.0.wait());
        });
    }
}
