use super::*;
use proptest::collection::vec;
use proptest::prelude::*;

fn unhex(hex: &str) -> Bytes {
    let digit = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).expect("two hexadecimal digits");
    (0..hex.len()).step_by(2).map(digit).collect()
}

fn headers(pairs: &[(&'static str, &'static str)]) -> Headers {
    pairs.iter().copied().collect()
}

const CORRELATION: (&str, &str) = ("correlation_id", "c-1");
const TEXT: (&str, &str) = ("content-type", "text/plain");
const JSON: (&str, &str) = ("content-type", "application/json");

type Golden<'a> = (&'a str, &'a [u8], &'a [(&'static str, &'static str)]);

/// What FastStream 0.7.8 writes, where it writes it right: a dictionary, text, bytes, headers and a reply channel, a list, and text
/// that is not ASCII.
const WRITTEN_BY_FASTSTREAM: [Golden<'_>; 6] = [
    (
        "8942494e0d0a1a0a000100000012000000490002000e636f7272656c6174696f6e5f69640003632d31000c636f6e74656e742d7479\
         706500106170706c69636174696f6e2f6a736f6e7b226964223a20317d",
        br#"{"id": 1}"#,
        &[CORRELATION, JSON],
    ),
    (
        "8942494e0d0a1a0a000100000012000000430002000e636f7272656c6174696f6e5f69640003632d31000c636f6e74656e742d7479\
         7065000a746578742f706c61696e68656c6c6f",
        b"hello",
        &[CORRELATION, TEXT],
    ),
    (
        "8942494e0d0a1a0a000100000012000000290001000e636f7272656c6174696f6e5f69640003632d3100ff",
        &[0x00, 0xff],
        &[CORRELATION],
    ),
    (
        "8942494e0d0a1a0a000100000012000000670004000e636f7272656c6174696f6e5f69640003632d31000c636f6e74656e742d7479\
         706500106170706c69636174696f6e2f6a736f6e00087265706c795f746f0007616e7377657273000674656e616e740001377b2269\
         64223a20317d",
        br#"{"id": 1}"#,
        &[CORRELATION, JSON, ("reply_to", "answers"), ("tenant", "7")],
    ),
    (
        "8942494e0d0a1a0a000100000012000000490002000e636f7272656c6174696f6e5f69640003632d31000c636f6e74656e742d7479\
         706500106170706c69636174696f6e2f6a736f6e5b7b226964223a20317d2c207b226964223a20327d5d",
        br#"[{"id": 1}, {"id": 2}]"#,
        &[CORRELATION, JSON],
    ),
    (
        "8942494e0d0a1a0a000100000012000000500003000e636f7272656c6174696f6e5f69640003632d31000c636f6e74656e742d7479\
         7065000a746578742f706c61696e00046e616d6500056173636969c5bcc3b3c582c487",
        "żółć".as_bytes(),
        &[CORRELATION, TEXT, ("name", "ascii")],
    ),
];

/// What FastStream 0.7.8 writes with lengths counted in characters, and cannot read itself.
const MISCOUNTED_BY_FASTSTREAM: [Golden<'_>; 2] = [
    (
        "8942494e0d0a1a0a0001000000120000005d0004000e636f7272656c6174696f6e5f69640003632d31000c636f6e74656e742d7479\
         7065000a746578742f706c61696e00046e616d650004c5bcc3b3c582c4870005616674657200013178",
        b"x",
        &[CORRELATION, TEXT, ("name", "żółć"), ("after", "1")],
    ),
    (
        "8942494e0d0a1a0a000100000012000000580004000e636f7272656c6174696f6e5f69640003632d31000c636f6e74656e742d7479\
         7065000a746578742f706c61696e0004d0bad0bbd18ed1870001f09fa68000017a0000",
        b"",
        &[CORRELATION, TEXT, ("ключ", "🦀"), ("z", "")],
    ),
];

#[test]
fn envelopes_are_byte_for_byte_those_of_the_description() {
    let golden = [
        b"\x89BIN\x0d\x0a\x1a\x0a".as_slice(),
        b"\x00\x01",
        b"\x00\x00\x00\x12",
        b"\x00\x00\x00\x24",
        b"\x00\x02",
        b"\x00\x01a\x00\x02\xc5\xbc",
        b"\x00\x00\x00\x05empty",
        b"payload",
    ]
    .concat();
    let headers = headers(&[("a", "ż"), ("", "empty")]);
    assert_eq!(encode(b"payload", &headers).expect("within the limits"), golden);
    assert_eq!(decode(&golden.into()).expect("whole"), (Bytes::from_static(b"payload"), headers));

    let empty = encode(b"", &Headers::new()).expect("within the limits");
    assert_eq!(empty[..], *b"\x89BIN\x0d\x0a\x1a\x0a\x00\x01\x00\x00\x00\x12\x00\x00\x00\x14\x00\x00");
    assert_eq!(decode(&empty).expect("whole"), (Bytes::new(), Headers::new()));
}

#[test]
fn envelopes_are_byte_for_byte_those_of_faststream() {
    for (hex, payload, pairs) in WRITTEN_BY_FASTSTREAM {
        let envelope = unhex(hex);
        let (read, read_headers) = decode(&envelope).expect("whole");
        assert_eq!((&read[..], &read_headers), (payload, &headers(pairs)));
        assert_eq!(encode(payload, &headers(pairs)).expect("within the limits"), envelope);
    }
}

#[test]
fn headers_counted_in_characters_are_read_as_meant() {
    for (hex, payload, pairs) in MISCOUNTED_BY_FASTSTREAM {
        let (read, read_headers) = decode(&unhex(hex)).expect("whole");
        assert_eq!((&read[..], read_headers), (payload, headers(pairs)));
    }
}

#[test]
fn headers_are_kept_up_to_the_first_that_makes_no_sense() {
    let whole =
        encode(b"payload", &headers(&[("a", "1"), ("b", "2"), ("c", "3")])).expect("within the limits");
    // The length of "b", the byte of "b", the number of headers.
    for (at, byte) in [(27, 99), (28, 0xff), (27, 0xff)] {
        let mut broken = whole.to_vec();
        broken[at] = byte;
        let (payload, left) = decode(&broken.into()).expect("whole");
        assert_eq!((&payload[..], left), (&b"payload"[..], headers(&[("a", "1")])));
    }
    let mut more = whole.to_vec();
    more[19] = 4;
    assert_eq!(decode(&more.into()).expect("whole").1.len(), 3);
    let mut fewer = whole.to_vec();
    fewer[19] = 2;
    assert_eq!(decode(&fewer.into()).expect("whole").1, headers(&[("a", "1"), ("b", "2")]));
}

#[test]
fn places_must_lie_within_the_envelope() {
    let whole = encode(b"p", &headers(&[("a", "1")])).expect("within the limits");
    // Where the headers start, where the payload starts.
    for (at, place) in [(10, 17_u32), (10, 26), (10, u32::MAX), (14, 19), (14, 0), (14, 28), (14, u32::MAX)] {
        let mut broken = whole.to_vec();
        broken[at..at + 4].copy_from_slice(&place.to_be_bytes());
        let error = decode(&broken.into()).expect_err("out of place");
        assert!(matches!(error, EnvelopeError::Places { .. }), "{at} {place}: {error}");
    }
    let mut version = whole.to_vec();
    version[9] = 2;
    assert_eq!(read(&version.into()), Err(EnvelopeError::Version(2)));
    assert_eq!(decode(&Bytes::from_static(b"{}")), Err(EnvelopeError::NoMagic));
}

#[test]
fn limits_of_headers_are_errors() {
    let long = "x".repeat(65536);
    let with = |value: &str| encode(b"", &Headers::from_iter([("name", value.to_owned())]));
    assert!(matches!(with(&long), Err(EnvelopeError::Headers(_))));
    let (_, headers) = decode(&with(&long[1..]).expect("just within")).expect("whole");
    assert_eq!(headers.get("name"), Some(&long[1..]));
}

#[test]
fn what_is_no_envelope_is_json_of_old_or_the_payload() {
    let check = |data: &'static str, payload: &str, expected: &[(&'static str, &'static str)]| {
        let (read, read_headers) = read(&Bytes::from_static(data.as_bytes())).expect("no envelope");
        assert_eq!((&read[..], read_headers), (payload.as_bytes(), headers(expected)), "{data}");
    };
    check(r#"{"data":"x\n","headers":{"a":"1"}}"#, "x\n", &[("a", "1")]);
    check(
        r#" {"headers":{"l":[2],"n":1,"none":null},"data":{"id":1}}"#,
        r#"{"id":1}"#,
        &[("l", "[2]"), ("n", "1")],
    );
    check(r#"{"data":"x"}"#, "x", &[]);
    check(r#"{"data":"x","headers":null}"#, "x", &[]);
    // Payloads, which would lose something if they were taken for more.
    for payload in [
        r#"{"data":{"id":1}}"#,
        r#"{"data":"x","id":1}"#,
        r#"{"id":1}"#,
        r#"["data"]"#,
        "{\"data",
        "",
        "\u{89}BIN",
    ] {
        check(payload, payload, &[]);
    }
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![3 => "[a-z_]{0,12}", 2 => "\\PC{0,8}", 1 => "[żółć🦀]{1,100}"]
}

proptest! {
    #[test]
    fn whatever_is_written_is_read(pairs in vec((text(), text()), 0..8), payload in vec(any::<u8>(), 0..100)) {
        let headers: Headers = pairs.into_iter().collect();
        let envelope = encode(&payload, &headers).expect("within the limits");
        prop_assert_eq!(decode(&envelope), Ok((Bytes::from(payload), headers)));
    }

    /// A payload without its end cannot be told from a shorter one; all else is an error.
    #[test]
    fn truncations_are_errors(pairs in vec((text(), text()), 0..4), payload in vec(any::<u8>(), 0..20)) {
        let envelope = encode(&payload, &pairs.into_iter().collect()).expect("within the limits");
        for end in 0..envelope.len() {
            let cut = decode(&envelope.slice(..end));
            prop_assert_eq!(cut.is_ok(), end >= envelope.len() - payload.len(), "{}", end);
        }
    }

    #[test]
    fn counted_in_characters_all_is_read_too(pairs in vec((text(), text()), 1..6), payload in vec(any::<u8>(), 0..20)) {
        let headers: Headers = pairs.into_iter().collect();
        let mut list = Vec::new();
        for text in headers.iter().flat_map(|(name, value)| [name, value]) {
            list.put_u16(text.chars().count() as u16);
            list.put_slice(text.as_bytes());
        }
        let mut envelope = encode(b"", &Headers::new()).expect("within the limits").to_vec();
        envelope[17] = 0;
        envelope[14..18].copy_from_slice(&(20 + list.len() as u32).to_be_bytes());
        envelope[18..20].copy_from_slice(&(headers.len() as u16).to_be_bytes());
        envelope.extend(list);
        envelope.extend(&payload);
        prop_assert_eq!(decode(&envelope.into()), Ok((Bytes::from(payload), headers)));
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in vec(any::<u8>(), 0..200), with_head in any::<bool>()) {
        let mut data = if with_head { [&MAGIC[..], &[0, 1, 0, 0, 0, 18, 0, 0, 0]].concat() } else { Vec::new() };
        data.extend(bytes);
        let data = Bytes::from(data);
        if let Ok((payload, headers)) = read(&data) {
            prop_assert!(payload.len() <= data.len() && headers.len() <= data.len() / 4);
        }
    }

    #[test]
    fn damage_never_panics(pairs in vec((text(), text()), 0..4), damage in vec((any::<usize>(), any::<u8>()), 1..4)) {
        let mut envelope = encode(b"payload", &pairs.into_iter().collect()).expect("within the limits").to_vec();
        for (at, byte) in damage {
            let len = envelope.len();
            envelope[at % len] = byte;
        }
        let _ = read(&envelope.into());
    }
}
