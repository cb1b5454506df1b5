//! Images as a test states them, and the manifests, configurations and layers made of them (OCI Distribution
//! Specification 1.1).

use super::reply::{Payload, Reply};
use super::{Recorded, segments};
use crate::archive::{self, Entry};
use crate::large::LargeFile;
use bytes::Bytes;
use flate2::read::GzDecoder;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::Read as _;

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";
/// The token that is handed out for a repository, without its name.
const TOKEN: &str = "pull-of-";

/// All repositories of the fake registry.
#[derive(Default)]
pub struct OciRegistry {
    repositories: BTreeMap<String, Repository>,
    tokens: bool,
    without_referrers: bool,
}

#[derive(Default)]
struct Repository {
    tags: BTreeMap<String, String>,
    manifests: BTreeMap<String, (String, Bytes)>,
    blobs: BTreeMap<String, Payload>,
}

/// An image to be made.
#[derive(Default)]
struct Recipe {
    created: Option<String>,
    licence: Option<String>,
    labels: Vec<(String, String)>,
    annotations: Vec<(String, String)>,
    files: Vec<Entry>,
    noise_bytes: Option<u64>,
    platforms: Vec<String>,
    tampered: bool,
}

impl OciRegistry {
    /// Opens a repository, new or known.
    pub fn repository(&mut self, name: &str) -> OciRepository<'_> {
        OciRepository { repository: self.repositories.entry(name.to_owned()).or_default() }
    }

    /// The registry no longer knows the repository.
    pub fn remove(&mut self, name: &str) {
        self.repositories.remove(name);
    }

    /// Wants a token for each repository, which `/oci/token` hands out to anybody.
    pub fn require_tokens(&mut self) {
        self.tokens = true;
    }

    /// Does not know what refers to a manifest, as older registries.
    pub fn forget_referrers(&mut self) {
        self.without_referrers = true;
    }

    /// Answers a request below `/oci/`.
    pub(super) fn answer(&self, rest: &str, request: &Recorded, base: &str) -> Reply {
        let parts = segments(rest);
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        if parts == ["token"] {
            let scope = super::segments(&request.query).join("/");
            let name = scope.split("repository:").nth(1).and_then(|rest| rest.split(':').next());
            let token = format!("{TOKEN}{}", name.unwrap_or_default());
            return Reply::plain(200, "application/json", json!({ "token": token }).to_string());
        }
        let Some(("v2", parts)) = parts.split_first().map(|(first, rest)| (*first, rest)) else {
            return Reply::not_found();
        };
        let name = match parts {
            [name @ .., "manifests" | "blobs" | "referrers", _] | [name @ .., "tags", "list"] => {
                name.join("/")
            }
            _ => String::new(),
        };
        let expected = format!("Bearer {TOKEN}{name}");
        if self.tokens && request.header("authorization") != Some(expected.as_str()) {
            let challenge = format!(
                "Bearer realm=\"{base}/oci/token\",service=\"fake\",scope=\"repository:{name}:pull\""
            );
            return error(401, "UNAUTHORIZED").header("www-authenticate", &challenge);
        }
        let Some(repository) = self.repositories.get(&name) else {
            return if parts == [""] {
                Reply::document("application/json", "{}")
            } else {
                error(404, "NAME_UNKNOWN")
            };
        };
        match parts {
            [.., "manifests", reference] => repository.manifest(reference),
            [.., "blobs", digest] => match repository.blobs.get(*digest) {
                Some(Payload::Bytes(bytes)) => Reply::file("application/octet-stream", bytes.clone()),
                Some(Payload::Large(file)) => Reply::large("application/octet-stream", file.clone()),
                None => error(404, "BLOB_UNKNOWN"),
            },
            [.., "tags", "list"] => repository.list(&name, &request.query),
            [.., "referrers", _] if self.without_referrers => error(404, "UNSUPPORTED"),
            [.., "referrers", digest] => repository.referrers(digest),
            _ => error(404, "UNSUPPORTED"),
        }
    }
}

fn error(status: u16, code: &str) -> Reply {
    let body = json!({ "errors": [{ "code": code, "message": format!("the registry says {code}") }] });
    Reply::plain(status, "application/json", body.to_string())
}

impl Repository {
    fn manifest(&self, reference: &str) -> Reply {
        let digest = self.tags.get(reference).map_or(reference, String::as_str);
        match self.manifests.get(digest) {
            Some((media_type, body)) => {
                Reply::document(media_type, body.clone()).header("docker-content-digest", digest)
            }
            None => error(404, "MANIFEST_UNKNOWN"),
        }
    }

    fn list(&self, name: &str, query: &str) -> Reply {
        let value = |key: &str| query.split('&').find_map(|pair| pair.strip_prefix(key)?.strip_prefix('='));
        let last = value("last").map(|last| segments(last).join("/")).unwrap_or_default();
        let count = value("n").and_then(|n| n.parse().ok()).unwrap_or(usize::MAX);
        let tags: Vec<&String> = self.tags.keys().filter(|tag| **tag > last).take(count).collect();
        Reply::document("application/json", json!({ "name": name, "tags": tags }).to_string())
    }

    fn referrers(&self, subject: &str) -> Reply {
        let refers = |body: &Bytes| {
            let manifest: Value = serde_json::from_slice(body).unwrap_or_default();
            (manifest.pointer("/subject/digest")? == subject).then_some(manifest)
        };
        let found: Vec<Value> = self
            .manifests
            .iter()
            .filter_map(|(digest, (media_type, body))| {
                let manifest = refers(body)?;
                Some(json!({"mediaType": media_type, "digest": digest, "size": body.len(),
                    "artifactType": manifest.get("artifactType"), "annotations": manifest.get("annotations")}))
            })
            .collect();
        let body = json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": found });
        Reply::document(INDEX, body.to_string())
    }

    /// Keeps a manifest; its digest.
    fn keep(&mut self, media_type: &str, body: String) -> (String, usize) {
        let (digest, size) = (sha256(body.as_bytes()), body.len());
        self.manifests.insert(digest.clone(), (media_type.to_owned(), body.into()));
        (digest, size)
    }

    fn layer(&mut self, recipe: &Recipe, platform: &str) -> (Value, String) {
        let mut entries: Vec<Entry> = vec![("etc/platform".to_owned(), platform.as_bytes().to_vec())];
        entries.extend(recipe.files.iter().cloned());
        if let Some(noise_bytes) = recipe.noise_bytes {
            let file = LargeFile::tar_gz(&entries, "noise.bin", noise_bytes, noise_bytes);
            let digest = format!("sha256:{}", file.hashed().sha256);
            let size = file.size_bytes();
            self.blobs.insert(digest.clone(), Payload::Large(file));
            return (json!({ "mediaType": LAYER, "digest": digest, "size": size }), digest);
        }
        let bytes = archive::tar_gz(&entries);
        let (digest, size) = (sha256(&bytes), bytes.len());
        let mut plain = Vec::new();
        GzDecoder::new(&bytes[..]).read_to_end(&mut plain).expect("gzip of our own");
        let served = if recipe.tampered { bytes.iter().rev().copied().collect() } else { bytes };
        self.blobs.insert(digest.clone(), Payload::Bytes(served.into()));
        (json!({ "mediaType": LAYER, "digest": digest, "size": size }), sha256(&plain))
    }

    fn image(&mut self, recipe: &Recipe, architecture: &str) -> (String, usize) {
        let (layer, diff) = self.layer(recipe, architecture);
        let labels: BTreeMap<&String, &String> =
            recipe.labels.iter().map(|(key, text)| (key, text)).collect();
        let config = json!({
            "architecture": architecture, "os": "linux", "created": recipe.created,
            "config": { "Cmd": ["/bin/true"], "Labels": labels },
            "rootfs": { "type": "layers", "diff_ids": [diff] },
        })
        .to_string();
        let config_digest = sha256(config.as_bytes());
        let size = config.len();
        self.blobs.insert(config_digest.clone(), Payload::Bytes(config.into()));
        let mut manifest = json!({
            "schemaVersion": 2, "mediaType": MANIFEST,
            "config": { "mediaType": CONFIG, "digest": config_digest, "size": size },
            "layers": [layer],
        });
        annotate(&mut manifest, &recipe.annotations);
        self.keep(MANIFEST, manifest.to_string())
    }

    fn make(&mut self, recipe: &Recipe) -> String {
        if recipe.platforms.is_empty() {
            return self.image(recipe, "amd64").0;
        }
        let entries: Vec<Value> = recipe
            .platforms
            .iter()
            .map(|architecture| {
                let (digest, size) = self.image(recipe, architecture);
                json!({"mediaType": MANIFEST, "digest": digest, "size": size,
                    "platform": { "os": "linux", "architecture": architecture }})
            })
            .collect();
        let mut index = json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": entries });
        annotate(&mut index, &recipe.annotations);
        self.keep(INDEX, index.to_string()).0
    }
}

fn annotate(manifest: &mut Value, annotations: &[(String, String)]) {
    if !annotations.is_empty() {
        let texts: BTreeMap<&String, &String> = annotations.iter().map(|(key, text)| (key, text)).collect();
        manifest["annotations"] = json!(texts);
    }
}

fn sha256(bytes: &[u8]) -> String {
    format!("sha256:{}", archive::hash(bytes).sha256)
}

/// A repository being described.
pub struct OciRepository<'a> {
    repository: &'a mut Repository,
}

impl<'a> OciRepository<'a> {
    /// An image of MIT licence, to be made and tagged when this is dropped or the next one is begun.
    pub fn image(self, tag: &str) -> OciImage<'a> {
        let recipe = Recipe {
            created: Some("2020-01-01T00:00:00Z".to_owned()),
            licence: Some("MIT".to_owned()),
            files: vec![("etc/image".to_owned(), tag.as_bytes().to_vec())],
            ..Recipe::default()
        };
        OciImage { repository: self.repository, tag: tag.to_owned(), recipe, made: None }
    }

    /// The digests of all layers and configurations, in order.
    pub fn blobs(&self) -> Vec<String> {
        let mut digests: Vec<String> = self.repository.blobs.keys().cloned().collect();
        digests.sort();
        digests
    }

    /// Points a tag at a digest.
    pub fn tag(self, tag: &str, digest: &str) -> Self {
        self.repository.tags.insert(tag.to_owned(), digest.to_owned());
        self
    }

    /// Something that refers to a manifest.
    pub fn attach(self, subject: &str, kind: &str, text: &str) -> Self {
        let blob = |repository: &mut Repository, media_type: &str, bytes: &[u8]| {
            let digest = sha256(bytes);
            repository.blobs.insert(digest.clone(), Payload::Bytes(bytes.to_vec().into()));
            json!({ "mediaType": media_type, "digest": digest, "size": bytes.len() })
        };
        let config = blob(&mut *self.repository, "application/vnd.oci.empty.v1+json", b"{}");
        let layer = blob(&mut *self.repository, kind, text.as_bytes());
        let manifest = json!({
            "schemaVersion": 2, "mediaType": MANIFEST, "artifactType": kind, "config": config, "layers": [layer],
            "subject": { "mediaType": MANIFEST, "digest": subject, "size": 1 },
            "annotations": { "org.opencontainers.image.created": "2020-01-01T00:00:00Z" },
        });
        self.repository.keep(MANIFEST, manifest.to_string());
        self
    }
}

/// An image being described; every method hands it back for the next.
pub struct OciImage<'a> {
    repository: &'a mut Repository,
    tag: String,
    recipe: Recipe,
    made: Option<String>,
}

impl OciImage<'_> {
    /// `created` of its configuration, word for word.
    pub fn created(mut self, date: &str) -> Self {
        self.recipe.created = Some(date.to_owned());
        self
    }

    /// No `created`.
    pub fn no_date(mut self) -> Self {
        self.recipe.created = None;
        self
    }

    /// Its licence, as a label.
    pub fn licence(mut self, expression: &str) -> Self {
        self.recipe.licence = Some(expression.to_owned());
        self
    }

    /// A label of its configuration.
    pub fn label(mut self, key: &str, text: &str) -> Self {
        self.recipe.labels.push((key.to_owned(), text.to_owned()));
        self
    }

    /// An annotation of its manifest or index.
    pub fn annotation(mut self, key: &str, text: &str) -> Self {
        self.recipe.annotations.push((key.to_owned(), text.to_owned()));
        self
    }

    /// A file in its layer.
    pub fn file(mut self, path: &str, text: &str) -> Self {
        self.recipe.files.push((path.to_owned(), text.as_bytes().to_vec()));
        self
    }

    /// So many bytes of noise in its layer, which is then made while it is sent.
    pub fn large(mut self, noise_bytes: u64) -> Self {
        self.recipe.noise_bytes = Some(noise_bytes);
        self
    }

    /// An index of images for these architectures, instead of one image.
    pub fn platforms(mut self, architectures: &[&str]) -> Self {
        self.recipe.platforms = architectures.iter().map(|name| (*name).to_owned()).collect();
        self
    }

    /// Its layer is not the one that its manifest names.
    pub fn tampered(mut self) -> Self {
        self.recipe.tampered = true;
        self
    }

    /// Makes it; the digest that the tag then stands for.
    pub fn digest(mut self) -> String {
        self.make()
    }

    fn make(&mut self) -> String {
        if let Some(made) = &self.made {
            return made.clone();
        }
        if let Some(licence) = self.recipe.licence.take() {
            self.recipe.labels.push(("org.opencontainers.image.licenses".to_owned(), licence));
        }
        let digest = self.repository.make(&self.recipe);
        self.repository.tags.insert(self.tag.clone(), digest.clone());
        self.made = Some(digest.clone());
        digest
    }
}

impl Drop for OciImage<'_> {
    fn drop(&mut self) {
        self.make();
    }
}
