use super::*;
use crate::headers::{CONTENT_TYPE, Headers};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::error::Error;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct Order {
    item: String,
    pieces: u32,
    price: f64,
    balance: i128,
    gift: bool,
    size: Size,
    note: Option<String>,
    weight: Option<Weight>,
    initial: char,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, Default)]
#[serde(rename_all = "lowercase")]
enum Size {
    #[default]
    Small,
    Large,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Weight(u16);

fn order() -> Order {
    Order {
        item: "tea, żółta".to_owned(),
        pieces: 3,
        price: 2.5,
        balance: i128::MIN,
        gift: true,
        size: Size::Large,
        note: None,
        weight: Some(Weight(7)),
        initial: 'ż',
    }
}

/// What comes out at the other end of a stream.
fn through<T: Decode>(value: impl IntoEntry, format: crate::Format) -> Result<T, CodecError> {
    let entry = value.into_entry().expect("it can be encoded");
    let headers = Headers::from_iter([("tenant", "7"), ("traceparent", "00-1")]);
    let fields: Fields = format.write(&entry, &headers).expect("it can be written").into_iter().collect();
    let body = Body::read(&fields).expect("it can be read");
    assert_eq!(body.headers.get("tenant"), Some("7"));
    T::decode(&body, &fields)
}

fn decode<T: Decode>(pairs: &[(&str, &[u8])]) -> Result<T, CodecError> {
    let fields = pairs.iter().copied().collect();
    T::decode(&Body::read(&fields).expect("it can be read"), &fields)
}

fn auto<T: DeserializeOwned>(content_type: &str, payload: &[u8]) -> Result<T, CodecError> {
    decode(&[("data", payload), (CONTENT_TYPE, content_type.as_bytes())]).map(|Auto(value)| value)
}

#[test]
fn values_come_back_in_either_format() {
    use crate::Format::{FastStream, Plain};
    for format in [Plain, FastStream] {
        assert_eq!(through::<Json<Order>>(&Json(order()), format).expect("JSON"), Json(order()));
        assert_eq!(through::<Json<Order>>(Json(&order()), format).expect("JSON"), Json(order()));
        assert_eq!(
            through::<MsgPack<Order>>(MsgPack(order()), format).expect("MessagePack"),
            MsgPack(order())
        );
        assert_eq!(through::<Auto<Order>>(Json(order()), format).expect("by its type"), Auto(order()));
        assert_eq!(through::<Auto<Order>>(MsgPack(order()), format).expect("by its type"), Auto(order()));
        assert_eq!(*through::<Auto<String>>(Text("tea".into()), format).expect("by its type"), "tea");
        assert_eq!(*through::<Text>(Text("tea".into()), format).expect("text"), "tea");
        let raw = Raw(Bytes::from_static(&[0, 255]));
        assert_eq!(through::<Raw>(&raw, format).expect("bytes"), raw);
        let body: Body = through(&raw, format).expect("a body");
        assert_eq!(body.content_type(), None);
    }
}

#[test]
fn fields_are_given_as_pairs() {
    let expected: Fields = [("item", "tea"), ("tenant", "7"), ("traceparent", "00-1")].into_iter().collect();
    let pairs = [("item", "tea")];
    let format = crate::Format::FastStream;
    assert_eq!(through::<Fields>(pairs, format).expect("fields"), expected);
    assert_eq!(through::<Fields>(&pairs, format).expect("fields"), expected);
    assert_eq!(through::<Fields>(&pairs[..], format).expect("fields"), expected);
    assert_eq!(through::<Fields>(vec![("item".to_owned(), b"tea")], format).expect("fields"), expected);
    assert_eq!(through::<Fields>(&Fields::from_iter(pairs), format).expect("fields"), expected);
}

#[test]
fn a_form_is_a_field_for_each_of_the_struct() {
    let entry = Form(order()).into_entry().expect("it has fields");
    let fields = Fields::from_iter([
        ("item", "tea, żółta"),
        ("pieces", "3"),
        ("price", "2.5"),
        ("balance", "-170141183460469231731687303715884105728"),
        ("gift", "true"),
        ("size", "large"),
        ("weight", "7"),
        ("initial", "ż"),
    ]);
    assert_eq!(entry, Entry::fields(fields.clone()));
    let body = Body::read(&fields).expect("plain");
    assert_eq!(Form::<Order>::decode(&body, &fields).expect("a form"), Form(order()));
    // An entry without a payload is a form, whatever was expected of the payload.
    assert_eq!(Json::<Order>::decode(&body, &fields).expect("a form"), Json(order()));
    assert_eq!(MsgPack::<Order>::decode(&body, &fields).expect("a form"), MsgPack(order()));
    assert_eq!(Auto::<Order>::decode(&body, &fields).expect("a form"), Auto(order()));
    let value: Json<serde_json::Value> = Json::decode(&body, &fields).expect("strings");
    assert_eq!(value["pieces"], "3");
}

#[test]
fn a_form_leaves_well_known_headers_out_unless_asked() {
    #[derive(Deserialize, Debug)]
    #[serde(deny_unknown_fields)]
    struct Traced {
        traceparent: String,
        a: Option<bool>,
    }
    let pairs: [(&str, &[u8]); 3] = [("correlation_id", b"1"), ("traceparent", b"00"), ("a", b"0")];
    let Form(traced) = decode::<Form<Traced>>(&pairs).expect("correlation_id is left out");
    assert_eq!((traced.traceparent.as_str(), traced.a), ("00", Some(false)));
    let Form(map) = decode::<Form<BTreeMap<String, String>>>(&pairs).expect("text");
    assert_eq!(map.len(), 3);
    assert_eq!(Form(&map).into_entry().expect("a map has fields"), decode_sorted(&pairs));
    let error = decode::<Form<Traced>>(&[("traceparent", b"00"), ("other", b"")]).expect_err("denied");
    assert!(error.to_string().contains("unknown field `other`"), "{error}");
}

fn decode_sorted(pairs: &[(&str, &[u8])]) -> Entry {
    let sorted: BTreeMap<_, _> = pairs.iter().copied().collect();
    Entry::fields(sorted.into_iter().collect())
}

#[test]
fn what_is_no_single_value_does_not_fit_a_form() {
    #[derive(Serialize, Deserialize, Debug)]
    struct List {
        items: Vec<u8>,
    }
    let error = Form(List { items: vec![1] }).into_entry().expect_err("a list");
    assert_eq!(
        error.to_string(),
        r#"cannot encode fields: field "items": a field holds a single value, as text"#
    );
    assert!(Form(3).into_entry().is_err() && Form(Size::Small).into_entry().is_err());
    let error = decode::<Form<List>>(&[("items", b"1")]).expect_err("text");
    assert!(
        error.to_string().contains(r#"field "items": invalid type: string "1", expected a sequence"#),
        "{error}"
    );
    let error = decode::<Form<Vec<u8>>>(&[("items", b"1")]).expect_err("no list");
    assert!(error.to_string().contains("invalid type: map"), "{error}");
}

#[test]
fn a_form_says_which_field_is_wrong() {
    let error = decode::<Form<Order>>(&[("item", b"tea"), ("pieces", b"many")]).expect_err("no number");
    assert_eq!(
        error.to_string(),
        r#"cannot decode fields: field "pieces": invalid value: string "many", expected u32, in "{\"item\":\"tea\",\"pieces\":\"many\"}""#
    );
    let error = decode::<Form<Order>>(&[("item", &[0xff])]).expect_err("no text");
    assert!(error.to_string().contains(r#"field "item": invalid value: byte array"#), "{error}");
    let error = decode::<Form<Order>>(&[("item", b"tea"), ("item", b"milk")]).expect_err("twice");
    assert!(error.to_string().contains("duplicate field `item`"), "{error}");
}

#[test]
fn auto_goes_by_the_content_type() {
    let packed = rmp_serde::to_vec(&17).expect("a number");
    for json in
        ["application/json", "Application/JSON; charset=utf-8", "application/vnd.order+json", "text/json"]
    {
        assert_eq!(auto::<u32>(json, b"17").expect(json), 17);
    }
    for msgpack in ["application/msgpack", "application/x-msgpack", "application/a+msgpack"] {
        assert_eq!(auto::<u32>(msgpack, &packed).expect(msgpack), 17);
    }
    assert_eq!(auto::<u32>("text/plain", b"17").expect("a number"), 17);
    assert_eq!(auto::<Size>("text/plain", b"large").expect("a variant"), Size::Large);
    assert_eq!(*decode::<Auto<u32>>(&[("data", b"17")]).expect("JSON"), 17);
    let error = auto::<u32>("image/png", b"17").expect_err("unknown");
    assert_eq!(
        error.to_string(),
        r#"cannot decode payload: no codec for the content type "image/png", in "17""#
    );
}

#[test]
fn nothing_may_follow_a_value() {
    let error = decode::<MsgPack<u8>>(&[("data", &[7, 8])]).expect_err("two values");
    assert!(error.to_string().contains("1 more bytes"), "{error}");
    assert!(decode::<Json<u8>>(&[("data", b"7 8")]).is_err());
    assert!(decode::<Text>(&[("data", &[0xff])]).is_err());
}

#[test]
fn an_error_tells_codec_reason_and_the_beginning_of_the_payload() {
    let payload = format!("{{\"item\": \"{}\"", "ż\n".repeat(100_000));
    let error = decode::<Json<Order>>(&[("data", payload.as_bytes())]).expect_err("broken");
    assert_eq!(error.codec(), "JSON");
    assert!(error.source().expect("serde's").is::<serde_json::Error>());
    let text = error.to_string();
    assert!(text.starts_with("cannot decode JSON: control character"), "{text}");
    assert!(text.len() < 600 && text.contains(r#", in "{\"item\": \"ż\nż"#), "{text}");

    let long = serde_json::to_vec(&"x".repeat(100_000)).expect("a string");
    let error = decode::<Json<u8>>(&[("data", &long)]).expect_err("no number");
    assert!(error.to_string().len() < 800, "{error}");
    assert_eq!(error.excerpt().expect("decoding").len(), CodecError::EXCERPT_MAX + 2 + 1 + '…'.len_utf8());
}
