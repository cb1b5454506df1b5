//! Artifacts as JSON, for what is kept of them in the database.

use lazaret_vocabulary::Artifact;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// An artifact as one JSON text.
pub fn artifact_text(artifact: &Artifact) -> String {
    serde_json::to_string(&Plain::of(artifact)).unwrap_or_default()
}

/// The artifact in such a text; `None` where it is none.
pub fn artifact_from_text(text: &str) -> Option<Artifact> {
    serde_json::from_str::<Plain>(text).ok()?.artifact()
}

#[derive(Serialize, Deserialize)]
struct Plain {
    file: String,
    url: String,
    digests: Vec<String>,
    size_bytes: Option<u64>,
}

impl Plain {
    fn of(artifact: &Artifact) -> Self {
        Self {
            file: artifact.file.to_string(),
            url: artifact.url.to_string(),
            digests: artifact.digests.iter().map(ToString::to_string).collect(),
            size_bytes: artifact.size_bytes,
        }
    }

    fn artifact(self) -> Option<Artifact> {
        Some(Artifact {
            digests: self.digests.iter().map(|text| text.parse().ok()).collect::<Option<_>>()?,
            file: self.file.into(),
            url: self.url.into(),
            size_bytes: self.size_bytes,
        })
    }
}

pub(crate) fn serialize<S: Serializer>(list: &[Artifact], serializer: S) -> Result<S::Ok, S::Error> {
    list.iter().map(Plain::of).collect::<Vec<_>>().serialize(serializer)
}

pub(crate) fn deserialize<'a, D: Deserializer<'a>>(deserializer: D) -> Result<Vec<Artifact>, D::Error> {
    let damaged = || D::Error::custom("an artifact's digest is none");
    let plain = Vec::<Plain>::deserialize(deserializer)?;
    plain.into_iter().map(|one| one.artifact().ok_or_else(damaged)).collect()
}
