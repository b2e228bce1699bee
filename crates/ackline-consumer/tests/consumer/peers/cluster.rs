//! Three nodes that share the slots.

use super::{Kind, Server, free_port, until};

const SLOTS: [(u16, u16); 3] = [(0, 5460), (5461, 10922), (10923, 16383)];

pub(crate) struct Cluster {
    pub(crate) nodes: Vec<Server>,
}

impl Cluster {
    /// Starts the nodes and waits until they agree. Nothing if there is no such program.
    pub(crate) fn start(kind: Kind) -> Option<Cluster> {
        Cluster::start_with(kind, &[])
    }

    /// With more arguments.
    pub(crate) fn start_with(kind: Kind, more: &[&str]) -> Option<Cluster> {
        let nodes = SLOTS.iter().map(|_| {
            let bus = free_port().to_string();
            let of_cluster =
                ["--cluster-enabled", "yes", "--cluster-node-timeout", "2000", "--cluster-port", &bus];
            Some((Server::start_with(kind, &[&of_cluster, more].concat())?, bus))
        });
        let nodes: Vec<_> = nodes.collect::<Option<_>>()?;
        for (number, ((node, _), (first, last))) in nodes.iter().zip(SLOTS).enumerate() {
            assert_eq!(node.ask(&["CLUSTER", "SET-CONFIG-EPOCH", &(number + 1).to_string()]), "OK");
            let slots = [first.to_string(), last.to_string()];
            assert_eq!(node.ask(&["CLUSTER", "ADDSLOTSRANGE", &slots[0], &slots[1]]), "OK");
        }
        for (node, bus) in &nodes[1..] {
            let port = node.port.to_string();
            assert_eq!(nodes[0].0.ask(&["CLUSTER", "MEET", "127.0.0.1", &port, bus]), "OK");
        }
        let cluster = Cluster { nodes: nodes.into_iter().map(|(node, _)| node).collect() };
        until("the nodes agree", || cluster.nodes.iter().all(agrees));
        Some(cluster)
    }

    pub(crate) fn url(&self) -> String {
        let hosts: Vec<_> = self.nodes.iter().map(|node| format!("127.0.0.1:{}", node.port)).collect();
        format!("redis+cluster://{}", hosts.join(","))
    }

    /// The name that the node has among the others.
    pub(crate) fn id(&self, node: usize) -> String {
        self.nodes[node].ask(&["CLUSTER", "MYID"])
    }

    /// Gives a slot that is empty to another node.
    pub(crate) fn give(&self, slot: u16, to: usize) {
        let (slot, id) = (slot.to_string(), self.id(to));
        // The new owner first: it outbids the others, who learn it from each other.
        self.nodes[to].ask(&["CLUSTER", "SETSLOT", &slot, "NODE", &id]);
        for node in &self.nodes {
            node.ask(&["CLUSTER", "SETSLOT", &slot, "NODE", &id]);
        }
    }
}

fn agrees(node: &Server) -> bool {
    let info = node.ask(&["CLUSTER", "INFO"]);
    ["cluster_state:ok", "cluster_known_nodes:3", "cluster_slots_ok:16384"]
        .iter()
        .all(|line| info.contains(line))
}
