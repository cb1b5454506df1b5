//! A package's own manifest, the nuspec (NuGet ".nuspec reference"): what it is called, under which licence it
//! stands, and what it needs.

use super::dependencies::Dependency;
use super::xml::{self, Element};
use super::{name, version};
use lazaret_vocabulary::{Malformed, PackageName};

/// Largest nuspec read, in bytes.
pub(super) const LARGEST: usize = 1 << 20;
/// Most dependencies, in all groups.
const MOST_DEPENDENCIES: usize = 5_000;
/// Longest text taken over into a catalog entry, in characters.
const LONGEST_TEXT: usize = 4_000;

/// A manifest, read.
#[derive(Debug)]
pub(super) struct Nuspec {
    pub package: PackageName,
    /// As written.
    pub version: String,
    /// Normalised.
    pub normal: String,
    /// The licence as an expression.
    pub licence: Option<String>,
    /// The licence's file in the package.
    pub licence_file: Option<String>,
    pub dependencies: Vec<Dependency>,
    /// The targets of its groups, those without dependencies among them.
    pub targets: Vec<String>,
    /// Names of its package types, such as `SymbolsPackage`.
    pub types: Vec<String>,
    /// The address of its repository.
    pub repository: Option<String>,
    metadata: Element,
}

impl Nuspec {
    /// Reads a manifest that has an id and a version.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        if bytes.len() > LARGEST {
            return Err(Malformed::new(format!("the nuspec is larger than {LARGEST} bytes")));
        }
        let root = xml::parse(bytes, "the nuspec")?;
        let metadata = root
            .child("metadata")
            .filter(|_| root.name.eq_ignore_ascii_case("package"))
            .ok_or_else(|| Malformed::new("the nuspec is not a `package` with `metadata`"))?;
        if root.all("metadata").count() > 1
            || metadata.all("id").count() > 1
            || metadata.all("version").count() > 1
        {
            return Err(Malformed::new("the nuspec says twice what the package is"));
        }
        let id = metadata.text_of("id").ok_or_else(|| Malformed::new("the nuspec has no id"))?;
        let package = name::parse(id).map_err(|error| Malformed::new(format!("the nuspec: {error}")))?;
        let version = metadata.text_of("version").unwrap_or_default();
        let normal = version::normalise(version).ok_or_else(|| {
            let shown: String = version.chars().take(80).collect();
            Malformed::new(format!("the nuspec's version `{}` is none", shown.escape_debug()))
        })?;
        let (dependencies, targets) = dependencies(metadata)?;
        let licence = metadata.child("license").filter(|licence| !licence.text.is_empty());
        let of_kind = |kind| {
            let is = |licence: &&Element| {
                licence.attribute("type").is_some_and(|have| have.eq_ignore_ascii_case(kind))
            };
            licence.filter(is).map(|licence| licence.text.clone())
        };
        let types = metadata.child("packageTypes").into_iter().flat_map(|types| types.all("packageType"));
        let repository = metadata.child("repository").and_then(|repository| repository.attribute("url"));
        Ok(Self {
            package,
            version: version.to_owned(),
            normal,
            licence: of_kind("expression"),
            licence_file: of_kind("file"),
            dependencies,
            targets,
            types: types.filter_map(|kind| kind.attribute("name")).take(16).map(str::to_owned).collect(),
            repository: repository.filter(|url| !url.is_empty()).map(str::to_owned),
            metadata: metadata.clone(),
        })
    }

    /// Another member of its metadata.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        self.metadata.text_of(name).map(|text| text.chars().take(LONGEST_TEXT).collect())
    }
}

/// Dependencies in groups by target, or, as until 2011, for all targets at once.
fn dependencies(metadata: &Element) -> Result<(Vec<Dependency>, Vec<String>), Malformed> {
    let Some(all) = metadata.child("dependencies") else { return Ok((Vec::new(), Vec::new())) };
    let (mut found, mut targets) = (Vec::new(), Vec::new());
    let mut read = |parent: &Element, target: &str| {
        for dependency in parent.all("dependency") {
            let id = dependency.attribute("id").unwrap_or_default();
            if name::parse(id).is_err() {
                let shown: String = id.chars().take(80).collect();
                return Err(Malformed::new(format!(
                    "the nuspec's dependency `{}` is no package",
                    shown.escape_debug()
                )));
            }
            found.push(Dependency {
                id: id.to_owned(),
                target: target.to_owned(),
                range: dependency.attribute("version").unwrap_or_default().to_owned(),
            });
            if found.len() > MOST_DEPENDENCIES {
                return Err(Malformed::new(format!(
                    "the nuspec has more than {MOST_DEPENDENCIES} dependencies"
                )));
            }
        }
        Ok(())
    };
    read(all, "")?;
    for group in all.all("group") {
        let target = group.attribute("targetFramework").unwrap_or_default();
        read(group, target)?;
        targets.push(target.to_owned());
    }
    if targets.len() > MOST_DEPENDENCIES {
        return Err(Malformed::new("the nuspec has too many groups of dependencies"));
    }
    Ok((found, targets))
}
