//! Encrypted connections.

use super::*;
use crate::error::Error;
use peers::Secured;

#[tokio::test]
async fn who_is_trusted_is_spoken_to() {
    for kind in [Kind::Redis, Kind::Valkey] {
        let Some(secured) = Secured::start(kind, false) else { continue };
        let (ca, port) = (secured.path("ca.pem"), secured.port);
        for url in [
            format!("rediss://localhost:{port}?ca={ca}"),
            format!("rediss://127.0.0.1:{port}?insecure=true"),
            secured.url(),
        ] {
            assert!(call(&open(&url), words(["PING"])).await.is_ok(), "{url}");
        }
        for url in [
            format!("rediss://localhost:{port}"),
            format!("rediss://127.0.0.1:{port}?ca={ca}"),
            format!("rediss://localhost:{}?ca={ca}", secured.server.port),
            format!("redis://localhost:{port}"),
        ] {
            // A server that waits for more of what it does not understand says nothing at all.
            let redis = Redis::patient(url.parse().unwrap(), SHORT).unwrap();
            let failed = call(&redis, words(["PING"])).await;
            assert!(matches!(failed, Err(Error::Connection { .. })), "{url}: {failed:?}");
        }
    }
}

#[tokio::test]
async fn clients_show_who_they_are() {
    for kind in [Kind::Redis, Kind::Valkey] {
        let Some(secured) = Secured::start(kind, true) else { continue };
        call(&open(&secured.url()), words(["PING"])).await.unwrap();
        let unknown = open(&format!("rediss://localhost:{}?ca={}", secured.port, secured.path("ca.pem")));
        let failed = call(&unknown, words(["PING"])).await;
        assert!(matches!(failed, Err(Error::Connection { .. })), "{failed:?}");
    }
}

#[test]
fn certificates_that_cannot_be_read_are_an_error_at_once() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "-----BEGIN CERTIFICATE-----\nno\n-----END CERTIFICATE-----\n").unwrap();
    for (path, want) in
        [("/nowhere/ca.pem", "/nowhere/ca.pem: "), (file.path().to_str().unwrap(), "certificate")]
    {
        let target = format!("rediss://localhost?ca={path}").parse().unwrap();
        let Err(error) = Redis::open(target) else { panic!("{path} is no certificate") };
        assert!(matches!(error, Error::Url { .. }) && error.to_string().contains(want), "{error}");
    }
}
