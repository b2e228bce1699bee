//! A dead letter is one.
//!
//! A step may take effect although somebody else has settled the entry: its consumer was silent for longer than its lease, the group
//! was destroyed and made again, a server that had been frozen runs what its client had given up. The answer to XACK tells;
//! then there may be two letters about one death, and the later one is taken away.

use super::Shared;
use super::held::At;
use crate::error::Result;
use crate::id::EntryId;
use crate::store::{Command, Received, Value, expect};
use crate::verbs::Place;
use tracing::{debug, warn};

/// So many letters before one are looked at: the other of the two was written at nearly the same time.
const LOOK_BACK: usize = 1000;

impl Shared {
    /// Whether somebody else may have settled it before: nothing was acknowledged, or that was in a group that is no more.
    fn is_doubtful(&self, at: At, acked: Option<i64>) -> bool {
        acked == Some(0) || at.id <= self.healed.lock()[usize::from(at.stream)]
    }

    /// Takes a dead letter away if there is an earlier one of the same entry. If that fails there are two: better than none.
    pub(super) async fn drop_twin(&self, place: &Place, at: At, letter: Option<EntryId>, acked: Option<i64>) {
        let Some(letter) = letter.filter(|_| self.is_doubtful(at, acked)) else { return };
        match self.has_twin(place, at.id, letter).await {
            Ok(false) => {}
            Ok(true) => {
                let command = Command::new("XDEL").arg(self.dead_stream(place)).id(letter);
                let deleted = self.store.call(command).await;
                debug!(stream = place.stream, id = %at.id, %letter, ok = deleted.is_ok(), "the second of two dead letters");
            }
            Err(error) => warn!(stream = place.stream, id = %at.id, %error, "there may be two dead letters"),
        }
    }

    async fn has_twin(&self, place: &Place, id: EntryId, letter: EntryId) -> Result<bool> {
        let Some(before) = letter.previous() else { return Ok(false) };
        let command = Command::new("XREVRANGE").arg(self.dead_stream(place)).id(before).arg("-");
        let answer = self.store.call(command.arg("COUNT").int(LOOK_BACK)).await?;
        let letters = expect("XREVRANGE", answer, Value::into_entries)?;
        let id = id.to_string();
        let same = [
            ("dead-letter-id", id.as_str()),
            ("dead-letter-stream", &place.stream),
            ("dead-letter-group", &place.group),
        ];
        let is_twin = |letter: &Received| {
            let fields = letter.fields.as_ref();
            same.iter().all(|(name, value)| fields.and_then(|fields| fields.text(name)) == Some(value))
        };
        Ok(letters.iter().any(is_twin))
    }
}
