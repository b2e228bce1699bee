//! The fuzz targets over the corpus, and over `FUZZ_RUNS` mutations of it for each target, from `FUZZ_SEED`.
//!
//! An input that finds something is left in the folder of cargo's temporary files; its place in the corpus is
//! `tests/corpus/<target>/`, under a name that says what it found.

use ackline_sim::fuzz::{TARGETS, as_log, as_snapshot, mutate};
use ackline_sim::workload::Workload;
use ackline_sim::{Driver, Rng, session};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::fs;
use std::path::{Path, PathBuf};

/// Counts the largest allocation of each thread: what a file claims of lengths must not be believed.
struct Watched;

thread_local! {
    static LARGEST: Cell<usize> = const { Cell::new(0) };
}

fn note(size: usize) {
    // A thread that ends has no such value any more.
    let _ = LARGEST.try_with(|largest| largest.set(largest.get().max(size)));
}

// SAFETY: every call goes on to the system's allocator as it came.
unsafe impl GlobalAlloc for Watched {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note(layout.size());
        // SAFETY: as for the caller.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        // SAFETY: as for the caller.
        unsafe { System.dealloc(at, layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        note(layout.size());
        // SAFETY: as for the caller.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        note(size);
        // SAFETY: as for the caller.
        unsafe { System.realloc(at, layout, size) }
    }
}

#[global_allocator]
static WATCHED: Watched = Watched;

/// No target allocates more than this at once and a multiple of its input: a record's ID takes two bytes and becomes
/// sixteen, and vectors double.
const ALLOCATION_MAX: usize = 4 << 20;
const ALLOCATION_FACTOR: usize = 64;
/// All of the corpus.
const CORPUS_MAX: u64 = 200 * 1024;

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

fn folder(target: &str) -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/corpus")).join(target)
}

fn files(target: &str) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> =
        fs::read_dir(folder(target)).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

/// Keeps the input of a run that panics.
struct Kept<'a>(&'a str, &'a [u8]);

impl Drop for Kept<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("found-by-{}", self.0));
            fs::write(&path, self.1).unwrap();
            eprintln!("the input is in {}", path.display());
        }
    }
}

fn run(name: &str, bytes: &[u8]) {
    let (_, target) = TARGETS.iter().find(|(known, _)| *known == name).unwrap();
    let _kept = Kept(name, bytes);
    LARGEST.set(0);
    target(bytes);
    let limit = ALLOCATION_MAX + ALLOCATION_FACTOR * bytes.len();
    assert!(LARGEST.get() <= limit, "{} bytes at once for an input of {}", LARGEST.get(), bytes.len());
}

/// The corpus as it is, then so many mutations.
fn fuzz(name: &str, default: u64) {
    let corpus: Vec<Vec<u8>> = files(name).iter().map(|path| fs::read(path).unwrap()).collect();
    assert!(!corpus.is_empty(), "{name} has no corpus");
    corpus.iter().for_each(|bytes| run(name, bytes));
    let mut rng = Rng::new(number("FUZZ_SEED", 1));
    for _ in 0..number("FUZZ_RUNS", default) {
        let bytes = mutate(rng.pick::<Vec<u8>>(&corpus), &corpus, &mut rng);
        run(name, &bytes);
    }
}

#[test]
fn requests_in_pieces_are_the_same_requests() {
    fuzz("resp", 500);
}

#[test]
fn no_traffic_panics_or_leads_to_a_state_that_does_not_come_back() {
    fuzz("command", 60);
}

#[test]
fn no_batch_panics_or_leads_to_a_state_that_does_not_come_back() {
    fuzz("record", 2_000);
}

#[test]
fn no_image_leads_to_a_value_that_commands_cannot_work_with() {
    fuzz("image", 400);
}

#[test]
fn no_file_of_a_log_does_more_than_be_refused() {
    fuzz("segment", 300);
}

#[test]
fn the_corpus_is_small() {
    let size = |path: &PathBuf| fs::metadata(path).unwrap().len();
    let total: u64 = TARGETS.iter().flat_map(|(name, _)| files(name)).map(|path| size(&path)).sum();
    assert!(total <= CORPUS_MAX, "{total} bytes");
}

/// `UPDATE_CORPUS=1` writes the seeds anew. What was found since stays: it has other names.
#[test]
fn seeds_come_from_real_traffic() {
    for (name, seeds) in [
        ("resp", seeds::resp()),
        ("command", seeds::command()),
        ("record", seeds::record()),
        ("image", seeds::image()),
        ("segment", seeds::segment()),
    ] {
        assert!(!seeds.is_empty(), "no seeds for {name}");
        if std::env::var_os("UPDATE_CORPUS").is_some() {
            fs::create_dir_all(folder(name)).unwrap();
            for (n, seed) in seeds.iter().enumerate() {
                fs::write(folder(name).join(format!("seed-{n:02}")), seed).unwrap();
            }
        }
    }
}

mod seeds {
    use super::*;
    use ackline::{LocalOptions, SyncMode, storage::Storage};
    use ackline_log::faulty::FaultyDisk;
    use ackline_log::{Directory, LocalLog, Log, snapshot};
    use ackline_resp::words;
    use ackline_sim::model::Model;
    use std::sync::Arc;

    const LONGEST: usize = 3_000;

    fn sessions() -> Vec<String> {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/sessions");
        let mut paths: Vec<PathBuf> =
            fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        paths.iter().map(|path| fs::read_to_string(path).unwrap()).collect()
    }

    /// The commands of a session as clients send them.
    fn requests(text: &str) -> Vec<Vec<u8>> {
        let commands =
            text.lines().filter_map(|line| line.strip_prefix("> ")).filter_map(|line| words(line.as_bytes()));
        let request = |words: Vec<Vec<u8>>| {
            let mut out = format!("*{}\r\n", words.len()).into_bytes();
            for word in words {
                out.extend(format!("${}\r\n", word.len()).as_bytes());
                out.extend(word);
                out.extend(b"\r\n");
            }
            out
        };
        commands.map(request).collect()
    }

    fn cut(pieces: impl IntoIterator<Item = Vec<u8>>, most: usize) -> Vec<u8> {
        let mut out = Vec::new();
        for piece in pieces {
            if out.len() + piece.len() <= most {
                out.extend(piece);
            }
        }
        out
    }

    pub(super) fn resp() -> Vec<Vec<u8>> {
        let replies: [&[u8]; 3] = [
            b"+OK\r\n-ERR no\r\n:12\r\n$3\r\nabc\r\n$-1\r\n*2\r\n:1\r\n*-1\r\n",
            b"%1\r\n+k\r\n~2\r\n#t\r\n,1.5\r\n>2\r\n+m\r\n_\r\n=7\r\ntxt:abc\r\n(123\r\n|1\r\n+a\r\n:1\r\n!3\r\nERR\r\n",
            b"PING\r\nSET k \"a \\x00 b\"\r\nGET 'k'\n\r\n*1\r\n$4\r\nPING\r\n",
        ];
        let traffic = sessions().into_iter().step_by(4).map(|text| cut(requests(&text), 400));
        traffic.chain(replies.map(<[u8]>::to_vec)).map(|bytes| [&[7, 0], &bytes[..]].concat()).collect()
    }

    pub(super) fn command() -> Vec<Vec<u8>> {
        let raw = sessions().into_iter().map(|text| [vec![0xfe], cut(requests(&text), LONGEST)].concat());
        let mut rng = Rng::new(5);
        let spelled = (0..10).map(|_| (0..600).map(|n| if n == 0 { 1 } else { rng.bits() as u8 }).collect());
        raw.chain(spelled.collect::<Vec<_>>()).collect()
    }

    /// Drivers that something has happened to.
    fn drivers() -> Vec<Driver> {
        let played = sessions().into_iter().map(|text| session::run(&text, 4).driver);
        played.chain((1..5).map(|seed| worked(seed, 80))).collect()
    }

    fn worked(seed: u64, commands: usize) -> Driver {
        let (mut workload, mut driver) = (Workload::new(seed), Driver::new(4, 1_000));
        let mut model = Model::new(1_000, 100);
        for _ in 0..commands {
            let pause = workload.pause();
            model.now += pause;
            driver.advance(pause);
            let command = workload.command(&model);
            model.execute(&command);
            driver.call("main", &command.words());
        }
        driver
    }

    pub(super) fn record() -> Vec<Vec<u8>> {
        drivers().iter().map(|driver| cut(driver.log().iter().cloned(), LONGEST)).collect()
    }

    pub(super) fn image() -> Vec<Vec<u8>> {
        let mut images = Vec::new();
        for mut driver in drivers() {
            for key in ["s", "t"] {
                let dump = driver.call("dumper", &["DUMP", key]);
                if let ackline_sim::Answer::Now(ackline_sim::Plain::Bulk(payload)) = dump
                    && payload.len() < LONGEST
                {
                    // Magic before it, checksum behind it: the target puts them on again.
                    images.push(payload[4..payload.len() - 8].to_vec());
                }
            }
        }
        images
    }

    pub(super) fn segment() -> Vec<Vec<u8>> {
        let (driver, disk) = (worked(9, 60), FaultyDisk::new());
        let options =
            LocalOptions { sync: SyncMode::EverySec, segment_bytes: 4096, by_hand: true, seed: Some(1) };
        let directory = Directory::on(Arc::new(disk.clone()));
        let log = LocalLog::open(directory, options, &mut |_, _| {}).unwrap();
        for (n, batch) in driver.log().iter().enumerate().take(40) {
            log.append(batch);
            if n % 3 == 0 {
                log.step(n % 9 == 0);
            }
        }
        drop(log);
        let file = disk.read("0000000000000000.log").unwrap();
        let mut writer = snapshot::Writer::create(&disk).unwrap();
        writer.put(u32::MAX - 1, &[1, 0]).unwrap();
        driver.log().iter().take(10).for_each(|batch| writer.put(0, batch).unwrap());
        writer.finish(0, 0).unwrap();
        let saved = disk.read(&snapshot::name(0)).unwrap();
        let used = file.iter().rposition(|byte| *byte != 0).unwrap() + 1;
        let mut seeds = vec![as_log(&file[..used]), as_log(&file[..used - 9]), as_snapshot(&saved)];
        seeds.push([&[1], &file[64..used.min(700)]].concat());
        seeds.push([&[5], &saved[28..]].concat());
        seeds.extend((0..6).map(|mode| forged(mode, &driver)));
        seeds
    }

    /// Inputs whose checksums the target puts on: frames for modes 2 and 3, parts for 6 and 7.
    fn forged(n: u8, driver: &Driver) -> Vec<u8> {
        let mut out = vec![[2, 3, 6, 6, 7, 2][usize::from(n)]];
        let batches = driver.log().iter().filter(|batch| batch.len() < 250).skip(usize::from(n));
        match out[0] {
            2 | 3 => out.extend([0, 0, 0, 5, 0, 0, 0]),
            6 => out.extend([0, 0, 0, 2, 0, 1, 0]),
            _ => out.extend([0, 0, 0, 0, 2, 0, 1, 0]),
        }
        for batch in batches.take(12) {
            match out[0] {
                2 | 3 if n == 1 => out.extend([3, 0, batch.len() as u8 + 1, batch.len() as u8]),
                2 | 3 => out.extend([0, 0, batch.len() as u8]),
                _ => out.extend([1, batch.len() as u8, 0]),
            }
            out.extend(batch);
        }
        out
    }
}
