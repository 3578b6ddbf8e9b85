//! From a URL to connection options.

use std::str::FromStr;

use sqlx::postgres::PgConnectOptions;

use super::STATEMENT_TIMEOUT;
use crate::{ConnectError, Port};

/// Connections of one process, unless the URL says otherwise: statements take about a millisecond.
const MAX_CONNECTIONS: u32 = 10;

/// Those of libpq that sqlx knows.
const PARAMETERS: [&str; 17] = [
    "sslmode",
    "ssl-mode",
    "sslrootcert",
    "ssl-root-cert",
    "ssl-ca",
    "sslcert",
    "ssl-cert",
    "sslkey",
    "ssl-key",
    "host",
    "hostaddr",
    "port",
    "dbname",
    "user",
    "password",
    "application_name",
    "options",
];

/// Where the server is, and how it is used.
pub(super) struct Address {
    pub(super) options: PgConnectOptions,
    pub(super) max_connections: u32,
    /// The address for people: no credentials.
    pub(super) name: String,
}

impl Address {
    /// Reads the URL. What is refused is not repeated: it may be a password that lost its place.
    pub(super) fn parse(url: &str) -> Result<Self, ConnectError> {
        let refuse = |reason: &str| ConnectError::InvalidUrl { port: Port::Metadata, reason: reason.into() };
        let (base, query) = url.split_once('?').unwrap_or((url, ""));
        let mut max_connections = MAX_CONNECTIONS;
        let mut parameters = Vec::new();
        for parameter in query.split('&').filter(|parameter| !parameter.is_empty()) {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            if name == "max_connections" {
                max_connections = value
                    .parse()
                    .ok()
                    .filter(|number| (1..=1000).contains(number))
                    .ok_or_else(|| refuse("`max_connections` is a number from 1 to 1000"))?;
            } else if PARAMETERS.contains(&name)
                || name == "statement-cache-capacity"
                || name.starts_with("options[")
                || name.starts_with("options%5B")
            {
                parameters.push(parameter);
            } else {
                return Err(refuse(
                    "it has an unknown parameter; it takes `max_connections` and libpq's `sslmode`, `sslrootcert`, \
                     `sslcert`, `sslkey`, `host`, `application_name` and `options`",
                ));
            }
        }
        let options = PgConnectOptions::from_str(&format!("{base}?{}", parameters.join("&")))
            .map_err(|_| refuse("it is not of the form postgres://USER:PASSWORD@HOST:PORT/DATABASE"))?;
        let name = name(&options);
        Ok(Self { options: with_defaults(options), max_connections, name })
    }
}

fn name(options: &PgConnectOptions) -> String {
    let host = options.get_socket().map_or(options.get_host().into(), |socket| socket.display().to_string());
    let database = options.get_database().unwrap_or(options.get_username());
    format!("postgres://{host}:{}/{database}", options.get_port())
}

/// What the URL does not set: how long a statement may take, and that the server notices a client that vanished, whose
/// locks would stay until then.
fn with_defaults(options: PgConnectOptions) -> PgConnectOptions {
    let timeout = STATEMENT_TIMEOUT.as_millis().to_string();
    let given = options.get_options().unwrap_or_default().to_owned();
    let defaults = [
        ("statement_timeout", timeout.as_str()),
        ("idle_in_transaction_session_timeout", timeout.as_str()),
        ("tcp_keepalives_idle", "30"),
        ("tcp_keepalives_interval", "10"),
        ("tcp_keepalives_count", "3"),
    ];
    let options = options.options(defaults.into_iter().filter(|(name, _)| !given.contains(name)));
    match options.get_application_name() {
        Some(_) => options,
        None => options.application_name("demitasse"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_taken_and_never_named() {
        let address = Address::parse(
            "postgresql://scott:ti%40ger@db.example:5433/cups?max_connections=4&sslmode=require",
        )
        .unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(address.name, "postgres://db.example:5433/cups");
        assert_eq!((address.options.get_username(), address.max_connections), ("scott", 4));
    }

    #[test]
    fn what_the_url_sets_is_not_set_again() {
        let address = Address::parse("postgres://db/cups?options[statement_timeout]=5")
            .unwrap_or_else(|error| panic!("{error}"));
        let options = address.options.get_options().unwrap_or_default();
        assert_eq!(options.matches("statement_timeout").count(), 1, "{options}");
        assert!(options.contains("tcp_keepalives_idle=30"), "{options}");
    }

    #[test]
    fn what_cannot_be_used_is_refused_without_repeating_it() {
        for url in [
            "postgres://scott:ti?ger@db/cups",
            "postgres://scott:tiger@db/cups?max_connections=0",
            "postgres://scott:tiger@db/cups?max_connections=tiger",
            "postgres://scott@db/cups?pasword=tiger",
            "postgres://scott:tiger@db:99999/cups",
            "postgres://scott@db/cups?sslmode=tiger",
        ] {
            let Err(error) = Address::parse(url) else { panic!("{url} was taken") };
            let sentence = error.to_string();
            assert!(sentence.starts_with("the metadata URL cannot be used: "), "{sentence}");
            assert!(
                !format!("{sentence} {error:?}").contains("ger@") && !sentence.contains("tiger"),
                "{sentence}"
            );
        }
    }
}
