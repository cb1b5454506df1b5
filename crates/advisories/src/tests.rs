//! What all tests share: the fixtures, two ecosystems and their version orders.

mod evaluation;
mod incidents;
mod persistence;
mod real;
mod records;
mod sources;

use crate::{Advisory, AdvisoryIndex, IndexBuilder};
use lazaret_vocabulary::EcosystemId;
use std::cmp::Ordering;
use std::path::{Path, PathBuf};

const NPM: EcosystemId = EcosystemId::new("npm");
const PYPI: EcosystemId = EcosystemId::new("pypi");
const CARGO: EcosystemId = EcosystemId::new("cargo");
const GO: EcosystemId = EcosystemId::new("go");

fn normalise(ecosystem: &str, name: &str) -> Option<(EcosystemId, String)> {
    Some(match ecosystem.split(':').next()? {
        "npm" => (NPM, name.to_owned()),
        "PyPI" => (PYPI, name.to_lowercase().replace(['_', '.'], "-")),
        "crates.io" => (CARGO, name.to_lowercase().replace('_', "-")),
        "Go" => (GO, name.to_owned()),
        _ => return None,
    })
}

fn by_id(id: &str) -> Option<EcosystemId> {
    [NPM, PYPI, CARGO, GO].into_iter().find(|known| known.as_str() == id)
}

/// SemVer 2.0 without build metadata; texts that are none come first.
fn semver(left: &str, right: &str) -> Ordering {
    let read = |text: &str| semver::Version::parse(text).ok();
    match (read(left), read(right)) {
        (Some(left), Some(right)) => left.cmp_precedence(&right),
        (None, None) => left.cmp(right),
        (one, other) => one.is_some().cmp(&other.is_some()),
    }
}

/// PEP 440; texts that are none come first.
fn pep440(left: &str, right: &str) -> Ordering {
    let read = |text: &str| text.parse::<pep440_rs::Version>().ok();
    match (read(left), read(right)) {
        (Some(left), Some(right)) => left.cmp(&right),
        (None, None) => left.cmp(right),
        (one, other) => one.is_some().cmp(&other.is_some()),
    }
}

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")
}

fn advisory(json: &str) -> Advisory {
    Advisory::parse(json.as_bytes()).unwrap()
}

fn index_of(advisories: &[Advisory]) -> AdvisoryIndex {
    let mut builder = IndexBuilder::new(&normalise);
    advisories.iter().for_each(|advisory| builder.add(advisory));
    builder.finish().unwrap()
}
