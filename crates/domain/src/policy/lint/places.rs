//! Calendars, pools, and whether what is named exists.

use super::Lint;
use crate::calendar::Kept;

impl Lint<'_> {
    pub(super) fn calendars(&mut self) {
        let bundle = self.bundle;
        for (place, set) in bundle.holiday_sets.iter().enumerate() {
            for error in set.faults() {
                self.error(
                    format!("/holidaySets/{place}{}", error.pointer),
                    error.fault.to_string(),
                    error.fault.remedy(),
                );
            }
        }
        for (place, spec) in bundle.calendars.iter().enumerate() {
            let pointer = format!("/calendars/{place}");
            let own = spec.faults(&bundle.holiday_sets).into_iter().filter(|error| error.holiday_set.is_none());
            for error in own {
                self.error(format!("{pointer}{}", error.pointer), error.fault.to_string(), error.fault.remedy());
            }
            for (at, exception) in spec.exceptions.iter().enumerate() {
                self.line(format!("{pointer}/exceptions/{at}/reason"), &exception.reason);
            }
            for (at, closure) in spec.closures.iter().enumerate() {
                self.line(format!("{pointer}/closures/{at}/reason"), &closure.reason);
            }
            for (at, combined) in spec.combined.iter().enumerate() {
                let pointer = format!("{pointer}/combined/{at}/with");
                match bundle.calendars.iter().find(|other| other.id == combined.with) {
                    None => self.calendar_exists(pointer, &combined.with),
                    Some(other) if !other.combined.is_empty() => {
                        let remedy = "name a calendar that says its hours itself";
                        self.error(pointer, "is combined with others itself", remedy);
                    }
                    Some(_) => {}
                }
            }
            match Kept::new(spec, &bundle.holiday_sets, &bundle.calendars).compile(self.around) {
                Ok(calendar) if calendar.opens() => {
                    self.calendars.insert(spec.id.as_str(), calendar);
                }
                Ok(_) => self.in_time(&pointer, "never opens", "give it a shift on some day, or alwaysOpen"),
                // A fault that only compiling shows; the others stand above.
                Err(error) if spec.faults(&bundle.holiday_sets).is_empty() => {
                    let set = bundle.holiday_sets.iter().position(|set| Some(&set.id) == error.holiday_set.as_ref());
                    let base = set.map_or(pointer, |set| format!("/holidaySets/{set}"));
                    self.error(base + &error.pointer, error.fault.to_string(), error.fault.remedy());
                }
                Err(_) => {}
            }
        }
    }

    pub(super) fn calendar_exists(&mut self, pointer: String, id: &str) {
        if self.bundle.calendars.iter().all(|calendar| calendar.id != id) {
            self.error(pointer, "there is no calendar of this id", "name one of /calendars");
        }
    }

    pub(super) fn pool_exists(&mut self, pointer: String, id: &str) {
        if self.bundle.pools.iter().all(|pool| pool.id != id) {
            self.error(pointer, "there is no pool of this id", "name one of /pools");
        }
    }

    pub(super) fn pools(&mut self) {
        let bundle = self.bundle;
        if bundle.pools.is_empty() {
            self.error("/pools", "there is no pool", "name at least the pool that answers by default");
        }
        self.pool_exists("/defaultPool".to_owned(), &bundle.default_pool);
        for (place, pool) in bundle.pools.iter().enumerate() {
            self.calendar_exists(format!("/pools/{place}/calendar"), &pool.calendar);
            if !pool.reference.is("HealthcareService") && !pool.reference.is("CareTeam") {
                let remedy = "refer to a HealthcareService or CareTeam";
                self.error(format!("/pools/{place}/reference"), "cannot be a pool", remedy);
            }
            if bundle.pools[..place].iter().any(|other| other.reference == pool.reference) {
                let remedy = "one pool for each resource";
                self.error(format!("/pools/{place}/reference"), "is another pool already", remedy);
            }
        }
    }
}
