//! Who sees what, as a plain function of a view and a row. Queries say the same as conditions of their own, so that no row
//! leaves the database that is not to be seen; tests compare the two.

use super::{Denied, Permission, Visibility};
use crate::change::Audience;
use crate::id::{Reference, ResourceId, ResourceType};

/// What decides who sees a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The patient it is about.
    pub patient: Option<Reference>,
    /// Who wrote it.
    pub author: Option<Reference>,
    /// Who may see it, beyond the rules for its thread.
    pub audience: Audience,
    /// The thread it belongs to, as it is now.
    pub thread: Option<Around>,
    /// The pool whose leads review it: of a message that waits or has waited for a review, and of the review's Task.
    pub review: Option<Reference>,
}

/// What a thread says about who sees what is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Around {
    /// Its id.
    pub id: ResourceId,
    /// The pool that answers.
    pub pool: Option<Reference>,
    /// Who has claimed it.
    pub owner: Option<Reference>,
    /// Who takes part, of the team and of proxies.
    pub participants: Vec<Reference>,
}

impl Visibility {
    /// What of a type this view reaches for an interaction: directories are there for all who may see any of them, and
    /// are written by whom they concern.
    pub fn of(self, kind: ResourceType, permission: Permission) -> Result<Self, Denied> {
        let writes = !matches!(permission, Permission::Read | Permission::Search);
        let may = match (kind, &self) {
            (ResourceType::Communication | ResourceType::Task, _) => return Ok(self),
            // Who may see what of a patient is the patient's own to read, and the EHR's to say: a Consent names the
            // conversations that it hides.
            (ResourceType::Consent, Self::Patient { patient, me, .. }) if !writes && patient == me => return Ok(self),
            // A team that is about a patient is that patient's and the staff's; who looks at one patient finds no other's.
            (ResourceType::CareTeam, Self::Patient { .. } | Self::Staff { about: Some(_), .. }) if !writes => {
                return Ok(self);
            }
            (_, Self::Everything) | (ResourceType::HealthcareService, Self::Staff { about: None, .. }) => true,
            // Hours decide when people are answered: no scope of a patient's changes them, whatever it says.
            // Roles and teams decide whose conversations a person sees: no person's token changes them.
            (ResourceType::HealthcareService, Self::Patient { .. } | Self::Staff { .. })
            | (ResourceType::PractitionerRole | ResourceType::CareTeam, Self::Staff { .. }) => !writes,
            // When and why somebody of the team is away is the team's.
            (ResourceType::PractitionerRole | ResourceType::CareTeam, Self::Patient { .. })
            | (ResourceType::Consent, Self::Patient { .. } | Self::Staff { .. }) => false,
        };
        // Pools, people and their hours are a directory: whoever may see any may see all.
        if may { Ok(Self::Everything) } else { Err(Denied::Scope) }
    }

    /// Whether this view goes on showing the earlier versions of a message that was retracted: to its author, to the
    /// leads of that pool and to machines.
    pub fn shows_retracted(&self, author: Option<&Reference>, pool: Option<&Reference>) -> bool {
        match self {
            Self::Everything => true,
            Self::Patient { me, .. } => author == Some(me),
            Self::Staff { me, leads, .. } => author == Some(me) || pool.is_some_and(|pool| leads.contains(pool)),
        }
    }

    /// Whether a row is there for this view.
    pub fn shows(&self, row: &Row) -> bool {
        let is = |one: &Option<Reference>, other: &Reference| one.as_ref() == Some(other);
        // What is about no patient and in no thread, such as hours, is everybody's to read.
        let common = row.patient.is_none() && row.thread.is_none();
        let own = |me: &Reference| row.audience == Audience::Author && is(&row.author, me);
        match self {
            Self::Everything => true,
            Self::Patient { patient, me, sees } => {
                let shown = row
                    .thread
                    .as_ref()
                    .is_none_or(|thread| sees.shows(&thread.id, thread.participants.contains(me) || own(me)));
                (common || is(&row.patient, patient)) && (row.audience == Audience::Thread || own(me)) && shown
            }
            Self::Staff { me, pools, leads, about } => {
                let concerns = about.as_ref().is_none_or(|patient| common || is(&row.patient, patient));
                // A team of the patient in context.
                let standing = about.is_some() && row.thread.is_none();
                let around = row.thread.as_ref().is_some_and(|thread| {
                    thread.pool.as_ref().is_some_and(|pool| pools.contains(pool))
                        || is(&thread.owner, me)
                        || thread.participants.contains(me)
                });
                let reviews = row.review.as_ref().is_some_and(|pool| leads.contains(pool));
                let shown = row.audience != Audience::Author && (common || around || standing);
                concerns && (own(me) || reviews || shown)
            }
        }
    }
}
