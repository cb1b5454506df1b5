//! Publishing to this house: the legacy upload API, as twine, uv, poetry, pdm and hatch speak it.
//!
//! The form is read with `multer`, the maintained parser of the axum and rocket families; it is asynchronous,
//! but the body is at hand, so it never has to wait and is polled once. `formdata` and `multipart` are no
//! longer maintained.
//!
//! No standard says how to yank. Here it is the same form with another `:action`: `yank` and `unyank` (with
//! `name`, `version` and, if wanted, `reason`) and `remove` (`version` may be left out).

use super::documents::{HOUSE, PROJECT, SIMPLE};
use super::inspect::{self, Expected, Fields};
use super::project::{Details, fingerprint};
use super::route::{JSON_TYPE, file_path, is_file_name};
use super::version::{self, FileKind};
use crate::hosting::{Change, HostedFile, HostedPackage, HostedRelease, Hosting, HostingError, StoredFile};
use bytes::Bytes;
use futures_util::FutureExt as _;
use futures_util::stream;
use http::StatusCode;
use lazaret_vocabulary::{
    Algorithm, Digest, Document, Malformed, PackageName, Reply, RequestHead, Timestamp,
};
use multer::{Constraints, Multipart, SizeLimit};
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, HashMap};
use std::convert::Infallible;
use std::io::Cursor;

/// The one kind of change: a form.
pub(super) const FORM: &str = "form";
/// Largest form, in bytes: 100 MiB of file, the public registry's limit, and the rest.
pub(super) const LARGEST_FORM_BYTES: usize = 128 << 20;
/// Most fields in a form.
const MOST_FIELDS: usize = 5_000;
/// Largest text field, in bytes: a README.
const LARGEST_TEXT: usize = 4 << 20;
/// Longest line on a package for search, in characters.
const LONGEST_SUMMARY: usize = 1_000;

/// Packages of this house.
#[derive(Debug)]
pub(super) struct House;

/// A form as sent.
#[derive(Default)]
struct Form {
    texts: BTreeMap<String, Vec<String>>,
    file: Option<(String, Bytes)>,
}

impl Form {
    fn text(&self, name: &str) -> &str {
        self.texts.get(name).and_then(|values| values.first()).map_or("", |text| text.trim())
    }

    fn package(&self) -> Result<PackageName, HostingError> {
        super::name(self.text("name")).map_err(|error| wrong(error.to_string()))
    }

    fn version(&self) -> Result<String, HostingError> {
        let text = self.text("version");
        match version::parse(text) {
            Some(version) => Ok(version.to_string()),
            None => Err(wrong(format!("`version` is not a version by PEP 440: `{}`", excerpt(text)))),
        }
    }
}

fn excerpt(text: &str) -> String {
    text.chars().take(80).collect::<String>().escape_debug().to_string()
}

fn wrong(message: impl Into<String>) -> HostingError {
    HostingError { status: StatusCode::BAD_REQUEST, message: message.into() }
}

fn taken(message: String) -> HostingError {
    HostingError { status: StatusCode::CONFLICT, message }
}

impl Hosting for House {
    fn read(
        &self,
        action: &'static str,
        _package: Option<&PackageName>,
        request: &RequestHead<'_>,
        body: &Bytes,
    ) -> Result<Change, HostingError> {
        if action != FORM {
            return Err(wrong("there is no such change"));
        }
        let form = read_form(request.header("content-type"), body)?;
        match form.text(":action") {
            "file_upload" => upload(form),
            "yank" => Ok(Change::Withdraw {
                package: form.package()?,
                version: form.version()?,
                reason: form.text("reason").chars().filter(|letter| !letter.is_control()).take(500).collect(),
            }),
            "unyank" => Ok(Change::Restore { package: form.package()?, version: form.version()? }),
            "remove" => Ok(Change::Remove {
                package: form.package()?,
                version: if form.text("version").is_empty() { None } else { Some(form.version()?) },
            }),
            other => Err(wrong(format!(
                "`:action` is `{}`, expected file_upload, yank, unyank or remove",
                excerpt(other)
            ))),
        }
    }

    fn accepts(&self, existing: &HostedPackage, change: &Change) -> Result<(), HostingError> {
        let Change::Publish { version, files, package, .. } = change else { return Ok(()) };
        for release in &existing.releases {
            let doubled = release
                .files
                .iter()
                .find(|have| files.iter().any(|new| new.file.eq_ignore_ascii_case(&have.file)));
            if let Some(have) = doubled {
                // twine's `--skip-existing` looks for these words.
                return Err(taken(format!("File already exists: `{}` was published before", have.file)));
            }
            if version::same(&release.version, version) && release.version != *version {
                return Err(taken(format!(
                    "`{package}` {version} is the same version as {}, which was published before",
                    release.version
                )));
            }
        }
        Ok(())
    }

    fn documents(&self, package: &HostedPackage, now: Timestamp) -> Result<Vec<Document>, Malformed> {
        let document = |role, content_type: &str, body: Value| Document {
            role,
            body: body.to_string().into(),
            content_type: content_type.to_owned(),
            fetched: now,
            modified: None,
        };
        let mut house = Map::new();
        let mut newest: Option<(&HostedRelease, Map<String, Value>)> = None;
        for release in &package.releases {
            let manifest = manifest(release)?;
            let mut known = Map::new();
            for key in ["licence", "dependencies", "repository"] {
                known.insert(key.to_owned(), manifest.get(key).cloned().unwrap_or_default());
            }
            known.insert("publisher".to_owned(), release.publisher.as_str().into());
            house.insert(version::canonical(&release.version), Value::Object(known));
            let newer = newest
                .as_ref()
                .is_none_or(|(best, _)| version::compare(&release.version, &best.version).is_gt());
            if newer {
                newest = Some((release, manifest));
            }
        }
        let mut project = json!({ "info": { "name": package.package.as_str() } });
        if let (Some((release, mut manifest)), Some(members)) = (newest, project.as_object_mut()) {
            for key in ["licence", "dependencies", "repository"] {
                manifest.remove(key);
            }
            manifest.insert("version".to_owned(), release.version.as_str().into());
            members.insert("info".to_owned(), Value::Object(manifest));
        }
        if let (false, Some(members)) = (package.owners.is_empty(), project.as_object_mut()) {
            let roles: Vec<Value> =
                package.owners.iter().map(|owner| json!({ "role": "Owner", "user": owner })).collect();
            members.insert("ownership".to_owned(), json!({ "roles": roles, "organization": null }));
        }
        Ok(vec![
            document(SIMPLE, JSON_TYPE, simple_page(package)?),
            document(PROJECT, "application/json", project),
            document(HOUSE, "application/json", Value::Object(house)),
        ])
    }

    fn done(&self, change: &Change) -> Reply {
        let text = match change {
            Change::Publish { package, version, .. } => format!("{package} {version} is published\n"),
            Change::Withdraw { package, version, .. } => format!("{package} {version} is yanked\n"),
            Change::Restore { package, version } => format!("{package} {version} is no longer yanked\n"),
            Change::Remove { package, version: Some(version) } => format!("{package} {version} is removed\n"),
            Change::Remove { package, version: None } => format!("{package} is removed\n"),
            _ => "done\n".to_owned(),
        };
        Reply::new(StatusCode::OK, "text/plain; charset=utf-8", text)
    }

    fn owners(&self, owners: &[String]) -> Reply {
        Reply::json(json!({ "owners": owners }).to_string())
    }

    fn whoami(&self, name: &str) -> Reply {
        Reply::new(StatusCode::OK, "text/plain; charset=utf-8", format!("{name}\n"))
    }
}

fn read_form(content_type: &str, body: &Bytes) -> Result<Form, HostingError> {
    let plain = content_type.split(';').next().unwrap_or("").trim();
    if plain.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        return read_short_form(body);
    }
    let boundary = multer::parse_boundary(content_type)
        .map_err(|_| wrong("the body is not multipart/form-data with a boundary"))?;
    read_multipart(boundary, body.clone())
        .now_or_never()
        .unwrap_or_else(|| Err(wrong("the form ends in the middle of a part")))
}

async fn read_multipart(boundary: String, body: Bytes) -> Result<Form, HostingError> {
    let broken = |error: multer::Error| wrong(format!("the form cannot be read: {error}"));
    let limits = SizeLimit::new()
        .whole_stream(LARGEST_FORM_BYTES as u64)
        .per_field(LARGEST_TEXT as u64)
        .for_field("content", LARGEST_FORM_BYTES as u64);
    let chunks = stream::iter([Ok::<Bytes, Infallible>(body)]);
    let mut parts = Multipart::with_constraints(chunks, boundary, Constraints::new().size_limit(limits));
    let mut form = Form::default();
    let mut count = 0;
    while let Some(part) = parts.next_field().await.map_err(broken)? {
        count += 1;
        if count > MOST_FIELDS {
            return Err(wrong(format!("the form has more than {MOST_FIELDS} fields")));
        }
        let Some(name) = part.name().map(str::to_owned) else { continue };
        match (name.as_str(), part.file_name().map(str::to_owned)) {
            ("content", Some(file)) => {
                if form.file.is_some() {
                    return Err(wrong("the form has two files; send one form for each"));
                }
                form.file = Some((file, part.bytes().await.map_err(broken)?));
            }
            // Signatures and attestations, which are made elsewhere here.
            (_, Some(_)) => {
                part.bytes().await.map_err(broken)?;
            }
            (_, None) => {
                let bytes = part.bytes().await.map_err(broken)?;
                let text = std::str::from_utf8(&bytes)
                    .map_err(|_| wrong(format!("`{}` in the form is not UTF-8", excerpt(&name))))?;
                form.texts.entry(name).or_default().push(text.to_owned());
            }
        }
    }
    Ok(form)
}

fn read_short_form(body: &[u8]) -> Result<Form, HostingError> {
    let text = std::str::from_utf8(body).ok().filter(|text| text.len() <= LARGEST_TEXT);
    let text = text.ok_or_else(|| wrong("the form is not UTF-8, or too long"))?;
    let decode = |raw: &str| {
        let plain = raw.replace('+', " ");
        percent_decode_str(&plain).decode_utf8().map(|text| text.into_owned())
    };
    let mut form = Form::default();
    for pair in text.trim().split('&').filter(|pair| !pair.is_empty()).take(MOST_FIELDS) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let (Ok(name), Ok(value)) = (decode(name), decode(value)) else {
            return Err(wrong("the form is not UTF-8"));
        };
        form.texts.entry(name).or_default().push(value);
    }
    Ok(form)
}

/// Checks that form, file name and the file's own metadata speak of one release, and that the bytes are those
/// that were meant.
fn upload(mut form: Form) -> Result<Change, HostingError> {
    let package = form.package()?;
    let version = form.version()?;
    let (file, bytes) = form.file.take().ok_or_else(|| wrong("the form has no file in `content`"))?;
    if !is_file_name(&file) || !file.is_ascii() {
        return Err(wrong(format!("`{}` is not a file name", excerpt(&file))));
    }
    let lower = file.to_ascii_lowercase();
    let kind = version::kind(&file);
    let takes = kind == FileKind::Wheel
        || (kind == FileKind::Sdist && [".tar.gz", ".zip"].iter().any(|ending| lower.ends_with(ending)));
    if !takes {
        return Err(wrong(format!("`{file}` is neither a wheel nor a .tar.gz or .zip source distribution")));
    }
    let named = version::of_file(package.key(), &file)
        .ok_or_else(|| wrong(format!("`{file}` is not the name of a file of `{package}`")))?;
    if !version::same(&named, &version) {
        return Err(wrong(format!("`{file}` is not of version {version}, which the form names")));
    }
    check_digests(&form, &bytes)?;
    let expected = Expected { package: &package, version: Some(version.clone()) };
    let looked = inspect::look(&expected, &file, &mut Cursor::new(bytes.as_ref()))
        .map_err(|error| wrong(error.to_string()))?;
    if let Some(first) = looked.inspection.disagreements.first() {
        return Err(wrong(format!("`{file}` cannot be published: {first}")));
    }
    let metadata = looked.metadata.ok_or_else(|| wrong(format!("`{file}` has no PKG-INFO")))?;
    let fields = Fields::parse(&metadata);
    let about = json!({
        "requires_python": fields.only("Requires-Python"),
        "packagetype": kind.package_type(&file),
    });
    let extra = looked.inspection.extras.into_iter().next();
    Ok(Change::Publish {
        manifest: release_manifest(&package, &version, &fields).to_string(),
        files: vec![HostedFile { file, bytes, metadata: about.to_string(), extra }],
        tags: Vec::new(),
        description: fields.only("Summary").unwrap_or("").chars().take(LONGEST_SUMMARY).collect(),
        package,
        version,
        requires: Vec::new(),
        by_digest: false,
    })
}

/// The form's SHA-256 must be the file's. Its MD5 and BLAKE2 prove nothing beside it and need two more
/// libraries, so a form that has only them is not believed.
fn check_digests(form: &Form, bytes: &[u8]) -> Result<(), HostingError> {
    let sha256 = form.text("sha256_digest");
    if sha256.is_empty() {
        let other = ["md5_digest", "blake2_256_digest"].into_iter().find(|name| !form.text(name).is_empty());
        return match other {
            Some(name) => {
                Err(wrong(format!("the form has `{name}` but no `sha256_digest` to check the file by")))
            }
            None => Ok(()),
        };
    }
    let declared = Digest::from_hex(Algorithm::Sha256, sha256)
        .ok_or_else(|| wrong("`sha256_digest` is not 64 hexadecimal digits"))?;
    let actual = ring::digest::digest(&ring::digest::SHA256, bytes);
    if declared.bytes() != actual.as_ref() {
        return Err(wrong("the file does not have the SHA-256 that the form names; send it again"));
    }
    Ok(())
}

/// The release's metadata as the legacy JSON document has it, from the file's own and not the form's, and
/// what the policy asks about.
fn release_manifest(package: &PackageName, version: &str, fields: &Fields) -> Value {
    let requirements: Vec<&str> = fields.all("Requires-Dist").collect();
    let urls: Map<String, Value> = fields
        .all("Project-URL")
        .filter_map(|line| line.split_once(','))
        .map(|(label, url)| (label.trim().to_owned(), url.trim().into()))
        .collect();
    json!({
        "name": package.as_str(), "version": version,
        "summary": fields.only("Summary"), "keywords": fields.only("Keywords"),
        "author": fields.only("Author"), "author_email": fields.only("Author-email"),
        "maintainer": fields.only("Maintainer"), "maintainer_email": fields.only("Maintainer-email"),
        "home_page": fields.only("Home-page"), "project_urls": urls,
        "license": fields.only("License"), "license_expression": fields.only("License-Expression"),
        "classifiers": fields.all("Classifier").collect::<Vec<_>>(),
        "requires_python": fields.only("Requires-Python"), "requires_dist": requirements,
        "licence": fields.licence(), "dependencies": fingerprint(&requirements),
        "repository": urls.get("Source").or_else(|| urls.get("Repository")),
    })
}

fn manifest(release: &HostedRelease) -> Result<Map<String, Value>, Malformed> {
    serde_json::from_str(&release.manifest)
        .map_err(|_| Malformed::new(format!("the stored manifest of {} is not an object", release.version)))
}

/// A hosted project's page (PEP 691, 700).
fn simple_page(package: &HostedPackage) -> Result<Value, Malformed> {
    let mut files = Vec::new();
    for release in &package.releases {
        for file in &release.files {
            files.push(page_file(package, release, file)?);
        }
    }
    let versions: Vec<&str> = package.releases.iter().map(|release| release.version.as_str()).collect();
    Ok(json!({
        "meta": { "api-version": "1.1" }, "name": package.package.key(), "versions": versions, "files": files,
    }))
}

fn page_file(
    package: &HostedPackage,
    release: &HostedRelease,
    file: &StoredFile,
) -> Result<Value, Malformed> {
    let about: Value = if file.metadata.is_empty() {
        Value::Null
    } else {
        serde_json::from_str(&file.metadata)
            .map_err(|_| Malformed::new(format!("what is stored beside `{}` is not JSON", file.file)))?
    };
    let hashes: Map<String, Value> = file
        .digests
        .iter()
        .map(|digest| (digest.algorithm().name().to_owned(), digest.to_hex().into()))
        .collect();
    let yanked = match release.withdrawn.as_deref() {
        None => Value::from(false),
        Some("") => Value::from(true),
        Some(reason) => Value::from(reason),
    };
    let mut entry = json!({
        "filename": file.file.as_ref(), "url": file_path(package.package.key(), &file.file), "hashes": hashes,
        "size": file.size_bytes, "upload-time": file.published.to_string(), "yanked": yanked,
    });
    let requires = about.get("requires_python").filter(|value| value.is_string());
    if let (Some(requires), Some(members)) = (requires, entry.as_object_mut()) {
        members.insert("requires-python".to_owned(), requires.clone());
    }
    Ok(entry)
}

/// What [`House`]'s documents say of each version, by its normal form.
pub(super) fn read_house(body: &[u8]) -> Result<HashMap<String, Details>, Malformed> {
    let versions: Map<String, Value> = serde_json::from_slice(body)
        .map_err(|error| Malformed::new(format!("the house's own document cannot be read: {error}")))?;
    let text = |value: &Value, key: &str| value.get(key).and_then(Value::as_str).map(Into::into);
    let details = |version: &str, value: &Value| Details {
        version: version.to_owned(),
        licence: text(value, "licence"),
        dependencies: value.get("dependencies").and_then(Value::as_u64),
        repository: text(value, "repository"),
        inactive: false,
        publisher: text(value, "publisher").filter(|publisher: &std::sync::Arc<str>| !publisher.is_empty()),
    };
    Ok(versions.iter().map(|(version, value)| (version.clone(), details(version, value))).collect())
}
