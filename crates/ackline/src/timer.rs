//! The alarm clock: one thread that lets the broker do what time alone brings about.

use crate::broker::Broker;
use crate::clock::now_ms;
use parking_lot::{Condvar, Mutex};
use std::sync::Arc;
use std::sync::Weak;
use std::time::Duration;

/// When the timer is due next.
pub(crate) struct Alarm {
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
        Alarm { at: Mutex::new(Due { at: i64::MAX, stopped: false }), changed: Condvar::new() }
    }

    /// Rings at `at`, Unix ms, or earlier.
    pub(crate) fn set(&self, at: i64) {
        let mut due = self.at.lock();
        if at < due.at {
            due.at = at;
            self.changed.notify_one();
        }
    }

    pub(crate) fn stop(&self) {
        self.at.lock().stopped = true;
        self.changed.notify_all();
    }

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
        let weak: Weak<Broker> = Arc::downgrade(broker);
        let thread = std::thread::Builder::new().name("timer".into());
        let run = move || {
            while let Some(broker) = weak.upgrade() {
                if !broker.alarm.wait() {
                    break;
                }
                broker.tick();
            }
        };
        if let Err(error) = thread.spawn(run) {
            tracing::error!("the timer could not be started: {error}");
        }
    }
}
