//! The decoder over random requests and random bytes, cut anywhere.

use crate::pieces::{command, commands, feed, whole};
use ackline_resp::encode::request;
use ackline_resp::{Limits, ProtocolError};
use proptest::collection::vec;
use proptest::prelude::*;

fn words() -> impl Strategy<Value = Vec<Vec<u8>>> {
    vec(vec(any::<u8>(), 0..130), 1..12).prop_filter("no browser", |words| {
        !words[0].eq_ignore_ascii_case(b"post") && !words[0].eq_ignore_ascii_case(b"host:")
    })
}

/// Bytes that requests are made of, mostly, so that random ones get beyond the first header.
fn noise() -> impl Strategy<Value = Vec<u8>> {
    let fragment = prop_oneof![
        4 => proptest::sample::select(vec![
            "*1\r\n", "*2\r\n", "*3\r\n", "$1\r\n", "$0\r\n\r\n", "$4\r\nPING\r\n", "$12\r\n", "a\r\n", "\r", "\n", "\r\n",
            "*0\r\n", "*-1\r\n", "PING\r\n", "POST", "Host:", "\"", "'", "\\x4", "\\", " ", "$", "*", "11111", "-",
        ])
        .prop_map(|text| text.as_bytes().to_vec()),
        1 => vec(any::<u8>(), 1..4),
    ];
    vec(fragment, 0..20).prop_map(|fragments| fragments.concat())
}

/// Small enough for random bytes to reach.
fn limits() -> impl Strategy<Value = Limits> {
    (1usize..40, 0usize..40, 0usize..40, any::<bool>()).prop_map(
        |(args_max, bulk_max, inline_max, authenticated)| Limits {
            bulk_max,
            args_max,
            inline_max,
            authenticated,
        },
    )
}

/// A word as a careful typist writes it.
fn quoted(word: &[u8], single: bool) -> Vec<u8> {
    let plain = |byte: &u8| (b' '..=b'~').contains(byte) && !b"'\\".contains(byte);
    if single && word.iter().all(plain) {
        return [b"'", word, b"'"].concat();
    }
    let hex: Vec<String> = word.iter().map(|byte| format!("\\x{byte:02x}")).collect();
    format!("\"{}\"", hex.concat()).into_bytes()
}

proptest! {
    #[test]
    fn arrays_survive_every_cut(words in words()) {
        let mut bytes = Vec::new();
        request(&mut bytes, &words);
        prop_assert_eq!(command(&bytes), words.clone());
        let byte_by_byte = feed(&bytes, 1..bytes.len(), &Limits::default());
        prop_assert_eq!(&byte_by_byte.requests, &[(words.clone(), bytes.len())]);
        for cut in 1..bytes.len() {
            let outcome = feed(&bytes, [cut], &Limits::default());
            prop_assert_eq!(&outcome.requests, &byte_by_byte.requests);
        }
    }

    #[test]
    fn pipelines_keep_their_order(all in vec((words(), any::<bool>()), 1..6), cuts in vec(1usize..200, 0..20)) {
        let mut bytes = Vec::new();
        for (words, padded) in &all {
            bytes.extend_from_slice(if *padded { b"*0\r\n\r\n" } else { b"" });
            request(&mut bytes, words);
        }
        let all: Vec<_> = all.into_iter().map(|(words, _)| words).collect();
        prop_assert_eq!(&commands(&bytes), &all);
        let ends = cuts.iter().scan(0, |end, step| { *end += step; Some(*end) });
        prop_assert_eq!(feed(&bytes, ends, &Limits::default()).commands(), all);
    }

    #[test]
    fn inline_words_survive_quoting(words in words(), single: bool) {
        let quoted: Vec<_> = words.iter().map(|word| quoted(word, single)).collect();
        let line = [quoted.join(&b" "[..]), b"\r\n".to_vec()].concat();
        prop_assert_eq!(command(line), words);
    }

    #[test]
    fn pieces_make_no_difference(bytes in noise(), cuts in vec(1usize..8, 0..40), limits in limits()) {
        let at_once = feed(&bytes, [], &limits);
        prop_assert_eq!(&feed(&bytes, 1..bytes.len(), &limits), &at_once);
        let ends = cuts.iter().scan(0, |end, step| { *end += step; Some(*end) });
        prop_assert_eq!(&feed(&bytes, ends, &limits), &at_once);
        let consumed: usize = at_once.requests.iter().map(|(_, consumed)| consumed).sum();
        prop_assert_eq!(consumed + at_once.unread, bytes.len());
    }

    #[test]
    fn any_bytes_are_decoded_without_panic(bytes in vec(any::<u8>(), 0..300)) {
        let error = whole(&bytes).error;
        prop_assert!(error.is_none_or(|error: ProtocolError| error.to_string().starts_with("ERR Protocol error: ")));
    }
}
