//! How long the lists of a bundle may be: generous for a clinic, and few enough that lint, compiling and every decision
//! take bounded time. Calendars have their own limits in [`crate::calendar`].

use super::Lint;
use crate::calendar::MAX_HOLIDAYS;
use crate::policy::rule::{Condition, Rule};

/// Most holiday sets.
pub const MAX_HOLIDAY_SETS: usize = 50;
/// Most calendars.
pub const MAX_CALENDARS: usize = 200;
/// Most pools.
pub const MAX_POOLS: usize = 500;
/// Most leads of a pool.
pub const MAX_LEADS: usize = 50;
/// Most lists of red flags.
pub const MAX_RED_FLAG_LISTS: usize = 50;
/// Most phrases of a list of red flags.
pub const MAX_PHRASES: usize = 2000;
/// Most routing rules.
pub const MAX_RULES: usize = 200;
/// Most actions of a rule or a threshold.
pub const MAX_ACTIONS: usize = 10;
/// Most turnaround policies.
pub const MAX_TURNAROUND: usize = 100;
/// Most thresholds of a clock.
pub const MAX_THRESHOLDS: usize = 10;
/// Most clocks of a turnaround policy, and most targets of a clock: as many as there are names of clocks, and urgencies.
pub const MAX_CLOCKS: usize = 4;
/// Most entries of `quietHours`, of `awayReplies` and of `limits`.
pub const MAX_BOUNDARIES: usize = 50;
/// Most entries of `absence.covers`.
pub const MAX_STANDING_COVERS: usize = 200;
/// Most templates.
pub const MAX_TEMPLATES: usize = 500;
/// Most texts of a template, as many as there are languages, and most channels that limit them.
pub const MAX_TEXTS: usize = 50;
/// Most texts that a condition compares with.
pub const MAX_VALUES: usize = 200;

impl Lint<'_> {
    /// Lists that are too long.
    pub(super) fn sizes(&mut self) {
        let bundle = self.bundle;
        self.size("/holidaySets", bundle.holiday_sets.len(), MAX_HOLIDAY_SETS);
        for (place, set) in bundle.holiday_sets.iter().enumerate() {
            self.size(&format!("/holidaySets/{place}/entries"), set.entries.len(), MAX_HOLIDAYS);
        }
        self.size("/calendars", bundle.calendars.len(), MAX_CALENDARS);
        self.size("/pools", bundle.pools.len(), MAX_POOLS);
        for (place, pool) in bundle.pools.iter().enumerate() {
            self.size(&format!("/pools/{place}/leads"), pool.leads.len(), MAX_LEADS);
        }
        self.size("/absence/covers", bundle.absence.covers.len(), MAX_STANDING_COVERS);
        self.size("/redFlags/lists", bundle.red_flags.lists.len(), MAX_RED_FLAG_LISTS);
        for (place, list) in bundle.red_flags.lists.iter().enumerate() {
            self.size(&format!("/redFlags/lists/{place}/phrases"), list.phrases.len(), MAX_PHRASES);
        }
        self.size("/routing", bundle.routing.len(), MAX_RULES);
        for (place, Rule { when, actions, .. }) in bundle.routing.iter().enumerate() {
            self.size(&format!("/routing/{place}/do"), actions.len(), MAX_ACTIONS);
            self.values(&format!("/routing/{place}/when"), when);
        }
        self.size("/turnaround", bundle.turnaround.len(), MAX_TURNAROUND);
        for (place, policy) in bundle.turnaround.iter().enumerate() {
            let pointer = format!("/turnaround/{place}");
            if let Some(when) = &policy.when {
                self.values(&format!("{pointer}/when"), when);
            }
            self.size(&format!("{pointer}/clocks"), policy.clocks.len(), MAX_CLOCKS);
            for (place, clock) in policy.clocks.iter().enumerate() {
                let pointer = format!("{pointer}/clocks/{place}");
                self.size(&format!("{pointer}/targets"), clock.targets.len(), MAX_CLOCKS);
                self.size(&format!("{pointer}/thresholds"), clock.thresholds.len(), MAX_THRESHOLDS);
                for (place, threshold) in clock.thresholds.iter().enumerate() {
                    self.size(&format!("{pointer}/thresholds/{place}/do"), threshold.actions.len(), MAX_ACTIONS);
                }
            }
        }
        self.size("/quietHours", bundle.quiet_hours.len(), MAX_BOUNDARIES);
        for (place, quiet) in bundle.quiet_hours.iter().enumerate() {
            self.size(&format!("/quietHours/{place}/shifts"), quiet.shifts.len(), crate::calendar::MAX_SHIFTS);
        }
        self.size("/awayReplies", bundle.away_replies.len(), MAX_BOUNDARIES);
        self.size("/limits", bundle.limits.len(), MAX_BOUNDARIES);
        self.size("/templates", bundle.templates.len(), MAX_TEMPLATES);
        for (place, template) in bundle.templates.iter().enumerate() {
            self.size(&format!("/templates/{place}/variables"), template.variables.len(), MAX_TEXTS);
            self.size(&format!("/templates/{place}/texts"), template.texts.len(), MAX_TEXTS);
            self.size(&format!("/templates/{place}/maxLength"), template.max_length.len(), MAX_TEXTS);
        }
    }

    fn size(&mut self, pointer: &str, found: usize, most: usize) {
        if found > most {
            let message = format!("has {found} entries; at most {most} are read");
            self.error(pointer, message, "merge entries, or share them out among bundles");
        }
    }

    /// Conditions that nest too deep, have too many nodes or compare with too many texts.
    fn values(&mut self, pointer: &str, when: &Condition) {
        let (depth, nodes) = when.size();
        if depth > super::MAX_DEPTH || nodes > super::MAX_NODES {
            let remedy = format!("at most {} deep and {} nodes: split the rule", super::MAX_DEPTH, super::MAX_NODES);
            self.error(pointer, format!("nests {depth} deep with {nodes} nodes"), remedy);
            return;
        }
        when.tests(pointer, &mut |pointer, test| {
            let found = test.value.as_array().map_or(0, Vec::len);
            self.size(&format!("{pointer}/value"), found, MAX_VALUES);
        });
    }
}
