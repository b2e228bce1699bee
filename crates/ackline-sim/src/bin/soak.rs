//! Runs seeds of the simulation: `soak SEED [COUNT]`. One that fails is printed, and ends it.

use ackline_sim::simulation::{Plan, run};
use std::io::{IsTerminal, Write};
use std::process::ExitCode;
use std::time::{Duration, Instant};

fn main() -> ExitCode {
    let numbers: Option<Vec<u64>> = std::env::args().skip(1).map(|word| word.parse().ok()).collect();
    let (first, count) = match numbers.as_deref() {
        Some([first]) => (*first, 1),
        Some([first, count]) => (*first, *count),
        _ => {
            eprintln!("usage: soak SEED [COUNT]");
            return ExitCode::FAILURE;
        }
    };
    match soak(first, count) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("\n{message}");
            ExitCode::FAILURE
        }
    }
}

fn soak(first: u64, count: u64) -> Result<(), String> {
    let (start, mut shown) = (Instant::now(), Instant::now());
    let (mut added, mut acked, mut crashes, mut damage, mut refused) = (0, 0, 0, 0, 0);
    let mut checkpoints = (0, 0);
    for seed in first..first + count {
        let report = run(seed, Plan::default()).map_err(|violation| violation.to_string())?;
        added += report.added;
        acked += report.acked;
        crashes += report.crashes;
        damage += report.damage;
        refused += report.refused;
        checkpoints = (checkpoints.0 + report.checkpoints.0, checkpoints.1 + report.checkpoints.1);
        let last = seed + 1 == first + count;
        if last || shown.elapsed() >= Duration::from_secs(1) {
            shown = Instant::now();
            let done = seed + 1 - first;
            let line = format!(
                "{done} of {count} seeds, {added} entries added, {acked} acknowledged, {crashes} crashes, {} + {} \
                 checkpoints, {damage} flips, {refused} writes refused, {} s",
                checkpoints.0,
                checkpoints.1,
                start.elapsed().as_secs()
            );
            let end = if std::io::stdout().is_terminal() && !last { "\r" } else { "\n" };
            print!("{line}{end}");
            std::io::stdout().flush().map_err(|error| error.to_string())?;
        }
        if count == 1 {
            println!("{report:#?}");
        }
    }
    Ok(())
}
