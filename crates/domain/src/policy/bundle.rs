//! The policy bundle: a site's boundaries and promises as one immutable, versioned document.
//!
//! The JSON form is described by `docs/policy-bundle.schema.json`; unknown members are refused.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::calendar::{CalendarSpec, HolidaySet, Shift};
use crate::id::Reference;
use crate::policy::rule::Rule;
use crate::policy::turnaround::{Count, Turnaround};
use crate::thread::Priority;
use crate::time::{Instant, Span};

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

/// When notices to people wait.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct QuietHours {
    /// Its id.
    pub id: String,
    /// Whose notices.
    pub audience: QuietAudience,
    /// Whose clock the windows are read on.
    pub windows_in: WindowsIn,
    /// The windows, every day.
    pub shifts: Vec<Shift>,
    /// Urgencies that do not wait.
    #[serde(default)]
    pub bypass_priority: Vec<Priority>,
    /// The longest hold.
    #[serde(default = "twelve_hours")]
    pub max_hold: Span,
    /// What happens then; nothing is ever dropped.
    #[serde(default)]
    pub on_max_hold: OnMaxHold,
}

const fn twelve_hours() -> Span {
    Span::hours(12)
}

/// Whose notices quiet hours concern.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum QuietAudience {
    /// Patients and proxies.
    Patient,
    /// The team.
    Staff,
}

/// Whose clock quiet hours are read on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WindowsIn {
    /// The recipient's, or the clinic's when unknown.
    RecipientTimezone,
    /// The clinic's.
    ClinicTimezone,
}

/// What happens at the end of the longest hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnMaxHold {
    /// The notice leaves.
    #[default]
    Send,
}

/// An automatic reply.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AwayReply {
    /// Its id.
    pub id: String,
    /// What it answers to.
    pub when: Trigger,
    /// The calendar that is closed, for `calendar-closed`; the answering pool's when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calendar: Option<String>,
    /// The text.
    pub template: String,
    /// How often at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub throttle: Option<Throttle>,
    /// Silent if staff wrote in the thread so recently.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_if_staff_wrote_within: Option<Span>,
}

/// What an automatic reply answers to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Trigger {
    /// A message that starts a cycle was accepted; one per sender and cycle.
    MessageAccepted,
    /// The calendar is closed.
    CalendarClosed,
    /// The person written to is away.
    PersonAbsent,
    /// Nobody staffs the pool.
    PoolUnstaffed,
}

/// How often an automatic reply is sent at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Throttle {
    /// Counted per.
    pub per: ThrottlePer,
    /// In this time.
    pub window: Span,
}

/// What a throttle counts by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ThrottlePer {
    /// A sender in a thread.
    SenderThread,
    /// A sender.
    Sender,
    /// A sender in one closure.
    SenderClosure,
}

/// A limit on how much is sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Limit {
    /// Its id.
    pub id: String,
    /// What is counted.
    pub scope: LimitScope,
    /// The most that passes.
    pub max: u32,
    /// In this time.
    pub window: Span,
    /// What happens to more.
    pub on_exceed: OnExceed,
    /// What always passes.
    #[serde(default)]
    pub never_blocks: Vec<NeverBlocks>,
}

/// What a limit counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LimitScope {
    /// Messages of a sender.
    Sender,
    /// Messages of a sender in a thread.
    SenderThread,
    /// Messages of the tenant.
    Tenant,
    /// Automatic messages in a thread.
    AutomaticPerThread,
    /// Automatic messages to a recipient.
    AutomaticPerRecipient,
}

/// What happens to messages beyond a limit. A person's message is only ever held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnExceed {
    /// Refused: for automatic messages alone.
    Reject,
    /// Stored, and visible to the pool's lead until reviewed.
    HoldForReview,
    /// Not sent: for automatic messages alone.
    Drop,
}

/// What a limit never holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NeverBlocks {
    /// Messages with a red flag; they pass whether named or not.
    RedFlag,
    /// Urgent messages.
    Urgent,
    /// Immediate messages.
    Stat,
}

/// How long a patient's message may be, in Unicode scalar values after NFC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LengthLimits {
    /// Above this the sender is told.
    pub notice: usize,
    /// Above this the message is refused and a split offered.
    pub limit: usize,
}

impl Default for LengthLimits {
    fn default() -> Self {
        Self { notice: 1000, limit: 1500 }
    }
}

/// A text to patients.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Template {
    /// Its id.
    pub id: String,
    /// Its version.
    pub version: i32,
    /// The variables it may use.
    #[serde(default)]
    pub variables: Vec<Variable>,
    /// The text by language.
    pub texts: BTreeMap<String, String>,
    /// The longest text by channel, in characters.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub max_length: BTreeMap<String, u32>,
}

/// What a template may say beside its own words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Variable {
    /// The clinic's name.
    #[serde(rename = "clinic.name")]
    ClinicName,
    /// The clinic's telephone number.
    #[serde(rename = "clinic.phone")]
    ClinicPhone,
    /// When the pool opens next, in the patient's zone and words.
    #[serde(rename = "nextOpen.local")]
    NextOpenLocal,
    /// By when an answer is promised, in the patient's zone and words.
    #[serde(rename = "due.local")]
    DueLocal,
    /// Who stands in.
    #[serde(rename = "cover.displayName")]
    CoverDisplayName,
    /// The patient's given name.
    #[serde(rename = "patient.givenName")]
    PatientGivenName,
    /// The number to call in an emergency.
    #[serde(rename = "emergency.number")]
    EmergencyNumber,
}

impl Variable {
    /// Every variable.
    pub const ALL: [Self; 7] = [
        Self::ClinicName,
        Self::ClinicPhone,
        Self::NextOpenLocal,
        Self::DueLocal,
        Self::CoverDisplayName,
        Self::PatientGivenName,
        Self::EmergencyNumber,
    ];

    /// The name between braces.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ClinicName => "clinic.name",
            Self::ClinicPhone => "clinic.phone",
            Self::NextOpenLocal => "nextOpen.local",
            Self::DueLocal => "due.local",
            Self::CoverDisplayName => "cover.displayName",
            Self::PatientGivenName => "patient.givenName",
            Self::EmergencyNumber => "emergency.number",
        }
    }
}
