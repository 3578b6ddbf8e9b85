//! One message to one browser: RFC 8030.

use axum::http::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use demitasse_core::Subscription;
use jiff::fmt::rfc2822::DateTimeParser;
use jiff::{SignedDuration, Timestamp};
use url::Url;

use super::WebPush;
use super::message::Message;
use crate::fetch::{Answer, FetchError};

const TTL: HeaderName = HeaderName::from_static("ttl");
const URGENCY: HeaderName = HeaderName::from_static("urgency");
const TOPIC: HeaderName = HeaderName::from_static("topic");

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sent {
    /// The push service took it.
    Accepted,
    /// The subscription has ended.
    Gone,
    /// It may be taken later, and not before the time that the push service names.
    Later(Option<Timestamp>),
    /// It is not taken, and would not be later.
    Refused,
}

impl WebPush {
    pub(super) async fn send(&self, to: &Subscription, message: &Message) -> Sent {
        let Some((headers, body)) = self.request(to, message) else {
            tracing::error!("a stored subscription cannot be read");
            return Sent::Refused;
        };
        let answer = self.client.post(&to.endpoint, headers, body).await;
        let sent = judge(answer, self.clock.now());
        // The path of an endpoint is a secret between the browser, its push service and us.
        let service = Url::parse(&to.endpoint).map(|url| url.origin().ascii_serialization());
        tracing::debug!(service = service.unwrap_or_default(), ?sent, "a push message was sent");
        sent
    }

    fn request(&self, to: &Subscription, message: &Message) -> Option<(HeaderMap, bytes::Bytes)> {
        let body = message.encrypted(&to.p256dh, &to.auth)?;
        let endpoint = Url::parse(&to.endpoint).ok()?;
        let authorization = self.vapid.authorization(&endpoint, self.clock.now());
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, authorization.try_into().ok()?);
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static("aes128gcm"));
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
        headers.insert(TTL, message.ttl.into());
        headers.insert(URGENCY, HeaderValue::from_static("normal"));
        if let Some(topic) = &message.topic {
            headers.insert(TOPIC, topic.try_into().ok()?);
        }
        Some((headers, body))
    }
}

/// What an answer at `now` means: RFC 8030, sections 5 and 7.3; RFC 8292, section 4.2.
fn judge(answer: Result<Answer, FetchError>, now: Timestamp) -> Sent {
    match answer {
        Ok(answer) => match answer.status {
            200..=299 => Sent::Accepted,
            404 | 410 => Sent::Gone,
            408 | 429 | 500.. => {
                tracing::info!(status = answer.status, "a push service wants to be asked later");
                Sent::Later(retry_after(&answer.headers, now))
            }
            status => {
                let reason = String::from_utf8_lossy(&answer.body).chars().take(200).collect::<String>();
                tracing::warn!(status, reason, "a push service refused a message; it is dropped");
                Sent::Refused
            }
        },
        Err(error) => {
            tracing::info!(%error, "a push service was not reached");
            if error.is_retryable() { Sent::Later(None) } else { Sent::Refused }
        }
    }
}

/// `Retry-After`, in seconds or as a date: RFC 9110, section 10.2.3.
fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Timestamp> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?;
    match text.parse::<u32>() {
        Ok(seconds) => now.checked_add(SignedDuration::from_secs(seconds.into())).ok(),
        Err(_) => DateTimeParser::new().parse_timestamp(text).ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_decides_what_becomes_of_message_and_subscription() {
        let now = Timestamp::UNIX_EPOCH;
        let answered =
            |status| judge(Ok(Answer { status, headers: HeaderMap::new(), body: bytes::Bytes::new() }), now);
        for (statuses, sent) in [
            ([200, 201, 202, 204].as_slice(), Sent::Accepted),
            (&[404, 410], Sent::Gone),
            (&[408, 429, 500, 502, 503], Sent::Later(None)),
            (&[301, 307, 400, 401, 403, 413], Sent::Refused),
        ] {
            for status in statuses {
                assert_eq!(answered(*status), sent, "{status}");
            }
        }
        assert_eq!(judge(Err(FetchError::TooSlow), now), Sent::Later(None));
        assert_eq!(judge(Err(FetchError::Scheme), now), Sent::Refused);
    }

    #[test]
    fn the_time_to_ask_again_is_read_in_both_forms() {
        let now: Timestamp = "2026-11-25T08:00:00Z".parse().unwrap();
        for (text, at) in [
            ("120", Some("2026-11-25T08:02:00Z")),
            ("0", Some("2026-11-25T08:00:00Z")),
            ("Wed, 25 Nov 2026 09:30:00 GMT", Some("2026-11-25T09:30:00Z")),
            ("soon", None),
            ("-5", None),
            ("99999999999999999999", None),
        ] {
            let headers = HeaderMap::from_iter([(RETRY_AFTER, text.parse().unwrap())]);
            assert_eq!(retry_after(&headers, now), at.map(|at| at.parse().unwrap()), "{text}");
        }
        assert_eq!(retry_after(&HeaderMap::new(), now), None);
    }
}
