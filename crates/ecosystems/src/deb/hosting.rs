//! Publishing to this house: one binary package at a time, by PUT. The archive `hosted` is written from what
//! is stored ([`super::suite`]).

use super::archive::parts;
use super::{archive, documents, inspect, name, route, suite, version};
use crate::hosting::{Catalogue, Change, HostedFile, HostedPackage, Hosting, HostingError, Signer};
use bytes::Bytes;
use http::StatusCode;
use lazaret_vocabulary::{Document, Malformed, PackageName, Reply, RequestHead, Timestamp};
use serde::{Deserialize, Serialize};
use std::io::Cursor;

pub(super) const PUBLISH: &str = "publish";
pub(super) const REMOVE: &str = "remove";

/// Largest package published, in bytes.
pub(super) const LARGEST_PUBLISH: usize = 256 << 20;
/// The suite of what is published without naming one.
pub(super) const SUITE: &str = "stable";
/// The only component.
pub(super) const COMPONENT: &str = "main";
/// How much of a control archive is looked at, in bytes.
const LARGEST_CONTROL: u64 = 32 << 20;

const TEXT: &str = "text/plain; charset=utf-8";

/// Fields of an index that a package must not bring with it: the house writes them.
const OURS: [&str; 9] = [
    "Filename",
    "Size",
    "MD5sum",
    "SHA1",
    "SHA256",
    "SHA512",
    "Status",
    "Description-md5",
    "Acquire-By-Hash",
];

/// Packages of this house.
#[derive(Debug)]
pub(super) struct House;

/// What is kept beside a file.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Kept {
    pub suite: String,
    pub architecture: String,
    /// The lines of its control file, without those that an index adds.
    pub control: String,
}

impl Hosting for House {
    fn read(
        &self,
        action: &'static str,
        package: Option<&PackageName>,
        request: &RequestHead<'_>,
        body: &Bytes,
    ) -> Result<Change, HostingError> {
        match action {
            PUBLISH => publication(request, body),
            REMOVE => {
                let package = package.cloned().ok_or_else(|| wrong("the address names no package"))?;
                let version = route::segments(request.path).and_then(|mut segments| segments.pop());
                let version = version.filter(|version| version::is_version(version));
                let version = version.ok_or_else(|| wrong("the address names no version"))?;
                Ok(Change::Remove { package, version: Some(version) })
            }
            _ => Err(wrong("an archive has no such change")),
        }
    }

    fn accepts(&self, existing: &HostedPackage, change: &Change) -> Result<(), HostingError> {
        let Change::Publish { files, .. } = change else { return Ok(()) };
        let stored = existing.releases.iter().flat_map(|release| &release.files);
        for have in stored {
            if let Some(file) = files.iter().find(|file| *file.file == *have.file) {
                let name = file.file.rsplit('/').next().unwrap_or_default();
                return Err(HostingError {
                    status: StatusCode::CONFLICT,
                    message: format!(
                        "{name} was published already; a changed package needs a higher version"
                    ),
                });
            }
        }
        Ok(())
    }

    fn documents(&self, package: &HostedPackage, now: Timestamp) -> Result<Vec<Document>, Malformed> {
        Ok(vec![documents::write(package, now)?])
    }

    fn done(&self, change: &Change) -> Reply {
        let (status, line) = match change {
            Change::Publish { files, .. } => {
                let names = files.iter().filter_map(|file| file.file.rsplit('/').next());
                (StatusCode::CREATED, format!("published {}", names.collect::<Vec<_>>().join(", ")))
            }
            Change::Remove { package, version } => {
                (StatusCode::OK, format!("removed {package} {}", version.as_deref().unwrap_or_default()))
            }
            other => (StatusCode::OK, format!("changed {}", other.package())),
        };
        Reply::new(status, TEXT, format!("{line}\n"))
    }

    fn owners(&self, owners: &[String]) -> Reply {
        Reply::new(StatusCode::OK, TEXT, owners.iter().map(|owner| format!("{owner}\n")).collect::<String>())
    }

    fn whoami(&self, name: &str) -> Reply {
        Reply::new(StatusCode::OK, TEXT, format!("{name}\n"))
    }

    fn catalogue(&self, catalogue: &Catalogue<'_>, signer: &dyn Signer) -> Result<Reply, Malformed> {
        suite::answer(catalogue, signer)
    }
}

fn wrong(message: impl Into<String>) -> HostingError {
    HostingError { status: StatusCode::BAD_REQUEST, message: message.into() }
}

/// Where a file stands in the archive `hosted`, and by what key it is stored.
fn place(source: &str, file: &str) -> String {
    format!("{}/pool/{COMPONENT}/{}/{source}/{file}", route::HOSTED, name::prefix(source))
}

fn publication(request: &RequestHead<'_>, body: &Bytes) -> Result<Change, HostingError> {
    let unreadable = |error: Malformed| wrong(error.to_string());
    let mut file = Cursor::new(body.as_ref());
    let parts = parts(&mut file).map_err(unreadable)?;
    let tar = archive::tar(&mut file, &parts.control, LARGEST_CONTROL).map_err(unreadable)?;
    let control = inspect::control(tar).map_err(unreadable)?;
    if let Some(odd) = control.odd {
        return Err(wrong(odd));
    }
    let (source, source_version) = control.source();
    let package = name::parse(source).map_err(|error| wrong(error.to_string()))?;
    let own = name::parse(&control.package).map_err(|error| wrong(error.to_string()))?;
    if source.contains('/') || control.package.contains('/') {
        return Err(wrong("a package's name has no `/`"));
    }
    if package.as_str() != package.key() || own.as_str() != own.key() {
        return Err(wrong("a package's name is in lower case"));
    }
    for version in [&control.version, source_version] {
        if !version::is_version(version) {
            return Err(wrong(format!("`{version}` is not a version such as 1.2.3-1")));
        }
    }
    let architecture = control.architecture.as_str();
    if !is_architecture(architecture) {
        return Err(wrong(format!("`{architecture}` is not an architecture such as amd64")));
    }
    let file_name = format!("{own}_{}_{architecture}.deb", inspect::file_version(&control.version));
    let asked = route::segments(request.path).and_then(|mut segments| segments.pop()).unwrap_or_default();
    let with_epoch = format!("{own}_{}_{architecture}.deb", control.version);
    if ![&file_name, &with_epoch, &with_epoch.replace(':', "%3a")].contains(&&asked) {
        return Err(wrong(format!("the package in `{asked}` has to be called {file_name}")));
    }
    let suite = suite(request.query)?;
    let lines = lines(&control.text)?;
    let description = lines.lines().find_map(|line| line.strip_prefix("Description:"));
    let description = description.unwrap_or_default().trim().chars().take(1000).collect();
    let kept = Kept { suite, architecture: architecture.to_owned(), control: lines };
    let metadata = serde_json::to_string(&kept).map_err(|error| wrong(error.to_string()))?;
    Ok(Change::Publish {
        version: source_version.to_owned(),
        manifest: serde_json::json!({ "source": source, "version": source_version }).to_string(),
        files: vec![HostedFile {
            file: place(source, &file_name),
            bytes: body.clone(),
            metadata,
            extra: None,
        }],
        tags: Vec::new(),
        description,
        requires: Vec::new(),
        by_digest: false,
        package,
    })
}

fn is_architecture(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 32
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

/// The suite that `?suite=` names.
fn suite(query: &str) -> Result<String, HostingError> {
    let named = query.split('&').find_map(|pair| pair.strip_prefix("suite="));
    let suite = named.unwrap_or(SUITE);
    if name::is_archive(suite) {
        Ok(suite.to_owned())
    } else {
        Err(wrong("a suite's name consists of lower-case letters, digits, `-`, `_` and `.`"))
    }
}

/// The control file's lines as an index may have them: whole fields with their further lines, and none that
/// the index itself adds.
fn lines(control: &str) -> Result<String, HostingError> {
    let mut kept = String::with_capacity(control.len());
    let mut open = false;
    for line in control.trim_end().lines() {
        let further = line.starts_with([' ', '\t']);
        if !further {
            let (field, _) =
                line.split_once(':').ok_or_else(|| wrong("the control file has a line without a field"))?;
            let plain = !field.is_empty()
                && field.bytes().all(|byte| byte.is_ascii_graphic())
                && !field.starts_with('#');
            if !plain {
                return Err(wrong("the control file has a field without a proper name"));
            }
            open = !OURS.iter().any(|ours| ours.eq_ignore_ascii_case(field));
        }
        if line.trim().is_empty() {
            return Err(wrong("the control file has an empty line"));
        }
        if open {
            kept.push_str(line.trim_end());
            kept.push('\n');
        }
    }
    Ok(kept)
}
