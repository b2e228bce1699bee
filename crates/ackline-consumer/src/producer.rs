//! Adding entries.

use crate::codec::IntoEntry;
use crate::error::{Error, Result};
use crate::format::{Content, Entry, Format};
use crate::headers::{CONTENT_TYPE, HeaderStr, Headers};
use crate::store::Command;

/// An entry to add, and how.
///
/// ```
/// # use ackline_consumer::{Add, Client, Json};
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), ackline_consumer::Error> {
/// # let client = Client::open("memory:").await?;
/// let paid = Json(serde_json::json!({"order": 7}));
/// client.send(Add::to("payments", &paid).header("tenant", "north").max_len(1_000_000)).await?;
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
#[must_use = "nothing is added before it is sent"]
pub struct Add {
    stream: String,
    content: Result<Entry>,
    headers: Headers,
    format: Format,
    max_len: Option<u64>,
    once: Option<Once>,
}

#[derive(Clone, Debug)]
enum Once {
    /// The producer names each entry.
    Id(String, String),
    /// The server tells entries apart by their content.
    Content(String),
}

impl Add {
    /// An entry for a stream. A value that cannot be encoded is reported when the entry is sent.
    pub fn to(stream: impl Into<String>, value: impl IntoEntry) -> Add {
        Add {
            stream: stream.into(),
            content: value.into_entry().map_err(Error::from),
            headers: Headers::new(),
            format: Format::default(),
            max_len: None,
            once: None,
        }
    }

    /// A header, which replaces one of the same name.
    pub fn header(mut self, name: impl Into<HeaderStr>, value: impl Into<HeaderStr>) -> Add {
        self.headers.insert(name, value);
        self
    }

    /// Several headers.
    pub fn headers<N: Into<HeaderStr>, V: Into<HeaderStr>>(
        mut self,
        headers: impl IntoIterator<Item = (N, V)>,
    ) -> Add {
        self.headers.extend(headers);
        self
    }

    /// How the message lies in the entry's fields.
    pub fn format(mut self, format: Format) -> Add {
        self.format = format;
        self
    }

    /// Trims the stream to about so many entries (`MAXLEN ~`).
    pub fn max_len(mut self, entries: u64) -> Add {
        self.max_len = Some(entries);
        self
    }

    /// Adds the entry once, however often it is sent: `id` is new for each entry of this producer, and the server answers a
    /// known one with the ID of the entry that it has (IDMP, Redis 8.6). For how long it remembers, the stream's
    /// configuration says (XCFGSET).
    pub fn once(mut self, producer: impl Into<String>, id: impl Into<String>) -> Add {
        self.once = Some(Once::Id(producer.into(), id.into()));
        self
    }

    /// The same where entries have no number of their own: those of one producer with the same content are one (IDMPAUTO).
    pub fn once_by_content(mut self, producer: impl Into<String>) -> Add {
        self.once = Some(Once::Content(producer.into()));
        self
    }

    /// The stream it is for.
    pub fn stream(&self) -> &str {
        &self.stream
    }

    pub(crate) fn into_command(self) -> Result<Command> {
        let entry = self.content?;
        let mut headers = self.headers;
        // Where the content tells entries apart, a context would make all of them different.
        if !matches!(self.once, Some(Once::Content(_))) {
            crate::trace::inject(&mut headers);
        }
        if let (Some(content_type), Content::Payload(_)) = (entry.content_type, &entry.content) {
            headers.insert_default(CONTENT_TYPE, content_type);
        }
        let mut command = Command::new("XADD").arg(&self.stream);
        command = match &self.once {
            Some(Once::Id(producer, id)) => command.arg("IDMP").arg(producer).arg(id),
            Some(Once::Content(producer)) => command.arg("IDMPAUTO").arg(producer),
            None => command,
        };
        if let Some(entries) = self.max_len {
            command = command.arg("MAXLEN").arg("~").int(entries);
        }
        let words = self.format.write(&entry, &headers)?;
        Ok(words.into_iter().fold(command.arg("*"), |command, (name, value)| command.arg(name).arg(value)))
    }
}

/// The dead-letter stream of a stream. In a cluster both have to lie in one slot.
pub(crate) fn dead_letter_stream(stream: &str, cluster: bool) -> String {
    let tagged = stream.split_once('{').is_some_and(|(_, rest)| rest.find('}').is_some_and(|end| end > 0));
    match cluster && !tagged {
        true => format!("{{{stream}}}:dead"),
        false => format!("{stream}:dead"),
    }
}

#[cfg(test)]
mod tests {
    use super::dead_letter_stream;

    #[test]
    fn dead_letters_lie_in_the_slot_of_their_stream() {
        for (stream, alone, cluster) in
            [("orders", "orders:dead", "{orders}:dead"), ("{orders.0}", "{orders.0}:dead", "{orders.0}:dead")]
        {
            assert_eq!(dead_letter_stream(stream, false), alone);
            assert_eq!(dead_letter_stream(stream, true), cluster);
        }
    }
}
