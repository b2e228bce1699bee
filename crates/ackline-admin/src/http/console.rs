//! The console: files that are part of the binary.

use axum::http::header::{self, HeaderMap};
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use rust_embed::{EmbeddedFile, RustEmbed};
use std::fmt::Write;

#[derive(RustEmbed)]
#[folder = "console/"]
struct Files;

/// A file, or the page that shows all others: where it stands is a matter between it and the address line.
pub(crate) async fn file(uri: Uri, headers: HeaderMap) -> Response {
    let path = uri.path().trim_start_matches('/');
    match Files::get(path) {
        Some(file) => answer(path, &file, &headers),
        None if is_place(path) => match Files::get("index.html") {
            Some(file) => answer("index.html", &file, &headers),
            None => missing(),
        },
        None => missing(),
    }
}

/// Whether a path is a place in the console. A key may look like the name of a file.
fn is_place(path: &str) -> bool {
    let is_key = path.starts_with("streams/") || path.starts_with("dead/");
    is_key || kind(path) == UNKNOWN
}

fn missing() -> Response {
    (StatusCode::NOT_FOUND, "there is no such file\n").into_response()
}

fn answer(path: &str, file: &EmbeddedFile, headers: &HeaderMap) -> Response {
    let mut tag = String::from("\"");
    for byte in &file.metadata.sha256_hash()[..16] {
        // Writing to a String cannot fail.
        let _ = write!(tag, "{byte:02x}");
    }
    tag.push('"');
    let known = headers.get(header::IF_NONE_MATCH).and_then(|tags| tags.to_str().ok());
    // Asked for anew each time, and sent only if another version runs.
    let about = [(header::ETAG, tag.clone()), (header::CACHE_CONTROL, "no-cache".to_owned())];
    if known.is_some_and(|known| known.split(',').any(|one| one.trim().trim_start_matches("W/") == tag)) {
        return (StatusCode::NOT_MODIFIED, about).into_response();
    }
    (about, [(header::CONTENT_TYPE, kind(path))], file.data.clone()).into_response()
}

/// What is of no kind that the console has.
const UNKNOWN: &str = "application/octet-stream";

fn kind(path: &str) -> &'static str {
    match path.rsplit('.').next().unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "json" | "map" => "application/json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "webmanifest" => "application/manifest+json",
        "txt" => "text/plain; charset=utf-8",
        _ => UNKNOWN,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_and_places() {
        for place in ["", "streams", "streams/orders.js", "dead/a:dead", "streams/a/groups/b.c"] {
            assert!(is_place(place), "{place}");
        }
        for file in ["favicon.ico", "nosuch.js", "css/nosuch.css"] {
            assert!(!is_place(file), "{file}");
        }
    }
}
