//! Boundaries of the people concerned: quiet hours, automatic replies, and limits on numbers and lengths.

use serde::{Deserialize, Serialize};

use crate::calendar::Shift;
use crate::thread::Priority;
use crate::time::Span;

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
    /// Silent if staff wrote in the thread so recently; 15 minutes when absent.
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
    /// The message exceeds a limit and waits for a review.
    HeldForReview,
    /// The sender is blocked, and the message waits for a review.
    Blocked,
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
    /// By when a held message is reviewed, in open time of the pool that is to answer.
    #[serde(default = "review_within")]
    pub review_within: Span,
    /// How long a message is held at least before it is delivered without a review, in elapsed time.
    #[serde(default = "longest_hold")]
    pub longest_hold: Span,
}

const fn review_within() -> Span {
    crate::hold::REVIEW_WITHIN
}

const fn longest_hold() -> Span {
    crate::hold::LONGEST_HOLD
}

impl Limit {
    /// Whether it counts what the service itself sends.
    pub const fn is_automatic(&self) -> bool {
        matches!(self.scope, LimitScope::AutomaticPerThread | LimitScope::AutomaticPerRecipient)
    }

    /// Whether a message of that urgency passes it whatever the count.
    pub fn passes(&self, priority: Priority) -> bool {
        self.never_blocks.iter().any(|kind| match kind {
            NeverBlocks::RedFlag => false,
            NeverBlocks::Urgent => priority >= Priority::Urgent,
            NeverBlocks::Stat => priority == Priority::Stat,
        })
    }
}

/// What a limit counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LimitScope {
    /// Messages of a sender.
    Sender,
    /// Threads that a sender begins.
    SenderNewThreads,
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
