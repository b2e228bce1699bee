//! A cluster: each command goes to the node that has its key.
//!
//! What redis-rs has for clusters is not used, because it sends a whole pipeline again when one command of it was redirected, and
//! when the connection broke: entries would be added twice.

use super::dial::{Address, Dialer};
use super::lazy::Lazy;
use super::link::{Link, Way};
use super::slots::{Redirect, Slots, slot};
use crate::error::{Error, Result};
use crate::store::{Command, Value};
use crate::target::Host;
use futures_util::FutureExt;
use futures_util::future::try_join_all;
use hashbrown::HashMap;
use parking_lot::Mutex;
use std::sync::Arc;

/// How often a command is sent on before its redirection is the answer.
pub(super) const REDIRECTS: usize = 5;

pub(super) struct Cluster {
    nodes: Arc<Nodes>,
    slots: Lazy<Arc<Slots>>,
}

struct Nodes {
    dialer: Arc<Dialer>,
    seeds: Vec<Host>,
    links: Mutex<HashMap<Host, Arc<Link>, foldhash::fast::RandomState>>,
    /// Who knows best: a node that a redirection pointed to.
    hint: Mutex<Option<Host>>,
}

impl Cluster {
    pub(super) fn new(dialer: Arc<Dialer>, seeds: Vec<Host>) -> Cluster {
        let nodes = Nodes { dialer, seeds, links: Mutex::default(), hint: Mutex::default() };
        Cluster { nodes: Arc::new(nodes), slots: Lazy::new() }
    }

    pub(super) fn link(&self, host: &Host) -> Arc<Link> {
        self.nodes.link(host)
    }

    /// The nodes that have the keys of these commands, as far as is known.
    async fn homes(&self, commands: &[Command]) -> Result<Vec<Host>> {
        let nodes = self.nodes.clone();
        let (number, slots) =
            self.slots.get(|| async move { nodes.slots().await.map(Arc::new) }.boxed()).await?;
        let hosts = commands.iter().map(|command| slots.host(slot(command.routing_key())).cloned());
        hosts.collect::<Option<_>>().ok_or_else(|| {
            self.slots.forget(number);
            Error::server("CLUSTERDOWN no node has this slot")
        })
    }

    pub(super) async fn node(&self, command: &Command) -> Result<Host> {
        let mut homes = self.homes(std::slice::from_ref(command)).await?;
        homes.pop().ok_or(Error::Closed)
    }

    /// Learns that somebody has moved. A redirection is the last that this node may know, so it is not asked.
    pub(super) fn moved(&self, to: Host) {
        *self.nodes.hint.lock() = Some(to);
        self.doubt();
    }

    /// What is known may be old.
    pub(super) fn doubt(&self) {
        if let Some((number, _)) = self.slots.peek() {
            self.slots.forget(number);
        }
    }

    /// Runs commands, those of one node in their order. What a node has not taken is sent to where it said.
    pub(super) async fn pipeline(&self, commands: &[Command]) -> Result<Vec<Value>> {
        let mut answers: Vec<Value> = commands.iter().map(|_| Value::Nil).collect();
        let hosts = self.homes(commands).await?;
        let to = |host| Destination { host, asking: false };
        let mut open: Vec<(usize, Destination)> = hosts.into_iter().map(to).enumerate().collect();
        for round in 0..=REDIRECTS {
            let parts = by_host(&open).into_iter().map(|part| self.part(commands, part));
            let got = try_join_all(parts).await?;
            open.clear();
            for (at, host, answer) in got.into_iter().flatten() {
                match self.redirected(&answer, &host) {
                    Some(destination) if round < REDIRECTS => open.push((at, destination)),
                    _ => answers[at] = answer,
                }
            }
            if open.is_empty() {
                break;
            }
            open.sort_unstable_by_key(|(at, _)| *at);
        }
        Ok(answers)
    }

    /// The commands for one node, and their answers without those to ASKING.
    async fn part(&self, all: &[Command], part: Part) -> Result<Vec<(usize, Host, Value)>> {
        let asking = part.commands.iter().any(|(_, asking)| *asking);
        let answers = if part.commands.len() == all.len() && !asking {
            self.run(&part.host, all).await?
        } else {
            self.run(&part.host, &part.picked(all)).await?
        };
        let mut answers = answers.into_iter();
        let answered = part.commands.into_iter().map(|(at, asking)| {
            let answer = answers.nth(usize::from(asking)).unwrap_or(Value::Nil);
            (at, part.host.clone(), answer)
        });
        Ok(answered.collect())
    }

    /// Runs a transaction, from MULTI to EXEC, where the key of one of its commands is.
    pub(super) async fn transaction(&self, commands: &[Command], key: &Command) -> Result<Vec<Value>> {
        let mut host = self.node(key).await?;
        for _ in 0..REDIRECTS {
            let answers = self.run(&host, commands).await?;
            let moved = answers.iter().find_map(|answer| self.redirected(answer, &host));
            match moved {
                // A slot on its way has no transactions: that passes, and the caller tries again.
                Some(to) if !to.asking => host = to.host,
                _ => return Ok(answers),
            }
        }
        self.run(&host, commands).await
    }

    async fn run(&self, host: &Host, commands: &[Command]) -> Result<Vec<Value>> {
        let answers = self.link(host).pipeline(commands).await;
        // A node that is not there may have been replaced.
        if answers.is_err() {
            self.doubt();
        }
        answers
    }

    fn redirected(&self, answer: &Value, asked: &Host) -> Option<Destination> {
        let Value::Error(error) = answer else { return None };
        match Redirect::of(error, asked) {
            Some(Redirect::Moved(host)) => {
                self.moved(host.clone());
                Some(Destination { host, asking: false })
            }
            Some(Redirect::Ask(host)) => Some(Destination { host, asking: true }),
            None => {
                if ["CLUSTERDOWN", "READONLY", "MASTERDOWN"].contains(&error.code()) {
                    self.doubt();
                }
                None
            }
        }
    }
}

struct Destination {
    host: Host,
    asking: bool,
}

/// Commands by their place in the pipeline, and whether ASKING comes before.
struct Part {
    host: Host,
    commands: Vec<(usize, bool)>,
}

impl Part {
    fn picked(&self, all: &[Command]) -> Vec<Command> {
        let one = |&(at, asking): &(usize, bool)| {
            asking.then(|| Command::new("ASKING")).into_iter().chain([all[at].clone()])
        };
        self.commands.iter().flat_map(one).collect()
    }
}

fn by_host(open: &[(usize, Destination)]) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::new();
    for (at, to) in open {
        match parts.iter_mut().find(|part| part.host == to.host) {
            Some(part) => part.commands.push((*at, to.asking)),
            None => parts.push(Part { host: to.host.clone(), commands: vec![(*at, to.asking)] }),
        }
    }
    parts
}

impl Nodes {
    fn link(&self, host: &Host) -> Arc<Link> {
        let mut links = self.links.lock();
        let make = || Arc::new(Link::new(self.dialer.clone(), Way::Direct(Address::Host(host.clone()))));
        links.entry_ref(host).or_insert_with(make).clone()
    }

    /// Asks one node after the other until one tells.
    async fn slots(&self) -> Result<Slots> {
        let mut failure = Error::Closed;
        for host in self.candidates() {
            match self.ask(&host).await {
                Ok(slots) => {
                    self.prune(&slots);
                    return Ok(slots);
                }
                Err(error) => failure = error,
            }
        }
        Err(failure)
    }

    /// Whoever was pointed to, those that are known, in any order, and those that were given.
    fn candidates(&self) -> Vec<Host> {
        let mut known: Vec<Host> = self.links.lock().keys().cloned().collect();
        fastrand::shuffle(&mut known);
        let hint = self.hint.lock().take();
        let mut all: Vec<Host> = Vec::with_capacity(known.len() + self.seeds.len() + 1);
        for host in hint.into_iter().chain(known).chain(self.seeds.iter().cloned()) {
            if !all.contains(&host) {
                all.push(host);
            }
        }
        all
    }

    async fn ask(&self, host: &Host) -> Result<Slots> {
        let link = self.link(host);
        let mut answers = link.pipeline(&[Command::new("CLUSTER").arg("SLOTS")]).await?;
        let answer = answers.pop().unwrap_or(Value::Nil).into_result()?;
        let slots = Slots::of_answer(&answer, host);
        slots
            .filter(|slots| slots.hosts().next().is_some())
            .ok_or_else(|| Error::server("CLUSTERDOWN no slots are served"))
    }

    /// Forgets nodes that have nothing any more.
    fn prune(&self, slots: &Slots) {
        self.links.lock().retain(|host, _| slots.hosts().any(|other| other == host));
    }
}
