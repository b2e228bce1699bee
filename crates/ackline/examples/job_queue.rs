//! A job queue within a program: several workers, jobs that fail and are tried again, jobs that never work, and a crash
//! in between after which everything goes on.

use ackline::{Ackline, Add, After, Delivered, Error, Nack, ReadGroup};
use std::collections::BTreeMap;
use std::thread;
use std::time::Duration;

const JOBS: usize = 12;
/// A job that failed so often is put aside.
const TRIES_MAX: u64 = 3;
/// Whoever has had a job for so long is taken for dead.
const PATIENCE: Duration = Duration::from_millis(50);

/// A queue: a stream with one group, and a stream for what never works.
#[derive(Clone)]
struct Queue {
    broker: Ackline,
}

impl Queue {
    fn open(dir: &std::path::Path) -> Result<Queue, Box<dyn std::error::Error>> {
        let broker = Ackline::open(dir)?;
        broker.create_group("jobs", "workers", After::START).wait()?;
        Ok(Queue { broker })
    }

    fn put(&self, name: &str) -> Result<(), Error> {
        self.broker.add("jobs", [("name", name)]).wait().map(drop)
    }

    /// Jobs that are new, that were given back, or whose worker is dead.
    fn take(&self, worker: &str, count: usize) -> Result<Vec<Delivered>, Error> {
        let read = ReadGroup::new("workers", worker).count(count).claim(PATIENCE).block(PATIENCE);
        self.broker.read_group("jobs", read).wait()
    }

    fn finish(&self, job: &Delivered, worker: &str) -> Result<(), Error> {
        let name = job.get("name").unwrap_or_default();
        self.end(job, "done", [(&b"job"[..], name), (b"by", worker.as_bytes())])
    }

    /// It went wrong: somebody tries again at once, or nobody any more.
    fn fail(&self, job: &Delivered) -> Result<(), Error> {
        match job.deliveries + 1 < TRIES_MAX {
            true => self.broker.nack("jobs", "workers", Nack::Fail, [job.id()]).wait().map(drop),
            false => self.end(job, "dead", job.fields()),
        }
    }

    /// What a job led to and its acknowledgement are one batch, so that a crash leaves both or neither. A worker that was
    /// only slow may do what another has done as well: the same job is added once.
    fn end<'a>(
        &self,
        job: &Delivered,
        stream: &str,
        fields: impl IntoIterator<Item = (&'a [u8], &'a [u8])>,
    ) -> Result<(), Error> {
        let id = job.id().to_string();
        let result = self.broker.add_with(stream, Add::new().idempotent("jobs", &id), fields);
        let done = self.broker.ack("jobs", "workers", [job.id()]);
        let (result, done) = self.broker.together((result, done)).wait();
        result.and(done).map(drop)
    }

    /// How many jobs are neither done nor dead.
    fn open_jobs(&self) -> Result<u64, Error> {
        let ended = self.broker.len("done").wait()? + self.broker.len("dead").wait()?;
        Ok(self.broker.len("jobs").wait()? - ended)
    }
}

/// Works until every job is done or dead. Job 3 fails once, job 7 always.
fn work(queue: &Queue, worker: &str) -> Result<(), Error> {
    while queue.open_jobs()? > 0 {
        for job in queue.take(worker, 2)? {
            match (job.text("name"), job.deliveries) {
                (Some("job 3"), 0) | (Some("job 7"), _) => queue.fail(&job)?,
                _ => queue.finish(&job, worker)?,
            }
        }
    }
    Ok(())
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let dir = tempfile::tempdir()?;
    let queue = Queue::open(dir.path())?;
    (0..JOBS).try_for_each(|n| queue.put(&format!("job {n}")))?;
    println!("{JOBS} jobs are in the queue");

    let first = queue.take("doomed", 5)?;
    queue.finish(&first[0], "doomed")?;
    println!("a worker takes {}, does one of them, and the program dies", first.len());
    drop(queue);

    let queue = Queue::open(dir.path())?;
    println!("it is started again: {} jobs are open", queue.open_jobs()?);
    assert_eq!(queue.open_jobs()?, JOBS as u64 - 1);
    let workers = ["ann", "bob", "eve"].map(|name| {
        let queue = queue.clone();
        thread::spawn(move || work(&queue, name))
    });
    for worker in workers {
        worker.join().map_err(|_| "a worker panicked")??;
    }

    let mut by_worker = BTreeMap::<String, usize>::new();
    for result in queue.broker.range("done", .., JOBS).wait()? {
        *by_worker.entry(result.text("by").unwrap_or_default().to_owned()).or_default() += 1;
    }
    println!("done by {by_worker:?}");
    let dead = queue.broker.range("dead", .., JOBS).wait()?;
    println!("given up: {:?}", dead[0].text("name"));
    assert_eq!(by_worker.values().sum::<usize>(), JOBS - 1);
    assert_eq!((dead.len(), dead[0].text("name")), (1, Some("job 7")));
    assert_eq!(queue.broker.pending("jobs", "workers").wait()?.count, 0);
    Ok(())
}
