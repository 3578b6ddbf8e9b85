//! The table of what can go wrong at the HTTP edge.

use axum::http::StatusCode as S;

/// The cause, for programs. Stable: a code never changes its meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Code {
    InvalidRequest,
    NoFile,
    UnexpectedFile,
    EmptyFile,
    Interrupted,
    Malformed,
    Unauthorized,
    NotFound,
    MethodNotAllowed,
    TaskEnded,
    TaskNotFailed,
    TooSlow,
    TooManyUploads,
    LimitExceeded,
    Unsupported,
    Internal,
    Unavailable,
    Overloaded,
    StorageFull,
    TooManySubscriptions,
    PushFailed,
}

/// What is said of a code.
pub(crate) struct Row {
    pub(crate) code: Code,
    /// The stable word.
    pub(crate) name: &'static str,
    pub(crate) status: S,
    pub(crate) title: &'static str,
    /// What to do.
    pub(crate) advice: &'static str,
}

impl Code {
    /// Every code, in the order of the documentation.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        TABLE.iter().map(|row| row.code)
    }

    pub(crate) fn row(self) -> &'static Row {
        &TABLE[self as usize]
    }

    /// Seconds after which it may go better, as `Retry-After` says them.
    pub(crate) fn retry_after(self) -> Option<&'static str> {
        match self {
            Self::TooManyUploads => Some("1"),
            Self::Unavailable | Self::Overloaded => Some("5"),
            _ => None,
        }
    }
}

const fn row(code: Code, name: &'static str, status: S, title: &'static str, advice: &'static str) -> Row {
    Row { code, name, status, title, advice }
}

/// In the order of [`Code`].
static TABLE: [Row; 21] = [
    row(
        Code::InvalidRequest,
        "invalid_request",
        S::BAD_REQUEST,
        "The request is not valid",
        "Correct the value that the detail names.",
    ),
    row(
        Code::NoFile,
        "no_file",
        S::BAD_REQUEST,
        "No image file was sent",
        "Send multipart/form-data with the file in the field `image`.",
    ),
    row(
        Code::UnexpectedFile,
        "unexpected_file",
        S::BAD_REQUEST,
        "A file came in an unexpected field",
        "Send one file, in the field `image`.",
    ),
    row(Code::EmptyFile, "empty_file", S::BAD_REQUEST, "The file is empty", "Send the image's bytes."),
    row(
        Code::Interrupted,
        "interrupted",
        S::BAD_REQUEST,
        "The upload ended before it was complete",
        "Send it again; nothing was kept.",
    ),
    row(
        Code::Malformed,
        "malformed",
        S::BAD_REQUEST,
        "The image is damaged",
        "Export or copy the image again.",
    ),
    row(
        Code::Unauthorized,
        "unauthorized",
        S::UNAUTHORIZED,
        "A valid API key is needed",
        "Send the header `Authorization: Bearer KEY`.",
    ),
    row(Code::NotFound, "not_found", S::NOT_FOUND, "There is no such thing", "Check the address and the id."),
    row(
        Code::MethodNotAllowed,
        "method_not_allowed",
        S::METHOD_NOT_ALLOWED,
        "This method does not work here",
        "See /openapi.json for the methods of each route.",
    ),
    row(
        Code::TaskEnded,
        "task_ended",
        S::CONFLICT,
        "The task has ended already",
        "Read the task to see how it ended.",
    ),
    row(
        Code::TaskNotFailed,
        "task_not_failed",
        S::CONFLICT,
        "The task has not failed",
        "Only a failed task can be tried again. Read the task to see where it stands.",
    ),
    row(
        Code::TooSlow,
        "too_slow",
        S::REQUEST_TIMEOUT,
        "The request came too slowly",
        "Send it again, by a better connection; nothing was kept. The operator can change --stall-timeout, --min-upload-rate and \
         --header-timeout.",
    ),
    row(
        Code::TooManyUploads,
        "too_many_uploads",
        S::TOO_MANY_REQUESTS,
        "Too many uploads of yours at the same time",
        "Wait until one is answered, and then send it again; the operator can raise --max-uploads-per-client.",
    ),
    row(
        Code::LimitExceeded,
        "limit_exceeded",
        S::PAYLOAD_TOO_LARGE,
        "The image is over a limit of this server",
        "Send a smaller image, or ask the operator to raise the limit: --max-bytes, --max-pixels, --max-side, \
         --max-metadata-bytes, --memory, --memory-budget.",
    ),
    row(
        Code::Unsupported,
        "unsupported",
        S::UNSUPPORTED_MEDIA_TYPE,
        "This is not an image that can be compressed",
        "Send JPEG, PNG, WebP, AVIF, GIF, BMP, TIFF, JPEG XL, ICO, QOI or SVG.",
    ),
    row(
        Code::Internal,
        "internal",
        S::INTERNAL_SERVER_ERROR,
        "The server failed",
        "Try again; if it stays, the operator finds the cause in the log under the request's id.",
    ),
    row(
        Code::Unavailable,
        "unavailable",
        S::SERVICE_UNAVAILABLE,
        "The server cannot do this now",
        "Try again in a few seconds.",
    ),
    row(
        Code::Overloaded,
        "overloaded",
        S::SERVICE_UNAVAILABLE,
        "The server has too much to do",
        "Send it again after the seconds that `Retry-After` says. The operator can add workers, or raise the limit that the detail names: \
         --max-uploads, --max-queue, --max-connections, --max-connections-per-client.",
    ),
    row(
        Code::StorageFull,
        "storage_full",
        S::INSUFFICIENT_STORAGE,
        "The server has no room for the image",
        "Nothing was kept. The operator has to free disk space, or to lower --min-free-disk; deleting images helps.",
    ),
    row(
        Code::TooManySubscriptions,
        "too_many_subscriptions",
        S::CONFLICT,
        "No more browsers can be subscribed",
        "Switch notifications off in a browser that does not need them.",
    ),
    row(
        Code::PushFailed,
        "push_failed",
        S::BAD_GATEWAY,
        "The browser's push service did not take a message",
        "Try again; if it stays, subscribe anew in the browser.",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_its_own_row_and_name() {
        assert!(Code::all().all(|code| code.row().code == code));
        let mut names: Vec<_> = Code::all().map(|code| code.row().name).collect();
        names.sort_unstable();
        assert!(names.windows(2).all(|pair| pair[0] != pair[1]));
    }
}
