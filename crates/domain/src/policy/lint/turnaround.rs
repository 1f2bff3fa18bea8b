//! Turnaround policies: that one governs every message, that targets can be kept, and that somebody is told.

use std::collections::{BTreeMap, BTreeSet};

use super::Lint;
use crate::clock::{ClockName, PAUSE_ENDS, PROMISE_MISSED};
use crate::decide::UNREAD;
use crate::policy::turnaround::{
    At, CalendarRef, ClockPolicy, Count, OnReopen, PriorityTarget, Starts, Stops, Target, Threshold, Turnaround,
};
use crate::thread::Priority;
use crate::time::Span;

/// A target with its place, to be held against each calendar it may be counted by.
struct Placed {
    pointer: String,
    target: Target,
}

/// Targets by the id of a calendar that may count them.
type Reaches<'a> = BTreeMap<&'a str, Vec<Placed>>;

impl<'a> Lint<'a> {
    pub(super) fn turnaround(&mut self) {
        let bundle = self.bundle;
        let fallbacks = bundle.turnaround.iter().filter(|policy| policy.when.is_none()).count();
        if fallbacks != 1 {
            let remedy = "leave `when` out of exactly one policy";
            self.error("/turnaround", format!("{fallbacks} policies have no condition"), remedy);
        }
        let mut reaches = Reaches::new();
        for (place, policy) in bundle.turnaround.iter().enumerate() {
            let pointer = format!("/turnaround/{place}");
            if let Some(when) = &policy.when {
                self.condition(&format!("{pointer}/when"), when);
            }
            if let Some(before) = shadow(&bundle.turnaround, policy) {
                let message = format!("never governs: the policy {before} holds before it");
                self.warn(&pointer, message, "move it before that policy, narrow that policy, or take it out");
            }
            if bundle.turnaround[..place].iter().any(|other| other.order == policy.order) {
                self.error(format!("{pointer}/order"), "two policies have this order", "give each an order of its own");
            }
            if policy.clocks.iter().all(|clock| clock.id != ClockName::NextResponse) {
                self.error(format!("{pointer}/clocks"), "nobody has to answer", "add the clock next-response");
            }
            for (at, clock) in policy.clocks.iter().enumerate() {
                let pointer = format!("{pointer}/clocks/{at}");
                if policy.clocks[..at].iter().any(|other| other.id == clock.id) {
                    self.error(format!("{pointer}/id"), "the policy has this clock already", "merge the two");
                }
                self.clock(&pointer, clock, &mut reaches);
            }
        }
        self.reachable(reaches);
    }

    fn clock(&mut self, pointer: &str, clock: &'a ClockPolicy, reaches: &mut Reaches<'a>) {
        self.course(pointer, clock);
        let calendars: BTreeSet<&str> = match &clock.calendar {
            CalendarRef::Id(id) => {
                self.calendar_exists(format!("{pointer}/calendar"), id);
                BTreeSet::from([id.as_str()])
            }
            CalendarRef::Of { .. } => self.bundle.pools.iter().map(|pool| pool.calendar.as_str()).collect(),
        };
        for priority in [Priority::Routine, Priority::Urgent, Priority::Stat] {
            if clock.target(priority).is_none() {
                self.error(format!("{pointer}/targets"), format!("no target for {priority}"), "add one");
            }
        }
        for (place, target) in clock.targets.iter().enumerate() {
            let at = format!("{pointer}/targets/{place}");
            if clock.targets[..place].iter().any(|other| other.priority == target.priority) {
                self.error(format!("{at}/priority"), "this urgency has a target already", "keep one of the two");
            }
            self.target(&at, target);
            for calendar in &calendars {
                let placed = Placed { pointer: at.clone(), target: target.target() };
                reaches.entry(calendar).or_default().push(placed);
            }
        }
        self.ids(&format!("{pointer}/thresholds"), clock.thresholds.iter().map(|threshold| threshold.id.as_str()));
        for (place, threshold) in clock.thresholds.iter().enumerate() {
            let at = format!("{pointer}/thresholds/{place}");
            let taken = [PAUSE_ENDS, PROMISE_MISSED].iter().any(|own| threshold.id.starts_with(own));
            if taken {
                let message = "is the name of something that every clock records by itself";
                self.error(format!("{at}/id"), message, "give the threshold another name, such as breach");
            }
            if threshold.id == UNREAD {
                let message = "is the name of what tells that an answer is unread";
                self.error(format!("{at}/id"), message, "give the threshold another name, such as breach");
            }
            self.actions(&at, &threshold.actions, true);
            self.threshold(&at, clock, threshold);
        }
        let recorded = clock.thresholds.iter().any(|threshold| matches!(threshold.at, At::Due { .. }));
        if clock.id == ClockName::NextResponse && !recorded {
            let remedy = "add a threshold at {\"due\": true}";
            self.warn(format!("{pointer}/thresholds"), "nothing records that an answer is late", remedy);
        }
    }

    /// When a clock rests, and for how long.
    fn rests(&mut self, pointer: &str, clock: &ClockPolicy) {
        let reasons = &clock.pauses_while;
        for (place, reason) in reasons.iter().enumerate() {
            if reasons[..place].contains(reason) {
                let pointer = format!("{pointer}/pausesWhile/{place}");
                self.error(pointer, "stands there already", "name each reason once");
            }
        }
        if clock.caps_are_shipped() {
            return;
        }
        for (place, cap) in clock.pause_caps.iter().enumerate() {
            let pointer = format!("{pointer}/pauseCaps/{place}/while");
            if clock.pause_caps[..place].iter().any(|other| other.reason == cap.reason) {
                self.error(&pointer, "this reason has a cap already", "keep one of the two");
            }
            if !reasons.contains(&cap.reason) {
                let message = format!("the clock never rests while {}", cap.reason.as_str());
                self.error(&pointer, message, "add the reason to pausesWhile, or take the cap out");
            }
        }
    }

    /// What starts, stops and restarts a clock.
    fn course(&mut self, pointer: &str, clock: &ClockPolicy) {
        self.rests(pointer, clock);
        let stops = match clock.id {
            ClockName::FirstOpened => Stops::OpenedByHuman,
            ClockName::NextResponse | ClockName::Team => Stops::HumanReply,
            ClockName::Resolve => Stops::ThreadResolved,
            ClockName::Review => {
                let remedy = "take it out: limits say reviewWithin";
                self.error(format!("{pointer}/id"), "reviews are started by holds alone", remedy);
                return;
            }
        };
        if clock.stops != stops {
            let remedy =
                "first-opened stops when opened-by-human, resolve when thread-resolved, the others at human-reply";
            self.error(format!("{pointer}/stops"), format!("does not stop the clock {}", clock.id), remedy);
        }
        let of_a_team = matches!(clock.starts, Starts::HandedToPool | Starts::Assigned);
        if of_a_team && clock.id != ClockName::Team {
            let message = format!("{} does not begin with a team", clock.id);
            self.error(
                format!("{pointer}/starts"),
                message,
                "start it with patient-message; these start the clock team",
            );
        }
        if clock.id == ClockName::NextResponse && clock.starts == Starts::ThreadOpened {
            let message = "leaves every message but the first without an answer";
            self.error(format!("{pointer}/starts"), message, "start it with patient-message");
        }
        if clock.id == ClockName::NextResponse && clock.on_reopen == OnReopen::None {
            let message = "leaves whoever writes again without an answer";
            self.error(format!("{pointer}/onReopen"), message, "use new-cycle");
        }
    }

    fn target(&mut self, pointer: &str, target: &PriorityTarget) {
        if target.count == Count::OpenDays && target.amount.seconds() > 366 * 86_400 {
            self.error(format!("{pointer}/amount"), "open days are at most 366", "use an amount such as P2D");
        }
        if target.amount == Span::default() {
            self.error(format!("{pointer}/amount"), "leaves no time", "say how long");
        }
        if target.day_ends.is_some() && target.count != Count::OpenDays {
            self.error(format!("{pointer}/dayEnds"), "belongs to open-days alone", "take it out");
        }
    }

    /// A target that a calendar cannot hold within the compiled years would leave a patient without a promise. Each
    /// calendar is asked for the smallest amounts first: after one that is too large nothing larger is asked for. A
    /// target is named once, with the first calendar that cannot hold it.
    fn reachable(&mut self, reaches: Reaches<'a>) {
        let around = self.around;
        let mut unreachable: BTreeMap<String, &str> = BTreeMap::new();
        for (key, mut targets) in reaches {
            let Some(calendar) = self.calendars.get(key) else { continue };
            targets.sort_by_key(|placed| rank(&placed.target));
            let mut beyond: Option<u8> = None;
            for Placed { pointer, target } in targets {
                let (kind, _) = rank(&target);
                let known = beyond == Some(kind);
                if known || target.due(calendar, around).is_none_or(|due| due > calendar.compiled_until()) {
                    beyond = Some(kind);
                    unreachable.entry(pointer).or_insert(key);
                }
            }
        }
        for (pointer, key) in unreachable {
            let message = format!("lies beyond what the calendar {key} opens in three years");
            self.in_time(pointer, message, "shorten the target or open the calendar");
        }
    }

    fn threshold(&mut self, pointer: &str, clock: &ClockPolicy, threshold: &Threshold) {
        match &threshold.at {
            At::Percent { percent } if !(1..=99).contains(percent) => {
                let remedy = "use 1 to 99, or {\"due\": true} for the breach itself";
                self.error(format!("{pointer}/at/percent"), "does not lie between start and due", remedy);
            }
            At::Before { before: amount } | At::After { after: amount, .. } if *amount == Span::default() => {
                let remedy = "use {\"due\": true} for the breach itself, or say how long";
                self.error(format!("{pointer}/at"), "lies at due itself", remedy);
            }
            At::After { after, .. } if *after > LONGEST_AFTER => {
                let remedy = "use an amount such as PT4H, within a year";
                self.error(format!("{pointer}/at/after"), "lies more than a year after due", remedy);
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
}

/// How long after due something may happen: a year of hours that are all open.
const LONGEST_AFTER: Span = Span::hours(366 * 24);

/// Kinds of counting, and the amount: of one kind, what ranks higher is due no earlier.
fn rank(target: &Target) -> (u8, i64) {
    use crate::policy::turnaround::DayEnds;
    match target {
        Target::OpenTime { amount } => (0, amount.seconds()),
        Target::ElapsedTime { amount } => (1, amount.seconds()),
        Target::OpenDays { days, day_ends: DayEnds::Close } => (2, i64::from(*days)),
        Target::OpenDays { days, day_ends: DayEnds::SameTime } => (3, i64::from(*days)),
        Target::Manual { due } => (4, due.as_second()),
    }
}

/// The policy that keeps another from ever governing: one tried before that holds always, or whenever the other would.
fn shadow<'a>(policies: &'a [Turnaround], policy: &Turnaround) -> Option<&'a str> {
    let before = |other: &&Turnaround| policy.when.is_none() || other.order < policy.order;
    let covers = |other: &&Turnaround| {
        other.when.as_ref().is_some_and(|when| when.constant() == Some(true) || Some(when) == policy.when.as_ref())
    };
    policies.iter().filter(before).find(covers).map(|other| other.id.as_str())
}
