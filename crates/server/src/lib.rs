//! The program: configuration, wiring, workers and commands.

pub mod audit;
pub mod check;
pub mod client;
pub mod clinic;
pub mod clock;
pub mod command;
pub mod config;
pub mod demo;
pub mod month;
pub mod random;
pub mod seed;
pub mod service;
pub mod simulate;
mod supervise;
pub mod telemetry;
pub mod token;
mod welcome;
pub mod worker;
pub mod workload;
