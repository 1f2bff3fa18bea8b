//! Absences: when somebody who answers is not there, and who covers for them.

use serde::{Deserialize, Serialize};

use crate::id::{Reference, ResourceId};
use crate::policy::Policy;
use crate::policy::lint::Finding;
use crate::policy::people::MAX_COVERS;
use crate::time::Instant;

/// The longest absence that is declared at once, in seconds: two years.
const LONGEST: i64 = 2 * 366 * 86_400;

/// An absence of one person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Absence {
    /// Its id.
    pub id: ResourceId,
    /// Who is away: a Practitioner, or a PractitionerRole for that role alone.
    pub person: Reference,
    /// The first instant of it.
    pub from: Instant,
    /// The first instant after it.
    pub until: Instant,
    /// Who answers meanwhile.
    pub cover: Option<Reference>,
    /// Why, as a code.
    pub reason: AbsenceReason,
    /// Who says so.
    pub source: AbsenceSource,
}

impl Absence {
    /// Whether it holds at an instant.
    pub fn holds_at(&self, at: Instant) -> bool {
        self.from <= at && at < self.until
    }

    /// Whether both hold at some instant.
    pub fn overlaps(&self, other: &Self) -> bool {
        self.from < other.until && other.from < self.until
    }
}

/// Why somebody is away. No reason says more than who covers needs to know.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AbsenceReason {
    /// Time off.
    Vacation,
    /// Not well.
    Illness,
    /// A longer leave.
    Leave,
    /// Learning or teaching.
    Training,
    /// Not said.
    #[default]
    Unspecified,
}

impl AbsenceReason {
    const ALL: [Self; 5] = [Self::Vacation, Self::Illness, Self::Leave, Self::Training, Self::Unspecified];

    /// The stored code.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Vacation => "vacation",
            Self::Illness => "illness",
            Self::Leave => "leave",
            Self::Training => "training",
            Self::Unspecified => "unspecified",
        }
    }

    /// The reason of a stored code.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == code)
    }
}

/// Who says that somebody is away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AbsenceSource {
    /// It was declared over the interface, and can be withdrawn there.
    Api,
    /// The `notAvailable` of the PractitionerRole of that id, with which it changes.
    Resource(ResourceId),
}

impl AbsenceSource {
    /// The stored code.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::Resource(_) => "resource",
        }
    }
}

/// What a change does to the absences that are known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AbsenceChange {
    /// Adds one.
    Declared(Absence),
    /// Takes one away.
    Withdrawn(ResourceId),
    /// Replaces all that the PractitionerRole of that id said.
    Projected(ResourceId, Vec<Absence>),
}

/// Everything that is wrong with an absence that somebody declares at `now`: each with its place in the request and a
/// remedy. With the absences that are known already no chain of covers may return to its beginning or be longer than
/// [`MAX_COVERS`].
pub fn faults(declared: &Absence, policy: &Policy, now: Instant) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut fault =
        |pointer: &str, message: &str, remedy: &str| found.push(Finding::error(pointer.to_owned(), message, remedy));
    if !is_staff(&declared.person) {
        fault("/person", "cannot be away", "name a Practitioner or a PractitionerRole");
    }
    if declared.until <= declared.from {
        fault("/until", "is not later than from", "let it end after it begins");
    } else if declared.until <= now {
        fault("/until", "has passed", "declare what is still to come");
    } else if declared.until.since(declared.from) > LONGEST {
        fault("/until", "is more than two years after from", "end it earlier and declare the rest when it comes");
    }
    let Some(cover) = &declared.cover else { return found };
    let people = policy.people();
    if !is_staff(cover) {
        fault("/cover", "cannot cover", "name a Practitioner or a PractitionerRole");
    } else if people.are_one(cover, &declared.person) {
        fault("/cover", "covers for themself", "name somebody else, or nobody: the pool answers then");
    } else {
        let pools = policy.pools().iter();
        let shared = |pool: &&crate::policy::Pool| {
            people.belongs(&declared.person, pool, declared.from) && people.belongs(cover, pool, declared.from)
        };
        if !pools.clone().any(|pool| shared(&pool)) {
            let remedy = "name a member or lead of a pool of that person; engines feed members as PractitionerRole";
            fault("/cover", "has no access to what the person answers", remedy);
        }
        match chain(declared, cover, policy) {
            Chain::Fine => {}
            Chain::Loop => {
                fault("/cover", "is covered by the person in the same time", "break the circle: name somebody else");
            }
            Chain::Deep => {
                let message = format!("makes a chain of more than {MAX_COVERS} covers");
                fault("/cover", &message, "name somebody who is there");
            }
        }
    }
    found
}

fn is_staff(person: &Reference) -> bool {
    person.is("Practitioner") || person.is("PractitionerRole")
}

enum Chain {
    Fine,
    Loop,
    Deep,
}

/// Where the covers of an absence lead, through all absences that overlap it; and how many covers stand before it.
fn chain(declared: &Absence, cover: &Reference, policy: &Policy) -> Chain {
    let people = policy.people();
    let links: Vec<(&Reference, &Reference)> = people
        .absences()
        .filter(|known| known.id != declared.id && known.overlaps(declared))
        .filter_map(|known| Some((&known.person, known.cover.as_ref()?)))
        .collect();
    // Forwards from the cover, with every branch that overlapping absences open.
    let after = |from: &Reference, backwards: bool| -> Option<usize> {
        let mut reached: Vec<&Reference> = vec![from];
        for depth in 0..=MAX_COVERS {
            let mut next: Vec<&Reference> = Vec::new();
            for (away, by) in &links {
                let (here, there) = if backwards { (by, away) } else { (away, by) };
                if reached.iter().any(|one| people.are_one(one, here)) && !next.contains(there) {
                    next.push(there);
                }
            }
            if next.iter().any(|one| people.are_one(one, &declared.person)) && !backwards {
                return None;
            }
            if next.is_empty() {
                return Some(depth);
            }
            reached = next;
        }
        Some(MAX_COVERS + 1)
    };
    let Some(ahead) = after(cover, false) else { return Chain::Loop };
    let behind = after(&declared.person, true).unwrap_or(0);
    if ahead + 1 + behind > MAX_COVERS { Chain::Deep } else { Chain::Fine }
}

/// Whether somebody may declare and withdraw the absences of a person: themself, or a lead of a pool of theirs.
pub fn may_declare(policy: &Policy, who: &Reference, person: &Reference, now: Instant) -> bool {
    let people = policy.people();
    let leads = |pool: &crate::policy::Pool| people.leads(who, pool);
    is_staff(who)
        && (people.are_one(who, person)
            || policy.pools().iter().any(|pool| leads(pool) && people.belongs(person, pool, now)))
}

/// Whether somebody may see the absences of a person: who answers for one of the same pools may.
pub fn may_see(policy: &Policy, pools: &[Reference], who: &Reference, person: &Reference, now: Instant) -> bool {
    let people = policy.people();
    let mut theirs = policy.pools().iter().filter(|pool| people.belongs(person, pool, now));
    may_declare(policy, who, person, now) || theirs.any(|pool| pools.contains(&pool.reference))
}
