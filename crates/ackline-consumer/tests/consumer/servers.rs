//! The suite against servers.

use crate::peers::{Cluster, Kind, Server};
use crate::suite::{self, Watch, add_numbers, fresh};
use ackline_consumer::{Backoff, Client, Message};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::sleep;

async fn everything_against(kind: Kind) {
    let Some(server) = Server::start(kind) else { return };
    suite::everything(&Client::open(&server.url()).await.unwrap()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_against_ackline() {
    everything_against(Kind::Ackline).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_against_redis() {
    everything_against(Kind::Redis).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_against_valkey() {
    everything_against(Kind::Valkey).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_against_a_cluster() {
    let Some(cluster) = Cluster::start(Kind::Valkey) else { return };
    suite::everything(&Client::open(&cluster.url()).await.unwrap()).await;
}

/// What is held while connections come and go was delivered once.
async fn lost_connections_are_no_deliveries(kind: Kind) {
    let Some(server) = Server::start(kind) else { return };
    let client = Client::open(&server.url()).await.unwrap();
    let (watch, stream) = (Watch::of(&client), fresh("lost"));
    add_numbers(&client, &stream, 0..10).await;
    let gate = Arc::new(Semaphore::new(0));
    let closed = Arc::clone(&gate);
    let handler = move |message: Message| {
        let gate = Arc::clone(&closed);
        async move {
            let _open = gate.acquire().await;
            if message.deliveries() == 1 { Err("once") } else { Ok(()) }
        }
    };
    let consume = client.consume(&*stream, "g").max_deliveries(3).backoff(Backoff::NONE);
    let running = consume.handler(handler).start().await.unwrap();
    watch.count(&stream, "begun 1", 1).await;
    for _ in 0..4 {
        server.ask(&["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"]);
        sleep(Duration::from_millis(300)).await;
    }
    gate.add_permits(1);
    watch.count(&stream, "acknowledged", 10).await;
    running.stop().await.unwrap();
    assert_eq!(watch.all(&stream, "begun 2").len(), 10, "{kind:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lost_connections_are_no_deliveries_to_any() {
    for kind in Kind::ALL {
        lost_connections_are_no_deliveries(kind).await;
    }
}
