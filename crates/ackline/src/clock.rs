//! The clock. The engine reads none; it is handed a sample.

use std::cell::Cell;
use std::time::{SystemTime, UNIX_EPOCH};

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
