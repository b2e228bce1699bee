//! One stream, or several that are one.

/// The streams that a consumer reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Streams(pub(crate) Vec<String>);

impl From<&str> for Streams {
    fn from(name: &str) -> Streams {
        Streams(vec![name.to_owned()])
    }
}

impl From<String> for Streams {
    fn from(name: String) -> Streams {
        Streams(vec![name])
    }
}

impl<S: Into<String>> FromIterator<S> for Streams {
    fn from_iter<I: IntoIterator<Item = S>>(names: I) -> Streams {
        Streams(names.into_iter().map(Into::into).collect())
    }
}

impl<S: Into<String>, const N: usize> From<[S; N]> for Streams {
    fn from(names: [S; N]) -> Streams {
        names.into_iter().collect()
    }
}

impl From<&Spread> for Streams {
    fn from(spread: &Spread) -> Streams {
        spread.streams().collect()
    }
}

impl From<Spread> for Streams {
    fn from(spread: Spread) -> Streams {
        Streams::from(&spread)
    }
}

/// One logical stream in several parts, so that a cluster spreads it over its nodes, and consumers over processes. What has
/// the same key lies in the same part, and so keeps its order.
///
/// ```
/// let orders = ackline_consumer::Spread::new("orders", 4);
/// assert_eq!(orders.streams().next().as_deref(), Some("{orders.0}"));
/// assert_eq!(orders.stream_of("customer-7"), orders.stream_of("customer-7"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spread {
    name: String,
    parts: u32,
}

impl Spread {
    /// `parts` streams, at least one, named `{name.0}`, `{name.1}` .. The name is the hash tag, so that a part and its dead
    /// letters lie in one slot. The number of parts decides where a key lies: it must be the same everywhere and for ever.
    pub fn new(name: impl Into<String>, parts: u32) -> Spread {
        Spread { name: name.into(), parts: parts.max(1) }
    }

    /// The stream of a key.
    pub fn stream_of(&self, key: impl AsRef<[u8]>) -> String {
        // Every program, of whatever version, has to agree: FNV-1a of 64 bits.
        let hash = key.as_ref().iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, &byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        self.part((hash % u64::from(self.parts)) as u32)
    }

    /// All of its streams.
    pub fn streams(&self) -> impl Iterator<Item = String> + '_ {
        (0..self.parts).map(|part| self.part(part))
    }

    fn part(&self, part: u32) -> String {
        format!("{{{}.{part}}}", self.name)
    }
}
