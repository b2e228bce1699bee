//! Who the master is, asked of the sentinels.

use super::dial::{Address, Dialer, Live};
use crate::error::{Error, Result};
use crate::store::{Command, Value};
use crate::target::Host;
use std::sync::atomic::{AtomicUsize, Ordering};

pub(super) struct Sentinels {
    hosts: Vec<Host>,
    service: String,
    dialer: Dialer,
    /// Who answered last is asked first.
    first: AtomicUsize,
}

impl Sentinels {
    pub(super) fn new(hosts: Vec<Host>, service: String, dialer: Dialer) -> Sentinels {
        Sentinels { hosts, service, dialer, first: AtomicUsize::new(0) }
    }

    /// Connects to the master. A server that is not, or not yet, what the sentinels say it is, is refused: what it would
    /// accept now it may lose when it learns that it is a replica.
    pub(super) async fn dial(&self, dialer: &Dialer) -> Result<Live> {
        let master = Address::Host(self.master().await?);
        let (live, role) = dialer.dial(&master, Command::new("ROLE")).await?;
        match role.array().and_then(<[Value]>::first).and_then(Value::text) {
            Some(role) if role != "master" => Err(live.broken(format_args!("it is no master but a {role}"))),
            // Whoever may not ask has to believe.
            _ => Ok(live),
        }
    }

    async fn master(&self) -> Result<Host> {
        let first = self.first.load(Ordering::Relaxed);
        let mut failure = Error::Closed;
        for at in (first..first + self.hosts.len()).map(|at| at % self.hosts.len()) {
            match self.ask(&self.hosts[at]).await {
                Ok(master) => {
                    self.first.store(at, Ordering::Relaxed);
                    return Ok(master);
                }
                Err(error) => failure = error,
            }
        }
        Err(failure)
    }

    async fn ask(&self, sentinel: &Host) -> Result<Host> {
        let question = Command::new("SENTINEL").arg("GET-MASTER-ADDR-BY-NAME").arg(&self.service);
        let (live, answer) = self.dialer.dial(&Address::Host(sentinel.clone()), question).await?;
        let answer = answer.into_result()?;
        match answer.array() {
            Some([name, port]) => host(name, port),
            _ => None,
        }
        .ok_or_else(|| live.broken(format_args!("this sentinel knows no master {:?}", self.service)))
    }
}

fn host(name: &Value, port: &Value) -> Option<Host> {
    Some(Host { name: name.text()?.to_owned(), port: port.int()?.try_into().ok()? })
}
