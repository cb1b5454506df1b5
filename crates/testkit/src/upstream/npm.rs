//! npm packages as a test states them. `npm_render.rs` turns them into documents and tarballs.

use super::npm_render::Built;
use crate::archive::Entry;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The date of a release that says nothing about one.
pub(super) const LONG_AGO: &str = "2020-01-01T00:00:00.000Z";

/// All packages of the fake npm registry.
#[derive(Default)]
pub struct NpmRegistry {
    pub(super) packages: BTreeMap<String, Package>,
    pub(super) key: Option<super::npm_render::SigningKey>,
}

#[derive(Default)]
pub(super) struct Package {
    pub(super) name: String,
    pub(super) releases: Vec<Release>,
    pub(super) tags: BTreeMap<String, String>,
    pub(super) maintainers: Vec<String>,
    pub(super) description: Option<String>,
    pub(super) unpublished: Vec<(String, String)>,
    pub(super) without_time: bool,
    pub(super) without_modified: bool,
    pub(super) raw: Option<String>,
    pub(super) built: Option<Arc<Built>>,
}

#[derive(Default)]
pub(super) struct Release {
    pub(super) version: String,
    pub(super) published: Option<String>,
    pub(super) publisher: Option<String>,
    pub(super) deprecated: Option<String>,
    pub(super) licence: Option<Value>,
    pub(super) dependencies: Vec<(&'static str, String, String)>,
    pub(super) scripts: Vec<(String, String)>,
    pub(super) files: Vec<Entry>,
    pub(super) fields: Vec<(String, Value)>,
    pub(super) listed: Vec<(String, Value)>,
    pub(super) packed: Vec<(String, Value)>,
    pub(super) filler_bytes: usize,
    pub(super) noise_bytes: Option<u64>,
    pub(super) served: Option<Vec<u8>>,
    pub(super) integrity: Option<String>,
    pub(super) shasum: Option<String>,
    pub(super) unsigned: bool,
    pub(super) attestations: Option<Value>,
}

impl NpmRegistry {
    /// Opens a package, new or known. What is said about a release falls on the one last named.
    pub fn package(&mut self, name: &str) -> NpmPackage<'_> {
        let package = self.packages.entry(name.to_owned()).or_insert_with(|| Package {
            name: name.to_owned(),
            maintainers: vec!["alice".to_owned()],
            ..Package::default()
        });
        package.built = None;
        NpmPackage { current: package.releases.len().checked_sub(1), package }
    }

    /// The registry no longer knows the package.
    pub fn remove(&mut self, name: &str) {
        self.packages.remove(name);
    }

    /// A package with `releases` releases (`1.0.0`, `1.0.1`, …, one a day since 2015) whose full
    /// packument is about `packument_bytes` long.
    pub fn huge(&mut self, name: &str, releases: usize, packument_bytes: usize) {
        let filler_bytes = (packument_bytes / releases.max(1)).saturating_sub(900);
        let mut package = self.package(name).description("Many releases");
        for number in 0..releases {
            let days = lazaret_vocabulary::Span::days(i64::try_from(number).unwrap_or(i64::MAX));
            let start = lazaret_vocabulary::Timestamp::from_seconds(1_420_070_400);
            let (minor, patch) = (number / 100, number % 100);
            package = package
                .release(&format!("1.{minor}.{patch}"))
                .published(&(start + days).to_string())
                .dependency("good-lib", "^1.0.0")
                .filler(filler_bytes);
        }
    }
}

/// A package being described; every method changes it at once and hands it back for the next.
pub struct NpmPackage<'a> {
    package: &'a mut Package,
    current: Option<usize>,
}

impl NpmPackage<'_> {
    /// Opens a release, new or known, of MIT licence and with an `index.js`.
    pub fn release(mut self, version: &str) -> Self {
        let known = self.package.releases.iter().position(|release| release.version == version);
        self.current = Some(known.unwrap_or_else(|| {
            self.package.releases.push(Release {
                version: version.to_owned(),
                published: Some(LONG_AGO.to_owned()),
                publisher: Some("alice".to_owned()),
                licence: Some(Value::from("MIT")),
                ..Release::default()
            });
            self.package.releases.len() - 1
        }));
        self
    }

    fn with(self, change: impl FnOnce(&mut Release)) -> Self {
        let current = self.current.and_then(|index| self.package.releases.get_mut(index));
        change(current.expect("name a release first"));
        self
    }

    /// Its entry in `time`, word for word.
    pub fn published(self, date: &str) -> Self {
        self.with(|release| release.published = Some(date.to_owned()))
    }

    /// No entry in `time`.
    pub fn no_date(self) -> Self {
        self.with(|release| release.published = None)
    }

    /// Its `license`, an SPDX expression or whatever was written there.
    pub fn licence(self, licence: &str) -> Self {
        self.with(|release| release.licence = Some(Value::from(licence)))
    }

    /// No `license`.
    pub fn no_licence(self) -> Self {
        self.with(|release| release.licence = None)
    }

    /// `_npmUser`: who published it.
    pub fn publisher(self, name: &str) -> Self {
        self.with(|release| release.publisher = Some(name.to_owned()))
    }

    /// No `_npmUser`.
    pub fn no_publisher(self) -> Self {
        self.with(|release| release.publisher = None)
    }

    /// An entry in `dependencies`.
    pub fn dependency(self, name: &str, range: &str) -> Self {
        self.depends("dependencies", name, range)
    }

    /// An entry in `dependencies`, `devDependencies`, `peerDependencies` or `optionalDependencies`.
    pub fn depends(self, kind: &'static str, name: &str, range: &str) -> Self {
        self.with(|release| release.dependencies.push((kind, name.to_owned(), range.to_owned())))
    }

    /// An entry in `scripts`; with `preinstall`, `install` or `postinstall` the registry also says
    /// `hasInstallScript`.
    pub fn script(self, event: &str, command: &str) -> Self {
        self.with(|release| release.scripts.push((event.to_owned(), command.to_owned())))
    }

    /// `deprecated` with this message.
    pub fn deprecated(self, message: &str) -> Self {
        self.with(|release| release.deprecated = Some(message.to_owned()))
    }

    /// A file of the tarball, below `package/`; replaces one of the same path.
    pub fn file(self, path: &str, bytes: impl AsRef<[u8]>) -> Self {
        self.with(|release| {
            release.files.retain(|(have, _)| have != path);
            release.files.push((path.to_owned(), bytes.as_ref().to_vec()));
        })
    }

    /// Any other member of the manifest (`bin`, `engines`, `os`, `repository`, …).
    pub fn field(self, name: &str, value: impl Into<Value>) -> Self {
        let value = value.into();
        self.with(|release| release.fields.push((name.to_owned(), value)))
    }

    /// A member that only the index has, or has otherwise: manifest confusion.
    pub fn listed_field(self, name: &str, value: impl Into<Value>) -> Self {
        let value = value.into();
        self.with(|release| release.listed.push((name.to_owned(), value)))
    }

    /// A member that only the tarball's `package.json` has, or has otherwise: manifest confusion.
    pub fn packed_field(self, name: &str, value: impl Into<Value>) -> Self {
        let value = value.into();
        self.with(|release| release.packed.push((name.to_owned(), value)))
    }

    /// Serves other bytes than those whose digests the index declares.
    pub fn tampered(self, bytes: impl Into<Vec<u8>>) -> Self {
        let bytes = bytes.into();
        self.with(|release| release.served = Some(bytes))
    }

    /// Declares this `integrity` instead of the true one; an empty one leaves the member out.
    pub fn declared_integrity(self, integrity: &str) -> Self {
        self.with(|release| release.integrity = Some(integrity.to_owned()))
    }

    /// Declares this `shasum` instead of the true one; an empty one leaves the member out.
    pub fn declared_shasum(self, shasum: &str) -> Self {
        self.with(|release| release.shasum = Some(shasum.to_owned()))
    }

    /// No registry signature in `dist`.
    pub fn unsigned(self) -> Self {
        self.with(|release| release.unsigned = true)
    }

    /// What the attestations endpoint answers for it; `dist.attestations` then names that endpoint.
    pub fn attestations(self, document: Value) -> Self {
        self.with(|release| release.attestations = Some(document))
    }

    /// A tarball with so many bytes of noise in it, generated while it is sent.
    pub fn large(self, noise_bytes: u64) -> Self {
        self.with(|release| release.noise_bytes = Some(noise_bytes))
    }

    /// So many bytes of a manifest member that no installer reads.
    pub fn filler(self, bytes: usize) -> Self {
        self.with(|release| release.filler_bytes = bytes)
    }

    /// Takes the current release away; `time` keeps its date, as after `npm unpublish`.
    pub fn unpublish(mut self) -> Self {
        if let Some(index) = self.current.take() {
            let release = self.package.releases.remove(index);
            if let Some(date) = release.published {
                self.package.unpublished.push((release.version, date));
            }
        }
        self
    }

    /// A `dist-tags` entry. Without one, `latest` is the release last added that is no pre-release.
    pub fn tag(self, tag: &str, version: &str) -> Self {
        self.package.tags.insert(tag.to_owned(), version.to_owned());
        self
    }

    /// Adds a maintainer of the package (there is `alice` unless taken away).
    pub fn maintainer(self, name: &str) -> Self {
        self.package.maintainers.push(name.to_owned());
        self
    }

    /// The registry knows nobody who maintains it.
    pub fn no_maintainers(self) -> Self {
        self.package.maintainers.clear();
        self
    }

    /// The package's description.
    pub fn description(self, text: &str) -> Self {
        self.package.description = Some(text.to_owned());
        self
    }

    /// No `time` at all.
    pub fn no_time(self) -> Self {
        self.package.without_time = true;
        self
    }

    /// No `created` and `modified`, as mirrors send it.
    pub fn no_modified(self) -> Self {
        self.package.without_modified = true;
        self
    }

    /// Answers every request for the packument with these bytes.
    pub fn raw_packument(self, text: &str) -> Self {
        self.package.raw = Some(text.to_owned());
        self
    }
}
