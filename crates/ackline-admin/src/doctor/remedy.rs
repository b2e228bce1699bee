//! What mends a finding in one step.

use serde::Serialize;

/// An action as the admin port takes it; the database is the one that was looked at.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "action", rename_all = "snake_case")]
pub enum Remedy {
    /// The entries are done with.
    Ack {
        /// The key.
        #[serde(serialize_with = "crate::words::serialize")]
        stream: Vec<u8>,
        /// The group.
        #[serde(serialize_with = "crate::words::serialize")]
        group: Vec<u8>,
        /// Which.
        ids: Vec<String>,
    },
    /// What a consumer holds goes back to the group.
    ReleaseConsumer {
        /// The key.
        #[serde(serialize_with = "crate::words::serialize")]
        stream: Vec<u8>,
        /// The group.
        #[serde(serialize_with = "crate::words::serialize")]
        group: Vec<u8>,
        /// Who holds it.
        #[serde(serialize_with = "crate::words::serialize")]
        consumer: Vec<u8>,
    },
    /// A consumer is forgotten.
    DeleteConsumer {
        /// The key.
        #[serde(serialize_with = "crate::words::serialize")]
        stream: Vec<u8>,
        /// The group.
        #[serde(serialize_with = "crate::words::serialize")]
        group: Vec<u8>,
        /// Whom.
        #[serde(serialize_with = "crate::words::serialize")]
        consumer: Vec<u8>,
        /// Whether what it holds goes back to the group first.
        release: bool,
    },
}
