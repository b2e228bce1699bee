//! What handlers learn about a delivery.

use crate::message::AcklineMessage;
use crate::subscriber::Opened;
use ackline_consumer::EntryId;
use ruststream::{BuildContext, ContextField, Field};
use std::fmt;
use std::sync::Arc;

/// What a delivery says apart from its message. Handlers read it by key:
///
/// ```
/// use ackline_ruststream::prelude::*;
///
/// # #[derive(serde::Deserialize)] struct Order { id: u64 }
/// #[subscriber(AcklineStream::new("orders").group("billing"))]
/// async fn bill(order: &Order, Ctx(id): Ctx<Entry>, Ctx(deliveries): Ctx<Deliveries>) -> HandlerOutcome {
///     println!("{id}: order {}, delivery {deliveries}", order.id);
///     HandlerOutcome::ack()
/// }
/// # let app = RustStream::new(AppInfo::new("billing", "0.1.0"))
/// #     .with_broker(AcklineBroker::new("memory:"), |b| { b.include(bill); });
/// ```
#[non_exhaustive]
pub struct AcklineContext {
    /// The entry's ID.
    pub id: EntryId,
    /// Which delivery this is: 1 at first.
    pub deliveries: u64,
    opened: Arc<Opened>,
}

impl BuildContext<AcklineMessage> for AcklineContext {
    fn build(message: &AcklineMessage) -> AcklineContext {
        AcklineContext { id: message.id(), deliveries: message.deliveries(), opened: message.opened() }
    }
}

impl fmt::Debug for AcklineContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("AcklineContext");
        debug.field("id", &self.id).field("deliveries", &self.deliveries).finish_non_exhaustive()
    }
}

/// Key: the ID of the entry.
#[derive(Clone, Copy, Debug, Default)]
pub struct Entry;

/// Key: which delivery of the entry this is, 1 at first.
#[derive(Clone, Copy, Debug, Default)]
pub struct Deliveries;

/// Key: the group that it was read for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Group;

/// Key: the consumer that it was delivered to.
#[derive(Clone, Copy, Debug, Default)]
pub struct Consumer;

macro_rules! keys {
    ($($key:ident => $value:ty, $read:expr;)*) => {$(
        impl Field<AcklineContext> for $key {
            type Value<'a> = $value;

            fn get(self, context: &AcklineContext) -> $value {
                self.read(context)
            }
        }

        impl ContextField for $key {
            type Context = AcklineContext;
            type Value = $value;

            fn read(self, context: &AcklineContext) -> $value {
                let read: fn(&AcklineContext) -> $value = $read;
                read(context)
            }
        }
    )*};
}

keys! {
    Entry => EntryId, |context| context.id;
    Deliveries => u64, |context| context.deliveries;
    Group => String, |context| context.opened.group().to_owned();
    Consumer => String, |context| context.opened.subscription.consumer().to_owned();
}
