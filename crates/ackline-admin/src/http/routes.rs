//! Every path of the admin port.

use super::actions;
use super::pages::{attention, dead, entries, server, streams};
use super::problem::Problem;
use super::site::Site;
use super::{console, guard, health, login, metrics, openapi, series, tail};
use axum::Router;
use axum::http::Uri;
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, any, get, post};
use std::sync::Arc;

/// The API's paths below `/api/v1`.
pub(crate) fn api() -> Vec<(&'static str, MethodRouter<Arc<Site>>)> {
    vec![
        ("/me", get(login::me)),
        ("/login", post(login::login)),
        ("/logout", post(login::logout)),
        ("/overview", get(server::overview)),
        ("/attention", get(attention::list)),
        ("/streams", get(streams::list)),
        ("/streams/{key}", get(streams::one)),
        ("/streams/{key}/entries", get(entries::list)),
        ("/streams/{key}/entries/{id}", get(entries::one)),
        ("/streams/{key}/tail", get(tail::tail)),
        ("/streams/{key}/groups", get(streams::groups)),
        ("/streams/{key}/groups/{group}", get(streams::group)),
        ("/streams/{key}/groups/{group}/pending", get(entries::pending)),
        ("/dead", get(dead::list)),
        ("/dead/{key}/entries", get(entries::dead)),
        ("/actions", post(actions::act)),
        ("/series", get(series::series)),
        ("/events", get(tail::events)),
        ("/slowlog", get(server::slowlog)),
        ("/clients", get(server::clients)),
        ("/config", get(server::config)),
        ("/openapi.json", get(openapi::description)),
    ]
}

/// Where the API is.
const BASE: &str = "/api/v1";

/// All of them.
pub(crate) fn router(site: Arc<Site>) -> Router {
    let with = |router: Router<Arc<Site>>, (path, method): (&'static str, MethodRouter<Arc<Site>>)| {
        // Not nested: handlers read the whole path, byte by byte.
        router.route(&format!("{BASE}{path}"), method.fallback(async || Problem::method()))
    };
    api()
        .into_iter()
        .fold(Router::new(), with)
        .route("/api", any(nowhere))
        .route("/api/", any(nowhere))
        .route("/api/{*path}", any(nowhere))
        .route("/metrics", get(metrics::metrics))
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .fallback_service(get(console::file).with_state(()))
        .layer(from_fn_with_state(Arc::clone(&site), guard::guard))
        .with_state(site)
}

async fn nowhere(uri: Uri) -> Response {
    Problem::missing(format!("there is no {} in this API", uri.path())).into_response()
}
