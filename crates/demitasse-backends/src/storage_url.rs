//! The parts of a URL that names remote storage: `scheme://USER:PASSWORD@HOST/PATH?name=value&...`.
//!
//! No error repeats a value of the URL: any of them may be a secret in the wrong place.

use std::collections::BTreeMap;

use percent_encoding::percent_decode_str;
use url::Url;

use crate::{ConnectError, Port};

/// A URL taken apart; [`StorageUrl::finish`] refuses what nobody asked for.
pub(crate) struct StorageUrl {
    /// Before the `@`, decoded.
    pub(crate) user: Option<(String, String)>,
    /// Bucket, container or cloud.
    pub(crate) host: String,
    /// Without slashes at its ends, decoded.
    pub(crate) path: String,
    options: BTreeMap<String, String>,
}

impl StorageUrl {
    pub(crate) fn parse(url: &str) -> Result<Self, ConnectError> {
        let url = Url::parse(url).map_err(|error| invalid(format!("it cannot be read: {error}")))?;
        let host = url.host_str().filter(|host| !host.is_empty());
        let host = host.ok_or_else(|| invalid("nothing stands after the two slashes"))?.to_owned();
        if url.port().is_some() {
            return Err(invalid("it has a port where none belongs; the option `endpoint` names a server"));
        }
        if url.fragment().is_some() {
            return Err(invalid("a `#` ends it early; write `%23` for a `#` that belongs to a value"));
        }
        let user = match (url.username(), url.password()) {
            ("", None) => None,
            (user, Some(password)) if !user.is_empty() && !password.is_empty() => {
                Some((decoded(user)?, decoded(password)?))
            }
            _ => return Err(invalid("before the `@` it takes KEY:SECRET")),
        };
        let mut options = BTreeMap::new();
        for (name, value) in url.query_pairs() {
            if options.insert(name.to_string(), value.to_string()).is_some() {
                return Err(invalid(format!("the option `{name}` is given twice")));
            }
        }
        Ok(Self { user, host, path: decoded(url.path().trim_matches('/'))?, options })
    }

    /// Takes an option away; an empty value is none.
    pub(crate) fn take(&mut self, name: &str) -> Option<String> {
        self.options.remove(name).filter(|value| !value.is_empty())
    }

    /// Takes one of `choices` away; the first is the default.
    pub(crate) fn take_choice<T: Copy>(
        &mut self,
        name: &str,
        choices: &[(&str, T)],
    ) -> Result<Option<T>, ConnectError> {
        let Some(value) = self.take(name) else { return Ok(None) };
        let found = choices.iter().find(|(choice, _)| *choice == value).map(|(_, meaning)| *meaning);
        found.map(Some).ok_or_else(|| {
            let choices: Vec<_> = choices.iter().map(|(choice, _)| format!("`{choice}`")).collect();
            invalid(format!("the option `{name}` takes {}", choices.join(" or ")))
        })
    }

    #[cfg(feature = "s3")]
    pub(crate) fn take_bool(&mut self, name: &str) -> Result<Option<bool>, ConnectError> {
        self.take_choice(name, &[("true", true), ("false", false)])
    }

    /// Takes a server's URL away, without a slash at its end.
    pub(crate) fn take_server(&mut self, name: &str) -> Result<Option<String>, ConnectError> {
        let Some(value) = self.take(name) else { return Ok(None) };
        let server = Url::parse(&value).ok().filter(|url| {
            matches!(url.scheme(), "http" | "https")
                && url.host_str().is_some()
                && url.username().is_empty()
                && url.password().is_none()
                && url.query().is_none()
                && url.fragment().is_none()
        });
        match server {
            Some(url) => Ok(Some(url.as_str().trim_end_matches('/').to_owned())),
            None => Err(invalid(format!(
                "the option `{name}` takes the URL of a server, as in `https://host:port`, without credentials"
            ))),
        }
    }

    /// Refuses the options that are left.
    pub(crate) fn finish(self, known: &str) -> Result<(), ConnectError> {
        match self.options.into_keys().next() {
            None => Ok(()),
            // A name without a value may be a piece of a secret with a bare `&` in it.
            Some(name) if name.len() > 24 => {
                Err(invalid(format!("it has an unknown option; it takes {known}")))
            }
            Some(name) => Err(invalid(format!("it has the unknown option `{name}`; it takes {known}"))),
        }
    }
}

/// The error about a storage URL.
pub(crate) fn invalid(reason: impl Into<String>) -> ConnectError {
    ConnectError::InvalidUrl { port: Port::Storage, reason: reason.into() }
}

fn decoded(text: &str) -> Result<String, ConnectError> {
    let text = percent_decode_str(text).decode_utf8();
    Ok(text.map_err(|_| invalid("it has bytes that are no text"))?.into_owned())
}
