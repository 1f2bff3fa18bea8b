//! Whether a JSON text is a valid FHIR R4 resource: one walk that finds everything that is wrong.
//!
//! Checked are structure, counts, primitive formats, required bindings of codes, choices, `_` companions, references
//! (targets and fragments), contained resources, the narrative and the rules of the data types. Stricter than FHIR: no
//! member twice, and what [`crate::json`] refuses. More lenient: an empty array is a warning, because generated clients
//! send them and they say nothing.

mod issues;
mod location;
mod primitive;
mod reference;
mod rule;
mod walk;
mod when;
mod xhtml;

use crate::issue::{Issue, IssueCode, Severity};
use crate::json::{Problem, ProblemKind, Tree};

pub(crate) use location::expression;
pub(crate) use when::Moment;

/// How many errors, and how many warnings, are told of one resource.
pub const MAX_ISSUES: usize = 100;

/// What else to be strict about.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// Whether an empty array is an error, as FHIR says, instead of a warning.
    pub refuse_empty_arrays: bool,
}

/// Validates a resource that must be of the type named `expected`. All issues are found, at most [`MAX_ISSUES`]
/// errors and as many warnings; the resource is valid when there is no error.
pub fn validate(tree: &Tree, expected: &str, options: Options) -> Vec<Issue> {
    walk::validate(tree, expected, options, Vec::new())
}

/// Reads and validates a resource that must be of the type named `expected`.
pub fn read(bytes: &[u8], expected: &str, options: Options) -> (Tree, Vec<Issue>) {
    let (tree, problems) = Tree::read_all(bytes);
    if problems.iter().any(|problem| problem.kind.ends_reading()) {
        let issues = problems.iter().map(|problem| located(&tree, problem)).collect();
        return (tree, issues);
    }
    let found = problems.iter().map(|problem| located(&tree, problem)).collect();
    let issues = walk::validate(&tree, expected, options, found);
    (tree, issues)
}

fn located(tree: &Tree, problem: &Problem) -> Issue {
    let severity = if problem.kind.ends_reading() { Severity::Fatal } else { Severity::Error };
    let issue = unreadable(problem, severity);
    match expression(tree, problem.node) {
        place if place.is_empty() => issue,
        place => issue.at(place),
    }
}

/// The issue that tells of a problem with the JSON text.
pub(crate) fn unreadable(problem: &Problem, severity: Severity) -> Issue {
    let code = match problem.kind {
        ProblemKind::NulCharacter | ProblemKind::LoneSurrogate => IssueCode::Value,
        ProblemKind::TooLong => IssueCode::TooLong,
        _ => IssueCode::Structure,
    };
    Issue { severity, ..Issue::error(code, problem.to_string()) }
}

#[cfg(test)]
mod tests;
