//! The shortest way round: add, read, acknowledge.

use ackline::{Ackline, After, ReadGroup};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let dir = tempfile::tempdir()?;
    let broker = Ackline::open(dir.path())?;
    broker.create_group("orders", "billing", After::START).wait()?;
    broker.add("orders", [("item", "tea"), ("cups", "2")]).wait()?;
    for order in broker.read_group("orders", ReadGroup::new("billing", "worker-1").count(10)).wait()? {
        println!("{}: {} x {:?}", order.id(), order.text("cups").unwrap_or("1"), order.text("item"));
        broker.ack("orders", "billing", [order.id()]).wait()?;
    }
    Ok(())
}
