//! Arguments as they are written in manuals, and what is still missing of them while a command is typed.

use super::docs::{Argument, Kind};

/// An argument that may still come.
#[derive(Clone, Copy)]
pub(super) struct Left<'a> {
    pub(super) argument: &'a Argument,
    part: Part,
}

/// What of an argument is still to come.
#[derive(Clone, Copy, PartialEq)]
enum Part {
    Whole,
    /// All but its token.
    Value,
    /// It was there, and may be there once more.
    Again,
}

/// What may be typed next.
#[derive(Debug, PartialEq)]
pub(super) enum Next<'a> {
    Token(&'a str),
    Key,
    /// A value of this name.
    Value(&'a str),
}

/// Words with a blank between them, empty ones left out.
pub(super) fn joined(parts: impl Iterator<Item = String>) -> String {
    parts.filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}

impl Argument {
    /// With everything around it: `[COUNT count]`.
    pub(super) fn syntax(&self) -> String {
        let mut text = self.once();
        if self.multiple {
            text = format!("{text} [{} ...]", self.repeated());
        }
        if self.optional { format!("[{text}]") } else { text }
    }

    fn once(&self) -> String {
        match (&self.token, &self.kind) {
            (Some(token), Kind::Token) => token.clone(),
            (Some(token), _) => joined([token.clone(), self.bare()].into_iter()),
            (None, _) => self.bare(),
        }
    }

    fn repeated(&self) -> String {
        if self.multiple_token { self.once() } else { self.bare() }
    }

    fn bare(&self) -> String {
        match &self.kind {
            Kind::OneOf(inner) => inner.iter().map(Argument::syntax).collect::<Vec<_>>().join("|"),
            Kind::Block(inner) => joined(inner.iter().map(Argument::syntax)),
            _ => self.display.clone(),
        }
    }

    /// Whether it may begin with this word.
    fn begins_with(&self, word: &str) -> bool {
        if let Some(token) = &self.token {
            return token.eq_ignore_ascii_case(word);
        }
        match &self.kind {
            Kind::Token => false,
            Kind::Number => word.parse::<f64>().is_ok(),
            Kind::Key | Kind::Word => true,
            Kind::OneOf(inner) => inner.iter().any(|one| one.begins_with(word)),
            Kind::Block(inner) => {
                let first = inner.iter().position(|one| !one.optional).map_or(inner.len(), |at| at + 1);
                inner[..first].iter().any(|one| one.begins_with(word))
            }
        }
    }

    /// Takes the words that are its own, and says what is missing of it.
    fn take<'a>(&'a self, words: &mut &[String]) -> Vec<Left<'a>> {
        if self.token.is_some() {
            *words = words.get(1..).unwrap_or_default();
        }
        let mut left = self.take_bare(words);
        while self.multiple && !words.is_empty() && self.goes_on(words) {
            let before = words.len();
            if self.multiple_token {
                *words = &words[1..];
            }
            left = self.take_bare(words);
            if words.len() == before {
                break;
            }
        }
        if self.multiple {
            left.push(Left { argument: self, part: Part::Again });
        }
        left
    }

    fn goes_on(&self, words: &[String]) -> bool {
        match (&self.token, self.multiple_token) {
            (Some(token), true) => words.first().is_some_and(|word| token.eq_ignore_ascii_case(word)),
            _ => true,
        }
    }

    fn take_bare<'a>(&'a self, words: &mut &[String]) -> Vec<Left<'a>> {
        match (&self.kind, words.first()) {
            (Kind::Token, _) => Vec::new(),
            (Kind::Block(inner), _) => missing(inner, words),
            (_, None) => vec![Left { argument: self, part: Part::Value }],
            (Kind::OneOf(inner), Some(word)) => {
                // A word that is a token is that, even where any word may stand.
                let token = inner.iter().find(|one| one.token.is_some() && one.begins_with(word));
                match token.or_else(|| inner.iter().find(|one| one.begins_with(word))) {
                    Some(one) => one.take(words),
                    None => {
                        *words = &words[1..];
                        Vec::new()
                    }
                }
            }
            (_, Some(_)) => {
                *words = &words[1..];
                Vec::new()
            }
        }
    }
}

/// What is missing of arguments behind these words. Optional ones that stand together may come in any order.
pub(super) fn missing<'a>(arguments: &'a [Argument], words: &mut &[String]) -> Vec<Left<'a>> {
    let mut at = 0;
    let mut left: Vec<Left<'a>> = Vec::new();
    while at < arguments.len() && !words.is_empty() {
        if !arguments[at].optional {
            left = arguments[at].take(words);
            at += 1;
            continue;
        }
        let run =
            arguments[at..].iter().position(|one| !one.optional).map_or(arguments.len(), |len| at + len);
        let mut open: Vec<&Argument> = arguments[at..run].iter().collect();
        while let Some(word) = words.first()
            && let Some(found) = open.iter().position(|one| one.begins_with(word))
        {
            left = open.remove(found).take(words);
        }
        at = run;
        if words.is_empty() {
            left.extend(open.into_iter().map(|argument| Left { argument, part: Part::Whole }));
        }
    }
    left.extend(arguments[at..].iter().map(|argument| Left { argument, part: Part::Whole }));
    left
}

/// The rest of a command as a hint.
pub(super) fn hint(left: &[Left<'_>]) -> String {
    joined(left.iter().map(|one| match one.part {
        Part::Again => format!("[{} ...]", one.argument.repeated()),
        Part::Value => one.argument.bare(),
        Part::Whole => one.argument.syntax(),
    }))
}

/// What the next word may be.
pub(super) fn next<'a>(left: &[Left<'a>]) -> Vec<Next<'a>> {
    let mut all = Vec::new();
    for one in left {
        let token_is_there = match one.part {
            Part::Whole => false,
            Part::Value => true,
            Part::Again => !one.argument.multiple_token,
        };
        begin(one.argument, token_is_there, &mut all);
        if one.part == Part::Value || one.part == Part::Whole && !one.argument.optional {
            break;
        }
    }
    all
}

fn begin<'a>(argument: &'a Argument, without_token: bool, all: &mut Vec<Next<'a>>) {
    if let Some(token) = argument.token.as_deref().filter(|_| !without_token) {
        return all.push(Next::Token(token));
    }
    match &argument.kind {
        Kind::Key => all.push(Next::Key),
        Kind::OneOf(inner) => inner.iter().for_each(|one| begin(one, false, all)),
        Kind::Block(inner) => {
            for one in inner {
                begin(one, false, all);
                if !one.optional {
                    break;
                }
            }
        }
        _ => all.push(Next::Value(&argument.display)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::docs::{Doc, Docs};
    use ackline_resp::decode_reply::Value;

    fn value(json: &serde_json::Value) -> Value {
        match json {
            serde_json::Value::Object(map) => Value::Map(
                map.iter().map(|(name, item)| (Value::Bulk(name.clone().into()), value(item))).collect(),
            ),
            serde_json::Value::Array(all) => Value::Array(all.iter().map(value).collect()),
            other => Value::Bulk(other.as_str().unwrap().into()),
        }
    }

    fn docs() -> Docs {
        let word = |name: &str| serde_json::json!({"name": name, "type": "string"});
        let token = |name: &str| serde_json::json!({"name": name, "type": "pure-token", "token": name.to_uppercase()});
        let optional = |mut one: serde_json::Value| {
            one["flags"] = serde_json::json!(["optional"]);
            one
        };
        let count =
            serde_json::json!({"name": "count", "type": "integer", "token": "COUNT", "flags": ["optional"]});
        let key = serde_json::json!({"name": "key", "type": "key"});
        let many = |mut one: serde_json::Value| {
            one["flags"] = serde_json::json!(["multiple"]);
            one
        };
        let trim = serde_json::json!({"name": "trim", "type": "block", "flags": ["optional"], "arguments": [
            {"name": "how", "type": "oneof", "arguments": [token("maxlen"), token("minid")]},
            {"name": "op", "type": "oneof", "flags": ["optional"], "arguments": [
                {"name": "=", "type": "pure-token", "token": "="}, {"name": "~", "type": "pure-token", "token": "~"}]},
            word("threshold")]});
        let id = serde_json::json!({"name": "id", "type": "oneof", "arguments": [
            {"name": "*", "type": "pure-token", "token": "*"}, word("id")]});
        let data = serde_json::json!({"name": "data", "type": "block", "flags": ["multiple"],
            "arguments": [word("field"), word("value")]});
        let extended = serde_json::json!({"name": "ext", "type": "block", "flags": ["optional"], "arguments": [
            {"name": "min", "type": "integer", "token": "IDLE", "flags": ["optional"]},
            word("start"), word("end"), {"name": "count", "type": "integer"}, optional(word("consumer"))]});
        Docs::read(&value(&serde_json::json!({
            "xadd": {"group": "stream", "arguments": [key, optional(token("nomkstream")), trim, id, data]},
            "xread": {"arguments": [count, {"name": "block", "type": "integer", "token": "BLOCK", "flags": ["optional"]},
                {"name": "streams", "type": "block", "token": "STREAMS", "arguments": [many(key.clone()), many(word("id"))]}]},
            "xpending": {"arguments": [key, word("group"), extended]},
            "xgroup": {"group": "stream", "subcommands": {"xgroup|destroy": {"group": "stream",
                "summary": "Removes", "arguments": [key, word("group")]}}},
        })))
    }

    fn hint_of(line: &str) -> String {
        let docs = docs();
        let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
        let (doc, named) = docs.find(&words).unwrap();
        hint(&missing(&doc.arguments, &mut &words[named..]))
    }

    #[test]
    fn hints_shrink_as_arguments_are_typed() {
        assert_eq!(
            hint_of("xadd"),
            "key [NOMKSTREAM] [MAXLEN|MINID [=|~] threshold] *|id field value [field value ...]"
        );
        assert_eq!(
            hint_of("XADD k"),
            "[NOMKSTREAM] [MAXLEN|MINID [=|~] threshold] *|id field value [field value ...]"
        );
        assert_eq!(
            hint_of("XADD k maxlen"),
            "[=|~] threshold [NOMKSTREAM] *|id field value [field value ...]"
        );
        assert_eq!(hint_of("XADD k maxlen ~"), "threshold [NOMKSTREAM] *|id field value [field value ...]");
        assert_eq!(hint_of("XADD k maxlen ~ 5 nomkstream"), "*|id field value [field value ...]");
        assert_eq!(hint_of("XADD k *"), "field value [field value ...]");
        assert_eq!(hint_of("XADD k * a"), "value [field value ...]");
        assert_eq!(hint_of("XADD k * a 1"), "[field value ...]");
        assert_eq!(hint_of("XADD k * a 1 b"), "value [field value ...]");
        assert_eq!(hint_of("XREAD block 5 count"), "count STREAMS key [key ...] id [id ...]");
        assert_eq!(hint_of("XPENDING k g IDLE 5 -"), "end count [consumer]");
        assert_eq!(hint_of("XPENDING k g - + 5"), "[consumer]");
        assert_eq!(hint_of("XPENDING k g - + 5 c"), "");
        assert_eq!(hint_of("xgroup destroy k"), "group");
        assert_eq!(hint_of("xgroup"), "");
    }

    #[test]
    fn what_comes_next_is_known() {
        let docs = docs();
        let of = |line: &str| {
            let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
            let (doc, named) = docs.find(&words).unwrap();
            let left = missing(&doc.arguments, &mut &words[named..]);
            next(&left).iter().map(|one| format!("{one:?}")).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(of("XADD"), "Key");
        assert_eq!(
            of("XADD k"),
            r#"Token("NOMKSTREAM") Token("MAXLEN") Token("MINID") Token("*") Value("id")"#
        );
        assert_eq!(of("XREAD"), r#"Token("COUNT") Token("BLOCK") Token("STREAMS")"#);
        assert_eq!(of("XPENDING k"), r#"Value("group")"#);
    }

    #[test]
    fn help_is_found_by_name_and_group() {
        let docs = docs();
        let words = |line: &str| line.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let help = docs.help(&words("xgroup destroy"));
        assert!(
            help.contains("XGROUP DESTROY\x1b[0m \x1b[90mkey group") && help.contains("Removes"),
            "{help}"
        );
        assert!(docs.help(&words("@STREAM")).contains("XADD"));
        assert!(docs.help(&words("nosuch")).contains("NOSUCH"));
        assert_eq!(docs.subcommands("xgroup"), ["DESTROY"]);
        assert_eq!(docs.groups(), ["", "stream"]);
        let names: Vec<&str> = docs.commands.iter().map(|doc: &Doc| doc.name.as_str()).collect();
        assert_eq!(names, ["XADD", "XGROUP", "XGROUP DESTROY", "XPENDING", "XREAD"]);
    }
}
