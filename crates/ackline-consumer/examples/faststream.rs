//! Python and Rust share streams: a FastStream producer, a Rust consumer that answers to another stream, a FastStream consumer
//! of that, and a Rust consumer in the same group, which gets what the Python one has failed at.
//!
//! ```text
//! producer.py ──► fleet.orders ──► ship (Rust) ──► fleet.shipments ──► group fleet: consumer.py
//!                                                                      └─────► Rust, what Python has left alone
//!
//! cargo build --release -p ackline-cli       # the server that this starts, unless ACKLINE_URL names one
//! cargo run -p ackline-consumer --example faststream
//! ```
//!
//! Needs Python 3.11 (ACKLINE_PYTHON names one that has FastStream), and the network the first time.

use ackline_consumer::{Add, CORRELATION_ID, Client, Format, Json, Message};
use anyhow::{Context, Result, ensure};
use std::io::{BufRead, BufReader};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

#[derive(serde::Serialize, serde::Deserialize)]
struct Order {
    number: u32,
    item: String,
}

/// A message of FastStream's is like any other. For FastStream to read the answer, that is in its format too.
async fn ship(Json(order): Json<Order>, message: Message) -> Result<Add> {
    let body = message.body().map_err(Clone::clone)?;
    let header = |name| body.headers.get(name).map(str::to_owned).context("a header is missing");
    let correlation = header(CORRELATION_ID)?;
    println!("rust:   order {} of {}, {correlation}", order.number, order.item);
    ensure!(body.content_type() == Some("application/json"), "FastStream says what it sends");
    let shipment = Add::to("fleet.shipments", Json(order)).format(Format::FastStream);
    Ok(shipment.header(CORRELATION_ID, correlation).header("tenant", header("tenant")?))
}

#[tokio::main]
async fn main() -> Result<()> {
    let (url, _server) = server()?;
    let python = python()?;
    let client = Client::open(&url).await?;

    let shipping = client.consume("fleet.orders", "shippers").handler(ship).start().await?;
    let mut consumer = script(&python, "consumer.py", &url).stdout(Stdio::piped()).spawn().map(Ended)?;
    let out = consumer.0.stdout.take().context("it is piped")?;
    let mut lines = BufReader::new(out).lines();
    ensure!(lines.next().context("it says that it is ready")?? == "ready");
    ensure!(script(&python, "producer.py", &url).status()?.success(), "the producer failed");
    let seen = tokio::task::spawn_blocking(|| lines.collect::<Result<Vec<_>, _>>()).await??;
    seen.iter().for_each(|line| println!("python: {line}"));
    let want = (1..=5).map(|n| format!(r#"[{n}, "order-{n}", "application/json", "north"]"#));
    assert_eq!(seen, want.collect::<Vec<_>>());
    ensure!(consumer.0.wait()?.success(), "the consumer failed");

    let fleet = client.consume("fleet.shipments", "fleet").lease(Duration::from_millis(500));
    let fleet = fleet.subscribe().await?;
    let left = fleet.next().await.context("one is left")?;
    let order: Order = serde_json::from_slice(&left.body()?.payload())?;
    println!("rust:   shipment {}, which Python failed at; delivery {}", order.number, left.deliveries());
    assert_eq!((order.number, left.deliveries()), (4, 2));
    left.ack().await?;
    fleet.close().await;
    shipping.stop().await?;
    Ok(())
}

/// A process that ends with the example.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn script(python: &Path, name: &str, url: &str) -> Command {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/faststream");
    let mut command = Command::new(python);
    command.arg(dir.join(name)).args([url, "5"]);
    command
}

/// The directory of everything that is built: this is `target/debug/examples/faststream`.
fn target_dir() -> Result<PathBuf> {
    Ok(std::env::current_exe()?.ancestors().nth(3).context("built by cargo")?.to_owned())
}

/// A Python with FastStream: the one that is named, or a virtual environment below `target`.
fn python() -> Result<PathBuf> {
    if let Some(python) = std::env::var_os("ACKLINE_PYTHON") {
        return Ok(python.into());
    }
    let venv = target_dir()?.join("faststream-venv");
    let python = venv.join("bin/python");
    let quiet = |command: &mut Command| command.stderr(Stdio::null()).status().is_ok_and(|end| end.success());
    if !quiet(Command::new(&python).args(["-c", "import faststream.redis"])) {
        println!("making {} ..", venv.display());
        ensure!(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&venv).status()?.success());
        let install = ["-m", "pip", "install", "--quiet", "faststream[redis]==0.7.8"];
        ensure!(Command::new(&python).args(install).status()?.success(), "FastStream cannot be installed");
    }
    Ok(python)
}

/// The server that is named, or one that this starts.
fn server() -> Result<(String, Option<(Ended, tempfile::TempDir)>)> {
    if let Some(url) = std::env::args().nth(1).or_else(|| std::env::var("ACKLINE_URL").ok()) {
        return Ok((url, None));
    }
    let candidates = ["release/ackline", "debug/ackline"].map(|path| target_dir().map(|dir| dir.join(path)));
    let binary = candidates.into_iter().flatten().find(|path| path.exists());
    let binary = binary.context("there is no server yet: cargo build --release -p ackline-cli")?;
    let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let dir = tempfile::tempdir()?;
    let mut command = Command::new(binary);
    command.args(["serve", "--port", &port.to_string(), "--dir"]).arg(dir.path());
    let server = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().map(Ended)?;
    for _ in 0..500 {
        if TcpStream::connect(("127.0.0.1", port)).is_ok() {
            return Ok((format!("redis://127.0.0.1:{port}"), Some((server, dir))));
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    anyhow::bail!("the server does not answer")
}
