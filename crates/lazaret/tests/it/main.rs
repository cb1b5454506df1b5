//! Real package managers against the binary, in front of registries of our own and of the real ones.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests fail by these")]

mod crash;
mod deb;
mod github;
mod go;
mod hosting;
mod house;
mod maven;
mod nuget;
mod oci;
mod reading;
mod real;
mod refusals;
mod run;
