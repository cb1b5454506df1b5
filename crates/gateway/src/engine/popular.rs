//! The names that others could be mistaken for: an ecosystem's most popular ones, this house's own packages
//! and what this house uses most.

use lazaret_metadata::Metadata;
use lazaret_policy::lookalike::PopularNames;
use lazaret_vocabulary::{EcosystemId, Span, Timestamp};
use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

/// A name counts as used by the house once its first download lies this far back…
const LASTED: Span = Span::days(30);
/// …and its latest no further than this.
const STILL_USED: Span = Span::days(90);
/// Weight of a name that the house itself publishes: above every used one.
const PUBLISHED: u64 = u64::MAX;
/// Largest list read from a file, in bytes.
const LARGEST_LIST: u64 = 64 << 20;

/// The lists, each built when it is first needed.
pub(crate) struct Popular {
    lists: HashMap<EcosystemId, List>,
}

struct List {
    text: Text,
    built: Mutex<Built>,
}

enum Text {
    Embedded(&'static [u8]),
    Read(Vec<u8>),
}

#[derive(Default)]
struct Built {
    names: Option<Arc<PopularNames>>,
    house: Vec<(String, u64)>,
}

impl Popular {
    /// Takes each ecosystem's embedded list, or the file that replaces it. A file that is no list is named.
    pub(crate) fn new(files: &HashMap<String, PathBuf>) -> Result<Self, String> {
        let mut lists = HashMap::new();
        for ecosystem in lazaret_ecosystems::all() {
            let profile = ecosystem.profile();
            let text = match files.get(profile.id.as_str()) {
                None => Text::Embedded(profile.popular),
                Some(path) => {
                    let wrong = |error: String| {
                        format!("{}: the list of popular names cannot be used: {error}", path.display())
                    };
                    let size = std::fs::metadata(path).map_err(|error| wrong(error.to_string()))?.len();
                    if size > LARGEST_LIST {
                        return Err(wrong(format!("it is larger than {} MiB", LARGEST_LIST >> 20)));
                    }
                    let bytes = std::fs::read(path).map_err(|error| wrong(error.to_string()))?;
                    let text = Text::Read(bytes);
                    text.build().map_err(wrong)?;
                    text
                }
            };
            lists.insert(profile.id, List { text, built: Mutex::default() });
        }
        Ok(Self { lists })
    }

    /// The names of one ecosystem; `None` when none is known.
    pub(crate) fn names(&self, id: EcosystemId) -> Option<Arc<PopularNames>> {
        let list = self.lists.get(&id)?;
        let mut built = list.built.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(names) = &built.names {
            return Some(names.clone());
        }
        let names = match list.text.build() {
            Ok(names) => Arc::new(names.with_house_names(built.house.iter().cloned())),
            Err(error) => {
                tracing::error!(ecosystem = %id, %error, "the list of popular names cannot be read");
                return None;
            }
        };
        built.names = Some(names.clone());
        Some(names)
    }

    /// Takes in what this house publishes and has been using for long.
    pub(crate) async fn learn(
        &self,
        metadata: &Metadata,
        hosted: &HashSet<(EcosystemId, Arc<str>)>,
        now: Timestamp,
    ) -> Result<(), lazaret_metadata::MetadataError> {
        for (id, list) in &self.lists {
            let used = metadata.lasting_names(id.as_str(), now - LASTED, now - STILL_USED, 500).await?;
            let published = hosted.iter().filter(|(ecosystem, _)| ecosystem == id);
            let mut house: Vec<(String, u64)> =
                published.map(|(_, key)| (key.to_string(), PUBLISHED)).chain(used).collect();
            house.sort();
            let mut built = list.built.lock().unwrap_or_else(PoisonError::into_inner);
            if built.house != house {
                *built = Built { names: None, house };
            }
        }
        Ok(())
    }
}

impl Text {
    fn build(&self) -> Result<PopularNames, String> {
        let bytes: &[u8] = match self {
            Self::Embedded(bytes) => bytes,
            Self::Read(bytes) => bytes,
        };
        // gzip's magic number (RFC 1952, section 2.3.1).
        let names = match bytes {
            [] => return Ok(PopularNames::default()),
            [0x1f, 0x8b, ..] => PopularNames::from_compressed(bytes),
            plain => PopularNames::from_tsv(plain),
        };
        names.map_err(|error| error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lazaret_policy::lookalike::Established;

    fn npm() -> EcosystemId {
        lazaret_ecosystems::by_id("npm").unwrap().profile().id
    }

    #[tokio::test]
    async fn what_the_house_publishes_is_protected() {
        let dir = tempfile::tempdir().unwrap();
        let metadata = Metadata::open_file(&dir.path().join("lazaret.db")).await.unwrap();
        let popular = Popular::new(&HashMap::new()).unwrap();
        let now = Timestamp::from_millis(1_800_000_000_000);
        let unknown = Established::unknown(now);
        let resembles =
            |name: &str| popular.names(npm()).unwrap().resembles(name, &unknown).map(|found| found.popular);
        assert_eq!(resembles("harbourmasterr"), None);
        let hosted = HashSet::from([(npm(), Arc::from("harbourmaster"))]);
        popular.learn(&metadata, &hosted, now).await.unwrap();
        assert_eq!(resembles("harbourmasterr").as_deref(), Some("harbourmaster"));
        assert_eq!(resembles("harbourmaster"), None);
    }

    #[test]
    fn a_file_replaces_the_list_and_a_wrong_one_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("npm.tsv");
        std::fs::write(&file, "quaternion-engine\t9\n").unwrap();
        let files = HashMap::from([("npm".to_owned(), file.clone())]);
        let names = Popular::new(&files).unwrap().names(npm()).unwrap();
        assert!(names.contains("quaternion-engine") && !names.contains("express"));
        std::fs::write(&file, [0x1f, 0x8b, 0, 0]).unwrap();
        let error = Popular::new(&files).err().unwrap();
        assert!(error.contains("npm.tsv: the list of popular names cannot be used"), "{error}");
    }
}
