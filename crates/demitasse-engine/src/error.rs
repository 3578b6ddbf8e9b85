//! What can go wrong, by who is at fault.

use crate::Format;

/// The result of an engine call.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why the engine gave up, by cause.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The bytes claim to be a format and break its rules: corrupt or cut off. Trying again is no use.
    #[error("{format} is damaged: {detail}")]
    Malformed {
        /// What the bytes claim to be.
        format: Format,
        /// What is wrong, for people.
        detail: String,
    },
    /// The bytes are no image, or of a kind that this engine does not take.
    #[error("{0}")]
    Unsupported(String),
    /// A limit was exceeded; found from the header, before decoding, wherever the header says it.
    #[error("it has {actual} {limit}, above the limit of {allowed}")]
    LimitExceeded {
        /// Which limit, as what is counted: `bytes`, `pixels`, `columns`, `rows`, `scans`, `segments`, `metadata bytes`.
        limit: &'static str,
        /// What the image has.
        actual: u64,
        /// What is allowed.
        allowed: u64,
    },
    /// More memory would be needed than may be used; found from the header, before decoding.
    #[error(
        "it needs about {} MB of memory, and {} MB may be used: ask for one format instead of several, or a smaller image",
        .needed.div_ceil(1_000_000), .budget / 1_000_000
    )]
    MemoryBudget {
        /// Bytes, as predicted: [`crate::memory_needed`].
        needed: u64,
        /// Bytes: [`crate::Limits::max_memory`].
        budget: u64,
    },
    /// A codec failed on an image that it should take: our fault.
    #[error("the {codec} codec failed: {detail}")]
    Codec {
        /// Which codec.
        codec: &'static str,
        /// What it said.
        detail: String,
    },
    /// [`crate::Control`]'s deadline passed.
    #[error("the deadline passed")]
    DeadlineExceeded,
    /// [`crate::Control`]'s cancel flag was set.
    #[error("cancelled")]
    Cancelled,
    /// The request asks for what cannot be: a target outside 0 to 100, for example.
    #[error("{0}")]
    InvalidRequest(String),
}

impl Error {
    /// A stable word for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Malformed { .. } => "malformed",
            Self::Unsupported(_) => "unsupported",
            Self::LimitExceeded { .. } | Self::MemoryBudget { .. } => "limit_exceeded",
            Self::Codec { .. } => "codec_failed",
            Self::DeadlineExceeded => "deadline_exceeded",
            Self::Cancelled => "cancelled",
            Self::InvalidRequest(_) => "invalid_request",
        }
    }

    pub(crate) fn malformed(format: Format, detail: impl ToString) -> Self {
        Self::Malformed { format, detail: detail.to_string() }
    }

    pub(crate) fn codec(codec: &'static str, detail: impl ToString) -> Self {
        Self::Codec { codec, detail: detail.to_string() }
    }
}
