//! Why a connection was not answered.

use crate::activity::open_loop::Answer;
use crate::cell_error::CellError;
use std::io::ErrorKind;

/// Why a connection was not answered.
#[derive(Debug)]
pub(crate) enum Unanswered {
    /// The connection broke, or was not made: doing what, and why.
    Broken(String, std::io::Error),
    /// Anything else.
    Other(CellError),
}

impl Unanswered {
    /// How the connection ended.
    ///
    /// # Errors
    /// If it neither got lost nor was reset.
    pub(crate) fn answer(self) -> Result<Answer, CellError> {
        let Self::Broken(_, error) = &self else { return Err(self.into()) };
        match (error.kind(), error.raw_os_error()) {
            (ErrorKind::TimedOut | ErrorKind::WouldBlock, _) | (_, Some(libc::EINPROGRESS)) => Ok(Answer::Lost),
            (
                ErrorKind::ConnectionRefused
                | ErrorKind::ConnectionReset
                | ErrorKind::ConnectionAborted
                | ErrorKind::BrokenPipe
                | ErrorKind::HostUnreachable
                | ErrorKind::NetworkUnreachable
                | ErrorKind::UnexpectedEof,
                _,
            ) => Ok(Answer::Reset),
            _ => Err(self.into()),
        }
    }
}

impl From<CellError> for Unanswered {
    fn from(error: CellError) -> Self {
        Self::Other(error)
    }
}

impl From<Unanswered> for CellError {
    fn from(unanswered: Unanswered) -> Self {
        match unanswered {
            Unanswered::Broken(doing, error) => Self::Failed(format!("{doing}: {error}")),
            Unanswered::Other(error) => error,
        }
    }
}
