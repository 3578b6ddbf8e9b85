//! One call: signed, sent, repeated while that may help, its answer read.

use std::sync::Arc;
use std::time::Duration;

use demitasse_core::{Clock, ErrorKind, StoreError};
use jiff::Timestamp;
use reqwest::header::{HeaderMap, RETRY_AFTER};
use reqwest::multipart::{Form, Part};
use reqwest::{Client, StatusCode};
use serde_json::Value;

use super::options::Account;
use super::upload::Slice;
use super::{Resource, error};
use crate::ConnectError;
use crate::storage_url::invalid;

/// Until a server that answers at all has answered.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Without a byte from the server, which bounds the sending of one chunk too.
const READ_TIMEOUT: Duration = Duration::from_secs(120);

/// How often a call is sent.
const ATTEMPTS: u32 = 5;

/// A longer pause than this is the queue's to make: the caller holds a job's lease or a client's connection.
const LONGEST_PAUSE: Duration = Duration::from_secs(20);

/// The account and the connections to it.
pub(super) struct Api {
    pub(super) account: Account,
    pub(super) client: Client,
    clock: Arc<dyn Clock>,
}

/// What is called, without what signing adds.
pub(super) struct Call<'a> {
    pub(super) resource: Resource,
    pub(super) action: &'static str,
    /// Every one is signed.
    pub(super) parameters: Vec<(&'static str, &'a str)>,
    pub(super) headers: HeaderMap,
    pub(super) file: Option<Slice<'a>>,
    /// What the call is about, for errors.
    pub(super) public_id: &'a str,
}

/// Why a call did not come true.
pub(super) enum Refusal {
    /// The server read it and said no, with this sentence.
    BadRequest(String),
    /// Anything else.
    Failed(StoreError),
}

/// What one attempt came to.
enum Attempt {
    Done(Value),
    Refused(Refusal),
    /// Worth another attempt, after a pause if the server named one.
    Again(StoreError, Option<Duration>),
}

impl Api {
    #[expect(clippy::disallowed_methods, reason = "the addresses are the operator's")]
    pub(super) fn new(account: Account, clock: Arc<dyn Clock>) -> Result<Self, ConnectError> {
        let client = Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .read_timeout(READ_TIMEOUT)
            // Nothing that is signed or hashed follows a stranger's direction.
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| invalid(format!("no TLS client can be made: {error}")))?;
        Ok(Self { account, client, clock })
    }

    /// Sends the call until it is answered or there is no hope.
    pub(super) async fn send(&self, call: &Call<'_>) -> Result<Value, Refusal> {
        let mut attempt = 1;
        loop {
            let part = match &call.file {
                Some(file) => Some(file.part(call.public_id).await.map_err(Refusal::Failed)?),
                None => None,
            };
            match self.attempt(call, part).await {
                Attempt::Done(answer) => return Ok(answer),
                Attempt::Refused(refusal) => return Err(refusal),
                Attempt::Again(error, named) => {
                    let pause = named.unwrap_or_else(|| backoff(attempt));
                    if attempt == ATTEMPTS || pause > LONGEST_PAUSE {
                        return Err(Refusal::Failed(error));
                    }
                    tokio::time::sleep(pause).await;
                }
            }
            attempt += 1;
        }
    }

    async fn attempt(&self, call: &Call<'_>, part: Option<Part>) -> Attempt {
        let url = self.account.api_url(call.resource, call.action);
        let request = self.client.post(url).headers(call.headers.clone()).multipart(self.form(call, part));
        let unavailable = |reason: reqwest::Error| {
            Attempt::Again(error(ErrorKind::Unavailable, call.public_id, reason.without_url()), None)
        };
        let response = match request.send().await {
            Ok(response) => response,
            Err(reason) => return unavailable(reason),
        };
        let (status, headers) = (response.status(), response.headers().clone());
        match response.bytes().await {
            Ok(body) => judge(call.public_id, status, &body, pause(&headers, self.clock.now())),
            Err(reason) => unavailable(reason),
        }
    }

    fn form(&self, call: &Call<'_>, part: Option<Part>) -> Form {
        let timestamp = self.clock.now().as_second().to_string();
        let mut parameters = call.parameters.clone();
        parameters.push(("timestamp", &timestamp));
        let signature = self.account.signing.sign(&parameters);
        let mut form = Form::new();
        for (name, value) in parameters {
            form = form.text(name, value.to_owned());
        }
        form = form.text("signature", signature).text("api_key", self.account.key.clone());
        match part {
            Some(part) => form.part("file", part),
            None => form,
        }
    }
}

fn judge(public_id: &str, status: StatusCode, body: &[u8], pause: Option<Duration>) -> Attempt {
    let answer: Option<Value> = serde_json::from_slice(body).ok().filter(Value::is_object);
    let message = answer.as_ref().and_then(|answer| answer["error"]["message"].as_str());
    let said = match message {
        Some(message) => format!("status {}: {}", status.as_u16(), shortened(message)),
        None => format!("status {} without a message", status.as_u16()),
    };
    let failed = |kind| Attempt::Refused(Refusal::Failed(error(kind, public_id, said.as_str())));
    match status.as_u16() {
        200 if message.is_none() => match answer {
            Some(answer) => Attempt::Done(answer),
            None => failed(ErrorKind::Internal),
        },
        400 if message.is_some() => Attempt::Refused(Refusal::BadRequest(said)),
        401 | 403 => failed(ErrorKind::Denied),
        404 => failed(ErrorKind::NotFound),
        // 420 is Cloudinary's own word for "too many requests".
        420 | 429 | 500..=599 => {
            Attempt::Again(error(ErrorKind::Unavailable, public_id, said.as_str()), pause)
        }
        _ => failed(ErrorKind::Internal),
    }
}

/// A server's sentence may be a page.
fn shortened(message: &str) -> String {
    message.chars().filter(|character| !character.is_control()).take(300).collect()
}

/// Half a second, doubled every time.
fn backoff(attempt: u32) -> Duration {
    Duration::from_millis(250 << attempt)
}

/// How long the server asks to wait: in seconds or until a date.
fn pause(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let until = |date: &str| {
        let date = jiff::fmt::rfc2822::parse(date).ok()?.timestamp();
        Some(Duration::try_from(date.duration_since(now)).unwrap_or_default())
    };
    if let Some(value) = text(RETRY_AFTER.as_str()) {
        return value.parse().map(Duration::from_secs).ok().or_else(|| until(value));
    }
    text("x-featureratelimit-reset").and_then(until)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_is_as_long_as_the_server_asks() {
        let now: Timestamp = "2026-11-25T12:00:00Z".parse().unwrap();
        for (name, value, expected) in [
            ("retry-after", "7", Some(7)),
            ("retry-after", "Wed, 25 Nov 2026 12:00:09 GMT", Some(9)),
            ("x-featureratelimit-reset", "Wed, 25 Nov 2026 13:00:00 GMT", Some(3600)),
            ("x-featureratelimit-reset", "Wed, 25 Nov 2026 11:00:00 GMT", Some(0)),
            ("retry-after", "soon", None),
            ("x-other", "7", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(name, value.parse().unwrap());
            assert_eq!(pause(&headers, now), expected.map(Duration::from_secs), "{name}: {value}");
        }
    }
}
