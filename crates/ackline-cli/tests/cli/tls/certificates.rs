//! Who has to show what, whom that makes, and certificates that are replaced while the server runs.

use super::{Authority, Secured, ask, count};
use ackline_admin::client::Tls;
use std::path::Path;
use std::process::Command;

#[test]
fn clients_have_to_show_a_certificate_unless_they_are_not_asked() {
    let server = Secured::start(&[]);
    let mut admin = server.plain();
    let stranger = Authority::new("another authority").sign("alice", server.dir.path(), "stranger");
    let as_stranger = Tls { identity: Some(stranger), ..server.as_nobody() };
    server.refusal(&server.as_nobody());
    server.refusal(&as_stranger);
    assert_eq!(count(&mut admin, "tls_handshake_failures"), 2);
    assert_eq!(ask(&mut admin, "CONFIG SET tls-auth-clients optional"), "OK");
    assert_eq!(ask(&mut server.connect(&server.as_nobody()).unwrap(), "PING"), "PONG");
    assert_eq!(ask(&mut server.client(), "PING"), "PONG");
    server.refusal(&as_stranger);
    assert_eq!(ask(&mut admin, "CONFIG SET tls-auth-clients no"), "OK");
    assert_eq!(ask(&mut server.connect(&as_stranger).unwrap(), "PING"), "PONG");
    assert_eq!(ask(&mut admin, "CONFIG SET tls-auth-clients yes"), "OK");
    server.refusal(&server.as_nobody());
    assert_eq!(count(&mut admin, "tls_handshake_failures"), 4);
    server.finish();
}

#[test]
fn clients_trust_whom_they_know() {
    let server = Secured::start(&[]);
    let other = Authority::new("another authority").write(server.dir.path(), "other");
    let error = server.refusal(&Tls { ca: Some(other), ..server.as_alice() });
    assert!(error.contains("UnknownIssuer") || error.contains("certificate"), "{error}");
    let error = server.refusal(&Tls { server_name: Some("elsewhere".to_owned()), ..server.as_alice() });
    assert!(error.contains("not valid for name"), "{error}");
    server.finish();
}

#[test]
fn authorities_may_be_a_directory() {
    let server = Secured::start(&[]);
    let mut admin = server.plain();
    let (dir, other) = (server.path("authorities"), Authority::new("another authority"));
    std::fs::create_dir(&dir).unwrap();
    std::fs::write(dir.join("README"), "no certificate").unwrap();
    let set = format!("CONFIG SET tls-ca-cert-dir {}", dir.display());
    let empty =
        admin.call(&["CONFIG", "SET", "tls-ca-cert-file", "", "tls-ca-cert-dir", dir.to_str().unwrap()]);
    assert!(empty.unwrap_err().to_string().contains("tls-ca-cert-file"), "nobody could come in");
    other.write(&dir, "other");
    assert_eq!(ask(&mut admin, &set), "OK");
    let identity = Some(other.sign("bob", server.dir.path(), "bob"));
    let as_bob = Tls { identity, ..server.as_nobody() };
    assert_eq!(ask(&mut server.connect(&as_bob).unwrap(), "PING"), "PONG");
    assert_eq!(ask(&mut server.client(), "PING"), "PONG", "the file counts too");
    admin.call(&["CONFIG", "SET", "tls-ca-cert-file", ""]).unwrap();
    server.refusal(&server.as_alice());
    assert_eq!(ask(&mut server.connect(&as_bob).unwrap(), "PING"), "PONG");
}

#[test]
fn a_certificate_makes_its_owner_a_user() {
    let server = Secured::start(&["--requirepass", "secret", "--tls-auth-clients-user", "cn"]);
    let named = |name: &str, file: &str| {
        let identity = Some(server.authority.sign(name, server.dir.path(), file));
        server.connect(&Tls { identity, ..server.as_nobody() }).unwrap()
    };
    assert_eq!(ask(&mut named("default", "default"), "PING"), "PONG");
    for (name, file) in [("nobody", "b"), ("default\0", "c"), ("default\0.example", "d"), ("", "e")] {
        let mut client = named(name, file);
        assert!(ask(&mut client, "PING").starts_with("NOAUTH"), "{name:?}");
        assert_eq!(ask(&mut client, "AUTH secret"), "OK");
    }
    let mut admin = named("default", "default");
    assert_eq!(ask(&mut admin, "CONFIG SET tls-auth-clients-user off"), "OK");
    assert!(ask(&mut named("default", "default"), "PING").starts_with("NOAUTH"));
}

/// Whether the server shows a certificate of this authority.
fn shows(server: &Secured, authority: &Path) -> bool {
    let tls = Tls { ca: Some(authority.to_owned()), ..server.as_alice() };
    server.connect(&tls).and_then(|mut client| client.call(&["PING"])).is_ok()
}

#[test]
fn certificates_are_replaced_without_a_restart() {
    let mut server = Secured::start(&[]);
    let (mut old, old_ca) = (server.client(), server.path("ca.pem"));
    let next = Authority::new("the next authority");
    let next_ca = next.write(server.dir.path(), "next");
    next.sign("server", server.dir.path(), "server");
    server.wait_for("the next certificate is shown", |server| shows(server, &next_ca));
    assert!(!shows(&server, &old_ca));
    assert_eq!(ask(&mut old, "PING"), "PONG", "who is connected stays so");

    // What is no certificate changes nothing, whoever asks for it.
    std::fs::write(server.path("server.pem"), "nonsense").unwrap();
    server
        .wait_for("the file is refused", |server| server.output().contains("certificates stay as they are"));
    assert!(shows(&server, &next_ca));
    let path = server.path("server.pem").display().to_string();
    let refused = ask(&mut old, &format!("CONFIG SET tls-cert-file {path}"));
    let expected = "ERR CONFIG SET failed (possibly related to argument 'tls-cert-file') - Unable to update TLS \
                    configuration. Check server logs.";
    assert_eq!(refused, expected);
    assert!(shows(&server, &next_ca));

    // CONFIG SET does not wait, and both files may be others.
    let (cert, key) = server.authority.sign("server", server.dir.path(), "third");
    let set = format!("CONFIG SET tls-cert-file {} tls-key-file {}", cert.display(), key.display());
    assert_eq!(ask(&mut old, &set), "OK");
    assert!(shows(&server, &old_ca) && !shows(&server, &next_ca));
    server.authority = Authority::new("unused");
    next.sign("server", server.dir.path(), "third");
    assert_eq!(ask(&mut old, &format!("CONFIG SET tls-cert-file {}", cert.display())), "OK");
    assert!(shows(&server, &next_ca), "the same name, but another file");
    assert_eq!(ask(&mut old, "PING"), "PONG");
}

#[test]
fn sighup_loads_certificates_anew() {
    let mut server = Secured::start(&[]);
    assert!(!server.output().contains("certificates were loaded anew"));
    let id = server.child.id().to_string();
    assert!(Command::new("kill").args(["-HUP", &id]).status().unwrap().success());
    server.wait_for("it says so", |server| server.output().contains("certificates were loaded anew"));
    server.finish();
}

/// A port without usable files is no server.
#[test]
fn files_that_cannot_be_used_end_the_start() {
    let dir = tempfile::tempdir().unwrap();
    let authority = Authority::new("test authority");
    let (cert, key) = authority.sign("server", dir.path(), "server");
    let (_, other) = authority.sign("server", dir.path(), "other");
    let ca = authority.write(dir.path(), "ca");
    let [cert, key, other, ca] = [&cert, &key, &other, &ca].map(|path| path.to_str().unwrap());
    let cases: [(&[&str], &str); 5] = [
        (&[], "tls-cert-file and tls-key-file"),
        (&["--tls-cert-file", cert, "--tls-key-file", other, "--tls-ca-cert-file", ca], "KeyMismatch"),
        (&["--tls-cert-file", cert, "--tls-key-file", key], "tls-ca-cert-file or tls-ca-cert-dir"),
        (&["--tls-cert-file", key, "--tls-key-file", key, "--tls-ca-cert-file", ca], "no certificate"),
        (
            &["--tls-cert-file", cert, "--tls-key-file", cert, "--tls-ca-cert-file", ca],
            "no usable private key",
        ),
    ];
    for (settings, why) in cases {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ackline"));
        command.args(["serve", "--port", "0", "--admin-port", "0", "--tls-port", "1", "--dir"]);
        let output = command.arg(dir.path().join("data")).args(settings).output().unwrap();
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert!(!output.status.success() && said.contains(why), "{settings:?}: {said}");
    }
}
