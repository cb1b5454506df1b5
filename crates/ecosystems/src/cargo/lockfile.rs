//! Reads `Cargo.lock`, formats 1 to 4: a `[[package]]` each, with the index it came from as `source`.

use super::name;
use crate::Locked;
use lazaret_vocabulary::Malformed;
use serde::Deserialize;
use toml::Spanned;

/// Largest lock file read, in bytes.
const LARGEST: usize = 32 << 20;

/// How every lock file names the public registry, whichever way its index was reached. With a source
/// replacement it is asked of the gateway.
const PUBLIC_REGISTRY: &str = "/crates.io-index";

#[derive(Deserialize)]
struct LockFile {
    #[serde(default)]
    package: Vec<LockedPackage>,
}

#[derive(Deserialize)]
struct LockedPackage {
    name: Spanned<String>,
    version: String,
    source: Option<String>,
}

/// The releases that come from a registry; those of the workspace and from repositories are not ours to
/// judge.
pub(super) fn read(text: &[u8]) -> Result<Vec<Locked>, Malformed> {
    if text.len() > LARGEST {
        return Err(Malformed::new("Cargo.lock is larger than 32 MiB"));
    }
    let text = std::str::from_utf8(text).map_err(|_| Malformed::new("Cargo.lock is not UTF-8"))?;
    let file: LockFile = toml::from_str(text)
        .map_err(|error| Malformed::new(format!("Cargo.lock is not a lock file: {}", error.message())))?;
    let mut locked = Vec::new();
    let (mut line, mut counted_to) = (1, 0);
    for package in file.package {
        let Some(source) = package.source.as_deref().and_then(registry) else { continue };
        // Packages come in the order of the text, so each stretch is counted once.
        let start = package.name.span().start;
        if let Some(stretch) = text.as_bytes().get(counted_to..start) {
            line += stretch.iter().filter(|byte| **byte == b'\n').count();
            counted_to = start;
        }
        let package_name = name::parse(package.name.get_ref())
            .map_err(|error| Malformed::new(format!("Cargo.lock: {error}")))?;
        locked.push(Locked {
            package: package_name,
            version: package.version,
            line: Some(line),
            resolved: (!source.ends_with(PUBLIC_REGISTRY)).then(|| source.to_owned()),
        });
    }
    Ok(locked)
}

/// The index's address, when the source is a registry.
fn registry(source: &str) -> Option<&str> {
    source
        .strip_prefix("registry+")
        .or_else(|| source.strip_prefix("sparse+"))
        .map(|url| url.trim_end_matches('/'))
}
