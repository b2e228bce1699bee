//! What a request asks for: its path, its query and its body, as bytes.

use super::problem::Problem;
use axum::body::{Body, to_bytes};
use axum::extract::{FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{StatusCode, Uri};
use percent_encoding::percent_decode_str;
use serde_json::Value;
use std::time::Duration;

/// Bytes of a body.
pub(crate) const BODY_MAX: usize = 1024 * 1024;

/// Bytes of the body of a login.
const SMALL_BODY_MAX: usize = 16 * 1024;

/// How long a body may take.
const BODY_TIME: Duration = Duration::from_secs(30);

/// The words of a path behind `/api/v1`, and the parameters of the query. Names and keys may be any bytes, which is why
/// they are not read as text.
pub(crate) struct Asked {
    path: Vec<Vec<u8>>,
    query: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Asked {
    /// Of an address.
    pub(crate) fn of(uri: &Uri) -> Asked {
        let path = uri.path().strip_prefix("/api/v1/").unwrap_or_default();
        let pairs = uri.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty());
        let pair = |pair: &str| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decoded(&name.replace('+', " ")), decoded(&value.replace('+', " ")))
        };
        Asked { path: path.split('/').map(decoded).collect(), query: pairs.map(pair).collect() }
    }

    /// `{key}` of `/streams/{key}` or `/dead/{key}`.
    pub(crate) fn key(&self) -> Vec<u8> {
        self.path.get(1).cloned().unwrap_or_default()
    }

    /// What follows `/streams/{key}/groups/` or `/streams/{key}/entries/`.
    pub(crate) fn part(&self) -> Vec<u8> {
        self.path.get(3).cloned().unwrap_or_default()
    }

    /// Every value of a parameter.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        let found = move |(key, _): &&(Vec<u8>, Vec<u8>)| key == name.as_bytes();
        self.query.iter().filter(found).map(|(_, value)| value.as_slice())
    }

    /// A parameter that is not empty.
    pub(crate) fn bytes(&self, name: &str) -> Option<Vec<u8>> {
        self.all(name).next().filter(|value| !value.is_empty()).map(<[u8]>::to_vec)
    }

    /// The same as text.
    pub(crate) fn text(&self, name: &str, default: &str) -> Result<String, Problem> {
        let Some(bytes) = self.bytes(name) else { return Ok(default.to_owned()) };
        String::from_utf8(bytes).map_err(|_| Problem::bad(format!("{name}: expected UTF-8")))
    }

    /// The same as a number, between 0 and `max`.
    pub(crate) fn number(&self, name: &str, default: u64, max: u64) -> Result<u64, Problem> {
        let text = self.text(name, "")?;
        if text.is_empty() {
            return Ok(default);
        }
        let number = text.parse().map_err(|_| Problem::bad(format!("{name}: expected a number")))?;
        Ok(max.min(number))
    }

    /// Whether a parameter is `1`, `true` or `yes`.
    pub(crate) fn flag(&self, name: &str, default: bool) -> Result<bool, Problem> {
        match self.text(name, "")?.as_str() {
            "" => Ok(default),
            "1" | "true" | "yes" => Ok(true),
            "0" | "false" | "no" => Ok(false),
            _ => Err(Problem::bad(format!("{name}: expected 1 or 0"))),
        }
    }

    /// The database.
    pub(crate) fn db(&self) -> Result<u32, Problem> {
        Ok(self.number("db", 0, u64::from(u32::MAX))? as u32)
    }
}

fn decoded(text: &str) -> Vec<u8> {
    percent_decode_str(text).collect()
}

impl<S: Sync> FromRequestParts<S> for Asked {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Asked, Problem> {
        Ok(Asked::of(&parts.uri))
    }
}

/// The body of a request, which has to be an object of JSON.
pub(crate) async fn body(request: Request) -> Result<Value, Problem> {
    body_of(request, BODY_MAX, "a request may have 1 MiB").await
}

/// The same of somebody who has not said who they are. Read as JSON, it takes many times as much memory.
pub(crate) async fn small_body(request: Request) -> Result<Value, Problem> {
    body_of(request, SMALL_BODY_MAX, "a login may have 16 KiB").await
}

async fn body_of(request: Request, max: usize, too_large: &str) -> Result<Value, Problem> {
    let bytes = tokio::time::timeout(BODY_TIME, to_bytes(request.into_body(), max)).await;
    let bytes = bytes.map_err(|_| Problem::bad("the body did not come in time"))?;
    let bytes = bytes.map_err(|_| Problem::too_large(StatusCode::PAYLOAD_TOO_LARGE, too_large))?;
    let value: Value = serde_json::from_slice(&bytes)
        .map_err(|error| Problem::bad(format!("the body is not JSON: {error}")))?;
    match value.is_object() {
        true => Ok(value),
        false => Err(Problem::bad("the body has to be an object")),
    }
}

/// Whether a body says of itself to be longer than it may be.
pub(crate) fn is_too_long(body: &Body) -> bool {
    use axum::body::HttpBody;
    body.size_hint().lower() > BODY_MAX as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(uri: &str) -> Asked {
        Asked::of(&uri.parse().expect("an address"))
    }

    #[test]
    fn paths_and_queries_are_bytes() {
        let asked =
            asked("/api/v1/streams/a%2Fb%ff/groups/g%20h/pending?consumer=%fe&x=a+b&count=70&payload=1&x=2");
        assert_eq!((asked.key(), asked.part()), (b"a/b\xff".to_vec(), b"g h".to_vec()));
        assert_eq!(asked.bytes("consumer").as_deref(), Some(&b"\xfe"[..]));
        assert_eq!(asked.text("x", "").expect("text"), "a b");
        assert_eq!(asked.all("x").count(), 2);
        assert_eq!(asked.number("count", 50, 60).expect("a number"), 60);
        assert!(asked.flag("payload", false).expect("a flag"));
        assert!(asked.number("x", 1, 2).is_err() && asked.text("consumer", "").is_err());
        assert_eq!(asked.number("none", 5, 9).expect("the default"), 5);
    }
}
