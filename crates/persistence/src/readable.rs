//! Rows that workers take: one that cannot be understood keeps none of the others back.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::QueryError;

/// How many rows were left out since the process began.
static LEFT_OUT: AtomicU64 = AtomicU64::new(0);

/// What can be understood of some rows. The others are told in the log by tenant and id, with what is wrong with them,
/// counted and left out: they are taken again when they are due again.
pub fn readable<R, T>(
    rows: Vec<R>,
    named: impl Fn(&R) -> (&str, &str),
    read: impl Fn(R) -> Result<T, QueryError>,
) -> Vec<T> {
    let one = |row: R| {
        let (tenant, id) = named(&row);
        let (tenant, id) = (tenant.to_owned(), id.to_owned());
        let error = match read(row) {
            Ok(read) => return Some(read),
            Err(error) => error.told(),
        };
        LEFT_OUT.fetch_add(1, Ordering::Relaxed);
        tracing::error!(%error, tenant, id, "a row cannot be understood; it is left out");
        None
    };
    rows.into_iter().filter_map(one).collect()
}

/// How many rows were left out since the process began.
pub fn left_out() -> u64 {
    LEFT_OUT.load(Ordering::Relaxed)
}
