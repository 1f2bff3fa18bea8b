//! A database of its own for every test, and questions that only the database can answer.

use std::env;
use std::fs;
use std::path::PathBuf;
use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use actix_web::rt::System;
use diesel::connection::SimpleConnection as _;
use diesel::deserialize::QueryableByName;
use diesel::sql_types::{BigInt, Text};
use diesel::{Connection as _, PgConnection, RunQueryDsl as _, SqliteConnection, sql_query};
use domain::id::TenantId;
use domain::store::Store;
use domain::time::Instant;
use server::clinic;

/// Which database a test runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Database {
    Sqlite,
    Postgres,
}

/// A new database and a folder for keys; both are removed when it is dropped.
pub struct Place {
    pub url: String,
    pub folder: PathBuf,
    server: Option<(String, String)>,
}

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    value: i64,
}

#[derive(QueryableByName)]
struct Words {
    #[diesel(sql_type = Text)]
    value: String,
}

static NUMBER: AtomicU32 = AtomicU32::new(0);

/// A connection that waits for whoever writes.
fn sqlite(path: &str) -> SqliteConnection {
    let mut conn = SqliteConnection::establish(path).unwrap();
    conn.batch_execute("PRAGMA busy_timeout = 10000").unwrap();
    conn
}

impl Place {
    /// An empty database.
    pub fn new(database: Database) -> Self {
        let name = format!("postern_door_{}_{}", process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        let folder = env::temp_dir().join(&name);
        fs::create_dir_all(&folder).unwrap();
        if database == Database::Sqlite {
            return Self { url: format!("sqlite:{}", folder.join("postern.sqlite").display()), folder, server: None };
        }
        let server = env::var("POSTERN_TEST_POSTGRES_URL").expect(
            "POSTERN_TEST_POSTGRES_URL must name a PostgreSQL server for tests, such as \
             postgres://postgres@127.0.0.1:5432/postgres (a superuser); `make test` starts one and sets it",
        );
        let mut conn = PgConnection::establish(&server).expect("the server of POSTERN_TEST_POSTGRES_URL answers");
        conn.batch_execute(&format!("CREATE DATABASE {name}")).unwrap();
        let (base, _) = server.rsplit_once('/').expect("POSTERN_TEST_POSTGRES_URL ends in a database");
        Self { url: format!("{base}/{name}"), folder, server: Some((server, name)) }
    }

    /// Migrates the database and puts the small clinic's policy in force, long before now.
    pub async fn prepare(&self) {
        let url = self.url.parse().unwrap();
        persistence::migrate(&url).unwrap();
        let store: Arc<dyn Store> = Arc::new(persistence::open(&persistence::Config::new(url)).unwrap());
        let bundle = clinic::bundle().unwrap();
        let long_ago: Instant = "2020-01-01T00:00:00Z".parse().unwrap();
        clinic::activate(&store, &TenantId::new(TenantId::DEFAULT), &bundle, long_ago).await.unwrap();
    }

    /// The development issuer's key.
    pub fn key(&self) -> PathBuf {
        self.folder.join("development-key.p8")
    }

    /// The key of the audit trail.
    pub fn audit_key(&self) -> PathBuf {
        self.folder.join("audit-key")
    }

    /// Does to the database what only somebody who has it can do.
    pub fn execute(&self, statement: &str) {
        if let Some(path) = self.url.strip_prefix("sqlite:") {
            sqlite(path).batch_execute(statement).unwrap();
        } else {
            PgConnection::establish(&self.url).unwrap().batch_execute(statement).unwrap();
        }
    }

    /// The number that a query named `value` answers with.
    pub fn number(&self, query: &str) -> i64 {
        let found: Vec<Number> = if let Some(path) = self.url.strip_prefix("sqlite:") {
            sql_query(query).load(&mut sqlite(path)).unwrap()
        } else {
            sql_query(query).load(&mut PgConnection::establish(&self.url).unwrap()).unwrap()
        };
        found.first().unwrap().value
    }

    /// How many rows of a table match.
    pub fn count(&self, table: &str, condition: &str) -> i64 {
        self.number(&format!("SELECT count(*) AS value FROM {table} WHERE {condition}"))
    }

    /// The texts that a query named `value` answers with.
    pub fn texts(&self, query: &str) -> Vec<String> {
        let found: Vec<Words> = if let Some(path) = self.url.strip_prefix("sqlite:") {
            sql_query(query).load(&mut sqlite(path)).unwrap()
        } else {
            sql_query(query).load(&mut PgConnection::establish(&self.url).unwrap()).unwrap()
        };
        found.into_iter().map(|words| words.value).collect()
    }

    /// Frees what workers hold, as the passing of their leases does.
    pub fn forget_leases(&self) {
        if self.url.starts_with("sqlite:") {
            return self.execute("UPDATE clock SET claimed_until = NULL; UPDATE outbox SET claimed_until = NULL");
        }
        // A transaction for each table, rows in the order in which the service takes them: others work on them.
        for table in ["clock", "outbox"] {
            self.execute(&format!(
                "WITH held AS (SELECT tenant, id FROM {table} ORDER BY tenant, id FOR UPDATE) \
                 UPDATE {table} SET claimed_until = NULL FROM held \
                 WHERE {table}.tenant = held.tenant AND {table}.id = held.id"
            ));
        }
    }

    /// Takes the database away under whoever uses it; PostgreSQL alone.
    pub fn vanish(&self) {
        let (server, name) = self.server.as_ref().expect("a database of PostgreSQL");
        let mut conn = PgConnection::establish(server).unwrap();
        conn.batch_execute(&format!("DROP DATABASE {name} WITH (FORCE)")).unwrap();
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some((server, name)) = &self.server
            && let Ok(mut conn) = PgConnection::establish(server)
        {
            let _ = conn.batch_execute(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"));
        }
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Runs a story about a prepared database, in which it starts the programs it needs.
pub fn run(database: Database, story: impl AsyncFnOnce(&Place)) {
    System::new().block_on(async {
        let place = Place::new(database);
        place.prepare().await;
        story(&place).await;
    });
}
