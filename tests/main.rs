//! Knocks at the real door: every promise of the service, over HTTP with real tokens, on both databases.
//!
//! PostgreSQL is found through `POSTERN_TEST_POSTGRES_URL`, the URL of a superuser; each test makes its own database and
//! drops it. Most tests run the service in this process under a clock that they move; those about crashes run the real
//! binary, which is looked for beside this test's own. `make test` provides both.

#![expect(clippy::unwrap_used, reason = "all of this is tests; clippy knows only functions marked as such")]

/// Runs each of these stories on both databases, in a `house` or at a `place`, as its module runs them.
macro_rules! on_both {
    ($run:ident: $($name:ident),+ $(,)?) => {
        mod on_sqlite {
            $(#[test] fn $name() { $crate::$run::run($crate::place::Database::Sqlite, super::$name); })+
        }
        mod on_postgres {
            $(#[test] fn $name() { $crate::$run::run($crate::place::Database::Postgres, super::$name); })+
        }
    };
}

mod client;
mod example;
mod house;
mod issuer;
mod people;
mod place;
mod program;

mod absence;
mod access;
mod activation;
mod audit;
mod bad_bundle;
mod boundaries;
mod bundle;
mod canary;
mod care_team;
mod communication;
mod conformance;
mod consent;
mod crash;
mod emergency;
mod error;
mod explain;
mod feeding;
mod fuzz;
mod health;
mod healthcare_service;
mod history;
mod holiday;
mod house_rules;
mod manners;
mod outgoing;
mod practitioner_role;
mod preflight;
mod proxy;
mod real_issuers;
mod recalendar;
mod replay;
mod search;
mod simulation;
mod stock_clients;
mod succession;
mod task;
mod threads;
mod validate;
mod whose;
mod worker;
