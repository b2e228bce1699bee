//! What a command allocates and what it writes into the log: counted, so the same in every run.

mod bed;

use bed::cases::{self, Case};
use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicI64, Ordering::Relaxed};

#[global_allocator]
static COUNTING: Counting =
    Counting { calls: AtomicI64::new(0), bytes: AtomicI64::new(0), live: AtomicI64::new(0) };

/// The system's allocator, and how it is used.
struct Counting {
    calls: AtomicI64,
    bytes: AtomicI64,
    live: AtomicI64,
}

impl Counting {
    fn count(&self, bytes: usize, more: i64) {
        self.calls.fetch_add(1, Relaxed);
        self.bytes.fetch_add(bytes as i64, Relaxed);
        self.live.fetch_add(more, Relaxed);
    }

    fn read(&self) -> [i64; 3] {
        [&self.calls, &self.bytes, &self.live].map(|counter| counter.load(Relaxed))
    }
}

// SAFETY: every call goes to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        self.count(layout.size(), layout.size() as i64);
        // SAFETY: the caller's promise, handed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        self.live.fetch_sub(layout.size() as i64, Relaxed);
        // SAFETY: the caller's promise, handed on.
        unsafe { System.dealloc(at, layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        self.count(size, size as i64 - layout.size() as i64);
        // SAFETY: the caller's promise, handed on.
        unsafe { System.realloc(at, layout, size) }
    }
}

type Named = (&'static str, fn(u64) -> Case);

macro_rules! named {
    ($($name:ident)*) => { [$((stringify!($name), cases::$name as fn(u64) -> Case)),*] };
}

const CASES: [Named; 16] = named![
    xadd xadd_pipelined xreadgroup_1 xreadgroup_100 xreadgroup_nothing xack_in_order xack_scattered xack_pipelined
    xack_100_in_order xack_100_scattered xnack_scattered xclaim_scattered xrange_100 xautoclaim_nothing_idle
    xpending_none_idle message
];
const LENS: [u64; 2] = [100_000, 1_000_000];
const SCRIPTS: u64 = 10;

fn main() {
    // Run by `cargo test --benches` it has nothing to say.
    if !std::env::args().any(|arg| arg == "--bench") {
        return;
    }
    let filter = std::env::args().skip(1).find(|arg| !arg.starts_with('-')).unwrap_or_default();
    println!("a command of                   entries   allocations     bytes      kept    log bytes");
    for (name, case) in CASES.iter().filter(|(name, _)| name.contains(&filter)) {
        LENS.iter().for_each(|len| report(name, *len, case(*len)));
    }
}

fn report(name: &str, len: u64, mut case: Case) {
    let warm = case.script();
    case.run(&warm);
    let (mut sums, mut logged) = ([0; 3], 0);
    for _ in 0..SCRIPTS {
        let script = case.script();
        let before = COUNTING.read();
        logged += case.run(&script);
        let after = COUNTING.read();
        (0..3).for_each(|i| sums[i] += after[i] - before[i]);
    }
    let items = (case.items() * SCRIPTS) as f64;
    let [calls, bytes, kept] = sums.map(|sum| sum as f64 / items);
    let logged = logged as f64 / items;
    println!("{name:<27} {len:>10} {calls:>13.2} {bytes:>9.0} {kept:>9.1} {logged:>12.1}");
}
