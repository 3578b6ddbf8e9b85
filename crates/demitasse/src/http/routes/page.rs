//! Lists in pages, newest first.

use axum::extract::Query;
use axum::extract::rejection::QueryRejection;
use axum::http::{HeaderName, header};
use demitasse_core::{Sequence, Upload};
use serde::Deserialize;

use crate::http::error::{ApiError, Code};
use crate::http::urls::BaseUrl;

/// Rows on a page, unless the client says otherwise, and at most.
const LIMIT: (usize, usize) = (50, 200);

/// Which page.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct PageQuery {
    /// Rows on the page, 1 to 200; 50 if not given.
    limit: Option<usize>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// A page that was asked for, checked.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked {
    /// Rows on it; one more tells whether another page follows.
    pub(super) limit: usize,
    /// The last row of the page before.
    pub(super) before: Option<Sequence>,
}

/// A page that was found.
pub(super) struct Page {
    pub(super) rows: Vec<Upload>,
    pub(super) next_cursor: Option<String>,
    limit: usize,
}

impl PageQuery {
    /// Checks what was asked for.
    ///
    /// # Errors
    /// `InvalidRequest`.
    pub(super) fn read(query: Result<Query<Self>, QueryRejection>) -> Result<Asked, ApiError> {
        let Query(query) = query.map_err(|error| ApiError::new(Code::InvalidRequest, error.body_text()))?;
        let limit = query.limit.unwrap_or(LIMIT.0);
        if limit == 0 || limit > LIMIT.1 {
            return Err(ApiError::new(
                Code::InvalidRequest,
                format!("limit is {limit}; it goes from 1 to {}.", LIMIT.1),
            ));
        }
        Ok(Asked { limit, before: query.cursor.as_deref().map(read_cursor).transpose()? })
    }
}

impl Asked {
    /// Makes the page of what was found, which is one row more if another page follows.
    pub(super) fn page(self, mut rows: Vec<Upload>) -> Page {
        let has_more = rows.len() > self.limit;
        rows.truncate(self.limit);
        let next_cursor = rows.last().filter(|_| has_more).map(|last| cursor(last.image.sequence));
        Page { rows, next_cursor, limit: self.limit }
    }
}

impl Page {
    /// Where the next page is.
    pub(super) fn link(&self, path: &str, base: &BaseUrl) -> Option<[(HeaderName, String); 1]> {
        self.next_cursor.as_ref().map(|cursor| {
            let next = base.join(&format!("{path}?limit={}&cursor={cursor}", self.limit));
            [(header::LINK, format!("<{next}>; rel=\"next\""))]
        })
    }
}

/// A cursor is opaque to clients: the place of the last image seen, in hexadecimal.
fn cursor(sequence: Sequence) -> String {
    format!("{:016x}", sequence.0)
}

fn read_cursor(text: &str) -> Result<Sequence, ApiError> {
    let place = i64::from_str_radix(text, 16).ok().filter(|place| *place >= 0);
    place.map(Sequence).ok_or_else(|| {
        ApiError::new(
            Code::InvalidRequest,
            "cursor is not one that this server gave; leave it out to begin anew.",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_reads_back_and_anything_else_is_refused() {
        assert_eq!(read_cursor(&cursor(Sequence(4711))).unwrap(), Sequence(4711));
        for wrong in ["", "-1", "x", "ffffffffffffffffff"] {
            assert!(read_cursor(wrong).is_err(), "{wrong}");
        }
    }
}
