//! The rules of single data types (<https://hl7.org/fhir/R4/datatypes.html>), by the keys of the definitions.

mod bundle;
mod quantity;

use super::walk::Walk;
use super::when::Moment;
use crate::issue::IssueCode;
use crate::json::Value;

/// Checks the rules of the type of that name.
pub(super) fn check<'t>(walk: &mut Walk<'t>, value: Value<'t>, kind: &str) {
    match kind {
        "Extension" => extension(walk, value),
        "Attachment" => {
            let message = "data needs a contentType beside it";
            needs(walk, value, "data", "contentType", message);
        }
        "ContactPoint" => needs(walk, value, "value", "system", "a contact's value needs a system beside it"),
        "Quantity" | "Age" | "Count" | "Distance" | "Duration" => quantity::check(walk, value, kind),
        "Range" => quantity::range(walk, value),
        "Timing.repeat" => quantity::repeat(walk, value),
        "Bundle" => bundle::check(walk, value),
        "Bundle.entry" => bundle::entry(walk, value),
        "Parameters.parameter" => bundle::parameter(walk, value),
        "CareTeam.participant" => on_behalf(walk, value),
        // ppc-1
        "Consent" if !has(value, "policy") && !has(value, "policyRule") => {
            walk.issues.error(value, IssueCode::Invariant, "a Consent needs policy or policyRule");
        }
        "Expression" if !has(value, "expression") && !has(value, "reference") => {
            walk.issues.error(value, IssueCode::Invariant, "an expression needs expression or reference");
        }
        "Period" => {
            let message = "the period's end must not be before its start";
            ordered(walk, value, "start", "end", message);
        }
        "Ratio" => ratio(walk, value),
        "Task" => {
            let message = "lastModified must not be before authoredOn";
            ordered(walk, value, "authoredOn", "lastModified", message);
        }
        _ => {}
    }
}

fn has(value: Value<'_>, name: &str) -> bool {
    value.get(name).is_some_and(|member| !(member.is_array() && member.is_empty()))
}

/// ext-1: an extension has a value or extensions, and not both.
fn extension<'t>(walk: &mut Walk<'t>, value: Value<'t>) {
    let has_value = value.members().any(|member| member.name().trim_start_matches('_').starts_with("value"));
    let message = match (has_value, has(value, "extension")) {
        (true, true) => "an extension has a value or extensions, not both: keep one",
        (false, false) => "an extension needs a value or extensions",
        _ => return,
    };
    walk.issues.error(value, IssueCode::Invariant, message);
}

/// att-1, cpt-2, qty-3: one element needs another beside it.
fn needs<'t>(walk: &mut Walk<'t>, value: Value<'t>, one: &str, other: &'static str, message: &str) {
    if has(value, one) && !has(value, other) && !has(value, &format!("_{other}")) {
        walk.issues.missing(value, other, IssueCode::Invariant, message);
    }
}

/// ctm-1: only for a practitioner somebody else is named on whose behalf they take part.
fn on_behalf<'t>(walk: &mut Walk<'t>, value: Value<'t>) {
    let Some(of) = value.get("onBehalfOf") else { return };
    let member = value.get("member").and_then(Value::local_reference);
    if member.is_some_and(|member| !member.is("Practitioner")) {
        walk.issues.error(of, IssueCode::Invariant, "onBehalfOf is for members who are practitioners alone");
    }
}

/// A number as it is compared.
fn number(text: &str) -> Option<f64> {
    text.parse().ok()
}

/// per-1, inv-1: one time is not before another.
fn ordered<'t>(walk: &mut Walk<'t>, value: Value<'t>, first: &str, second: &str, message: &str) {
    let moment = |name: &str| Moment::parse(&value.get(name)?.as_str()?);
    if let (Some(start), Some(end)) = (moment(first), moment(second))
        && start.is_after(end)
    {
        walk.issues.error(value, IssueCode::Invariant, message);
    }
}

/// rat-1: numerator and denominator come together, or there is an extension.
fn ratio<'t>(walk: &mut Walk<'t>, value: Value<'t>) {
    let together = has(value, "numerator") == has(value, "denominator");
    let any = has(value, "numerator") || has(value, "extension");
    if !together || !any {
        walk.issues.error(value, IssueCode::Invariant, "a ratio needs both numerator and denominator");
    }
}

#[cfg(test)]
mod tests;
