//! Clients that send too slowly, never read, or vanish.

use super::{Raw, Target, encode, request};

#[test]
fn many_who_send_byte_by_byte_hold_nobody_up() {
    let target = Target::start();
    let mut crowd: Vec<Raw> = (0..200).map(|_| target.stranger()).collect();
    let bytes = request("XADD slow * name value");
    for (n, byte) in bytes.iter().enumerate() {
        crowd.iter_mut().for_each(|raw| raw.send(&[*byte]));
        if n % 10 == 0 {
            target.serves_others();
        }
    }
    crowd.iter_mut().for_each(|raw| assert!(raw.reply().contains('-')));
    assert_eq!(target.client().ask("XLEN slow"), ":200");
    target.finish();
}

/// A server with much to read: a string and entries of 256 KiB, and an output limit of 4 MiB.
fn with_much_to_read() -> Target {
    let target = Target::start();
    let mut owner = target.client();
    owner.send(&encode(&[b"CONFIG", b"SET", b"client-output-buffer-limit", b"normal 4mb 0 0"]));
    assert_eq!(owner.reply(), "+OK");
    let value = vec![b'v'; 256 << 10];
    owner.send(&encode(&[b"SET", b"big", &value]));
    assert_eq!(owner.reply(), "+OK");
    for _ in 0..4 {
        owner.send(&encode(&[b"XADD", b"wide", b"*", b"f", &value]));
        assert!(owner.reply().contains('-'));
    }
    target
}

#[test]
fn who_never_reads_is_closed_before_it_costs_memory() {
    let target = with_much_to_read();
    let digest = target.digest();
    let before = target.peak();
    let greedy = [
        request("GET big").repeat(4000),
        request("XRANGE wide - +").repeat(1000),
        request("XREAD STREAMS wide 0").repeat(1000),
        [request("MULTI"), request("GET big").repeat(4000), request("EXEC")].concat(),
        b"GET big\n".repeat(4000),
    ];
    std::thread::scope(|scope| {
        for bytes in greedy.iter().chain(&greedy) {
            let mut raw = target.stranger();
            scope.spawn(move || {
                raw.push(bytes);
                let read = raw.rest().len();
                assert!(read < 64 << 20, "{read} bytes of what never ends came");
            });
        }
        (0..20).for_each(|_| target.serves_others());
    });
    target.wait_for_clients(1);
    let grown = target.peak() - before;
    assert!(grown < 200, "{grown} MiB for ten clients with 4 MiB each");
    assert_eq!(target.digest(), digest);
    target.finish();
}

#[test]
fn who_reads_within_the_limit_is_left_alone() {
    let target = with_much_to_read();
    let mut raw = target.client();
    for _ in 0..100 {
        raw.send(&request("GET big").repeat(8));
        raw.replies(8).iter().for_each(|value| assert_eq!(value.len(), 256 << 10));
    }
    target.finish();
}

/// Goes with replies unread, which makes the kernel send a reset.
fn vanish(mut raw: Raw, pipeline: &[u8]) {
    raw.send(pipeline);
    assert_eq!(raw.reply(), "+PONG");
}

#[test]
fn resets_amid_deep_pipelines() {
    let target = Target::start();
    let mut pipeline = request("PING");
    pipeline.extend(request("XADD s * name value").repeat(20));
    pipeline.extend(request("PING").repeat(500));
    pipeline.extend(request("XREAD BLOCK 0 STREAMS s $"));
    for n in 0..200 {
        vanish(target.stranger(), &pipeline);
        if n % 20 == 0 {
            target.serves_others();
        }
    }
    target.wait_for_clients(1);
    let mut client = target.client();
    let length: u64 = client.ask("XLEN s")[1..].parse().unwrap();
    assert!((1..=4000).contains(&length), "{length} of 200 pipelines with 20 entries each");
    assert!(client.ask("INFO clients").contains("blocked_clients:0\r"));
    target.finish();
}

/// The end of a stream that comes together with data is no event of its own.
#[test]
fn who_asks_and_hangs_up_at_once_gets_an_answer_and_leaves_no_connection() {
    let target = Target::start();
    for _ in 0..300 {
        let mut raw = target.stranger();
        raw.send(&request("PING"));
        raw.hang_up();
        assert_eq!(raw.reply(), "+PONG");
    }
    target.wait_for_clients(1);
    target.finish();
}
