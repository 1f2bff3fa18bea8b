//! Sorted, disjoint, non-touching intervals of seconds with running totals: what every question about open time is
//! answered from.

/// Seconds `[from, until)` since the Unix epoch, or since midnight for wall-clock shifts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Interval {
    pub from: i64,
    pub until: i64,
}

impl Interval {
    /// The part of this interval inside `[from, until)`, if any is left.
    pub fn within(self, from: i64, until: i64) -> Option<Self> {
        let part = Self { from: self.from.max(from), until: self.until.min(until) };
        (part.from < part.until).then_some(part)
    }
}

/// Makes any intervals sorted, disjoint and non-touching.
pub(super) fn merged(mut intervals: Vec<Interval>) -> Vec<Interval> {
    intervals.sort();
    let mut kept: Vec<Interval> = Vec::with_capacity(intervals.len());
    for next in intervals.into_iter().filter(|next| next.from < next.until) {
        match kept.last_mut() {
            Some(last) if next.from <= last.until => last.until = last.until.max(next.until),
            _ => kept.push(next),
        }
    }
    kept
}

/// The columns are kept apart so that a binary search touches little memory.
#[derive(Clone, Debug, Default)]
pub(super) struct Intervals {
    starts: Vec<i64>,
    ends: Vec<i64>,
    /// Total length of all intervals before this one.
    before: Vec<i64>,
}

impl Intervals {
    /// How many there are.
    pub fn count(&self) -> usize {
        self.starts.len()
    }

    pub fn new(intervals: Vec<Interval>) -> Self {
        let intervals = merged(intervals);
        let before = intervals.iter().scan(0, |total, each| {
            let before = *total;
            *total += each.until - each.from;
            Some(before)
        });
        Self {
            starts: intervals.iter().map(|each| each.from).collect(),
            ends: intervals.iter().map(|each| each.until).collect(),
            before: before.collect(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.starts.is_empty()
    }

    /// The end of the last interval.
    pub fn end(&self) -> Option<i64> {
        self.ends.last().copied()
    }

    /// The interval that holds `at`.
    pub fn holding(&self, at: i64) -> Option<Interval> {
        let next = self.starts.partition_point(|&start| start <= at);
        let held = self.get(next.checked_sub(1)?)?;
        (at < held.until).then_some(held)
    }

    /// The first interval that ends after `at`: the one that holds it, else the next one.
    pub fn ending_after(&self, at: i64) -> Option<Interval> {
        self.get(self.ends.partition_point(|&end| end <= at))
    }

    /// Seconds inside intervals before `at`.
    pub fn before(&self, at: i64) -> i64 {
        match self.starts.partition_point(|&start| start <= at).checked_sub(1) {
            Some(last) => self.before[last] + at.min(self.ends[last]) - self.starts[last],
            None => 0,
        }
    }

    /// The least second before which `amount` seconds lie inside intervals; `None` when there are not that many.
    /// `amount` is positive.
    pub fn reaching(&self, amount: i64) -> Option<i64> {
        let last = self.before.partition_point(|&before| before < amount).checked_sub(1)?;
        let at = self.starts[last].saturating_add(amount - self.before[last]);
        (at <= self.ends[last]).then_some(at)
    }

    /// The parts inside `[from, until)`, in order.
    pub fn inside(&self, from: i64, until: i64) -> impl Iterator<Item = Interval> + '_ {
        let first = self.ends.partition_point(|&end| end <= from);
        (first..self.starts.len()).map_while(move |index| self.get(index)?.within(from, until))
    }

    /// What `[from, until)` has outside these intervals, in order.
    pub fn outside(&self, from: i64, until: i64) -> impl Iterator<Item = Interval> + '_ {
        let mut reached = from;
        let end = Interval { from: until, until };
        self.inside(from, until).chain(std::iter::once(end)).filter_map(move |taken| {
            let gap = Interval { from: reached, until: taken.from };
            reached = taken.until;
            (gap.from < gap.until).then_some(gap)
        })
    }

    fn get(&self, index: usize) -> Option<Interval> {
        Some(Interval { from: *self.starts.get(index)?, until: *self.ends.get(index)? })
    }
}
