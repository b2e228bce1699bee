use super::*;
use proptest::collection::vec;
use proptest::prelude::*;

fn fields(pairs: &[(&str, &str)]) -> Fields {
    pairs.iter().copied().collect()
}

fn written(
    format: Format,
    entry: &Entry,
    headers: &[(&'static str, &'static str)],
) -> Result<Fields, FormatError> {
    Ok(format.write(entry, &headers.iter().copied().collect())?.into_iter().collect())
}

#[test]
fn plain_is_a_field_for_the_payload_and_one_for_each_header() {
    let entry = Entry::payload("{}", Some("application/json"));
    let plain = written(Format::Plain, &entry, &[("tenant", "7")]).expect("allowed");
    assert_eq!(plain, fields(&[("data", "{}"), ("content-type", "application/json"), ("tenant", "7")]));
    let own = written(Format::Plain, &entry, &[("content-type", "a/b")]).expect("allowed");
    assert_eq!(own, fields(&[("data", "{}"), ("content-type", "a/b")]));
    let body = Body::read(&own).expect("plain");
    assert_eq!((body.content_type(), body.headers.len(), body.has_payload()), (Some("a/b"), 1, true));
}

#[test]
fn faststream_is_one_field() {
    let entry = Entry::payload("{}", Some("application/json"));
    let written = written(Format::FastStream, &entry, &[("data", "allowed here")]).expect("allowed");
    assert_eq!((written.len(), Format::of(&written)), (1, Format::FastStream));
    let body = Body::read(&written).expect("an envelope");
    let expected = Headers::from_iter([("data", "allowed here"), ("content-type", "application/json")]);
    assert_eq!(body, Body::new("{}", expected));
}

#[test]
fn fields_are_written_as_they_are_and_headers_replace_them() {
    let entry = Entry::fields(fields(&[("item", "tea"), ("reason", "old")]));
    for format in [Format::Plain, Format::FastStream] {
        let headers = [("reason", "new"), ("tenant", "7")];
        let expected = fields(&[("item", "tea"), ("reason", "new"), ("tenant", "7")]);
        assert_eq!(written(format, &entry, &headers), Ok(expected));
        assert_eq!(written(format, &Entry::fields(Fields::default()), &[]), Err(FormatError::Empty));
    }
}

#[test]
fn headers_cannot_take_the_place_of_the_payload() {
    for name in ["data", "__data__"] {
        let error = written(Format::Plain, &Entry::payload("", None), &[(name, "")]).expect_err("reserved");
        assert_eq!(error, FormatError::Reserved { name });
    }
    let long = Headers::from_iter([("name", "x".repeat(65536))]);
    for format in [Format::Plain, Format::FastStream] {
        assert!(format.write(&Entry::payload("", None), &long).is_err());
    }
}

#[test]
fn an_entry_without_payload_is_a_json_object_of_its_fields() {
    let entry: Fields =
        [("item", &b"tea \"1\"\n"[..]), ("raw", &[0xff]), ("item", b"milk")].into_iter().collect();
    let body = Body::read(&entry).expect("plain");
    assert_eq!(body.payload(), "{\"item\":\"tea \\\"1\\\"\\n\",\"raw\":\"\u{fffd}\"}".as_bytes());
    assert_eq!((body.headers.get("item"), body.has_payload()), (Some("tea \"1\"\n"), false));
    assert_eq!(Body::read(&Fields::default()).expect("plain").payload(), "{}");
}

#[test]
fn fields_beside_an_envelope_are_headers_that_come_first() {
    let headers = Headers::from_iter([("reason", "old"), ("a", "1")]);
    let envelope = envelope::encode(b"x", &headers).expect("within the limits");
    let entry: Fields =
        [("reason", &b"new"[..]), ("__data__", &envelope), ("raw", &[0xff])].into_iter().collect();
    let body = Body::read(&entry).expect("an envelope");
    let all: Vec<_> = body.headers.iter().collect();
    assert_eq!(
        (&body.payload()[..], all),
        (&b"x"[..], vec![("reason", "new"), ("reason", "old"), ("a", "1")])
    );
    assert_eq!(body.headers.get("reason"), Some("new"));
}

#[test]
fn payloads_share_the_buffer_of_their_entry() {
    let within = |part: &[u8], whole: &[u8]| whole.as_ptr_range().contains(&part.as_ptr());
    for format in [Format::Plain, Format::FastStream] {
        let entry = written(format, &Entry::payload("payload", None), &[("a", "1")]).expect("allowed");
        let body = Body::read(&entry).expect("whole");
        let (_, whole) =
            entry.slices().find(|(name, _)| name == PAYLOAD || name == ENVELOPE).expect("one of them");
        assert!(within(&body.payload(), &whole));
    }
}

#[test]
fn broken_envelopes_are_errors_and_others_are_payloads() {
    let error = Body::read(&fields(&[("__data__", "raw")])).map(|body| body.payload());
    assert_eq!(error, Ok(Bytes::from_static(b"raw")));
    let cut: Fields = [("__data__", &envelope::MAGIC)].into_iter().collect();
    let error = Body::read(&cut).expect_err("cut off");
    assert_eq!(error.to_string(), "the envelope is cut off after 8 bytes");
}

proptest! {
    #[test]
    fn what_is_written_is_read(
        pairs in vec(("[a-ż]{1,6}", "\\PC{0,8}"), 0..6), payload in vec(any::<u8>(), 0..50), plain in any::<bool>()
    ) {
        let format = if plain { Format::Plain } else { Format::FastStream };
        let body = Body::new(payload.clone(), pairs.into_iter().collect());
        let entry: Fields = format.write(&Entry::payload(payload, None), &body.headers)?.into_iter().collect();
        prop_assert_eq!(Format::of(&entry), format);
        prop_assert_eq!(Body::read(&entry)?, body);
    }

    #[test]
    fn any_fields_can_be_read(
        pairs in vec((prop_oneof![Just(b"data".to_vec()), Just(b"__data__".to_vec()), vec(any::<u8>(), 0..4)],
        vec(any::<u8>(), 0..50)), 0..6)
    ) {
        let entry: Fields = pairs.into_iter().collect();
        if let Ok(body) = Body::read(&entry) {
            let _ = (body.payload(), body.headers.len(), format!("{body:?}"));
        }
    }
}
