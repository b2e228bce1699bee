//! `apply`: the one function that changes state. Live execution, recovery and a standby all go through it.

use crate::codec::Reader;
use crate::garbage::Garbage;
use crate::id::StreamId;
use crate::record::{Change, Count, Record};
use crate::state::{ConsumerKey, Db, Group, Reach, Stream, Value, are_fields, presence};
use smallvec::SmallVec;
use triomphe::Arc;

/// Applies one record. `None` if it does not fit the state, which only a log that is not ours can bring about.
/// What it unlinks and is large goes into `garbage`.
pub(crate) fn apply(reach: &mut Reach<'_>, record: &Record<'_>, garbage: &mut Garbage) -> Option<()> {
    let Record { db, key, change } = record;
    let databases = reach.shards().next().map_or(0, |shard| shard.dbs.len()) as u32;
    let other = match change {
        Change::Move { db, .. } | Change::Copy { db, .. } | Change::Swap { with: db } => *db,
        _ => *db,
    };
    if *db >= databases || other >= databases {
        return None;
    }
    match change {
        Change::Flush => reach.shards_mut().for_each(|shard| {
            let gone = shard.dbs[*db as usize].clear();
            garbage.add_keys(gone);
        }),
        Change::Swap { with } => reach.shards_mut().for_each(|shard| shard.swap(*db, *with)),
        Change::Move { db: to_db, to } => {
            let slot = reach.db_mut(*db, key).take(key)?;
            let expire_at = slot.expire_at();
            garbage.add_values(reach.db_mut(*to_db, to).put(to, slot.value, expire_at));
        }
        Change::Copy { db: to_db, to } => {
            let slot = reach.slot(*db, key)?.clone();
            let expire_at = slot.expire_at();
            garbage.add_values(reach.db_mut(*to_db, to).put(to, slot.value, expire_at));
        }
        _ => return apply_to_key(reach.db_mut(*db, key), key, change, garbage),
    }
    Some(())
}

/// Applies every record of a batch, as recovery does. `None` if the bytes are not records that fit.
pub fn replay(reach: &mut Reach<'_>, batch: &[u8]) -> Option<()> {
    let mut reader = Reader::new(batch);
    while !reader.is_empty() {
        let record = Record::decode(&mut reader)?;
        if matches!(record.change, Change::Append { fields, .. } if !are_fields(fields)) {
            return None;
        }
        apply(reach, &record, &mut Garbage::default())?;
    }
    Some(())
}

fn apply_to_key(db: &mut Db, key: &[u8], change: &Change<'_>, garbage: &mut Garbage) -> Option<()> {
    match change {
        Change::CreateStream { duration, maxsize } => {
            let stream = Value::Stream(Arc::new(Stream::new(*duration, *maxsize)));
            garbage.add_values(db.put(key, stream, None));
        }
        Change::Set { value, expire_at } => {
            garbage.add_values(db.put(key, Value::string(value), *expire_at));
        }
        Change::Extend { value } => match db.keys.get_mut(key).map(|slot| &mut slot.value) {
            Some(Value::Str(string)) => Arc::make_mut(string).extend_from_slice(value),
            Some(Value::Stream(_)) => return None,
            None => garbage.add_values(db.put(key, Value::string(value), None)),
        },
        Change::Remove => garbage.add_values([db.take(key)?.value]),
        Change::Load { parts } => garbage.add_values(db.load(key, parts)?),
        Change::Expire { at } => db.set_expiry(key, *at)?,
        Change::Remember { producer, iid, id } => {
            db.stream_mut(key)?.idempotence_mut().insert(producer, iid, *id);
            db.note_idempotence(key);
        }
        Change::Configure { duration, maxsize } => {
            let idempotence = db.stream_mut(key)?.idempotence_mut();
            idempotence.clear();
            (idempotence.duration, idempotence.maxsize) = (*duration, *maxsize);
            db.note_idempotence(key);
        }
        Change::Forget { horizon } => {
            db.stream_mut(key)?.idempotence_mut().expire(*horizon);
            db.note_idempotence(key);
        }
        _ => apply_to_stream(db.stream_mut(key)?, change, garbage)?,
    }
    Some(())
}

fn apply_to_stream(stream: &mut Stream, change: &Change<'_>, garbage: &mut Garbage) -> Option<()> {
    match change {
        Change::Append { id, .. } if *id <= stream.last_id => return None,
        Change::Append { new_block, id, fields } => stream.append(*id, fields, *new_block),
        Change::Trim { below, unreference } => trim(stream, *below, *unreference, garbage),
        Change::Delete { remember, unreference, ids } => {
            for &id in ids.iter() {
                delete(stream, id, *remember, *unreference);
            }
        }
        Change::SetStream { last_id, entries_added, .. }
            if stream.last_entry_id() > Some(*last_id) || *entries_added > i64::MAX as u64 =>
        {
            return None;
        }
        Change::SetStream { last_id, entries_added, max_deleted_id } => {
            stream.last_id = *last_id;
            stream.entries_added = *entries_added;
            stream.max_deleted_id = *max_deleted_id;
        }
        Change::Recognise => {
            let duplicates = &mut stream.idempotence_mut().duplicates;
            *duplicates = duplicates.saturating_add(1);
        }
        Change::CreateGroup { group, last_id, entries_read } => {
            stream.put_group(Group::new(group, *last_id, *entries_read));
        }
        Change::DestroyGroup { group } => garbage.add_group(stream.remove_group(group)?),
        Change::Deliver { group, consumer, at, noack, after, to, entries_read, ids } => {
            let found: SmallVec<[StreamId; 8]>;
            let ids = match ids {
                [] => {
                    found = stream.ids(after.next()?, *to).collect();
                    &found[..]
                }
                ids => ids,
            };
            let group = stream.group_mut(group)?;
            if group.last_id != *after || ids.last() != Some(to) {
                return None;
            }
            if !*noack {
                deliver(group, consumer, *at, ids);
            }
            group.seek(*to, *entries_read);
        }
        _ => apply_to_group(stream, change, garbage)?,
    }
    Some(())
}

fn trim(stream: &mut Stream, below: StreamId, unreference: bool, garbage: &mut Garbage) {
    if unreference {
        stream.change_groups(
            |group| !group.pending.is_empty(),
            |blocks, group| {
                let mut is_there = presence(blocks);
                let chunks = group.acknowledge_below(below, |id| is_there(*id));
                let count = chunks.len();
                garbage.add(chunks, count);
            },
        );
    }
    let blocks = stream.remove_below(below);
    let count = blocks.len();
    garbage.add(blocks, count);
}

fn delete(stream: &mut Stream, id: StreamId, remember: bool, unreference: bool) {
    if unreference {
        drop_references(stream, id);
    }
    if stream.remove(id) && remember {
        stream.max_deleted_id = stream.max_deleted_id.max(id);
    }
}

fn drop_references(stream: &mut Stream, id: StreamId) {
    stream.change_groups(|group| group.pending.contains(id), |_, group| group.acknowledge(&[id]));
}

fn deliver(group: &mut Group, consumer: &[u8], at: i64, ids: &[StreamId]) {
    let key = group.ensure_consumer(consumer, at);
    for &id in ids {
        group.hand_over(id, Some(key), at, 1);
    }
    touch(group, key, at, !ids.is_empty());
}

fn touch(group: &mut Group, consumer: ConsumerKey, at: i64, active: bool) {
    if let Some(consumer) = group.owner_mut(Some(consumer)) {
        consumer.seen_at = at;
        if active {
            consumer.active_at = at;
        }
    }
}

fn apply_to_group(stream: &mut Stream, change: &Change<'_>, garbage: &mut Garbage) -> Option<()> {
    match change {
        Change::Seek { group, last_id, entries_read } => {
            let group = stream.group_mut(group)?;
            group.seek(*last_id, *entries_read);
        }
        Change::CreateConsumer { group, consumer, at } => {
            stream.group_mut(group)?.ensure_consumer(consumer, *at);
        }
        Change::DeleteConsumer { group, consumer } => {
            let chunks = stream.group_mut(group)?.remove_consumer(consumer);
            let count = chunks.len();
            garbage.add(chunks, count);
        }
        Change::Claim { group, consumer, at, active, delivered_at, count, ids } => {
            let group = stream.group_mut(group)?;
            let key = group.ensure_consumer(consumer, *at);
            for &id in ids.iter() {
                group.hand_over(id, Some(key), *delivered_at, count_after(group, id, 1, *count));
            }
            touch(group, key, *at, *active);
        }
        Change::Release { group, count, ids } => {
            let group = stream.group_mut(group)?;
            for &id in ids.iter() {
                group.hand_over(id, None, 0, count_after(group, id, 0, *count));
            }
        }
        Change::Ack { group, ids } => {
            stream.group_mut(group)?.acknowledge(ids);
        }
        _ => return None,
    }
    Some(())
}

fn count_after(group: &Group, id: StreamId, base: i64, change: Count) -> i64 {
    change.of(group.pending.get(id).map_or(base, |delivery| delivery.delivery_count))
}
