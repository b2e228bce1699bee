//! The bytes on disk, which older logs rely on.

use crate::disk::MemoryDisk;
use crate::small;
use ackline_log::{LocalLog, Log, SyncMode};
use std::sync::Arc;

/// Everything but the salt and what depends on it: the checksums.
#[test]
fn the_bytes_of_a_segment_are_frozen() {
    let disk = MemoryDisk::new();
    let log = LocalLog::on(Arc::new(disk.clone()), small(SyncMode::Always)).unwrap();
    let lsn = log.append(b"abc");
    assert!(log.durable().wait(lsn, None));
    log.close().unwrap();
    let (name, bytes) = disk.segment();
    assert_eq!(name, "0000000000000000.log");
    assert_eq!(&bytes[..8], b"AckSeg01");
    assert_eq!(bytes[12..48], [0; 36], "index, first, frame, epoch, previous");
    let fence = &bytes[64..112];
    assert_eq!(&fence[..8], b"AckF\x01\x00\x01\x00", "magic, version, kind");
    assert_eq!(fence[8..44], [0; 36], "epoch, index, before, batches, length, previous");
    let frame = &bytes[112..164];
    assert_eq!(&frame[..8], b"AckF\x01\x00\x00\x00", "magic, version, kind");
    let mut fields = [0; 32];
    fields[8] = 1;
    fields[24] = 1;
    fields[28] = 4;
    assert_eq!(frame[8..40], fields, "epoch 0, index 1, before 0, 1 batch, 4 bytes");
    assert_eq!(frame[40..44], fence[44..48], "the chain: the checksum of the frame before");
    assert_eq!(&frame[48..], b"\x03abc");
}
