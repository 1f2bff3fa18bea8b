//! What measuring needs and others may use: a synthetic clinic's correspondence, the same for the same seed.

pub mod sample;
