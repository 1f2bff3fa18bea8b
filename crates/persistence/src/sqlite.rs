//! The store on SQLite: the statements of `sql/` compiled for it, and what is SQLite's own.

pub mod dialect;

#[path = "sql/absence.rs"]
pub mod absence;
#[path = "sql/audit.rs"]
pub mod audit;
#[path = "sql/block.rs"]
pub mod block;
#[path = "sql/catalogue.rs"]
pub mod catalogue;
#[path = "sql/claim.rs"]
pub mod claim;
#[path = "sql/clock.rs"]
pub mod clock;
#[path = "sql/condition.rs"]
mod condition;
#[path = "sql/correspondent.rs"]
pub mod correspondent;
#[path = "sql/counted.rs"]
pub mod counted;
#[path = "sql/gauge.rs"]
pub mod gauge;
#[path = "sql/group.rs"]
pub mod group;
#[path = "sql/history.rs"]
pub mod history;
#[path = "sql/hold.rs"]
pub mod hold;
#[path = "sql/holiday.rs"]
pub mod holiday;
#[path = "sql/inbox.rs"]
pub mod inbox;
#[path = "sql/mark.rs"]
pub mod mark;
#[path = "sql/outbox.rs"]
pub mod outbox;
#[path = "sql/overrides.rs"]
pub mod overrides;
#[path = "sql/record.rs"]
pub mod record;
#[path = "sql/resource.rs"]
pub mod resource;
#[path = "sql/retraction.rs"]
pub mod retraction;
#[path = "sql/schedule.rs"]
pub mod schedule;
#[path = "sql/search.rs"]
pub mod search;
#[path = "sql/simulation.rs"]
pub mod simulation;
#[path = "sql/statement.rs"]
pub mod statement;
#[path = "sql/thread.rs"]
pub mod thread;
#[path = "sql/visibility.rs"]
mod visibility;

/// The connection.
pub type Conn = diesel::SqliteConnection;
/// The backend.
pub type Db = diesel::sqlite::Sqlite;
