//! What a command declares and what it parses are the same language.

use ackline_engine::Spec;
use ackline_engine::args::OwnedArgs;
use ackline_engine::spec::{Keys, Run};
use ackline_engine::table::Table;
use ackline_sim::Rng;
use ackline_sim::sentence::sentence;

/// Sentences for each command.
const SENTENCES: usize = 300;

fn runnable() -> Vec<&'static Spec> {
    let table = Table::new(&[]);
    let all = table.iter().flat_map(|spec| std::iter::once(spec).chain(spec.subcommands.iter().copied()));
    all.filter(|spec| matches!(spec.run, Run::Read { .. } | Run::Write { .. })).collect()
}

#[test]
fn every_sentence_of_a_grammar_parses() {
    let mut rng = Rng::new(1);
    let mut wrong = Vec::new();
    for spec in runnable() {
        let (Run::Read { check, .. } | Run::Write { check, .. }) = spec.run else { continue };
        for _ in 0..SENTENCES {
            let words = sentence(spec, &mut rng);
            let owned = OwnedArgs::collect(words.iter().map(Vec::as_slice));
            let shown =
                || words.iter().map(|word| String::from_utf8_lossy(word)).collect::<Vec<_>>().join(" ");
            if !spec.accepts(words.len()) {
                wrong.push(format!("{} words do not fit arity {}: {}", words.len(), spec.arity, shown()));
                break;
            }
            if let Err(error) = check(owned.as_args()) {
                wrong.push(format!("{error}: {}", shown()));
                break;
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The keys that the declaration finds are those that the generator put in.
#[test]
fn keys_of_a_sentence_are_found() {
    let mut rng = Rng::new(2);
    for spec in runnable().into_iter().filter(|spec| !matches!(spec.keys, Keys::None | Keys::Everything)) {
        for _ in 0..SENTENCES {
            let words = sentence(spec, &mut rng);
            let owned = OwnedArgs::collect(words.iter().map(Vec::as_slice));
            let keys: Vec<&[u8]> = spec.keys_of(owned.as_args()).collect();
            let meant: Vec<&[u8]> =
                words.iter().map(Vec::as_slice).filter(|word| word.starts_with(b"key:")).collect();
            assert_eq!(keys, meant, "{}", spec.name);
        }
    }
}

#[test]
fn every_command_with_arguments_has_a_grammar() {
    let silent: Vec<&str> = runnable()
        .into_iter()
        .filter(|spec| {
            let name_words = spec.name.split('|').count() as i32;
            spec.grammar.is_empty() && (spec.arity < 0 || spec.arity > name_words)
        })
        .map(|spec| spec.name)
        .collect();
    assert!(silent.is_empty(), "no grammar: {}", silent.join(" "));
}

#[test]
fn a_spec_says_all_that_it_should() {
    for spec in runnable() {
        assert_eq!(spec.name, spec.name.to_ascii_lowercase());
        assert!(
            !spec.summary.is_empty() && !spec.since.is_empty() && !spec.group.is_empty(),
            "{}",
            spec.name
        );
        assert_ne!(spec.arity, 0, "{}", spec.name);
    }
}
