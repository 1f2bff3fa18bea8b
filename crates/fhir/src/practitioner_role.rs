//! A [PractitionerRole](https://hl7.org/fhir/R4/practitionerrole.html) as somebody who answers: for which pools, at which
//! hours, and when they are away.
//!
//! Hours and absences are said as a HealthcareService says them, in the zone of the standard extension `timezone`. Our
//! extension `covered-by` names who answers meanwhile: on an entry of `notAvailable` for that absence, on the role for
//! all that name nobody.

use domain::absence::{Absence, AbsenceReason, AbsenceSource};
use domain::id::{Ids, Key, Reference, Version};
use domain::policy::people::Role;
use domain::time::Instant;
use fhir_model::When;
use jiff::tz::TimeZone;

use crate::canonical::COVERED_BY;
use crate::healthcare_service::{Availability, period};
use crate::issue::{Issue, IssueCode};
use crate::json::Value;
use crate::resource::Document;

const KIND: &str = "PractitionerRole";

/// What a PractitionerRole says about who answers and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Working {
    /// The person in the role.
    pub practitioner: Option<Reference>,
    /// The pools in which the role answers.
    pub services: Vec<Reference>,
    /// From when on.
    pub from: Option<Instant>,
    /// The first instant after it.
    pub until: Option<Instant>,
    /// Hours and absences.
    pub availability: Availability,
    /// Who covers in each absence, in the order in which they are written.
    pub covers: Vec<Option<Reference>>,
}

impl Working {
    /// Reads a valid PractitionerRole.
    ///
    /// # Errors
    /// Every issue with it: those of hours without a zone or that cannot be meant, and covers that cannot cover.
    pub fn read(role: &Document) -> Result<Self, Vec<Issue>> {
        let said = fhir_model::role_hours(role.text())
            .map_err(|error| vec![Issue::error(IssueCode::Value, error.to_string()).at(KIND)])?;
        let mut issues = Vec::new();
        let practitioner = role.reference("practitioner");
        let root = role.root();
        let own = [Some(role.id()).flatten().map(|id| Reference::new(KIND, id)), practitioner.clone()];
        let mut cover = |value: Value<'_>, place: String| {
            let named = value.extension_value(COVERED_BY)?;
            let problem = match named.local_reference() {
                Some(cover) if own.iter().flatten().any(|own| *own == cover) => "somebody cannot cover for themself",
                Some(cover) if cover.is("Practitioner") || cover.is(KIND) => return Some(cover),
                _ => "a cover is a Practitioner or a PractitionerRole: name one with a literal reference",
            };
            let place = format!("{place}.extension.where(url='{COVERED_BY}').value");
            issues.push(Issue::error(IssueCode::Value, problem).at(place));
            None
        };
        let usual = cover(root, KIND.to_owned());
        let covers = root
            .each("notAvailable")
            .enumerate()
            .map(|(place, entry)| cover(entry, format!("{KIND}.notAvailable[{place}]")).or_else(|| usual.clone()))
            .collect();
        let availability = Availability::of(&said.hours, KIND).map_err(|found| issues.extend(found));
        let Ok(availability) = availability else { return Err(issues) };
        if !issues.is_empty() {
            return Err(issues);
        }
        let zone = availability.timezone.as_deref().and_then(domain::calendar::zone_named).unwrap_or(TimeZone::UTC);
        let bound = |when: Option<When>, is_last| when.and_then(|when| period(when, &zone, is_last));
        Ok(Self {
            practitioner,
            services: root.each("healthcareService").filter_map(Value::local_reference).collect(),
            from: bound(said.start, false),
            until: bound(said.end, true),
            availability,
            covers,
        })
    }

    /// The role as policies know it; `None` for one that is not in use.
    pub fn role(&self, key: &Key, version: Version) -> Option<Role> {
        let reference = key.reference();
        self.availability.is_active.then(|| Role {
            version,
            practitioner: self.practitioner.clone(),
            services: self.services.clone(),
            from: self.from,
            until: self.until,
            calendar: self.availability.calendar(&reference.to_string(), None),
            reference,
        })
    }

    /// The absences that the role says; none when it is not in use.
    pub fn absences(&self, key: &Key, ids: &mut Ids) -> Vec<Absence> {
        let said = self.availability.absences.iter().zip(&self.covers).filter(|_| self.availability.is_active);
        said.map(|((from, until), cover)| Absence {
            id: ids.next_id(),
            person: key.reference(),
            from: *from,
            until: *until,
            cover: cover.clone(),
            reason: AbsenceReason::Unspecified,
            source: AbsenceSource::Resource(key.id.clone()),
        })
        .collect()
    }
}

#[cfg(test)]
mod tests;
