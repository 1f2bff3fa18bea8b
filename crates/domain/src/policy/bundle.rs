//! The policy bundle: a site's boundaries and promises as one immutable, versioned document.
//!
//! The JSON form is described by `docs/policy-bundle.schema.json`; unknown members are refused.

use serde::{Deserialize, Serialize};

use crate::calendar::{CalendarSpec, HolidaySet};
use crate::id::Reference;
use crate::policy::rule::Rule;
use crate::policy::turnaround::{Count, Turnaround};
use crate::thread::Priority;
use crate::time::{Instant, Span};

mod absence;
mod boundary;
mod text;

pub use absence::{AbsencePolicy, OnReturn, StandingCover};
pub use boundary::{
    AwayReply, LengthLimits, Limit, LimitScope, NeverBlocks, OnExceed, OnMaxHold, QuietAudience, QuietHours, Throttle,
    ThrottlePer, Trigger, WindowsIn,
};
pub use text::{Template, Variable};

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
    /// When it is in force.
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
    /// Texts.
    pub templates: Vec<Template>,
}

const fn forty_five_days() -> Span {
    Span::hours(45 * 24)
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

/// When a bundle is in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Effective {
    /// From this instant.
    pub from: Instant,
    /// Until this instant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Instant>,
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
