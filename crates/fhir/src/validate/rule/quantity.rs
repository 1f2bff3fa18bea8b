//! The rules of measured amounts (<https://hl7.org/fhir/R4/datatypes.html#quantity>).

use super::{has, needs, number};
use crate::issue::IssueCode;
use crate::json::Value;
use crate::validate::walk::Walk;

/// Units of measure.
const UCUM: &str = "http://unitsofmeasure.org";

/// qty-3, and the rules of the kinds of quantities: age-1, cnt-3, dis-1, drt-1.
pub(super) fn check<'t>(walk: &mut Walk<'t>, value: Value<'t>, kind: &str) {
    needs(walk, value, "code", "system", "a quantity's code needs a system beside it");
    if kind == "Quantity" {
        return;
    }
    let mut refuse = |message: &str| walk.issues.error(value, IssueCode::Invariant, message);
    if has(value, "system") && !value.get("system").is_some_and(|system| system.is_str(UCUM)) {
        refuse("the unit of this amount must be one of http://unitsofmeasure.org");
    }
    let amount = value.get("value").and_then(Value::as_number);
    if kind == "Duration" {
        if has(value, "code") && !(has(value, "value") && has(value, "system")) {
            refuse("a duration's code needs a value and a system beside it");
        }
    } else if has(value, "value") && !has(value, "code") {
        refuse("this amount needs the code of its unit beside the value");
    }
    if kind == "Age" && amount.and_then(number).is_some_and(|years| years <= 0.0) {
        refuse("an age must be above zero");
    }
    if kind == "Count" {
        if has(value, "code") && !value.get("code").is_some_and(|code| code.is_str("1")) {
            refuse("a count's code must be 1");
        }
        if amount.is_some_and(|amount| amount.contains('.')) {
            refuse("a count must be a whole number");
        }
    }
}

/// rng-2: the low end is not above the high one, where both are of one unit.
pub(super) fn range<'t>(walk: &mut Walk<'t>, value: Value<'t>) {
    let end = |name: &str| {
        let end = value.get(name)?;
        let unit = ["system", "code", "unit"].map(|own| end.get(own).and_then(Value::as_str));
        Some((number(end.get("value")?.as_number()?)?, unit))
    };
    for name in ["low", "high"] {
        simple(walk, value, name);
    }
    if let (Some((low, of)), Some((high, other))) = (end("low"), end("high"))
        && of == other
        && low > high
    {
        walk.issues.error(value, IssueCode::Invariant, "the range's low end must not be above its high end");
    }
}

/// sqty-1: no comparator in what must be a plain amount.
fn simple<'t>(walk: &mut Walk<'t>, parent: Value<'t>, name: &str) {
    if let Some(comparator) = parent.get(name).and_then(|own| own.get("comparator")) {
        walk.issues.error(comparator, IssueCode::Invariant, "a comparator can not stand here: give the amount itself");
    }
}

/// tim-1, tim-2 and tim-4 to tim-10 of <https://hl7.org/fhir/R4/datatypes.html#timing>.
pub(super) fn repeat<'t>(walk: &mut Walk<'t>, value: Value<'t>) {
    for (one, other, message) in [
        ("duration", "durationUnit", "a duration needs its unit in durationUnit"),
        ("period", "periodUnit", "a period needs its unit in periodUnit"),
        ("periodMax", "period", "periodMax needs a period"),
        ("durationMax", "duration", "durationMax needs a duration"),
        ("countMax", "count", "countMax needs a count"),
        ("offset", "when", "an offset needs the event in when"),
    ] {
        needs(walk, value, one, other, message);
    }
    for name in ["duration", "period"] {
        let Some(own) = value.get(name) else { continue };
        if own.as_number().and_then(number).is_some_and(|own| own < 0.0) {
            walk.issues.error(own, IssueCode::Invariant, format!("{name} must not be negative"));
        }
    }
    let meals = ["C", "CM", "CD", "CV"];
    let meal =
        value.get("when").into_iter().flat_map(Value::items).find(|when| meals.iter().any(|own| when.is_str(own)));
    if let Some(when) = meal.filter(|_| has(value, "offset")) {
        walk.issues.error(
            when,
            IssueCode::Invariant,
            "an offset counts from an event before or after which it is, not from a meal itself",
        );
    }
    if has(value, "timeOfDay") && has(value, "when") {
        walk.issues.error(value, IssueCode::Invariant, "timeOfDay and when exclude each other: keep one");
    }
}
