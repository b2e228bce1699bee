//! Bytes of log that a message takes on its way through XADD, XREADGROUP and XACK.

use super::cases::Metric;
use super::client::Client;
use super::fill::{GROUP, HOLDER, KEY, PAYLOAD, id};
use super::lab::{Kind, Lab};
use super::server::{Durability, Server};
use super::unit::Row;
use ackline_resp::encode::request;

/// Message by message, and many commands at a time.
pub(super) fn run(lab: &Lab, kind: Kind) -> Result<Vec<Row>, String> {
    let place = lab.place()?;
    let server = Server::start(lab, kind, 1, Durability::EverySec, &place.0)?;
    let mut client = server.client()?;
    client.ask(&["XGROUP", "CREATE", KEY, GROUP, "$", "MKSTREAM"])?;
    let rounds = lab.scaled(2000);
    let mut next = 1;
    let mut rows = Vec::new();
    for depth in [1, 16] {
        let before = client.info("persistence", "aof_current_size")?;
        for _ in 0..rounds {
            cycle(&mut client, next, depth)?;
            next += depth;
        }
        let bytes = client.info("persistence", "aof_current_size")?.saturating_sub(before);
        let each = bytes as f64 / (rounds * depth) as f64;
        rows.push((format!("log/{depth}"), vec![(Metric::Bytes, each)]));
    }
    Ok(rows)
}

fn cycle(client: &mut Client, first: u64, depth: u64) -> Result<(), String> {
    let ids: Vec<String> = (first..first + depth).map(id).collect();
    let add = |id: &String| ["XADD", KEY, id, "f", PAYLOAD].map(str::to_owned).to_vec();
    let read = |_: &String| {
        ["XREADGROUP", "GROUP", GROUP, HOLDER, "COUNT", "1", "STREAMS", KEY, ">"].map(str::to_owned).to_vec()
    };
    let ack = |id: &String| ["XACK", KEY, GROUP, id].map(str::to_owned).to_vec();
    for step in [&add as &dyn Fn(&String) -> Vec<String>, &read, &ack] {
        let mut out = Vec::new();
        ids.iter().for_each(|id| request(&mut out, &step(id)));
        client.batch(&out, ids.len())?;
    }
    Ok(())
}
