//! npm's documents: packuments, manifests, tarballs, search, keys.

use super::npm::{NpmRegistry, Package, Release};
use super::reply::{Payload, Reply};
use super::{Behaviour, Recorded, http_date, json_object, json_text, segments};
use crate::archive::{self, Entry, Hashed};
use crate::large::LargeFile;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

const ABBREVIATED: &str = "application/vnd.npm.install-v1+json";

/// The members of a manifest that the abbreviated form keeps (registry API documentation, "abbreviated
/// version object").
const ABBREVIATED_MEMBERS: [&str; 18] = [
    "name",
    "version",
    "deprecated",
    "dependencies",
    "optionalDependencies",
    "devDependencies",
    "bundleDependencies",
    "peerDependencies",
    "peerDependenciesMeta",
    "acceptDependencies",
    "bin",
    "directories",
    "dist",
    "engines",
    "os",
    "cpu",
    "hasInstallScript",
    "_hasShrinkwrap",
];

/// A package's documents and files, rendered.
pub(super) struct Built {
    full: bytes::Bytes,
    abbreviated: bytes::Bytes,
    manifests: BTreeMap<String, String>,
    tags: BTreeMap<String, String>,
    files: BTreeMap<String, Payload>,
    modified: Option<String>,
    for_behaviour: (bool, String),
}

/// The key with which the registry signs its releases.
pub(super) struct SigningKey {
    pair: EcdsaKeyPair,
    random: ring::rand::SystemRandom,
}

impl SigningKey {
    fn new() -> Self {
        let random = ring::rand::SystemRandom::new();
        let document =
            EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &random).expect("randomness");
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, document.as_ref(), &random);
        Self { pair: pair.expect("a key made just now"), random }
    }

    /// SubjectPublicKeyInfo (RFC 5480) of the P-256 point, base64.
    fn public(&self) -> String {
        let mut spki = hex::decode("3059301306072a8648ce3d020106082a8648ce3d030107034200").expect("constant");
        spki.extend_from_slice(self.pair.public_key().as_ref());
        base64(&spki)
    }

    fn id(&self) -> String {
        format!(
            "SHA256:{}",
            base64(ring::digest::digest(&ring::digest::SHA256, self.public().as_bytes()).as_ref())
        )
    }

    fn sign(&self, text: &str) -> String {
        base64(self.pair.sign(&self.random, text.as_bytes()).expect("signing").as_ref())
    }
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

impl NpmRegistry {
    /// Answers a request below `/npm/`.
    pub(super) fn answer(
        &mut self,
        rest: &str,
        request: &Recorded,
        base: &str,
        behaviour: &Behaviour,
    ) -> Reply {
        if request.method == "POST" && rest.starts_with("-/npm/v1/security/") {
            return Reply::plain(200, "application/json", "{}");
        }
        if request.method != "GET" && request.method != "HEAD" {
            return Reply::plain(405, "application/json", r#"{"error":"method not allowed"}"#);
        }
        let parts = segments(rest);
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        match parts.as_slice() {
            [""] | ["-", "ping"] => Reply::plain(200, "application/json", "{}"),
            ["-", "v1", "search"] => self.search(&request.query),
            ["-", "npm", "v1", "keys"] => self.keys(),
            ["-", "npm", "v1", "attestations", subject @ ..] => self.attestations(&subject.join("/")),
            ["-", "whoami"] => Reply::plain(401, "application/json", r#"{"error":"not logged in"}"#),
            ["-", "package", name @ .., "dist-tags"] => match self.built(&name.join("/"), base, behaviour) {
                Some(built) => Reply::document("application/json", json!(built.tags).to_string()),
                None => Reply::not_found(),
            },
            [scope, name, rest @ ..] if scope.starts_with('@') && !scope.contains('/') => {
                self.package_answer(&format!("{scope}/{name}"), rest, request, base, behaviour)
            }
            [name, rest @ ..] => self.package_answer(name, rest, request, base, behaviour),
            [] => Reply::not_found(),
        }
    }

    fn package_answer(
        &mut self,
        name: &str,
        rest: &[&str],
        request: &Recorded,
        base: &str,
        behaviour: &Behaviour,
    ) -> Reply {
        let Some(built) = self.built(name, base, behaviour) else { return Reply::not_found() };
        let document = |content_type: &str, body: bytes::Bytes| {
            let reply = Reply::document(content_type, body).header("cache-control", "public, max-age=300");
            match built.modified.as_deref().and_then(http_date) {
                Some(date) => reply.header("last-modified", &date),
                None => reply,
            }
        };
        match rest {
            [] => {
                let short = request.header("accept").is_some_and(|accept| accept.contains(ABBREVIATED));
                if short && behaviour.abbreviated {
                    document(ABBREVIATED, built.abbreviated.clone())
                } else {
                    document("application/json", built.full.clone())
                }
            }
            ["-", file] => match built.files.get(*file) {
                Some(Payload::Bytes(bytes)) => Reply::file("application/octet-stream", bytes.clone()),
                Some(Payload::Large(file)) => Reply::large("application/octet-stream", file.clone()),
                None => Reply::not_found(),
            }
            .header("cache-control", "public, immutable, max-age=31557600"),
            [wanted] => {
                let version = built.tags.get(*wanted).map_or(*wanted, String::as_str);
                match built.manifests.get(version) {
                    Some(manifest) => document("application/json", manifest.clone().into()),
                    None => Reply::plain(
                        404,
                        "application/json",
                        json_text(&format!("version not found: {wanted}")),
                    ),
                }
            }
            _ => Reply::not_found(),
        }
    }

    fn built(&mut self, name: &str, base: &str, behaviour: &Behaviour) -> Option<Arc<Built>> {
        let key = self.key.get_or_insert_with(SigningKey::new);
        let package = self.packages.get_mut(name)?;
        let for_behaviour = (behaviour.npm_extras, base.to_owned());
        if let Some(built) = package.built.as_ref().filter(|built| built.for_behaviour == for_behaviour) {
            return Some(Arc::clone(built));
        }
        let built = Arc::new(build(package, base, behaviour.npm_extras, key));
        package.built = Some(Arc::clone(&built));
        Some(built)
    }

    /// `subject` is `name@version`.
    fn attestations(&self, subject: &str) -> Reply {
        let release = subject.rsplit_once('@').and_then(|(name, version)| {
            self.packages.get(name)?.releases.iter().find(|release| release.version == version)
        });
        match release.and_then(|release| release.attestations.as_ref()) {
            Some(document) => Reply::document("application/json", document.to_string()),
            None => Reply::not_found(),
        }
    }

    fn search(&mut self, query: &str) -> Reply {
        let wanted = query.split('&').find_map(|pair| pair.strip_prefix("text=")).unwrap_or_default();
        let wanted = segments(&wanted.replace('+', " ")).join("/");
        let objects: Vec<Value> = self
            .packages
            .values()
            .filter(|package| package.name.contains(wanted.trim()))
            .filter_map(|package| {
                let last = package.releases.last()?;
                let version = latest(package).unwrap_or_else(|| last.version.clone());
                let people: Vec<Value> = package.maintainers.iter().map(|name| person(name)).collect();
                Some(json!({
                    "package": {"name": package.name, "version": version, "description": package.description,
                        "date": last.published, "maintainers": people, "links": {}},
                    "score": {"final": 1.0, "detail": {"quality": 1.0, "popularity": 1.0, "maintenance": 1.0}},
                    "searchScore": 1.0,
                }))
            })
            .collect();
        let total = objects.len();
        Reply::document(
            "application/json",
            json!({"objects": objects, "total": total, "time": "now"}).to_string(),
        )
    }

    fn keys(&mut self) -> Reply {
        let key = self.key.get_or_insert_with(SigningKey::new);
        let keys = json!({"keys": [{"expires": null, "keyid": key.id(), "keytype": "ecdsa-sha2-nistp256",
            "scheme": "ecdsa-sha2-nistp256", "key": key.public()}]});
        Reply::document("application/json", keys.to_string())
    }
}

fn person(name: &str) -> Value {
    json!({"name": name, "email": format!("{name}@people.test")})
}

fn latest(package: &Package) -> Option<String> {
    package.tags.get("latest").cloned().or_else(|| {
        let stable = package.releases.iter().rev().find(|release| !release.version.contains('-'));
        stable.or(package.releases.last()).map(|release| release.version.clone())
    })
}

/// What index and tarball have in common.
fn manifest(package: &Package, release: &Release) -> Map<String, Value> {
    let mut manifest = Map::new();
    let mut set = |name: &str, value: Value| {
        manifest.insert(name.to_owned(), value);
    };
    set("name", package.name.as_str().into());
    set("version", release.version.as_str().into());
    if let Some(text) = &package.description {
        set("description", text.as_str().into());
    }
    if let Some(licence) = &release.licence {
        set("license", licence.clone());
    }
    set("main", "index.js".into());
    if !release.scripts.is_empty() {
        set(
            "scripts",
            release.scripts.iter().map(|(name, text)| (name.clone(), Value::from(text.as_str()))).collect(),
        );
    }
    let mut kinds: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
    for (kind, name, range) in &release.dependencies {
        kinds.entry(kind).or_default().insert(name.clone(), range.as_str().into());
    }
    for (kind, members) in kinds {
        set(kind, Value::Object(members));
    }
    for (name, value) in &release.fields {
        set(name, value.clone());
    }
    manifest
}

fn tarball(package: &Package, release: &Release) -> (Payload, Hashed) {
    let mut packed = manifest(package, release);
    packed.extend(release.packed.iter().cloned());
    let text = serde_json::to_vec_pretty(&Value::Object(packed)).expect("plain JSON");
    let mut entries: Vec<Entry> = vec![("package/package.json".to_owned(), text)];
    if !release.files.iter().any(|(path, _)| path == "index.js") {
        let text =
            format!("module.exports = {};\n", json_text(&format!("{}@{}", package.name, release.version)));
        entries.push(("package/index.js".to_owned(), text.into_bytes()));
    }
    entries.extend(release.files.iter().map(|(path, bytes)| (format!("package/{path}"), bytes.clone())));
    if let Some(noise_bytes) = release.noise_bytes {
        let file = LargeFile::tar_gz(&entries, "package/noise.bin", noise_bytes, noise_bytes);
        let hashed = file.hashed();
        return (Payload::Large(file), hashed);
    }
    let bytes = archive::tar_gz(&entries);
    let hashed = archive::hash(&bytes);
    (Payload::Bytes(release.served.clone().unwrap_or(bytes).into()), hashed)
}

/// A manifest as the index has it. `extras` are the registry's key and address; a plain mirror has none
/// of what comes from them.
fn listed(
    package: &Package,
    release: &Release,
    hashed: &Hashed,
    tarball: &str,
    extras: Option<(&SigningKey, &str)>,
) -> Map<String, Value> {
    let mut listed = manifest(package, release);
    let integrity = release.integrity.as_ref().unwrap_or(&hashed.sri);
    let shasum = release.shasum.as_ref().unwrap_or(&hashed.sha1);
    let subject = format!("{}@{}", package.name, release.version);
    let mut dist = Map::new();
    for (name, value) in [("integrity", integrity), ("shasum", shasum)] {
        if !value.is_empty() {
            dist.insert(name.to_owned(), value.as_str().into());
        }
    }
    dist.insert("tarball".to_owned(), tarball.into());
    if let Some((key, base)) = extras {
        dist.insert("fileCount".to_owned(), (release.files.len() + 2).into());
        dist.insert("unpackedSize".to_owned(), hashed.size.saturating_mul(3).into());
        if !release.unsigned {
            let signature = key.sign(&format!("{subject}:{integrity}"));
            dist.insert("signatures".to_owned(), json!([{"keyid": key.id(), "sig": signature}]));
        }
        if release.attestations.is_some() {
            let url = format!("{base}/npm/-/npm/v1/attestations/{subject}");
            let provenance = json!({"predicateType": "https://slsa.dev/provenance/v1"});
            dist.insert("attestations".to_owned(), json!({"url": url, "provenance": provenance}));
        }
        listed.extend(people_and_flags(package, release));
    }
    listed.insert("_id".to_owned(), subject.into());
    listed.insert("dist".to_owned(), Value::Object(dist));
    if release.filler_bytes > 0 {
        listed.insert("filler".to_owned(), filler(release.filler_bytes).into());
    }
    listed.extend(release.listed.iter().cloned());
    listed
}

fn people_and_flags(package: &Package, release: &Release) -> Map<String, Value> {
    let mut members = Map::new();
    if let Some(publisher) = &release.publisher {
        members.insert("_npmUser".to_owned(), person(publisher));
    }
    let people: Vec<Value> = package.maintainers.iter().map(|name| person(name)).collect();
    members.insert("maintainers".to_owned(), people.into());
    members.insert("_hasShrinkwrap".to_owned(), false.into());
    let runs = |name: &str| matches!(name, "preinstall" | "install" | "postinstall");
    if release.scripts.iter().any(|(name, _)| runs(name)) {
        members.insert("hasInstallScript".to_owned(), true.into());
    }
    if let Some(message) = &release.deprecated {
        members.insert("deprecated".to_owned(), message.as_str().into());
    }
    members
}

fn build(package: &Package, base: &str, extras: bool, key: &SigningKey) -> Built {
    let bare = package.name.rsplit('/').next().unwrap_or_default();
    let mut files = BTreeMap::new();
    let mut manifests = BTreeMap::new();
    let (mut full, mut short) = (Vec::new(), Vec::new());
    for release in &package.releases {
        let (payload, hashed) = tarball(package, release);
        let file = format!("{bare}-{}.tgz", release.version);
        let tarball = format!("{base}/npm/{}/-/{file}", package.name);
        let listed = listed(package, release, &hashed, &tarball, extras.then_some((key, base)));
        let mut trimmed = listed.clone();
        trimmed.retain(|name, _| ABBREVIATED_MEMBERS.contains(&name.as_str()));
        let text = Value::Object(listed).to_string();
        full.push((release.version.as_str(), text.clone()));
        short.push((release.version.as_str(), Value::Object(trimmed).to_string()));
        manifests.insert(release.version.clone(), text);
        files.insert(file, payload);
    }
    let mut tags = package.tags.clone();
    if let Some(version) = latest(package) {
        tags.insert("latest".to_owned(), version);
    }
    let dates = dates(package);
    let modified = dates.iter().map(|(_, date)| date.as_str()).max().map(str::to_owned);
    let (full, abbreviated) = match &package.raw {
        Some(raw) => (raw.clone(), raw.clone()),
        None => (
            full_document(package, &tags, &full, &dates, extras),
            short_document(package, &tags, &short, modified.as_deref()),
        ),
    };
    let for_behaviour = (extras, base.to_owned());
    Built {
        full: full.into(),
        abbreviated: abbreviated.into(),
        manifests,
        tags,
        files,
        modified,
        for_behaviour,
    }
}

/// Text that compresses about as well as a readme does.
fn filler(length: usize) -> String {
    let words = "the quick brown fox jumps over the lazy dog while 0123456789 packages wait to be read ";
    words.chars().cycle().take(length).collect()
}

fn dates(package: &Package) -> Vec<(String, String)> {
    let published = package
        .releases
        .iter()
        .filter_map(|release| release.published.as_ref().map(|date| (release.version.clone(), date.clone())));
    let mut dates: Vec<(String, String)> = package.unpublished.iter().cloned().chain(published).collect();
    dates.sort_by(|left, right| left.1.cmp(&right.1));
    dates
}

fn full_document(
    package: &Package,
    tags: &BTreeMap<String, String>,
    versions: &[(&str, String)],
    dates: &[(String, String)],
    extras: bool,
) -> String {
    let mut members = vec![("_id", json_text(&package.name))];
    if extras {
        members.push(("_rev", json_text(&format!("{}-0123456789abcdef", versions.len()))));
    }
    members.push(("name", json_text(&package.name)));
    members.push(("dist-tags", json!(tags).to_string()));
    members.push(("versions", json_object(versions)));
    if !package.without_time {
        let mut time: Vec<(&str, String)> = Vec::new();
        if let (Some(first), Some(last), false) = (dates.first(), dates.last(), package.without_modified) {
            time.push(("created", json_text(&first.1)));
            time.push(("modified", json_text(&last.1)));
        }
        time.extend(dates.iter().map(|(version, date)| (version.as_str(), json_text(date))));
        members.push(("time", json_object(&time)));
    }
    if extras {
        let people: Vec<Value> = package.maintainers.iter().map(|name| person(name)).collect();
        members.push(("maintainers", Value::from(people).to_string()));
        if let Some(text) = &package.description {
            members.push(("description", json_text(text)));
        }
        if let Some(licence) = package.releases.last().and_then(|release| release.licence.as_ref()) {
            members.push(("license", licence.to_string()));
        }
        members.push(("readme", json_text(&format!("# {}\n\nIt does what it says.", package.name))));
        members.push(("users", "{}".to_owned()));
    }
    json_object(&members)
}

fn short_document(
    package: &Package,
    tags: &BTreeMap<String, String>,
    versions: &[(&str, String)],
    modified: Option<&str>,
) -> String {
    let mut members = vec![("name", json_text(&package.name)), ("dist-tags", json!(tags).to_string())];
    members.push(("versions", json_object(versions)));
    if let Some(date) = modified {
        members.push(("modified", json_text(date)));
    }
    json_object(&members)
}
