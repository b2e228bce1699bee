//! Commands spelled by bytes: each decides on an option, or picks a word, so that most get past arity and syntax.

use super::bytes::Bytes;
use ackline_engine::Spec;
use ackline_engine::spec::{Arg, Kind};

const KEYS: &[&str] = &["s", "t", "s", "t", "k", "l", ""];
const STRINGS: &[&str] = &[
    "g",
    "a",
    "h",
    "b",
    "",
    "s",
    "0",
    "1",
    "-1",
    "9223372036854775807",
    "1.5",
    "nan",
    "\r\n\0",
    "g*",
    "maxmemory",
    "stream-node-max-entries",
    "notify-keyspace-events",
    "KEA",
    "appendfsync",
    "always",
    "IDLE",
    "*",
    "2",
    "JUSTID",
];
const IDS: &[&str] = &[
    "0",
    "1-1",
    "2-1",
    "3-1",
    "4-1",
    "5-5",
    "*",
    "$",
    ">",
    "0-1",
    "2",
    "2-*",
    "1700000000000",
    "1700000000001-0",
    "1700000000000-1",
    "18446744073709551615-18446744073709551615",
    "18446744073709551615-18446744073709551614",
    "9223372036854775807-0",
    "18446744073709551615",
    "-",
    "+",
    "(1-1",
    "0-0",
    "x",
    "-1",
    "4-0-1",
];
const BOUNDS: &[&str] = &[
    "-",
    "+",
    "1-1",
    "3-1",
    "(1-1",
    "(5-5",
    "0",
    "1700000000000",
    "18446744073709551615-18446744073709551615",
    "(18446744073709551615-18446744073709551615",
    "(0-0",
    "(-",
    "$",
];
const NUMBERS: &[&str] = &[
    "1",
    "0",
    "2",
    "3",
    "10",
    "100",
    "-1",
    "1000",
    "9223372036854775807",
    "9223372036854775806",
    "-9223372036854775808",
    "9223372036854775808",
    "18446744073709551615",
    "4294967296",
    "2147483648",
    "1700000000000",
    "1700000000001",
    "1700000001",
    "92233720368547758",
    "99999",
    "",
    "01",
    "-2",
    "1e3",
];
const PATTERNS: &[&str] = &["*", "?", "[a-z]", "k*", "[^a", "\\", "**?**", ""];
const ALL: [&[&str]; 6] = [KEYS, STRINGS, IDS, BOUNDS, NUMBERS, PATTERNS];

/// A command of this kind.
pub(super) fn spell<'a>(spec: &Spec, bytes: &mut Bytes<'a>) -> Vec<Vec<u8>> {
    let words = spec.name.split('|').map(|word| word.as_bytes().to_vec()).collect();
    let mut speller = Speller { bytes, words };
    speller.block(spec.grammar);
    speller.slip();
    speller.words
}

/// A command as clients send it.
pub(super) fn request(words: &[Vec<u8>]) -> Vec<u8> {
    let mut out = format!("*{}\r\n", words.len()).into_bytes();
    for word in words {
        out.extend_from_slice(format!("${}\r\n", word.len()).as_bytes());
        out.extend_from_slice(word);
        out.extend_from_slice(b"\r\n");
    }
    out
}

struct Speller<'b, 'a> {
    bytes: &'b mut Bytes<'a>,
    words: Vec<Vec<u8>>,
}

impl Speller<'_, '_> {
    fn block(&mut self, args: &[Arg]) {
        let many = args.iter().any(|arg| arg.many);
        let times = if many { 1 + self.bytes.below(4) } else { 1 };
        for arg in args {
            if !arg.optional || self.bytes.one_in(3) {
                self.arg(arg, times);
            }
        }
    }

    fn arg(&mut self, arg: &Arg, times: usize) {
        self.words.extend(arg.token.map(|token| token.as_bytes().to_vec()));
        for _ in 0..if arg.many { times } else { 1 } {
            match arg.kind {
                Kind::Token => {}
                Kind::OneOf(choices) => {
                    let choice = *self.bytes.pick(choices);
                    self.arg(&choice, times);
                }
                Kind::Block(parts) => self.block(parts),
                Kind::Count => self.words.push(times.to_string().into_bytes()),
                kind => self.word(kind),
            }
        }
    }

    fn word(&mut self, kind: Kind) {
        let fitting = match kind {
            Kind::Key => KEYS,
            Kind::Id => IDS,
            Kind::Bound => BOUNDS,
            Kind::Integer | Kind::UnixTime => NUMBERS,
            Kind::Pattern => PATTERNS,
            _ => STRINGS,
        };
        let word = match self.bytes.byte() {
            // A long one, so that blocks and buffers come to their ends.
            255 => "long".repeat(200),
            250.. => {
                let from = *self.bytes.pick(&ALL);
                (*self.bytes.pick(from)).to_owned()
            }
            n => fitting[usize::from(n) % fitting.len()].to_owned(),
        };
        self.words.push(word.into_bytes());
    }

    /// Now and then a word too many, too few, or elsewhere.
    fn slip(&mut self) {
        let slip = self.bytes.byte();
        if slip < 248 {
            return;
        }
        let at = self.bytes.below(self.words.len());
        match slip % 4 {
            0 if self.words.len() > 1 => drop(self.words.remove(at)),
            1 => self.words.insert(at, self.words[at].clone()),
            2 => self.words.rotate_right(at),
            _ => {
                let from = *self.bytes.pick(&ALL);
                self.words[at] = self.bytes.pick(from).as_bytes().to_vec();
            }
        }
    }
}
