//! A minute of a shop: orders come in, packers fail, crash and are killed, one consumer hangs, and one order kills whoever
//! touches it. The console shows it live. In the end every order has been packed or is a dead letter, which is checked.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::run::{Step, cargo, free_port, root, status, stdout, target_dir};

const USAGE: &str = "usage: cargo xtask demo [--seconds N] [--keep]";
const PACKERS: [&str; 3] = ["ann", "bob", "cat"];
const TICK: Duration = Duration::from_millis(100);
/// How long packers may take in the end for what is left, beside the retries of what fails.
const DRAIN: Duration = Duration::from_secs(60);

pub(crate) fn run(options: &[String]) -> Step {
    let (mut seconds, mut keep) = (60, false);
    let mut words = options.iter().map(String::as_str);
    while let Some(word) = words.next() {
        match word {
            "--keep" => keep = true,
            "--seconds" => seconds = words.next().and_then(|n| n.parse().ok()).ok_or(USAGE)?,
            _ => return Err(USAGE.to_owned()),
        }
    }
    cargo(&["build", "-p", "ackline-cli"])?;
    cargo(&["build", "-p", "ackline-consumer", "--example", "shop"])?;
    let mut demo = Demo::open(Duration::from_secs(seconds))?;
    demo.play()?;
    demo.drain()?;
    if keep {
        demo.say("the server stays for you to look around; Enter ends it");
        // End of input ends it as well.
        let _ = std::io::stdin().read_line(&mut String::new());
    }
    Ok(())
}

/// A consumer of the shop, in a process of its own.
struct Worker {
    group: &'static str,
    name: &'static str,
    process: Child,
}

struct Demo {
    began: Instant,
    length: Duration,
    binary: PathBuf,
    url: String,
    dir: PathBuf,
    server: Child,
    orders: Option<Child>,
    workers: Vec<Worker>,
    hung: Option<Child>,
    deaths: u32,
}

impl Drop for Demo {
    fn drop(&mut self) {
        let workers = self.workers.iter_mut().map(|worker| &mut worker.process);
        workers.chain(&mut self.orders).chain(&mut self.hung).chain([&mut self.server]).for_each(end);
        // It is in the folder for temporary files.
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

/// It may have ended by itself.
fn end(process: &mut Child) {
    let _ = process.kill();
    let _ = process.wait();
}

fn spawn(command: &mut Command) -> Result<Child, String> {
    let quiet = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    quiet.spawn().map_err(|error| format!("{}: {error}", quiet.get_program().display()))
}

fn shop(args: &[&str]) -> Result<Child, String> {
    spawn(Command::new(target_dir().join("debug/examples/shop")).args(args))
}

impl Demo {
    fn open(length: Duration) -> Result<Demo, String> {
        let (port, admin) = (free_port()?, free_port()?);
        let binary = target_dir().join("debug/ackline");
        let dir = root().join(format!("target/demo-{port}"));
        let mut serve = Command::new(&binary);
        serve
            .args(["serve", "--port", &port.to_string(), "--admin-port", &admin.to_string(), "--dir"])
            .arg(&dir);
        let server = spawn(&mut serve)?;
        let url = format!("redis://127.0.0.1:{port}");
        let mut demo = Demo {
            began: Instant::now(),
            length,
            binary,
            url,
            dir,
            server,
            orders: None,
            workers: Vec::new(),
            hung: None,
            deaths: 0,
        };
        demo.until(Duration::from_secs(20), "the server answers", |demo| demo.ask(&["PING"]).is_ok())?;
        demo.say(&format!("the server is there; console: http://127.0.0.1:{admin}/"));
        demo.ask(&["XGROUP", "CREATE", "orders", "packers", "0", "MKSTREAM"])?;
        demo.ask(&["XGROUP", "CREATE", "orders", "billing", "0"])?;
        Ok(demo)
    }

    fn say(&self, what: &str) {
        let at = self.began.elapsed().as_secs();
        println!("{:02}:{:02}  {what}", at / 60, at % 60);
    }

    /// One command, as the command line sends it.
    fn ask(&self, words: &[&str]) -> Result<String, String> {
        stdout(Command::new(&self.binary).args(["cli", "-u", &self.url, "-e"]).args(words))
    }

    /// One of the verbs, for the eyes.
    fn show(&self, words: &[&str]) {
        println!("$ ackline {}", words.join(" "));
        // `doctor` says by its status that it found something.
        let _ = status(Command::new(&self.binary).args(words).args(["-u", &self.url]));
    }

    fn hire(&mut self, group: &'static str, name: &'static str) -> Step {
        let process = shop(&["pack", &self.url, group, name])?;
        self.workers.push(Worker { group, name, process });
        Ok(())
    }

    fn until(&mut self, limit: Duration, what: &str, done: impl Fn(&Demo) -> bool) -> Step {
        let began = Instant::now();
        while !done(self) {
            if began.elapsed() > limit {
                return Err(format!("within {} s it did not come about that {what}", limit.as_secs()));
            }
            self.replace_the_dead()?;
            sleep(TICK);
        }
        Ok(())
    }

    /// Whoever died is started again, as a service manager would.
    fn replace_the_dead(&mut self) -> Step {
        let (mut died, mut living) = (Vec::new(), Vec::new());
        for mut worker in std::mem::take(&mut self.workers) {
            match worker.process.try_wait() {
                Ok(None) => living.push(worker),
                _ => died.push((worker.group, worker.name)),
            }
        }
        self.workers = living;
        for (group, name) in died {
            self.deaths += 1;
            self.say(&format!(
                "{name} of {group} is dead, and starts again: what it had it tries again, or others do after 2 s"
            ));
            self.hire(group, name)?;
        }
        Ok(())
    }

    fn kill(&mut self, name: &str) {
        if let Some(worker) = self.workers.iter_mut().find(|worker| worker.name == name) {
            end(&mut worker.process);
        }
    }

    fn sleep_until(&mut self, share: f64) -> Step {
        let at = self.length.mul_f64(share);
        self.until(self.length, "the time passes", |demo| demo.began.elapsed() >= at)
    }

    /// What happens, each at its share of the time.
    fn play(&mut self) -> Step {
        self.began = Instant::now();
        self.say(
            "40 orders a second; ann, bob and cat pack them. One in ten fails once, one in fifty is nonsense",
        );
        self.orders = Some(shop(&["order", &self.url, "40"])?);
        PACKERS.into_iter().try_for_each(|name| self.hire("packers", name))?;
        self.sleep_until(0.15)?;
        self.say("zoe of the group billing takes orders, does nothing with them, and dies soon");
        self.hung = Some(shop(&["hang", &self.url, "billing", "zoe"])?);
        self.sleep_until(0.22)?;
        self.hung.iter_mut().for_each(end);
        for (share, name) in [(0.25, "ann"), (0.4, "bob"), (0.5, "ann")] {
            self.sleep_until(share)?;
            self.say(&format!("{name} is killed in the middle of the work"));
            self.kill(name);
        }
        self.sleep_until(0.6)?;
        self.say("why does billing not get on?");
        self.show(&["doctor", "orders", "billing", "--lease", "5s", "--silent", "5s"]);
        self.sleep_until(0.7)?;
        self.say("what zoe had goes back to the group, and dan takes over");
        self.show(&["consumers", "rm", "orders", "billing", "zoe", "--release", "--yes"]);
        self.hire("billing", "dan")?;
        self.sleep_until(1.0)
    }

    /// No more orders: what is left is packed, tried again, or given up.
    fn drain(&mut self) -> Step {
        self.orders.iter_mut().for_each(end);
        self.say("no more orders; the rest is packed");
        let done =
            |demo: &Demo| demo.group("packers") == Some((0, 0)) && demo.group("billing") == Some((0, 0));
        self.until(DRAIN + self.length, "every order is packed or a dead letter", done)?;
        let (orders, dead) = (self.ask(&["XLEN", "orders"])?, self.ask(&["XLEN", "orders:dead"])?);
        let (orders, dead, deaths) = (orders.trim(), dead.trim(), self.deaths);
        self.say(&format!(
            "{orders} orders, for two groups each; {dead} dead letters; packers died {deaths} times"
        ));
        self.show(&["groups", "ls", "orders"]);
        self.show(&["dead", "ls"]);
        Ok(())
    }

    /// Pending entries and lag of a group.
    fn group(&self, name: &str) -> Option<(u64, u64)> {
        let groups = self.ask(&["--raw", "XINFO", "GROUPS", "orders"]).ok()?;
        let lines: Vec<&str> = groups.lines().collect();
        let own = lines.windows(2).position(|pair| pair == ["name", name])?;
        let fact = |name: &str| lines[own..].windows(2).find(|pair| pair[0] == name)?[1].parse().ok();
        Some((fact("pending")?, fact("lag")?))
    }
}
