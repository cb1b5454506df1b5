//! Go modules as a test states them, and the proxy's documents and zips made of them; with a checksum database
//! that tells record numbers and signs nothing, so that clients have to be told `GONOSUMDB`.

use super::reply::Reply;
use super::segments;
use crate::archive::{self, Entry};
use bytes::Bytes;
use serde_json::json;
use std::collections::BTreeMap;

/// All modules of the fake proxy.
#[derive(Default)]
pub struct GoProxy {
    modules: BTreeMap<String, Module>,
    forbids: bool,
}

#[derive(Default)]
struct Module {
    path: String,
    releases: Vec<Release>,
    branches: BTreeMap<String, String>,
    list: Option<String>,
    latest: Option<String>,
}

#[derive(Default)]
struct Release {
    version: String,
    time: Option<String>,
    record: Option<u64>,
    licence: Option<String>,
    requires: Vec<(String, String)>,
    remarks: String,
    go_mod: Option<String>,
    files: Vec<Entry>,
    served: Option<Vec<u8>>,
    unlisted: bool,
    built: Option<Bytes>,
}

impl GoProxy {
    /// Opens a module, new or known. What is said about a release falls on the one last named.
    pub fn module(&mut self, path: &str) -> GoModule<'_> {
        let module = self
            .modules
            .entry(path.to_owned())
            .or_insert_with(|| Module { path: path.to_owned(), ..Module::default() });
        GoModule { current: module.releases.len().checked_sub(1), module }
    }

    /// The proxy no longer knows the module.
    pub fn remove(&mut self, path: &str) {
        self.modules.remove(path);
    }

    /// Answers 403 instead of 404 for what it does not have, as some mirrors do.
    pub fn forbid_what_is_absent(&mut self) {
        self.forbids = true;
    }

    /// Answers a request below `/go/`.
    pub(super) fn answer(&mut self, rest: &str) -> Reply {
        let absent = Reply::plain(
            if self.forbids { 403 } else { 404 },
            "text/plain; charset=utf-8",
            "not found: this proxy does not have it\n",
        );
        let parts = segments(rest);
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        let found = match parts.as_slice() {
            ["sumdb", "lookup", about @ ..] => self.lookup(&about.join("/")),
            [path @ .., "@latest"] => self.of(path).and_then(|module| {
                let latest = module.latest.as_deref()?;
                Some(Reply::document("application/json", info(latest, None)))
            }),
            [path @ .., "@v", "list"] => self.of(path).map(|module| {
                let list = module.list.clone().unwrap_or_else(|| list(module));
                Reply::document("text/plain; charset=utf-8", list)
            }),
            [path @ .., "@v", file] => self.of(path).and_then(|module| of_release(module, file)),
            _ => None,
        };
        found.unwrap_or(absent)
    }

    fn of(&mut self, path: &[&str]) -> Option<&mut Module> {
        self.modules.get_mut(&unescape(&path.join("/"))?)
    }

    fn lookup(&mut self, about: &str) -> Option<Reply> {
        let (path, version) = about.rsplit_once('@')?;
        let (path, version) = (unescape(path)?, unescape(version)?);
        let module = self.modules.get(&path)?;
        let record = module.releases.iter().find(|release| release.version == version)?.record?;
        let zeros = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
        let text = format!(
            "{record}\n{path} {version} h1:{zeros}\n{path} {version}/go.mod h1:{zeros}\n\n\
             go.sum database tree\n99999999\n{zeros}\n\n\u{2014} sums.example AAAA\n"
        );
        Some(Reply::document("text/plain; charset=utf-8", text))
    }
}

/// Undoes `!a` for `A` (Go Modules Reference, "Module proxy").
fn unescape(text: &str) -> Option<String> {
    let mut plain = String::new();
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '!' => plain.push(letters.next()?.to_ascii_uppercase()),
            'A'..='Z' => return None,
            _ => plain.push(letter),
        }
    }
    Some(plain)
}

fn list(module: &Module) -> String {
    let listed = module.releases.iter().filter(|release| !release.unlisted);
    listed.map(|release| format!("{}\n", release.version)).collect()
}

fn info(version: &str, time: Option<&str>) -> String {
    match time {
        Some(time) => json!({"Version": version, "Time": time}).to_string(),
        None => json!({"Version": version}).to_string(),
    }
}

fn of_release(module: &mut Module, file: &str) -> Option<Reply> {
    let (escaped, kind) = file.rsplit_once('.')?;
    let asked = unescape(escaped)?;
    let version = match module.branches.get(&asked) {
        Some(version) if kind == "info" => version.clone(),
        _ => asked,
    };
    let path = module.path.clone();
    let release = module.releases.iter_mut().find(|release| release.version == version)?;
    match kind {
        "info" => Some(Reply::document("application/json", info(&version, release.time.as_deref()))),
        "mod" => Some(Reply::document("text/plain; charset=utf-8", go_mod(&path, release))),
        "zip" => {
            let bytes = release.built.clone().unwrap_or_else(|| zip(&path, release));
            release.built = Some(bytes.clone());
            Some(Reply::file("application/zip", bytes))
        }
        _ => None,
    }
}

fn go_mod(path: &str, release: &Release) -> String {
    if let Some(text) = &release.go_mod {
        return text.clone();
    }
    let mut text = format!("module {path}\n\ngo 1.21\n");
    for (name, version) in &release.requires {
        text.push_str(&format!("\nrequire {name} {version}\n"));
    }
    text.push_str(&release.remarks);
    text
}

/// MIT's text, which is what a module without another licence has.
const MIT: &str = "MIT License\n\nCopyright (c) 2020 The Authors\n\nPermission is hereby granted, free of charge, to any person obtaining a copy\nof this software and associated documentation files (the \"Software\"), to deal\nin the Software without restriction, including without limitation the rights\nto use, copy, modify, merge, publish, distribute, sublicense, and/or sell\ncopies of the Software, and to permit persons to whom the Software is\nfurnished to do so, subject to the following conditions:\n\nThe above copyright notice and this permission notice shall be included in all\ncopies or substantial portions of the Software.\n\nTHE SOFTWARE IS PROVIDED \"AS IS\", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR\nIMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY,\nFITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE\nAUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER\nLIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM,\nOUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE\nSOFTWARE.\n";

/// The zip of a module, as the go command wants it.
pub fn module_zip(path: &str, version: &str, files: &[Entry]) -> Vec<u8> {
    let root = format!("{path}@{version}/");
    let entries: Vec<Entry> =
        files.iter().map(|(path, bytes)| (format!("{root}{path}"), bytes.clone())).collect();
    archive::zip(&entries)
}

fn zip(path: &str, release: &Release) -> Bytes {
    let package =
        path.rsplit('/').find(|part| !part.starts_with('v')).unwrap_or("pad").replace(['-', '.'], "");
    let licence = match release.licence.as_deref() {
        None | Some("MIT") => MIT.to_owned(),
        Some(id) => format!("SPDX-License-Identifier: {id}\n"),
    };
    let mut files: Vec<Entry> =
        vec![("go.mod".into(), go_mod(path, release).into_bytes()), ("LICENSE".into(), licence.into_bytes())];
    if !release.files.iter().any(|(name, _)| name.ends_with(".go")) {
        let mut text = format!("// Package {package} is there.\npackage {package}\n\n");
        for (name, _) in &release.requires {
            text.push_str(&format!("import _ \"{name}\"\n"));
        }
        text.push_str(&format!("\n// Version is its own.\nconst Version = \"{}\"\n", release.version));
        files.push((format!("{package}.go"), text.into_bytes()));
    }
    files.extend(release.files.iter().cloned());
    let bytes = module_zip(path, &release.version, &files);
    release.served.clone().unwrap_or(bytes).into()
}

/// A module being described; every method changes it at once and hands it back for the next.
pub struct GoModule<'a> {
    module: &'a mut Module,
    current: Option<usize>,
}

impl GoModule<'_> {
    /// Opens a release, new or known: of MIT licence, with one package in its root, and in the log for years.
    pub fn release(mut self, version: &str) -> Self {
        let known = self.module.releases.iter().position(|release| release.version == version);
        self.current = Some(known.unwrap_or_else(|| {
            self.module.releases.push(Release {
                version: version.to_owned(),
                time: Some("2020-01-01T00:00:00Z".to_owned()),
                record: Some(1),
                ..Release::default()
            });
            self.module.releases.len() - 1
        }));
        self
    }

    fn with(self, change: impl FnOnce(&mut Release)) -> Self {
        let current = self.current.and_then(|index| self.module.releases.get_mut(index));
        let release = current.expect("name a release first");
        release.built = None;
        change(release);
        self
    }

    /// `Time` of its `.info`, word for word.
    pub fn time(self, date: &str) -> Self {
        self.with(|release| release.time = Some(date.to_owned()))
    }

    /// Its record in the checksum database; the lower, the older.
    pub fn record(self, number: u64) -> Self {
        self.with(|release| release.record = Some(number))
    }

    /// The checksum database does not know it.
    pub fn unlogged(self) -> Self {
        self.with(|release| release.record = None)
    }

    /// An SPDX identifier in its LICENSE.
    pub fn licence(self, id: &str) -> Self {
        self.with(|release| release.licence = Some(id.to_owned()))
    }

    /// A module that it imports.
    pub fn requires(self, path: &str, version: &str) -> Self {
        self.with(|release| release.requires.push((path.to_owned(), version.to_owned())))
    }

    /// More lines of its `go.mod`, such as `retract v1.0.0`.
    pub fn remark(self, lines: &str) -> Self {
        self.with(|release| release.remarks.push_str(&format!("\n{lines}\n")))
    }

    /// Its `go.mod`, word for word.
    pub fn go_mod(self, text: &str) -> Self {
        self.with(|release| release.go_mod = Some(text.to_owned()))
    }

    /// A file in it.
    pub fn file(self, path: &str, text: &str) -> Self {
        self.with(|release| release.files.push((path.to_owned(), text.as_bytes().to_vec())))
    }

    /// The zip is served as these bytes instead.
    pub fn tampered(self, bytes: &[u8]) -> Self {
        self.with(|release| release.served = Some(bytes.to_vec()))
    }

    /// It stands in no list, as commits do not.
    pub fn unlisted(self) -> Self {
        self.with(|release| release.unlisted = true)
    }

    /// A branch, tag or commit stands for the release last named.
    pub fn branch(self, name: &str) -> Self {
        let version = self.current.and_then(|index| self.module.releases.get(index));
        let version = version.expect("name a release first").version.clone();
        self.module.branches.insert(name.to_owned(), version);
        self
    }

    /// The list of versions, word for word.
    pub fn list(self, text: &str) -> Self {
        self.module.list = Some(text.to_owned());
        self
    }

    /// What `@latest` says; without this it is not found.
    pub fn latest(self, version: &str) -> Self {
        self.module.latest = Some(version.to_owned());
        self
    }
}

/// The modules of the go command's tests, below `lib.test/`: as [`crate::world`] has them for other registries,
/// as far as they make sense here. What is young stands in no log, and its commit says so.
pub fn demo(proxy: &mut GoProxy, now: lazaret_vocabulary::Timestamp) {
    use lazaret_vocabulary::Span;
    let ago = |span: Span| (now - span).to_string();
    let (hours, days) = (ago(Span::hours(2)), ago(Span::days(5)));
    proxy.module("lib.test/good-lib").release("v1.0.0").release("v1.1.0").release("v1.2.0");
    proxy.module("lib.test/mid-lib").release("v1.0.0").requires("lib.test/good-lib", "v1.0.0");
    proxy.module("lib.test/app-lib").release("v1.0.0").requires("lib.test/mid-lib", "v1.0.0");
    proxy.module("lib.test/fresh-lib").release("v1.0.0").release("v1.1.0").time(&hours).unlogged();
    proxy.module("lib.test/new-lib").release("v0.1.0").time(&days).unlogged();
    // Whoever made it says that it is old; nobody else does.
    proxy.module("lib.test/backdated-lib").release("v1.0.0").release("v1.1.0").unlogged();
    proxy.module("lib.test/evil-lib").release("v1.0.0").release("v1.0.1");
    proxy.module("lib.test/vuln-lib").release("v1.0.0").release("v1.0.1");
    proxy.module("lib.test/agpl-lib").release("v1.0.0").licence("AGPL-3.0-only");
    proxy.module("lib.test/Upper-Lib").release("v1.0.0-RC.1");
    proxy
        .module("lib.test/gone-lib")
        .release("v1.0.0")
        .release("v1.1.0")
        .release("v1.1.1")
        .remark("// it eats files\nretract [v1.1.0, v1.1.1]");
    proxy
        .module("lib.test/untagged-lib")
        .list("")
        .latest("v0.0.0-20200101000000-daa7c04131f5")
        .release("v0.0.0-20200101000000-daa7c04131f5")
        .branch("main")
        .branch("daa7c04131f5");
    proxy
        .module("lib.test/branch-lib")
        .release("v1.0.0")
        .release("v1.0.1-0.20200101000000-daa7c04131f5")
        .unlisted()
        .branch("main");
    proxy.module("lib.test/tampered-lib").release("v1.0.0").tampered(b"these are not the bytes of a module");
    proxy.module("corp.test/billing").release("v99.9.9");
}
