//! How attempts go wrong, and which may be repeated.

use demitasse_core::{ErrorKind, Failure, StoreError};

use super::engine_child::EngineFault;
use crate::http::sentence;

/// How an attempt went wrong: decided where it went wrong.
pub(super) enum Fault {
    /// Another attempt cannot help.
    Fail(Failure),
    /// Another attempt may.
    Retry(Failure),
    /// Somebody else has the job; what we did is dropped.
    Lost,
    /// The owner no longer wants it.
    Cancelled,
    /// The server stops.
    Stopping,
}

pub(super) fn failure(code: &str, detail: impl Into<String>) -> Failure {
    Failure { code: code.into(), detail: detail.into() }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, source = ?error.source, "a store failed a job");
        Self::Retry(match error.kind {
            ErrorKind::Full => failure("storage_full", "The server had no room for the result."),
            _ => failure("internal", "A store of the server failed; the cause is in its log."),
        })
    }
}

impl From<EngineFault> for Fault {
    fn from(fault: EngineFault) -> Self {
        match fault {
            EngineFault::Refused { code, detail } => Self::Fail(failure(&code, sentence(&detail))),
            EngineFault::Deadline(allowed) => {
                let detail = format!(
                    "Compressing took longer than the {} seconds that are allowed.",
                    allowed.as_secs()
                );
                Self::Retry(failure("deadline_exceeded", detail))
            }
            EngineFault::Crashed(how) => Self::Retry(failure("crashed", sentence(&how))),
            EngineFault::Start(error) => {
                tracing::error!(%error, "the engine's child process could not be started");
                Self::Retry(failure("internal", "The process that compresses images could not be started."))
            }
            EngineFault::Input(error) => error.into(),
        }
    }
}
