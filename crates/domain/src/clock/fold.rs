//! Folding a ledger, and the instants that follow from it.

use crate::calendar::Calendar;
use crate::clock::{Clock, ClockState, Event, Fold, LedgerEntry, NextThreshold, Segment};
use crate::policy::turnaround::{At, DayEnds, Target, Threshold};
use crate::time::{Instant, Span};

impl Target {
    /// When an obligation that begins at `start` is due. `None` when the calendar does not open for long enough.
    pub fn due(&self, calendar: &Calendar, start: Instant) -> Option<Instant> {
        match self {
            Self::OpenTime { amount } => calendar.add(start, *amount),
            Self::OpenDays { days, day_ends: DayEnds::Close } => calendar.open_day_close(start, u32::from(*days)),
            Self::OpenDays { days, day_ends: DayEnds::SameTime } => {
                calendar.open_day_same_time(start, u32::from(*days))
            }
            Self::ElapsedTime { amount } => Some(start.plus(amount.seconds())),
            Self::Manual { due } => Some(*due),
        }
    }

    /// Time used between two instants, in the unit of the target.
    fn measure(&self, calendar: &Calendar, from: Instant, until: Instant) -> Span {
        match self {
            Self::OpenTime { .. } | Self::OpenDays { .. } => calendar.elapsed(from, until),
            Self::ElapsedTime { .. } | Self::Manual { .. } => Span::from_seconds(until.since(from)),
        }
    }

    /// The instant at which `amount` more has been used, counted from `from`.
    fn after(&self, calendar: &Calendar, from: Instant, amount: Span) -> Option<Instant> {
        if amount == Span::default() {
            return Some(from);
        }
        match self {
            Self::OpenTime { .. } | Self::OpenDays { .. } => calendar.add(from, amount),
            Self::ElapsedTime { .. } | Self::Manual { .. } => Some(from.plus(amount.seconds())),
        }
    }
}

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
            stopped_at: None,
            breached_at: None,
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
    #[must_use]
    pub fn then(mut self, at: Instant, event: &Event, calendars: &dyn Calendars) -> Self {
        match event {
            Event::Activate { target, calendar } if self.state == ClockState::Pending => {
                self.state = ClockState::Running;
                self.started_at = Some(at);
                self.calendar.clone_from(calendar);
                self.target = Some(target.clone());
                if let Some(counting) = calendars.calendar(calendar) {
                    let due = target.due(counting, at);
                    self.allowance = allowance(target, counting, at, due);
                    self.set_due(due);
                }
                self.open_segment(at, true);
            }
            Event::Pause { .. } if self.state == ClockState::Running => {
                self.close_segment(at, calendars);
                self.state = ClockState::Paused;
                self.due_at = None;
                self.open_segment(at, false);
            }
            Event::Resume if self.state == ClockState::Paused => {
                self.close_segment(at, calendars);
                self.state = ClockState::Running;
                if self.was_overdue() || self.rested_in_closed_time(at, calendars) {
                    self.set_due(self.last_due_at);
                } else {
                    self.project(at, calendars);
                }
                self.open_segment(at, true);
            }
            Event::Fulfill if !self.state.is_over() && self.state != ClockState::Pending => {
                let late = self.due_at.map_or_else(|| self.was_overdue(), |due| at > due);
                self.stop(at, if late { ClockState::MetLate } else { ClockState::Met }, calendars);
            }
            Event::Cancel { .. } if !self.state.is_over() => self.stop(at, ClockState::Cancelled, calendars),
            Event::Waive { .. } if !self.state.is_over() => self.stop(at, ClockState::Waived, calendars),
            Event::Retarget { target, .. } if !self.state.is_over() && self.state != ClockState::Pending => {
                self.renew(at, calendars);
                if let (Some(counting), Some(start)) = (calendars.calendar(&self.calendar), self.started_at) {
                    self.allowance = allowance(target, counting, start, target.due(counting, start));
                }
                self.target = Some(target.clone());
                if self.state == ClockState::Running {
                    self.project(at, calendars);
                }
            }
            Event::Recalendar { calendar } if !self.state.is_over() && self.state != ClockState::Pending => {
                self.renew(at, calendars);
                self.calendar.clone_from(calendar);
                if let Some(segment) = self.segments.last_mut() {
                    segment.calendar.clone_from(calendar);
                }
                if self.state == ClockState::Running {
                    self.project(at, calendars);
                }
            }
            Event::Breach
                if self.breached_at.is_none() && !self.state.is_over() && self.state != ClockState::Pending =>
            {
                self.breached_at = Some(at);
            }
            _ => {}
        }
        self
    }

    /// All the time used until `now`, in the unit of the target.
    pub fn used_until(&self, now: Instant, calendars: &dyn Calendars) -> Span {
        self.used.and(self.running(now, calendars))
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
        self.due_at = None;
    }

    /// Due from what remains at `at`; a due instant set by a person stays.
    fn project(&mut self, at: Instant, calendars: &dyn Calendars) {
        let due = match (&self.target, calendars.calendar(&self.calendar)) {
            (Some(Target::Manual { due }), _) => Some(*due),
            (Some(target), Some(calendar)) => target.after(calendar, at, self.allowance.less(self.used)),
            _ => None,
        };
        self.set_due(due);
    }
}

/// All the time an obligation has: for open days the open time from start to due.
fn allowance(target: &Target, calendar: &Calendar, start: Instant, due: Option<Instant>) -> Span {
    match target {
        Target::OpenTime { amount } | Target::ElapsedTime { amount } => *amount,
        Target::OpenDays { .. } | Target::Manual { .. } => {
            due.map(|due| target.measure(calendar, start, due)).unwrap_or_default()
        }
    }
}

impl Clock {
    /// Adds an event: the ledger entry to keep, with the state, the next threshold and the promise brought up to date.
    pub fn record(&mut self, at: Instant, event: Event, calendars: &dyn Calendars) -> LedgerEntry {
        self.fold = std::mem::take(&mut self.fold).then(at, &event, calendars);
        self.entries += 1;
        self.next = self.next_threshold(calendars);
        if let (Some(promised), Some(due)) = (self.promised_at, self.fold.due_at) {
            self.promised_at = Some(promised.min(due));
        }
        LedgerEntry { clock: self.id.clone(), sequence: self.entries, at, event }
    }

    /// The first instant at which a threshold may fire, as the clock runs now. `None` while it does not run.
    pub fn threshold_at(&self, threshold: &Threshold, calendars: &dyn Calendars) -> Option<Instant> {
        let fold = &self.fold;
        let due = fold.due_at?;
        let target = fold.target.as_ref()?;
        let calendar = calendars.calendar(&fold.calendar)?;
        let segment = fold.segments.last().filter(|segment| segment.running && segment.until.is_none())?;
        let used_reaches = |amount: Span| target.after(calendar, segment.from, amount.less(fold.used));
        match &threshold.at {
            At::Percent { percent } => {
                let share = (fold.allowance.seconds() * i64::from(*percent) + 99) / 100;
                used_reaches(Span::from_seconds(share)).map(|at| at.min(due))
            }
            At::Before { before } => used_reaches(fold.allowance.less(*before)).map(|at| at.min(due)),
            At::After { after, elapsed: true } => Some(due.plus(after.seconds())),
            At::After { after, elapsed: false } => calendar.add(due, *after),
            At::Due { .. } => Some(due.plus(1)),
        }
    }

    /// The earliest threshold that has not fired, as the clock runs now.
    pub fn next_threshold(&self, calendars: &dyn Calendars) -> Option<NextThreshold> {
        self.terms
            .thresholds
            .iter()
            .filter(|threshold| !self.fired.contains(&threshold.id))
            .filter_map(|threshold| {
                Some(NextThreshold { id: threshold.id.clone(), at: self.threshold_at(threshold, calendars)? })
            })
            .min_by_key(|next| next.at)
    }

    /// Marks a threshold as fired and finds the next.
    pub fn fire(&mut self, threshold: &str, calendars: &dyn Calendars) {
        self.fired.push(threshold.to_owned());
        self.next = self.next_threshold(calendars);
    }
}
