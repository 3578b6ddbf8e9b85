//! SQLite's rows.

use demitasse_core::StoreError;
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use super::BACKEND;
use super::error::store_error;
use crate::sql::rows::Columns;

impl Columns for SqliteRow {
    const BACKEND: &'static str = BACKEND;

    fn optional_text(&self, column: &str) -> Result<Option<String>, StoreError> {
        self.try_get(column).map_err(store_error(column))
    }

    fn integer(&self, column: &str) -> Result<Option<i64>, StoreError> {
        self.try_get(column).map_err(store_error(column))
    }

    fn real(&self, column: &str) -> Result<Option<f64>, StoreError> {
        self.try_get(column).map_err(store_error(column))
    }
}
