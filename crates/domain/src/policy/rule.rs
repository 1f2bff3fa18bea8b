//! Rules: a typed condition over facts of the message and its thread, and actions from a closed list.
//!
//! A rule never triggers a rule, never fails and never loops: a fact that is not known makes its test false, and the
//! trace says so.

use serde::{Deserialize, Serialize};

use crate::id::Reference;
use crate::thread::Priority;

mod condition;
mod fact;
mod ready;

pub use condition::{All, Any, Condition, Not, Op, Test, Trace};
pub use fact::{Fact, FactKind, Field};
pub use ready::{Check, Guarded, Ready};

/// Whom a notice may be for: a closed set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Recipient {
    /// Who has claimed the thread, else the pool.
    Owner,
    /// The pool that answers.
    Pool,
    /// The pool's leads, else the pool.
    PoolLead,
    /// The pool's supervisors.
    Supervisors,
    /// Who wrote the message.
    Author,
    /// The patient.
    Patient,
}

/// Something a rule or a threshold does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Action {
    /// Lets another pool answer.
    RouteToPool {
        /// The pool's id.
        to: String,
    },
    /// Names the person who answers.
    Assign {
        /// The person.
        to: Reference,
    },
    /// Raises the urgency; a lower one is ignored.
    SetPriority {
        /// The urgency.
        value: Priority,
    },
    /// Marks the thread.
    AddTag {
        /// The mark.
        value: String,
    },
    /// Tells someone.
    Notify {
        /// Whom.
        to: Recipient,
    },
    /// Answers with a template, as the message's one automatic reply.
    SendTemplate {
        /// The template's id.
        value: String,
    },
    /// Suggests a visit to both sides.
    SuggestVisit {},
    /// Ends the rules.
    Stop {},
}

/// A rule of the routing list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Rule {
    /// Its id.
    pub id: String,
    /// Its place; lower is earlier.
    pub order: i32,
    /// When it applies.
    pub when: Condition,
    /// What it does.
    #[serde(rename = "do")]
    pub actions: Vec<Action>,
    /// Whether it is looked at.
    #[serde(default = "yes", skip_serializing_if = "Clone::clone")]
    pub enabled: bool,
}

const fn yes() -> bool {
    true
}
