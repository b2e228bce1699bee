//! Findings about the stream, and where the group stands in it.

use super::{Case, Finding, Severity, count, span};
use crate::view::id_parts;
use crate::words::quoted;

/// IDs before this time, in the year 2001, are no times.
const EARLIEST: i64 = 1_000_000_000_000;

pub(super) fn findings(case: &Case<'_>) -> Vec<Finding> {
    let all =
        [behind(case), lag_unknown(case), created_at_end(case), untrimmed(case), quiet(case), healthy(case)];
    all.into_iter().flatten().collect()
}

fn reads(case: &Case<'_>) -> bool {
    case.facts.consumers.iter().any(|one| one.idle < case.thresholds.silent)
}

/// Entries wait, and somebody reads. The rest of the story, if it was looked at twice, is in the rates.
fn behind(case: &Case<'_>) -> Option<Finding> {
    if !case.waits() || !reads(case) {
        return None;
    }
    let title = format!("{} wait to be delivered", case.waiting());
    let rates = case.facts.rates.filter(|rates| rates.added > 0.0 || rates.delivered > 0.0);
    let Some(rates) = rates else {
        let detail = "Consumers read. Look again: if the number falls, all is well.";
        return Some(Finding::new(Severity::Info, "behind", title, detail));
    };
    let flow = format!("{:.1} a second are added, {:.1} delivered", rates.added, rates.delivered);
    if rates.added > rates.delivered * 1.05 {
        let detail =
            format!("{flow}: the group falls further behind. More consumers, or faster ones, are needed.");
        let found = Finding::new(Severity::Warn, "falls_behind", title, detail);
        return Some(found.command("XINFO CONSUMERS", [case.key(), case.group()]));
    }
    let surplus = rates.delivered - rates.added;
    let drained =
        case.lag().filter(|_| surplus > 0.0).map(|lag| span((lag as f64 / surplus * 1000.0) as i64));
    let detail = format!(
        "{flow}: {}",
        drained.map_or("it stays.".to_owned(), |time| format!("drained in about {time}."))
    );
    Some(Finding::new(Severity::Info, "behind", title, detail))
}

fn lag_unknown(case: &Case<'_>) -> Option<Finding> {
    if case.lag().is_some() || case.facts.stream.length == 0 || case.at_end() {
        return None;
    }
    let counts = case.facts.stream.entries_added > 0 || case.facts.group.entries_read.is_some();
    let why = match counts {
        false => "This server does not count what groups have read; Redis does since 7.0.",
        true => {
            "Between the group's place and the end of the stream entries were deleted, or the group was put at an ID in the middle: \
             the server cannot tell how many are left. Once the group has read to the end it can again."
        }
    };
    let detail = format!(
        "{why} The entries themselves can be counted, in pages, behind the last one that was delivered."
    );
    let place = format!("({}", case.facts.group.last_delivered_id);
    let title = "The server cannot say how many entries wait".to_owned();
    let found = Finding::new(Severity::Info, "lag_unknown", title, detail);
    Some(found.command("XRANGE", [case.key(), place.as_bytes(), b"+", b"COUNT", b"1000"]))
}

fn created_at_end(case: &Case<'_>) -> Option<Finding> {
    let facts = case.facts;
    let fresh = facts.group.entries_read.is_none() && facts.group.pending == 0 && facts.group.lag.is_some();
    if !fresh
        || facts.stream.length == 0
        || !case.at_end()
        || facts.consumers.iter().any(|one| one.inactive.is_some())
    {
        return None;
    }
    let title =
        format!("The group has got nothing yet: it began behind {}", count(facts.stream.length, "entry"));
    let detail = "It was created at $, or put to the end: only what is added from then on is delivered. If the consumers should get what \
                  is already there, put it to the beginning.";
    let found = Finding::new(Severity::Info, "created_at_end", title, detail);
    Some(found.command("XGROUP SETID", [case.key(), case.group(), b"0"]))
}

/// What this group is done with, and no other group asks for.
fn untrimmed(case: &Case<'_>) -> Option<Finding> {
    let stream = &case.facts.stream;
    let done = stream.length.saturating_sub(case.lag()?).saturating_sub(case.facts.group.pending);
    if case.facts.other_groups > 0 || done < case.thresholds.untrimmed || done < stream.length / 10 * 9 {
        return None;
    }
    let severity = if done / 10 >= case.thresholds.untrimmed { Severity::Warn } else { Severity::Info };
    let title = format!("{} of {} are acknowledged and still kept", done, count(stream.length, "entry"));
    let memory =
        stream.memory.map_or(String::new(), |bytes| format!(" It takes {} MB of memory.", bytes / 1_000_000));
    let detail = format!(
        "Acknowledging does not delete, and nobody trims this stream: it grows for ever.{memory} Let producers add with MAXLEN ~ N, \
         let consumers acknowledge by XACKDEL (Redis 8.2), or trim now: this removes what lies before the group's oldest work."
    );
    let pending = case.facts.sample.first().map(|one| one.id.as_str());
    let keep = pending.unwrap_or(&case.facts.group.last_delivered_id);
    let found = Finding::new(severity, "untrimmed", title, detail);
    Some(found.command("XTRIM", [case.key(), b"MINID", b"~", keep.as_bytes()]))
}

/// Ms since the last entry was added, if its ID is a time.
fn quiet_for(case: &Case<'_>) -> Option<i64> {
    let (ms, _) = id_parts(&case.facts.stream.last_id)?;
    let ms = i64::try_from(ms).ok()?;
    (EARLIEST <= ms && ms <= case.facts.now).then(|| case.facts.now - ms)
}

fn quiet(case: &Case<'_>) -> Option<Finding> {
    let quiet = quiet_for(case).filter(|quiet| *quiet >= case.thresholds.quiet)?;
    let title = format!("Nothing was added for {}", span(quiet));
    let detail = "If that is not expected, look at the producers: do they run, and do they add to this key in this database?";
    let found = Finding::new(Severity::Info, "producers_stopped", title, detail);
    Some(found.command("XREVRANGE", [case.key(), b"+", b"-", b"COUNT", b"1"]))
}

fn healthy(case: &Case<'_>) -> Option<Finding> {
    let pending = case.facts.group.pending;
    if case.waits() {
        return None;
    }
    if pending > 0 {
        let title = format!("Everything is delivered, {} in work", count(pending, "entry"));
        let detail = "They are pending until their consumers acknowledge them.";
        return Some(Finding::new(Severity::Info, "working", title, detail));
    }
    let title = "Everything is delivered and acknowledged".to_owned();
    let who = match case.facts.consumers.len() {
        0 => "The group has no consumer yet, and nothing to do.".to_owned(),
        n => format!(
            "Group {} with {} waits for producers.",
            quoted(case.group()),
            count(n as i64, "consumer")
        ),
    };
    Some(Finding::new(Severity::Info, "healthy", title, who))
}
