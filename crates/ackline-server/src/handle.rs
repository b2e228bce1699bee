//! What the rest of the process sees of a running server.

use crate::config::Config;
use crate::mail::Msg;
use crate::net::Stream;
use crate::shared::Shared;
use std::io;
use std::os::unix::net::UnixStream;
use std::sync::Arc;

/// As whom a connection from within the process begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Who {
    /// As any client that has just connected: AUTH is still to come, if the server asks for it.
    Nobody,
    /// As this user of the access control list. Like the two below, the connection cannot log in as somebody else.
    User(String),
    /// As one who may run every command. It is in no list of users, and nobody can log in as it.
    Operator,
    /// As one who may run commands that read data or look at the server. It is in no list of users, and nobody can log
    /// in as it.
    Reader,
}

/// A running server, from within its process.
#[derive(Clone)]
pub struct Handle(Arc<Shared>);

impl Handle {
    pub(crate) fn new(shared: &Arc<Shared>) -> Handle {
        Handle(Arc::clone(shared))
    }

    pub(crate) fn shared(&self) -> &Shared {
        &self.0
    }

    /// A connection to the server: what is written to the socket is run as what comes over the network is, by the same
    /// sessions and under the same access control. `maxclients` does not count it.
    ///
    /// # Errors
    ///
    /// There is no such user, or it is off; the system has no descriptors left.
    pub fn connect(&self, who: Who) -> io::Result<UnixStream> {
        if self.0.users.admit(&who).is_none() {
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, "no such user, or it is disabled"));
        }
        let (ours, theirs) = UnixStream::pair()?;
        theirs.set_nonblocking(true)?;
        let stream = Stream::Within(mio::net::UnixStream::from_std(theirs));
        let thread = self.0.clients.next_id() as usize % self.0.mailboxes().len();
        self.0.mail(thread, Msg::Invited(stream, who));
        Ok(ours)
    }

    /// How the server encrypts, for others who listen on behalf of it; `None` if neither `tls-port` nor `tls-cert-file` is
    /// set. Ask for every connection: certificates are replaced while the server runs. Clients have to show certificates
    /// if `tls-auth-clients` says so.
    pub fn tls(&self) -> Option<Arc<rustls::ServerConfig>> {
        self.0.tls.current()
    }

    /// The server's parameters.
    pub fn config(&self) -> &Config {
        &self.0.config
    }

    /// Whether the data is still being loaded.
    pub fn is_loading(&self) -> bool {
        self.0.is_loading()
    }

    /// Whether the server is about to end.
    pub fn is_stopping(&self) -> bool {
        self.0.is_stopping()
    }
}

#[cfg(all(test, not(feature = "model")))]
mod tests {
    use super::*;
    use std::io::{BufRead, BufReader, Write};
    use std::sync::mpsc;
    use std::thread;

    /// Asks a line, and reads the first line of the reply.
    fn ask(connection: &mut BufReader<UnixStream>, line: &str) -> String {
        connection.get_ref().write_all(format!("{line}\r\n").as_bytes()).expect("sent");
        read(connection)
    }

    fn read(connection: &mut BufReader<UnixStream>) -> String {
        let mut line = String::new();
        connection.read_line(&mut line).expect("a reply");
        line.trim_end().to_owned()
    }

    /// A server that listens nowhere unless `more` says so, and its handle.
    fn start(more: &[&str]) -> (thread::JoinHandle<()>, Handle) {
        let words = ["--port", "0", "--appendonly", "no", "--requirepass", "secret", "--io-threads", "2"];
        let words: Vec<String> = words.iter().chain(more).map(|word| (*word).to_owned()).collect();
        let config = Config::from_args(&words).expect("right");
        let (sender, handles) = mpsc::channel();
        let beside = move |handle| sender.send(handle).map_err(|error| error.to_string());
        let server = thread::spawn(move || crate::run(config, || 0, beside).expect("it runs"));
        let handle: Handle = handles.recv().expect("it starts");
        while handle.is_loading() {
            thread::yield_now();
        }
        (server, handle)
    }

    #[test]
    fn everybody_is_who_it_was_invited_as() {
        let (server, handle) = start(&[]);
        let connect = |who: Who| handle.connect(who).map(BufReader::new);
        let mut operator = connect(Who::Operator).expect("connected");
        assert_eq!(ask(&mut operator, "ACL WHOAMI"), "$10");
        assert_eq!(read(&mut operator), "(operator)");
        assert_eq!(ask(&mut operator, "SET k v"), "+OK");
        let mut nobody = connect(Who::Nobody).expect("connected");
        assert_eq!(ask(&mut nobody, "GET k"), "-NOAUTH Authentication required.");
        assert_eq!(ask(&mut nobody, "AUTH secret"), "+OK");
        let mut reader = connect(Who::Reader).expect("connected");
        assert_eq!([ask(&mut reader, "GET k"), read(&mut reader)], ["$1", "v"]);
        // Neither way leads to more.
        assert_eq!(ask(&mut reader, "AUTH secret"), "-ERR this connection cannot log in as somebody else");
        assert_eq!(ask(&mut reader, "RESET"), "+RESET");
        let refused = "-NOPERM User (reader) has no permissions to run the 'set' command";
        assert_eq!(ask(&mut reader, "SET k w"), refused);
        assert_eq!(ask(&mut reader, "CONFIG GET requirepass"), "*2");
        assert_eq!([(); 4].map(|()| read(&mut reader)), ["$11", "requirepass", "$0", ""]);
        let error = |name: &str| connect(Who::User(name.to_owned())).map(drop).expect_err("refused").kind();
        assert_eq!(error("ann"), io::ErrorKind::PermissionDenied);
        assert_eq!(ask(&mut operator, "ACL SETUSER ann off ~k +get"), "+OK");
        assert_eq!(error("ann"), io::ErrorKind::PermissionDenied);
        assert_eq!(ask(&mut operator, "ACL SETUSER ann on"), "+OK");
        let mut ann = connect(Who::User("ann".to_owned())).expect("connected");
        assert_eq!([ask(&mut ann, "GET k"), read(&mut ann)], ["$1", "v"]);
        assert!(ask(&mut ann, "SET k w").starts_with("-NOPERM User ann"));
        // As whom it began, but as that one is now.
        assert_eq!(ask(&mut operator, "ACL SETUSER ann -get"), "+OK");
        assert_eq!(ask(&mut ann, "RESET"), "+RESET");
        assert!(ask(&mut ann, "GET k").starts_with("-NOPERM User ann"));
        assert_eq!(ask(&mut operator, "ACL DELUSER ann"), ":1");
        assert_eq!(read(&mut ann), "", "the connection is closed");
        assert_eq!(error("(operator)"), io::ErrorKind::PermissionDenied);
        operator.get_ref().write_all(b"SHUTDOWN NOSAVE\r\n").expect("sent");
        server.join().expect("it ends");
    }

    #[test]
    fn who_is_invited_takes_no_room() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("socket");
        let (server, handle) = start(&["--maxclients", "1", "--unixsocket", path.to_str().expect("text")]);
        let invite = || BufReader::new(handle.connect(Who::Operator).expect("connected"));
        let mut invited = [invite(), invite(), invite()];
        for operator in &mut invited {
            assert_eq!(ask(operator, "SET k v"), "+OK");
        }
        let come = || BufReader::new(UnixStream::connect(&path).expect("connected"));
        let mut client = come();
        assert_eq!(ask(&mut client, "AUTH secret"), "+OK");
        assert_eq!(read(&mut come()), "-ERR max number of clients reached");
        // Those who leave take nobody's place with them.
        let [mut operator, ..] = invited;
        assert_eq!(ask(&mut operator, "PING"), "+PONG");
        assert_eq!(read(&mut come()), "-ERR max number of clients reached");
        operator.get_ref().write_all(b"SHUTDOWN NOSAVE\r\n").expect("sent");
        server.join().expect("it ends");
    }
}
