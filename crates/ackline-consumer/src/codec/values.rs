//! JSON, MessagePack, text and bytes.

use super::form::{self, FieldsError};
use super::{CodecError, Decode, Encode};
use crate::fields::Fields;
use crate::format::Body;
use bytes::Bytes;
use serde::Serialize;
use serde::de::{DeserializeOwned, Error};
use std::ops::{Deref, DerefMut};

/// The result of an encoding: a payload and its content type.
type Encoded = Result<(Bytes, Option<&'static str>), CodecError>;

/// A value as JSON. An entry without a payload is read as [`Form`](super::Form) reads it.
///
/// ```
/// use ackline_consumer::{Body, Decode, Fields, Json};
///
/// let fields = Fields::from_iter([("data", r#"["tea", 3]"#)]);
/// let Json((item, pieces)) = Json::<(String, u32)>::decode(&Body::read(&fields)?, &fields)?;
/// assert_eq!((item.as_str(), pieces), ("tea", 3));
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Json<T>(pub T);

/// A value as MessagePack, structs as maps with the names of their fields. An entry without a payload is read as
/// [`Form`](super::Form) reads it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MsgPack<T>(pub T);

/// A payload that is text: UTF-8.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Text(pub String);

/// A payload as it is. It is not copied, and keeps the buffer of its entry in memory.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Raw(pub Bytes);

impl<T: Serialize> Encode for Json<T> {
    fn encode(&self) -> Encoded {
        let json = serde_json::to_vec(&self.0).map_err(|error| CodecError::encode("JSON", error))?;
        Ok((json.into(), Some("application/json")))
    }
}

impl<T: DeserializeOwned> Decode for Json<T> {
    fn decode(body: &Body, _: &Fields) -> Result<Json<T>, CodecError> {
        decode_with(body, "JSON", |payload| serde_json::from_slice(payload)).map(Json)
    }
}

impl<T: Serialize> Encode for MsgPack<T> {
    fn encode(&self) -> Encoded {
        let bytes =
            rmp_serde::to_vec_named(&self.0).map_err(|error| CodecError::encode("MessagePack", error))?;
        Ok((bytes.into(), Some("application/msgpack")))
    }
}

impl<T: DeserializeOwned> Decode for MsgPack<T> {
    fn decode(body: &Body, _: &Fields) -> Result<MsgPack<T>, CodecError> {
        decode_with(body, "MessagePack", from_msgpack).map(MsgPack)
    }
}

impl Encode for Text {
    fn encode(&self) -> Encoded {
        Ok((Bytes::copy_from_slice(self.0.as_bytes()), Some("text/plain")))
    }
}

impl Decode for Text {
    fn decode(body: &Body, _: &Fields) -> Result<Text, CodecError> {
        let payload = body.payload();
        let text =
            std::str::from_utf8(&payload).map_err(|error| CodecError::decode("text", &payload, error))?;
        Ok(Text(text.to_owned()))
    }
}

/// Without a content type.
impl Encode for Raw {
    fn encode(&self) -> Encoded {
        Ok((self.0.clone(), None))
    }
}

impl Decode for Raw {
    fn decode(body: &Body, _: &Fields) -> Result<Raw, CodecError> {
        Ok(Raw(body.payload()))
    }
}

/// A value that is only read: JSON, MessagePack or text, as the header `content-type` of its message says; JSON if there is
/// none. An entry without a payload is read as [`Form`](super::Form) reads it. For streams that several programs write to.
///
/// JSON is `application/json`, `text/json` and anything in `+json`; MessagePack is `application/msgpack`, also with `x-` or `vnd.`,
/// and anything in `+msgpack`. Other `text/…` is a single value, such as a string or a number. Parameters, such as `charset`,
/// are not looked at.
///
/// ```
/// use ackline_consumer::{Auto, Body, Decode, Fields};
///
/// let fields = Fields::from_iter([("data", "17"), ("content-type", "text/plain")]);
/// assert_eq!(Auto::<u32>::decode(&Body::read(&fields)?, &fields)?, Auto(17));
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Auto<T>(pub T);

impl<T: DeserializeOwned> Decode for Auto<T> {
    fn decode(body: &Body, _: &Fields) -> Result<Auto<T>, CodecError> {
        let declared = body.content_type().unwrap_or("application/json");
        let value = match Codec::of(declared) {
            Some(Codec::Json) => decode_with(body, "JSON", |payload| serde_json::from_slice(payload)),
            Some(Codec::MsgPack) => decode_with(body, "MessagePack", from_msgpack),
            Some(Codec::Text) => decode_with(body, "text", form::from_text),
            None => decode_with(body, "payload", |_| {
                Err(FieldsError::custom(format_args!("no codec for the content type {declared:?}")))
            }),
        };
        value.map(Auto)
    }
}

#[derive(Debug, PartialEq)]
enum Codec {
    Json,
    MsgPack,
    Text,
}

impl Codec {
    /// Media types are not case-sensitive.
    fn of(content_type: &str) -> Option<Codec> {
        let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        match essence.as_str() {
            "application/json" | "text/json" => Some(Codec::Json),
            "application/msgpack" | "application/x-msgpack" | "application/vnd.msgpack" => {
                Some(Codec::MsgPack)
            }
            other if other.ends_with("+json") => Some(Codec::Json),
            other if other.ends_with("+msgpack") => Some(Codec::MsgPack),
            other if other.starts_with("text/") => Some(Codec::Text),
            _ => None,
        }
    }
}

fn decode_with<T, E>(
    body: &Body,
    codec: &'static str,
    decode: impl FnOnce(&[u8]) -> Result<T, E>,
) -> Result<T, CodecError>
where
    T: DeserializeOwned,
    E: std::error::Error + Send + Sync + 'static,
{
    if let Some(fields) = body.bare_fields() {
        return form::decode(fields);
    }
    let payload = body.payload();
    decode(&payload).map_err(|error| CodecError::decode(codec, &payload, error))
}

/// Bytes behind the value are an error, as they are in JSON.
fn from_msgpack<T: DeserializeOwned>(payload: &[u8]) -> Result<T, rmp_serde::decode::Error> {
    let mut deserializer = rmp_serde::Deserializer::new(payload);
    let value = T::deserialize(&mut deserializer)?;
    match deserializer.get_ref().len() {
        0 => Ok(value),
        left => Err(rmp_serde::decode::Error::custom(format_args!("{left} more bytes behind the value"))),
    }
}

/// A wrapper is what it holds.
macro_rules! deref {
    ($([$($generics:tt)*] $wrapper:ty => $target:ty),* $(,)?) => {$(
        impl<$($generics)*> Deref for $wrapper {
            type Target = $target;

            fn deref(&self) -> &$target {
                &self.0
            }
        }

        impl<$($generics)*> DerefMut for $wrapper {
            fn deref_mut(&mut self) -> &mut $target {
                &mut self.0
            }
        }
    )*};
}

deref! {
    [T] Json<T> => T,
    [T] MsgPack<T> => T,
    [T] Auto<T> => T,
    [T] super::Form<T> => T,
    [] Text => String,
    [] Raw => Bytes,
}
