//! Glob patterns: `*`, `?`, `[a-c]`, `[^a]`, `\x`.

/// Whether `text` matches `pattern` as a whole. Takes time in proportion to both lengths multiplied, whatever the
/// pattern.
pub fn matches(pattern: &[u8], text: &[u8], ignore_case: bool) -> bool {
    let (mut p, mut t) = (0, 0);
    // Where to go back to: behind the last star, and the next text byte that it may swallow.
    let mut star: Option<(usize, usize)> = None;
    loop {
        if pattern.get(p) == Some(&b'*') {
            star = Some((p + 1, t));
            p += 1;
            continue;
        }
        let step = text.get(t).and_then(|byte| one(&pattern[p..], *byte, ignore_case));
        match (step, star) {
            (Some(used), _) => (p, t) = (p + used, t + 1),
            (None, _) if t == text.len() && p == pattern.len() => return true,
            (None, Some((after, from))) if from < text.len() => {
                star = Some((after, from + 1));
                (p, t) = (after, from + 1);
            }
            _ => return false,
        }
    }
}

/// The length of the pattern's first element if it matches the byte.
fn one(pattern: &[u8], byte: u8, ignore_case: bool) -> Option<usize> {
    let same = |a: u8, b: u8| if ignore_case { a.eq_ignore_ascii_case(&b) } else { a == b };
    match pattern {
        [] => None,
        [b'?', ..] => Some(1),
        [b'[', rest @ ..] => class(rest, byte, ignore_case).map(|used| used + 1),
        [b'\\', escaped, ..] => same(*escaped, byte).then_some(2),
        [literal, ..] => same(*literal, byte).then_some(1),
    }
}

/// The length of the class behind its bracket, the closing one included, if it matches the byte.
fn class(pattern: &[u8], byte: u8, ignore_case: bool) -> Option<usize> {
    let fold = |b: u8| if ignore_case { b.to_ascii_lowercase() } else { b };
    let negated = pattern.first() == Some(&b'^');
    let mut at = usize::from(negated);
    let mut found = false;
    while let Some(&next) = pattern.get(at) {
        match (next, pattern.get(at + 1), pattern.get(at + 2)) {
            (b']', ..) => {
                at += 1;
                break;
            }
            (b'\\', Some(escaped), _) => {
                found |= fold(*escaped) == fold(byte);
                at += 2;
            }
            (low, Some(b'-'), Some(high)) => {
                let (low, high) = (fold(low).min(fold(*high)), fold(low).max(fold(*high)));
                found |= (low..=high).contains(&fold(byte));
                at += 3;
            }
            (literal, ..) => {
                found |= fold(literal) == fold(byte);
                at += 1;
            }
        }
    }
    (found != negated).then_some(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        let yes = [
            ("*", ""),
            ("h?llo", "hallo"),
            ("h[a-c]llo", "hbllo"),
            ("h[^e]llo", "hallo"),
            ("a\\*b", "a*b"),
            ("*a*b*", "xxaxxbxx"),
            ("[abc", "b"),
            ("a*", "a"),
        ];
        let no = [
            ("h?llo", "hllo"),
            ("h[^e]llo", "hello"),
            ("a\\*b", "axb"),
            ("a", "ab"),
            ("*ab", "abc"),
            ("?", ""),
        ];
        yes.iter().for_each(|(p, t)| assert!(matches(p.as_bytes(), t.as_bytes(), false), "{p} {t}"));
        no.iter().for_each(|(p, t)| assert!(!matches(p.as_bytes(), t.as_bytes(), false), "{p} {t}"));
        assert!(matches(b"ABC*", b"abcd", true));
    }

    #[test]
    fn many_stars_take_no_longer_than_their_product() {
        let pattern = b"*a".repeat(2000);
        assert!(!matches(&pattern, &b"a".repeat(1999), false));
    }
}
