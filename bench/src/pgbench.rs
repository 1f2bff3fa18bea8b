//! `pgbench`, run for one stretch.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread::available_parallelism;

use crate::Done;
use crate::database::Database;
use crate::load::Leg;

/// The share of transactions whose latency is written down: enough for a 99th percentile, too few to cost anything.
const SAMPLED: &str = "0.1";

/// Runs scripts, each equally often, with prepared statements, over so many connections for so many seconds.
///
/// `offset` is where the scripts' counter `n` begins, so that the keys of one run are not those of another.
pub fn run(
    database: &Database,
    folder: &Path,
    scripts: &[String],
    connections: usize,
    seconds: u64,
    offset: u64,
) -> Done<Leg> {
    let here = folder.join("pgbench");
    fs::create_dir_all(&here)?;
    let mut pgbench = Command::new(database.bin.join("pgbench"));
    let threads = available_parallelism().map_or(1, std::num::NonZero::get).min(connections);
    pgbench
        .current_dir(&here)
        .args(["--no-vacuum", "--protocol=prepared", "--log", "--sampling-rate", SAMPLED, "--log-prefix=latency"])
        .args(["--client", &connections.to_string(), "--jobs", &threads.to_string()])
        .args(["--time", &seconds.to_string(), "--define", &format!("n={offset}")]);
    for (number, script) in scripts.iter().enumerate() {
        let name = format!("script-{number}.sql");
        fs::write(here.join(&name), script)?;
        pgbench.args(["--file", &name]);
    }
    let output = pgbench.arg(&database.url).output()?;
    let (told, complaints) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    if !output.status.success() {
        return Err(format!("pgbench failed: {complaints}").into());
    }
    let mut leg = read(&told).ok_or_else(|| format!("pgbench said something else than expected: {told}"))?;
    for entry in fs::read_dir(&here)? {
        let path = entry?.path();
        if path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("latency")) {
            // Client, number of the transaction, microseconds, script, and when.
            let text = fs::read_to_string(&path)?;
            leg.latencies.extend(text.lines().filter_map(|line| line.split(' ').nth(2)?.parse::<u32>().ok()));
        }
    }
    leg.latencies.sort_unstable();
    fs::remove_dir_all(&here)?;
    if complaints.contains("ERROR") {
        leg.errors = leg.errors.max(1);
        leg.first_error = Some(complaints.into_owned());
    }
    Ok(leg)
}

/// Reads what pgbench prints at its end.
fn read(told: &str) -> Option<Leg> {
    let after = |start: &str| told.lines().find_map(|line| line.trim().strip_prefix(start));
    let first = |text: &str| text.split_whitespace().next().map(str::to_owned);
    let done: usize = first(after("number of transactions actually processed: ")?)?.parse().ok()?;
    // Connecting is left out, as it is for the service.
    let rate: f64 = first(after("tps = ")?)?.parse().ok()?;
    let failed = after("number of failed transactions: ").and_then(first);
    let errors = failed.and_then(|failed| failed.parse().ok()).unwrap_or(0);
    Some(Leg { done, errors, seconds: done as f64 / rate.max(f64::MIN_POSITIVE), ..Leg::default() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_pgbench_prints_is_read() {
        let told = "transaction type: script-0.sql\nnumber of clients: 8\n\
                    number of transactions actually processed: 3000\nnumber of failed transactions: 0 (0.000%)\n\
                    latency average = 1.9 ms\ninitial connection time = 5.1 ms\n\
                    tps = 1500.0 (without initial connection time)\n";
        let leg = read(told).unwrap();
        assert_eq!((leg.done, leg.errors), (3000, 0));
        assert!((leg.rate() - 1500.0).abs() < 0.01);
        assert!(read("nothing").is_none());
    }
}
