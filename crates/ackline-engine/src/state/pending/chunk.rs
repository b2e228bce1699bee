//! A chunk: up to [`FULL`] pending entries in ID order, each field in no more bytes than it needs.
//!
//! ```text
//! frame   field   seq  ms  order  time  owner  count
//!         base    the smallest value, or one below it
//!         width   bytes that hold every distance from the base: a field that is equal everywhere takes none
//! bytes   gap row row row .. slack     row = the distances, little-endian, one behind the other
//! ```
//!
//! The gap is what was taken out at the front: who acknowledges in order moves nothing.
//!
//!
//! The slack makes every field one load of eight bytes and a mask. `seq` lies right before `ms`, so that as long as both
//! fit into eight bytes, IDs are compared by one load too; and so does `order` before `time`, for claim keys: an acknowledgement in the order of delivery
//! looks at all of them, as it always takes the oldest entry out.

use super::{ClaimKey, Delivery, Owners};
use crate::id::StreamId;
use crate::state::ConsumerKey;
use std::cmp::Ordering;
use std::hint::select_unpredictable;
use std::ops::Range;

/// Entries in a full chunk.
pub(super) const FULL: usize = 256;

const FIELDS: usize = 6;
const SEQ: usize = 0;
const MS: usize = 1;
const ORDER: usize = 2;
const TIME: usize = 3;
const OWNER: usize = 4;
const COUNT: usize = 5;

/// Added to signed numbers, so that they are ordered as unsigned ones.
const SIGN: u64 = 1 << 63;
const SLACK: usize = size_of::<u64>();

/// The fields of an entry as unsigned numbers.
type Row = [u64; FIELDS];

fn row_of(id: StreamId, delivery: &Delivery) -> Row {
    let Delivery { owner, delivered_at, delivery_count, order } = *delivery;
    [id.seq, id.ms, order, delivered_at as u64 ^ SIGN, code(owner), delivery_count as u64 ^ SIGN]
}

/// An owner as a number; 0 is nobody.
fn code(owner: Option<ConsumerKey>) -> u64 {
    owner.map_or(0, |key| u64::from(key.0) + 1)
}

/// The owner's bit in a mask of owners, which several owners may share.
pub(super) fn owner_bit(owner: Option<ConsumerKey>) -> u64 {
    owner.map_or(0, |key| 1 << (key.0 % u64::BITS))
}

/// An ID as one number, which is compared without a branch.
pub(super) fn wide(id: StreamId) -> u128 {
    u128::from(id.ms) << u64::BITS | u128::from(id.seq)
}

/// The largest number of so many bytes.
fn ones(bytes: u8) -> u64 {
    u64::MAX.unbounded_shr(u64::BITS - 8 * u32::from(bytes))
}

fn bytes_of(number: u64) -> u8 {
    (u64::BITS - number.leading_zeros()).div_ceil(8) as u8
}

#[derive(Clone, Copy, Debug, Default)]
struct Frame {
    base: Row,
    width: [u8; FIELDS],
    offset: [u8; FIELDS],
    stride: u8,
}

impl Frame {
    /// The narrowest frame around some rows.
    fn around(rows: &[Row]) -> Frame {
        let mut frame = Frame::default();
        for field in 0..FIELDS {
            let (low, high) = bounds(rows, field);
            (frame.base[field], frame.width[field]) = (low, bytes_of(high - low));
        }
        frame.arranged()
    }

    /// The frame of a chunk, stretched where a new row does not fit. It is stretched as far as the new width allows to
    /// the side of that row, since the next one will often lie farther on.
    fn stretched(mut self, chunk: &Chunk, row: &Row) -> Frame {
        for (field, new) in row.iter().enumerate() {
            if self.fits(field, *new) {
                continue;
            }
            let (low, high) = chunk.bounds(field);
            let (low, high) = (low.min(*new), high.max(*new));
            let width = bytes_of(high - low);
            let down = *new < self.base[field];
            let base = if down { high.saturating_sub(ones(width)).max(low & SIGN) } else { low };
            (self.base[field], self.width[field]) = (base, width);
        }
        self.arranged()
    }

    fn arranged(mut self) -> Frame {
        self.stride = 0;
        for field in 0..FIELDS {
            self.offset[field] = self.stride;
            self.stride += self.width[field];
        }
        self
    }

    /// The largest distance from the base.
    fn mask(&self, field: usize) -> u64 {
        ones(self.width[field])
    }

    /// The fields that take bytes.
    fn written(self) -> impl Iterator<Item = usize> {
        (0..FIELDS).filter(move |field| self.width[*field] > 0)
    }

    fn fits(&self, field: usize, value: u64) -> bool {
        value.wrapping_sub(self.base[field]) <= self.mask(field)
    }

    /// An ID as it is written in a row, as one number: these are ordered as the IDs are. `None` if it does not fit.
    fn id_key(&self, id: StreamId) -> Option<u64> {
        let [seq, ms, ..] = self.base;
        let (seq, ms) = (id.seq.checked_sub(seq)?, id.ms.checked_sub(ms)?);
        let fits = self.width[SEQ] + self.width[MS] <= 8 && seq <= self.mask(SEQ) && ms <= self.mask(MS);
        fits.then(|| ms.unbounded_shl(8 * u32::from(self.width[SEQ])) | seq)
    }

    fn fits_all(&self, row: &Row) -> bool {
        (0..FIELDS).all(|field| self.fits(field, row[field]))
    }
}

fn bounds(rows: &[Row], field: usize) -> (u64, u64) {
    rows.iter().fold((u64::MAX, 0), |(low, high), row| (low.min(row[field]), high.max(row[field])))
}

/// Where a key is among `len` rows, at least one, or where it would be.
fn search<K: Ord>(
    mut from: usize,
    mut len: usize,
    key: K,
    key_at: impl Fn(usize) -> K,
) -> Result<usize, usize> {
    while len > 1 {
        let middle = from + len / 2;
        from = select_unpredictable(key_at(middle) <= key, middle, from);
        len -= len / 2;
    }
    match key_at(from).cmp(&key) {
        Ordering::Equal => Ok(from),
        Ordering::Less => Err(from + 1),
        Ordering::Greater => Err(from),
    }
}

/// Pending entries in ID order, at least one.
#[derive(Clone, Debug)]
pub(super) struct Chunk {
    frame: Frame,
    len: u16,
    /// Rows that the gap at the front has room for.
    gap: u16,
    bytes: Vec<u8>,
}

impl Chunk {
    /// A chunk of one entry.
    pub(super) fn of(id: StreamId, delivery: &Delivery) -> Chunk {
        Chunk::new(&[row_of(id, delivery)])
    }

    fn new(rows: &[Row]) -> Chunk {
        Chunk::framed(Frame::around(rows), rows)
    }

    fn framed(frame: Frame, rows: &[Row]) -> Chunk {
        let bytes = vec![0; rows.len() * usize::from(frame.stride) + SLACK];
        let mut chunk = Chunk { frame, len: rows.len() as u16, gap: 0, bytes };
        for field in frame.written() {
            rows.iter().enumerate().for_each(|(at, row)| chunk.put(at, field, row[field]));
        }
        chunk
    }

    pub(super) fn len(&self) -> usize {
        usize::from(self.len)
    }

    /// Bytes of memory beside the chunk itself.
    pub(super) fn memory(&self) -> usize {
        self.bytes.capacity()
    }

    fn stride(&self) -> usize {
        usize::from(self.frame.stride)
    }

    /// Where a row's field begins.
    fn spot(&self, at: usize, field: usize) -> usize {
        self.row(at) + usize::from(self.frame.offset[field])
    }

    /// Where a row begins.
    fn row(&self, at: usize) -> usize {
        (usize::from(self.gap) + at) * self.stride()
    }

    fn load(&self, spot: usize) -> u64 {
        self.bytes[spot..].first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes))
    }

    fn get(&self, at: usize, field: usize) -> u64 {
        let distance = self.load(self.spot(at, field)) & self.frame.mask(field);
        self.frame.base[field].wrapping_add(distance)
    }

    fn put(&mut self, at: usize, field: usize, value: u64) {
        let (spot, mask) = (self.spot(at, field), self.frame.mask(field));
        let word = self.load(spot) & !mask | value.wrapping_sub(self.frame.base[field]);
        self.bytes[spot..spot + SLACK].copy_from_slice(&word.to_le_bytes());
    }

    fn write(&mut self, at: usize, row: &Row) {
        for field in self.frame.written() {
            self.put(at, field, row[field]);
        }
    }

    /// All entries, decoded field by field, which takes half as long as row by row.
    fn rows(&self) -> Vec<Row> {
        let mut rows = vec![self.frame.base; self.len()];
        for field in self.frame.written() {
            rows.iter_mut().enumerate().for_each(|(at, row)| row[field] = self.get(at, field));
        }
        rows
    }

    pub(super) fn id(&self, at: usize) -> StreamId {
        StreamId::new(self.get(at, MS), self.get(at, SEQ))
    }

    fn wide_id(&self, at: usize) -> u128 {
        wide(self.id(at))
    }

    pub(super) fn delivery(&self, at: usize) -> Delivery {
        Delivery {
            owner: self.owner(at),
            delivered_at: self.time(at),
            delivery_count: (self.get(at, COUNT) ^ SIGN) as i64,
            order: self.order(at),
        }
    }

    pub(super) fn order(&self, at: usize) -> u64 {
        self.get(at, ORDER)
    }

    pub(super) fn owner(&self, at: usize) -> Option<ConsumerKey> {
        self.get(at, OWNER).checked_sub(1).map(|key| ConsumerKey(key as u32))
    }

    fn time(&self, at: usize) -> i64 {
        (self.get(at, TIME) ^ SIGN) as i64
    }

    pub(super) fn is_released(&self, at: usize) -> bool {
        self.get(at, OWNER) == 0
    }

    pub(super) fn is_owned_by(&self, at: usize, owner: ConsumerKey) -> bool {
        self.get(at, OWNER) == code(Some(owner))
    }

    /// Whether one consumer owns all entries, as far as the frame says.
    pub(super) fn is_all_of(&self, owner: ConsumerKey) -> bool {
        self.frame.width[OWNER] == 0 && self.frame.base[OWNER] == code(Some(owner))
    }

    /// Whether the entry is released, or was delivered by then.
    pub(super) fn is_older(&self, at: usize, delivered_by: i64) -> bool {
        self.is_released(at) || self.time(at) <= delivered_by
    }

    /// Where an entry is, or where it would be.
    pub(super) fn find(&self, id: StreamId) -> Result<usize, usize> {
        if self.wide_id(self.len() - 1) < wide(id) {
            return Err(self.len());
        }
        self.find_between(0, self.len(), id)
    }

    /// As [`Chunk::find`], where no row before `from` has that ID or a later one. It is often right there.
    pub(super) fn find_from(&self, from: usize, id: StreamId) -> Result<usize, usize> {
        if from == self.len() {
            return Err(from);
        }
        match self.wide_id(from).cmp(&wide(id)) {
            Ordering::Equal => Ok(from),
            Ordering::Greater => Err(from),
            Ordering::Less => self.find_between(from, self.len() - from, id),
        }
    }

    /// Among `len` rows, at least one.
    fn find_between(&self, from: usize, len: usize, id: StreamId) -> Result<usize, usize> {
        let Some(key) = self.frame.id_key(id) else {
            return search(from, len, wide(id), |at| self.wide_id(at));
        };
        let widths = self.frame.width[SEQ] + self.frame.width[MS];
        let (first, mask, stride) = (self.spot(0, SEQ), ones(widths), self.stride());
        search(from, len, key, |at| self.load(first + at * stride) & mask)
    }

    /// The rows with these IDs.
    pub(super) fn between(&self, from: StreamId, to: StreamId) -> Range<usize> {
        let end = self.find(to).map_or_else(|at| at, |at| at + 1);
        self.find(from).unwrap_or_else(|at| at)..end
    }

    /// The smallest claim key. `released` says whether an entry is released.
    pub(super) fn oldest(&self, released: bool) -> ClaimKey {
        let (order, time) = (self.frame.width[ORDER], self.frame.width[TIME]);
        if released || self.frame.base[TIME] < SIGN || order + time > 8 {
            return (0..self.len()).map(|at| self.claim_key(at)).min().expect("a chunk is not empty");
        }
        let (first, mask) = (self.spot(0, ORDER), ones(order + time));
        let keys = (0..self.len()).map(|at| self.load(first + at * self.stride()) & mask);
        let key = keys.min().expect("a chunk is not empty");
        let time = key.unbounded_shr(8 * u32::from(order));
        let time = (self.frame.base[TIME] + time) ^ SIGN;
        (time as i64, self.frame.base[ORDER].wrapping_add(key & self.frame.mask(ORDER)))
    }

    pub(super) fn claim_key(&self, at: usize) -> ClaimKey {
        match self.is_released(at) {
            true => (-1, self.get(at, ORDER)),
            false => (self.time(at).max(0), self.get(at, ORDER)),
        }
    }

    /// How many entries are released.
    pub(super) fn released(&self) -> usize {
        match self.frame.base[OWNER] {
            0 => (0..self.len()).filter(|at| self.is_released(*at)).count(),
            _ => 0,
        }
    }

    /// The mask of the owners.
    pub(super) fn owners(&self) -> u64 {
        let distinct = if self.frame.width[OWNER] == 0 { 1 } else { self.len() };
        (0..distinct).fold(0, |mask, at| mask | owner_bit(self.owner(at)))
    }

    pub(super) fn replace(&mut self, at: usize, id: StreamId, delivery: &Delivery) {
        let row = row_of(id, delivery);
        self.make_fit(&row);
        self.write(at, &row);
    }

    pub(super) fn insert(&mut self, at: usize, id: StreamId, delivery: &Delivery) {
        let row = row_of(id, delivery);
        self.make_fit(&row);
        if self.gap > 0 && at <= self.len() / 2 {
            let (front, spot, stride) = (self.row(0), self.row(at), self.stride());
            self.bytes.copy_within(front..spot, front - stride);
            self.gap -= 1;
            self.len += 1;
            return self.write(at, &row);
        }
        let stride = self.stride();
        if self.bytes.capacity() - self.bytes.len() < stride {
            match usize::from(self.gap) > self.len() / 4 {
                true => self.close_gap(),
                false => self.bytes.reserve_exact((self.len() / 4 + 4) * stride),
            }
        }
        let (spot, end) = (self.row(at), self.bytes.len());
        self.bytes.resize(end + stride, 0);
        self.bytes.copy_within(spot..end, spot + stride);
        self.len += 1;
        self.write(at, &row);
    }

    fn make_fit(&mut self, row: &Row) {
        if !self.frame.fits_all(row) {
            *self = self.reframed(self.frame.stretched(self, row));
        }
    }

    fn bounds(&self, field: usize) -> (u64, u64) {
        if self.frame.width[field] == 0 {
            return (self.frame.base[field], self.frame.base[field]);
        }
        let values = (0..self.len()).map(|at| self.get(at, field));
        values.fold((u64::MAX, 0), |(low, high), value| (low.min(value), high.max(value)))
    }

    /// The same entries in a wider frame.
    fn reframed(&self, frame: Frame) -> Chunk {
        let bytes = vec![0; self.len() * usize::from(frame.stride) + SLACK];
        let mut chunk = Chunk { frame, len: self.len, gap: 0, bytes };
        for field in frame.written() {
            let moved = self.frame.base[field].wrapping_sub(frame.base[field]);
            let (mut from, mut to) = (self.spot(0, field), chunk.spot(0, field));
            for _ in 0..self.len() {
                let distance = (self.load(from) & self.frame.mask(field)).wrapping_add(moved);
                let word = chunk.load(to) | distance;
                chunk.bytes[to..to + SLACK].copy_from_slice(&word.to_le_bytes());
                (from, to) = (from + self.stride(), to + chunk.stride());
            }
        }
        chunk
    }

    /// Takes rows out, which may leave the chunk empty. Those on the shorter side move.
    pub(super) fn remove(&mut self, rows: Range<usize>) {
        let (from, to) = (self.row(rows.start), self.row(rows.end));
        if rows.start < self.len() - rows.end {
            let front = self.row(0);
            self.bytes.copy_within(front..from, front + (to - from));
            self.gap += rows.len() as u16;
        } else {
            self.bytes.copy_within(to.., from);
            self.bytes.truncate(self.bytes.len() - (to - from));
        }
        self.len -= rows.len() as u16;
        let used = self.bytes.len() - self.row(0);
        if self.bytes.capacity() > 2 * used {
            self.close_gap();
            self.bytes.shrink_to(used * 5 / 4);
        }
    }

    /// Gives the gap back.
    fn close_gap(&mut self) {
        let front = self.row(0);
        self.bytes.copy_within(front.., 0);
        self.bytes.truncate(self.bytes.len() - front);
        self.gap = 0;
    }

    /// Gives spare memory back: nothing will be put in for long.
    pub(super) fn close(&mut self) {
        self.close_gap();
        self.bytes.shrink_to_fit();
    }

    /// Takes the rear half out.
    pub(super) fn split(&mut self) -> Chunk {
        let rows = self.rows();
        let (front, rear) = rows.split_at(rows.len() / 2);
        *self = Chunk::new(front);
        Chunk::new(rear)
    }

    /// This chunk and the one behind it in one.
    pub(super) fn joined(&self, behind: &Chunk) -> Chunk {
        Chunk::new(&[self.rows(), behind.rows()].concat())
    }

    /// What remains without the entries of an owner, written as it was; it may be nothing.
    pub(super) fn without(&self, owner: ConsumerKey) -> Chunk {
        self.keep(|at| !self.is_owned_by(at, owner))
    }

    /// What remains without some rows.
    pub(super) fn outside(&self, rows: &Range<usize>) -> Chunk {
        self.keep(|at| !rows.contains(&at))
    }

    /// The rows that are wanted. Neighbours are mostly wanted together, and copied together.
    fn keep(&self, is_wanted: impl Fn(usize) -> bool) -> Chunk {
        let (mut len, mut at) = (0, 0);
        let mut bytes = Vec::with_capacity(self.bytes.len());
        while at < self.len() {
            let from = at;
            while at < self.len() && is_wanted(at) {
                at += 1;
            }
            bytes.extend_from_slice(&self.bytes[self.row(from)..self.row(at)]);
            len += (at - from) as u16;
            at += 1;
        }
        bytes.extend_from_slice(&[0; SLACK]);
        bytes.shrink_to_fit();
        Chunk { frame: self.frame, len, gap: 0, bytes }
    }

    /// Adds how many of some rows each owner has.
    pub(super) fn count_owners(&self, rows: Range<usize>, owners: &mut Owners) {
        if self.frame.width[OWNER] == 0 {
            return owners.add(self.owner(0), rows.len() as u64);
        }
        rows.for_each(|at| owners.add(self.owner(at), 1));
    }

    /// Whether all spare memory is for the next few entries.
    #[cfg(test)]
    pub(super) fn is_compact(&self) -> bool {
        self.bytes.capacity() <= 2 * (self.bytes.len() - self.row(0)) + 4 * self.stride()
    }
}
