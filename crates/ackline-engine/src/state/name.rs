//! Names: nearly all of them are short, and lie where they are used.

use std::borrow::Borrow;
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Deref;

/// The longest name without an allocation of its own: together with its length and kind it fills three words.
const SHORT: usize = 22;

/// A name of a key, group, consumer or producer: any bytes.
#[derive(Clone)]
pub struct Name(Repr);

#[derive(Clone)]
enum Repr {
    Short(u8, [u8; SHORT]),
    Long(Box<[u8]>),
}

const _: () = assert!(size_of::<Name>() == 3 * size_of::<usize>());

impl Name {
    pub(crate) fn cmp_bytes(&self, bytes: &[u8]) -> Ordering {
        self[..].cmp(bytes)
    }

    /// Bytes of memory beside the name itself.
    pub(crate) fn memory(&self) -> usize {
        match &self.0 {
            Repr::Short(..) => 0,
            Repr::Long(bytes) => bytes.len(),
        }
    }
}

impl From<&[u8]> for Name {
    fn from(bytes: &[u8]) -> Name {
        if bytes.len() > SHORT {
            return Name(Repr::Long(bytes.into()));
        }
        let mut short = [0; SHORT];
        short[..bytes.len()].copy_from_slice(bytes);
        Name(Repr::Short(bytes.len() as u8, short))
    }
}

impl<const N: usize> From<&[u8; N]> for Name {
    fn from(bytes: &[u8; N]) -> Name {
        bytes[..].into()
    }
}

impl Deref for Name {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        match &self.0 {
            Repr::Short(len, bytes) => &bytes[..usize::from(*len)],
            Repr::Long(bytes) => bytes,
        }
    }
}

/// As map keys, names are looked up by bytes: order and hash are those of the bytes.
impl Borrow<[u8]> for Name {
    fn borrow(&self) -> &[u8] {
        self
    }
}

impl Hash for Name {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self[..].hash(state);
    }
}

impl PartialEq for Name {
    fn eq(&self, other: &Name) -> bool {
        self[..] == other[..]
    }
}

impl Eq for Name {}

impl PartialOrd for Name {
    fn partial_cmp(&self, other: &Name) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Name {
    fn cmp(&self, other: &Name) -> Ordering {
        self[..].cmp(&other[..])
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.escape_ascii())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_every_length_come_back() {
        for len in 0..60usize {
            let bytes: Vec<u8> = (0..len as u8).rev().collect();
            let name = Name::from(&bytes[..]);
            assert_eq!((&name[..], &name.clone()[..]), (&bytes[..], &bytes[..]));
            assert_eq!(name.memory() > 0, len > SHORT);
        }
    }
}
