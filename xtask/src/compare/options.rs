//! The command line.

use crate::run::target_dir;
use std::path::PathBuf;

const USAGE: &str = "\
usage: cargo xtask compare [options]

  --only PREFIX    only the scenarios whose names begin so; may be given several times
  --list           their names
  --quick          short runs on less data, kept apart from the others: for trying
  --long           the costs at 10,000,000 pending entries, too
  --rounds N       runs of each server, interleaved; what counts is the median (3)
  --write          writes docs/benchmarks.md and docs/benchmarks.svg at the end
  --render         writes them from what was measured before
  --server PATH    the Ackline to measure, instead of a release build of this tree
  --baseline PATH  another Ackline beside it
  --peers DIR      where redis-server and valkey-server are; else PEERS_DIR (or its bin), ~/.cache/stream-peers/bin, PATH
  --dir DIR        where servers keep their data; cargo's target directory by default. Its disk is what is measured";

/// What is asked for.
#[derive(Debug)]
pub(super) struct Options {
    pub(super) only: Vec<String>,
    pub(super) list: bool,
    pub(super) quick: bool,
    pub(super) long: bool,
    pub(super) rounds: usize,
    pub(super) write: bool,
    pub(super) render: bool,
    pub(super) server: Option<PathBuf>,
    pub(super) baseline: Option<PathBuf>,
    pub(super) peers: Option<PathBuf>,
    pub(super) dir: Option<PathBuf>,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            only: Vec::new(),
            list: false,
            quick: false,
            long: false,
            rounds: 3,
            write: false,
            render: false,
            server: None,
            baseline: None,
            peers: None,
            dir: None,
        }
    }
}

impl Options {
    pub(super) fn parse(words: &[String]) -> Result<Options, String> {
        let mut options = Options::default();
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let mut value = || words.next().cloned().ok_or(format!("{word} needs a value\n{USAGE}"));
            match word.as_str() {
                "--only" => options.only.push(value()?),
                "--list" => options.list = true,
                "--quick" => options.quick = true,
                "--long" => options.long = true,
                "--rounds" => options.rounds = rounds(&value()?)?,
                "--write" => options.write = true,
                "--render" => options.render = true,
                "--server" => options.server = Some(value()?.into()),
                "--baseline" => options.baseline = Some(value()?.into()),
                "--peers" => options.peers = Some(value()?.into()),
                "--dir" => options.dir = Some(value()?.into()),
                _ => return Err(USAGE.to_owned()),
            }
        }
        Ok(options)
    }

    /// Whether a scenario is to run: one of that name, or one that measures what is named.
    pub(super) fn wants(&self, name: &str) -> bool {
        let below = format!("{name}/");
        let is_wanted = |prefix: &String| name.starts_with(prefix.as_str()) || prefix.starts_with(&below);
        self.only.is_empty() || self.only.iter().any(is_wanted)
    }

    /// The file of the results. Short runs have their own, so that none gets into a document by accident.
    pub(super) fn results(&self) -> PathBuf {
        target_dir().join(if self.quick { "compare-quick.json" } else { "compare.json" })
    }
}

fn rounds(text: &str) -> Result<usize, String> {
    let rounds = text.parse().ok().filter(|rounds| (1..=100).contains(rounds));
    rounds.ok_or_else(|| format!("--rounds {text}: expected 1 to 100"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Options, String> {
        Options::parse(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn options_and_their_values() {
        let options = parse("--only none/ --only disk --quick --rounds 5 --peers p").unwrap();
        assert!(options.wants("none/xadd") && options.wants("disk/sync") && !options.wants("always/xadd"));
        assert!(parse("--only memory/entry").unwrap().wants("memory"));
        assert_eq!((options.quick, options.rounds), (true, 5));
        assert!(parse("").unwrap().wants("anything"));
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        assert!(parse("--rounds 0").unwrap_err().starts_with("--rounds 0"));
        assert!(parse("--only").unwrap_err().starts_with("--only needs a value"));
        assert!(parse("--fast").unwrap_err().starts_with("usage"));
    }
}
