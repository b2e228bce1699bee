//! What every request has to keep to, and what every answer carries.

use super::asked::is_too_long;
use super::problem::Problem;
use super::site::Site;
use axum::extract::{Request, State};
use axum::http::header::{self, HeaderName};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

/// Bytes of an address.
const URL_MAX: usize = 16 * 1024;

/// Everything comes from us, nobody shows us in a frame, nothing is sent elsewhere.
const POLICY: &str =
    "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; form-action 'self'";

/// Stands before every route.
pub(crate) async fn guard(State(site): State<Arc<Site>>, request: Request, next: Next) -> Response {
    let mut response = match check(&request, &site.doors) {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    };
    harden(response.headers_mut());
    response
}

fn harden(headers: &mut HeaderMap) {
    let fixed = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
}

fn check(request: &Request, doors: &[SocketAddr]) -> Result<(), Problem> {
    let (headers, uri) = (request.headers(), request.uri());
    if uri.path_and_query().is_some_and(|text| text.as_str().len() > URL_MAX) {
        return Err(Problem::too_large(StatusCode::URI_TOO_LONG, "an address may have 16 KiB"));
    }
    // Of several, whoever stands before us may have believed another than we would.
    let mut hosts = headers.get_all(header::HOST).iter();
    let host = hosts.next().filter(|_| hosts.next().is_none());
    let host = host.and_then(|host| host.to_str().ok()).unwrap_or_default();
    if !is_ours(host, doors) && !shows_token(headers) {
        return Err(Problem::foreign(
            "this name is not ours: use an address of admin-bind, localhost, or a token (against DNS rebinding)",
        ));
    }
    if is_strangers(headers) {
        return Err(Problem::foreign("the request comes from a page of another site"));
    }
    if matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS) {
        return Ok(());
    }
    if let Some(origin) = headers.get(header::ORIGIN) {
        let origin = origin.to_str().ok().and_then(|origin| origin.split_once("://"));
        if origin.is_none_or(|(_, from)| !from.eq_ignore_ascii_case(host)) {
            return Err(Problem::foreign("the request comes from another site"));
        }
    }
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if !kind.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/json") {
        return Err(Problem::not_json());
    }
    match is_too_long(request.body()) {
        true => Err(Problem::too_large(StatusCode::PAYLOAD_TOO_LARGE, "a request may have 1 MiB")),
        false => Ok(()),
    }
}

/// Whether a request shows a token: a page that made its name point at us knows none. A password would not do, since one that is
/// not asked for can be shown by anybody. So containers and scrapers may call us by any name.
fn shows_token(headers: &HeaderMap) -> bool {
    let value = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let scheme = value.and_then(|value| value.split_once(' '));
    scheme.is_some_and(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
}

/// Whether a browser says that another site's page asks. It cannot read the answer, but might keep the server busy, take
/// the live views, or learn something from how long it takes. A link that somebody follows is none of that.
fn is_strangers(headers: &HeaderMap) -> bool {
    let says =
        |name: &str, value: &str| headers.get(name).is_some_and(|said| said.as_bytes() == value.as_bytes());
    let elsewhere = says("sec-fetch-site", "cross-site") || says("sec-fetch-site", "same-site");
    elsewhere && !(says("sec-fetch-mode", "navigate") && says("sec-fetch-dest", "document"))
}

/// Whether a Host header names one of our doors. Who listens everywhere is reached by any address, but by no name: names are what
/// others can make point at us.
fn is_ours(host: &str, doors: &[SocketAddr]) -> bool {
    let (name, port) = match host.rsplit_once(':') {
        Some((name, port)) if !port.contains(']') => (name, port.parse().ok()),
        _ => (host, Some(80)),
    };
    let Some(port) = port else { return false };
    let name = name.trim_matches(['[', ']']);
    let ip: Option<IpAddr> = name.parse().ok();
    let fits = |door: &SocketAddr| match ip {
        Some(ip) => door.ip().is_unspecified() || door.ip() == ip,
        None => {
            name.eq_ignore_ascii_case("localhost") && (door.ip().is_unspecified() || door.ip().is_loopback())
        }
    };
    doors.iter().any(|door| door.port() == port && fits(door))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn doors(text: &[&str]) -> Vec<SocketAddr> {
        text.iter().map(|door| door.parse().expect("an address")).collect()
    }

    #[test]
    fn hosts_that_are_ours() {
        let local = doors(&["127.0.0.1:7379", "[::1]:7379"]);
        for host in ["127.0.0.1:7379", "localhost:7379", "LOCALHOST:7379", "[::1]:7379"] {
            assert!(is_ours(host, &local), "{host}");
        }
        for host in ["", "127.0.0.1", "127.0.0.1:80", "evil.example:7379", "10.0.0.1:7379", "localhost:x"] {
            assert!(!is_ours(host, &local), "{host}");
        }
        let open = doors(&["0.0.0.0:80"]);
        assert!(is_ours("10.0.0.1", &open) && is_ours("localhost", &open));
        assert!(!is_ours("evil.example", &open));
    }

    fn refused(request: axum::http::request::Builder) -> Option<u16> {
        let request = request.body(axum::body::Body::empty()).expect("a request");
        check(&request, &doors(&["127.0.0.1:7379"]))
            .err()
            .map(|problem| problem.into_response().status().as_u16())
    }

    #[test]
    fn requests_from_elsewhere() {
        let post = || Request::post("/api/v1/actions").header("host", "localhost:7379");
        let json = || post().header("content-type", "application/json; charset=utf-8");
        assert_eq!(refused(json()), None);
        assert_eq!(refused(json().header("origin", "http://localhost:7379")), None);
        assert_eq!(refused(json().header("origin", "http://evil.example")), Some(403));
        assert_eq!(refused(json().header("origin", "null")), Some(403));
        assert_eq!(refused(post()), Some(415));
        assert_eq!(refused(post().header("content-type", "text/plain")), Some(415));
        let named = || Request::get("/metrics").header("host", "evil.example:7379");
        assert_eq!(refused(named()), Some(403));
        assert_eq!(refused(named().header("authorization", "Basic ZGVmYXVsdDo=")), Some(403));
        assert_eq!(refused(named().header("authorization", "Bearer of-some-secret")), None);
        let twice = Request::get("/").header("host", "localhost:7379").header("host", "evil.example:7379");
        assert_eq!(refused(twice), Some(403));
        let get = |site: &str, mode: &str, dest: &str| {
            let get = Request::get("/api/v1/events").header("host", "localhost:7379");
            let get = get.header("sec-fetch-site", site).header("sec-fetch-mode", mode);
            refused(get.header("sec-fetch-dest", dest))
        };
        assert_eq!(get("same-origin", "cors", "empty"), None);
        assert_eq!(get("none", "navigate", "document"), None);
        assert_eq!(get("cross-site", "navigate", "document"), None);
        assert_eq!(get("cross-site", "no-cors", "image"), Some(403));
        assert_eq!(get("same-site", "cors", "empty"), Some(403));
        assert_eq!(get("cross-site", "navigate", "iframe"), Some(403));
        assert_eq!(
            refused(Request::get(format!("/{}", "a".repeat(URL_MAX))).header("host", "localhost:7379")),
            Some(414)
        );
    }
}
