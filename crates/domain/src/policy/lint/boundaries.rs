//! Red flags, quiet hours, automatic replies and limits.

use super::Lint;
use crate::calendar::Shift;
use crate::calendar::zone::DAY;
use crate::correspondent::{MOST_COUNTED, MOST_REPLIES};
use crate::policy::bundle::{AwayReply, Limit, OnExceed, QuietAudience, QuietHours, ThrottlePer, Trigger, Variable};
use crate::policy::turnaround::Count;
use crate::text::Words;
use crate::thread::Priority;
use crate::time::Span;

/// The longest text that a limit on length may allow, in characters.
pub const MAX_LENGTH: usize = 1_000_000;

/// The longest window of a limit or throttle, and the longest hold: what is remembered has an end.
const LONGEST_WINDOW: Span = Span::hours(31 * 24);

impl Lint<'_> {
    pub(super) fn red_flags(&mut self) {
        let flags = &self.bundle.red_flags;
        let empty = |phrase: &String| Words::of(phrase).is_empty();
        if flags.lists.iter().all(|list| list.phrases.iter().all(empty)) {
            let remedy = "add the site's list; red flags cannot be switched off";
            self.error("/redFlags/lists", "there is no word to look for", remedy);
        }
        for (at, list) in flags.lists.iter().enumerate() {
            let pointer = format!("/redFlags/lists/{at}");
            self.line(format!("{pointer}/label"), &list.label);
            self.language(format!("{pointer}/language"), &list.language);
            for (place, phrase) in list.phrases.iter().enumerate() {
                if empty(phrase) {
                    self.error(format!("{pointer}/phrases/{place}"), "holds no word", "write a word or take it out");
                } else {
                    self.line(format!("{pointer}/phrases/{place}"), phrase);
                }
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
        self.reply_template("/redFlags/template".to_owned(), &flags.template);
    }

    pub(super) fn quiet_hours(&mut self) {
        let bundle = self.bundle;
        for (place, quiet) in bundle.quiet_hours.iter().enumerate() {
            let pointer = format!("/quietHours/{place}");
            let mut sound = true;
            for (at, shift) in quiet.shifts.iter().enumerate() {
                if shift.start == shift.end {
                    let remedy = "leave some time in which notices may leave, or take the window out";
                    self.error(format!("{pointer}/shifts/{at}"), "starts when it ends: all day or never", remedy);
                    sound = false;
                } else if let Some(fault) = shift.fault() {
                    self.error(format!("{pointer}/shifts/{at}"), fault.to_string(), fault.remedy());
                    sound = false;
                }
            }
            if quiet.shifts.is_empty() {
                self.error(format!("{pointer}/shifts"), "there is no window", "say when it is quiet, or take it out");
            }
            if quiet.max_hold == Span::default() {
                self.error(format!("{pointer}/maxHold"), "holds nothing", "say how long at most, such as PT12H");
            }
            if sound && covers_the_day(quiet.shifts.iter()) {
                let remedy = "leave some time in which notices may leave";
                self.error(format!("{pointer}/shifts"), "is quiet all day", remedy);
            }
        }
        for audience in [QuietAudience::Patient, QuietAudience::Staff] {
            let of = |quiet: &&QuietHours| quiet.audience == audience && !covers_the_day(quiet.shifts.iter());
            if covers_the_day(bundle.quiet_hours.iter().filter(of).flat_map(|quiet| &quiet.shifts)) {
                let message = "the windows of one audience leave no time of the day";
                self.error("/quietHours", message, "leave some time in which notices may leave");
            }
        }
    }

    pub(super) fn away_replies(&mut self) {
        for (place, reply) in self.bundle.away_replies.iter().enumerate() {
            let pointer = format!("/awayReplies/{place}");
            self.reply_template(format!("{pointer}/template"), &reply.template);
            if let Some(id) = &reply.calendar {
                self.calendar_exists(format!("{pointer}/calendar"), id);
            }
            let first = self.bundle.away_replies[..place].iter().all(|other| other.when != reply.when);
            let alone = matches!(reply.when, Trigger::MessageAccepted | Trigger::HeldForReview | Trigger::Blocked);
            if alone && !first {
                self.warn(&pointer, "is never sent: a message gets one reply", "keep one reply for this trigger");
            }
            if reply.calendar.is_some() && reply.when != Trigger::CalendarClosed {
                self.error(format!("{pointer}/calendar"), "belongs to calendar-closed alone", "take it out");
            }
            self.throttle(&pointer, reply);
            if matches!(reply.when, Trigger::HeldForReview | Trigger::Blocked) {
                self.promises_nothing(format!("{pointer}/template"), &reply.template);
            }
        }
    }

    fn throttle(&mut self, pointer: &str, reply: &AwayReply) {
        let Some(throttle) = reply.throttle else { return };
        if throttle.window == Span::default() {
            self.error(format!("{pointer}/throttle/window"), "holds nothing back", "say how long, such as PT24H");
        }
        if throttle.window > LONGEST_WINDOW {
            self.error(format!("{pointer}/throttle/window"), "is longer than replies are remembered", "at most P31D");
        }
        let closes = matches!(reply.when, Trigger::CalendarClosed | Trigger::PersonAbsent | Trigger::PoolUnstaffed);
        if throttle.per == ThrottlePer::SenderClosure && !closes {
            let remedy = "use sender or sender-thread";
            self.error(format!("{pointer}/throttle/per"), "this trigger tells of no closure", remedy);
        }
    }

    /// While a message waits for a review nobody has promised an answer.
    fn promises_nothing(&mut self, pointer: String, id: &str) {
        let template = self.bundle.templates.iter().find(|template| template.id == id);
        if template.is_some_and(|template| template.variables.contains(&Variable::DueLocal)) {
            let remedy = "say how to reach the clinic instead";
            self.error(pointer, "promises an answer by due.local, which is not known yet", remedy);
        }
    }

    fn limit(&mut self, pointer: &str, limit: &Limit) {
        let automatic = limit.is_automatic();
        if !automatic && limit.on_exceed != OnExceed::HoldForReview {
            let remedy = "use hold-for-review: a person's message is never dropped or refused for its number";
            self.error(format!("{pointer}/onExceed"), "a person's message would be lost", remedy);
        }
        if automatic && limit.on_exceed == OnExceed::HoldForReview {
            let message = "what the service sends itself is not reviewed";
            self.error(format!("{pointer}/onExceed"), message, "use drop");
        }
        let most = if automatic { MOST_REPLIES as u32 } else { MOST_COUNTED };
        if limit.max == 0 {
            self.error(format!("{pointer}/max"), "lets nothing pass", "say how many pass, or take the limit out");
        } else if limit.max > most {
            self.error(format!("{pointer}/max"), format!("is more than {most}, which are counted"), "choose fewer");
        }
        if limit.window == Span::default() {
            self.error(format!("{pointer}/window"), "counts nothing", "say in which time, such as PT24H");
        } else if limit.window > LONGEST_WINDOW {
            self.error(format!("{pointer}/window"), "is longer than messages are remembered", "at most P31D");
        }
        if limit.review_within == Span::default() {
            self.error(format!("{pointer}/reviewWithin"), "leaves no time", "say how long, such as PT4H");
        }
        if limit.longest_hold == Span::default() || limit.longest_hold > LONGEST_WINDOW {
            let remedy = "choose a time such as PT72H, of at most P31D";
            self.error(format!("{pointer}/longestHold"), "is no time in which a message can be reviewed", remedy);
        }
    }

    /// Limits on numbers, lengths and time.
    pub(super) fn limits(&mut self) {
        let bundle = self.bundle;
        for (place, limit) in bundle.limits.iter().enumerate() {
            self.limit(&format!("/limits/{place}"), limit);
        }
        if bundle.limits.iter().any(|limit| !limit.is_automatic()) {
            for (place, _) in bundle.pools.iter().enumerate().filter(|(_, pool)| pool.leads.is_empty()) {
                let message = "nobody leads it, so that each of its members reviews what limits hold";
                self.warn(format!("/pools/{place}/leads"), message, "name who is to review");
            }
        }
        if bundle.length.notice > bundle.length.limit || bundle.length.limit == 0 {
            self.error("/length", "the notice comes after the limit", "let notice be at most limit");
        }
        if bundle.length.limit > MAX_LENGTH {
            self.error("/length/limit", format!("is more than {MAX_LENGTH}"), "choose what people can read");
        }
        if bundle.reply_window == Span::default() {
            self.error("/replyWindow", "closes threads at once", "say how long, such as P45D");
        }
        if bundle.staff_reply_words == 0 {
            self.error("/staffReplyWords", "calls every answer long", "say how many words are not, such as 60");
        }
        if bundle.visit_suggested_from == 0 {
            let remedy = "count from 1, the first message of the patient";
            self.error("/visitSuggestedFrom", "there is no message before the first", remedy);
        }
    }
}

/// Whether windows that recur every day leave no moment of it.
fn covers_the_day<'a>(shifts: impl Iterator<Item = &'a Shift>) -> bool {
    let mut parts: Vec<(i64, i64)> = shifts
        .flat_map(|shift| {
            let (start, end) = (i64::from(shift.start.seconds()), i64::from(shift.end.seconds()));
            if shift.ends_next_day { [(start, DAY), (0, end)] } else { [(start, end), (0, 0)] }
        })
        .collect();
    parts.sort_unstable();
    let covered =
        parts.into_iter().try_fold(0, |reached: i64, (start, end)| (start <= reached).then(|| reached.max(end)));
    covered.is_some_and(|reached| reached >= DAY)
}
