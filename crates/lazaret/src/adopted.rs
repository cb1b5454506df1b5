//! Upstream addresses once taken from the package managers, kept below the data directory: a later start needs
//! no package manager, and one that was pointed at the gateway since does not make it ask itself.

use anyhow::{Context as _, bail};
use lazaret_gateway::UpstreamSettings;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};
use std::io::{ErrorKind, Read as _, Write as _};
use std::path::{Path, PathBuf};

/// Largest file read, in bytes.
const LARGEST: u64 = 1 << 20;

/// The addresses of one ecosystem.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Kept {
    /// Role → address.
    addresses: BTreeMap<String, String>,
    /// Where they were found, for people.
    pub(crate) source: String,
    /// On which day.
    pub(crate) day: String,
}

/// Ecosystem id → what was adopted for it.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Adopted(BTreeMap<String, Kept>);

impl Kept {
    pub(crate) fn new(settings: &UpstreamSettings, source: &str, now: lazaret_vocabulary::Timestamp) -> Self {
        let addresses = settings.addresses.clone().into_iter().collect();
        let day = now.to_string().chars().take(10).collect();
        Self { addresses, source: source.to_owned(), day }
    }

    /// As the engine takes it.
    pub(crate) fn settings(&self) -> UpstreamSettings {
        let addresses: HashMap<String, String> = self.addresses.clone().into_iter().collect();
        UpstreamSettings { addresses, ..UpstreamSettings::default() }
    }
}

fn file(data: &Path) -> PathBuf {
    data.join("upstreams.json")
}

impl Adopted {
    /// What is kept below a data directory; nothing where there is no file.
    pub(crate) fn read(data: &Path) -> anyhow::Result<Self> {
        let path = file(data);
        let what = || format!("{} cannot be read; remove it to adopt anew", path.display());
        let mut text = String::new();
        match std::fs::File::open(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(error).with_context(what),
            Ok(file) => file.take(LARGEST + 1).read_to_string(&mut text).with_context(what)?,
        };
        if u64::try_from(text.len()).unwrap_or(u64::MAX) > LARGEST {
            bail!("{} is larger than {LARGEST} bytes; remove it to adopt anew", path.display());
        }
        serde_json::from_str(&text).with_context(what)
    }

    /// Writes it as a whole, for this user alone: an address may hold a password.
    pub(crate) fn write(&self, data: &Path) -> anyhow::Result<()> {
        let path = file(data);
        let what = || format!("{} cannot be written", path.display());
        std::fs::create_dir_all(data).with_context(what)?;
        // Temporary files are made with mode 0600.
        let mut new = tempfile::Builder::new().prefix(".upstreams-").tempfile_in(data).with_context(what)?;
        new.write_all(serde_json::to_string_pretty(self)?.as_bytes()).with_context(what)?;
        new.as_file().sync_all().with_context(what)?;
        new.persist(&path).with_context(what)?;
        Ok(())
    }

    pub(crate) fn get(&self, id: &str) -> Option<&Kept> {
        self.0.get(id)
    }

    /// Keeps what was found; whether that is news. The day alone is none.
    pub(crate) fn keep(&mut self, id: &str, kept: Kept) -> bool {
        let same = |earlier: &Kept| earlier.addresses == kept.addresses && earlier.source == kept.source;
        if self.0.get(id).is_some_and(same) {
            return false;
        }
        self.0.insert(id.to_owned(), kept);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lazaret_vocabulary::Timestamp;
    use std::os::unix::fs::PermissionsExt as _;

    fn upstream(url: &str) -> UpstreamSettings {
        let addresses = HashMap::from([("registry".to_owned(), url.to_owned())]);
        UpstreamSettings { addresses, ..UpstreamSettings::default() }
    }

    #[test]
    fn what_is_kept_comes_back() {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("data");
        let mut adopted = Adopted::read(&data).unwrap();
        assert_eq!(adopted, Adopted::default());
        let kept = |url: &str| Kept::new(&upstream(url), "somebody's settings", Timestamp::from_millis(0));
        assert!(adopted.keep("toy", kept("https://me:pw@registry.example")));
        assert!(!adopted.keep("toy", kept("https://me:pw@registry.example")));
        adopted.write(&data).unwrap();
        let mode = std::fs::metadata(file(&data)).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0);
        let read = Adopted::read(&data).unwrap();
        assert_eq!(read, adopted);
        let toy = read.get("toy").unwrap();
        assert_eq!(toy.settings().addresses["registry"], "https://me:pw@registry.example");
        assert_eq!(toy.day, "1970-01-01");
        assert!(adopted.keep("toy", kept("https://other.example")));
    }

    #[test]
    fn a_damaged_file_is_told() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(file(dir.path()), "{\"toy\": 1}").unwrap();
        let error = format!("{:#}", Adopted::read(dir.path()).unwrap_err());
        assert!(error.contains("upstreams.json") && error.contains("remove it to adopt anew"), "{error}");
    }
}
