//! The simulation: the whole server in one thread, with a disk that fails and a clock that jumps, from one seed.
//!
//! ```text
//! seed ─► World ─► clients ── bytes ──► sessions ── records ──► log ──► FaultyDisk
//!           │        ▲                      │ gate                        │ torn, reordered, lost, flipped, full
//!           │        └───── replies ────────┘                             ▼
//!           └─► crash ─► recovery ─► Oracle: what was acknowledged is there, once, in order, and final
//! ```
//!
//! The same seed gives the same run, byte for byte: [`Report::trace`] is a hash of everything that was said and written.

mod client;
mod oracle;
mod world;

pub use oracle::Violation;
pub use world::World;

/// How long a run is.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Lives of the server: each ends in a crash, the last one cleanly.
    pub lives: u64,
    /// Things that happen in a life, at most.
    pub steps: u64,
}

impl Default for Plan {
    fn default() -> Plan {
        Plan { lives: 6, steps: 250 }
    }
}

/// What a run was like.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// A hash of every byte received and of the disk at the end.
    pub trace: u64,
    /// Entries whose XADD was acknowledged.
    pub added: u64,
    /// Deliveries that arrived.
    pub delivered: u64,
    /// Entries whose XACK was acknowledged.
    pub acked: u64,
    /// Power cuts and kills survived.
    pub crashes: u64,
    /// Checkpoints completed, and those that a fault ended.
    pub checkpoints: (u64, u64),
    /// Damaged files that were refused, or made up for by an older snapshot.
    pub damage: u64,
    /// Writes that a full disk refused.
    pub refused: u64,
}

/// Runs a seed. The violation says what was promised and not kept.
pub fn run(seed: u64, plan: Plan) -> Result<Report, Violation> {
    World::new(seed, plan).run()
}
