//! A master, its replica, and a sentinel that puts the one in the place of the other.

use super::{Kind, Server, ask, free_port, until};

pub(crate) const SERVICE: &str = "main";

pub(crate) struct Watched {
    pub(crate) master: Server,
    pub(crate) replica: Server,
    pub(crate) sentinel: Server,
}

impl Watched {
    /// Starts all three and waits until the sentinel knows the others. Nothing if there is no such program.
    pub(crate) fn start(kind: Kind) -> Option<Watched> {
        let master = Server::start_with(kind, &["--repl-diskless-sync-delay", "0"])?;
        let port = master.port.to_string();
        let replica = Server::start_with(kind, &["--replicaof", "127.0.0.1", &port])?;
        until("the replica follows", || {
            replica.ask(&["INFO", "replication"]).contains("master_link_status:up")
        });
        let sentinel = sentinel(kind, &port)?;
        // It looks around every ten seconds, unless it is told otherwise; an older one does not understand that.
        sentinel.ask(&["SENTINEL", "DEBUG", "INFO-PERIOD", "100", "PING-PERIOD", "100"]);
        until("the sentinel knows the replica", || {
            sentinel.ask(&["SENTINEL", "REPLICAS", SERVICE]).contains(&replica.port.to_string())
        });
        Some(Watched { master, replica, sentinel })
    }

    pub(crate) fn url(&self) -> String {
        format!("redis+sentinel://127.0.0.1:{}/{SERVICE}", self.sentinel.port)
    }

    /// Kills the master, and waits until the replica is in its place.
    pub(crate) fn fail_over(&mut self) {
        self.master.kill9();
        let replica = self.replica.port;
        until("the replica is the master", || {
            ask(replica, &["ROLE"]).is_ok_and(|role| role.starts_with("master"))
                && self
                    .sentinel
                    .ask(&["SENTINEL", "GET-MASTER-ADDR-BY-NAME", SERVICE])
                    .ends_with(&replica.to_string())
        });
    }
}

fn sentinel(kind: Kind, master: &str) -> Option<Server> {
    let (program, dir, port) = (kind.program()?, tempfile::tempdir().unwrap(), free_port());
    let settings = format!(
        "port {port}\nbind 127.0.0.1\nsentinel monitor {SERVICE} 127.0.0.1 {master} 1\n\
         sentinel down-after-milliseconds {SERVICE} 500\nsentinel failover-timeout {SERVICE} 3000\n"
    );
    // A sentinel keeps what it learns in this file.
    std::fs::write(dir.path().join("sentinel.conf"), settings).unwrap();
    let command = [program.to_str().unwrap(), "sentinel.conf", "--sentinel"].map(str::to_owned).to_vec();
    Some(Server::run(kind, port, dir, command).ready())
}
