//! Quiet hours: they delay notices to people, never the availability of a message.

use jiff::tz::TimeZone;

use crate::calendar::zone::{DAY, Offsets, wall};
use crate::calendar::{Shift, WallTime};
use crate::policy::Policy;
use crate::policy::bundle::{QuietAudience, QuietHours, WindowsIn};
use crate::thread::Priority;
use crate::time::Instant;

impl Policy {
    /// The earliest instant at or after `at` at which a notice to that audience may leave, that could have left at
    /// `since` but for quiet hours. It is `at` itself outside quiet hours and for urgencies that bypass them. Inside, it
    /// is the end of the window; windows that touch it are waited for too, those of other entries included, but no
    /// longer than the longest hold of their entry. What has waited for so long already is held no more.
    pub fn quiet_until(
        &self,
        audience: QuietAudience,
        zone: Option<&TimeZone>,
        priority: Priority,
        (since, at): (Instant, Instant),
    ) -> Instant {
        let concerned = self.bundle.quiet_hours.iter().filter(|quiet| quiet.audience == audience);
        let entries: Vec<(Windows<'_>, Instant)> = concerned
            .filter(|quiet| !quiet.bypass_priority.contains(&priority))
            .map(|quiet| {
                let zone = self.quiet_zone(quiet, zone);
                (Windows { shifts: &quiet.shifts, zone }, since.plus(quiet.max_hold.seconds()))
            })
            .filter(|(_, cap)| *cap > at)
            .collect();
        let Some(mut release) = entries.iter().filter_map(|(windows, _)| windows.end(at)).max() else { return at };
        loop {
            let held = entries.iter().filter(|(_, cap)| release < *cap);
            match held.filter_map(|(windows, cap)| Some(windows.end(release)?.min(*cap))).max() {
                Some(later) => release = later,
                None => return release,
            }
        }
    }
}

impl Policy {
    /// An entry of quiet hours for that audience in whose window `at` lies, whoever may pass it.
    pub fn quiet_at(&self, audience: QuietAudience, zone: Option<&TimeZone>, at: Instant) -> Option<&QuietHours> {
        self.bundle.quiet_hours.iter().filter(|quiet| quiet.audience == audience).find(|quiet| {
            let windows = Windows { shifts: &quiet.shifts, zone: self.quiet_zone(quiet, zone) };
            windows.end(at).is_some()
        })
    }

    fn quiet_zone<'a>(&'a self, quiet: &QuietHours, recipient: Option<&'a TimeZone>) -> &'a TimeZone {
        match quiet.windows_in {
            WindowsIn::RecipientTimezone => recipient.unwrap_or(&self.zone),
            WindowsIn::ClinicTimezone => &self.zone,
        }
    }
}

/// Quiet windows as a wall clock in a zone shows them.
struct Windows<'a> {
    shifts: &'a [Shift],
    zone: &'a TimeZone,
}

impl Windows<'_> {
    /// The end of the window that `at` lies in; of several, the latest. It is later than `at`.
    fn end(&self, at: Instant) -> Option<Instant> {
        let today = wall(self.zone, at).div_euclid(DAY);
        let offsets = Offsets::of(self.zone, today - 2, today + 2);
        let instant =
            |day: i64, time: WallTime| Instant::from_second(offsets.instant(day * DAY + i64::from(time.seconds())));
        // A clock set back shows yesterday's date again, and a window lasts a day at most.
        (today - 2..=today + 1)
            .flat_map(|day| self.shifts.iter().map(move |shift| (day, shift)))
            .map(|(day, shift)| (instant(day, shift.start), instant(day + i64::from(shift.ends_next_day), shift.end)))
            .filter(|(from, until)| *from <= at && at < *until)
            .map(|(_, until)| until)
            .max()
    }
}
