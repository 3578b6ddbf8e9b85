//! From a URL to an address and a prefix.

use redis::{ConnectionInfo, IntoConnectionInfo};

use crate::{ConnectError, Port};

/// What stands in the braces of every key, unless the URL says otherwise.
const DEFAULT_PREFIX: &str = "demitasse";

/// Where the server is, and which keys are ours there.
pub(super) struct Address {
    /// Address, credentials, database.
    pub(super) info: ConnectionInfo,
    /// What stands in the braces of every key.
    pub(super) prefix: String,
    /// The address for people: no credentials.
    pub(super) name: String,
}

/// The URL without its credentials, for the log; a URL that cannot be used gives its scheme at most.
pub(crate) fn describe(url: &str) -> String {
    Address::parse(Port::Queue, url).map_or_else(|_| "redis:".into(), |address| address.name)
}

impl Address {
    /// Reads the URL of `port`.
    pub(super) fn parse(port: Port, url: &str) -> Result<Self, ConnectError> {
        let refuse = |reason: String| ConnectError::InvalidUrl { port, reason };
        let mut parsed = redis::parse_redis_url(url).ok_or_else(|| {
            refuse("it is not of the form redis://HOST:PORT, rediss://HOST:PORT or redis+unix:///PATH".into())
        })?;
        let scheme = parsed.scheme().to_owned();
        let known: &[&str] = if scheme == "redis+unix" { &["db", "user", "pass"] } else { &[] };
        let parameters: Vec<(String, String)> = parsed.query_pairs().into_owned().collect();
        parsed.set_query(None);
        let mut prefix = DEFAULT_PREFIX.to_owned();
        for (name, value) in parameters {
            if name == "prefix" {
                prefix = value;
            } else if known.contains(&name.as_str()) {
                parsed.query_pairs_mut().append_pair(&name, &value);
            } else {
                // Its name is not repeated: it may be a password that lost its place.
                return Err(refuse("it has an unknown parameter; it takes `prefix`".into()));
            }
        }
        let allowed = |c: char| c.is_ascii_alphanumeric() || "-_.:".contains(c);
        if prefix.is_empty() || !prefix.chars().all(allowed) {
            return Err(refuse(
                "its prefix may hold letters, digits and `-_.:`, and must not be empty".into(),
            ));
        }
        let info = parsed
            .into_connection_info()
            .map_err(|error| refuse(error.detail().unwrap_or(error.category()).to_owned()))?;
        let database = info.redis_settings().db();
        let mut name = format!("{scheme}://{}/{database}", info.addr());
        if prefix != DEFAULT_PREFIX {
            name = format!("{name}?prefix={prefix}");
        }
        Ok(Self { info, prefix, name })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(url: &str) -> Result<Address, String> {
        Address::parse(Port::Queue, url).map_err(|error| error.to_string())
    }

    #[test]
    fn credentials_are_taken_and_never_named() {
        let address = parse("rediss://scott:ti%40ger@cache.example:6380/3?prefix=blue")
            .unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(address.info.redis_settings().password(), Some("ti@ger"));
        assert_eq!(address.info.redis_settings().db(), 3);
        assert_eq!(address.prefix, "blue");
        assert_eq!(address.name, "rediss://cache.example:6380/3?prefix=blue");
    }

    #[test]
    fn port_database_and_prefix_have_defaults() {
        let address = parse("redis://127.0.0.1").unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(
            (address.name.as_str(), address.prefix.as_str()),
            ("redis://127.0.0.1:6379/0", "demitasse")
        );
    }

    #[test]
    fn a_socket_has_its_own_parameters() {
        let address = parse("redis+unix:///run/redis.sock?db=2&pass=tiger").unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(address.name, "redis+unix:///run/redis.sock/2");
        assert_eq!(address.info.redis_settings().password(), Some("tiger"));
    }

    #[test]
    fn what_cannot_be_used_is_refused_without_repeating_it() {
        for url in [
            "redis:",
            "redis://",
            "redis://:tiger@/0",
            "redis://:tiger@host/zero",
            "redis://:tiger@host/?prefix=",
            "redis://:tiger@host/?prefix={a}",
            "redis://host/?tiger",
            "redis://:tiger@host:99999",
        ] {
            let Err(sentence) = parse(url) else { panic!("{url} was taken") };
            assert!(sentence.starts_with("the queue URL cannot be used: "), "{sentence}");
            assert!(!sentence.contains("tiger"), "{sentence}");
            assert!(!describe(url).contains("tiger"));
        }
    }
}
