//! The [OperationOutcome](https://hl7.org/fhir/R4/operationoutcome.html): how issues are told to a client.

use serde_json::{Map, Value, json};

use crate::issue::{Issue, IssueCode};

/// How long a message may get, in characters; the rest is cut off.
const MAX_MESSAGE: usize = 1000;

/// How many issues are told at most.
const MAX_ISSUES: usize = 200;

/// Issues on their way to a client.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// What there is to tell, the most important first.
    pub issues: Vec<Issue>,
}

impl Outcome {
    /// The outcome that tells these issues.
    pub fn new(issues: Vec<Issue>) -> Self {
        Self { issues }
    }

    /// The outcome when there is nothing to tell.
    pub fn all_well(message: impl Into<String>) -> Self {
        Self::new(vec![Issue::information(IssueCode::Informational, message)])
    }

    /// Whether one of the issues is an error.
    pub fn has_errors(&self) -> bool {
        self.issues.iter().any(Issue::is_error)
    }

    /// The resource as JSON text. FHIR asks for one issue at least, so an empty outcome says that all is well.
    pub fn to_json(&self) -> String {
        self.to_value().to_string()
    }

    /// The resource as a JSON value, to be put into a Bundle entry.
    pub fn to_value(&self) -> Value {
        if self.issues.is_empty() {
            return Self::all_well("All is well.").to_value();
        }
        let issues: Vec<Value> = self.issues.iter().take(MAX_ISSUES).map(render).collect();
        json!({ "resourceType": "OperationOutcome", "issue": issues })
    }
}

impl From<Issue> for Outcome {
    fn from(issue: Issue) -> Self {
        Self::new(vec![issue])
    }
}

/// Some clients show `details.text`, others `diagnostics`: both say the same.
fn render(issue: &Issue) -> Value {
    let message = shorten(&issue.message);
    let mut details = Map::new();
    if let Some(reason) = &issue.reason {
        details.insert("coding".to_owned(), json!([{ "system": reason.system, "code": reason.code }]));
    }
    details.insert("text".to_owned(), json!(message));
    let mut rendered = json!({
        "severity": issue.severity.as_str(),
        "code": issue.code.as_str(),
        "details": details,
        "diagnostics": message,
    });
    if let Some(expression) = &issue.expression {
        rendered["expression"] = json!([expression]);
    }
    rendered
}

fn shorten(message: &str) -> String {
    match message.char_indices().nth(MAX_MESSAGE) {
        Some((end, _)) => format!("{}…", &message[..end]),
        None => message.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issue_is_told_with_its_reason_and_its_place() {
        let issue = Issue::error(IssueCode::BusinessRule, "The pool is closed.")
            .at("Communication.recipient[0]")
            .because("closed");
        let told = Outcome::from(issue).to_value();
        assert_eq!(told["issue"][0]["code"], "business-rule");
        assert_eq!(told["issue"][0]["details"]["coding"][0]["code"], "closed");
        assert_eq!(told["issue"][0]["details"]["coding"][0]["system"], "http://postern.example/fhir/CodeSystem/reason");
        assert_eq!(told["issue"][0]["expression"][0], "Communication.recipient[0]");
    }

    #[test]
    fn a_long_message_is_cut_between_characters() {
        let told = Outcome::from(Issue::error(IssueCode::Value, "ü".repeat(5000))).to_value();
        assert_eq!(told["issue"][0]["diagnostics"].as_str().unwrap().chars().count(), MAX_MESSAGE + 1);
    }

    #[test]
    fn an_outcome_without_issues_still_has_one() {
        let told: Value = serde_json::from_str(&Outcome::default().to_json()).unwrap();
        assert_eq!(told["issue"][0]["severity"], "information");
    }
}
