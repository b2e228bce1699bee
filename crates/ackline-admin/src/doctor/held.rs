//! Findings about pending entries.

use super::consumers::is_dead;
use super::{Case, Finding, Remedy, Severity, count, span};
use crate::view::{Pending, id_parts};
use crate::words::quoted;
use std::collections::HashSet;

/// IDs that one command of a finding names.
pub(super) const SHOWN: usize = 20;

/// From here on a number of deliveries is a mark: XNACK FATAL sets the greatest number, and SILENT takes one off.
const FATAL: i64 = i64::MAX / 2;

pub(super) fn findings(case: &Case<'_>) -> Vec<Finding> {
    let gone: HashSet<&str> = case.facts.gone.iter().map(String::as_str).collect();
    let there: Vec<&Pending> =
        case.facts.sample.iter().filter(|one| !gone.contains(one.id.as_str())).collect();
    [
        gone_entries(case),
        poison(case, &there),
        fatal(case, &there),
        released(case, &there),
        stuck_head(case, &there),
    ]
    .into_iter()
    .chain([never_acked(case)])
    .flatten()
    .collect()
}

fn gone_entries(case: &Case<'_>) -> Option<Finding> {
    let gone = &case.facts.gone;
    if gone.is_empty() {
        return None;
    }
    let title = format!("{} pending, but deleted from the stream", are(case, gone.len()));
    let detail = "Their content was deleted or trimmed before they were acknowledged, so nobody can process them any more: trimming \
                  went over work that was not done. They stay pending until they are acknowledged, or until XAUTOCLAIM comes by \
                  and takes them out. To keep it from happening again, trim less, or with ACKED (XTRIM .. ACKED, Redis 8.2).";
    Some(acknowledged(Finding::new(Severity::Warn, "gone", title, detail), case, gone.iter()))
}

/// `3 entries are`, with a word of caution if more was not looked at.
fn are(case: &Case<'_>, n: usize) -> String {
    let least = if case.facts.sample_is_whole() { "" } else { "At least " };
    format!("{least}{} {}", count(n as i64, "entry"), if n == 1 { "is" } else { "are" })
}

/// Ends with the command that acknowledges some of these entries, and the action that acknowledges all of them.
fn acknowledged<'i>(found: Finding, case: &Case<'_>, ids: impl Iterator<Item = &'i String>) -> Finding {
    let ids: Vec<String> = ids.cloned().collect();
    let head = [case.key(), case.group()];
    let [stream, group] = head.map(<[u8]>::to_vec);
    let shown = ids.iter().take(SHOWN).map(String::as_bytes);
    found.command("XACK", head.into_iter().chain(shown)).remedy(Remedy::Ack { stream, group, ids })
}

fn poison(case: &Case<'_>, there: &[&Pending]) -> Option<Finding> {
    let suspect = |one: &&&Pending| (case.thresholds.deliveries..FATAL).contains(&one.deliveries);
    let mut suspects: Vec<_> = there.iter().filter(suspect).copied().collect();
    suspects.sort_by_key(|one| std::cmp::Reverse(one.deliveries));
    let worst = *suspects.first()?;
    let title =
        format!("{} delivered {} times or more", are(case, suspects.len()), case.thresholds.deliveries);
    let detail = format!(
        "{} was delivered {} times and not acknowledged. An entry that fails again and again, or that kills its consumer, holds \
         up others. Look at it, then move it to the dead letters (`ackline pending bury`), mark it as FATAL so that consumers \
         that know the mark give it up, or acknowledge it: then it counts as done.",
        worst.id, worst.deliveries
    );
    let found = Finding::new(Severity::Warn, "poison", title, detail)
        .command("XRANGE", [case.key(), worst.id.as_bytes(), worst.id.as_bytes()]);
    let found = nacked(found, case, "FATAL", &suspects);
    Some(acknowledged(found, case, suspects.iter().map(|one| &one.id)))
}

/// With the command that gives some of these entries back in a mode, where the server knows it.
fn nacked(found: Finding, case: &Case<'_>, mode: &str, entries: &[&Pending]) -> Finding {
    if !case.facts.can_release {
        return found;
    }
    let shown = &entries[..entries.len().min(SHOWN)];
    let number = shown.len().to_string();
    let head = [case.key(), case.group(), mode.as_bytes(), b"IDS", number.as_bytes()];
    let again: &[&[u8]] = if mode == "FAIL" { &[b"RETRYCOUNT", b"0"] } else { &[] };
    let ids = shown.iter().map(|one| one.id.as_bytes());
    found.command("XNACK", head.into_iter().chain(ids).chain(again.iter().copied()))
}

fn fatal(case: &Case<'_>, there: &[&Pending]) -> Option<Finding> {
    let marked: Vec<_> = there.iter().filter(|one| one.deliveries >= FATAL).copied().collect();
    let first = *marked.first()?;
    let title = format!("{} given up by a consumer (XNACK FATAL)", are(case, marked.len()));
    let detail = "Somebody has said that these cannot be processed. The mark is only a number: the server goes on handing them out, \
                  and consumers have to move them aside. Look at one; move it to the dead letters (`ackline pending bury`), \
                  acknowledge it, or give it another chance by a count of 0.";
    let found = Finding::new(Severity::Warn, "fatal", title, detail)
        .command("XRANGE", [case.key(), first.id.as_bytes(), first.id.as_bytes()]);
    let found = nacked(found, case, "FAIL", &marked);
    Some(acknowledged(found, case, marked.iter().map(|one| &one.id)))
}

/// Nothing says since when an entry has been free; it cannot be longer than it exists.
fn released(case: &Case<'_>, there: &[&Pending]) -> Option<Finding> {
    if case.facts.released == 0 {
        return None;
    }
    let oldest = there.iter().find(|one| one.idle < 0);
    let age = oldest
        .and_then(|one| id_parts(&one.id))
        .map_or(0, |(ms, _)| case.facts.now.saturating_sub_unsigned(ms));
    let severity = if age >= case.thresholds.lease { Severity::Warn } else { Severity::Info };
    let n = case.facts.released;
    let title = format!(
        "{} to nobody",
        if n == 1 { "1 entry belongs".to_owned() } else { format!("{} belong", count(n, "entry")) }
    );
    let detail = "They were given back (XNACK) and wait for somebody to take them. A plain XREADGROUP with > does not: consumers have \
                  to read with CLAIM, or call XAUTOCLAIM or XCLAIM from time to time.";
    let lease = case.thresholds.lease.to_string();
    let found = Finding::new(severity, "released", title, detail).command(
        "XAUTOCLAIM",
        [case.key(), case.group(), b"<CONSUMER>", lease.as_bytes(), b"0-0", b"COUNT", b"100"],
    );
    Some(found)
}

/// What a dead consumer holds, and what is suspected to be poison, is told elsewhere.
fn stuck_head(case: &Case<'_>, there: &[&Pending]) -> Option<Finding> {
    let owned: Vec<_> = there.iter().filter(|one| one.idle >= 0 && one.deliveries < FATAL).collect();
    let oldest = **owned.iter().max_by_key(|one| one.idle)?;
    let mut idle: Vec<i64> = owned.iter().map(|one| one.idle).collect();
    let median = *idle.select_nth_unstable(owned.len() / 2).1;
    let far = oldest.idle >= case.thresholds.lease && oldest.idle / 10 >= median.max(1);
    if !far
        || owned.len() < 3
        || oldest.deliveries >= case.thresholds.deliveries
        || is_dead(case, &oldest.consumer)
    {
        return None;
    }
    let title = format!(
        "{} has been pending for {}, half of the others for less than {}",
        oldest.id,
        span(oldest.idle),
        span(median)
    );
    let detail = format!(
        "Consumer {} lives and works on others, so it has probably forgotten this one: an error path without acknowledgement, or a \
         task that was dropped. As long as it is pending, the stream cannot be trimmed up to what is done.",
        quoted(&oldest.consumer)
    );
    let lease = case.thresholds.lease.to_string();
    let found = Finding::new(Severity::Warn, "stuck_head", title, detail)
        .command("XRANGE", [case.key(), oldest.id.as_bytes(), oldest.id.as_bytes()])
        .command("XCLAIM", [case.key(), case.group(), b"<CONSUMER>", lease.as_bytes(), oldest.id.as_bytes()]);
    Some(acknowledged(found, case, std::iter::once(&oldest.id)))
}

fn never_acked(case: &Case<'_>) -> Option<Finding> {
    let (pending, read) = (case.facts.group.pending, case.facts.group.entries_read?);
    let is_old = case.facts.sample.first().is_some_and(|one| one.idle >= case.thresholds.lease);
    if pending < case.thresholds.crowd || pending < read - read / 10 || !is_old {
        return None;
    }
    let title = format!("{} of {} that were ever delivered are still pending", pending, count(read, "entry"));
    let detail = "Next to nothing was acknowledged: do the consumers call XACK at all, with this stream and this group? If they need \
                  no acknowledgement, let them read with NOACK; if all of it is done, acknowledge it.";
    let found = Finding::new(Severity::Warn, "never_acked", title, detail)
        .command("XPENDING", [case.key(), case.group(), b"-", b"+", b"10"])
        .command("XACK", [case.key(), case.group(), b"<ID>"]);
    Some(found)
}
