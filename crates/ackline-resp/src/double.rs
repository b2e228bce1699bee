//! Doubles as text, spelled as Redis spells them.
//!
//! ```text
//! digits d, exponent k: value = d * 10^k, d the shortest that reads back to the value, n digits long
//!   whole, up to 2^62                            1000000000000000000      as an integer
//!   k >= 0, fewer than 7 zeros to add            12345678901234567000
//!   k in -6..0, or the point near the start      0.00001   123456.789
//!   else                                         1.5e+300  1e-7
//! ```
//!
//! About one random double in four hundred is spelled differently, and as exactly: Redis does not always find the
//! shortest digits.

use std::io::Write;

/// The longest: a sign, `0.`, five zeros and seventeen digits.
const LONGEST: usize = 32;
/// Whole numbers up to here are written as integers.
const WHOLE: f64 = (1u64 << 62) as f64;

/// A short text on the stack.
#[derive(Clone, Copy)]
pub(crate) struct Text {
    bytes: [u8; LONGEST],
    len: usize,
}

impl Text {
    const EMPTY: Text = Text { bytes: [0; LONGEST], len: 0 };

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    fn add(&mut self, more: &[u8]) {
        self.bytes[self.len..self.len + more.len()].copy_from_slice(more);
        self.len += more.len();
    }

    fn zeros(&mut self, count: usize) {
        self.add(&b"0000000000000000000000000"[..count]);
    }
}

/// Spells a double.
pub(crate) fn text(n: f64) -> Text {
    let mut out = Text::EMPTY;
    if n.is_nan() {
        out.add(b"nan");
        return out;
    }
    if n.is_sign_negative() {
        out.add(b"-");
    }
    match n.abs() {
        f64::INFINITY => out.add(b"inf"),
        n if n <= WHOLE && n.fract() == 0.0 => out.add(itoa::Buffer::new().format(n as u64).as_bytes()),
        n => shortest(n, &mut out),
    }
    out
}

/// A positive number that is no small integer.
fn shortest(n: f64, out: &mut Text) {
    let mut digits = [0; LONGEST];
    let (count, point) = take_apart(n, &mut digits);
    let digits = &digits[..count];
    // The power of ten that the digits, as an integer, are multiplied with.
    let power = point + 1 - count as i32;
    if power >= 0 && point < count as i32 + 7 {
        out.add(digits);
        out.zeros(power as usize);
    } else if power < 0 && (power > -7 || point.abs() < 4) {
        fraction(digits, point, out);
    } else {
        exponential(digits, point, out);
    }
}

/// The shortest digits of a number, how many they are, and the power of ten of the first.
fn take_apart(n: f64, digits: &mut [u8; LONGEST]) -> (usize, i32) {
    let mut buffer = [0; LONGEST];
    let mut rest = &mut buffer[..];
    // Seventeen digits, a point and an exponent fit; a failure would only cut the text.
    let _ = write!(rest, "{n:e}");
    let used = LONGEST - rest.len();
    let text = &buffer[..used];
    let at = text.iter().position(|byte| *byte == b'e').unwrap_or(used);
    let mut count = 0;
    for digit in text[..at].iter().filter(|byte| byte.is_ascii_digit()) {
        digits[count] = *digit;
        count += 1;
    }
    let exponent = std::str::from_utf8(&text[(at + 1).min(used)..]).ok().and_then(|text| text.parse().ok());
    (count, exponent.unwrap_or(0))
}

fn fraction(digits: &[u8], point: i32, out: &mut Text) {
    match usize::try_from(point) {
        Ok(point) => {
            let (whole, part) = digits.split_at(point + 1);
            out.add(whole);
            out.add(b".");
            out.add(part);
        }
        Err(_) => {
            out.add(b"0.");
            out.zeros(point.unsigned_abs() as usize - 1);
            out.add(digits);
        }
    }
}

fn exponential(digits: &[u8], point: i32, out: &mut Text) {
    out.add(&digits[..1]);
    if digits.len() > 1 {
        out.add(b".");
        out.add(&digits[1..]);
    }
    out.add(if point < 0 { b"e-" } else { b"e+" });
    out.add(itoa::Buffer::new().format(point.unsigned_abs()).as_bytes());
}

#[cfg(test)]
mod tests {
    use super::text;
    use proptest::prelude::*;

    #[test]
    fn spelled_like_redis() {
        let spelled = [
            (0.0, "0"),
            (-0.0, "-0"),
            (1e8, "100000000"),
            (1e18, "1000000000000000000"),
            (5e18, "5e+18"),
            (1e20, "1e+20"),
            (12345678901234567890.0, "12345678901234567000"),
            (1.2345678901234568e21, "1234567890123456800000"),
            (1.5e300, "1.5e+300"),
            (1.5e22, "1.5e+22"),
            (-1.5e-20, "-1.5e-20"),
            (0.1, "0.1"),
            (2.125, "2.125"),
            (123456.789, "123456.789"),
            (0.00001, "0.00001"),
            (0.000001, "0.000001"),
            (0.000012, "0.000012"),
            (1.25e-6, "1.25e-6"),
            (1e-7, "1e-7"),
            (f64::INFINITY, "inf"),
            (f64::NEG_INFINITY, "-inf"),
            (f64::NAN, "nan"),
        ];
        for (n, expected) in spelled {
            assert_eq!(text(n).as_bytes(), expected.as_bytes());
        }
    }

    proptest! {
        #[test]
        fn reads_back_to_the_same(bits: u64) {
            let n = f64::from_bits(bits);
            let spelled = text(n);
            let back: f64 = std::str::from_utf8(spelled.as_bytes()).unwrap().parse().unwrap();
            prop_assert!(back == n || (back.is_nan() && n.is_nan()));
        }

        #[test]
        fn common_sizes_read_back(mantissa in any::<i64>(), scale in -30i32..30) {
            let n = mantissa as f64 * 10f64.powi(scale);
            let back: f64 = std::str::from_utf8(text(n).as_bytes()).unwrap().parse().unwrap();
            prop_assert_eq!(back, n);
        }
    }
}
