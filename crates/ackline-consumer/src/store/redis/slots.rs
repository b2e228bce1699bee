//! Which node of a cluster has which keys.

use crate::error::ServerError;
use crate::store::Value;
use crate::target::Host;

const COUNT: u16 = 16384;

/// The slot of a key. Of `{..}` in it only what is between the braces counts, so that keys can be kept together.
pub(super) fn slot(key: &[u8]) -> u16 {
    let tag = || {
        let start = key.iter().position(|&byte| byte == b'{')? + 1;
        let len = key[start..].iter().position(|&byte| byte == b'}')?;
        Some(&key[start..start + len]).filter(|tag| !tag.is_empty())
    };
    crc16(tag().unwrap_or(key)) % COUNT
}

/// The variant known as XMODEM: polynomial 0x1021, from 0.
fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |crc, &byte| {
        (0..8).fold(crc ^ u16::from(byte) << 8, |crc, _| {
            (crc << 1) ^ if crc & 0x8000 == 0 { 0 } else { 0x1021 }
        })
    })
}

/// The masters, each with a range of slots, in order.
#[derive(Debug, Default)]
pub(super) struct Slots(Vec<(u16, u16, Host)>);

impl Slots {
    /// Understands the answer to CLUSTER SLOTS. A node without a name is the one that was asked.
    pub(super) fn of_answer(answer: &Value, asked: &Host) -> Option<Slots> {
        let ranges = answer.array()?.iter().map(|range| {
            let [first, last, master, ..] = range.array()? else { return None };
            let [name, port, ..] = master.array()? else { return None };
            let name = match name.text() {
                None | Some("") => asked.name.clone(),
                // Its name is not known to those who would have to tell it.
                Some("?") => return Some(None),
                Some(name) => name.to_owned(),
            };
            let host = Host { name, port: number(port)? };
            Some(Some((number(first)?, number(last)?, host)))
        });
        let ranges: Vec<_> = ranges.collect::<Option<_>>()?;
        let mut ranges: Vec<_> = ranges.into_iter().flatten().collect();
        ranges.sort_unstable_by_key(|(first, ..)| *first);
        Some(Slots(ranges))
    }

    pub(super) fn host(&self, slot: u16) -> Option<&Host> {
        let at = self.0.partition_point(|(_, last, _)| *last < slot);
        self.0.get(at).filter(|(first, ..)| *first <= slot).map(|(.., host)| host)
    }

    pub(super) fn hosts(&self) -> impl Iterator<Item = &Host> {
        self.0.iter().map(|(.., host)| host)
    }
}

fn number(value: &Value) -> Option<u16> {
    value.int()?.try_into().ok()
}

/// That a command belongs elsewhere. It took no effect where it was sent to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Redirect {
    /// The slot is another node's now.
    Moved(Host),
    /// The slot is on its way to another node, the key is there already.
    Ask(Host),
}

impl Redirect {
    /// Understands `MOVED <slot> <host>:<port>` and the like; without a host it is the one that was asked.
    pub(super) fn of(error: &ServerError, asked: &Host) -> Option<Redirect> {
        let to = match error.code() {
            "MOVED" => Redirect::Moved,
            "ASK" => Redirect::Ask,
            _ => return None,
        };
        let (name, port) = error.text().split(' ').nth(2)?.rsplit_once(':')?;
        let name = if name.is_empty() { &asked.name } else { name.trim_matches(['[', ']']) };
        Some(to(Host { name: name.to_owned(), port: port.parse().ok()? }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(name: &str, port: u16) -> Host {
        Host { name: name.to_owned(), port }
    }

    #[test]
    fn slots_of_keys() {
        // The check value of the variant, and what servers say.
        assert_eq!(crc16(b"123456789"), 0x31c3);
        for (key, want) in
            [("", 0), ("foo", 12182), ("{foo}.dlq", 12182), ("a{foo}b{bar}", 12182), ("{}foo", 9500)]
        {
            assert_eq!(slot(key.as_bytes()), want, "{key}");
        }
        assert_eq!(slot(b"foo{"), crc16(b"foo{") % COUNT);
    }

    #[test]
    fn ranges_of_nodes() {
        let text = |text: &str| Value::Bytes(text.to_owned().into());
        let range = |first, last, name, port| {
            let node = Value::Array(vec![name, Value::Int(port), text("id")]);
            Value::Array(vec![Value::Int(first), Value::Int(last), node])
        };
        let answer = Value::Array(vec![
            range(10, 20, text("b"), 2),
            range(0, 9, Value::Nil, 1),
            range(30, 30, text(""), 3),
            range(40, 50, text("?"), 4),
        ]);
        let slots = Slots::of_answer(&answer, &host("asked", 9)).unwrap();
        let at = |slot| slots.host(slot).map(Host::to_string).unwrap_or_default();
        assert_eq!([at(0), at(9), at(10), at(20)], ["asked:1", "asked:1", "b:2", "b:2"]);
        assert_eq!([at(21), at(30), at(31), at(45), at(16383)], ["", "asked:3", "", "", ""]);
        assert!(Slots::of_answer(&Value::Int(1), &host("asked", 9)).is_none());
        assert!(Slots::of_answer(&Value::Array(vec![Value::Nil]), &host("asked", 9)).is_none());
    }

    #[test]
    fn elsewhere() {
        let asked = host("asked", 9);
        let of = |text: &str| Redirect::of(&ServerError::new(text), &asked);
        assert_eq!(of("MOVED 1 10.0.0.1:7000"), Some(Redirect::Moved(host("10.0.0.1", 7000))));
        assert_eq!(of("MOVED 1 :7000"), Some(Redirect::Moved(host("asked", 7000))));
        assert_eq!(of("ASK 1 2001:db8::1:7000"), Some(Redirect::Ask(host("2001:db8::1", 7000))));
        assert_eq!(of("ASK 1"), None);
        assert_eq!(of("ERR 1 a:1"), None);
    }
}
