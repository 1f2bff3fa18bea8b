//! `availableTime` as the shifts of a week.

use domain::calendar::{Day, Hours, Shift, WallTime, WeeklyShifts};
use fhir_model::{AvailableTime, TimeOfDay, Weekday};

use super::Week;
use crate::issue::{Issue, IssueCode};

const ALL_DAY: Shift = Shift { start: WallTime::MIDNIGHT, end: WallTime::END_OF_DAY, ends_next_day: false };

/// The shifts of each entry. An entry that names no day holds for every day; one whose end is before its start goes on
/// into the next day.
pub(super) fn shifts(entries: &[AvailableTime], kind: &str, issues: &mut Vec<Issue>) -> Week {
    let mut week = Week::new();
    for (position, entry) in entries.iter().enumerate() {
        match shift(entry) {
            Ok(shift) => week.push(WeeklyShifts { days: days(&entry.days), shifts: vec![shift] }),
            Err(message) => {
                let place = format!("{kind}.availableTime[{position}]");
                issues.push(Issue::error(IssueCode::Value, message).at(place));
            }
        }
    }
    week
}

/// The hours of the week; always open when every day is open all day.
pub(super) fn hours(week: Week) -> Hours {
    let is_open = |day: &Day| week.iter().any(|entry| entry.days.contains(day) && entry.shifts.contains(&ALL_DAY));
    if Day::ALL.iter().all(is_open) { Hours::AlwaysOpen } else { Hours::Weekly(week) }
}

fn shift(entry: &AvailableTime) -> Result<Shift, &'static str> {
    if entry.all_day {
        return Ok(ALL_DAY);
    }
    let (Some(start), Some(end)) = (entry.start.and_then(wall_time), entry.end.and_then(wall_time)) else {
        return Err("availableTime needs both availableStartTime and availableEndTime, or allDay");
    };
    if start == end {
        return Err("availableStartTime and availableEndTime are the same: say allDay for a whole day");
    }
    Ok(Shift { start, end, ends_next_day: end < start })
}

fn wall_time(time: TimeOfDay) -> Option<WallTime> {
    WallTime::from_seconds(time.seconds)
}

fn days(days: &[Weekday]) -> Vec<Day> {
    if days.is_empty() {
        return Day::ALL.to_vec();
    }
    days.iter().map(|day| Day::ALL[*day as usize]).collect()
}
