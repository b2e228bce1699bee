//! Short commands to one server.

use super::*;
use crate::capabilities::Capabilities;
use crate::error::Error;
use crate::store::Store;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

fn code(answer: &Value) -> &str {
    match answer {
        Value::Error(error) => error.code(),
        _ => "",
    }
}

#[tokio::test]
async fn answers_are_values() {
    each(async |_, redis| {
        let answers = redis
            .pipeline(&[
                words(["SET", "k", "v\r\n"]),
                words(["GET", "k"]),
                words(["GET", "none"]),
                words(["XADD", "s", "5-1", "f", "v"]),
                words(["XLEN", "s"]),
                words(["XRANGE", "s", "-", "+"]),
            ])
            .await
            .unwrap();
        assert_eq!(answers[0].text(), Some("OK"));
        assert_eq!(answers[1].text(), Some("v\r\n"));
        assert!(matches!(answers[2], Value::Nil));
        assert_eq!(answers[3].text(), Some("5-1"));
        assert_eq!(answers[4].int(), Some(1));
        let entries = answers[5].clone().into_entries().unwrap();
        assert_eq!(entries[0].id.to_string(), "5-1");
        assert_eq!(entries[0].fields.as_ref().unwrap().text("f"), Some("v"));
    })
    .await;
}

#[tokio::test]
async fn an_error_in_the_middle_is_an_answer() {
    each(async |_, redis| {
        let commands =
            [words(["SET", "k", "v"]), words(["XLEN", "k"]), words(["NOSUCH", "k"]), words(["GET", "k"])];
        let answers = redis.pipeline(&commands).await.unwrap();
        assert_eq!(code(&answers[1]), "WRONGTYPE");
        let Value::Error(unknown) = &answers[2] else { panic!("{answers:?}") };
        assert!(unknown.is_unknown_command(), "{unknown}");
        assert_eq!(answers[3].text(), Some("v"));
        assert_eq!(redis.pipeline(&[]).await.unwrap().len(), 0);
    })
    .await;
}

#[tokio::test]
async fn a_transaction_is_refused_as_a_whole_and_fails_in_parts() {
    each(async |_, redis| {
        let commands = [words(["SET", "k", "v"]), words(["XLEN", "k"]), words(["GET", "k"])];
        let answers = redis.transaction(&commands).await.unwrap();
        assert_eq!((answers.len(), code(&answers[1]), answers[2].text()), (3, "WRONGTYPE", Some("v")));
        let refused = redis.transaction(&[words(["SET", "k", "w"]), words(["NOSUCH"])]).await;
        let Err(Error::Server(error)) = refused else { panic!("{refused:?}") };
        assert!(error.is_unknown_command(), "{error}");
        assert_eq!(call(&redis, words(["GET", "k"])).await.unwrap().text(), Some("v"));
        assert_eq!(redis.transaction(&[]).await.unwrap().len(), 0);
    })
    .await;
}

#[tokio::test]
async fn it_says_who_it_is() {
    for kind in Kind::ALL {
        let Some(server) = Server::start(kind) else { continue };
        let redis = open(&format!("{}/3", server.url()));
        assert_eq!(redis.peer(), format!("redis://127.0.0.1:{}/3", server.port));
        let list = call(&redis, words(["CLIENT", "LIST"])).await.unwrap();
        let list = list.text().unwrap();
        for part in ["name=ackline-consumer", "lib-name=ackline-consumer", "lib-ver=0", " db=3"] {
            assert!(list.contains(part), "{kind:?}: {part}: {list}");
        }
    }
}

#[tokio::test]
async fn what_each_kind_can_do() {
    for (kind, able) in [
        (Kind::Ackline, [true, true, true, true]),
        (Kind::Redis, [false, true, true, true]),
        (Kind::Valkey, [false, false, false, false]),
    ] {
        let Some(server) = Server::start(kind) else { continue };
        let store = Store::Redis(open(&server.url()));
        for _ in 0..2 {
            let found = Capabilities::of(&store, "s").await.unwrap();
            // Redis has had XNACK since 8.8, and this may be a newer one.
            let xnack = found.xnack && kind != Kind::Redis;
            assert_eq!([xnack, found.claim, found.xackdel, found.idmp], able, "{kind:?}");
            assert!(found.server.to_string().starts_with(&format!("{kind:?} ")), "{}", found.server);
            // The same once there is a stream, which the questions did not make.
            assert_eq!(server.ask(&["EXISTS", "s"]), "0");
            server.ask(&["XADD", "s", "1-1", "f", "v"]);
            Capabilities::of(&store, "s").await.unwrap();
            assert_eq!(server.ask(&["XLEN", "s"]), "1");
            server.ask(&["DEL", "s"]);
        }
    }
}

#[tokio::test]
async fn a_password_is_asked_for() {
    for kind in Kind::ALL {
        let Some(server) = Server::start_with(kind, &["--requirepass", "s3cret"]) else { continue };
        for (login, want) in [("", "NOAUTH"), (":wrong@", "WRONGPASS"), ("nobody:s3cret@", "WRONGPASS")] {
            let redis = open(&format!("redis://{login}127.0.0.1:{}", server.port));
            let error = call(&redis, words(["GET", "k"])).await.unwrap_err();
            assert!(
                matches!(&error, Error::Server(error) if error.code() == want),
                "{kind:?} {login}: {error}"
            );
            assert!(!error.is_transient());
        }
        for login in [":s3cret@", "default:s3cret@"] {
            let redis = open(&format!("redis://{login}127.0.0.1:{}", server.port));
            // That it is still loading it says only to whom it lets in.
            insist(&redis, || words(["GET", "k"])).await;
        }
        let redis = open(&format!("redis://:s3cret@127.0.0.1:{}/999999", server.port));
        assert!(matches!(call(&redis, words(["GET", "k"])).await, Err(Error::Server(_))));
    }
}

#[tokio::test]
async fn a_server_that_was_killed_is_found_again() {
    each(async |mut server, redis| {
        call(&redis, words(["SET", "k", "v"])).await.unwrap();
        for _ in 0..3 {
            let (calls, again) = (redis.clone(), words(["GET", "k"]));
            let calling = tokio::spawn(async move {
                loop {
                    match call(&calls, again.clone()).await {
                        Ok(_) => tokio::task::yield_now().await,
                        Err(error) => return error,
                    }
                }
            });
            server.kill9();
            let error = calling.await.unwrap();
            assert!(matches!(error, Error::Connection { .. }), "{error}");
            // Nobody is there to connect to.
            let error = call(&redis, words(["GET", "k"])).await.unwrap_err();
            assert!(error.is_transient() && error.to_string().contains(&server.port.to_string()), "{error}");
            server.restart();
            insist(&redis, || words(["GET", "k"])).await;
        }
    })
    .await;
}

#[tokio::test]
async fn whoever_needs_a_connection_shares_the_attempt() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let redis = Redis::patient(format!("redis://127.0.0.1:{port}").parse().unwrap(), SHORT).unwrap();
    let calls = (0..50).map(|_| call(&redis, words(["GET", "k"])));
    let calls = futures_util::future::join_all(calls);
    // It is never answered: all fail at the same time, by the one connection.
    let (failed, first) = tokio::join!(calls, listener.accept());
    assert!(failed.iter().all(|call| matches!(call, Err(Error::Connection { .. }))), "{failed:?}");
    assert!(first.is_ok());
    let second = tokio::time::timeout(Duration::ZERO, listener.accept()).await;
    assert!(second.is_err(), "another attempt was made");
}

#[tokio::test]
async fn silence_is_an_error() {
    let Some(server) = Server::start(Kind::Redis) else { return };
    let redis = Redis::patient(server.url().parse().unwrap(), SHORT).unwrap();
    call(&redis, words(["SET", "k", "v"])).await.unwrap();
    server.freeze();
    let error = call(&redis, words(["GET", "k"])).await.unwrap_err();
    assert!(matches!(error, Error::Connection { .. }), "{error}");
    server.thaw();
    assert_eq!(insist(&redis, || words(["GET", "k"])).await.text(), Some("v"));
}

#[tokio::test]
async fn a_socket_of_the_file_system() {
    for kind in [Kind::Redis, Kind::Valkey] {
        let Some(server) = Server::start_with(kind, &["--unixsocket", "s"]) else { continue };
        let path = server.dir().join("s");
        let redis = open(&format!("redis+unix://{}?db=1", path.display()));
        call(&redis, words(["SET", "k", "v"])).await.unwrap();
        assert_eq!(call(&redis, words(["GET", "k"])).await.unwrap().text(), Some("v"));
    }
}

#[tokio::test]
async fn an_idle_connection_that_was_dropped_is_replaced_unnoticed() {
    for kind in Kind::ALL {
        let Some(server) = Server::start(kind) else { continue };
        let redis = Redis::patient(server.url().parse().unwrap(), SHORT).unwrap();
        let (mut reader, never) = (redis.reader(), CancellationToken::new());
        let none = Duration::ZERO;
        for _ in 0..3 {
            call(&redis, words(["SET", "k", "v"])).await.unwrap();
            reader.call(words(["GET", "k"]), none, &never).await.unwrap();
            tokio::time::sleep(SHORT).await;
            // All but the one that asks.
            server.ask(&["CLIENT", "KILL", "TYPE", "normal"]);
        }
    }
}
