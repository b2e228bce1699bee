//! What the two sides agree on.

use super::{PATIENCE, Secured, ask};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{
    ClientConfig, ClientConnection, HandshakeKind, ProtocolVersion, RootCertStore, StreamOwned,
    SupportedProtocolVersion, version,
};
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;

/// A client that shows `{file}.pem`, and remembers sessions.
fn config(server: &Secured, file: &str, versions: &[&'static SupportedProtocolVersion]) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(server.path("ca.pem")).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_protocol_versions(versions).unwrap();
    let chain = vec![CertificateDer::from_pem_file(server.path(&format!("{file}.pem"))).unwrap()];
    let key = PrivateKeyDer::from_pem_file(server.path(&format!("{file}.key"))).unwrap();
    Arc::new(builder.with_root_certificates(roots).with_client_auth_cert(chain, key).unwrap())
}

/// Sends PING; answers what came back, and how the handshake went.
fn ping(server: &Secured, config: &Arc<ClientConfig>) -> io::Result<(String, ClientConnection)> {
    let socket = TcpStream::connect(("127.0.0.1", server.tls_port)).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let tls = ClientConnection::new(Arc::clone(config), ServerName::try_from("localhost").unwrap()).unwrap();
    let mut stream = StreamOwned::new(tls, socket);
    stream.write_all(b"PING\r\nQUIT\r\n")?;
    let mut reply = String::new();
    stream.read_to_string(&mut reply)?;
    Ok((reply.lines().next().unwrap_or_default().to_owned(), stream.conn))
}

#[test]
fn protocols_and_suites_are_those_that_are_asked_for() {
    let server = Secured::start(&[]);
    let mut admin = server.plain();
    let old = config(&server, "alice", &[&version::TLS12]);
    let new = config(&server, "alice", &[&version::TLS13]);
    for (config, version) in [(&old, ProtocolVersion::TLSv1_2), (&new, ProtocolVersion::TLSv1_3)] {
        let (reply, tls) = ping(&server, config).unwrap();
        assert_eq!((reply.as_str(), tls.protocol_version()), ("+PONG", Some(version)));
    }
    assert_eq!(ask(&mut admin, "CONFIG SET tls-protocols TLSv1.3"), "OK");
    assert!(ping(&server, &old).is_err());
    assert_eq!(ping(&server, &new).unwrap().0, "+PONG");
    assert_eq!(ask(&mut admin, "CONFIG SET tls-protocols TLSv1.2"), "OK");
    assert!(ping(&server, &new).is_err());
    admin.call(&["CONFIG", "SET", "tls-protocols", ""]).unwrap();
    assert_eq!(ask(&mut admin, "CONFIG SET tls-ciphersuites TLS_CHACHA20_POLY1305_SHA256"), "OK");
    let suite = ping(&server, &new).unwrap().1.negotiated_cipher_suite().unwrap().suite();
    assert_eq!(format!("{suite:?}"), "TLS13_CHACHA20_POLY1305_SHA256");
    server.finish();
}

/// Whoever resumes a session is who began it.
#[test]
fn sessions_are_resumed_with_their_owner() {
    let server = Secured::start(&["--requirepass", "secret", "--tls-auth-clients-user", "CN"]);
    server.authority.sign("default", server.dir.path(), "default");
    for version in [&version::TLS12, &version::TLS13] {
        for (file, expected) in [("default", "+PONG"), ("alice", "-NOAUTH Authentication required.")] {
            let config = config(&server, file, &[version]);
            let (first, second) = (ping(&server, &config).unwrap(), ping(&server, &config).unwrap());
            assert_eq!((first.0.as_str(), second.0.as_str()), (expected, expected));
            assert_eq!(first.1.handshake_kind(), Some(HandshakeKind::Full));
            assert_eq!(second.1.handshake_kind(), Some(HandshakeKind::Resumed));
        }
    }
    let mut admin = server.plain();
    assert_eq!(ask(&mut admin, "AUTH secret"), "OK");
    assert_eq!(ask(&mut admin, "CONFIG SET tls-session-caching no"), "OK");
    for version in [&version::TLS12, &version::TLS13] {
        let config = config(&server, "default", &[version]);
        for _ in 0..2 {
            let tls = ping(&server, &config).unwrap().1;
            assert_eq!(tls.handshake_kind(), Some(HandshakeKind::Full));
        }
    }
}
