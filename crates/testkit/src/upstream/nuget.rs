//! NuGet packages as a test states them, and the V3 feed made of them: service index, registrations in three
//! hives, catalog, flat container, search.

use super::reply::Reply;
use super::{Recorded, segments};
use crate::archive::{self, Entry, Hashed};
use flate2::{Compression, write::GzEncoder};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::Write as _;
use std::sync::Arc;

/// How the public feed dates what is unlisted.
const UNLISTED_DATE: &str = "1900-01-01T00:00:00+00:00";
/// When every registration was last written.
const WRITTEN: &str = "2024-01-01T00:00:00Z";
/// The three hives, and whether each comes compressed whatever the client accepts.
const HIVES: [(&str, bool); 3] = [("semver1", false), ("gz-semver1", true), ("gz-semver2", true)];

/// All packages of the fake feed.
pub struct NugetRegistry {
    packages: BTreeMap<String, Package>,
    page: usize,
    inlined: usize,
    registrations: bool,
    catalog: bool,
    search: bool,
}

impl Default for NugetRegistry {
    /// As the public feed: 64 versions a page, and pages inlined up to 128 versions.
    fn default() -> Self {
        Self {
            packages: BTreeMap::new(),
            page: 64,
            inlined: 128,
            registrations: true,
            catalog: true,
            search: true,
        }
    }
}

#[derive(Default)]
struct Package {
    id: String,
    releases: Vec<Release>,
    owners: Vec<String>,
}

#[derive(Default)]
struct Release {
    version: String,
    published: Option<String>,
    licence: Option<String>,
    dependencies: Vec<Dependency>,
    unlisted: bool,
    deprecated: Option<String>,
    files: Vec<Entry>,
    served: Option<Vec<u8>>,
    packed_version: Option<String>,
    built: Option<Arc<Built>>,
}

struct Dependency {
    id: String,
    range: String,
    /// Only the registration names it: manifest confusion.
    listed_only: bool,
}

/// A release's file, and what the catalog declares of it.
struct Built {
    nuspec: String,
    bytes: Vec<u8>,
    hashed: Hashed,
}

impl NugetRegistry {
    /// Opens a package, new or known. What is said about a release falls on the one last named.
    pub fn package(&mut self, id: &str) -> NugetPackage<'_> {
        let package = self.packages.entry(id.to_ascii_lowercase()).or_insert_with(|| Package {
            id: id.to_owned(),
            owners: vec!["alice".to_owned()],
            ..Package::default()
        });
        NugetPackage { current: package.releases.len().checked_sub(1), package }
    }

    /// The feed no longer knows the package.
    pub fn remove(&mut self, id: &str) {
        self.packages.remove(&id.to_ascii_lowercase());
    }

    /// So many versions on a page, and pages stand by themselves above so many versions in all.
    pub fn pages(&mut self, page: usize, inlined: usize) {
        (self.page, self.inlined) = (page.max(1), inlined);
    }

    /// A feed with a flat container alone, as a folder of files makes.
    pub fn flat_container_only(&mut self) {
        (self.registrations, self.catalog, self.search) = (false, false, false);
    }

    /// A feed whose registrations name no catalog.
    pub fn without_catalog(&mut self) {
        self.catalog = false;
    }

    /// Answers a request below `/nuget/`.
    pub(super) fn answer(&mut self, rest: &str, request: &Recorded, base: &str, files_base: &str) -> Reply {
        let parts = segments(rest);
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        match parts.as_slice() {
            ["v3", "index.json"] => self.service(base, files_base),
            ["v3", "search"] if self.search => self.search(&request.query),
            ["v3", "catalog", id, file] if self.catalog => self.catalog_leaf(id, file),
            ["v3", hive, id, path @ ..] if self.registrations => {
                match HIVES.iter().find(|(name, _)| hive.strip_prefix("registration-") == Some(*name)) {
                    Some((name, gzip)) => self.registration(name, *gzip, id, path, base, files_base),
                    None => Reply::not_found(),
                }
            }
            ["flat", id, path @ ..] => self.flat(id, path),
            _ => Reply::not_found(),
        }
    }

    fn service(&self, base: &str, files_base: &str) -> Reply {
        let base = format!("{base}/nuget/v3");
        let mut resources =
            vec![json!({"@id": format!("{files_base}/nuget/flat/"), "@type": "PackageBaseAddress/3.0.0"})];
        if self.registrations {
            for (hive, kind) in [
                ("semver1", "RegistrationsBaseUrl"),
                ("gz-semver1", "RegistrationsBaseUrl/3.4.0"),
                ("gz-semver2", "RegistrationsBaseUrl/3.6.0"),
                ("gz-semver2", "RegistrationsBaseUrl/Versioned"),
            ] {
                resources.push(json!({"@id": format!("{base}/registration-{hive}/"), "@type": kind,
                    "clientVersion": "4.3.0-alpha"}));
            }
        }
        if self.search {
            for kind in ["SearchQueryService", "SearchQueryService/3.5.0"] {
                resources.push(json!({"@id": format!("{base}/search"), "@type": kind}));
            }
        }
        document(&json!({"version": "3.0.0", "resources": resources}))
    }

    /// The index, a page or a leaf of a package's registration.
    fn registration(
        &self,
        hive: &str,
        gzip: bool,
        id: &str,
        path: &[&str],
        base: &str,
        files_base: &str,
    ) -> Reply {
        let (page, inlined, catalog) = (self.page, self.inlined, self.catalog);
        let Some(package) = self.packages.get(id) else { return Reply::not_found() };
        let root = format!("{base}/nuget/v3/registration-{hive}/{id}");
        let flat = format!("{files_base}/nuget/flat/{id}");
        let catalog = catalog.then(|| format!("{base}/nuget/v3/catalog/{id}"));
        let takes_all = hive == "gz-semver2";
        let leaves: Vec<(String, Value)> = package
            .releases
            .iter()
            .filter(|release| takes_all || !is_semver_2(&release.version))
            .map(|release| {
                (normal(&release.version), leaf(&package.id, release, &root, &flat, catalog.as_deref()))
            })
            .collect();
        if leaves.is_empty() {
            return Reply::not_found();
        }
        let apart = leaves.len() > inlined;
        let page_of = |chunk: &[(String, Value)], with_leaves: bool| {
            let bound =
                |at: Option<&(String, Value)>| at.map(|(version, _)| version.clone()).unwrap_or_default();
            let (lower, upper) = (bound(chunk.first()), bound(chunk.last()));
            let address = if apart {
                format!("{root}/page/{lower}/{upper}.json")
            } else {
                format!("{root}/index.json#page/{lower}/{upper}")
            };
            let mut page = json!({"@id": address, "@type": "catalog:CatalogPage", "count": chunk.len(),
                "lower": lower, "upper": upper, "commitTimeStamp": WRITTEN});
            if let (true, Some(members)) = (with_leaves, page.as_object_mut()) {
                let items: Vec<&Value> = chunk.iter().map(|(_, leaf)| leaf).collect();
                members.insert("items".to_owned(), json!(items));
                members.insert("parent".to_owned(), format!("{root}/index.json").into());
            }
            page
        };
        let answer = match path {
            ["index.json"] => {
                let pages: Vec<Value> = leaves.chunks(page).map(|chunk| page_of(chunk, !apart)).collect();
                Some(json!({"@id": format!("{root}/index.json"), "count": pages.len(), "items": pages}))
            }
            ["page", lower, _] => {
                let mut chunks = leaves.chunks(page);
                let of = |chunk: &&[(String, Value)]| chunk.first().is_some_and(|(first, _)| first == lower);
                chunks.find(of).map(|chunk| page_of(chunk, true))
            }
            [file] => {
                let version = file.trim_end_matches(".json");
                let found = leaves.iter().find(|(have, _)| have == version);
                found.map(|(_, leaf)| {
                    let entry = leaf.pointer("/catalogEntry/@id").cloned().unwrap_or_default();
                    json!({"@id": format!("{root}/{version}.json"), "catalogEntry": entry})
                })
            }
            _ => None,
        };
        match answer {
            Some(body) if gzip => gzipped(&body),
            Some(body) => document(&body),
            None => Reply::not_found(),
        }
    }

    fn catalog_leaf(&mut self, id: &str, file: &str) -> Reply {
        let Some(package) = self.packages.get_mut(id) else { return Reply::not_found() };
        let name = package.id.clone();
        let version = file.trim_end_matches(".json");
        let Some(release) = package.releases.iter_mut().find(|release| normal(&release.version) == version)
        else {
            return Reply::not_found();
        };
        let built = built(&name, release);
        let hash = built.hashed.sri.trim_start_matches("sha512-").to_owned();
        document(&json!({
            "@type": ["PackageDetails", "catalog:Permalink"], "id": name, "version": release.version,
            "created": release.published, "published": shown_date(release), "listed": !release.unlisted,
            "packageHash": hash, "packageHashAlgorithm": "SHA512", "packageSize": built.hashed.size,
        }))
    }

    fn flat(&mut self, id: &str, path: &[&str]) -> Reply {
        let Some(package) = self.packages.get_mut(id) else { return Reply::not_found() };
        let name = package.id.clone();
        if let ["index.json"] = path {
            let versions: Vec<String> =
                package.releases.iter().map(|release| normal(&release.version)).collect();
            return document(&json!({ "versions": versions }));
        }
        let [version, file] = path else { return Reply::not_found() };
        let Some(release) = package.releases.iter_mut().find(|release| normal(&release.version) == *version)
        else {
            return Reply::not_found();
        };
        let built = built(&name, release);
        let immutable = "public,max-age=31536000,immutable";
        if *file == format!("{id}.{version}.nupkg") {
            let bytes = release.served.clone().unwrap_or_else(|| built.bytes.clone());
            return Reply::file("application/octet-stream", bytes).header("cache-control", immutable);
        }
        if *file == format!("{id}.nuspec") {
            return Reply::file("application/xml", built.nuspec.clone()).header("cache-control", immutable);
        }
        Reply::not_found()
    }

    /// `q` is a text, or `packageid:` with the whole id.
    fn search(&self, query: &str) -> Reply {
        let wanted = query.split('&').find_map(|pair| pair.strip_prefix("q=")).unwrap_or_default();
        let wanted = segments(&wanted.replace('+', " ")).join("/").to_ascii_lowercase();
        let found: Vec<Value> = self
            .packages
            .iter()
            .filter(|(key, _)| match wanted.strip_prefix("packageid:") {
                Some(id) => **key == id,
                None => key.contains(wanted.trim()),
            })
            .filter_map(|(_, package)| {
                let newest = package.releases.iter().rev().find(|release| !release.unlisted)?;
                Some(json!({"@type": "Package", "id": package.id, "version": newest.version,
                    "description": format!("The package {}", package.id), "owners": package.owners,
                    "versions": [{"version": newest.version, "downloads": 7}]}))
            })
            .collect();
        document(&json!({"totalHits": found.len(), "data": found}))
    }
}

fn document(body: &Value) -> Reply {
    Reply::document("application/json", body.to_string()).header("cache-control", "max-age=300")
}

/// A document of a hive that is kept compressed, and comes so to whoever asks.
fn gzipped(body: &Value) -> Reply {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(body.to_string().as_bytes()).expect("writing into memory");
    let bytes = encoder.finish().expect("writing into memory");
    Reply::plain(200, "application/json", bytes).header("content-encoding", "gzip")
}

/// A version as the flat container spells it; those of tests have three numbers already.
fn normal(version: &str) -> String {
    version.split('+').next().unwrap_or(version).to_ascii_lowercase()
}

fn is_semver_2(version: &str) -> bool {
    let labels = version.split('+').next().and_then(|text| text.split_once('-'));
    version.contains('+') || labels.is_some_and(|(_, labels)| labels.contains('.'))
}

fn shown_date(release: &Release) -> Option<&str> {
    if release.unlisted { Some(UNLISTED_DATE) } else { release.published.as_deref() }
}

fn leaf(id: &str, release: &Release, root: &str, flat: &str, catalog: Option<&str>) -> Value {
    let version = normal(&release.version);
    let key = id.to_ascii_lowercase();
    let content = format!("{flat}/{version}/{key}.{version}.nupkg");
    let hive = root.rsplit_once('/').map_or(root, |(hive, _)| hive);
    let dependencies: Vec<Value> = release
        .dependencies
        .iter()
        .map(|item| {
            json!({"@type": "PackageDependency", "id": item.id, "range": item.range,
                "registration": format!("{hive}/{}/index.json", item.id.to_ascii_lowercase())})
        })
        .collect();
    let mut entry = json!({
        "@type": "PackageDetails", "authors": "Alice", "id": id, "version": release.version,
        "description": format!("The package {id}"), "listed": !release.unlisted, "packageContent": content,
        "dependencyGroups": [{"@type": "PackageDependencyGroup", "targetFramework": ".NETStandard2.0",
            "dependencies": dependencies}],
    });
    if let Some(members) = entry.as_object_mut() {
        let mut add = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                members.insert(name.to_owned(), value);
            }
        };
        add("@id", catalog.map(|catalog| format!("{catalog}/{version}.json").into()));
        add("published", shown_date(release).map(Into::into));
        add("licenseExpression", release.licence.as_deref().map(Into::into));
        add(
            "deprecation",
            release.deprecated.as_ref().map(|text| json!({"reasons": ["Other"], "message": text})),
        );
    }
    json!({"@id": format!("{root}/{version}.json"), "@type": "Package", "commitTimeStamp": WRITTEN,
        "catalogEntry": entry, "packageContent": content, "registration": format!("{root}/index.json")})
}

fn nuspec(id: &str, release: &Release) -> String {
    let version = release.packed_version.as_deref().unwrap_or(&release.version);
    let licence = release.licence.as_ref().map_or_else(String::new, |expression| {
        format!("    <license type=\"expression\">{expression}</license>\n")
    });
    let dependencies: String = release
        .dependencies
        .iter()
        .filter(|item| !item.listed_only)
        .map(|item| {
            let range = item.range.trim_start_matches('[').trim_end_matches(", )");
            format!("        <dependency id=\"{}\" version=\"{range}\" />\n", item.id)
        })
        .collect();
    format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n\
         <package xmlns=\"http://schemas.example/packaging/2013/05/nuspec.xsd\">\n  <metadata>\n    \
         <id>{id}</id>\n    <version>{version}</version>\n    <authors>Alice</authors>\n{licence}    \
         <description>The package {id}</description>\n    <dependencies>\n      \
         <group targetFramework=\".NETStandard2.0\">\n{dependencies}      </group>\n    </dependencies>\n  \
         </metadata>\n</package>\n"
    )
}

fn built(id: &str, release: &mut Release) -> Arc<Built> {
    if let Some(built) = &release.built {
        return Arc::clone(built);
    }
    let nuspec = nuspec(id, release);
    let mut entries: Vec<Entry> = vec![(format!("{id}.nuspec"), nuspec.clone().into_bytes())];
    entries.push((format!("lib/netstandard2.0/{id}.dll"), release.version.clone().into_bytes()));
    entries.extend(release.files.iter().cloned());
    let bytes = archive::zip(&entries);
    let hashed = archive::hash(&bytes);
    let built = Arc::new(Built { nuspec, bytes, hashed });
    release.built = Some(Arc::clone(&built));
    built
}

/// A `.nupkg` whose nuspec says this id and version, and `more` in its metadata.
pub fn nupkg(id: &str, version: &str, more: &str, files: &[Entry]) -> Vec<u8> {
    let nuspec = format!(
        "<package><metadata><id>{id}</id><version>{version}</version><authors>Acme</authors>\
         <description>ours</description>{more}</metadata></package>"
    );
    let mut entries: Vec<Entry> = vec![(format!("{id}.nuspec"), nuspec.into_bytes())];
    entries.extend(files.iter().cloned());
    archive::zip(&entries)
}

/// A package being described; every method changes it at once and hands it back for the next.
pub struct NugetPackage<'a> {
    package: &'a mut Package,
    current: Option<usize>,
}

impl NugetPackage<'_> {
    /// Opens a release, new or known, of MIT licence and with a library in it.
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
        let release = current.expect("name a release first");
        release.built = None;
        change(release);
        self
    }

    /// `published` in the registration and `created` in the catalog, word for word.
    pub fn published(self, date: &str) -> Self {
        self.with(|release| release.published = Some(date.to_owned()))
    }

    /// No date anywhere.
    pub fn no_date(self) -> Self {
        self.with(|release| release.published = None)
    }

    /// `licenseExpression`, and the nuspec's.
    pub fn licence(self, expression: &str) -> Self {
        self.with(|release| release.licence = Some(expression.to_owned()))
    }

    /// A dependency on this version or a later one.
    pub fn dependency(self, id: &str, version: &str) -> Self {
        self.depends(id, version, false)
    }

    /// A dependency that the registration names and the nuspec does not: manifest confusion.
    pub fn listed_dependency(self, id: &str, version: &str) -> Self {
        self.depends(id, version, true)
    }

    fn depends(self, id: &str, version: &str, listed_only: bool) -> Self {
        let dependency = Dependency { id: id.to_owned(), range: format!("[{version}, )"), listed_only };
        self.with(|release| release.dependencies.push(dependency))
    }

    /// Unlisted: `listed` is false, and the registration says that it was published in 1900.
    pub fn unlisted(self) -> Self {
        self.with(|release| release.unlisted = true)
    }

    /// Deprecated with this message.
    pub fn deprecated(self, text: &str) -> Self {
        self.with(|release| release.deprecated = Some(text.to_owned()))
    }

    /// A file of the package, such as `build/Id.targets`.
    pub fn file(self, path: &str, bytes: impl AsRef<[u8]>) -> Self {
        self.with(|release| {
            release.files.retain(|(have, _)| have != path);
            release.files.push((path.to_owned(), bytes.as_ref().to_vec()));
        })
    }

    /// Serves these bytes although the catalog declares the package's own.
    pub fn tampered(self, bytes: &[u8]) -> Self {
        self.with(|release| release.served = Some(bytes.to_vec()))
    }

    /// The nuspec says another version.
    pub fn packed_as(self, version: &str) -> Self {
        self.with(|release| release.packed_version = Some(version.to_owned()))
    }

    /// Takes the current release away, as the feed's staff does with malware.
    pub fn unpublish(mut self) -> Self {
        if let Some(index) = self.current.take() {
            self.package.releases.remove(index);
        }
        self
    }

    /// Nobody owns it.
    pub fn no_owners(self) -> Self {
        self.package.owners.clear();
        self
    }
}
