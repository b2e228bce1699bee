//! Classes of keyspace events, as letters.

use ackline::Wanted;

/// The letters that A stands for.
const ALL: &str = "g$lshzxetd";
/// The order in which letters are shown.
const ORDER: &str = "g$lshzxetdnocKEm";
/// Beside A these are understood, and CONFIG GET leaves them out, as that of Redis does.
const HIDDEN: &str = "noc";

/// Which events are published, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Events {
    /// K: to `__keyspace@db__:key`.
    pub(crate) by_key: bool,
    /// E: to `__keyevent@db__:event`.
    pub(crate) by_event: bool,
    pub(crate) classes: Wanted,
}

/// All letters in their order, A for those that it stands for; `None` for an unknown letter.
pub(super) fn canonical(text: &str) -> Option<String> {
    let known = |letter: char| letter == 'A' || ORDER.contains(letter);
    if !text.chars().all(known) {
        return None;
    }
    let has = |letter: char| text.contains(letter) || (text.contains('A') && ALL.contains(letter));
    let letters = ORDER.chars().filter(|letter| has(*letter));
    Some(match ALL.chars().all(has) {
        true => format!("A{}", letters.filter(|letter| !ALL.contains(*letter)).collect::<String>()),
        false => letters.collect(),
    })
}

/// What CONFIG GET shows of a canonical form.
pub(super) fn shown(canonical: &str) -> String {
    let hides = canonical.starts_with('A');
    canonical.chars().filter(|letter| !(hides && HIDDEN.contains(*letter))).collect()
}

impl Events {
    /// What a canonical form stands for.
    pub(super) fn parse(canonical: &str) -> Events {
        let class = |letter: char| match letter {
            'A' => Events::parse(ALL).classes,
            'g' => Wanted::GENERIC,
            '$' => Wanted::STRING,
            't' => Wanted::STREAM,
            'x' => Wanted::EXPIRED,
            'n' => Wanted::NEW,
            'o' => Wanted::OVERWRITTEN,
            'c' => Wanted::TYPE_CHANGED,
            'm' => Wanted::MISSED,
            _ => Wanted::NOTHING,
        };
        Events {
            by_key: canonical.contains('K'),
            by_event: canonical.contains('E'),
            classes: canonical.chars().map(class).fold(Wanted::NOTHING, Wanted::and),
        }
    }

    /// What the engine is to note: nothing if nobody could hear of it.
    pub(crate) fn wanted(self) -> Wanted {
        if self.by_key || self.by_event { self.classes } else { Wanted::NOTHING }
    }
}
