//! Dead letters: what they say, and how they are sent back.

use crate::client::Client;
use crate::error::Result;
use crate::fields::Fields;
use crate::id::EntryId;
use crate::producer::Add;
use crate::store::{Command, Received, Value, expect};

/// What names of fields begin with that say where a dead letter comes from.
const PREFIX: &[u8] = b"dead-letter-";

pub(crate) const REASON: &str = "dead-letter-reason";
pub(crate) const ERROR: &str = "dead-letter-error";
pub(crate) const STREAM: &str = "dead-letter-stream";
pub(crate) const GROUP: &str = "dead-letter-group";
pub(crate) const CONSUMER: &str = "dead-letter-consumer";
pub(crate) const ID: &str = "dead-letter-id";
pub(crate) const DELIVERIES: &str = "dead-letter-deliveries";

/// An entry of a dead-letter stream: what it was, and why it is here.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DeadLetter {
    /// `rejected`: the handler said so. `failed`: it failed, and the policy gives no second try. `malformed`: the message could not
    /// be decoded. `max-deliveries`: it was tried too often. `fatal`: somebody gave it up by XNACK FATAL.
    pub reason: String,
    /// The last error, or what the handler gave as its reason; empty if there was none.
    pub error: String,
    /// The stream that it comes from.
    pub stream: String,
    /// The group that it was delivered for.
    pub group: String,
    /// The consumer that had it last.
    pub consumer: String,
    /// The ID that it had there.
    pub id: EntryId,
    /// How often it was delivered.
    pub deliveries: u64,
    /// Its fields as they were.
    pub fields: Fields,
}

impl DeadLetter {
    /// Reads the fields of an entry of a dead-letter stream. `None` if they do not say where it comes from.
    pub fn of(fields: &Fields) -> Option<DeadLetter> {
        let text = |name| fields.text(name).unwrap_or_default().to_owned();
        Some(DeadLetter {
            stream: fields.text(STREAM)?.to_owned(),
            id: fields.text(ID)?.parse().ok()?,
            reason: text(REASON),
            error: text(ERROR),
            group: text(GROUP),
            consumer: text(CONSUMER),
            deliveries: text(DELIVERIES).parse().unwrap_or_default(),
            fields: fields.iter().filter(|(name, _)| !name.starts_with(PREFIX)).collect(),
        })
    }

    /// The entry as it was, for the stream that it comes from. It gets a new ID there, and its deliveries are counted anew.
    pub fn again(&self) -> Add {
        Add::to(&self.stream, &self.fields)
    }
}

/// Dead letters. What lies in their stream and is none is left out.
impl Client {
    /// The dead letters in a stream behind an ID ([`EntryId::ZERO`] at first), each with its own ID there: at most `count`, and
    /// none only at the end.
    pub async fn dead_letters(
        &self,
        stream: &str,
        mut after: EntryId,
        count: usize,
    ) -> Result<Vec<(EntryId, DeadLetter)>> {
        while let Some(from) = after.next() {
            let command = Command::new("XRANGE").arg(stream).id(from).arg("+").arg("COUNT").int(count);
            let entries = expect("XRANGE", self.store().call(command).await?, Value::into_entries)?;
            let Some(last) = entries.last() else { break };
            after = last.id;
            let letter = |Received { id, fields, .. }| Some((id, DeadLetter::of(&fields?)?));
            let letters: Vec<_> = entries.into_iter().filter_map(letter).collect();
            if !letters.is_empty() {
                return Ok(letters);
            }
        }
        Ok(Vec::new())
    }

    /// Sends a dead letter back to where it comes from, and removes it, in one step. Its new ID; `None` if there is no such
    /// dead letter. Two who send back the same one at the same time may both succeed.
    ///
    /// ```
    /// # use ackline_consumer::{Client, EntryId, Result};
    /// async fn redrive_all(client: &Client, stream: &str) -> Result<()> {
    ///     let dead = client.dead_letter_stream(stream);
    ///     let mut after = EntryId::ZERO;
    ///     loop {
    ///         let page = client.dead_letters(&dead, after, 100).await?;
    ///         let Some(&(last, _)) = page.last() else { return Ok(()) };
    ///         for (id, letter) in page {
    ///             if letter.reason == "max-deliveries" {
    ///                 client.redrive(&dead, id).await?;
    ///             }
    ///         }
    ///         after = last;
    ///     }
    /// }
    /// ```
    pub async fn redrive(&self, stream: &str, id: EntryId) -> Result<Option<EntryId>> {
        let command = Command::new("XRANGE").arg(stream).id(id).id(id);
        let entries = expect("XRANGE", self.store().call(command).await?, Value::into_entries)?;
        let fields = entries.into_iter().next().and_then(|entry| entry.fields);
        let Some(letter) = fields.as_ref().and_then(DeadLetter::of) else { return Ok(None) };
        let back = vec![letter.again().into_command()?, Command::new("XDEL").arg(stream).id(id)];
        let added = self.store().transaction(back).await?.into_iter().next().unwrap_or(Value::Nil);
        expect("XADD", added, |added| added.id()).map(Some)
    }
}
