//! A number over an hour by seconds, and over a week by minutes.

use super::ring::Ring;

/// An hour of seconds, a week of minutes.
const SECONDS: usize = 3600;
const MINUTES: usize = 7 * 24 * 60;

/// Over how many seconds a rate is taken, and how far apart its two points may be.
const SMOOTH: usize = 5;
const APART: usize = 31;

/// How far apart points are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Second,
    Minute,
}

impl Step {
    pub(crate) fn ms(self) -> i64 {
        match self {
            Step::Second => 1000,
            Step::Minute => 60_000,
        }
    }
}

/// One number.
#[derive(Debug)]
pub(crate) struct Series {
    seconds: Ring,
    minutes: Ring,
    /// The minute that is not over yet, and the last value in it.
    current: (i64, Option<i64>),
}

impl Default for Series {
    fn default() -> Series {
        Series { seconds: Ring::new(SECONDS), minutes: Ring::new(MINUTES), current: (0, None) }
    }
}

impl Series {
    /// The value in a second, which is later than those before.
    pub(crate) fn push(&mut self, second: i64, value: Option<i64>) {
        self.seconds.push(second, value);
        let (minute, last) = self.current;
        let now = second.div_euclid(60);
        if now == minute {
            self.current.1 = value.or(last);
            return;
        }
        if minute > 0 {
            self.minutes.push(minute, last);
        }
        self.current = (now, value);
    }

    /// `count` points until a slot of the step.
    pub(crate) fn values(&self, step: Step, last: i64, count: usize) -> Vec<Option<i64>> {
        match step {
            Step::Second => self.seconds.values(last, count),
            Step::Minute => self.minutes.values(last, count),
        }
    }

    /// What a counter gains a second just now.
    pub(crate) fn rate(&self, second: i64) -> Option<f64> {
        rate(&self.seconds.values(second, APART))
    }

    /// Bytes of memory.
    #[cfg(test)]
    pub(crate) fn memory(&self) -> usize {
        self.seconds.memory() + self.minutes.memory()
    }
}

/// What is gained a second between the last point and one some seconds before it.
pub(crate) fn rate(points: &[Option<i64>]) -> Option<f64> {
    let mut known = points.iter().enumerate().rev().filter_map(|(at, value)| Some((at, (*value)?)));
    let (end, last) = known.next()?;
    if points.len() - end > APART / 3 {
        return None;
    }
    let before: Vec<(usize, i64)> = known.collect();
    let (start, first) = before.iter().rev().find(|(at, _)| at + SMOOTH >= end).or(before.first())?;
    // Less than before: it began anew.
    (last >= *first).then(|| (last - first) as f64 / (end - start) as f64)
}

/// What is gained a second from point to point of a counter. The first is known only by the one before it.
pub(crate) fn gains(points: &[Option<i64>], step: Step) -> Vec<Option<f64>> {
    let per_step = step.ms() as f64 / 1000.0;
    let gain = |pair: &[Option<i64>]| {
        let gain = pair[1]?.checked_sub(pair[0]?)?;
        (gain >= 0).then(|| gain as f64 / per_step)
    };
    points.windows(2).map(gain).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minutes_have_their_last_value() {
        let mut series = Series::default();
        for second in 600..900 {
            series.push(second, Some(second));
        }
        assert_eq!(series.values(Step::Minute, 14, 5), [Some(659), Some(719), Some(779), Some(839), None]);
        assert_eq!(series.values(Step::Second, 899, 2), [Some(898), Some(899)]);
    }

    #[test]
    fn rates_of_counters() {
        let points =
            |values: &[i64]| values.iter().map(|value| (*value >= 0).then_some(*value)).collect::<Vec<_>>();
        assert_eq!(rate(&points(&[0, 100, 110, 120, 130, 140, 150])), Some(10.0));
        assert_eq!(rate(&points(&[-1, -1, 5])), None);
        assert_eq!(rate(&points(&[50, -1, -1, -1, -1, -1, -1, -1, -1, -1, 150])), Some(10.0));
        assert_eq!(rate(&points(&[50, 3])), None);
        assert_eq!(
            gains(&points(&[1, 3, -1, 5, 9, 2]), Step::Second),
            [Some(2.0), None, None, Some(4.0), None]
        );
        assert_eq!(gains(&points(&[0, 120]), Step::Minute), [Some(2.0)]);
    }

    #[test]
    fn a_week_at_its_worst_is_bounded() {
        let mut series = Series::default();
        for second in 0..(8 * 24 * 3600) {
            series.push(second, Some(if second / 60 % 2 == 0 { i64::MAX / 4 } else { second }));
        }
        assert!(series.memory() < super::super::SERIES_BYTES, "{}", series.memory());
    }
}
