//! Streams with entries and pending entries, the same in every server. The nth entry has the ID n-1.

use super::client::Client;
use ackline_resp::encode::request;

/// Requests that travel together.
const BATCH: u64 = 1000;
/// 100 bytes.
pub(super) const PAYLOAD: &str =
    "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789";
/// The stream and its group, unless there are many.
pub(super) const KEY: &str = "compare";
pub(super) const GROUP: &str = "g";
/// Who holds what is pending.
pub(super) const HOLDER: &str = "holder";

/// Sends one request for each number, many at a time.
pub(super) fn many<T: AsRef<[u8]>>(
    client: &mut Client,
    numbers: std::ops::RangeInclusive<u64>,
    words: impl Fn(u64) -> Vec<T>,
) -> Result<(), String> {
    let (mut out, last) = (Vec::new(), *numbers.end());
    for from in numbers.step_by(BATCH as usize) {
        let batch = from..=(from + BATCH - 1).min(last);
        out.clear();
        batch.clone().for_each(|n| request(&mut out, &words(n)));
        client.batch(&out, (batch.end() - from + 1) as usize)?;
    }
    Ok(())
}

/// Entries 1 to `count`.
pub(super) fn add(client: &mut Client, count: u64) -> Result<(), String> {
    many(client, 1..=count, |n| ["XADD".into(), KEY.into(), id(n), "f".into(), PAYLOAD.to_owned()].to_vec())
}

/// Makes all entries pending, from the first on.
pub(super) fn deliver(client: &mut Client, count: u64) -> Result<(), String> {
    let step = BATCH.to_string();
    let words = ["XREADGROUP", "GROUP", GROUP, HOLDER, "COUNT", &step, "STREAMS", KEY, ">"];
    for _ in 0..count.div_ceil(BATCH) {
        client.ask(&words)?;
    }
    match pending(client)? {
        have if have == count => Ok(()),
        have => Err(format!("{have} entries are pending instead of {count}")),
    }
}

/// Entries, a group, and all of them pending.
pub(super) fn all(client: &mut Client, count: u64) -> Result<(), String> {
    add(client, count)?;
    client.ask(&["XGROUP", "CREATE", KEY, GROUP, "0"])?;
    deliver(client, count)
}

/// How many are pending.
pub(super) fn pending(client: &mut Client) -> Result<u64, String> {
    use ackline_resp::decode_reply::Value::{Array, Int};
    match client.ask(&["XPENDING", KEY, GROUP])? {
        Array(parts) => match parts.first() {
            Some(Int(count)) => Ok(*count as u64),
            _ => Err("XPENDING counts nothing".to_owned()),
        },
        _ => Err("XPENDING counts nothing".to_owned()),
    }
}

pub(super) fn id(n: u64) -> String {
    format!("{n}-1")
}
