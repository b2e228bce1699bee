//! Findings about who reads, and who does not.

use super::{Case, Finding, Remedy, Severity, count, span};
use crate::view::Consumer;
use crate::words::quoted;

/// Consumers that one finding names.
const NAMED: usize = 5;

pub(super) fn findings(case: &Case<'_>) -> Vec<Finding> {
    let all = [no_consumers(case), nobody_reads(case), dead(case), hoarder(case), leaked(case)]
        .into_iter()
        .flatten();
    all.collect()
}

fn no_consumers(case: &Case<'_>) -> Option<Finding> {
    if !case.facts.consumers.is_empty() || case.facts.group.consumers > 0 || !case.waits() {
        return None;
    }
    let title = format!("{} wait, and the group has no consumer", case.waiting());
    let detail = "Nobody has ever read for this group, or its consumers were deleted. Start a consumer: it gets what waits, in \
                  order. If nobody needs the group any more, delete it, so that it does not hold back trimming.";
    let found = Finding::new(Severity::Critical, "no_consumers", title, detail)
        .command("XREADGROUP GROUP", [case.group()])
        .command("XGROUP DESTROY", [case.key(), case.group()]);
    Some(with_read(found, case))
}

/// Completes the first command: its words stand on both sides of the group's name.
fn with_read(mut found: Finding, case: &Case<'_>) -> Finding {
    let read = found.commands.remove(0);
    let read = read.with([&b"<CONSUMER>"[..], b"COUNT", b"10", b"STREAMS", case.key(), b">"]);
    found.commands.insert(0, read);
    found
}

fn nobody_reads(case: &Case<'_>) -> Option<Finding> {
    let least = case.facts.consumers.iter().map(|one| one.idle).min()?;
    if !case.waits() || least < case.thresholds.silent {
        return None;
    }
    let consumers = count(case.facts.consumers.len() as i64, "consumer");
    let title = format!("{} wait, and nobody has asked for {}", case.waiting(), span(least));
    let detail = format!(
        "None of {consumers} has sent a command in this time; even one that waits in a blocking read would have got these \
         entries. The consumers have stopped, hang in a handler, or lost their connection. Look at their processes and logs, and \
         at who is connected."
    );
    let found = Finding::new(Severity::Critical, "nobody_reads", title, detail)
        .command("XINFO CONSUMERS", [case.key(), case.group()])
        .command("CLIENT LIST", [""; 0]);
    Some(found)
}

/// Those who hold entries and have been silent for a lease.
fn are_dead<'f>(case: &Case<'f>) -> Vec<&'f Consumer> {
    let is_dead = |one: &&Consumer| one.pending > 0 && one.idle >= case.thresholds.lease;
    let mut dead: Vec<_> = case.facts.consumers.iter().filter(is_dead).collect();
    dead.sort_by_key(|one| std::cmp::Reverse(one.pending));
    dead
}

/// Whether a consumer holds entries and has been silent for a lease.
pub(super) fn is_dead(case: &Case<'_>, name: &[u8]) -> bool {
    are_dead(case).iter().any(|one| one.name == name)
}

fn dead(case: &Case<'_>) -> Option<Finding> {
    let dead = are_dead(case);
    let worst = *dead.first()?;
    let held = dead.iter().fold(0_i64, |sum, one| sum.saturating_add(one.pending));
    let names: Vec<_> = dead.iter().take(NAMED).map(|one| quoted(&one.name)).collect();
    let more = if dead.len() > NAMED { " and others" } else { "" };
    let title = match &dead[..] {
        [one] => format!(
            "Consumer {} holds {} and has been silent for {}",
            quoted(&one.name),
            count(held, "entry"),
            span(one.idle)
        ),
        _ => format!("{} are silent and hold {}", count(dead.len() as i64, "consumer"), count(held, "entry")),
    };
    let detail = format!(
        "{}{more}: probably gone, or at work on one entry for longer than {}. What they hold is given to nobody else until \
         somebody claims it. Hand it to a consumer that lives, or back to the group; delete a consumer only after that, because \
         its pending entries are deleted with it.",
        names.join(", "),
        span(case.thresholds.lease)
    );
    let found = Finding::new(Severity::Warn, "dead_consumer", title, detail);
    let found = claimed(found, case);
    let found = dead.iter().take(NAMED).fold(found, |found, one| released(found, case, &one.name));
    let [stream, group, consumer] = [case.key(), case.group(), &worst.name].map(<[u8]>::to_vec);
    Some(found.remedy(Remedy::ReleaseConsumer { stream, group, consumer }))
}

/// Everything that is idle for a lease goes to the consumer that was heard of last.
fn claimed(found: Finding, case: &Case<'_>) -> Finding {
    let living = case.facts.consumers.iter().filter(|one| one.idle < case.thresholds.lease);
    let heir = living.min_by_key(|one| one.idle).map_or(&b"<CONSUMER>"[..], |one| &one.name);
    let lease = case.thresholds.lease.to_string();
    let words = [case.key(), case.group(), heir, lease.as_bytes(), b"0-0", b"COUNT", b"100"];
    found.command("XAUTOCLAIM", words)
}

/// What is known of a consumer's entries goes back to the group, where the server can do that.
fn released(found: Finding, case: &Case<'_>, consumer: &[u8]) -> Finding {
    let ids: Vec<_> =
        case.facts.sample.iter().filter(|one| one.consumer == consumer).take(super::held::SHOWN).collect();
    if !case.facts.can_release || ids.is_empty() {
        return found;
    }
    let number = ids.len().to_string();
    let head = [case.key(), case.group(), b"SILENT", b"IDS", number.as_bytes()];
    found.command("XNACK", head.into_iter().chain(ids.iter().map(|one| one.id.as_bytes())))
}

fn hoarder(case: &Case<'_>) -> Option<Finding> {
    let living = |one: &&Consumer| one.idle < case.thresholds.silent;
    let alive: Vec<_> = case.facts.consumers.iter().filter(living).collect();
    let most = *alive.iter().max_by_key(|one| one.pending)?;
    let empty = alive.iter().filter(|one| one.pending == 0).count();
    let share = most.pending as f64 / case.facts.group.pending.max(1) as f64;
    if most.pending < case.thresholds.crowd || empty == 0 || share < 0.8 {
        return None;
    }
    let title = format!(
        "Consumer {} holds {} of {}, while {} {} nothing to do",
        quoted(&most.name),
        count(most.pending, "entry"),
        case.facts.group.pending,
        count(empty as i64, "consumer"),
        if empty == 1 { "has" } else { "have" }
    );
    let detail = "It reads more at once than it works off: a COUNT or prefetch that is too large, or it does not acknowledge. Give \
                  it a smaller COUNT. What it has not begun yet may be given to the others.";
    let count = b"100";
    let found = Finding::new(Severity::Warn, "hoarder", title, detail)
        .command("XPENDING", [case.key(), case.group(), b"-", b"+", count, &most.name]);
    let heir = alive.iter().find(|one| one.pending == 0).map_or(&b"<CONSUMER>"[..], |one| &one.name);
    let lease = case.thresholds.lease.to_string();
    Some(
        found.command(
            "XAUTOCLAIM",
            [case.key(), case.group(), heir, lease.as_bytes(), b"0-0", b"COUNT", count],
        ),
    )
}

fn leaked(case: &Case<'_>) -> Option<Finding> {
    let is_leaked = |one: &&Consumer| one.pending == 0 && one.idle >= case.thresholds.leaked;
    let leaked: Vec<_> = case.facts.consumers.iter().filter(is_leaked).collect();
    let first = *leaked.first()?;
    let many = leaked.len() >= case.thresholds.leaked_count;
    let severity = if many { Severity::Warn } else { Severity::Info };
    let number = count(leaked.len() as i64, "consumer");
    let title = match &leaked[..] {
        [one] => format!("Consumer {} has been silent for {}", quoted(&one.name), span(one.idle)),
        _ => {
            format!("{number} without entries have been silent for {} and more", span(case.thresholds.leaked))
        }
    };
    let detail = "They hold nothing. Consumers that get a new name at every start are left behind like this; each takes memory and \
                  makes lists longer. Deleting them loses nothing. Names that stay the same, such as the host's, prevent it.";
    let mut found = Finding::new(severity, "leaked_consumers", title, detail);
    for one in leaked.iter().take(NAMED) {
        found = found.command("XGROUP DELCONSUMER", [case.key(), case.group(), &one.name]);
    }
    let [stream, group, consumer] = [case.key(), case.group(), &first.name].map(<[u8]>::to_vec);
    match leaked.len() {
        1 => Some(found.remedy(Remedy::DeleteConsumer { stream, group, consumer, release: false })),
        _ => Some(found),
    }
}
