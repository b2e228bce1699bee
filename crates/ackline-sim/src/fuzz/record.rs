//! Records: whatever is accepted leads to a state that a snapshot brings back.

use super::INPUT_MAX;
use crate::driver::replayed;
use ackline_engine::codec::Reader;
use ackline_engine::record::Record;
use ackline_engine::state::digest;
use ackline_engine::{Keyspace, Shard, replay};

const SHARDS: usize = 4;
const DATABASES: usize = 16;

/// The bytes as a batch of a log.
pub fn record(bytes: &[u8]) {
    let bytes = &bytes[..bytes.len().min(INPUT_MAX)];
    let accepted = &bytes[..accepted(bytes)];
    let mut keyspace = Keyspace::new(SHARDS, DATABASES, 1);
    assert!(replay(&mut keyspace.reach(), accepted).is_some(), "what was accepted is accepted again");
    let live = digest(&keyspace.reach());
    let mut records = Vec::new();
    for shared in keyspace.into_shards().iter().flat_map(Shard::share) {
        shared.records(&mut |record| records.push(record.to_vec()));
    }
    assert_eq!(replayed(&records, SHARDS), Some(live), "a snapshot brings back another state");
}

/// How many bytes are records that fit. One that does not may leave its key half changed: such a log does not open.
fn accepted(bytes: &[u8]) -> usize {
    let mut keyspace = Keyspace::new(SHARDS, DATABASES, 1);
    let mut reader = Reader::new(bytes);
    let mut used = 0;
    while !reader.is_empty() {
        let before = reader.rest();
        if Record::decode(&mut reader).is_none() {
            break;
        }
        let piece = &before[..before.len() - reader.rest().len()];
        if replay(&mut keyspace.reach(), piece).is_none() {
            break;
        }
        used += piece.len();
    }
    used
}
