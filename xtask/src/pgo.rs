//! `cargo xtask pgo`: a release binary that the compiler has laid out for what a broker does.
//!
//! ```text
//! counting build ─► servers under load, one a durability ─► profile ─► the build that uses it
//! ```

use crate::run::{Step, cargo_command, free_port, status, stdout, target_dir};
use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// What the counting server goes through, in words of `ackline bench`: what producers and consumers do all day, with and
/// without pipelining, and the rest once.
const LOADS: &[&str] = &[
    "xadd --connections 8 --pipeline 64",
    "xadd --connections 8 --pipeline 16 --streams 16",
    "xadd --connections 64 --fields 3",
    "cycle --connections 8 --pipeline 16",
    "cycle --connections 8 --pipeline 64 --count 10",
    "cycle --connections 32",
    "ack --entries 300000 --connections 8 --pipeline 16",
    "ack --entries 300000 --connections 8 --pipeline 16 --order random",
    "nack --entries 100000 --connections 8 --pipeline 16",
    "claim --kind xclaim --entries 100000 --connections 8 --pipeline 16",
    "claim --kind readgroup --entries 100000 --connections 8 --pipeline 4",
    "range --entries 100000 --connections 8 --pipeline 4",
    "fanout --readers 50",
];

/// What replies may mean, in options of `ackline serve`.
const DURABILITIES: &[&str] = &["--appendonly no", "--appendfsync everysec", "--appendfsync always"];

/// How long a server may take to start or to end.
const PATIENCE: Duration = Duration::from_secs(30);

/// The command.
pub(crate) fn run() -> Step {
    let profiler = profiler()?;
    let host = host()?;
    let dir = target_dir().join("pgo");
    let counts = dir.join("counts");
    if counts.exists() {
        std::fs::remove_dir_all(&counts).map_err(|error| format!("{}: {error}", counts.display()))?;
    }
    build(&dir, &host, &format!("-Cprofile-generate={}", counts.display()))?;
    let binary = dir.join(&host).join("release/ackline");
    DURABILITIES.iter().try_for_each(|options| train(&binary, &dir, options))?;
    let profile = dir.join("profile");
    status(Command::new(profiler).arg("merge").arg("-o").arg(&profile).arg(&counts))?;
    build(&dir, &host, &format!("-Cprofile-use={}", profile.display()))?;
    println!("{}", binary.display());
    Ok(())
}

fn build(dir: &Path, host: &str, flags: &str) -> Step {
    println!("== build with {flags}");
    let words = ["build", "--release", "-p", "ackline-cli", "--target", host];
    status(cargo_command().args(words).env("CARGO_TARGET_DIR", dir).env("RUSTFLAGS", flags))
}

/// Runs all loads against one server. Its counts are written when it ends.
fn train(binary: &Path, dir: &Path, options: &str) -> Step {
    println!("== load, {options}");
    let data = dir.join("data");
    // Left over from a run that was ended, or not there.
    let _ = std::fs::remove_dir_all(&data);
    let port = free_port()?;
    let mut serve = Command::new(binary);
    serve.args(["serve", "--bind", "127.0.0.1", "--save", "", "--loglevel", "warning", "--port"]);
    serve.arg(port.to_string()).arg("--dir").arg(&data).args(options.split(' ')).stdin(Stdio::null());
    let mut server = Server(serve.spawn().map_err(|error| format!("{}: {error}", binary.display()))?);
    wait_for(port)?;
    for load in LOADS {
        let mut bench = Command::new(binary);
        bench.arg("bench").args(load.split(' ')).args(["--duration", "1.5", "--warmup", "0", "--json"]);
        // What the generator does is not what is to be fast.
        bench.args(["--port", &port.to_string()]).env("LLVM_PROFILE_FILE", dir.join("generator"));
        stdout(&mut bench)?;
    }
    server.end(port)
}

/// A server that does not outlive this program.
struct Server(Child);

impl Server {
    /// Ends it in peace, since a process that is killed writes no counts.
    fn end(&mut self, port: u16) -> Step {
        use std::io::Write;
        let mut stream = connect(port).map_err(|error| error.to_string())?;
        stream.write_all(b"SHUTDOWN NOSAVE\r\n").map_err(|error| error.to_string())?;
        let until = Instant::now() + PATIENCE;
        while self.0.try_wait().map_err(|error| error.to_string())?.is_none() {
            if Instant::now() > until {
                return Err("the server does not end".to_owned());
            }
            sleep(Duration::from_millis(20));
        }
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It has ended already, unless something failed.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn connect(port: u16) -> std::io::Result<TcpStream> {
    TcpStream::connect((Ipv4Addr::LOCALHOST, port))
}

fn wait_for(port: u16) -> Step {
    let until = Instant::now() + PATIENCE;
    while connect(port).is_err() {
        if Instant::now() > until {
            return Err("the server does not start".to_owned());
        }
        sleep(Duration::from_millis(20));
    }
    Ok(())
}

fn host() -> Result<String, String> {
    let version = stdout(Command::new("rustc").arg("-vV"))?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).ok_or("rustc does not say what it runs on".to_owned())
}

/// The program that merges counts, of the LLVM that the compiler has: its own, or one of the system.
fn profiler() -> Result<PathBuf, String> {
    let sysroot = stdout(Command::new("rustc").args(["--print", "sysroot"]))?;
    let own = Path::new(sysroot.trim()).join("lib/rustlib").join(host()?).join("bin/llvm-profdata");
    if own.exists() {
        return Ok(own);
    }
    let version = stdout(Command::new("rustc").arg("-vV"))?;
    let llvm = version.lines().find_map(|line| line.strip_prefix("LLVM version: ")).unwrap_or_default();
    let name = format!("llvm-profdata-{}", llvm.split('.').next().unwrap_or_default());
    match Command::new(&name).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status() {
        Ok(status) if status.success() => Ok(PathBuf::from(name)),
        _ => Err(format!("no llvm-profdata: `rustup component add llvm-tools`, or install {name}")),
    }
}
