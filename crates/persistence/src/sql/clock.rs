//! Clocks: their state, ledger, segments and firings.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Integer, Nullable, Text};
use domain::change::Change;
use domain::clock::{Clock, ClockName, Firing, LedgerEntry, NextThreshold};
use domain::id::{ResourceId, TenantId};
use domain::store::ClaimedClock;
use serde_json::{from_str, to_string};

use super::Conn;
use super::resource::read_id;
use super::statement::{Rows, Sql, insert, run};
use crate::error::{QueryError, unreadable};
use crate::schema::{clock, clock_entry, firing};
use crate::types::{Micros, Ts};

rows! {
    ClockRow, ClockRows in "clock" on "DO NOTHING" {
        tenant: Text = &'a str,
        id: Text = &'a str,
        thread: Text = &'a str,
        name: Text = &'static str,
        cycle: Integer = i32,
        task: Nullable<Text> = Option<&'a str>,
        state: Text = &'static str,
        started_at: Nullable<Ts> = Option<Micros>,
        due_at: Nullable<Ts> = Option<Micros>,
        promised_at: Nullable<Ts> = Option<Micros>,
        stopped_at: Nullable<Ts> = Option<Micros>,
        breached_at: Nullable<Ts> = Option<Micros>,
        next_at: Nullable<Ts> = Option<Micros>,
        next_threshold: Nullable<Text> = Option<&'a str>,
        entries: Integer = i32,
        revision: Integer = i32,
        terms: Text = String,
        fold: Text = String,
        fired: Text = String,
        counted_by: Text = &'a str,
        calendar: Text = &'a str,
        bundle: Text = &'a str,
    }
}

struct Update;
impl Sql for Update {
    const BEFORE: &'static str = "UPDATE clock SET thread = given.thread, name = given.name, cycle = given.cycle, \
         task = given.task, state = given.state, started_at = given.started_at, due_at = given.due_at, \
         promised_at = given.promised_at, stopped_at = given.stopped_at, breached_at = given.breached_at, \
         next_at = given.next_at, next_threshold = given.next_threshold, claimed_until = NULL, \
         entries = given.entries, revision = given.revision, terms = given.terms, fold = given.fold, \
         fired = given.fired, counted_by = given.counted_by, calendar = given.calendar, \
         bundle = given.bundle FROM ";
    const AFTER: &'static str = " WHERE clock.tenant = given.tenant AND clock.id = given.id \
         AND clock.revision = given.revision - 1";
}

rows! {
    SegmentRow, SegmentRows in "clock_segment"
        on "(tenant, clock, number) DO UPDATE SET from_at = excluded.from_at, until_at = excluded.until_at, \
            running = excluded.running, calendar = excluded.calendar, used_seconds = excluded.used_seconds" {
        tenant: Text = &'a str,
        clock: Text = &'a str,
        number: Integer = i32,
        from_at: Ts = Micros,
        until_at: Nullable<Ts> = Option<Micros>,
        running: Bool = bool,
        calendar: Text = &'a str,
        used_seconds: BigInt = i64,
    }
}

rows! {
    TrimRow, TrimRows {
        tenant: Text = &'a str,
        clock: Text = &'a str,
        segments: Integer = i32,
    }
}

/// Removes segments that a fold with fewer of them no longer has.
struct Trim;
impl Sql for Trim {
    const BEFORE: &'static str = "DELETE FROM clock_segment WHERE (tenant, clock, number) IN \
         (SELECT old.tenant, old.clock, old.number FROM ";
    const AFTER: &'static str = " JOIN clock_segment AS old ON old.tenant = given.tenant AND old.clock = given.clock \
         AND old.number >= given.segments)";
}

rows! {
    EntryRow, EntryRows in "clock_entry" on "DO NOTHING" {
        tenant: Text = &'a str,
        clock: Text = &'a str,
        sequence: Integer = i32,
        at: Ts = Micros,
        event: Text = String,
    }
}

rows! {
    FiringRow, FiringRows in "firing" on "DO NOTHING" {
        tenant: Text = &'a str,
        clock: Text = &'a str,
        cycle: Integer = i32,
        threshold: Text = &'a str,
        at: Ts = Micros,
        fired_at: Ts = Micros,
        cause: Nullable<Text> = Option<&'a str>,
    }
}

/// Writes firings; `false` when one has been written before.
pub fn fire(conn: &mut Conn, changes: &[&Change]) -> QueryResult<bool> {
    let mut rows = FiringRows::default();
    for change in changes {
        rows.extend(change.firings.iter().map(|firing| FiringRow {
            tenant: change.tenant.as_str(),
            clock: firing.clock.as_str(),
            cycle: firing.cycle,
            threshold: &firing.threshold,
            at: firing.at.into(),
            fired_at: firing.fired_at.into(),
            cause: firing.cause.as_deref(),
        }));
    }
    Ok(insert(conn, &rows)? == rows.count())
}

/// Writes the new states of clocks and their ledgers; `false` when a state before is not the current one or an entry's
/// place is taken.
pub fn write(conn: &mut Conn, changes: &[&Change]) -> Result<bool, QueryError> {
    let mut clocks: Vec<(&str, &Clock)> = vec![];
    let mut entries = EntryRows::default();
    for change in changes {
        let tenant = change.tenant.as_str();
        clocks.extend(change.clocks.iter().map(|clock| (tenant, clock)));
        for entry in &change.ledger {
            let event = to_string(&entry.event).map_err(|_| unreadable("a ledger entry's event"))?;
            let (clock, at) = (entry.clock.as_str(), entry.at.into());
            entries.push(EntryRow { tenant, clock, sequence: entry.sequence, at, event });
        }
    }
    clocks.sort_unstable_by(|(a, one), (b, two)| (a, &one.id).cmp(&(b, &two.id)));

    let (mut new, mut next) = (ClockRows::default(), ClockRows::default());
    let (mut segments, mut trims) = (SegmentRows::default(), TrimRows::default());
    for (tenant, clock) in clocks {
        segments.extend(segment_rows(tenant, clock));
        let row = row(tenant, clock)?;
        if clock.revision == 1 {
            new.push(row);
        } else {
            next.push(row);
            trims.push(TrimRow { tenant, clock: clock.id.as_str(), segments: clock.fold.segments.len() as i32 });
        }
    }
    let done = insert(conn, &new)? == new.count()
        && run::<Update, _>(conn, &next)? == next.count()
        && insert(conn, &entries)? == entries.count();
    if done {
        run::<Trim, _>(conn, &trims)?;
        insert(conn, &segments)?;
    }
    Ok(done)
}

fn row<'a>(tenant: &'a str, clock: &'a Clock) -> Result<ClockRow<'a>, QueryError> {
    let fold = &clock.fold;
    Ok(ClockRow {
        tenant,
        id: clock.id.as_str(),
        thread: clock.thread.as_str(),
        name: clock.name.as_str(),
        cycle: clock.cycle,
        task: clock.task.as_ref().map(ResourceId::as_str),
        state: fold.state.as_str(),
        started_at: fold.started_at.map(Micros::from),
        due_at: fold.due_at.map(Micros::from),
        promised_at: clock.promised_at.map(Micros::from),
        stopped_at: fold.stopped_at.map(Micros::from),
        breached_at: fold.breached_at.map(Micros::from),
        next_at: clock.next.as_ref().map(|next| next.at.into()),
        next_threshold: clock.next.as_ref().map(|next| next.id.as_str()),
        entries: clock.entries,
        revision: clock.revision,
        terms: to_string(&clock.terms).map_err(|_| unreadable("a clock's terms"))?,
        fold: to_string(fold).map_err(|_| unreadable("a clock's fold"))?,
        fired: to_string(&clock.fired).map_err(|_| unreadable("a clock's firings"))?,
        counted_by: &clock.terms.counted_by,
        calendar: &fold.calendar,
        bundle: &clock.terms.bundle,
    })
}

fn segment_rows<'a>(tenant: &'a str, clock: &'a Clock) -> impl Iterator<Item = SegmentRow<'a>> {
    (0..).zip(&clock.fold.segments).map(move |(number, segment)| SegmentRow {
        tenant,
        clock: clock.id.as_str(),
        number,
        from_at: segment.from.into(),
        until_at: segment.until.map(Micros::from),
        running: segment.running,
        calendar: &segment.calendar,
        used_seconds: segment.used.seconds(),
    })
}

/// A clock as it is read.
#[derive(Queryable, Selectable)]
#[diesel(table_name = clock)]
pub struct Found {
    pub(super) tenant: String,
    pub(super) id: String,
    thread: String,
    name: String,
    cycle: i32,
    task: Option<String>,
    promised_at: Option<Micros>,
    pub(super) next_at: Option<Micros>,
    next_threshold: Option<String>,
    entries: i32,
    revision: i32,
    terms: String,
    fold: String,
    fired: String,
}

impl TryFrom<Found> for Clock {
    type Error = QueryError;

    fn try_from(row: Found) -> Result<Self, QueryError> {
        Ok(Self {
            id: read_id(row.id)?,
            thread: read_id(row.thread)?,
            name: ClockName::from_code(&row.name).ok_or_else(|| unreadable("clock.name"))?,
            cycle: row.cycle,
            task: row.task.map(read_id).transpose()?,
            terms: from_str(&row.terms).map_err(|_| unreadable("clock.terms"))?,
            fold: from_str(&row.fold).map_err(|_| unreadable("clock.fold"))?,
            promised_at: row.promised_at.map(Micros::instant),
            fired: from_str(&row.fired).map_err(|_| unreadable("clock.fired"))?,
            next: row.next_threshold.zip(row.next_at).map(|(id, at)| NextThreshold { id, at: at.instant() }),
            entries: row.entries,
            revision: row.revision,
        })
    }
}

/// The clocks of a thread, of all cycles.
pub fn of_thread(conn: &mut Conn, tenant: &TenantId, thread: &ResourceId) -> Result<Vec<Clock>, QueryError> {
    let found: Vec<Found> = clock::table
        .filter(clock::tenant.eq(tenant.as_str()))
        .filter(clock::thread.eq(thread.as_str()))
        .order((clock::cycle, clock::name, clock::id))
        .select(Found::as_select())
        .load(conn)?;
    found.into_iter().map(Clock::try_from).collect()
}

/// The ledger of a clock, by time and sequence.
pub fn ledger(conn: &mut Conn, tenant: &TenantId, clock: &ResourceId) -> Result<Vec<LedgerEntry>, QueryError> {
    let found: Vec<(i32, Micros, String)> = clock_entry::table
        .filter(clock_entry::tenant.eq(tenant.as_str()))
        .filter(clock_entry::clock.eq(clock.as_str()))
        .order((clock_entry::at, clock_entry::sequence))
        .select((clock_entry::sequence, clock_entry::at, clock_entry::event))
        .load(conn)?;
    let entry = |(sequence, at, event): (i32, Micros, String)| {
        let event = from_str(&event).map_err(|_| unreadable("clock_entry.event"))?;
        Ok(LedgerEntry { clock: clock.clone(), sequence, at: at.instant(), event })
    };
    found.into_iter().map(entry).collect()
}

impl TryFrom<Found> for ClaimedClock {
    type Error = QueryError;

    fn try_from(row: Found) -> Result<Self, QueryError> {
        Ok(Self { tenant: TenantId::new(row.tenant.clone()), clock: row.try_into()? })
    }
}

/// A clock by its id.
pub fn one(conn: &mut Conn, tenant: &TenantId, id: &ResourceId) -> Result<Option<Clock>, QueryError> {
    let found: Option<Found> =
        clock::table.find((tenant.as_str(), id.as_str())).select(Found::as_select()).first(conn).optional()?;
    found.map(Clock::try_from).transpose()
}

/// The firings of a clock, in the order of their instants.
pub fn firings(conn: &mut Conn, tenant: &TenantId, clock: &ResourceId) -> Result<Vec<Firing>, QueryError> {
    let found: Vec<(i32, String, Micros, Micros, Option<String>)> = firing::table
        .filter(firing::tenant.eq(tenant.as_str()))
        .filter(firing::clock.eq(clock.as_str()))
        .order((firing::at, firing::fired_at, firing::threshold))
        .select((firing::cycle, firing::threshold, firing::at, firing::fired_at, firing::cause))
        .load(conn)?;
    let firing = |(cycle, threshold, at, fired_at, cause): (i32, String, Micros, Micros, Option<String>)| Firing {
        clock: clock.clone(),
        cycle,
        threshold,
        at: at.instant(),
        fired_at: fired_at.instant(),
        cause,
    };
    Ok(found.into_iter().map(firing).collect())
}
