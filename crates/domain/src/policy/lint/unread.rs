//! How long answers may stay unread: for some time, and no longer than the calendars of those who answer hold.

use super::Lint;
use crate::policy::bundle::{DaysOf, Patience};
use crate::policy::turnaround::Target;
use crate::time::Span;

impl Lint<'_> {
    pub(super) fn unread(&mut self) {
        let bundle = self.bundle;
        let unread = &bundle.unread_by_patient;
        if unread.is_default() {
            return;
        }
        for (member, patience) in [("actionRequired", &unread.action_required), ("otherwise", &unread.otherwise)] {
            let Patience::Days(days) = patience else { continue };
            let pointer = format!("/unreadByPatient/{member}");
            if days.amount == Span::default() {
                let remedy = "say how many days, such as P3D, or never";
                self.error(format!("{pointer}/amount"), "leaves no time", remedy);
                continue;
            }
            if days.amount > Span::hours(366 * 24) {
                self.error(format!("{pointer}/amount"), "days are at most 366", "use an amount such as P7D, or never");
                continue;
            }
            let target = Target::OpenDays { days: days.number(), day_ends: days.day_ends };
            let beyond = bundle.pools.iter().find(|pool| {
                let calendar = self.calendars.get(pool.calendar.as_str());
                let held =
                    |calendar| target.due(calendar, self.around).is_some_and(|due| due <= calendar.compiled_until());
                days.count == DaysOf::OpenDays && calendar.is_some_and(|calendar| !held(calendar))
            });
            if let Some(pool) = beyond {
                let message = format!("lies beyond what the calendar {} opens in three years", pool.calendar);
                self.in_time(pointer, message, "shorten it, open the calendar, or count calendar-days");
            }
        }
    }
}
