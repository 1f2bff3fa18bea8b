//! Golden results of calendar arithmetic: a JSON array of cases, each with its own calendar.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::{Calendar, CalendarSpec, HolidaySet};
use crate::time::{Instant, Span};

/// What one case gave.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Outcome {
    /// The case's name.
    pub id: String,
    /// Whether `got` is `expected`.
    pub ok: bool,
    /// The instant in UTC or null (`add`, `openDays`), or the open seconds (`elapsed`) that the file states.
    pub expected: Value,
    /// The same as computed; `{"error": ...}` when the case's calendar cannot be compiled.
    pub got: Value,
}

/// Why a file is not one of golden results.
#[derive(Debug, thiserror::Error)]
pub enum VectorError {
    /// The text is no JSON array.
    #[error("the file is not a JSON array of cases")]
    NotCases(#[source] serde_json::Error),
    /// A case does not have the form of its `op`.
    #[error("case {number} cannot be read: {source}")]
    BadCase {
        /// Its place in the file, counted from 1.
        number: usize,
        /// What is wrong with it.
        source: serde_json::Error,
    },
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Case {
    id: String,
    calendar: CalendarSpec,
    #[serde(default)]
    holiday_sets: Vec<HolidaySet>,
    op: Op,
    start: Instant,
    end: Option<Instant>,
    open_seconds: Option<u32>,
    open_days: Option<u32>,
    #[serde(default, deserialize_with = "stated")]
    due: Due,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
enum Op {
    /// `start` and `openSeconds` of open time are `due`.
    Add,
    /// From `start` until `end` there are `openSeconds` of open time.
    Elapsed,
    /// The close of the open date `openDays` after day 0 of `start` is `due`.
    OpenDays,
}

/// What a case states as due.
#[derive(Default)]
enum Due {
    #[default]
    Unstated,
    /// An instant or, written as null, that there is none.
    Stated(Option<Instant>),
}

fn stated<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Due, D::Error> {
    Option::deserialize(deserializer).map(Due::Stated)
}

impl Due {
    fn value(self) -> Result<Value, serde_json::Error> {
        match self {
            Self::Stated(due) => Ok(instant(due)),
            Self::Unstated => Err(serde::de::Error::missing_field("due")),
        }
    }
}

/// Works out every case of a file and compares it with what the file states. A case may bring the holiday sets that its
/// calendar names as `holidaySets`.
pub fn check(text: &str) -> Result<Vec<Outcome>, VectorError> {
    let cases: Vec<Value> = serde_json::from_str(text).map_err(VectorError::NotCases)?;
    let read = |(index, value)| {
        let bad = |source| VectorError::BadCase { number: index + 1, source };
        outcome(serde_json::from_value(value).map_err(bad)?).map_err(bad)
    };
    cases.into_iter().enumerate().map(read).collect()
}

fn outcome(case: Case) -> Result<Outcome, serde_json::Error> {
    let missing = serde::de::Error::missing_field;
    let compiled = Calendar::compile(&case.calendar, &case.holiday_sets, case.start);
    let (expected, got) = match case.op {
        Op::Add => {
            let span = Span::from_seconds(i64::from(case.open_seconds.ok_or_else(|| missing("openSeconds"))?));
            (case.due.value()?, compiled.map(|calendar| instant(calendar.add(case.start, span))))
        }
        Op::Elapsed => {
            let end = case.end.ok_or_else(|| missing("end"))?;
            let seconds = case.open_seconds.ok_or_else(|| missing("openSeconds"))?;
            (seconds.into(), compiled.map(|calendar| calendar.elapsed(case.start, end).seconds().into()))
        }
        Op::OpenDays => {
            let days = case.open_days.ok_or_else(|| missing("openDays"))?;
            (case.due.value()?, compiled.map(|calendar| instant(calendar.open_day_close(case.start, days))))
        }
    };
    let got = got.unwrap_or_else(|error| serde_json::json!({ "error": error.to_string() }));
    Ok(Outcome { id: case.id, ok: got == expected, expected, got })
}

fn instant(at: Option<Instant>) -> Value {
    at.map_or(Value::Null, |at| at.to_string().into())
}
