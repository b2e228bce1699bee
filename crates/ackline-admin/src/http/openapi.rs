//! The API's description of itself.

use axum::http::header;
use axum::response::{IntoResponse, Response};

/// OpenAPI 3.1.
const DESCRIPTION: &str = include_str!("openapi.json");

/// `GET /openapi.json`
pub(crate) async fn description() -> Response {
    ([(header::CONTENT_TYPE, "application/json")], DESCRIPTION).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::routes;
    use serde_json::Value;
    use std::collections::BTreeSet;

    #[test]
    fn every_route_is_described_and_there_are_no_others() {
        let description: Value = serde_json::from_str(DESCRIPTION).expect("JSON");
        let paths = description["paths"].as_object().expect("paths");
        let described: BTreeSet<String> = paths.keys().cloned().collect();
        let routed: BTreeSet<String> = routes::api().into_iter().map(|(path, _)| path.to_owned()).collect();
        assert_eq!(described, routed);
    }

    /// Every `$ref` leads somewhere.
    #[test]
    fn references_have_targets() {
        let description: Value = serde_json::from_str(DESCRIPTION).expect("JSON");
        let mut left = vec![&description];
        while let Some(value) = left.pop() {
            match value {
                Value::Object(map) => left.extend(map.values()),
                Value::Array(items) => left.extend(items),
                _ => {}
            }
            if let Some(target) = value.get("$ref").and_then(Value::as_str) {
                assert!(description.pointer(&target[1..]).is_some(), "{target}");
            }
        }
    }
}
