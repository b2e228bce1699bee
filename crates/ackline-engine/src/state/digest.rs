//! A digest of state: equal states give equal digests, whatever led to them.
//!
//! Left out, because no record carries them: when a key was looked at, when a consumer was seen, and how
//! entries are spread over blocks.

use super::{Group, Reach, Stream, Value, put_fields};
use crate::codec::{put_bytes, put_i64, put_id, put_u64};
use xxhash_rust::xxh3::xxh3_128;

/// The digest of all held shards: 40 hexadecimal digits, all zero when there are no keys.
pub fn digest(reach: &Reach<'_>) -> String {
    let mut sum = 0u128;
    for (number, slot) in all(reach) {
        let mut out = Vec::new();
        put_u64(&mut out, number as u64);
        put_bytes(&mut out, &slot.name);
        put_i64(&mut out, slot.expire_at().unwrap_or(-1));
        put_value(&mut out, &slot.value);
        sum ^= xxh3_128(&out);
    }
    format!("{sum:040x}")
}

/// The digest of one value, without its key and expiry.
pub fn value_digest(value: &Value) -> String {
    let mut out = Vec::new();
    put_value(&mut out, value);
    format!("{:040x}", xxh3_128(&out))
}

fn all<'a>(reach: &'a Reach<'_>) -> impl Iterator<Item = (usize, &'a super::Slot)> {
    reach.shards().flat_map(|shard| {
        shard.dbs.iter().enumerate().flat_map(|(n, db)| db.keys.iter().map(move |slot| (n, slot)))
    })
}

fn put_value(out: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Str(bytes) => put_bytes(out, bytes),
        Value::Stream(stream) => put_stream(out, stream),
    }
}

fn put_stream(out: &mut Vec<u8>, stream: &Stream) {
    use crate::id::StreamId;
    for id in [stream.last_id, stream.first_id(), stream.max_deleted_id] {
        put_id(out, id);
    }
    put_u64(out, stream.entries_added);
    put_u64(out, stream.len());
    for entry in stream.range(StreamId::MIN, StreamId::MAX) {
        put_id(out, entry.id);
        put_fields(out, entry.words());
    }
    for group in stream.groups().iter() {
        put_bytes(out, &group.name);
        put_group(out, group);
    }
    let idmp = stream.idempotence();
    for n in [idmp.duration, idmp.maxsize, idmp.added, idmp.duplicates] {
        put_u64(out, n);
    }
    for (name, producer) in &idmp.producers {
        put_bytes(out, name);
        for (iid, id) in producer.iter() {
            put_bytes(out, iid);
            put_id(out, id);
        }
    }
}

fn put_group(out: &mut Vec<u8>, group: &Group) {
    put_id(out, group.last_id);
    put_i64(out, group.entries_read().unwrap_or(-1));
    for consumer in group.consumers() {
        put_bytes(out, &consumer.name);
        put_i64(out, consumer.active_at);
    }
    for (id, delivery) in group.pending.claim_order() {
        put_id(out, id);
        put_bytes(out, group.owner_of(&delivery).map_or(b"", |owner| &owner.name));
        put_u64(out, u64::from(delivery.owner.is_some()));
        put_i64(out, delivery.delivered_at);
        put_i64(out, delivery.delivery_count);
    }
}
