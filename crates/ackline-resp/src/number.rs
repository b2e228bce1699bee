//! Decimals of headers, read strictly: `-0`, `+1`, `01`, blanks and the empty text are no numbers.

/// Reads a whole text as a number.
pub(crate) fn strict(text: &[u8]) -> Option<i64> {
    match text {
        [b'0'] => Some(0),
        // Downwards, because the least number has no positive counterpart.
        [b'-', digits @ ..] => significant(digits, |n, digit| n.checked_mul(10)?.checked_sub(digit)),
        digits => significant(digits, |n, digit| n.checked_mul(10)?.checked_add(digit)),
    }
}

fn significant(digits: &[u8], add: impl Fn(i64, i64) -> Option<i64>) -> Option<i64> {
    if !matches!(digits, [b'1'..=b'9', ..]) {
        return None;
    }
    digits.iter().try_fold(0, |n, byte| match byte {
        b'0'..=b'9' => add(n, i64::from(byte - b'0')),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::strict;

    #[test]
    fn reads_every_i64() {
        for n in [0, 1, -1, 10, 16384, i64::from(i32::MAX), i64::MAX, i64::MIN] {
            assert_eq!(strict(n.to_string().as_bytes()), Some(n));
        }
    }

    #[test]
    fn refuses_every_other_spelling() {
        for text in ["", "-", "+1", "-0", "00", "01", "-01", " 1", "1 ", "1a", "0x1", "--1", "1\0"] {
            assert_eq!(strict(text.as_bytes()), None, "{text:?}");
        }
        for text in ["9223372036854775808", "-9223372036854775809", "99999999999999999999999"] {
            assert_eq!(strict(text.as_bytes()), None, "{text:?}");
        }
    }
}
