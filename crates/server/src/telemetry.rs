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

/// Makes panics say where they happened and nothing more: what they would say may hold a person's words.
pub fn redact_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        if tracing::dispatcher::has_been_set() {
            tracing::error!(place, "a thread panicked");
        } else {
            eprintln!("postern: a thread panicked at {place}");
        }
    }));
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::process::Command;

    use super::*;

    /// Says to the process of the test that it is the one that panics, and whether it logs.
    const ROLE: &str = "TEST_PANICS";

    #[test]
    fn p5_a_panic_says_where_it_was_and_never_what_it_was_about() {
        if let Ok(role) = std::env::var(ROLE) {
            redact_panics();
            let _telemetry = (role == "logging").then(|| start(&Config::from_variables(&BTreeMap::new()).unwrap()));
            let words = "Mrs Canary takes five";
            assert!(std::thread::spawn(move || panic!("{words}")).join().is_err());
            return;
        }
        for (role, expected) in
            [("logging", "\"message\":\"a thread panicked\""), ("bare", "postern: a thread panicked at")]
        {
            let name = "telemetry::tests::p5_a_panic_says_where_it_was_and_never_what_it_was_about";
            let mut again = Command::new(std::env::current_exe().unwrap());
            let said = again.args(["--exact", name, "--nocapture"]).env(ROLE, role).output().unwrap();
            let text = String::from_utf8_lossy(&said.stderr).into_owned() + &String::from_utf8_lossy(&said.stdout);
            assert!(said.status.success(), "{text}");
            assert!(text.contains(expected) && text.contains("telemetry.rs:"), "{text}");
            assert!(!text.contains("Canary"), "{text}");
        }
    }
}
