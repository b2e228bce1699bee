//! Reading replies, for tests and command line tools: whole values, copied out of the input.
//!
//! ```text
//! + - : $ *          RESP2, with the nulls $-1 and *-1
//! _ # , ( ! = % ~ > |   RESP3
//! ```
//!
//! An unfinished reply is read from its start again when more has come, which a server would not do.

use crate::number;
use memchr::memchr;
use std::fmt;

/// How deep replies may be nested.
pub const MAX_DEPTH: usize = 128;

/// What a count may reserve before its elements have come.
const AHEAD: usize = 16;

/// One reply.
#[derive(Clone, PartialEq, Debug)]
pub enum Value {
    /// `+`
    Simple(Vec<u8>),
    /// `-`, or RESP3's `!`
    Error(Vec<u8>),
    /// `:`
    Int(i64),
    /// `$`
    Bulk(Vec<u8>),
    /// `$-1` of RESP2, `_` of RESP3
    Null,
    /// `*-1` of RESP2
    NullArray,
    /// `*`
    Array(Vec<Value>),
    /// `%`
    Map(Vec<(Value, Value)>),
    /// `~`
    Set(Vec<Value>),
    /// `>`, which answers no request
    Push(Vec<Value>),
    /// `,`
    Double(f64),
    /// `#`
    Bool(bool),
    /// `=`
    Verbatim {
        /// Three letters, such as `txt`.
        format: [u8; 3],
        /// What follows the colon.
        text: Vec<u8>,
    },
    /// `(`
    BigNumber(String),
    /// `|`: what is said about the value, and the value
    Attribute(Vec<(Value, Value)>, Box<Value>),
}

/// Why bytes are no reply.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ReplyError {
    /// No type begins with this byte.
    UnknownType(u8),
    /// A length or an integer is none.
    Number,
    /// Neither `t` nor `f`.
    Boolean,
    /// No floating point number.
    Double,
    /// A verbatim string without its format.
    Verbatim,
    /// A line or a payload without CRLF behind it, or a null that is not empty.
    LineEnd,
    /// Nested deeper than [`MAX_DEPTH`].
    TooDeep,
}

impl fmt::Display for ReplyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ReplyError::UnknownType(byte) => {
                write!(f, "no type of reply begins with '{}'", byte.escape_ascii())
            }
            ReplyError::Number => f.write_str("not a number"),
            ReplyError::Boolean => f.write_str("not a boolean"),
            ReplyError::Double => f.write_str("not a floating point number"),
            ReplyError::Verbatim => f.write_str("verbatim string without a format"),
            ReplyError::LineEnd => f.write_str("no CRLF where a line has to end"),
            ReplyError::TooDeep => write!(f, "nested deeper than {MAX_DEPTH}"),
        }
    }
}

impl std::error::Error for ReplyError {}

/// Reads the reply that `input` begins with, and says how many bytes it took; `None` if it is not all there.
pub fn decode_value(input: &[u8]) -> Result<Option<(Value, usize)>, ReplyError> {
    let mut reader = Reader { input, pos: 0 };
    match reader.value(MAX_DEPTH) {
        Ok(value) => Ok(Some((value, reader.pos))),
        Err(Stop::Unfinished) => Ok(None),
        Err(Stop::Broken(error)) => Err(error),
    }
}

/// Why reading ended early.
enum Stop {
    Unfinished,
    Broken(ReplyError),
}

impl From<ReplyError> for Stop {
    fn from(error: ReplyError) -> Stop {
        Stop::Broken(error)
    }
}

struct Reader<'a> {
    input: &'a [u8],
    pos: usize,
}

impl<'a> Reader<'a> {
    fn value(&mut self, depth: usize) -> Result<Value, Stop> {
        let depth = depth.checked_sub(1).ok_or(ReplyError::TooDeep)?;
        let marker = *self.input.get(self.pos).ok_or(Stop::Unfinished)?;
        self.pos += 1;
        Ok(match marker {
            b'+' => Value::Simple(self.line()?.to_vec()),
            b'-' => Value::Error(self.line()?.to_vec()),
            b':' => Value::Int(self.number()?),
            b'_' => self.null()?,
            b'#' => Value::Bool(self.boolean()?),
            b',' => Value::Double(self.double()?),
            b'(' => Value::BigNumber(self.big_number()?),
            b'$' => self.payload()?.map_or(Value::Null, |bytes| Value::Bulk(bytes.to_vec())),
            b'!' => Value::Error(self.payload()?.ok_or(ReplyError::Number)?.to_vec()),
            b'=' => self.verbatim()?,
            b'*' => self.array(depth)?,
            b'~' => Value::Set(self.elements(depth)?),
            b'>' => Value::Push(self.elements(depth)?),
            b'%' => Value::Map(self.pairs(depth)?),
            b'|' => Value::Attribute(self.pairs(depth)?, Box::new(self.value(depth)?)),
            other => return Err(ReplyError::UnknownType(other).into()),
        })
    }

    /// What is left of the line; goes on behind it.
    fn line(&mut self) -> Result<&'a [u8], Stop> {
        let rest = &self.input[self.pos..];
        let end = memchr(b'\n', rest).ok_or(Stop::Unfinished)?;
        self.pos += end + 1;
        Ok(rest[..end].strip_suffix(b"\r").ok_or(ReplyError::LineEnd)?)
    }

    fn text(&mut self, otherwise: ReplyError) -> Result<&'a str, Stop> {
        Ok(std::str::from_utf8(self.line()?).map_err(|_| otherwise)?)
    }

    fn number(&mut self) -> Result<i64, Stop> {
        Ok(number::strict(self.line()?).ok_or(ReplyError::Number)?)
    }

    /// A length; `None` for -1.
    fn length(&mut self) -> Result<Option<usize>, Stop> {
        match self.number()? {
            -1 => Ok(None),
            n => Ok(Some(usize::try_from(n).map_err(|_| ReplyError::Number)?)),
        }
    }

    fn payload(&mut self) -> Result<Option<&'a [u8]>, Stop> {
        let Some(len) = self.length()? else { return Ok(None) };
        let rest = &self.input[self.pos..];
        let (bytes, end) = rest.split_at_checked(len).ok_or(Stop::Unfinished)?;
        match end {
            [b'\r', b'\n', ..] => self.pos += len + 2,
            [] | [b'\r'] => return Err(Stop::Unfinished),
            _ => return Err(ReplyError::LineEnd.into()),
        }
        Ok(Some(bytes))
    }

    fn null(&mut self) -> Result<Value, Stop> {
        match self.line()? {
            [] => Ok(Value::Null),
            _ => Err(ReplyError::LineEnd.into()),
        }
    }

    fn boolean(&mut self) -> Result<bool, Stop> {
        match self.line()? {
            b"t" => Ok(true),
            b"f" => Ok(false),
            _ => Err(ReplyError::Boolean.into()),
        }
    }

    fn double(&mut self) -> Result<f64, Stop> {
        Ok(self.text(ReplyError::Double)?.parse().map_err(|_| ReplyError::Double)?)
    }

    fn big_number(&mut self) -> Result<String, Stop> {
        let text = self.text(ReplyError::Number)?;
        let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(ReplyError::Number.into());
        }
        Ok(text.to_owned())
    }

    fn verbatim(&mut self) -> Result<Value, Stop> {
        match self.payload()? {
            Some([a, b, c, b':', text @ ..]) => {
                Ok(Value::Verbatim { format: [*a, *b, *c], text: text.to_vec() })
            }
            _ => Err(ReplyError::Verbatim.into()),
        }
    }

    fn array(&mut self, depth: usize) -> Result<Value, Stop> {
        match self.length()? {
            Some(len) => Ok(Value::Array(self.repeat(len, |reader| reader.value(depth))?)),
            None => Ok(Value::NullArray),
        }
    }

    fn elements(&mut self, depth: usize) -> Result<Vec<Value>, Stop> {
        let len = self.length()?.ok_or(ReplyError::Number)?;
        self.repeat(len, |reader| reader.value(depth))
    }

    fn pairs(&mut self, depth: usize) -> Result<Vec<(Value, Value)>, Stop> {
        let len = self.length()?.ok_or(ReplyError::Number)?;
        self.repeat(len, |reader| Ok((reader.value(depth)?, reader.value(depth)?)))
    }

    fn repeat<T>(
        &mut self,
        len: usize,
        mut one: impl FnMut(&mut Self) -> Result<T, Stop>,
    ) -> Result<Vec<T>, Stop> {
        let mut all = Vec::with_capacity(len.min(AHEAD));
        for _ in 0..len {
            all.push(one(self)?);
        }
        Ok(all)
    }
}
