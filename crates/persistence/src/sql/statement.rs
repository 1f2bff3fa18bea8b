//! Statements over many rows: one text for both databases.
//!
//! A statement reads its rows from a source named `given`. On PostgreSQL that is `unnest` over one array for each
//! column, so that any number of rows is one round trip of one prepared statement; on SQLite the statement runs once a
//! row inside the transaction, where a call costs nothing.

use std::marker::PhantomData;

use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};

use super::dialect;
use super::{Conn, Db};

/// Rows given to a statement, kept by column.
pub trait Rows {
    /// The same type without its lifetime, to tell prepared statements apart.
    type Id: 'static;
    /// The columns, in order.
    const COLUMNS: &'static [&'static str];

    /// How many rows there are.
    fn count(&self) -> usize;

    /// Writes the source `given`: all rows, or the one with that number, as the database likes it.
    fn source<'b>(&'b self, row: usize, out: AstPass<'_, 'b, Db>) -> QueryResult<()>;
}

/// The text of a statement around its source.
pub trait Sql: 'static {
    /// Before the source.
    const BEFORE: &'static str;
    /// After it.
    const AFTER: &'static str;
}

/// A statement over rows.
pub struct Statement<'r, R, S> {
    rows: &'r R,
    row: usize,
    sql: PhantomData<S>,
}

impl<'r, R: Rows, S: Sql> Statement<'r, R, S> {
    /// The statement over all rows, or over the one with that number.
    pub fn new(rows: &'r R, row: usize) -> Self {
        Self { rows, row, sql: PhantomData }
    }
}

impl<R: Rows, S: Sql> QueryId for Statement<'_, R, S> {
    type QueryId = Statement<'static, R::Id, S>;
}

impl<R: Rows, S: Sql> QueryFragment<Db> for Statement<'_, R, S> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Db>) -> QueryResult<()> {
        out.push_sql(S::BEFORE);
        self.rows.source(self.row, out.reborrow())?;
        out.push_sql(S::AFTER);
        Ok(())
    }
}

impl<R, S> RunQueryDsl<Conn> for Statement<'_, R, S> {}

/// Inserts rows into their table; those whose key exists are left out, which the count tells.
pub struct Insert<'r, R> {
    rows: &'r R,
    row: usize,
}

impl<R: Rows> QueryId for Insert<'_, R> {
    type QueryId = Insert<'static, R::Id>;
}

impl<R: Rows + Table> QueryFragment<Db> for Insert<'_, R> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Db>) -> QueryResult<()> {
        out.push_sql("INSERT INTO ");
        out.push_sql(R::TABLE);
        out.push_sql(" (");
        columns::<R>(&mut out)?;
        out.push_sql(") SELECT ");
        columns::<R>(&mut out)?;
        out.push_sql(" FROM ");
        self.rows.source(self.row, out.reborrow())?;
        // SQLite takes an ON without a WHERE before it for a join's.
        out.push_sql(" WHERE true ON CONFLICT ");
        out.push_sql(R::CONFLICT);
        Ok(())
    }
}

impl<R> RunQueryDsl<Conn> for Insert<'_, R> {}

/// Rows of one table.
pub trait Table {
    /// The table.
    const TABLE: &'static str;
    /// What happens to a row whose key exists.
    const CONFLICT: &'static str;
}

/// Writes the columns, separated by commas.
pub fn columns<R: Rows>(out: &mut AstPass<'_, '_, Db>) -> QueryResult<()> {
    for (place, column) in R::COLUMNS.iter().enumerate() {
        if place > 0 {
            out.push_sql(", ");
        }
        out.push_identifier(column)?;
    }
    Ok(())
}

/// Runs a statement over all its rows and says how many it touched.
pub fn run<S: Sql, R: Rows>(conn: &mut Conn, rows: &R) -> QueryResult<usize> {
    dialect::rounds(rows.count()).map(|row| Statement::<R, S>::new(rows, row).execute(conn)).sum()
}

/// Inserts all rows and says how many were new.
pub fn insert<R: Rows + Table>(conn: &mut Conn, rows: &R) -> QueryResult<usize> {
    dialect::rounds(rows.count()).map(|row| Insert { rows, row }.execute(conn)).sum()
}
