//! Quiet hours: they delay notices to people, never the availability of a message.

use jiff::tz::TimeZone;

use crate::calendar::zone::{DAY, Offsets, wall};
use crate::calendar::{Shift, WallTime};
use crate::policy::Policy;
use crate::policy::bundle::{QuietAudience, WindowsIn};
use crate::thread::Priority;
use crate::time::Instant;

impl Policy {
    /// The earliest instant at or after `at` at which a notice to that audience may leave. It is `at` itself outside
    /// quiet hours and for urgencies that bypass them. Inside, it is the end of the window; windows that touch it are
    /// waited for too, but no longer than the longest hold.
    pub fn quiet_until(
        &self,
        audience: QuietAudience,
        zone: Option<&TimeZone>,
        priority: Priority,
        at: Instant,
    ) -> Instant {
        let mut release = at;
        let windows = self.bundle.quiet_hours.iter().filter(|quiet| quiet.audience == audience);
        for quiet in windows.filter(|quiet| !quiet.bypass_priority.contains(&priority)) {
            let zone = match quiet.windows_in {
                WindowsIn::RecipientTimezone => zone.unwrap_or(&self.zone),
                WindowsIn::ClinicTimezone => &self.zone,
            };
            release = release.max(window_end(&quiet.shifts, zone, at, at.plus(quiet.max_hold.seconds())));
        }
        release
    }
}

/// The end of the window that `at` lies in; `at` itself when it lies in none. Touching windows are followed until `cap`.
fn window_end(shifts: &[Shift], zone: &TimeZone, at: Instant, cap: Instant) -> Instant {
    let day = wall(zone, at).div_euclid(DAY);
    let offsets = Offsets::of(zone, day - 2, day + 3);
    let windows: Vec<(Instant, Instant)> = (day - 1..=day + 2)
        .flat_map(|day| shifts.iter().map(move |shift| (day, shift)))
        .map(|(day, shift)| {
            let end_day = day + i64::from(shift.ends_next_day);
            let instant =
                |day: i64, time: WallTime| Instant::from_second(offsets.instant(day * DAY + i64::from(time.seconds())));
            (instant(day, shift.start), instant(end_day, shift.end))
        })
        .collect();
    let leave =
        |at: Instant| windows.iter().filter(|(from, until)| *from <= at && at < *until).map(|(_, until)| *until).max();
    let Some(mut end) = leave(at) else { return at };
    while end < cap
        && let Some(next) = leave(end)
    {
        end = next.min(cap);
    }
    end
}
