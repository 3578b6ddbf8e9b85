//! Spans to an OpenTelemetry collector, by OTLP over HTTP.

use anyhow::Context as _;
use opentelemetry::propagation::TextMapPropagator;
use opentelemetry::trace::TracerProvider;
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::SdkTracerProvider;
use std::collections::HashMap;
use tracing::level_filters::LevelFilter;
use tracing::{Span, Subscriber};
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::Layer;
use tracing_subscriber::registry::LookupSpan;

/// Sends spans in batches, from a thread of its own; what is left is sent when it is dropped.
pub(super) struct Exporter(SdkTracerProvider);

impl Exporter {
    /// Sends to the collector at `endpoint`, such as `http://localhost:4318`.
    pub(super) fn new(endpoint: &str) -> anyhow::Result<Self> {
        let exporter = SpanExporter::builder()
            .with_http()
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(format!("{}/v1/traces", endpoint.trim_end_matches('/')))
            .build()
            .context("--otlp-endpoint does not name a collector")?;
        let provider = SdkTracerProvider::builder()
            .with_batch_exporter(exporter)
            .with_resource(Resource::builder().with_service_name("demitasse").build())
            .build();
        Ok(Self(provider))
    }

    /// What collects the spans: ours, not those of the libraries.
    pub(super) fn layer<S: Subscriber + for<'span> LookupSpan<'span>>(&self) -> impl Layer<S> + use<S> {
        let ours = tracing_subscriber::filter::Targets::new().with_target("demitasse", LevelFilter::INFO);
        tracing_opentelemetry::layer().with_tracer(self.0.tracer("demitasse")).with_filter(ours)
    }
}

impl Drop for Exporter {
    fn drop(&mut self) {
        if let Err(error) = self.0.shutdown() {
            tracing::warn!(%error, "the last spans were not sent");
        }
    }
}

/// The `traceparent` of a span that is exported.
pub(super) fn traceparent(span: &Span) -> Option<String> {
    let mut carrier = HashMap::new();
    TraceContextPropagator::new().inject_context(&span.context(), &mut carrier);
    carrier.remove("traceparent")
}

/// Puts `span` under a remote one.
pub(super) fn set_parent(span: &Span, traceparent: &str) {
    let carrier = HashMap::from([("traceparent".to_owned(), traceparent.to_owned())]);
    // Fails only where spans are not exported.
    span.set_parent(TraceContextPropagator::new().extract(&carrier)).ok();
}
