//! Manifests and indexes of images (OCI Image Specification 1.1; Docker's schema 2), read as far as serving and
//! judging need.

use super::name;
use lazaret_vocabulary::{Digest, Malformed};
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

pub(super) const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
pub(super) const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";
const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
const DOCKER_LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
/// What became of the artifact manifest before the specification was finished; some registries have it.
const OCI_ARTIFACT: &str = "application/vnd.oci.artifact.manifest.v1+json";

/// With what a manifest is asked for, so that upstream converts nothing.
pub(super) const ACCEPT: &str = "application/vnd.oci.image.index.v1+json, \
    application/vnd.oci.image.manifest.v1+json, \
    application/vnd.docker.distribution.manifest.list.v2+json, \
    application/vnd.docker.distribution.manifest.v2+json, \
    application/vnd.oci.artifact.manifest.v1+json, */*;q=0.1";

/// Largest manifest, in bytes: what the specification asks every registry to take.
pub(super) const LARGEST: usize = 4 << 20;
/// Most descriptors in one manifest.
pub(super) const MOST_DESCRIPTORS: usize = 2_000;
/// Most annotations or labels.
const MOST_TEXTS: usize = 5_000;
/// Longest media type, in bytes (RFC 6838 §4.2).
const LONGEST_TYPE: usize = 255;

/// A list that is not read beyond `MOST` entries.
struct Bounded<T, const MOST: usize>(Vec<T>);

impl<'de, T: Deserialize<'de>, const MOST: usize> Deserialize<'de> for Bounded<T, MOST> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Items<T, const MOST: usize>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>, const MOST: usize> Visitor<'de> for Items<T, MOST> {
            type Value = Vec<T>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(formatter, "a list of at most {MOST} entries")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Vec<T>, A::Error> {
                let mut items = Vec::new();
                while let Some(item) = list.next_element()? {
                    if items.len() >= MOST {
                        return Err(serde::de::Error::invalid_length(MOST + 1, &self));
                    }
                    items.push(item);
                }
                Ok(items)
            }
        }
        deserializer.deserialize_seq(Items::<T, MOST>(PhantomData)).map(Self)
    }
}

/// Annotations or labels.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(super) struct Texts(BTreeMap<String, String>);

impl Texts {
    pub(super) fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(|text| text.trim()).filter(|text| !text.is_empty())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// About how many bytes they are.
    pub(super) fn weight(&self) -> usize {
        self.0.iter().map(|(key, text)| key.len() + text.len() + 48).sum()
    }
}

impl<'de> Deserialize<'de> for Texts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pairs;
        impl<'de> Visitor<'de> for Pairs {
            type Value = BTreeMap<String, String>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(formatter, "at most {MOST_TEXTS} texts by name")
            }

            fn visit_unit<E>(self) -> Result<Self::Value, E> {
                Ok(BTreeMap::new())
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut texts = BTreeMap::new();
                while let Some((key, text)) = map.next_entry::<String, Option<String>>()? {
                    if texts.len() >= MOST_TEXTS {
                        return Err(serde::de::Error::invalid_length(MOST_TEXTS + 1, &self));
                    }
                    texts.insert(key, text.unwrap_or_default());
                }
                Ok(texts)
            }
        }
        deserializer.deserialize_any(Pairs).map(Self)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire<'a> {
    #[serde(default)]
    schema_version: Option<u64>,
    #[serde(borrow, default)]
    media_type: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    artifact_type: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    config: Option<WireDescriptor<'a>>,
    #[serde(borrow, default)]
    layers: Option<Bounded<WireDescriptor<'a>, MOST_DESCRIPTORS>>,
    #[serde(borrow, default)]
    blobs: Option<Bounded<WireDescriptor<'a>, MOST_DESCRIPTORS>>,
    #[serde(borrow, default)]
    manifests: Option<Bounded<WireDescriptor<'a>, MOST_DESCRIPTORS>>,
    #[serde(borrow, default)]
    subject: Option<WireDescriptor<'a>>,
    #[serde(default)]
    annotations: Texts,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireDescriptor<'a> {
    #[serde(borrow, default)]
    media_type: Cow<'a, str>,
    #[serde(borrow)]
    digest: Cow<'a, str>,
    #[serde(default)]
    size: Option<u64>,
    #[serde(default)]
    urls: Option<Bounded<serde::de::IgnoredAny, MOST_DESCRIPTORS>>,
    #[serde(default)]
    platform: Option<Platform>,
}

/// What an image runs on.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Platform {
    #[serde(default)]
    os: String,
    #[serde(default)]
    architecture: String,
}

/// What names another file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Descriptor {
    pub media_type: String,
    pub digest: Digest,
    pub size: Option<u64>,
    /// The file is to be had elsewhere, and need not be in this registry.
    pub foreign: bool,
    platform: Option<Platform>,
}

impl Descriptor {
    fn read(wire: WireDescriptor<'_>) -> Result<Self, Malformed> {
        let digest = name::digest(&wire.digest).ok_or_else(|| {
            let shown: String = wire.digest.chars().take(80).collect();
            Malformed::new(format!("a descriptor's digest `{shown}` is neither sha256 nor sha512"))
        })?;
        Ok(Self {
            foreign: wire.urls.is_some_and(|urls| !urls.0.is_empty())
                || wire.media_type.contains("nondistributable")
                || wire.media_type.contains(".foreign."),
            media_type: wire.media_type.into_owned(),
            digest,
            size: wire.size,
            platform: wire.platform,
        })
    }

    fn read_all<const MOST: usize>(
        wire: Option<Bounded<WireDescriptor<'_>, MOST>>,
    ) -> Result<Vec<Self>, Malformed> {
        wire.map_or_else(Vec::new, |list| list.0).into_iter().map(Self::read).collect()
    }

    /// Whether the file is an image's configuration, which says when and by whom it was made.
    pub(super) fn is_image_config(&self) -> bool {
        matches!(
            self.media_type.as_str(),
            "application/vnd.oci.image.config.v1+json" | "application/vnd.docker.container.image.v1+json"
        )
    }

    /// Whether clients ask for the file as a manifest. Caches of builds list blobs in an index.
    pub(super) fn is_manifest(&self) -> bool {
        self.media_type.is_empty()
            || matches!(
                self.media_type.as_str(),
                OCI_MANIFEST | OCI_INDEX | DOCKER_MANIFEST | DOCKER_LIST | OCI_ARTIFACT
            )
    }

    /// The file it names, as an entry of an index.
    pub(super) fn child_file(&self) -> name::File {
        if self.is_manifest() {
            name::File::Manifest(self.digest.clone())
        } else {
            name::File::Blob(self.digest.clone())
        }
    }

    /// The file it names, as a part of an image.
    pub(super) fn blob_file(&self) -> name::File {
        name::File::Blob(self.digest.clone())
    }
}

/// A manifest or an index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Manifest {
    pub media_type: String,
    pub artifact_type: Option<String>,
    pub config: Option<Descriptor>,
    pub layers: Vec<Descriptor>,
    /// The entries of an index.
    pub children: Vec<Descriptor>,
    pub subject: Option<Descriptor>,
    pub annotations: Texts,
}

/// Reads a manifest. What could be read in two ways, as a manifest by one client and as an index by another
/// (CVE-2021-41190), is read in none.
pub(super) fn read(body: &[u8]) -> Result<Manifest, Malformed> {
    if body.len() > LARGEST {
        return Err(Malformed::new("the manifest is larger than 4 MiB"));
    }
    if !is_object(body) {
        return Err(Malformed::new("the manifest is no JSON object"));
    }
    let wire: Wire<'_> = serde_json::from_slice(body)
        .map_err(|error| Malformed::new(format!("the manifest is not what an image has: {error}")))?;
    if wire.schema_version == Some(1) {
        return Err(Malformed::new("the manifest is of schema 1, which cannot be verified by its digest"));
    }
    let has_parts = wire.config.is_some() || wire.layers.is_some() || wire.blobs.is_some();
    if wire.manifests.is_some() && has_parts {
        return Err(Malformed::new("the document is a manifest and an index at once"));
    }
    let media_type = match wire.media_type.as_deref() {
        Some(OCI_INDEX | DOCKER_LIST) if has_parts => {
            return Err(Malformed::new("an index has neither `config` nor `layers`"));
        }
        Some(OCI_MANIFEST | DOCKER_MANIFEST) if wire.manifests.is_some() => {
            return Err(Malformed::new("a manifest has no `manifests`"));
        }
        Some(told) if !told.is_empty() => told,
        _ if wire.manifests.is_some() => OCI_INDEX,
        _ if has_parts => OCI_MANIFEST,
        _ => return Err(Malformed::new("the manifest says no `mediaType`, nor what it is made of")),
    };
    if !can_be_served(media_type) {
        let shown: String = media_type.chars().take(80).collect();
        return Err(Malformed::new(format!("`{shown}` is no media type of a manifest")));
    }
    let mut layers = Descriptor::read_all(wire.layers)?;
    layers.extend(Descriptor::read_all(wire.blobs)?);
    Ok(Manifest {
        media_type: media_type.to_owned(),
        artifact_type: wire.artifact_type.filter(|told| !told.is_empty()).map(Cow::into_owned),
        config: wire.config.map(Descriptor::read).transpose()?,
        layers,
        children: Descriptor::read_all(wire.manifests)?,
        subject: wire.subject.map(Descriptor::read).transpose()?,
        annotations: wire.annotations,
    })
}

/// Whether JSON is an object. What is read into fields by name could be a list of their values as well.
pub(super) fn is_object(body: &[u8]) -> bool {
    body.trim_ascii_start().starts_with(b"{")
}

/// Whether a type that a publisher wrote may stand in a header: of JSON or some vendor's, so that no browser takes
/// the document for a page.
fn can_be_served(media_type: &str) -> bool {
    let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&byte);
    media_type.len() <= LONGEST_TYPE
        && media_type.strip_prefix("application/").is_some_and(|subtype| {
            (subtype.starts_with("vnd.") || subtype.ends_with("+json") || subtype == "json")
                && !subtype.ends_with("+xml")
                && subtype.bytes().all(token)
        })
}

impl Manifest {
    /// What it is, for whoever looks for artifacts of a kind (OCI Distribution Specification, "Listing
    /// Referrers").
    pub(super) fn kind(&self) -> Option<&str> {
        let config = self.config.as_ref().map(|config| config.media_type.as_str());
        self.artifact_type.as_deref().or(config).filter(|kind| !kind.is_empty())
    }

    /// Every file it names, each once.
    pub(super) fn files(&self) -> Vec<(name::File, &Descriptor)> {
        let blobs = self.config.iter().chain(&self.layers).map(|part| (part.blob_file(), part));
        let children = self.children.iter().map(|child| (child.child_file(), child));
        let mut seen = std::collections::HashSet::new();
        blobs.chain(children).filter(|(file, _)| seen.insert(file.key())).collect()
    }

    /// The entry of an index that stands for it: of the most usual platform, else the first that is an image and
    /// not what was written down about one.
    pub(super) fn representative(&self) -> Option<&Descriptor> {
        let runs_on = |child: &&Descriptor, os: &str, architecture: &str| {
            child.platform.as_ref().is_some_and(|on| on.os == os && on.architecture == architecture)
        };
        let mut images = self.children.iter().filter(|child| child.is_manifest());
        images
            .clone()
            .find(|child| runs_on(child, "linux", "amd64"))
            .or_else(|| images.clone().find(|child| !runs_on(child, "unknown", "unknown")))
            .or_else(|| images.next())
    }
}

/// An image's configuration: what stands in it beside how to run the image.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Config {
    #[serde(default)]
    pub created: Option<String>,
    #[serde(default)]
    pub author: Option<String>,
    #[serde(default)]
    config: Option<Runtime>,
}

#[derive(Debug, Default, Deserialize)]
struct Runtime {
    #[serde(default, rename = "Labels")]
    labels: Texts,
}

impl Config {
    /// Reads a configuration.
    pub(super) fn read(body: &[u8]) -> Result<Self, Malformed> {
        if body.len() > LARGEST {
            return Err(Malformed::new("the image's configuration is larger than 4 MiB"));
        }
        serde_json::from_slice(body)
            .map_err(|error| Malformed::new(format!("the image's configuration cannot be read: {error}")))
    }

    pub(super) fn label(&self, key: &str) -> Option<&str> {
        self.config.as_ref()?.labels.get(key)
    }
}
