//! The people who answer: where they belong, their hours, when they are away and who covers for them.

use std::collections::BTreeMap;

use crate::absence::{Absence, AbsenceSource};
use crate::calendar::CalendarSpec;
use crate::id::{Reference, Version};
use crate::policy::Pool;
use crate::policy::bundle::StandingCover;
use crate::time::Instant;

/// How many covers are followed one after the other.
pub const MAX_COVERS: usize = 3;

/// What a PractitionerRole says: who works where, and when.
#[derive(Clone, Debug, PartialEq)]
pub struct Role {
    /// The PractitionerRole.
    pub reference: Reference,
    /// Its version, named in records.
    pub version: Version,
    /// The person in the role.
    pub practitioner: Option<Reference>,
    /// The pools in which the role answers.
    pub services: Vec<Reference>,
    /// From when on.
    pub from: Option<Instant>,
    /// The first instant after it.
    pub until: Option<Instant>,
    /// Its hours; `None` when it says none, so that the pool's count.
    pub calendar: Option<CalendarSpec>,
}

impl Role {
    fn holds_at(&self, at: Instant) -> bool {
        is_within(self.from, self.until, at)
    }
}

/// What a CareTeam says: who is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Team {
    /// The CareTeam.
    pub reference: Reference,
    /// What it is called.
    pub name: Option<String>,
    /// Who is in it.
    pub members: Vec<Member>,
}

/// Somebody in a team.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// A Practitioner, or a PractitionerRole for who has it.
    pub person: Reference,
    /// From when on.
    pub from: Option<Instant>,
    /// The first instant after it.
    pub until: Option<Instant>,
}

impl Member {
    fn holds_at(&self, at: Instant) -> bool {
        is_within(self.from, self.until, at)
    }
}

fn is_within(from: Option<Instant>, until: Option<Instant>, at: Instant) -> bool {
    from.is_none_or(|from| from <= at) && until.is_none_or(|until| at < until)
}

/// The people known to a policy.
#[derive(Clone, Debug, Default)]
pub struct People {
    roles: Vec<Role>,
    /// The places of the roles of each person and of each role itself.
    by_person: BTreeMap<Reference, Vec<usize>>,
    /// The places of the roles in each pool.
    by_pool: BTreeMap<Reference, Vec<usize>>,
    /// Who is in each team that is a pool.
    members: BTreeMap<Reference, Vec<Member>>,
    /// The teams in which a person or a role is named.
    teams_of: BTreeMap<Reference, Vec<Reference>>,
    absences: BTreeMap<Reference, Vec<Absence>>,
    standing: BTreeMap<Reference, Reference>,
}

/// Somebody who is away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Away<'a> {
    /// Who answers meanwhile.
    pub cover: Option<&'a Reference>,
    /// The first instant after it, as far as it is known now.
    pub until: Instant,
}

/// Where the way from a person over their covers leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reached {
    /// Each step, for the record.
    pub path: Vec<String>,
    /// Who is there; `None` when nobody is, so that the pool answers.
    pub person: Option<Reference>,
}

impl People {
    /// People from their roles, the teams that are pools, and absences. What a role says that is not among `roles` any
    /// more is passed over.
    pub(super) fn new<'a>(
        roles: &[Role],
        teams: impl Iterator<Item = &'a Team>,
        absences: &[Absence],
        standing: &[StandingCover],
    ) -> Self {
        let mut people = Self { roles: roles.to_vec(), ..Self::default() };
        people.roles.sort_by(|a, b| a.reference.cmp(&b.reference));
        for (place, role) in people.roles.iter().enumerate() {
            for person in role.practitioner.iter().chain([&role.reference]) {
                people.by_person.entry(person.clone()).or_default().push(place);
            }
            for pool in &role.services {
                people.by_pool.entry(pool.clone()).or_default().push(place);
            }
        }
        for team in teams {
            for member in &team.members {
                let teams = people.teams_of.entry(member.person.clone()).or_default();
                if !teams.contains(&team.reference) {
                    teams.push(team.reference.clone());
                }
            }
            people.members.insert(team.reference.clone(), team.members.clone());
        }
        for absence in absences {
            let known = match &absence.source {
                AbsenceSource::Api => true,
                AbsenceSource::Resource(_) => people.by_person.contains_key(&absence.person),
            };
            if known {
                people.absences.entry(absence.person.clone()).or_default().push(absence.clone());
            }
        }
        for absences in people.absences.values_mut() {
            absences.sort_by(|a, b| (a.from, &a.id).cmp(&(b.from, &b.id)));
        }
        people.standing = standing.iter().map(|cover| (cover.person.clone(), cover.by.clone())).collect();
        people
    }

    /// The roles of a person, or the role itself.
    fn roles_of(&self, person: &Reference) -> impl Iterator<Item = &Role> {
        self.by_person.get(person).into_iter().flatten().filter_map(|place| self.roles.get(*place))
    }

    /// The person behind a role; anybody else is themself.
    fn behind<'a>(&'a self, person: &'a Reference) -> &'a Reference {
        let role = if person.is("PractitionerRole") { self.roles_of(person).next() } else { None };
        role.and_then(|role| role.practitioner.as_ref()).unwrap_or(person)
    }

    /// Whether two references mean one person.
    pub fn are_one(&self, one: &Reference, other: &Reference) -> bool {
        one == other || self.behind(one) == self.behind(other)
    }

    /// The pools in which a person or a role answers, as roles and teams say. A role is in the teams of the person too,
    /// and a person in those of each role that they have.
    pub fn pools_of<'a>(&'a self, person: &'a Reference, at: Instant) -> impl Iterator<Item = &'a Reference> {
        let roles = move || self.roles_of(person).filter(move |role| role.holds_at(at));
        let behind = Some(self.behind(person)).filter(|behind| *behind != person);
        let named = [person].into_iter().chain(behind).chain(roles().map(|role| &role.reference));
        let teams = named.flat_map(move |named| {
            let teams = self.teams_of.get(named).into_iter().flatten();
            teams.filter(move |team| self.members_at(team, at).any(|member| member.person == *named))
        });
        roles().flat_map(|role| &role.services).chain(teams)
    }

    /// Who is in a team at an instant.
    fn members_at(&self, team: &Reference, at: Instant) -> impl Iterator<Item = &Member> {
        self.members.get(team).into_iter().flatten().filter(move |member| member.holds_at(at))
    }

    /// Whether a role answers in a pool: as the role itself says, or the team that the pool is.
    fn is_in(&self, role: &Role, pool: &Reference) -> bool {
        let in_team = || self.members.get(pool).into_iter().flatten().any(|member| member.person == role.reference);
        role.services.contains(pool) || in_team()
    }

    /// Whether a person has a role at an instant; somebody known by one role has the other roles of that person too.
    pub fn has_role(&self, person: &Reference, role: &Reference, at: Instant) -> bool {
        let held = self.roles_of(role).any(|known| known.reference == *role && known.holds_at(at));
        held && self.are_one(person, role)
    }

    /// Whether a person leads a pool, themself or in a role.
    pub fn leads(&self, person: &Reference, pool: &Pool) -> bool {
        pool.leads.iter().any(|lead| self.are_one(lead, person))
    }

    /// Whether a person answers for a pool: as a member, a lead or its supervisor.
    pub fn belongs(&self, person: &Reference, pool: &Pool, at: Instant) -> bool {
        pool.leads.iter().chain(&pool.supervisors).any(|lead| self.are_one(lead, person))
            || self.pools_of(person, at).any(|service| *service == pool.reference)
    }

    /// The absences that are known, whoever is away.
    pub fn absences(&self) -> impl Iterator<Item = &Absence> {
        self.absences.values().flatten()
    }

    /// Whether any absence of a person, in whatever role, is known.
    pub fn has_absences(&self, person: &Reference) -> bool {
        let own = [person, self.behind(person)].into_iter();
        own.chain(self.roles_of(person).map(|role| &role.reference)).any(|one| self.absences.contains_key(one))
    }

    /// Whether a person is away from a pool: when they say so themself, or in each role that they have there.
    pub fn away(&self, person: &Reference, pool: &Reference, at: Instant) -> Option<Away<'_>> {
        if self.absences.is_empty() {
            return None;
        }
        let own = self.said(person, at).or_else(|| self.said(self.behind(person), at));
        let absence = own.or_else(|| {
            let mut roles: Vec<&Role> = self.roles_of(person).filter(|role| role.holds_at(at)).collect();
            if roles.iter().any(|role| self.is_in(role, pool)) {
                roles.retain(|role| self.is_in(role, pool));
            }
            let absences: Option<Vec<&Absence>> = roles.iter().map(|role| self.said(&role.reference, at)).collect();
            let absences = absences?;
            absences.iter().find(|absence| absence.cover.is_some()).or(absences.first()).copied()
        })?;
        let standing = || self.standing.get(person).or_else(|| self.standing.get(self.behind(person)));
        Some(Away { cover: absence.cover.as_ref().or_else(standing), until: absence.until })
    }

    /// The absence of exactly that reference that holds; of several one that names a cover.
    fn said(&self, person: &Reference, at: Instant) -> Option<&Absence> {
        let holding = || self.absences.get(person).into_iter().flatten().filter(|absence| absence.holds_at(at));
        holding().find(|absence| absence.cover.is_some()).or_else(|| holding().next())
    }

    /// Who is there for a person: the person, or the first of their covers who is there and answers for the pool. It
    /// ends: at most [`MAX_COVERS`] are followed, and nobody twice.
    pub fn reach(&self, person: &Reference, pool: &Pool, at: Instant) -> Reached {
        let mut path = Vec::new();
        let mut visited = vec![person];
        let mut current = person;
        let person = loop {
            let Some(away) = self.away(current, &pool.reference, at) else { break Some(current.clone()) };
            path.push(format!("absent: {current}"));
            let Some(cover) = away.cover else { break None };
            let left = if visited.iter().any(|before| self.are_one(before, cover)) {
                "in a circle"
            } else if visited.len() > MAX_COVERS {
                "one too many"
            } else if !self.belongs(cover, pool, at) {
                "does not answer for the pool"
            } else {
                path.push(format!("cover: {cover}"));
                visited.push(cover);
                current = cover;
                continue;
            };
            path.push(format!("cover: {cover}: {left}"));
            break None;
        };
        Reached { path, person }
    }

    /// Until when nobody is there, as far as it is known now: every member that is known is away. `None` when somebody
    /// is there, and for a pool without known members, which counts as staffed.
    pub fn unstaffed_until(&self, pool: &Reference, at: Instant) -> Option<Instant> {
        if self.absences.is_empty() {
            return None;
        }
        let places = self.by_pool.get(pool).into_iter().flatten();
        let roles = places.filter_map(|place| self.roles.get(*place)).filter(|role| role.holds_at(at));
        let members = roles.map(|role| &role.reference).chain(self.members_at(pool, at).map(|member| &member.person));
        let until: Option<Vec<Instant>> =
            members.map(|member| self.away(member, pool, at).map(|away| away.until)).collect();
        until?.into_iter().min()
    }

    /// The roles of a person that may answer in a pool, in order: those of the pool and those of none.
    pub fn roles_in(&self, person: &Reference, pool: &Reference) -> impl Iterator<Item = &Reference> {
        let of_pool = move |role: &&Role| role.services.is_empty() || self.is_in(role, pool);
        self.roles_of(person).filter(of_pool).map(|role| &role.reference)
    }
}
