//! The bytes of an answer: counted while they come, and in time or not at all.

use std::fmt;

use bytes::Bytes;
use reqwest::Response;
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::time::Instant;
use url::Url;

use super::error::FetchError;
use super::within;

/// An answer whose body is still to be read.
pub struct Fetched {
    /// The address that answered, after all redirects.
    pub url: Url,
    /// The answer's `Content-Type`, which may be wrong.
    pub media_type: Option<String>,
    response: Response,
    limit: u64,
    received: u64,
    deadline: Instant,
}

/// Why a body was not saved.
#[derive(Debug, thiserror::Error)]
pub enum SaveError {
    /// The body did not come whole.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// The bytes could not be written.
    #[error("cannot write what was fetched")]
    Write(#[from] std::io::Error),
}

impl Fetched {
    pub(super) fn new(
        url: Url,
        media_type: Option<String>,
        response: Response,
        limit: u64,
        deadline: Instant,
    ) -> Self {
        Self { url, media_type, response, limit, received: 0, deadline }
    }

    /// The next bytes; `None` at the end.
    ///
    /// # Errors
    /// `TooLarge`, `TooSlow`, or `Broken` if the body ends before its announced length.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, FetchError> {
        let chunk = within(self.deadline, self.response.chunk()).await?;
        self.received += chunk.as_ref().map_or(0, |chunk| chunk.len() as u64);
        if self.received > self.limit {
            return Err(FetchError::TooLarge { limit: self.limit });
        }
        Ok(chunk)
    }

    /// The whole body, in memory.
    ///
    /// # Errors
    /// As [`Fetched::chunk`].
    pub async fn bytes(mut self) -> Result<Vec<u8>, FetchError> {
        let mut bytes = Vec::new();
        while let Some(chunk) = self.chunk().await? {
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes)
    }

    /// Writes the whole body and gives its length. What was written before a failure is left for the caller to discard.
    ///
    /// # Errors
    /// As [`Fetched::chunk`], or the writer's own.
    pub async fn save(mut self, to: &mut (impl AsyncWrite + Unpin)) -> Result<u64, SaveError> {
        while let Some(chunk) = self.chunk().await? {
            to.write_all(&chunk).await?;
        }
        to.flush().await?;
        Ok(self.received)
    }
}

impl fmt::Debug for Fetched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fetched").field("url", &self.url.as_str()).finish_non_exhaustive()
    }
}
