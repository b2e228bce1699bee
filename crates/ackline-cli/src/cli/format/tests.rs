use super::*;
use ackline_resp::decode_reply::decode_value;

fn shown(output: Output, reply: &[u8]) -> String {
    let (value, _) = decode_value(reply).unwrap().unwrap();
    let format = Format { output, between: b"\n".to_vec(), behind: b"\n".to_vec() };
    String::from_utf8(format.reply(&value, &[])).unwrap()
}

/// Replies, and what redis-cli 8.6.3 prints of them: with --no-raw, --raw, --json and --csv.
const RECORDED: &[(&[u8], &str, &str, &str, &str)] = &[
    (b"$11\r\nHello World\r\n", "\"Hello World\"\n", "Hello World\n", "\"Hello World\"\n", "\"Hello World\"\n"),
    (b":12345\r\n", "(integer) 12345\n", "12345\n", "12345\n", "12345\n"),
    (b",3.141\r\n", "(double) 3.141\n", "3.141\n", "3.141\n", "3.141\n"),
    (b",1e+300\r\n", "(double) 1e+300\n", "1e+300\n", "1e+300\n", "1e+300\n"),
    (b"_\r\n", "(nil)\n", "\n", "null\n", "NULL\n"),
    (b"*-1\r\n", "(nil)\n", "\n", "null\n", "NULL\n"),
    (b"#t\r\n", "(true)\n", "(true)\n", "true\n", "true\n"),
    (b"+OK\r\n", "OK\n", "OK\n", "\"OK\"\n", "\"OK\"\n"),
    (b"*0\r\n", "(empty array)\n", "\n", "[]\n", "\n"),
    (b"%0\r\n", "(empty hash)\n", "\n", "{}\n", "\n"),
    (b"~0\r\n", "(empty set)\n", "\n", "[]\n", "\n"),
    (
        b"=29\r\ntxt:This is a verbatim\nstring\r\n",
        "This is a verbatim\nstring\n",
        "This is a verbatim\nstring\n",
        "\"This is a verbatim\\nstring\"\n",
        "\"This is a verbatim\\nstring\"\n",
    ),
    (
        b"-ERR unknown command 'nosuch'\r\n",
        "(error) ERR unknown command 'nosuch'\n",
        "ERR unknown command 'nosuch'\n\n",
        "error:\"ERR unknown command 'nosuch'\"\n",
        "ERROR,\"ERR unknown command 'nosuch'\"\n",
    ),
    (
        b"~3\r\n:0\r\n:1\r\n:2\r\n",
        "1~ (integer) 0\n2~ (integer) 1\n3~ (integer) 2\n",
        "0\n1\n2\n",
        "[0,1,2]\n",
        "0,1,2\n",
    ),
    (
        b"%3\r\n:0\r\n#f\r\n:1\r\n#t\r\n:2\r\n#f\r\n",
        "1# (integer) 0 => (false)\n2# (integer) 1 => (true)\n3# (integer) 2 => (false)\n",
        "0 (false)\n1 (true)\n2 (false)\n",
        "{\"0\":false,\"1\":true,\"2\":false}\n",
        "0,false,1,true,2,false\n",
    ),
    (
        b"*2\r\n*2\r\n$3\r\n1-1\r\n*4\r\n$1\r\na\r\n$1\r\n1\r\n$1\r\nb\r\n$3\r\nx y\r\n*2\r\n$3\r\n1-2\r\n*2\r\n$1\r\na\r\n$1\r\n2\r\n",
        "1) 1) \"1-1\"\n   2) 1) \"a\"\n      2) \"1\"\n      3) \"b\"\n      4) \"x y\"\n2) 1) \"1-2\"\n   2) 1) \"a\"\n      2) \"2\"\n",
        "1-1\na\n1\nb\nx y\n1-2\na\n2\n",
        "[[\"1-1\",[\"a\",\"1\",\"b\",\"x y\"]],[\"1-2\",[\"a\",\"2\"]]]\n",
        "\"1-1\",\"a\",\"1\",\"b\",\"x y\",\"1-2\",\"a\",\"2\"\n",
    ),
    (
        b"%1\r\n$1\r\ns\r\n*0\r\n",
        "1# \"s\" => (empty array)\n",
        "s \n",
        "{\"s\":[]}\n",
        "\"s\",\n",
    ),
    (
        b"*4\r\n*0\r\n-ERR x y\r\n+fine\r\n*2\r\n*2\r\n:1\r\n*1\r\n:2\r\n:3\r\n",
        "1) (empty array)\n2) (error) ERR x y\n3) fine\n4) 1) 1) (integer) 1\n      2) 1) (integer) 2\n   2) (integer) 3\n",
        "\nERR x y\n\nfine\n1\n2\n3\n",
        "[[],error:\"ERR x y\",\"fine\",[[1,[2]],3]]\n",
        ",ERROR,\"ERR x y\",\"fine\",1,2,3\n",
    ),
    (
        b"%2\r\n$1\r\na\r\n%1\r\n$1\r\nb\r\n*2\r\n:1\r\n:2\r\n$1\r\nc\r\n~1\r\n$1\r\nx\r\n",
        "1# \"a\" => \n   1# \"b\" => \n      1) (integer) 1\n      2) (integer) 2\n2# \"c\" => 1~ \"x\"\n",
        "a b 1\n2\nc x\n",
        "{\"a\":{\"b\":[1,2]},\"c\":[\"x\"]}\n",
        "\"a\",\"b\",1,2,\"c\",\"x\"\n",
    ),
];

#[test]
fn replies_look_as_they_do_in_redis_cli() {
    for (reply, standard, raw, json, csv) in RECORDED {
        let of = |output: Output| shown(output, reply);
        assert_eq!(of(Output::Standard), *standard, "{}", reply.escape_ascii());
        assert_eq!(of(Output::Raw), *raw, "{}", reply.escape_ascii());
        assert_eq!(of(Output::Json), *json, "{}", reply.escape_ascii());
        assert_eq!(of(Output::Csv), *csv, "{}", reply.escape_ascii());
    }
}

#[test]
fn numbers_are_aligned_and_what_is_below_them_too() {
    let mut reply = b"*10\r\n".to_vec();
    (0..9).for_each(|_| reply.extend(b":1\r\n"));
    reply.extend(b"*2\r\n$1\r\na\r\n*1\r\n$1\r\nb\r\n");
    let text = shown(Output::Standard, &reply);
    assert!(text.starts_with(" 1) (integer) 1\n 2) "), "{text}");
    assert!(text.ends_with("10) 1) \"a\"\n    2) 1) \"b\"\n"), "{text}");
    let map = b"*1\r\n%1\r\n$4\r\nname\r\n*1\r\n:1\r\n";
    assert_eq!(shown(Output::Standard, map), "1) 1# \"name\" => 1) (integer) 1\n");
    let two = b"*1\r\n%1\r\n$4\r\nname\r\n~2\r\n:1\r\n:2\r\n";
    assert_eq!(
        shown(Output::Standard, two),
        "1) 1# \"name\" => \n      1~ (integer) 1\n      2~ (integer) 2\n"
    );
}

#[test]
fn delimiters_are_those_of_the_options() {
    let (value, _) = decode_value(b"*2\r\n$1\r\na\r\n*1\r\n$1\r\nb\r\n").unwrap().unwrap();
    let format = Format { output: Output::Raw, between: b";".to_vec(), behind: b"|".to_vec() };
    assert_eq!(format.reply(&value, &[]), b"a;b|");
}

#[test]
fn reports_are_printed_as_they_are() {
    let (value, _) = decode_value(b"$18\r\n# Server\r\na:\x1b[1m\r\n\r\n").unwrap().unwrap();
    let words = [b"info".to_vec()];
    let of = |output| {
        let format = Format { output, between: b"\n".to_vec(), behind: b"\n".to_vec() };
        String::from_utf8(format.reply(&value, &words)).unwrap()
    };
    assert_eq!(of(Output::Raw), "# Server\r\na:\x1b[1m\r\n");
    assert_eq!(of(Output::Standard), "# Server\r\na:\\x1b[1m\r\n");
    assert_eq!(of(Output::Json), of(Output::Raw));
}

#[test]
fn json_can_be_read_back() {
    let bytes = b"$8\r\n\x01\xff\"\\\n\t\xc3\xa9\r\n";
    assert_eq!(shown(Output::Json, bytes), "\"\\u0001\u{ff}\\\"\\\\\\n\\té\"\n");
    let quoted: String = serde_json::from_str(&shown(Output::QuotedJson, bytes)).unwrap();
    assert_eq!(quoted, r#"\x01\xff\"\\\n\t\xc3\xa9"#);
    assert_eq!(shown(Output::QuotedJson, b"$1\r\n\n\r\n"), "\"\\\\n\"\n");
    assert_eq!(shown(Output::Json, b",inf\r\n"), "\"inf\"\n");
    assert_eq!(
        shown(Output::Json, b"(123456789012345678901234567890\r\n"),
        "123456789012345678901234567890\n"
    );
}

/// Whatever a server sends: printing it does not panic, and nothing of it reaches the terminal as a command.
#[test]
fn no_reply_controls_the_terminal() {
    let mut random = fastrand::Rng::with_seed(7);
    let pieces: [&[u8]; 16] = [
        b"*2\r\n",
        b"%1\r\n",
        b"~3\r\n",
        b">1\r\n",
        b"|1\r\n",
        b"+a\x1b[2Jb\r\n",
        b"-ERR \x07\x7f\r\n",
        b":7\r\n",
        b"$4\r\n\x1b]0;\r\n",
        b"$-1\r\n",
        b"=7\r\ntxt:\xc2\x9b1\r\n",
        b",nan\r\n",
        b"(12\r\n",
        b"#f\r\n",
        b"*0\r\n",
        b"_\r\n",
    ];
    let mut whole = 0;
    for _ in 0..20_000 {
        let mut bytes: Vec<u8> =
            (0..random.usize(1..12)).flat_map(|_| pieces[random.usize(..16)].to_vec()).collect();
        if random.u8(..4) == 0 {
            let at = random.usize(..bytes.len());
            bytes[at] = random.u8(..);
        }
        let Ok(Some((value, _))) = decode_value(&bytes) else { continue };
        whole += 1;
        for output in [Output::Standard, Output::Raw, Output::Json, Output::QuotedJson, Output::Csv] {
            let format = Format { output, between: b"\n".to_vec(), behind: b"\n".to_vec() };
            let text = format.reply(&value, &[]);
            if matches!(output, Output::Standard | Output::Json | Output::QuotedJson) {
                let text = String::from_utf8(text).unwrap();
                let moves = |char: char| is_harmful(char) && !matches!(char, '\n' | '\r' | '\t');
                assert!(!text.contains(moves), "{text:?}");
            }
        }
    }
    assert!(whole > 5000, "{whole}");
}
