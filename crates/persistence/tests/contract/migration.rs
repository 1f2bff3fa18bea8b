//! Migrations go up, down and up again, and leave the schema that the queries expect.

use diesel::prelude::*;
use diesel::sql_types::Text;
use diesel::{PgConnection, SqliteConnection};
use domain::store::{Store, StoreError};
use persistence::{Config, OpenError, Url, migrate, open, pending, revert_all};

use crate::fresh::Place;

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    line: String,
}

/// The catalogue of tables, columns, indexes, constraints and comments as text.
fn schema(url: &Url) -> Vec<String> {
    let lines: Vec<Line> = match url {
        Url::Postgres(url) => diesel::sql_query(
            "SELECT line FROM (
                SELECT format('%s.%s %s %s %s %s', c.relname, a.attname, format_type(a.atttypid, a.atttypmod),
                    a.attnotnull, a.attcollation::regcollation, col_description(c.oid, a.attnum)) AS line
                FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
                WHERE c.relnamespace = 'public'::regnamespace AND a.attnum > 0 AND c.relkind = 'r'
                UNION ALL
                SELECT format('%s %s', pg_get_indexdef(i.indexrelid), obj_description(i.indexrelid))
                FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid WHERE c.relnamespace = 'public'::regnamespace
                UNION ALL
                SELECT format('%s %s %s', conrelid::regclass, conname, pg_get_constraintdef(oid))
                FROM pg_constraint WHERE connamespace = 'public'::regnamespace
            ) AS lines WHERE line NOT LIKE '%\\_\\_diesel%' ORDER BY line",
        )
        .load(&mut PgConnection::establish(url).unwrap())
        .unwrap(),
        Url::Sqlite(path) => diesel::sql_query(
            "SELECT coalesce(sql, name) AS line FROM sqlite_master WHERE name NOT LIKE '\\_\\_diesel%' ESCAPE '\\' \
             AND tbl_name NOT LIKE '\\_\\_diesel%' ESCAPE '\\' ORDER BY 1",
        )
        .load(&mut SqliteConnection::establish(path.to_str().unwrap()).unwrap())
        .unwrap(),
    };
    lines.into_iter().map(|line| line.line).collect()
}

fn up_down_up(place: &Place) {
    let names = pending(&place.url).unwrap();
    assert!(names.len() >= 4 && names.is_sorted());
    assert_eq!(migrate(&place.url).unwrap(), names);
    assert_eq!(pending(&place.url).unwrap(), Vec::<String>::new());
    let up = schema(&place.url);
    assert!(up.len() > 20);
    revert_all(&place.url).unwrap();
    assert_eq!(schema(&place.url), Vec::<String>::new(), "nothing stays behind");
    assert_eq!(migrate(&place.url).unwrap(), names);
    assert_eq!(schema(&place.url), up);
    assert_eq!(migrate(&place.url).unwrap(), Vec::<String>::new());
}

/// What the queries expect, read from their own definition: table, column, type and whether it may be empty.
fn expected(types: &dyn Fn(&str) -> &'static str) -> Vec<String> {
    let (mut table, mut columns) = (String::new(), vec![]);
    for line in include_str!("../../src/schema.rs").lines().map(str::trim) {
        if let Some((name, _)) = line.split_once(" (").filter(|_| line.ends_with(") {")) {
            name.clone_into(&mut table);
        } else if let Some((column, sql)) = line.strip_suffix(',').and_then(|line| line.split_once(" -> ")) {
            let required = sql.strip_prefix("Nullable<").and_then(|sql| sql.strip_suffix('>'));
            columns.push(format!("{table}.{column} {} {}", types(required.unwrap_or(sql)), required.is_none()));
        }
    }
    assert!(columns.len() > 100, "the definition was understood");
    columns.sort();
    columns
}

#[test]
fn the_queries_expect_the_schema_that_postgres_has() {
    let place = Place::postgres();
    migrate(&place.url).unwrap();
    let Url::Postgres(url) = &place.url else { panic!("this is PostgreSQL") };
    let lines: Vec<Line> = diesel::sql_query(
        "SELECT table_name || '.' || column_name || ' ' || data_type || ' ' || (is_nullable = 'NO') AS line \
         FROM information_schema.columns WHERE table_schema = 'public' AND table_name NOT LIKE '\\_\\_diesel%'",
    )
    .load(&mut PgConnection::establish(url).unwrap())
    .unwrap();
    let types = |sql: &str| match sql {
        "Text" => "text",
        "Integer" => "integer",
        "BigInt" => "bigint",
        "Bool" => "boolean",
        _ => "timestamp with time zone",
    };
    let mut found: Vec<_> = lines.into_iter().map(|one| one.line).collect();
    found.sort();
    assert_eq!(found, expected(&types));
}

#[test]
fn the_queries_expect_the_schema_that_sqlite_has() {
    let place = Place::sqlite();
    migrate(&place.url).unwrap();
    let Url::Sqlite(path) = &place.url else { panic!("this is SQLite") };
    let lines: Vec<Line> = diesel::sql_query(
        "SELECT t.name || '.' || c.name || ' ' || lower(c.type) || ' ' || iif(c.\"notnull\", 'true', 'false') AS line \
         FROM sqlite_master t, pragma_table_info(t.name) c \
         WHERE t.type = 'table' AND t.name NOT LIKE '\\_\\_diesel%' ESCAPE '\\'",
    )
    .load(&mut SqliteConnection::establish(path.to_str().unwrap()).unwrap())
    .unwrap();
    let types = |sql: &str| match sql {
        "Text" => "text",
        "Bool" => "boolean",
        _ => "integer",
    };
    let mut found: Vec<_> = lines.into_iter().map(|one| one.line).collect();
    found.sort();
    assert_eq!(found, expected(&types));
}

#[test]
fn migrations_go_up_down_and_up_on_sqlite() {
    up_down_up(&Place::sqlite());
}

#[test]
fn migrations_go_up_down_and_up_on_postgres() {
    up_down_up(&Place::postgres());
}

fn several_processes_migrate_at_once(place: &Place) {
    std::thread::scope(|scope| {
        let all: Vec<_> = (0..4).map(|_| scope.spawn(|| migrate(&place.url))).collect();
        for one in all {
            one.join().unwrap().unwrap();
        }
    });
    assert_eq!(pending(&place.url).unwrap(), Vec::<String>::new());
}

#[test]
fn several_processes_may_migrate_at_once_on_sqlite() {
    several_processes_migrate_at_once(&Place::sqlite());
}

#[test]
fn several_processes_may_migrate_at_once_on_postgres() {
    several_processes_migrate_at_once(&Place::postgres());
}

async fn readiness_names_what_is_missing(place: Place) {
    let store = open(&Config::new(place.url.clone())).unwrap();
    let Err(StoreError::Unavailable(text)) = store.ready().await else { panic!("not ready") };
    for name in pending(&place.url).unwrap() {
        assert!(text.contains(&name) && text.contains("postern migrate"), "{text}");
    }
    migrate(&place.url).unwrap();
    assert_eq!(store.ready().await, Ok(()));
}

#[tokio::test]
async fn an_unmigrated_sqlite_is_not_ready_and_says_why() {
    readiness_names_what_is_missing(Place::sqlite()).await;
}

#[tokio::test]
async fn an_unmigrated_postgres_is_not_ready_and_says_why() {
    readiness_names_what_is_missing(Place::postgres()).await;
}

#[test]
fn a_database_that_does_not_answer_is_told_at_once_without_its_password() {
    let url = "postgres://postgres:s3cret@127.0.0.1:1/postgres".parse().unwrap();
    let Err(OpenError::Connection(text)) = open(&Config::new(url)).map(drop) else { panic!("nothing listens there") };
    assert!(!text.contains("s3cret"), "{text}");
}

#[derive(QueryableByName)]
struct Plan {
    #[diesel(sql_type = Text, column_name = "QUERY PLAN")]
    line: String,
}

/// Plans made before the first statistics are kept while tables grow: they must not read a whole tenant for one row.
#[test]
fn on_an_empty_postgres_a_row_is_already_found_by_its_key() {
    let place = Place::postgres();
    migrate(&place.url).unwrap();
    let Url::Postgres(url) = &place.url else { panic!("this is PostgreSQL") };
    let mut conn = PgConnection::establish(url).unwrap();
    for (query, index) in [
        ("SELECT body FROM resource WHERE tenant = 't' AND kind = 'k' AND id = 'i'", "resource_pkey"),
        (
            "UPDATE resource SET version = 2 WHERE tenant = 't' AND kind = 'k' AND id = 'i' AND version = 1",
            "resource_pkey",
        ),
        ("DELETE FROM search_value WHERE tenant = 't' AND kind = 'k' AND id = 'i'", "search_value_pkey"),
        ("UPDATE clock SET revision = 2 WHERE tenant = 't' AND id = 'i' AND revision = 1", "clock_pkey"),
        ("SELECT id FROM clock WHERE tenant = 't' AND thread = 'r'", "clock_thread"),
        (
            "SELECT id FROM clock WHERE clock.state = 'running' AND next_at <= now() ORDER BY next_at LIMIT 9",
            "clock_next",
        ),
    ] {
        diesel::sql_query("SET enable_seqscan = off").execute(&mut conn).unwrap();
        let plan: Vec<Plan> = diesel::sql_query(format!("EXPLAIN (COSTS OFF) {query}")).load(&mut conn).unwrap();
        assert!(
            plan.iter().any(|plan| plan.line.contains(index)),
            "{query}: {:?}",
            plan.iter().map(|p| &p.line).collect::<Vec<_>>()
        );
    }
}
