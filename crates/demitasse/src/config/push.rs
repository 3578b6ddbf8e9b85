//! Web push, and the addresses that users supply.

use clap::Args;

use super::Secret;
use crate::fetch::{FetchAllow, FetchPolicy};
use crate::push::VapidKey;

/// Who is told, and which addresses are fetched.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Notifications")]
pub struct PushArgs {
    /// Public VAPID key, in base64url; only to check that it belongs to the private one
    #[arg(long, env = "PUBLIC_VAPID_KEY", value_name = "KEY")]
    pub vapid_public_key: Option<String>,

    /// Private VAPID key, in base64url [default: generated once and kept in the metadata store]
    ///
    /// Browsers subscribe to one key: with another, each has to subscribe again (the page does so when it is opened).
    #[arg(long, env = "PRIVATE_VAPID_KEY", value_name = "KEY", hide_env_values = true)]
    pub vapid_private_key: Option<Secret>,

    /// Whom push services can write to: a mail address or an `https:` URL [default: --public-url if it is https]
    ///
    /// Some push services, Apple's among them, refuse messages without.
    #[arg(long, env = "WEBPUSH_MAIL", value_name = "CONTACT")]
    pub push_contact: Option<String>,

    /// Network, host or origin that may be fetched for a user although it is not on the public internet
    ///
    /// Such as `10.1.0.0/16`, `push.intranet` or `http://push.internal:8080`; may be repeated. Without it, addresses that
    /// users supply are fetched by https on port 443 from the public internet only.
    #[arg(long, env = "DEMITASSE_FETCH_ALLOW", value_name = "ENTRY", value_delimiter = ',')]
    pub fetch_allow: Vec<FetchAllow>,
}

/// Web push.
#[derive(Debug, Clone, Default)]
pub struct PushConfig {
    /// The given key; `None`: the one in the metadata store.
    pub key: Option<VapidKey>,
    /// A `mailto:` or `https:` address.
    pub contact: Option<String>,
}

impl PushArgs {
    /// Reads the keys; adds one sentence to `problems` for each mistake.
    pub(super) fn resolve(&self, problems: &mut Vec<String>) -> PushConfig {
        // The original's .env may leave a variable empty.
        let given =
            |value: Option<&str>| value.map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned);
        let private = given(self.vapid_private_key.as_ref().map(Secret::reveal));
        let public = given(self.vapid_public_key.as_deref());
        let contact = given(self.push_contact.as_deref());
        let before = problems.len();
        for (name, value) in [
            ("--vapid-private-key (PRIVATE_VAPID_KEY)", &private),
            ("--vapid-public-key (PUBLIC_VAPID_KEY)", &public),
            ("--push-contact (WEBPUSH_MAIL)", &contact),
        ] {
            if value.as_ref().is_some_and(|text| text.starts_with('<') && text.ends_with('>')) {
                problems.push(format!(
                    "{name} is still a placeholder; put a value in its place, or leave it out"
                ));
            }
        }
        if problems.len() > before {
            return PushConfig::default();
        }
        let key = match (private, public) {
            (Some(private), public) => VapidKey::parse(&private, public.as_deref())
                .map_err(|mistake| {
                    problems.push(format!("--vapid-private-key (PRIVATE_VAPID_KEY) {mistake}"))
                })
                .ok(),
            (None, Some(_)) => {
                problems.push(
                    "--vapid-public-key (PUBLIC_VAPID_KEY) is given without --vapid-private-key; give both, or none and \
                     a pair is generated"
                        .into(),
                );
                None
            }
            (None, None) => None,
        };
        PushConfig { key, contact: contact.and_then(|contact| address(&contact, problems)) }
    }

    /// Which of the addresses that users supply are fetched.
    pub(super) fn policy(&self) -> FetchPolicy {
        FetchPolicy { allow: self.fetch_allow.clone(), ..FetchPolicy::default() }
    }
}

fn address(contact: &str, problems: &mut Vec<String>) -> Option<String> {
    if contact.starts_with("mailto:") || contact.starts_with("https://") {
        return Some(contact.into());
    }
    if contact.contains('@') && !contact.contains([' ', ':', '/']) {
        return Some(format!("mailto:{contact}"));
    }
    problems.push(format!("--push-contact {contact} is neither a mail address nor an https: URL"));
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRIVATE: &str = "RS0WdYWWo1HajXg3NZR1olzCf31i-ZBGDkFyCs7j1jw";

    fn resolve(private: &str, public: &str, contact: &str) -> (PushConfig, Vec<String>) {
        let args = PushArgs {
            vapid_private_key: private.parse().ok(),
            vapid_public_key: Some(public.into()),
            push_contact: Some(contact.into()),
            fetch_allow: Vec::new(),
        };
        let mut problems = Vec::new();
        (args.resolve(&mut problems), problems)
    }

    #[test]
    fn nothing_or_a_private_key_is_enough() {
        let (config, problems) = resolve("", "", "");
        assert!(config.key.is_none() && config.contact.is_none() && problems.is_empty(), "{problems:?}");
        let (config, problems) = resolve(PRIVATE, "", "someone@example.com");
        assert!(config.key.is_some() && problems.is_empty(), "{problems:?}");
        assert_eq!(config.contact.as_deref(), Some("mailto:someone@example.com"));
    }

    #[test]
    fn each_mistake_is_told_with_the_name_of_its_variable() {
        for (private, public, contact, word) in [
            ("<your_private_key>", "", "", "PRIVATE_VAPID_KEY) is still a placeholder"),
            ("", "<your_public_key>", "", "PUBLIC_VAPID_KEY) is still a placeholder"),
            (PRIVATE, "", "<your_mail>", "WEBPUSH_MAIL) is still a placeholder"),
            ("", "BLn9b", "", "without --vapid-private-key"),
            ("short", "", "", "43 characters"),
            (PRIVATE, "BLn9b", "", "does not belong"),
            (PRIVATE, "", "nobody", "neither a mail address"),
        ] {
            let (_, problems) = resolve(private, public, contact);
            assert!(problems.len() == 1 && problems[0].contains(word), "{word}: {problems:?}");
        }
    }
}
