//! What there is of everything, counted over the parts of images.

use ackline_engine::codec::Reader;
use ackline_engine::state::{Part, Shard, Value, parts};
use std::collections::BTreeMap;

/// How much of everything there is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "the fields are named like what they count")]
pub struct Totals {
    /// Keys of each database that has any.
    pub keys: BTreeMap<u32, u64>,
    pub streams: u64,
    pub strings: u64,
    pub entries: u64,
    pub groups: u64,
    pub consumers: u64,
    pub pending: u64,
}

impl Totals {
    pub(super) fn of(shards: &[Shard]) -> Totals {
        let mut totals = Totals::default();
        for shared in shards.iter().flat_map(Shard::share) {
            *totals.keys.entry(shared.db).or_default() += 1;
            totals.add(&shared.value);
        }
        totals
    }

    fn add(&mut self, value: &Value) {
        parts(value, &mut |bytes| match Part::read(&mut Reader::new(bytes)) {
            Some(Part::String(_)) => self.strings += 1,
            Some(Part::Stream { .. }) => self.streams += 1,
            Some(part @ (Part::Entries { .. } | Part::Block { .. })) => {
                self.entries += part.entry_counts().map_or(0, |(live, _)| live);
            }
            Some(Part::Group { .. }) => self.groups += 1,
            Some(Part::Consumer { .. }) => self.consumers += 1,
            Some(Part::Pending { count, .. }) => self.pending += count,
            Some(Part::Remembered { .. }) | None => {}
        });
    }
}
