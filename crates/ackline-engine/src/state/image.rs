//! Images: a value taken apart, for snapshots and DUMP, and put together again.
//!
//! ```text
//! image       = part+                     the first is a string or a stream
//! part        = kind fields               numbers as in records
//! 1 string      bytes
//! 2 stream      last_id max_deleted_id entries_added  duration maxsize added duplicates
//! 3 entries     first_id, length, (flags ms-distance seq length fields)*      flags: 1 = deleted
//! 4 group       name last_id entries_read next_order
//! 5 consumer    group name seen_at active_at
//! 6 pending     group count (id owner delivered_at delivery_count order)*     ID, times and orders as distances
//! 7 remembered  producer count (iid id)*
//! 8 block       first_id gone, length, names entry*      as blocks have them; gone = deleted and no more there
//! ```
//!
//! Blocks once had no names of their own and were written as entries, which still are read. Parts come in this order; blocks and pending entries in order of their IDs. An owner is 0 for nobody, else one more
//! than the position of its consumer part among those of the group. An image from outside is checked part by part:
//! whatever its bytes say, the state that it leads to is one that commands could have led to.

use super::block::Block;
use super::part::Part;
use super::{ConsumerKey, Db, Group, Stream, Value, presence};
use crate::codec::{Reader, put_bytes, put_i64, put_id, put_u64};
use crate::id::StreamId;
use std::collections::HashMap;
use triomphe::Arc;

/// Pending entries in a part.
const ROWS: usize = 1024;
/// Nobody places pending entries this often; from there on, placing more would overflow.
const ORDER_MAX: u64 = 1 << 62;

/// Calls `put` with each part of a value, in order.
pub fn parts(value: &Value, put: &mut dyn FnMut(&[u8])) {
    let mut out = Vec::new();
    let mut part = |write: &mut dyn FnMut(&mut Vec<u8>)| {
        out.clear();
        write(&mut out);
        put(&out);
    };
    match value {
        Value::Str(bytes) => part(&mut |out| {
            out.push(1);
            put_bytes(out, bytes);
        }),
        Value::Stream(stream) => {
            part(&mut |out| put_stream(out, stream));
            stream.blocks().iter().for_each(|block| part(&mut |out| put_block(out, block)));
            for group in stream.groups().iter() {
                group_parts(&group.name, group, &mut part);
            }
            for (name, producer) in &stream.idempotence().producers {
                part(&mut |out| {
                    out.push(7);
                    put_bytes(out, name);
                    put_u64(out, producer.iter().count() as u64);
                    for (iid, id) in producer.iter() {
                        put_bytes(out, iid);
                        put_id(out, id);
                    }
                });
            }
        }
    }
}

fn put_stream(out: &mut Vec<u8>, stream: &Stream) {
    let idmp = stream.idempotence();
    out.push(2);
    put_id(out, stream.last_id);
    put_id(out, stream.max_deleted_id);
    for n in [stream.entries_added, idmp.duration, idmp.maxsize, idmp.added, idmp.duplicates] {
        put_u64(out, n);
    }
}

fn put_block(out: &mut Vec<u8>, block: &Block) {
    out.push(8);
    put_id(out, block.first());
    block.image(out);
}

/// Takes what writes a part.
type PutPart<'a> = &'a mut dyn FnMut(&mut dyn FnMut(&mut Vec<u8>));

fn group_parts(name: &[u8], group: &Group, part: PutPart<'_>) {
    part(&mut |out| {
        out.push(4);
        put_bytes(out, name);
        put_id(out, group.last_id);
        put_i64(out, group.entries_read().unwrap_or(-1));
        put_u64(out, group.pending.next_order());
    });
    let mut owners = HashMap::new();
    for (position, (key, consumer)) in group.keyed_consumers().enumerate() {
        owners.insert(key, position as u64 + 1);
        part(&mut |out| {
            out.push(5);
            put_bytes(out, name);
            put_bytes(out, &consumer.name);
            put_i64(out, consumer.seen_at);
            put_i64(out, consumer.active_at);
        });
    }
    let mut rows = group.pending.iter().peekable();
    while rows.peek().is_some() {
        part(&mut |out| {
            let mut body = Vec::with_capacity(ROWS * 8);
            let mut row = Row::default();
            let mut count = 0;
            for (id, delivery) in rows.by_ref().take(ROWS) {
                let owner = delivery.owner.and_then(|key| owners.get(&key)).copied().unwrap_or(0);
                let (delivered_at, count_now, order) =
                    (delivery.delivered_at, delivery.delivery_count, delivery.order);
                row = Row { id, owner, delivered_at, count: count_now, order }.put(&mut body, &row);
                count += 1;
            }
            out.push(6);
            put_bytes(out, name);
            put_u64(out, count);
            out.extend_from_slice(&body);
        });
    }
}

/// A pending entry, coded as its distance from the one before.
#[derive(Clone, Copy, Default)]
struct Row {
    id: StreamId,
    owner: u64,
    delivered_at: i64,
    count: i64,
    order: u64,
}

impl Row {
    fn put(self, out: &mut Vec<u8>, before: &Row) -> Row {
        put_u64(out, self.id.ms.wrapping_sub(before.id.ms));
        put_u64(
            out,
            if self.id.ms == before.id.ms { self.id.seq.wrapping_sub(before.id.seq) } else { self.id.seq },
        );
        put_u64(out, self.owner);
        put_i64(out, self.delivered_at.wrapping_sub(before.delivered_at));
        put_i64(out, self.count);
        put_i64(out, self.order.wrapping_sub(before.order) as i64);
        self
    }

    fn read(r: &mut Reader<'_>, before: &Row) -> Option<Row> {
        let (ms, seq) = (r.u64()?, r.u64()?);
        let seq = if ms == 0 { before.id.seq.checked_add(seq)? } else { seq };
        Some(Row {
            id: StreamId::new(before.id.ms.checked_add(ms)?, seq),
            owner: r.u64()?,
            delivered_at: before.delivered_at.wrapping_add(r.i64()?),
            count: r.i64()?,
            order: before.order.wrapping_add(r.i64()? as u64),
        })
    }
}

/// A value that is put together.
#[derive(Debug, Default)]
pub struct Image(Option<Value>);

impl Image {
    /// The value of a whole image; `None` if the bytes are none.
    pub fn read(bytes: &[u8]) -> Option<Value> {
        let mut image = Image::default();
        image.add(bytes)?;
        image.0
    }

    /// Adds parts; `None` if they do not fit what came before.
    fn add(&mut self, bytes: &[u8]) -> Option<()> {
        let mut r = Reader::new(bytes);
        while !r.is_empty() {
            match (Part::read(&mut r)?, &mut self.0) {
                (Part::String(bytes), None) => self.0 = Some(Value::string(bytes)),
                (part @ Part::Stream { .. }, None) => self.0 = Some(Value::Stream(Arc::new(begin(part)?))),
                (part, Some(Value::Stream(stream))) => go_on(Arc::make_mut(stream), part, &mut r)?,
                _ => return None,
            }
        }
        Some(())
    }
}

impl Db {
    /// Puts parts of a value under a key. Parts that begin a value replace what was there, which is answered.
    pub(crate) fn load(&mut self, key: &[u8], parts: &[u8]) -> Option<Option<Value>> {
        match parts.first()? {
            1 | 2 => {
                let value = Image::read(parts)?;
                Some(self.put(key, value, None))
            }
            _ => {
                let slot = self.keys.get_mut(key)?;
                // Taken out meanwhile, so that it is not shared and nothing is copied.
                let value = std::mem::replace(&mut slot.value, Value::Str(Arc::default()));
                let mut image = Image(Some(value));
                image.add(parts)?;
                slot.value = image.0?;
                self.note_idempotence(key);
                Some(None)
            }
        }
    }
}

/// The stream that a part begins.
fn begin(part: Part<'_>) -> Option<Stream> {
    let Part::Stream { last_id, max_deleted_id, entries_added, duration, maxsize, added, duplicates } = part
    else {
        return None;
    };
    if entries_added > i64::MAX as u64 {
        return None;
    }
    let mut stream = Stream::new(duration, maxsize);
    (stream.last_id, stream.max_deleted_id, stream.entries_added) = (last_id, max_deleted_id, entries_added);
    if (added, duplicates) != (0, 0) {
        let idempotence = stream.idempotence_mut();
        (idempotence.added, idempotence.duplicates) = (added, duplicates);
    }
    Some(stream)
}

/// Adds a part to a stream that was begun.
fn go_on(stream: &mut Stream, part: Part<'_>, r: &mut Reader<'_>) -> Option<()> {
    match part {
        Part::String(_) | Part::Stream { .. } => None,
        Part::Entries { .. } | Part::Block { .. } => {
            let block = part.block()?;
            let after = stream.blocks().back().is_none_or(|before| before.last() < block.first());
            (after && block.last() <= stream.last_id).then(|| stream.adopt(block))
        }
        Part::Group { name, last_id, entries_read, next_order } => {
            let mut group = Group::new(name, last_id, entries_read);
            if next_order > 0 {
                group.pending.set_next_order(Some(next_order).filter(|order| *order < ORDER_MAX)?);
            }
            stream.put_group(group).is_none().then_some(())
        }
        Part::Consumer { group, name, seen_at, active_at } => {
            let group = stream.group_mut(group).filter(|group| group.key_of(name).is_none())?;
            group.ensure_consumer(name, seen_at);
            group.consumer_mut(name)?.active_at = active_at;
            Some(())
        }
        Part::Pending { group, count } => pending(r, stream, group, count),
        Part::Remembered { producer, count } => remembered(r, stream, producer, count),
    }
}

fn pending(r: &mut Reader<'_>, stream: &mut Stream, group: &[u8], count: u64) -> Option<()> {
    let mut row = Row::default();
    let (blocks, group) = stream.blocks_and_group_mut(group)?;
    let mut is_there = presence(blocks);
    let mut last = group.pending.bounds().map(|(_, last)| last);
    for _ in 0..count {
        row = Row::read(r, &row)?;
        let owner = match row.owner {
            0 => None,
            position => Some(ConsumerKey::loaded(position - 1).filter(|key| group.has(*key))?),
        };
        if last >= Some(row.id) || row.count < 0 || row.order >= group.pending.next_order() {
            return None;
        }
        last = Some(row.id);
        group.load(row.id, owner, row.delivered_at, row.count, row.order);
        if !is_there(row.id) {
            group.pending.lose(row.id);
        }
    }
    Some(())
}

fn remembered(r: &mut Reader<'_>, stream: &mut Stream, producer: &[u8], count: u64) -> Option<()> {
    let idempotence = stream.idempotence_mut();
    let added = idempotence.added;
    for _ in 0..count {
        idempotence.insert(producer, r.bytes()?, r.id()?);
    }
    // What was counted before is not counted again.
    idempotence.added = added;
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(value: &Value) -> Vec<u8> {
        let mut all = Vec::new();
        parts(value, &mut |part| all.extend_from_slice(part));
        all
    }

    fn sample() -> Value {
        let mut stream = Stream::new(100, 3);
        for ms in 1..=50u64 {
            stream.append(StreamId::new(ms, ms % 3), &[1, 1, b'f', 1, b'v'], ms % 10 == 1);
        }
        for ms in (1..=50u64).step_by(7) {
            stream.remove(StreamId::new(ms, ms % 3));
        }
        let mut group = Group::new(b"g", StreamId::new(40, 1), Some(40));
        let ann = group.ensure_consumer(b"ann", 5);
        let bob = group.ensure_consumer(b"bob", 6);
        for ms in 2..40u64 {
            let owner = [Some(ann), Some(bob), None][ms as usize % 3];
            let at = if owner.is_some() { 1000 - ms as i64 % 50 } else { 0 };
            group.hand_over(StreamId::new(ms, ms % 3), owner, at, ms as i64 % 4);
        }
        stream.put_group(group);
        stream.put_group(Group::new(b"empty", StreamId::MIN, None));
        stream.idempotence_mut().insert(b"p", b"one", StreamId::new(9, 0));
        stream.idempotence_mut().insert(b"p", b"two", StreamId::new(8, 0));
        Value::Stream(Arc::new(stream))
    }

    #[test]
    fn a_value_comes_back_from_its_image() {
        for value in [Value::string(b""), Value::string(b"abc"), sample()] {
            let back = Image::read(&image(&value)).unwrap();
            assert_eq!(super::super::value_digest(&back), super::super::value_digest(&value));
            assert_eq!(image(&back), image(&value));
        }
    }

    /// Sweeps count past what lies above it.
    #[test]
    fn a_loaded_list_knows_up_to_where_messages_are_lost() {
        let Some(Value::Stream(stream)) = Image::read(&image(&sample())) else { panic!("a stream") };
        let pending = &stream.group(b"g").unwrap().pending;
        let lost = pending.iter().map(|(id, _)| id).filter(|id| !stream.contains(*id));
        assert_eq!(lost.last(), Some(pending.lost_to()));
    }

    #[test]
    fn a_damaged_image_is_refused_or_gives_a_sound_value() {
        let whole = image(&sample());
        for at in 0..whole.len() {
            for flip in [1, 0x80, 0xff] {
                let mut damaged = whole.clone();
                damaged[at] ^= flip;
                if let Some(value) = Image::read(&damaged) {
                    assert_eq!(image(&value), image(&Image::read(&image(&value)).unwrap()), "byte {at}");
                }
            }
            assert!(Image::read(&whole[..at]).is_none_or(|value| value.type_name() == "stream"));
        }
    }
}
