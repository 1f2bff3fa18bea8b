//! Why a clock stands where it stands: its ledger step by step, open and closed time stretch by stretch, and in words.

use serde::{Deserialize, Serialize};

use super::{Calendars, Clock, ClockState, Event, Firing, Fold, LedgerEntry};
use crate::decision::Stretch;
use crate::id::ResourceId;
use crate::policy::turnaround::Target;
use crate::time::{Instant, Span};

mod words;

pub use words::Language;

/// How many stretches of a segment are told one by one: a year of shifts would drown the rest.
const STRETCHES: usize = 200;

/// Why a clock stands where it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Explanation {
    /// The clock.
    pub clock: ResourceId,
    /// The thread.
    pub thread: ResourceId,
    /// Which obligation.
    pub name: String,
    /// Which run of it.
    pub cycle: i32,
    /// The instant for which this is told.
    pub at: Instant,
    /// Its state, with `overdue` for a running clock whose due has passed and `unbounded` for one that is never due.
    pub state: String,
    /// The zone of the calendar that counts.
    pub zone: String,
    /// The target in force.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<Target>,
    /// All the time it has.
    pub allowance: Span,
    /// Time used until `at`.
    pub used: Span,
    /// When it began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Instant>,
    /// When it is due; after it has ended or while it rests, when it last was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due_at: Option<Instant>,
    /// What the patient was told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub promised_at: Option<Instant>,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stopped_at: Option<Instant>,
    /// When its breach was recorded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub breached_at: Option<Instant>,
    /// Its stretches, with the open and closed time in each.
    pub segments: Vec<Walked>,
    /// Its thresholds: where they stand, and whether they have fired.
    pub thresholds: Vec<Placed>,
    /// Its ledger, with what stood after each entry.
    pub steps: Vec<Step>,
    /// The same in plain words.
    pub text: String,
}

/// A stretch of a clock's life, with the open and closed time in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Walked {
    /// When it began.
    pub from: Instant,
    /// When it ended, or the instant for which this is told.
    pub until: Instant,
    /// Whether time was being used.
    pub running: bool,
    /// The calendar that counted.
    pub calendar: String,
    /// Time used in it.
    pub used: Span,
    /// Open and closed time in turn, when it ran.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub walk: Vec<Stretch>,
}

/// A threshold of a clock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Placed {
    /// Its id.
    pub id: String,
    /// Where it stands or, once it has fired, where it stood.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<Instant>,
    /// When it was noticed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fired_at: Option<Instant>,
    /// Why, when not simply because time passed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
}

/// An entry of the ledger and what stood after it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Step {
    /// When it happened.
    pub at: Instant,
    /// Its place in the ledger.
    pub sequence: i32,
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
    /// The state after it.
    pub state: ClockState,
    /// Time used until it.
    pub used: Span,
    /// When it was due after it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due_at: Option<Instant>,
}

impl Explanation {
    /// Explains a clock from its ledger, as it stands at an instant.
    pub fn of(
        clock: &Clock,
        ledger: &[LedgerEntry],
        firings: &[Firing],
        calendars: &dyn Calendars,
        now: Instant,
        language: Language,
    ) -> Self {
        let fold = Fold::of(ledger, calendars);
        let zone = calendars.calendar(&fold.calendar).map(|calendar| calendar.zone_name().to_owned());
        let mut told = Self {
            clock: clock.id.clone(),
            thread: clock.thread.clone(),
            name: clock.name.as_str().to_owned(),
            cycle: clock.cycle,
            at: now,
            state: fold.standing(now).to_owned(),
            zone: zone.unwrap_or_default(),
            target: fold.target.clone(),
            allowance: fold.allowance,
            used: fold.used_until(now, calendars),
            started_at: fold.started_at,
            due_at: fold.due_at.or(fold.last_due_at).filter(|_| !fold.is_unbounded()),
            promised_at: clock.promised_at,
            stopped_at: fold.stopped_at,
            breached_at: fold.breached_at,
            segments: walked(&fold, calendars, now),
            thresholds: placed(clock, firings, calendars),
            steps: steps(ledger, calendars),
            text: String::new(),
        };
        told.text = told.in_words(language);
        told
    }
}

fn walked(fold: &Fold, calendars: &dyn Calendars, now: Instant) -> Vec<Walked> {
    let walked = |segment: &super::Segment| {
        let until = segment.until.unwrap_or_else(|| now.max(segment.from));
        let calendar = calendars.calendar(&segment.calendar).filter(|_| segment.running);
        let walk = calendar.map(|calendar| calendar.walk(segment.from, until)).unwrap_or_default();
        let stretch =
            |period: crate::calendar::Period| Stretch { open: period.open, from: period.from, until: period.until };
        let lasting = segment.until.is_none();
        Walked {
            from: segment.from,
            until,
            running: segment.running,
            calendar: segment.calendar.clone(),
            used: if lasting { fold.used_until(now, calendars).less(fold.used) } else { segment.used },
            walk: walk.into_iter().take(STRETCHES).map(stretch).collect(),
        }
    };
    fold.segments.iter().map(walked).collect()
}

/// The thresholds of the terms, and beside them what else has fired.
fn placed(clock: &Clock, firings: &[Firing], calendars: &dyn Calendars) -> Vec<Placed> {
    let fired = |firing: &Firing| Placed {
        id: firing.threshold.clone(),
        at: Some(firing.at),
        fired_at: Some(firing.fired_at),
        cause: firing.cause.clone(),
    };
    let mut placed: Vec<Placed> = firings.iter().map(fired).collect();
    let rest = clock.terms.thresholds.iter().filter(|threshold| !clock.fired.contains(&threshold.id));
    placed.extend(rest.map(|threshold| Placed {
        id: threshold.id.clone(),
        at: clock.threshold_at(threshold, calendars),
        fired_at: None,
        cause: None,
    }));
    placed
}

fn steps(ledger: &[LedgerEntry], calendars: &dyn Calendars) -> Vec<Step> {
    let mut ordered: Vec<&LedgerEntry> = ledger.iter().collect();
    ordered.sort_by_key(|entry| (entry.at, entry.sequence));
    let mut fold = Fold::default();
    ordered
        .into_iter()
        .map(|entry| {
            fold = std::mem::take(&mut fold).then(entry.at, &entry.event, calendars);
            Step {
                at: entry.at,
                sequence: entry.sequence,
                event: entry.event.clone(),
                state: fold.state,
                used: fold.used_until(entry.at, calendars),
                due_at: fold.due_at,
            }
        })
        .collect()
}
