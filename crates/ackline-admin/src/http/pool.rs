//! Connections into the server, and how many of them run commands at once.

use super::problem::Problem;
use crate::client::{Client, Error};
use ackline_server::{Handle, Who};
use parking_lot::Mutex;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;

/// Requests that run commands at the same time.
pub(crate) const AT_ONCE: usize = 8;

/// How many more may wait for that, and how long.
const WAITING: usize = 256;
const PATIENCE: Duration = Duration::from_secs(5);

/// How long one command may take.
const REPLY: Duration = Duration::from_secs(30);

/// Connections that are kept though nobody needs them just now.
const IDLE: usize = 2 * AT_ONCE;

/// As whom commands run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// As one whom the server need not ask.
    As(Who),
    /// By AUTH, anew each time.
    Password(String, String),
}

struct Idle {
    who: Who,
    db: u32,
    client: Client,
}

/// The way to the server for everything that the admin port does.
pub(crate) struct Pool {
    handle: Handle,
    slots: Arc<Semaphore>,
    queue: Semaphore,
    idle: Mutex<Vec<Idle>>,
}

impl Pool {
    pub(crate) fn new(handle: Handle) -> Pool {
        let (slots, queue) = (Arc::new(Semaphore::new(AT_ONCE)), Semaphore::new(AT_ONCE + WAITING));
        Pool { handle, slots, queue, idle: Mutex::default() }
    }

    /// Runs `job` where it may block, with a connection of this user to this database. 503 if the data is being loaded,
    /// or if too many others wait.
    pub(crate) async fn ask<T: Send + 'static>(
        self: &Arc<Pool>,
        way: Way,
        db: u32,
        job: impl FnOnce(&mut Client) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        if self.handle.is_loading() {
            return Err(Problem::loading());
        }
        self.run(move |pool| {
            let (mut client, who) = pool.take(way, db)?;
            let done = job(&mut client);
            // After an error of the connection nobody knows what would come next.
            if let (Ok(_), Some(who)) = (&done, who) {
                pool.put(Idle { who, db, client });
            }
            done
        })
        .await
    }

    /// Runs `job` where it may block.
    pub(crate) async fn run<T: Send + 'static>(
        self: &Arc<Pool>,
        job: impl FnOnce(&Pool) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let full = || Problem::busy("too many requests at once");
        let _queued = self.queue.try_acquire().map_err(|_| full())?;
        let slot = tokio::time::timeout(PATIENCE, Arc::clone(&self.slots).acquire_owned()).await;
        let slot = slot.map_err(|_| full())?.map_err(|_| full())?;
        let pool = Arc::clone(self);
        let run = move || {
            // Also if the caller has gone away meanwhile: as long as this runs.
            let _slot = slot;
            job(&pool)
        };
        tokio::task::spawn_blocking(run).await.map_err(|_| Problem::busy("the server is about to end"))?
    }

    fn take(&self, way: Way, db: u32) -> Result<(Client, Option<Who>), Problem> {
        let who = match way {
            Way::Password(user, password) => {
                let mut client = self.connect(Who::Nobody)?;
                client.call(&["AUTH", &user, &password])?;
                select(&mut client, db)?;
                return Ok((client, None));
            }
            Way::As(who) => who,
        };
        while let Some(mut idle) = self.take_idle(&who) {
            match select(&mut idle.client, db) {
                Ok(()) => return Ok((idle.client, Some(who))),
                // Who may not choose a database stays in the one that the connection has, if that is the right one.
                Err(Error::Server(_)) if idle.db == db => return Ok((idle.client, Some(who))),
                Err(error @ Error::Server(_)) => return Err(error.into()),
                // Closed meanwhile, by CLIENT KILL for example. Nothing was run on it yet.
                Err(_) => {}
            }
        }
        let mut client = self.connect(who.clone())?;
        if db != 0 {
            select(&mut client, db)?;
        }
        Ok((client, Some(who)))
    }

    fn take_idle(&self, who: &Who) -> Option<Idle> {
        let mut idle = self.idle.lock();
        let at = idle.iter().rposition(|one| one.who == *who)?;
        Some(idle.remove(at))
    }

    fn put(&self, one: Idle) {
        let mut idle = self.idle.lock();
        idle.push(one);
        if idle.len() > IDLE {
            idle.remove(0);
        }
    }

    /// A connection of its own, which waits for replies no longer than a command may take.
    pub(crate) fn connect(&self, who: Who) -> Result<Client, Error> {
        let stream = self.plain(who)?;
        stream.set_write_timeout(Some(REPLY))?;
        let mut client = Client::over(stream);
        client.set_patience(Some(REPLY))?;
        Ok(client)
    }

    /// A socket into the server.
    pub(crate) fn plain(&self, who: Who) -> std::io::Result<UnixStream> {
        self.handle.connect(who)
    }
}

fn select(client: &mut Client, db: u32) -> Result<(), Error> {
    client.call(&["SELECT", &db.to_string()]).map(drop)
}
