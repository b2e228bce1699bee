//! The parameters that Ackline honours, and what each does.

use super::known::KNOWN;
use super::value::Kind;
use std::sync::LazyLock;

/// One parameter.
pub(super) struct Parameter {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) default: &'static str,
    /// CONFIG SET may change it.
    pub(super) mutable: bool,
    /// What it does, in Markdown; empty if it is accepted without effect.
    pub(super) doc: &'static str,
}

/// A number of things.
pub(super) const COUNT: Kind = Kind::Int(0, i64::MAX);
/// A number of seconds, or of anything else that fits into 31 bits.
pub(super) const SECONDS: Kind = Kind::Int(0, i32::MAX as i64);
/// A TCP port.
pub(super) const PORT: Kind = Kind::Int(0, 65535);
/// Who may use a dangerous command.
pub(super) const WHO: Kind = Kind::Enum(&["no", "yes", "local"]);
/// How a signal ends the server.
const ENDING: Kind = Kind::Flags(&["default", "save", "nosave", "now", "force"]);

const fn fixed(name: &'static str, kind: Kind, default: &'static str, doc: &'static str) -> Parameter {
    Parameter { name, kind, default, mutable: false, doc }
}

const fn open(name: &'static str, kind: Kind, default: &'static str, doc: &'static str) -> Parameter {
    Parameter { name, kind, default, mutable: true, doc }
}

/// All parameters by name, those without effect too.
pub(super) static TABLE: LazyLock<Vec<&'static Parameter>> = LazyLock::new(|| {
    let mut all: Vec<&Parameter> = HONOURED.iter().chain(KNOWN).collect();
    all.sort_by_key(|parameter| parameter.name);
    all
});

/// What Ackline honours.
const HONOURED: &[Parameter] = &[
    open(
        "acl-pubsub-default",
        Kind::Enum(&["allchannels", "resetchannels"]),
        "resetchannels",
        "Channels that a new user may use: `allchannels` or `resetchannels` (none)",
    ),
    fixed(
        "aclfile",
        Kind::Text,
        "",
        "File of the users, for ACL LOAD and ACL SAVE; without it, users are `user` lines of the configuration file",
    ),
    open("acllog-max-len", COUNT, "128", "Entries that ACL LOG keeps"),
    fixed("admin-bind", Kind::Words, "127.0.0.1", "Addresses of the admin port"),
    fixed(
        "admin-port",
        PORT,
        "7379",
        "Port of the console, the JSON API and the metrics; 0 = off. If 7379 is taken and was not asked for, the server starts without it",
    ),
    fixed("admin-read-token", Kind::Text, "", "Secret that opens the admin port for reading"),
    fixed("admin-token", Kind::Text, "", "Secret that opens the admin port for everything"),
    open(
        "appendfsync",
        Kind::Enum(&["everysec", "always", "no"]),
        "always",
        "When what was written is synced: `always` before the reply, `everysec`, or `no` (the system decides)",
    ),
    fixed("appendonly", Kind::Bool, "yes", "`no`: nothing is kept on disk"),
    open(
        "auto-aof-rewrite-min-size",
        Kind::Memory(0),
        "67108864",
        "No checkpoint before the log has grown to this",
    ),
    open(
        "auto-aof-rewrite-percentage",
        SECONDS,
        "100",
        "Growth of the log since the last checkpoint, in percent, that calls for one; 0 = never",
    ),
    fixed(
        "bind",
        Kind::Words,
        "127.0.0.1",
        "Addresses to listen on; one with a leading `-` may be missing on this machine",
    ),
    open(
        "client-output-buffer-limit",
        Kind::OutputLimits,
        "normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60",
        "How much a client may leave unread, by class: hard limit, soft limit, seconds above the soft one; 0 = any. There are no `replica` clients",
    ),
    open(
        "client-query-buffer-limit",
        Kind::Memory(1 << 20),
        "1073741824",
        "Most bytes of a command that is not complete",
    ),
    fixed(
        "daemonize",
        Kind::Bool,
        "no",
        "`yes`: the server goes on in the background, and the command returns at once",
    ),
    fixed("databases", Kind::Int(1, 1024), "16", "Number of databases"),
    fixed("dir", Kind::Text, "./ackline-data", "Directory of the data"),
    fixed("enable-debug-command", WHO, "no", "Who may use DEBUG: `no`, `yes`, or `local` connections"),
    open("hz", Kind::Int(1, 500), "10", "Shown by INFO"),
    fixed("io-threads", Kind::Int(1, 128), "1", "Threads that serve connections"),
    fixed(
        "log-format",
        Kind::Enum(&["text", "logfmt", "json"]),
        "text",
        "Form of a line of the log: `text`, `logfmt`, or `json`",
    ),
    fixed(
        "logfile",
        Kind::Text,
        "",
        "File of the log; empty = standard output. When it is moved away, a new one is begun",
    ),
    open(
        "loglevel",
        Kind::Enum(&["debug", "verbose", "notice", "warning", "nothing"]),
        "notice",
        "`debug`, `verbose`, `notice`, `warning`, or `nothing`",
    ),
    open(
        "maxclients",
        Kind::Int(1, 4294967295),
        "10000",
        "Most connections at once; the limit of open files is raised for them",
    ),
    open("maxmemory", Kind::Memory(0), "0", "Above this, commands that need memory fail; 0 = no limit"),
    open(
        "maxmemory-policy",
        Kind::Enum(&[
            "noeviction",
            "volatile-lru",
            "volatile-lfu",
            "volatile-random",
            "volatile-ttl",
            "allkeys-lru",
            "allkeys-lfu",
            "allkeys-random",
        ]),
        "noeviction",
        "Nothing is ever evicted; another value than `noeviction` is shown, with a warning",
    ),
    open("notify-keyspace-events", Kind::Events, "", "Classes of events that are published"),
    fixed("pidfile", Kind::Text, "", "File that holds the process ID while the server runs"),
    fixed("port", PORT, "6379", "TCP port; 0 = none"),
    open("protected-mode", Kind::Bool, "yes", "Without a password, only local connections are served"),
    open("proto-max-bulk-len", Kind::Memory(1 << 20), "536870912", "Most bytes of one word of a command"),
    open("requirepass", Kind::Text, "", "Password of the default user; empty = none"),
    open(
        "shutdown-on-sigint",
        ENDING,
        "default",
        "What SIGINT does: `default` and `save` make a checkpoint, `nosave` does not; `now` and `force` change nothing",
    ),
    open("shutdown-on-sigterm", ENDING, "default", "As `shutdown-on-sigint`, for SIGTERM"),
    open(
        "slowlog-log-slower-than",
        Kind::Int(-1, i64::MAX),
        "10000",
        "Microseconds from which a command is in the slow log; -1 = none",
    ),
    open("slowlog-max-len", COUNT, "128", "Entries that the slow log keeps"),
    open(
        "stream-idmp-duration",
        Kind::Int(1, 86400),
        "100",
        "Seconds for which a stream remembers the idempotence IDs of XADD, if the stream does not say otherwise",
    ),
    open(
        "stream-idmp-maxsize",
        Kind::Int(1, 10000),
        "100",
        "Idempotence IDs that a stream remembers of a producer",
    ),
    open("stream-node-max-bytes", Kind::Memory(0), "4096", "Most bytes of a node of a stream; 0 = any"),
    open("stream-node-max-entries", COUNT, "100", "Most entries of a node of a stream; 0 = any"),
    fixed(
        "supervised",
        Kind::Enum(&["no", "auto", "systemd", "upstart"]),
        "no",
        "`systemd`: says when it is ready, loads, stops, and that it is alive; `auto`: if `NOTIFY_SOCKET` is set",
    ),
    fixed("tcp-backlog", Kind::Int(1, 65535), "511", "Connections that may wait to be accepted"),
    open("timeout", SECONDS, "0", "Seconds after which an idle client is closed; 0 = never"),
    open(
        "tls-auth-clients",
        Kind::Enum(&["no", "yes", "optional"]),
        "yes",
        "Whether clients must show a certificate: `yes`, `no`, or `optional`",
    ),
    open(
        "tls-auth-clients-user",
        Kind::Enum(&["CN", "off"]),
        "off",
        "`CN`: the common name of a client's certificate is its user",
    ),
    open("tls-ca-cert-dir", Kind::Text, "", "Directory of certificates that sign those of clients"),
    open("tls-ca-cert-file", Kind::Text, "", "File of certificates that sign those of clients"),
    open("tls-cert-file", Kind::Text, "", "Certificate of the server, with its chain, in PEM"),
    open("tls-key-file", Kind::Text, "", "Private key of the server, in PEM"),
    fixed("tls-port", PORT, "0", "TLS port; 0 = none"),
    open("tls-protocols", Kind::Text, "", "Versions of TLS, such as `TLSv1.2 TLSv1.3`; empty = these two"),
    fixed("unixsocket", Kind::Text, "", "Path of a Unix socket; empty = none"),
    open(
        "tcp-keepalive",
        SECONDS,
        "300",
        "Seconds of silence after which the system asks a peer whether it is there; 0 = never",
    ),
    fixed("unixsocketperm", Kind::Text, "700", "Permissions of the Unix socket, in octal digits"),
    open("tls-ciphers", Kind::Text, "", "Cipher suites of TLS 1.2; empty = all that are safe"),
    open("tls-ciphersuites", Kind::Text, "", "Cipher suites of TLS 1.3; empty = all"),
    open("tls-key-file-pass", Kind::Text, "", "Accepted to be refused: keys must not be encrypted"),
    open(
        "tls-prefer-server-ciphers",
        Kind::Bool,
        "no",
        "The server chooses the cipher suite by its own order",
    ),
    open("tls-session-cache-size", SECONDS, "20480", "TLS sessions that are remembered; 0 = the default"),
    open("tls-session-caching", Kind::Bool, "yes", "Whether TLS sessions can be resumed"),
];

/// Whether the value of a parameter is a secret: CONFIG GET shows it, as Redis does; logs and errors do not.
pub(crate) fn is_secret(name: &str) -> bool {
    matches!(
        name,
        "requirepass"
            | "masterauth"
            | "masteruser"
            | "primaryauth"
            | "admin-token"
            | "admin-read-token"
            | "tls-key-file-pass"
            | "tls-client-key-file-pass"
            | "user"
    )
}
