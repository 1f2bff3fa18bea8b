//! How much a page holds: so many rows, and no more of their text than the service can bear to keep for one answer.

use diesel::QueryResult;

use crate::error::QueryError;

/// How many bytes of resources a page holds: with the one that reaches it, the page ends.
const BYTES: usize = 8 << 20;

/// What is left on a page.
pub struct Room {
    rows: usize,
    bytes: usize,
}

impl Room {
    /// A page on which nothing is yet.
    pub fn of(rows: impl Into<usize>) -> Self {
        Self { rows: rows.into(), bytes: BYTES }
    }

    /// As many rows as tell whether there are more than find room.
    pub fn limit(&self) -> i64 {
        i64::try_from(self.rows).map_or(i64::MAX, |rows| rows.saturating_add(1))
    }

    /// Puts rows on the page as long as there is room; answers whether there was none for the next. Rows come one by one
    /// from the database, so that what finds no room is never there all at once. The first always finds room.
    pub fn fill<R, T>(
        &mut self,
        page: &mut Vec<T>,
        rows: impl Iterator<Item = QueryResult<R>>,
        read: impl Fn(R) -> Result<T, QueryError>,
        bytes: impl Fn(&T) -> usize,
    ) -> Result<bool, QueryError> {
        for row in rows {
            let row = row?;
            if self.rows == 0 || self.bytes == 0 {
                return Ok(true);
            }
            let row = read(row)?;
            self.rows -= 1;
            self.bytes = self.bytes.saturating_sub(bytes(&row));
            page.push(row);
        }
        Ok(false)
    }
}
