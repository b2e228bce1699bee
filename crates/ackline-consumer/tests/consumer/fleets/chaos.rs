//! What goes wrong, by chance.

use super::child::{GROUP, LEASE};
use super::fleet::Fleet;
use super::host::Host;
use crate::peers::until;
use std::thread::sleep;
use std::time::Duration;

pub(super) struct Chaos {
    random: fastrand::Rng,
    seed: u64,
    ordered: bool,
    pub(super) has_destroyed: bool,
}

#[derive(Clone, Copy, Debug)]
enum Fault {
    KillConsumer,
    RetireConsumer,
    FreezeConsumer,
    KillServer,
    /// For longer than a lease.
    FreezeServer,
    /// For longer than anybody waits for an answer.
    FreezeServerLong,
    DestroyGroup,
    FailOver,
}

impl Chaos {
    pub(super) fn new(seed: u64, ordered: bool) -> Chaos {
        Chaos { random: fastrand::Rng::with_seed(seed), seed, ordered, has_destroyed: false }
    }

    fn pause(&mut self) {
        sleep(Duration::from_millis(self.random.u64(100..600)));
    }

    /// What happens in a round: what often does, and one of what does so rarely.
    fn faults(&mut self, host: &Host) -> Vec<Fault> {
        use Fault::{
            DestroyGroup, FreezeConsumer, FreezeServer, FreezeServerLong, KillConsumer, KillServer,
            RetireConsumer,
        };
        let rare = [FreezeServerLong, DestroyGroup, FreezeConsumer, FreezeServer][self.seed as usize % 4];
        let mut all = match host {
            Host::Watched(_) => vec![KillConsumer, Fault::FailOver, RetireConsumer],
            _ => vec![KillConsumer, KillConsumer, KillServer, RetireConsumer, rare],
        };
        self.random.shuffle(&mut all);
        all
    }

    pub(super) fn reign(&mut self, fleet: &mut Fleet, host: &mut Host) {
        for fault in self.faults(host) {
            self.pause();
            println!("{fault:?}");
            match fault {
                Fault::KillConsumer | Fault::RetireConsumer | Fault::FreezeConsumer => {
                    self.strike(fault, fleet);
                }
                Fault::KillServer => {
                    let nodes = host.nodes();
                    let node = &mut nodes[self.random.usize(..nodes.len())];
                    node.kill9();
                    sleep(Duration::from_millis(self.random.u64(..300)));
                    node.restart();
                }
                Fault::FreezeServer => self.freeze(host, LEASE.mul_f64(1.5)),
                Fault::FreezeServerLong => self.freeze(host, Duration::from_millis(6500)),
                Fault::FailOver => host.fail_over(),
                Fault::DestroyGroup => self.destroy(fleet, host),
            }
        }
        self.pause();
    }

    fn strike(&mut self, fault: Fault, fleet: &mut Fleet) {
        let at = self.random.usize(..fleet.members.len());
        let old = match fault {
            Fault::KillConsumer => fleet.kill(at),
            Fault::RetireConsumer => fleet.retire(at),
            _ => {
                fleet.members[at].signal("-STOP");
                sleep(LEASE.mul_f64(1.5));
                return fleet.members[at].signal("-CONT");
            }
        };
        // In order there is one consumer at a time, always of the same name.
        let new = match self.random.bool() || self.ordered {
            true => old.names,
            false => vec![self.random.bool().then(|| format!("new-{}", self.random.u32(..)))],
        };
        fleet.hire(new);
    }

    fn freeze(&mut self, host: &mut Host, how_long: Duration) {
        let nodes = host.nodes();
        let node = &nodes[self.random.usize(..nodes.len())];
        node.freeze();
        sleep(how_long);
        node.thaw();
    }

    /// What nobody holds at that moment is gone with the group, so nobody may have died just before.
    fn destroy(&mut self, fleet: &Fleet, host: &Host) {
        let streams = host.streams();
        let stream = &streams[self.random.usize(..streams.len())];
        let is_held = |(name, pending): &(String, usize)| {
            *pending == 0 || fleet.members.iter().any(|member| member.has(name))
        };
        until("the living hold everything", || {
            host.consumers(stream).is_some_and(|all| !all.is_empty() && all.iter().all(is_held))
        });
        // What was given back is not held either.
        sleep(LEASE * 2);
        until("the group is gone", || {
            host.ask(&["XGROUP", "DESTROY", stream, GROUP]).is_some_and(|answer| answer[0] == "1")
        });
        self.has_destroyed = true;
        sleep(LEASE);
    }

    /// The faults of a process that has the streams itself.
    pub(super) fn haunt(&mut self, fleet: &mut Fleet, names: impl Fn() -> Vec<Option<String>>) {
        for _ in 0..4 {
            self.pause();
            self.pause();
            match self.random.u32(..4) {
                0 => {
                    fleet.members[0].signal("-STOP");
                    sleep(LEASE.mul_f64(1.5));
                    fleet.members[0].signal("-CONT");
                }
                1 => {
                    fleet.retire(0);
                    fleet.hire(names());
                }
                _ => {
                    fleet.kill(0);
                    fleet.hire(names());
                }
            }
        }
    }
}
