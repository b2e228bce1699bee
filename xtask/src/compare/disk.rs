//! What the disk takes to make a little durable: the floor of `appendfsync always`.

use super::cases::Metric;
use super::lab::Lab;
use super::unit::Row;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::time::Instant;

/// About a record.
const BYTES: usize = 150;

/// fdatasync, again and again, of what was written into a file that was zeroed before.
pub(super) fn run(lab: &Lab) -> Result<Vec<Row>, String> {
    let place = lab.place()?;
    let syncs = lab.scaled(2000) as usize;
    let mut times = measure(&place.0.join("file"), syncs).map_err(|error| format!("the disk: {error}"))?;
    times.sort_by(f64::total_cmp);
    let figures = vec![(Metric::P50, times[syncs / 2]), (Metric::P99, times[syncs * 99 / 100])];
    Ok(vec![("disk/fdatasync".to_owned(), figures)])
}

/// Microseconds of each.
fn measure(path: &std::path::Path, syncs: usize) -> io::Result<Vec<f64>> {
    let file = File::create(path)?;
    file.write_all_at(&vec![0; BYTES * syncs], 0)?;
    file.sync_all()?;
    let record = [1; BYTES];
    let one = |n: usize| {
        let start = Instant::now();
        file.write_all_at(&record, (n * BYTES) as u64)?;
        file.sync_data()?;
        Ok(start.elapsed().as_secs_f64() * 1e6)
    };
    (0..syncs).map(one).collect()
}
