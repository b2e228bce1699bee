//! What the writer writes, byte by byte.

use ackline_resp::encode::{Writer, bulk_len, header_len, int_len};
use ackline_resp::{Protocol, ProtocolError};

fn written(protocol: Protocol, write: impl Fn(&mut Writer<'_>)) -> String {
    let mut out = Vec::new();
    write(&mut Writer::new(&mut out, protocol));
    String::from_utf8(out).expect("these replies are text")
}

/// Asserts what is written in RESP2 and in RESP3.
#[track_caller]
fn writes(write: impl Fn(&mut Writer<'_>), resp2: &str, resp3: &str) {
    assert_eq!(written(Protocol::Resp2, &write), resp2);
    assert_eq!(written(Protocol::Resp3, &write), resp3);
}

#[test]
fn the_same_in_both() {
    let both = |write: &dyn Fn(&mut Writer<'_>), expected: &str| writes(write, expected, expected);
    both(&|out| out.simple("OK"), "+OK\r\n");
    both(&|out| out.error("ERR a\r\nb"), "-ERR a  b\r\n");
    both(&|out| out.error(b"ERR a"), "-ERR a\r\n");
    both(&|out| out.int(-17), ":-17\r\n");
    both(&|out| out.int(i64::MIN), ":-9223372036854775808\r\n");
    both(&|out| out.uint(u64::MAX), ":18446744073709551615\r\n");
    both(&|out| out.bulk(b""), "$0\r\n\r\n");
    both(&|out| out.bulk(b"0123456789"), "$10\r\n0123456789\r\n");
    both(&|out| out.bulk_int(-5), "$2\r\n-5\r\n");
    both(&|out| out.bulk_id(1526919030474, 55), "$16\r\n1526919030474-55\r\n");
    both(&|out| out.array(99), "*99\r\n");
    both(&|out| out.array(256 + 7), "*263\r\n");
}

#[test]
fn different() {
    writes(|out| out.null(), "$-1\r\n", "_\r\n");
    writes(|out| out.null_array(), "*-1\r\n", "_\r\n");
    writes(|out| out.map(2), "*4\r\n", "%2\r\n");
    writes(|out| out.set(2), "*2\r\n", "~2\r\n");
    writes(|out| out.push(2), "*2\r\n", ">2\r\n");
    writes(|out| out.verbatim("txt", b"a\nb"), "$3\r\na\nb\r\n", "=7\r\ntxt:a\nb\r\n");
    writes(|out| out.double(0.5), "$3\r\n0.5\r\n", ",0.5\r\n");
    writes(|out| out.double(f64::NEG_INFINITY), "$4\r\n-inf\r\n", ",-inf\r\n");
    writes(|out| out.boolean(true), ":1\r\n", "#t\r\n");
    writes(|out| out.boolean(false), ":0\r\n", "#f\r\n");
    writes(|out| out.big_number("12"), "$2\r\n12\r\n", "(12\r\n");
    writes(|out| assert_eq!(out.attribute(1), out.is_resp3()), "", "|1\r\n");
}

#[test]
fn the_byte_found_is_shown_as_it_came() {
    let mut out = Vec::new();
    Writer::new(&mut out, Protocol::Resp2).protocol_error(&ProtocolError::ExpectedBulk(0xff));
    assert_eq!(out, b"-ERR Protocol error: expected '$', got '\xff'\r\n");
    let broken = |error| written(Protocol::Resp2, |out| out.protocol_error(&error));
    assert_eq!(broken(ProtocolError::ExpectedBulk(b'\r')), "-ERR Protocol error: expected '$', got ' '\r\n");
    assert_eq!(broken(ProtocolError::BulkLength), "-ERR Protocol error: invalid bulk length\r\n");
}

#[test]
fn sizes_are_those_written() {
    for n in [0, 1, 9, 10, 99, 100, 255, 256, 999, 1000, 65535, 1 << 20] {
        assert_eq!(written(Protocol::Resp2, |out| out.array(n)).len(), header_len(n));
        assert_eq!(written(Protocol::Resp2, |out| out.bulk(&vec![b'x'; n])).len(), bulk_len(n));
    }
    for n in [0, 9, 10, -1, -9, -10, 12345, i64::MAX, i64::MIN] {
        assert_eq!(written(Protocol::Resp2, |out| out.int(n)).len(), int_len(n));
    }
}
