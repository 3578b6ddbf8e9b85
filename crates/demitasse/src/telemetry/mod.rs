//! Log lines, on standard error, and with the feature `otel` spans to an OpenTelemetry collector.

mod trace;

#[cfg(feature = "otel")]
mod otel;

use std::io;

use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

use crate::config::LogFormat;

pub(crate) use trace::{client_trace, join_trace, trace_of_request};

/// Ends what [`start`] began: spans that are still here are sent.
pub(crate) struct Guard {
    #[cfg(feature = "otel")]
    _exporter: Option<otel::Exporter>,
}

/// Starts logging; `filter` has the form `info,demitasse=debug`. Spans go to the collector at `otlp_endpoint`, if there is
/// one; outside of an async runtime, since its client blocks.
///
/// # Errors
/// The filter is not of that form, or the endpoint is no address.
pub(crate) fn start(filter: &str, format: LogFormat, otlp_endpoint: Option<&str>) -> anyhow::Result<Guard> {
    let filter = EnvFilter::try_new(filter)?;
    let lines = tracing_subscriber::fmt::layer().with_writer(io::stderr).with_ansi(false);
    let lines = match format {
        LogFormat::Text => lines.boxed(),
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
    };
    let subscriber = tracing_subscriber::registry().with(lines.with_filter(filter));
    // A second server in one process (as in tests) logs through the first one's subscriber.
    #[cfg(feature = "otel")]
    {
        let exporter = otlp_endpoint.map(otel::Exporter::new).transpose()?;
        subscriber.with(exporter.as_ref().map(otel::Exporter::layer)).try_init().ok();
        Ok(Guard { _exporter: exporter })
    }
    #[cfg(not(feature = "otel"))]
    {
        if otlp_endpoint.is_some() {
            anyhow::bail!("traces can be sent by a build with the feature `otel` only; this one has it not");
        }
        subscriber.try_init().ok();
        Ok(Guard {})
    }
}
