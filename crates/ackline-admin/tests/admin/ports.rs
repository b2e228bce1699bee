//! Where the admin port is, and what it serves beside the API.

use crate::server::{Server, args, free_port, read, run};
use serde_json::json;
use std::io::Write;
use std::net::{IpAddr, TcpListener, TcpStream, UdpSocket};
use tempfile::TempDir;

/// Why a server with these directives does not start.
fn refusal(admin: u16, more: &[&str]) -> String {
    let dir = TempDir::new().unwrap();
    let args = args(free_port(), admin, &dir, more);
    run(&args, ackline_admin::http::serve).unwrap_err().to_string()
}

#[test]
fn a_port_that_was_asked_for_has_to_be_free() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let why = refusal(port, &[]);
    assert!(why.starts_with(&format!("cannot listen on 127.0.0.1:{port} (admin-port): ")), "{why}");
}

#[test]
fn nobody_opens_a_network_to_everybody() {
    let why = refusal(free_port(), &["--admin-bind", "0.0.0.0"]);
    assert!(why.contains("admin-token"), "{why}");
    for allowed in [["--admin-token", "a"], ["--requirepass", "sesame"], ["--protected-mode", "no"]] {
        let server = Server::start_with(&[&["--admin-bind", "0.0.0.0"][..], &allowed].concat());
        assert_eq!(server.get("/me").status, 200);
    }
}

/// An address under which this machine is seen from elsewhere; nothing is sent to find it.
fn seen_from_elsewhere() -> Option<IpAddr> {
    let socket = UdpSocket::bind("0.0.0.0:0").ok()?;
    socket.connect("192.0.2.1:9").ok()?;
    Some(socket.local_addr().ok()?.ip()).filter(|ip| !ip.is_loopback() && !ip.is_unspecified())
}

#[test]
fn what_becomes_of_passwords_later_opens_no_network() {
    // Without a network there is nobody to keep out.
    let Some(ip) = seen_from_elsewhere() else { return };
    let server = Server::start_with(&["--admin-bind", "0.0.0.0", "--requirepass", "sesame"]);
    let ask = |method: &str, path: &str, body: &str| {
        let mut stream = TcpStream::connect((ip, server.admin)).unwrap();
        let (port, length) = (server.admin, body.len());
        let head = "Connection: close\r\nContent-Type: application/json";
        write!(
            stream,
            "{method} /api/v1{path} HTTP/1.1\r\nHost: {ip}:{port}\r\n{head}\r\nContent-Length: {length}\r\n\r\n{body}"
        )
        .unwrap();
        read(stream)
    };
    let mut operator = server.client();
    operator.call(&["AUTH", "sesame"]).unwrap();
    operator.call(&["ACL", "SETUSER", "default", "nopass"]).unwrap();
    server.until("nobody is asked here", || server.get("/streams").status == 200);
    assert_eq!(ask("GET", "/streams", "").status, 401);
    assert_eq!(ask("GET", "/me", "").json()["login_required"], true);
    let login = json!({"user": "default", "password": "whatever"}).to_string();
    assert_eq!(ask("POST", "/login", &login).status, 401);
    operator.call(&["CONFIG", "SET", "protected-mode", "no"]).unwrap();
    assert_eq!(ask("GET", "/streams", "").status, 200);
}

#[test]
fn without_a_port_there_is_no_console() {
    let dir = TempDir::new().unwrap();
    let args = args(free_port(), 0, &dir, &[]);
    let stop = |handle: ackline_server::Handle| {
        ackline_admin::http::serve(handle)?;
        Err("enough".to_owned())
    };
    assert_eq!(run(&args, stop).unwrap_err().to_string(), "enough");
}

#[test]
fn the_console_is_in_the_binary() {
    let server = Server::start();
    let page = server.send("GET", "/", &[], "");
    assert_eq!((page.status, page.header("content-type")), (200, Some("text/html; charset=utf-8")));
    let tag = format!("If-None-Match: {}", page.header("etag").unwrap());
    let again = server.send("GET", "/", &[&tag], "");
    assert_eq!((again.status, again.body.as_str()), (304, ""));
    for place in ["/streams", "/streams/a.js", "/streams/a%2Fb/groups/c", "/index.html"] {
        assert_eq!(server.send("GET", place, &[], "").body, page.body, "{place}");
    }
    assert_eq!(server.send("GET", "/nosuch.js", &[], "").status, 404);
    assert_eq!(server.send("GET", "/../Cargo.toml", &[], "").status, 200);
    assert!(!server.send("GET", "/../Cargo.toml", &[], "").body.contains("[package]"));
    for path in ["/api", "/api/", "/api/v2/me", "/api/v1/"] {
        assert_eq!(server.send("GET", path, &[], "").status, 404, "{path}");
    }
    assert_eq!(server.send("DELETE", "/api/v1/nosuch", &["Content-Type: application/json"], "").status, 404);
}

#[test]
fn health() {
    let server = Server::start();
    for path in ["/healthz", "/readyz"] {
        let answer = server.send("GET", path, &[], "");
        assert_eq!((answer.status, answer.body.as_str()), (200, "ok\n"), "{path}");
    }
}
