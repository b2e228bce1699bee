//! Streams, groups and pending entries that a workload needs, before the measured time; and away with them afterwards.

use super::control::Control;
use super::plan::Plan;
use super::wire;

/// Requests that are sent together.
const BATCH: u64 = 1000;
/// Bytes of payload that travel together.
const BATCH_BYTES: u64 = 1 << 20;
/// Who holds what is prepared as pending.
const HOLDER: &[u8] = b"holder";

/// Deletes the keys.
pub(super) fn delete(control: &mut Control, plan: &Plan<'_>) -> Result<(), String> {
    for keys in plan.keys.chunks(BATCH as usize) {
        let words: Vec<&[u8]> =
            [b"DEL".as_slice()].into_iter().chain(keys.iter().map(|key| key.as_bytes())).collect();
        control.ask(&words)?;
    }
    Ok(())
}

/// Deletes the keys and makes them as the workload wants to find them.
pub(super) fn prepare(control: &mut Control, plan: &Plan<'_>) -> Result<(), String> {
    delete(control, plan)?;
    for key in &plan.keys {
        if let Some(entries) = plan.work.entries() {
            add(control, plan, key, entries)?;
        }
    }
    if plan.work.has_groups() {
        for (key, group) in plan.targets() {
            control.ask(&[b"XGROUP", b"CREATE", key.as_bytes(), group.as_bytes(), b"0", b"MKSTREAM"])?;
            deliver(control, plan, key, group)?;
        }
    }
    Ok(())
}

/// Entries of a batch, so that their payloads stay below the limit.
fn batch(plan: &Plan<'_>) -> u64 {
    (BATCH_BYTES / (plan.entry.len() as u64)).clamp(1, BATCH)
}

fn add(control: &mut Control, plan: &Plan<'_>, key: &str, entries: u64) -> Result<(), String> {
    let start = wire::words(&[b"XADD", key.as_bytes()]);
    let mut out = Vec::new();
    let step = batch(plan);
    for from in (1..=entries).step_by(step as usize) {
        let ids = from..(from + step).min(entries + 1);
        out.clear();
        for nth in ids.clone() {
            wire::head(&mut out, 3 + plan.entry_words());
            out.extend_from_slice(&start);
            wire::id(&mut out, nth);
            out.extend_from_slice(&plan.entry);
        }
        control.exchange(&out, (ids.end - ids.start) as usize, |_| {})?;
    }
    Ok(())
}

fn deliver(control: &mut Control, plan: &Plan<'_>, key: &str, group: &str) -> Result<(), String> {
    let step = batch(plan).to_string();
    let (key, group) = (key.as_bytes(), group.as_bytes());
    let read: [&[u8]; 9] =
        [b"XREADGROUP", b"GROUP", group, HOLDER, b"COUNT", step.as_bytes(), b"STREAMS", key, b">"];
    let read = wire::request(&read);
    let mut left = plan.work.entries().unwrap_or(0);
    while left > 0 {
        let mut got = 0;
        control.exchange(&read, 1, |reply| got = reply.walk().entries_of_one_stream().unwrap_or(0) as u64)?;
        if got == 0 {
            return Err("preparing pending entries: the server delivered less than was added".to_owned());
        }
        left = left.saturating_sub(got);
    }
    Ok(())
}
