//! The original service's variables: an `.env` file of it selects our backends, where no flag or variable of ours does.

use clap::Args;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

/// What the original's `.env` may hold; see docs/original.md.
#[derive(Debug, Clone, Default, Args)]
pub struct OriginalArgs {
    #[arg(long, env = "MONGODB_URI", hide = true, hide_env_values = true)]
    mongodb_uri: Option<String>,
    #[arg(long, env = "REDIS_HOST", hide = true)]
    redis_host: Option<String>,
    #[arg(long, env = "REDIS_PORT", hide = true)]
    redis_port: Option<String>,
    #[arg(long, env = "CLOUDINARY_CLOUD_NAME", hide = true)]
    cloudinary_cloud_name: Option<String>,
    #[arg(long, env = "CLOUDINARY_API_KEY", hide = true, hide_env_values = true)]
    cloudinary_api_key: Option<String>,
    #[arg(long, env = "CLOUDINARY_API_SECRET", hide = true, hide_env_values = true)]
    cloudinary_api_secret: Option<String>,
}

/// A value that says something; an empty one is as good as none.
fn said(value: &Option<String>) -> Option<&str> {
    value.as_deref().filter(|value| !value.is_empty())
}

impl OriginalArgs {
    /// `MONGODB_URI`.
    pub(super) fn metadata(&self) -> Option<String> {
        said(&self.mongodb_uri).map(str::to_owned)
    }

    /// `REDIS_HOST` and `REDIS_PORT`.
    pub(super) fn redis(&self) -> Option<String> {
        let host = said(&self.redis_host)?;
        Some(format!("redis://{host}:{}", self.port().unwrap_or("6379")))
    }

    /// Kubernetes sets `REDIS_PORT=tcp://10.0.0.1:6379` for a service called redis.
    fn port(&self) -> Option<&str> {
        let port = said(&self.redis_port)?;
        Some(port.rsplit_once(':').map_or(port, |(_, port)| port))
    }

    /// `CLOUDINARY_*`, all three.
    pub(super) fn storage(&self) -> Option<String> {
        let part = |value| Some(utf8_percent_encode(said(value)?, NON_ALPHANUMERIC).to_string());
        let (cloud, key) = (said(&self.cloudinary_cloud_name)?, part(&self.cloudinary_api_key)?);
        Some(format!("cloudinary://{key}:{}@{cloud}", part(&self.cloudinary_api_secret)?))
    }

    /// One sentence for each value that is a placeholder, no number, or alone where three belong together.
    pub(super) fn problems(&self) -> Vec<String> {
        let all = [
            ("MONGODB_URI", &self.mongodb_uri),
            ("REDIS_HOST", &self.redis_host),
            ("REDIS_PORT", &self.redis_port),
            ("CLOUDINARY_CLOUD_NAME", &self.cloudinary_cloud_name),
            ("CLOUDINARY_API_KEY", &self.cloudinary_api_key),
            ("CLOUDINARY_API_SECRET", &self.cloudinary_api_secret),
        ];
        let mut problems: Vec<_> =
            all.iter().filter_map(|(name, value)| placeholder(name, said(value)?)).collect();
        if let Some(port) = self.port().filter(|port| port.parse::<u16>().is_err()) {
            problems.push(format!("REDIS_PORT is {port:?}, which is no port; give a number from 1 to 65535"));
        }
        let given = all[3..].iter().filter(|(_, value)| said(value).is_some()).count();
        if given == 1 || given == 2 {
            let missing: Vec<_> =
                all[3..].iter().filter(|(_, value)| said(value).is_none()).map(|(name, _)| *name).collect();
            problems.push(format!(
                "{} is missing: the three CLOUDINARY_ variables go together",
                missing.join(" and ")
            ));
        }
        problems
    }
}

/// A sentence about `value` if it is what the original's template holds, such as `<your_mongodb_uri>`.
pub(crate) fn placeholder(name: &str, value: &str) -> Option<String> {
    let is_placeholder = value.contains('<') && value.contains('>');
    is_placeholder
        .then(|| format!("{name} still holds the placeholder {value}; give it a real value, or remove it"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn some(text: &str) -> Option<String> {
        Some(text.into())
    }

    #[test]
    fn an_env_file_of_the_original_names_all_three_stores() {
        let env = OriginalArgs {
            mongodb_uri: some("mongodb://db/test"),
            redis_host: some("redis"),
            redis_port: some("6380"),
            cloudinary_cloud_name: some("demo"),
            cloudinary_api_key: some("123"),
            cloudinary_api_secret: some("a/b"),
        };
        assert_eq!(env.problems(), Vec::<String>::new());
        assert_eq!(env.metadata().unwrap(), "mongodb://db/test");
        assert_eq!(env.redis().unwrap(), "redis://redis:6380");
        assert_eq!(env.storage().unwrap(), "cloudinary://123:a%2Fb@demo");
    }

    #[test]
    fn placeholders_and_halves_are_refused_with_a_sentence() {
        let env = OriginalArgs {
            mongodb_uri: some("<your_mongodb_uri>"),
            redis_port: some("six"),
            cloudinary_api_key: some("123"),
            ..OriginalArgs::default()
        };
        let problems = env.problems();
        assert_eq!(problems.len(), 3, "{problems:?}");
        assert!(problems[0].contains("<your_mongodb_uri>"));
        assert!(problems[2].contains("CLOUDINARY_CLOUD_NAME and CLOUDINARY_API_SECRET"));
    }

    #[test]
    fn what_kubernetes_sets_by_itself_selects_nothing_and_breaks_nothing() {
        let env = OriginalArgs { redis_port: some("tcp://10.0.0.1:6379"), ..OriginalArgs::default() };
        assert_eq!((env.redis(), env.problems()), (None, vec![]));
        let env = OriginalArgs { redis_host: some("redis"), ..env };
        assert_eq!(env.redis().unwrap(), "redis://redis:6379");
    }
}
