//! `demitasse dead-letters`: lists the jobs that failed as often as they were allowed to, and tries them again. It asks a
//! running service: an embedded database is that process' own.

use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::Subcommand;
use serde_json::Value;
use url::Url;

use crate::config::Secret;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    what: What,

    /// Where the service is
    #[arg(
        long,
        env = "DEMITASSE_URL",
        value_name = "URL",
        default_value = "http://127.0.0.1:8080",
        global = true
    )]
    url: Url,

    /// The key of the service
    #[arg(long, env = "DEMITASSE_API_KEY", value_name = "KEY", hide_env_values = true, global = true)]
    api_key: Option<Secret>,
}

#[derive(Debug, Clone, Subcommand)]
enum What {
    /// List them, newest first: task, attempts, cause, file
    List,
    /// Try tasks again, with every attempt that they had at first
    Retry {
        /// The tasks' ids
        #[arg(value_name = "TASK", required = true)]
        tasks: Vec<String>,
    },
}

pub(super) fn run(args: Args) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let service = Service::new(args.url, args.api_key);
    runtime.block_on(async {
        match args.what {
            What::List => service.list().await.map(|()| ExitCode::SUCCESS),
            What::Retry { tasks } => service.retry(&tasks).await,
        }
    })
}

/// The service that is asked.
struct Service {
    client: reqwest::Client,
    url: Url,
    key: Option<Secret>,
}

impl Service {
    #[expect(clippy::disallowed_methods, reason = "the operator says which service is asked")]
    fn new(url: Url, key: Option<Secret>) -> Self {
        Self { client: reqwest::Client::new(), url, key }
    }

    async fn list(&self) -> anyhow::Result<()> {
        let mut cursor = None;
        loop {
            let next = cursor.map(|cursor: String| format!("&cursor={cursor}")).unwrap_or_default();
            let page = self.ask(reqwest::Method::GET, &format!("/v1/dead-letters?limit=200{next}")).await?;
            for task in page["data"].as_array().into_iter().flatten() {
                writeln!(io::stdout(), "{}", line(task))?;
            }
            match page["next_cursor"].as_str() {
                Some(next) => cursor = Some(next.to_owned()),
                None => return Ok(()),
            }
        }
    }

    /// Tries each, whatever becomes of the others.
    async fn retry(&self, tasks: &[String]) -> anyhow::Result<ExitCode> {
        let mut failed = false;
        for task in tasks {
            match self.ask(reqwest::Method::POST, &format!("/v1/tasks/{task}/retry")).await {
                Ok(_) => writeln!(io::stdout(), "{task}  will be tried again")?,
                Err(error) => {
                    failed = true;
                    writeln!(io::stderr(), "demitasse: {task}: {error:#}")?;
                }
            }
        }
        Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
    }

    async fn ask(&self, method: reqwest::Method, path: &str) -> anyhow::Result<Value> {
        let url = format!("{}{path}", self.url.as_str().trim_end_matches('/'));
        let mut request = self.client.request(method, url);
        if let Some(key) = &self.key {
            request = request.bearer_auth(key.reveal());
        }
        let response = request.send().await.with_context(|| format!("{} does not answer", self.url))?;
        let status = response.status();
        let body: Value = response.json().await.with_context(|| format!("{} is no demitasse", self.url))?;
        if !status.is_success() {
            bail!("{}", body["detail"].as_str().unwrap_or(status.as_str()));
        }
        Ok(body)
    }
}

/// A task in one line.
fn line(task: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    format!(
        "{}  {}  {} of {} attempts  {}  {}: {}",
        text(&task["id"]),
        text(&task["updated_at"]),
        task["attempt"],
        task["max_attempts"],
        text(&task["image"]["file_name"]),
        text(&task["error"]["code"]),
        text(&task["error"]["detail"]),
    )
}
