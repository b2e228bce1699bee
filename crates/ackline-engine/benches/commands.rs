//! What a command costs, from its words to the changed state: found, parsed, executed, encoded, applied, each in a
//! transaction of its own unless it says otherwise. An item is a command.

mod bed;

use bed::cases::{self, Case};
use divan::Bencher;
use divan::counter::ItemsCount;

fn main() {
    divan::main();
}

fn bench(bencher: Bencher<'_, '_>, mut case: Case) {
    // Nothing grows from nothing within the measurement.
    let warm = case.script();
    case.run(&warm);
    let items = ItemsCount::new(case.items());
    let case = std::cell::RefCell::new(case);
    let script = || case.borrow_mut().script();
    bencher.counter(items).with_inputs(script).bench_local_refs(|script| case.borrow_mut().run(script));
}

macro_rules! benches {
    ($($name:ident $lens:expr;)*) => {
        $(
            #[divan::bench(args = $lens, sample_count = 50, sample_size = 1)]
            fn $name(bencher: Bencher<'_, '_>, len: u64) {
                bench(bencher, cases::$name(len));
            }
        )*
    };
}

benches! {
    xadd [0, 1_000_000];
    xadd_pipelined [0, 1_000_000];
    xreadgroup_1 [10_000, 1_000_000];
    xreadgroup_100 [1_000_000];
    xreadgroup_nothing [10_000, 1_000_000];
    xack_in_order [10_000, 100_000, 1_000_000];
    xack_scattered [10_000, 100_000, 1_000_000];
    xack_pipelined [10_000, 1_000_000];
    xack_100_in_order [1_000_000];
    xack_100_scattered [1_000_000];
    xnack_scattered [10_000, 100_000, 1_000_000];
    xclaim_scattered [10_000, 100_000, 1_000_000];
    xrange_100 [10_000, 1_000_000];
    xautoclaim_nothing_idle [10_000, 1_000_000];
    xpending_none_idle [10_000, 1_000_000];
    message [0, 10_000, 1_000_000];
}
