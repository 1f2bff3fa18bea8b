//! Conditions made ready: values typed once, and the words of all of them looked for in one pass over a text.

use std::ops::Deref;

use serde_json::Value;

use super::Rule;
use super::condition::{Condition, Op, Test, Trace};
use super::fact::{Fact, FactKind, Field};
use crate::name::Name;
use crate::text::{PhraseNumber, Phrases};

/// A condition whose values have the types of the facts that they are compared with.
#[derive(Clone, Debug)]
pub enum Ready {
    /// Every one holds.
    All(Vec<Ready>),
    /// At least one holds.
    Any(Vec<Ready>),
    /// It does not hold.
    Not(Box<Ready>),
    /// A comparison.
    Test(Field, Check),
}

/// What a fact is held against.
#[derive(Clone, Debug)]
pub enum Check {
    /// It is one of these, or one of it is.
    In(Vec<String>),
    /// It is something else.
    Ne(String),
    /// It is less, equal or greater.
    Number(Op, i64),
    /// It is so, or is not.
    Flag(bool),
    /// One of the phrases stands in it.
    Words(Vec<PhraseNumber>),
    /// Nothing passes: the comparison or its value does not fit the fact.
    Never,
}

impl Condition {
    /// The phrases that it looks for.
    pub fn phrases(&self) -> Vec<String> {
        let mut phrases = Vec::new();
        self.tests("", &mut |_, test| {
            if test.field.kind() == FactKind::Words {
                phrases.extend(test.texts().map(str::to_owned));
            }
        });
        phrases
    }

    /// The condition made ready. `phrases` are those that are looked for in texts: its own among them.
    pub fn ready(&self, phrases: &Phrases) -> Ready {
        let each = |parts: &[Self]| parts.iter().map(|part| part.ready(phrases)).collect();
        match self {
            Self::All(all) => Ready::All(each(&all.all)),
            Self::Any(any) => Ready::Any(each(&any.any)),
            Self::Not(not) => Ready::Not(Box::new(not.not.ready(phrases))),
            Self::Test(test) => Ready::Test(test.field, test.check(phrases)),
        }
    }
}

impl Test {
    fn texts(&self) -> impl Iterator<Item = &str> {
        self.value.as_array().into_iter().flatten().filter_map(Value::as_str)
    }

    fn check(&self, phrases: &Phrases) -> Check {
        let text = || self.value.as_str().map(str::to_owned);
        let texts = || self.texts().map(str::to_owned).collect();
        let check = match (self.field.kind(), self.op) {
            (FactKind::Text, Op::Eq) | (FactKind::List, Op::Contains) => text().map(|text| Check::In(vec![text])),
            (FactKind::Text, Op::Ne) => text().map(Check::Ne),
            (FactKind::Text | FactKind::List, Op::In) => Some(Check::In(texts())),
            (FactKind::Number, op @ (Op::Eq | Op::Ne | Op::Lt | Op::Le | Op::Gt | Op::Ge)) => {
                self.value.as_i64().map(|number| Check::Number(op, number))
            }
            (FactKind::Flag, Op::Is | Op::Eq) => self.value.as_bool().map(Check::Flag),
            (FactKind::Words, Op::AnyWord) => {
                Some(Check::Words(self.texts().filter_map(|phrase| phrases.number(phrase)).collect()))
            }
            _ => None,
        };
        check.unwrap_or(Check::Never)
    }
}

impl Check {
    fn passes(&self, fact: &Fact<'_>) -> bool {
        match (self, fact) {
            (Self::In(values), Fact::Text(text)) => values.iter().any(|value| value == text),
            (Self::In(values), Fact::List(list)) => values.iter().any(|value| list.contains(value)),
            (Self::Ne(value), Fact::Text(text)) => value != text,
            (Self::Number(op, value), Fact::Number(number)) => match op {
                Op::Eq => number == value,
                Op::Ne => number != value,
                Op::Lt => number < value,
                Op::Le => number <= value,
                Op::Gt => number > value,
                Op::Ge => number >= value,
                _ => false,
            },
            (Self::Flag(value), Fact::Flag(flag)) => flag == value,
            (Self::Words(phrases), Fact::Words(found)) => {
                !found.is_empty() && phrases.iter().any(|phrase| found.has(*phrase))
            }
            _ => false,
        }
    }
}

impl Ready {
    /// Whether the condition holds. `None` where that depends on a fact that is not known, which is noted in the trace:
    /// neither a test on it nor the opposite of that test holds.
    pub fn holds<'f>(&self, facts: &dyn Fn(Field) -> Option<Fact<'f>>, trace: &mut Trace) -> Option<bool> {
        match self {
            Self::All(all) => settled(all, false, facts, trace),
            Self::Any(any) => settled(any, true, facts, trace),
            Self::Not(not) => not.holds(facts, trace).map(|holds| !holds),
            Self::Test(field, check) => {
                let fact = facts(*field);
                if fact.is_none() && !trace.unknown.contains(field) {
                    trace.unknown.push(*field);
                }
                fact.map(|fact| check.passes(&fact))
            }
        }
    }
}

/// What conditions come to of which one that is `by` settles the matter; unknown when none does and one is unknown.
fn settled<'f>(
    parts: &[Ready],
    by: bool,
    facts: &dyn Fn(Field) -> Option<Fact<'f>>,
    trace: &mut Trace,
) -> Option<bool> {
    let mut unsettled = Some(!by);
    for part in parts {
        match part.holds(facts, trace) {
            Some(holds) if holds == by => return Some(by),
            Some(_) => {}
            None => unsettled = None,
        }
    }
    unsettled
}

/// A rule or policy behind the condition under which it applies.
#[derive(Clone, Debug)]
pub struct Guarded<T> {
    /// Its name.
    pub name: Name,
    when: Option<Ready>,
    what: T,
}

impl<T> Guarded<T> {
    /// Something of that name that applies when the condition holds; without one it always does.
    pub fn new(name: &str, when: Option<Ready>, what: T) -> Self {
        Self { name: name.into(), when, what }
    }

    /// Whether it applies for certain, with the facts that are missing noted in the trace.
    pub fn applies<'f>(&self, facts: &dyn Fn(Field) -> Option<Fact<'f>>, trace: &mut Trace) -> bool {
        self.when.as_ref().is_none_or(|when| when.holds(facts, trace) == Some(true))
    }
}

impl<T> Deref for Guarded<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.what
    }
}

impl Rule {
    /// The rule made ready; `phrases` are those that are looked for in texts.
    pub fn ready(self, phrases: &Phrases) -> Guarded<Self> {
        Guarded::new(&self.id.clone(), Some(self.when.ready(phrases)), self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::{Found, Words};

    const TEXT: &str = "I can\u{2019}t  BREATHE";

    fn holds(json: Value, trace: &mut Trace) -> bool {
        let condition: Condition = serde_json::from_value(json).unwrap();
        let phrases = Phrases::new(condition.phrases().iter().map(String::as_str));
        let found: Found = phrases.found_in(&Words::of(TEXT));
        let tags = ["complex".to_owned()];
        let facts = |field| match field {
            Field::MessageCategory => Some(Fact::Text("refill".into())),
            Field::MessageTextLength => Some(Fact::Number(120)),
            Field::PatientTag => Some(Fact::List(&tags)),
            Field::MessageText => Some(Fact::Words(&found)),
            _ => None,
        };
        Guarded::new("rule", Some(condition.ready(&phrases)), ()).applies(&facts, trace)
    }

    #[test]
    fn conditions_compare_typed_facts() {
        let holds = |json| holds(json, &mut Trace::default());
        assert!(holds(serde_json::json!({"field": "message.category", "op": "eq", "value": "refill"})));
        assert!(holds(serde_json::json!({"field": "message.category", "op": "in", "value": ["form", "refill"]})));
        assert!(holds(serde_json::json!({"field": "message.category", "op": "ne", "value": "form"})));
        assert!(holds(serde_json::json!({"field": "message.textLength", "op": "gt", "value": 100})));
        assert!(holds(serde_json::json!({"field": "patient.tag", "op": "contains", "value": "complex"})));
        assert!(holds(serde_json::json!({"field": "message.text", "op": "anyWord", "value": ["x", "can't breathe"]})));
        assert!(!holds(serde_json::json!({"field": "message.text", "op": "anyWord", "value": ["breath", ""]})));
        assert!(!holds(serde_json::json!({"not": {"field": "message.category", "op": "eq", "value": "refill"}})));
        assert!(!holds(serde_json::json!({"field": "message.category", "op": "lt", "value": 3})));
    }

    #[test]
    fn a_missing_fact_is_false_and_noted() {
        let mut trace = Trace::default();
        assert!(!holds(serde_json::json!({"field": "patient.ageYears", "op": "lt", "value": 18}), &mut trace));
        assert_eq!(trace.unknown, [Field::PatientAgeYears]);
    }

    #[test]
    fn what_depends_on_a_missing_fact_does_not_hold_and_neither_does_its_opposite() {
        let unknown = serde_json::json!({"field": "patient.ageYears", "op": "lt", "value": 18});
        let known = |category: &str| serde_json::json!({"field": "message.category", "op": "eq", "value": category});
        let (yes, no) = (known("refill"), known("form"));
        let of = |op: &str, parts: &[&Value]| serde_json::json!({ op: parts });
        let not = |part: &Value| serde_json::json!({ "not": part });
        for (condition, expected) in [
            (not(&unknown), false),
            (not(&not(&unknown)), false),
            (not(&of("all", &[&yes, &unknown])), false),
            (not(&of("any", &[&no, &unknown])), false),
            // Where what is known settles it, what is not known does not matter.
            (not(&of("all", &[&unknown, &no])), true),
            (of("any", &[&unknown, &yes]), true),
            (of("any", &[&unknown, &not(&unknown)]), false),
        ] {
            let mut trace = Trace::default();
            assert_eq!(holds(condition.clone(), &mut trace), expected, "{condition}");
            assert_eq!(trace.unknown, [Field::PatientAgeYears], "{condition}");
        }
    }
}
