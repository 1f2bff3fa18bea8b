//! Logs as JSON lines on standard error, and traces to a collector when one is named.

use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::WithExportConfig as _;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::{SubscriberInitExt as _, TryInitError};
use tracing_subscriber::{EnvFilter, Layer as _};

use crate::config::{Config, ConfigError};

/// Keeps the exporter alive; dropping it sends what waits.
#[derive(Debug)]
pub struct Telemetry(Option<SdkTracerProvider>);

impl Drop for Telemetry {
    fn drop(&mut self) {
        if let Some(provider) = self.0.take()
            && let Err(error) = provider.shutdown()
        {
            tracing::warn!(%error, "the last traces could not be sent");
        }
    }
}

/// Starts logging, and tracing when a collector is named.
pub fn start(config: &Config) -> Result<Telemetry, ConfigError> {
    let filter = EnvFilter::try_new(&config.log).map_err(|error| ConfigError {
        variable: "POSTERN_LOG".to_owned(),
        remedy: format!("say a level such as info, or info,persistence=debug ({error})"),
    })?;
    let logs = tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_span_list(false)
        .with_writer(std::io::stderr)
        .with_filter(filter);
    let provider = config.otlp_endpoint.as_deref().map(exporter).transpose()?;
    let traces = provider.as_ref().map(|provider| {
        tracing_opentelemetry::layer().with_tracer(provider.tracer("postern")).with_filter(EnvFilter::new("info"))
    });
    let started = tracing_subscriber::registry().with(logs).with(traces).try_init();
    started.map_err(|error: TryInitError| ConfigError {
        variable: "POSTERN_LOG".to_owned(),
        remedy: format!("logging was started already ({error})"),
    })?;
    Ok(Telemetry(provider))
}

fn exporter(endpoint: &str) -> Result<SdkTracerProvider, ConfigError> {
    let endpoint = format!("{}/v1/traces", endpoint.trim_end_matches('/'));
    let exporter =
        opentelemetry_otlp::SpanExporter::builder().with_http().with_endpoint(endpoint).build().map_err(|error| {
            ConfigError {
                variable: "POSTERN_OTLP_ENDPOINT".to_owned(),
                remedy: format!("say the base URL of a collector, such as http://collector:4318 ({error})"),
            }
        })?;
    Ok(SdkTracerProvider::builder()
        .with_batch_exporter(exporter)
        .with_resource(Resource::builder().with_service_name("postern").build())
        .build())
}
