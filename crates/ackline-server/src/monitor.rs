//! The lines that MONITOR shows.

use crate::secrets::{REDACTED, is_secret};
use crate::session::Session;
use ackline_engine::{Args, Spec};
use ackline_resp::quote;
use std::time::{SystemTime, UNIX_EPOCH};

/// `sec.usec [db addr] "word" ..`; passwords do not appear.
pub(crate) fn line(session: &Session, spec: &Spec, args: Args<'_>) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let mut line =
        format!("{}.{:06} [{} {}]", now.as_secs(), now.subsec_micros(), session.db, session.info.addr);
    for (at, word) in args.iter().enumerate() {
        line.push(' ');
        match is_secret(spec, args, at) {
            true => quote(&mut line, REDACTED.as_bytes()),
            false => quote(&mut line, word),
        }
    }
    line
}
