//! The broker for programs that embed it: a call blocks until its effects are durable.

use crate::broker::{Broker, Called, OpenError, Options, Storage};
use ackline_engine::{Error, Outcome, OwnedArgs, Ticket};
use ackline_log::{LocalOptions, Lsn};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};

type Answers = Arc<Mutex<HashMap<Ticket, Sender<(Outcome, Lsn)>>>>;

/// A broker within this process, kept in a directory. Cheap to clone, usable from any thread.
#[derive(Clone)]
pub struct Ackline {
    broker: Arc<Broker>,
    answers: Answers,
}

impl Ackline {
    /// Opens the directory, which is created if there is none; everything acknowledged before is there again.
    pub fn open(dir: &Path) -> Result<Ackline, OpenError> {
        Ackline::with(Options::new(Storage::Local(dir.to_owned(), LocalOptions::default())))
    }

    /// A broker with options of one's own.
    pub fn with(options: Options) -> Result<Ackline, OpenError> {
        let answers = Answers::default();
        let sink_answers = Arc::clone(&answers);
        let sink = move |all: Vec<ackline_engine::Served>, lsn| {
            for served in all {
                if let Some(answer) = sink_answers.lock().remove(&served.ticket) {
                    // A receiver that is gone has no use for the answer.
                    let _ = answer.send((served.outcome, lsn));
                }
            }
        };
        let broker = Arc::new(Broker::open(options, Box::new(sink))?);
        Broker::start_timer(&broker);
        Broker::start_reaper(&broker);
        Ok(Ackline { broker, answers })
    }

    /// Runs one of the engine's commands in database 0. Reads with BLOCK wait; a reply is given once what it saw is
    /// durable. Errors are those that the command answers on the wire.
    pub fn command(&self, words: &[impl AsRef<[u8]>]) -> Outcome {
        let owned = OwnedArgs::collect(words.iter().map(AsRef::as_ref));
        let args = owned.as_args();
        if args.is_empty() {
            return Err(Error::from_static("ERR unknown command ''"));
        }
        let spec = self.broker.table().resolve(args)?;
        let (ticket, (send, receive)) = (self.broker.ticket(), channel());
        self.answers.lock().insert(ticket, send);
        let ctx = ackline_engine::Context { ticket, may_block: true, ..self.broker.context() };
        let (outcome, lsn) = match self.broker.call(spec, args, ctx) {
            Called::Done(outcome, lsn) => {
                self.answers.lock().remove(&ticket);
                (outcome, lsn)
            }
            Called::Parked => receive.recv().map_err(|_| closed())?,
        };
        match self.broker.log().durable().wait(lsn, None) {
            true => outcome,
            false => Err(closed()),
        }
    }

    /// The broker itself.
    pub fn broker(&self) -> &Arc<Broker> {
        &self.broker
    }
}

fn closed() -> Error {
    Error::from_static("ERR the log has failed; whether the command took effect is unknown")
}
