//! A message's text: read and validated, and written as the resources of its decision.

use std::hint::black_box;
use std::time::Duration;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use domain::access::PatientFacts;
use domain::decide::{Setting, send};
use domain::id::{Ids, ResourceId, TenantId, Version};
use fhir::communication::Communication;
use fhir::decided::{Frame, sent};
use postern_bench::sample;

/// The service's own.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn message(c: &mut Criterion) {
    let now = sample::friday_evening();
    let text = sample::message();
    let policy = sample::compiled(sample::default_bundle());
    let communication = Communication::parse(text.as_bytes()).expect("a message made for this");
    let id: ResourceId = "m-1".parse().expect("a literal id");
    let message = communication.message(&id, &PatientFacts::default());
    let tenant = TenantId::new(TenantId::DEFAULT);
    let frame = Frame { tenant: &tenant, generation: 1, now: now.timestamp() };
    let decide = || {
        let setting = Setting { policy: &policy, now };
        send(setting, &message, None, &mut Ids::new(now, 1)).expect("nothing is refused")
    };
    let mut group = c.benchmark_group("message");
    group.bench_function("parse", |b| b.iter(|| Communication::parse(black_box(text.as_bytes()))));
    group.bench_function("write", |b| {
        b.iter_batched(
            decide,
            |decision| sent(&frame, &communication, (&id, Version::FIRST), None, &[], decision),
            BatchSize::SmallInput,
        );
    });
    let bundle = sample::bundle(100);
    let valid =
        |text: &str, kind: &str| fhir::validate::read(text.as_bytes(), kind, fhir::validate::Options::default());
    assert_eq!(valid(&bundle, "Bundle").1, [], "a Bundle made for this is valid");
    group.bench_function("validate", |b| b.iter(|| valid(black_box(&text), "Communication")));
    group.bench_function("validate_bundle", |b| b.iter(|| valid(black_box(&bundle), "Bundle")));
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .without_plots()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2));
    targets = message
}
criterion_main!(benches);
