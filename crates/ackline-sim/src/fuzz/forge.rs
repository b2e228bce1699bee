//! Files of a log with every checksum right, whatever they say: what a fuzzer could not get past by itself.

use super::bytes::Bytes;
use ackline_log::faulty::FaultyDisk;
use ackline_log::snapshot;
use crc32c::{crc32c, crc32c_append};

/// The salt of every forged segment.
const SALT: u32 = 0x5a17;
/// Bytes of a segment's header.
const HEADER: usize = 64;

/// A segment's header whose frames continue these: index, epoch, chain and position.
pub(super) fn header([lsn, frame, epoch]: [u64; 3], chain: u32) -> Vec<u8> {
    let mut out = b"AckSeg02".to_vec();
    out.extend_from_slice(&SALT.to_le_bytes());
    [0, lsn, frame, epoch].iter().for_each(|n: &u64| out.extend_from_slice(&n.to_le_bytes()));
    out.extend_from_slice(&chain.to_le_bytes());
    let crc = crc32c(&out);
    out.extend_from_slice(&crc.to_le_bytes());
    out.resize(HEADER, 0);
    out
}

/// Appends a frame: kind 0 is one batch, 1 several, 2 a fence.
pub(super) fn frame(out: &mut Vec<u8>, kind: u8, payload: &[u8], behind: u64) {
    let (at, mut numbers) = (out.len() as u64, Vec::new());
    number(&mut numbers, payload.len() as u64);
    let mut head = kind << 4;
    if behind > 0 {
        head |= 0x40;
        number(&mut numbers, behind);
    }
    let folded = numbers.iter().fold(head, |sum, byte| sum ^ byte);
    let mut whole = vec![0x80 | head | (folded & 0xf) ^ (folded >> 4)];
    whole.extend_from_slice(&numbers);
    let place = crc32c_append(crc32c(&SALT.to_le_bytes()), &at.to_le_bytes());
    let crc = crc32c_append(crc32c_append(place, &whole), payload);
    whole.extend_from_slice(&crc.to_le_bytes());
    out.extend_from_slice(&whole);
    out.extend_from_slice(payload);
}

pub(super) fn number(out: &mut Vec<u8>, mut n: u64) {
    while n >= 0x80 {
        out.push(n as u8 | 0x80);
        n >>= 7;
    }
    out.push(n as u8);
}

/// A segment of frames that the bytes describe: kind, length, payload; between them anything.
pub(super) fn segment(bytes: &mut Bytes<'_>) -> Vec<u8> {
    const NUMBERS: [u64; 6] = [0, 1, 7, u64::MAX, u64::MAX - 1, 1 << 40];
    let mut edge = || *bytes.pick(&NUMBERS);
    let mut out = header([edge(), edge(), edge()], 0);
    while !bytes.is_empty() {
        let (kind, behind) = (bytes.byte(), u64::from(bytes.byte()));
        let len = usize::from(bytes.byte());
        match kind % 8 {
            0..3 => frame(&mut out, 0, bytes.take(len), behind & 3),
            3 | 4 => frame(&mut out, 1, bytes.take(len), behind),
            5 => {
                let mut fence = Vec::new();
                [edge_or(bytes, behind), behind, u64::from(kind)].iter().for_each(|n| number(&mut fence, *n));
                frame(&mut out, 2, &fence, 0);
            }
            6 => frame(&mut out, 2, bytes.take(len), behind),
            _ => out.extend_from_slice(bytes.take(len)),
        }
    }
    out
}

fn edge_or(bytes: &mut Bytes<'_>, small: u64) -> u64 {
    if bytes.one_in(4) { u64::MAX } else { small }
}

/// A whole snapshot of parts that the bytes describe: its position, then tag, length, bytes of each.
pub(super) fn put_snapshot(disk: &FaultyDisk, bytes: &mut Bytes<'_>) {
    const TAGS: [u32; 6] = [u32::MAX - 1, 0, 1, 3, 15, u32::MAX - 2];
    let (after, reach) = (u64::from(bytes.byte() % 4), u64::from(bytes.byte() % 4));
    let Ok(mut writer) = snapshot::Writer::create(disk) else { return };
    while !bytes.is_empty() {
        let tag = *bytes.pick(&TAGS);
        let len = usize::from(bytes.byte()) << (bytes.byte() % 4);
        if writer.put(tag, bytes.take(len)).is_err() {
            return;
        }
    }
    assert!(writer.finish(after, reach).is_ok(), "a snapshot is read back as it was written");
}
