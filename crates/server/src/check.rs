//! Commands that need no database: what is wrong with a bundle, why it decides as it does, and whether calendars count
//! as they should.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use domain::access::PatientFacts;
use domain::calendar::vectors;
use domain::correspondent::{Correspondent, Who};
use domain::decide::{Known, Setting, refused, send};
use domain::decision::{Decision, Record};
use domain::id::Ids;
use domain::policy::bundle::Bundle;
use domain::policy::lint::{Finding, Severity};
use domain::policy::{Directory, Policy};
use domain::store::ThreadView;
use domain::time::{Instant, TimeSource as _};
use fhir::communication::Communication;

use crate::clock::SystemTime;
use crate::command::Done;

/// The longest file that is read, in bytes.
const MAX_FILE: u64 = 32 * 1024 * 1024;

fn read(path: &Path) -> Result<String, String> {
    let failed = |error: std::io::Error| format!("{}: {error}", path.display());
    let mut text = String::new();
    let read = File::open(path).and_then(|file| file.take(MAX_FILE + 1).read_to_string(&mut text)).map_err(failed)?;
    if read as u64 > MAX_FILE {
        return Err(format!("{}: longer than {MAX_FILE} bytes", path.display()));
    }
    Ok(text)
}

/// Prints the findings of a bundle.
pub fn lint(path: &Path) -> Done {
    let text = read(path)?;
    let findings = match Bundle::read(&text) {
        Ok(bundle) => bundle.lint(Instant::from(SystemTime.now())),
        Err(finding) => vec![finding],
    };
    let mut out = std::io::stdout().lock();
    for finding in &findings {
        writeln!(out, "{}", serde_json::to_string(finding)?)?;
    }
    let bad = findings.iter().any(|finding| finding.severity == Severity::Error);
    Ok(if bad { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// Computes the cases of a calendar file.
pub fn vectors(path: &Path) -> Done {
    let outcomes = vectors::check(&read(path)?)?;
    let mut out = std::io::stdout().lock();
    for outcome in &outcomes {
        writeln!(out, "{}", serde_json::to_string(outcome)?)?;
    }
    Ok(if outcomes.iter().all(|outcome| outcome.ok) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What `policy explain` is asked.
#[derive(Clone, Debug, clap::Args)]
pub struct Explain {
    /// The bundle.
    #[arg(long, value_name = "FILE")]
    pub bundle: PathBuf,
    /// The message, a Communication as a client would send it.
    #[arg(long, value_name = "FILE")]
    pub message: PathBuf,
    /// When it arrives, such as 2026-06-19T17:30:00-04:00.
    #[arg(long, value_name = "INSTANT")]
    pub at: Instant,
    /// The conversation before it: a Bundle of Communications, each with `sent`. What is remembered of those who wrote
    /// follows from it.
    #[arg(long, value_name = "FILE")]
    pub thread: Option<PathBuf>,
    /// Print the decision as a paragraph in place of the record.
    #[arg(long)]
    pub text: bool,
    /// With --text, print what its patient would understand, in this language: en or es.
    #[arg(long, value_name = "TAG", requires = "text")]
    pub language: Option<String>,
}

/// Decides about a message without a database, and prints why.
pub fn explain(asked: &Explain) -> Done {
    let bundle = match Bundle::read(&read(&asked.bundle)?) {
        Ok(bundle) => bundle,
        Err(finding) => return Ok(refuse(&[finding])),
    };
    let policy = match Policy::compile(bundle, &Directory::default(), 0, asked.at) {
        Ok(policy) => policy,
        Err(findings) => return Ok(refuse(&findings)),
    };
    let mut before = Before::default();
    if let Some(path) = &asked.thread {
        for (at, earlier) in conversation(&read(path)?)? {
            // What was refused then is not in the conversation now.
            if let Ok(decision) = before.decide(&policy, at, &earlier) {
                before.follow(&decision);
            }
        }
    }
    let message = communication(read(&asked.message)?.as_bytes())?;
    let record = match before.decide(&policy, asked.at, &message) {
        Ok(decision) => decision.record,
        Err(record) => *record,
    };
    let mut out = std::io::stdout().lock();
    if asked.text {
        let told = asked.language.as_ref().map(|language| record.told(language));
        writeln!(out, "{}", told.unwrap_or_else(|| record.paragraph()))?;
    } else {
        writeln!(out, "{}", serde_json::to_string_pretty(&record)?)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// What a conversation has come to, and what is remembered of those who wrote in it, as a store would keep both.
#[derive(Default)]
struct Before {
    thread: Option<ThreadView>,
    memories: BTreeMap<Who, Correspondent>,
}

impl Before {
    /// The decision about the next message, or the record of its refusal.
    fn decide(&self, policy: &Policy, at: Instant, message: &Communication) -> Result<Decision, Box<Record>> {
        // The same seed gives the same record: what is explained today is explained alike tomorrow.
        let mut ids = Ids::new(at, 0);
        let id = message.document().id().unwrap_or_else(|| ids.next_id());
        let message = message.message(&id, &PatientFacts::default());
        let known = Known {
            thread: self.thread.as_ref(),
            sender: self.memories.get(&Who::Sender(message.sender.clone())),
            everyone: self.memories.get(&Who::Everyone),
            ..Known::default()
        };
        let setting = Setting { policy, now: at };
        send(setting, &message, known, &mut ids)
            .map_err(|refusal| Box::new(refused(setting, &message, known, &refusal, &mut Ids::new(at, 0))))
    }

    /// Keeps what a decision changes.
    fn follow(&mut self, decision: &Decision) {
        self.thread = Some(ThreadView::after(self.thread.as_ref(), decision));
        let memories = decision.correspondents.iter().cloned();
        self.memories.extend(memories.map(|memory| (memory.who.clone(), memory)));
    }
}

fn refuse(findings: &[Finding]) -> ExitCode {
    for finding in findings {
        eprintln!("{finding}");
    }
    ExitCode::FAILURE
}

fn communication(bytes: &[u8]) -> Result<Communication, String> {
    Communication::parse(bytes).map_err(|issues| {
        let told =
            issues.iter().map(|issue| format!("{}: {}", issue.expression.as_deref().unwrap_or("-"), issue.message));
        told.collect::<Vec<_>>().join("\n")
    })
}

/// The messages of a Bundle by the time they were sent, automatic ones left out: they are made anew.
fn conversation(text: &str) -> Result<Vec<(Instant, Communication)>, String> {
    let bundle: serde_json::Value = serde_json::from_str(text).map_err(|error| format!("the conversation: {error}"))?;
    let entries =
        bundle["entry"].as_array().ok_or("the conversation has no entries: give a Bundle of Communications")?;
    let mut messages = Vec::new();
    for entry in entries {
        let message = communication(entry["resource"].to_string().as_bytes())?;
        if message.message(&Ids::new(Instant::from_second(0), 0).next_id(), &PatientFacts::default()).machine_generated
        {
            continue;
        }
        let sent = message.document().get("sent").and_then(fhir::json::Value::as_instant);
        messages.push((sent.ok_or("a message of the conversation has no `sent`")?, message));
    }
    messages.sort_by_key(|(at, _)| *at);
    Ok(messages)
}
