//! Three nodes that share the slots.

use super::reading::{group, until_blocked};
use super::*;
use crate::capabilities::Capabilities;
use crate::store::Store;
use peers::Cluster;
use tokio_util::sync::CancellationToken;

/// Streams of each of the nodes, and their slots.
const STREAMS: [(&str, u16); 3] = [("b", 3300), ("c", 7365), ("a", 15495)];

fn start() -> Option<(Cluster, Redis)> {
    let cluster = Cluster::start(Kind::Valkey)?;
    let redis = open(&cluster.url());
    assert!(redis.is_cluster());
    Some((cluster, redis))
}

#[tokio::test]
async fn commands_go_to_the_nodes_of_their_keys() {
    let Some((cluster, redis)) = start() else { return };
    for (stream, slot) in STREAMS {
        assert_eq!(cluster.nodes[0].ask(&["CLUSTER", "KEYSLOT", stream]), slot.to_string());
        call(&redis, words(["XADD", stream, "1-1", "f", "v"])).await.unwrap();
    }
    let all = STREAMS.iter().flat_map(|(stream, _)| {
        [
            words(["XADD", stream, "2-1", "f", "v"]),
            words(["XADD", stream, "2-1", "f", "v"]),
            words(["XLEN", stream]),
        ]
    });
    let answers = redis.pipeline(&all.collect::<Vec<_>>()).await.unwrap();
    for answers in answers.chunks(3) {
        assert_eq!(answers[0].text(), Some("2-1"));
        assert!(matches!(&answers[1], Value::Error(error) if error.code() == "ERR"));
        assert_eq!(answers[2].int(), Some(2));
    }
    for (node, (stream, _)) in cluster.nodes.iter().zip(STREAMS) {
        assert_eq!(node.ask(&["XLEN", stream]), "2");
        let steps = [words(["XADD", stream, "3-1", "f", "v"]), words(["XLEN", stream])];
        assert_eq!(redis.transaction(&steps).await.unwrap()[1].int(), Some(3));
    }
    let found = Capabilities::of(&Store::Redis(redis), "a").await.unwrap();
    assert!(!found.claim && found.server.to_string().starts_with("Valkey "));
}

#[tokio::test]
async fn reads_block_at_the_node_and_can_be_stopped() {
    let Some((cluster, redis)) = start() else { return };
    let mut reader = redis.reader();
    for (node, (stream, _)) in cluster.nodes.iter().zip(STREAMS) {
        group(&redis, stream).await;
        let never = CancellationToken::new();
        let adding = async {
            until_blocked(node).await;
            call(&redis, words(["XADD", stream, "*", "f", "v"])).await.unwrap();
        };
        let (got, ()) = tokio::join!(reader.call(read(stream, LONG), LONG, &never), adding);
        assert_eq!(got.unwrap().into_stream().unwrap().len(), 1);
        let stop = CancellationToken::new();
        let stopping = async {
            until_blocked(node).await;
            stop.cancel();
        };
        let (got, ()) = tokio::join!(reader.call(read(stream, LONG), LONG, &stop), stopping);
        assert!(got.unwrap().into_stream().unwrap().is_empty());
    }
}

#[tokio::test]
async fn a_slot_that_moves_is_followed() {
    let Some((cluster, redis)) = start() else { return };
    let (stream, slot) = STREAMS[0];
    let mut reader = redis.reader();
    // The nodes are known before the slot moves.
    group(&redis, stream).await;
    let brief = Duration::from_millis(1);
    reader.call(read(stream, brief), brief, &CancellationToken::new()).await.unwrap();
    call(&redis, words(["DEL", stream])).await.unwrap();
    for to in [1, 2, 0] {
        cluster.give(slot, to);
        let commands = [words(["SET", stream, "v"]), words(["APPEND", stream, "w"]), words(["GET", stream])];
        let answers = redis.pipeline(&commands).await.unwrap();
        assert_eq!(answers[2].text(), Some("vw"));
        call(&redis, words(["DEL", stream])).await.unwrap();
        cluster.give(slot, (to + 1) % 3);
        let steps = [words(["SET", stream, "v"]), words(["DEL", stream])];
        assert_eq!(redis.transaction(&steps).await.unwrap()[1].int(), Some(1));
        cluster.give(slot, to);
        let read = read(stream, brief);
        let error = reader.call(read, brief, &CancellationToken::new()).await.unwrap_err();
        assert!(error.is_no_group(), "{error}");
    }
}

#[tokio::test]
async fn a_slot_on_its_way_is_asked_for() {
    let Some((cluster, redis)) = start() else { return };
    let (stream, slot) = STREAMS[0];
    let slot = slot.to_string();
    // New keys of this slot are at the second node already.
    cluster.nodes[1].ask(&["CLUSTER", "SETSLOT", &slot, "IMPORTING", &cluster.id(0)]);
    cluster.nodes[0].ask(&["CLUSTER", "SETSLOT", &slot, "MIGRATING", &cluster.id(1)]);
    let other = STREAMS[1].0;
    let commands = [
        words(["XADD", stream, "1-1", "f", "v"]),
        words(["XADD", other, "1-1", "f", "v"]),
        words(["XADD", stream, "1-2", "f", "v"]),
        words(["XGROUP", "CREATE", stream, "g", "0"]),
    ];
    let answers = redis.pipeline(&commands).await.unwrap();
    assert_eq!(answers[0].text(), Some("1-1"), "{answers:?}");
    assert_eq!((answers[1].text(), answers[2].text()), (Some("1-1"), Some("1-2")));
    assert_eq!(answers[3].text(), Some("OK"));
    let got = redis.reader().call(read(stream, LONG), LONG, &CancellationToken::new()).await.unwrap();
    assert_eq!(got.into_stream().unwrap().len(), 2);
    let error = redis.transaction(&[words(["XADD", stream, "1-3", "f", "v"])]).await.unwrap_err();
    assert!(error.is_transient(), "{error}");
}

#[tokio::test]
async fn a_node_that_was_killed_is_found_again() {
    let Some((mut cluster, redis)) = start() else { return };
    let (stream, _) = STREAMS[0];
    group(&redis, stream).await;
    let (mut reader, never) = (redis.reader(), CancellationToken::new());
    let reading = tokio::spawn(async move {
        let got = reader.call(read(stream, LONG), LONG, &never).await;
        (reader, got)
    });
    until_blocked(&cluster.nodes[0]).await;
    cluster.nodes[0].kill9();
    let (mut reader, got) = reading.await.unwrap();
    assert!(got.unwrap_err().is_transient());
    let error = call(&redis, words(["GET", stream])).await.unwrap_err();
    assert!(error.is_transient(), "{error}");
    cluster.nodes[0].restart();
    insist(&redis, || words(["XADD", stream, "*", "f", "v"])).await;
    let got = reader.call(read(stream, LONG), LONG, &CancellationToken::new()).await.unwrap();
    assert_eq!(got.into_stream().unwrap().len(), 1);
}
