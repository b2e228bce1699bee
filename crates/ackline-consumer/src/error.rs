//! What can go wrong between a program and its streams.

use crate::codec::CodecError;
use crate::format::FormatError;
use std::any::Any;
use std::fmt;
use std::sync::Arc;
use tokio::task::JoinError;

/// An error of a call to a server or to the embedded engine.
///
/// Cheap to clone: one failure may have to be told to several callers whose commands went out together.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The URL says nothing that can be opened.
    #[error("{url}: {reason}")]
    Url {
        /// The URL, without its password.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// There is no connection, or it broke. Whether a command took effect is unknown.
    #[error("no connection to {peer}: {reason}")]
    Connection {
        /// Who was spoken to.
        peer: String,
        /// What happened.
        reason: String,
    },
    /// The server answered with an error: the command surely took no effect.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// The answer has a shape that this command does not have.
    #[error("unexpected answer to {command}: {got}")]
    Answer {
        /// The command's name.
        command: &'static str,
        /// What kind of answer it is.
        got: &'static str,
    },
    /// The directory of an embedded engine could not be opened.
    #[error("cannot open {dir}: {reason}")]
    Open {
        /// The directory.
        dir: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The server cannot do what is asked for.
    #[error("{peer} has no {feature}")]
    Unsupported {
        /// Who was spoken to.
        peer: String,
        /// What it does not have.
        feature: &'static str,
    },
    /// A value cannot be written as a message.
    #[error(transparent)]
    Codec(Arc<CodecError>),
    /// A message cannot be written as an entry.
    #[error(transparent)]
    Format(Arc<FormatError>),
    /// A task of a consumer has panicked, which is a bug of this library. The consumer has stopped.
    #[error("a task of the consumer panicked: {0}")]
    Panicked(Arc<str>),
    /// Another consumer has the entry by now, because this one was not heard of for longer than its lease.
    #[error("another consumer has the entry by now")]
    Lost,
    /// The consumer has stopped, or the client was closed.
    #[error("closed")]
    Closed,
}

impl Error {
    /// Whether trying again later may help: the connection failed, or the server is not ready to serve (starting, failing
    /// over, no room, out of memory).
    pub fn is_transient(&self) -> bool {
        match self {
            Error::Connection { .. } => true,
            Error::Server(error) => error.is_transient(),
            _ => false,
        }
    }

    /// Whether the error says that the stream or its group is not there.
    pub fn is_no_group(&self) -> bool {
        matches!(self, Error::Server(error) if error.code() == "NOGROUP")
    }

    #[cfg(feature = "redis")]
    pub(crate) fn server(text: impl Into<String>) -> Error {
        Error::Server(ServerError::new(text))
    }

    /// What becomes of a task that has ended without a result.
    pub(crate) fn panicked(task: JoinError) -> Error {
        match task.try_into_panic() {
            Ok(panic) => Error::Panicked(panic_text(&*panic).into()),
            // The runtime is going down.
            Err(_) => Error::Closed,
        }
    }
}

/// What a panic says.
pub(crate) fn panic_text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or_default()
}

impl From<CodecError> for Error {
    fn from(error: CodecError) -> Error {
        Error::Codec(Arc::new(error))
    }
}

impl From<FormatError> for Error {
    fn from(error: FormatError) -> Error {
        Error::Format(Arc::new(error))
    }
}

/// An error reply, as the server wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerError(Arc<str>);

impl ServerError {
    /// An error reply: its code, a space, its text.
    pub fn new(text: impl Into<String>) -> ServerError {
        ServerError(text.into().into())
    }

    /// The first word: `ERR`, `NOGROUP`, `WRONGTYPE` ..
    pub fn code(&self) -> &str {
        self.0.split(' ').next().unwrap_or_default()
    }

    /// The whole text, its code included.
    pub fn text(&self) -> &str {
        &self.0
    }

    fn is_transient(&self) -> bool {
        const CODES: [&str; 12] = [
            "LOADING",
            "MOVED",
            "ASK",
            "BUSY",
            "TRYAGAIN",
            "CLUSTERDOWN",
            "MASTERDOWN",
            "READONLY",
            "MISCONF",
            "OOM",
            "NOREPLICAS",
            "UNBLOCKED",
        ];
        CODES.contains(&self.code())
    }

    /// Whether the server does not know the command.
    pub(crate) fn is_unknown_command(&self) -> bool {
        self.0.get(..19).is_some_and(|start| start.eq_ignore_ascii_case("ERR unknown command"))
    }
}

impl fmt::Display for ServerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ServerError {}

/// What calls to a server give.
pub type Result<T, E = Error> = std::result::Result<T, E>;
