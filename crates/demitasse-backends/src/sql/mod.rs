//! What the SQL stores share: statements whose text SQLite and PostgreSQL both take, and reading the rows they give.
//!
//! Columns are listed by name everywhere. A process of the version before goes on when a newer one adds columns: with
//! `*`, PostgreSQL would refuse its prepared statements.

pub(crate) mod deletion;
pub(crate) mod images;
pub(crate) mod jobs;
pub(crate) mod notices;
pub(crate) mod queue;
pub(crate) mod rows;

use sqlx::query::Query;
use sqlx::{Database, Encode, Pool, Type};

use crate::PoolUse;

/// How far a pool is used. sqlx counts a connection from the moment at which it begins to open it.
pub(crate) fn pool_use<D: Database>(name: &'static str, pool: &Pool<D>) -> PoolUse {
    let idle = u32::try_from(pool.num_idle()).unwrap_or(u32::MAX);
    // The two numbers are not of the same moment.
    let in_use = pool.size().saturating_sub(idle);
    PoolUse { pool: name, in_use, idle, max: pool.options().get_max_connections() }
}

/// A statement and what is bound to its `$1`, `$2`, ...
#[derive(Clone)]
pub(crate) struct Statement {
    pub(crate) sql: &'static str,
    pub(crate) values: Vec<Value>,
}

/// Everything that is ever bound.
#[derive(Clone)]
pub(crate) enum Value {
    Text(Option<String>),
    Integer(Option<i64>),
    Real(Option<f64>),
    Flag(bool),
}

macro_rules! values_from {
    ($($from:ty: |$value:ident| $into:expr;)*) => {
        $(impl From<$from> for Value {
            fn from($value: $from) -> Self {
                $into
            }
        })*
    };
}

values_from! {
    &str: |text| Self::Text(Some(text.into()));
    String: |text| Self::Text(Some(text));
    Option<String>: |text| Self::Text(text);
    i64: |number| Self::Integer(Some(number));
    u32: |number| Self::Integer(Some(number.into()));
    u8: |number| Self::Integer(Some(number.into()));
    Option<i64>: |number| Self::Integer(number);
    Option<f64>: |number| Self::Real(number);
    bool: |flag| Self::Flag(flag);
}

impl Statement {
    pub(crate) fn new(sql: &'static str) -> Self {
        Self { sql, values: Vec::new() }
    }

    /// Binds the next `$n`.
    #[must_use]
    pub(crate) fn bind(mut self, value: impl Into<Value>) -> Self {
        self.values.push(value.into());
        self
    }

    /// The statement as sqlx takes it.
    pub(crate) fn query<DB: Database>(self) -> Query<'static, DB, DB::Arguments>
    where
        Option<String>: Encode<'static, DB> + Type<DB>,
        Option<i64>: Encode<'static, DB> + Type<DB>,
        Option<f64>: Encode<'static, DB> + Type<DB>,
        bool: Encode<'static, DB> + Type<DB>,
    {
        self.values.into_iter().fold(sqlx::query(self.sql), |query, value| match value {
            Value::Text(text) => query.bind(text),
            Value::Integer(number) => query.bind(number),
            Value::Real(number) => query.bind(number),
            Value::Flag(flag) => query.bind(flag),
        })
    }
}

/// A limit as SQL takes it.
fn row_limit(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}
