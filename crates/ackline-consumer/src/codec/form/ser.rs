//! Writing.

use super::FieldsError;
use crate::fields::{Fields, FieldsBuilder};
use serde::ser::{Error, Impossible, Serialize, SerializeMap, SerializeStruct, Serializer};

/// The fields of a struct or map.
pub(super) fn to_fields(value: &(impl Serialize + ?Sized)) -> Result<Fields, FieldsError> {
    let mut builder = FieldsBuilder::new();
    value.serialize(FieldsSerializer { builder: &mut builder, name: Vec::new() })?;
    Ok(builder.finish())
}

type Nothing = Impossible<(), FieldsError>;

/// Refuses values, variants with a value among them, for a reason.
macro_rules! refuse {
    ($reason:literal $ok:ty: $($method:ident($($type:ty),*) -> $result:ty;)*) => {
        $(fn $method(self, $(_: $type),*) -> Result<$result, FieldsError> {
            Err(FieldsError::custom($reason))
        })*

        fn serialize_newtype_variant<T: Serialize + ?Sized>(
            self,
            _: &'static str,
            _: u32,
            _: &'static str,
            _: &T,
        ) -> Result<$ok, FieldsError> {
            Err(FieldsError::custom($reason))
        }
    };
}

struct FieldsSerializer<'a> {
    builder: &'a mut FieldsBuilder,
    /// Of the next value of a map.
    name: Vec<u8>,
}

impl FieldsSerializer<'_> {
    fn put(&mut self, name: &[u8], value: &(impl Serialize + ?Sized)) -> Result<(), FieldsError> {
        let value =
            value.serialize(ValueSerializer).map_err(|error| error.at(String::from_utf8_lossy(name)))?;
        if let Some(value) = value {
            self.builder.push(name, value);
        }
        Ok(())
    }
}

impl Serializer for FieldsSerializer<'_> {
    type Ok = ();
    type Error = FieldsError;
    type SerializeSeq = Nothing;
    type SerializeTuple = Nothing;
    type SerializeTupleStruct = Nothing;
    type SerializeTupleVariant = Nothing;
    type SerializeMap = Self;
    type SerializeStruct = Self;
    type SerializeStructVariant = Nothing;

    fn serialize_map(self, _: Option<usize>) -> Result<Self, FieldsError> {
        Ok(self)
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Self, FieldsError> {
        Ok(self)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), FieldsError> {
        value.serialize(self)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), FieldsError> {
        value.serialize(self)
    }

    refuse! { "only a struct or a map has fields" ():
        serialize_bool(bool) -> ();
        serialize_i8(i8) -> ();
        serialize_i16(i16) -> ();
        serialize_i32(i32) -> ();
        serialize_i64(i64) -> ();
        serialize_u8(u8) -> ();
        serialize_u16(u16) -> ();
        serialize_u32(u32) -> ();
        serialize_u64(u64) -> ();
        serialize_f32(f32) -> ();
        serialize_f64(f64) -> ();
        serialize_char(char) -> ();
        serialize_str(&str) -> ();
        serialize_bytes(&[u8]) -> ();
        serialize_none() -> ();
        serialize_unit() -> ();
        serialize_unit_struct(&'static str) -> ();
        serialize_unit_variant(&'static str, u32, &'static str) -> ();
        serialize_seq(Option<usize>) -> Nothing;
        serialize_tuple(usize) -> Nothing;
        serialize_tuple_struct(&'static str, usize) -> Nothing;
        serialize_tuple_variant(&'static str, u32, &'static str, usize) -> Nothing;
        serialize_struct_variant(&'static str, u32, &'static str, usize) -> Nothing;
    }
}

impl SerializeMap for FieldsSerializer<'_> {
    type Ok = ();
    type Error = FieldsError;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), FieldsError> {
        let name = key.serialize(ValueSerializer)?;
        self.name = name.ok_or_else(|| FieldsError::custom("a field without a name"))?;
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), FieldsError> {
        let name = std::mem::take(&mut self.name);
        self.put(&name, value)
    }

    fn end(self) -> Result<(), FieldsError> {
        Ok(())
    }
}

impl SerializeStruct for FieldsSerializer<'_> {
    type Ok = ();
    type Error = FieldsError;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        name: &'static str,
        value: &T,
    ) -> Result<(), FieldsError> {
        self.put(name.as_bytes(), value)
    }

    fn end(self) -> Result<(), FieldsError> {
        Ok(())
    }
}

/// A single value as text; `None` for what is left out.
struct ValueSerializer;

type Value = Option<Vec<u8>>;
type NoValue = Impossible<Value, FieldsError>;

macro_rules! printed {
    ($($method:ident($type:ty);)*) => {$(
        fn $method(self, value: $type) -> Result<Value, FieldsError> {
            Ok(Some(value.to_string().into_bytes()))
        }
    )*};
}

impl Serializer for ValueSerializer {
    type Ok = Value;
    type Error = FieldsError;
    type SerializeSeq = NoValue;
    type SerializeTuple = NoValue;
    type SerializeTupleStruct = NoValue;
    type SerializeTupleVariant = NoValue;
    type SerializeMap = NoValue;
    type SerializeStruct = NoValue;
    type SerializeStructVariant = NoValue;

    printed! {
        serialize_bool(bool);
        serialize_i8(i8);
        serialize_i16(i16);
        serialize_i32(i32);
        serialize_i64(i64);
        serialize_i128(i128);
        serialize_u8(u8);
        serialize_u16(u16);
        serialize_u32(u32);
        serialize_u64(u64);
        serialize_u128(u128);
        serialize_f32(f32);
        serialize_f64(f64);
        serialize_char(char);
        serialize_str(&str);
    }

    fn serialize_bytes(self, bytes: &[u8]) -> Result<Value, FieldsError> {
        Ok(Some(bytes.to_vec()))
    }

    fn serialize_none(self) -> Result<Value, FieldsError> {
        Ok(None)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Value, FieldsError> {
        value.serialize(self)
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<Value, FieldsError> {
        Ok(Some(variant.as_bytes().to_vec()))
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<Value, FieldsError> {
        value.serialize(self)
    }

    refuse! { "a field holds a single value, as text" Value:
        serialize_unit() -> Value;
        serialize_unit_struct(&'static str) -> Value;
        serialize_seq(Option<usize>) -> NoValue;
        serialize_tuple(usize) -> NoValue;
        serialize_tuple_struct(&'static str, usize) -> NoValue;
        serialize_tuple_variant(&'static str, u32, &'static str, usize) -> NoValue;
        serialize_map(Option<usize>) -> NoValue;
        serialize_struct(&'static str, usize) -> NoValue;
        serialize_struct_variant(&'static str, u32, &'static str, usize) -> NoValue;
    }
}
