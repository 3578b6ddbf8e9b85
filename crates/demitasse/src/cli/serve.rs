//! `demitasse serve` and `demitasse worker`.

use std::io::{self, Write};
use std::process::ExitCode;

use crate::app::App;
use crate::config::{Command, LogFormat, ServeArgs};
use crate::{shutdown, telemetry};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    serve: ServeArgs,

    /// What to log: error, warn, info, debug, or a filter such as info,demitasse=debug
    #[arg(long, env = "DEMITASSE_LOG", value_name = "FILTER", default_value = "info", help_heading = "Log")]
    log: String,

    /// How log lines look
    #[arg(
        long,
        env = "DEMITASSE_LOG_FORMAT",
        value_name = "FORMAT",
        default_value = "text",
        help_heading = "Log"
    )]
    log_format: LogFormat,

    /// Send traces to the OpenTelemetry collector at this address, such as `http://localhost:4318` (OTLP over HTTP)
    ///
    /// Needs a build with the feature `otel`.
    #[arg(long, env = "OTEL_EXPORTER_OTLP_ENDPOINT", value_name = "URL", help_heading = "Log")]
    otlp_endpoint: Option<String>,
}

pub(super) fn run(args: Args, command: Command) -> anyhow::Result<ExitCode> {
    crate::memory::keep_little();
    #[cfg(feature = "failpoints")]
    let _armed = crate::failpoint::arm();
    let _telemetry = telemetry::start(&args.log, args.log_format, args.otlp_endpoint.as_deref())?;
    let config = match args.serve.resolve(command) {
        Ok(config) => config,
        Err(problems) => {
            let mut err = io::stderr().lock();
            for problem in problems {
                writeln!(err, "demitasse: {problem}")?;
            }
            return Ok(ExitCode::from(super::SETUP));
        }
    };
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(async { App::open(config).await?.serve(shutdown::requested()).await })?;
    Ok(ExitCode::SUCCESS)
}
