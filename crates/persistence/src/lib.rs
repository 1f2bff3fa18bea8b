//! The store on PostgreSQL and on embedded SQLite: one schema, one set of queries compiled for each, one write door.
//!
//! ```text
//! domain::store::Store  <-  store.rs    one port, either database
//!                           writer.rs   changes wait, are committed in groups, are answered
//!                           reader.rs   questions wait, threads answer them on pooled connections
//!                           sql/        the statements, compiled once as `postgres` and once as `sqlite`
//!                           postgres/dialect.rs, sqlite/dialect.rs   what differs
//! ```

#![expect(clippy::duplicate_mod, reason = "the statements are compiled once for each database")]

#[macro_use]
mod rows;

mod config;
mod error;
mod migration;
mod page;
mod postgres;
mod queue;
mod readable;
mod reader;
mod schema;
mod sqlite;
mod store;
mod transaction;
mod types;
mod writer;

pub use config::{Config, Url};
pub use error::OpenError;
pub use migration::{migrate, pending, revert_all};
pub use store::{SqlStore, open};
