//! Times as people write and read them.

use std::time::Duration;

/// The greatest second half of an ID.
const LAST: u64 = u64::MAX;

/// Reads `500ms`, `30s`, `5m`, `2h`, `1d`, `1w`, or ms without a unit.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = text.split_at(digits);
    let factor = match unit {
        "" | "ms" => 1,
        "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        "w" => 604_800_000,
        _ => 0,
    };
    let ms = number.parse::<u64>().ok().filter(|_| factor > 0).and_then(|number| number.checked_mul(factor));
    let ms = ms.filter(|ms| *ms <= i64::MAX as u64);
    ms.map(Duration::from_millis).ok_or_else(|| "expected a time such as 500ms, 30s, 5m, 2h or 1d".to_owned())
}

/// A duration in ms.
pub(super) fn ms(duration: Duration) -> i64 {
    duration.as_millis() as i64
}

/// A unix time in ms as `2026-11-21 17:05:09`, in UTC.
pub(super) fn date(ms: i64) -> String {
    let seconds = ms.div_euclid(1000);
    let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let (year, month, day) = civil(days);
    format!("{year:04}-{month:02}-{day:02} {:02}:{:02}:{:02}", second / 3600, second / 60 % 60, second % 60)
}

/// Year, month and day of a day since 1970. Years are counted from March, so that the leap day is their last.
fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (era * 400 + year_of_era + i64::from(month <= 2), month, day)
}

/// Day since 1970 of a date.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = year - i64::from(month <= 2);
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// Reads `2026-11-21`, `2026-11-21T17:05`, `2026-11-21 17:05:09`, with or without a Z: UTC. In unix ms.
pub(super) fn parse_date(text: &str) -> Option<i64> {
    let (date, time) = text.split_once(['T', ' ']).unwrap_or((text, "00:00"));
    let numbers = |text: &str, separator| -> Option<Vec<i64>> {
        text.split(separator)
            .map(|part| part.parse().ok().filter(|number| (0..=9999).contains(number)))
            .collect()
    };
    let [year, month @ 1..=12, day @ 1..=31] = numbers(date, '-')?[..] else { return None };
    let (hour, minute, second) = match numbers(time.trim_end_matches('Z'), ':')?[..] {
        [hour @ 0..24, minute @ 0..60] => (hour, minute, 0),
        [hour @ 0..24, minute @ 0..60, second @ 0..60] => (hour, minute, second),
        _ => return None,
    };
    Some(((days(year, month, day) * 24 + hour) * 3600 + minute * 60 + second) * 1000)
}

/// Where a group is put so that it gets what comes from there on: `begin`, `end`, the ID of the last entry that it is not to get, a
/// date, or a time ago.
pub(super) fn place(text: &str, now: i64) -> Result<String, String> {
    let since = |ms: i64| match ms {
        ..=0 => "0-0".to_owned(),
        ms => format!("{}-{LAST}", ms - 1),
    };
    let parts: Vec<&str> = text.splitn(2, '-').collect();
    let is_id = parts.iter().all(|part| part.parse::<u64>().is_ok());
    match text {
        "begin" => Ok("0-0".to_owned()),
        "end" | "$" => Ok("$".to_owned()),
        _ if is_id => Ok(text.to_owned()),
        _ => match (parse_date(text), duration(text)) {
            (Some(ms), _) => Ok(since(ms)),
            (None, Ok(ago)) => Ok(since(now.saturating_sub(ms(ago)))),
            _ => Err(format!(
                "{text}: expected an ID, begin, end, a date such as 2026-11-21T17:05, or a time ago such as 2h"
            )),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_units() {
        let read = |text| duration(text).map(ms);
        assert_eq!(
            ["5", "500ms", "30s", "5m", "2h", "1d"].map(|text| read(text).unwrap()),
            [5, 500, 30_000, 300_000, 7_200_000, 86_400_000]
        );
        for text in ["", "s", "-1s", "1.5s", "1y", "99999999999999999w"] {
            assert!(read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn dates_are_those_of_the_calendar() {
        assert_eq!(date(0), "1970-01-01 00:00:00");
        assert_eq!(date(1_709_210_096_789), "2024-02-29 12:34:56");
        assert_eq!(date(-1), "1969-12-31 23:59:59");
        for day in -200_000..200_000 {
            let (year, month, date) = civil(day);
            assert_eq!(days(year, month, date), day);
        }
        assert_eq!(parse_date("2024-02-29T12:34:56Z"), Some(1_709_210_096_000));
        assert_eq!(parse_date("2024-02-29 12:34"), Some(1_709_210_040_000));
        assert_eq!(parse_date("1970-01-02"), Some(86_400_000));
        for text in ["2024-13-01", "2024-02", "x", "2024-02-29T25:00", "1-2", "2024-02-29T1"] {
            assert_eq!(parse_date(text), None, "{text}");
        }
    }

    #[test]
    fn a_group_is_put_before_what_it_is_to_get() {
        let now = 10_000_000;
        let at = |text| place(text, now).unwrap();
        assert_eq!(["begin", "end", "5-1", "7"].map(at), ["0-0", "$", "5-1", "7"]);
        assert_eq!(at("1h"), format!("6399999-{LAST}"));
        assert_eq!(at("1970-01-01T00:01"), format!("59999-{LAST}"));
        assert_eq!(at("1d"), "0-0");
        assert!(place("soon", now).is_err());
    }
}
