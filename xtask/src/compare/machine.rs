//! Where it was measured. Nothing of it names the machine or a path on it.

use super::lab::{Kind, Lab};
use crate::run::{root, stdout};
use std::collections::BTreeMap;
use std::fs::read_to_string;
use std::path::Path;
use std::process::Command;

/// For the document's head.
pub(super) fn describe(lab: &Lab) -> Result<BTreeMap<String, String>, String> {
    let file = |path: &str| read_to_string(path).unwrap_or_default();
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let date = stdout(Command::new("date").args(["-u", "+%Y-%m-%d"]))?.trim().to_owned();
    let load: f64 = file("/proc/loadavg").split(' ').next().and_then(|load| load.parse().ok()).unwrap_or(0.0);
    if load > 0.5 {
        eprintln!("other programs keep {load} cores busy: what is measured now is noisy");
    }
    let mut about = BTreeMap::from([
        ("cpu", valued(&file("/proc/cpuinfo"), "model name").unwrap_or("unknown").to_owned()),
        ("cores", cores.to_string()),
        ("kernel", file("/proc/sys/kernel/osrelease").trim().to_owned()),
        ("memory", memory(&file("/proc/meminfo")).unwrap_or_default()),
        (
            "filesystem",
            lab.place()?
                .0
                .canonicalize()
                .map(|path| filesystem(&file("/proc/self/mounts"), &path))
                .unwrap_or_default(),
        ),
        ("date", date),
        ("load", load.to_string()),
        ("rounds", lab.rounds.to_string()),
    ]);
    if lab.quick {
        about.insert("quick", "yes".to_owned());
    }
    for kind in [Kind::Ackline, Kind::Redis, Kind::Valkey] {
        if let Some(version) = version(lab, kind)? {
            about.insert(kind.name(), version);
        }
    }
    Ok(about.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

/// The first line of a name, behind its colon.
fn valued<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let line = text.lines().find(|line| line.starts_with(name))?;
    Some(line.split_once(':')?.1.trim())
}

fn memory(meminfo: &str) -> Option<String> {
    let kilobytes: f64 = valued(meminfo, "MemTotal")?.split(' ').next()?.parse().ok()?;
    Some(format!("{:.0} GB", kilobytes * 1024.0 / 1e9))
}

/// The kind of filesystem that a path is on.
fn filesystem(mounts: &str, path: &Path) -> String {
    let mounted = mounts.lines().filter_map(|line| {
        let mut words = line.split(' ').skip(1);
        Some((words.next()?, words.next()?))
    });
    let above = mounted.filter(|(point, _)| path.starts_with(point));
    above.max_by_key(|(point, _)| point.len()).map_or("unknown", |(_, kind)| kind).to_owned()
}

fn version(lab: &Lab, kind: Kind) -> Result<Option<String>, String> {
    let Some(program) = lab.program(kind) else { return Ok(None) };
    let text = stdout(Command::new(program).arg("--version"))?;
    let mut words = text.split_whitespace();
    let number = match kind {
        Kind::Ackline if lab.is_own => words.nth(1).map(|number| format!("{number}{}", commit())),
        Kind::Ackline => words.nth(1).map(str::to_owned),
        _ => words.find_map(|word| word.strip_prefix("v=")).map(str::to_owned),
    };
    Ok(Some(number.unwrap_or_else(|| "unknown".to_owned())))
}

/// The commit of this tree, if there is one.
fn commit() -> String {
    let git = stdout(Command::new("git").current_dir(root()).args(["rev-parse", "--short", "HEAD"]));
    git.map(|commit| format!(" ({})", commit.trim())).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_is_read() {
        assert_eq!(valued("a\t: 1\nmodel name\t: Some CPU @ 2GHz\n", "model name"), Some("Some CPU @ 2GHz"));
        assert_eq!(memory("MemTotal:       24000000 kB\n").unwrap(), "25 GB");
        let mounts = "/dev/a / ext4 rw 0 0\nb /data xfs rw 0 0\nc /dat tmpfs rw 0 0\n";
        assert_eq!(filesystem(mounts, Path::new("/data/x")), "xfs");
        assert_eq!(filesystem(mounts, Path::new("/x")), "ext4");
    }
}
