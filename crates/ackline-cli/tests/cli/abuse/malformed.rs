//! Requests that are none.

use super::{Raw, Target, request};

/// Bytes, and the protocol error that answers them before the connection ends.
const BROKEN: &[(&[u8], &str)] = &[
    (b"*1\r\n$-1\r\n", "invalid bulk length"),
    (b"*1\r\n$-2\r\n", "invalid bulk length"),
    (b"*1\r\n$-0\r\n", "invalid bulk length"),
    (b"*1\r\n$+5\r\nhello\r\n", "invalid bulk length"),
    (b"*1\r\n$0x10\r\n", "invalid bulk length"),
    (b"*1\r\n$04\r\nPING\r\n", "invalid bulk length"),
    (b"*1\r\n$4 \r\nPING\r\n", "invalid bulk length"),
    (b"*1\r\n$ 4\r\nPING\r\n", "invalid bulk length"),
    (b"*1\r\n$\r\n", "invalid bulk length"),
    (b"*1\r\n$536870913\r\n", "invalid bulk length"),
    (b"*1\r\n$2147483648\r\n", "invalid bulk length"),
    (b"*1\r\n$4294967300\r\n", "invalid bulk length"),
    (b"*1\r\n$9223372036854775807\r\n", "invalid bulk length"),
    (b"*1\r\n$9223372036854775808\r\n", "invalid bulk length"),
    (b"*1\r\n$18446744073709551620\r\n", "invalid bulk length"),
    (b"*01\r\n$4\r\nPING\r\n", "invalid multibulk length"),
    (b"*+1\r\n$4\r\nPING\r\n", "invalid multibulk length"),
    (b"* 1\r\n$4\r\nPING\r\n", "invalid multibulk length"),
    (b"*1x\r\n", "invalid multibulk length"),
    (b"*\r\n", "invalid multibulk length"),
    (b"*-0\r\n", "invalid multibulk length"),
    (b"*2147483648\r\n", "invalid multibulk length"),
    (b"*4294967297\r\n", "invalid multibulk length"),
    (b"*9223372036854775807\r\n", "invalid multibulk length"),
    (b"*9223372036854775808\r\n", "invalid multibulk length"),
    (b"*1000000000\r\nPING\r\n", "expected '$', got 'P'"),
    (b"*2147483647\r\nxPING\r\n", "expected '$', got 'x'"),
    (b"*1\r\n*1\r\n$4\r\nPING\r\n", "expected '$', got '*'"),
    (b"*1\r\n:1\r\n", "expected '$', got ':'"),
    (b"*2\r\n$4\r\nECHO\r\n+a\r\n", "expected '$', got '+'"),
    (b"\"PING\r\n", "unbalanced quotes in request"),
    (b"'PING\r\n", "unbalanced quotes in request"),
    (b"\"PING\"x\r\n", "unbalanced quotes in request"),
    (b"\"PING'\r\n", "unbalanced quotes in request"),
    (b"ECHO \"a\\\"\r\n", "unbalanced quotes in request"),
];

#[test]
fn a_broken_request_gets_redis_words_and_the_end() {
    let target = Target::start();
    assert_eq!(target.client().ask("XADD s 1-1 a b"), "1-1");
    let digest = target.digest();
    for (bytes, text) in BROKEN {
        let mut raw = target.stranger();
        raw.send(bytes);
        let expected = format!("-ERR Protocol error: {text}\r\n");
        assert_eq!(raw.rest(), expected, "{}", String::from_utf8_lossy(bytes));
    }
    assert_eq!(target.digest(), digest);
    target.wait_for_clients(1);
    target.finish();
}

#[test]
fn an_endless_line_ends_at_its_limit() {
    let target = Target::start();
    let endless: [(&[u8], &str); 3] = [
        (b"", "too big inline request"),
        (b"*", "too big mbulk count string"),
        (b"*1\r\n$", "too big bulk count string"),
    ];
    for (head, text) in endless {
        let mut raw = target.stranger();
        raw.send(head);
        // More than the limit, so that the last of it may meet a closed door.
        raw.push(&[b'1'; 66_000]);
        assert_eq!(raw.rest(), format!("-ERR Protocol error: {text}\r\n"));
    }
    let mut raw = target.stranger();
    raw.send(&[b"ECHO ".to_vec(), vec![b'x'; 65_000], b"\n".to_vec()].concat());
    assert_eq!(raw.reply().len(), 65_000);
    target.finish();
}

/// Requests without words, and odd ones that are none the less whole: what they answer.
const ODD: &[(&[u8], &str)] = &[
    (b"\r\n", ""),
    (b"\n", ""),
    (b"  \t \r\n", ""),
    (b"\r\r\n", ""),
    (b"*0\r\n", ""),
    (b"*-1\r\n", ""),
    (b"*-2147483649\r\n", ""),
    (b"*0\r\n\r\n*-1\r\n\n*0\r\n", ""),
    (b"*1\r\n$0\r\n\r\n", "-ERR unknown command ''\r\n"),
    (b"*1\r\n$4\r\nPINGxx", "+PONG\r\n"),
    (b"\"PI\\x4eG\" 'a\\'b'\r\n", "$3\r\na'b\r\n"),
    (b"ECHO \"\\x00\\r\\n\"\r\n", "$3\r\n\0\r\n\r\n"),
    (b"*2\r\n$4\r\nECHO\r\n$3\r\n\0\r\n\r\n", "$3\r\n\0\r\n\r\n"),
    (b"*1\r\n$4\r\nA\r\nB\r\n", "-ERR unknown command 'A  B'\r\n"),
];

/// What was sent has been read: the server has one thread, and it takes its connections in turn.
fn is_read(witness: &mut Raw) {
    assert_eq!(witness.ask("PING"), "+PONG");
}

#[test]
fn odd_requests_leave_nothing_behind_wherever_they_are_cut() {
    let target = Target::with(&["--io-threads", "1"]);
    let mut witness = target.client();
    let mut raw = target.client();
    let marker = request("ECHO marker");
    for (bytes, reply) in ODD {
        let whole = [*bytes, &marker].concat();
        for cut in 1..whole.len() {
            raw.send(&whole[..cut]);
            is_read(&mut witness);
            raw.send(&whole[cut..]);
            for expected in reply.split_inclusive("\r\n").filter(|_| !reply.starts_with('$')) {
                assert_eq!(raw.reply(), expected.trim_end());
            }
            if reply.starts_with('$') {
                assert_eq!(format!("$3\r\n{}\r\n", raw.reply()), *reply);
            }
            assert_eq!(raw.reply(), "marker", "{} cut at {cut}", String::from_utf8_lossy(bytes));
        }
    }
    target.finish();
}

#[test]
fn what_is_announced_takes_no_memory_before_it_comes() {
    let target = Target::start();
    target.serves_others();
    let before = target.peak();
    let heads: [&[u8]; 4] = [
        b"*2147483647\r\n",
        b"*1000000000\r\n$3\r\nDEL\r\n",
        b"*2\r\n$4\r\nECHO\r\n$536870912\r\n",
        b"*2147483647\r\n$536870912\r\n",
    ];
    let mut crowd: Vec<Raw> = (0..400).map(|_| target.stranger()).collect();
    for (n, raw) in crowd.iter_mut().enumerate() {
        raw.send(heads[n % heads.len()]);
    }
    for _ in 0..20 {
        // A trickle, each drop of it another read; the array headers get an argument's.
        crowd.iter_mut().skip(2).step_by(4).for_each(|raw| raw.send(b"x"));
        target.serves_others();
    }
    let grown = target.peak() - before;
    assert!(grown < 64, "{grown} MiB for 400 promises");
    drop(crowd);
    target.wait_for_clients(1);
    target.finish();
}

/// Numbers that look random and are the same every time.
struct Noise(u64);

impl Noise {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % end
    }
}

const PIECES: [&[u8]; 20] = [
    b"*1\r\n",
    b"*3\r\n",
    b"*-1\r\n",
    b"$3\r\n",
    b"$0\r\n",
    b"$-1\r\n",
    b"\r\n",
    b"\r",
    b"\n",
    b"\0",
    b"\"",
    b"'",
    b"PING",
    b"XADD ",
    b"DEBUG ",
    b"*99999\r\n",
    b"$99999\r\n",
    b"\xff",
    b" ",
    b"+OK\r\n",
];

#[test]
fn noise_is_survived() {
    let target = Target::start();
    assert_eq!(target.client().ask("XADD s 1-1 a b"), "1-1");
    let digest = target.digest();
    let (mut noise, mut witness) = (Noise(7), target.client());
    for _ in 0..400 {
        let mut raw = target.stranger();
        let bytes: Vec<u8> =
            (0..40).flat_map(|_| PIECES[noise.below(PIECES.len())].iter().copied()).collect();
        raw.push(&bytes);
        is_read(&mut witness);
    }
    drop(witness);
    target.wait_for_clients(1);
    assert_eq!(target.digest(), digest);
    target.finish();
}
