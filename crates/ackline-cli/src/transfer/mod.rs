//! `ackline import` and `ackline export`: everything that Ackline knows, from one server to another over plain commands.
//!
//! Both are one copier with the ends swapped.

mod build;
mod compare;
mod copy;
mod cursor;
mod header;
mod link;
mod meter;
mod strings;
mod value;

use copy::Copier;
use link::{Error, Link};

const HERE: &str = "redis://127.0.0.1:6379";

/// What to import.
#[derive(clap::Args)]
pub(crate) struct Import {
    /// Where to copy from: redis://[user:password@]host[:port][/db] or unix:///path. Redis from 6.2 on, Valkey,
    /// Dragonfly, Ackline.
    source: String,
    /// The Ackline to copy to.
    #[arg(long, value_name = "URL", default_value = HERE)]
    to: String,
    #[command(flatten)]
    options: Options,
}

/// What to export.
#[derive(clap::Args)]
pub(crate) struct Export {
    /// Where to copy to: redis://[user:password@]host[:port][/db] or unix:///path.
    target: String,
    /// The Ackline to copy from.
    #[arg(long, value_name = "URL", default_value = HERE)]
    from: String,
    #[command(flatten)]
    options: Options,
}

/// What both have in common.
#[derive(clap::Args)]
struct Options {
    /// Only keys that match, such as `orders:*`.
    #[arg(long = "match", value_name = "PATTERN")]
    pattern: Option<String>,
    /// Only this database of the source; `all` (the default unless the URL names one): every one that has keys.
    #[arg(long, value_name = "N|all", value_parser = database)]
    db: Option<Databases>,
    /// Tells what would be copied, and changes nothing.
    #[arg(long)]
    dry_run: bool,
    /// Does not read back what was written.
    #[arg(long)]
    no_verify: bool,
    /// Replaces keys that the target has with another content; without it they are errors.
    #[arg(long)]
    replace: bool,
    /// Entries and pending entries that are read at once.
    #[arg(long, value_name = "N", default_value = "1000", value_parser = batch)]
    batch: usize,
    /// The consumer that gets released entries (XNACK) at a target that knows no released entries.
    #[arg(long, value_name = "NAME", default_value = "released")]
    released_to: String,
    /// Names the keys that are skipped.
    #[arg(long, short)]
    verbose: bool,
}

/// Which databases of the source.
#[derive(Clone, Copy)]
enum Databases {
    All,
    One(i64),
}

fn database(text: &str) -> Result<Databases, String> {
    match text {
        "all" => Ok(Databases::All),
        number => match number.parse() {
            Ok(number) if number >= 0 => Ok(Databases::One(number)),
            _ => Err("expected a number or `all`".to_owned()),
        },
    }
}

fn batch(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(number @ 1..=100_000) => Ok(number),
        _ => Err("expected a number from 1 to 100000".to_owned()),
    }
}

/// `ackline import`
pub(crate) fn import(args: &Import) -> Result<(), String> {
    transfer(&args.source, &args.to, &args.options)
}

/// `ackline export`
pub(crate) fn export(args: &Export) -> Result<(), String> {
    transfer(&args.from, &args.target, &args.options)
}

fn transfer(from: &str, to: &str, options: &Options) -> Result<(), String> {
    let copier = || Copier::new(Link::open(from)?, Link::open(to)?, options);
    let mut copier = copier().map_err(Error::text)?;
    let ended = copier.run();
    // The report is worth having also when the run broke off.
    print!("{}", copier.meter.report(options.dry_run));
    if copier.meter.given > 0 {
        let (count, name) = (copier.meter.given, &options.released_to);
        println!(
            "The target knows no released entries (XNACK): {count} were given to the consumer \"{name}\"."
        );
    }
    match (ended, copier.meter.failures()) {
        (Err(error), _) => Err(error.text()),
        (Ok(()), 0) => Ok(()),
        (Ok(()), 1) => Err("1 key could not be copied".to_owned()),
        (Ok(()), count) => Err(format!("{count} keys could not be copied")),
    }
}
