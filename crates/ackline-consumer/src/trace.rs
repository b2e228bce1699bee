//! Trace contexts in headers.

use crate::headers::Headers;

/// Writes the current span's context, if there is one, into the headers of a message.
#[cfg(not(feature = "otel"))]
pub(crate) fn inject(_: &mut Headers) {}

#[cfg(feature = "otel")]
pub(crate) fn inject(_: &mut Headers) {}
