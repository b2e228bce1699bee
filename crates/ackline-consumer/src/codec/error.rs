//! Why a value could not be encoded or decoded.

use crate::fields::Excerpt;
use std::error::Error;
use std::fmt;

type Source = Box<dyn Error + Send + Sync>;

/// A value that is no message of its codec, or a message that is no such value.
///
/// Its text names the codec and the reason, and shows the beginning of the payload. It is bounded: a reason
/// is cut after 300 bytes.
pub struct CodecError(Box<Inner>);

struct Inner {
    codec: &'static str,
    source: Source,
    /// What could not be decoded, escaped and in quotes; `None` when encoding.
    excerpt: Option<String>,
}

impl CodecError {
    /// Bytes of the payload that it shows.
    pub const EXCERPT_MAX: usize = 200;

    /// The payload cannot be decoded; `codec` is how people call the codec, such as `JSON`.
    pub fn decode(codec: &'static str, payload: &[u8], source: impl Into<Source>) -> CodecError {
        let excerpt = format!("{:?}", Excerpt::new(payload, CodecError::EXCERPT_MAX));
        CodecError(Box::new(Inner { codec, source: source.into(), excerpt: Some(excerpt) }))
    }

    /// The value cannot be encoded.
    pub fn encode(codec: &'static str, source: impl Into<Source>) -> CodecError {
        CodecError(Box::new(Inner { codec, source: source.into(), excerpt: None }))
    }

    /// The codec, as people call it.
    pub fn codec(&self) -> &'static str {
        self.0.codec
    }

    /// The beginning of the payload that could not be decoded, lossy, escaped and in quotes.
    pub fn excerpt(&self) -> Option<&str> {
        self.0.excerpt.as_deref()
    }
}

impl fmt::Display for CodecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { codec, source, excerpt } = &*self.0;
        let verb = if excerpt.is_some() { "decode" } else { "encode" };
        write!(f, "cannot {verb} {codec}: ")?;
        // Reasons repeat what they found, which may be all of a payload.
        write!(f, "{}", Excerpt::new(source.to_string().as_bytes(), 300))?;
        match excerpt {
            Some(excerpt) => write!(f, ", in {excerpt}"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for CodecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CodecError").field(&self.to_string()).finish()
    }
}

impl Error for CodecError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.0.source)
    }
}
