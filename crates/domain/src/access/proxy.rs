//! What proxies see of a patient: by the patient's age, which is data of the installation, and by what the patient's
//! Consents say. Whatever is not said is less.

use serde::{Deserialize, Serialize};

use super::{Caller, Denied, Mandate, Threads, Visibility};
use crate::id::ResourceId;

/// Which conversations about a patient somebody sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Conversations {
    /// All of them.
    All,
    /// Those in which they take part.
    Own,
}

/// An age and what proxies see of patients of that age.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AgeBand {
    /// From this age on, in whole years.
    pub from: u16,
    /// Below this age.
    pub until: u16,
    /// What they see.
    pub sees: Conversations,
}

/// The bands of an installation. An age that is in none, or is not known, is less: a proxy's own conversations.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ProxyAccess(pub Vec<AgeBand>);

impl Default for ProxyAccess {
    /// Parents see all conversations of children under twelve, and nobody else sees all of anybody's.
    fn default() -> Self {
        Self(vec![AgeBand { from: 0, until: 12, sees: Conversations::All }])
    }
}

impl ProxyAccess {
    /// What proxies of a patient of that age see. Of bands that overlap the one that shows less counts.
    pub fn of(&self, age: Option<u16>) -> Conversations {
        let mut bands = self.0.iter().filter(|band| age.is_some_and(|age| (band.from..band.until).contains(&age)));
        match bands.next() {
            Some(first) if first.sees == Conversations::All && bands.all(|band| band.sees == Conversations::All) => {
                Conversations::All
            }
            _ => Conversations::Own,
        }
    }
}

/// Which conversations about a patient somebody sees in the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sees {
    /// Those of which no Consent speaks.
    pub usually: Conversations,
    /// What Consents say of the others.
    pub mandate: Mandate,
}

impl Sees {
    /// Every one: the patient's own view.
    pub const ALL: Self =
        Self { usually: Conversations::All, mandate: Mandate { shown: Threads::NONE, hidden: Threads::NONE } };

    /// Whether a conversation is seen by somebody who takes part in it, or does not.
    pub fn shows(&self, thread: &ResourceId, takes_part: bool) -> bool {
        let usual = takes_part || self.usually == Conversations::All;
        !self.mandate.hidden.contains(thread) && (usual || self.mandate.shown.contains(thread))
    }
}

impl From<Conversations> for Sees {
    fn from(usually: Conversations) -> Self {
        Self { usually, mandate: Mandate::default() }
    }
}

impl Caller {
    /// Whether somebody acts for a patient who is not themselves: a related person, or a patient with another in context.
    pub fn acts_for_another(&self) -> bool {
        let Some(user) = &self.user else { return false };
        user.is("RelatedPerson")
            || (user.is("Patient") && self.subject_patient().is_some_and(|patient| patient != *user))
    }
}

impl Visibility {
    /// The same view, as far as a proxy has it.
    ///
    /// # Errors
    /// The patient's Consents deny the caller all conversations.
    pub fn as_proxy(mut self, access: &ProxyAccess, caller: &Caller) -> Result<Self, Denied> {
        if let Self::Patient { sees, .. } = &mut self
            && caller.acts_for_another()
        {
            if caller.mandate.hidden == Threads::ALL {
                return Err(Denied::Consent);
            }
            *sees = Sees { usually: access.of(caller.facts.age_years), mandate: caller.mandate.clone() };
        }
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::Conversations::{All, Own};
    use super::*;

    #[test]
    fn what_is_not_said_of_an_age_is_less() {
        let usual = ProxyAccess::default();
        let seen =
            |access: &ProxyAccess, ages: &[Option<u16>]| ages.iter().map(|age| access.of(*age)).collect::<Vec<_>>();
        assert_eq!(
            seen(&usual, &[Some(0), Some(11), Some(12), Some(17), Some(80), None]),
            [All, All, Own, Own, Own, Own]
        );
        assert_eq!(seen(&ProxyAccess(vec![]), &[Some(1), None]), [Own, Own]);
        let band = |from, until, sees| AgeBand { from, until, sees };
        let overlapping = ProxyAccess(vec![band(0, 18, All), band(12, 18, Own), band(65, 200, All)]);
        assert_eq!(seen(&overlapping, &[Some(11), Some(12), Some(30), Some(70)]), [All, Own, Own, All]);
    }
}
