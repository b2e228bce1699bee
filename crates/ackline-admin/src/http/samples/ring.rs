//! A number over time: one point a slot, the newest ones, written as differences.

use std::collections::VecDeque;

/// Points that are written together, from a beginning of their own.
const CHUNK: usize = 240;

/// Points of consecutive slots. A point takes a byte while nothing happens.
#[derive(Debug)]
struct Chunk {
    first: i64,
    points: usize,
    /// The last value that is no gap.
    last: i64,
    /// For each point 0 for a gap, else 1 + the zigzag of the difference to the last value, seven bits a byte.
    bytes: Vec<u8>,
}

/// The newest points of a number.
#[derive(Debug)]
pub(crate) struct Ring {
    chunks: VecDeque<Chunk>,
    points_max: usize,
    bytes_max: usize,
}

impl Ring {
    /// Holds so many points, fewer if they take more than two bytes each.
    pub(crate) fn new(points_max: usize) -> Ring {
        Ring { chunks: VecDeque::new(), points_max, bytes_max: 2 * points_max }
    }

    /// The slot after the last one.
    fn end(&self) -> Option<i64> {
        self.chunks.back().map(|chunk| chunk.first + chunk.points as i64)
    }

    /// The point of a slot. Slots that were left out are gaps; a slot that was there already stays as it was.
    pub(crate) fn push(&mut self, slot: i64, value: Option<i64>) {
        let mut at = self.end().unwrap_or(slot);
        if slot - at > self.points_max as i64 {
            self.chunks.clear();
            at = slot;
        }
        while at < slot {
            self.append(at, None);
            at += 1;
        }
        if at == slot {
            self.append(slot, value);
        }
    }

    fn append(&mut self, slot: i64, value: Option<i64>) {
        if self.chunks.back().is_none_or(|chunk| chunk.points == CHUNK) {
            if let Some(full) = self.chunks.back_mut() {
                full.bytes.shrink_to_fit();
            }
            self.chunks.push_back(Chunk { first: slot, points: 0, last: 0, bytes: Vec::new() });
            self.forget();
        }
        if let Some(chunk) = self.chunks.back_mut() {
            chunk.append(value);
        }
    }

    /// What is too old or too much.
    fn forget(&mut self) {
        while self.chunks.len() > 1
            && ((self.chunks.len() - 2) * CHUNK >= self.points_max || self.bytes() > self.bytes_max)
        {
            self.chunks.pop_front();
        }
    }

    fn bytes(&self) -> usize {
        self.chunks.iter().map(|chunk| chunk.bytes.len()).sum()
    }

    /// Bytes of memory.
    #[cfg(test)]
    pub(crate) fn memory(&self) -> usize {
        let bytes: usize = self.chunks.iter().map(|chunk| chunk.bytes.capacity()).sum();
        size_of::<Ring>() + bytes + self.chunks.capacity() * size_of::<Chunk>()
    }

    /// The points of `count` slots, of which the last is `last`.
    pub(crate) fn values(&self, last: i64, count: usize) -> Vec<Option<i64>> {
        let from = last - count as i64 + 1;
        let mut values = vec![None; count];
        for chunk in self.chunks.iter().filter(|chunk| chunk.first + chunk.points as i64 > from) {
            for (at, value) in chunk.values().enumerate() {
                let slot = chunk.first + at as i64;
                if (from..=last).contains(&slot) {
                    values[(slot - from) as usize] = value;
                }
            }
        }
        values
    }
}

impl Chunk {
    fn append(&mut self, value: Option<i64>) {
        self.points += 1;
        let Some(value) = value else { return self.bytes.push(0) };
        let step = value.wrapping_sub(self.last);
        self.last = value;
        // Numbers of servers are far from the ends of an i64, so that the 1 has room.
        let mut rest = (((step << 1) ^ (step >> 63)) as u64).saturating_add(1);
        while rest >= 0x80 {
            self.bytes.push(rest as u8 | 0x80);
            rest >>= 7;
        }
        self.bytes.push(rest as u8);
    }

    fn values(&self) -> impl Iterator<Item = Option<i64>> {
        let (mut bytes, mut last) = (self.bytes.iter(), 0i64);
        (0..self.points).map(move |_| {
            let (mut number, mut shift) = (0u64, 0);
            for byte in bytes.by_ref() {
                number |= u64::from(byte & 0x7f) << shift;
                shift += 7;
                if byte & 0x80 == 0 {
                    break;
                }
            }
            let zigzag = number.checked_sub(1)?;
            last = last.wrapping_add((zigzag >> 1) as i64 ^ -((zigzag & 1) as i64));
            Some(last)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_come_back() {
        let mut ring = Ring::new(3600);
        let value = |slot: i64| (slot % 7 != 0).then_some((slot * slot - 5_000_000) * (slot % 3));
        for slot in 2000..4000 {
            ring.push(slot, value(slot));
        }
        let want: Vec<Option<i64>> = (3000..=3999).map(value).collect();
        assert_eq!(ring.values(3999, 1000), want);
        assert_eq!(ring.values(4001, 3), [value(3999), None, None]);
        assert_eq!(ring.values(2000, 2), [None, value(2000)]);
    }

    #[test]
    fn gaps_and_slots_from_the_past() {
        let mut ring = Ring::new(600);
        ring.push(10, Some(1));
        ring.push(13, Some(2));
        ring.push(12, Some(9));
        assert_eq!(ring.values(13, 4), [Some(1), None, None, Some(2)]);
        ring.push(10_000, Some(3));
        assert_eq!(ring.values(13, 1), [None]);
        assert_eq!(ring.values(10_000, 2), [None, Some(3)]);
    }

    #[test]
    fn old_points_go() {
        let mut quiet = Ring::new(3600);
        let mut wild = Ring::new(3600);
        for slot in 0..10_000 {
            quiet.push(slot, Some(5));
            wild.push(slot, Some(if slot % 2 == 0 { i64::MAX / 4 } else { 0 }));
        }
        assert!(quiet.values(9999, 3600).iter().all(Option::is_some));
        assert_eq!(quiet.values(9999, 4200)[0], None);
        assert!(wild.values(9999, 600).iter().all(Option::is_some));
        for ring in [quiet, wild] {
            assert!(ring.memory() <= 2 * 3600 + 20 * CHUNK + 64 * size_of::<Chunk>(), "{}", ring.memory());
        }
    }
}
