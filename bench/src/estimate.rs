//! What the micro-benchmarks left behind: criterion's estimates and the counts of allocations.

use std::fs::read_to_string;
use std::path::Path;

use serde_json::Value;

/// A micro-benchmark.
#[derive(Clone, Copy, Debug)]
pub struct Micro {
    /// Its folder under criterion's.
    pub id: &'static str,
    /// What it does.
    pub what: &'static str,
    /// What is aimed at, in nanoseconds.
    pub target: Option<f64>,
}

/// Every micro-benchmark of `benches/`.
pub const MICROS: &[Micro] = &[
    Micro { id: "calendar/add", what: "calendar: add 16 open hours to an instant", target: Some(200.0) },
    Micro {
        id: "calendar/elapsed",
        what: "calendar: open time between two instants, two weeks apart",
        target: Some(200.0),
    },
    Micro { id: "calendar/open_day_close", what: "calendar: close of the second open day", target: Some(200.0) },
    Micro { id: "calendar/compile", what: "calendar: compile four years with 40 holidays", target: None },
    Micro { id: "decision/default", what: "decision: a patient's new message, default bundle", target: Some(10_000.0) },
    Micro { id: "decision/large", what: "decision: the same with 100 rules and 20 calendars", target: Some(10_000.0) },
    Micro { id: "policy/compile_default", what: "policy: compile the default bundle", target: None },
    Micro { id: "policy/compile_large", what: "policy: compile 100 rules and 20 calendars", target: None },
    Micro { id: "message/parse", what: "message of 1.6 KB: parse and validate", target: None },
    Micro { id: "message/validate", what: "the same, validated alone, as $validate does", target: None },
    Micro { id: "message/validate_bundle", what: "a Bundle of 100 such messages, validated", target: None },
    Micro { id: "message/write", what: "message, decided: splice, index, automatic reply and Task", target: None },
];

/// Criterion's estimate of the mean and its bounds at 95 %, in nanoseconds.
pub fn mean(target: &Path, id: &str) -> Option<(f64, f64, f64)> {
    let text = read_to_string(target.join("criterion").join(id).join("new/estimates.json")).ok()?;
    let estimates: Value = serde_json::from_str(&text).ok()?;
    let mean = &estimates["mean"];
    let bounds = &mean["confidence_interval"];
    Some((mean["point_estimate"].as_f64()?, bounds["lower_bound"].as_f64()?, bounds["upper_bound"].as_f64()?))
}

/// Allocations and bytes of each counted piece of work, as `benches/allocation.rs` wrote them.
pub fn allocations(target: &Path) -> Vec<(String, u64, u64)> {
    let read = || -> Option<Vec<(String, u64, u64)>> {
        let text = read_to_string(target.join("criterion/allocations.json")).ok()?;
        serde_json::from_str(&text).ok()
    };
    read().unwrap_or_default()
}

/// Nanoseconds as a person reads them.
pub fn readable(nanoseconds: f64) -> String {
    match nanoseconds {
        short if short < 1_000.0 => format!("{short:.0} ns"),
        middle if middle < 1_000_000.0 => format!("{:.2} µs", middle / 1_000.0),
        long => format!("{:.2} ms", long / 1_000_000.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_in_their_own_unit() {
        assert_eq!(readable(41.2), "41 ns");
        assert_eq!(readable(5_230.0), "5.23 µs");
        assert_eq!(readable(3_400_000.0), "3.40 ms");
    }
}
