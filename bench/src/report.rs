//! `docs/bench.md`, written anew by every run.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use crate::Done;
use crate::estimate::{MICROS, allocations, mean, readable};
use crate::load::{Leg, quantile};
use crate::machine::Machine;
use crate::measure::{Pair, Stretch};

/// Everything that was measured.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// The machine.
    pub machine: Machine,
    /// The service's version.
    pub version: String,
    /// How the run was asked for.
    pub command: String,
    /// Messages loaded before anything was measured.
    pub loaded: usize,
    /// How long a stretch was, in seconds.
    pub seconds: u64,
    /// How often each side had its turn.
    pub rounds: usize,
    /// Rows that the measured sends write, on average, by table.
    pub rows: Vec<(String, f64)>,
    /// The mean size of a sent body in bytes.
    pub body: usize,
    /// Sends.
    pub sends: Vec<Pair>,
    /// pgbench with a send in one statement, by connections.
    pub single: Vec<(usize, Leg)>,
    /// Reads.
    pub reads: Vec<Pair>,
    /// Sends into the embedded database.
    pub embedded: Vec<(usize, Stretch)>,
    /// The service's peak memory in MB, over all that was measured on PostgreSQL, and on SQLite.
    pub memory: (f64, f64),
    /// Start to ready, in milliseconds: each of several.
    pub ready: Vec<f64>,
    /// A month simulated: messages and answers, and how long it took.
    pub month: Option<(u64, Duration)>,
}

/// What is aimed at.
const SEND_RATIOS: [(usize, f64); 3] = [(8, 0.8), (32, 2.0), (64, 2.0)];
const READ_RATIO: f64 = 0.6;
const SLOWEST_MS: f64 = 25.0;
const MEMORY_MB: f64 = 150.0;
const READY_MS: f64 = 300.0;
const MONTH_SECONDS: f64 = 10.0;

fn met(met: bool) -> &'static str {
    if met { "met" } else { "**missed**" }
}

impl Report {
    /// How many requests were not answered as they should be.
    pub fn errors(&self) -> usize {
        let pairs = self.sends.iter().chain(&self.reads).map(|pair| pair.ours.leg.errors + pair.theirs.leg.errors);
        let embedded = self.embedded.iter().map(|(_, stretch)| stretch.leg.errors);
        pairs.chain(embedded).chain(self.single.iter().map(|(_, leg)| leg.errors)).sum()
    }

    /// What was wrong with the first of them.
    pub fn first_error(&self) -> Option<&str> {
        let pairs = self.sends.iter().chain(&self.reads).flat_map(|pair| [&pair.ours.leg, &pair.theirs.leg]);
        let others =
            self.embedded.iter().map(|(_, stretch)| &stretch.leg).chain(self.single.iter().map(|(_, leg)| leg));
        pairs.chain(others).find_map(|leg| leg.first_error.as_deref())
    }

    fn median_ready(&self) -> f64 {
        let mut ready = self.ready.clone();
        ready.sort_unstable_by(f64::total_cmp);
        ready.get(ready.len() / 2).copied().unwrap_or_default()
    }

    /// The whole page. `target` is cargo's folder, where the micro-benchmarks left their figures.
    pub fn page(&self, target: &Path) -> Done<String> {
        let mut page = String::new();
        self.introduce(&mut page)?;
        self.judge(&mut page, target)?;
        self.sends(&mut page)?;
        self.reads(&mut page)?;
        self.embedded(&mut page)?;
        micros(&mut page, target)?;
        Ok(page)
    }

    fn introduce(&self, page: &mut String) -> Done<()> {
        let Machine { day, processors, memory, kernel, file_system, postgres, settings, busy } = &self.machine;
        writeln!(
            page,
            "# Measurements\n\n\
             Written by `make bench`; edits are lost with the next run.\n\n\
             | | |\n|---|---|\n\
             | date | {day} |\n| version | {} |\n| command | `{}` |\n| processors | {processors} |\n\
             | memory | {memory} |\n| kernel | {kernel} |\n| file system | {file_system} |\n| PostgreSQL | {postgres}; \
             {settings} |\n| busy before the run (load average) | {busy} |\n| loaded first | {} messages of a \
             synthetic clinic, through the interface |\n",
            self.version, self.command, self.loaded
        )?;
        writeln!(
            page,
            "The service, the database and the load generator share the same processors, and so do pgbench and the \
             database on their turn. Both sides take turns in one run ({} rounds of {} s each, a checkpoint before \
             each), over connections that are kept. Judge by the ratios: absolute figures drift with the machine and \
             with whatever else it does, and on a machine that others use at the same time a ratio can be off by a \
             fifth; the spread between rounds tells how far this one can be trusted.\n",
            self.rounds, self.seconds
        )?;
        Ok(())
    }

    fn judge(&self, page: &mut String, target: &Path) -> Done<()> {
        writeln!(page, "## Targets\n\n| | target | got | |\n|---|---|---|---|")?;
        for (connections, ratio) in SEND_RATIOS {
            if let Some(pair) = self.sends.iter().find(|pair| pair.connections == connections) {
                let got = pair.ratio();
                let verdict = met(got >= ratio);
                writeln!(
                    page,
                    "| sends at {connections} connections, of pgbench | >= {ratio:.1} | {got:.2} | {verdict} |"
                )?;
            }
        }
        for pair in &self.reads {
            let (connections, got) = (pair.connections, pair.ratio());
            let verdict = met(got >= READ_RATIO);
            writeln!(
                page,
                "| reads at {connections} connections, of pgbench | >= {READ_RATIO:.1} | {got:.2} | {verdict} |"
            )?;
        }
        for (what, pairs) in [("sends", &self.sends), ("reads", &self.reads)] {
            if let Some(pair) = pairs.iter().find(|pair| pair.connections == 64) {
                let got = quantile(&pair.ours.leg.latencies, 0.99);
                let verdict = met(got <= SLOWEST_MS);
                writeln!(page, "| {what}, p99 at 64 connections | <= {SLOWEST_MS:.0} ms | {got:.1} ms | {verdict} |")?;
            }
        }
        let (memory, ready) = (self.memory.0, self.median_ready());
        let verdict = met(memory <= MEMORY_MB);
        writeln!(
            page,
            "| peak resident memory, up to 64 connections | <= {MEMORY_MB:.0} MB | {memory:.0} MB | {verdict} |"
        )?;
        let verdict = met(ready <= READY_MS);
        writeln!(page, "| start to ready on a migrated database | <= {READY_MS:.0} ms | {ready:.0} ms | {verdict} |")?;
        if let Some((messages, took)) = self.month {
            let (took, aim) = (took.as_secs_f64(), MONTH_SECONDS);
            let verdict = met(took <= aim);
            writeln!(
                page,
                "| simulation on SQLite: {messages} messages and answers of a month, `postern policy simulate` | \
                 <= {aim:.0} s | {took:.1} s | {verdict} |"
            )?;
        }
        for micro in MICROS {
            if let (Some(aim), Some((got, ..))) = (micro.target, mean(target, micro.id)) {
                let (aimed, shown) = (readable(aim), readable(got));
                writeln!(page, "| {} | <= {aimed} | {shown} | {} |", micro.what, met(got <= aim))?;
            }
        }
        let errors = self.errors();
        writeln!(page, "| requests not answered as they should be | 0 | {errors} | {} |\n", met(errors == 0))?;
        Ok(())
    }

    fn sends(&self, page: &mut String) -> Done<()> {
        let total: f64 = self.rows.iter().map(|(_, count)| count).sum();
        let rows: Vec<String> = self.rows.iter().map(|(table, count)| format!("{count:.1} in `{table}`")).collect();
        writeln!(
            page,
            "## Sends\n\n\
             `POST /fhir/Communication`: a patient's new message, {} bytes on average, with its decision, Task, \
             automatic reply, clock, outbox and audit; answered with the stored message once all of it is flushed. \
             The workers that take up the outbox run meanwhile. A send writes {total:.0} rows: {}.\n\n\
             pgbench writes the same rows, taken from eight real sends, into copies of the same tables with all their \
             indexes and checks: one transaction of five statements (several rows, and the small tables together, in \
             one statement), prepared.\n",
            self.body,
            rows.join(", ")
        )?;
        pairs(page, &self.sends)?;
        for (connections, leg) in &self.single {
            let ours = self.sends.iter().find(|pair| pair.connections == *connections).map(|pair| pair.ours.leg.rate());
            let ratio = ours.unwrap_or_default() / leg.rate().max(f64::MIN_POSITIVE);
            writeln!(
                page,
                "For comparison, pgbench with all of a send in a single statement at {connections} connections: {:.0}/s \
                 (ratio {ratio:.2}).\n",
                leg.rate()
            )?;
        }
        let backlog = self.sends.iter().map(|pair| pair.backlog).max().unwrap_or_default();
        writeln!(
            page,
            "At the end of a stretch at most {backlog} outbox rows waited for the workers, which took them up before \
             pgbench had its turn.\n"
        )?;
        Ok(())
    }

    fn reads(&self, page: &mut String) -> Done<()> {
        writeln!(
            page,
            "## Reads\n\n\
             `GET /fhir/Communication/{{id}}` by patients who read their own conversations, each read recorded in the \
             audit trail and flushed before the answer. pgbench selects the same columns of the same rows by primary \
             key, prepared, and records nothing.\n"
        )?;
        pairs(page, &self.reads)
    }

    fn embedded(&self, page: &mut String) -> Done<()> {
        writeln!(
            page,
            "## Sends into the embedded SQLite\n\n\
             The same sends, `synchronous = FULL`; the load generator runs on the same processors.\n\n\
             | connections | sends/s | p50 ms | p99 ms | errors | server µs a send |\n|--:|--:|--:|--:|--:|--:|"
        )?;
        for (connections, stretch) in &self.embedded {
            let leg = &stretch.leg;
            let (middle, slow) = (quantile(&leg.latencies, 0.5), quantile(&leg.latencies, 0.99));
            let (rate, errors, each) = (leg.rate(), leg.errors, stretch.each(stretch.server));
            writeln!(page, "| {connections} | {rate:.0} | {middle:.1} | {slow:.1} | {errors} | {each:.0} |")?;
        }
        let ready: Vec<String> = self.ready.iter().map(|ready| format!("{ready:.0}")).collect();
        writeln!(
            page,
            "\n## Memory and start\n\n\
             Peak resident memory {:.0} MB on PostgreSQL, {:.0} MB on SQLite. Start to ready, over and over on the \
             database that the runs above left: {} ms.\n",
            self.memory.0,
            self.memory.1,
            ready.join(", ")
        )?;
        Ok(())
    }
}

fn pairs(page: &mut String, pairs: &[Pair]) -> Done<()> {
    writeln!(
        page,
        "| connections | Postern /s | pgbench /s | ratio | rounds | Postern p50, p99 ms | pgbench p50, p99 ms | errors |\n\
         |--:|--:|--:|--:|--:|--:|--:|--:|"
    )?;
    for pair in pairs {
        let (ours, theirs) = (&pair.ours.leg, &pair.theirs.leg);
        let (low, high) = pair.spread();
        let slow = |leg: &Leg| format!("{:.1}, {:.1}", quantile(&leg.latencies, 0.5), quantile(&leg.latencies, 0.99));
        writeln!(
            page,
            "| {} | {:.0} | {:.0} | {:.2} | {low:.2} to {high:.2} | {} | {} | {} |",
            pair.connections,
            ours.rate(),
            theirs.rate(),
            pair.ratio(),
            slow(ours),
            slow(theirs),
            ours.errors + theirs.errors
        )?;
    }
    writeln!(
        page,
        "\nProcessor time in µs for each:\n\n\
         | connections | Postern: server | database | load generator | pgbench: database | pgbench itself |\n\
         |--:|--:|--:|--:|--:|--:|"
    )?;
    for pair in pairs {
        let (ours, theirs) = (&pair.ours, &pair.theirs);
        writeln!(
            page,
            "| {} | {:.0} | {:.0} | {:.0} | {:.0} | {:.0} |",
            pair.connections,
            ours.each(ours.server),
            ours.each(ours.database),
            ours.each(ours.generator),
            theirs.each(theirs.database),
            theirs.each(theirs.generator)
        )?;
    }
    writeln!(page)?;
    Ok(())
}

fn micros(page: &mut String, target: &Path) -> Done<()> {
    writeln!(
        page,
        "## Micro-benchmarks\n\n\
         Criterion's mean with its bounds at 95 %, on one processor.\n\n| | mean | bounds |\n|---|--:|--:|"
    )?;
    for micro in MICROS {
        match mean(target, micro.id) {
            Some((mean, low, high)) => {
                let (mean, low, high) = (readable(mean), readable(low), readable(high));
                writeln!(page, "| {} | {mean} | {low} to {high} |", micro.what)?;
            }
            None => {
                writeln!(page, "| {} | not measured: run `cargo bench --package postern-bench` first | |", micro.what)?;
            }
        }
    }
    let counted = allocations(target);
    if !counted.is_empty() {
        writeln!(page, "\n| allocations | count | bytes |\n|---|--:|--:|")?;
        for (what, count, bytes) in counted {
            writeln!(page, "| {what} | {count} | {bytes} |")?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_says_what_was_missed() {
        let leg = |done, worst| Leg { done, seconds: 1.0, latencies: vec![1_000, worst], ..Leg::default() };
        let side = |leg| Stretch { leg, ..Stretch::default() };
        let pair = Pair {
            connections: 64,
            ours: side(leg(150, 80_000)),
            theirs: side(leg(100, 10_000)),
            ratios: vec![1.5],
            backlog: 0,
        };
        let report = Report { sends: vec![pair], ready: vec![250.0], ..Report::default() };
        let page = report.page(Path::new("/nowhere")).unwrap();
        assert!(page.contains("| sends at 64 connections, of pgbench | >= 2.0 | 1.50 | **missed** |"), "{page}");
        assert!(page.contains("| sends, p99 at 64 connections | <= 25 ms | 80.0 ms | **missed** |"), "{page}");
        assert!(page.contains("| start to ready on a migrated database | <= 300 ms | 250 ms | met |"), "{page}");
    }
}
