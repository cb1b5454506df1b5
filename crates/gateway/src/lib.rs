//! The engine: one path from a request to an answer, for every ecosystem.

mod clock;
mod engine;
mod flights;
mod server;
mod settings;
mod signing;
mod upstream;
mod wire;

pub use clock::Clock;
pub use engine::{
    ExplainError, Gateway, ImportReport, OpenError, Summary, WaiverBody, check_waiver, known_ecosystems,
    parse_moment,
};
pub use server::{Peer, Service, serve, tls_config};
pub use settings::{AdvisorySource, Settings, UpstreamSettings};
pub use upstream::{Said, UpstreamError, ask};
