//! Conditions and actions: typed tests, actions in their place, and rules that are never reached.

use super::Lint;
use super::identity::{MAX_LINE, is_id};
use crate::policy::bundle::Bundle;
use crate::policy::rule::{Action, Condition, Field, Rule};
use crate::text::Words;
use crate::thread::{NEEDS_REVIEW, VISIT_SUGGESTED};

impl Lint<'_> {
    pub(super) fn rules(&mut self) {
        let bundle = self.bundle;
        for (place, rule) in bundle.routing.iter().enumerate() {
            let pointer = format!("/routing/{place}");
            self.condition(&format!("{pointer}/when"), &rule.when);
            self.actions(&pointer, &rule.actions, false);
            if rule.actions.is_empty() {
                self.error(format!("{pointer}/do"), "does nothing", "say what the rule does, or take it out");
            }
            if bundle.routing[..place].iter().any(|other| other.order == rule.order) {
                let remedy = "give each rule an order of its own";
                self.error(format!("{pointer}/order"), "two rules have this order", remedy);
            }
            if let Some(before) = shadow(bundle, rule) {
                let message = format!("is never reached: the rule {before} ends the rules before");
                self.warn(
                    format!("{pointer}/when"),
                    message,
                    "move it before that rule, narrow that rule, or take it out",
                );
            }
        }
    }

    /// What a condition asks, and whether it can come out both ways.
    pub(super) fn condition(&mut self, pointer: &str, condition: &Condition) {
        if condition.constant() == Some(false) {
            self.warn(pointer, "never holds", "ask for something, or take it out");
        }
        condition.tests(pointer, &mut |pointer, test| {
            if let Some(expected) = test.fault() {
                let message = format!("{} cannot be compared like this", test.field.as_str());
                self.error(pointer, message, expected);
            }
            let texts = test.value.as_array().into_iter().flatten().filter_map(serde_json::Value::as_str);
            for (place, text) in texts.enumerate() {
                if test.field == Field::MessageText && Words::of(text).is_empty() {
                    self.error(format!("{pointer}/value/{place}"), "holds no word", "write a word or take it out");
                }
                if text.chars().count() > MAX_LINE {
                    let message = format!("has more than {MAX_LINE} characters");
                    self.error(format!("{pointer}/value/{place}"), message, "compare with something shorter");
                }
            }
        });
    }

    pub(super) fn actions(&mut self, pointer: &str, actions: &[Action], threshold: bool) {
        for (place, action) in actions.iter().enumerate() {
            let pointer = format!("{pointer}/do/{place}");
            match action {
                Action::RouteToPool { to } => self.pool_exists(format!("{pointer}/to"), to),
                Action::Assign { to } if !to.is("Practitioner") && !to.is("PractitionerRole") => {
                    let remedy = "refer to a Practitioner or a PractitionerRole";
                    self.error(format!("{pointer}/to"), "cannot be assigned a message", remedy);
                }
                Action::AddTag { value } if !is_id(value) => {
                    let remedy = "use a-z, 0-9 and -, a letter first, at most 63 characters";
                    self.error(format!("{pointer}/value"), "not a legal tag", remedy);
                }
                Action::AddTag { value } if [NEEDS_REVIEW, VISIT_SUGGESTED].contains(&value.as_str()) => {
                    let message = "is a mark that the service gives itself";
                    self.error(format!("{pointer}/value"), message, "call the tag something else");
                }
                Action::SendTemplate { value } => self.reply_template(format!("{pointer}/value"), value),
                _ => {}
            }
            let fits = match action {
                Action::Notify { .. } => threshold,
                Action::AddTag { .. } | Action::RouteToPool { .. } => true,
                _ => !threshold,
            };
            if !fits {
                let remedy = if threshold {
                    "use notify, add-tag or route-to-pool"
                } else {
                    "use it in a threshold; accepted messages are notified anyway"
                };
                self.error(pointer, "this action cannot stand here", remedy);
            }
        }
    }
}

/// The rule that keeps another from ever being reached, as far as it shows without solving riddles: one before it that
/// ends the rules and holds always, or whenever the other would.
fn shadow<'a>(bundle: &'a Bundle, rule: &Rule) -> Option<&'a str> {
    let ends = |other: &&Rule| other.actions.iter().any(|action| matches!(action, Action::Stop {}));
    let covers = |other: &&Rule| other.when.constant() == Some(true) || other.when == rule.when;
    let before = bundle.routing.iter().filter(|other| other.enabled && other.order < rule.order);
    before.filter(ends).find(covers).map(|other| other.id.as_str())
}
