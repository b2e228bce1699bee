//! Every command with every option, right and wrong: nothing panics, errors change nothing, the log has it all.
//!
//! `SIM_NOISE` makes it longer.

use ackline_engine::spec::Run;
use ackline_engine::table::Table;
use ackline_engine::{Reply, Spec};
use ackline_sim::sentence::sentence;
use ackline_sim::{Answer, Driver, Plain, Rng, replayed};

fn specs() -> Vec<&'static Spec> {
    let table = Table::new(&[]);
    let all = table.iter().flat_map(|spec| std::iter::once(spec).chain(spec.subcommands.iter().copied()));
    all.filter(|spec| matches!(spec.run, Run::Read { .. } | Run::Write { .. })).collect()
}

/// Some word lost, doubled, moved or replaced.
fn mangle(words: &mut Vec<Vec<u8>>, rng: &mut Rng) {
    const STRANGE: [&[u8]; 12] = [
        b"",
        b"-1",
        b"0",
        b"9223372036854775807",
        b"-9223372036854775808",
        b"18446744073709551615-18446744073709551615",
        b"0-0",
        b"$",
        b">",
        b"(",
        b"*",
        b"\xff\0",
    ];
    let at = rng.below(words.len() as u64) as usize;
    match rng.below(4) {
        0 if words.len() > 1 => drop(words.remove(at)),
        1 => words.insert(at, words[at].clone()),
        2 => {
            let other = rng.below(words.len() as u64) as usize;
            words.swap(at, other);
        }
        _ => words[at] = rng.pick(&STRANGE).to_vec(),
    }
}

fn make_noise(seed: u64, steps: u64, mangled: bool) {
    let (specs, mut rng) = (specs(), Rng::new(seed));
    let mut driver = Driver::new(4, 1_000);
    for step in 0..steps {
        let spec: &Spec = rng.pick::<&Spec>(&specs);
        let mut words = sentence(spec, &mut rng);
        if mangled && rng.one_in(2) {
            (0..rng.between(1, 3)).for_each(|_| mangle(&mut words, &mut rng));
        }
        let client = format!("client {}", rng.below(3));
        driver.client(&client).db = rng.below(2) as u32;
        if driver.is_blocked(&client) {
            driver.unblock(&client, Ok(Reply::NullArray));
            driver.take_answer(&client);
        }
        let before = driver.digest();
        if let Answer::Now(Plain::Error(_)) = driver.call(&client, &words) {
            assert_eq!(driver.digest(), before, "{words:?} failed and changed something");
        }
        if rng.one_in(20) {
            driver.advance(rng.between(1, 50));
        }
        if step % 500 == 499 {
            let live = driver.digest();
            assert_eq!(replayed(driver.log(), 4).as_ref(), Some(&live), "seed {seed}, {step} steps");
            assert_eq!(driver.restored(4), Some(live), "seed {seed}, {step} steps, from a snapshot");
        }
    }
}

fn steps() -> u64 {
    std::env::var("SIM_NOISE").map_or(3_000, |text| text.parse().unwrap())
}

#[test]
fn every_sentence_runs() {
    make_noise(1, steps(), false);
}

#[test]
fn mangled_sentences_run_or_are_refused() {
    (2..5).for_each(|seed| make_noise(seed, steps(), true));
}
