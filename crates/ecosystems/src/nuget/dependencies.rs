//! One number for a release's dependencies, comparable between the registration and the package's nuspec.

use std::collections::BTreeSet;

/// A dependency, of whichever target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Dependency {
    /// The package's id.
    pub id: String,
    /// For which target; empty for all.
    pub target: String,
    /// The range as written; empty for any version.
    pub range: String,
}

/// The upper half is a hash of the ids alone, which the nuspec must agree with; the lower one of everything as
/// the registry writes it, so that equal numbers mean equal dependencies and ranges.
pub(super) fn fingerprint(dependencies: &[Dependency]) -> u64 {
    let details: BTreeSet<String> = dependencies
        .iter()
        .map(|dependency| {
            let range: String = dependency.range.split_whitespace().collect();
            format!("{}\n{}\n{range}", dependency.id, dependency.target).to_ascii_lowercase()
        })
        .collect();
    let details = hash(details.iter().map(String::as_str));
    u64::from(names_hash(dependencies)) << 32 | u64::from(fold(details))
}

/// The half of [`fingerprint`] that depends on the ids alone.
pub(super) fn names_half(fingerprint: u64) -> u32 {
    u32::try_from(fingerprint >> 32).unwrap_or(u32::MAX)
}

/// What [`names_half`] is for these dependencies.
pub(super) fn names_hash(dependencies: &[Dependency]) -> u32 {
    let names: BTreeSet<String> =
        dependencies.iter().map(|dependency| dependency.id.to_ascii_lowercase()).collect();
    fold(hash(names.iter().map(String::as_str)))
}

fn fold(number: u64) -> u32 {
    names_half(number ^ number << 32)
}

/// FNV-1a, 64 bits: stable between builds. It tells change from no change; it is no proof.
fn hash<'a>(texts: impl Iterator<Item = &'a str>) -> u64 {
    let mut state = 0xcbf2_9ce4_8422_2325_u64;
    for text in texts {
        for byte in text.bytes().chain([0]) {
            state = (state ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    state
}
