//! The bytes on disk, which older logs rely on.

use crate::{by_hand, on};
use ackline_log::faulty::FaultyDisk;
use ackline_log::storage::Storage;
use ackline_log::{Log, SyncMode};

/// With a salt that is no chance every byte is known, checksums included.
#[test]
fn the_bytes_of_a_segment_are_frozen() {
    let disk = FaultyDisk::new();
    let log = on(&disk, by_hand(SyncMode::EverySec)).unwrap();
    log.append(b"abc");
    log.step(false);
    log.append(b"d");
    log.append(b"");
    log.step(true);
    log.close().unwrap();
    let bytes = disk.read("0000000000000000.log").unwrap();
    let hex = |range: std::ops::Range<usize>| -> String {
        bytes[range].iter().map(|byte| format!("{byte:02x}")).collect()
    };
    assert_eq!(&bytes[..8], b"AckSeg02");
    assert_eq!(hex(8..12), "07000000", "salt");
    assert_eq!(bytes[12..48], [0; 36], "index, lsn, frame, epoch, chain");
    assert_eq!(bytes[52..64], [0; 12]);
    assert_eq!(hex(48..52), "e95af05b");
    assert_eq!(hex(64..73), "a1031733da63000000", "a fence: epoch 0, index 0, position 0");
    assert_eq!(hex(73..82), "83036948d0ed616263", "one batch of 3 bytes, everything before it is synced");
    assert_eq!(hex(82..92), "df03093694796e016400", "two batches, 9 bytes before them are not synced");
    assert!(bytes[92..].iter().all(|byte| *byte == 0));
}
