//! The macro that declares rows of a statement, once for both databases.

/// Declares one row and the columns of many: `rows! { Row, Rows { column: SqlType = RustType, } }`; with
/// `in "table" on "conflict clause"` when they are inserted into a table as they are.
macro_rules! rows {
    ($row:ident, $rows:ident in $table:literal on $conflict:literal { $($body:tt)+ }) => {
        rows! { $row, $rows { $($body)+ } }
        impl super::statement::Table for $rows<'_> {
            const TABLE: &'static str = $table;
            const CONFLICT: &'static str = $conflict;
        }
    };
    ($row:ident, $rows:ident { $($column:ident: $sql:ty = $rust:ty,)+ }) => {
        pub(super) struct $row<'a> {
            $(pub(super) $column: $rust,)+
        }

        #[derive(Default)]
        pub(super) struct $rows<'a> {
            $($column: Vec<$rust>,)+
        }

        impl<'a> $rows<'a> {
            pub(super) fn push(&mut self, row: $row<'a>) {
                $(self.$column.push(row.$column);)+
            }
        }

        impl<'a> Extend<$row<'a>> for $rows<'a> {
            fn extend<T: IntoIterator<Item = $row<'a>>>(&mut self, rows: T) {
                rows.into_iter().for_each(|row| self.push(row));
            }
        }

        impl<'a> super::statement::Rows for $rows<'a> {
            type Id = $rows<'static>;
            const COLUMNS: &'static [&'static str] = &[$(stringify!($column)),+];

            fn count(&self) -> usize {
                // Every column has a value of every row.
                [$(self.$column.len()),+][0]
            }

            fn source<'b>(
                &'b self,
                row: usize,
                mut out: diesel::query_builder::AstPass<'_, 'b, super::Db>,
            ) -> diesel::QueryResult<()> {
                out.push_sql(super::dialect::SOURCE_BEGINS);
                let mut comma = "";
                $(
                    out.push_sql(std::mem::replace(&mut comma, ", "));
                    super::dialect::bind::<$sql, $rust>(&self.$column, row, stringify!($column), &mut out)?;
                )+
                super::dialect::source_ends::<Self>(&mut out)
            }
        }
    };
}
