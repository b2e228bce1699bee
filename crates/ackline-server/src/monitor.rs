//! The lines that MONITOR shows.

use crate::acl::redact;
use crate::session::Session;
use ackline_engine::{Args, OwnedArgs, Spec};
use ackline_resp::quote;
use std::time::{SystemTime, UNIX_EPOCH};

/// `sec.usec [db addr] "word" ..`; secrets do not appear.
pub(crate) fn line(session: &Session, spec: &Spec, args: Args<'_>) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let mut line =
        format!("{}.{:06} [{} {}]", now.as_secs(), now.subsec_micros(), session.db, session.info.addr);
    let shown = redact::words(spec, args);
    for word in shown.as_ref().map_or(args, OwnedArgs::as_args).iter() {
        line.push(' ');
        quote(&mut line, word);
    }
    line
}
