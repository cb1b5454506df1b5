//! Packages described as data, once for all three registries: the form of `--spec` files and of
//! [`crate::world`].

use crate::upstream::FakeUpstream;
use serde::Deserialize;
use std::collections::BTreeMap;

/// What the registries hold.
///
/// ```json
/// {"npm": [{"name": "a", "releases": [{"version": "1.0.0", "published": "2020-01-01T00:00:00Z"}]}],
///  "huge_npm": [{"name": "big", "releases": 3000, "bytes": 10000000}]}
/// ```
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Spec {
    /// npm packages.
    pub npm: Vec<Package>,
    /// Python projects.
    pub pypi: Vec<Package>,
    /// Crates.
    pub cargo: Vec<Package>,
    /// Images: each release is a tag of a repository below `library/`.
    pub oci: Vec<Package>,
    /// NuGet packages.
    pub nuget: Vec<Package>,
    /// Java packages; a name without a group is of `com.example`.
    pub maven: Vec<Package>,
    /// npm packages with many releases.
    pub huge_npm: Vec<Huge>,
}

/// An npm package made to measure.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Huge {
    /// Its name.
    pub name: String,
    /// How many releases.
    pub releases: usize,
    /// Length of the full packument, about.
    pub bytes: usize,
}

/// One package.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Package {
    /// Its name.
    pub name: String,
    /// Its releases, oldest first.
    pub releases: Vec<Release>,
    /// Nobody maintains it (npm).
    pub no_maintainers: bool,
}

/// One release; what is left out is as harmless as can be.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Release {
    /// Its version.
    pub version: String,
    /// When it was published; 2020 when left out.
    pub published: Option<String>,
    /// The registry knows no date.
    pub no_date: bool,
    /// SPDX expression; MIT when left out.
    pub licence: Option<String>,
    /// Who published it (npm).
    pub publisher: Option<String>,
    /// Packages it needs, each from this version up to the next major one.
    pub dependencies: BTreeMap<String, String>,
    /// Installing it runs code: `postinstall`, an sdist without wheel, `build.rs`.
    pub install_script: bool,
    /// Deprecated (npm) or yanked (PyPI, crates.io) with this reason.
    pub withdrawn: Option<String>,
    /// The bytes are not those that the index declares.
    pub tampered: bool,
    /// Text files in it.
    pub files: BTreeMap<String, String>,
    /// Noise in its file, in bytes.
    pub noise_bytes: Option<u64>,
    /// So many files of text in it, which compress as source code does.
    pub text_files: usize,
    /// Length of each of them.
    pub text_bytes: usize,
    /// So many bytes of a member of its manifest that no installer reads (npm).
    pub filler_bytes: usize,
}

impl Release {
    /// The files of text, each with its path; `seed` makes those of each release their own.
    fn texts<'a>(&'a self, seed: &'a str) -> impl Iterator<Item = (String, String)> + 'a {
        (0..self.text_files).map(move |number| {
            let text = crate::archive::prose(&format!("{seed} {} {number}", self.version), self.text_bytes);
            (format!("part{number}"), text)
        })
    }
}

impl Spec {
    /// Fills a running server with it.
    pub fn apply(&self, upstream: &FakeUpstream) {
        upstream.npm(|registry| {
            self.npm.iter().for_each(|package| npm(registry, package));
            self.huge_npm.iter().for_each(|huge| registry.huge(&huge.name, huge.releases, huge.bytes));
        });
        upstream.pypi(|registry| self.pypi.iter().for_each(|package| pypi(registry, package)));
        upstream.cargo(|registry| self.cargo.iter().for_each(|package| cargo(registry, package)));
        upstream.maven(|repository| self.maven.iter().for_each(|package| maven(repository, package)));
        upstream.nuget(|registry| self.nuget.iter().for_each(|package| nuget(registry, package)));
        upstream.oci(|registry| self.oci.iter().for_each(|package| oci(registry, package)));
    }
}

const TAMPERED: &[u8] = b"these are not the bytes that you were promised";

fn npm(registry: &mut crate::upstream::NpmRegistry, package: &Package) {
    let mut described = registry.package(&package.name);
    if package.no_maintainers {
        described = described.no_maintainers();
    }
    for release in &package.releases {
        described = described.release(&release.version);
        if let Some(date) = &release.published {
            described = described.published(date);
        }
        if release.no_date {
            described = described.no_date();
        }
        if let Some(licence) = &release.licence {
            described = described.licence(licence);
        }
        if let Some(publisher) = &release.publisher {
            described = described.publisher(publisher);
        }
        for (name, version) in &release.dependencies {
            described = described.dependency(name, &format!("^{version}"));
        }
        if release.install_script {
            described = described
                .script("postinstall", "node install.js")
                .file("install.js", "require('fs').writeFileSync('installed.txt', 'ran')\n");
        }
        if let Some(reason) = &release.withdrawn {
            described = described.deprecated(reason);
        }
        if release.tampered {
            described = described.tampered(TAMPERED);
        }
        for (path, text) in &release.files {
            described = described.file(path, text);
        }
        for (path, text) in release.texts(&package.name) {
            described = described.file(&format!("lib/{path}.js"), text);
        }
        if release.filler_bytes > 0 {
            described = described.filler(release.filler_bytes);
        }
        if let Some(noise_bytes) = release.noise_bytes {
            described = described.large(noise_bytes);
        }
    }
}

fn pypi(registry: &mut crate::upstream::PypiRegistry, package: &Package) {
    let mut described = registry.package(&package.name);
    for release in &package.releases {
        described = described.release(&release.version);
        if let Some(date) = &release.published {
            described = described.published(date);
        }
        if release.no_date {
            described = described.no_date();
        }
        if let Some(licence) = &release.licence {
            described = described.licence(licence);
        }
        for (name, version) in &release.dependencies {
            described = described.dependency(&format!("{name}>={version},<{}", next_major(version)));
        }
        if release.install_script {
            described = described.sdist_only();
        }
        if let Some(reason) = &release.withdrawn {
            described = described.yanked(reason);
        }
        if release.tampered {
            described = described.tampered(TAMPERED);
        }
        for (path, text) in &release.files {
            described = described.file(path, text);
        }
        for (path, text) in release.texts(&package.name) {
            described = described.file(&format!("{}/{path}.txt", package.name.replace('-', "_")), text);
        }
        if let Some(noise_bytes) = release.noise_bytes {
            described = described.large(noise_bytes);
        }
    }
}

fn cargo(registry: &mut crate::upstream::CargoRegistry, package: &Package) {
    let mut described = registry.package(&package.name);
    for release in &package.releases {
        described = described.release(&release.version);
        if let Some(date) = &release.published {
            described = described.published(date);
        }
        if release.no_date {
            described = described.no_date();
        }
        if let Some(licence) = &release.licence {
            described = described.licence(licence);
        }
        for (name, version) in &release.dependencies {
            described = described.dependency(name, &format!("^{version}"));
        }
        if release.install_script {
            described = described.file("build.rs", "fn main() {}\n");
        }
        if release.withdrawn.is_some() {
            described = described.yanked();
        }
        if release.tampered {
            described = described.tampered(TAMPERED);
        }
        for (path, text) in &release.files {
            described = described.file(path, text);
        }
        for (path, text) in release.texts(&package.name) {
            described = described.file(&format!("src/{path}.txt"), text);
        }
        if let Some(noise_bytes) = release.noise_bytes {
            described = described.large(noise_bytes);
        }
    }
}

fn oci(registry: &mut crate::upstream::OciRegistry, package: &Package) {
    let name = format!("library/{}", package.name);
    for release in &package.releases {
        let mut described = registry.repository(&name).image(&release.version).label("name", &package.name);
        if let Some(date) = &release.published {
            described = described.created(date);
        }
        if release.no_date {
            described = described.no_date();
        }
        if let Some(licence) = &release.licence {
            described = described.licence(licence);
        }
        if release.tampered {
            described = described.tampered();
        }
        for (path, text) in &release.files {
            described = described.file(path, text);
        }
        for (path, text) in release.texts(&package.name) {
            described = described.file(&format!("usr/share/{path}.txt"), &text);
        }
        if let Some(noise_bytes) = release.noise_bytes {
            described = described.large(noise_bytes);
        }
    }
}

fn nuget(registry: &mut crate::upstream::NugetRegistry, package: &Package) {
    let mut described = registry.package(&package.name);
    if package.no_maintainers {
        described = described.no_owners();
    }
    for release in &package.releases {
        described = described.release(&release.version);
        if let Some(date) = &release.published {
            described = described.published(date);
        }
        if release.no_date {
            described = described.no_date();
        }
        if let Some(licence) = &release.licence {
            described = described.licence(licence);
        }
        for (name, version) in &release.dependencies {
            described = described.dependency(name, version);
        }
        if release.install_script {
            described = described.file(&format!("build/{}.targets", package.name), "<Project />\n");
        }
        if release.withdrawn.is_some() {
            described = described.unlisted();
        }
        if release.tampered {
            described = described.tampered(TAMPERED);
        }
        for (path, text) in &release.files {
            described = described.file(path, text);
        }
        for (path, text) in release.texts(&package.name) {
            described = described.file(&format!("content/{path}.txt"), text);
        }
        if let Some(noise_bytes) = release.noise_bytes.filter(|bytes| *bytes <= 1 << 20) {
            let noise =
                crate::archive::prose(&package.name, usize::try_from(noise_bytes).unwrap_or_default());
            described = described.file("content/noise.txt", noise);
        }
    }
}

fn maven(repository: &mut crate::upstream::MavenRepository, package: &Package) {
    let full = |name: &str| if name.contains(':') { name.to_owned() } else { format!("com.example:{name}") };
    let mut described = repository.package(&full(&package.name));
    for release in &package.releases {
        described = described.release(&release.version);
        if let Some(date) = &release.published {
            described = described.published(date);
        }
        if release.no_date {
            described = described.no_date();
        }
        if let Some(licence) = &release.licence {
            described = described.licence(licence);
        }
        for (name, version) in &release.dependencies {
            described = described.dependency(&full(name), &format!("[{version},{})", next_major(version)));
        }
        if release.tampered {
            described = described.packed_version("0");
        }
        for (path, text) in &release.files {
            described = described.file(path, text);
        }
        for (path, text) in release.texts(&package.name) {
            described = described.file(&format!("{path}.txt"), text);
        }
        if let Some(noise_bytes) = release.noise_bytes {
            described = described.large(noise_bytes);
        }
    }
}

fn next_major(version: &str) -> u64 {
    version.split('.').next().and_then(|major| major.parse::<u64>().ok()).unwrap_or_default() + 1
}
