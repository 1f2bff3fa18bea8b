//! Holidays that a tenant keeps beside its bundle.

use diesel::prelude::*;
use diesel::sql_types::{Bool, Nullable, Text};
use domain::calendar::Holiday;
use domain::change::Change;
use domain::holiday::{HolidayChange, HolidaySource, KeptHoliday};
use domain::id::TenantId;
use serde_json::{from_str, to_string};

use super::Conn;
use super::resource::read_id;
use super::statement::{Rows, Sql, insert, run};
use crate::error::{QueryError, unreadable};
use crate::schema::holiday;

rows! {
    NewHoliday, NewHolidays in "holiday"
        on "(tenant, id) DO UPDATE SET name = excluded.name, shifts = excluded.shifts, confirmed = excluded.confirmed" {
        tenant: Text = &'a str,
        id: Text = &'a str,
        holiday_set: Text = &'a str,
        date_on: Text = String,
        name: Text = &'a str,
        shifts: Text = String,
        confirmed: Bool = bool,
        source: Text = &'static str,
        uid: Nullable<Text> = Option<&'a str>,
    }
}

rows! {
    Named, NamedRows {
        tenant: Text = &'a str,
        id: Text = &'a str,
    }
}

struct Remove;
impl Sql for Remove {
    const BEFORE: &'static str = "DELETE FROM holiday WHERE (tenant, id) IN (SELECT given.tenant, given.id FROM ";
    const AFTER: &'static str = ")";
}

/// Writes what changes; `false` when one that is removed is not there.
pub fn write(conn: &mut Conn, changes: &[&Change]) -> QueryResult<bool> {
    let (mut kept, mut gone) = (NewHolidays::default(), NamedRows::default());
    for change in changes {
        let tenant = change.tenant.as_str();
        for holiday in &change.holidays {
            match holiday {
                HolidayChange::Kept(KeptHoliday { id, set, holiday, source }) => kept.push(NewHoliday {
                    tenant,
                    id: id.as_str(),
                    holiday_set: set,
                    date_on: holiday.date.to_string(),
                    name: &holiday.name,
                    shifts: to_string(&holiday.shifts).expect("shifts are strings and flags"),
                    confirmed: holiday.confirmed,
                    source: source.as_str(),
                    uid: match source {
                        HolidaySource::Api => None,
                        HolidaySource::Feed(uid) => Some(uid),
                    },
                }),
                HolidayChange::Removed(id) => gone.push(Named { tenant, id: id.as_str() }),
            }
        }
    }
    Ok(run::<Remove, _>(conn, &gone)? == gone.count() && insert(conn, &kept)? == kept.count())
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = holiday)]
struct Found {
    id: String,
    holiday_set: String,
    date_on: String,
    name: String,
    shifts: String,
    confirmed: bool,
    source: String,
    uid: Option<String>,
}

impl TryFrom<Found> for KeptHoliday {
    type Error = QueryError;

    fn try_from(row: Found) -> Result<Self, QueryError> {
        let source = match (row.source.as_str(), row.uid) {
            ("api", None) => HolidaySource::Api,
            ("feed", Some(uid)) => HolidaySource::Feed(uid),
            _ => return Err(unreadable("holiday.source").into()),
        };
        let holiday = Holiday {
            date: row.date_on.parse().map_err(|_| unreadable("holiday.date_on"))?,
            name: row.name,
            shifts: from_str(&row.shifts).map_err(|_| unreadable("holiday.shifts"))?,
            confirmed: row.confirmed,
        };
        Ok(Self { id: read_id(row.id)?, set: row.holiday_set, holiday, source })
    }
}

/// The holidays of a tenant, by set, date and id.
pub fn all(conn: &mut Conn, tenant: &TenantId) -> Result<Vec<KeptHoliday>, QueryError> {
    let found: Vec<Found> = holiday::table
        .filter(holiday::tenant.eq(tenant.as_str()))
        .order((holiday::holiday_set, holiday::date_on, holiday::id))
        .select(Found::as_select())
        .load(conn)?;
    found.into_iter().map(KeptHoliday::try_from).collect()
}
