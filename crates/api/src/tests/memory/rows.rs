//! What is saved, and who finds what of it.

use domain::absence::{Absence, AbsenceChange, AbsenceSource};
use domain::access::Visibility;
use domain::change::{Audience, BundleRow, BundleState, Change, ResourceWrite};
use domain::holiday::HolidayChange;
use domain::id::{Key, ResourceType, TenantId, Version};
use domain::schedule::ScheduleChange;
use domain::search::{Filter, Indexed};
use domain::store::{SaveError, StoreError};
use domain::time::Instant;

use super::Rows;

impl Rows {
    pub(super) fn check(&self, change: &Change) -> Result<(), SaveError> {
        if self.down || self.deaf {
            return Err(StoreError::Unavailable("gone".into()).into());
        }
        if change.generation.is_some_and(|generation| generation != self.generation) {
            return Err(SaveError::StaleCatalogue);
        }
        for bundle in &change.bundles {
            let key = (change.tenant.clone(), bundle.id.clone(), bundle.version);
            let fits = |known: &BundleRow| match bundle.state {
                BundleState::Draft => known.state == BundleState::Draft,
                _ => known.hash == bundle.hash && known.body == bundle.body,
            };
            if self.bundles.get(&key).is_some_and(|known| !fits(known)) {
                return Err(SaveError::Conflict { key: None });
            }
        }
        for unique in &change.unique {
            if let Some(owner) = self.unique.get(&(change.tenant.clone(), unique.namespace, unique.key.clone())) {
                return Err(SaveError::NotUnique { owner: Some(owner.clone()) });
            }
        }
        for write in &change.resources {
            let known = self.versions.get(&(change.tenant.clone(), write.key.clone())).map_or(0, Vec::len);
            if write.version != Version(known as i32 + 1) {
                return Err(SaveError::Conflict { key: Some(write.key.clone()) });
            }
        }
        for thread in &change.threads {
            let known = self.threads.get(&(change.tenant.clone(), thread.id.clone())).map_or(0, |known| known.revision);
            if thread.revision != known + 1 {
                return Err(SaveError::Conflict { key: None });
            }
        }
        for row in &change.simulations {
            let known =
                self.simulations.get(&(change.tenant.clone(), row.id.clone())).map_or(0, |known| known.revision);
            if row.revision != known + 1 {
                return Err(SaveError::Conflict { key: None });
            }
        }
        for own in &change.correspondents {
            let key = (change.tenant.clone(), own.who.clone());
            if own.revision != self.correspondents.get(&key).map_or(0, |known| known.revision) + 1 {
                return Err(SaveError::Conflict { key: None });
            }
        }
        Ok(())
    }

    pub(super) fn write(&mut self, change: Change) {
        let tenant = change.tenant;
        for unique in change.unique {
            self.unique.insert((tenant.clone(), unique.namespace, unique.key), unique.owner);
        }
        for write in change.resources {
            self.versions.entry((tenant.clone(), write.key.clone())).or_default().push(write);
        }
        for schedule in change.schedules {
            match schedule {
                ScheduleChange::Set(one) => drop(self.schedules.insert((tenant.clone(), one.message.clone()), one)),
                ScheduleChange::Ended { message, .. } => drop(self.schedules.remove(&(tenant.clone(), message))),
            }
        }
        for mark in change.marks {
            let key = (tenant.clone(), mark.message.clone(), mark.reader.clone());
            match mark.read_at {
                Some(_) => drop(self.marks.entry(key).or_insert(mark)),
                None => drop(self.marks.remove(&key)),
            }
        }
        self.threads.extend(change.threads.into_iter().map(|thread| ((tenant.clone(), thread.id.clone()), thread)));
        self.clocks.extend(change.clocks.into_iter().map(|clock| ((tenant.clone(), clock.id.clone()), clock)));
        self.ledger.extend(change.ledger);
        self.outbox.extend(change.outbox);
        self.decisions.extend(change.decisions);
        self.decisions.extend(change.shadows);
        let keyed = |bundle: BundleRow| ((tenant.clone(), bundle.id.clone(), bundle.version), bundle);
        self.bundles.extend(change.bundles.into_iter().map(keyed));
        self.overrides.extend(change.overrides);
        self.simulations.extend(change.simulations.into_iter().map(|row| ((tenant.clone(), row.id.clone()), row)));
        for absence in change.absences {
            match absence {
                AbsenceChange::Declared(absence) => {
                    drop(self.absences.insert((tenant.clone(), absence.id.clone()), absence));
                }
                AbsenceChange::Withdrawn(id) => drop(self.absences.remove(&(tenant.clone(), id))),
                AbsenceChange::Projected(role, absences) => {
                    let source = AbsenceSource::Resource(role);
                    self.absences.retain(|(owner, _), known| *owner != tenant || known.source != source);
                    let keyed = |absence: Absence| ((tenant.clone(), absence.id.clone()), absence);
                    self.absences.extend(absences.into_iter().map(keyed));
                }
            }
        }
        for holiday in change.holidays {
            match holiday {
                HolidayChange::Kept(kept) => drop(self.holidays.insert((tenant.clone(), kept.id.clone()), kept)),
                HolidayChange::Removed(id) => drop(self.holidays.remove(&(tenant.clone(), id))),
            }
        }
        self.calendars.extend(change.calendars.into_iter().map(|kept| (kept.key.clone(), kept)));
        self.firings.extend(change.firings);
        self.correspondents
            .extend(change.correspondents.into_iter().map(|own| ((tenant.clone(), own.who.clone()), own)));
        self.holds.extend(change.holds.into_iter().map(|hold| ((tenant.clone(), hold.message.clone()), hold)));
        self.blocks.extend(change.blocks.into_iter().map(|block| ((tenant.clone(), block.id.clone()), block)));
        self.audit.extend(change.audit);
        self.generation += i64::from(change.new_generation);
    }

    /// How many rows of each kind there are, decisions and what is read of bundles aside.
    pub(crate) fn sizes(&self) -> [usize; 5] {
        let versions = self.versions.values().map(Vec::len).sum();
        [versions, self.threads.len(), self.clocks.len(), self.ledger.len(), self.outbox.len()]
    }

    pub(super) fn absences_of(&self, tenant: &TenantId, since: Instant) -> Vec<Absence> {
        let theirs = self.absences.iter().filter(|((owner, _), absence)| owner == tenant && absence.until > since);
        theirs.map(|(_, absence)| absence.clone()).collect()
    }

    pub(super) fn bundles_of(&self, tenant: &TenantId) -> Vec<BundleRow> {
        let theirs = self.bundles.iter().filter(|((owner, ..), _)| owner == tenant);
        theirs.map(|(_, bundle)| bundle.clone()).collect()
    }

    pub(super) fn current(&self, tenant: &TenantId, kind: ResourceType) -> impl Iterator<Item = &ResourceWrite> {
        let of = move |((owner, key), _): &(&(TenantId, Key), &Vec<ResourceWrite>)| owner == tenant && key.kind == kind;
        self.versions.iter().filter(of).filter_map(|(_, versions)| versions.last())
    }
}

pub(super) fn sees(visibility: &Visibility, row: &ResourceWrite) -> bool {
    match visibility {
        Visibility::Everything => true,
        Visibility::Patient { patient, me, .. } => {
            row.patient.as_ref() == Some(patient)
                && (row.audience == Audience::Thread
                    || (row.audience == Audience::Author && row.author.as_ref() == Some(me)))
        }
        Visibility::Staff { me, .. } => row.audience != Audience::Author || row.author.as_ref() == Some(me),
    }
}

pub(super) fn matches(filter: &Filter, row: &ResourceWrite) -> bool {
    let values =
        |name: &'static str| row.values.iter().filter(move |value| value.param == name).map(|value| &value.value);
    match filter {
        Filter::Id(ids) => ids.contains(&row.key.id),
        Filter::Reference { param, any } => {
            values(param).any(|value| matches!(value, Indexed::Reference(own) if any.contains(own)))
        }
        Filter::Token { param, any } => values(param).any(|value| {
            let Indexed::Token { system, code } = value else { return false };
            any.iter().any(|asked| {
                asked.code.as_ref().is_none_or(|asked| asked == code)
                    && asked.system.as_ref().is_none_or(|asked| asked == system.as_deref().unwrap_or_default())
            })
        }),
        Filter::Thread(ids) => row.thread.as_ref().is_some_and(|own| ids.contains(own)),
        Filter::InThread => row.thread.is_some(),
        Filter::Patient(any) => row.patient.as_ref().is_some_and(|own| any.contains(own)),
        Filter::AboutPatient => row.patient.is_some(),
        Filter::Present { param } => values(param).next().is_some(),
        Filter::All(all) => all.iter().all(|own| matches(own, row)),
        Filter::Any(any) => any.iter().any(|own| matches(own, row)),
        Filter::Not(one) => !matches(one, row),
        Filter::LastUpdated(_) | Filter::Date { .. } => true,
        other => panic!("a store as small as this has no {other:?}"),
    }
}
