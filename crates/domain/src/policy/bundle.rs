//! The policy bundle: a site's boundaries and promises as one immutable, versioned document.
//!
//! The JSON form is described by `docs/policy-bundle.schema.json`; unknown members are refused.

use serde::{Deserialize, Serialize};

use crate::calendar::{CalendarSpec, HolidaySet};
use crate::id::Reference;
use crate::policy::lint::Finding;
use crate::policy::rule::Rule;
use crate::policy::turnaround::{Count, Turnaround};
use crate::thread::Priority;
use crate::time::{Instant, Span};

mod absence;
mod boundary;
mod text;
mod unread;

pub use absence::{AbsencePolicy, OnReturn, StandingCover};
pub use boundary::{
    AwayReply, LengthLimits, Limit, LimitScope, NeverBlocks, OnExceed, OnMaxHold, QuietAudience, QuietHours, Throttle,
    ThrottlePer, Trigger, WindowsIn,
};
pub use text::{Template, Variable};
pub use unread::{Days, DaysOf, Never, Patience, UnreadByPatient};

/// A policy bundle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Bundle {
    /// The form of the document: `policy-bundle/1`.
    pub schema: Schema,
    /// The bundle's id; its versions share it.
    pub id: String,
    /// The version, from 1.
    pub version: i32,
    /// The IANA release it was written with; informational, records name the one in the binary.
    pub timezone_data: String,
    /// When it may come into force.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effective: Option<Effective>,
    /// Who the clinic is, for texts.
    pub clinic: Clinic,
    /// Lists of holidays that calendars may use.
    #[serde(default)]
    pub holiday_sets: Vec<HolidaySet>,
    /// Calendars.
    pub calendars: Vec<CalendarSpec>,
    /// Teams that answer.
    pub pools: Vec<PoolSpec>,
    /// The pool that answers when nothing else decides.
    pub default_pool: String,
    /// Words that may mean danger.
    pub red_flags: RedFlags,
    /// Rules over inbound messages, in order.
    #[serde(default)]
    pub routing: Vec<Rule>,
    /// Turnaround policies; exactly one has no condition.
    pub turnaround: Vec<Turnaround>,
    /// When notices to people wait.
    #[serde(default)]
    pub quiet_hours: Vec<QuietHours>,
    /// Automatic replies.
    #[serde(default)]
    pub away_replies: Vec<AwayReply>,
    /// Limits on how much is sent.
    #[serde(default)]
    pub limits: Vec<Limit>,
    /// What happens while somebody is away, and afterwards.
    #[serde(default, skip_serializing_if = "AbsencePolicy::is_default")]
    pub absence: AbsencePolicy,
    /// How long a patient's message may be.
    #[serde(default)]
    pub length: LengthLimits,
    /// How long after a thread's last message its patient may still write to it.
    #[serde(default = "forty_five_days")]
    pub reply_window: Span,
    /// From which patient message in a thread a visit is suggested.
    #[serde(default = "third")]
    pub visit_suggested_from: u16,
    /// Above how many words an answer of the team is called long; it is sent all the same.
    #[serde(default = "sixty")]
    pub staff_reply_words: u16,
    /// How long the patient's side may leave an answer unread before its author is told.
    #[serde(default, skip_serializing_if = "UnreadByPatient::is_default")]
    pub unread_by_patient: UnreadByPatient,
    /// Texts.
    pub templates: Vec<Template>,
}

const fn forty_five_days() -> Span {
    Span::hours(45 * 24)
}

const fn sixty() -> u16 {
    60
}

const fn third() -> u16 {
    3
}

/// The only form so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Schema {
    /// `policy-bundle/1`
    #[serde(rename = "policy-bundle/1")]
    V1,
}

/// Between which instants a bundle may come into force.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Effective {
    /// Not before this instant.
    pub from: Instant,
    /// Not at this instant any more, or later. What is in force stays so until another bundle follows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Instant>,
}

impl Bundle {
    /// The instant at which it comes into force that is activated at `now`: the one that is asked for, else its own
    /// `effective.from`, and at once without either.
    ///
    /// # Errors
    /// What is asked for lies outside `effective`: the finding names its end of it.
    pub fn comes_into_force(&self, asked: Option<Instant>, now: Instant) -> Result<Instant, Finding> {
        let own = self.effective.map(|effective| effective.from);
        let at = asked.unwrap_or_else(|| own.map_or(now, |from| from.max(now)));
        let fault =
            |pointer: &str, message: &str, remedy: &str| Err(Finding::error(pointer.to_owned(), message, remedy));
        if own.is_some_and(|from| at < from) {
            let remedy =
                "leave effectiveFrom out, name an instant from then on, or send a version that says an earlier one";
            return fault("/effective/from", "lies after the instant that is asked for", remedy);
        }
        if self.effective.and_then(|effective| effective.until).is_some_and(|until| at >= until) {
            let remedy = "name an earlier instant, or send a version that may come into force later";
            return fault("/effective/until", "has come by then", remedy);
        }
        Ok(at)
    }
}

/// Who the clinic is, for texts to patients.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Clinic {
    /// Its name.
    pub name: String,
    /// Its telephone number.
    pub phone: String,
    /// The number to call in an emergency.
    pub emergency_number: String,
    /// Its IANA zone: the zone of texts and quiet hours when a person's own is unknown.
    pub timezone: String,
    /// The language of texts when the patient's is unknown or has no text.
    #[serde(default = "english")]
    pub language: String,
}

fn english() -> String {
    "en".to_owned()
}

/// A team that answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PoolSpec {
    /// Its id in the bundle.
    pub id: String,
    /// Its resource: a HealthcareService or CareTeam.
    pub reference: Reference,
    /// Who leads it.
    #[serde(default)]
    pub leads: Vec<Reference>,
    /// Whom the latest escalation reaches.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub supervisors: Option<Reference>,
    /// Its calendar when its own resource says no hours.
    pub calendar: String,
}

/// Words that may mean danger, and what happens then. Always looked for, in every message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RedFlags {
    /// Lists of words and phrases.
    pub lists: Vec<RedFlagList>,
    /// The urgency of a hit.
    pub priority: Priority,
    /// How much time there is.
    pub target: RedFlagTarget,
    /// Who answers.
    pub pool: String,
    /// What the patient is told at once.
    pub template: String,
}

/// The target of a red flag: wall-clock time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RedFlagTarget {
    /// The amount.
    pub amount: Span,
    /// `elapsed-time`.
    pub count: Count,
}

/// A list of words and phrases.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RedFlagList {
    /// Its id.
    pub id: String,
    /// What it is and where it comes from.
    pub label: String,
    /// Its language; hits count whatever the message's language.
    pub language: String,
    /// The words and phrases.
    pub phrases: Vec<String>,
}
