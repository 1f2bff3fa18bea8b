//! Lint: what is wrong with a bundle, where (a JSON pointer) and what to do about it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::calendar::{Calendar, tzdb_version, zone_named};
use crate::policy::bundle::{Bundle, LimitScope, OnExceed, Trigger, Variable};
use crate::policy::rule::{Action, Condition};
use crate::policy::template;
use crate::policy::turnaround::{At, CalendarRef, ClockPolicy, Count, Target, Threshold};
use crate::thread::Priority;
use crate::time::{Instant, Span};

/// How deep a condition may nest.
pub const MAX_DEPTH: usize = 8;
/// How many nodes a condition may have.
pub const MAX_NODES: usize = 200;

/// Whether a finding keeps a bundle from being used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Cannot be used.
    Error,
    /// Can be used, but look.
    Warning,
}

/// Something lint has found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// Whether it keeps the bundle from being used.
    pub severity: Severity,
    /// Where, as a JSON pointer (RFC 6901).
    pub pointer: String,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub remedy: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} ({})", self.pointer, self.message, self.remedy)
    }
}

impl Finding {
    /// The document does not have the form of a bundle.
    pub fn unreadable(error: &serde_path_to_error::Error<serde_json::Error>) -> Self {
        use serde_path_to_error::Segment;
        let pointer = error.path().iter().fold(String::new(), |pointer, segment| match segment {
            Segment::Seq { index } => format!("{pointer}/{index}"),
            Segment::Map { key } => format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1")),
            Segment::Enum { .. } | Segment::Unknown => pointer,
        });
        Self {
            severity: Severity::Error,
            pointer,
            message: error.inner().to_string(),
            remedy: "write the member as docs/policy-bundle.schema.json describes it".to_owned(),
        }
    }

    /// The document is not JSON.
    pub fn not_json(error: &serde_json::Error) -> Self {
        Self {
            severity: Severity::Error,
            pointer: String::new(),
            message: error.to_string(),
            remedy: "send one JSON document and nothing behind it".to_owned(),
        }
    }
}

/// Findings as they are made.
struct Lint<'a> {
    bundle: &'a Bundle,
    calendars: BTreeMap<&'a str, Calendar>,
    around: Instant,
    findings: Vec<Finding>,
}

impl Bundle {
    /// Everything that is wrong with the bundle; without errors it can be compiled and evaluated.
    pub fn lint(&self, around: Instant) -> Vec<Finding> {
        let mut lint = Lint { bundle: self, calendars: BTreeMap::new(), around, findings: Vec::new() };
        lint.identity();
        lint.calendars();
        lint.pools();
        lint.red_flags();
        lint.rules();
        lint.turnaround();
        lint.boundaries();
        lint.templates();
        lint.findings
    }
}

impl<'a> Lint<'a> {
    fn error(&mut self, pointer: impl Into<String>, message: impl Into<String>, remedy: impl Into<String>) {
        self.find(Severity::Error, pointer.into(), message.into(), remedy.into());
    }

    fn warn(&mut self, pointer: impl Into<String>, message: impl Into<String>, remedy: impl Into<String>) {
        self.find(Severity::Warning, pointer.into(), message.into(), remedy.into());
    }

    fn find(&mut self, severity: Severity, pointer: String, message: String, remedy: String) {
        self.findings.push(Finding { severity, pointer, message, remedy });
    }

    /// Ids that are empty, malformed or taken twice.
    fn ids(&mut self, list: &str, ids: impl Iterator<Item = &'a str>) {
        let mut seen = BTreeSet::new();
        for (place, id) in ids.enumerate() {
            let pointer = format!("/{list}/{place}/id");
            let letters = id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
            if id.is_empty() || id.len() > 63 || !letters || !id.starts_with(|c: char| c.is_ascii_lowercase()) {
                self.error(&pointer, "not a legal id", "use a-z, 0-9 and -, a letter first, at most 63 characters");
            }
            if !seen.insert(id) {
                self.error(&pointer, format!("{id} is taken already"), "give each entry an id of its own");
            }
        }
    }

    fn identity(&mut self) {
        let bundle = self.bundle;
        if bundle.version < 1 {
            self.error("/version", "versions begin at 1", "use a whole number from 1");
        }
        if bundle.timezone_data != tzdb_version() {
            let message =
                format!("written with time zone data {}, evaluated with {}", bundle.timezone_data, tzdb_version());
            self.warn("/timezoneData", message, "check due dates near changed transitions, then write the newer name");
        }
        if zone_named(&bundle.clinic.timezone).is_none() {
            self.error("/clinic/timezone", "no such IANA zone", "use a name such as America/New_York");
        }
        for (pointer, text) in
            [("/clinic/name", &bundle.clinic.name), ("/clinic/emergencyNumber", &bundle.clinic.emergency_number)]
        {
            if text.trim().is_empty() {
                self.error(pointer, "is empty", "say it: patients are told");
            }
        }
        if bundle.effective.is_some_and(|effective| effective.until.is_some_and(|until| until <= effective.from)) {
            self.error("/effective/until", "is not later than from", "let it end after it begins, or leave until out");
        }
        self.ids("holidaySets", bundle.holiday_sets.iter().map(|set| set.id.as_str()));
        self.ids("calendars", bundle.calendars.iter().map(|calendar| calendar.id.as_str()));
        self.ids("pools", bundle.pools.iter().map(|pool| pool.id.as_str()));
        self.ids("routing", bundle.routing.iter().map(|rule| rule.id.as_str()));
        self.ids("turnaround", bundle.turnaround.iter().map(|policy| policy.id.as_str()));
        self.ids("templates", bundle.templates.iter().map(|template| template.id.as_str()));
    }

    fn calendars(&mut self) {
        let bundle = self.bundle;
        for (place, spec) in bundle.calendars.iter().enumerate() {
            let pointer = format!("/calendars/{place}");
            for error in spec.faults(&bundle.holiday_sets) {
                let set = |id| bundle.holiday_sets.iter().position(|set| Some(&set.id) == id);
                let base = set(error.holiday_set.as_ref()).map_or(pointer.clone(), |set| format!("/holidaySets/{set}"));
                self.error(base + &error.pointer, error.fault.to_string(), error.fault.remedy());
            }
            // A calendar with faults has been reported; only its neighbours can be asked for more.
            if let Ok(calendar) = Calendar::compile(spec, &bundle.holiday_sets, self.around) {
                if !calendar.opens() {
                    self.error(&pointer, "never opens", "give it a shift on some day, or alwaysOpen");
                }
                self.calendars.insert(spec.id.as_str(), calendar);
            }
        }
    }

    fn calendar_exists(&mut self, pointer: String, id: &str) {
        if self.bundle.calendars.iter().all(|calendar| calendar.id != id) {
            self.error(pointer, format!("no calendar is called {id}"), "name one of /calendars");
        }
    }

    fn pool_exists(&mut self, pointer: String, id: &str) {
        if self.bundle.pools.iter().all(|pool| pool.id != id) {
            self.error(pointer, format!("no pool is called {id}"), "name one of /pools");
        }
    }

    fn template_exists(&mut self, pointer: String, id: &str) {
        if self.bundle.templates.iter().all(|template| template.id != id) {
            self.error(pointer, format!("no template is called {id}"), "name one of /templates");
        }
    }

    fn pools(&mut self) {
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
                self.error(
                    format!("/pools/{place}/reference"),
                    "is another pool already",
                    "one pool for each resource",
                );
            }
        }
    }

    fn red_flags(&mut self) {
        let flags = &self.bundle.red_flags;
        let empty = |phrase: &String| crate::text::Words::of(phrase).is_empty();
        if flags.lists.iter().all(|list| list.phrases.iter().all(empty)) {
            self.error(
                "/redFlags/lists",
                "there is no word to look for",
                "add the site's list; red flags cannot be switched off",
            );
        }
        for (at, list) in flags.lists.iter().enumerate() {
            for (place, _) in list.phrases.iter().enumerate().filter(|(_, phrase)| empty(phrase)) {
                self.error(
                    format!("/redFlags/lists/{at}/phrases/{place}"),
                    "holds no word",
                    "write a word or take it out",
                );
            }
        }
        if flags.target.count != Count::ElapsedTime {
            self.error("/redFlags/target/count", "red flags run on the wall clock", "use elapsed-time");
        }
        if flags.target.amount == Span::default() {
            self.error("/redFlags/target/amount", "leaves no time", "say how long, such as PT30M");
        }
        if flags.priority < Priority::Urgent {
            self.error("/redFlags/priority", "a red flag is at least urgent", "use urgent or stat");
        }
        self.pool_exists("/redFlags/pool".to_owned(), &flags.pool);
        self.template_exists("/redFlags/template".to_owned(), &flags.template);
    }

    fn condition(&mut self, pointer: &str, condition: &Condition) {
        let (depth, nodes) = condition.size();
        if depth > MAX_DEPTH || nodes > MAX_NODES {
            let message = format!("nests {depth} deep with {nodes} nodes");
            self.error(pointer, message, format!("at most {MAX_DEPTH} deep and {MAX_NODES} nodes: split the rule"));
        }
    }

    fn actions(&mut self, pointer: &str, actions: &[Action], threshold: bool) {
        for (place, action) in actions.iter().enumerate() {
            let pointer = format!("{pointer}/do/{place}");
            match action {
                Action::RouteToPool { to } => self.pool_exists(format!("{pointer}/to"), to),
                Action::SendTemplate { value } => self.template_exists(format!("{pointer}/value"), value),
                _ => {}
            }
            if threshold != matches!(action, Action::Notify { .. }) {
                let remedy = if threshold {
                    "use notify"
                } else {
                    "use it in a threshold; accepted messages are notified anyway"
                };
                self.error(pointer, "this action cannot stand here", remedy);
            }
        }
    }

    fn rules(&mut self) {
        let bundle = self.bundle;
        for (place, rule) in bundle.routing.iter().enumerate() {
            let pointer = format!("/routing/{place}");
            self.condition(&format!("{pointer}/when"), &rule.when);
            self.actions(&pointer, &rule.actions, false);
            if bundle.routing[..place].iter().any(|other| other.order == rule.order) {
                self.error(
                    format!("{pointer}/order"),
                    "two rules have this order",
                    "give each rule an order of its own",
                );
            }
            if rule.actions.iter().any(|action| matches!(action, Action::Assign { .. } | Action::AddTag { .. })) {
                self.error(
                    format!("{pointer}/do"),
                    "assign and add-tag are not evaluated yet",
                    "route to a pool instead",
                );
            }
        }
    }

    fn turnaround(&mut self) {
        let bundle = self.bundle;
        let fallbacks = bundle.turnaround.iter().filter(|policy| policy.when.is_none()).count();
        if fallbacks != 1 {
            let remedy = "leave `when` out of exactly one policy";
            self.error("/turnaround", format!("{fallbacks} policies have no condition"), remedy);
        }
        for (place, policy) in bundle.turnaround.iter().enumerate() {
            let pointer = format!("/turnaround/{place}");
            if let Some(when) = &policy.when {
                self.condition(&format!("{pointer}/when"), when);
            }
            if bundle.turnaround[..place].iter().any(|other| other.order == policy.order) {
                self.error(format!("{pointer}/order"), "two policies have this order", "give each an order of its own");
            }
            if policy.clocks.iter().all(|clock| clock.id != crate::clock::ClockName::NextResponse) {
                self.error(format!("{pointer}/clocks"), "nobody has to answer", "add the clock next-response");
            }
            for (at, clock) in policy.clocks.iter().enumerate() {
                self.clock(&format!("{pointer}/clocks/{at}"), clock);
            }
        }
    }

    fn clock(&mut self, pointer: &str, clock: &ClockPolicy) {
        if let CalendarRef::Id(id) = &clock.calendar {
            self.calendar_exists(format!("{pointer}/calendar"), id);
        }
        for priority in [Priority::Routine, Priority::Urgent, Priority::Stat] {
            if clock.target(priority).is_none() {
                self.error(format!("{pointer}/targets"), format!("no target for {priority}"), "add one");
            }
        }
        for (place, target) in clock.targets.iter().enumerate() {
            let at = format!("{pointer}/targets/{place}");
            let whole = target.amount.seconds() % 86_400 == 0;
            if target.count == Count::OpenDays && (!whole || target.amount.seconds() > 366 * 86_400) {
                self.error(format!("{at}/amount"), "open days are whole days up to 366", "use an amount such as P2D");
            }
            if target.count == Count::OpenTime && whole && target.amount.seconds() >= 86_400 {
                self.error(
                    format!("{at}/amount"),
                    "a day is not an amount of open time",
                    "count open-days, or use hours",
                );
            }
            if target.amount == Span::default() {
                self.error(format!("{at}/amount"), "leaves no time", "say how long");
            }
            if target.day_ends.is_some() && target.count != Count::OpenDays {
                self.error(format!("{at}/dayEnds"), "belongs to open-days alone", "take it out");
            }
            self.reachable(&at, clock, &target.target());
        }
        let mut ids = BTreeSet::new();
        for (place, threshold) in clock.thresholds.iter().enumerate() {
            let at = format!("{pointer}/thresholds/{place}");
            if !ids.insert(threshold.id.as_str()) {
                self.error(format!("{at}/id"), "is taken already", "give each threshold an id of its own");
            }
            self.actions(&at, &threshold.actions, true);
            self.threshold(&at, clock, threshold);
        }
    }

    /// A target that the calendar cannot hold would leave a patient without a promise.
    fn reachable(&mut self, pointer: &str, clock: &ClockPolicy, target: &Target) {
        let keys: Vec<String> = match &clock.calendar {
            CalendarRef::Id(id) => vec![id.clone()],
            CalendarRef::Of { .. } => self.bundle.pools.iter().map(|pool| pool.calendar.clone()).collect(),
        };
        let unreachable = keys.iter().find(|key| {
            self.calendars.get(key.as_str()).is_some_and(|calendar| target.due(calendar, self.around).is_none())
        });
        if let Some(key) = unreachable {
            let message = format!("lies beyond what the calendar {key} opens");
            self.error(pointer, message, "shorten the target or open the calendar");
        }
    }

    fn threshold(&mut self, pointer: &str, clock: &ClockPolicy, threshold: &Threshold) {
        match &threshold.at {
            At::Percent { percent } if !(1..=99).contains(percent) => {
                self.error(format!("{pointer}/at/percent"), "is not from 1 to 99", "use a whole percentage before due");
            }
            At::Before { before } => {
                let too_long = |target: &Target| match target {
                    Target::OpenTime { amount } | Target::ElapsedTime { amount } => before >= amount,
                    Target::OpenDays { .. } | Target::Manual { .. } => false,
                };
                if clock.targets.iter().any(|target| too_long(&target.target())) {
                    let message = "lies before the start of a target";
                    self.warn(format!("{pointer}/at/before"), message, "shorten it, or it fires at the start");
                }
            }
            _ => {}
        }
    }

    fn boundaries(&mut self) {
        let bundle = self.bundle;
        for (place, quiet) in bundle.quiet_hours.iter().enumerate() {
            for (at, shift) in quiet.shifts.iter().enumerate() {
                let pointer = format!("/quietHours/{place}/shifts/{at}");
                if let Some(fault) = shift.fault() {
                    self.error(&pointer, fault.to_string(), fault.remedy());
                } else if shift.start == shift.end || (shift.start.seconds() == 0 && shift.end.seconds() == 86_400) {
                    self.error(&pointer, "is quiet all day", "leave some time in which notices may leave");
                }
            }
        }
        for (place, reply) in bundle.away_replies.iter().enumerate() {
            let pointer = format!("/awayReplies/{place}");
            self.template_exists(format!("{pointer}/template"), &reply.template);
            if let Some(id) = &reply.calendar {
                self.calendar_exists(format!("{pointer}/calendar"), id);
            }
            if matches!(reply.when, Trigger::PersonAbsent | Trigger::PoolUnstaffed | Trigger::CalendarClosed) {
                let remedy = "use message-accepted: its text may say when the clinic opens";
                self.error(format!("{pointer}/when"), "this trigger is not evaluated yet", remedy);
            }
        }
        for (place, limit) in bundle.limits.iter().enumerate() {
            let automatic = matches!(limit.scope, LimitScope::AutomaticPerThread | LimitScope::AutomaticPerRecipient);
            if !automatic && limit.on_exceed != OnExceed::HoldForReview {
                let remedy = "use hold-for-review: a person's message is never dropped or refused for its number";
                self.error(format!("/limits/{place}/onExceed"), "a person's message would be lost", remedy);
            }
            self.error(format!("/limits/{place}"), "limits are not evaluated yet", "take it out");
        }
        if bundle.length.notice > bundle.length.limit || bundle.length.limit == 0 {
            self.error("/length", "the notice comes after the limit", "let notice be at most limit");
        }
        if bundle.reply_window == Span::default() {
            self.error("/replyWindow", "closes threads at once", "say how long, such as P45D");
        }
    }

    fn templates(&mut self) {
        let bundle = self.bundle;
        for (place, template) in bundle.templates.iter().enumerate() {
            if template.texts.is_empty() {
                self.error(format!("/templates/{place}/texts"), "is empty", "write the text in one language at least");
            }
            for (language, text) in &template.texts {
                let pointer = format!("/templates/{place}/texts/{language}");
                if text.trim().is_empty() {
                    self.error(&pointer, "is empty", "write the text");
                }
                for name in template::names(text) {
                    let known = Variable::ALL.into_iter().find(|variable| variable.as_str() == name);
                    if known.is_none_or(|variable| !template.variables.contains(&variable)) {
                        let message = "uses a variable that the template does not declare";
                        self.error(&pointer, message, "declare it under variables, or correct its name");
                    }
                }
            }
        }
        let emergency = bundle.templates.iter().find(|template| template.id == bundle.red_flags.template);
        if let Some(template) = emergency
            && template.variables.iter().any(|variable| {
                !matches!(
                    variable,
                    Variable::ClinicName | Variable::ClinicPhone | Variable::EmergencyNumber | Variable::DueLocal
                )
            })
        {
            let message = "the text for red flags uses a variable that may be unknown";
            self.error(
                "/redFlags/template",
                message,
                "use the clinic's and the emergency number alone, so that it can always be sent",
            );
        }
    }
}
