//! What becomes of a result.

use ackline_consumer::{BoxError, Outcome};
use ruststream::runtime::HandlerOutcome;
use std::error::Error;
use tracing::{debug, warn};

/// What becomes of a message whose handler failed: FastStream's `ACK`, `REJECT_ON_ERROR` and `NACK_ON_ERROR`. Its `ACK_FIRST`
/// is [`AcklineStream::ack_first`](crate::AcklineStream::ack_first).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OnError {
    /// It is acknowledged all the same.
    Ack,
    /// It is poison.
    Reject,
    /// It is delivered again.
    Nack,
}

/// A handler's result, settled: what an [`Ack`](ackline_consumer::Ack), [`Nack`](ackline_consumer::Nack) or
/// [`Reject`](ackline_consumer::Reject) in it says, however deep below they were raised, or else what a policy says.
///
/// ruststream itself drops a message for every error of its handler, whatever the error is.
///
/// ```
/// use ackline_ruststream::prelude::*;
///
/// # #[derive(serde::Deserialize)] struct Order { id: u64 }
/// #[subscriber(AcklineStream::new("orders").group("billing"))]
/// async fn bill(order: &Order) -> HandlerOutcome {
///     charge(order).await.settled(OnError::Nack)
/// }
///
/// async fn charge(order: &Order) -> anyhow::Result<()> {
///     if order.id == 0 {
///         Err(Reject::because("an order has a number"))?;
///     }
///     Ok(())
/// }
/// # let app = RustStream::new(AppInfo::new("billing", "0.1.0"))
/// #     .with_broker(AcklineBroker::new("memory:"), |b| { b.include(bill); });
/// ```
pub trait Settled {
    /// What it means for the message.
    fn settled(self, on_error: OnError) -> HandlerOutcome;
}

impl<T, E: Into<BoxError>> Settled for Result<T, E> {
    fn settled(self, on_error: OnError) -> HandlerOutcome {
        let Err(error) = self else { return HandlerOutcome::ack() };
        let error = error.into();
        match Outcome::interrupting(&*error) {
            Some(outcome) => interrupted(&outcome),
            None => failed(&*error, on_error),
        }
    }
}

fn interrupted(outcome: &Outcome) -> HandlerOutcome {
    debug!(?outcome, "interrupted");
    match outcome {
        Outcome::Nack(None) | Outcome::Release => HandlerOutcome::retry(),
        Outcome::Nack(Some(wait)) => HandlerOutcome::retry_after(*wait),
        Outcome::Reject(_) => HandlerOutcome::drop(),
        _ => HandlerOutcome::ack(),
    }
}

fn failed(error: &(dyn Error + 'static), on_error: OnError) -> HandlerOutcome {
    warn!(error, ?on_error, "failed");
    match on_error {
        OnError::Ack => HandlerOutcome::ack(),
        OnError::Reject => HandlerOutcome::drop(),
        OnError::Nack => HandlerOutcome::retry(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ackline_consumer::{Ack, Nack, Reject};
    use anyhow::Context;
    use std::time::Duration;

    fn settled(error: impl Into<BoxError>) -> HandlerOutcome {
        Err::<(), _>(error).settled(OnError::Nack)
    }

    #[test]
    fn an_interrupt_decides_from_any_depth() {
        let deep = Err::<(), _>(Reject::because("bad")).context("reading").context("working");
        assert!(deep.settled(OnError::Ack).is_drop());
        assert!(settled(Ack::now()).is_ack());
        assert!(settled(Nack::now()).is_retry());
        let later = settled(Nack::after(Duration::from_secs(3)));
        assert_eq!(later.retry_delay(), Some(Duration::from_secs(3)));
    }

    #[test]
    fn a_failure_is_what_the_policy_says() {
        let fails = || Err::<(), _>(std::io::Error::other("plain"));
        assert!(fails().settled(OnError::Ack).is_ack());
        assert!(fails().settled(OnError::Reject).is_drop());
        assert!(fails().settled(OnError::Nack).is_retry());
        assert!(Ok::<_, std::io::Error>(7).settled(OnError::Reject).is_ack());
    }
}
