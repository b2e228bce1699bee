use super::*;
use ackline_resp::decode_reply::decode_value;

fn table(words: &str, reply: &[u8], width: u16) -> Option<String> {
    let words: Vec<Vec<u8>> = words.split(' ').map(|word| word.as_bytes().to_vec()).collect();
    let (value, _) = decode_value(reply).unwrap().unwrap();
    table_of(&value, &words, width)
}

const ENTRIES: &[u8] = b"*2\r\n*2\r\n$3\r\n1-1\r\n*4\r\n$4\r\nitem\r\n$3\r\ntea\r\n$1\r\nn\r\n$1\r\n1\r\n\
    *2\r\n$15\r\n1700000000123-0\r\n*4\r\n$4\r\nitem\r\n$6\r\n\xe8\x8c\xb6\xe8\x91\x89\r\n$1\r\nn\r\n$1\r\n2\r\n";

#[test]
fn entries_have_a_column_a_field_where_there_is_room() {
    let wide = table("XRANGE s - +", ENTRIES, 120).unwrap();
    let lines: Vec<&str> = wide.lines().map(str::trim).collect();
    assert_eq!(lines[0].split_whitespace().collect::<Vec<_>>(), ["id", "time", "item", "n"]);
    assert_eq!(lines[2].split_whitespace().collect::<Vec<_>>(), ["1-1", "tea", "1"]);
    let narrow = table("xrange s - +", ENTRIES, 50).unwrap();
    assert!(narrow.contains("fields") && narrow.contains("item=tea"), "{narrow}");
}

#[test]
fn no_line_is_wider_than_the_terminal() {
    for width in [24, 30, 40, 60, 80, 120] {
        let text = table("XRANGE s - +", ENTRIES, width).unwrap();
        for line in text.lines() {
            // Each of these characters has two columns.
            let columns: usize = line.chars().map(|char| if char > '\u{2fff}' { 2 } else { 1 }).sum();
            assert!(columns <= usize::from(width), "{width}: {line}");
        }
    }
}

#[test]
fn pending_entries_have_readable_times() {
    let rows =
        b"*2\r\n*4\r\n$3\r\n1-1\r\n$3\r\nann\r\n:1250\r\n:3\r\n*4\r\n$3\r\n1-2\r\n$0\r\n\r\n:-1\r\n:1\r\n";
    let text = table("XPENDING s g - + 10", rows, 80).unwrap();
    let words =
        |line: usize| text.lines().nth(line).unwrap().split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(words(2), "1-1 ann 1.2 s 3");
    assert!(text.contains("- "), "{text}");
    let summary = b"*4\r\n:2\r\n$3\r\n1-1\r\n$3\r\n1-2\r\n*1\r\n*2\r\n$3\r\nann\r\n$1\r\n2\r\n";
    let text = table("XPENDING s g", summary, 80).unwrap();
    assert!(text.starts_with("2 pending, oldest 1-1") && text.contains("ann"), "{text}");
    assert_eq!(table("XPENDING s g", b"*4\r\n:0\r\n$-1\r\n$-1\r\n*-1\r\n", 80).unwrap(), "0 pending\n");
}

#[test]
fn groups_are_rows_in_either_protocol() {
    let two = b"*1\r\n*4\r\n$4\r\nname\r\n$1\r\ng\r\n$4\r\nidle\r\n:61000\r\n";
    let three = b"*1\r\n%2\r\n$4\r\nname\r\n$1\r\ng\r\n$4\r\nidle\r\n:61000\r\n";
    let text = table("XINFO CONSUMERS s g", two, 80).unwrap();
    assert_eq!(table("XINFO CONSUMERS s g", three, 80).unwrap(), text);
    assert!(text.contains("1 min 1 s"), "{text}");
}

#[test]
fn reads_say_which_stream() {
    let two = [b"*1\r\n*2\r\n$6\r\norders\r\n", ENTRIES].concat();
    let three = [b"%1\r\n$6\r\norders\r\n", ENTRIES].concat();
    let text = table("XREAD STREAMS orders 0", &two, 100).unwrap();
    assert!(text.starts_with("orders\n"));
    assert_eq!(table("XREADGROUP GROUP g c STREAMS orders >", &three, 100).unwrap(), text);
    let claimed = [b"*3\r\n$3\r\n0-0\r\n", ENTRIES, b"*1\r\n$3\r\n1-9\r\n"].concat();
    let text = table("XAUTOCLAIM s g c 0 0", &claimed, 100).unwrap();
    assert!(
        text.starts_with("go on from 0-0\n") && text.ends_with("1-9 is no longer in the stream\n"),
        "{text}"
    );
}

#[test]
fn what_is_no_table_is_left_to_the_usual_form() {
    for (words, reply) in [
        ("GET a", &b"$1\r\n1\r\n"[..]),
        ("XCLAIM s g c 0 1-1 JUSTID", b"*1\r\n$3\r\n1-1\r\n"),
        ("XREAD STREAMS a 0", b"*-1\r\n"),
        ("XPENDING s g", b"-NOGROUP\r\n"),
        ("XINFO GROUPS s", b"*0\r\n"),
    ] {
        assert_eq!(table(words, reply, 80), None, "{words}");
    }
}

/// Whatever a server answers, and however narrow the terminal is.
#[test]
fn no_table_panics_or_controls_the_terminal() {
    let pieces: [&[u8]; 10] = [
        b"*2\r\n",
        b"*4\r\n",
        b"%1\r\n",
        b"$4\r\n\x1b[2J\r\n",
        b":7\r\n",
        b"*0\r\n",
        b"$-1\r\n",
        b"*1\r\n",
        b"+\xc2\x9b1m\r\n",
        b"$3\r\n1-1\r\n",
    ];
    let commands = [
        "XRANGE s - +",
        "XREAD STREAMS s 0",
        "XPENDING s g",
        "XPENDING s g - + 1",
        "XAUTOCLAIM s g c 0 0",
        "XINFO STREAM s",
        "XINFO GROUPS s",
    ];
    let mut random = fastrand::Rng::with_seed(11);
    let mut tables = 0;
    for round in 0..20_000 {
        let bytes: Vec<u8> = (0..12).flat_map(|_| pieces[random.usize(..10)].to_vec()).collect();
        let Ok(Some(_)) = decode_value(&bytes) else { continue };
        let Some(text) = table(commands[round % commands.len()], &bytes, random.u16(1..60)) else { continue };
        tables += 1;
        assert!(!text.contains(|char: char| char.is_control() && char != '\n'), "{text:?}");
    }
    assert!(tables > 500, "{tables}");
}
