//! A short soak of the simulation. `SOAK_SEED` is the first seed, `SOAK_RUNS` how many there are.

use ackline_sim::simulation::{Plan, Report, run};

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

#[test]
fn nothing_that_was_acknowledged_is_lost() {
    let first = number("SOAK_SEED", 1);
    let mut all = Report::default();
    for seed in first..first + number("SOAK_RUNS", 40) {
        let report = run(seed, Plan::default()).unwrap_or_else(|violation| panic!("{violation}"));
        all.added += report.added;
        all.acked += report.acked;
        all.crashes += report.crashes;
        all.checkpoints.0 += report.checkpoints.0;
        all.checkpoints.1 += report.checkpoints.1;
        all.damage += report.damage;
    }
    // A soak in which nothing happens proves nothing.
    assert!(all.added > 1000 && all.acked > 300 && all.crashes > 100 && all.damage > 50, "{all:?}");
    assert!(all.checkpoints.0 > 50 && all.checkpoints.1 > 5, "{all:?}");
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    for seed in [3, 4, 5, 6] {
        let plan = Plan { lives: 4, ..Plan::default() };
        let (one, two) = (run(seed, plan).unwrap(), run(seed, plan).unwrap());
        assert_eq!(one, two, "seed {seed}");
    }
}
