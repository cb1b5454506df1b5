//! PyPI's documents: simple indexes in both forms, legacy JSON, wheels and sdists.

use super::pypi::{CoreMetadata, Licence, Project, PypiRegistry, Release, normalise};
use super::reply::{Payload, Reply};
use super::{Behaviour, Recorded, json_text, segments};
use crate::archive::{self, Entry, Hashed};
use crate::large::LargeFile;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

const SIMPLE_JSON: &str = "application/vnd.pypi.simple.v1+json";
const SIMPLE_HTML: &str = "application/vnd.pypi.simple.v1+html";

/// A build back end in the sdist itself: packs every file below `src/` into a wheel (PEP 517).
const BACKEND: &str = r#"import base64, hashlib, os, zipfile

def _name():
    fields = dict(line.split(": ", 1) for line in open("PKG-INFO").read().split("\n\n")[0].splitlines())
    return fields["Name"].replace("-", "_"), fields["Version"]

def _pack(directory, editable=False):
    name, version = _name()
    info = f"{name}-{version}.dist-info"
    files = {f"{info}/METADATA": open("PKG-INFO", "rb").read()}
    files[f"{info}/WHEEL"] = b"Wheel-Version: 1.0\nGenerator: own\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    for folder, _, names in os.walk("src"):
        for file in names:
            path = os.path.join(folder, file)
            files[os.path.relpath(path, "src")] = open(path, "rb").read()
    record = ""
    for path, data in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        record += f"{path},sha256={digest},{len(data)}\n"
    files[f"{info}/RECORD"] = (record + f"{info}/RECORD,,\n").encode()
    target = f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(os.path.join(directory, target), "w") as wheel:
        for path, data in files.items():
            wheel.writestr(path, data)
    return target

def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    return _pack(wheel_directory)

def build_sdist(sdist_directory, config_settings=None):
    raise NotImplementedError("it is one")
"#;

/// A project's index and files, rendered.
pub(super) struct Built {
    json: String,
    html: String,
    files: BTreeMap<String, Payload>,
    documents: BTreeMap<String, String>,
    base: String,
}

struct File {
    filename: String,
    url_path: String,
    sha256: String,
    size: u64,
    metadata: String,
    payload: Payload,
    is_wheel: bool,
}

impl PypiRegistry {
    /// Answers a request below `/pypi/`; documents name files under `files_base`.
    pub(super) fn answer(
        &mut self,
        rest: &str,
        request: &Recorded,
        files_base: &str,
        behaviour: &Behaviour,
    ) -> Reply {
        let parts = segments(rest);
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        match parts.as_slice() {
            ["simple"] => Reply::redirect(301, "/pypi/simple/"),
            ["simple", ""] => self.root(request, behaviour),
            ["simple", name] => Reply::redirect(301, &format!("/pypi/simple/{}/", normalise(name))),
            ["simple", name, ""] if *name != normalise(name) => {
                Reply::redirect(301, &format!("/pypi/simple/{}/", normalise(name)))
            }
            ["simple", name, ""] => match self.built(name, files_base) {
                Some(built) => page(request, behaviour, &built.json, &built.html),
                None => Reply::plain(404, "text/html", "404 Not Found"),
            },
            ["pypi", name, "json"] => self.legacy(name, "", files_base),
            ["pypi", name, version, "json"] => self.legacy(name, version, files_base),
            ["integrity", name, version, _, "provenance"] => {
                let project = self.projects.get(&normalise(name));
                let release = project
                    .and_then(|project| project.releases.iter().find(|release| release.version == *version));
                match release.and_then(|release| release.provenance.as_ref()) {
                    Some(document) => {
                        Reply::document("application/vnd.pypi.integrity.v1+json", document.to_string())
                    }
                    None => Reply::not_found(),
                }
            }
            ["files", .., filename] => {
                // Distribution names are escaped so that they hold no dash.
                let project = filename.split('-').next().unwrap_or_default();
                let path = format!("/pypi/{rest}");
                match self.built(project, files_base).and_then(|built| built.files.get(&path).cloned()) {
                    Some(Payload::Bytes(bytes)) => file_reply(Reply::file("binary/octet-stream", bytes)),
                    Some(Payload::Large(file)) => file_reply(Reply::large("binary/octet-stream", file)),
                    None => Reply::not_found(),
                }
            }
            _ => Reply::not_found(),
        }
    }

    fn built(&mut self, name: &str, base: &str) -> Option<Arc<Built>> {
        let project = self.projects.get_mut(&normalise(name))?;
        if let Some(built) = project.built.as_ref().filter(|built| built.base == base) {
            return Some(Arc::clone(built));
        }
        let built = Arc::new(build(project, base));
        project.built = Some(Arc::clone(&built));
        Some(built)
    }

    fn legacy(&mut self, name: &str, version: &str, base: &str) -> Reply {
        let built = self.built(name, base);
        match built.and_then(|built| built.documents.get(version).cloned()) {
            Some(text) => Reply::document("application/json", text),
            None => Reply::not_found(),
        }
    }

    fn root(&self, request: &Recorded, behaviour: &Behaviour) -> Reply {
        let names: Vec<&str> = self.projects.values().map(|project| project.name.as_str()).collect();
        let projects: Vec<Value> = names.iter().map(|name| json!({"name": name})).collect();
        let json = json!({"meta": {"api-version": "1.4"}, "projects": projects}).to_string();
        let links: String = names
            .iter()
            .map(|name| format!("<a href=\"/pypi/simple/{}/\">{name}</a>\n", normalise(name)))
            .collect();
        page(request, behaviour, &json, &format!("<!DOCTYPE html><html><body>\n{links}</body></html>\n"))
    }
}

fn file_reply(reply: Reply) -> Reply {
    reply.header("cache-control", "max-age=365000000, immutable, public")
}

fn page(request: &Recorded, behaviour: &Behaviour, json: &str, html: &str) -> Reply {
    let accept = format!("{} {}", request.header("accept").unwrap_or_default(), request.query);
    let reply =
        if behaviour.simple_json && (accept.contains(SIMPLE_JSON) || accept.contains("simple.latest+json")) {
            Reply::document(SIMPLE_JSON, json.to_owned())
        } else if accept.contains(SIMPLE_HTML) && !accept.contains("text/html") {
            Reply::document(SIMPLE_HTML, html.to_owned())
        } else {
            Reply::document("text/html; charset=UTF-8", html.to_owned())
        };
    reply.header("cache-control", "max-age=600, public")
}

fn metadata(project: &Project, release: &Release) -> String {
    let version = release.packed_version.as_deref().unwrap_or(&release.version);
    let mut text = format!("Metadata-Version: 2.4\nName: {}\nVersion: {version}\n", project.name);
    let mut line = |name: &str, value: &str| text.push_str(&format!("{name}: {value}\n"));
    if let Some(summary) = &project.summary {
        line("Summary", summary);
    }
    match &release.licence {
        Some((Licence::Expression, value)) => line("License-Expression", value),
        Some((Licence::FreeText, value)) => line("License", value),
        None => {}
    }
    if let Some(name) = &release.maintainer {
        line("Maintainer", name);
    }
    release.classifiers.iter().for_each(|value| line("Classifier", value));
    if let Some(specifier) = &release.requires_python {
        line("Requires-Python", specifier);
    }
    release.dependencies.iter().for_each(|value| line("Requires-Dist", value));
    release.metadata_lines.iter().for_each(|(name, value)| line(name, value));
    text.push_str("\nIt does what it says.\n");
    text
}

fn release_files(project: &Project, release: &Release) -> Vec<File> {
    let distribution = normalise(&project.name).replace('-', "_");
    let metadata = metadata(project, release);
    let mut content = release.files.clone();
    if content.is_empty() {
        let text = format!("__version__ = {}\n", json_text(&release.version));
        content.push((format!("{distribution}/__init__.py"), text.into_bytes()));
    }
    let mut files = Vec::new();
    let mut add = |filename: String, payload: Payload, hashed: Hashed, is_wheel: bool| {
        let digest = &hashed.sha256;
        let (first, second, rest) =
            (digest.get(..2).unwrap_or(""), digest.get(2..4).unwrap_or(""), digest.get(4..).unwrap_or(""));
        let payload = match &release.served {
            Some(bytes) => Payload::Bytes(bytes.clone().into()),
            None => payload,
        };
        files.push(File {
            url_path: format!("/pypi/files/{first}/{second}/{rest}/{filename}"),
            sha256: release.sha256.clone().unwrap_or_else(|| digest.clone()),
            size: hashed.size,
            metadata: metadata.clone(),
            filename,
            payload,
            is_wheel,
        });
    };
    for tag in &release.wheel_tags {
        let bytes = archive::wheel(&distribution, &release.version, tag, &metadata, &content);
        let hashed = archive::hash(&bytes);
        add(
            format!("{distribution}-{}-{tag}.whl", release.version),
            Payload::Bytes(bytes.into()),
            hashed,
            true,
        );
    }
    if release.sdist {
        let (payload, hashed) = sdist(&distribution, release, &metadata, &content);
        add(format!("{distribution}-{}.tar.gz", release.version), payload, hashed, false);
    }
    files
}

fn sdist(distribution: &str, release: &Release, metadata: &str, content: &[Entry]) -> (Payload, Hashed) {
    let root = format!("{distribution}-{}", release.version);
    let project = "[build-system]\nrequires = []\nbuild-backend = \"backend\"\nbackend-path = [\".\"]\n";
    let mut entries: Vec<Entry> = vec![
        (format!("{root}/PKG-INFO"), metadata.as_bytes().to_vec()),
        (format!("{root}/pyproject.toml"), project.as_bytes().to_vec()),
        (format!("{root}/backend.py"), BACKEND.as_bytes().to_vec()),
    ];
    entries.extend(content.iter().map(|(path, bytes)| (format!("{root}/src/{path}"), bytes.clone())));
    if let Some(noise_bytes) = release.noise_bytes {
        let file = LargeFile::tar_gz(&entries, &format!("{root}/noise.bin"), noise_bytes, noise_bytes);
        let hashed = file.hashed();
        return (Payload::Large(file), hashed);
    }
    let bytes = archive::tar_gz(&entries);
    let hashed = archive::hash(&bytes);
    (Payload::Bytes(bytes.into()), hashed)
}

fn build(project: &Project, base: &str) -> Built {
    let mut entries = Vec::new();
    let mut links = String::new();
    let mut files = BTreeMap::new();
    let mut legacy: Vec<(&Release, Value)> = Vec::new();
    for release in &project.releases {
        let mut urls = Vec::new();
        for file in release_files(project, release) {
            entries.push(json_entry(release, &file, base));
            links.push_str(&html_entry(release, &file, base));
            urls.push(json!({
                "filename": file.filename, "url": format!("{base}{}", file.url_path),
                "digests": {"sha256": file.sha256}, "size": file.size,
                "packagetype": if file.is_wheel { "bdist_wheel" } else { "sdist" },
                "upload_time": release.published.as_ref().map(|date| date.trim_end_matches('Z')),
                "upload_time_iso_8601": release.published, "requires_python": release.requires_python,
                "yanked": release.yanked.is_some(), "yanked_reason": release.yanked,
            }));
            if file.is_wheel && release.core_metadata == CoreMetadata::Advertised {
                let bytes = Payload::Bytes(file.metadata.into_bytes().into());
                files.insert(format!("{}.metadata", file.url_path), bytes);
            }
            files.insert(file.url_path, file.payload);
        }
        legacy.push((release, urls.into()));
    }
    let versions: Vec<&str> = project.releases.iter().map(|release| release.version.as_str()).collect();
    let mut json = json!({
        "meta": {"api-version": "1.4", "_last-serial": 1}, "name": normalise(&project.name),
        "versions": versions, "files": entries,
    });
    let mut status_tags = String::new();
    if let (Some((status, reason)), Some(members)) = (&project.status, json.as_object_mut()) {
        let mut value = json!({"status": status});
        status_tags = format!("<meta name=\"pypi:project-status\" content=\"{status}\">\n");
        if let (Some(reason), Some(value)) = (reason, value.as_object_mut()) {
            value.insert("reason".to_owned(), reason.as_str().into());
            let reason = escape(reason);
            status_tags
                .push_str(&format!("<meta name=\"pypi:project-status-reason\" content=\"{reason}\">\n"));
        }
        members.insert("project-status".to_owned(), value);
    }
    let html = format!(
        "<!DOCTYPE html>\n<html>\n<head>\n<meta name=\"pypi:repository-version\" content=\"1.4\">\n{status_tags}\
         <title>Links for {0}</title>\n</head>\n<body>\n<h1>Links for {0}</h1>\n{links}</body>\n</html>\n",
        escape(&project.name)
    );
    let documents = legacy_documents(project, &legacy);
    let (json, html) = match &project.raw {
        Some(raw) => (raw.clone(), raw.clone()),
        None => (json.to_string(), html),
    };
    Built { json, html, files, documents, base: base.to_owned() }
}

fn json_entry(release: &Release, file: &File, base: &str) -> Value {
    let hashes = if file.sha256.is_empty() { json!({}) } else { json!({"sha256": file.sha256}) };
    let mut entry = json!({
        "filename": file.filename, "url": format!("{base}{}", file.url_path), "hashes": hashes,
        "requires-python": release.requires_python, "provenance": null,
        "yanked": match &release.yanked {
            None => Value::from(false),
            Some(reason) if reason.is_empty() => Value::from(true),
            Some(reason) => Value::from(reason.as_str()),
        },
    });
    let Some(members) = entry.as_object_mut() else { return entry };
    if release.provenance.is_some() {
        let project = normalise(file.filename.split('-').next().unwrap_or_default());
        let path = format!("/pypi/integrity/{project}/{}/{}/provenance", release.version, file.filename);
        members.insert("provenance".to_owned(), format!("{base}{path}").into());
    }
    if let Some(date) = &release.published {
        members.insert("upload-time".to_owned(), date.as_str().into());
    }
    if !release.without_size {
        members.insert("size".to_owned(), file.size.into());
    }
    let advertised = if file.is_wheel && release.core_metadata != CoreMetadata::Absent {
        json!({"sha256": archive::hash(file.metadata.as_bytes()).sha256})
    } else {
        Value::from(false)
    };
    members.insert("core-metadata".to_owned(), advertised.clone());
    members.insert("data-dist-info-metadata".to_owned(), advertised);
    entry
}

fn html_entry(release: &Release, file: &File, base: &str) -> String {
    let fragment = if file.sha256.is_empty() { String::new() } else { format!("#sha256={}", file.sha256) };
    let mut attributes = String::new();
    let mut attribute =
        |name: &str, value: &str| attributes.push_str(&format!(" {name}=\"{}\"", escape(value)));
    if let Some(specifier) = &release.requires_python {
        attribute("data-requires-python", specifier);
    }
    if file.is_wheel && release.core_metadata != CoreMetadata::Absent {
        let value = format!("sha256={}", archive::hash(file.metadata.as_bytes()).sha256);
        attribute("data-core-metadata", &value);
        attribute("data-dist-info-metadata", &value);
    }
    if let Some(reason) = &release.yanked {
        attribute("data-yanked", reason);
    }
    format!("<a href=\"{base}{}{fragment}\"{attributes}>{}</a><br />\n", file.url_path, file.filename)
}

fn legacy_documents(project: &Project, releases: &[(&Release, Value)]) -> BTreeMap<String, String> {
    let all: serde_json::Map<String, Value> =
        releases.iter().map(|(release, urls)| (release.version.clone(), urls.clone())).collect();
    let mut documents = BTreeMap::new();
    for (release, urls) in releases {
        let of_kind = |wanted: Licence| {
            release.licence.as_ref().filter(|(kind, _)| *kind == wanted).map(|(_, text)| text.as_str())
        };
        let mut document = json!({
            "info": {
                "name": project.name, "version": release.version, "summary": project.summary,
                "license": of_kind(Licence::FreeText), "license_expression": of_kind(Licence::Expression),
                "classifiers": release.classifiers, "maintainer": release.maintainer, "author": "",
                "requires_dist": release.dependencies, "requires_python": release.requires_python,
                "yanked": release.yanked.is_some(), "yanked_reason": release.yanked,
            },
            "last_serial": 1, "urls": urls, "vulnerabilities": [],
            // Nobody with a role would mean that nobody looks after it.
            "ownership": {"roles": [{"role": "Owner", "user": "owner"}], "organization": null},
        });
        documents.insert(release.version.clone(), document.to_string());
        if let Some(members) = document.as_object_mut() {
            members.insert("releases".to_owned(), Value::Object(all.clone()));
        }
        documents.insert(String::new(), document.to_string());
    }
    documents
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
