//! Rules: a typed condition over facts of the message and its thread, and actions from a closed list.
//!
//! A rule never triggers a rule, never fails and never loops: a fact that is not known makes its test false, and the
//! trace says so.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::id::Reference;
use crate::text;
use crate::thread::Priority;

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

/// A condition over facts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, try_from = "Written")]
pub enum Condition {
    /// Every one holds.
    All(All),
    /// At least one holds.
    Any(Any),
    /// It does not hold.
    Not(Not),
    /// A comparison.
    Test(Test),
}

/// The members of a condition as they stand, before it is known which kind they make.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    all: Option<Vec<Condition>>,
    any: Option<Vec<Condition>>,
    not: Option<Box<Condition>>,
    field: Option<Field>,
    op: Option<Op>,
    value: Option<Operand>,
}

impl TryFrom<Written> for Condition {
    type Error = &'static str;

    fn try_from(written: Written) -> Result<Self, Self::Error> {
        match written {
            Written { all: Some(all), any: None, not: None, field: None, op: None, value: None } => {
                Ok(Self::All(All { all }))
            }
            Written { all: None, any: Some(any), not: None, field: None, op: None, value: None } => {
                Ok(Self::Any(Any { any }))
            }
            Written { all: None, any: None, not: Some(not), field: None, op: None, value: None } => {
                Ok(Self::Not(Not { not }))
            }
            Written { all: None, any: None, not: None, field: Some(field), op: Some(op), value: Some(value) } => {
                Ok(Self::Test(Test { field, op, value: value.0 }))
            }
            _ => Err("a condition is one of all, any or not, or has field, op and value"),
        }
    }
}

/// What a fact may be compared with: a text, a whole number, yes or no, or a list of texts.
#[derive(Deserialize)]
#[serde(try_from = "Value")]
struct Operand(Value);

impl TryFrom<Value> for Operand {
    type Error = &'static str;

    fn try_from(value: Value) -> Result<Self, Self::Error> {
        let comparable = match &value {
            Value::String(_) | Value::Bool(_) => true,
            Value::Number(number) => number.is_i64(),
            Value::Array(list) => list.iter().all(Value::is_string),
            Value::Null | Value::Object(_) => false,
        };
        if comparable {
            Ok(Self(value))
        } else {
            Err("a text, a whole number, true, false or a list of texts is expected")
        }
    }
}

/// Every condition holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct All {
    /// The conditions.
    pub all: Vec<Condition>,
}

/// At least one condition holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Any {
    /// The conditions.
    pub any: Vec<Condition>,
}

/// The condition does not hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Not {
    /// The condition.
    pub not: Box<Condition>,
}

/// A comparison of a fact with a value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Test {
    /// The fact.
    pub field: Field,
    /// The comparison.
    pub op: Op,
    /// What it is compared with: a text, a whole number, yes or no, or a list of texts.
    pub value: Value,
}

macro_rules! fields {
    ($($name:ident = $code:literal $doc:literal),+ $(,)?) => {
        /// The facts that a rule may ask for.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Field {
            $(#[doc = $doc] #[serde(rename = $code)] $name,)+
        }

        impl Field {
            /// The name in a bundle.
            pub const fn as_str(self) -> &'static str {
                match self { $(Field::$name => $code),+ }
            }
        }
    };
}
fields! {
    MessageCategory = "message.category" "The category's code.",
    MessagePriority = "message.priority" "The urgency, as FHIR names it.",
    MessageChannel = "message.channel" "The medium's code.",
    MessageHasAttachment = "message.hasAttachment" "Whether a file is attached.",
    MessageTextLength = "message.textLength" "Unicode scalar values of the text after NFC.",
    MessageText = "message.text" "The text, by words alone.",
    MessageMachineGenerated = "message.machineGenerated" "Whether a machine wrote it.",
    SenderKind = "sender.kind" "`patient`, `proxy`, `staff` or `machine`.",
    SenderId = "sender.id" "The sender's reference.",
    PatientAgeYears = "patient.ageYears" "The patient's age in whole years.",
    PatientTag = "patient.tag" "The portal's tags of the patient.",
    ThreadStatus = "thread.status" "Where the conversation stands.",
    ThreadPool = "thread.pool" "The id of the pool that answers.",
    ThreadOwner = "thread.owner" "Who has claimed the thread.",
    ThreadTag = "thread.tag" "The thread's marks.",
    CalendarOpen = "calendar.open" "Whether the answering pool is open.",
    RecipientAbsent = "recipient.absent" "Whether the person written to is away.",
}

/// How a fact is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Op {
    /// Equal.
    Eq,
    /// Not equal.
    Ne,
    /// One of a list.
    In,
    /// Less.
    Lt,
    /// Less or equal.
    Le,
    /// Greater.
    Gt,
    /// Greater or equal.
    Ge,
    /// A list of facts holds the value.
    Contains,
    /// One of the words or phrases stands in the text.
    AnyWord,
    /// A yes-or-no fact has the value.
    Is,
}

/// A fact's value.
#[derive(Clone, Debug, PartialEq)]
pub enum Fact {
    /// A code or name.
    Text(String),
    /// A number.
    Number(i64),
    /// Yes or no.
    Flag(bool),
    /// Several codes.
    List(Vec<String>),
    /// Normalised words of a text; its letters never leave the evaluation.
    Words(text::Words),
}

/// How a condition came out, with the facts that were missing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trace {
    /// Facts that were asked for and are not known.
    pub unknown: Vec<Field>,
}

impl Condition {
    /// Whether the condition holds. A test on an unknown fact is false and noted in the trace.
    pub fn holds(&self, facts: &dyn Fn(Field) -> Option<Fact>, trace: &mut Trace) -> bool {
        match self {
            Self::All(all) => all.all.iter().all(|condition| condition.holds(facts, trace)),
            Self::Any(any) => any.any.iter().any(|condition| condition.holds(facts, trace)),
            Self::Not(not) => !not.not.holds(facts, trace),
            Self::Test(test) => {
                let fact = facts(test.field);
                if fact.is_none() && !trace.unknown.contains(&test.field) {
                    trace.unknown.push(test.field);
                }
                fact.is_some_and(|fact| test.compare(&fact))
            }
        }
    }

    /// What the condition always comes to, whatever the facts: `all` of nothing holds, `any` of nothing does not.
    /// `None` when it depends on them.
    pub fn constant(&self) -> Option<bool> {
        match self {
            Self::All(all) => {
                let parts = || all.all.iter().map(Self::constant);
                if parts().any(|part| part == Some(false)) {
                    Some(false)
                } else {
                    parts().all(|part| part == Some(true)).then_some(true)
                }
            }
            Self::Any(any) => {
                let parts = || any.any.iter().map(Self::constant);
                if parts().any(|part| part == Some(true)) {
                    Some(true)
                } else {
                    parts().all(|part| part == Some(false)).then_some(false)
                }
            }
            Self::Not(not) => not.not.constant().map(|constant| !constant),
            Self::Test(_) => None,
        }
    }

    /// Visits every test in it with its JSON pointer, given the condition's own.
    pub fn tests(&self, pointer: &str, visit: &mut dyn FnMut(&str, &Test)) {
        let mut each = |name: &str, parts: &[Condition]| {
            for (place, part) in parts.iter().enumerate() {
                part.tests(&format!("{pointer}/{name}/{place}"), visit);
            }
        };
        match self {
            Self::All(all) => each("all", &all.all),
            Self::Any(any) => each("any", &any.any),
            Self::Not(not) => not.not.tests(&format!("{pointer}/not"), visit),
            Self::Test(test) => visit(pointer, test),
        }
    }

    /// How deep the condition nests and how many nodes it has.
    pub fn size(&self) -> (usize, usize) {
        let of = |parts: &[Condition]| {
            parts.iter().map(Self::size).fold((1, 1), |(depth, nodes), (d, n)| (depth.max(d + 1), nodes + n))
        };
        match self {
            Self::All(all) => of(&all.all),
            Self::Any(any) => of(&any.any),
            Self::Not(not) => of(std::slice::from_ref(&not.not)),
            Self::Test(_) => (1, 1),
        }
    }
}

impl Field {
    /// What the fact is: it decides how it can be compared.
    pub const fn kind(self) -> FactKind {
        match self {
            Self::MessageText => FactKind::Words,
            Self::MessageTextLength | Self::PatientAgeYears => FactKind::Number,
            Self::MessageHasAttachment | Self::MessageMachineGenerated | Self::CalendarOpen | Self::RecipientAbsent => {
                FactKind::Flag
            }
            Self::PatientTag | Self::ThreadTag => FactKind::List,
            Self::MessageCategory
            | Self::MessagePriority
            | Self::MessageChannel
            | Self::SenderKind
            | Self::SenderId
            | Self::ThreadStatus
            | Self::ThreadPool
            | Self::ThreadOwner => FactKind::Text,
        }
    }
}

/// The kinds of facts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FactKind {
    /// A code or name.
    Text,
    /// A number.
    Number,
    /// Yes or no.
    Flag,
    /// Several codes.
    List,
    /// The words of a text.
    Words,
}

impl Test {
    /// Why the test could never hold, as what to write instead: its comparison or value does not fit the fact.
    pub fn fault(&self) -> Option<&'static str> {
        let value = &self.value;
        let several = value.as_array().is_some_and(|list| !list.is_empty());
        let (fits, expected) = match self.field.kind() {
            FactKind::Text => (
                matches!(self.op, Op::Eq | Op::Ne) && value.is_string() || self.op == Op::In && several,
                "use eq or ne with a text, or in with a list of texts",
            ),
            FactKind::Number => (
                matches!(self.op, Op::Eq | Op::Ne | Op::Lt | Op::Le | Op::Gt | Op::Ge) && value.is_i64(),
                "use eq, ne, lt, le, gt or ge with a whole number",
            ),
            FactKind::Flag => (matches!(self.op, Op::Is | Op::Eq) && value.is_boolean(), "use is with true or false"),
            FactKind::List => (
                self.op == Op::Contains && value.is_string() || self.op == Op::In && several,
                "use contains with a text, or in with a list of texts",
            ),
            FactKind::Words => (self.op == Op::AnyWord && several, "use anyWord with a list of words and phrases"),
        };
        (!fits).then_some(expected)
    }

    fn compare(&self, fact: &Fact) -> bool {
        let texts = || self.value.as_array().into_iter().flatten().filter_map(Value::as_str);
        match (fact, self.op) {
            (Fact::Text(text), Op::Eq) => self.value.as_str() == Some(text),
            (Fact::Text(text), Op::Ne) => self.value.as_str().is_some_and(|value| value != text),
            (Fact::Text(text), Op::In) => texts().any(|value| value == text),
            (Fact::Number(number), op) => {
                let Some(value) = self.value.as_i64() else { return false };
                match op {
                    Op::Eq => *number == value,
                    Op::Ne => *number != value,
                    Op::Lt => *number < value,
                    Op::Le => *number <= value,
                    Op::Gt => *number > value,
                    Op::Ge => *number >= value,
                    _ => false,
                }
            }
            (Fact::Flag(flag), Op::Is | Op::Eq) => self.value.as_bool() == Some(*flag),
            (Fact::List(list), Op::Contains) => {
                self.value.as_str().is_some_and(|value| list.iter().any(|x| x == value))
            }
            (Fact::List(list), Op::In) => texts().any(|value| list.iter().any(|x| x == value)),
            (Fact::Words(words), Op::AnyWord) => texts().any(|phrase| words.contain(&text::Words::of(phrase))),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn condition(json: Value) -> Condition {
        serde_json::from_value(json).unwrap()
    }

    fn facts(field: Field) -> Option<Fact> {
        match field {
            Field::MessageCategory => Some(Fact::Text("refill".into())),
            Field::MessageTextLength => Some(Fact::Number(120)),
            Field::PatientTag => Some(Fact::List(vec!["complex".into()])),
            Field::MessageText => Some(Fact::Words(text::Words::of("I can\u{2019}t  BREATHE"))),
            _ => None,
        }
    }

    #[test]
    fn conditions_compare_typed_facts() {
        let holds = |json| condition(json).holds(&facts, &mut Trace::default());
        assert!(holds(serde_json::json!({"field": "message.category", "op": "eq", "value": "refill"})));
        assert!(holds(serde_json::json!({"field": "message.category", "op": "in", "value": ["form", "refill"]})));
        assert!(holds(serde_json::json!({"field": "message.textLength", "op": "gt", "value": 100})));
        assert!(holds(serde_json::json!({"field": "patient.tag", "op": "contains", "value": "complex"})));
        assert!(holds(serde_json::json!({"field": "message.text", "op": "anyWord", "value": ["can't breathe"]})));
        assert!(!holds(serde_json::json!({"not": {"field": "message.category", "op": "eq", "value": "refill"}})));
        assert!(!holds(serde_json::json!({"field": "message.category", "op": "lt", "value": 3})));
    }

    #[test]
    fn a_missing_fact_is_false_and_noted() {
        let mut trace = Trace::default();
        let asked = condition(serde_json::json!({"field": "patient.ageYears", "op": "lt", "value": 18}));
        assert!(!asked.holds(&facts, &mut trace));
        assert_eq!(trace.unknown, [Field::PatientAgeYears]);
    }

    #[test]
    fn unknown_members_of_a_condition_are_refused() {
        let unknown = serde_json::json!({"field": "message.text", "op": "anyWord", "value": [], "regex": ".*"});
        assert!(serde_json::from_value::<Condition>(unknown).is_err());
    }
}
