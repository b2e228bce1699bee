//! Requests in the making: words appended to a buffer that is used again and again.

/// Opens a request of so many words.
pub(super) fn head(out: &mut Vec<u8>, words: usize) {
    length(out, b'*', words);
}

/// A word.
pub(super) fn word(out: &mut Vec<u8>, bytes: &[u8]) {
    length(out, b'$', bytes.len());
    out.extend_from_slice(bytes);
    out.extend_from_slice(b"\r\n");
}

/// A number as a word.
pub(super) fn number(out: &mut Vec<u8>, number: u64) {
    word(out, itoa::Buffer::new().format(number).as_bytes());
}

/// The ID of a preloaded entry: the first is `1-1`, the second `2-1`. Nobody needs to remember them.
pub(super) fn id(out: &mut Vec<u8>, nth: u64) {
    let mut digits = itoa::Buffer::new();
    let digits = digits.format(nth).as_bytes();
    length(out, b'$', digits.len() + 2);
    out.extend_from_slice(digits);
    out.extend_from_slice(b"-1\r\n");
}

/// Words one after the other, without a head: what the prepared parts of requests are made of.
pub(super) fn words(words: &[&[u8]]) -> Vec<u8> {
    let mut out = Vec::new();
    words.iter().for_each(|bytes| word(&mut out, bytes));
    out
}

/// A whole request.
pub(super) fn request(all: &[&[u8]]) -> Vec<u8> {
    let mut out = Vec::new();
    head(&mut out, all.len());
    out.extend(words(all));
    out
}

fn length(out: &mut Vec<u8>, kind: u8, length: usize) {
    out.push(kind);
    out.extend_from_slice(itoa::Buffer::new().format(length).as_bytes());
    out.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_arrays_of_bulk_strings() {
        let mut out = request(&[b"XACK", b""]);
        number(&mut out, 100);
        id(&mut out, 42);
        assert_eq!(out, b"*2\r\n$4\r\nXACK\r\n$0\r\n\r\n$3\r\n100\r\n$4\r\n42-1\r\n");
    }
}
