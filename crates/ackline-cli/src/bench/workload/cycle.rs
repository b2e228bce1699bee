//! XADD, XREADGROUP, XACK: each connection is producer and consumer in turn.
//!
//! A connection reads as many messages as it has just added. They need not be its own, but there are always enough: what was
//! added to a stream is at no time less than what was asked of it. So no read comes back empty, and nothing blocks.

use super::{Done, Workload, consumers, heads};
use crate::bench::plan::Plan;
use crate::bench::reply::Reply;
use crate::bench::settings::Adding;
use crate::bench::wire;
use std::time::Instant;

/// What a connection waits for.
#[derive(Clone, Copy, PartialEq)]
enum Phase {
    Added,
    /// From the group with this number.
    Read(usize),
    Acknowledged(usize),
}

/// A connection.
struct Lane {
    phase: Phase,
    stream: usize,
    /// Messages of the batch.
    messages: u64,
    /// When they were sent.
    began: Instant,
    /// IDs to acknowledge, as words.
    ids: Vec<u8>,
    /// How many of them each XACK names, and where they end.
    acks: Vec<(usize, usize)>,
}

/// Producers that are consumers.
pub(super) struct Cycle<'a> {
    plan: &'a Plan<'a>,
    count: u64,
    heads: Vec<Vec<u8>>,
    keys: Vec<Vec<u8>>,
    groups: Vec<Vec<u8>>,
    consumers: Vec<Vec<u8>>,
    lanes: Vec<Lane>,
    read: Vec<u8>,
    streams: Vec<u8>,
}

impl<'a> Cycle<'a> {
    /// Neighbouring connections begin with neighbouring streams.
    pub(super) fn new(
        plan: &'a Plan<'a>,
        adding: &Adding,
        count: u64,
        first: u64,
        links: usize,
    ) -> Cycle<'a> {
        let word = |text: &String| wire::words(&[text.as_bytes()]);
        let lane = |n: u64| Lane {
            phase: Phase::Acknowledged(plan.groups.len() - 1),
            stream: n as usize % plan.keys.len(),
            messages: 0,
            began: Instant::now(),
            ids: Vec::new(),
            acks: Vec::new(),
        };
        Cycle {
            plan,
            count,
            heads: heads(plan, adding.maxlen),
            keys: plan.keys.iter().map(word).collect(),
            groups: plan.groups.iter().map(word).collect(),
            consumers: consumers(first, links),
            lanes: (first..).take(links).map(lane).collect(),
            read: wire::words(&[b"XREADGROUP", b"GROUP"]),
            streams: wire::words(&[b"STREAMS"]),
        }
    }

    fn add(&mut self, link: usize, out: &mut Vec<u8>) -> usize {
        let batch = self.plan.budget.take(self.plan.settings.pipeline);
        let lane = &mut self.lanes[link];
        lane.messages = batch.end - batch.start;
        lane.stream = (lane.stream + 1) % self.heads.len();
        lane.began = Instant::now();
        for _ in 0..lane.messages {
            out.extend_from_slice(&self.heads[lane.stream]);
            out.extend_from_slice(&self.plan.entry);
        }
        if lane.messages > 0 {
            lane.phase = Phase::Added;
        }
        lane.messages as usize
    }

    fn read(&mut self, link: usize, group: usize, out: &mut Vec<u8>) -> usize {
        let lane = &mut self.lanes[link];
        lane.phase = Phase::Read(group);
        lane.ids.clear();
        lane.acks.clear();
        let mut left = lane.messages;
        while left > 0 {
            let count = self.count.min(left);
            wire::head(out, 9);
            out.extend_from_slice(&self.read);
            out.extend_from_slice(&self.groups[group]);
            out.extend_from_slice(&self.consumers[link]);
            out.extend_from_slice(b"$5\r\nCOUNT\r\n");
            wire::number(out, count);
            out.extend_from_slice(&self.streams);
            out.extend_from_slice(&self.keys[lane.stream]);
            out.extend_from_slice(b"$1\r\n>\r\n");
            left -= count;
        }
        lane.messages.div_ceil(self.count) as usize
    }

    fn acknowledge(&mut self, link: usize, group: usize, out: &mut Vec<u8>) -> usize {
        let lane = &mut self.lanes[link];
        lane.phase = Phase::Acknowledged(group);
        let mut from = 0;
        for &(count, end) in &lane.acks {
            wire::head(out, 3 + count);
            out.extend_from_slice(b"$4\r\nXACK\r\n");
            out.extend_from_slice(&self.keys[lane.stream]);
            out.extend_from_slice(&self.groups[group]);
            out.extend_from_slice(&lane.ids[from..end]);
            from = end;
        }
        lane.acks.len()
    }

    /// Remembers the IDs that a read brought.
    fn delivered(&mut self, link: usize, reply: Reply<'_>) {
        let lane = &mut self.lanes[link];
        let mut walk = reply.walk();
        let told = walk.entries_of_one_stream().unwrap_or(0);
        let before = lane.ids.len();
        let ids = (0..told).map_while(|_| walk.entry());
        let count = ids.map(|id| lane.ids.extend_from_slice(id)).count();
        if lane.ids.len() > before {
            lane.acks.push((count, lane.ids.len()));
        }
    }
}

impl Workload for Cycle<'_> {
    fn fill(&mut self, link: usize, out: &mut Vec<u8>) -> usize {
        let next = match self.lanes[link].phase {
            Phase::Added => self.read(link, 0, out),
            Phase::Read(group) => self.acknowledge(link, group, out),
            Phase::Acknowledged(group) if group + 1 < self.groups.len() => self.read(link, group + 1, out),
            Phase::Acknowledged(_) => self.add(link, out),
        };
        match next {
            // Nothing was delivered: after errors alone.
            0 if matches!(self.lanes[link].phase, Phase::Acknowledged(_))
                && self.lanes[link].messages > 0 =>
            {
                self.add(link, out)
            }
            replies => replies,
        }
    }

    fn reply(&mut self, link: usize, reply: Reply<'_>) -> Done {
        match self.lanes[link].phase {
            Phase::Added => {}
            Phase::Read(_) => self.delivered(link, reply),
            Phase::Acknowledged(group) => {
                let entries = reply.integer();
                let whole = group + 1 == self.groups.len();
                return Done { operations: if whole { entries } else { 0 }, entries };
            }
        }
        Done::default()
    }

    fn since(&self, link: usize) -> Option<Instant> {
        Some(self.lanes[link].began)
    }
}
