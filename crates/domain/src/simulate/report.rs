//! What a simulation found.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::calendar::zone::{DAY, wall};
use crate::change::{OutboxKind, OutboxRow};
use crate::decide::unread_answer;
use crate::id::ResourceId;
use crate::time::Instant;

/// What a comparison found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Comparison {
    /// How many messages were replayed.
    pub messages: u64,
    /// How many messages came out differently in any respect.
    pub different: u64,
    /// Outcomes under both, as `baseline -> candidate`, with their number.
    pub outcomes: BTreeMap<String, u64>,
    /// Answering pools under both, where they differ.
    pub pools: BTreeMap<String, u64>,
    /// How due instants moved.
    pub due: DueShift,
    /// The baseline's totals.
    pub baseline: Totals,
    /// The candidate's totals.
    pub candidate: Totals,
    /// The largest differences, with both explanations.
    pub differences: Vec<Difference>,
}

/// How due instants moved from baseline to candidate.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DueShift {
    /// Alike.
    pub same: u64,
    /// Earlier under the candidate.
    pub earlier: u64,
    /// Later under the candidate.
    pub later: u64,
    /// Under one of the two alone.
    pub one_sided: u64,
    /// The largest move to an earlier instant, in seconds.
    pub most_earlier_seconds: i64,
    /// The largest move to a later instant, in seconds.
    pub most_later_seconds: i64,
    /// How many moved by how much, from the earliest to the latest; moves that nobody made are left out.
    pub distribution: Vec<Band>,
}

/// Moves of about one size.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Band {
    /// In words, such as `up to 4 hours later`.
    pub moved: String,
    /// How many.
    pub messages: u64,
}

/// Where bands of moves end, in seconds of elapsed time, with their names.
const BANDS: [(i64, &str); 5] = [
    (3_600, "up to 1 hour"),
    (14_400, "up to 4 hours"),
    (DAY, "up to 1 day"),
    (3 * DAY, "up to 3 days"),
    (i64::MAX, "more than 3 days"),
];

/// What one side adds up to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Totals {
    /// Notices to people, by the hour of the clinic's day at which they may leave.
    pub notices_by_hour: [u64; 24],
    /// The same by the day of the week, from Monday.
    pub notices_by_weekday: [u64; 7],
    /// Thresholds fired, by id.
    pub thresholds: BTreeMap<String, u64>,
    /// Automatic replies, by template.
    pub automatic_replies: BTreeMap<String, u64>,
    /// Messages held for review.
    pub held: u64,
    /// Held messages that were delivered when their longest hold was over: no review is replayed.
    pub released: u64,
    /// Messages refused with another way to reach care.
    pub refused: u64,
}

/// A message that came out differently.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Difference {
    /// The Communication's id.
    pub message: ResourceId,
    /// The id of the conversation's first message.
    pub thread: ResourceId,
    /// When it arrived.
    pub at: Instant,
    /// How far due moved, in seconds; positive is later.
    pub due_shift_seconds: i64,
    /// The baseline's decision in plain words.
    pub baseline: String,
    /// The candidate's decision in plain words.
    pub candidate: String,
}

/// Due instants as they are counted: the report's figures, and bands before and after none at all.
#[derive(Debug, Default)]
pub(super) struct Shifts {
    due: DueShift,
    earlier: [u64; BANDS.len()],
    later: [u64; BANDS.len()],
}

impl Shifts {
    /// Counts a message's due instants and says how far it moved.
    pub fn add(&mut self, before: Option<Instant>, after: Option<Instant>) -> i64 {
        let due = &mut self.due;
        let (Some(before), Some(after)) = (before, after) else {
            if before == after {
                due.same += 1;
            } else {
                due.one_sided += 1;
            }
            return 0;
        };
        let shift = after.since(before);
        let band = BANDS.iter().position(|(end, _)| shift.abs() <= *end).unwrap_or(BANDS.len() - 1);
        match shift {
            0 => due.same += 1,
            1.. => {
                due.later += 1;
                due.most_later_seconds = due.most_later_seconds.max(shift);
                self.later[band] += 1;
            }
            _ => {
                due.earlier += 1;
                due.most_earlier_seconds = due.most_earlier_seconds.max(-shift);
                self.earlier[band] += 1;
            }
        }
        shift
    }

    /// The figures with their distribution.
    pub fn told(self) -> DueShift {
        let Self { due, earlier, later } = self;
        let band = |name: &str, way: &str, messages: u64| Band { moved: format!("{name} {way}"), messages };
        let earlier = earlier.iter().zip(BANDS).rev().map(|(count, (_, name))| band(name, "earlier", *count));
        let later = later.iter().zip(BANDS).map(|(count, (_, name))| band(name, "later", *count));
        DueShift { distribution: earlier.chain(later).filter(|band| band.messages > 0).collect(), ..due }
    }
}

impl Totals {
    /// Counts the notices among rows by when they may leave, on the clinic's clock. Whether an answer is read is replayed
    /// by nobody, so that what would tell of it says nothing.
    pub(super) fn count(&mut self, rows: &[OutboxRow], zone: &TimeZone) {
        for row in rows.iter().filter(|row| row.kind == OutboxKind::Notice && unread_answer(row).is_none()) {
            let wall = wall(zone, row.release_at);
            let hour = usize::try_from(wall.rem_euclid(DAY) / 3600).unwrap_or(0).min(23);
            // 1970-01-01 was a Thursday.
            let weekday = usize::try_from((wall.div_euclid(DAY) + 3).rem_euclid(7)).unwrap_or(0).min(6);
            self.notices_by_hour[hour] += 1;
            self.notices_by_weekday[weekday] += 1;
        }
    }
}
