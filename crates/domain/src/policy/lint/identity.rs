//! Who the bundle and its clinic are, and the names of entries.

use std::collections::BTreeSet;

use super::Lint;
use crate::calendar::{tzdb_version, zone_named};

/// Most characters of a short text such as the clinic's name.
pub const MAX_LINE: usize = 200;

impl<'a> Lint<'a> {
    /// Ids that are empty, malformed or taken twice.
    pub(super) fn ids(&mut self, list: &str, ids: impl Iterator<Item = &'a str>) {
        let mut seen = BTreeSet::new();
        for (place, id) in ids.enumerate() {
            let pointer = format!("{list}/{place}/id");
            if !is_id(id) {
                self.error(&pointer, "not a legal id", "use a-z, 0-9 and -, a letter first, at most 63 characters");
            }
            if !seen.insert(id) {
                self.error(&pointer, "the id is taken already", "give each entry an id of its own");
            }
        }
    }

    /// A text that people read, or that reads for people: not empty, not a page.
    pub(super) fn line(&mut self, pointer: impl Into<String>, text: &str) {
        if text.trim().is_empty() {
            self.error(pointer, "is empty", "say it: people are told");
        } else if text.chars().count() > MAX_LINE {
            self.error(pointer, format!("has more than {MAX_LINE} characters"), "say it in fewer");
        }
    }

    pub(super) fn language(&mut self, pointer: impl Into<String>, tag: &str) {
        if !is_language(tag) {
            self.error(pointer, "not a language tag", "use a tag of BCP 47 such as en or es-US");
        }
    }

    pub(super) fn identity(&mut self) {
        let bundle = self.bundle;
        if !is_id(&bundle.id) {
            self.error("/id", "not a legal id", "use a-z, 0-9 and -, a letter first, at most 63 characters");
        }
        if bundle.version < 1 {
            self.error("/version", "versions begin at 1", "use a whole number from 1");
        }
        let release = bundle.timezone_data.as_bytes();
        if !matches!(release, [b'2', b'0', b'0'..=b'9', b'0'..=b'9', b'a'..=b'z']) {
            let remedy = format!("name a release such as {}", tzdb_version());
            self.error("/timezoneData", "is not a release of the IANA time zone data", remedy);
        } else if bundle.timezone_data != tzdb_version() {
            let message =
                format!("written with time zone data {}, evaluated with {}", bundle.timezone_data, tzdb_version());
            self.warn("/timezoneData", message, "check due dates near changed transitions, then write the newer name");
        }
        if zone_named(&bundle.clinic.timezone).is_none() {
            self.error("/clinic/timezone", "no such IANA zone", "use a name such as America/New_York");
        }
        self.line("/clinic/name", &bundle.clinic.name);
        self.line("/clinic/phone", &bundle.clinic.phone);
        self.line("/clinic/emergencyNumber", &bundle.clinic.emergency_number);
        self.language("/clinic/language", &bundle.clinic.language);
        if bundle.effective.is_some_and(|effective| effective.until.is_some_and(|until| until <= effective.from)) {
            self.error("/effective/until", "is not later than from", "let it end after it begins, or leave until out");
        } else if bundle.effective.is_some_and(|effective| effective.until.is_some()) {
            let message = "ends nothing by itself: it is the last moment for an activation";
            self.warn("/effective/until", message, "activate the bundle that follows at that instant");
        }
        self.ids("/holidaySets", bundle.holiday_sets.iter().map(|set| set.id.as_str()));
        self.ids("/calendars", bundle.calendars.iter().map(|calendar| calendar.id.as_str()));
        self.ids("/pools", bundle.pools.iter().map(|pool| pool.id.as_str()));
        self.ids("/redFlags/lists", bundle.red_flags.lists.iter().map(|list| list.id.as_str()));
        self.ids("/routing", bundle.routing.iter().map(|rule| rule.id.as_str()));
        self.ids("/turnaround", bundle.turnaround.iter().map(|policy| policy.id.as_str()));
        self.ids("/quietHours", bundle.quiet_hours.iter().map(|quiet| quiet.id.as_str()));
        self.ids("/awayReplies", bundle.away_replies.iter().map(|reply| reply.id.as_str()));
        self.ids("/limits", bundle.limits.iter().map(|limit| limit.id.as_str()));
        self.ids("/templates", bundle.templates.iter().map(|template| template.id.as_str()));
    }
}

/// `^[a-z][a-z0-9-]{0,62}$`
pub(super) fn is_id(id: &str) -> bool {
    let letters = id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    letters && id.len() <= 63 && id.starts_with(|c: char| c.is_ascii_lowercase())
}

/// `^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$`, of at most 35 characters (<https://www.rfc-editor.org/rfc/rfc5646>).
fn is_language(tag: &str) -> bool {
    let mut parts = tag.split('-');
    let first = parts.next().unwrap_or_default();
    (2..=8).contains(&first.len())
        && first.bytes().all(|b| b.is_ascii_alphabetic())
        && parts.all(|part| (1..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric()))
        && tag.len() <= 35
}
