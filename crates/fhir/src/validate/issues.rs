//! The issues found so far.

use super::MAX_ISSUES;
use super::location::{expression, push};
use crate::issue::{Issue, IssueCode, Severity};
use crate::json::{Tree, Value};

/// Collects issues until there are enough of them.
pub(super) struct Issues<'t> {
    tree: &'t Tree,
    /// Errors fail the request, so the walk ends when there are enough of them.
    errors: Vec<Issue>,
    /// Warnings never end the walk: an error may come after any number of them.
    warnings: Vec<Issue>,
}

impl<'t> Issues<'t> {
    pub(super) fn new(tree: &'t Tree, list: Vec<Issue>) -> Self {
        let (errors, warnings) = list.into_iter().partition(Issue::is_error);
        Self { tree, errors, warnings }
    }

    /// Whether there is no room for more errors.
    pub(super) fn is_full(&self) -> bool {
        self.errors.len() >= MAX_ISSUES
    }

    /// An error about a value.
    pub(super) fn error(&mut self, at: Value<'t>, code: IssueCode, message: impl Into<String>) {
        self.push(at, Severity::Error, code, "", message);
    }

    /// An error about an element that is missing from a value.
    pub(super) fn missing(&mut self, at: Value<'t>, element: &str, code: IssueCode, message: impl Into<String>) {
        self.push(at, Severity::Error, code, element, message);
    }

    /// Something about a value that is tolerated.
    pub(super) fn warning(&mut self, at: Value<'t>, code: IssueCode, message: impl Into<String>) {
        self.push(at, Severity::Warning, code, "", message);
    }

    fn push(&mut self, at: Value<'t>, severity: Severity, code: IssueCode, element: &str, message: impl Into<String>) {
        let list = if severity >= Severity::Error { &mut self.errors } else { &mut self.warnings };
        if list.len() >= MAX_ISSUES {
            return;
        }
        let mut place = expression(self.tree, at.index());
        if !element.is_empty() {
            push(&mut place, element);
        }
        let issue = Issue { severity, ..Issue::error(code, message) };
        list.push(if place.is_empty() { issue } else { issue.at(place) });
    }

    /// All issues, errors before warnings.
    pub(super) fn finish(mut self) -> Vec<Issue> {
        self.errors.append(&mut self.warnings);
        self.errors
    }
}
