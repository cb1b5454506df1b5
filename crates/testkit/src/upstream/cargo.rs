//! Crates as a test states them, and the sparse index and `.crate` files made of them.

use super::reply::{Payload, Reply};
use super::{Recorded, json_object, json_text, segments};
use crate::archive::{self, Entry, Hashed};
use crate::large::LargeFile;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

/// All crates of the fake registry.
#[derive(Default)]
pub struct CargoRegistry {
    crates: BTreeMap<String, Package>,
    authentication: bool,
    dl_template: bool,
}

#[derive(Default)]
struct Package {
    name: String,
    description: String,
    releases: Vec<Release>,
    owners: Vec<String>,
    raw: Option<String>,
    built: Option<Arc<Built>>,
}

#[derive(Default)]
struct Release {
    version: String,
    published: Option<String>,
    licence: Option<String>,
    dependencies: Vec<Dependency>,
    features: Vec<(String, Vec<String>)>,
    yanked: bool,
    rust_version: Option<String>,
    links: Option<String>,
    files: Vec<Entry>,
    noise_bytes: Option<u64>,
    served: Option<Vec<u8>>,
    checksum: Option<String>,
    filler_bytes: usize,
    packed_version: Option<String>,
}

struct Dependency {
    name: String,
    requirement: String,
    kind: &'static str,
    optional: bool,
    /// Only the index names it: manifest confusion.
    listed_only: bool,
}

struct Built {
    index: String,
    files: BTreeMap<String, Payload>,
}

impl CargoRegistry {
    /// Opens a crate, new or known. What is said about a release falls on the one last named.
    pub fn package(&mut self, name: &str) -> CargoPackage<'_> {
        let package = self.crates.entry(name.to_ascii_lowercase()).or_insert_with(|| Package {
            name: name.to_owned(),
            description: format!("The crate {name}"),
            owners: vec!["alice".to_owned()],
            ..Package::default()
        });
        package.built = None;
        CargoPackage { current: package.releases.len().checked_sub(1), package }
    }

    /// The registry no longer knows the crate.
    pub fn remove(&mut self, name: &str) {
        self.crates.remove(&name.to_ascii_lowercase());
    }

    /// Says `"auth-required": true` in `config.json`.
    pub fn require_authentication(&mut self) {
        self.authentication = true;
    }

    /// Uses a `dl` with `{crate}` and `{version}` in it instead of a plain prefix.
    pub fn use_download_template(&mut self) {
        self.dl_template = true;
    }

    /// Answers a request below `/cargo/`.
    pub(super) fn answer(&mut self, rest: &str, request: &Recorded, base: &str, files_base: &str) -> Reply {
        let parts = segments(rest);
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        match parts.as_slice() {
            ["index", "config.json"] => self.config(base, files_base),
            ["index", .., name] if index_path(name) == rest.trim_start_matches("index/") => {
                match self.built(name) {
                    Some(built) => Reply::document("text/plain", built.index.clone())
                        .header("cache-control", "public,max-age=600"),
                    None => Reply::not_found(),
                }
            }
            ["dl", name, version, "download"] | ["api", "v1", "crates", name, version, "download"] => {
                let file = self.built(name).and_then(|built| built.files.get(*version).cloned());
                let reply = match file {
                    Some(Payload::Bytes(bytes)) => Reply::file("application/gzip", bytes),
                    Some(Payload::Large(file)) => Reply::large("application/gzip", file),
                    None => {
                        return Reply::plain(
                            403,
                            "application/xml",
                            "<Error><Code>AccessDenied</Code></Error>",
                        );
                    }
                };
                reply.header("cache-control", "public,max-age=31536000,immutable")
            }
            ["api", "v1", "crates"] => self.search(&request.query),
            ["api", "v1", "crates", name] => self.information(name),
            ["api", "v1", "crates", name, "owners"] => match self.crates.get(&name.to_ascii_lowercase()) {
                Some(package) => {
                    let owners: Vec<Value> =
                        package.owners.iter().map(|login| json!({"login": login, "kind": "user"})).collect();
                    Reply::document("application/json", json!({"users": owners}).to_string())
                }
                None => Reply::not_found(),
            },
            _ => Reply::not_found(),
        }
    }

    fn config(&self, base: &str, files_base: &str) -> Reply {
        let template = if self.dl_template { "/{crate}/{version}/download" } else { "" };
        let mut config =
            json!({"dl": format!("{files_base}/cargo/dl{template}"), "api": format!("{base}/cargo")});
        if let (true, Some(members)) = (self.authentication, config.as_object_mut()) {
            members.insert("auth-required".to_owned(), true.into());
        }
        Reply::document("application/json", config.to_string())
    }

    fn built(&mut self, name: &str) -> Option<Arc<Built>> {
        let package = self.crates.get_mut(&name.to_ascii_lowercase())?;
        if let Some(built) = &package.built {
            return Some(Arc::clone(built));
        }
        let built = Arc::new(build(package));
        package.built = Some(Arc::clone(&built));
        Some(built)
    }

    fn search(&self, query: &str) -> Reply {
        let wanted = query.split('&').find_map(|pair| pair.strip_prefix("q=")).unwrap_or_default();
        let wanted = segments(&wanted.replace('+', " ")).join("/");
        let found: Vec<Value> = self
            .crates
            .values()
            .filter(|package| package.name.contains(wanted.trim()))
            .map(summary)
            .collect();
        let total = found.len();
        Reply::document("application/json", json!({"crates": found, "meta": {"total": total}}).to_string())
    }

    fn information(&self, name: &str) -> Reply {
        let Some(package) = self.crates.get(&name.to_ascii_lowercase()) else {
            return Reply::plain(
                404,
                "application/json",
                r#"{"errors":[{"detail":"crate does not exist"}]}"#,
            );
        };
        let versions: Vec<Value> = package
            .releases
            .iter()
            .map(|release| {
                json!({"crate": package.name, "num": release.version, "created_at": release.published,
                    "license": release.licence, "yanked": release.yanked, "yank_message": null,
                    "published_by": {"login": "alice", "name": "Alice"}})
            })
            .collect();
        Reply::document(
            "application/json",
            json!({"crate": summary(package), "versions": versions}).to_string(),
        )
    }
}

fn summary(package: &Package) -> Value {
    let newest = package.releases.iter().rev().find(|release| !release.yanked);
    let version = newest.map(|release| release.version.as_str());
    json!({"id": package.name, "name": package.name, "description": package.description,
        "max_version": version, "max_stable_version": version})
}

/// Where the index keeps a crate (cargo reference, "Index files").
fn index_path(name: &str) -> String {
    let name = name.to_ascii_lowercase();
    let part = |from: usize, to: usize| name.get(from..to).unwrap_or_default();
    match name.len() {
        0..=2 => format!("{}/{name}", name.len()),
        3 => format!("3/{}/{name}", part(0, 1)),
        _ => format!("{}/{}/{name}", part(0, 2), part(2, 4)),
    }
}

fn manifest(package: &Package, release: &Release) -> String {
    let version = release.packed_version.as_deref().unwrap_or(&release.version);
    let mut text = format!(
        "[package]\nname = {}\nversion = \"{version}\"\nedition = \"2021\"\n",
        json_text(&package.name)
    );
    for (name, value) in [
        ("description", Some(&package.description)),
        ("license", release.licence.as_ref()),
        ("rust-version", release.rust_version.as_ref()),
        ("links", release.links.as_ref()),
    ] {
        if let Some(value) = value {
            text.push_str(&format!("{name} = {}\n", json_text(value)));
        }
    }
    for (kind, table) in
        [("normal", "dependencies"), ("dev", "dev-dependencies"), ("build", "build-dependencies")]
    {
        text.push_str(&format!("\n[{table}]\n"));
        for dependency in release.dependencies.iter().filter(|item| item.kind == kind && !item.listed_only) {
            let Dependency { name, requirement, optional, .. } = dependency;
            text.push_str(&format!("{name} = {{ version = \"{requirement}\", optional = {optional} }}\n"));
        }
    }
    text.push_str("\n[features]\n");
    for (name, members) in &release.features {
        text.push_str(&format!("{name} = {}\n", json!(members)));
    }
    text
}

fn crate_file(package: &Package, release: &Release) -> (Payload, Hashed) {
    let root = format!("{}-{}", package.name, release.version);
    let mut entries: Vec<Entry> =
        vec![(format!("{root}/Cargo.toml"), manifest(package, release).into_bytes())];
    if !release.files.iter().any(|(path, _)| path == "src/lib.rs") {
        let text = format!(
            "//! The crate.\n\n/// Its version.\npub const VERSION: &str = \"{}\";\n",
            release.version
        );
        entries.push((format!("{root}/src/lib.rs"), text.into_bytes()));
    }
    entries.extend(release.files.iter().map(|(path, bytes)| (format!("{root}/{path}"), bytes.clone())));
    if let Some(noise_bytes) = release.noise_bytes {
        let file = LargeFile::tar_gz(&entries, &format!("{root}/noise.bin"), noise_bytes, noise_bytes);
        let hashed = file.hashed();
        return (Payload::Large(file), hashed);
    }
    let bytes = archive::tar_gz(&entries);
    let hashed = archive::hash(&bytes);
    (Payload::Bytes(release.served.clone().unwrap_or(bytes).into()), hashed)
}

fn build(package: &Package) -> Built {
    let mut index = String::new();
    let mut files = BTreeMap::new();
    for release in &package.releases {
        let (payload, hashed) = crate_file(package, release);
        let checksum = release.checksum.clone().unwrap_or(hashed.sha256);
        let dependencies: Vec<Value> = release
            .dependencies
            .iter()
            .map(|item| {
                json!({"name": item.name, "req": item.requirement, "features": [], "optional": item.optional,
                    "default_features": true, "target": null, "kind": item.kind})
            })
            .collect();
        let features: serde_json::Map<String, Value> =
            release.features.iter().map(|(name, members)| (name.clone(), json!(members))).collect();
        let mut line = vec![
            ("name", json_text(&package.name)),
            ("vers", json_text(&release.version)),
            ("deps", Value::from(dependencies).to_string()),
            ("cksum", json_text(&checksum)),
            ("features", Value::Object(features).to_string()),
            ("yanked", release.yanked.to_string()),
        ];
        for (name, value) in [
            ("links", &release.links),
            ("rust_version", &release.rust_version),
            ("pubtime", &release.published),
        ] {
            if let Some(value) = value {
                line.push((name, json_text(value)));
            }
        }
        if release.filler_bytes > 0 {
            line.push(("filler", json_text(&"x".repeat(release.filler_bytes))));
        }
        index.push_str(&json_object(&line));
        index.push('\n');
        files.insert(release.version.clone(), payload);
    }
    Built { index: package.raw.clone().unwrap_or(index), files }
}

/// A crate being described; every method changes it at once and hands it back for the next.
pub struct CargoPackage<'a> {
    package: &'a mut Package,
    current: Option<usize>,
}

impl CargoPackage<'_> {
    /// Opens a release, new or known, of MIT licence and with a `src/lib.rs`.
    pub fn release(mut self, version: &str) -> Self {
        let known = self.package.releases.iter().position(|release| release.version == version);
        self.current = Some(known.unwrap_or_else(|| {
            self.package.releases.push(Release {
                version: version.to_owned(),
                published: Some("2020-01-01T00:00:00Z".to_owned()),
                licence: Some("MIT".to_owned()),
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

    /// `pubtime`, word for word.
    pub fn published(self, date: &str) -> Self {
        self.with(|release| release.published = Some(date.to_owned()))
    }

    /// No `pubtime`.
    pub fn no_date(self) -> Self {
        self.with(|release| release.published = None)
    }

    /// `license` in Cargo.toml; the index has none.
    pub fn licence(self, expression: &str) -> Self {
        self.with(|release| release.licence = Some(expression.to_owned()))
    }

    /// No `license`.
    pub fn no_licence(self) -> Self {
        self.with(|release| release.licence = None)
    }

    /// An ordinary dependency on a crate of the same registry.
    pub fn dependency(self, name: &str, requirement: &str) -> Self {
        self.depends("normal", name, requirement, false)
    }

    /// A dependency of kind `normal`, `dev` or `build`.
    pub fn depends(self, kind: &'static str, name: &str, requirement: &str, optional: bool) -> Self {
        let (name, requirement) = (name.to_owned(), requirement.to_owned());
        let dependency = Dependency { name, requirement, kind, optional, listed_only: false };
        self.with(|release| release.dependencies.push(dependency))
    }

    /// A dependency that the index names and Cargo.toml does not: manifest confusion.
    pub fn listed_dependency(self, name: &str, requirement: &str) -> Self {
        let (name, requirement) = (name.to_owned(), requirement.to_owned());
        let dependency = Dependency { name, requirement, kind: "normal", optional: false, listed_only: true };
        self.with(|release| release.dependencies.push(dependency))
    }

    /// A feature and what it switches on.
    pub fn feature(self, name: &str, members: &[&str]) -> Self {
        let members = members.iter().map(|member| (*member).to_owned()).collect();
        self.with(|release| release.features.push((name.to_owned(), members)))
    }

    /// `rust-version`.
    pub fn rust_version(self, version: &str) -> Self {
        self.with(|release| release.rust_version = Some(version.to_owned()))
    }

    /// `links`: the native library that only one crate of a build may link.
    pub fn links(self, library: &str) -> Self {
        self.with(|release| release.links = Some(library.to_owned()))
    }

    /// Yanked.
    pub fn yanked(self) -> Self {
        self.with(|release| release.yanked = true)
    }

    /// No longer yanked.
    pub fn unyanked(self) -> Self {
        self.with(|release| release.yanked = false)
    }

    /// A file of the crate, such as `build.rs`; replaces one of the same path.
    pub fn file(self, path: &str, bytes: impl AsRef<[u8]>) -> Self {
        self.with(|release| {
            release.files.retain(|(have, _)| have != path);
            release.files.push((path.to_owned(), bytes.as_ref().to_vec()));
        })
    }

    /// Serves other bytes than those whose digest the index declares.
    pub fn tampered(self, bytes: impl Into<Vec<u8>>) -> Self {
        let bytes = bytes.into();
        self.with(|release| release.served = Some(bytes))
    }

    /// Declares this `cksum` instead of the true one.
    pub fn declared_checksum(self, checksum: &str) -> Self {
        self.with(|release| release.checksum = Some(checksum.to_owned()))
    }

    /// The `.crate`'s Cargo.toml names another version than the index: manifest confusion.
    pub fn packed_version(self, version: &str) -> Self {
        self.with(|release| release.packed_version = Some(version.to_owned()))
    }

    /// A crate file with so many bytes of noise in it, generated while it is sent.
    pub fn large(self, noise_bytes: u64) -> Self {
        self.with(|release| release.noise_bytes = Some(noise_bytes))
    }

    /// Makes its index line longer by about so many bytes.
    pub fn filler(self, bytes: usize) -> Self {
        self.with(|release| release.filler_bytes = bytes)
    }

    /// Takes the current release away, as the registry's staff does with malware.
    pub fn unpublish(mut self) -> Self {
        if let Some(index) = self.current.take() {
            self.package.releases.remove(index);
        }
        self
    }

    /// Adds an owner (there is `alice` unless taken away). Only the web API names owners.
    pub fn owner(self, login: &str) -> Self {
        self.package.owners.push(login.to_owned());
        self
    }

    /// Nobody owns it.
    pub fn no_owners(self) -> Self {
        self.package.owners.clear();
        self
    }

    /// The crate's description.
    pub fn description(self, text: &str) -> Self {
        self.package.description = text.to_owned();
        self
    }

    /// Answers every request for the index file with these bytes.
    pub fn raw_index(self, text: &str) -> Self {
        self.package.raw = Some(text.to_owned());
        self
    }
}
