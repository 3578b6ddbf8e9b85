//! How this server identifies itself to push services: RFC 8292, "VAPID".

use std::fmt;

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD};
use demitasse_core::SettingStore;
use jiff::{SignedDuration, Timestamp};
use p256::ecdsa::signature::Signer as _;
use p256::ecdsa::{Signature, SigningKey};
use serde_json::json;
use url::Url;

/// Where the generated key is kept, for all processes on the same store.
const SETTING: &str = "vapid_private_key";

/// How long a signed token is good for; RFC 8292 allows 24 hours. Half of it leaves room for a clock that is wrong.
const TOKEN_LIFE: SignedDuration = SignedDuration::from_hours(12);

/// The private key; never printed.
#[derive(Clone)]
pub struct VapidKey(SigningKey);

impl VapidKey {
    /// Reads a key pair in the usual form, base64url of 32 and of 65 bytes.
    ///
    /// # Errors
    /// A sentence that says which of the two is no key, or that they do not belong together.
    pub fn parse(private: &str, public: Option<&str>) -> Result<Self, String> {
        let mistake = "is not a VAPID private key: 32 bytes in base64url, 43 characters";
        let bytes = decode(private).ok_or(mistake)?;
        let key = Self(SigningKey::from_slice(&bytes).map_err(|_| mistake)?);
        match public {
            Some(public) if decode(public).as_deref() != Some(&key.public_bytes()) => {
                Err("does not belong to the public key; give both from the same pair".into())
            }
            _ => Ok(key),
        }
    }

    /// Makes a key, or gives the one that was made first: all processes on `settings` get the same.
    ///
    /// # Errors
    /// The store fails, or what it holds is no key.
    pub async fn kept_in(settings: &dyn SettingStore) -> anyhow::Result<Self> {
        let fresh = BASE64_URL_SAFE_NO_PAD.encode(random_key()?.to_bytes());
        let kept = settings.setting_or_insert(SETTING, fresh).await?;
        Self::parse(&kept, None).map_err(|mistake| anyhow::anyhow!("the stored value of {SETTING} {mistake}"))
    }

    fn public_bytes(&self) -> Vec<u8> {
        self.0.verifying_key().to_encoded_point(false).as_bytes().to_vec()
    }
}

impl fmt::Debug for VapidKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("VapidKey(..)")
    }
}

fn random_key() -> anyhow::Result<SigningKey> {
    loop {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes)?;
        // One number in 2^32 is not below the curve's order.
        if let Ok(key) = SigningKey::from_slice(&bytes) {
            return Ok(key);
        }
    }
}

/// Signs for one server.
pub(crate) struct Vapid {
    key: VapidKey,
    public: String,
    /// Whom a push service can write to: a `mailto:` or `https:` address.
    contact: Option<String>,
}

impl Vapid {
    pub(crate) fn new(key: VapidKey, contact: Option<String>) -> Self {
        let public = BASE64_URL_SAFE_NO_PAD.encode(key.public_bytes());
        Self { key, public, contact }
    }

    /// The public key, as browsers take it.
    pub(crate) fn public_key(&self) -> &str {
        &self.public
    }

    /// The value of `Authorization` for a message to `endpoint`.
    pub(super) fn authorization(&self, endpoint: &Url, now: Timestamp) -> String {
        let mut claims = json!({
            "aud": endpoint.origin().ascii_serialization(),
            "exp": now.saturating_add(TOKEN_LIFE).unwrap_or(now).as_second(),
        });
        if let Some(contact) = &self.contact {
            claims["sub"] = contact.as_str().into();
        }
        let part = |value: &serde_json::Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(&json!({"typ": "JWT", "alg": "ES256"})), part(&claims));
        let signature: Signature = self.key.0.sign(signed.as_bytes());
        let signature = BASE64_URL_SAFE_NO_PAD.encode(signature.to_bytes());
        format!("vapid t={signed}.{signature}, k={}", self.public)
    }
}

/// Reads base64 in either alphabet, with or without padding: browsers and tools differ.
pub(super) fn decode(text: &str) -> Option<Vec<u8>> {
    let text = text.trim_end_matches('=');
    BASE64_URL_SAFE_NO_PAD.decode(text).or_else(|_| BASE64_STANDARD_NO_PAD.decode(text)).ok()
}

#[cfg(test)]
mod tests {
    use p256::ecdsa::VerifyingKey;
    use p256::ecdsa::signature::Verifier as _;

    use super::*;

    const PRIVATE: &str = "RS0WdYWWo1HajXg3NZR1olzCf31i-ZBGDkFyCs7j1jw";

    fn vapid() -> Vapid {
        Vapid::new(VapidKey::parse(PRIVATE, None).unwrap(), Some("mailto:a@example.com".into()))
    }

    #[test]
    fn a_token_names_the_push_service_and_is_signed_by_the_shown_key() {
        let now = Timestamp::from_second(1_700_000_000).unwrap();
        let vapid = vapid();
        let header = vapid.authorization(&"https://push.example.com:8443/send/1?x".parse().unwrap(), now);
        let (token, key) = header.strip_prefix("vapid t=").unwrap().split_once(", k=").unwrap();
        assert_eq!(key, vapid.public_key());
        let (signed, signature) = token.rsplit_once('.').unwrap();
        let verifying = VerifyingKey::from_sec1_bytes(&decode(key).unwrap()).unwrap();
        let signature = Signature::from_slice(&decode(signature).unwrap()).unwrap();
        verifying.verify(signed.as_bytes(), &signature).unwrap();
        let claims = decode(signed.split_once('.').unwrap().1).unwrap();
        let claims: serde_json::Value = serde_json::from_slice(&claims).unwrap();
        let expected = json!({
            "aud": "https://push.example.com:8443", "exp": 1_700_043_200, "sub": "mailto:a@example.com",
        });
        assert_eq!(claims, expected);
    }

    #[test]
    fn a_pair_must_belong_together() {
        let public = vapid().public_key().to_owned();
        assert!(VapidKey::parse(PRIVATE, Some(&public)).is_ok());
        assert!(VapidKey::parse(&format!("{PRIVATE}="), Some(&public)).is_ok());
        let other = Vapid::new(VapidKey(random_key().unwrap()), None);
        assert!(VapidKey::parse(PRIVATE, Some(other.public_key())).unwrap_err().contains("belong"));
        for wrong in ["", "<your_key>", "AAAA", &"A".repeat(43), &public] {
            assert!(VapidKey::parse(wrong, None).unwrap_err().contains("43 characters"), "{wrong}");
        }
        assert!(!format!("{:?}", VapidKey::parse(PRIVATE, None).unwrap()).contains("RS0"));
    }

    #[tokio::test]
    async fn processes_that_start_at_once_agree_on_one_key() {
        let clock = std::sync::Arc::new(demitasse_core::ManualClock::new(Timestamp::UNIX_EPOCH));
        let settings = demitasse_backends::Backends::memory(clock).settings;
        let (one, two) = tokio::join!(VapidKey::kept_in(&*settings), VapidKey::kept_in(&*settings));
        assert_eq!(one.unwrap().public_bytes(), two.unwrap().public_bytes());
    }
}
