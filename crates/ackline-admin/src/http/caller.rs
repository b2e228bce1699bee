//! Who asks: by token, by name and password, by cookie, or because nobody is asked for any.

use super::pool::Way;
use super::problem::Problem;
use super::sessions::{COOKIE, Proof, same};
use super::site::Site;
use super::standing::Role;
use ackline_server::Who;
use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::hash::BuildHasher;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

/// Who asks, and what they may do.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    /// A user of the access control list, or `token`.
    pub(crate) name: String,
    pub(crate) role: Role,
    /// As whom their commands run.
    pub(crate) way: Way,
}

impl Caller {
    /// Refuses those who may only look.
    pub(crate) fn operator(&self) -> Result<(), Problem> {
        match self.role {
            Role::Operator => Ok(()),
            Role::Reader => Err(Problem::reader()),
        }
    }

    fn by_token(role: Role) -> Caller {
        let who = if role == Role::Operator { Who::Operator } else { Who::Reader };
        Caller { name: "token".to_owned(), role, way: Way::As(who) }
    }
}

/// Whether nobody can find a token by trying. Who shows such a one need not wait for others at the same address, behind
/// one router or proxy, who guess.
pub(crate) fn is_unguessable(token: &str) -> bool {
    token.len() >= 32
}

/// What a request shows of who sends it.
enum Shown {
    Nothing,
    Cookie(String),
    Token(String),
    Password(String, String),
}

impl Shown {
    fn of(headers: &HeaderMap) -> Result<Shown, Problem> {
        let unreadable = || Problem::bad("Authorization: expected Bearer or Basic");
        let Some(value) = headers.get(header::AUTHORIZATION) else {
            return Ok(cookie(headers).map_or(Shown::Nothing, Shown::Cookie));
        };
        let (scheme, rest) =
            value.to_str().ok().and_then(|text| text.split_once(' ')).ok_or_else(unreadable)?;
        match scheme.to_ascii_lowercase().as_str() {
            "bearer" => Ok(Shown::Token(rest.trim().to_owned())),
            "basic" => {
                let bytes = STANDARD.decode(rest.trim()).ok();
                let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok()).ok_or_else(unreadable)?;
                let (user, password) = text.split_once(':').ok_or_else(unreadable)?;
                Ok(Shown::Password(user.to_owned(), password.to_owned()))
            }
            _ => Err(unreadable()),
        }
    }
}

/// The cookie of a session.
pub(crate) fn cookie(headers: &HeaderMap) -> Option<String> {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
    let pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.filter(|(name, _)| *name == COOKIE).map(|(_, value)| value.to_owned()).next()
}

impl Site {
    /// Who sends a request with these headers.
    pub(crate) async fn caller(&self, headers: &HeaderMap, from: SocketAddr) -> Result<Caller, Problem> {
        match Shown::of(headers)? {
            Shown::Nothing => self.anybody(from).await,
            Shown::Cookie(cookie) => match self.sessions.find(&cookie, Instant::now()) {
                Some(proof) => self.by_proof(proof).await,
                None => self.anybody(from).await,
            },
            Shown::Token(token) => match self.by_token(&token) {
                Some(caller) if is_unguessable(&token) => Ok(caller),
                found => self.guarded(from, found.ok_or_else(Problem::wrong_password)),
            },
            Shown::Password(user, password) => {
                self.patient(from)?;
                let found = self.by_password(&user, &password, from).await;
                self.guarded(from, found)?;
                let standing = self.standings.of(&self.pool, &user).await?;
                let role = standing.map_or(Role::Reader, |standing| standing.role);
                Ok(Caller { name: user.clone(), role, way: Way::Password(user, password) })
            }
        }
    }

    /// Who shows nothing is the user `default`, if that one needs no password and there are no tokens.
    async fn anybody(&self, from: SocketAddr) -> Result<Caller, Problem> {
        if !self.is_open(from).await? {
            return Err(Problem::login());
        }
        let standing = self.standings.of(&self.pool, "default").await?.ok_or_else(Problem::login)?;
        Ok(Caller { name: "default".to_owned(), role: standing.role, way: Way::As(Who::Nobody) })
    }

    /// Whether nobody at this address is asked who they are. Protected mode holds here as at the other ports, whatever
    /// has become of passwords since the start: who comes from another machine is asked.
    pub(crate) async fn is_open(&self, from: SocketAddr) -> Result<bool, Problem> {
        if !from.ip().to_canonical().is_loopback() && self.handle.config().flag("protected-mode") {
            return Ok(false);
        }
        if !self.token(Role::Operator).is_empty() || !self.token(Role::Reader).is_empty() {
            return Ok(false);
        }
        let standing = self.standings.of(&self.pool, "default").await?;
        Ok(standing.is_some_and(|standing| standing.nopass))
    }

    pub(crate) async fn by_proof(&self, proof: Proof) -> Result<Caller, Problem> {
        match proof {
            Proof::Token(role, print) => {
                let same = print == self.print(&self.token(role));
                same.then(|| Caller::by_token(role)).ok_or_else(Problem::login)
            }
            Proof::User(name, print) => {
                let standing = self.standings.of(&self.pool, &name).await?;
                let standing = standing.filter(|standing| standing.passwords == print);
                let standing = standing.ok_or_else(Problem::login)?;
                Ok(Caller { way: Way::As(Who::User(name.clone())), name, role: standing.role })
            }
        }
    }

    /// Whose token this is.
    pub(crate) fn by_token(&self, token: &str) -> Option<Caller> {
        let is = |role| {
            let expected = self.token(role);
            same(&expected, token) && !expected.is_empty()
        };
        let (operator, reader) = (is(Role::Operator), is(Role::Reader));
        match (operator, reader) {
            (true, _) => Some(Caller::by_token(Role::Operator)),
            (_, true) => Some(Caller::by_token(Role::Reader)),
            _ => None,
        }
    }

    /// Whether AUTH takes a name and a password. Where somebody has to say who they are, being `default` needs more than to
    /// say so.
    pub(crate) async fn by_password(
        &self,
        user: &str,
        password: &str,
        from: SocketAddr,
    ) -> Result<Proof, Problem> {
        let (name, secret) = (user.to_owned(), password.to_owned());
        let open = self.is_open(from).await?;
        let auth = move |pool: &super::pool::Pool| {
            Ok(pool.connect(Who::Nobody)?.call(&["AUTH", &name, &secret]).map(drop)?)
        };
        self.pool.run(auth).await?;
        let standing = self.standings.of(&self.pool, user).await?.ok_or_else(Problem::wrong_password)?;
        if user == "default" && standing.nopass && !open {
            return Err(Problem::wrong_password());
        }
        Ok(Proof::User(user.to_owned(), standing.passwords))
    }

    /// Refuses who has guessed too often lately.
    pub(crate) fn patient(&self, from: SocketAddr) -> Result<(), Problem> {
        match self.throttle.wait(from.ip(), Instant::now()).is_zero() {
            true => Ok(()),
            false => Err(Problem::too_many("too many wrong passwords from this address: wait a little")),
        }
    }

    /// Counts failures.
    pub(crate) fn guarded<T>(&self, from: SocketAddr, found: Result<T, Problem>) -> Result<T, Problem> {
        self.patient(from)?;
        match &found {
            Ok(_) => self.throttle.succeeded(from.ip()),
            Err(problem) if problem.is_wrong_password() => self.throttle.failed(from.ip(), Instant::now()),
            Err(_) => {}
        }
        found
    }

    /// The token of a role; empty if there is none.
    pub(crate) fn token(&self, role: Role) -> String {
        let name = if role == Role::Operator { "admin-token" } else { "admin-read-token" };
        self.handle.config().string(name)
    }

    /// What a session remembers of a token.
    pub(crate) fn print(&self, token: &str) -> u64 {
        self.prints.hash_one(token)
    }
}

impl FromRequestParts<Arc<Site>> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, site: &Arc<Site>) -> Result<Caller, Problem> {
        // Not before the data is there: until then every command is answered alike.
        if site.handle.is_loading() {
            return Err(Problem::loading());
        }
        let from = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0);
        let from = from.ok_or_else(|| Problem::bad("nobody knows where this comes from"))?;
        site.caller(&parts.headers, from).await
    }
}
