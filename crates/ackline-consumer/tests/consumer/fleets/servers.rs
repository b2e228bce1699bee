//! What a consumer does, done on every kind of server: what one lacks is replaced, and seen from outside it is the same.

use crate::peers::{Cluster, Kind, Server, Watched};
use crate::suite;
use ackline_consumer::Client;

async fn everything(url: &str) {
    suite::everything(&Client::open(url).await.unwrap()).await;
}

/// XNACK, CLAIM, XACKDEL.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_ackline() {
    let Some(server) = Server::start(Kind::Ackline) else { return };
    everything(&server.url()).await;
}

/// CLAIM and XACKDEL, but no XNACK.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_redis() {
    let Some(server) = Server::start(Kind::Redis) else { return };
    everything(&server.url()).await;
}

/// None of them: XAUTOCLAIM, XCLAIM, XACK and XDEL.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_valkey() {
    let Some(server) = Server::start(Kind::Valkey) else { return };
    everything(&server.url()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_a_cluster() {
    let Some(cluster) = Cluster::start(Kind::Valkey) else { return };
    everything(&cluster.url()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_sentinels() {
    let Some(watched) = Watched::start(Kind::Redis) else { return };
    everything(&watched.url()).await;
}
