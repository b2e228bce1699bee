//! What no command tells: how values are spread, for those who draw them.

use crate::handle::Handle;
use ackline::Tally;

/// Calls of one command.
#[derive(Clone, Debug)]
pub struct CommandTimes {
    /// Its name; a subcommand as `container|name`.
    pub name: &'static str,
    /// Calls that ran.
    pub calls: u64,
    /// Calls that answered with an error.
    pub failed: u64,
    /// Calls that were refused before they ran.
    pub rejected: u64,
    /// Microseconds in all calls.
    pub usec: u64,
    /// Calls by the microseconds that they took: upper bounds, and calls above the bound before.
    pub buckets: Vec<(u64, u64)>,
}

/// Counts since the start, or since CONFIG RESETSTAT where that resets them.
#[derive(Clone, Debug)]
pub struct Observation {
    /// Commands that were called or refused.
    pub commands: Vec<CommandTimes>,
    /// What became of entries.
    pub entries: Tally,
    /// Syncs of the log by the microseconds that they took, and the sum.
    pub syncs: (Vec<(u64, u64)>, u64),
}

impl Handle {
    /// Looks at all counts. It takes the lock of one shard after the other.
    pub fn observe(&self) -> Observation {
        let shared = self.shared();
        let commands = shared.rows.iter().map(|(name, row)| {
            let sum = |counter| row.stats.sum(counter);
            let (calls, usec) = row.calls();
            CommandTimes {
                name,
                calls,
                failed: sum(|stats| &stats.failed),
                rejected: sum(|stats| &stats.rejected),
                usec,
                buckets: row.times(),
            }
        });
        let mut commands: Vec<_> = commands.filter(|one| one.calls + one.rejected > 0).collect();
        commands.sort_by_key(|one| one.name);
        let broker = shared.broker();
        let syncs = broker.log().durable().syncs();
        Observation { commands, entries: broker.tally(), syncs: (syncs.buckets().collect(), syncs.sum()) }
    }
}
