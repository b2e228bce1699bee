//! What stands in a cell.

use ackline_admin::words::is_harmful;
use chrono::{Local, TimeZone};

/// Characters of a cell at most: a payload may be megabytes.
const LONGEST: usize = 1000;

/// A string without what would move the cursor or change colours.
pub(super) fn word(bytes: &[u8]) -> String {
    let mut out = Vec::new();
    crate::cli::format::printable(&mut out, &bytes[..bytes.len().min(4 * LONGEST)]);
    let text = String::from_utf8_lossy(&out);
    let mut line: String =
        text.chars().map(|char| if is_harmful(char) { ' ' } else { char }).take(LONGEST).collect();
    if bytes.len() > 4 * LONGEST || text.chars().count() > LONGEST {
        line.push('…');
    }
    line
}

/// Milliseconds as somebody says them.
pub(super) fn elapsed(ms: i64) -> String {
    let s = ms / 1000;
    match ms {
        ..0 => "-".to_owned(),
        0..1000 => format!("{ms} ms"),
        1000..60_000 => format!("{}.{} s", s, ms % 1000 / 100),
        60_000..3_600_000 => format!("{} min {} s", s / 60, s % 60),
        3_600_000..86_400_000 => format!("{} h {} min", s / 3600, s / 60 % 60),
        _ => format!("{} d {} h", s / 86_400, s / 3600 % 24),
    }
}

/// When an entry was added, by its ID, in the time of this place; empty if the ID is no time.
pub(super) fn id_time(id: &str) -> String {
    let ms = id.split('-').next().and_then(|ms| ms.parse::<i64>().ok());
    // IDs that somebody chose are small: they would be in the seventies.
    let ms = ms.filter(|ms| *ms >= 100_000_000_000);
    let time = ms.and_then(|ms| Local.timestamp_millis_opt(ms).single());
    time.map(|time| time.format("%Y-%m-%d %H:%M:%S%.3f").to_string()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_short() {
        let all = [-1, 0, 999, 1250, 61_000, 3_660_000, 90_000_000].map(elapsed);
        assert_eq!(all, ["-", "0 ms", "999 ms", "1.2 s", "1 min 1 s", "1 h 1 min", "1 d 1 h"]);
    }

    #[test]
    fn ids_are_times_if_they_can_be() {
        assert_eq!(id_time("1-1"), "");
        assert_eq!(id_time(""), "");
        assert_eq!(id_time("18446744073709551615-0"), "");
        assert!(id_time("1700000000123-0").ends_with(":20.123"), "{}", id_time("1700000000123-0"));
    }

    #[test]
    fn words_stay_on_their_line_and_short() {
        assert_eq!(word(b"a\nb\x1b[31m\xff"), "a b\\x1b[31m\\xff");
        assert_eq!(word(&[b'x'; 5000]).chars().count(), LONGEST + 1);
    }
}
