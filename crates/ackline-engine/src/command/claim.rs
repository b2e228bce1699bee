//! What XCLAIM and XAUTOCLAIM share.

use crate::id::StreamId;
use crate::record::{Change, Count};
use crate::reply::Reply;
use crate::state::{Group, Stream};
use crate::txn::Txn;

/// Who claims, in which group.
#[derive(Clone, Copy)]
pub(crate) struct Claimant<'a> {
    pub(crate) key: &'a [u8],
    pub(crate) group: &'a [u8],
    pub(crate) consumer: &'a [u8],
}

impl<'a> Claimant<'a> {
    /// The consumer exists from its first claim on, whatever the claim gives.
    pub(crate) fn appear(self, txn: &mut Txn<'_>) {
        let Claimant { key, group, consumer } = self;
        match self.state(txn).is_some_and(|(_, group)| group.key_of(consumer).is_some()) {
            true => txn.observe_consumer(key, group, consumer),
            false => {
                let at = txn.now();
                txn.emit(key, Change::CreateConsumer { group, consumer, at });
            }
        }
    }

    /// The stream and group, which were found to exist.
    pub(crate) fn state<'t>(self, txn: &'t Txn<'_>) -> Option<(&'t Stream, &'t Group)> {
        txn.group(self.key, self.group).ok().flatten()
    }

    /// The claimed entries change hands.
    pub(crate) fn claim(self, txn: &mut Txn<'_>, ids: Vec<StreamId>, delivered_at: i64, count: Count) {
        let Claimant { key, group, consumer } = self;
        if !ids.is_empty() {
            let (at, ids) = (txn.now(), ids.into());
            txn.emit(key, Change::Claim { group, consumer, at, active: true, delivered_at, count, ids });
        }
    }

    /// Entries whose message is gone are pending no more.
    pub(crate) fn drop_ghosts(self, txn: &mut Txn<'_>, ids: Vec<StreamId>) {
        if !ids.is_empty() {
            txn.emit(self.key, Change::Ack { group: self.group, ids: ids.into() });
        }
    }
}

/// The claimed entries as the reply shows them.
pub(crate) fn shown(stream: &Stream, ids: &[StreamId], just_ids: bool) -> Vec<Reply> {
    let entry = |id: &StreamId| stream.entry(*id).map(Reply::Entry);
    match just_ids {
        true => ids.iter().map(|id| Reply::Id(*id)).collect(),
        false => ids.iter().filter_map(entry).collect(),
    }
}
