//! Two sides in turn: the service, pgbench, the service, pgbench, at each number of connections.

use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::database::Database;
use crate::load::{Leg, drive};
use crate::service::{Folder, Service};
use crate::{Done, pgbench, process};

/// A stretch and the processor time that it took, in seconds.
#[derive(Clone, Debug, Default)]
pub struct Stretch {
    /// What came of it.
    pub leg: Leg,
    /// The service's own time.
    pub server: f64,
    /// The database's.
    pub database: f64,
    /// The load generator's: this program's or pgbench's.
    pub generator: f64,
}

impl Stretch {
    /// Microseconds of processor time for each answer.
    pub fn each(&self, seconds: f64) -> f64 {
        seconds * 1e6 / (self.leg.done.max(1) as f64)
    }

    /// Two stretches as one.
    fn join(mut self, other: Self) -> Self {
        self.leg.done += other.leg.done;
        self.leg.errors += other.leg.errors;
        self.leg.seconds += other.leg.seconds;
        self.leg.first_error = self.leg.first_error.or(other.leg.first_error);
        self.leg.latencies.extend(other.leg.latencies);
        self.leg.latencies.sort_unstable();
        self.server += other.server;
        self.database += other.database;
        self.generator += other.generator;
        self
    }
}

/// Both sides at one number of connections.
#[derive(Clone, Debug, Default)]
pub struct Pair {
    /// How many connections.
    pub connections: usize,
    /// The service, all rounds together.
    pub ours: Stretch,
    /// pgbench, all rounds together.
    pub theirs: Stretch,
    /// The ratio of the rates of each round.
    pub ratios: Vec<f64>,
    /// Outbox rows that should have left and had not at the end of a round.
    pub backlog: usize,
}

impl Pair {
    /// Answers a second of the service for each of pgbench.
    pub fn ratio(&self) -> f64 {
        self.ours.leg.rate() / self.theirs.leg.rate().max(f64::MIN_POSITIVE)
    }

    /// The lowest and the highest ratio of a round.
    pub fn spread(&self) -> (f64, f64) {
        self.ratios.iter().fold((f64::MAX, 0.0), |(low, high), ratio| (low.min(*ratio), high.max(*ratio)))
    }
}

/// What is measured against what.
pub struct Match<'m> {
    /// The service.
    pub service: &'m Service,
    /// Its database.
    pub database: &'m Database,
    /// The database's first process.
    pub postmaster: u32,
    /// A folder for files.
    pub folder: &'m Folder,
    /// How long each stretch is, in seconds.
    pub seconds: u64,
    /// How often each side has its turn.
    pub rounds: usize,
    /// Runs of pgbench so far, so that each makes its own keys.
    pub runs: u64,
}

impl Match<'_> {
    /// Measures both sides at one number of connections.
    pub fn play(
        &mut self,
        connections: usize,
        requests: &Arc<Vec<Vec<u8>>>,
        expected: u16,
        scripts: &[String],
    ) -> Done<Pair> {
        let mut pair = Pair { connections, ..Pair::default() };
        for _ in 0..self.rounds {
            let ours = self.ours(connections, requests, expected)?;
            pair.backlog = pair.backlog.max(self.settle()?);
            let theirs = self.theirs(connections, scripts)?;
            pair.ratios.push(ours.leg.rate() / theirs.leg.rate().max(f64::MIN_POSITIVE));
            pair.ours = pair.ours.join(ours);
            pair.theirs = pair.theirs.join(theirs);
        }
        eprintln!(
            "  {connections:>2} connections: {:.0}/s, pgbench {:.0}/s, ratio {:.2}, errors {}",
            pair.ours.leg.rate(),
            pair.theirs.leg.rate(),
            pair.ratio(),
            pair.ours.leg.errors + pair.theirs.leg.errors
        );
        Ok(pair)
    }

    fn ours(&self, connections: usize, requests: &Arc<Vec<Vec<u8>>>, expected: u16) -> Done<Stretch> {
        self.database.run("CHECKPOINT")?;
        let time = Duration::from_secs(self.seconds);
        let (server, database, own) =
            (process::of(self.service.pid()), process::of_family(self.postmaster)?, process::own());
        let leg = drive(self.service.address, connections, requests, time, expected)?;
        Ok(Stretch {
            leg,
            server: process::of(self.service.pid()) - server,
            database: process::of_family(self.postmaster)? - database,
            generator: process::own() - own,
        })
    }

    /// A stretch of pgbench.
    pub fn theirs(&mut self, connections: usize, scripts: &[String]) -> Done<Stretch> {
        self.database.run("CHECKPOINT")?;
        self.runs += 1;
        let offset = self.runs * 10_000_000;
        let (database, children) = (process::of_family(self.postmaster)?, process::ended_children());
        let leg = pgbench::run(self.database, self.folder.path(), scripts, connections, self.seconds, offset)?;
        Ok(Stretch {
            leg,
            server: 0.0,
            database: process::of_family(self.postmaster)? - database,
            generator: process::ended_children() - children,
        })
    }

    /// Waits until the workers have done what the last stretch left them, so that pgbench has the machine for itself;
    /// gives how much that was.
    fn settle(&self) -> Done<usize> {
        const LONGEST: Duration = Duration::from_secs(20);
        let due = || -> Done<usize> {
            let sql = "SELECT count(*) FROM public.outbox WHERE dispatched_at IS NULL AND release_at <= now()";
            Ok(self.database.run(sql)?.parse()?)
        };
        let backlog = due()?;
        let started = Instant::now();
        while due()? > 0 && started.elapsed() < LONGEST {
            sleep(Duration::from_millis(100));
        }
        Ok(backlog)
    }
}
