//! A bundle made ready for decisions: calendars compiled, pools joined with their own hours, words normalised.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use jiff::tz::TimeZone;

use crate::absence::Absence;
use crate::calendar::{Calendar, CalendarSpec, Holiday, Kept, name_of};
use crate::holiday::{self, KeptHoliday};
use crate::id::{Reference, Version};
use crate::message::{Message, Reading};
use crate::policy::bundle::{Bundle, RedFlagList, Template};
use crate::policy::lint::{Finding, Severity};
use crate::policy::people::{People, Role, Team};
use crate::policy::rule::{Condition, Guarded, Rule};
use crate::policy::turnaround::{CalendarOf, CalendarRef, Turnaround};
use crate::text::{PhraseNumber, Phrases};
use crate::time::Instant;

pub mod bundle;
pub mod difference;
pub mod document;
pub mod life;
pub mod lint;
pub mod people;
pub mod quiet;
pub mod rule;
pub mod template;
pub mod turnaround;

/// The bundle that ships with the binary, so that a new installation keeps promises from its first message.
pub const DEFAULT_BUNDLE: &str = include_str!("policy/default-bundle.json");

/// A text that ships with the binary, for what must be said whatever a bundle says.
pub(crate) fn shipped_template(id: &str) -> Option<&'static Template> {
    static SHIPPED: LazyLock<Bundle> =
        LazyLock::new(|| Bundle::read(DEFAULT_BUNDLE).expect("the default bundle is read in a test"));
    SHIPPED.templates.iter().find(|template| template.id == id)
}

/// The hours that a pool's own resource says.
#[derive(Clone, Debug, PartialEq)]
pub struct ServiceHours {
    /// The resource.
    pub reference: Reference,
    /// Its version, named in records.
    pub version: Version,
    /// Its name, for texts and lists.
    pub name: Option<String>,
    /// Its hours; `None` when it says none, so that the bundle's calendar counts.
    pub calendar: Option<CalendarSpec>,
}

/// What a tenant's resources and lists say beside its bundle.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Directory {
    /// The hours of pools.
    pub services: Vec<ServiceHours>,
    /// Who works where, and when.
    pub roles: Vec<Role>,
    /// Who is in which team.
    pub teams: Vec<Team>,
    /// Who is away: at least the absences that have not ended.
    pub absences: Vec<Absence>,
    /// Holidays beside those of the bundle.
    pub holidays: Vec<KeptHoliday>,
}

/// A team that answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pool {
    /// Its id in the bundle; the reference itself for a service that the bundle does not name.
    pub id: String,
    /// Its resource.
    pub reference: Reference,
    /// Its name, when its resource is stored.
    pub name: Option<String>,
    /// Who leads it.
    pub leads: Vec<Reference>,
    /// Whom the latest escalation reaches.
    pub supervisors: Option<Reference>,
    /// The key of its calendar.
    pub calendar: String,
}

/// A bundle ready for decisions.
#[derive(Clone, Debug)]
pub struct Policy {
    /// The bundle.
    pub bundle: Bundle,
    /// SHA-256 of the bundle, in hex.
    pub hash: String,
    /// The catalogue generation it was made from.
    pub generation: i64,
    /// Why this is not the bundle that should be in force: every decision under it needs review.
    pub degraded: Option<String>,
    /// The clinic's zone.
    pub zone: TimeZone,
    /// By key, those in force and those that still count for clocks.
    calendars: BTreeMap<String, Calendar>,
    /// Those in force, by name.
    kept: BTreeMap<String, Kept>,
    /// The keys of those that count today, by whose they are: a pool's resource or a calendar of the bundle.
    counting: BTreeMap<String, String>,
    pools: Vec<Pool>,
    people: People,
    /// Holidays that nobody has confirmed, with the calendars that would follow them.
    unconfirmed: Vec<(Holiday, Vec<String>)>,
    rules: Vec<Guarded<Rule>>,
    turnaround: Vec<Guarded<Turnaround>>,
    phrases: Phrases,
    red_flags: Vec<(PhraseNumber, RedFlagHit)>,
}

/// A red flag found: the list and the phrase's place in it. The words themselves stay out of records.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct RedFlagHit {
    /// The list's id.
    pub list: String,
    /// The phrase's place in the list, from 0.
    pub phrase: usize,
}

impl Policy {
    /// Makes a bundle ready, with the hours of the pools' own resources. A bundle with errors is refused with all of
    /// them; hours of a resource that cannot be compiled are passed over for the bundle's own calendar.
    ///
    /// `around` is an instant near those that will be asked for: calendars are compiled from a year before to three
    /// years after, and further on demand.
    pub fn compile(
        bundle: Bundle,
        directory: &Directory,
        generation: i64,
        around: Instant,
    ) -> Result<Self, Vec<Finding>> {
        let findings = bundle.lint(around);
        Self::without_errors(bundle, findings, (directory, generation, around))
    }

    /// Makes a bundle ready that is in force, whatever time has made of it: see [`Bundle::lint_in_force`].
    pub fn in_force(
        bundle: Bundle,
        directory: &Directory,
        generation: i64,
        around: Instant,
    ) -> Result<Self, Vec<Finding>> {
        let findings = bundle.lint_in_force(around);
        Self::without_errors(bundle, findings, (directory, generation, around))
    }

    fn without_errors(
        bundle: Bundle,
        findings: Vec<Finding>,
        (directory, generation, around): (&Directory, i64, Instant),
    ) -> Result<Self, Vec<Finding>> {
        let Directory { services, roles, teams, absences, holidays } = directory;
        if findings.iter().any(|finding| finding.severity == Severity::Error) {
            return Err(findings);
        }
        let mut calendars = BTreeMap::new();
        let mut kept = BTreeMap::new();
        let with_kept = holiday::with_kept(&bundle.holiday_sets, holidays);
        let own = services.iter().filter_map(|service| Some((&service.reference, service.calendar.as_ref()?)));
        // Few bundles count by a person's own hours; for the others those of many people need not be compiled, but of
        // those who lead: what is escalated to them waits until they are there.
        let by_owner = bundle.turnaround.iter().any(Turnaround::counts_by_owner);
        let roles_own = roles.iter().filter(|role| by_owner || leads(&bundle, role));
        let own = own.chain(roles_own.filter_map(|role| Some((&role.reference, role.calendar.as_ref()?))));
        let own = own.map(|(reference, spec)| CalendarSpec { id: reference.to_string(), ..spec.clone() });
        for spec in bundle.calendars.iter().cloned().chain(own) {
            // Holidays beside the bundle may not leave a pool without hours: lint has seen the bundle's own alone.
            let others = &bundle.calendars;
            let said = [Kept::new(&spec, &with_kept, others), Kept::new(&spec, &bundle.holiday_sets, others)];
            let ready = said.into_iter().filter_map(|calendar| Some((calendar.compile(around).ok()?, calendar)));
            let mut ready: Vec<(Calendar, Kept)> = ready.collect();
            let opening = ready.iter().position(|(compiled, _)| compiled.opens());
            // Hours of a resource's own that never open are passed over for the bundle's; lint sees to those of the bundle.
            // Where none opens any more, what counted before counts on.
            let place = opening.or_else(|| (!spec.id.contains('/') && !ready.is_empty()).then_some(0));
            if let Some(place) = place {
                let (compiled, calendar) = ready.swap_remove(place);
                calendars.insert(calendar.key.clone(), compiled);
                kept.insert(spec.id, calendar);
            }
        }
        let key = |reference: &Reference, fallback: &str| {
            let own = kept.get(&reference.to_string()).or_else(|| kept.get(fallback));
            own.map_or_else(|| fallback.to_owned(), |calendar| calendar.key.clone())
        };
        let name = |reference: &Reference| {
            let team = || teams.iter().find(|team| team.reference == *reference).and_then(|team| team.name.clone());
            let service = services.iter().find(|service| service.reference == *reference);
            service.and_then(|service| service.name.clone()).or_else(team)
        };
        let mut pools: Vec<Pool> = bundle
            .pools
            .iter()
            .map(|spec| Pool {
                id: spec.id.clone(),
                reference: spec.reference.clone(),
                name: name(&spec.reference),
                leads: spec.leads.clone(),
                supervisors: spec.supervisors.clone(),
                calendar: key(&spec.reference, &spec.calendar),
            })
            .collect();
        let default = pools.iter().find(|pool| pool.id == bundle.default_pool).cloned();
        if let Some(default) = default {
            for service in services {
                if pools.iter().all(|pool| pool.reference != service.reference) {
                    pools.push(Pool {
                        id: service.reference.to_string(),
                        reference: service.reference.clone(),
                        name: service.name.clone(),
                        calendar: key(&service.reference, name_of(&default.calendar)),
                        ..default.clone()
                    });
                }
            }
        }
        // A team that is no pool says nothing about whose conversations its participants see.
        let answering = teams.iter().filter(|team| pools.iter().any(|pool| pool.reference == team.reference));
        let people = People::new(roles, answering, absences, &bundle.absence.covers);
        let unconfirmed = holiday::unconfirmed(&bundle, holidays);
        let mut rules: Vec<Rule> = bundle.routing.iter().filter(|rule| rule.enabled).cloned().collect();
        rules.sort_by_key(|rule| rule.order);
        let mut turnaround = bundle.turnaround.clone();
        turnaround.sort_by_key(|policy| (policy.when.is_none(), policy.order));
        let conditions =
            rules.iter().map(|rule| &rule.when).chain(turnaround.iter().filter_map(|policy| policy.when.as_ref()));
        let looked_for: Vec<String> = conditions.flat_map(Condition::phrases).collect();
        let lists = &bundle.red_flags.lists;
        let flags = lists.iter().flat_map(|list| &list.phrases);
        let phrases = Phrases::new(flags.chain(&looked_for).map(String::as_str));
        let flags = |list: &RedFlagList| {
            let hit = |phrase| RedFlagHit { list: list.id.clone(), phrase };
            let places = list.phrases.iter().enumerate();
            places.filter_map(|(place, phrase)| Some((phrases.number(phrase)?, hit(place)))).collect::<Vec<_>>()
        };
        let red_flags = lists.iter().flat_map(flags).collect();
        let rules = rules.into_iter().map(|rule| rule.ready(&phrases)).collect();
        let turnaround = turnaround.into_iter().map(|policy| policy.ready(&phrases)).collect();
        let zone = crate::calendar::zone_named(&bundle.clinic.timezone).unwrap_or(TimeZone::UTC);
        Ok(Self {
            hash: bundle.hash(),
            generation,
            degraded: None,
            zone,
            calendars,
            counting: counting(&kept, &pools),
            kept,
            pools,
            people,
            unconfirmed,
            rules,
            turnaround,
            phrases,
            red_flags,
            bundle,
        })
    }

    /// A bundle that [stands in](Bundle::standing_in), for when the one in force cannot be evaluated: messages are still
    /// accepted, promised and routed, and every decision says that a person must look.
    pub fn fallback(bundle: Bundle, directory: &Directory, generation: i64, around: Instant, reason: String) -> Self {
        let mut policy = Self::in_force(bundle, directory, generation, around).unwrap_or_else(|_| {
            let shipped = Bundle::read(DEFAULT_BUNDLE).expect("the default bundle is read in a test");
            Self::in_force(shipped, directory, generation, around).expect("the default bundle is compiled in a test")
        });
        policy.degraded = Some(reason);
        policy
    }

    /// The bundle's name in records and URLs: `id/version`.
    pub fn name(&self) -> String {
        format!("{}/{}", self.bundle.id, self.bundle.version)
    }

    /// A compiled calendar by its key. Where no calendar of that key is known, the one that has its name today stands in
    /// for it.
    pub fn calendar(&self, key: &str) -> Option<&Calendar> {
        self.calendars.get(key).or_else(|| self.kept.get(name_of(key)).and_then(|kept| self.calendars.get(&kept.key)))
    }

    /// The calendars in force, as they are to be kept before a clock runs under them.
    pub fn kept(&self) -> impl Iterator<Item = &Kept> {
        self.kept.values()
    }

    /// The policy with calendars that were in force before and by which clocks are still counted.
    #[must_use]
    pub fn remembering(mut self, before: &[Kept], around: Instant) -> Self {
        for kept in before {
            if !self.calendars.contains_key(&kept.key)
                && let Ok(calendar) = kept.compile(around)
            {
                self.calendars.insert(kept.key.clone(), calendar);
            }
        }
        self
    }

    /// The key under which a clock counts today that is counted by `counted_by`: a pool's resource or a calendar of the
    /// bundle. `None` when there is neither any more.
    pub fn counting(&self, counted_by: &str) -> Option<&str> {
        self.counting.get(counted_by).map(String::as_str)
    }

    /// The people who answer.
    pub const fn people(&self) -> &People {
        &self.people
    }

    /// Holidays between two instants that a calendar would follow if somebody confirmed them.
    pub fn unconfirmed(&self, calendar: &str, from: Instant, until: Instant) -> impl Iterator<Item = &Holiday> {
        let on = |at: Instant| self.zone.to_datetime(at.timestamp()).date();
        let (first, last) = (on(from), on(until));
        let follows = move |(holiday, calendars): &&(Holiday, Vec<String>)| {
            (first..=last).contains(&holiday.date) && calendars.iter().any(|id| id == name_of(calendar))
        };
        self.unconfirmed.iter().filter(follows).map(|(holiday, _)| holiday)
    }

    /// A pool by its id in the bundle.
    pub fn pool(&self, id: &str) -> Option<&Pool> {
        self.pools.iter().find(|pool| pool.id == id)
    }

    /// The pool that a resource is.
    pub fn pool_of(&self, reference: &Reference) -> Option<&Pool> {
        self.pools.iter().find(|pool| pool.reference == *reference)
    }

    /// The pool that is known by its id, else by its resource: a bundle that calls it otherwise means the same people.
    pub fn pool_known_as(&self, id: Option<&str>, reference: Option<&Reference>) -> Option<&Pool> {
        id.and_then(|id| self.pool(id)).or_else(|| reference.and_then(|reference| self.pool_of(reference)))
    }

    /// The pool that answers when nothing else decides.
    pub fn default_pool(&self) -> &Pool {
        self.pool(&self.bundle.default_pool).unwrap_or(&self.pools[0])
    }

    /// Every pool.
    pub fn pools(&self) -> &[Pool] {
        &self.pools
    }

    /// The pools in which a person answers: those that a token names, and those of their roles.
    pub fn pools_of(&self, names: &[String], person: Option<&Reference>, now: Instant) -> Vec<Reference> {
        let mut pools = self.references(names);
        for pool in person.into_iter().flat_map(|person| self.people.pools_of(person, now)) {
            if !pools.contains(pool) {
                pools.push(pool.clone());
            }
        }
        pools
    }

    /// Pools as references, from what a token calls them: ids of the bundle or literal references.
    pub fn references(&self, names: &[String]) -> Vec<Reference> {
        names
            .iter()
            .filter_map(|name| self.pool(name).map(|pool| pool.reference.clone()).or_else(|| name.parse().ok()))
            .collect()
    }

    /// Whose calendar counts where a pool answers: the pool's resource, the role of the person of it who is to answer,
    /// or a calendar of the bundle. Without a person, or hours of their own, the pool's count.
    pub fn counted_by(&self, named: &CalendarRef, pool: &Pool, owner: Option<&Reference>) -> String {
        let own = || {
            let roles = owner.into_iter().flat_map(|owner| self.people.roles_in(owner, &pool.reference));
            roles.map(ToString::to_string).find(|role| self.kept.contains_key(role))
        };
        match named {
            CalendarRef::Of { of: CalendarOf::AnsweringPool } => pool.reference.to_string(),
            CalendarRef::Of { of: CalendarOf::Owner } => own().unwrap_or_else(|| pool.reference.to_string()),
            CalendarRef::Id(id) => id.clone(),
        }
    }

    /// The hours that somebody of the team keeps who is told something about a pool's conversation: a pool its own, a
    /// person those of their role there. Where none are known they are those of the pool.
    pub fn hours_of(&self, who: &Reference, pool: &Pool) -> Option<&Calendar> {
        let own = || {
            let roles = self.people.roles_in(who, &pool.reference).map(ToString::to_string);
            roles.chain([who.to_string()]).find_map(|role| self.kept.get(&role)).map(|kept| kept.key.as_str())
        };
        let key = self.pool_of(who).map(|pool| pool.calendar.as_str()).or_else(own).unwrap_or(&pool.calendar);
        self.calendar(key)
    }

    /// The routing rules that are looked at, in order.
    pub fn rules(&self) -> &[Guarded<Rule>] {
        &self.rules
    }

    /// The turnaround policies in the order they are tried; the last is the fallback.
    pub fn turnaround(&self) -> &[Guarded<Turnaround>] {
        &self.turnaround
    }

    /// Reads a message's texts for all that rules and red flags look for.
    pub fn read(&self, message: &Message) -> Reading {
        Reading { length: message.length(), found: self.phrases.found_in(&message.words()) }
    }

    /// The red flags in a message, in the order of their lists.
    pub fn red_flags_in(&self, Reading { found, .. }: &Reading) -> Vec<RedFlagHit> {
        if found.is_empty() {
            return vec![];
        }
        self.red_flags.iter().filter(|(number, _)| found.has(*number)).map(|(_, hit)| hit.clone()).collect()
    }

    /// A template by its id.
    pub fn template(&self, id: &str) -> Option<&Template> {
        self.bundle.templates.iter().find(|template| template.id == id)
    }
}

/// The keys of the calendars that count, by whose they are.
fn counting(kept: &BTreeMap<String, Kept>, pools: &[Pool]) -> BTreeMap<String, String> {
    let named = kept.iter().map(|(name, calendar)| (name.clone(), calendar.key.clone()));
    named.chain(pools.iter().map(|pool| (pool.reference.to_string(), pool.calendar.clone()))).collect()
}

/// Whether a role, or the person in it, leads or supervises a pool.
fn leads(bundle: &Bundle, role: &Role) -> bool {
    let mut leads = bundle.pools.iter().flat_map(|pool| pool.leads.iter().chain(&pool.supervisors));
    leads.any(|lead| *lead == role.reference || role.practitioner.as_ref() == Some(lead))
}
