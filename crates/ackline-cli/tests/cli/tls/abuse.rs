//! Who does not speak TLS, or speaks it badly.

use super::{PATIENCE, Secured, ask, count};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore};
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A handshake has to be over after 10 s.
const HANDSHAKE_MAX: Duration = Duration::from_secs(10);

fn raw(server: &Secured) -> TcpStream {
    let stream = TcpStream::connect(("127.0.0.1", server.tls_port)).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_nodelay(true).unwrap();
    stream
}

/// What comes until the server closes.
fn rest(stream: &mut TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    match stream.read_to_end(&mut bytes) {
        Err(error) if error.kind() != ErrorKind::ConnectionReset => panic!("not closed: {error}"),
        _ => bytes,
    }
}

/// A client's side of a connection, without a socket.
fn tls(server: &Secured) -> ClientConnection {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(server.path("ca.pem")).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = config.with_root_certificates(roots).with_no_client_auth();
    ClientConnection::new(Arc::new(config), ServerName::try_from("localhost").unwrap()).unwrap()
}

fn hello(server: &Secured) -> Vec<u8> {
    let mut bytes = Vec::new();
    tls(server).write_tls(&mut bytes).unwrap();
    bytes
}

#[test]
fn what_is_no_tls_is_closed_at_once() {
    let server = Secured::start(&["--tls-auth-clients", "no"]);
    let before = count(&mut server.plain(), "tls_handshake_failures");
    let begun = Instant::now();
    let hello = hello(&server);
    let mut bent = hello.clone();
    bent[40..60].fill(0xff);
    let cases: Vec<Vec<u8>> = vec![
        b"PING\r\n".to_vec(),
        b"*1\r\n$4\r\nPING\r\n".to_vec(),
        b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n".to_vec(),
        vec![0; 100],
        vec![0xff; 100_000],
        // A record longer than any may be, one without a content, and data before the handshake.
        [&[22, 3, 1, 0xff, 0xff], &[0; 70_000][..]].concat(),
        vec![22, 3, 1, 0, 0],
        [&[23, 3, 3, 0, 5][..], b"hello"].concat(),
        // A handshake message that says it has 16 MB.
        [&[22, 3, 1, 0, 100, 1, 0xff, 0xff, 0xff], &[0; 96][..]].concat(),
        // An alert, and a second hello inside of the first handshake.
        vec![21, 3, 3, 0, 2, 2, 40],
        [hello.clone(), hello.clone()].concat(),
        bent,
    ];
    let total = cases.len() as u64;
    for case in cases {
        let mut stream = raw(&server);
        // It may close before it has got everything.
        let _ = stream.write_all(&case);
        let answer = rest(&mut stream);
        assert!(!answer.windows(4).any(|part| part == b"PONG"), "{case:?}");
    }
    assert!(begun.elapsed() < HANDSHAKE_MAX, "nobody had to be waited for");
    assert_eq!(count(&mut server.plain(), "tls_handshake_failures"), before + total);
    assert_eq!(count(&mut server.plain(), "connected_clients"), 1);
    server.finish();
}

#[test]
fn half_a_handshake_does_not_last() {
    let server = Secured::start(&["--tls-auth-clients", "no"]);
    let hello = hello(&server);
    let mut waiting: Vec<TcpStream> = [0, 1, 5, hello.len() / 2, hello.len() - 1, hello.len()]
        .into_iter()
        .map(|length| {
            let mut stream = raw(&server);
            stream.write_all(&hello[..length]).unwrap();
            stream
        })
        .collect();
    assert_eq!(ask(&mut server.client(), "PING"), "PONG", "others are served meanwhile");
    waiting.iter_mut().for_each(|stream| drop(rest(stream)));
    assert_eq!(count(&mut server.plain(), "connected_clients"), 1);
    assert_eq!(count(&mut server.plain(), "tls_handshake_failures"), 6);
    // Who hangs up is not waited for.
    let gone = raw(&server);
    gone.shutdown(Shutdown::Write).unwrap();
    rest(&mut { gone });
    server.finish();
}

/// Handshake and commands, a byte at a time.
#[test]
fn bytes_may_come_one_by_one() {
    let server = Secured::start(&["--tls-auth-clients", "no"]);
    let (mut tls, mut socket) = (tls(&server), raw(&server));
    tls.writer().write_all(b"*1\r\n$4\r\nPING\r\n").unwrap();
    let mut reply = Vec::new();
    while reply.len() < b"+PONG\r\n".len() {
        let mut bytes = Vec::new();
        while tls.wants_write() {
            tls.write_tls(&mut bytes).unwrap();
        }
        bytes.iter().for_each(|byte| socket.write_all(&[*byte]).unwrap());
        assert!(tls.read_tls(&mut socket).unwrap() > 0);
        tls.process_new_packets().unwrap();
        match tls.reader().read_to_end(&mut reply) {
            Err(error) if error.kind() != ErrorKind::WouldBlock => panic!("{error}"),
            _ => {}
        }
    }
    assert_eq!(reply, b"+PONG\r\n");
    server.finish();
}

/// The end is said, so that nobody can have cut off a reply; and what is asked for after one's own end is not served.
#[test]
fn the_end_is_said() {
    let server = Secured::start(&["--tls-auth-clients", "no"]);
    let mut stream = rustls::StreamOwned::new(tls(&server), raw(&server));
    stream.write_all(b"*1\r\n$4\r\nQUIT\r\n").unwrap();
    let mut all = Vec::new();
    stream.read_to_end(&mut all).expect("not cut off");
    assert_eq!(all, b"+OK\r\n");

    let mut stream = rustls::StreamOwned::new(tls(&server), raw(&server));
    stream.write_all(b"*1\r\n$4\r\nPING\r\n").unwrap();
    stream.conn.send_close_notify();
    stream.flush().unwrap();
    let mut all = Vec::new();
    stream.read_to_end(&mut all).expect("not cut off");
    assert_eq!(all, b"+PONG\r\n", "what was asked before the end is answered");

    // Cut off, or mangled on its way.
    for end in [&b""[..], &[0; 100]] {
        let mut stream = rustls::StreamOwned::new(tls(&server), raw(&server));
        stream.write_all(b"*1\r\n$4\r\nPING\r\n").unwrap();
        stream.read_exact(&mut [0; 7]).unwrap();
        stream.sock.write_all(end).unwrap();
        stream.sock.shutdown(Shutdown::Write).unwrap();
        rest(&mut stream.sock);
    }
    server.finish();
}

/// New keys in the middle, as often as one likes, by one who does not read.
#[test]
fn keys_may_be_changed_in_the_middle() {
    let server = Secured::start(&["--tls-auth-clients", "no"]);
    let mut stream = rustls::StreamOwned::new(tls(&server), raw(&server));
    for _ in 0..200 {
        stream.write_all(b"*1\r\n$4\r\nPING\r\n").unwrap();
        stream.conn.refresh_traffic_keys().unwrap();
    }
    stream.flush().unwrap();
    let mut pongs = vec![0; 7 * 200];
    stream.read_exact(&mut pongs).unwrap();
    assert_eq!(pongs, b"+PONG\r\n".repeat(200));
    server.finish();
}
