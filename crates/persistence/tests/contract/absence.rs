//! Absences and holidays: what begins to be known, what ceases to, and that a catalogue holds what has not ended.

use domain::absence::{Absence, AbsenceChange, AbsenceReason, AbsenceSource};
use domain::calendar::{Holiday, Shift, WallTime};
use domain::change::Change;
use domain::holiday::{HolidayChange, HolidaySource, KeptHoliday};
use domain::id::{Key, ResourceType};
use domain::store::{SaveError, Store};

use crate::fresh::Fresh;
use crate::on_both;
use crate::sample::*;

fn absence(name: &str, until: i64) -> Absence {
    Absence {
        id: id(name),
        person: reference("Practitioner/lee"),
        from: at(1),
        until: at(until),
        cover: Some(reference("PractitionerRole/ray")),
        reason: AbsenceReason::Training,
        source: AbsenceSource::Api,
    }
}

fn said(name: &str, role: &str) -> Absence {
    Absence {
        person: reference(&format!("PractitionerRole/{role}")),
        cover: None,
        source: AbsenceSource::Resource(id(role)),
        ..absence(name, 100)
    }
}

fn absences(changes: Vec<AbsenceChange>) -> Change {
    Change { absences: changes, new_generation: true, ..Change::new(tenant()) }
}

async fn an_absence_is_known_until_it_ends_or_is_withdrawn(store: Fresh) {
    let (short, long) = (absence("a1", 10), absence("a2", 20));
    let declared = [long.clone(), short.clone()].map(AbsenceChange::Declared);
    store.save(absences(declared.to_vec())).await.unwrap();
    assert_eq!(store.absences(tenant(), at(0)).await.unwrap(), [short.clone(), long.clone()]);
    let catalogue = store.catalogue(tenant(), at(10)).await.unwrap();
    assert_eq!((catalogue.absences, catalogue.generation), (vec![long], 1), "one that ends at that instant has ended");
    assert_eq!(store.absence(tenant(), id("a1")).await.unwrap(), Some(short), "ended, and still to be found");
    let withdrawn = || absences(vec![AbsenceChange::Withdrawn(id("a2"))]);
    store.save(withdrawn()).await.unwrap();
    assert!(store.catalogue(tenant(), at(10)).await.unwrap().absences.is_empty());
    assert!(matches!(store.save(withdrawn()).await, Err(SaveError::Conflict { .. })));
    assert_eq!(store.generation(tenant()).await.unwrap(), 2, "what changed nothing starts no generation");
}

async fn a_role_replaces_what_it_said_and_nothing_else(store: Fresh) {
    let declared = absence("a1", 100);
    let first = vec![
        AbsenceChange::Declared(declared.clone()),
        AbsenceChange::Projected(id("ray"), vec![said("r1", "ray"), said("r2", "ray")]),
        AbsenceChange::Projected(id("kim"), vec![said("k1", "kim")]),
    ];
    store.save(absences(first)).await.unwrap();
    store.save(absences(vec![AbsenceChange::Projected(id("ray"), vec![said("r3", "ray")])])).await.unwrap();
    let known = store.absences(tenant(), at(0)).await.unwrap();
    assert_eq!(known, [declared.clone(), said("k1", "kim"), said("r3", "ray")]);
    store.save(absences(vec![AbsenceChange::Projected(id("ray"), vec![])])).await.unwrap();
    assert_eq!(store.absences(tenant(), at(0)).await.unwrap(), [declared, said("k1", "kim")]);
}

async fn the_catalogue_holds_every_role_that_is_not_deleted(store: Fresh) {
    let role = |name: &str| Key::new(ResourceType::PractitionerRole, id(name));
    store.save(change([version(role("lee"), 1), version(role("gone"), 1)])).await.unwrap();
    let mut gone = version(role("gone"), 2);
    gone.deleted = true;
    store.save(change([gone])).await.unwrap();
    let roles = store.catalogue(tenant(), at(0)).await.unwrap().roles;
    assert_eq!(roles.iter().map(|role| role.key.clone()).collect::<Vec<_>>(), [role("lee")]);
}

fn kept(name: &str, day: i8, source: HolidaySource) -> KeptHoliday {
    let noon = WallTime::from_seconds(12 * 3600).unwrap();
    let shift = Shift { start: WallTime::MIDNIGHT, end: noon, ends_next_day: false };
    let date = jiff::civil::date(2026, 12, day);
    let holiday = Holiday { date, name: name.to_owned(), shifts: vec![shift], confirmed: false };
    KeptHoliday { id: id(name), set: "public".to_owned(), holiday, source }
}

fn holidays(changes: Vec<HolidayChange>) -> Change {
    Change { holidays: changes, new_generation: true, ..Change::new(tenant()) }
}

async fn a_holiday_is_kept_confirmed_and_removed(store: Fresh) {
    let (eve, christmas) = (kept("eve", 24, HolidaySource::Api), kept("day", 25, HolidaySource::Feed("x@y".into())));
    let both = [christmas.clone(), eve.clone()].map(HolidayChange::Kept);
    store.save(holidays(both.to_vec())).await.unwrap();
    assert_eq!(store.holidays(tenant()).await.unwrap(), [eve.clone(), christmas.clone()]);
    let mut confirmed = christmas.clone();
    confirmed.holiday.confirmed = true;
    store.save(holidays(vec![HolidayChange::Kept(confirmed.clone())])).await.unwrap();
    let catalogue = store.catalogue(tenant(), at(0)).await.unwrap();
    assert_eq!((catalogue.holidays, catalogue.generation), (vec![eve, confirmed], 2));
    let removed = || holidays(vec![HolidayChange::Removed(id("eve"))]);
    store.save(removed()).await.unwrap();
    assert_eq!(store.holidays(tenant()).await.unwrap().len(), 1);
    assert!(matches!(store.save(removed()).await, Err(SaveError::Conflict { .. })));
}

async fn an_event_of_a_feed_gives_each_date_once(store: Fresh) {
    let feed = || HolidaySource::Feed("x@y".into());
    store.save(holidays(vec![HolidayChange::Kept(kept("one", 24, feed()))])).await.unwrap();
    assert!(store.save(holidays(vec![HolidayChange::Kept(kept("two", 24, feed()))])).await.is_err());
    store.save(holidays(vec![HolidayChange::Kept(kept("three", 25, feed()))])).await.unwrap();
    assert_eq!(store.holidays(tenant()).await.unwrap().len(), 2);
}

on_both!(
    an_absence_is_known_until_it_ends_or_is_withdrawn,
    a_role_replaces_what_it_said_and_nothing_else,
    the_catalogue_holds_every_role_that_is_not_deleted,
    a_holiday_is_kept_confirmed_and_removed,
    an_event_of_a_feed_gives_each_date_once,
);
