//! Values as messages.

mod error;
mod form;
#[cfg(test)]
mod tests;
mod values;

pub use error::CodecError;
pub use form::Form;
pub use values::{Auto, Json, MsgPack, Raw, Text};

use crate::fields::Fields;
use crate::format::{Body, Entry};
use bytes::Bytes;

/// A value that makes a payload. What implements it can be added to a stream: it is [`IntoEntry`], and so is a reference to it.
pub trait Encode {
    /// The payload and its content type, if there is one to tell.
    ///
    /// # Errors
    /// The value has no such form.
    fn encode(&self) -> Result<(Bytes, Option<&'static str>), CodecError>;
}

/// A value that can be made of a message.
pub trait Decode: Sized {
    /// The value. `body` was read from `fields`, which are for those who want an entry as it is.
    ///
    /// # Errors
    /// The message is not of this form: trying again will not help.
    fn decode(body: &Body, fields: &Fields) -> Result<Self, CodecError>;
}

/// What can be added to a stream: values in a codec, such as `Json(order)` or `&Json(order)`, and fields, such as
/// `[("item", "tea")]`. Headers are given apart from it.
pub trait IntoEntry {
    /// The entry to add.
    ///
    /// # Errors
    /// The value has no such form.
    fn into_entry(self) -> Result<Entry, CodecError>;
}

impl<T: Encode + ?Sized> Encode for &T {
    fn encode(&self) -> Result<(Bytes, Option<&'static str>), CodecError> {
        (**self).encode()
    }
}

impl<T: Encode> IntoEntry for T {
    fn into_entry(self) -> Result<Entry, CodecError> {
        let (payload, content_type) = self.encode()?;
        Ok(Entry::payload(payload, content_type))
    }
}

impl IntoEntry for Entry {
    fn into_entry(self) -> Result<Entry, CodecError> {
        Ok(self)
    }
}

impl IntoEntry for Fields {
    fn into_entry(self) -> Result<Entry, CodecError> {
        Ok(Entry::fields(self))
    }
}

impl IntoEntry for &Fields {
    fn into_entry(self) -> Result<Entry, CodecError> {
        Ok(Entry::fields(self.clone()))
    }
}

impl<N: AsRef<[u8]>, V: AsRef<[u8]>> IntoEntry for &[(N, V)] {
    fn into_entry(self) -> Result<Entry, CodecError> {
        Ok(Entry::fields(self.iter().map(|(name, value)| (name, value)).collect()))
    }
}

impl<N: AsRef<[u8]>, V: AsRef<[u8]>, const LEN: usize> IntoEntry for &[(N, V); LEN] {
    fn into_entry(self) -> Result<Entry, CodecError> {
        self.as_slice().into_entry()
    }
}

impl<N: AsRef<[u8]>, V: AsRef<[u8]>, const LEN: usize> IntoEntry for [(N, V); LEN] {
    fn into_entry(self) -> Result<Entry, CodecError> {
        self.as_slice().into_entry()
    }
}

impl<N: AsRef<[u8]>, V: AsRef<[u8]>> IntoEntry for Vec<(N, V)> {
    fn into_entry(self) -> Result<Entry, CodecError> {
        self.as_slice().into_entry()
    }
}

/// The entry as it is.
impl Decode for Fields {
    fn decode(_: &Body, fields: &Fields) -> Result<Fields, CodecError> {
        Ok(fields.clone())
    }
}

/// Payload and headers, undecoded.
impl Decode for Body {
    fn decode(body: &Body, _: &Fields) -> Result<Body, CodecError> {
        Ok(body.clone())
    }
}
