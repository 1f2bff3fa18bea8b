//! The command `postern`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use server::config::Config;
use server::{audit, check, command, simulate, token};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Patient messaging over FHIR that keeps its promises to patients and the boundaries of those who answer.
#[derive(Debug, Parser)]
#[command(name = "postern", version, about)]
struct Postern {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the FHIR interface and run the workers until told to stop.
    Serve,
    /// Bring the database to this version, and give a tenant without a policy the default bundle.
    Migrate,
    /// Fill an empty database with a small made-up clinic.
    Seed {
        /// Also a month of a large synthetic clinic's correspondence, with so many messages of patients: 22000 is what
        /// 70,000 patients write. The same number gives the same conversations.
        #[arg(long, value_name = "NUMBER", default_value_t = 0)]
        messages: usize,
    },
    /// Print a development token and nothing else.
    Token(token::For),
    /// Print the OpenAPI document.
    Openapi,
    /// Play the story of a Friday evening message against the real server; fail when anything differs.
    Demo {
        /// An empty database to play it in, such as postgres://...; an embedded one when absent.
        #[arg(long, value_name = "URL")]
        database_url: Option<String>,
    },
    /// Work with policy bundles.
    #[command(subcommand)]
    Policy(Policy),
    /// Check the audit trail, or write down where it ends.
    #[command(subcommand)]
    Audit(audit::Audit),
    /// Ask the service on this machine whether it is ready; for containers.
    Healthcheck,
}

#[derive(Debug, Subcommand)]
enum Policy {
    /// Say what is wrong with a bundle, one JSON line a finding; fail when it cannot be used.
    Lint {
        /// The bundle.
        file: PathBuf,
    },
    /// Decide about a message without a database, and print the decision record.
    Explain(check::Explain),
    /// Replay stored messages under the bundle in force and under another, and print what differs.
    Simulate(simulate::Simulate),
    /// Compute the cases of a calendar file, one JSON line a case; fail when any differs.
    CheckVectors {
        /// The cases.
        file: PathBuf,
    },
}

fn main() -> ExitCode {
    server::telemetry::redact_panics();
    let done = match Postern::parse().command {
        Command::Serve => configured(command::serve),
        Command::Migrate => configured(command::migrate),
        Command::Seed { messages } => configured(|config| command::seed(config, messages)),
        Command::Token(who) => configured(|config| command::token(config, &who)),
        Command::Openapi => command::openapi(),
        Command::Demo { database_url } => command::demo(database_url),
        Command::Policy(Policy::Lint { file }) => check::lint(&file),
        Command::Policy(Policy::Explain(asked)) => check::explain(&asked),
        Command::Policy(Policy::Simulate(asked)) => configured(|config| simulate::run(config, &asked)),
        Command::Policy(Policy::CheckVectors { file }) => check::vectors(&file),
        Command::Audit(asked) => configured(|config| audit::run(config, &asked)),
        Command::Healthcheck => configured(command::healthcheck),
    };
    match done {
        Ok(code) => code,
        // Whoever read the output has seen enough.
        Err(error) if is_closed_pipe(error.as_ref()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("postern: {error}");
            let mut cause = error.source();
            while let Some(source) = cause {
                eprintln!("  because: {source}");
                cause = source.source();
            }
            ExitCode::FAILURE
        }
    }
}

fn is_closed_pipe(error: &(dyn std::error::Error + 'static)) -> bool {
    error.downcast_ref::<std::io::Error>().is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}

fn configured(run: impl FnOnce(&Config) -> command::Done) -> command::Done {
    run(&Config::from_environment()?)
}
