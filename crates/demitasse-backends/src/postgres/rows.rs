//! PostgreSQL's rows.

use demitasse_core::StoreError;
use sqlx::Row;
use sqlx::postgres::PgRow;

use super::error::store_error;
use super::{BACKEND, text};
use crate::sql::rows::Columns;

impl Columns for PgRow {
    const BACKEND: &'static str = BACKEND;

    fn optional_text(&self, column: &str) -> Result<Option<String>, StoreError> {
        let text: Option<String> = self.try_get(column).map_err(store_error(column))?;
        Ok(text.map(text::unescape))
    }

    fn integer(&self, column: &str) -> Result<Option<i64>, StoreError> {
        self.try_get(column).map_err(store_error(column))
    }

    fn real(&self, column: &str) -> Result<Option<f64>, StoreError> {
        self.try_get(column).map_err(store_error(column))
    }
}
