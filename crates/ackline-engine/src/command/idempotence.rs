//! The producer of an idempotent XADD.

use crate::args::{Args, is};
use crate::error::Error;
use std::borrow::Cow;
use xxhash_rust::xxh3::xxh3_128;

/// Who writes, and under which identity.
pub(crate) struct Producer<'a> {
    pub(crate) pid: &'a [u8],
    iid: Option<&'a [u8]>,
}

impl<'a> Producer<'a> {
    /// Reads `IDMP pid iid` or `IDMPAUTO pid` at word `at`: the producer, and the position behind it.
    pub(crate) fn read(args: Args<'a>, at: usize) -> Result<Option<(Producer<'a>, usize)>, Error> {
        let left = args.len() - at - 1;
        let explicit = is(args.at(at), "IDMP") && left >= 2;
        let by_content = is(args.at(at), "IDMPAUTO") && left >= 1;
        if !explicit && !by_content {
            return Ok(None);
        }
        let pid = args.at(at + 1);
        let iid = explicit.then(|| args.at(at + 2));
        match (pid.is_empty(), iid) {
            (true, Some(_)) => {
                Err(Error::from_static("ERR syntax error, IDMP requires a non-empty producer ID"))
            }
            (true, None) => {
                Err(Error::from_static("ERR syntax error, IDMPAUTO requires a non-empty producer ID"))
            }
            (_, Some(b"")) => {
                Err(Error::from_static("ERR syntax error, IDMP requires a non-empty idempotent ID"))
            }
            _ => Ok(Some((Producer { pid, iid }, at + 2 + usize::from(explicit)))),
        }
    }

    /// The identity of a message: as given, or made of its content.
    pub(crate) fn iid(&self, fields: Args<'_>) -> Cow<'a, [u8]> {
        match self.iid {
            Some(iid) => Cow::Borrowed(iid),
            None => Cow::Owned(fingerprint(fields).to_vec()),
        }
    }
}

/// A fingerprint of field-value pairs that does not depend on their order.
pub(crate) fn fingerprint(fields: Args<'_>) -> [u8; 16] {
    let mut pair = Vec::new();
    let (mut sum, mut mix) = (0u128, 0u128);
    for at in (0..fields.len()).step_by(2) {
        let (name, value) = (fields.at(at), fields.at(at + 1));
        pair.clear();
        pair.extend_from_slice(name);
        pair.extend_from_slice(&(name.len() as u64).to_le_bytes());
        pair.extend_from_slice(value);
        let hash = xxh3_128(&pair);
        sum = sum.wrapping_add(hash);
        mix ^= hash.rotate_left(1);
    }
    (sum ^ mix.rotate_left(64)).to_be_bytes()
}
