use std::sync::Arc;
use std::time::Duration;

use demitasse_backends::postgres::PostgresStore;
use demitasse_core::contract::sample;
use demitasse_core::{Clock, ImageId, Priority, Sequence, SystemClock, Ticket};
use sqlx::{AssertSqlSafe, Connection, PgConnection};

use crate::services::required;

/// What connecting says, and which newer schema is taken.
mod connect;

/// Several processes on one database, and connections that end.
mod processes;

const LONG: Duration = Duration::from_secs(3600);

/// Longer than anything that works takes, and shorter than what nothing wakes.
const PATIENCE: Duration = Duration::from_secs(20);

/// A schema that no other test has.
pub(crate) struct Schema(String);

impl Schema {
    pub(crate) async fn new() -> Self {
        let schema = Self(format!("test_{}", ImageId::generate(SystemClock.now()).unwrap()));
        schema.execute(&format!("CREATE SCHEMA {}", schema.0)).await;
        schema
    }

    fn url(&self) -> String {
        let url = required("TEST_POSTGRES_URL");
        let joint = if url.contains('?') { '&' } else { '?' };
        format!("{url}{joint}max_connections=4&application_name={0}&options[search_path]={0}", self.0)
    }

    pub(crate) async fn open(&self) -> Arc<PostgresStore> {
        Arc::new(PostgresStore::connect(&self.url(), true).await.unwrap())
    }

    /// A connection beside the stores', which sees their tables.
    pub(crate) async fn visitor(&self) -> PgConnection {
        let mut connection = PgConnection::connect(&required("TEST_POSTGRES_URL")).await.unwrap();
        let path = AssertSqlSafe(format!("SET search_path = {}", self.0));
        sqlx::raw_sql(path).execute(&mut connection).await.unwrap();
        connection
    }

    pub(crate) async fn execute(&self, sql: &str) {
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut self.visitor().await).await.unwrap();
    }

    /// Ends every connection of the stores.
    async fn terminate(&self) {
        let sql = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = ";
        self.execute(&format!("{sql}'{}'", self.0)).await;
    }
}

async fn postgres() -> (Arc<PostgresStore>, ()) {
    (Schema::new().await.open().await, ())
}

mod images {
    demitasse_core::image_store_contract!(super::postgres);
}

mod jobs {
    demitasse_core::job_store_contract!(super::postgres);
}

mod deletions {
    demitasse_core::deletion_store_contract!(super::postgres);
}

mod subscriptions {
    demitasse_core::subscription_store_contract!(super::postgres);
}

mod settings {
    demitasse_core::setting_store_contract!(super::postgres);
}

mod queue {
    demitasse_core::job_queue_contract!(super::postgres);
}

fn ticket(n: u32) -> Ticket {
    Ticket { job_id: sample::job_id(n.into()), sequence: Sequence(n.into()), priority: Priority::Normal }
}
