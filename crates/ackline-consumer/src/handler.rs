//! Functions as handlers: what they take is made of the message, what they return decides about it.

use crate::codec::{CodecError, Decode};
use crate::format::FormatError;
use crate::headers::Headers;
use crate::id::EntryId;
use crate::message::Message;
use crate::outcome::{BoxError, IntoOutcome, Outcome};
use crate::state::States;
use crate::subscription::Delivery;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

/// A message on its way to a handler: what a layer sees, and what arguments of handlers are made of.
#[derive(Clone, Debug)]
pub struct Job {
    /// The message.
    pub message: Message,
    pub(crate) states: Arc<States>,
}

/// Why a handler's argument cannot be made of a message.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExtractError {
    /// The payload is not what the handler takes.
    #[error(transparent)]
    Decode(#[from] CodecError),
    /// The message itself cannot be read.
    #[error("{0}")]
    Format(FormatError),
    /// No such state was given to the consumer.
    #[error("no state of type {0} was given to the consumer")]
    State(&'static str),
    /// The delivery was taken by another argument, or the policy has acknowledged it already.
    #[error("there is no right to decide about this message: it was taken, or acknowledged first")]
    Delivery,
}

/// What can be an argument of a handler: values in a codec ([`Json`](crate::Json) ..), [`Fields`](crate::Fields),
/// [`Body`](crate::Body), [`Message`], [`EntryId`], [`Headers`], [`State`], and [`Delivery`], for who decides by hand.
pub trait Extract: Sized {
    /// Makes it of a message.
    fn extract(job: &Job) -> Result<Self, ExtractError>;
}

impl<T: Decode> Extract for T {
    fn extract(job: &Job) -> Result<T, ExtractError> {
        let body = job.message.body().map_err(|error| ExtractError::Format(error.clone()))?;
        Ok(T::decode(body, job.message.fields())?)
    }
}

impl Extract for Message {
    fn extract(job: &Job) -> Result<Message, ExtractError> {
        Ok(job.message.clone())
    }
}

impl Extract for EntryId {
    fn extract(job: &Job) -> Result<EntryId, ExtractError> {
        Ok(job.message.id())
    }
}

impl Extract for Headers {
    fn extract(job: &Job) -> Result<Headers, ExtractError> {
        let body = job.message.body().map_err(|error| ExtractError::Format(error.clone()))?;
        Ok(body.headers.clone())
    }
}

/// Takes the right to decide. What is dropped without a verdict while the handler runs is for the policy to decide.
impl Extract for Delivery {
    fn extract(job: &Job) -> Result<Delivery, ExtractError> {
        job.message.take().ok_or(ExtractError::Delivery)
    }
}

/// A value that all messages share: a pool of connections, a configuration. Given to the consumer with
/// [`Consume::state`](crate::Consume::state), told apart by its type.
#[derive(Debug)]
pub struct State<T>(Arc<T>);

impl<T> Clone for State<T> {
    fn clone(&self) -> State<T> {
        State(Arc::clone(&self.0))
    }
}

impl<T> Deref for State<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: Send + Sync + 'static> Extract for State<T> {
    fn extract(job: &Job) -> Result<State<T>, ExtractError> {
        job.states.find().map(State).ok_or(ExtractError::State(std::any::type_name::<T>()))
    }
}

/// An asynchronous function of up to six arguments that are made of a message, and a result that decides about it.
pub trait Handler<Args>: Send + Sync + 'static {
    /// Runs it.
    fn call(&self, job: Job) -> impl Future<Output = Result<Outcome, BoxError>> + Send;
}

macro_rules! handlers {
    ($($arg:ident)*) => {
        impl<F, Fut, $($arg,)*> Handler<($($arg,)*)> for F
        where
            F: Fn($($arg),*) -> Fut + Send + Sync + 'static,
            Fut: Future<Output: IntoOutcome> + Send,
            $($arg: Extract + Send,)*
        {
            #[allow(non_snake_case, unused_variables, reason = "arguments are named like their types")]
            async fn call(&self, job: Job) -> Result<Outcome, BoxError> {
                $(let $arg = $arg::extract(&job)?;)*
                drop(job);
                self($($arg),*).await.into_outcome()
            }
        }
    };
}

handlers!();
handlers!(A);
handlers!(A B);
handlers!(A B C);
handlers!(A B C D);
handlers!(A B C D E);
handlers!(A B C D E G);

impl fmt::Debug for States {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "States({})", self.len())
    }
}
