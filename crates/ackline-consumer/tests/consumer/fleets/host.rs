//! Where the streams of a fleet live, and what is there in the end.

use super::child::GROUP;
use super::record::{Id, id};
use crate::peers::{Cluster, Kind, SERVICE, Server, Watched, ask, until};
use std::collections::HashMap;

/// What makes a server keep all that it has confirmed.
const ALWAYS: [&str; 2] = ["--appendfsync", "always"];

pub(super) enum Host {
    One(Server),
    Many(Cluster),
    Watched(Watched),
}

impl Host {
    pub(super) fn one(kind: Kind) -> Option<Host> {
        Server::start_with(kind, &ALWAYS).map(Host::One)
    }

    pub(super) fn cluster(kind: Kind) -> Option<Host> {
        Cluster::start_with(kind, &ALWAYS).map(Host::Many)
    }

    pub(super) fn watched(kind: Kind) -> Option<Host> {
        Watched::start(kind).map(Host::Watched)
    }

    pub(super) fn url(&self) -> String {
        match self {
            Host::One(server) => server.url(),
            Host::Many(cluster) => cluster.url(),
            Host::Watched(watched) => watched.url(),
        }
    }

    /// In a cluster one for each node, and one more, without a tag.
    pub(super) fn streams(&self) -> Vec<String> {
        match self {
            Host::One(_) | Host::Watched(_) => vec!["fleet".to_owned()],
            Host::Many(_) => {
                let spread = ackline_consumer::Spread::new("fleet", 3);
                spread.streams().chain(["untagged".to_owned()]).collect()
            }
        }
    }

    pub(super) fn dead(&self, stream: &str) -> String {
        match self {
            Host::Many(_) if !stream.contains('{') => format!("{{{stream}}}:dead"),
            _ => format!("{stream}:dead"),
        }
    }

    pub(super) fn nodes(&mut self) -> &mut [Server] {
        match self {
            Host::One(server) => std::slice::from_mut(server),
            Host::Many(cluster) => &mut cluster.nodes,
            Host::Watched(watched) => std::slice::from_mut(&mut watched.master),
        }
    }

    /// Puts another server in the place of the first, once it has all that was confirmed: what it has not is lost by design.
    pub(super) fn fail_over(&mut self) {
        let Host::Watched(watched) = self else { return };
        let (master, replica) = (&watched.master, &watched.replica);
        master.ask(&["CLIENT", "PAUSE", "10000", "WRITE"]);
        let offset = |server: &Server, name: &str| {
            let info = server.ask(&["INFO", "replication"]);
            info.lines().find_map(|line| line.strip_prefix(name).map(str::to_owned))
        };
        until("the replica has everything", || {
            offset(master, "master_repl_offset:") == offset(replica, "slave_repl_offset:")
        });
        let (sentinel, port) = (&watched.sentinel, replica.port.to_string());
        until("the sentinel acts", || sentinel.ask(&["SENTINEL", "FAILOVER", SERVICE]) == "OK");
        until("the replica is the master", || {
            // It hangs up on everybody as it becomes one.
            ask(replica.port, &["ROLE"]).is_ok_and(|role| role.starts_with("master"))
                && sentinel.ask(&["SENTINEL", "GET-MASTER-ADDR-BY-NAME", SERVICE]).ends_with(&port)
        });
        watched.master.kill9();
    }

    /// Asks whoever has the stream. Nothing if nobody can tell at the moment.
    pub(super) fn ask(&self, words: &[&str]) -> Option<Vec<String>> {
        let nodes = match self {
            Host::One(server) => vec![server],
            Host::Many(cluster) => cluster.nodes.iter().collect(),
            Host::Watched(watched) => vec![&watched.master, &watched.replica],
        };
        let answers = nodes.into_iter().filter_map(|node| ask(node.port, words).ok());
        let answer = answers.into_iter().find(|answer| !answer.starts_with('-'))?;
        Some(answer.lines().map(str::to_owned).collect())
    }

    /// Nothing is pending, and nothing is left to be delivered.
    pub(super) fn is_idle(&self, stream: &str) -> bool {
        let pending = self.ask(&["XPENDING", stream, GROUP]);
        let last = self.ask(&["XREVRANGE", stream, "+", "-", "COUNT", "1"]);
        let groups = self.ask(&["XINFO", "GROUPS", stream]);
        let (Some(pending), Some(last), Some(groups)) = (pending, last, groups) else { return false };
        let delivered = value(&groups, "last-delivered-id");
        pending.first().is_some_and(|count| count == "0")
            && match last.first() {
                Some(last) => delivered.is_some_and(|delivered| id(delivered) >= id(last)),
                None => true,
            }
    }

    /// The consumers of the group, and how much is pending for each.
    pub(super) fn consumers(&self, stream: &str) -> Option<Vec<(String, usize)>> {
        let lines = self.ask(&["XINFO", "CONSUMERS", stream, GROUP])?;
        let all = |what: &str| -> Vec<String> {
            let named = lines.windows(2).step_by(2).filter(|pair| pair[0] == what);
            named.map(|pair| pair[1].clone()).collect()
        };
        let pending = all("pending").into_iter().map(|count| count.parse().unwrap());
        Some(all("name").into_iter().zip(pending).collect())
    }

    /// The entries of a stream, each with its plan.
    pub(super) fn entries(&self, stream: &str) -> Vec<(Id, String)> {
        let lines = self.ask(&["XRANGE", stream, "-", "+"]).unwrap();
        // An ID, and three fields with their values.
        lines.chunks(7).map(|entry| (id(&entry[0]), entry[6].clone())).collect()
    }

    /// The dead letters of a stream: what each was, and why it is there.
    pub(super) fn letters(&self, stream: &str) -> HashMap<Id, Vec<String>> {
        let mut all = HashMap::<Id, Vec<String>>::new();
        let lines = self.ask(&["XRANGE", &self.dead(stream), "-", "+"]).unwrap();
        let mut reason = String::new();
        for pair in lines.windows(2) {
            match pair[0].as_str() {
                "dead-letter-reason" => reason.clone_from(&pair[1]),
                "dead-letter-id" => all.entry(id(&pair[1])).or_default().push(reason.clone()),
                _ => {}
            }
        }
        all
    }
}

fn value<'a>(lines: &'a [String], name: &str) -> Option<&'a String> {
    lines.windows(2).find(|pair| pair[0] == name).map(|pair| &pair[1])
}
