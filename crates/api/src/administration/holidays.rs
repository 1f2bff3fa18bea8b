//! Holidays kept beside the policy bundle: entered or imported, and confirmed by a person before they have any effect.

use actix_web::web::{Path, Query};
use actix_web::{HttpResponse, delete, get, post};
use domain::access::Permission;
use domain::calendar::{Holiday, Shift};
use domain::change::{AuditAction, Change};
use domain::holiday::feed::{Feed, FeedError};
use domain::holiday::{HolidayChange, HolidaySource, KeptHoliday, MAX_KEPT};
use domain::id::ResourceId;
use domain::policy::Policy;
use domain::policy::lint::Finding;
use domain::time::Instant;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{administrator, document, json as answer, revise};
use crate::context::Context;
use crate::error::{Answer, Failure};
use crate::manners::body::{FeedBody, ResourceBody};
use crate::openapi::schema;

/// The most holidays of one request.
const MOST: usize = 200;

/// The longest name, in characters.
const LONGEST_NAME: usize = 200;

/// What a client enters.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    holidays: Vec<Entry>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    set: String,
    date: String,
    name: String,
    #[serde(default)]
    shifts: Vec<Shift>,
    #[serde(default)]
    confirmed: bool,
}

/// Enters holidays, one or many, into holiday sets of the bundle in force: all of them or none. One that is not
/// `confirmed` has no effect until it is.
#[utoipa::path(
    tag = "Administration",
    operation_id = "createHolidays",
    request_body(content = schema::HolidayRequest, content_type = "application/json"),
    responses((status = 201, description = "Kept.", body = schema::Holidays, content_type = "application/json"), schema::ProblemChangeErrors),
    security(("bearer" = ["postern/admin.write"]))
)]
#[post("/api/v1/holidays")]
pub(crate) async fn create(context: Context, body: ResourceBody) -> Answer {
    context.administer(Permission::Update)?;
    let wanted: Wanted = document(&body.0, "HolidayRequest")?;
    let made = revise(&context, "enter-holidays", AuditAction::Create, async |policy| {
        let known = context.state.store.holidays(context.caller.tenant.clone()).await?;
        let entered = entered(&context, &wanted, policy, &known).map_err(Failure::Findings)?;
        Ok((with(&context, entered.iter().cloned().map(HolidayChange::Kept)), entered))
    })
    .await?;
    Ok(HttpResponse::Created().content_type("application/json").body(list_of(&made).to_string()))
}

/// The holidays of a request; everything that is wrong with them.
fn entered(
    context: &Context,
    wanted: &Wanted,
    policy: &Policy,
    known: &[KeptHoliday],
) -> Result<Vec<KeptHoliday>, Vec<Finding>> {
    let (mut entered, mut found) = (Vec::<KeptHoliday>::new(), Vec::new());
    let mut ids = context.state.ids(Instant::from(context.now()));
    let mut fault = |pointer: String, message: &str, remedy: &str| found.push(Finding::error(pointer, message, remedy));
    if !(1..=MOST).contains(&wanted.holidays.len()) {
        fault("/holidays".to_owned(), "holds none, or more than 200", "send them in several requests");
    }
    for (place, entry) in wanted.holidays.iter().enumerate().take(MOST) {
        let at = |member: &str| format!("/holidays/{place}/{member}");
        let date = day(&entry.date);
        if let Some(finding) = unknown_set(policy, &entry.set, at("set")) {
            fault(finding.pointer, &finding.message, &finding.remedy);
        }
        if date.is_none() {
            fault(at("date"), "is no date", "write it as 2026-12-24");
        }
        if entry.name.trim().is_empty() || entry.name.chars().count() > LONGEST_NAME {
            fault(at("name"), "is empty or longer than 200 characters", "say in a few words what the day is called");
        }
        for (number, wrong) in entry.shifts.iter().enumerate().filter_map(|(at, shift)| Some((at, shift.fault()?))) {
            fault(at(&format!("shifts/{number}")), &wrong.to_string(), wrong.remedy());
        }
        let Some(date) = date else { continue };
        let same = |other: &&KeptHoliday| other.set == entry.set && other.holiday.date == date;
        if known.iter().chain(&entered).find(same).is_some() {
            fault(at("date"), "is kept for this set already", "confirm or delete the one that is there");
        }
        entered.push(KeptHoliday {
            id: ids.next_id(),
            set: entry.set.clone(),
            holiday: Holiday {
                date,
                name: entry.name.clone(),
                shifts: entry.shifts.clone(),
                confirmed: entry.confirmed,
            },
            source: HolidaySource::Api,
        });
    }
    for set in entered.iter().map(|kept| &kept.set).collect::<std::collections::BTreeSet<_>>() {
        if known.iter().chain(&entered).filter(|kept| kept.set == *set).count() > MAX_KEPT {
            let message = format!("the set would have more than {MAX_KEPT} holidays");
            fault("/holidays".to_owned(), &message, "delete those that are past");
        }
    }
    if found.is_empty() { Ok(entered) } else { Err(found) }
}

/// A date as RFC 3339 writes it.
fn day(text: &str) -> Option<jiff::civil::Date> {
    let digits = |(place, byte): (usize, u8)| if matches!(place, 4 | 7) { byte == b'-' } else { byte.is_ascii_digit() };
    if text.len() == 10 && text.bytes().enumerate().all(digits) { text.parse().ok() } else { None }
}

fn unknown_set(policy: &Policy, set: &str, pointer: String) -> Option<Finding> {
    let known = policy.bundle.holiday_sets.iter().any(|known| known.id == set);
    let remedy = "name one of /holidaySets of the bundle in force, or activate a bundle that has it";
    (!known).then(|| Finding::error(pointer, "there is no holiday set of this id", remedy))
}

/// Which holidays.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Asked {
    /// Those of one holiday set.
    #[param(nullable = false)]
    set: Option<String>,
    /// Those that are confirmed, or those that are not.
    #[param(nullable = false)]
    confirmed: Option<bool>,
}

/// Lists the holidays kept beside the bundle, by set and date.
#[utoipa::path(
    tag = "Administration",
    operation_id = "listHolidays",
    params(Asked),
    responses((status = 200, description = "The holidays.", body = schema::Holidays, content_type = "application/json"), schema::ProblemErrors),
    security(("bearer" = ["postern/admin.read"]))
)]
#[get("/api/v1/holidays")]
pub(crate) async fn list(context: Context, asked: Query<Asked>) -> Answer {
    administrator(&context)?;
    let mut holidays = context.state.store.holidays(context.caller.tenant.clone()).await?;
    holidays.retain(|kept| {
        asked.set.as_ref().is_none_or(|set| *set == kept.set)
            && asked.confirmed.is_none_or(|confirmed| confirmed == kept.holiday.confirmed)
    });
    super::reading(&context, "list-holidays", holidays.len()).await?;
    Ok(answer(&list_of(&holidays)))
}

/// Into which set a feed is imported.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Destination {
    /// The holiday set of the bundle in force.
    set: String,
}

/// Imports an iCalendar feed (RFC 5545): events of whole days become holidays that have no effect until each is
/// confirmed. Importing it again adds what is new, and changes nothing that a person has confirmed. What cannot be read
/// is passed over and told.
#[utoipa::path(
    tag = "Administration",
    operation_id = "importHolidays",
    params(Destination),
    request_body(content = String, content_type = "text/calendar"),
    responses((status = 200, description = "What came of it.", body = schema::HolidayImport, content_type = "application/json"), schema::ProblemChangeErrors),
    security(("bearer" = ["postern/admin.write"]))
)]
#[post("/api/v1/holidays/import")]
pub(crate) async fn import(context: Context, asked: Query<Destination>, body: FeedBody) -> Answer {
    context.administer(Permission::Update)?;
    let wrong =
        |error: FeedError| Failure::Findings(vec![Finding::error(String::new(), error.to_string(), error.remedy())]);
    let today = jiff::tz::TimeZone::UTC.to_datetime(context.now()).date();
    let feed = Feed::read(&body.0, today).map_err(wrong)?;
    let set = &asked.set;
    let changes = revise(&context, "import-holidays", AuditAction::Create, async |policy| {
        if let Some(finding) = unknown_set(policy, set, "/set".to_owned()) {
            return Err(Failure::Findings(vec![finding]));
        }
        let known = context.state.store.holidays(context.caller.tenant.clone()).await?;
        let mut ids = context.state.ids(Instant::from(context.now()));
        let changes = feed.merged(set, &known, &mut ids).map_err(wrong)?;
        Ok((with(&context, changes.iter().cloned()), changes))
    })
    .await?;
    let kept: Vec<&KeptHoliday> = changes
        .iter()
        .filter_map(|change| match change {
            HolidayChange::Kept(kept) => Some(kept),
            HolidayChange::Removed(_) => None,
        })
        .collect();
    let skipped = feed.skipped.iter().map(|(event, why)| json!({ "event": event, "reason": why }));
    Ok(answer(&json!({
        "holidays": kept.iter().map(|kept| tell(kept)).collect::<Vec<_>>(),
        "unchanged": feed.holidays.len() - kept.len(),
        "removed": changes.len() - kept.len(),
        "outOfRange": feed.far,
        "skipped": skipped.collect::<Vec<_>>(),
    })))
}

/// Confirms a holiday: from now on calendars that follow its set are closed on its date, or open in its shifts. What is
/// running is counted anew from now; what was promised to a patient never moves later.
#[utoipa::path(
    tag = "Administration",
    operation_id = "confirmHoliday",
    params(("id" = String, Path, description = "The holiday's id.")),
    responses((status = 200, description = "Confirmed.", body = schema::Holiday, content_type = "application/json"), schema::ProblemChangeErrors),
    security(("bearer" = ["postern/admin.write"]))
)]
#[post("/api/v1/holidays/{id}/confirm")]
pub(crate) async fn confirm(context: Context, id: Path<String>) -> Answer {
    context.administer(Permission::Update)?;
    let confirmed = revise(&context, "confirm-holiday", AuditAction::Update, async |_| {
        let mut kept = named(&context, &id).await?;
        kept.holiday.confirmed = true;
        Ok((with(&context, [HolidayChange::Kept(kept.clone())]), kept))
    })
    .await?;
    Ok(answer(&tell(&confirmed)))
}

/// Takes a holiday away, whether it was confirmed or not.
#[utoipa::path(
    tag = "Administration",
    operation_id = "deleteHoliday",
    params(("id" = String, Path, description = "The holiday's id.")),
    responses((status = 204, description = "It is a day like others."), schema::ProblemChangeErrors),
    security(("bearer" = ["postern/admin.write"]))
)]
#[delete("/api/v1/holidays/{id}")]
pub(crate) async fn remove(context: Context, id: Path<String>) -> Answer {
    context.administer(Permission::Update)?;
    revise(&context, "remove-holiday", AuditAction::Delete, async |_| {
        let kept = named(&context, &id).await?;
        Ok((with(&context, [HolidayChange::Removed(kept.id)]), ()))
    })
    .await?;
    Ok(HttpResponse::NoContent().finish())
}

async fn named(context: &Context, id: &str) -> Result<KeptHoliday, Failure> {
    let id: ResourceId = id.parse().map_err(|_| Failure::NotFound)?;
    let kept = context.state.store.holidays(context.caller.tenant.clone()).await?;
    kept.into_iter().find(|kept| kept.id == id).ok_or(Failure::NotFound)
}

fn with(context: &Context, changes: impl IntoIterator<Item = HolidayChange>) -> Change {
    let mut change = Change::new(context.caller.tenant.clone());
    change.holidays = changes.into_iter().collect();
    change
}

fn list_of(holidays: &[KeptHoliday]) -> Value {
    json!({ "holidays": holidays.iter().map(tell).collect::<Vec<_>>() })
}

fn tell(kept: &KeptHoliday) -> Value {
    let Holiday { date, name, shifts, confirmed } = &kept.holiday;
    json!({
        "id": kept.id, "set": kept.set, "date": date.to_string(), "name": name, "shifts": shifts,
        "confirmed": confirmed, "source": kept.source.as_str(),
    })
}
