//! Values that would promise what Ackline does not do.

/// What becomes of a value.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Promise {
    /// It is kept, or nothing depends on it.
    Kept,
    /// It is accepted, and the log says what it means here.
    Otherwise(&'static str),
    /// Going on would lose data or availability that somebody counts on.
    Broken(&'static str),
}

/// Whether a value in its canonical form can be kept.
pub(super) fn judge(name: &str, value: &str) -> Promise {
    match (name, value) {
        ("replicaof", _) if !value.is_empty() && !value.eq_ignore_ascii_case("no one") => {
            Promise::Broken("there are no replicas: Ackline runs alone")
        }
        ("cluster-enabled", "yes") => Promise::Broken("there is no cluster: Ackline runs alone"),
        ("min-replicas-to-write", count) if count != "0" => {
            Promise::Broken("there are no replicas, so that no write could be accepted")
        }
        ("appendonly", "no") => Promise::Otherwise("nothing is kept on disk, neither log nor snapshots"),
        ("maxmemory-policy", policy) if policy != "noeviction" => {
            Promise::Otherwise("nothing is evicted; above maxmemory, commands that need memory fail")
        }
        ("maxmemory-clients", limit) if limit != "0" => Promise::Otherwise("no client is evicted"),
        ("syslog-enabled", "yes") => Promise::Otherwise("the log goes to standard output, or to logfile"),
        ("supervised", "upstart") => Promise::Otherwise("upstart is not told anything"),
        _ => Promise::Kept,
    }
}
