//! [`Ts`], the one SQL type that differs between the databases, and how texts of any length are indexed.

use std::borrow::Cow;
use std::fmt::Write;

use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::expression::AsExpression;
use diesel::pg::{Pg, PgValue};
use diesel::query_builder::QueryId;
use diesel::serialize::{self, Output, ToSql};
use diesel::sql_types::{BigInt, SqlType};
use diesel::sqlite::{Sqlite, SqliteValue};
use domain::time::Instant;
use jiff::Timestamp;
use sha2::{Digest, Sha256};

/// An instant as stored: `timestamptz` on PostgreSQL, microseconds since 1970 as an integer on SQLite.
#[derive(Debug, Clone, Copy, SqlType, QueryId)]
#[diesel(postgres_type(oid = 1184, array_oid = 1185))]
#[diesel(sqlite_type(name = "Long"))]
pub struct Ts;

/// A value of [`Ts`]: microseconds since 1970-01-01T00:00:00Z, the finest that both databases keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, AsExpression, FromSqlRow)]
#[diesel(sql_type = Ts)]
pub struct Micros(pub i64);

/// PostgreSQL counts from 2000-01-01T00:00:00Z.
const POSTGRES_EPOCH: i64 = 946_684_800_000_000;
/// The first instant that PostgreSQL can say, 4714-11-24 BC, counted from its own epoch. `jiff` begins earlier.
const POSTGRES_FIRST: i64 = -211_813_488_000_000_000;

impl From<Timestamp> for Micros {
    fn from(at: Timestamp) -> Self {
        Self(at.as_microsecond())
    }
}

impl From<Instant> for Micros {
    fn from(at: Instant) -> Self {
        at.timestamp().into()
    }
}

impl Micros {
    /// The timestamp; instants that `jiff` cannot say become its last one.
    pub fn timestamp(self) -> Timestamp {
        Timestamp::from_microsecond(self.0).unwrap_or(if self.0 < 0 { Timestamp::MIN } else { Timestamp::MAX })
    }

    /// The policy instant.
    pub fn instant(self) -> Instant {
        self.timestamp().into()
    }
}

impl ToSql<Ts, Pg> for Micros {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        let since = self.0.saturating_sub(POSTGRES_EPOCH).max(POSTGRES_FIRST);
        ToSql::<BigInt, Pg>::to_sql(&since, &mut out.reborrow())
    }
}

impl FromSql<Ts, Pg> for Micros {
    fn from_sql(bytes: PgValue<'_>) -> deserialize::Result<Self> {
        <i64 as FromSql<BigInt, Pg>>::from_sql(bytes).map(|since| Self(since.saturating_add(POSTGRES_EPOCH)))
    }
}

impl ToSql<Ts, Sqlite> for Micros {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        ToSql::<BigInt, Sqlite>::to_sql(&self.0, out)
    }
}

impl FromSql<Ts, Sqlite> for Micros {
    fn from_sql(value: SqliteValue<'_, '_, '_>) -> deserialize::Result<Self> {
        <i64 as FromSql<BigInt, Sqlite>>::from_sql(value).map(Self)
    }
}

/// The longest text that is indexed as it is, in bytes: a PostgreSQL index entry holds 2,704 in all.
const INDEXED: usize = 500;

/// A text as it is indexed and looked up: long ones are cut and end in the digest of the whole.
pub fn indexed(text: &str) -> Cow<'_, str> {
    if text.len() <= INDEXED {
        return Cow::Borrowed(text);
    }
    let mut cut = text[..text.floor_char_boundary(INDEXED - 65)].to_owned();
    cut.push('#');
    for byte in Sha256::digest(text.as_bytes()) {
        // Writing to a String cannot fail.
        let _ = write!(cut, "{byte:02x}");
    }
    Cow::Owned(cut)
}

/// The name under which the texts beside a parameter's codes are kept, or those that it consists of.
pub fn texts(param: &str) -> String {
    format!("{param}:text")
}

/// The name under which the identifiers beside a parameter's references are kept.
pub fn identifiers(param: &str) -> String {
    format!("{param}:identifier")
}

/// A column of `resource` that keeps a search parameter's value: a code without a system, of which there is one at most
/// and too few different ones for an index to help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Column {
    /// `status`
    Status,
    /// `priority`
    Priority,
}

impl Column {
    /// The column of a parameter; `None` when its values are rows of `search_value`.
    pub fn of(param: &str) -> Option<Self> {
        match param {
            "status" => Some(Self::Status),
            "priority" => Some(Self::Priority),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_indexed_by_its_digest_and_stays_apart_from_its_neighbours() {
        let (one, two) = ("ü".repeat(3000), "ü".repeat(3001));
        assert!(indexed(&one).len() <= INDEXED && indexed(&two).len() <= INDEXED);
        assert_ne!(indexed(&one), indexed(&two));
        assert_eq!(indexed("final"), "final");
    }
}
