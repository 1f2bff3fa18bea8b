//! Calendars: what is asked for every message, and what a new policy costs.

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use domain::calendar::Calendar;
use domain::time::{Instant, Span};
use postern_bench::sample;

fn calendar(c: &mut Criterion) {
    let (spec, holidays, now) = (sample::calendar(), [sample::holidays()], sample::friday_evening());
    let compile = || Calendar::compile(&spec, &holidays, now).expect("a calendar made for this");
    let calendar = compile();
    // Instants over two months: the same one again and again would measure the processor's memory of it.
    let instants: Vec<Instant> = (0..1_024).map(|number| now.plus(number * 5_437)).collect();
    let mut group = c.benchmark_group("calendar");
    let mut next = instants.iter().copied().cycle();
    let mut at = move || next.next().unwrap_or(now);
    group.bench_function("add", |b| b.iter(|| calendar.add(black_box(at()), Span::hours(16))));
    group.bench_function("elapsed", |b| {
        b.iter(|| {
            let from = black_box(at());
            calendar.elapsed(from, from.plus(14 * 86_400))
        });
    });
    group.bench_function("open_day_close", |b| b.iter(|| calendar.open_day_close(black_box(at()), 2)));
    group.bench_function("compile", |b| b.iter(compile));
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .without_plots()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2));
    targets = calendar
}
criterion_main!(benches);
