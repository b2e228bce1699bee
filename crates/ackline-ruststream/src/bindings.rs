//! What AsyncAPI documents say about streams and groups. The specification's binding for Redis is empty so far, so it is an
//! extension.

use crate::source::AcklineStream;
use ackline_consumer::Poison;
use ruststream::asyncapi::{Binding, Bindings};
use serde::Serialize;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Group<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    group: Option<&'a str>,
    lease_seconds: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_deliveries: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dead_letter: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    order_by: Option<&'a str>,
}

pub(crate) fn of_source(source: &AcklineStream) -> Bindings {
    let options = &source.options;
    let group = Group {
        group: source.group.as_deref(),
        lease_seconds: options.lease.as_secs_f64(),
        max_deliveries: options.max_deliveries,
        dead_letter: match &options.poison {
            Poison::DeadLetter => Some(format!("{}:dead", source.stream)),
            Poison::DeadLetterTo(stream) => Some(stream.clone()),
            _ => None,
        },
        order_by: options.order_by.as_deref(),
    };
    // A document without it is better than none.
    Binding::extension("x-ackline", &group)
        .map_or_else(|_| Bindings::new(), |binding| Bindings::new().with(binding))
}
