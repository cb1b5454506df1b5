//! One number for a release's dependencies, comparable between the index and the crate's own manifest.

use serde::Deserialize;
use std::borrow::Cow;
use std::collections::BTreeSet;

/// A dependency as the index writes it (the Cargo book, "Index JSON schema").
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Dependency<'a> {
    /// The name it goes by in the crate that depends.
    #[serde(borrow)]
    pub name: Cow<'a, str>,
    /// The requirement.
    #[serde(borrow, default)]
    pub req: Cow<'a, str>,
    /// The package's own name, where that differs.
    #[serde(borrow, default)]
    pub package: Option<Cow<'a, str>>,
    /// `normal`, `build` or `dev`; absent is `normal`.
    #[serde(borrow, default)]
    pub kind: Option<Cow<'a, str>>,
    /// The platform it is for.
    #[serde(borrow, default)]
    pub target: Option<Cow<'a, str>>,
    /// Whether a feature has to ask for it.
    #[serde(default)]
    pub optional: Option<bool>,
    /// The index of another registry that it comes from.
    #[serde(borrow, default)]
    pub registry: Option<Cow<'a, str>>,
}

impl Dependency<'_> {
    fn package_name(&self) -> &str {
        self.package.as_deref().unwrap_or(&self.name)
    }

    /// Development dependencies are built by nobody who installs the crate.
    fn counts(&self) -> bool {
        self.kind.as_deref() != Some("dev")
    }
}

/// The upper half is a hash of the package names alone, which the crate's manifest must agree with; the
/// lower one of everything, so that equal numbers mean equal dependencies and ranges. Development
/// dependencies do not count.
pub(super) fn fingerprint(dependencies: &[Dependency<'_>]) -> u64 {
    let counted = || dependencies.iter().filter(|dependency| dependency.counts());
    let names: BTreeSet<&str> = counted().map(Dependency::package_name).collect();
    let details: BTreeSet<String> = counted()
        .map(|dependency| {
            let kind = dependency.kind.as_deref().unwrap_or("normal");
            let target = dependency.target.as_deref().unwrap_or_default();
            let registry = dependency.registry.as_deref().unwrap_or_default();
            let optional = dependency.optional.unwrap_or_default();
            let (name, package) = (&dependency.name, dependency.package_name());
            [&**name, package, &dependency.req, kind, target, registry, if optional { "?" } else { "" }]
                .join("\n")
        })
        .collect();
    let names = u64::from(hash_names(names.into_iter()));
    let details = u64::from(fold(hash(details.iter().map(String::as_str))));
    names << 32 | details
}

/// The half of [`fingerprint`] that depends on the package names alone.
pub(super) fn names_half(fingerprint: u64) -> u32 {
    fold_upper(fingerprint)
}

/// What [`names_half`] is for these package names, which must be sorted and without repetition.
pub(super) fn hash_names<'a>(sorted: impl Iterator<Item = &'a str>) -> u32 {
    fold(hash(sorted))
}

fn fold_upper(number: u64) -> u32 {
    u32::try_from(number >> 32).unwrap_or(u32::MAX)
}

fn fold(number: u64) -> u32 {
    fold_upper((number ^ number << 32) & 0xffff_ffff_0000_0000)
}

/// FNV-1a, 64 bits: stable between builds, which the standard library's hasher does not promise to be. It
/// tells change from no change; it is no proof against somebody who can write the index.
fn hash<'a>(texts: impl Iterator<Item = &'a str>) -> u64 {
    let mut state = 0xcbf2_9ce4_8422_2325_u64;
    for text in texts {
        for byte in text.bytes().chain([0]) {
            state = (state ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    state
}
