//! Figures for Prometheus: counted here, rendered on a listener of their own.

use std::time::Duration;

use domain::store::Gauges;
use domain::time::Instant;
use prometheus::{
    Encoder as _, HistogramOpts, HistogramVec, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry, TextEncoder,
};

/// The counters and gauges of the service. Labels are route templates, methods, statuses and fixed codes: never
/// anything a person wrote, and never more series than the routing table has rows.
pub struct Metrics {
    registry: Registry,
    requests: IntCounterVec,
    latency: HistogramVec,
    decisions: IntCounterVec,
    refused: IntCounterVec,
    failures: IntCounterVec,
    left_out: IntGauge,
    worker_age: IntGauge,
    write_queue: IntGauge,
    clocks: IntGaugeVec,
    needing_review: IntGauge,
    oldest_outbox: IntGauge,
    store_up: IntGauge,
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// Metrics at zero.
    pub fn new() -> Self {
        let buckets = vec![0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
        let counter = |name: &str, help: &str, labels: &[&str]| {
            IntCounterVec::new(Opts::new(name, help), labels).expect("the name and labels of a metric are legal")
        };
        let gauge = |name: &str, help: &str| IntGauge::new(name, help).expect("the name of a metric is legal");
        let latency = HistogramOpts::new(
            "postern_http_request_duration_seconds",
            "Time from the head of a request to the head of its answer.",
        );
        let metrics = Self {
            registry: Registry::new(),
            requests: counter("postern_http_requests_total", "Requests answered.", &["route", "method", "status"]),
            latency: HistogramVec::new(latency.buckets(buckets), &["route", "method"])
                .expect("the name and labels of a metric are legal"),
            decisions: counter("postern_decisions_total", "Decisions taken, by outcome.", &["outcome"]),
            refused: counter(
                "postern_tokens_refused_total",
                "Requests refused for their credentials, by reason.",
                &["reason"],
            ),
            failures: counter(
                "postern_worker_failures_total",
                "What workers could not do and left for later, by step.",
                &["step"],
            ),
            left_out: gauge(
                "postern_unreadable_rows",
                "Rows that workers have left out since the process began, because they could not be understood.",
            ),
            worker_age: gauge("postern_worker_idle_seconds", "Since when no worker of this process has ended a step."),
            write_queue: gauge("postern_write_queue_depth", "Changes waiting for the writer."),
            clocks: IntGaugeVec::new(Opts::new("postern_clocks", "Clocks by state."), &["state"])
                .expect("the name and labels of a metric are legal"),
            needing_review: gauge(
                "postern_threads_needing_review",
                "Conversations that a person must look at and nobody has looked at yet.",
            ),
            oldest_outbox: gauge(
                "postern_outbox_oldest_age_seconds",
                "How long the oldest row that should have left is waiting.",
            ),
            store_up: gauge("postern_store_up", "Whether the store answered when these figures were asked for."),
        };
        metrics.register();
        metrics
    }

    fn register(&self) {
        let all: [Box<dyn prometheus::core::Collector>; 12] = [
            Box::new(self.requests.clone()),
            Box::new(self.latency.clone()),
            Box::new(self.decisions.clone()),
            Box::new(self.refused.clone()),
            Box::new(self.failures.clone()),
            Box::new(self.left_out.clone()),
            Box::new(self.worker_age.clone()),
            Box::new(self.write_queue.clone()),
            Box::new(self.clocks.clone()),
            Box::new(self.needing_review.clone()),
            Box::new(self.oldest_outbox.clone()),
            Box::new(self.store_up.clone()),
        ];
        for metric in all {
            self.registry.register(metric).expect("each metric is registered once");
        }
    }

    /// Counts a request that was answered.
    pub fn answered(&self, route: &str, method: &str, status: u16, took: Duration) {
        self.requests.with_label_values(&[route, method, &status.to_string()]).inc();
        self.latency.with_label_values(&[route, method]).observe(took.as_secs_f64());
    }

    /// Counts a decision.
    pub fn decided(&self, outcome: &str) {
        self.decisions.with_label_values(&[outcome]).inc();
    }

    /// Counts a request refused for its credentials.
    pub fn refused(&self, reason: &str) {
        self.refused.with_label_values(&[reason]).inc();
    }

    /// Counts what a worker could not do.
    pub fn failed(&self, step: &str) {
        self.failures.with_label_values(&[step]).inc();
    }

    /// Notes since when no worker has ended a step; nothing where none works.
    pub fn idle(&self, age: Option<Duration>) {
        self.worker_age.set(age.map_or(0, |age| i64::try_from(age.as_secs()).unwrap_or(i64::MAX)));
    }

    /// Everything as Prometheus reads it, with what the store says at `now`. Without an answer of the store its figures
    /// stay as they were last, and `postern_store_up` says so: counters matter most when the database is down.
    pub fn render(&self, gauges: Option<&Gauges>, now: Instant) -> String {
        self.store_up.set(i64::from(gauges.is_some()));
        if let Some(gauges) = gauges {
            self.write_queue.set(gauges.write_queue as i64);
            self.left_out.set(i64::try_from(gauges.left_out).unwrap_or(i64::MAX));
            self.clocks.reset();
            for (state, count) in &gauges.clocks {
                self.clocks.with_label_values(&[state]).set(*count);
            }
            self.needing_review.set(gauges.needing_review);
            self.oldest_outbox.set(gauges.oldest_outbox_release_at.map_or(0, |released| now.since(released).max(0)));
        }
        let mut text = vec![];
        if TextEncoder::new().encode(&self.registry.gather(), &mut text).is_err() {
            tracing::error!("the metrics could not be rendered");
        }
        String::from_utf8_lossy(&text).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_are_told_also_while_the_store_is_down() {
        let metrics = Metrics::new();
        metrics.decided("delivered");
        let text = metrics.render(None, Instant::from_second(160));
        assert!(text.contains("postern_store_up 0") && text.contains("postern_decisions_total"), "{text}");
    }

    #[test]
    fn figures_are_rendered_with_what_the_store_says() {
        let metrics = Metrics::new();
        metrics.answered("/fhir/Communication/{id}", "GET", 200, Duration::from_millis(3));
        metrics.decided("delivered");
        metrics.refused("expired");
        metrics.failed("fire");
        metrics.idle(Some(Duration::from_secs(7)));
        let gauges = Gauges {
            clocks: vec![("running".into(), 4)],
            needing_review: 3,
            oldest_outbox_release_at: Some(Instant::from_second(100)),
            write_queue: 2,
            left_out: 1,
        };
        let text = metrics.render(Some(&gauges), Instant::from_second(160));
        for line in [
            r#"postern_http_requests_total{method="GET",route="/fhir/Communication/{id}",status="200"} 1"#,
            r#"postern_decisions_total{outcome="delivered"} 1"#,
            r#"postern_tokens_refused_total{reason="expired"} 1"#,
            r#"postern_clocks{state="running"} 4"#,
            "postern_threads_needing_review 3",
            "postern_write_queue_depth 2",
            "postern_unreadable_rows 1",
            r#"postern_worker_failures_total{step="fire"} 1"#,
            "postern_worker_idle_seconds 7",
            "postern_outbox_oldest_age_seconds 60",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} in\n{text}");
        }
        let text = metrics.render(Some(&Gauges::default()), Instant::from_second(160));
        assert!(!text.contains("running") && text.contains("postern_outbox_oldest_age_seconds 0"));
    }
}
