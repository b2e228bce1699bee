//! Logging in and out.

use super::asked::small_body;
use super::caller::{Caller, cookie, is_unguessable};
use super::problem::{Answer, Problem};
use super::sessions::{COOKIE, LIFE, Proof};
use super::site::Site;
use super::standing::Role;
use axum::Json;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

/// `GET /me`. Never refused: a page has to know whether to ask for a password.
pub(crate) async fn me(
    State(site): State<Arc<Site>>,
    ConnectInfo(from): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
) -> Answer {
    let open = site.is_open(from).await?;
    Ok(Json(row(site.caller(&headers, from).await.ok().as_ref(), open)))
}

fn row(caller: Option<&Caller>, open: bool) -> Value {
    json!({
        "user": caller.map(|caller| caller.name.as_str()),
        "role": caller.map(|caller| caller.role.name()),
        "login_required": !open,
        "authenticated": caller.is_some(),
    })
}

/// `POST /login`
pub(crate) async fn login(
    State(site): State<Arc<Site>>,
    ConnectInfo(from): ConnectInfo<SocketAddr>,
    request: Request,
) -> Result<Response, Problem> {
    let body = small_body(request).await?;
    let word = |name: &str| body.get(name).and_then(Value::as_str);
    let proof = match (word("token"), word("user"), word("password")) {
        (Some(token), ..) => site.token_proof(token),
        (None, user, Some(password)) => {
            site.patient(from)?;
            site.by_password(user.unwrap_or("default"), password, from).await
        }
        _ => return Err(Problem::bad("give either token, or user and password")),
    };
    let proof = match proof {
        Ok(proof) if word("token").is_some_and(is_unguessable) => proof,
        proof => site.guarded(from, proof)?,
    };
    let caller = site.by_proof(proof.clone()).await?;
    let cookie = site.sessions.begin(proof, Instant::now());
    let cookie = cookie.map_err(|_| Problem::busy("the system has no random numbers"))?;
    let answer = Json(row(Some(&caller), site.is_open(from).await?));
    Ok(([(header::SET_COOKIE, set_cookie(&cookie, LIFE.as_secs()))], answer).into_response())
}

/// `POST /logout`
pub(crate) async fn logout(State(site): State<Arc<Site>>, headers: HeaderMap) -> Response {
    if let Some(cookie) = cookie(&headers) {
        site.sessions.end(&cookie);
    }
    ([(header::SET_COOKIE, set_cookie("", 0))], Json(json!({ "authenticated": false }))).into_response()
}

fn set_cookie(value: &str, seconds: u64) -> String {
    format!("{COOKIE}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict")
}

impl Site {
    fn token_proof(&self, token: &str) -> Result<Proof, Problem> {
        let caller = self.by_token(token).ok_or_else(Problem::wrong_password)?;
        Ok(Proof::Token(caller.role, self.print(&self.token(caller.role))))
    }

    /// The role under which nobody is asked who they are, for logs.
    pub(crate) fn has_token(&self) -> bool {
        [Role::Operator, Role::Reader].iter().any(|role| !self.token(*role).is_empty())
    }
}
