//! Mutations: an input a little changed, so that most of what made it interesting is still there.

use crate::Rng;

/// Numbers at the edges, as text.
const WORDS: [&[u8]; 10] = [
    b"-1",
    b"0",
    b"9223372036854775807",
    b"-9223372036854775808",
    b"18446744073709551615",
    b"4294967296",
    b"\r\n",
    b"*3\r\n$",
    b"$",
    b"*",
];

/// Numbers at the edges, in seven bits a byte.
const NUMBERS: [&[u8]; 5] = [
    b"\x00",
    b"\x7f",
    b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
    b"\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01",
    b"\x80\x80\x80\x80\x10",
];

/// The longest piece that is moved or removed.
const PIECE: u64 = 32;

/// One to four changes of an input; pieces of `others` go into it now and then.
pub fn mutate(bytes: &[u8], others: &[Vec<u8>], rng: &mut Rng) -> Vec<u8> {
    let mut out = bytes.to_vec();
    for _ in 0..rng.between(1, 4) {
        change(&mut out, others, rng);
    }
    out
}

fn change(out: &mut Vec<u8>, others: &[Vec<u8>], rng: &mut Rng) {
    let at = rng.below(out.len() as u64 + 1) as usize;
    let end = out.len().min(at + rng.below(PIECE) as usize);
    match rng.below(10) {
        0 | 1 if at < out.len() => out[at] ^= 1 << rng.below(8),
        2 if at < out.len() => out[at] = rng.bits() as u8,
        3 if at < out.len() => out[at] = out[at].wrapping_add(rng.between(-3, 3) as u8),
        4 => drop(out.drain(at..end)),
        5 => {
            let piece = out[at..end].to_vec();
            let to = rng.below(out.len() as u64 + 1) as usize;
            out.splice(to..to, piece);
        }
        6 => {
            let (word, over) = (*rng.pick(&WORDS), rng.one_in(2));
            put(out, at, word, over);
        }
        7 => {
            let (word, over) = (*rng.pick(&NUMBERS), rng.one_in(2));
            put(out, at, word, over);
        }
        8 if !others.is_empty() => {
            let other = rng.pick(others);
            let from = rng.below(other.len() as u64 + 1) as usize;
            let to = other.len().min(from + 4 * PIECE as usize);
            put(out, at, &other[from..to], rng.one_in(2));
        }
        9 => out.truncate(at),
        _ => out.insert(at, rng.bits() as u8),
    }
}

/// Over what is there, or between.
fn put(out: &mut Vec<u8>, at: usize, piece: &[u8], over: bool) {
    let end = if over { out.len().min(at + piece.len()) } else { at };
    out.splice(at..end, piece.iter().copied());
}
