//! Commands and answers, to and from redis-rs.

use crate::error::{Error, Result, ServerError};
use crate::fields::FieldsBuilder;
use crate::id::EntryId;
use crate::store::value::{BUFFER_MAX, ENTRY};
use crate::store::{Command, Received, Value, expect};
use bytes::Bytes;
use smallvec::SmallVec;

pub(super) fn command(command: &Command) -> redis::Cmd {
    let words = command.words();
    let mut made = redis::Cmd::with_capacity(words.len(), words.map(<[u8]>::len).sum());
    for word in command.words() {
        made.arg(word);
    }
    made
}

pub(super) fn pipeline(commands: &[Command]) -> redis::Pipeline {
    let mut pipeline = redis::Pipeline::with_capacity(commands.len());
    for one in commands {
        pipeline.add_command(command(one));
    }
    pipeline
}

/// The answer to a command. Reads have many small strings, which are not worth a value each.
pub(super) fn answer(command: &Command, from: redis::Value) -> Value {
    match from {
        redis::Value::Array(streams) if command.name() == "XREADGROUP" => {
            Value::Array(streams.into_iter().map(stream).collect())
        }
        other => value(other),
    }
}

/// `[key, [entry, ..]]`.
fn stream(from: redis::Value) -> Value {
    let redis::Value::Array(parts) = from else { return value(from) };
    let mut fields = FieldsBuilder::new();
    let part = |part| match part {
        redis::Value::Array(entries) => {
            fields = FieldsBuilder::with_capacity((entries.len() * ENTRY).min(BUFFER_MAX));
            Value::Array(entries.into_iter().map(|one| entry(one, &mut fields)).collect())
        }
        other => value(other),
    };
    Value::Array(parts.into_iter().map(part).collect())
}

/// `[id, [field, value, ..]]`, with CLAIM `[id, [..], idle, deliveries]`. What is anything else stays what it is.
fn entry(from: redis::Value, fields: &mut FieldsBuilder) -> Value {
    use redis::Value::{Array, BulkString, Int};
    let (id, words, before) = match &from {
        Array(parts) => match &parts[..] {
            [BulkString(id), Array(words)] => (id, words, None),
            [BulkString(id), Array(words), Int(idle), Int(deliveries)] => {
                (id, words, Some((*idle, *deliveries)))
            }
            _ => return value(from),
        },
        _ => return value(from),
    };
    let texts: Option<SmallVec<[&[u8]; 16]>> = words.iter().map(text).collect();
    let made = EntryId::parse(id).zip(texts.and_then(|texts| fields.words(texts)));
    match made {
        Some((id, fields)) => Value::Entry(Received { id, fields: Some(fields), before }),
        None => value(from),
    }
}

fn text(value: &redis::Value) -> Option<&[u8]> {
    match value {
        redis::Value::BulkString(bytes) => Some(bytes),
        _ => None,
    }
}

/// Strings are moved, not copied.
pub(super) fn value(from: redis::Value) -> Value {
    match from {
        redis::Value::Int(number) => Value::Int(number),
        redis::Value::BulkString(bytes) => Value::Bytes(bytes.into()),
        redis::Value::SimpleString(text) => Value::Bytes(text.into()),
        redis::Value::Okay => Value::Bytes(Bytes::from_static(b"OK")),
        redis::Value::Array(all) | redis::Value::Set(all) => {
            Value::Array(all.into_iter().map(value).collect())
        }
        redis::Value::Map(pairs) => {
            Value::Array(pairs.into_iter().flat_map(|(name, of)| [value(name), value(of)]).collect())
        }
        redis::Value::Attribute { data, .. } => value(*data),
        redis::Value::Double(number) => Value::Bytes(number.to_string().into()),
        redis::Value::Boolean(yes) => Value::Int(yes.into()),
        redis::Value::VerbatimString { text, .. } => Value::Bytes(text.into()),
        redis::Value::ServerError(error) => Value::Error(server_error(&error)),
        // Pushes, numbers beyond 64 bits, and what is still to come: not in the protocol that was chosen.
        _ => Value::Nil,
    }
}

fn server_error(error: &redis::ServerError) -> ServerError {
    match error.details() {
        Some(details) => ServerError::new(format!("{} {details}", error.code())),
        None => ServerError::new(error.code()),
    }
}

/// The answers of a transaction of so many commands: of MULTI, of each command that it is queued, and of EXEC.
pub(super) fn executed(mut answers: Vec<Value>, count: usize, peer: &str) -> Result<Vec<Value>> {
    let exec = answers.pop().unwrap_or(Value::Nil);
    let refused = |answer: &Value| matches!(answer, Value::Error(_));
    // A server that refuses MULTI runs what follows all the same: then nobody may believe that nothing happened.
    if answers.first().is_some_and(refused) && !answers.iter().all(refused) {
        return Err(Error::Unsupported { peer: peer.to_owned(), feature: "transactions" });
    }
    // What was wrong with a command says more than the EXECABORT that follows.
    if let Some(answer) = answers.into_iter().find(refused) {
        answer.into_result()?;
    }
    expect("EXEC", exec, |answer| answer.into_array().filter(|all| all.len() == count))
}
