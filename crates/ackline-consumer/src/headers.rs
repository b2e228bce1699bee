//! The headers of a message.

use crate::fields::{Excerpt, Fields};
use crate::format::PAYLOAD;
use bytes::Bytes;
use std::borrow::Cow;
use std::fmt;
use std::ops::Deref;

/// The type of the payload, such as `application/json`.
pub const CONTENT_TYPE: &str = "content-type";
/// What a message, its answers and what followed from it have in common.
pub const CORRELATION_ID: &str = "correlation_id";
/// The channel on which an answer is awaited.
pub const REPLY_TO: &str = "reply_to";
/// The W3C trace context: the span that sent the message.
pub const TRACEPARENT: &str = "traceparent";
/// The W3C trace context: what tracing systems add to it.
pub const TRACESTATE: &str = "tracestate";
/// The W3C baggage: what accompanies a trace.
pub const BAGGAGE: &str = "baggage";

/// The headers that frameworks write by themselves.
pub const WELL_KNOWN: [&str; 6] = [CONTENT_TYPE, CORRELATION_ID, REPLY_TO, TRACEPARENT, TRACESTATE, BAGGAGE];

/// The name or value of a header: text that is static, or shares a buffer.
#[derive(Clone, PartialEq, Eq)]
pub struct HeaderStr(Bytes);

impl HeaderStr {
    /// `None` if it is not UTF-8.
    pub fn from_utf8(bytes: Bytes) -> Option<HeaderStr> {
        std::str::from_utf8(&bytes).ok()?;
        Some(HeaderStr(bytes))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("checked when it was made")
    }
}

impl Deref for HeaderStr {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl From<&'static str> for HeaderStr {
    fn from(text: &'static str) -> HeaderStr {
        HeaderStr(Bytes::from_static(text.as_bytes()))
    }
}

impl From<String> for HeaderStr {
    fn from(text: String) -> HeaderStr {
        HeaderStr(text.into())
    }
}

impl From<Cow<'static, str>> for HeaderStr {
    fn from(text: Cow<'static, str>) -> HeaderStr {
        match text {
            Cow::Borrowed(text) => text.into(),
            Cow::Owned(text) => text.into(),
        }
    }
}

impl From<HeaderStr> for Bytes {
    fn from(text: HeaderStr) -> Bytes {
        text.0
    }
}

impl fmt::Debug for HeaderStr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

/// The headers of a message: names and values, both text, in the order in which they were added. Names are case-sensitive.
///
/// Headers that were read share the buffer of their entry. If a stream's entry has a name twice, the first counts.
///
/// ```
/// use ackline_consumer::{CONTENT_TYPE, Headers};
///
/// let mut headers = Headers::new();
/// headers.insert(CONTENT_TYPE, "text/plain").insert("tenant", 7.to_string());
/// assert_eq!(headers.get("tenant"), Some("7"));
/// assert_eq!(headers.get("Tenant"), None);
/// ```
#[derive(Clone, Default)]
pub struct Headers(Held);

#[derive(Clone)]
enum Held {
    List(Vec<(HeaderStr, HeaderStr)>),
    /// All fields of a plain entry but its payload, looked at when somebody asks: most messages are read by handlers that ask
    /// for one header or none.
    Plain(Fields),
}

impl Default for Held {
    fn default() -> Held {
        Held::List(Vec::new())
    }
}

impl Headers {
    /// The most headers of a message.
    pub const COUNT_MAX: usize = u16::MAX as usize;
    /// The most bytes of a header's name, and of its value.
    pub const TEXT_MAX: usize = u16::MAX as usize;

    /// None; allocates nothing.
    pub fn new() -> Headers {
        Headers::default()
    }

    /// The fields of a plain entry, apart from its payload and those that are not UTF-8.
    pub(crate) fn of_plain(fields: Fields) -> Headers {
        Headers(Held::Plain(fields))
    }

    /// The value of the first header of this name.
    pub fn get(&self, name: &str) -> Option<&str> {
        match &self.0 {
            Held::List(list) => {
                list.iter().find(|(other, _)| other.0 == name).map(|(_, value)| value.as_str())
            }
            Held::Plain(_) if name == PAYLOAD => None,
            // As bytes: the names of the others need not be text for that.
            Held::Plain(fields) => {
                let mut found = fields.iter().filter(|(other, _)| *other == name.as_bytes());
                found.find_map(|(_, value)| std::str::from_utf8(value).ok())
            }
        }
    }

    /// Whether there is a header of this name.
    pub fn contains(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// Adds a header, or gives it another value at its old place.
    pub fn insert(&mut self, name: impl Into<HeaderStr>, value: impl Into<HeaderStr>) -> &mut Headers {
        let (name, value) = (name.into(), value.into());
        let list = self.list();
        match list.iter().position(|(other, _)| *other == name) {
            None => list.push((name, value)),
            Some(at) => {
                list[at].1 = value;
                let mut index = 0;
                list.retain(|(other, _)| {
                    index += 1;
                    index <= at + 1 || *other != name
                });
            }
        }
        self
    }

    /// Adds a header, unless there is one of its name.
    pub fn insert_default(
        &mut self,
        name: impl Into<HeaderStr>,
        value: impl Into<HeaderStr>,
    ) -> &mut Headers {
        let name = name.into();
        if !self.contains(&name) {
            self.push(name, value.into());
        }
        self
    }

    /// Removes a header; says whether there was one.
    pub fn remove(&mut self, name: &str) -> bool {
        let list = self.list();
        let before = list.len();
        list.retain(|(other, _)| other.as_str() != name);
        list.len() < before
    }

    /// Adds one without looking for another of its name: reading many headers must not take quadratic time.
    pub(crate) fn push(&mut self, name: HeaderStr, value: HeaderStr) {
        self.list().push((name, value));
    }

    /// These behind others, which come first and therefore count. Others that are not UTF-8 are left out.
    pub(crate) fn behind(mut self, others: impl Iterator<Item = (Bytes, Bytes)>) -> Headers {
        let text = |(name, value)| Some((HeaderStr::from_utf8(name)?, HeaderStr::from_utf8(value)?));
        let mut all: Vec<_> = others.filter_map(text).collect();
        all.append(self.list());
        Headers(Held::List(all))
    }

    /// Names and values, shared.
    pub(crate) fn slices(&self) -> impl Iterator<Item = (Bytes, Bytes)> + '_ {
        let (list, fields) = match &self.0 {
            Held::List(list) => (Some(list), None),
            Held::Plain(fields) => (None, Some(fields)),
        };
        let listed = list.into_iter().flatten().map(|(name, value)| (name.0.clone(), value.0.clone()));
        let share = |fields: &Fields, text: &str| fields.share(text.as_bytes());
        let plain = fields.into_iter().flat_map(move |fields| {
            self.iter().map(move |(name, value)| (share(fields, name), share(fields, value)))
        });
        listed.chain(plain)
    }

    /// Names and values in their order.
    pub fn iter(&self) -> HeadersIter<'_> {
        HeadersIter(match &self.0 {
            Held::List(list) => Walk::List(list.iter()),
            Held::Plain(fields) => Walk::Plain(fields.iter()),
        })
    }

    /// The number of headers.
    pub fn len(&self) -> usize {
        match &self.0 {
            Held::List(list) => list.len(),
            Held::Plain(_) => self.iter().count(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }

    /// Whether a message may have them.
    ///
    /// # Errors
    /// More than [`Headers::COUNT_MAX`] of them, or a name or value of more than [`Headers::TEXT_MAX`] bytes.
    pub fn check(&self) -> Result<(), HeadersError> {
        let mut count = 0;
        for (name, value) in self {
            count += 1;
            if name.len() > Headers::TEXT_MAX || value.len() > Headers::TEXT_MAX {
                let name = format!("{:?}", Excerpt::new(name.as_bytes(), 64));
                return Err(HeadersError::TooLong { name });
            }
        }
        if count > Headers::COUNT_MAX { Err(HeadersError::TooMany { count }) } else { Ok(()) }
    }

    fn list(&mut self) -> &mut Vec<(HeaderStr, HeaderStr)> {
        if let Held::Plain(_) = &self.0 {
            self.0 =
                Held::List(self.slices().map(|(name, value)| (HeaderStr(name), HeaderStr(value))).collect());
        }
        match &mut self.0 {
            Held::List(list) => list,
            Held::Plain(_) => unreachable!("made a list above"),
        }
    }
}

/// Headers that a message cannot have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HeadersError {
    /// More than [`Headers::COUNT_MAX`].
    #[error("{count} headers, but a message can have {} at most", Headers::COUNT_MAX)]
    TooMany {
        /// How many.
        count: usize,
    },
    /// A name or value of more than [`Headers::TEXT_MAX`] bytes.
    #[error("the header {name} is too long: names and values have {} bytes at most", Headers::TEXT_MAX)]
    TooLong {
        /// The beginning of its name, in quotes.
        name: String,
    },
}

/// Names and values of [`Headers`], in their order.
#[derive(Clone, Debug)]
pub struct HeadersIter<'a>(Walk<'a>);

#[derive(Clone, Debug)]
enum Walk<'a> {
    List(std::slice::Iter<'a, (HeaderStr, HeaderStr)>),
    Plain(crate::fields::FieldsIter<'a>),
}

impl<'a> Iterator for HeadersIter<'a> {
    type Item = (&'a str, &'a str);

    fn next(&mut self) -> Option<Self::Item> {
        match &mut self.0 {
            Walk::List(list) => list.next().map(|(name, value)| (name.as_str(), value.as_str())),
            Walk::Plain(fields) => fields.find_map(|(name, value)| {
                let name = std::str::from_utf8(name).ok().filter(|&name| name != PAYLOAD)?;
                Some((name, std::str::from_utf8(value).ok()?))
            }),
        }
    }
}

impl<'a> IntoIterator for &'a Headers {
    type Item = (&'a str, &'a str);
    type IntoIter = HeadersIter<'a>;

    fn into_iter(self) -> HeadersIter<'a> {
        self.iter()
    }
}

impl IntoIterator for Headers {
    type Item = (HeaderStr, HeaderStr);
    type IntoIter = std::vec::IntoIter<(HeaderStr, HeaderStr)>;

    fn into_iter(mut self) -> Self::IntoIter {
        std::mem::take(self.list()).into_iter()
    }
}

/// Later headers replace earlier ones of their name.
impl<N: Into<HeaderStr>, V: Into<HeaderStr>> FromIterator<(N, V)> for Headers {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(headers: I) -> Headers {
        let mut all = Headers::new();
        all.extend(headers);
        all
    }
}

/// Later headers replace earlier ones of their name.
impl<N: Into<HeaderStr>, V: Into<HeaderStr>> Extend<(N, V)> for Headers {
    fn extend<I: IntoIterator<Item = (N, V)>>(&mut self, headers: I) {
        for (name, value) in headers {
            self.insert(name, value);
        }
    }
}

/// Equal if the same headers are in the same order.
impl PartialEq for Headers {
    fn eq(&self, other: &Headers) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for Headers {}

/// Shows at most 16 headers, and of each name and value at most 64 bytes.
impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 16;
        let mut all = self.iter();
        let mut map = f.debug_map();
        for (name, value) in all.by_ref().take(SHOWN) {
            map.entry(&Excerpt::new(name.as_bytes(), 64), &Excerpt::new(value.as_bytes(), 64));
        }
        match all.next() {
            Some(_) => map.finish_non_exhaustive(),
            None => map.finish(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn insert_replaces_at_the_old_place() {
        let mut headers: Headers = [("a", "1"), ("b", "2"), ("a", "3")].into_iter().collect();
        assert_eq!(headers.iter().collect::<Vec<_>>(), [("a", "3"), ("b", "2")]);
        headers.insert_default("b", "4").insert_default("c", "5");
        assert_eq!((headers.get("b"), headers.get("c"), headers.len()), (Some("2"), Some("5"), 3));
        assert!(headers.remove("a") && !headers.remove("a"));
        assert_eq!(format!("{headers:?}"), r#"{"b": "2", "c": "5"}"#);
    }

    #[test]
    fn headers_of_plain_fields_are_those_that_are_text_and_not_the_payload() {
        let fields: Fields =
            [("a", &b"1"[..]), ("data", b"{}"), ("binary", &[0xff]), ("a", b"2"), ("b", b"")]
                .into_iter()
                .collect();
        let mut headers = Headers::of_plain(fields);
        assert_eq!(headers.iter().collect::<Vec<_>>(), [("a", "1"), ("a", "2"), ("b", "")]);
        assert_eq!((headers.get("a"), headers.get("data"), headers.len()), (Some("1"), None, 3));
        headers.insert("a", "3");
        assert_eq!(headers, [("a", "3"), ("b", "")].into_iter().collect());
    }

    #[test]
    fn limits_are_errors() {
        let long = "x".repeat(Headers::TEXT_MAX + 1);
        let check =
            |name: &str, value: &str| Headers::from_iter([(name.to_owned(), value.to_owned())]).check();
        assert_eq!(check(&long[1..], &long[1..]), Ok(()));
        assert!(matches!(check(&long, ""), Err(HeadersError::TooLong { .. })));
        let error = check("name", &long).expect_err("too long");
        assert_eq!(
            error.to_string(),
            r#"the header "name" is too long: names and values have 65535 bytes at most"#
        );

        let mut many = Headers::new();
        (0..=Headers::COUNT_MAX).for_each(|at| many.push(at.to_string().into(), "".into()));
        assert_eq!(many.check(), Err(HeadersError::TooMany { count: 65536 }));
    }
}
