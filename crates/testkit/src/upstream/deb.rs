//! Debian archives as a test states them: suites with their indexes, signed if gpg is at hand, and the packages
//! in their pools.

use super::reply::Reply;
use super::{Recorded, segments};
use crate::archive::{self, Entry, Hashed};
use flate2::Compression;
use flate2::write::GzEncoder;
use lazaret_vocabulary::Timestamp;
use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

/// The one suite of each archive, its one component and the architecture of everything in it.
const SUITE: &str = "stable";
const COMPONENT: &str = "main";
const ARCHITECTURE: &str = "amd64";

/// All archives of the fake upstream, by name.
#[derive(Default)]
pub struct DebArchives {
    archives: BTreeMap<String, Archive>,
    /// gpg's home, with the key that signs.
    keys: Option<PathBuf>,
}

#[derive(Default)]
struct Archive {
    packages: BTreeMap<String, Vec<Release>>,
    built: Option<Arc<Built>>,
}

#[derive(Default)]
struct Release {
    source: String,
    version: String,
    published: String,
    licence: Option<String>,
    no_changelog: bool,
    script: bool,
    depends: Option<String>,
    /// Binary packages beside the one of the source's name.
    binaries: Vec<String>,
    packed_version: Option<String>,
    served: Option<Vec<u8>>,
    withdrawn: bool,
}

/// Paths below the archive's root.
type Built = BTreeMap<String, Vec<u8>>;

impl DebArchives {
    /// Opens a source package of an archive, new or known. What is said about a release falls on the one last
    /// named.
    pub fn package(&mut self, archive: &str, source: &str) -> DebPackage<'_> {
        let archive = self.archives.entry(archive.to_owned()).or_default();
        archive.built = None;
        let releases = archive.packages.entry(source.to_owned()).or_default();
        DebPackage { current: releases.len().checked_sub(1), source: source.to_owned(), releases }
    }

    /// Signs all archives with a key made in this directory, and gives the file with its public half. `false`
    /// where no gpg is installed: the archives stay unsigned, and apt wants `[trusted=yes]`.
    pub fn sign(&mut self, home: &Path) -> bool {
        let made = gpg(
            home,
            b"",
            &["--passphrase", "", "--quick-gen-key", "Fake archive", "ed25519", "sign", "never"],
        );
        let key = made.and_then(|_| gpg(home, b"", &["--armor", "--export"]));
        let Some(key) = key else { return false };
        std::fs::write(home.join("archive.asc"), key).expect("a file in the directory of keys");
        self.keys = Some(home.to_owned());
        self.archives.values_mut().for_each(|archive| archive.built = None);
        true
    }

    /// Answers a request below `/deb/`.
    pub(super) fn answer(&mut self, rest: &str, _request: &Recorded) -> Reply {
        let parts = segments(rest);
        let Some((name, path)) = parts.split_first() else { return Reply::not_found() };
        let keys = self.keys.clone();
        let Some(archive) = self.archives.get_mut(name) else { return Reply::not_found() };
        let built = Arc::clone(
            archive.built.get_or_insert_with(|| Arc::new(build(&archive.packages, keys.as_deref()))),
        );
        let path: Vec<&str> = path.iter().map(String::as_str).filter(|part| *part != ".").collect();
        match built.get(&path.join("/")) {
            Some(bytes) if path.first() == Some(&"dists") => {
                Reply::file("application/octet-stream", bytes.clone())
                    .header("last-modified", &newest(&archive.packages).0)
            }
            Some(bytes) => Reply::file("application/vnd.debian.binary-package", bytes.clone()),
            None => Reply::not_found(),
        }
    }
}

/// Runs gpg in a home of its own; nothing if it is not there or fails.
fn gpg(home: &Path, input: &[u8], arguments: &[&str]) -> Option<Vec<u8>> {
    let mut child = Command::new("gpg")
        .args(["--batch", "--quiet", "--no-tty", "--pinentry-mode", "loopback", "--homedir"])
        .arg(home)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    child.stdin.take()?.write_all(input).ok()?;
    let output = child.wait_with_output().ok()?;
    output.status.success().then_some(output.stdout)
}

/// When the newest release came out, for HTTP and for `Release`.
fn newest(packages: &BTreeMap<String, Vec<Release>>) -> (String, String) {
    let dates = packages.values().flatten().filter_map(|release| Timestamp::parse(&release.published).ok());
    let newest = dates.max().unwrap_or(Timestamp::EPOCH);
    let text = super::http_date(&newest.to_string()).unwrap_or_default();
    (text.clone(), text.replace("GMT", "UTC"))
}

fn build(packages: &BTreeMap<String, Vec<Release>>, keys: Option<&Path>) -> Built {
    let mut built = Built::new();
    let (mut index, mut sources) = (String::new(), String::new());
    for release in packages.values().flatten() {
        for binary in std::iter::once(&release.source).chain(&release.binaries) {
            let (path, bytes, stanza) = binary_package(release, binary);
            if !release.withdrawn {
                index.push_str(&stanza);
            }
            built.insert(path, release.served.clone().unwrap_or(bytes));
        }
        source_package(release, &mut sources, &mut built);
    }
    let mut listed = String::new();
    for (folder, name, text) in
        [(format!("binary-{ARCHITECTURE}"), "Packages", index), ("source".to_owned(), "Sources", sources)]
    {
        for (file, bytes) in
            [(name.to_owned(), text.clone().into_bytes()), (format!("{name}.gz"), gzip(&text))]
        {
            let hashed = archive::hash(&bytes);
            listed.push_str(&format!(" {} {} {COMPONENT}/{folder}/{file}\n", hashed.sha256, hashed.size));
            let folder = format!("dists/{SUITE}/{COMPONENT}/{folder}");
            built.insert(format!("{folder}/by-hash/SHA256/{}", hashed.sha256), bytes.clone());
            built.insert(format!("{folder}/{file}"), bytes);
        }
    }
    let release = format!(
        "Origin: Fake\nLabel: Fake\nSuite: {SUITE}\nCodename: {SUITE}\nVersion: 12.0\nDate: {}\nAcquire-By-Hash: yes\n\
         Architectures: {ARCHITECTURE}\nComponents: {COMPONENT}\nSHA256:\n{listed}",
        newest(packages).1,
    );
    let root = format!("dists/{SUITE}");
    if let Some(home) = keys {
        let clear = gpg(home, release.as_bytes(), &["--clearsign"]).expect("gpg signs");
        let apart = gpg(home, release.as_bytes(), &["--armor", "--detach-sign"]).expect("gpg signs");
        built.insert(format!("{root}/InRelease"), clear);
        built.insert(format!("{root}/Release.gpg"), apart);
    }
    built.insert(format!("{root}/Release"), release.into_bytes());
    built
}

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::new(6));
    encoder.write_all(text.as_bytes()).expect("writing into memory");
    encoder.finish().expect("writing into memory")
}

/// The folder of a source package.
fn folder(source: &str) -> String {
    let length = if source.len() > 3 && source.starts_with("lib") { 4 } else { 1 };
    format!("pool/{COMPONENT}/{}/{source}", source.get(..length).unwrap_or(source))
}

fn without_epoch(version: &str) -> &str {
    version.split_once(':').map_or(version, |(_, rest)| rest)
}

fn changelog(release: &Release) -> String {
    let date = super::http_date(&release.published).unwrap_or_default().replace("GMT", "+0000");
    format!(
        "{} ({}) {SUITE}; urgency=medium\n\n  * A change.\n\n -- Alice <alice@registry.example>  {date}\n",
        release.source, release.version
    )
}

fn copyright(release: &Release) -> String {
    let licence = release.licence.as_deref().unwrap_or("Expat");
    format!(
        "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n\n\
         Files: *\nCopyright: Alice\nLicense: {licence}\n Its text.\n"
    )
}

/// A binary package: its place in the pool, its bytes, its stanza in `Packages`.
fn binary_package(release: &Release, binary: &str) -> (String, Vec<u8>, String) {
    let Release { source, version, .. } = release;
    let own = if binary == source { String::new() } else { format!("Source: {source}\n") };
    let depends = release.depends.as_ref().map(|text| format!("Depends: {text}\n")).unwrap_or_default();
    let control = |version: &str| {
        format!(
            "Package: {binary}\n{own}Version: {version}\nArchitecture: {ARCHITECTURE}\n\
             Maintainer: Alice <alice@registry.example>\n{depends}Description: The package {binary}\n"
        )
    };
    let documents = format!("./usr/share/doc/{binary}");
    let mut files: Vec<Entry> = vec![(format!("{documents}/copyright"), copyright(release).into_bytes())];
    if !release.no_changelog {
        files.push((format!("{documents}/changelog.Debian.gz"), gzip(&changelog(release))));
    }
    files.push((format!("./usr/share/{binary}/version"), version.clone().into_bytes()));
    let mut meta: Vec<Entry> = vec![(
        "./control".to_owned(),
        control(release.packed_version.as_ref().unwrap_or(version)).into_bytes(),
    )];
    if release.script {
        meta.push(("./postinst".to_owned(), b"#!/bin/sh\nexit 0\n".to_vec()));
    }
    let made = Timestamp::parse(&release.published).map_or(0, Timestamp::seconds);
    let bytes = archive::ar(
        made,
        &[
            ("debian-binary", b"2.0\n"),
            ("control.tar.gz", &archive::tar_gz(&meta)),
            ("data.tar.gz", &archive::tar_gz(&files)),
        ],
    );
    let path = format!("{}/{binary}_{}_{ARCHITECTURE}.deb", folder(source), without_epoch(version));
    let Hashed { sha256, size, .. } = archive::hash(&bytes);
    let stanza = format!("{}Filename: {path}\nSize: {size}\nSHA256: {sha256}\n\n", control(version));
    (path, bytes, stanza)
}

/// A source package of format 3.0 (native): its tarball and its description.
fn source_package(release: &Release, sources: &mut String, built: &mut Built) {
    let Release { source, version, .. } = release;
    let stem = format!("{source}_{}", without_epoch(version));
    let root = format!("{source}-{}/debian", without_epoch(version));
    let tarball = archive::tar_gz(&[
        (format!("{root}/changelog"), changelog(release).into_bytes()),
        (format!("{root}/copyright"), copyright(release).into_bytes()),
    ]);
    let packed = archive::hash(&tarball);
    let description = format!(
        "Format: 3.0 (native)\nSource: {source}\nBinary: {source}\nArchitecture: any\nVersion: {version}\n\
         Maintainer: Alice <alice@registry.example>\nChecksums-Sha256:\n {} {} {stem}.tar.gz\nFiles:\n \
         {} {} {stem}.tar.gz\n",
        packed.sha256,
        packed.size,
        "0".repeat(32),
        packed.size
    );
    let described = archive::hash(description.as_bytes());
    if !release.withdrawn {
        sources.push_str(&format!(
            "Package: {source}\nBinary: {source}\nVersion: {version}\nArchitecture: any\nFormat: 3.0 (native)\n\
             Directory: {}\nChecksums-Sha256:\n {} {} {stem}.dsc\n {} {} {stem}.tar.gz\n\n",
            folder(source),
            described.sha256,
            described.size,
            packed.sha256,
            packed.size,
        ));
    }
    built.insert(format!("{}/{stem}.dsc", folder(source)), description.into_bytes());
    built.insert(format!("{}/{stem}.tar.gz", folder(source)), tarball);
}

/// A source package being described; every method changes it at once and hands it back for the next.
pub struct DebPackage<'a> {
    source: String,
    releases: &'a mut Vec<Release>,
    current: Option<usize>,
}

impl DebPackage<'_> {
    /// Opens a release, new or known, of MIT licence and with a binary package of the source's name.
    pub fn release(mut self, version: &str) -> Self {
        let known = self.releases.iter().position(|release| release.version == version);
        self.current = Some(known.unwrap_or_else(|| {
            self.releases.push(Release {
                source: self.source.clone(),
                version: version.to_owned(),
                published: "2020-01-01T00:00:00Z".to_owned(),
                ..Release::default()
            });
            self.releases.len() - 1
        }));
        self
    }

    fn with(self, change: impl FnOnce(&mut Release)) -> Self {
        let current = self.current.and_then(|index| self.releases.get_mut(index));
        change(current.expect("name a release first"));
        self
    }

    /// The date of the changelog's newest entry (RFC 3339).
    pub fn published(self, date: &str) -> Self {
        self.with(|release| release.published = date.to_owned())
    }

    /// No changelog among the files, so that nothing tells a date.
    pub fn no_date(self) -> Self {
        self.with(|release| release.no_changelog = true)
    }

    /// `License` in the copyright file, by DEP-5's names.
    pub fn licence(self, name: &str) -> Self {
        self.with(|release| release.licence = Some(name.to_owned()))
    }

    /// `Depends`, word for word.
    pub fn depends(self, text: &str) -> Self {
        self.with(|release| release.depends = Some(text.to_owned()))
    }

    /// A further binary package of the same source.
    pub fn binary(self, name: &str) -> Self {
        self.with(|release| release.binaries.push(name.to_owned()))
    }

    /// A script that runs when it is installed.
    pub fn install_script(self) -> Self {
        self.with(|release| release.script = true)
    }

    /// Serves other bytes than those whose digest the index declares.
    pub fn tampered(self, bytes: impl Into<Vec<u8>>) -> Self {
        let bytes = bytes.into();
        self.with(|release| release.served = Some(bytes))
    }

    /// The package's control file names another version than the index: manifest confusion.
    pub fn packed_version(self, version: &str) -> Self {
        self.with(|release| release.packed_version = Some(version.to_owned()))
    }

    /// No longer listed by any index; the files stay.
    pub fn unlisted(self) -> Self {
        self.with(|release| release.withdrawn = true)
    }
}
