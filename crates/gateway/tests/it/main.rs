//! The gateway as clients meet it: one process, a loopback port, registries that misbehave on demand.

#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests fail by these")]

mod choices;
mod confusion;
mod faults;
mod hosting;
mod house;
mod news;
mod verdicts;
