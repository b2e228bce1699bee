//! What a process has used, from `/proc`.

use std::fs::read_to_string;
use std::ops::{AddAssign, Sub};

/// Ticks a second in `/proc`. The kernel converts to this number for programs, whatever its own clock does.
const TICKS: f64 = 100.0;

/// Processor time in seconds.
#[derive(Clone, Copy, Default)]
pub(super) struct Cpu {
    /// In the program.
    pub(super) user: f64,
    /// In the kernel for it.
    pub(super) system: f64,
}

impl Cpu {
    /// What a process has used since it was started, threads that have ended included.
    pub(super) fn of(process: &str) -> Result<Cpu, String> {
        let path = format!("/proc/{process}/stat");
        let text = read_to_string(&path).map_err(|error| format!("cannot read {path}: {error}"))?;
        parse(&text).ok_or_else(|| format!("{path} has another format"))
    }

    /// Both kinds.
    pub(super) fn total(self) -> f64 {
        self.user + self.system
    }
}

impl Sub for Cpu {
    type Output = Cpu;

    fn sub(self, before: Cpu) -> Cpu {
        Cpu { user: self.user - before.user, system: self.system - before.system }
    }
}

impl AddAssign for Cpu {
    fn add_assign(&mut self, more: Cpu) {
        self.user += more.user;
        self.system += more.system;
    }
}

fn parse(stat: &str) -> Option<Cpu> {
    // The program's name comes second and may hold blanks and parentheses.
    let mut fields = stat.rsplit_once(") ")?.1.split(' ').skip(11);
    let mut seconds = || Some(fields.next()?.parse::<f64>().ok()? / TICKS);
    Some(Cpu { user: seconds()?, system: seconds()? })
}

/// Resident memory of a process in bytes.
pub(super) fn memory(process: &str) -> Option<u64> {
    let text = read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(line.trim().strip_suffix(" kB")?.parse::<u64>().ok()? * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_found_behind_any_name() {
        let stat = "7 (a) b (c) S 1 2 3 4 5 6 7 8 9 10 250 50 0 0 20";
        let cpu = parse(stat).unwrap();
        assert_eq!((cpu.user, cpu.system, cpu.total()), (2.5, 0.5, 3.0));
        assert!(parse("7 (a) S 1").is_none());
    }

    #[test]
    fn a_process_that_is_not_there_is_an_error() {
        assert!(Cpu::of("none").is_err_and(|error| error.starts_with("cannot read /proc/none/stat")));
    }
}
