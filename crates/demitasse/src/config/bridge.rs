//! The original service beside us.

use std::time::Duration;

use clap::{Args, ValueEnum};
use demitasse_backends::OriginalUrl;
use url::Url;

use super::original::placeholder;
use super::stores::{Role, scheme};

/// The names that are fixed in the original's code.
const LIST: &str = "image-queue";
const TOPIC: &str = "tasks-results";

/// How we go along with the original service.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Beside the original service")]
pub struct BridgeArgs {
    /// Redis of the original service, whose API or worker goes on beside this: redis://..; with its --metadata mongodb://..
    #[arg(long, env = "DEMITASSE_BRIDGE_REDIS_URL", value_name = "URL", hide_env_values = true)]
    pub bridge_redis: Option<String>,

    /// Who compresses: `here` takes the tasks of its API, `there` gives uploads to its worker [default: here, and there for
    /// a server with --workers 0]
    #[arg(long, env = "DEMITASSE_BRIDGE_WORK", value_name = "WHERE")]
    pub bridge_work: Option<BridgeWork>,

    /// Seconds that its worker has for a task, from its upload on, before somebody else does it
    #[arg(long, env = "DEMITASSE_BRIDGE_PATIENCE", value_name = "SECONDS", default_value_t = 600)]
    pub bridge_patience: u64,

    /// The list in its Redis from which tasks are taken
    #[arg(long, env = "REDIS_QUEUE_NAME", value_name = "KEY", default_value = LIST)]
    pub bridge_list: String,

    /// The topic in its Redis on which results are told
    #[arg(long, env = "TOPIC_NAME", value_name = "CHANNEL", default_value = TOPIC)]
    pub bridge_topic: String,
}

/// Who compresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum BridgeWork {
    /// Our workers.
    Here,
    /// The original's.
    There,
}

impl BridgeArgs {
    /// How long a job is left to its worker.
    pub(super) fn patience(&self) -> Duration {
        Duration::from_secs(self.bridge_patience)
    }

    /// Where its messages are, and who does the work; `None` without it.
    pub(super) fn resolve(&self, role: Role) -> Option<OriginalUrl> {
        let redis = self.bridge_redis.clone().filter(|url| !url.is_empty())?;
        let by_role = if role == Role::Api { BridgeWork::There } else { BridgeWork::Here };
        Some(OriginalUrl {
            redis,
            list: said(&self.bridge_list, LIST),
            topic: said(&self.bridge_topic, TOPIC),
            works: self.bridge_work.unwrap_or(by_role) == BridgeWork::There,
        })
    }

    /// Why we cannot go along with it, one sentence each.
    pub(super) fn problems(
        &self,
        original: Option<&OriginalUrl>,
        metadata: &str,
        storage: &str,
        public_url: Option<&Url>,
    ) -> Vec<String> {
        let named = [
            ("--bridge-redis", self.bridge_redis.as_deref().unwrap_or_default()),
            ("REDIS_QUEUE_NAME (--bridge-list)", &self.bridge_list),
            ("TOPIC_NAME (--bridge-topic)", &self.bridge_topic),
        ];
        let mut problems: Vec<_> =
            named.iter().filter_map(|(name, value)| placeholder(name, value)).collect();
        let Some(original) = original.filter(|_| problems.is_empty()) else { return problems };
        if !matches!(scheme(metadata), "mongodb" | "mongodb+srv") {
            problems.push(
                "--bridge-redis goes with the original's database; give --metadata mongodb://.. (MONGODB_URI) too".into(),
            );
        }
        // Cloudinary has public addresses of its own.
        if scheme(storage) != "cloudinary" {
            problems.extend(unreachable(original.works, public_url));
        }
        problems
    }
}

/// The value, or what it stands for if the original's `.env` leaves it empty.
fn said(value: &str, default: &str) -> String {
    if value.is_empty() { default.into() } else { value.into() }
}

/// Why the original could not follow our addresses.
fn unreachable(works: bool, public_url: Option<&Url>) -> Option<String> {
    let Some(url) = public_url else {
        return Some(
            "--bridge-redis: the original and its clients find images by their addresses; give --public-url, or \
             --storage cloudinary://.."
                .into(),
        );
    };
    let has_dot = url.host_str().is_some_and(|host| host.contains('.'));
    (works && !has_dot).then(|| {
        format!("--public-url {url}: the original's worker refuses addresses whose host has no dot; give it another name")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args() -> BridgeArgs {
        BridgeArgs {
            bridge_redis: Some("redis://r".into()),
            bridge_work: None,
            bridge_patience: 600,
            bridge_list: "image-queue".into(),
            bridge_topic: "tasks-results".into(),
        }
    }

    fn problems(args: &BridgeArgs, role: Role, metadata: &str, storage: &str, url: Option<&str>) -> String {
        let url = url.map(|url| url.parse().unwrap());
        args.problems(args.resolve(role).as_ref(), metadata, storage, url.as_ref()).join("\n")
    }

    #[test]
    fn whoever_has_workers_does_the_work_unless_told_otherwise() {
        let works = |role| args().resolve(role).unwrap().works;
        assert_eq!([Role::Api, Role::Worker, Role::AllInOne].map(works), [true, false, false]);
        let told = BridgeArgs { bridge_work: Some(BridgeWork::Here), ..args() };
        assert!(!told.resolve(Role::Api).unwrap().works);
        assert_eq!(BridgeArgs { bridge_redis: Some(String::new()), ..args() }.resolve(Role::Api), None);
        let empty = BridgeArgs { bridge_list: String::new(), bridge_topic: String::new(), ..args() };
        assert_eq!(empty.resolve(Role::Api), args().resolve(Role::Api));
    }

    #[test]
    fn what_cannot_work_is_refused_with_a_sentence() {
        let mongo = "mongodb://m/test";
        let said = problems(&args(), Role::Worker, "postgres://p", "cloudinary://k:s@c", None);
        assert!(said.contains("--metadata mongodb://"), "{said}");
        let said = problems(&args(), Role::Worker, mongo, "s3://bucket", None);
        assert!(said.contains("--public-url"), "{said}");
        let said = problems(&args(), Role::Api, mongo, "s3://bucket", Some("http://demitasse/"));
        assert!(said.contains("no dot"), "{said}");
        let placeholder = BridgeArgs { bridge_list: "<your_queue>".into(), ..args() };
        let said = problems(&placeholder, Role::Worker, mongo, "cloudinary://k:s@c", None);
        assert!(said.contains("<your_queue>"), "{said}");
        for (role, storage, url) in [
            (Role::Api, "cloudinary://k:s@c", None),
            (Role::Api, "s3://bucket", Some("https://images.example.com")),
            (Role::Worker, "s3://bucket", Some("http://demitasse:8080")),
        ] {
            assert_eq!(problems(&args(), role, mongo, storage, url), "");
        }
    }
}
