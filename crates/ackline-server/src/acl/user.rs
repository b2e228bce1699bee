//! A user: how it logs in, and what it may do.

use super::Call;
use super::selector::{Denied, RuleError, Selector};
use ackline_engine::args::is;
use sha2::{Digest, Sha256};
use std::fmt;
use subtle::{Choice, ConstantTimeEq};

/// The SHA-256 of a password.
pub(super) type Hash = [u8; 32];

/// A user.
#[derive(Clone)]
pub(crate) struct User {
    pub(crate) name: Vec<u8>,
    /// Another for every user that was ever made, so that whoever logged in as one is not taken for a later one of
    /// the same name. 0: built in, not in the list of users.
    pub(super) serial: u64,
    pub(crate) enabled: bool,
    pub(crate) nopass: bool,
    pub(crate) sanitizes: bool,
    passwords: Vec<Hash>,
    root: Selector,
    pub(crate) selectors: Vec<Selector>,
    /// Nothing is ever refused: what most connections have is one look away.
    pub(crate) unlimited: bool,
}

impl fmt::Debug for User {
    /// Without the hashes of its passwords.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "User({})", String::from_utf8_lossy(&self.name))
    }
}

impl User {
    /// Off, and nothing is allowed.
    pub(super) fn new(name: &[u8], serial: u64, all_channels: bool) -> User {
        User {
            name: name.to_vec(),
            serial,
            enabled: false,
            nopass: false,
            sanitizes: true,
            passwords: Vec::new(),
            root: Selector::new(all_channels),
            selectors: Vec::new(),
            unlimited: false,
        }
    }

    /// With these rules, which are known to be right.
    pub(super) fn built(name: &str, serial: u64, rules: &str) -> User {
        let mut user = User::new(name.as_bytes(), serial, false);
        for rule in rules.split_ascii_whitespace() {
            user.apply(rule.as_bytes(), false).expect("a built-in rule is right");
        }
        user
    }

    /// What every server begins with: a user who needs no password and may do everything.
    pub(super) fn default(serial: u64) -> User {
        User::built("default", serial, "on nopass ~* &* +@all")
    }

    /// Applies a rule. `all_channels` is what `acl-pubsub-default` says.
    pub(super) fn apply(&mut self, rule: &[u8], all_channels: bool) -> Result<(), RuleError> {
        match rule {
            _ if is(rule, "ON") => self.enabled = true,
            _ if is(rule, "OFF") => self.enabled = false,
            _ if is(rule, "NOPASS") => self.set_nopass(true),
            _ if is(rule, "RESETPASS") => self.set_nopass(false),
            _ if is(rule, "SANITIZE-PAYLOAD") => self.sanitizes = true,
            _ if is(rule, "SKIP-SANITIZE-PAYLOAD") => self.sanitizes = false,
            _ if is(rule, "CLEARSELECTORS") => self.selectors.clear(),
            _ if is(rule, "RESET") => *self = User::new(&self.name, self.serial, all_channels),
            [b'>', password @ ..] => self.add(hash(password)),
            [b'#', digits @ ..] => self.add(read_hash(digits)?),
            [b'<', password @ ..] => self.remove(hash(password))?,
            [b'!', digits @ ..] => self.remove(read_hash(digits)?)?,
            [b'(', inner @ .., b')'] => self.selectors.push(Selector::parse(inner, all_channels)?),
            _ => self.root.apply(rule)?,
        }
        let unlimited = self.all().any(Selector::allows_everything);
        self.unlimited = unlimited;
        Ok(())
    }

    fn set_nopass(&mut self, nopass: bool) {
        self.nopass = nopass;
        self.passwords.clear();
    }

    fn add(&mut self, hash: Hash) {
        self.nopass = false;
        if !self.passwords.contains(&hash) {
            self.passwords.push(hash);
        }
    }

    fn remove(&mut self, hash: Hash) -> Result<(), RuleError> {
        let at = self.passwords.iter().position(|known| *known == hash);
        self.passwords.remove(at.ok_or(RuleError::NoSuchPassword)?);
        Ok(())
    }

    /// Whether somebody with this password may be this user. Takes as long for a wrong one as for a right one.
    pub(super) fn accepts(&self, given: &Hash) -> bool {
        let right = self.passwords.iter().fold(Choice::from(0), |right, hash| right | hash.ct_eq(given));
        self.enabled & (self.nopass | bool::from(right))
    }

    /// Whether another is this user, maybe as it was before or has become.
    pub(crate) fn is_same(&self, other: &User) -> bool {
        self.serial == other.serial && self.name == other.name
    }

    /// Whether nobody has to say a password to be this user.
    pub(crate) fn is_open(&self) -> bool {
        self.enabled && self.nopass
    }

    /// The user's own permissions, then those of its selectors.
    fn all(&self) -> impl Iterator<Item = &Selector> {
        std::iter::once(&self.root).chain(&self.selectors)
    }

    pub(crate) fn root(&self) -> &Selector {
        &self.root
    }

    /// The hashes of the passwords, in hexadecimal digits.
    pub(crate) fn hashes(&self) -> impl Iterator<Item = String> {
        self.passwords.iter().map(|hash| hex(hash))
    }

    /// The words for what it is beside its permissions.
    pub(crate) fn flags(&self) -> impl Iterator<Item = &'static str> {
        let sanitizes = if self.sanitizes { "sanitize-payload" } else { "skip-sanitize-payload" };
        let flags =
            [(true, if self.enabled { "on" } else { "off" }), (self.nopass, "nopass"), (true, sanitizes)];
        flags.into_iter().filter(|(has, _)| *has).map(|(_, flag)| flag)
    }

    /// The rules that make this user, as ACL LIST shows them.
    pub(crate) fn describe(&self) -> Vec<u8> {
        let mut words: Vec<Vec<u8>> = self.flags().map(|flag| flag.into()).collect();
        words.extend(self.hashes().map(|hash| format!("#{hash}").into_bytes()));
        words.push(self.root.describe());
        words.extend(self.selectors.iter().map(|selector| [b"(", &*selector.describe(), b")"].concat()));
        words.join(&b' ')
    }

    /// The line that makes this user, in ACL LIST and in files.
    pub(crate) fn line(&self) -> Vec<u8> {
        [b"user ", &*self.name, b" ", &self.describe()].concat()
    }

    /// Whether a call is allowed.
    pub(crate) fn check<'a>(&self, call: Call<'a>) -> Result<(), Denied<'a>> {
        if self.unlimited {
            return Ok(());
        }
        let mut worst = match self.root.check(call) {
            Ok(()) => return Ok(()),
            Err(denied) => denied,
        };
        for selector in &self.selectors {
            match selector.check(call) {
                Ok(()) => return Ok(()),
                Err(denied) => worst = worst.max(denied),
            }
        }
        Err(worst)
    }

    /// Whether a channel may be listened to, or, if `is_pattern`, exactly that pattern.
    pub(crate) fn allows_channel(&self, name: &[u8], is_pattern: bool) -> bool {
        self.all().any(|selector| selector.allows_channel(name, is_pattern))
    }

    /// Whether it may use all the channels that it might use before.
    pub(crate) fn keeps_channels_of(&self, before: &User) -> bool {
        let has = |old: &Selector| self.all().any(|selector| selector.has_channels_of(old));
        before.all().all(has)
    }
}

/// The SHA-256 of a password.
pub(super) fn hash(password: &[u8]) -> Hash {
    Sha256::digest(password).into()
}

fn read_hash(digits: &[u8]) -> Result<Hash, RuleError> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Ok(byte - b'0'),
        b'a'..=b'f' => Ok(byte - b'a' + 10),
        _ => Err(RuleError::BadHash),
    };
    let mut hash = [0; 32];
    if digits.len() != 2 * hash.len() {
        return Err(RuleError::BadHash);
    }
    for (byte, pair) in hash.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Ok(hash)
}

/// Bytes as lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from(b"0123456789abcdef"[usize::from(nibble)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// Joins the words of each selector, which begins with `(` and ends with `)`. The word of one that does not end is the
/// error.
pub(crate) fn merge_selectors<'a>(words: impl Iterator<Item = &'a [u8]>) -> Result<Vec<Vec<u8>>, &'a [u8]> {
    let mut merged = Vec::new();
    let mut open: Option<(&'a [u8], Vec<u8>)> = None;
    for word in words {
        let closes = word.last() == Some(&b')');
        open = match open.take() {
            None if word.first() == Some(&b'(') && !closes => Some((word, word.to_vec())),
            None => {
                merged.push(word.to_vec());
                None
            }
            Some((first, so_far)) => {
                let selector = [&*so_far, word].join(&b' ');
                match closes {
                    true => {
                        merged.push(selector);
                        None
                    }
                    false => Some((first, selector)),
                }
            }
        };
    }
    open.map_or(Ok(merged), |(first, _)| Err(first))
}
