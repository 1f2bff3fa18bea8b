//! Holidays that a tenant keeps beside its bundle: entered by hand or imported from a feed, and confirmed by a person
//! before they have any effect.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;

use crate::calendar::{CalendarSpec, Holiday, HolidaySet};
use crate::id::ResourceId;
use crate::policy::bundle::Bundle;

pub mod feed;

/// The most holidays that a tenant keeps for one set.
pub const MAX_KEPT: usize = 500;

/// A holiday that a tenant keeps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptHoliday {
    /// Its id.
    pub id: ResourceId,
    /// The holiday set of the bundle that it belongs to: calendars that name the set follow it.
    pub set: String,
    /// Its date, name and hours, and whether a person has confirmed it.
    pub holiday: Holiday,
    /// Where it comes from.
    pub source: HolidaySource,
}

/// Where a kept holiday comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HolidaySource {
    /// It was entered over the interface.
    Api,
    /// It stood in an iCalendar feed under that `UID`: importing the feed again finds it by that and its date.
    Feed(String),
}

impl HolidaySource {
    /// The stored code.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::Feed(_) => "feed",
        }
    }
}

/// What a change does to the holidays that are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HolidayChange {
    /// Adds one, or replaces the one of that id.
    Kept(KeptHoliday),
    /// Takes one away.
    Removed(ResourceId),
}

/// Holiday sets with the confirmed holidays kept beside the bundle. One that is kept replaces what the bundle says of its
/// date in the same set.
pub(crate) fn with_kept(sets: &[HolidaySet], kept: &[KeptHoliday]) -> Vec<HolidaySet> {
    let with = |set: &HolidaySet| {
        let mut named: Vec<&Holiday> =
            kept.iter().filter(|kept| kept.holiday.confirmed && kept.set == set.id).map(|kept| &kept.holiday).collect();
        // Several of one date: the last by name counts, whatever order they came in.
        named.sort_by(|a, b| a.name.cmp(&b.name));
        let own: BTreeMap<Date, &Holiday> = named.into_iter().map(|holiday| (holiday.date, holiday)).collect();
        let said = set.entries.iter().filter(|entry| !own.contains_key(&entry.date)).cloned();
        HolidaySet { entries: said.chain(own.values().map(|holiday| (*holiday).clone())).collect(), ..set.clone() }
    };
    sets.iter().map(with).collect()
}

/// Holidays that nobody has confirmed, of the bundle and of those kept beside it, by date, each with the calendars of the
/// bundle that would follow it. Those whose date is a holiday of the same set already wait for nothing.
pub(crate) fn unconfirmed(bundle: &Bundle, kept: &[KeptHoliday]) -> Vec<(Holiday, Vec<String>)> {
    let of_bundle = bundle.holiday_sets.iter().flat_map(|set| set.entries.iter().map(|entry| (set.id.as_str(), entry)));
    let all: Vec<(&str, &Holiday)> =
        of_bundle.chain(kept.iter().map(|kept| (kept.set.as_str(), &kept.holiday))).collect();
    let settled: BTreeSet<(&str, Date)> =
        all.iter().filter(|(_, holiday)| holiday.confirmed).map(|(set, holiday)| (*set, holiday.date)).collect();
    let mut waiting: Vec<(Holiday, Vec<String>)> = all
        .into_iter()
        .filter(|(set, holiday)| !settled.contains(&(*set, holiday.date)))
        .map(|(set, holiday)| {
            let follows = |spec: &&CalendarSpec| spec.holiday_sets.iter().any(|own| own == set);
            let calendars = bundle.calendars.iter().filter(follows).map(|spec| spec.id.clone()).collect();
            (holiday.clone(), calendars)
        })
        .collect();
    waiting.sort_by(|(a, _), (b, _)| (a.date, &a.name).cmp(&(b.date, &b.name)));
    waiting
}
