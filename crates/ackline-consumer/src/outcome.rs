//! What a handler decides.

use crate::producer::Add;
use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

/// An error of any kind.
pub type BoxError = Box<dyn StdError + Send + Sync + 'static>;

/// What shall become of a message.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Outcome {
    /// The handler has nothing to say: its [`AckPolicy`] decides.
    Done,
    /// It is done with.
    Ack,
    /// It is done with, and these entries follow from it: acknowledged and added in one step.
    AckAnd(Vec<Add>),
    /// It shall be delivered again: after the consumer's backoff, or after a time of its own.
    Nack(Option<Duration>),
    /// It is poison, for this reason.
    Reject(String),
    /// It goes back as if it had never been delivered: this consumer cannot work now.
    Release,
}

impl Outcome {
    /// The decision of an [`Ack`], [`Nack`] or [`Reject`] in an error, or anywhere among its causes.
    ///
    /// For those who carry handlers' results out by other means than a [`Consumer`](crate::Consumer).
    pub fn interrupting(error: &(dyn StdError + 'static)) -> Option<Outcome> {
        interruption(error)
    }
}

/// Who acknowledges, and when.
///
/// | policy | the handler returns | it fails | the message cannot be decoded |
/// |---|---|---|---|
/// | `AckFirst` | acknowledged before it was called | - | - |
/// | `Ack` | acknowledged | acknowledged | acknowledged |
/// | `RejectOnError` | acknowledged | poison | poison |
/// | `NackOnError` (default) | acknowledged | delivered again | poison: trying again will not help |
/// | `Manual` | nothing | nothing | nothing |
/// | `None` | the server forgets messages as it delivers them (NOACK) | - | - |
///
/// An [`Outcome`] that the handler returns, and an [`Ack`], [`Nack`] or [`Reject`] that it fails with, is its own decision and
/// holds under every policy that has not acknowledged yet. A panic is a failure.
///
/// `AckFirst` and `None` deliver at most once: what was begun in a process that dies is gone. The others deliver at least once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum AckPolicy {
    /// Acknowledged before the handler is called.
    AckFirst,
    /// Acknowledged whatever happens.
    Ack,
    /// A failure is poison.
    RejectOnError,
    /// A failure is tried again.
    #[default]
    NackOnError,
    /// The handler acknowledges, by means of a [`Delivery`](crate::Delivery).
    Manual,
    /// Nothing is ever acknowledged.
    None,
}

/// Ends the work on a message from any depth: it is done with. An error, to be carried up by `?`, also inside of others.
///
/// ```
/// # use ackline_consumer::Ack;
/// fn deep_down(seen_before: bool) -> anyhow::Result<()> {
///     if seen_before {
///         Err(Ack::now())?;
///     }
///     Ok(())
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Ack(Interrupt);

/// Ends the work on a message from any depth: it shall be delivered again.
#[derive(Clone, Debug)]
pub struct Nack(Interrupt);

/// Ends the work on a message from any depth: it is poison.
#[derive(Clone, Debug)]
pub struct Reject(Interrupt);

/// What interrupts work. It lies below [`Ack`], [`Nack`] and [`Reject`] as their source, because the outermost type of an
/// error is hidden once anyhow or eyre have boxed it, while sources stay visible.
#[derive(Clone, Debug)]
pub(crate) struct Interrupt(Outcome);

impl Ack {
    /// The message is done with.
    pub fn now() -> Ack {
        Ack(Interrupt(Outcome::Ack))
    }
}

impl Nack {
    /// Delivered again after the consumer's backoff.
    pub fn now() -> Nack {
        Nack(Interrupt(Outcome::Nack(None)))
    }

    /// Delivered again after a time of its own.
    pub fn after(wait: Duration) -> Nack {
        Nack(Interrupt(Outcome::Nack(Some(wait))))
    }
}

impl Reject {
    /// Poison, for a reason that goes with it to the dead letters.
    pub fn because(reason: impl Into<String>) -> Reject {
        Reject(Interrupt(Outcome::Reject(reason.into())))
    }
}

impl fmt::Display for Interrupt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Outcome::Nack(Some(wait)) => write!(f, "to be delivered again after {wait:?}"),
            Outcome::Nack(None) => f.write_str("to be delivered again"),
            Outcome::Reject(reason) => write!(f, "rejected: {reason}"),
            _ => f.write_str("acknowledged early"),
        }
    }
}

impl StdError for Interrupt {}

macro_rules! interrupts {
    ($($name:ident),*) => {$(
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl StdError for $name {
            fn source(&self) -> Option<&(dyn StdError + 'static)> {
                Some(&self.0)
            }
        }

        impl From<$name> for Outcome {
            fn from(interrupt: $name) -> Outcome {
                interrupt.0.0
            }
        }
    )*};
}

interrupts!(Ack, Nack, Reject);

/// The decision in an error or anywhere among its causes.
pub(crate) fn interruption(error: &(dyn StdError + 'static)) -> Option<Outcome> {
    causes(error).find_map(|error| error.downcast_ref::<Interrupt>()).map(|interrupt| interrupt.0.clone())
}

/// An error and its causes, the outermost first.
pub(crate) fn causes<'e>(
    error: &'e (dyn StdError + 'static),
) -> impl Iterator<Item = &'e (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |&error| error.source())
}

/// What a handler may return.
pub trait IntoOutcome {
    /// As a decision, or as a failure that the policy decides about.
    fn into_outcome(self) -> Result<Outcome, BoxError>;
}

impl IntoOutcome for () {
    fn into_outcome(self) -> Result<Outcome, BoxError> {
        Ok(Outcome::Done)
    }
}

impl IntoOutcome for Outcome {
    fn into_outcome(self) -> Result<Outcome, BoxError> {
        Ok(self)
    }
}

/// What follows from the message: acknowledged and added in one step.
impl IntoOutcome for Add {
    fn into_outcome(self) -> Result<Outcome, BoxError> {
        Ok(Outcome::AckAnd(vec![self]))
    }
}

/// What follows from the message: acknowledged and added in one step.
impl IntoOutcome for Vec<Add> {
    fn into_outcome(self) -> Result<Outcome, BoxError> {
        Ok(Outcome::AckAnd(self))
    }
}

impl<T: IntoOutcome, E: Into<BoxError>> IntoOutcome for Result<T, E> {
    fn into_outcome(self) -> Result<Outcome, BoxError> {
        self.map_err(Into::into)?.into_outcome()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    enum Wrapped {
        #[error("outer")]
        Outer(#[source] Reject),
        #[error(transparent)]
        Clear(#[from] Nack),
    }

    fn outcome(result: Result<(), impl Into<BoxError>>) -> Option<Outcome> {
        interruption(&*result.err()?.into())
    }

    #[test]
    fn a_decision_is_found_in_every_kind_of_error() {
        let wait = Duration::from_secs(3);
        assert!(matches!(outcome(Err(Ack::now())), Some(Outcome::Ack)));
        assert!(
            matches!(outcome(Err(Wrapped::Clear(Nack::after(wait)))), Some(Outcome::Nack(Some(w))) if w == wait)
        );
        let outer = Wrapped::Outer(Reject::because("no"));
        assert!(matches!(outcome(Err(outer)), Some(Outcome::Reject(why)) if why == "no"));
        let boxed: BoxError = Nack::now().into();
        assert!(matches!(outcome(Err(boxed)), Some(Outcome::Nack(None))));
        assert!(outcome(Err::<(), _>(std::io::Error::other("plain"))).is_none());
        let io = std::io::Error::other(Wrapped::Outer(Reject::because("inside")));
        assert!(matches!(outcome(Err(io)), Some(Outcome::Reject(_))));
    }

    #[test]
    fn also_where_anyhow_and_eyre_hide_the_outermost_type() {
        use anyhow::Context;
        assert!(matches!(outcome(Err(anyhow::Error::from(Ack::now()))), Some(Outcome::Ack)));
        let deep = Err::<(), _>(Nack::now()).context("reading").context("working");
        assert!(matches!(outcome(deep), Some(Outcome::Nack(None))));
        assert!(matches!(outcome(Err(eyre::Report::new(Ack::now()))), Some(Outcome::Ack)));
        let report = eyre::WrapErr::wrap_err(Err::<(), _>(Reject::because("bad")), "working");
        assert!(matches!(outcome(report), Some(Outcome::Reject(_))));
    }
}
