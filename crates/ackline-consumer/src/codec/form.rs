//! Structs as plain fields: each field of the struct is a field of the entry, as text.

mod de;
mod ser;

use super::{CodecError, Decode, IntoEntry};
use crate::fields::Fields;
use crate::format::{Body, Entry};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt;

/// How errors call it.
const CODEC: &str = "fields";

/// A struct or map as the fields of an entry, their values as text: what
/// `XADD orders * item tea pieces 3` writes.
///
/// Values are numbers, strings, characters, bytes, unit variants of enums, bools (written `true` and `false`; `1`, `0`, `True`
/// and `False` are read too) and `Option`s of these: a field that is missing is `None`, and `None` is not written. What holds
/// more than one value does not fit. With `#[serde(flatten)]` and tagged enums only strings can be read, because serde then asks
/// for values without saying which type it wants.
///
/// [Well-known headers](crate::WELL_KNOWN) are left out unless the struct has a field of their name, so that
/// `#[serde(deny_unknown_fields)]` can be used.
///
/// ```
/// use ackline_consumer::{Body, Decode, Fields, Form};
///
/// #[derive(serde::Deserialize)]
/// struct Order {
///     item: String,
///     pieces: u32,
///     gift: Option<bool>,
/// }
///
/// let fields = Fields::from_iter([("item", "tea"), ("pieces", "3")]);
/// let Form(order) = Form::<Order>::decode(&Body::read(&fields)?, &fields)?;
/// assert_eq!((order.item.as_str(), order.pieces, order.gift), ("tea", 3, None));
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Form<T>(pub T);

impl<T: DeserializeOwned> Decode for Form<T> {
    fn decode(_: &Body, fields: &Fields) -> Result<Form<T>, CodecError> {
        decode(fields).map(Form)
    }
}

impl<T: Serialize> IntoEntry for &Form<T> {
    fn into_entry(self) -> Result<Entry, CodecError> {
        let fields = ser::to_fields(&self.0).map_err(|error| CodecError::encode(CODEC, error))?;
        Ok(Entry::fields(fields))
    }
}

impl<T: Serialize> IntoEntry for Form<T> {
    fn into_entry(self) -> Result<Entry, CodecError> {
        (&self).into_entry()
    }
}

/// A value of fields.
pub(super) fn decode<T: DeserializeOwned>(fields: &Fields) -> Result<T, CodecError> {
    T::deserialize(de::FieldsDeserializer(fields))
        .map_err(|error| CodecError::decode(CODEC, &Body::of_fields(fields).payload(), error))
}

/// A value that is a single text.
pub(super) fn from_text<T: DeserializeOwned>(text: &[u8]) -> Result<T, FieldsError> {
    T::deserialize(de::ValueDeserializer(text))
}

/// Why a value and fields do not fit each other.
#[derive(Debug)]
pub(super) struct FieldsError(String);

impl FieldsError {
    /// Says in which field it was.
    fn at(self, name: impl fmt::Debug) -> FieldsError {
        FieldsError(format!("field {name:?}: {}", self.0))
    }
}

impl fmt::Display for FieldsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for FieldsError {}

impl serde::de::Error for FieldsError {
    fn custom<T: fmt::Display>(message: T) -> FieldsError {
        FieldsError(message.to_string())
    }
}

impl serde::ser::Error for FieldsError {
    fn custom<T: fmt::Display>(message: T) -> FieldsError {
        FieldsError(message.to_string())
    }
}
