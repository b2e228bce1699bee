//! Reading replies: what is refused, what waits, and values there and back.

use ackline_resp::Protocol;
use ackline_resp::decode_reply::{MAX_DEPTH, ReplyError, Value, decode_value};
use ackline_resp::encode::Writer;
use proptest::collection::vec;
use proptest::prelude::*;

fn bulk(text: &str) -> Value {
    Value::Bulk(text.as_bytes().to_vec())
}

#[test]
fn every_type() {
    let verbatim = Value::Verbatim { format: *b"txt", text: b"a:b".to_vec() };
    let replies = [
        ("$-1\r\n", Value::Null),
        ("_\r\n", Value::Null),
        ("*-1\r\n", Value::NullArray),
        ("+OK\r\n", Value::Simple(b"OK".to_vec())),
        ("-ERR x\r\n", Value::Error(b"ERR x".to_vec())),
        ("!5\r\nE\r\nx\n\r\n", Value::Error(b"E\r\nx\n".to_vec())),
        (":-7\r\n", Value::Int(-7)),
        ("$4\r\na\r\nb\r\n", bulk("a\r\nb")),
        ("=7\r\ntxt:a:b\r\n", verbatim),
        (",1.5e+300\r\n", Value::Double(1.5e300)),
        (",-inf\r\n", Value::Double(f64::NEG_INFINITY)),
        ("#t\r\n", Value::Bool(true)),
        ("(-123456789012345678901234567890\r\n", Value::BigNumber("-123456789012345678901234567890".into())),
        ("|1\r\n+k\r\n:1\r\n+OK\r\n", {
            let said = vec![(Value::Simple(b"k".to_vec()), Value::Int(1))];
            Value::Attribute(said, Box::new(Value::Simple(b"OK".to_vec())))
        }),
    ];
    for (text, expected) in replies {
        assert_eq!(decode_value(text.as_bytes()), Ok(Some((expected, text.len()))), "{text:?}");
    }
}

#[test]
fn broken_replies() {
    let replies: [(&[u8], ReplyError); 16] = [
        (b"?", ReplyError::UnknownType(b'?')),
        (b":1\n", ReplyError::LineEnd),
        (b"_x\r\n", ReplyError::LineEnd),
        (b"$1\r\nabc\r\n", ReplyError::LineEnd),
        (b":+1\r\n", ReplyError::Number),
        (b"$-2\r\n", ReplyError::Number),
        (b"*-2\r\n", ReplyError::Number),
        (b"%-1\r\n", ReplyError::Number),
        (b"!-1\r\n", ReplyError::Number),
        (b"(\r\n", ReplyError::Number),
        (b"(-\r\n", ReplyError::Number),
        (b"(1x\r\n", ReplyError::Number),
        (b"#true\r\n", ReplyError::Boolean),
        (b",x\r\n", ReplyError::Double),
        (b",\xff\r\n", ReplyError::Double),
        (b"=3\r\ntxt\r\n", ReplyError::Verbatim),
    ];
    for (bytes, expected) in replies {
        assert_eq!(decode_value(bytes), Err(expected), "{}", bytes.escape_ascii());
    }
}

#[test]
fn nesting_has_an_end() {
    let nested = |depth: usize| ["*1\r\n".repeat(depth - 1), ":1\r\n".into()].concat();
    assert!(decode_value(nested(MAX_DEPTH).as_bytes()).unwrap().is_some());
    assert_eq!(decode_value(nested(MAX_DEPTH + 1).as_bytes()), Err(ReplyError::TooDeep));
    assert_eq!(decode_value("|0\r\n".repeat(1 << 20).as_bytes()), Err(ReplyError::TooDeep));
}

#[test]
fn a_large_count_waits() {
    assert_eq!(decode_value(b"*9223372036854775807\r\n:1\r\n"), Ok(None));
    assert_eq!(decode_value(b"$9223372036854775807\r\nabc"), Ok(None));
}

/// Any value that RESP3 can say.
fn any_value() -> impl Strategy<Value = Value> {
    let bytes = || vec(any::<u8>(), 0..40);
    let line = || "[ -~]{0,20}".prop_map(String::into_bytes);
    let leaf = prop_oneof![
        line().prop_map(Value::Simple),
        line().prop_map(Value::Error),
        any::<i64>().prop_map(Value::Int),
        bytes().prop_map(Value::Bulk),
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<f64>().prop_filter("equal to itself", |n| !n.is_nan()).prop_map(Value::Double),
        bytes().prop_map(|text| Value::Verbatim { format: *b"mkd", text }),
        "-?[0-9]{1,40}".prop_map(Value::BigNumber),
    ];
    leaf.prop_recursive(5, 40, 6, |inner| {
        let pairs = || vec((inner.clone(), inner.clone()), 0..4);
        prop_oneof![
            vec(inner.clone(), 0..6).prop_map(Value::Array),
            vec(inner.clone(), 0..6).prop_map(Value::Set),
            vec(inner.clone(), 0..6).prop_map(Value::Push),
            pairs().prop_map(Value::Map),
            (pairs(), inner.clone()).prop_map(|(said, value)| Value::Attribute(said, Box::new(value))),
        ]
    })
}

fn write_text(out: &mut Writer<'_>, value: &Value) {
    match value {
        Value::Simple(text) => out.simple(std::str::from_utf8(text).expect("made of ASCII")),
        Value::Error(text) => out.error(text),
        Value::Bulk(bytes) => out.bulk(bytes),
        Value::Verbatim { format, text } => {
            out.verbatim(std::str::from_utf8(format).expect("made of letters"), text);
        }
        Value::BigNumber(digits) => out.big_number(digits),
        Value::Int(n) => out.int(*n),
        Value::Double(n) => out.double(*n),
        Value::Bool(yes) => out.boolean(*yes),
        Value::NullArray => out.null_array(),
        _ => out.null(),
    }
}

fn write(out: &mut Writer<'_>, value: &Value) {
    let (elements, pairs, last): (&[Value], &[(Value, Value)], _) = match value {
        Value::Array(elements) => {
            out.array(elements.len());
            (elements, &[], None)
        }
        Value::Set(elements) => {
            out.set(elements.len());
            (elements, &[], None)
        }
        Value::Push(elements) => {
            out.push(elements.len());
            (elements, &[], None)
        }
        Value::Map(pairs) => {
            out.map(pairs.len());
            (&[], pairs, None)
        }
        Value::Attribute(pairs, value) => {
            let written = out.attribute(pairs.len());
            (&[], if written { pairs } else { &[] }, Some(value))
        }
        other => return write_text(out, other),
    };
    elements.iter().for_each(|element| write(out, element));
    pairs.iter().for_each(|(key, value)| {
        write(out, key);
        write(out, value);
    });
    last.iter().for_each(|value| write(out, value));
}

proptest! {
    #[test]
    fn there_and_back(value in any_value()) {
        let mut out = Vec::new();
        write(&mut Writer::new(&mut out, Protocol::Resp3), &value);
        for end in 0..out.len() {
            prop_assert_eq!(decode_value(&out[..end]), Ok(None));
        }
        let len = out.len();
        out.extend_from_slice(b"+next\r\n");
        prop_assert_eq!(decode_value(&out), Ok(Some((value, len))));
    }

    #[test]
    fn resp2_has_its_own_types_only(value in any_value()) {
        let mut out = Vec::new();
        write(&mut Writer::new(&mut out, Protocol::Resp2), &value);
        let (read, used) = decode_value(&out).unwrap().unwrap();
        prop_assert_eq!(used, out.len());
        prop_assert!(is_resp2(&read));
    }

    #[test]
    fn any_bytes_are_read_without_panic(bytes in vec(byte(), 0..60)) {
        if let Ok(Some((_, used))) = decode_value(&bytes) {
            prop_assert!(used <= bytes.len());
        }
    }
}

fn is_resp2(value: &Value) -> bool {
    match value {
        Value::Simple(_) | Value::Error(_) | Value::Int(_) | Value::Bulk(_) => true,
        Value::Null | Value::NullArray => true,
        Value::Array(elements) => elements.iter().all(is_resp2),
        _ => false,
    }
}

/// Bytes that replies are made of, mostly.
fn byte() -> impl Strategy<Value = u8> {
    let common = b"+-:$*_#,(!=%~>|\r\n\r\n\r\n0123tf";
    prop_oneof![8 => proptest::sample::select(&common[..]), 1 => any::<u8>()]
}
