//! Reports: the notes of batches on their way to whoever listens, those of one key in the order of its changes.
//!
//! ```text
//! batch, under the locks of its shards ── add ──► queue ── hand_out, without them ──► listener
//! ```

use crate::broker::Listener;
use crate::sync::Mutex;
use ackline_engine::Note;
use ackline_log::Lsn;

pub(crate) struct Report {
    queue: Mutex<Vec<(Vec<Note>, Lsn)>>,
    /// Held while the listener is told: the next batch must not overtake.
    telling: Mutex<()>,
    listener: Listener,
}

impl Report {
    pub(crate) fn to(listener: Listener) -> Report {
        Report { queue: Mutex::default(), telling: Mutex::default(), listener }
    }

    /// Notes of a batch whose shards are still held, so that the order of batches is that of the queue.
    pub(crate) fn add(&self, notes: Vec<Note>, lsn: Lsn) {
        self.queue.lock().push((notes, lsn));
    }

    /// Tells what is in the queue. Once it returns, what was added before has been told, by whomever.
    pub(crate) fn hand_out(&self) {
        let _telling = self.telling.lock();
        let queue = std::mem::take(&mut *self.queue.lock());
        queue.into_iter().for_each(|(notes, lsn)| (self.listener)(notes, lsn));
    }
}
