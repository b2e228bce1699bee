//! Another kind of server in the place of one: what is not understood any more is not said again.

use crate::peers::{Kind, Server};
use crate::suite::{Watch, fresh};
use ackline_consumer::{Backoff, BoxError, Client, Json, Message};

/// The first delivery fails, so that it has to be given back and claimed.
async fn second_time(Json(_): Json<u32>, message: Message) -> Result<(), BoxError> {
    if message.deliveries() == 1 { Err("not yet".into()) } else { Ok(()) }
}

async fn add(client: &Client, stream: &str) {
    while let Err(error) = client.add(stream, &Json(1)).await {
        assert!(error.is_transient(), "{error}");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn by_one_that_can_do_less_and_by_one_that_can_do_more() {
    if Kind::ALL.into_iter().any(|kind| kind.program().is_none()) {
        return;
    }
    let mut server = Server::start(Kind::Ackline).unwrap();
    let client = Client::open(&server.url()).await.unwrap();
    let (watch, stream) = (Watch::of(&client), fresh("replaced"));
    let consume = client.consume(&*stream, "g").backoff(Backoff::NONE);
    let running = consume.handler(second_time).start().await.unwrap();
    for (count, kind) in (1..).zip([Kind::Ackline, Kind::Valkey, Kind::Redis, Kind::Ackline]) {
        if kind != server.kind {
            let port = server.port;
            server.kill9();
            server = Server::start_at(port, kind, &[]).unwrap();
        }
        add(&client, &stream).await;
        watch.count(&stream, "acknowledged", count).await;
    }
    running.stop().await.unwrap();
}
