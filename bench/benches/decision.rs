//! Decisions about a patient's new message, and what compiling the policy costs.

use std::hint::black_box;
use std::time::Duration;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use domain::access::PatientFacts;
use domain::decide::{Setting, send};
use domain::id::{Ids, ResourceId};
use fhir::communication::Communication;
use postern_bench::sample;

/// The service's own.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn decision(c: &mut Criterion) {
    let now = sample::friday_evening();
    let communication = Communication::parse(sample::message().as_bytes()).expect("a message made for this");
    let id: ResourceId = "m-1".parse().expect("a literal id");
    let message = communication.message(&id, &PatientFacts::default());
    let mut group = c.benchmark_group("decision");
    for (name, bundle) in [("default", sample::default_bundle()), ("large", sample::large_bundle())] {
        let policy = sample::compiled(bundle);
        let setting = Setting { policy: &policy, now };
        group.bench_function(name, |b| {
            b.iter(|| send(setting, black_box(&message), None, &mut Ids::new(now, 1)).expect("nothing is refused"));
        });
    }
    group.finish();

    let mut group = c.benchmark_group("policy");
    for (name, bundle) in [("compile_default", sample::default_bundle()), ("compile_large", sample::large_bundle())] {
        group.bench_function(name, |b| {
            b.iter_batched(|| bundle.clone(), sample::compiled, BatchSize::SmallInput);
        });
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .without_plots()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2));
    targets = decision
}
criterion_main!(benches);
