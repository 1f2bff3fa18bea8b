//! Folding a ledger, and the instants that follow from it.

use crate::calendar::Calendar;
use crate::clock::{ClockState, Event, Fold, LedgerEntry, Segment};
use crate::policy::turnaround::Target;
use crate::time::{Instant, Span};

/// The calendars that a ledger may name.
pub trait Calendars {
    /// The calendar of a key.
    fn calendar(&self, key: &str) -> Option<&Calendar>;
}

impl Calendars for crate::policy::Policy {
    fn calendar(&self, key: &str) -> Option<&Calendar> {
        crate::policy::Policy::calendar(self, key)
    }
}

impl Default for Fold {
    fn default() -> Self {
        Self {
            state: ClockState::Pending,
            target: None,
            calendar: String::new(),
            started_at: None,
            due_at: None,
            last_due_at: None,
            paused_until: None,
            stopped_at: None,
            breached_at: None,
            retargeted_at: None,
            allowance: Span::default(),
            used: Span::default(),
            segments: Vec::new(),
        }
    }
}

impl Fold {
    /// The state that entries fold to, in whatever order they are given. A calendar that is not known is kept as it
    /// was: nothing is recounted under another one.
    pub fn of(entries: &[LedgerEntry], calendars: &dyn Calendars) -> Self {
        let mut ordered: Vec<&LedgerEntry> = entries.iter().collect();
        ordered.sort_by_key(|entry| (entry.at, entry.sequence));
        ordered.dedup_by_key(|entry| (entry.at, entry.sequence));
        ordered.into_iter().fold(Self::default(), |fold, entry| fold.then(entry.at, &entry.event, calendars))
    }

    /// The state after one more event. Events that make no sense in the present state change nothing.
    /// A pause that has ended by itself meanwhile has ended first.
    #[must_use]
    pub fn then(self, at: Instant, event: &Event, calendars: &dyn Calendars) -> Self {
        self.awake(at, calendars).with(at, event, calendars)
    }

    fn awake(mut self, at: Instant, calendars: &dyn Calendars) -> Self {
        if let Some(until) = self.paused_until.filter(|until| *until <= at) {
            self.resume(until, calendars);
        }
        self
    }

    fn with(mut self, at: Instant, event: &Event, calendars: &dyn Calendars) -> Self {
        match event {
            Event::Activate { target, calendar } if self.state == ClockState::Pending => {
                self.state = ClockState::Running;
                self.started_at = Some(at);
                self.calendar.clone_from(calendar);
                self.target = Some(target.clone());
                if let Some(counting) = calendars.calendar(calendar) {
                    let due = target.due(counting, at);
                    self.allowance = target.allowance(counting, at);
                    self.set_due(due);
                }
                self.open_segment(at, true);
            }
            Event::Pause { until, .. } if self.state == ClockState::Running => {
                self.close_segment(at, calendars);
                self.state = ClockState::Paused;
                self.due_at = None;
                self.paused_until = *until;
                self.open_segment(at, false);
            }
            Event::Resume if self.state == ClockState::Paused => self.resume(at, calendars),
            Event::Fulfill if !self.state.is_over() && self.state != ClockState::Pending => {
                let late = self.due_at.map_or_else(|| self.was_overdue(), |due| at > due);
                self.stop(at, if late { ClockState::MetLate } else { ClockState::Met }, calendars);
            }
            Event::Cancel { .. } if !self.state.is_over() => self.stop(at, ClockState::Cancelled, calendars),
            Event::Waive { .. } if !self.state.is_over() => self.stop(at, ClockState::Waived, calendars),
            Event::Retarget { target, due, .. } if !self.state.is_over() && self.state != ClockState::Pending => {
                self.renew(at, calendars);
                self.target = Some(target.clone());
                self.retargeted_at = Some(at);
                self.retarget(at, *due, calendars);
            }
            Event::Extend { amount, .. } if !self.state.is_over() && self.state != ClockState::Pending => {
                self.extend(at, *amount, calendars);
            }
            Event::Recalendar { calendar, .. } if !self.state.is_over() && self.state != ClockState::Pending => {
                self.renew(at, calendars);
                self.calendar.clone_from(calendar);
                if let Some(segment) = self.segments.last_mut() {
                    segment.calendar.clone_from(calendar);
                }
                if self.last_due_at.is_none() {
                    // Under no calendar before could it be said how much time it has.
                    self.allow(calendars);
                }
                // What is late stays late by as much.
                if self.state == ClockState::Running && self.due_at.is_none_or(|due| due >= at) {
                    self.project(at, calendars);
                }
            }
            // What was recorded stays, also where an answer turns out to have been given before.
            Event::Breach if self.breached_at.is_none() && self.state != ClockState::Pending => {
                self.breached_at = Some(at);
            }
            _ => {}
        }
        self
    }

    fn resume(&mut self, at: Instant, calendars: &dyn Calendars) {
        self.close_segment(at, calendars);
        self.state = ClockState::Running;
        self.paused_until = None;
        if self.was_overdue() || self.rested_in_closed_time(at, calendars) {
            self.set_due(self.last_due_at);
        } else {
            self.project(at, calendars);
        }
        self.open_segment(at, true);
    }

    /// What the target in force asks for, counted from the beginning or, where due is given, from what remains until then.
    fn retarget(&mut self, at: Instant, due: Option<Instant>, calendars: &dyn Calendars) {
        let set = match &self.target {
            Some(Target::Manual { due }) => Some(*due),
            _ => due,
        };
        let Some(due) = set else {
            self.allow(calendars);
            if self.state == ClockState::Running {
                self.project(at, calendars);
            }
            return;
        };
        if let (Some(target), Some(calendar)) = (&self.target, calendars.calendar(&self.calendar)) {
            self.allowance = self.used.and(target.measure(calendar, at, due));
        }
        // What is set while it rests is what it is due by once it goes on.
        self.last_due_at = Some(due);
        self.due_at = Some(due).filter(|_| self.state == ClockState::Running);
    }

    /// All the time that the target gives from the beginning.
    fn allow(&mut self, calendars: &dyn Calendars) {
        let counting = calendars.calendar(&self.calendar);
        if let (Some(target), Some(counting), Some(start)) = (&self.target, counting, self.started_at) {
            self.allowance = target.allowance(counting, start);
        }
    }

    /// More time: due moves by as much of what the target counts; one that a person has set moves in open time.
    fn extend(&mut self, at: Instant, amount: Span, calendars: &dyn Calendars) {
        self.renew(at, calendars);
        self.allowance = self.allowance.and(amount);
        let moved =
            calendars.calendar(&self.calendar).zip(self.last_due_at).and_then(|(calendar, due)| match &self.target {
                Some(Target::ElapsedTime { .. }) => Some(due.plus(amount.seconds())),
                _ => calendar.add(due, amount),
            });
        if let (Some(Target::Manual { due }), Some(moved)) = (&mut self.target, moved) {
            *due = moved;
        }
        if self.state == ClockState::Running {
            self.set_due(moved);
        } else {
            self.last_due_at = moved.or(self.last_due_at);
        }
    }

    /// All the time used until `now`, in the unit of the target.
    pub fn used_until(&self, now: Instant, calendars: &dyn Calendars) -> Span {
        if self.paused_until.is_some_and(|until| until <= now) {
            return self.clone().awake(now, calendars).used_until(now, calendars);
        }
        self.used.and(self.running(now, calendars))
    }

    /// When it is due; of a clock that rests, when it would be if it went on at `now`.
    pub fn due_going_on(&self, now: Instant, calendars: &dyn Calendars) -> Option<Instant> {
        match self.state {
            ClockState::Paused => self.clone().then(now, &Event::Resume, calendars).due_at,
            _ => self.due_at,
        }
    }

    /// When it would be due had it begun at an earlier instant, with the time from there to its beginning used as well.
    /// `None` where that says nothing: a person has set when it is due, or it does not run.
    pub fn due_if_begun(&self, earlier: Instant, now: Instant, calendars: &dyn Calendars) -> Option<Instant> {
        let target = self.target.as_ref().filter(|target| !matches!(target, Target::Manual { .. }))?;
        let calendar = calendars.calendar(&self.calendar)?;
        let all = target.allowance(calendar, earlier);
        let used = target.measure(calendar, earlier, self.started_at?).and(self.used_until(now, calendars));
        target.after(calendar, now, all.less(used))
    }

    /// The state as it is told: `overdue` for a clock that runs and whose due has passed, `unbounded` for one that runs
    /// and of which no calendar says by when.
    pub fn standing(&self, now: Instant) -> &'static str {
        if self.is_overdue(now) {
            "overdue"
        } else if self.is_unbounded() {
            "unbounded"
        } else {
            self.state.as_str()
        }
    }

    /// Whether the clock runs without ever being due: its calendar does not open for long enough.
    pub fn is_unbounded(&self) -> bool {
        self.state == ClockState::Running && self.due_at.is_none()
    }

    /// Whether due has passed while the clock runs.
    pub fn is_overdue(&self, now: Instant) -> bool {
        self.state == ClockState::Running && self.due_at.is_some_and(|due| now > due)
    }

    /// Whether due had passed when the clock last ran: a pause does not mend what is late.
    fn was_overdue(&self) -> bool {
        let ran_until = self.segments.iter().rev().find(|segment| segment.running).and_then(|segment| segment.until);
        ran_until.zip(self.last_due_at).is_some_and(|(until, due)| until > due)
    }

    /// Whether the pause that ends at `at` took no time of the target's unit and the terms stayed as they were: then
    /// due stays as well, also where counting what remains would find another instant with as much open time before.
    fn rested_in_closed_time(&self, at: Instant, calendars: &dyn Calendars) -> bool {
        let (Some(target), [.., ran, rested]) = (&self.target, self.segments.as_slice()) else { return false };
        let Some(calendar) = calendars.calendar(&self.calendar) else { return false };
        ran.running && ran.calendar == self.calendar && target.measure(calendar, rested.from, at) == Span::default()
    }

    fn running(&self, now: Instant, calendars: &dyn Calendars) -> Span {
        let Some(segment) = self.segments.last().filter(|segment| segment.until.is_none() && segment.running) else {
            return Span::default();
        };
        match (&self.target, calendars.calendar(&segment.calendar)) {
            (Some(target), Some(calendar)) => target.measure(calendar, segment.from, now),
            _ => Span::default(),
        }
    }

    fn set_due(&mut self, due: Option<Instant>) {
        self.due_at = due;
        self.last_due_at = due.or(self.last_due_at);
    }

    fn open_segment(&mut self, from: Instant, running: bool) {
        let calendar = self.calendar.clone();
        self.segments.push(Segment { from, until: None, running, calendar, used: Span::default() });
    }

    fn close_segment(&mut self, at: Instant, calendars: &dyn Calendars) {
        let used = self.running(at, calendars);
        self.used = self.used.and(used);
        if let Some(segment) = self.segments.last_mut().filter(|segment| segment.until.is_none()) {
            segment.until = Some(at);
            segment.used = used;
        }
    }

    /// Freezes what has been used, and goes on in a new segment of the same kind.
    fn renew(&mut self, at: Instant, calendars: &dyn Calendars) {
        let running = self.state == ClockState::Running;
        self.close_segment(at, calendars);
        self.open_segment(at, running);
    }

    fn stop(&mut self, at: Instant, state: ClockState, calendars: &dyn Calendars) {
        self.close_segment(at, calendars);
        self.state = state;
        self.stopped_at = Some(at);
        self.paused_until = None;
        self.due_at = None;
    }

    /// Due from what remains at `at`; a due instant set by a person stays, and what remains until then is counted anew.
    fn project(&mut self, at: Instant, calendars: &dyn Calendars) {
        if let Some(Target::Manual { .. }) = self.target {
            self.retarget(at, None, calendars);
            return;
        }
        let due = match (&self.target, calendars.calendar(&self.calendar)) {
            (Some(target), Some(calendar)) => target.after(calendar, at, self.allowance.less(self.used)),
            _ => None,
        };
        self.set_due(due);
    }
}
