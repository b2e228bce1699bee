//! The tree against a plain map that is searched from end to end.

use super::*;
use proptest::prelude::*;
use std::collections::BTreeMap;

type Plain = BTreeMap<StreamId, Delivery>;

#[derive(Clone, Copy, Debug)]
enum Op {
    /// So many placements from an ID on, at a distance.
    Run(StreamId, u64, usize),
    Place(StreamId),
    Remove(StreamId),
    /// The n-th of those there are, whichever these are.
    Replace(usize),
    RemoveNth(usize),
    /// So many from the n-th on.
    Drain(usize, usize),
    /// The oldest so many.
    Acknowledge(usize),
    /// All but every n-th.
    Thin(usize),
    RemoveOwner(u32),
    /// From the n-th on, up to so many, at once.
    Cut(usize, usize),
    /// From the n-th on, every so many, in one call; so many, and some that are not pending.
    Batch(usize, usize, usize),
    /// Each that many further on than the one before, in one call.
    Mixed(usize, usize),
    Snapshot,
}

#[derive(Clone, Copy, Debug)]
struct With {
    owner: Option<u32>,
    at: i64,
    count: i64,
}

#[derive(Default)]
struct Both {
    tree: Pending,
    plain: Plain,
    order: u64,
    snapshots: Vec<(Pending, Plain)>,
}

fn edgy() -> impl Strategy<Value = u64> {
    prop_oneof![0..40u64, Just(u64::MAX), (0..64u32).prop_map(|bit| 1 << bit), any::<u64>()]
}

fn id() -> impl Strategy<Value = StreamId> {
    let near = (1000..1040u64, 0..20u64);
    prop_oneof![3 => near, 1 => (edgy(), edgy())].prop_map(|(ms, seq)| StreamId::new(ms, seq))
}

fn with() -> impl Strategy<Value = With> {
    const NOW: i64 = 1_700_000_000_000;
    let at = prop_oneof![4 => NOW..NOW + 50, 1 => -5..5i64, 1 => any::<i64>(), 1 => Just(i64::MIN)];
    let count = prop_oneof![4 => 0..5i64, 1 => Just(i64::MAX), 1 => any::<i64>()];
    let owner = prop_oneof![6 => (0..6u32).prop_map(Some), 1 => (60..70u32).prop_map(Some), 1 => Just(None)];
    (owner, at, count).prop_map(|(owner, at, count)| With { owner, at, count })
}

fn op() -> impl Strategy<Value = Op> {
    let run = (id(), prop_oneof![Just(1), 1..1000u64], 1..3000usize);
    prop_oneof![
        3 => run.prop_map(|(id, step, count)| Op::Run(id, step, count)),
        4 => id().prop_map(Op::Place),
        2 => id().prop_map(Op::Remove),
        4 => any::<usize>().prop_map(Op::Replace),
        4 => any::<usize>().prop_map(Op::RemoveNth),
        1 => (any::<usize>(), 1..1500usize).prop_map(|(at, count)| Op::Drain(at, count)),
        1 => (1..1000usize).prop_map(Op::Acknowledge),
        1 => (1..30usize).prop_map(Op::Thin),
        1 => prop_oneof![0..6u32, 60..70u32].prop_map(Op::RemoveOwner),
        1 => (any::<usize>(), 0..3000usize).prop_map(|(at, count)| Op::Cut(at, count)),
        2 => (any::<usize>(), 1..40usize, 1..1500usize).prop_map(|(at, step, count)| Op::Batch(at, step, count)),
        1 => (any::<usize>(), 1..60usize).prop_map(|(step, count)| Op::Mixed(step, count)),
        1 => Just(Op::Snapshot),
    ]
}

impl Both {
    fn place(&mut self, id: StreamId, with: With) {
        let With { owner, at, count } = with;
        let owner = owner.map(ConsumerKey);
        let delivery = Delivery { owner, delivered_at: at, delivery_count: count, order: self.order };
        self.order += 1;
        assert_eq!(self.tree.place(id, owner, at, count), self.plain.insert(id, delivery));
    }

    fn remove(&mut self, id: StreamId) {
        assert_eq!(self.tree.get(id), self.plain.get(&id).copied());
        self.remove_all(&[id]);
        assert_eq!(self.tree.get(id), None);
    }

    /// IDs in any order, repeated ones too.
    fn remove_all(&mut self, ids: &[StreamId]) {
        let mut finger = self.tree.finger();
        assert!(ids.iter().all(|id| finger.find(*id) == self.plain.get(id).copied()));
        let mut owners: BTreeMap<ConsumerKey, u64> = BTreeMap::new();
        let gone = ids.iter().filter_map(|id| self.plain.remove(id)?.owner);
        gone.for_each(|owner| *owners.entry(owner).or_default() += 1);
        let found = self.tree.remove(ids);
        assert!(found.iter().collect::<BTreeMap<_, _>>() == owners && found.iter().count() == owners.len());
    }

    fn nth(&self, n: usize) -> Option<StreamId> {
        self.plain.keys().nth(n % self.plain.len().max(1)).copied()
    }

    fn apply(&mut self, op: Op, with: With) {
        match op {
            Op::Run(from, step, count) => {
                for i in 0..count as u64 {
                    let seq = from.seq.saturating_add(i * step);
                    let owner = with.owner.map(|owner| owner.wrapping_add(i as u32 / 100) % 70);
                    self.place(StreamId::new(from.ms, seq), With { owner, ..with });
                }
            }
            Op::Place(id) => self.place(id, with),
            Op::Remove(id) => self.remove(id),
            Op::Replace(n) => self.nth(n).into_iter().for_each(|id| self.place(id, with)),
            Op::RemoveNth(n) => self.nth(n).into_iter().for_each(|id| self.remove(id)),
            Op::Drain(n, count) => self.take_out(|both| {
                let from = both.nth(n).unwrap_or(StreamId::MIN);
                both.plain.range(from..).map(|(id, _)| *id).take(count).collect()
            }),
            Op::Acknowledge(n) => {
                self.take_out(|both| both.tree.claim_order().map(|(id, _)| id).take(n).collect());
            }
            Op::Thin(n) => self.take_out(|both| {
                let all = both.plain.keys().enumerate();
                all.filter(|(at, _)| at % n != 0).map(|(_, id)| *id).collect()
            }),
            Op::RemoveOwner(owner) => {
                self.tree.remove_owned(ConsumerKey(owner));
                self.plain.retain(|_, delivery| delivery.owner != Some(ConsumerKey(owner)));
            }
            Op::Cut(n, count) => self.cut(n, count),
            Op::Batch(n, step, count) => {
                let from = self.nth(n).unwrap_or(StreamId::MIN);
                let known = self.plain.range(from..).map(|(id, _)| *id).step_by(step).take(count);
                let ids = known.flat_map(|id| [Some(id), id.next().filter(|_| n % 2 == 0)]);
                self.remove_all(&ids.flatten().collect::<Vec<_>>());
            }
            Op::Mixed(step, count) => {
                let ids = (0..count).filter_map(|n| self.nth(n.wrapping_mul(step)));
                self.remove_all(&ids.collect::<Vec<_>>());
            }
            Op::Snapshot => self.snapshots.push((self.tree.clone(), self.plain.clone())),
        }
    }

    fn cut(&mut self, n: usize, count: usize) {
        let from = self.nth(n).unwrap_or(StreamId::MIN);
        let behind = || self.plain.range(from..);
        let below = behind().nth(count).map_or(StreamId::MAX, |(id, _)| *id);
        let mut owners: BTreeMap<ConsumerKey, u64> = BTreeMap::new();
        for (_, delivery) in self.plain.range(from..below) {
            delivery.owner.into_iter().for_each(|owner| *owners.entry(owner).or_default() += 1);
        }
        let (found, gone) = self.tree.remove_between(from, below);
        assert!(found.iter().collect::<BTreeMap<_, _>>() == owners && found.iter().count() == owners.len());
        assert_eq!(gone.is_empty(), self.plain.range(from..below).next().is_none());
        self.plain.retain(|id, _| !(from..below).contains(id));
    }

    fn take_out(&mut self, which: impl Fn(&Both) -> Vec<StreamId>) {
        which(self).into_iter().for_each(|id| self.remove(id));
    }
}

fn same(found: impl Iterator<Item = Entry>, expected: impl Iterator<Item = Entry>) {
    assert_eq!(found.collect::<Vec<_>>(), expected.collect::<Vec<_>>());
}

fn check(tree: &Pending, plain: &Plain, (from, to): (StreamId, StreamId), With { owner, at, .. }: With) {
    let all = || plain.iter().map(|(id, delivery)| (*id, *delivery));
    let within = || all().filter(|(id, _)| (from..=to).contains(id));
    let owner = owner.map_or(ConsumerKey(3), ConsumerKey);
    let is_older = |(_, delivery): &Entry| delivery.owner.is_none() || delivery.delivered_at <= at;
    let is_owned = |(_, delivery): &Entry| delivery.owner == Some(owner);
    if let Some(root) = &tree.root {
        root.check();
    }
    assert_eq!(tree.len(), plain.len() as u64);
    assert_eq!(tree.is_empty(), plain.is_empty());
    assert_eq!(tree.released(), all().filter(|(_, delivery)| delivery.owner.is_none()).count() as u64);
    assert_eq!(tree.bounds(), plain.keys().next().copied().zip(plain.keys().last().copied()));
    assert_eq!(tree.get(from), plain.get(&from).copied());
    same(tree.iter(), all());
    assert_eq!(tree.rank(from), plain.range(..from).count() as u64);
    let range = || tree.range(from..=to);
    same(range(), within());
    for lost_to in [StreamId::MIN, to] {
        check_sweeps(&Pending { lost_to, ..tree.clone() }, plain, from, at);
    }
    same(range().owned_by(owner), within().filter(is_owned));
    same(range().delivered_by(at), within().filter(is_older));
    same(range().owned_by(owner).delivered_by(at), within().filter(is_owned).filter(is_older));
    let mut claims: Vec<Entry> = all().collect();
    claims.sort_by_key(|(_, delivery)| delivery.claim_key());
    same(tree.claim_order(), claims.iter().copied());
    let due = |(_, delivery): &Entry| delivery.claim_key().0 <= at.max(0);
    same(tree.claim_order_by(at), claims.iter().copied().filter(due));
}

/// A sweep of any length finds what a walk finds that looks at every entry, and ends where that ends.
fn check_sweeps(tree: &Pending, plain: &Plain, from: StreamId, at: i64) {
    let behind = || plain.range(from..).map(|(id, delivery)| (*id, *delivery));
    let is_older = |delivery: &Delivery| delivery.owner.is_none() || delivery.delivered_at <= at;
    for count in [0, 1, 5, 255, 256, 257, 1000, 17_000, usize::MAX] {
        let mut sweep = tree.sweep(from, at, count as u64);
        let worth = |(id, delivery): &Entry| *id <= tree.lost_to || is_older(delivery);
        let expected = behind().take(count).filter(worth).map(|(id, delivery)| (id, is_older(&delivery)));
        assert!(sweep.by_ref().eq(expected));
        assert_eq!(sweep.rest(), behind().nth(count).map(|(id, _)| id));
        let mut sweep = tree.sweep(from, at, count as u64);
        let last = sweep.by_ref().nth(2).map(|(id, _)| id);
        if let Some(last) = last {
            assert_eq!(sweep.rest(), behind().map(|(id, _)| id).find(|id| *id > last));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn the_tree_is_a_map(
        ops in prop::collection::vec((op(), with()), 1..60),
        ids in (id(), id()),
    ) {
        let mut both = Both::default();
        for (at, (op, with)) in ops.into_iter().enumerate() {
            both.apply(op, with);
            if at % 4 == 0 {
                check(&both.tree, &both.plain, ids, with);
            }
            for (tree, plain) in &both.snapshots {
                assert_eq!(tree.len(), plain.len() as u64);
            }
        }
        both.snapshots.push((both.tree, both.plain));
        for (tree, plain) in &both.snapshots {
            check(tree, plain, ids, With { owner: Some(1), at: 0, count: 0 });
        }
    }

    #[test]
    fn what_has_idled_is_what_the_time_says(at: i64, min_idle: i64, now in 0..i64::MAX) {
        let delivery = Delivery { owner: None, delivered_at: at, delivery_count: 0, order: 0 };
        prop_assert_eq!(delivery.idle(now) >= min_idle, at <= idle_since(now, min_idle));
    }
}

/// Nodes of nodes of chunks, filled and emptied in every order.
#[test]
fn a_large_list_grows_and_shrinks() {
    const MANY: u64 = 60_000;
    let scattered = |n: u64| n.wrapping_mul(48_271) % MANY;
    let orders: [fn(u64) -> u64; 2] = [|n| n, |n| MANY - 1 - n];
    for fill in orders.into_iter().chain([scattered as fn(u64) -> u64]) {
        let mut both = Both::default();
        for n in 0..MANY {
            let with = With { owner: Some(n as u32 % 3), at: n as i64 / 10, count: 1 };
            both.place(StreamId::new(fill(n), 0), with);
        }
        assert_eq!(both.tree.root.as_ref().map(Child::check), Some(2));
        for n in 0..MANY * 3 / 4 {
            both.remove(StreamId::new(scattered(n), 0));
        }
        let ids = (StreamId::new(100, 0), StreamId::new(MANY / 2, 0));
        check(&both.tree, &both.plain, ids, With { owner: Some(2), at: MANY as i64 / 20, count: 0 });
        assert!(both.tree.memory() < both.plain.len() * 40);
        for n in 0..MANY {
            both.remove(StreamId::new(n, 0));
        }
        assert_eq!(both.tree.memory(), 0);
    }
}

#[test]
fn delivered_in_order_an_entry_takes_few_bytes() {
    let mut tree = Pending::default();
    for n in 0..100_000 {
        tree.place(
            StreamId::new(1_700_000_000_000 + n / 50, n % 50),
            Some(ConsumerKey(n as u32 / 100 % 5)),
            1_700_000_100_000 + n as i64 / 100,
            1,
        );
    }
    assert!(tree.memory() < 100_000 * 10, "{}", tree.memory());
}
