//! Lint: what is wrong with a bundle, where (a JSON pointer) and what to do about it.
//!
//! A bundle without errors has the form that `docs/policy-bundle.schema.json` describes and can be compiled and
//! evaluated for any message.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::calendar::Calendar;
use crate::policy::bundle::Bundle;
use crate::time::Instant;

mod absences;
mod boundaries;
mod identity;
mod places;
mod rules;
pub mod size;
mod texts;
mod turnaround;
mod unread;

/// How many findings are told at most.
pub const MAX_FINDINGS: usize = 500;

/// How deep a condition may nest.
pub const MAX_DEPTH: usize = 8;
/// How many nodes a condition may have.
pub const MAX_NODES: usize = 200;

/// Whether a finding keeps a bundle from being used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Cannot be used.
    Error,
    /// Can be used, but look.
    Warning,
}

/// Something lint has found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// Whether it keeps the bundle from being used.
    pub severity: Severity,
    /// Where, as a JSON pointer (RFC 6901).
    pub pointer: String,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub remedy: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} ({})", self.pointer, self.message, self.remedy)
    }
}

impl Finding {
    /// Something that keeps the document from being used.
    pub fn error(pointer: String, message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { severity: Severity::Error, pointer, message: message.into(), remedy: remedy.into() }
    }

    /// The document does not have the form of a bundle.
    pub fn unreadable(error: &serde_path_to_error::Error<serde_json::Error>) -> Self {
        use serde_path_to_error::Segment;
        let pointer = error.path().iter().fold(String::new(), |pointer, segment| match segment {
            Segment::Seq { index } => format!("{pointer}/{index}"),
            Segment::Map { key } => format!("{pointer}/{}", escaped(key)),
            Segment::Enum { .. } | Segment::Unknown => pointer,
        });
        Self::error(
            pointer,
            error.inner().to_string(),
            "write the member as docs/policy-bundle.schema.json describes it",
        )
    }

    /// The document is not JSON.
    pub fn not_json(error: &serde_json::Error) -> Self {
        Self::error(
            String::new(),
            error.to_string(),
            "send one JSON document, nothing behind it, nested 127 deep at most",
        )
    }

    /// The document is longer than [`crate::policy::document::MAX_TEXT`]. It names the outermost member that takes the
    /// most, without reading what is in it.
    pub fn too_long(text: &str) -> Self {
        let most = crate::policy::document::MAX_TEXT;
        let members: BTreeMap<Cow<'_, str>, &RawValue> = serde_json::from_str(text).unwrap_or_default();
        let longest = members.iter().max_by_key(|(_, value)| value.get().len());
        Self::error(
            longest.map(|(name, _)| format!("/{}", escaped(name))).unwrap_or_default(),
            format!("the document has {} bytes; at most {most} are read", text.len()),
            "shorten its longest list or text: one bundle holds the rules of one clinic",
        )
    }

    /// A member is null.
    pub fn null(pointer: String) -> Self {
        Self::error(pointer, "null says nothing", "leave the member out, or give it a value")
    }

    /// A text holds U+0000: PostgreSQL keeps no such text, and nobody means it.
    pub fn nul(pointer: String) -> Self {
        Self::error(pointer, "the text holds the character U+0000", "leave the character out")
    }
}

/// A member's name as a step of a JSON pointer (RFC 6901).
pub(super) fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// Findings as they are made.
struct Lint<'a> {
    bundle: &'a Bundle,
    calendars: BTreeMap<&'a str, Calendar>,
    around: Instant,
    /// Whether the bundle is in force already, so that time alone makes nothing of it an error.
    in_force: bool,
    findings: Vec<Finding>,
}

impl Bundle {
    /// Everything that is wrong with the bundle; without errors it can be compiled and evaluated. `around` is an
    /// instant near those for which it will be: calendars must open, and hold every target, in the three years after.
    ///
    /// Lists that are too long are all that is said of a bundle that has one, so that the time lint takes is bounded.
    pub fn lint(&self, around: Instant) -> Vec<Finding> {
        self.linted(around, false)
    }

    /// The same of a bundle that is in force. It had no errors when it came into force, and time that passes makes none of
    /// it: a calendar whose last hours are over, or that opens too little for a target, is a warning. One calendar that
    /// ends takes no other pool's away, and what it can no longer bound is known as it is.
    pub fn lint_in_force(&self, around: Instant) -> Vec<Finding> {
        self.linted(around, true)
    }

    fn linted(&self, around: Instant, in_force: bool) -> Vec<Finding> {
        let mut lint = Lint { bundle: self, calendars: BTreeMap::new(), around, in_force, findings: Vec::new() };
        lint.sizes();
        if lint.findings.is_empty() {
            lint.identity();
            lint.calendars();
            lint.pools();
            lint.red_flags();
            lint.rules();
            lint.turnaround();
            lint.quiet_hours();
            lint.away_replies();
            lint.limits();
            lint.absences();
            lint.unread();
            lint.templates();
        }
        lint.findings
    }
}

impl Lint<'_> {
    fn error(&mut self, pointer: impl Into<String>, message: impl Into<String>, remedy: impl Into<String>) {
        self.found(Finding::error(pointer.into(), message, remedy));
    }

    /// What depends on the time at which it is asked.
    fn in_time(&mut self, pointer: impl Into<String>, message: impl Into<String>, remedy: impl Into<String>) {
        if self.in_force {
            self.warn(pointer, message, remedy);
        } else {
            self.error(pointer, message, remedy);
        }
    }

    fn warn(&mut self, pointer: impl Into<String>, message: impl Into<String>, remedy: impl Into<String>) {
        let finding = Finding::error(pointer.into(), message, remedy);
        self.found(Finding { severity: Severity::Warning, ..finding });
    }

    /// Keeps a finding. Of very many the rest would tell nobody more; an error is kept in the place of a warning, so that
    /// what has one never passes.
    fn found(&mut self, finding: Finding) {
        if self.findings.len() < MAX_FINDINGS {
            self.findings.push(finding);
        } else if finding.severity == Severity::Error
            && self.findings.iter().all(|kept| kept.severity == Severity::Warning)
            && let Some(last) = self.findings.last_mut()
        {
            *last = finding;
        }
    }
}
