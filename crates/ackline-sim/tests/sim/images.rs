//! Images: those that older versions wrote are read for ever.

use ackline_engine::state::{Image, parts, value_digest};

/// A name, the digest of the value and its DUMP payload, as the version of the day answered. Lines are only added.
const GOLDEN: &str = include_str!("../../../../tests/golden/images.txt");

fn bytes(hex: &str) -> Vec<u8> {
    let digit = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
    (0..hex.len()).step_by(2).map(digit).collect()
}

#[test]
fn old_images_are_read() {
    assert!(GOLDEN.lines().count() > 4);
    for line in GOLDEN.lines() {
        let [name, digest, payload] = line.split(' ').collect::<Vec<_>>()[..] else { panic!("{line}") };
        let payload = bytes(payload);
        let value = Image::read(&payload[4..payload.len() - 8]).expect(name);
        assert_eq!(value_digest(&value), digest, "{name}");
        let mut image = Vec::new();
        parts(&value, &mut |part| image.extend_from_slice(part));
        assert_eq!(value_digest(&Image::read(&image).expect(name)), digest, "{name} written anew");
    }
}
