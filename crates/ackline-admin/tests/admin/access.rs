//! Who may come in, from where, and what they may do.

use crate::server::{Answer, Server, connect, read};
use serde_json::{Value as Json, json};
use std::io::Write;

const JSON: &str = "Content-Type: application/json";

fn with(server: &Server, head: &[&str], path: &str) -> Answer {
    server.send("GET", &format!("/api/v1{path}"), head, "")
}

/// The cookie that a login gives, as a line of a head.
fn cookie(login: &Answer) -> String {
    assert_eq!(login.status, 200, "{login:?}");
    let cookie = login.header("set-cookie").unwrap();
    for part in ["HttpOnly", "SameSite=Strict", "Path=/", "Max-Age=43200"] {
        assert!(cookie.split("; ").any(|one| one == part), "{cookie}");
    }
    format!("Cookie: a=b; {}", cookie.split(';').next().unwrap())
}

#[test]
fn who_needs_no_password_is_the_default_user() {
    let server = Server::start();
    let want = json!({"user": "default", "role": "operator", "login_required": false, "authenticated": true});
    assert_eq!(server.json("/me"), want);
}

#[test]
fn tokens_and_their_roles() {
    let server = Server::start_with(&["--admin-token", "operate", "--admin-read-token", "look"]);
    server.call("XADD orders 1-0 a b");
    let want = json!({"user": null, "role": null, "login_required": true, "authenticated": false});
    assert_eq!(server.json("/me"), want);
    for path in ["/overview", "/streams", "/streams/orders/tail", "/events", "/series?name=ops", "/config"] {
        let answer = server.get(path);
        assert_eq!((answer.status, answer.code()), (401, "NOAUTH".to_owned()), "{path}");
    }
    // Being `default` is not enough where there are tokens.
    assert_eq!(server.post("/login", &json!({"user": "default", "password": ""})).status, 401);
    assert_eq!(with(&server, &["Authorization: Bearer operate"], "/me").json()["role"], "operator");
    let reader = "Authorization: Bearer look";
    assert_eq!(with(&server, &[reader], "/me").json()["role"], "reader");
    let looks = [
        "/overview",
        "/streams",
        "/streams/orders",
        "/streams/orders/entries",
        "/dead",
        "/slowlog",
        "/clients",
        "/config",
    ];
    for path in looks {
        assert_eq!(with(&server, &[reader], path).status, 200, "{path}");
    }
    let add = json!({"action": "add", "stream": "orders", "fields": [["a", "b"]]}).to_string();
    let refused = server.send("POST", "/api/v1/actions", &[reader, JSON], &add);
    assert_eq!((refused.status, refused.code()), (403, "NOPERM".to_owned()));
    let done = server.send("POST", "/api/v1/actions", &["Authorization: Bearer operate", JSON], &add);
    assert_eq!(done.status, 200);

    let session = cookie(&server.post("/login", &json!({"token": "look"})));
    assert_eq!(with(&server, &[&session], "/me").json()["role"], "reader");
    assert_eq!(server.send("POST", "/api/v1/actions", &[&session, JSON], &add).status, 403);
    let out = server.send("POST", "/api/v1/logout", &[&session, JSON], "");
    assert!(out.header("set-cookie").unwrap().contains("Max-Age=0"), "{out:?}");
    assert_eq!(with(&server, &[&session], "/streams").status, 401);
}

#[test]
fn a_password_for_all() {
    let server = Server::start_with(&["--requirepass", "sesame"]);
    assert_eq!(server.get("/streams").status, 401);
    assert_eq!(server.json("/me")["login_required"], true);
    for wrong in
        [json!({"user": "default", "password": "x"}), json!({"token": ""}), json!({"token": "sesame"})]
    {
        let answer = server.post("/login", &wrong);
        assert_eq!((answer.status, answer.code()), (401, "WRONGPASS".to_owned()), "{wrong}");
    }
    // Three wrong ones are free.
    let session = cookie(&server.post("/login", &json!({"password": "sesame"})));
    assert_eq!(with(&server, &[&session], "/me").json()["user"], "default");
    assert_eq!(with(&server, &[&session], "/streams").status, 200);
    // default:sesame
    assert_eq!(with(&server, &["Authorization: Basic ZGVmYXVsdDpzZXNhbWU="], "/streams").status, 200);
    assert_eq!(with(&server, &["Authorization: Basic ZGVmYXVsdDp4"], "/streams").status, 401);
    assert_eq!(with(&server, &["Authorization: Digest x"], "/streams").status, 400);
}

fn add_dead_letters(server: &Server) {
    let mut operator = server.client();
    operator.call(&["AUTH", "sesame"]).unwrap();
    operator.call(&["XADD", "other:dead", "*", "a", "b"]).unwrap();
}

#[test]
fn users_and_what_they_may_do() {
    let server = Server::start();
    server.call("XADD orders 1-0 a b");
    server.call("XADD other 1-0 a b");
    server.call("XGROUP CREATE orders shop 0");
    server.call("ACL SETUSER ann on >pass ~* +@all");
    server.call("ACL SETUSER eve on >pass ~orders +@read +auth +ping +select");
    server.call("ACL SETUSER off off >pass ~* +@all");
    server.call("ACL SETUSER default >sesame");
    let login =
        |user: &str, password: &str| server.post("/login", &json!({"user": user, "password": password}));
    assert_eq!(login("off", "pass").status, 401);
    let ann = cookie(&login("ann", "pass"));
    let eve = cookie(&login("eve", "pass"));
    assert_eq!(with(&server, &[&ann], "/me").json()["role"], "operator");
    let me = with(&server, &[&eve], "/me").json();
    assert_eq!((&me["user"], &me["role"]), (&json!("eve"), &json!("reader")));

    // The keys of others are nobody's business, also as curves or live.
    assert_eq!(with(&server, &[&eve], "/streams/orders/entries").status, 200);
    for path in [
        "/streams/other/entries",
        "/streams/other/tail",
        "/series?name=stream/other/length",
        "/overview",
        "/config",
    ] {
        let answer = with(&server, &[&eve], path);
        assert_eq!((answer.status, answer.code()), (403, "NOPERM".to_owned()), "{path}");
    }
    add_dead_letters(&server);
    let dead = with(&server, &[&eve], "/dead");
    assert_eq!((dead.status, &dead.json()["streams"]), (200, &json!([])));
    assert_eq!(with(&server, &[&ann], "/dead").json()["streams"][0]["name"], "other:dead");

    let add = json!({"action": "add", "stream": "orders", "fields": [["a", "b"]]}).to_string();
    let act = |cookie: &str| server.send("POST", "/api/v1/actions", &[cookie, JSON], &add).status;
    assert_eq!((act(&eve), act(&ann)), (403, 200));

    // A new password or the end of a user ends its sessions.
    let mut operator = server.client();
    operator.call(&["AUTH", "sesame"]).unwrap();
    operator.call(&["ACL", "SETUSER", "ann", "resetpass", ">other"]).unwrap();
    server.until("ann's session ends", || with(&server, &[&ann], "/streams").status == 401);
    operator.call(&["ACL", "DELUSER", "eve"]).unwrap();
    server.until("eve's session ends", || with(&server, &[&eve], "/streams/orders/entries").status == 401);
    assert_eq!(act(&ann), 401);
}

#[test]
fn guessing_is_slowed_down() {
    let server = Server::start_with(&["--admin-token", "operate"]);
    let guess = || server.send("GET", "/api/v1/me", &["Authorization: Bearer x"], "");
    let tries: Vec<u16> = (0..8).map(|_| server.post("/login", &json!({"token": "x"})).status).collect();
    assert_eq!(tries[..4], [401; 4]);
    assert!(tries.contains(&429), "{tries:?}");
    // Nobody learns whether the right one would do, and a script does not get around it.
    server.until("a pause", || {
        guess();
        server.post("/login", &json!({"token": "operate"})).status == 429
    });
    server
        .until("the end of the pause", || server.post("/login", &json!({"token": "operate"})).status == 200);
}

#[test]
fn who_cannot_guess_a_token_keeps_nobody_out() {
    let token = "0123456789abcdef0123456789abcdef";
    let server = Server::start_with(&["--admin-token", token]);
    for _ in 0..8 {
        server.post("/login", &json!({"token": "x"}));
    }
    assert_eq!(server.post("/login", &json!({"token": "x"})).status, 429);
    assert_eq!(with(&server, &[&format!("Authorization: Bearer {token}")], "/streams").status, 200);
    cookie(&server.post("/login", &json!({"token": token})));
    assert_eq!(server.post("/login", &json!({"token": "x"})).status, 429);
}

#[test]
fn a_login_is_small() {
    let server = Server::start_with(&["--admin-token", "operate"]);
    let login = server.post("/login", &json!({"token": "x", "more": "y".repeat(20_000)}));
    assert_eq!((login.status, login.code()), (413, "TOO_LARGE".to_owned()));
}

#[test]
fn other_sites_are_refused() {
    let server = Server::start();
    let port = server.admin;
    for host in ["evil.example", &format!("evil.example:{port}"), "localhost:1", &format!("127.0.0.2:{port}")]
    {
        let answer = with(&server, &[&format!("Host: {host}")], "/me");
        assert_eq!((answer.status, answer.code()), (403, "FORBIDDEN".to_owned()), "{host}");
    }
    assert_eq!(with(&server, &[&format!("Host: 127.0.0.1:{port}")], "/me").status, 200);
    // A page elsewhere cannot take the live views, or make the server work.
    let strange = ["Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: no-cors", "Sec-Fetch-Dest: empty"];
    assert_eq!(with(&server, &strange, "/events").status, 403);
    let reset = json!({"action": "slowlog_reset"}).to_string();
    let act = |head: &[&str]| server.send("POST", "/api/v1/actions", head, &reset).status;
    assert_eq!(act(&[JSON, &format!("Origin: http://localhost:{port}")]), 200);
    for origin in ["http://evil.example", "null", &format!("http://127.0.0.1:{port}"), "http://localhost"] {
        assert_eq!(act(&[JSON, &format!("Origin: {origin}")]), 403, "{origin}");
    }
    for kind in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"] {
        assert_eq!(act(&[&format!("Content-Type: {kind}")]), 415, "{kind}");
    }
    assert_eq!(act(&[]), 415);
    let preflight = server.send(
        "OPTIONS",
        "/api/v1/actions",
        &["Origin: http://evil.example", "Access-Control-Request-Method: POST"],
        "",
    );
    assert!(preflight.header("access-control-allow-origin").is_none());
}

#[test]
fn every_answer_is_hardened() {
    let server = Server::start();
    for path in ["/", "/api/v1/me", "/api/v1/nosuch", "/healthz", "/nosuch.js"] {
        let answer = server.send("GET", path, &[], "");
        let policy = answer.header("content-security-policy").unwrap();
        assert!(
            policy.starts_with("default-src 'self'") && policy.contains("frame-ancestors 'none'"),
            "{path}"
        );
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{path}");
        assert_eq!(answer.header("referrer-policy"), Some("no-referrer"), "{path}");
        assert!(answer.header("access-control-allow-origin").is_none(), "{path}");
    }
    assert_eq!(server.get("/me").header("cache-control"), Some("no-store"));
}

#[test]
fn limits_of_requests() {
    let server = Server::start();
    let long = server.get(&format!("/streams?match={}", "a".repeat(17_000)));
    assert_eq!((long.status, long.code()), (414, "TOO_LARGE".to_owned()));
    let action = |bytes: usize| json!({"action": "add", "stream": "s", "fields": [["a", "b".repeat(bytes)]]});
    assert_eq!(server.act(&action(1_000_000))["affected"], 1);
    let large = server.post("/actions", &action(1 << 20));
    assert_eq!((large.status, large.code()), (413, "TOO_LARGE".to_owned()));
    // The same without a length in its head.
    let mut stream = connect(server.admin);
    write!(stream, "POST /api/v1/actions HTTP/1.1\r\nHost: localhost:{}\r\n{JSON}\r\n", server.admin)
        .unwrap();
    write!(stream, "Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n").unwrap();
    for _ in 0..20 {
        // It refuses before the end.
        let _ = write!(stream, "10000\r\n{}\r\n", " ".repeat(0x10000));
    }
    assert_eq!(read(stream).status, 413);
    assert_eq!(server.send("POST", "/api/v1/actions", &[JSON], "{").status, 400);
    // A head that never ends.
    let mut stream = connect(server.admin);
    let _ = write!(stream, "GET / HTTP/1.1\r\nX: {}", "a".repeat(100_000));
    assert_eq!(read(stream).status, 431);
    assert_eq!(server.json("/me")["authenticated"], true);
}

#[test]
fn while_data_is_loaded() {
    let (told, seen) = std::sync::mpsc::channel::<(&str, Answer)>();
    let server = Server::start_beside(&[], move |port| {
        for path in ["/", "/healthz", "/readyz", "/api/v1/me", "/api/v1/streams", "/api/v1/openapi.json"] {
            told.send((path, crate::server::send(port, "GET", path, &[], ""))).unwrap();
        }
    });
    let seen: Vec<(&str, Answer)> = seen.iter().collect();
    let status: Vec<u16> = seen.iter().map(|(_, answer)| answer.status).collect();
    assert_eq!(status, [200, 200, 503, 200, 503, 200]);
    assert_eq!((seen[1].1.body.as_str(), seen[2].1.body.as_str()), ("ok, loading\n", "loading\n"));
    assert_eq!(seen[4].1.code(), "LOADING");
    assert_eq!(server.json("/streams")["streams"], Json::Array(Vec::new()));
}
