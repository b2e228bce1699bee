//! Keyspace events: what the notes of a batch become for those who subscribed.

use crate::shared::Shared;
use ackline::{Lsn, Note, Wanted};

impl Shared {
    /// Tells the broker what is to be noted from now on, and answers it. Called whenever that may have changed.
    pub(crate) fn want_notes(&self) -> Wanted {
        // Two who change something at once must not leave what the first had seen.
        let tracking = self.tracking.lock();
        let touches = if tracking.is_idle() { Wanted::NOTHING } else { Wanted::TOUCHES };
        let events = self.config.live().events().wanted();
        let wanted = touches.and(if self.pubsub.is_idle() { Wanted::NOTHING } else { events });
        self.broker().want(wanted);
        wanted
    }

    /// Tells those who listen, or track, of a batch whose position is `lsn`.
    pub(crate) fn report(&self, notes: &[Note], lsn: Lsn) {
        if !self.pubsub.is_idle() {
            notes.iter().for_each(|note| self.publish_event(note, lsn));
        }
        let mut tracking = self.tracking.lock();
        if !tracking.is_idle() {
            tracking.report(self, notes, lsn);
        }
    }

    fn publish_event(&self, note: &Note, lsn: Lsn) {
        let Note::Event { db, key, name } = note else { return };
        let events = self.config.live().events();
        let channel = |kind: &str, about: &[u8]| [format!("__{kind}@{db}__:").as_bytes(), about].concat();
        if events.by_key {
            self.publish(&channel("keyspace", key), name.as_bytes(), lsn);
        }
        if events.by_event {
            self.publish(&channel("keyevent", name.as_bytes()), key, lsn);
        }
    }
}
