//! Commands that need no database: what is wrong with a bundle, and whether calendars count as they should.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::ExitCode;

use domain::calendar::vectors;
use domain::policy::bundle::Bundle;
use domain::policy::lint::Severity;
use domain::time::{Instant, TimeSource as _};

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
