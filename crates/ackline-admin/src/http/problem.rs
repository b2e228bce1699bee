//! What goes wrong, as the API says it.

use crate::client;
use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use std::io::ErrorKind;

/// An error of the API: `{"error":{"code","message","hint"}}` with a status.
#[derive(Debug)]
pub(crate) struct Problem {
    status: StatusCode,
    code: String,
    message: String,
    hint: Option<&'static str>,
}

/// What handlers answer.
pub(crate) type Answer = Result<Json<serde_json::Value>, Problem>;

impl Problem {
    fn new(status: StatusCode, code: &str, message: impl Into<String>) -> Problem {
        Problem { status, code: code.to_owned(), message: message.into(), hint: None }
    }

    fn hint(self, hint: &'static str) -> Problem {
        Problem { hint: Some(hint), ..self }
    }

    /// What was asked cannot be read.
    pub(crate) fn bad(message: impl Into<String>) -> Problem {
        Problem::new(StatusCode::BAD_REQUEST, "BAD_REQUEST", message)
    }

    /// Nobody is logged in.
    pub(crate) fn login() -> Problem {
        let problem = Problem::new(StatusCode::UNAUTHORIZED, "NOAUTH", "Authentication required.");
        problem.hint("log in with a user of the access control list, or with the admin token")
    }

    /// Name and password, or token, are wrong.
    pub(crate) fn wrong_password() -> Problem {
        let text = "invalid username-password pair, token, or user is disabled.";
        Problem::new(StatusCode::UNAUTHORIZED, "WRONGPASS", text)
    }

    /// The caller may only look.
    pub(crate) fn reader() -> Problem {
        Problem::new(StatusCode::FORBIDDEN, "NOPERM", "this user may look but not change anything")
            .hint("log in as a user who may run XACK, or with the admin token")
    }

    /// The request does not come from where it may.
    pub(crate) fn foreign(message: &str) -> Problem {
        Problem::new(StatusCode::FORBIDDEN, "FORBIDDEN", message)
    }

    /// There is no such thing.
    pub(crate) fn missing(message: impl Into<String>) -> Problem {
        Problem::new(StatusCode::NOT_FOUND, "NOT_FOUND", message)
    }

    /// The path is known, the method is not.
    pub(crate) fn method() -> Problem {
        Problem::new(StatusCode::METHOD_NOT_ALLOWED, "METHOD", "this path does not know the method")
    }

    /// More than one may send.
    pub(crate) fn too_large(status: StatusCode, message: &str) -> Problem {
        Problem::new(status, "TOO_LARGE", message)
    }

    /// The body is not JSON by its own word.
    pub(crate) fn not_json() -> Problem {
        let text = "send Content-Type: application/json";
        Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "BAD_REQUEST", text)
    }

    /// Too many at once, or too many wrong passwords.
    pub(crate) fn too_many(message: &str) -> Problem {
        Problem::new(StatusCode::TOO_MANY_REQUESTS, "TOO_MANY", message)
    }

    /// Not now.
    pub(crate) fn busy(message: &str) -> Problem {
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "BUSY", message)
    }

    /// The data is still being loaded.
    pub(crate) fn loading() -> Problem {
        Problem::said("LOADING Redis is loading the dataset in memory").hint("try again in a second")
    }

    /// An error reply of the server.
    pub(crate) fn said(text: &str) -> Problem {
        let word = text.split(' ').next().unwrap_or_default();
        let is_code = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_uppercase());
        let code = if is_code { word } else { "ERR" };
        let status = match code {
            _ if text == "ERR no such key" => StatusCode::NOT_FOUND,
            "NOPERM" => StatusCode::FORBIDDEN,
            "NOAUTH" => return Problem::login(),
            "WRONGPASS" => StatusCode::UNAUTHORIZED,
            "NOGROUP" => StatusCode::NOT_FOUND,
            "BUSYGROUP" | "WRONGTYPE" => StatusCode::CONFLICT,
            "LOADING" | "OOM" | "MISCONF" => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::UNPROCESSABLE_ENTITY,
        };
        Problem::new(status, code, text)
    }

    /// Whether somebody guessed.
    pub(crate) fn is_wrong_password(&self) -> bool {
        self.code == "WRONGPASS"
    }
}

impl From<client::Error> for Problem {
    fn from(error: client::Error) -> Problem {
        match error {
            client::Error::Server(text) => Problem::said(&text),
            client::Error::Io(error)
                if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) =>
            {
                Problem::busy("the server did not answer in time; it may be paused")
            }
            client::Error::Io(error) if error.kind() == ErrorKind::PermissionDenied => Problem::login(),
            other => Problem::busy(&other.to_string()),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut error = json!({ "code": self.code, "message": self.message });
        if let Some(hint) = self.hint {
            error["hint"] = hint.into();
        }
        let mut response = (self.status, Json(json!({ "error": error }))).into_response();
        let headers = response.headers_mut();
        match self.status {
            // Not `Basic`: a browser would ask with a window of its own.
            StatusCode::UNAUTHORIZED => {
                headers
                    .insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"ackline\""));
            }
            StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
            }
            _ => {}
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_the_server_have_a_status() {
        let cases = [
            ("NOGROUP No such key 'a' or consumer group 'b'", 404, "NOGROUP"),
            ("ERR no such key", 404, "ERR"),
            ("NOPERM User x has no permissions to run the 'xadd' command", 403, "NOPERM"),
            ("WRONGTYPE Operation against a key holding the wrong kind of value", 409, "WRONGTYPE"),
            ("ERR value is not an integer or out of range", 422, "ERR"),
            ("LOADING Redis is loading the dataset in memory", 503, "LOADING"),
        ];
        for (text, status, code) in cases {
            let problem = Problem::said(text);
            assert_eq!((problem.status.as_u16(), problem.code.as_str()), (status, code), "{text}");
        }
    }
}
