//! Sentences of a command's grammar: words that its parser must accept.
//!
//! Three rules join arguments that a grammar cannot join. Integers never become smaller within a sentence, so that
//! MAXCOUNT is at least COUNT; IDs always become smaller, so that a deleted ID lies below the last one; and a message
//! of an idempotent producer has the ID `*`.

use crate::rng::Rng;
use ackline_engine::Spec;
use ackline_engine::spec::{Arg, Kind};

/// The words of one random call, the name included.
pub fn sentence(spec: &Spec, rng: &mut Rng) -> Vec<Vec<u8>> {
    let words = spec.name.split('|').map(|word| word.as_bytes().to_vec()).collect();
    let mut writer = Writer { rng, words, integer: 1, id: 1_000, idempotent: false };
    writer.block(spec.grammar);
    writer.words
}

struct Writer<'r> {
    rng: &'r mut Rng,
    words: Vec<Vec<u8>>,
    integer: i64,
    id: u64,
    idempotent: bool,
}

impl Writer<'_> {
    /// Arguments that stand several times stand equally often within one block.
    fn block(&mut self, args: &[Arg]) {
        let times = self.rng.between(1, 4) as usize;
        for arg in args {
            if !(arg.optional && self.rng.one_in(2)) {
                self.arg(arg, times);
            }
        }
    }

    fn arg(&mut self, arg: &Arg, times: usize) {
        if let Some(token) = arg.token {
            self.idempotent |= token.starts_with("IDMP");
            let word = if self.rng.one_in(3) { token.to_ascii_lowercase() } else { token.to_owned() };
            self.words.push(word.into_bytes());
        }
        for _ in 0..if arg.many { times } else { 1 } {
            self.kind(arg.kind, times);
        }
    }

    fn kind(&mut self, kind: Kind, times: usize) {
        match kind {
            Kind::Token => {}
            Kind::OneOf(choices) => {
                let auto = choices.iter().find(|choice| self.idempotent && choice.token == Some("*"));
                let choice = *auto.unwrap_or_else(|| self.rng.pick(choices));
                self.arg(&choice, times);
            }
            Kind::Block(parts) => self.block(parts),
            kind => {
                let word = self.word(kind, times);
                self.words.push(word);
            }
        }
    }

    fn word(&mut self, kind: Kind, times: usize) -> Vec<u8> {
        let text = match kind {
            Kind::Key => format!("key:{}", self.rng.below(4)),
            Kind::String => return self.string(),
            Kind::Pattern => self.rng.pick(&["*", "key:?", "k[a-f]*"]).to_string(),
            Kind::Id => self.id(),
            Kind::Bound => match self.rng.below(4) {
                0 => "-".into(),
                1 => "+".into(),
                2 => format!("({}", self.id()),
                _ => self.id(),
            },
            Kind::Count => times.to_string(),
            Kind::UnixTime => (1_900_000_000 + self.rng.below(1_000)).to_string(),
            _ => {
                self.integer += self.rng.between(0, 20);
                self.integer.to_string()
            }
        };
        text.into_bytes()
    }

    fn string(&mut self) -> Vec<u8> {
        let mut word = format!("w{}", self.rng.below(6)).into_bytes();
        if self.rng.one_in(4) {
            word.extend([0, b' ', 0xff, b'\r', b'\n']);
        }
        word
    }

    fn id(&mut self) -> String {
        self.id -= self.rng.below(3) + 1;
        match self.rng.one_in(3) {
            true => self.id.to_string(),
            false => format!("{}-{}", self.id, self.id),
        }
    }
}
