//! A master that sentinels watch.

use super::reading::{group, until_blocked};
use super::*;
use peers::{Watched, until};
use tokio_util::sync::CancellationToken;

#[tokio::test(flavor = "multi_thread")]
async fn the_new_master_is_found() {
    let Some(mut watched) = Watched::start(Kind::Redis) else { return };
    let redis = open(&watched.url());
    group(&redis, "s").await;
    let (mut reader, never) = (redis.reader(), CancellationToken::new());
    let reading = tokio::spawn(async move {
        let got = reader.call(read("s", LONG), LONG, &never).await;
        (reader, got)
    });
    until_blocked(&watched.master).await;
    // What the replica has not got is lost with the master.
    call(&redis, words(["WAIT", "1", "10000"])).await.unwrap();
    tokio::task::block_in_place(|| watched.fail_over());
    let (mut reader, got) = reading.await.unwrap();
    assert!(got.unwrap_err().is_transient());
    insist(&redis, || words(["XADD", "s", "*", "f", "v"])).await;
    assert_eq!(watched.replica.ask(&["XLEN", "s"]), "1");
    let got = reader.call(read("s", LONG), LONG, &CancellationToken::new()).await.unwrap();
    assert_eq!(got.into_stream().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_master_that_is_put_aside_sends_its_clients_away() {
    let Some(watched) = Watched::start(Kind::Redis) else { return };
    let redis = open(&watched.url());
    group(&redis, "s").await;
    let (mut reader, never) = (redis.reader(), CancellationToken::new());
    let reading = tokio::spawn(async move {
        let got = reader.call(read("s", LONG), LONG, &never).await;
        (reader, got)
    });
    until_blocked(&watched.master).await;
    call(&redis, words(["WAIT", "1", "10000"])).await.unwrap();
    tokio::task::block_in_place(|| {
        let sentinel = &watched.sentinel;
        until("the sentinel acts", || sentinel.ask(&["SENTINEL", "FAILOVER", peers::SERVICE]) == "OK");
        until("the master is a replica", || watched.master.ask(&["ROLE"]).starts_with("slave"));
    });
    // Nothing, or an error that passes.
    let (mut reader, got) = reading.await.unwrap();
    assert!(got.as_ref().is_ok_and(|got| matches!(got, Value::Nil)) || got.unwrap_err().is_transient());
    insist(&redis, || words(["XADD", "s", "*", "f", "v"])).await;
    let deadline = Instant::now() + DEADLINE;
    loop {
        match reader.call(read("s", LONG), LONG, &CancellationToken::new()).await {
            Ok(Value::Nil) => {}
            Ok(got) => return assert_eq!(got.into_stream().unwrap().len(), 1),
            Err(error) => assert!(error.is_transient(), "{error}"),
        }
        assert!(Instant::now() < deadline, "it never finds the new master");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sentinels_that_are_not_there_or_do_not_know_are_passed_over() {
    let Some(watched) = Watched::start(Kind::Valkey) else { return };
    let dead = peers::free_port();
    let url = |hosts: String| format!("redis+sentinel://{hosts}/{}", peers::SERVICE);
    let known = format!("127.0.0.1:{}", watched.sentinel.port);
    let redis = open(&url(format!("127.0.0.1:{dead},127.0.0.1:{},{known}", watched.master.port)));
    call(&redis, words(["SET", "k", "v"])).await.unwrap();
    let nobody = open(&url(format!("127.0.0.1:{dead}")));
    assert!(call(&nobody, words(["GET", "k"])).await.unwrap_err().is_transient());
    let unknown = open(&format!("redis+sentinel://{known}/other"));
    let error = call(&unknown, words(["GET", "k"])).await.unwrap_err();
    assert!(error.to_string().contains("knows no master \"other\""), "{error}");
}
