//! Python projects as a test states them. `pypi_render.rs` turns them into indexes, wheels and sdists.

use super::pypi_render::Built;
use crate::archive::Entry;
use std::collections::BTreeMap;
use std::sync::Arc;

/// All projects of the fake Python index.
#[derive(Default)]
pub struct PypiRegistry {
    pub(super) projects: BTreeMap<String, Project>,
}

#[derive(Default)]
pub(super) struct Project {
    /// As its author writes it; the key in the registry is normalised.
    pub(super) name: String,
    pub(super) releases: Vec<Release>,
    pub(super) status: Option<(String, Option<String>)>,
    pub(super) summary: Option<String>,
    pub(super) raw: Option<String>,
    pub(super) built: Option<Arc<Built>>,
}

#[derive(Default)]
pub(super) struct Release {
    pub(super) version: String,
    pub(super) published: Option<String>,
    pub(super) licence: Option<(Licence, String)>,
    pub(super) classifiers: Vec<String>,
    pub(super) maintainer: Option<String>,
    pub(super) dependencies: Vec<String>,
    pub(super) requires_python: Option<String>,
    pub(super) yanked: Option<String>,
    pub(super) wheel_tags: Vec<String>,
    pub(super) sdist: bool,
    pub(super) core_metadata: CoreMetadata,
    pub(super) without_size: bool,
    pub(super) files: Vec<Entry>,
    pub(super) metadata_lines: Vec<(String, String)>,
    pub(super) packed_version: Option<String>,
    pub(super) noise_bytes: Option<u64>,
    pub(super) served: Option<Vec<u8>>,
    pub(super) sha256: Option<String>,
    pub(super) provenance: Option<serde_json::Value>,
}

/// Where METADATA names the licence.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Licence {
    Expression,
    FreeText,
}

/// PEP 658 in its three shapes.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum CoreMetadata {
    #[default]
    Absent,
    Advertised,
    AdvertisedButMissing,
}

/// PEP 503's normal form.
pub(super) fn normalise(name: &str) -> String {
    let mut normal = String::new();
    for part in name.split(['-', '_', '.']).filter(|part| !part.is_empty()) {
        if !normal.is_empty() {
            normal.push('-');
        }
        normal.push_str(&part.to_ascii_lowercase());
    }
    normal
}

impl PypiRegistry {
    /// Opens a project, new or known under any spelling. What is said about a release falls on the one
    /// last named.
    pub fn package(&mut self, name: &str) -> PypiProject<'_> {
        let project = self
            .projects
            .entry(normalise(name))
            .or_insert_with(|| Project { name: name.to_owned(), ..Project::default() });
        project.built = None;
        PypiProject { current: project.releases.len().checked_sub(1), project }
    }

    /// The index no longer knows the project.
    pub fn remove(&mut self, name: &str) {
        self.projects.remove(&normalise(name));
    }
}

/// A project being described; every method changes it at once and hands it back for the next.
pub struct PypiProject<'a> {
    project: &'a mut Project,
    current: Option<usize>,
}

impl PypiProject<'_> {
    /// Opens a release, new or known: one pure wheel, MIT licence, long ago.
    pub fn release(mut self, version: &str) -> Self {
        let known = self.project.releases.iter().position(|release| release.version == version);
        self.current = Some(known.unwrap_or_else(|| {
            self.project.releases.push(Release {
                version: version.to_owned(),
                published: Some(super::npm::LONG_AGO.to_owned()),
                licence: Some((Licence::Expression, "MIT".to_owned())),
                wheel_tags: vec!["py3-none-any".to_owned()],
                ..Release::default()
            });
            self.project.releases.len() - 1
        }));
        self
    }

    fn with(self, change: impl FnOnce(&mut Release)) -> Self {
        let current = self.current.and_then(|index| self.project.releases.get_mut(index));
        change(current.expect("name a release first"));
        self
    }

    /// `upload-time` of its files, word for word.
    pub fn published(self, date: &str) -> Self {
        self.with(|release| release.published = Some(date.to_owned()))
    }

    /// No `upload-time`.
    pub fn no_date(self) -> Self {
        self.with(|release| release.published = None)
    }

    /// No `size`.
    pub fn no_size(self) -> Self {
        self.with(|release| release.without_size = true)
    }

    /// `License-Expression` (PEP 639).
    pub fn licence(self, expression: &str) -> Self {
        self.with(|release| release.licence = Some((Licence::Expression, expression.to_owned())))
    }

    /// The old free-text `License`.
    pub fn licence_text(self, text: &str) -> Self {
        self.with(|release| release.licence = Some((Licence::FreeText, text.to_owned())))
    }

    /// Neither of them.
    pub fn no_licence(self) -> Self {
        self.with(|release| release.licence = None)
    }

    /// A trove classifier.
    pub fn classifier(self, text: &str) -> Self {
        self.with(|release| release.classifiers.push(text.to_owned()))
    }

    /// `Maintainer` in METADATA and in the legacy document.
    pub fn maintainer(self, name: &str) -> Self {
        self.with(|release| release.maintainer = Some(name.to_owned()))
    }

    /// A `Requires-Dist` line, such as `idna>=2; python_version>"3"`.
    pub fn dependency(self, requirement: &str) -> Self {
        self.with(|release| release.dependencies.push(requirement.to_owned()))
    }

    /// `Requires-Python`, in METADATA and in the index.
    pub fn requires_python(self, specifier: &str) -> Self {
        self.with(|release| release.requires_python = Some(specifier.to_owned()))
    }

    /// Yanked with this reason, which may be empty (PEP 592).
    pub fn yanked(self, reason: &str) -> Self {
        self.with(|release| release.yanked = Some(reason.to_owned()))
    }

    /// No longer yanked.
    pub fn unyanked(self) -> Self {
        self.with(|release| release.yanked = None)
    }

    /// A wheel for this tag beside those it has.
    pub fn wheel_tag(self, tag: &str) -> Self {
        self.with(|release| release.wheel_tags.push(tag.to_owned()))
    }

    /// A source distribution beside the wheels, with a build back end of its own (nothing else is
    /// downloaded to build it).
    pub fn sdist(self) -> Self {
        self.with(|release| release.sdist = true)
    }

    /// A source distribution and no wheel.
    pub fn sdist_only(self) -> Self {
        self.with(|release| {
            release.sdist = true;
            release.wheel_tags.clear();
        })
    }

    /// Advertises `.metadata` files and serves them (PEP 658, 714).
    pub fn core_metadata(self) -> Self {
        self.with(|release| release.core_metadata = CoreMetadata::Advertised)
    }

    /// Advertises `.metadata` files that answer 404.
    pub fn missing_core_metadata(self) -> Self {
        self.with(|release| release.core_metadata = CoreMetadata::AdvertisedButMissing)
    }

    /// An installed file, such as `good_lib/extra.py`; replaces one of the same path. Without any there
    /// is `<module>/__init__.py`.
    pub fn file(self, path: &str, bytes: impl AsRef<[u8]>) -> Self {
        self.with(|release| {
            release.files.retain(|(have, _)| have != path);
            release.files.push((path.to_owned(), bytes.as_ref().to_vec()));
        })
    }

    /// Any other METADATA header.
    pub fn metadata(self, name: &str, value: &str) -> Self {
        self.with(|release| release.metadata_lines.push((name.to_owned(), value.to_owned())))
    }

    /// The wheel's METADATA names another version than its file name: manifest confusion.
    pub fn packed_version(self, version: &str) -> Self {
        self.with(|release| release.packed_version = Some(version.to_owned()))
    }

    /// Serves other bytes than those whose digests the index declares.
    pub fn tampered(self, bytes: impl Into<Vec<u8>>) -> Self {
        let bytes = bytes.into();
        self.with(|release| release.served = Some(bytes))
    }

    /// Declares this SHA-256 (hexadecimal) instead of the true one; an empty one leaves it out.
    pub fn declared_sha256(self, sha256: &str) -> Self {
        self.with(|release| release.sha256 = Some(sha256.to_owned()))
    }

    /// The provenance object of its files (PEP 740), which the index then points to.
    pub fn provenance(self, document: serde_json::Value) -> Self {
        self.with(|release| release.provenance = Some(document))
    }

    /// A source distribution with so many bytes of noise, generated while it is sent, and no wheel.
    pub fn large(self, noise_bytes: u64) -> Self {
        self.sdist_only().with(|release| release.noise_bytes = Some(noise_bytes))
    }

    /// Takes the current release away, as after its deletion.
    pub fn unpublish(mut self) -> Self {
        if let Some(index) = self.current.take() {
            self.project.releases.remove(index);
        }
        self
    }

    /// `project-status` (PEP 792): `active`, `archived`, `quarantined` or `deprecated`.
    pub fn status(self, status: &str, reason: Option<&str>) -> Self {
        self.project.status = Some((status.to_owned(), reason.map(str::to_owned)));
        self
    }

    /// The project's one-line summary.
    pub fn summary(self, text: &str) -> Self {
        self.project.summary = Some(text.to_owned());
        self
    }

    /// Answers every request for the project's index page with these bytes.
    pub fn raw_index(self, text: &str) -> Self {
        self.project.raw = Some(text.to_owned());
        self
    }
}
