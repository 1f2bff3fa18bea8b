//! What a clock is looked at for: its thresholds, the end of a pause, and a promise that passes.

use crate::clock::{Calendars, Clock, ClockState, Event, LedgerEntry, NextThreshold};
use crate::policy::turnaround::{At, Threshold};
use crate::time::{Instant, Span};

/// Names the instant at which a pause ends by itself.
pub const PAUSE_ENDS: &str = "pause-ends";

/// Names the passing of a promise while due is later; it is recorded once a cycle.
pub const PROMISE_MISSED: &str = "promise-missed";

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
            At::After { after, elapsed: false } => self.open_after(due, *after, calendars),
            At::Due { .. } => Some(due.plus(1)),
        }
    }

    /// When so much open time has passed since due, each stretch counted by the hours that held then: nobody was slow
    /// because hours changed.
    fn open_after(&self, due: Instant, after: Span, calendars: &dyn Calendars) -> Option<Instant> {
        let (mut left, mut from) = (after, due);
        for segment in self.fold.segments.iter().filter(|segment| segment.until.is_none_or(|until| until > due)) {
            let calendar = calendars.calendar(&segment.calendar)?;
            let reached = calendar.add(from, left);
            let Some(until) = segment.until.filter(|until| reached.is_none_or(|at| at > *until)) else {
                return reached;
            };
            left = left.less(calendar.elapsed(from, until));
            from = until;
        }
        None
    }

    /// The earliest threshold that has not fired, as the clock runs now.
    pub fn next_threshold(&self, calendars: &dyn Calendars) -> Option<NextThreshold> {
        let next = |id: &str, at| NextThreshold { id: id.to_owned(), at };
        let ends = self.fold.paused_until.map(|at| next(PAUSE_ENDS, at));
        let missed = self.promise_passes().map(|at| next(PROMISE_MISSED, at.plus(1)));
        self.terms
            .thresholds
            .iter()
            .filter(|threshold| !self.fired.contains(&threshold.id))
            .filter_map(|threshold| Some(next(&threshold.id, self.threshold_at(threshold, calendars)?)))
            .chain(ends)
            .chain(missed)
            .min_by_key(|next| next.at)
    }

    /// The instant that was promised, while nothing else tells when it passes: due is later, or rests.
    pub fn promise_passes(&self) -> Option<Instant> {
        let open = matches!(self.fold.state, ClockState::Running | ClockState::Paused);
        let told = self.fired.iter().any(|fired| fired == PROMISE_MISSED);
        let promised = self.promised_at.filter(|_| open && !told)?;
        self.fold.due_at.is_none_or(|due| due > promised).then_some(promised)
    }

    /// By when a patient may be told that somebody answers: when it is due, or what they were told before where that is
    /// earlier. `None` while nothing is due, and once that instant has passed.
    pub fn to_be_told(&self, now: Instant) -> Option<Instant> {
        let due = self.fold.due_at?;
        Some(self.promised_at.map_or(due, |promised| promised.min(due))).filter(|at| *at > now)
    }

    /// Whether it is due later than the patient was told.
    pub fn is_due_after_promise(&self) -> bool {
        self.promised_at.zip(self.fold.due_at.or(self.fold.last_due_at)).is_some_and(|(promised, due)| due > promised)
    }

    /// Marks a threshold as fired and finds the next.
    pub fn fire(&mut self, threshold: &str, calendars: &dyn Calendars) {
        self.fired.push(threshold.to_owned());
        self.next = self.next_threshold(calendars);
    }
}
