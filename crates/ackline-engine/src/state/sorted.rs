//! Sorted sequences that take little while they are short, and are copied in pieces once they are long.
//!
//! ```text
//! few     [ a b c .. ]                                up to a chunk
//! many    [ Arc [ a b .. ] | Arc [ m n .. ] | .. ]    chunks are shared with snapshots, and copied one by one
//! ```
//!
//! What is in order is the caller's to say: it searches by a comparison and puts in where that led to.

use std::cmp::Ordering;
use triomphe::Arc;

/// A sequence in chunks of up to `CHUNK`.
#[derive(Clone, Debug)]
pub(crate) struct Sorted<T, const CHUNK: usize>(Repr<T>);

#[derive(Clone, Debug)]
enum Repr<T> {
    Few(Vec<T>),
    /// At least two, none of them empty.
    Many(Vec<Arc<Vec<T>>>),
}

/// A place in a sequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct At {
    chunk: usize,
    index: usize,
}

impl<T: Clone, const CHUNK: usize> Sorted<T, CHUNK> {
    pub(crate) const fn new() -> Self {
        Sorted(Repr::Few(Vec::new()))
    }

    pub(crate) fn len(&self) -> usize {
        match &self.0 {
            Repr::Few(few) => few.len(),
            Repr::Many(chunks) => chunks.iter().map(|chunk| chunk.len()).sum(),
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        let (few, many) = match &self.0 {
            Repr::Few(few) => (few.as_slice(), [].as_slice()),
            Repr::Many(chunks) => ([].as_slice(), chunks.as_slice()),
        };
        few.iter().chain(many.iter().flat_map(|chunk| chunk.iter()))
    }

    /// Where the element is that compares as equal, or where it would be.
    pub(crate) fn search(&self, compare: impl Fn(&T) -> Ordering) -> Result<At, At> {
        let (chunk, items) = match &self.0 {
            Repr::Few(few) => (0, few),
            Repr::Many(chunks) => {
                let ends_before =
                    |chunk: &Arc<Vec<T>>| chunk.last().is_some_and(|last| compare(last).is_lt());
                let chunk = chunks.partition_point(ends_before).min(chunks.len() - 1);
                (chunk, &*chunks[chunk])
            }
        };
        let at = |index| At { chunk, index };
        items.binary_search_by(compare).map(at).map_err(at)
    }

    pub(crate) fn get(&self, at: At) -> &T {
        match &self.0 {
            Repr::Few(few) => &few[at.index],
            Repr::Many(chunks) => &chunks[at.chunk][at.index],
        }
    }

    pub(crate) fn get_mut(&mut self, at: At) -> &mut T {
        match &mut self.0 {
            Repr::Few(few) => &mut few[at.index],
            Repr::Many(chunks) => &mut Arc::make_mut(&mut chunks[at.chunk])[at.index],
        }
    }

    /// Changes those that need it. The others' chunks are not copied.
    pub(crate) fn change(&mut self, needs: impl Fn(&T) -> bool, mut change: impl FnMut(&mut T)) {
        let mut of = |items: &mut Vec<T>| items.iter_mut().filter(|item| needs(item)).for_each(&mut change);
        match &mut self.0 {
            Repr::Few(few) => of(few),
            Repr::Many(chunks) => {
                let concerned = chunks.iter_mut().filter(|chunk| chunk.iter().any(&needs));
                concerned.for_each(|chunk| of(Arc::make_mut(chunk)));
            }
        }
    }

    /// Puts an element where a search led to.
    pub(crate) fn insert(&mut self, at: At, item: T) {
        match &mut self.0 {
            Repr::Few(few) if few.len() < CHUNK => insert(few, at.index, item),
            Repr::Few(few) => {
                let mut rear = cut::<T, CHUNK>(few, at.index);
                match at.index.checked_sub(few.len()) {
                    Some(index) => insert(&mut rear, index, item),
                    None => insert(few, at.index, item),
                }
                self.0 = Repr::Many(vec![Arc::new(std::mem::take(few)), Arc::new(rear)]);
            }
            Repr::Many(chunks) => {
                let chunk = Arc::make_mut(&mut chunks[at.chunk]);
                if chunk.len() < CHUNK {
                    return insert(chunk, at.index, item);
                }
                let mut rear = cut::<T, CHUNK>(chunk, at.index);
                match at.index.checked_sub(chunk.len()) {
                    Some(index) => insert(&mut rear, index, item),
                    None => insert(chunk, at.index, item),
                }
                insert(chunks, at.chunk + 1, Arc::new(rear));
            }
        }
    }

    pub(crate) fn remove(&mut self, at: At) -> T {
        let chunks = match &mut self.0 {
            Repr::Few(few) => return take(few, at.index),
            Repr::Many(chunks) => chunks,
        };
        let item = take(Arc::make_mut(&mut chunks[at.chunk]), at.index);
        let neighbours = [at.chunk.checked_sub(1), Some(at.chunk).filter(|chunk| chunk + 1 < chunks.len())];
        let small = chunks[at.chunk].len() <= CHUNK / 4;
        let joins = |front: &usize| chunks[*front].len() + chunks[front + 1].len() <= CHUNK * 3 / 4;
        if let Some(front) = neighbours.into_iter().flatten().find(|front| small && joins(front)) {
            let rear = chunks.remove(front + 1);
            let front = Arc::make_mut(&mut chunks[front]);
            front.reserve_exact(rear.len());
            front.extend_from_slice(&rear);
        } else if chunks[at.chunk].is_empty() {
            chunks.remove(at.chunk);
        }
        if let [only] = &mut chunks[..] {
            self.0 = Repr::Few(std::mem::take(Arc::make_mut(only)));
        }
        item
    }

    /// Bytes of memory beside the sequence itself.
    pub(crate) fn memory(&self) -> usize {
        let of = |items: &Vec<T>| items.capacity() * size_of::<T>();
        match &self.0 {
            Repr::Few(few) => of(few),
            Repr::Many(chunks) => {
                let header = size_of::<usize>() + size_of::<Vec<T>>();
                let below: usize = chunks.iter().map(|chunk| of(chunk) + header).sum();
                chunks.capacity() * size_of::<usize>() + below
            }
        }
    }
}

/// What comes behind a full chunk: half of it, or nothing if elements come in order.
fn cut<T, const CHUNK: usize>(chunk: &mut Vec<T>, at: usize) -> Vec<T> {
    let keep = if at == CHUNK { CHUNK } else { CHUNK / 2 };
    let rear = chunk.split_off(keep);
    chunk.shrink_to_fit();
    rear
}

/// Makes room by eighths: what is never filled is paid for as well.
fn insert<T>(items: &mut Vec<T>, index: usize, item: T) {
    if items.len() == items.capacity() {
        items.reserve_exact(items.len() / 8 + 1);
    }
    items.insert(index, item);
}

fn take<T>(items: &mut Vec<T>, index: usize) -> T {
    let item = items.remove(index);
    if items.capacity() > 2 * items.len() {
        items.shrink_to_fit();
    }
    item
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, cases: 64, ..ProptestConfig::default() })]

        #[test]
        fn a_sequence_stays_sorted(steps in prop::collection::vec((0..3u8, 0..200u16), 0..800), ascend in any::<bool>()) {
            let mut sorted = Sorted::<u16, 8>::new();
            let mut plain = BTreeSet::new();
            let mut snapshot = (sorted.clone(), plain.clone());
            for (number, (what, n)) in steps.into_iter().enumerate() {
                let n = if ascend && what > 0 { number as u16 } else { n };
                match (sorted.search(|it| it.cmp(&n)), what) {
                    (Err(at), 1 | 2) => sorted.insert(at, n),
                    (Ok(at), 0) => prop_assert_eq!(sorted.remove(at), n),
                    (Ok(at), _) => prop_assert_eq!(*sorted.get(at), n),
                    (Err(_), _) => snapshot = (sorted.clone(), plain.clone()),
                }
                let _ = if what == 0 { plain.remove(&n) } else { plain.insert(n) };
                prop_assert_eq!(sorted.len(), plain.len());
                prop_assert!(sorted.iter().eq(&plain));
            }
            prop_assert!(snapshot.0.iter().eq(&snapshot.1));
            sorted.change(|n| n % 2 == 0, |n| *n += 1);
            prop_assert!(sorted.iter().copied().eq(plain.iter().map(|n| n | 1)));
        }
    }
}
