//! iCalendar feeds ([RFC 5545](https://www.rfc-editor.org/rfc/rfc5545)) as holidays.
//!
//! What counts is an event of whole days: it gives a holiday for each of its dates, `DTEND` excluded. Events that recur
//! each year are followed for the years around the import; other ways to recur, and events with a time of day, are
//! passed over and told, because to guess at them would close a clinic on the wrong day.

use std::collections::{BTreeMap, BTreeSet};

use jiff::ToSpan;
use jiff::civil::Date;
use vparser::{ContentLine, ParamIter, Parser};

use super::{HolidayChange, HolidaySource, KeptHoliday, MAX_KEPT};
use crate::calendar::Holiday;
use crate::id::Ids;

mod recurrence;

/// The longest feed that is read, in bytes.
pub const MAX_BYTES: usize = 512 * 1024;
/// The most events of a feed.
pub const MAX_EVENTS: usize = 2000;
/// The longest event, in days.
const MAX_DAYS: i32 = 31;
/// The longest `UID` that is kept, in bytes.
const MAX_UID: usize = 255;
/// The longest name that is kept, in characters.
const MAX_NAME: usize = 200;
/// How far recurring and single events are followed before and after the day of the import, in years.
const YEARS: (i32, i32) = (1, 3);

/// What a feed says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Feed {
    /// Holidays by the event's `UID` and their date, with their names.
    pub holidays: BTreeMap<(String, Date), String>,
    /// Events that were passed over: their place in the feed, from 0, and why.
    pub skipped: Vec<(usize, &'static str)>,
    /// How many dates lie too far away to be kept.
    pub far: usize,
}

/// Why a feed is not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FeedError {
    /// It is longer than is read.
    #[error("the feed has more than {MAX_BYTES} bytes")]
    TooLong,
    /// It does not begin and end as a calendar does.
    #[error("the body is no iCalendar: BEGIN:VCALENDAR ... END:VCALENDAR")]
    NoCalendar,
    /// It holds U+0000, which PostgreSQL keeps in no text.
    #[error("the feed holds the character U+0000")]
    Nul,
    /// It has too many events.
    #[error("the feed has more than {MAX_EVENTS} events")]
    TooManyEvents,
    /// With what is kept already the set would be too large.
    #[error("the set would have more than {MAX_KEPT} holidays")]
    TooManyHolidays,
}

impl FeedError {
    /// What to do instead.
    pub const fn remedy(self) -> &'static str {
        match self {
            Self::TooLong | Self::TooManyEvents => "send the feed of one place alone, of a few years",
            Self::Nul => "leave the character out",
            Self::NoCalendar => "send the file as it was downloaded, as text/calendar in UTF-8",
            Self::TooManyHolidays => "delete holidays that nobody confirmed, or import into another set",
        }
    }
}

/// An event as its lines say it.
#[derive(Default)]
struct Event {
    uid: Option<String>,
    name: String,
    start: Option<String>,
    end: Option<String>,
    duration: Option<String>,
    rule: Option<String>,
    dates: Vec<String>,
    excluded: Vec<String>,
    replaces: Option<String>,
    cancelled: bool,
    timed: bool,
}

impl Feed {
    /// Reads a feed on the day `today`.
    ///
    /// # Errors
    /// It is no calendar, or larger than is read.
    pub fn read(text: &str, today: Date) -> Result<Self, FeedError> {
        if text.len() > MAX_BYTES {
            return Err(FeedError::TooLong);
        }
        if text.contains('\0') {
            return Err(FeedError::Nul);
        }
        let events = events(text.strip_prefix('\u{feff}').unwrap_or(text))?;
        let mut feed = Self::default();
        let mut replaced: BTreeSet<(String, Date)> = BTreeSet::new();
        // What stands in place of one date of a recurring event comes last, wherever it stands.
        let mut order: Vec<(usize, &Event)> = events.iter().enumerate().collect();
        order.sort_by_key(|(place, event)| (event.replaces.is_some(), *place));
        for (place, event) in order {
            match event.dates(today) {
                Err(why) => feed.skipped.push((place, why)),
                Ok((uid, dates)) => {
                    if let Some(instead) = event.replaces.as_deref().and_then(date)
                        && replaced.insert((uid.clone(), instead))
                    {
                        feed.holidays.remove(&(uid.clone(), instead));
                    }
                    let near = window(today);
                    for date in dates {
                        if near.contains(&date) {
                            feed.holidays.insert((uid.clone(), date), event.name.clone());
                        } else {
                            feed.far += 1;
                        }
                    }
                }
            }
        }
        feed.skipped.sort_unstable();
        Ok(feed)
    }

    /// What importing the feed into a set changes, given what is kept there: new holidays nobody has confirmed, new names
    /// of those that nobody has, and away with unconfirmed dates that an event of the feed had and has no more. What a
    /// person has confirmed stays as it is. Importing the same feed again changes nothing.
    ///
    /// # Errors
    /// The set would be too large.
    pub fn merged(&self, set: &str, kept: &[KeptHoliday], ids: &mut Ids) -> Result<Vec<HolidayChange>, FeedError> {
        let mut known: BTreeMap<(&str, Date), &KeptHoliday> = BTreeMap::new();
        let of_set = kept.iter().filter(|kept| kept.set == set);
        let mut total = of_set.clone().count();
        for kept in of_set {
            if let HolidaySource::Feed(uid) = &kept.source {
                known.insert((uid, kept.holiday.date), kept);
            }
        }
        let uids: BTreeSet<&str> = self.holidays.keys().map(|(uid, _)| uid.as_str()).collect();
        let mut changes = Vec::new();
        for ((uid, date), kept) in &known {
            let told = self.holidays.contains_key(&((*uid).to_owned(), *date));
            if uids.contains(uid) && !told && !kept.holiday.confirmed {
                total -= 1;
                changes.push(HolidayChange::Removed(kept.id.clone()));
            }
        }
        for ((uid, date), name) in &self.holidays {
            match known.get(&(uid.as_str(), *date)) {
                Some(kept) if kept.holiday.confirmed || kept.holiday.name == *name => {}
                Some(kept) => {
                    let holiday = Holiday { name: name.clone(), ..kept.holiday.clone() };
                    changes.push(HolidayChange::Kept(KeptHoliday { holiday, ..(*kept).clone() }));
                }
                None => {
                    total += 1;
                    changes.push(HolidayChange::Kept(KeptHoliday {
                        id: ids.next_id(),
                        set: set.to_owned(),
                        holiday: Holiday { date: *date, name: name.clone(), shifts: vec![], confirmed: false },
                        source: HolidaySource::Feed(uid.clone()),
                    }));
                }
            }
        }
        if total > MAX_KEPT { Err(FeedError::TooManyHolidays) } else { Ok(changes) }
    }
}

/// The dates that are kept of an import.
fn window(today: Date) -> std::ops::RangeInclusive<Date> {
    today.saturating_sub(YEARS.0.years())..=today.saturating_add(YEARS.1.years())
}

/// The events of the calendar; what is nested in them, such as alarms, is passed over.
fn events(text: &str) -> Result<Vec<Event>, FeedError> {
    let mut open: Vec<String> = Vec::new();
    let mut events = Vec::new();
    let mut complete = false;
    for line in Parser::new(text) {
        let (name, value) = (line.name().to_ascii_uppercase(), line.value());
        match name.as_str() {
            "BEGIN" => {
                open.push(value.trim().to_ascii_uppercase());
                if open.len() == 1 && open[0] != "VCALENDAR" {
                    return Err(FeedError::NoCalendar);
                }
                if open.len() == 2 && open[1] == "VEVENT" {
                    if events.len() == MAX_EVENTS {
                        return Err(FeedError::TooManyEvents);
                    }
                    events.push(Event::default());
                }
            }
            "END" => {
                let closed = open.pop();
                if closed.is_none_or(|closed| !closed.eq_ignore_ascii_case(value.trim())) {
                    return Err(FeedError::NoCalendar);
                }
                complete = open.is_empty();
            }
            _ if open.is_empty() && !line.raw().trim().is_empty() => return Err(FeedError::NoCalendar),
            _ if open.len() == 2 && open[1] == "VEVENT" => {
                if let Some(event) = events.last_mut() {
                    event.take(&name, &line);
                }
            }
            _ => {}
        }
    }
    if complete { Ok(events) } else { Err(FeedError::NoCalendar) }
}

impl Event {
    fn take(&mut self, name: &str, line: &ContentLine<'_>) {
        let value = line.value().trim().to_owned();
        let params = line.params();
        let of_dates = ParamIter::new(&params)
            .any(|param| param.name().eq_ignore_ascii_case("VALUE") && param.value().eq_ignore_ascii_case("DATE"));
        let several = || value.split(',').map(|one| one.trim().to_owned());
        match name {
            "UID" => self.uid = Some(value),
            "SUMMARY" => self.name = unescaped(&value).chars().take(MAX_NAME).collect(),
            "DTSTART" => {
                // A date without the parameter is what many feeds write, and can mean nothing else.
                self.timed = !of_dates && date(&value).is_none();
                self.start = Some(value);
            }
            "DTEND" => self.end = Some(value),
            "DURATION" => self.duration = Some(value),
            "RRULE" => self.rule = Some(value),
            "RDATE" => self.dates.extend(several()),
            "EXDATE" => self.excluded.extend(several()),
            "RECURRENCE-ID" => self.replaces = Some(value),
            "STATUS" => self.cancelled = value.eq_ignore_ascii_case("CANCELLED"),
            _ => {}
        }
    }

    /// The event's `UID` and the dates of its days; why it has none that can be kept.
    fn dates(&self, today: Date) -> Result<(String, BTreeSet<Date>), &'static str> {
        let uid = self.uid.clone().filter(|uid| (1..=MAX_UID).contains(&uid.len()));
        let uid = uid.ok_or("has no UID, or one of more than 255 bytes: without it the next import cannot find it")?;
        if self.cancelled {
            // Its place in a recurring event is empty.
            return Ok((uid, BTreeSet::new()));
        }
        if self.timed {
            return Err("has a time of day: enter it by hand, with the shifts of that date");
        }
        if self.name.trim().is_empty() {
            return Err("has no SUMMARY");
        }
        let start = self.start.as_deref().and_then(date).ok_or("has no DTSTART that is a date")?;
        let days = self.days(start)?;
        let mut starts = match &self.rule {
            None => BTreeSet::from([start]),
            Some(rule) => recurrence::dates(rule, start, &window(today))?,
        };
        starts.extend(self.dates.iter().filter_map(|text| date(text)));
        for excluded in self.excluded.iter().filter_map(|text| date(text)) {
            starts.remove(&excluded);
        }
        let each = |first: Date| (0..days).map(move |day| first.saturating_add(day.days()));
        Ok((uid, starts.into_iter().flat_map(each).collect()))
    }

    /// How many days it lasts: `DTEND` is the first date after it.
    fn days(&self, start: Date) -> Result<i32, &'static str> {
        let days = match (&self.end, &self.duration) {
            (Some(end), _) => {
                let end = date(end).ok_or("has a DTEND that is no date")?;
                (end - start).get_days()
            }
            (None, Some(duration)) => duration
                .strip_prefix('P')
                .and_then(|amount| match amount.strip_suffix('W') {
                    Some(weeks) => weeks.parse::<i32>().ok()?.checked_mul(7),
                    None => amount.strip_suffix('D')?.parse().ok(),
                })
                .ok_or("has a DURATION that is not of whole days")?,
            (None, None) => 1,
        };
        match days {
            // Some feeds write the same date twice for a single day.
            0 => Ok(1),
            1..=MAX_DAYS => Ok(days),
            _ => Err("ends before it begins, or lasts longer than 31 days: enter it as a closure of the calendar"),
        }
    }
}

/// A date as iCalendar writes it: `20261224`.
fn date(text: &str) -> Option<Date> {
    if text.len() != 8 || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Date::new(text[..4].parse().ok()?, text[4..6].parse().ok()?, text[6..].parse().ok()?).ok()
}

/// A text without its escapes (<https://www.rfc-editor.org/rfc/rfc5545#section-3.3.11>), in one line.
fn unescaped(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        let letter = if letter == '\\' {
            letters.next().map_or('\\', |next| if matches!(next, 'n' | 'N') { ' ' } else { next })
        } else {
            letter
        };
        plain.push(if letter.is_control() { ' ' } else { letter });
    }
    plain.trim().to_owned()
}

#[cfg(test)]
mod tests;
