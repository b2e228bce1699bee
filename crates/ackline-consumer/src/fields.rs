//! The fields of one entry, in one buffer.

use bytes::{BufMut, Bytes, BytesMut};
use std::fmt;

/// The fields of one entry: pairs of a name and a value, both any bytes, in the order in which they were added.
///
/// All of them lie in one buffer, which clones and [slices](Fields::slice) share. Names are looked up by walking along the
/// pairs. A name may occur more than once, as XADD allows: [`get`](Fields::get) gives the first.
///
/// ```
/// use ackline_consumer::Fields;
///
/// let fields: Fields = [("item", "tea"), ("pieces", "3")].into_iter().collect();
/// assert_eq!(fields.text("item"), Some("tea"));
/// assert_eq!(fields.get("price"), None);
/// ```
#[derive(Clone, Default)]
pub struct Fields {
    /// Each word behind its length as a varint. A varint, because a broker may allow words of any length.
    buffer: Bytes,
    /// Pairs.
    len: usize,
}

impl Fields {
    /// The fields that a reply lists as words: name, value, name, value. `None` if the last name has no value.
    ///
    /// The words are walked twice, first for their size: the buffer is allocated once. Of many entries that arrive together a
    /// [`FieldsBuilder`] makes fewer allocations than there are entries.
    ///
    /// ```
    /// use ackline_consumer::Fields;
    ///
    /// let fields = Fields::from_words(&[b"item".to_vec(), b"tea".to_vec()]).expect("a name and a value");
    /// assert_eq!(fields.text("item"), Some("tea"));
    /// assert_eq!(Fields::from_words(["item"]), None);
    /// ```
    pub fn from_words<W>(words: W) -> Option<Fields>
    where
        W: IntoIterator<Item: AsRef<[u8]>, IntoIter: Clone>,
    {
        let words = words.into_iter();
        let size = words.clone().map(|word| size_of_word(word.as_ref().len())).sum();
        let mut buffer = Vec::with_capacity(size);
        let count = words.map(|word| put_word(&mut buffer, word.as_ref())).count();
        (count % 2 == 0).then(|| Fields { buffer: buffer.into(), len: count / 2 })
    }

    /// The value of the first field of this name.
    pub fn get(&self, name: impl AsRef<[u8]>) -> Option<&[u8]> {
        let name = name.as_ref();
        self.iter().find(|&(other, _)| other == name).map(|(_, value)| value)
    }

    /// As [`Fields::get`], where the value is UTF-8; `None` too if it is not.
    pub fn text(&self, name: impl AsRef<[u8]>) -> Option<&str> {
        std::str::from_utf8(self.get(name)?).ok()
    }

    /// As [`Fields::get`], sharing the buffer: the slice keeps all the fields in memory.
    pub fn slice(&self, name: impl AsRef<[u8]>) -> Option<Bytes> {
        self.get(name).map(|value| self.share(value))
    }

    /// Names and values in their order.
    pub fn iter(&self) -> FieldsIter<'_> {
        FieldsIter { rest: &self.buffer, left: self.len }
    }

    /// The number of pairs.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Bytes of all names and values, with one to four more for each: what the entry takes in memory.
    pub fn size(&self) -> usize {
        self.buffer.len()
    }

    /// Names and values as slices that share the buffer.
    pub fn slices(&self) -> impl Iterator<Item = (Bytes, Bytes)> + '_ {
        self.iter().map(|(name, value)| (self.share(name), self.share(value)))
    }

    /// `part` must lie within the buffer.
    pub(crate) fn share(&self, part: &[u8]) -> Bytes {
        self.buffer.slice_ref(part)
    }
}

impl<N: AsRef<[u8]>, V: AsRef<[u8]>> FromIterator<(N, V)> for Fields {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Fields {
        let (mut buffer, mut len) = (Vec::new(), 0);
        for (name, value) in pairs {
            let (name, value) = (name.as_ref(), value.as_ref());
            buffer.reserve(size_of_word(name.len()) + size_of_word(value.len()));
            put_word(&mut buffer, name);
            put_word(&mut buffer, value);
            len += 1;
        }
        Fields { buffer: buffer.into(), len }
    }
}

impl<'a> IntoIterator for &'a Fields {
    type Item = (&'a [u8], &'a [u8]);
    type IntoIter = FieldsIter<'a>;

    fn into_iter(self) -> FieldsIter<'a> {
        self.iter()
    }
}

/// Equal if the same pairs are in the same order.
impl PartialEq for Fields {
    fn eq(&self, other: &Fields) -> bool {
        // A length is encoded in one way only, so equal pairs are equal bytes.
        self.buffer == other.buffer
    }
}

impl Eq for Fields {}

/// Shows at most 16 pairs, and of each name and value at most 64 bytes.
impl fmt::Debug for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const PAIRS: usize = 16;
        let mut map = f.debug_map();
        map.entries(
            self.iter().take(PAIRS).map(|(name, value)| (Excerpt::new(name, 64), Excerpt::new(value, 64))),
        );
        match self.len > PAIRS {
            true => map.finish_non_exhaustive(),
            false => map.finish(),
        }
    }
}

/// Names and values of [`Fields`], in their order.
#[derive(Clone, Debug)]
pub struct FieldsIter<'a> {
    rest: &'a [u8],
    left: usize,
}

impl<'a> Iterator for FieldsIter<'a> {
    type Item = (&'a [u8], &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (name, rest) = take_word(self.rest)?;
        let (value, rest) = take_word(rest)?;
        self.rest = rest;
        self.left -= 1;
        Some((name, value))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for FieldsIter<'_> {}

/// Makes the [`Fields`] of one entry after the other. They share buffers: for the entries of one reply there are far fewer
/// allocations than entries, but each entry that is kept keeps its neighbours in memory, up to the capacity.
///
/// ```
/// use ackline_consumer::FieldsBuilder;
///
/// let mut builder = FieldsBuilder::with_capacity(4096);
/// let tea = builder.push("item", "tea").finish();
/// let milk = builder.push("item", "milk").finish();
/// assert_eq!((tea.text("item"), milk.text("item")), (Some("tea"), Some("milk")));
/// ```
#[derive(Debug, Default)]
pub struct FieldsBuilder {
    buffer: BytesMut,
    len: usize,
}

impl FieldsBuilder {
    /// Allocates nothing yet.
    pub fn new() -> FieldsBuilder {
        FieldsBuilder::default()
    }

    /// Buffers of `bytes` bytes, as long as entries are smaller; beyond 64 KB only the first one is that large.
    pub fn with_capacity(bytes: usize) -> FieldsBuilder {
        FieldsBuilder { buffer: BytesMut::with_capacity(bytes), len: 0 }
    }

    /// Another field of the entry at hand.
    pub fn push(&mut self, name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> &mut FieldsBuilder {
        put_word(&mut self.buffer, name.as_ref());
        put_word(&mut self.buffer, value.as_ref());
        self.len += 1;
        self
    }

    /// The entry at hand, and the next one begins.
    pub fn finish(&mut self) -> Fields {
        Fields { buffer: self.buffer.split().freeze(), len: std::mem::take(&mut self.len) }
    }

    /// A whole entry: what was pushed, and fields listed as words. `None`, and the entry is dropped, if the last name has no
    /// value.
    pub fn words(&mut self, words: impl IntoIterator<Item: AsRef<[u8]>>) -> Option<Fields> {
        let count = words.into_iter().map(|word| put_word(&mut self.buffer, word.as_ref())).count();
        self.len += count / 2;
        let fields = self.finish();
        (count % 2 == 0).then_some(fields)
    }
}

/// Bytes of a word of this length, its length included.
fn size_of_word(len: usize) -> usize {
    let bits = usize::BITS - (len | 1).leading_zeros();
    bits.div_ceil(7) as usize + len
}

fn put_word(buffer: &mut impl BufMut, word: &[u8]) {
    let mut len = word.len();
    while len > 0x7f {
        buffer.put_u8(len as u8 | 0x80);
        len >>= 7;
    }
    buffer.put_u8(len as u8);
    buffer.put_slice(word);
}

/// The first word and what follows it; `None` at the end.
fn take_word(buffer: &[u8]) -> Option<(&[u8], &[u8])> {
    let (&first, mut rest) = buffer.split_first()?;
    let (mut len, mut shift) = (usize::from(first & 0x7f), 7);
    let mut last = first;
    while last & 0x80 != 0 {
        (last, rest) = rest.split_first().map(|(&byte, rest)| (byte, rest))?;
        len |= usize::from(last & 0x7f) << shift;
        shift += 7;
    }
    rest.split_at_checked(len)
}

/// The beginning of some bytes as text, as logs and errors show it: lossy and bounded; with `Debug` escaped and in quotes.
pub(crate) struct Excerpt<'a> {
    part: &'a [u8],
    cut: bool,
}

impl<'a> Excerpt<'a> {
    /// At most `max` bytes of it.
    pub(crate) fn new(bytes: &'a [u8], max: usize) -> Excerpt<'a> {
        let cut = bytes.len() > max;
        let mut part = &bytes[..bytes.len().min(max)];
        // A character that the limit cuts in two is left out; one that was damaged before is shown as such.
        if cut && let Some(last) = part.utf8_chunks().last() {
            part = &part[..part.len() - incomplete(last.invalid())];
        }
        Excerpt { part, cut }
    }
}

/// Bytes of the beginning of a character of which more would have to follow.
fn incomplete(bytes: &[u8]) -> usize {
    match std::str::from_utf8(bytes) {
        Err(error) if error.error_len().is_none() => bytes.len(),
        _ => 0,
    }
}

/// As it is, for what is escaped already.
impl fmt::Display for Excerpt<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(self.part))?;
        if self.cut { f.write_str("…") } else { Ok(()) }
    }
}

impl fmt::Debug for Excerpt<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", String::from_utf8_lossy(self.part))?;
        if self.cut { f.write_str("…") } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;

    fn pair() -> impl Strategy<Value = (Vec<u8>, Vec<u8>)> {
        (
            vec(any::<u8>(), 0..6),
            prop_oneof![4 => vec(any::<u8>(), 0..40), 1 => vec(any::<u8>(), 100..20_000)],
        )
    }

    proptest! {
        #[test]
        fn pairs_come_back_whichever_way_they_went_in(pairs in vec(pair(), 0..8)) {
            let fields: Fields = pairs.iter().map(|(name, value)| (name, value)).collect();
            let words: Vec<&Vec<u8>> = pairs.iter().flat_map(|(name, value)| [name, value]).collect();
            let listed = Fields::from_words(words.clone()).expect("whole");
            prop_assert_eq!(&fields, &listed);
            let mut builder = FieldsBuilder::with_capacity(1000);
            builder.push("before", "this").finish();
            let built = builder.words(&words).expect("whole");
            prop_assert_eq!(&fields, &built);

            let back: Vec<_> = fields.iter().map(|(name, value)| (name.to_vec(), value.to_vec())).collect();
            prop_assert_eq!(fields.iter().len(), pairs.len());
            prop_assert_eq!(fields.len(), pairs.len());
            for (name, _) in &pairs {
                let first = pairs.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_slice());
                prop_assert_eq!(fields.get(name), first);
                let slice = fields.slice(name);
                prop_assert_eq!(slice.as_deref(), first);
            }
            prop_assert_eq!(back, pairs);
        }

        #[test]
        fn the_size_of_a_word_is_what_it_takes(len in prop_oneof![0_usize..300, 16_000..17_000_usize]) {
            let mut buffer = Vec::new();
            put_word(&mut buffer, &vec![7; len]);
            prop_assert_eq!(buffer.len(), size_of_word(len));
        }
    }

    #[test]
    fn a_name_without_a_value_is_no_entry() {
        let mut builder = FieldsBuilder::new();
        assert_eq!(builder.words(["a", "1", "b"]), None);
        let next = builder.words(["c", "2"]).expect("a whole entry");
        assert_eq!(next.iter().collect::<Vec<_>>(), [(&b"c"[..], &b"2"[..])]);
    }

    #[test]
    fn entries_of_one_builder_share_their_buffer() {
        let mut builder = FieldsBuilder::with_capacity(4096);
        let first = builder.push("a", "1").finish();
        let second = builder.push("a", "2").finish();
        let distance = second.buffer.as_ptr() as usize - first.buffer.as_ptr() as usize;
        assert_eq!(distance, first.size());
        let slice = second.slice("a").expect("there is one");
        assert_eq!(slice.as_ptr() as usize, second.buffer.as_ptr() as usize + 3);
    }

    #[test]
    fn debug_is_bounded_and_readable() {
        let fields: Fields = [("item", &b"tea\n"[..]), ("raw", &[0xff, b'a'])].into_iter().collect();
        assert_eq!(format!("{fields:?}"), r#"{"item": "tea\n", "raw": "�a"}"#);
        let long: Fields = (0..100_000).map(|_| ("n", "ż".repeat(1000))).take(200).collect();
        let shown = format!("{long:?}");
        assert!(shown.len() < 2000, "{}", shown.len());
        assert!(!shown.contains('\u{fffd}'), "{shown}");
    }

    #[test]
    fn an_excerpt_ends_with_a_whole_character() {
        assert_eq!(format!("{:?}", Excerpt::new("aż".as_bytes(), 2)), r#""a"…"#);
        assert_eq!(format!("{:?}", Excerpt::new(&[b'a', 0xff, b'b'], 2)), r#""a�"…"#);
        assert_eq!(format!("{:?}", Excerpt::new(b"ab", 2)), r#""ab""#);
    }
}
