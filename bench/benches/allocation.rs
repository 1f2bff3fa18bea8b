//! How much memory a message asks for on its way, counted rather than timed: a number that no busy machine disturbs.

use std::path::Path;

use allocation_counter::measure;
use domain::access::PatientFacts;
use domain::decide::{Setting, send};
use domain::id::{Ids, ResourceId, TenantId, Version};
use fhir::communication::Communication;
use fhir::decided::{Frame, sent};
use postern_bench::sample;

fn main() {
    let now = sample::friday_evening();
    let text = sample::message();
    let parse = || Communication::parse(text.as_bytes()).expect("a message made for this");
    let communication = parse();
    let id: ResourceId = "m-1".parse().expect("a literal id");
    let message = communication.message(&id, &PatientFacts::default());
    let tenant = TenantId::new(TenantId::DEFAULT);
    let mut counted: Vec<(&str, u64, u64)> = vec![];
    let mut count = |what, work: &mut dyn FnMut()| {
        // Once before: what is made once for all messages is not this one's.
        work();
        let found = measure(work);
        println!("{what}: {} allocations, {} bytes", found.count_total, found.bytes_total);
        counted.push((what, found.count_total, found.bytes_total));
    };
    count("message of 1.6 KB: parse and validate", &mut || drop(parse()));
    let bundles = [
        ("decision: a patient's new message, default bundle", sample::default_bundle()),
        ("decision: the same with 100 rules and 20 calendars", sample::large_bundle()),
    ];
    for (what, bundle) in bundles {
        let policy = sample::compiled(bundle);
        let setting = Setting { policy: &policy, now };
        count(what, &mut || drop(send(setting, &message, None, &mut Ids::new(now, 1))));
    }
    let policy = sample::compiled(sample::default_bundle());
    let frame = Frame { tenant: &tenant, generation: 1, now: now.timestamp() };
    let decide =
        || send(Setting { policy: &policy, now }, &message, None, &mut Ids::new(now, 1)).expect("nothing is refused");
    let mut decisions = [decide(), decide()].into_iter();
    count("the same, decided: splice, index, automatic reply and Task", &mut || {
        if let Some(decision) = decisions.next() {
            drop(sent(&frame, &communication, (&id, Version::FIRST), None, &[], decision));
        }
    });
    write(&counted);
}

/// Leaves the counts where criterion leaves its estimates, for the report.
fn write(counted: &[(&str, u64, u64)]) {
    let program = std::env::current_exe().expect("a program that runs lies somewhere");
    // target/release/deps/allocation-...
    let Some(target) = program.ancestors().nth(3) else { return };
    let folder: &Path = &target.join("criterion");
    let text = serde_json::to_string(counted).expect("numbers are written without fail");
    std::fs::create_dir_all(folder)
        .and_then(|()| std::fs::write(folder.join("allocations.json"), text))
        .expect("the folder of the build can be written to");
}
