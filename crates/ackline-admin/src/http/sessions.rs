//! Who is logged in, by cookie. In memory: a restart logs everybody out.

use super::standing::Role;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::fmt::Write;
use std::hash::{BuildHasher, RandomState};
use std::io::Read;
use std::time::{Duration, Instant};

/// The cookie's name.
pub(crate) const COOKIE: &str = "ackline-session";

/// How long one stays logged in.
pub(crate) const LIFE: Duration = Duration::from_secs(12 * 3600);

/// Sessions at once; who comes then pushes the oldest out.
pub(crate) const MOST: usize = 1000;

/// What somebody proved at login.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Proof {
    /// One of the tokens, as it was then.
    Token(Role, u64),
    /// A user's password, as it was then.
    User(String, u64),
}

struct Session {
    proof: Proof,
    since: Instant,
}

/// All sessions, by a hash of their cookie: who reads memory or compares slowly finds no cookie.
#[derive(Default)]
pub(crate) struct Sessions {
    all: Mutex<HashMap<u64, (String, Session)>>,
    hash: RandomState,
}

impl Sessions {
    /// Begins one; its cookie.
    pub(crate) fn begin(&self, proof: Proof, now: Instant) -> std::io::Result<String> {
        let cookie = chance()?;
        let mut all = self.all.lock();
        all.retain(|_, (_, session)| now.saturating_duration_since(session.since) < LIFE);
        while all.len() >= MOST {
            let oldest = all.iter().min_by_key(|(_, (_, session))| session.since).map(|(key, _)| *key);
            oldest.and_then(|key| all.remove(&key));
        }
        all.insert(self.hash.hash_one(&cookie), (cookie.clone(), Session { proof, since: now }));
        Ok(cookie)
    }

    /// What the owner of a cookie has proved.
    pub(crate) fn find(&self, cookie: &str, now: Instant) -> Option<Proof> {
        let all = self.all.lock();
        let (name, session) = all.get(&self.hash.hash_one(cookie))?;
        let fresh = now.saturating_duration_since(session.since) < LIFE;
        (fresh && same(name, cookie)).then(|| session.proof.clone())
    }

    /// Ends one.
    pub(crate) fn end(&self, cookie: &str) {
        self.all.lock().remove(&self.hash.hash_one(cookie));
    }
}

/// Compares without telling by its time where the difference is.
pub(crate) fn same(expected: &str, given: &str) -> bool {
    use subtle::ConstantTimeEq;
    expected.as_bytes().ct_eq(given.as_bytes()).into()
}

/// 32 random bytes of the system, in hexadecimal digits.
fn chance() -> std::io::Result<String> {
    let mut bytes = [0; 32];
    std::fs::File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_end() {
        let (sessions, now) = (Sessions::default(), Instant::now());
        let proof = Proof::User("ann".to_owned(), 1);
        let cookie = sessions.begin(proof.clone(), now).expect("chance");
        assert_eq!(cookie.len(), 64);
        assert_eq!(sessions.find(&cookie, now + LIFE / 2), Some(proof));
        assert_eq!(sessions.find(&cookie, now + LIFE), None);
        assert_eq!(sessions.find("other", now), None);
        sessions.end(&cookie);
        assert_eq!(sessions.find(&cookie, now), None);
    }

    #[test]
    fn the_oldest_makes_room() {
        let (sessions, now) = (Sessions::default(), Instant::now());
        let proof = Proof::Token(Role::Reader, 1);
        let first = sessions.begin(proof.clone(), now).expect("chance");
        let later = now + Duration::from_secs(1);
        let second = sessions.begin(proof.clone(), later).expect("chance");
        for _ in 0..MOST - 1 {
            sessions.begin(proof.clone(), later).expect("chance");
        }
        assert_eq!(sessions.all.lock().len(), MOST);
        assert_eq!(sessions.find(&first, later), None);
        assert_eq!(sessions.find(&second, later), Some(proof));
    }
}
