//! A store of its own for every test.

use std::env;
use std::fs;
use std::ops::Deref;
use std::path::PathBuf;
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};

use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection};
use persistence::{Config, SqlStore, Url, migrate, open};

/// A new database, removed with everything in it when dropped.
pub struct Place {
    pub url: Url,
    removal: Removal,
}

enum Removal {
    Folder(PathBuf),
    Database { server: String, name: String },
}

static NUMBER: AtomicU32 = AtomicU32::new(0);

impl Place {
    pub fn sqlite() -> Self {
        let folder = env::temp_dir().join(name());
        fs::create_dir_all(&folder).unwrap();
        let url = format!("sqlite:{}", folder.join("store.db").display()).parse().unwrap();
        Self { url, removal: Removal::Folder(folder) }
    }

    pub fn postgres() -> Self {
        let server = env::var("POSTERN_TEST_POSTGRES_URL").expect(
            "POSTERN_TEST_POSTGRES_URL must name a PostgreSQL server for tests, such as \
             postgres://postgres@127.0.0.1:5432/postgres (a superuser); `make test` starts one and sets it",
        );
        let name = name();
        let mut conn = PgConnection::establish(&server).expect("the server of POSTERN_TEST_POSTGRES_URL answers");
        conn.batch_execute(&format!("CREATE DATABASE {name}")).unwrap();
        let (base, _) = server.rsplit_once('/').expect("POSTERN_TEST_POSTGRES_URL ends in a database");
        let url = format!("{base}/{name}").parse().unwrap();
        Self { url, removal: Removal::Database { server, name } }
    }
}

fn name() -> String {
    format!("postern_test_{}_{}", process::id(), NUMBER.fetch_add(1, Ordering::Relaxed))
}

impl Drop for Place {
    fn drop(&mut self) {
        match &self.removal {
            Removal::Folder(folder) => drop(fs::remove_dir_all(folder)),
            Removal::Database { server, name } => {
                if let Ok(mut conn) = PgConnection::establish(server) {
                    let _ = conn.batch_execute(&format!("DROP DATABASE {name} WITH (FORCE)"));
                }
            }
        }
    }
}

/// A migrated store of its own.
pub struct Fresh {
    // Dropped first: it waits for what it has taken.
    store: SqlStore,
    place: Place,
}

impl Fresh {
    pub fn sqlite() -> Self {
        Self::at(Place::sqlite())
    }

    pub fn postgres() -> Self {
        Self::at(Place::postgres())
    }

    fn at(place: Place) -> Self {
        migrate(&place.url).unwrap();
        Self { store: open(&Config::new(place.url.clone())).unwrap(), place }
    }

    pub fn url(&self) -> &Url {
        &self.place.url
    }

    /// Another store over the same database, configured otherwise.
    pub fn another(&self, configure: impl FnOnce(&mut Config)) -> SqlStore {
        let mut config = Config::new(self.place.url.clone());
        configure(&mut config);
        open(&config).unwrap()
    }
}

impl Deref for Fresh {
    type Target = SqlStore;

    fn deref(&self) -> &SqlStore {
        &self.store
    }
}
