//! Classes of keyspace events, as letters.

/// The letters that A stands for.
const ALL: &str = "g$lshzxetd";
/// The order in which letters are shown.
const ORDER: &str = "g$lshzxetdnocKEm";

/// The canonical form; `None` for an unknown letter.
pub(super) fn canonical(text: &str) -> Option<String> {
    let known = |letter: char| letter == 'A' || ORDER.contains(letter);
    if !text.chars().all(known) {
        return None;
    }
    let has = |letter: char| text.contains(letter) || (text.contains('A') && ALL.contains(letter));
    if ALL.chars().all(has) {
        let rest: String = "KEm".chars().filter(|letter| text.contains(*letter)).collect();
        return Some(format!("A{rest}"));
    }
    Some(ORDER.chars().filter(|letter| has(*letter)).collect())
}
