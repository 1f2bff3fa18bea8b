//! Messages on their way: sent, kept as they were written, read, answered.

mod answered;
mod draft;
mod kept;
mod matching;
mod notice;
mod private;
mod retract;
mod schedule;
mod unread;
mod viewing;
