//! The programs that are compared, and the place where their servers keep their data.

use super::options::Options;
use crate::run::{cargo, stdout, target_dir};
use std::collections::BTreeMap;
use std::env::{current_exe, split_paths, var_os};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Who is measured.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Kind {
    Ackline,
    /// Another build of it.
    Baseline,
    Redis,
    Valkey,
    /// A server that answers the same to everything: what the sockets and the decoder take.
    Ceiling,
    /// The disk without a server.
    Disk,
}

impl Kind {
    /// As in the results.
    pub(super) fn name(self) -> &'static str {
        match self {
            Kind::Ackline => "ackline",
            Kind::Baseline => "baseline",
            Kind::Redis => "redis",
            Kind::Valkey => "valkey",
            Kind::Ceiling => "ceiling",
            Kind::Disk => "disk",
        }
    }

    pub(super) fn is_peer(self) -> bool {
        matches!(self, Kind::Redis | Kind::Valkey)
    }
}

/// What a scenario is run with.
pub(super) struct Lab {
    programs: BTreeMap<Kind, PathBuf>,
    /// Drives all of them, so that a build that is compared does not bring its own generator along.
    pub(super) generator: PathBuf,
    /// Where the servers' directories are.
    place: PathBuf,
    places: AtomicU64,
    /// Whether Ackline is the build of this tree.
    pub(super) is_own: bool,
    pub(super) quick: bool,
    pub(super) rounds: usize,
}

impl Lab {
    /// Builds what is missing and finds the rest.
    pub(super) fn set_up(options: &Options) -> Result<Lab, String> {
        cargo(&["build", "--release", "-p", "ackline-cli"])?;
        let generator = target_dir().join("release/ackline");
        let own = options.server.clone().unwrap_or_else(|| generator.clone());
        let ceiling =
            current_exe().map_err(|error| format!("no way to start this program again: {error}"))?;
        let mut programs = BTreeMap::from([(Kind::Ackline, own), (Kind::Ceiling, ceiling)]);
        programs.extend(options.baseline.clone().map(|path| (Kind::Baseline, path)));
        programs.extend(peers(options));
        for path in programs.values() {
            stdout(Command::new(path).arg("--version"))?;
        }
        let place = options.dir.clone().unwrap_or_else(target_dir).join("compare-data");
        let places = AtomicU64::new(0);
        let (is_own, quick, rounds) = (options.server.is_none(), options.quick, options.rounds);
        Ok(Lab { programs, generator, place, places, is_own, quick, rounds })
    }

    /// `None` if it is not here, or not asked for.
    pub(super) fn program(&self, kind: Kind) -> Option<&Path> {
        self.programs.get(&kind).map(PathBuf::as_path)
    }

    /// A directory that is empty, and goes with the value.
    pub(super) fn place(&self) -> Result<Place, String> {
        let name = format!("{}-{}", std::process::id(), self.places.fetch_add(1, Relaxed));
        let path = self.place.join(name);
        std::fs::create_dir_all(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(Place(path))
    }

    /// A size of data, less if it has to be quick.
    pub(super) fn scaled(&self, size: u64) -> u64 {
        if self.quick { (size / 10).max(1) } else { size }
    }
}

/// A directory of a server.
pub(super) struct Place(pub(super) PathBuf);

impl Drop for Place {
    fn drop(&mut self) {
        // What stays is below the target directory and says nothing.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

const MISSING: &str = "\
is left out: there is no such program in the directories of --peers, PEERS_DIR, ~/.cache/stream-peers/bin and PATH.
  Any package or build will do, in any directory, which --peers names: Redis 8.6 from https://redis.io/downloads,
  Valkey 9.1 from https://valkey.io/download, or Debian's redis-server and valkey-server.";

/// The peers that are here; of the others it is said how to get them.
fn peers(options: &Options) -> Vec<(Kind, PathBuf)> {
    let mut found = Vec::new();
    for (kind, name) in [(Kind::Redis, "redis-server"), (Kind::Valkey, "valkey-server")] {
        match places(options).into_iter().map(|dir| dir.join(name)).find(|path| path.is_file()) {
            Some(path) => found.push((kind, path)),
            None => eprintln!("{name} {MISSING}"),
        }
    }
    found
}

/// Who names a directory does not want to be surprised by what is elsewhere.
fn places(options: &Options) -> Vec<PathBuf> {
    if let Some(dir) = &options.peers {
        return vec![dir.clone(), dir.join("bin")];
    }
    if let Some(dir) = var_os("PEERS_DIR").map(PathBuf::from) {
        return vec![dir.join("bin"), dir];
    }
    let cache = var_os("HOME").map(|home| Path::new(&home).join(".cache/stream-peers/bin"));
    let path = var_os("PATH").unwrap_or_default();
    cache.into_iter().chain(split_paths(&path)).collect()
}
