//! The page of metrics, in the text format of OpenMetrics.
//!
//! ```text
//! server   INFO, and what only the process knows: how long commands and syncs take, what becomes of entries
//! streams  XINFO and XPENDING of every stream, up to a limit
//! family   both as families of samples, and these as text
//! ```
//!
//! Names begin with `ackline_`. Those of redis_exporter that dashboards for streams use are there as well, with its labels, so
//! that a dashboard needs no exporter; see [`streams`].

mod family;
mod server;
mod streams;

use crate::client::{Client, Error};
use ackline_server::Handle;
use family::Families;

/// The type of the page.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// What is on the page beside the server itself.
#[derive(Clone, Debug)]
pub struct Options {
    /// Which streams, as a pattern.
    pub pattern: Vec<u8>,
    /// So many streams; how many more there are is a metric of its own.
    pub streams_max: usize,
    /// Series for each consumer, of which there may be many.
    pub consumers: bool,
}

impl Default for Options {
    /// The first 1,000 streams, no consumers.
    fn default() -> Options {
        Options { pattern: b"*".to_vec(), streams_max: 1000, consumers: false }
    }
}

/// The page. `client` is a connection into the same server; it is left in database 0.
///
/// # Errors
///
/// A command was refused, or the data is still being loaded.
pub fn page(handle: &Handle, client: &mut Client, options: &Options) -> Result<String, Error> {
    let mut families = Families::default();
    server::gather(handle, client, &mut families)?;
    streams::gather(client, options, &mut families)?;
    Ok(families.text())
}
