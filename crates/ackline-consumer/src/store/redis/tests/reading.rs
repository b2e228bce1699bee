//! Reads that block.

use super::*;
use crate::error::Error;
use tokio_util::sync::CancellationToken;

pub(super) async fn group(redis: &Redis, stream: &str) {
    call(redis, words(["XGROUP", "CREATE", stream, "g", "0", "MKSTREAM"])).await.unwrap();
}

fn blocked(server: &Server) -> bool {
    server.ask(&["INFO", "clients"]).contains("blocked_clients:1\r")
}

pub(super) async fn until_blocked(server: &Server) {
    let deadline = Instant::now() + DEADLINE;
    while !blocked(server) {
        assert!(Instant::now() < deadline, "nobody is blocked");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn entries_arrive_while_others_call() {
    each(async |server, redis| {
        group(&redis, "s").await;
        let (mut reader, never) = (redis.reader(), CancellationToken::new());
        for round in 0..3 {
            let adding = async {
                until_blocked(&server).await;
                call(&redis, words(["XADD", "s", "*", "round", &round.to_string()])).await.unwrap();
            };
            let (got, ()) = tokio::join!(reader.call(read("s", LONG), LONG, &never), adding);
            let entries = got.unwrap().into_stream().unwrap();
            assert_eq!(entries[0].fields.as_ref().unwrap().text("round"), Some(&*round.to_string()));
        }
        let brief = Duration::from_millis(10);
        let nothing = reader.call(read("s", brief), brief, &never).await.unwrap();
        assert!(nothing.into_stream().unwrap().is_empty());
    })
    .await;
}

#[tokio::test]
async fn to_stop_ends_the_wait_and_spoils_nothing() {
    each(async |server, redis| {
        group(&redis, "s").await;
        let mut reader = redis.reader();
        for _ in 0..5 {
            let stop = CancellationToken::new();
            let stopping = async {
                until_blocked(&server).await;
                stop.cancel();
            };
            let (got, ()) = tokio::join!(reader.call(read("s", LONG), LONG, &stop), stopping);
            assert!(got.unwrap().into_stream().unwrap().is_empty());
        }
        // The connection is as good as before.
        call(&redis, words(["XADD", "s", "*", "f", "v"])).await.unwrap();
        let got = reader.call(read("s", LONG), LONG, &CancellationToken::new()).await.unwrap();
        assert_eq!(got.into_stream().unwrap().len(), 1);
    })
    .await;
}

#[tokio::test]
async fn to_stop_at_any_moment_ends_the_wait() {
    each(async |_, redis| {
        group(&redis, "s").await;
        let mut reader = redis.reader();
        for moment in 0..60 {
            let stop = CancellationToken::new();
            let stopping = async {
                for _ in 0..moment {
                    tokio::task::yield_now().await;
                }
                stop.cancel();
            };
            let (got, ()) = tokio::join!(reader.call(read("s", LONG), LONG, &stop), stopping);
            assert!(got.unwrap().into_stream().unwrap().is_empty());
        }
    })
    .await;
}

#[tokio::test]
async fn without_permission_to_wake_it_is_waited_out() {
    let Some(server) = Server::start(Kind::Valkey) else { return };
    server.ask(&["ACL", "SETUSER", "default", "-client|unblock", "-client|id"]);
    let redis = open(&server.url());
    group(&redis, "s").await;
    let (mut reader, stop) = (redis.reader(), CancellationToken::new());
    let block = Duration::from_millis(300);
    let stopping = async {
        until_blocked(&server).await;
        stop.cancel();
    };
    let (got, ()) = tokio::join!(reader.call(read("s", block), block, &stop), stopping);
    assert!(got.unwrap().into_stream().unwrap().is_empty());
}

#[tokio::test]
async fn a_read_that_is_given_up_takes_its_connection_along() {
    each(async |server, redis| {
        group(&redis, "s").await;
        let (mut reader, never) = (redis.reader(), CancellationToken::new());
        {
            let reading = std::pin::pin!(reader.call(read("s", LONG), LONG, &never));
            tokio::select! {
                got = reading => panic!("{got:?}"),
                () = until_blocked(&server) => {}
            }
        }
        // The entry goes to whoever reads next, not to a connection that nobody listens to.
        let deadline = Instant::now() + DEADLINE;
        while blocked(&server) {
            assert!(Instant::now() < deadline, "the read is still there");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        call(&redis, words(["XADD", "s", "*", "f", "v"])).await.unwrap();
        let got = reader.call(read("s", LONG), LONG, &never).await.unwrap();
        assert_eq!(got.into_stream().unwrap().len(), 1);
    })
    .await;
}

#[tokio::test]
async fn a_server_that_is_killed_ends_the_read() {
    each(async |mut server, redis| {
        group(&redis, "s").await;
        let (mut reader, never) = (redis.reader(), CancellationToken::new());
        let reading = tokio::spawn(async move {
            let got = reader.call(read("s", LONG), LONG, &never).await;
            (reader, got)
        });
        until_blocked(&server).await;
        server.kill9();
        let (mut reader, got) = reading.await.unwrap();
        assert!(matches!(got, Err(Error::Connection { .. })), "{got:?}");
        server.restart();
        insist(&redis, || words(["XADD", "s", "*", "f", "v"])).await;
        let got = reader.call(read("s", LONG), LONG, &CancellationToken::new()).await.unwrap();
        assert_eq!(got.into_stream().unwrap().len(), 1);
    })
    .await;
}

#[tokio::test]
async fn a_server_error_is_an_error_and_the_connection_stays() {
    each(async |server, redis| {
        let (mut reader, never) = (redis.reader(), CancellationToken::new());
        let error = reader.call(read("s", LONG), LONG, &never).await.unwrap_err();
        assert!(error.is_no_group(), "{error}");
        let connections = || server.ask(&["CLIENT", "LIST"]).matches(" name=ackline-consumer").count();
        let before = connections();
        group(&redis, "s").await;
        call(&redis, words(["XADD", "s", "*", "f", "v"])).await.unwrap();
        let got = reader.call(read("s", LONG), LONG, &never).await.unwrap();
        assert_eq!(got.into_stream().unwrap().len(), 1);
        assert_eq!(connections(), before + 1, "the reader's, and the one that is shared");
    })
    .await;
}

#[tokio::test]
async fn silence_beyond_the_wait_is_an_error() {
    let Some(server) = Server::start(Kind::Valkey) else { return };
    let redis = Redis::patient(server.url().parse().unwrap(), SHORT).unwrap();
    group(&redis, "s").await;
    let (mut reader, never) = (redis.reader(), CancellationToken::new());
    let freezing = async {
        until_blocked(&server).await;
        server.freeze();
    };
    let (got, ()) = tokio::join!(reader.call(read("s", SHORT), SHORT, &never), freezing);
    assert!(matches!(got, Err(Error::Connection { .. })), "{got:?}");
    server.thaw();
    insist(&redis, || words(["XADD", "s", "*", "f", "v"])).await;
    let got = reader.call(read("s", LONG), LONG, &never).await.unwrap();
    assert_eq!(got.into_stream().unwrap().len(), 1);
}

#[tokio::test]
async fn to_stop_does_not_hang_on_a_server_that_is_gone() {
    let Some(server) = Server::start(Kind::Valkey) else { return };
    let redis = Redis::patient(server.url().parse().unwrap(), SHORT).unwrap();
    group(&redis, "s").await;
    let (mut reader, stop) = (redis.reader(), CancellationToken::new());
    let stopping = async {
        until_blocked(&server).await;
        server.freeze();
        stop.cancel();
    };
    let reading = async { tokio::join!(reader.call(read("s", LONG), LONG, &stop), stopping) };
    let (got, ()) = tokio::time::timeout(DEADLINE, reading).await.expect("the wait ends");
    assert!(matches!(got, Err(Error::Connection { .. })), "{got:?}");
}
