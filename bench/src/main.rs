//! Measures the service beside pgbench, in one run on one machine, and writes `docs/bench.md`.
//!
//! Run by `scripts/bench.sh` beside a throw-away PostgreSQL; both programs must be built with optimisation.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Parser;
use domain::time::TimeSource as _;
use server::clock::SystemTime;
use server::workload::{Workload, patient_id};

use crate::baseline::Rows;
use crate::connection::request;
use crate::database::Database;
use crate::machine::Machine;
use crate::measure::{Match, Stretch};
use crate::report::Report;
use crate::service::{Folder, Service, Setup};

mod baseline;
mod connection;
mod database;
mod estimate;
mod load;
mod machine;
mod measure;
mod pgbench;
mod process;
mod report;
mod service;

/// What something that can fail gives.
type Done<T> = Result<T, Box<dyn Error>>;

/// Connections at which both sides are measured.
const CONNECTIONS: [usize; 4] = [1, 8, 32, 64];

/// Connections at which the embedded database is measured.
const EMBEDDED: [usize; 3] = [1, 8, 32];

/// Patients with a token of their own.
const PATIENTS: usize = 256;

/// Different messages that are sent.
const MESSAGES: usize = 2_048;

/// Real sends whose rows pgbench writes.
const SAMPLES: usize = 8;

/// How often the service is started to see how long that takes.
const STARTS: usize = 5;

/// The pool of the default bundle.
const POOL: &str = "HealthcareService/default";

/// Measures the service beside pgbench and writes docs/bench.md.
#[derive(Clone, Debug, Parser)]
#[command(name = "postern-bench", version)]
struct Options {
    /// How long each stretch is.
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// How often each side has its turn.
    #[arg(long, default_value_t = 2)]
    rounds: usize,
    /// About how many messages are loaded first.
    #[arg(long, default_value_t = 10_000)]
    messages: usize,
    /// How many messages patients write in the month that is simulated; 0 leaves that out.
    #[arg(long, default_value_t = 22_000)]
    month: usize,
    /// The seed of the synthetic clinic.
    #[arg(long, default_value_t = 20_260_619)]
    seed: u64,
    /// Where the report goes.
    #[arg(long, default_value = "docs/bench.md")]
    output: PathBuf,
}

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("postern-bench: {error}");
            ExitCode::FAILURE
        }
    }
}

fn variable(name: &str) -> Done<String> {
    std::env::var(name).map_err(|_| format!("{name} is not set: run this by scripts/bench.sh").into())
}

fn run(options: &Options) -> Done<ExitCode> {
    let program = std::env::current_exe()?;
    let built = program.parent().ok_or("this program lies nowhere")?;
    let target = built.parent().ok_or("this program lies nowhere")?;
    let folder = Folder::new()?;
    let server =
        Database { bin: variable("POSTERN_POSTGRES_BIN")?.into(), url: variable("POSTERN_TEST_POSTGRES_URL")? };
    let mut report = Report {
        machine: Machine::look(&server)?,
        command: format!("postern-bench {}", std::env::args().skip(1).collect::<Vec<_>>().join(" ")).trim().to_owned(),
        seconds: options.seconds,
        rounds: options.rounds,
        ..Report::default()
    };
    let traffic = Traffic::new(options, built, folder.path())?;
    postgres(options, &server, &folder, &traffic, &mut report)?;
    embedded(options, &folder, &traffic, &mut report)?;
    if options.month > 0 {
        report.month = Some(month(options.month, &folder, &traffic)?);
    }
    std::fs::write(&options.output, report.page(target)?)?;
    eprintln!("wrote {}", options.output.display());
    match (report.errors(), report.first_error()) {
        (0, _) => Ok(ExitCode::SUCCESS),
        (errors, first) => Err(format!("{errors} requests failed; the first: {}", first.unwrap_or("unknown")).into()),
    }
}

/// What is sent, and in whose name.
struct Traffic {
    /// The program.
    program: PathBuf,
    /// Patients by number, the busiest writers of what is loaded, with their tokens.
    patients: Vec<(usize, String)>,
    /// The token of a client that may write for everybody.
    engine: String,
    /// Bodies to be sent.
    bodies: Vec<(usize, String)>,
}

impl Traffic {
    fn new(options: &Options, built: &Path, folder: &Path) -> Done<Self> {
        let program = built.join("postern");
        // Tokens need the key alone; every database of this run is served with the same one.
        let setup = Setup { program: program.clone(), folder: folder.to_owned(), database_url: embedded_url(folder) };
        let mut busy: BTreeMap<usize, usize> = BTreeMap::new();
        for conversation in loaded(options) {
            *busy.entry(conversation.patient).or_default() += conversation.turns.len();
        }
        let mut busy: Vec<(usize, usize)> = busy.into_iter().map(|(patient, count)| (count, patient)).collect();
        busy.sort_unstable_by(|a, b| b.cmp(a));
        let patients = busy
            .into_iter()
            .take(PATIENTS)
            .map(|(_, patient)| Ok((patient, setup.patient_token(&patient_id(patient))?)))
            .collect::<Done<Vec<_>>>()?;
        let bodies = Workload::new(options.seed + 1).take(MESSAGES).enumerate().map(|(number, mut conversation)| {
            let place = number % patients.len();
            conversation.patient = patients[place].0;
            // A token speaks for the patient who holds it.
            conversation.proxy = false;
            (place, conversation.message(&conversation.turns[0], POOL, None).to_string())
        });
        Ok(Self { bodies: bodies.collect(), engine: setup.system_token("bench")?, patients, program })
    }

    fn setup(&self, folder: &Path, database_url: String) -> Setup {
        Setup { program: self.program.clone(), folder: folder.to_owned(), database_url }
    }

    fn sends(&self) -> Arc<Vec<Vec<u8>>> {
        let send = |(place, body): &(usize, String)| {
            request("POST", "/fhir/Communication", &self.patients[*place].1, Some(body))
        };
        Arc::new(self.bodies.iter().map(send).collect())
    }

    /// Reads of the patients' own messages.
    fn reads(&self, written: &[(usize, String)]) -> Arc<Vec<Vec<u8>>> {
        let tokens: BTreeMap<usize, &str> =
            self.patients.iter().map(|(patient, token)| (*patient, token.as_str())).collect();
        let read = |(patient, id): &(usize, String)| {
            Some(request("GET", &format!("/fhir/Communication/{id}"), tokens.get(patient)?, None))
        };
        Arc::new(written.iter().filter_map(read).collect())
    }

    /// The rows of real sends, of bodies from the shortest to the longest.
    fn samples(&self, service: &Service, database: &Database) -> Done<Vec<Rows>> {
        let mut bodies: Vec<&(usize, String)> = self.bodies.iter().collect();
        bodies.sort_by_key(|(_, body)| body.len());
        let step = bodies.len() / SAMPLES;
        let mut samples = vec![];
        for (place, body) in bodies.into_iter().skip(step / 2).step_by(step) {
            let token = &self.patients[*place].1;
            let id = load::send_one(service.address, token, body)?;
            samples.push(baseline::rows_of(database, &id)?);
        }
        Ok(samples)
    }
}

/// The conversations that are loaded; each has 4.7 messages on average.
fn loaded(options: &Options) -> impl Iterator<Item = server::workload::Conversation> {
    Workload::new(options.seed).take(options.messages * 10 / 47)
}

fn embedded_url(folder: &Path) -> String {
    format!("sqlite:{}", folder.join("embedded.sqlite").display())
}

fn postgres(options: &Options, server: &Database, folder: &Folder, traffic: &Traffic, report: &mut Report) -> Done<()> {
    let database = server.create(&format!("postern_bench_{}", std::process::id()))?;
    let setup = traffic.setup(folder.path(), database.url.clone());
    report.version = setup.version()?;
    setup.migrate()?;
    let service = setup.start()?;
    let samples = traffic.samples(&service, &database)?;
    report.rows = average(&samples);
    report.body = traffic.bodies.iter().map(|(_, body)| body.len()).sum::<usize>() / traffic.bodies.len();
    eprintln!("loading");
    let written = load::fill(service.address, &traffic.engine, POOL, loaded(options).collect())?;
    report.loaded = written.len();
    let messages = baseline::prepare(&database)?;
    let postmaster = server.postmaster()?;
    let (seconds, rounds) = (options.seconds, options.rounds);
    let mut game = Match { service: &service, database: &database, postmaster, folder, seconds, rounds, runs: 0 };

    let reads = traffic.reads(&written);
    let script = [baseline::read_script(messages)];
    eprintln!("reads");
    for connections in CONNECTIONS {
        report.reads.push(game.play(connections, &reads, 200, &script)?);
    }
    eprintln!("sends");
    let sends = traffic.sends();
    let scripts = samples.iter().map(Rows::script).collect::<Done<Vec<_>>>()?;
    for connections in CONNECTIONS {
        report.sends.push(game.play(connections, &sends, 201, &scripts)?);
    }
    let single = samples.iter().map(Rows::single_statement).collect::<Done<Vec<_>>>()?;
    report.single.push((32, game.theirs(32, &single)?.leg));
    report.memory.0 = process::peak_memory(service.pid())?;
    drop(service);
    for _ in 0..STARTS {
        report.ready.push(setup.start()?.ready_after.as_secs_f64() * 1000.0);
    }
    Ok(())
}

fn embedded(options: &Options, folder: &Folder, traffic: &Traffic, report: &mut Report) -> Done<()> {
    eprintln!("sends into the embedded database");
    let service = traffic.setup(folder.path(), embedded_url(folder.path())).start()?;
    let sends = traffic.sends();
    for connections in EMBEDDED {
        let (server, own) = (process::of(service.pid()), process::own());
        let leg = load::drive(service.address, connections, &sends, Duration::from_secs(options.seconds), 201)?;
        let (server, generator) = (process::of(service.pid()) - server, process::own() - own);
        eprintln!("  {connections:>2} connections: {:.0}/s, errors {}", leg.rate(), leg.errors);
        report.embedded.push((connections, Stretch { leg, server, database: 0.0, generator }));
    }
    report.memory.1 = process::peak_memory(service.pid())?;
    Ok(())
}

/// A month of a clinic on the embedded database, replayed under the bundle in force and its next version: how many
/// messages that were, and how long it took.
fn month(messages: usize, folder: &Folder, traffic: &Traffic) -> Done<(u64, Duration)> {
    eprintln!("simulation: a month with {messages} messages of patients");
    let place = folder.path().join("month.sqlite");
    let setup = traffic.setup(folder.path(), format!("sqlite:{}", place.display()));
    setup.migrate()?;
    setup.seed(messages)?;
    let mut bundle = server::clinic::bundle().map_err(|finding| finding.to_string())?;
    bundle.version += 1;
    let candidate = folder.path().join("candidate.json");
    std::fs::write(&candidate, bundle.canonical())?;
    let now = SystemTime.now();
    let from = now - jiff::SignedDuration::from_hours(40 * 24);
    let (report, took) = setup.simulate(&candidate, &from.to_string(), &now.to_string())?;
    let report: serde_json::Value = serde_json::from_str(&report)?;
    let replayed = report["messages"].as_u64().unwrap_or_default();
    eprintln!("  {replayed} messages and answers in {took:?}");
    Ok((replayed, took))
}

/// How many rows a send writes to each table.
fn average(samples: &[Rows]) -> Vec<(String, f64)> {
    let mut totals: BTreeMap<String, usize> = BTreeMap::new();
    for (table, count) in samples.iter().flat_map(Rows::counts) {
        *totals.entry(table.to_owned()).or_default() += count;
    }
    totals.into_iter().map(|(table, total)| (table, total as f64 / samples.len().max(1) as f64)).collect()
}
