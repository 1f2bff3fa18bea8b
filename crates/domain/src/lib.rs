//! The policies of Postern as plain functions of values.
//!
//! Everything here is deterministic: `now` and new identifiers are arguments, and the only ways in and out are the
//! ports of [`store`]. The crate compiles without a clock, randomness, an async runtime, Diesel or actix.

pub mod absence;
pub mod access;
pub mod audit;
pub mod calendar;
pub mod change;
pub mod clock;
pub mod correspondent;
pub mod decide;
pub mod decision;
pub mod hold;
pub mod holiday;
pub mod id;
pub mod inbox;
pub mod message;
pub mod name;
pub mod overrides;
pub mod policy;
pub mod schedule;
pub mod search;
pub mod simulate;
pub mod store;
pub mod task;
pub mod text;
pub mod thread;
pub mod time;
