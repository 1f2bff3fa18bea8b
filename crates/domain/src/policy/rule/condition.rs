//! Conditions: tests of facts, and how they are put together.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::fact::{FactKind, Field};

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

/// How a condition came out, with the facts that were missing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trace {
    /// Facts that were asked for and are not known.
    pub unknown: Vec<Field>,
}

impl Condition {
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
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_members_of_a_condition_are_refused() {
        let unknown = serde_json::json!({"field": "message.text", "op": "anyWord", "value": [], "regex": ".*"});
        assert!(serde_json::from_value::<Condition>(unknown).is_err());
    }
}
