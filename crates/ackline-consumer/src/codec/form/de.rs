//! Reading.

use super::FieldsError;
use crate::fields::{Excerpt, Fields, FieldsIter};
use crate::headers::WELL_KNOWN;
use serde::de::value::StrDeserializer;
use serde::de::{DeserializeSeed, Deserializer, Error, IntoDeserializer, MapAccess, Unexpected, Visitor};
use serde::forward_to_deserialize_any;

/// Fields as a map or struct.
pub(super) struct FieldsDeserializer<'de>(pub(super) &'de Fields);

impl<'de> Deserializer<'de> for FieldsDeserializer<'de> {
    type Error = FieldsError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, FieldsError> {
        visitor.visit_map(Pairs { rest: self.0.iter(), names: None, current: None })
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        names: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, FieldsError> {
        visitor.visit_map(Pairs { rest: self.0.iter(), names: Some(names), current: None })
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, FieldsError> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, FieldsError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, FieldsError> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit_struct seq tuple
        tuple_struct map enum identifier ignored_any
    }
}

struct Pairs<'de> {
    rest: FieldsIter<'de>,
    /// Those of the struct.
    names: Option<&'static [&'static str]>,
    current: Option<(&'de [u8], &'de [u8])>,
}

impl Pairs<'_> {
    /// Whether it is a header that the struct knows nothing of.
    fn is_foreign(&self, name: &[u8]) -> bool {
        let is = |other: &&str| other.as_bytes() == name;
        self.names.is_some_and(|names| WELL_KNOWN.iter().any(is) && !names.iter().any(is))
    }
}

impl<'de> MapAccess<'de> for Pairs<'de> {
    type Error = FieldsError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, FieldsError> {
        self.current = self.rest.next();
        while let Some((name, _)) = self.current
            && self.is_foreign(name)
        {
            self.current = self.rest.next();
        }
        self.current.map(|(name, _)| seed.deserialize(ValueDeserializer(name))).transpose()
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, FieldsError> {
        let (name, value) =
            self.current.take().ok_or_else(|| FieldsError::custom("a value without its name"))?;
        seed.deserialize(ValueDeserializer(value)).map_err(|error| error.at(Excerpt::new(name, 64)))
    }
}

/// A single text.
pub(super) struct ValueDeserializer<'de>(pub(super) &'de [u8]);

impl<'de> ValueDeserializer<'de> {
    fn text(&self) -> Result<&'de str, FieldsError> {
        std::str::from_utf8(self.0).map_err(|_| FieldsError::custom("not UTF-8"))
    }
}

macro_rules! parsed {
    ($($method:ident $visit:ident),*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, FieldsError> {
            let text = self.text()?;
            match text.parse() {
                Ok(number) => visitor.$visit(number),
                Err(_) => Err(Error::invalid_value(Unexpected::Str(text), &visitor)),
            }
        }
    )*};
}

impl<'de> Deserializer<'de> for ValueDeserializer<'de> {
    type Error = FieldsError;

    parsed! {
        deserialize_i8 visit_i8, deserialize_i16 visit_i16, deserialize_i32 visit_i32, deserialize_i64 visit_i64,
        deserialize_i128 visit_i128, deserialize_u8 visit_u8, deserialize_u16 visit_u16, deserialize_u32 visit_u32,
        deserialize_u64 visit_u64, deserialize_u128 visit_u128, deserialize_f32 visit_f32, deserialize_f64 visit_f64
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, FieldsError> {
        match std::str::from_utf8(self.0) {
            Ok(text) => visitor.visit_borrowed_str(text),
            Err(_) => visitor.visit_borrowed_bytes(self.0),
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, FieldsError> {
        match self.text()? {
            "true" | "True" | "1" => visitor.visit_bool(true),
            "false" | "False" | "0" => visitor.visit_bool(false),
            other => Err(Error::invalid_value(Unexpected::Str(other), &visitor)),
        }
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, FieldsError> {
        visitor.visit_borrowed_bytes(self.0)
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, FieldsError> {
        visitor.visit_borrowed_bytes(self.0)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, FieldsError> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, FieldsError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, FieldsError> {
        let variant: StrDeserializer<'_, FieldsError> = self.text()?.into_deserializer();
        visitor.visit_enum(variant)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, FieldsError> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        char str string unit unit_struct seq tuple tuple_struct map struct identifier
    }
}
