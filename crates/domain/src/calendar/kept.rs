//! Calendars as they are kept: with everything that they are compiled from, under a key that says which they are.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::fault::CalendarFault;
use super::{Calendar, CalendarError, CalendarSpec, Combination, Holiday, HolidaySet, tzdb_version};
use crate::id::hex;
use crate::time::Instant;

/// What stands between a calendar's name and the rest of its key.
const MARK: char = '@';

/// A calendar with the holidays that count in it. Its key names its content: a calendar of the same key has always
/// counted alike, so that time used under it can be measured again years after it was replaced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Kept {
    /// Its key: `name@rules.holidays.release`, the first two as hashes, the last the release of the zone data.
    pub key: String,
    /// The rules.
    pub rules: CalendarSpec,
    /// The confirmed holidays of the sets it names, in the order in which they count.
    pub holidays: Vec<Holiday>,
    /// The calendars that are laid over it, in order, as [`CalendarSpec::combined`] says.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub with: Vec<Laid>,
}

/// A calendar that is laid over another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Laid {
    /// What is open then.
    pub how: Combination,
    /// The calendar.
    pub calendar: Kept,
}

/// Why another calendar counts than before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Moved {
    /// The pool's own hours or absences have changed.
    Hours,
    /// The bundle's calendar has changed.
    Bundle,
    /// A holiday was confirmed, changed or taken back.
    Holiday,
    /// The zone data has changed.
    Tzdb,
}

impl Moved {
    /// The code.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hours => "hours",
            Self::Bundle => "bundle",
            Self::Holiday => "holiday",
            Self::Tzdb => "tzdb",
        }
    }

    /// What differs between the calendars of two keys, by what weighs most. Names that hold a `/` are those of pools'
    /// own resources.
    pub fn between(before: &str, after: &str) -> Option<Self> {
        let (one, two) = (Parts::of(before), Parts::of(after));
        let own = one.name.contains('/') || two.name.contains('/');
        if before == after {
            None
        } else if one.name != two.name || one.rules != two.rules {
            Some(if own { Self::Hours } else { Self::Bundle })
        } else if one.holidays != two.holidays {
            Some(Self::Holiday)
        } else {
            Some(Self::Tzdb)
        }
    }
}

/// A key taken apart; a key without a mark is a name alone.
struct Parts<'k> {
    name: &'k str,
    rules: &'k str,
    holidays: &'k str,
    release: &'k str,
}

impl<'k> Parts<'k> {
    fn of(key: &'k str) -> Self {
        let (name, rest) = key.split_once(MARK).unwrap_or((key, ""));
        let mut parts = rest.splitn(3, '.');
        let mut next = || parts.next().unwrap_or_default();
        Self { name, rules: next(), holidays: next(), release: next() }
    }
}

/// The name of the calendar that a key is of.
pub fn name_of(key: &str) -> &str {
    Parts::of(key).name
}

/// Whether a calendar was counted with zone data that is newer than the binary's own: releases sort by their names.
pub fn is_ahead(key: &str) -> bool {
    Parts::of(key).release > tzdb_version()
}

impl Kept {
    /// A calendar with what counts of all the holiday sets there are, and of the calendars that it may be combined with.
    pub fn new(spec: &CalendarSpec, sets: &[HolidaySet], others: &[CalendarSpec]) -> Self {
        let named = spec.holiday_sets.iter().filter_map(|id| sets.iter().find(|set| set.id == *id));
        let holidays: Vec<Holiday> =
            named.flat_map(|set| &set.entries).filter(|holiday| holiday.confirmed).cloned().collect();
        let rules = CalendarSpec { holiday_sets: Vec::new(), ..spec.clone() };
        let laid = spec.combined.iter().filter_map(|own| {
            let other = others.iter().find(|other| other.id == own.with && other.combined.is_empty())?;
            Some(Laid { how: own.how, calendar: Self::new(other, sets, &[]) })
        });
        let with: Vec<Laid> = laid.collect();
        let nameless = CalendarSpec { id: String::new(), ..rules.clone() };
        // What is laid over it counts as its own rules and holidays do.
        let all_rules = match with.as_slice() {
            [] => short(&nameless),
            with => short(&(nameless, with.iter().map(|laid| &laid.calendar.rules).collect::<Vec<_>>())),
        };
        let all_holidays = holidays.iter().chain(with.iter().flat_map(|laid| &laid.calendar.holidays));
        let all_holidays: Vec<_> = all_holidays.map(|holiday| (holiday.date.to_string(), &holiday.shifts)).collect();
        let key = format!("{}{MARK}{all_rules}.{}.{}", spec.id, short(&all_holidays), tzdb_version());
        Self { key, rules, holidays, with }
    }

    /// Makes it ready for the years around an instant, by the zone data of the binary.
    pub fn compile(&self, around: Instant) -> Result<Calendar, CalendarError> {
        const CONFIRMED: &str = "confirmed";
        let spec = CalendarSpec { holiday_sets: vec![CONFIRMED.to_owned()], ..self.rules.clone() };
        let set = HolidaySet { id: CONFIRMED.to_owned(), source: None, entries: self.holidays.clone() };
        let own = Calendar::compile(&spec, &[set], around)?;
        self.with.iter().try_fold(own, |own, laid| {
            let combined = own.combined(laid.how, &laid.calendar.compile(around)?, self.rules.id.clone());
            if combined.table.is_cut_up() {
                let (pointer, fault) = ("/combined".to_owned(), CalendarFault::TooManyStretches);
                return Err(CalendarError { holiday_set: None, pointer, fault });
            }
            Ok(combined)
        })
    }
}

/// The first 48 bits of a value's SHA-256, in hex: versions of one calendar are few.
fn short(value: &impl Serialize) -> String {
    let text = serde_json::to_string(value).expect("a calendar has string keys and finite numbers alone");
    hex(&Sha256::digest(text)[..6])
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn sets(confirmed: bool, date: &str) -> Vec<HolidaySet> {
        let set = json!([{"id": "us", "entries": [{"date": date, "name": "Day", "confirmed": confirmed}]}]);
        serde_json::from_value(set).unwrap()
    }

    fn spec(id: &str, start: &str) -> CalendarSpec {
        let spec = json!({"id": id, "timezone": "America/New_York", "holidaySets": ["us"],
            "weekly": [{"days": ["mon"], "shifts": [{"start": start, "end": "17:00"}]}]});
        serde_json::from_value(spec).unwrap()
    }

    fn key(id: &str, start: &str, sets: &[HolidaySet]) -> String {
        Kept::new(&spec(id, start), sets, &[]).key
    }

    #[test]
    fn a_key_names_what_counts_and_nothing_else() {
        let none = sets(false, "2026-06-22");
        let one = key("clinic", "09:00", &none);
        assert_eq!(one, key("clinic", "09:00", &[]), "what is not confirmed does not count");
        assert_eq!(name_of(&one), "clinic");
        let holiday = key("clinic", "09:00", &sets(true, "2026-06-22"));
        assert_eq!(Moved::between(&one, &one), None);
        assert_eq!(Moved::between(&one, &holiday), Some(Moved::Holiday));
        assert_eq!(Moved::between(&one, &key("clinic", "08:00", &none)), Some(Moved::Bundle));
        assert_eq!(Moved::between(&one, &key("HealthcareService/a", "09:00", &none)), Some(Moved::Hours));
        let (rest, _) = one.rsplit_once('.').unwrap();
        assert_eq!(Moved::between(&format!("{rest}.1999a"), &one), Some(Moved::Tzdb));
        assert!(is_ahead(&format!("{rest}.9999a")) && !is_ahead(&one) && !is_ahead("clinic"));
    }

    #[test]
    fn a27_calendars_that_a_bundle_combines_are_kept_with_what_they_are_combined_with() {
        let around: Instant = "2026-06-01T00:00:00Z".parse().unwrap();
        let until = around.plus(60 * 86_400);
        let sets = sets(true, "2026-06-22");
        let late = |start: &str| CalendarSpec { holiday_sets: vec![], ..spec("late", start) };
        let clinic = |how: Combination| CalendarSpec {
            combined: vec![super::super::Combined { how, with: "late".to_owned() }],
            ..spec("clinic", "09:00")
        };
        let compiled = |kept: &Kept| kept.compile(around).unwrap();
        let plain = |spec: &CalendarSpec| compiled(&Kept::new(spec, &sets, &[]));
        let (one, other) = (plain(&spec("clinic", "09:00")), plain(&late("12:00")));
        for (how, wanted) in [
            (Combination::Union, one.union(&other, "clinic")),
            (Combination::Intersection, one.intersection(&other, "clinic")),
            (Combination::Minus, one.minus(&other, "clinic")),
        ] {
            let kept = Kept::new(&clinic(how), &sets, &[late("12:00")]);
            let again: Kept = serde_json::from_str(&serde_json::to_string(&kept).unwrap()).unwrap();
            assert_eq!(compiled(&again).walk(around, until), wanted.walk(around, until), "{how:?}");
            let moved = Kept::new(&clinic(how), &sets, &[late("13:00")]);
            assert_eq!(
                Moved::between(&kept.key, &moved.key),
                Some(Moved::Bundle),
                "what it is combined with has changed"
            );
        }
    }

    #[test]
    fn what_is_kept_counts_as_it_did() {
        let sets = sets(true, "2026-06-22");
        let around: Instant = "2026-06-01T00:00:00Z".parse().unwrap();
        let until = around.plus(60 * 86_400);
        let kept = Kept::new(&spec("clinic", "09:00"), &sets, &[]);
        let text = serde_json::to_string(&kept).unwrap();
        let again = serde_json::from_str::<Kept>(&text).unwrap().compile(around).unwrap();
        let whole = Calendar::compile(&spec("clinic", "09:00"), &sets, around).unwrap();
        assert_eq!(again.walk(around, until), whole.walk(around, until));
        assert!(whole.walk(around, until).len() > 4);
    }
}
