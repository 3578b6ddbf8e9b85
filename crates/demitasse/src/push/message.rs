//! What is said.

use bytes::Bytes;
use demitasse_core::{JobState, Upload};
use serde::Serialize;

use super::subscription::keys;
use crate::http::{BaseUrl, variant_url};

/// The encrypted message must fit into 4096 bytes (RFC 8030, section 7.2); the text is the only part without a bound.
const MAX_BODY_CHARS: usize = 300;

/// One message to however many browsers.
#[derive(Debug)]
pub(super) struct Message {
    payload: Payload,
    /// A later message with the same topic replaces this one while it waits (RFC 8030, section 5.4).
    pub(super) topic: Option<String>,
    /// Seconds that the push service may keep it for a browser that is off.
    pub(super) ttl: u32,
}

/// What the service worker reads: the original service's names.
#[derive(Debug, Serialize)]
struct Payload {
    title: &'static str,
    body: String,
    url: String,
}

impl Message {
    /// The greeting after a subscription.
    pub(super) fn hello() -> Self {
        let body = "You will be told here when an image is ready.".into();
        let payload = Payload { title: "Notifications are on", body, url: "/".into() };
        Self { payload, topic: None, ttl: 60 * 60 }
    }

    /// The news of a task that has ended; `None` if there is none to tell.
    pub(super) fn of(upload: &Upload, base: &BaseUrl) -> Option<Self> {
        let job = &upload.job;
        let name = upload.image.file_name.as_deref();
        let payload = match job.state {
            JobState::Succeeded => Payload {
                title: "Image compressed!",
                body: "Your image is ready. Click here to see it.".into(),
                url: match &job.variant {
                    Some(variant) => variant_url(variant, name, base),
                    None => job.external_variant.clone()?,
                },
            },
            JobState::Failed => {
                let detail = job.failure.as_ref().map_or("", |failure| failure.detail.as_str());
                let body = format!("{}: {detail}", name.unwrap_or("Your image"));
                Payload {
                    title: "Image not compressed",
                    body: body.chars().take(MAX_BODY_CHARS).collect(),
                    url: base.join("/"),
                }
            }
            _ => return None,
        };
        Some(Self { payload, topic: Some(job.id.to_string()), ttl: 24 * 60 * 60 })
    }

    /// The message as only the browser with these keys can read it: RFC 8291, `aes128gcm`.
    pub(super) fn encrypted(&self, p256dh: &str, auth: &str) -> Option<Bytes> {
        let (public, auth) = keys(p256dh, auth).ok()?;
        let plain = serde_json::to_vec(&self.payload).ok()?;
        web_push_native::encrypt(plain, &public, &auth).ok().map(Bytes::from)
    }
}
