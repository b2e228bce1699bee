//! `ackline streams add`

use super::tail::pair;
use crate::verbs::options::Name;
use crate::verbs::output::Cell;
use crate::verbs::session::{Care, Session};
use crate::verbs::trouble::Trouble;
use ackline_admin::reply::text;
use ackline_admin::view;
use ackline_admin::words::Command;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value as Json;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::PathBuf;

/// The longest line of a file.
const LINE: u64 = 64 << 20;

/// Entries that are added in one round trip.
const TOGETHER: usize = 500;

/// `ackline streams add`
#[derive(clap::Args)]
pub(super) struct Add {
    key: Name,
    /// Fields and values: FIELD=VALUE.
    #[arg(value_name = "FIELD=VALUE")]
    fields: Vec<OsString>,
    /// The entry's ID; * = the server gives one.
    #[arg(long, default_value = "*")]
    id: String,
    /// Trims the stream to about so many entries.
    #[arg(long, value_name = "N")]
    maxlen: Option<u64>,
    /// Fields of an entry that is there already; those that are given replace them.
    #[arg(long, value_name = "ID", conflicts_with = "file")]
    from_entry: Option<String>,
    /// An entry a line, as {"field":"value",..}, [["field","value"],..], or what `tail -o ndjson` prints; - = standard input.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["fields", "id"])]
    file: Option<PathBuf>,
    #[command(flatten)]
    pub(super) care: Care,
}

/// Fields and values in order.
type Fields = Vec<(Vec<u8>, Vec<u8>)>;

impl Add {
    pub(super) fn run(&self, session: &mut Session) -> Result<(), Trouble> {
        if let Some(path) = &self.file {
            return self.lines(session, path);
        }
        let mut fields = self.template(session)?;
        for word in &self.fields {
            let (name, value) = pair(word)?;
            match fields.iter_mut().find(|(known, _)| self.from_entry.is_some() && *known == name) {
                Some((_, old)) => *old = value,
                None => fields.push((name, value)),
            }
        }
        if fields.is_empty() {
            return Err(Trouble::Usage("give fields, as in item=tea, or --from-entry or --file".to_owned()));
        }
        let id = session.change(self.command(&self.id, &fields))?.map(|id| text(&id));
        if let (true, Some(id)) = (session.out.is_table(), &id) {
            return session.out.line(id);
        }
        let affected = i64::from(id.is_some());
        let ids = id.into_iter().map(Cell::Text).collect();
        session.done_with("added", 1, affected, vec![("ids", Cell::List(ids))])
    }

    fn command(&self, id: &str, fields: &Fields) -> Command {
        let mut command = Command::new("XADD", [&self.key.0]);
        if let Some(maxlen) = self.maxlen {
            command = command.with(["MAXLEN", "~", &maxlen.to_string()]);
        }
        command.with([id]).with(fields.iter().flat_map(|(name, value)| [name, value]))
    }

    fn template(&self, session: &mut Session) -> Result<Fields, Trouble> {
        let Some(id) = &self.from_entry else { return Ok(Vec::new()) };
        let found = view::entries_by_id(&mut session.client, &self.key.0, std::slice::from_ref(id))?;
        let fields = found.into_iter().next().and_then(|entry| entry.fields);
        fields.ok_or_else(|| Trouble::Refused(format!("there is no entry {id}")))
    }

    /// Lines are added as they are read, some together. What a wrong line says of itself comes with its number.
    fn lines(&self, session: &mut Session, path: &PathBuf) -> Result<(), Trouble> {
        let mut input: Box<dyn BufRead> = match path.as_os_str() == "-" {
            true => Box::new(io::stdin().lock()),
            false => {
                let cannot = |error| Trouble::Usage(format!("{}: {error}", path.display()));
                Box::new(BufReader::new(File::open(path).map_err(cannot)?))
            }
        };
        let (mut number, mut affected, mut together) = (0, 0, Vec::new());
        loop {
            let mut line = Vec::new();
            let read = io::Read::take(&mut input, LINE).read_until(b'\n', &mut line)?;
            number += 1;
            if !line.trim_ascii().is_empty() {
                let wrong =
                    |why| Trouble::Usage(format!("line {number}: {why}; {affected} were added before"));
                let fields = entry_of(&line).map_err(wrong)?;
                together.push(self.command("*", &fields));
            }
            if together.len() == TOGETHER || read == 0 {
                affected += session.change_all(std::mem::take(&mut together))?;
            }
            if read == 0 {
                break;
            }
        }
        let matched = session.ran();
        session.done("added", matched, affected)
    }
}

/// The fields of an entry in JSON.
fn entry_of(line: &[u8]) -> Result<Fields, String> {
    let json: Json = serde_json::from_slice(line).map_err(|error| error.to_string())?;
    // What we print of an entry has its fields in a list of its own.
    let json = match json {
        Json::Object(mut object)
            if object.contains_key("id") && object.get("fields").is_some_and(Json::is_array) =>
        {
            object.remove("fields").unwrap_or_default()
        }
        other => other,
    };
    let fields: Result<Fields, String> = match json {
        Json::Object(object) => {
            object.into_iter().map(|(name, value)| Ok((name.into_bytes(), bytes_of(value)?))).collect()
        }
        Json::Array(list) => list.into_iter().map(pair_of).collect(),
        _ => Err("expected an object or a list of pairs".to_owned()),
    };
    fields.and_then(|fields| if fields.is_empty() { Err("no fields".to_owned()) } else { Ok(fields) })
}

fn pair_of(pair: Json) -> Result<(Vec<u8>, Vec<u8>), String> {
    let Json::Array(pair) = pair else { return Err("expected [field, value]".to_owned()) };
    let pair: [Json; 2] = pair.try_into().map_err(|_| "expected [field, value]".to_owned())?;
    let [name, value] = pair;
    Ok((bytes_of(name)?, bytes_of(value)?))
}

/// A string as it is, {"base64":..} decoded, everything else as its JSON.
fn bytes_of(value: Json) -> Result<Vec<u8>, String> {
    match value {
        Json::String(text) => Ok(text.into_bytes()),
        Json::Object(object) if object.len() == 1 && object.contains_key("base64") => {
            let text = object["base64"].as_str().unwrap_or_default();
            STANDARD.decode(text).map_err(|error| format!("base64: {error}"))
        }
        other => Ok(other.to_string().into_bytes()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_read_in_every_form() {
        let read = |line: &str| entry_of(line.as_bytes());
        let one = |name: &str, value: &[u8]| vec![(name.as_bytes().to_vec(), value.to_vec())];
        assert_eq!(read(r#"{"item":"tea"}"#).unwrap(), one("item", b"tea"));
        assert_eq!(read(r#"{"n":3}"#).unwrap(), one("n", b"3"));
        assert_eq!(read(r#"[["f",{"base64":"/w=="}]]"#).unwrap(), one("f", b"\xff"));
        assert_eq!(read(r#"{"id":"1-1","at":1,"fields":[["a","b"]]}"#).unwrap(), one("a", b"b"));
        assert_eq!(read(r#"{"j":{"x":1}}"#).unwrap(), one("j", br#"{"x":1}"#));
        for wrong in ["", "{", "3", "{}", r#"[["a"]]"#, r#"[["a",{"base64":"%"}]]"#] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
