//! Single requests, and the exact texts of what is refused.

use crate::pieces::{command, commands, error, feed, whole};
use ackline_resp::{Decoder, Limits, ProtocolError};

#[test]
fn array_form() {
    assert_eq!(command("*2\r\n$4\r\nECHO\r\n$5\r\na\r\nb \r\n"), [&b"ECHO"[..], b"a\r\nb "]);
    assert_eq!(command("*1\r\n$0\r\n\r\n"), [b""]);
    let long = "x".repeat(70_000);
    assert_eq!(
        command(format!("*2\r\n$12\r\n{}\r\n$70000\r\n{long}\r\n", "y".repeat(12)))[1],
        long.as_bytes()
    );
}

#[test]
fn array_requests_are_not_copied() {
    let input = b"*2\r\n$4\r\nECHO\r\n$1\r\na\r\n*1\r\n";
    let mut decoder = Decoder::new();
    let request = decoder.decode(input, &Limits::default()).unwrap().unwrap();
    assert_eq!(request.bytes().as_ptr(), input.as_ptr());
    assert_eq!((request.words(), request.consumed()), (&[8..12, 18..19][..], 21));
    assert_eq!(request.iter().len(), 2);
}

#[test]
fn bytes_behind_a_header_or_payload_are_not_checked() {
    let twice = commands("*1\rX$4\rYPINGZZ*1\r\n$4\r\nPING\r\n");
    assert_eq!(twice, [[b"PING"], [b"PING"]]);
    let outcome = whole("*1\r\n$4\nPING\n");
    assert_eq!((outcome.error, outcome.unread), (None, 12), "without CR a header does not end");
}

#[test]
fn empty_requests_are_handed_over_for_dropping() {
    for empty in ["*0\r\n", "*-1\r\n", "*-9223372036854775808\r\n", "\r\n", "\n", "  \t \r\n"] {
        let outcome = whole(format!("{empty}PING\r\n"));
        assert_eq!(outcome.requests, [(vec![], empty.len()), (vec![b"PING".to_vec()], 6)]);
    }
}

#[test]
fn inline_form() {
    assert_eq!(commands("PING\r\nPING\n \tXLEN  s \r\nPING\r\r\n").len(), 4);
    let words: [(&str, &[&[u8]]); 13] = [
        ("  XLEN   s  ", &[b"XLEN", b"s"]),
        ("ECHO a\rb", &[b"ECHO", b"a", b"b"]),
        ("ECHO a\0b", &[b"ECHO", b"a", b"b"]),
        ("\x0c ECHO a\x0bb", &[b"ECHO", b"a\x0bb"]),
        ("ECHO \"a\"\x0b", &[b"ECHO", b"a"]),
        ("ECHO \"a b\" 'c d'", &[b"ECHO", b"a b", b"c d"]),
        ("ECHO \"\" ''", &[b"ECHO", b"", b""]),
        ("ECHO a\"b c\"", &[b"ECHO", b"ab c"]),
        (r#"ECHO "\n\r\t\b\a\\\"\q""#, &[b"ECHO", b"\n\r\t\x08\x07\\\"q"]),
        (r#"ECHO "\x41\xfF\xZZ\x4""#, &[b"ECHO", b"A\xffxZZx4"]),
        (r#"ECHO 'a\'b\n"'"#, &[b"ECHO", b"a'b\\n\""]),
        (r"ECHO a\n", &[b"ECHO", b"a\\n"]),
        ("$4", &[b"$4"]),
    ];
    for (line, expected) in words {
        assert_eq!(command(format!("{line}\r\n")), expected, "{line:?}");
    }
}

#[test]
fn unbalanced_quotes() {
    let lines =
        ["ECHO \"abc", "ECHO 'abc", "ECHO \"a\"b", "ECHO 'a'b", "ECHO \"a\\\"", "ECHO \"a\\", "ECHO 'a\\'"];
    for line in lines {
        assert_eq!(
            error(format!("{line}\r\n")),
            "ERR Protocol error: unbalanced quotes in request",
            "{line:?}"
        );
    }
}

#[test]
fn bad_array_lengths() {
    for count in ["", "abc", "+1", " 1", "01", "-0", "1 ", "2147483648", "-9223372036854775809", "1\0"] {
        assert_eq!(
            error(format!("*{count}\r\n")),
            "ERR Protocol error: invalid multibulk length",
            "{count:?}"
        );
    }
}

#[test]
fn a_large_count_is_believed_but_reserves_nothing() {
    assert_eq!(whole("*2147483647\r\n$4\r\nPING\r\n").error, None);
}

#[test]
fn bad_bulk_lengths() {
    for len in ["", "abc", "+1", " 1", "05", "-0", "-1", "4\0", "536870913", "9223372036854775807"] {
        assert_eq!(error(format!("*1\r\n${len}\r\n")), "ERR Protocol error: invalid bulk length", "{len:?}");
    }
    assert_eq!(whole("*1\r\n$536870912\r\n").error, None);
}

#[test]
fn limits_as_large_as_they_get_do_not_overflow() {
    let all =
        Limits { bulk_max: usize::MAX, args_max: usize::MAX, inline_max: usize::MAX, authenticated: true };
    let input = b"*9223372036854775807\r\n$9223372036854775807\r\nx";
    assert_eq!(feed(input, 0..input.len(), &all).error, None);
}

#[test]
fn something_else_than_a_bulk() {
    assert_eq!(error("*1\r\n:4\r\n"), "ERR Protocol error: expected '$', got ':'");
    assert_eq!(error("*2\r\n$1\r\na\r\nPING\r\n"), "ERR Protocol error: expected '$', got 'P'");
    assert_eq!(error("*1\r\n\r\n"), "ERR Protocol error: expected '$', got '\r'");
    assert_eq!(whole(b"*1\r\n\xff\r\n").error, Some(ProtocolError::ExpectedBulk(0xff)));
    assert_eq!(whole("*1\r\nPING\n").error, None, "looked at when the header has ended");
}

#[test]
fn lines_without_an_end() {
    let long = |start: &str, len: usize| format!("{start}{}", "1".repeat(len - start.len()));
    for start in ["*", "1"] {
        assert_eq!(whole(long(start, 65536)).error, None);
    }
    assert_eq!(error(long("*", 65537)), "ERR Protocol error: too big mbulk count string");
    assert_eq!(error(long("1", 65537)), "ERR Protocol error: too big inline request");
    assert_eq!(error(long("*1\r\n$", 65541)), "ERR Protocol error: too big bulk count string");
    assert_eq!(whole(long("*1\r\n$", 65540)).error, None);
}

#[test]
fn before_authentication() {
    let limits = Limits { authenticated: false, ..Limits::default() };
    let error = |bytes: &str| feed(bytes.as_bytes(), [], &limits).error.map(|error| error.to_string());
    assert_eq!(error("*10\r\n$16384\r\n"), None);
    assert_eq!(error("*11\r\n").unwrap(), "ERR Protocol error: unauthenticated multibulk length");
    assert_eq!(error("*1\r\n$16385\r\n").unwrap(), "ERR Protocol error: unauthenticated bulk length");
    assert_eq!(error("*2147483648\r\n").unwrap(), "ERR Protocol error: invalid multibulk length");
    assert_eq!(error("*1\r\n$536870913\r\n").unwrap(), "ERR Protocol error: invalid bulk length");
}

#[test]
fn browsers() {
    for line in
        ["POST / HTTP/1.1\r\n", "hOSt: x\r\n", "*1\r\n$4\r\npost\r\n", "GET / HTTP/1.1\r\nHost: x\r\n"]
    {
        assert_eq!(whole(line).error, Some(ProtocolError::HttpGuard));
    }
    assert_eq!(whole("POSTX\r\nHost\r\nECHO POST\r\n").commands().len(), 3);
}

#[test]
fn wanted_tells_how_much_to_read() {
    let mut decoder = Decoder::new();
    let mut input = b"*2\r\n$4\r\nECHO\r\n$1000\r\nxx".to_vec();
    assert!(decoder.decode(&input, &Limits::default()).unwrap().is_none());
    assert_eq!(decoder.wanted(), 14 + 7 + 1002);
    input.resize(decoder.wanted(), b'x');
    assert_eq!(decoder.decode(&input, &Limits::default()).unwrap().unwrap().consumed(), input.len());
    assert_eq!(decoder.wanted(), 0);
}

#[test]
fn a_decoder_goes_on_after_an_error() {
    let mut decoder = Decoder::new();
    assert!(decoder.decode(b"*3\r\n$1\r\na\r\n$x\r\n", &Limits::default()).is_err());
    let request = decoder.decode(b"*1\r\n$4\r\nPING\r\n", &Limits::default()).unwrap().unwrap();
    assert_eq!(request.iter().collect::<Vec<_>>(), [b"PING"]);
}

#[test]
fn input_that_shrinks_is_no_reason_to_panic() {
    let mut decoder = Decoder::new();
    let limits = Limits::default();
    assert!(decoder.decode(b"*3\r\n$4\r\nXADD\r\n$1\r\na\r\n$5\r\n", &limits).unwrap().is_none());
    for short in ["*", "*1\r\n", "P", "PING\r\n", ""] {
        let _ = decoder.decode(short.as_bytes(), &limits);
    }
}
