//! A [CareTeam](https://hl7.org/fhir/R4/careteam.html) as the people who answer for a pool.
//!
//! A team that is `active`, or says nothing of it, has members: those of its participants who are a Practitioner or a
//! PractitionerRole, each for the time of their own period within the team's. Dates are meant in the zone of the standard
//! extension `timezone`, else in the clinic's.

use domain::calendar::zone_named;
use domain::id::{Key, Reference};
use domain::policy::people::{Member, Team};
use jiff::tz::TimeZone;

use crate::canonical::TIMEZONE;
use crate::issue::{Issue, IssueCode};
use crate::json::Value;
use crate::period::Period;
use crate::resource::Document;

const KIND: &str = "CareTeam";

/// What a CareTeam says about who is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Membership {
    /// What it is called.
    pub name: Option<String>,
    /// Whether anybody is in it now.
    pub is_active: bool,
    zone: Option<TimeZone>,
    of_team: Period,
    members: Vec<(Reference, Period)>,
}

impl Membership {
    /// Reads a valid CareTeam.
    ///
    /// # Errors
    /// The zone that it names is not known.
    pub fn read(team: &Document) -> Result<Self, Vec<Issue>> {
        let root = team.root();
        let zone = match root.extension_value(TIMEZONE).and_then(Value::as_str) {
            Some(name) => Some(zone_named(&name).ok_or_else(unknown_zone)?),
            None => None,
        };
        let member = |participant: Value<'_>| {
            let person = participant.get("member").and_then(Value::local_reference)?;
            let answers = person.is("Practitioner") || person.is("PractitionerRole");
            answers.then(|| (person, Period::of(participant)))
        };
        Ok(Self {
            name: root.text("name").map(std::borrow::Cow::into_owned),
            is_active: root.text("status").is_none_or(|status| status == "active"),
            zone,
            of_team: Period::of(root),
            members: root.each("participant").filter_map(member).collect(),
        })
    }

    /// The team as policies know it; `None` for one that is not in use. `clinic` is the zone of dates where the team names
    /// none.
    pub fn team(&self, key: &Key, clinic: &TimeZone) -> Option<Team> {
        let zone = self.zone.as_ref().unwrap_or(clinic);
        let member = |(person, span): &(Reference, Period)| {
            let both = [self.of_team, *span];
            let from = both.iter().filter_map(|own| own.from(zone)).max();
            let until = both.iter().filter_map(|own| own.until(zone)).min();
            Member { person: person.clone(), from, until }
        };
        self.is_active.then(|| Team {
            reference: key.reference(),
            name: self.name.clone(),
            members: self.members.iter().map(member).collect(),
        })
    }
}

fn unknown_zone() -> Vec<Issue> {
    let message = "the time zone is not known: use an IANA name such as America/New_York";
    vec![Issue::error(IssueCode::Value, message).at(format!("{KIND}.extension.where(url='{TIMEZONE}').value"))]
}

#[cfg(test)]
mod tests {
    use domain::id::ResourceType;
    use domain::time::Instant;

    use super::*;

    fn read(text: &str) -> Result<Membership, Vec<Issue>> {
        Membership::read(&Document::parse(text.as_bytes(), ResourceType::CareTeam).unwrap())
    }

    fn team(text: &str) -> Option<Team> {
        let key = Key::new(ResourceType::CareTeam, "refill".parse().unwrap());
        read(text).unwrap().team(&key, &TimeZone::get("America/New_York").unwrap())
    }

    #[test]
    fn practitioners_and_roles_are_members_for_their_time_in_the_clinics_zone() {
        let team = team(
            r#"{"resourceType":"CareTeam","status":"active","name":"Refills","period":{"start":"2026-06-01"},
            "participant":[{"member":{"reference":"Practitioner/ray"},"period":{"start":"2026","end":"2026-06-19"}},
            {"member":{"reference":"PractitionerRole/kim"}},{"member":{"reference":"Patient/p-1"}},
            {"member":{"display":"Somebody"}}]}"#,
        )
        .unwrap();
        assert_eq!((team.reference.to_string().as_str(), team.name.as_deref()), ("CareTeam/refill", Some("Refills")));
        let at = |text: &str| Some(Instant::from(text.parse::<jiff::Timestamp>().unwrap()));
        let said: Vec<_> = team.members.iter().map(|one| (one.person.to_string(), one.from, one.until)).collect();
        let start = at("2026-06-01T04:00:00Z");
        let expected = [("Practitioner/ray", start, at("2026-06-20T04:00:00Z")), ("PractitionerRole/kim", start, None)];
        assert_eq!(said, expected.map(|(person, from, until)| (person.to_owned(), from, until)));
    }

    #[test]
    fn a_team_that_is_not_in_use_has_nobody_and_an_unknown_zone_is_told() {
        assert!(team(r#"{"resourceType":"CareTeam"}"#).is_some());
        for status in ["proposed", "suspended", "inactive", "entered-in-error"] {
            assert_eq!(team(&format!(r#"{{"resourceType":"CareTeam","status":"{status}"}}"#)), None, "{status}");
        }
        let issues = read(
            r#"{"resourceType":"CareTeam","extension":[{"url":"http://hl7.org/fhir/StructureDefinition/timezone",
            "valueCode":"America/Springfield"}]}"#,
        )
        .unwrap_err();
        assert_eq!(
            issues[0].expression.as_deref(),
            Some("CareTeam.extension.where(url='http://hl7.org/fhir/StructureDefinition/timezone').value")
        );
    }
}
