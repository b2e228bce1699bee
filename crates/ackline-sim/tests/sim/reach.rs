//! A command looks at no keys and changes no keys but those that access control is told of.
//!
//! Each call is made in two worlds that are equal in the keys it names and differ in all others: there must be no telling
//! them apart by the answer, and what is not named stays as it is. Most calls are right, some are almost right.

use ackline_engine::Spec;
use ackline_engine::args::OwnedArgs;
use ackline_engine::spec::{Keys, Run};
use ackline_engine::table::Table;
use ackline_sim::driver::{Answer, Driver};
use ackline_sim::sentence::sentence;
use ackline_sim::{Rng, session};

/// Calls of each command.
const CALLS: usize = 50;

/// The keys of sentences.
const KEYS: [&str; 4] = ["key:0", "key:1", "key:2", "key:3"];

/// What may stand where it makes a parser and an extractor of keys disagree, if they can.
const ODD: [&str; 14] = [
    "key:0", "key:1", "key:2", "key:3", "STREAMS", "GROUP", "COUNT", "BLOCK", "IDS", "GET", "DB", "REPLACE",
    "1", "",
];

type Words = Vec<Vec<u8>>;

/// Commands whose keys are checked. Those about a whole database show names, here as in Redis.
fn commands() -> Vec<&'static Spec> {
    let table = Table::new(&[]);
    let all = table.iter().flat_map(|spec| std::iter::once(spec).chain(spec.subcommands.iter().copied()));
    all.filter(|spec| matches!(spec.run, Run::Read { .. } | Run::Write { .. }))
        .filter(|spec| !matches!(spec.keys, Keys::Everything))
        .collect()
}

/// A sentence, in half of the cases with a word that does not belong there.
fn call(spec: &Spec, rng: &mut Rng) -> Words {
    let mut words = sentence(spec, rng);
    let first = spec.name.split('|').count();
    if words.len() > first && rng.one_in(2) {
        let at = first + rng.below((words.len() - first) as u64) as usize;
        let odd = rng.pick(&ODD).as_bytes().to_vec();
        match rng.below(3) {
            0 => words[at] = odd,
            1 => words.insert(at, odd),
            _ => drop(words.remove(at)),
        }
    }
    words
}

/// The same number of commands for each kind, so that two worlds stay alike in everything else.
fn fill(driver: &mut Driver, key: &str, kind: u64) {
    let lines: [String; 6] = match kind {
        0 => std::array::from_fn(|_| format!("DEL {key}")),
        1 => std::array::from_fn(|n| format!("SET {key} value-{n}")),
        _ => [
            format!("XADD {key} 980-{kind} w0 w1"),
            format!("XADD {key} 990-{kind} w1 w2"),
            format!("XGROUP CREATE {key} w0 0"),
            format!("XGROUP CREATE {key} w1 985"),
            format!("XREADGROUP GROUP w0 w1 COUNT 1 STREAMS {key} >"),
            format!("PEXPIRE {key} {}", 100_000 + kind),
        ],
    };
    for line in lines {
        driver.call("main", &line.split(' ').collect::<Vec<_>>());
    }
}

fn world(kinds: [u64; 4]) -> Driver {
    let mut driver = Driver::new(4, session::START);
    for (key, kind) in KEYS.iter().zip(kinds) {
        fill(&mut driver, key, kind);
    }
    driver
}

/// All that a key is.
fn about(driver: &mut Driver, key: &str) -> Vec<Answer> {
    ["DUMP", "PEXPIRETIME", "TYPE"].map(|word| driver.call("look", &[word, key])).into()
}

fn shown(words: &Words) -> String {
    words.iter().map(|word| String::from_utf8_lossy(word)).collect::<Vec<_>>().join(" ")
}

/// What is wrong with a call.
fn fault(spec: &Spec, words: &Words, rng: &mut Rng) -> Option<String> {
    let owned = OwnedArgs::collect(words.iter().map(Vec::as_slice));
    let named: Vec<&[u8]> = match spec.accepts(words.len()) {
        true => spec.keys_of(owned.as_args()).collect(),
        false => Vec::new(),
    };
    let is_named = KEYS.map(|key| named.contains(&key.as_bytes()));
    let kinds = KEYS.map(|_| rng.below(4));
    let others: [u64; 4] = std::array::from_fn(|at| (kinds[at] + u64::from(!is_named[at])) % 4);
    let (mut one, mut other) = (world(kinds), world(others));
    let hidden: Vec<&str> = (0..KEYS.len()).filter(|at| !is_named[*at]).map(|at| KEYS[at]).collect();
    let before: Vec<_> = hidden.iter().map(|key| about(&mut one, key)).collect();
    hidden.iter().for_each(|key| drop(about(&mut other, key)));
    let answers = (one.call("main", words), other.call("main", words));
    if answers.0 != answers.1 {
        return Some(format!("{}: {:?} or {:?}", shown(words), answers.0, answers.1));
    }
    let after: Vec<_> = hidden.iter().map(|key| about(&mut one, key)).collect();
    (before != after).then(|| format!("{} changes what it does not name", shown(words)))
}

#[test]
fn no_command_reaches_beyond_the_keys_it_names() {
    let mut rng = Rng::new(11);
    let mut faults = Vec::new();
    for spec in commands() {
        let found = (0..CALLS).find_map(|_| {
            let words = call(spec, &mut rng);
            fault(spec, &words, &mut rng)
        });
        faults.extend(found);
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
