//! Replies of the engine to bytes of the protocol.

use ackline_engine::state::EntryRef;
use ackline_engine::{Outcome, Reply};
use ackline_resp::encode::Writer;

/// Writes what a command answered.
pub(crate) fn outcome(out: &mut Writer<'_>, outcome: &Outcome) {
    match outcome {
        Ok(value) => reply(out, value),
        Err(error) => out.error(error.as_bytes()),
    }
}

/// Writes one reply.
pub(crate) fn reply(out: &mut Writer<'_>, value: &Reply) {
    match value {
        Reply::Ok => out.simple("OK"),
        Reply::Simple(text) => out.simple(text),
        Reply::Line(text) => out.simple(text),
        Reply::Double(n) => out.double(*n),
        Reply::Int(n) => out.int(*n),
        Reply::Bulk(bytes) => out.bulk(bytes),
        Reply::Name(name) => out.bulk(name),
        Reply::Text(text) => out.bulk(text.as_bytes()),
        Reply::Decimal(n) => out.bulk_int(*n),
        Reply::Id(id) => out.bulk_id(id.ms, id.seq),
        Reply::Null => out.null(),
        Reply::NullArray => out.null_array(),
        Reply::Verbatim(text) => out.verbatim("txt", text.as_bytes()),
        Reply::Error(error) => out.error(error.as_bytes()),
        Reply::Entry(entry) => {
            out.array(2);
            write_entry(out, entry);
        }
        Reply::Delivered(entry, idle, count) => {
            out.array(4);
            write_entry(out, entry);
            out.int(*idle);
            out.int(*count);
        }
        Reply::Array(items) => {
            out.array(items.len());
            items.iter().for_each(|item| reply(out, item));
        }
        Reply::Set(items) => {
            out.set(items.len());
            items.iter().for_each(|item| reply(out, item));
        }
        Reply::Map(pairs) => {
            out.map(pairs.len());
            pairs.iter().for_each(|(name, value)| {
                reply(out, name);
                reply(out, value);
            });
        }
        Reply::Pairs(pairs) => write_pairs(out, pairs),
    }
}

fn write_pairs(out: &mut Writer<'_>, pairs: &[(Reply, Reply)]) {
    let as_map = out.is_resp3();
    match as_map {
        true => out.map(pairs.len()),
        false => out.array(pairs.len()),
    }
    for (name, value) in pairs {
        if !as_map {
            out.array(2);
        }
        reply(out, name);
        reply(out, value);
    }
}

fn write_entry(out: &mut Writer<'_>, entry: &EntryRef) {
    out.bulk_id(entry.id.ms, entry.id.seq);
    let words = entry.words();
    out.array(words.len());
    words.for_each(|word| out.bulk(word));
}
