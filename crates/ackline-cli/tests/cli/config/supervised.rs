//! Service managers and signals.

use super::{PATIENCE, Place, Running, wait_until};
use std::os::unix::net::UnixDatagram;
use std::time::Duration;

/// What systemd would hear.
struct Manager(UnixDatagram);

impl Manager {
    fn new(place: &Place) -> Manager {
        let socket = UnixDatagram::bind(place.path("notify")).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        Manager(socket)
    }

    /// Waits for a message with this line.
    fn hears(&self, line: &str) {
        let mut buffer = [0; 4096];
        loop {
            let n = self.0.recv(&mut buffer).unwrap_or_else(|error| panic!("{line}: {error}"));
            if String::from_utf8_lossy(&buffer[..n]).lines().any(|heard| heard == line) {
                return;
            }
        }
    }

    /// Forgets what was said so far.
    fn forget(&self) {
        self.0.set_nonblocking(true).unwrap();
        while self.0.recv(&mut [0; 4096]).is_ok() {}
        self.0.set_nonblocking(false).unwrap();
    }
}

fn supervised(place: &Place, words: &[&str], watchdog_ms: u32) -> Running {
    let mut command = place.serve(words);
    command.env("NOTIFY_SOCKET", place.path("notify"));
    command.env("WATCHDOG_USEC", (watchdog_ms * 1000).to_string());
    place.start(command)
}

#[test]
fn systemd_hears_of_start_and_end() {
    let place = Place::new();
    let manager = Manager::new(&place);
    let mut server = supervised(&place, &["--supervised", "auto"], 1000);
    manager.hears("READY=1");
    manager.hears("WATCHDOG=1");
    assert!(server.text(&["INFO", "server"]).contains("process_supervised:systemd\r\n"));
    server.signal("TERM");
    manager.hears("STOPPING=1");
    assert!(server.ended().success());
}

#[test]
fn a_loop_that_hangs_does_not_feed_the_watchdog() {
    let place = Place::new();
    let manager = Manager::new(&place);
    let log = place.path("log");
    let words = ["--supervised", "systemd", "--enable-debug-command", "yes", "--logfile", &log];
    let server = supervised(&place, &words, 200);
    manager.hears("WATCHDOG=1");
    let mut connection = server.try_connect().unwrap();
    let sleeps = std::thread::spawn(move || {
        redis::cmd("DEBUG").arg("SLEEP").arg(60).query::<String>(&mut connection).is_err()
    });
    wait_until("the log tells", || {
        std::fs::read_to_string(&log).unwrap().contains("I/O thread 0 does not turn")
    });
    // From the line in the log on nothing is said.
    manager.forget();
    manager.0.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
    assert!(manager.0.recv(&mut [0; 64]).is_err(), "the watchdog was fed");
    drop(server);
    assert!(sleeps.join().unwrap());
}

#[test]
fn nobody_is_told_who_did_not_ask() {
    let place = Place::new();
    let manager = Manager::new(&place);
    let mut server = supervised(&place, &[], 200);
    server.stop();
    manager.0.set_nonblocking(true).unwrap();
    assert!(manager.0.recv(&mut [0; 64]).is_err());
}

#[test]
fn signals_that_end_nothing() {
    let place = Place::new();
    let mut server = place.start(place.serve(&["--pidfile", &place.path("pid")]));
    assert_eq!(std::fs::read_to_string(place.path("pid")).unwrap(), format!("{}\n", server.child.id()));
    for name in ["HUP", "PIPE", "USR1"] {
        server.signal(name);
    }
    assert_eq!(server.text(&["PING"]), "PONG");
    server.signal("INT");
    assert!(server.ended().success());
    assert!(!std::path::Path::new(&place.path("pid")).exists());
}

#[test]
fn a_second_signal_ends_the_process_at_once() {
    let place = Place::new();
    let mut server = place.start(place.serve(&["--enable-debug-command", "yes"]));
    let mut connection = server.try_connect().unwrap();
    // A thread that hangs keeps the server from ending.
    let hangs = std::thread::spawn(move || {
        redis::cmd("DEBUG").arg("SLEEP").arg(60).query::<String>(&mut connection).is_err()
    });
    wait_until("it hangs", || !answers(&server));
    wait_until("it ends", || {
        server.signal("TERM");
        std::thread::sleep(Duration::from_millis(300));
        server.child.try_wait().unwrap().is_some()
    });
    assert_eq!(server.child.wait().unwrap().code(), Some(1));
    assert!(hangs.join().unwrap());
}

fn answers(server: &Running) -> bool {
    let Ok(client) = redis::Client::open(format!("redis://127.0.0.1:{}/", server.port)) else { return false };
    let Ok(mut connection) = client.get_connection_with_timeout(Duration::from_millis(300)) else {
        return false;
    };
    connection.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    redis::cmd("PING").query::<String>(&mut connection).is_ok()
}
