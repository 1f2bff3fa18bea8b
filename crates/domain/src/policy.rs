//! A bundle made ready for decisions: calendars compiled, pools joined with their own hours, words normalised.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use jiff::tz::TimeZone;

use crate::calendar::{Calendar, CalendarSpec};
use crate::id::{Reference, Version};
use crate::message::{Message, Reading};
use crate::policy::bundle::{Bundle, RedFlagList, Template};
use crate::policy::lint::{Finding, Severity};
use crate::policy::rule::{Condition, Guarded, Rule};
use crate::policy::turnaround::{CalendarOf, CalendarRef, Turnaround};
use crate::text::{PhraseNumber, Phrases};
use crate::time::Instant;

pub mod bundle;
pub mod difference;
pub mod document;
pub mod life;
pub mod lint;
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
    calendars: BTreeMap<String, Calendar>,
    pools: Vec<Pool>,
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
        services: &[ServiceHours],
        generation: i64,
        around: Instant,
    ) -> Result<Self, Vec<Finding>> {
        let findings = bundle.lint(around);
        if findings.iter().any(|finding| finding.severity == Severity::Error) {
            return Err(findings);
        }
        let mut calendars = BTreeMap::new();
        for spec in &bundle.calendars {
            if let Ok(calendar) = Calendar::compile(spec, &bundle.holiday_sets, around) {
                calendars.insert(spec.id.clone(), calendar);
            }
        }
        let own = services.iter().filter_map(|service| {
            let spec = service.calendar.as_ref()?;
            let calendar = Calendar::compile(spec, &bundle.holiday_sets, around).ok().filter(Calendar::opens)?;
            Some((format!("{}/_history/{}", service.reference, service.version), calendar))
        });
        calendars.extend(own);
        let key = |reference: &Reference, fallback: &str| {
            services
                .iter()
                .find(|service| service.reference == *reference)
                .map(|service| format!("{}/_history/{}", service.reference, service.version))
                .filter(|key| calendars.contains_key(key))
                .unwrap_or_else(|| fallback.to_owned())
        };
        let name = |reference: &Reference| {
            services.iter().find(|service| service.reference == *reference).and_then(|service| service.name.clone())
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
                        calendar: key(&service.reference, &default.calendar),
                        ..default.clone()
                    });
                }
            }
        }
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
            pools,
            rules,
            turnaround,
            phrases,
            red_flags,
            bundle,
        })
    }

    /// The built-in bundle, for when the one in force cannot be evaluated: messages are still accepted, promised and
    /// routed, and every decision says that a person must look.
    pub fn fallback(services: &[ServiceHours], generation: i64, around: Instant, reason: String) -> Self {
        let bundle = Bundle::read(DEFAULT_BUNDLE).expect("the default bundle is read in a test");
        let mut policy =
            Self::compile(bundle, services, generation, around).expect("the default bundle is compiled in a test");
        policy.degraded = Some(reason);
        policy
    }

    /// The bundle's name in records and URLs: `id/version`.
    pub fn name(&self) -> String {
        format!("{}/{}", self.bundle.id, self.bundle.version)
    }

    /// A compiled calendar: a bundle's by its id, a resource's by its versioned reference.
    pub fn calendar(&self, key: &str) -> Option<&Calendar> {
        self.calendars.get(key)
    }

    /// A pool by its id in the bundle.
    pub fn pool(&self, id: &str) -> Option<&Pool> {
        self.pools.iter().find(|pool| pool.id == id)
    }

    /// The pool that a resource is.
    pub fn pool_of(&self, reference: &Reference) -> Option<&Pool> {
        self.pools.iter().find(|pool| pool.reference == *reference)
    }

    /// The pool that answers when nothing else decides.
    pub fn default_pool(&self) -> &Pool {
        self.pool(&self.bundle.default_pool).unwrap_or(&self.pools[0])
    }

    /// Every pool.
    pub fn pools(&self) -> &[Pool] {
        &self.pools
    }

    /// Pools as references, from what a token calls them: ids of the bundle or literal references.
    pub fn references(&self, names: &[String]) -> Vec<Reference> {
        names
            .iter()
            .filter_map(|name| self.pool(name).map(|pool| pool.reference.clone()).or_else(|| name.parse().ok()))
            .collect()
    }

    /// The key of the calendar that counts for a pool.
    pub fn calendar_key(&self, named: &CalendarRef, pool: &Pool) -> String {
        match named {
            // A person's own hours come with PractitionerRole; until one is known the pool's count.
            CalendarRef::Of { of: CalendarOf::AnsweringPool | CalendarOf::Owner } => pool.calendar.clone(),
            CalendarRef::Id(id) => id.clone(),
        }
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
