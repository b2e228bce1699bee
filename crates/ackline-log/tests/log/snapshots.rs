//! Snapshots: whole or refused.

use ackline_log::faulty::FaultyDisk;
use ackline_log::snapshot::{self, Reader, Writer};
use ackline_log::storage::Storage;
use ackline_log::{LogError, Lsn};
use std::sync::atomic::Ordering;

fn parts() -> Vec<(u32, Vec<u8>)> {
    vec![(0, b"shards".to_vec()), (7, vec![7; 300]), (3, Vec::new()), (7, b"last".to_vec())]
}

fn write(disk: &FaultyDisk, after: Lsn) -> Result<u64, LogError> {
    let io = |error| LogError::Io(disk.path(""), error);
    let mut writer = Writer::create(disk).map_err(io)?;
    for (tag, bytes) in parts() {
        writer.put(tag, &bytes).map_err(io)?;
    }
    writer.finish(after, after + 5)
}

fn read(disk: &FaultyDisk, after: Lsn) -> Result<Vec<(u32, Vec<u8>)>, LogError> {
    let mut reader = Reader::new(disk, after)?;
    assert_eq!((reader.after, reader.reach), (after, after + 5));
    let mut all = Vec::new();
    while let Some((tag, bytes)) = reader.next()? {
        all.push((tag, bytes.to_vec()));
    }
    Ok(all)
}

#[test]
fn what_was_written_is_read_back() {
    let disk = FaultyDisk::new();
    let size = write(&disk, 10).unwrap();
    write(&disk, 20).unwrap();
    assert_eq!(size, disk.read(&snapshot::name(10)).unwrap().len() as u64);
    assert_eq!(snapshot::list(&disk).unwrap(), [20, 10]);
    assert_eq!(read(&disk, 10).unwrap(), parts());
    snapshot::remove(&disk, 20).unwrap();
    assert_eq!(snapshot::list(&disk).unwrap(), [10]);
}

#[test]
fn every_byte_and_every_length_counts() {
    let disk = FaultyDisk::new();
    write(&disk, 10).unwrap();
    let (name, whole) = (snapshot::name(10), disk.read(&snapshot::name(10)).unwrap());
    for at in 0..whole.len() {
        for bits in [1, 0x55, 0x80] {
            let mut image = whole.clone();
            image[at] ^= bits;
            disk.put(&name, &image);
            assert!(matches!(read(&disk, 10), Err(LogError::Corrupt { .. })), "flipped {at}");
        }
        disk.put(&name, &whole[..at]);
        assert!(matches!(read(&disk, 10), Err(LogError::Corrupt { .. })), "cut at {at}");
    }
    disk.put(&name, &[&whole[..], b"x"].concat());
    assert!(matches!(read(&disk, 10), Err(LogError::Corrupt { .. })), "one byte more");
    disk.put(&snapshot::name(11), &whole);
    assert!(matches!(Reader::new(&disk, 11), Err(LogError::Corrupt { .. })), "another one's name");
}

#[test]
fn a_snapshot_interrupted_anywhere_is_not_there() {
    for calls in 0.. {
        let disk = FaultyDisk::new();
        disk.calls_left.store(calls, Ordering::SeqCst);
        let done = write(&disk, 10).is_ok();
        let after = disk.after_power_cut(&mut || calls % 2 == 0);
        match done {
            true => return assert_eq!(read(&after, 10).unwrap(), parts()),
            false => assert_eq!(snapshot::list(&after).unwrap(), [] as [Lsn; 0], "{calls} calls"),
        }
    }
}
