//! The name in a certificate.

/// Tags of DER.
const INTEGER: u8 = 0x02;
const OBJECT: u8 = 0x06;
const UTF8: u8 = 0x0c;
const PRINTABLE: u8 = 0x13;
const IA5: u8 = 0x16;
const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const VERSION: u8 = 0xa0;

/// 2.5.4.3, the attribute that is called CN.
const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];

/// Longer names are none; the standard allows 64 characters.
const LENGTH_MAX: usize = 256;

/// The common name of a certificate's subject. `None` if there is none or more than one, if it is not in one of the
/// encodings that are a superset of ASCII, or if there are control characters in it: who asks for `alice\0mallory` must
/// never be taken for `alice`.
pub(super) fn common_name(certificate: &[u8]) -> Option<String> {
    let mut certificate = expect(&mut &*certificate, SEQUENCE)?;
    let mut body = expect(&mut certificate, SEQUENCE)?;
    if body.first() == Some(&VERSION) {
        expect(&mut body, VERSION)?;
    }
    expect(&mut body, INTEGER)?;
    // The algorithm, the issuer, the validity.
    for _ in 0..3 {
        expect(&mut body, SEQUENCE)?;
    }
    let mut names = common_names(expect(&mut body, SEQUENCE)?)?;
    let name = names.pop().filter(|_| names.is_empty())?;
    let usable = !name.is_empty() && name.len() <= LENGTH_MAX && !name.chars().any(char::is_control);
    usable.then_some(name)
}

/// All of a subject: a sequence of sets of pairs of an object and a text. `None` if it is not that, or a text is none.
fn common_names(mut subject: &[u8]) -> Option<Vec<String>> {
    let mut names = Vec::new();
    while !subject.is_empty() {
        let mut set = expect(&mut subject, SET)?;
        while !set.is_empty() {
            let mut pair = expect(&mut set, SEQUENCE)?;
            if expect(&mut pair, OBJECT)? == COMMON_NAME {
                let (tag, text) = element(&mut pair)?;
                let known = [UTF8, PRINTABLE, IA5].contains(&tag);
                names.push(String::from_utf8(text.to_vec()).ok().filter(|_| known)?);
            }
        }
    }
    Some(names)
}

fn expect<'b>(bytes: &mut &'b [u8], tag: u8) -> Option<&'b [u8]> {
    element(bytes).filter(|(found, _)| *found == tag).map(|(_, content)| content)
}

/// Takes a tag and a content off the bytes. Lengths of up to three bytes: a certificate is not longer.
fn element<'b>(bytes: &mut &'b [u8]) -> Option<(u8, &'b [u8])> {
    let (&tag, rest) = bytes.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        0x81..=0x83 => {
            let (digits, rest) = rest.split_at_checked(usize::from(first - 0x80))?;
            (digits.iter().fold(0, |length, digit| length << 8 | usize::from(*digit)), rest)
        }
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(length)?;
    *bytes = rest;
    Some((tag, content))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{CertificateParams, DnType, DnValue, KeyPair};

    fn certificate(names: &[DnValue]) -> Vec<u8> {
        let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(DnType::OrganizationName, "Some & Sons");
        for name in names {
            params.distinguished_name.push(DnType::CommonName, name.clone());
        }
        params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().to_vec()
    }

    fn name_of(text: &str) -> Option<String> {
        common_name(&certificate(&[DnValue::Utf8String(text.to_owned())]))
    }

    #[test]
    fn the_common_name_is_found() {
        assert_eq!(name_of("alice").as_deref(), Some("alice"));
        assert_eq!(name_of("zoë").as_deref(), Some("zoë"));
        let printable = DnValue::PrintableString("bob".try_into().unwrap());
        assert_eq!(common_name(&certificate(&[printable])).as_deref(), Some("bob"));
        assert_eq!(common_name(&certificate(&[])), None);
    }

    #[test]
    fn names_that_could_be_taken_for_others_are_none() {
        for text in ["alice\0", "alice\0.example", "\0alice", "ali\nce", "", &"a".repeat(300)] {
            assert_eq!(name_of(text), None, "{text:?}");
        }
        let wide = DnValue::BmpString("alice".try_into().unwrap());
        assert_eq!(common_name(&certificate(&[wide])), None);
    }

    #[test]
    fn bytes_that_are_no_certificate_have_no_name() {
        let whole = certificate(&[DnValue::Utf8String("alice".to_owned())]);
        for end in 0..whole.len() {
            assert_eq!(common_name(&whole[..end]), None);
        }
        for at in 0..whole.len() {
            let mut other = whole.clone();
            other[at] ^= 0xff;
            // Whatever it says: it ends.
            let _ = common_name(&other);
        }
        assert_eq!(common_name(&[0x30, 0x84, 0xff, 0xff, 0xff, 0xff]), None);
    }
}
