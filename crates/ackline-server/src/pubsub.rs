//! Publish and subscribe: who listens to what.
//!
//! ```text
//! channels        name    -> client IDs        messages go to the clients' threads by mail
//! patterns        pattern -> client IDs
//! shard channels  name    -> client IDs
//! ```

use crate::mail::{Msg, Push};
use crate::shared::Shared;
use ackline::Lsn;
use ackline_engine::glob;
use parking_lot::Mutex;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The three kinds of subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Channel,
    Pattern,
    Shard,
}

type Listeners = BTreeMap<Vec<u8>, BTreeSet<u64>>;

/// All subscriptions.
#[derive(Debug, Default)]
pub(crate) struct PubSub {
    lists: Mutex<[Listeners; 3]>,
}

impl PubSub {
    pub(crate) fn subscribe(&self, kind: Kind, name: &[u8], client: u64) {
        self.lists.lock()[kind as usize].entry(name.to_vec()).or_default().insert(client);
    }

    pub(crate) fn unsubscribe(&self, kind: Kind, name: &[u8], client: u64) {
        let list = &mut self.lists.lock()[kind as usize];
        if let Some(clients) = list.get_mut(name) {
            clients.remove(&client);
            if clients.is_empty() {
                list.remove(name);
            }
        }
    }

    /// Names with listeners, those that match a pattern if one is given.
    pub(crate) fn names(&self, kind: Kind, pattern: Option<&[u8]>) -> Vec<Vec<u8>> {
        let lists = self.lists.lock();
        let names = lists[kind as usize].keys();
        names.filter(|name| pattern.is_none_or(|p| glob::matches(p, name, false))).cloned().collect()
    }

    /// How many listen to a name.
    pub(crate) fn count(&self, kind: Kind, name: &[u8]) -> usize {
        self.lists.lock()[kind as usize].get(name).map_or(0, BTreeSet::len)
    }

    /// Whether nobody listens to a channel or a pattern.
    pub(crate) fn is_idle(&self) -> bool {
        let [channels, patterns, _] = &*self.lists.lock();
        channels.is_empty() && patterns.is_empty()
    }

    /// How many names have listeners.
    pub(crate) fn len(&self, kind: Kind) -> usize {
        self.lists.lock()[kind as usize].len()
    }
}

impl Shared {
    /// Sends a message to everybody who listens, once the log is durable up to `lsn`; answers how many receive it.
    pub(crate) fn publish(&self, channel: &[u8], payload: &[u8], lsn: Lsn) -> usize {
        let mut mail = Vec::new();
        let lists = self.pubsub.lists.lock();
        let (channel, payload) = (channel.to_vec(), payload.to_vec());
        if let Some(clients) = lists[Kind::Channel as usize].get(&channel) {
            let push = Arc::new(Push::Message { channel: channel.clone(), payload: payload.clone() });
            mail.extend(clients.iter().map(|client| (*client, Arc::clone(&push))));
        }
        for (pattern, clients) in &lists[Kind::Pattern as usize] {
            if glob::matches(pattern, &channel, false) {
                let (pattern, channel, payload) = (pattern.clone(), channel.clone(), payload.clone());
                let push = Arc::new(Push::Pattern { pattern, channel, payload });
                mail.extend(clients.iter().map(|client| (*client, Arc::clone(&push))));
            }
        }
        self.send(mail, lsn)
    }

    /// As [`Shared::publish`], to a shard channel.
    pub(crate) fn publish_shard(&self, channel: &[u8], payload: &[u8]) -> usize {
        let lists = self.pubsub.lists.lock();
        let clients = lists[Kind::Shard as usize].get(channel);
        let push = Arc::new(Push::Shard { channel: channel.to_vec(), payload: payload.to_vec() });
        self.send(clients.into_iter().flatten().map(|client| (*client, Arc::clone(&push))).collect(), 0)
    }

    /// Sent while the lists are locked, so that every listener sees the messages in the same order.
    fn send(&self, mail: Vec<(u64, Arc<Push>)>, lsn: Lsn) -> usize {
        mail.into_iter()
            .filter(|(client, push)| self.mail_client(*client, Msg::Push(*client, Arc::clone(push), lsn)))
            .count()
    }
}
