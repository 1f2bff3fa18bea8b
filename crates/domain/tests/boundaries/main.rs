//! Boundaries of the people concerned: limits with holds, blocks, exemptions, and automatic replies.

#![expect(clippy::unwrap_used, reason = "what a test has written itself is well-formed, or the test must fail")]

mod danger;
mod holds;
mod limits;
mod promises;
mod properties;
mod replies;
mod routing;
mod world;
