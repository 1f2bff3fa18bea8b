//! A decision record in plain words.

use jiff::tz::TimeZone;

use crate::calendar::zone_named;
use crate::clock::ClockName;
use crate::decide::UNREAD;
use crate::decision::{ClockNote, Counted, Mode, Outcome, Record, Stretch};
use crate::policy::template::local;
use crate::policy::turnaround::{DayEnds, Target};
use crate::time::Instant;

/// How many stretches of the walk are told; the rest is summed up.
const TOLD: usize = 8;

impl Record {
    /// The record as a paragraph: what was received, how open time runs to the due instant, and what was done or left.
    /// Times are in the zone of the calendar that counts.
    pub fn paragraph(&self) -> String {
        let waiting = self
            .clocks
            .iter()
            .find(|clock| clock.name == ClockName::NextResponse.as_str())
            .or_else(|| self.clocks.first());
        let zone = waiting.and_then(|clock| zone_named(&clock.zone)).unwrap_or(TimeZone::UTC);
        let say = |at: Instant| local(at, &zone, "en");
        let mut told = vec![self.opening(&say)];
        if !self.red_flags.is_empty() {
            told.push(
                "It holds words that may mean danger: every limit and every quiet hour was passed over.".to_owned(),
            );
        }
        if let Some(pool) = &self.pool {
            let why = self.path.last().map(|path| format!(" ({path})")).unwrap_or_default();
            told.push(format!("The pool {pool} answers{why}."));
        }
        told.extend(self.limits.iter().filter(|limit| limit.exceeded).map(limit_told));
        if let Some(clock) = waiting {
            told.extend(clock_told(clock, &say));
        }
        told.extend(self.effects.iter().filter_map(|effect| {
            let unread = effect.what == UNREAD;
            let what = match (&effect.suppressed, &effect.to, effect.release_at) {
                (Some(why), _, _) => format!("{} {} was left out: {why}.", effect.kind, effect.what),
                (None, Some(to), Some(at)) if unread => {
                    format!("{to} is told if nobody on the patient's side has read it until {}.", say(at))
                }
                (None, Some(to), Some(at)) if at > self.at => {
                    format!("{} {} waits for {to} until {}.", effect.kind, effect.what, say(at))
                }
                (None, Some(to), _) => format!("{} {} goes to {to} at once.", effect.kind, effect.what),
                (None, None, Some(_)) if effect.kind == "due" => return None,
                (None, None, Some(at)) => format!("{} {} stood at {}.", effect.kind, effect.what, say(at)),
                (None, None, None) => return None,
            };
            Some(capital(&what))
        }));
        told.extend((!self.errors.is_empty()).then(|| {
            format!("Not everything could be evaluated ({}), so a person must look.", self.errors.join("; "))
        }));
        if self.mode == Mode::Shadow {
            told.push("This is what the bundle in shadow would have decided; nothing of it was done.".to_owned());
        }
        told.push(format!("Decided under bundle {}, time zone data {}.", self.bundle, self.timezone_data));
        told.join(" ")
    }

    fn opening(&self, say: &dyn Fn(Instant) -> String) -> String {
        let at = say(self.at);
        match (self.outcome, &self.message) {
            (Outcome::Claimed, _) => format!("Claimed {at}."),
            (Outcome::Fired, _) => format!("Looked at {at}: a threshold has come."),
            (Outcome::Overridden, _) => format!("Overridden {at} by an authorised person."),
            (Outcome::HandedOver, _) => format!("Handed over {at}."),
            (Outcome::Opened, _) => format!("Opened by a person of the team {at}."),
            (Outcome::Merged, _) => format!("Merged with another conversation {at}."),
            (Outcome::Retracted, _) => format!("Marked as sent in error {at}."),
            (Outcome::Recalendared, _) => {
                let why = self.effects.iter().find(|effect| effect.kind == "calendar").map(|effect| &*effect.what);
                let why = match why {
                    Some("holiday") => "a holiday has changed",
                    Some("tzdb") => "the zone data has changed",
                    Some("bundle") => "the clinic's calendar has changed",
                    _ => "the pool's hours have changed",
                };
                format!("Counted anew {at}, because {why}; the time already used stays as it was counted.")
            }
            (Outcome::Released, _) => format!("Held for review before, and delivered {at}."),
            (_, Some(message)) => format!(
                "Received {at} from the {}{}{}.",
                message.side,
                message.category.as_ref().map(|code| format!(", category {code}")).unwrap_or_default(),
                self.priority.map(|priority| format!(", priority {priority}")).unwrap_or_default(),
            ),
            (_, None) => format!("Kept {at}."),
        }
    }
}

fn limit_told(limit: &Counted) -> String {
    let Counted { id, count, max, window, .. } = limit;
    match &limit.passes {
        Some(why) => {
            format!("The limit {id} lets {max} pass in {window}, and {count} had; it passes all the same: {why}.")
        }
        None => format!("The limit {id} lets {max} pass in {window}, and {count} had: a person reviews it first."),
    }
}

fn clock_told(clock: &ClockNote, say: &dyn Fn(Instant) -> String) -> Vec<String> {
    let mut told = Vec::new();
    if !clock.walk.is_empty() && clock.event != "fire" {
        told.push(walk_told(&clock.walk, say));
    }
    if !clock.unconfirmed.is_empty() && clock.event != "fire" {
        let days: Vec<String> =
            clock.unconfirmed.iter().map(|holiday| format!("{} ({})", holiday.date, holiday.name)).collect();
        told.push(format!("Not a holiday until somebody confirms it: {}.", days.join(", ")));
    }
    let target = clock.target.as_ref().map(target_told).unwrap_or_default();
    match (clock.state.as_str(), clock.due_at) {
        ("running", Some(due)) if clock.name == ClockName::Review.as_str() => {
            told.push(format!("Its review is due by {}{target}.", say(due)));
        }
        ("running", Some(due)) => told.push(format!("An answer is due by {}{target}.", say(due))),
        ("running", None) => {
            told.push("No due time could be found: the calendar does not open for long enough.".to_owned());
        }
        ("met", _) => told.push("The answer came in time.".to_owned()),
        ("met-late", _) => told.push("The answer came late.".to_owned()),
        (state, _) => told.push(format!("The clock is {state}.")),
    }
    told
}

fn walk_told(walk: &[Stretch], say: &dyn Fn(Instant) -> String) -> String {
    // The last stretch ends at the due instant, which is told by itself.
    let told: Vec<String> = walk
        .iter()
        .take(walk.len().saturating_sub(1).min(TOLD))
        .map(|stretch| format!("{} until {}", if stretch.open { "open" } else { "closed" }, say(stretch.until)))
        .collect();
    if told.is_empty() {
        return "Open throughout.".to_owned();
    }
    let more = if walk.len() - 1 > TOLD { ", and so on" } else { "" };
    format!("{}{more}.", capital(&told.join(", then ")))
}

fn target_told(target: &Target) -> String {
    match target {
        Target::OpenTime { amount } => format!(" ({amount} of open time)"),
        Target::OpenDays { days, day_ends: DayEnds::Close } => format!(" ({days} open days, by close)"),
        Target::OpenDays { days, day_ends: DayEnds::SameTime } => format!(" ({days} open days, at the same time)"),
        Target::ElapsedTime { amount } => format!(" ({amount} by the clock on the wall)"),
        Target::Manual { .. } => " (set for this message)".to_owned(),
    }
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}
