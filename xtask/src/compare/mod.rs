//! `cargo xtask compare`: Ackline beside Redis and Valkey, at equal durability and equal threads.
//!
//! ```text
//! options ─► lab: programs, servers       cases: what is measured
//!                 │                          │
//!                 └──► unit: one round of one server, interleaved ──► store (JSON) ──► document, chart
//! ```

mod cases;
mod chart;
mod client;
mod disk;
mod document;
mod fill;
mod lab;
mod load;
mod logged;
mod machine;
mod memory;
mod options;
mod pending;
mod restart;
mod server;
mod stall;
mod store;
mod table;
mod unit;
mod verdict;

use crate::run::{Step, cargo, root};
use lab::Lab;
use options::Options;
use std::time::Instant;
use store::Store;
use unit::{Unit, units};

/// The command, with its options.
pub(crate) fn run(words: &[String]) -> Step {
    let options = Options::parse(words)?;
    // Filling servers from a slow program would be most of the time, and the ceiling has to be a fast one.
    if cfg!(debug_assertions) {
        let own = ["run", "--release", "--quiet", "-p", "xtask", "--", "compare"];
        return cargo(&own.into_iter().chain(words.iter().map(String::as_str)).collect::<Vec<_>>());
    }
    let chosen: Vec<Unit> = units(&options).into_iter().filter(|unit| options.wants(&unit.name)).collect();
    if options.list {
        chosen.iter().for_each(|unit| println!("{}", unit.name));
        return Ok(());
    }
    let mut store = Store::open(&options.results())?;
    let outcome = if options.render { Ok(()) } else { measure(&options, &chosen, &mut store) };
    if options.write || options.render {
        write(&store)?;
    }
    outcome
}

/// Everything that was chosen; what fails is left out, and the end says so.
fn measure(options: &Options, chosen: &[Unit], store: &mut Store) -> Step {
    if chosen.is_empty() {
        return Err("no scenario has such a name; see --list".to_owned());
    }
    let lab = Lab::set_up(options)?;
    store.describe(machine::describe(&lab)?);
    let (began, mut failed) = (Instant::now(), Vec::new());
    for unit in chosen {
        let (start, (rows, failures)) = (Instant::now(), unit.run(&lab));
        store.replace(rows);
        store.save()?;
        println!("{:<24} {:>5.1} s", unit.name, start.elapsed().as_secs_f64());
        store.names(unit).iter().for_each(|name| println!("  {}", verdict::line(store, name)));
        failures.iter().for_each(|failure| println!("  FAILED {failure}"));
        failed.extend(failures);
    }
    println!("{} scenarios in {:.0} s", chosen.len(), began.elapsed().as_secs_f64());
    if failed.is_empty() { Ok(()) } else { Err(format!("{} runs failed", failed.len())) }
}

fn write(store: &Store) -> Step {
    for (name, text) in [("benchmarks.md", document::render(store)), ("benchmarks.svg", chart::render(store))]
    {
        let path = root().join("docs").join(name);
        std::fs::write(&path, text).map_err(|error| format!("{}: {error}", path.display()))?;
        println!("wrote docs/{name}");
    }
    Ok(())
}
