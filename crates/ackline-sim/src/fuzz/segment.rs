//! Files of a log: each opens with what it holds, or is refused as damaged.

use super::bytes::Bytes;
use super::{INPUT_MAX, forge};
use ackline::{Broker, LocalOptions, LogError, OpenError, Options, Storage};
use ackline_engine::{Keyspace, replay};
use ackline_log::faulty::FaultyDisk;
use ackline_log::{Directory, LocalLog, Log, Lsn, snapshot};
use std::sync::Arc;

const LOG: &str = "0000000000000000.log";
/// The tag of a snapshot's first part, which says how far its shards reach.
const META: u32 = u32::MAX - 1;
/// Bytes of a snapshot's header.
const SNAPSHOT_HEADER: usize = 28;

/// The first byte chooses what the others are: a segment or a snapshot; raw, behind a right header, or put together with
/// right checksums.
pub fn segment(bytes: &[u8]) {
    let bytes = &bytes[..bytes.len().min(INPUT_MAX)];
    let Some((mode, rest)) = bytes.split_first() else { return };
    let disk = FaultyDisk::new();
    match mode % 8 {
        0 => disk.put(LOG, rest),
        1 => disk.put(LOG, &[forge::header([0; 3], 0), rest.to_vec()].concat()),
        2 | 3 => disk.put(LOG, &forge::segment(&mut Bytes::new(rest))),
        4 => disk.put(&snapshot::name(0), rest),
        5 => disk.put(&snapshot::name(0), &[snapshot_header(), rest.to_vec()].concat()),
        6 => forge::put_snapshot(&disk, &mut Bytes::new(rest)),
        _ => {
            let mut bytes = Bytes::new(rest);
            let len = usize::from(bytes.byte()) << 3;
            disk.put(LOG, &[forge::header([0; 3], 0), bytes.take(len).to_vec()].concat());
            forge::put_snapshot(&disk, &mut bytes);
        }
    }
    open_log(&disk.copy());
    read_snapshots(&disk.copy());
    open_broker(&disk);
}

/// An input that stands for a segment file as it is.
pub fn as_log(file: &[u8]) -> Vec<u8> {
    [&[0], file].concat()
}

/// An input that stands for a snapshot file as it is.
pub fn as_snapshot(file: &[u8]) -> Vec<u8> {
    [&[4], file].concat()
}

fn snapshot_header() -> Vec<u8> {
    let disk = FaultyDisk::new();
    forge::put_snapshot(&disk, &mut Bytes::new(&[]));
    let whole = ackline_log::storage::Storage::read(&disk, &snapshot::name(0));
    whole.expect("a snapshot was just put there")[..SNAPSHOT_HEADER].to_vec()
}

const OPTIONS: LocalOptions =
    LocalOptions { sync: ackline::SyncMode::Always, segment_bytes: 4096, by_hand: true, seed: Some(1) };

fn open(disk: &FaultyDisk, visit: &mut dyn FnMut(Lsn, &[u8])) -> Option<LocalLog> {
    match LocalLog::open(Directory::on(Arc::new(disk.clone())), OPTIONS, visit) {
        Ok(log) => Some(log),
        Err(LogError::Corrupt { .. }) => None,
        Err(error) => panic!("neither whole nor damaged: {error}"),
    }
}

/// What opens once opens again with the same batches, and with what was appended.
fn open_log(disk: &FaultyDisk) {
    let mut keyspace = Keyspace::new(2, 16, 1);
    let mut found = Vec::new();
    let opened = open(disk, &mut |lsn, batch| {
        found.push((lsn, batch.to_vec()));
        let _ = replay(&mut keyspace.reach(), batch);
    });
    let Some(log) = opened else { return };
    found.push((log.append(b"appended"), b"appended".to_vec()));
    assert!(log.close().is_ok(), "it does not close");
    drop(log);
    let mut again = Vec::new();
    assert!(open(disk, &mut |lsn, batch| again.push((lsn, batch.to_vec()))).is_some(), "it opened before");
    assert_eq!(again, found, "it holds something else now");
}

fn read_snapshots(disk: &FaultyDisk) {
    for after in snapshot::list(disk).expect("a list of files") {
        let mut keyspace = Keyspace::new(2, 16, 1);
        let Ok(mut reader) = snapshot::Reader::new(disk, after) else { continue };
        while let Ok(Some((tag, part))) = reader.next() {
            if tag != META {
                let _ = replay(&mut keyspace.reach(), part);
            }
        }
    }
}

/// The whole way of a server's start. A panic of one of its threads is a record that does not fit, so that the records
/// are replayed above, too.
fn open_broker(disk: &FaultyDisk) {
    let storage = Storage::On(Arc::new(disk.clone()), OPTIONS);
    match Broker::open(Options { seed: Some(1), ..Options::new(storage) }, Box::new(|_, _| {})) {
        Ok(broker) => drop(broker.digest()),
        Err(OpenError::Log(LogError::Io(path, error))) => panic!("{}: {error}", path.display()),
        Err(_) => {}
    }
}
