//! Push subscriptions and settings.

use demitasse_core::{ErrorKind, OwnerId, StoreError, Subscription};

use super::Statement;
use super::rows::{Columns, Fields};

pub(crate) fn subscribe(subscription: Subscription) -> Statement {
    Statement::new(
        "INSERT INTO subscriptions (endpoint, owner, p256dh, auth, created_at) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (endpoint) DO UPDATE SET owner = excluded.owner, p256dh = excluded.p256dh,
             auth = excluded.auth, created_at = excluded.created_at",
    )
    .bind(subscription.endpoint)
    .bind(subscription.owner.to_string())
    .bind(subscription.p256dh)
    .bind(subscription.auth)
    .bind(subscription.created_at.as_millisecond())
}

pub(crate) fn subscriptions(owner: OwnerId) -> Statement {
    Statement::new("SELECT owner, endpoint, p256dh, auth, created_at FROM subscriptions WHERE owner = $1")
        .bind(owner.to_string())
}

/// Reads a row of [`subscriptions`].
pub(crate) fn subscription(row: &impl Columns) -> Result<Subscription, StoreError> {
    let fields = Fields(row);
    Ok(Subscription {
        owner: fields.parsed("owner")?,
        endpoint: fields.text("endpoint")?,
        p256dh: fields.text("p256dh")?,
        auth: fields.text("auth")?,
        created_at: fields.time("created_at")?,
    })
}

pub(crate) fn unsubscribe(endpoint: &str) -> Statement {
    Statement::new("DELETE FROM subscriptions WHERE endpoint = $1").bind(endpoint)
}

/// An update that changes nothing, so that the row is returned in either case.
pub(crate) fn setting_or_insert(name: &str, value: String) -> Statement {
    Statement::new(
        "INSERT INTO settings (name, value) VALUES ($1, $2)
         ON CONFLICT (name) DO UPDATE SET value = settings.value RETURNING value",
    )
    .bind(name)
    .bind(value)
}

/// Reads what [`setting_or_insert`] gave.
pub(crate) fn setting<R: Columns>(name: &str, row: Option<&R>) -> Result<String, StoreError> {
    let row = row.ok_or_else(|| StoreError::new(ErrorKind::Internal, R::BACKEND, name))?;
    Fields(row).text("value")
}
