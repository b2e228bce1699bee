//! Bytes in JSON: a string if they are UTF-8, else `{"base64":".."}`.

use super::problem::Problem;
use crate::words::Json;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// As the API shows them.
pub(crate) fn shown(bytes: &[u8]) -> Value {
    json!(Json(bytes))
}

/// As callers write them; numbers are taken as they are written. `what` names them in errors.
pub(crate) fn read(value: &Value, what: &str) -> Result<Vec<u8>, Problem> {
    match value {
        Value::String(text) => return Ok(text.clone().into_bytes()),
        Value::Number(number) => return Ok(number.to_string().into_bytes()),
        _ => {}
    }
    let encoded = value.get("base64").and_then(Value::as_str);
    let decoded = encoded.and_then(|text| STANDARD.decode(text).ok());
    decoded.ok_or_else(|| Problem::bad(format!("{what}: expected a string, or {{\"base64\":\"..\"}}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back() {
        for bytes in [&b"orders"[..], b"", "Tee für zwei".as_bytes(), b"\xff\x00a"] {
            assert_eq!(read(&shown(bytes), "x").expect("readable"), bytes);
        }
        assert_eq!(shown(b"\xff"), json!({ "base64": "/w==" }));
        assert_eq!(read(&json!(7), "x").expect("readable"), b"7");
        for bad in [json!(null), json!({"base64": "*"}), json!([1])] {
            assert!(read(&bad, "x").is_err(), "{bad}");
        }
    }
}
