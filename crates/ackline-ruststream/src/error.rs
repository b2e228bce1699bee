//! What can go wrong.

use ruststream::AckError;

/// An error of the broker, a subscription or a publisher.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AcklineError {
    /// What ackline-consumer reports: no connection, an error reply, a value that cannot be written.
    #[error(transparent)]
    Client(#[from] ackline_consumer::Error),
    /// The broker was shut down.
    #[error("the broker was shut down")]
    Closed,
    /// A stream is read for a group, and nobody said for which.
    #[error(
        "no group to read {stream:?} for: name one with AcklineStream::group, or one for all with AcklineBroker::group"
    )]
    NoGroup {
        /// The stream.
        stream: String,
    },
    /// Two handlers of one group would each get a part of the messages.
    #[error(
        "{stream:?} is read for the group {group:?} already: more workers share out messages with `workers(n)`, another \
         handler needs a group of its own"
    )]
    Taken {
        /// The stream.
        stream: String,
        /// The group.
        group: String,
    },
    /// A delivery limit without a destination, or a destination without a limit.
    #[error("{0}")]
    HalfDeclaration(#[from] HalfDeclaration),
    /// Headers are text here.
    #[error("the header {name:?} is not UTF-8")]
    Header {
        /// Its name.
        name: String,
    },
    /// An entry can be added once only by a producer with a name.
    #[error("`once` needs a producer: name one with AcklinePublish::producer")]
    NoProducer,
    /// Only one transaction at a time is open on a publisher.
    #[error("a transaction is open already")]
    TransactionOpen,
    /// There is nothing to commit or to abort.
    #[error("no transaction is open")]
    NoTransaction,
}

/// A registration declared `max_attempts(..)` without `dead_letter(..)`, or the other way round.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "max_attempts(..) and dead_letter(..) go together; one without the other is declared on the descriptor: \
     AcklineStream::max_deliveries, AcklineStream::dead_letter_to, AcklineStream::poison"
)]
pub struct HalfDeclaration;

/// What calls of this crate give.
pub type Result<T, E = AcklineError> = std::result::Result<T, E>;

pub(crate) fn ack_error(error: ackline_consumer::Error) -> AckError {
    AckError::Broker(Box::new(error))
}
