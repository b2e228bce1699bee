//! The suite against servers.

use crate::peers::{Cluster, Kind, Server};
use crate::suite;
use ackline_consumer::Client;

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
