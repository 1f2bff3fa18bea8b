//! What `pgbench` writes and reads: the very rows of a real send and a real read, into and out of copies of the tables
//! with all their indexes and checks, so that nothing but the way there differs.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::Done;
use crate::database::Database;

/// Tables of which a send writes nothing.
const OTHERS: &str = "'bundle', 'catalogue_generation', 'delivery', '__diesel_schema_migrations'";

/// Columns that a worker fills later, not the send, with their tables.
const LATER: [(&str, &str); 6] = [
    ("clock", "claimed_until"),
    ("outbox", "claimed_until"),
    ("outbox", "dispatched_at"),
    ("outbox", "delivery"),
    ("audit", "sequence"),
    ("audit", "seal"),
];

/// The first 17 of the 36 characters of the baseline's ids: after every real one, as a newer id of the service is.
const PREFIX: &str = "f0000000-0000-700";

/// The statements of a send, each with the tables that it writes: as few round trips as rows of one kind allow.
const STATEMENTS: [&[&str]; 5] = [
    &["resource"],
    &["search_value"],
    &["thread", "thread_participant", "clock", "clock_entry", "clock_segment", "correspondent"],
    &["outbox"],
    &["decision", "audit", "audit_about"],
];

type Row = Map<String, Value>;

/// The rows that one send wrote, by table.
#[derive(Clone, Debug, Default)]
pub struct Rows {
    tables: BTreeMap<String, Vec<Row>>,
    types: BTreeMap<(String, String), String>,
    sent: Option<Timestamp>,
}

/// The rows that the send of that message wrote, in a database that holds little else.
pub fn rows_of(database: &Database, message: &str) -> Done<Rows> {
    let tables = database.run(&format!(
        "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' AND table_name NOT IN ({OTHERS})"
    ))?;
    let mut all: Vec<(String, Row, String)> = vec![];
    for table in tables.lines() {
        for line in database.run(&format!("SELECT row_to_json(row)::text FROM public.{table} AS row"))?.lines() {
            all.push((table.to_owned(), serde_json::from_str(line)?, line.to_owned()));
        }
    }
    // A row is the send's when it names the message, or something that such a row is: a clock's entries name the clock.
    let mut known = BTreeSet::from([message.to_owned()]);
    let mut taken: Vec<bool> = vec![false; all.len()];
    loop {
        let before = known.len();
        for (place, (table, row, text)) in all.iter().enumerate() {
            if !taken[place] && known.iter().any(|id| text.contains(id.as_str())) {
                taken[place] = true;
                if matches!(table.as_str(), "resource" | "clock") {
                    known.extend(row.get("id").and_then(Value::as_str).map(str::to_owned));
                }
            }
        }
        if known.len() == before {
            break;
        }
    }
    let mut rows = Rows::default();
    for (_, (table, mut row, _)) in taken.iter().zip(all).filter(|(taken, _)| **taken) {
        for (_, column) in LATER.iter().filter(|(own, _)| *own == table) {
            row.entry(*column).and_modify(|value| *value = Value::Null);
        }
        rows.tables.entry(table).or_default().push(row);
    }
    let types =
        "SELECT table_name, column_name, data_type FROM information_schema.columns WHERE table_schema = 'public'";
    for line in database.run(types)?.lines() {
        if let [table, column, kind] = line.split('|').collect::<Vec<_>>()[..] {
            rows.types.insert((table.to_owned(), column.to_owned()), kind.to_owned());
        }
    }
    let sent = rows.tables.get("resource").and_then(|rows| rows.first()?.get("last_updated_at")?.as_str());
    rows.sent = Some(sent.ok_or("the send wrote no resource")?.parse()?);
    let known: BTreeSet<&str> = STATEMENTS.concat().into_iter().collect();
    match rows.tables.keys().find(|table| !known.contains(table.as_str())) {
        Some(table) => Err(format!("a send writes to {table}, which the baseline does not know").into()),
        None => Ok(rows),
    }
}

impl Rows {
    /// How many rows go to each table.
    pub fn counts(&self) -> BTreeMap<&str, usize> {
        self.tables.iter().map(|(table, rows)| (table.as_str(), rows.len())).collect()
    }

    /// The ids that the send made: each occurs as a whole in an `id` column, or is a clock's.
    fn ids(&self) -> Vec<&str> {
        let rows = self.tables.iter().filter(|(table, _)| table.as_str() != "search_value").flat_map(|(_, rows)| rows);
        let ids: BTreeSet<&str> = rows.filter_map(|row| row.get("id").and_then(Value::as_str)).collect();
        ids.into_iter().collect()
    }

    /// The script of a send in five statements and one transaction.
    pub fn script(&self) -> Done<String> {
        let statements = STATEMENTS.iter().map(|tables| self.statement(tables)).collect::<Done<Vec<_>>>()?;
        Ok(format!("{}BEGIN;\n{}COMMIT;\n", counter(), statements.concat()))
    }

    /// The script of a send in a single statement, which is its own transaction.
    pub fn single_statement(&self) -> Done<String> {
        Ok(format!("{}{}", counter(), self.statement(&STATEMENTS.concat())?))
    }

    fn statement(&self, tables: &[&str]) -> Done<String> {
        let ids = self.ids();
        let mut inserts = vec![];
        for table in tables {
            if let Some(rows) = self.tables.get(*table) {
                inserts.push(self.insert(table, rows, &ids));
            }
        }
        let Some((last, others)) = inserts.split_last() else { return Ok(String::new()) };
        let mut statement = String::new();
        for (number, insert) in others.iter().enumerate() {
            let start = if number == 0 { "WITH" } else { "," };
            write!(statement, "{start} part{number} AS ({insert})")?;
        }
        write!(statement, " {last};")?;
        Ok(format!("{}\n", statement.trim_start()))
    }

    fn insert(&self, table: &str, rows: &[Row], ids: &[&str]) -> String {
        let columns: Vec<&String> = rows.first().map(|row| row.keys().collect()).unwrap_or_default();
        let names = columns.iter().map(|column| format!("\"{column}\"")).collect::<Vec<_>>().join(", ");
        let mut values = vec![];
        for row in rows {
            let cells = columns.iter().map(|column| {
                if (table, column.as_str()) == ("correspondent", "who") {
                    // One of many who write; the service changes the row of whoever has written before.
                    return format!("({} || :k)", literal("Patient/"));
                }
                let kind = self.types.get(&(table.to_owned(), (*column).clone())).map_or("text", String::as_str);
                self.cell(row.get(*column).unwrap_or(&Value::Null), kind, ids)
            });
            values.push(format!("({})", cells.collect::<Vec<_>>().join(", ")));
        }
        format!("INSERT INTO baseline.{table} ({names}) VALUES {}", values.join(", "))
    }

    fn cell(&self, value: &Value, kind: &str, ids: &[&str]) -> String {
        match value {
            Value::Null => format!("NULL::{kind}"),
            Value::String(text) if kind.starts_with("timestamp") => match (text.parse::<Timestamp>(), self.sent) {
                // The moment of the send moves on with the clock, as it does for the service.
                (Ok(at), Some(sent)) if at.duration_since(sent).as_secs().abs() < 3 => "now()".to_owned(),
                _ => format!("timestamptz {}", literal(text)),
            },
            // Bodies keep the ids of the send they come from: they are not looked into.
            Value::String(text) if text.starts_with('{') => literal(text),
            Value::String(text) => match ids.iter().position(|id| text.contains(id)) {
                Some(place) => {
                    let (before, after) = text.split_once(ids[place]).unwrap_or_default();
                    let before = literal(&format!("{before}{PREFIX}"));
                    format!("({before} || :k || {})", literal(&format!("{place:02}{after}")))
                }
                None => literal(text),
            },
            other => other.to_string(),
        }
    }
}

/// Numbers of 17 digits that rise with time and differ between connections, as the ids of the service do.
fn counter() -> &'static str {
    "\\set n :n + 1\n\\set k 10000000000000000 + :n * 1000 + :client_id\n"
}

/// A text as SQL. pgbench takes a colon for the start of a variable even within quotes.
fn literal(text: &str) -> String {
    let escaped = text.replace('\\', "\\\\").replace('\'', "''").replace(':', "\\x3a").replace('\n', "\\n");
    format!("E'{escaped}'")
}

/// Copies the tables, with their indexes, checks and rows, into a schema of the baseline's own: the service's workers
/// must not find what is written there. Messages to be read get ids that pgbench can make. Gives their number.
pub fn prepare(database: &Database) -> Done<usize> {
    let mut sql = String::from("CREATE SCHEMA baseline;\n");
    for table in STATEMENTS.concat() {
        write!(
            sql,
            "CREATE TABLE baseline.{table} (LIKE public.{table} INCLUDING ALL);\n\
             INSERT INTO baseline.{table} SELECT * FROM public.{table};\n"
        )?;
    }
    write!(
        sql,
        "CREATE TABLE baseline.reading (LIKE public.resource INCLUDING ALL);\n\
         INSERT INTO baseline.reading (tenant, kind, id, version, last_updated_at, date_at, deleted, thread, patient, \
         author, audience, body) SELECT tenant, kind, CASE kind WHEN 'Communication' THEN '{PREFIX}' || \
         (10000000000000000 + row_number() OVER (PARTITION BY kind ORDER BY id)) || '00' ELSE id END, version, \
         last_updated_at, date_at, deleted, thread, patient, author, audience, body FROM public.resource;\n\
         VACUUM (ANALYZE);\n\
         SELECT count(*) FROM baseline.reading WHERE kind = 'Communication';\n"
    )?;
    Ok(database.run(&sql)?.trim().parse()?)
}

/// The script of a read: the row that the service reads, by its primary key.
pub fn read_script(messages: usize) -> String {
    format!(
        "\\set k random(10000000000000001, {})\n\
         SELECT id, version, last_updated_at, date_at, deleted, thread, body FROM baseline.reading \
         WHERE tenant = 'default' AND kind = 'Communication' AND id = '{PREFIX}' || :k || '00';\n",
        10_000_000_000_000_000 + messages
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows() -> Rows {
        let row = serde_json::json!({
            "tenant": "default", "id": "m-1", "version": 1, "deleted": false, "thread": null,
            "last_updated_at": "2026-06-19T21:30:00.5+00:00", "patient": "Patient/p-1", "body": "{\"id\":\"m-1\"}"
        });
        let entry =
            serde_json::json!({ "id": "m-1", "value": "Communication/m-1", "high_at": "2026-06-24T21:00:00+00:00" });
        let mut rows = Rows { sent: "2026-06-19T21:30:00Z".parse().ok(), ..Rows::default() };
        for (table, row) in [("resource", row), ("search_value", entry)] {
            rows.tables.insert(table.to_owned(), vec![row.as_object().unwrap().clone()]);
        }
        for (table, column) in [("resource", "last_updated_at"), ("search_value", "high_at")] {
            rows.types.insert((table.to_owned(), column.to_owned()), "timestamp with time zone".to_owned());
        }
        rows
    }

    #[test]
    fn a_script_writes_the_rows_under_new_ids_at_the_present_moment() {
        let script = rows().script().unwrap();
        assert_eq!(script.matches("INSERT").count(), 2, "{script}");
        assert!(script.contains("(E'f0000000-0000-700' || :k || E'00')"), "{script}");
        assert!(script.contains("(E'Communication/f0000000-0000-700' || :k || E'00')"), "{script}");
        assert!(script.contains("now()") && script.contains("timestamptz E'2026-06-24T21\\x3a00\\x3a00+00\\x3a00'"));
        assert!(script.contains(r#"E'{"id"\x3a"m-1"}'"#), "a body keeps its text: {script}");
    }

    #[test]
    fn all_tables_may_be_written_by_one_statement() {
        let script = rows().single_statement().unwrap();
        assert_eq!(script.matches(';').count(), 1, "{script}");
        assert!(script.contains("WITH part0 AS (INSERT INTO baseline.resource"), "{script}");
    }

    #[test]
    fn ids_are_as_long_as_those_of_the_service() {
        assert_eq!(PREFIX.len() + "10000000000000000".len() + "00".len(), 36);
    }
}
