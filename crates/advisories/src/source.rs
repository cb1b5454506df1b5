//! Where records come from: a single one, a directory, or the zip archives that OSV databases export.

use crate::osv::{Advisory, MAX_RECORD_BYTES};
use lazaret_vocabulary::{Malformed, Timestamp};
use std::io::{Read, Seek};
use std::path::{Path, PathBuf};

/// Bounds of one import.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Entries of an archive, or files of a directory, records or not.
    pub entries: usize,
    /// Bytes of all records together, inflated.
    pub total_bytes: u64,
    /// How many complaints about records are kept; all are counted.
    pub errors: usize,
    /// How deep directories may lie in each other.
    pub depth: usize,
}

impl Default for Limits {
    /// Two million entries, 16 GiB, 50 complaints, 16 directories: several times what all of OSV has.
    fn default() -> Self {
        Self { entries: 2_000_000, total_bytes: 16 << 30, errors: 50, depth: 16 }
    }
}

/// A record that could not be read. The import goes on without it.
#[derive(Debug, Clone)]
pub struct RecordError {
    /// The entry's or file's name, made safe to show.
    pub name: String,
    /// What is wrong.
    pub what: Malformed,
}

/// What came of an import.
#[derive(Debug, Clone, Default)]
pub struct Imported {
    /// Records read.
    pub records: usize,
    /// Records that could not be read.
    pub malformed: usize,
    /// The latest `modified` of all records.
    pub newest_modified: Option<Timestamp>,
    /// The first complaints.
    pub errors: Vec<RecordError>,
}

/// The import as a whole failed; nothing of it should be used.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The disk or the file did not answer.
    #[error("cannot read {name}: {error}")]
    Io {
        /// What was to be read.
        name: String,
        /// Why not.
        error: std::io::Error,
    },
    /// It is no zip archive, or a broken one.
    #[error("no readable zip archive: {0}")]
    Archive(#[from] zip::result::ZipError),
    /// It exceeds a limit.
    #[error("{what} exceed the limit of {limit}")]
    TooLarge {
        /// Of what there is too much.
        what: &'static str,
        /// How much there may be.
        limit: u64,
    },
    /// Not one record could be read though there were some: the wrong file, or a spoiled one.
    #[error("none of {malformed} records could be read; the first: {first}")]
    NothingReadable {
        /// How many were tried.
        malformed: usize,
        /// What was wrong with the first.
        first: String,
    },
}

/// How far a source can be relied upon, for storing beside the index and for showing.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct SourceState {
    /// Its name.
    pub name: String,
    /// When it was last read with success.
    pub fetched: Option<Timestamp>,
    /// Records read then.
    pub records: usize,
    /// Records that could not be read then.
    pub malformed: usize,
    /// The latest `modified` of its records: how current the source itself is.
    pub newest_modified: Option<Timestamp>,
}

impl SourceState {
    /// A source that was never read.
    pub fn never(name: impl Into<String>) -> Self {
        Self { name: name.into(), fetched: None, records: 0, malformed: 0, newest_modified: None }
    }

    /// After a successful import at `now`.
    pub fn after(name: impl Into<String>, imported: &Imported, now: Timestamp) -> Self {
        Self {
            name: name.into(),
            fetched: Some(now),
            records: imported.records,
            malformed: imported.malformed,
            newest_modified: imported.newest_modified,
        }
    }
}

/// Reads one record. The same as [`Advisory::parse`].
pub fn read_record(bytes: &[u8]) -> Result<Advisory, Malformed> {
    Advisory::parse(bytes)
}

/// Reads every `*.json` of a zip archive in the layout of an OSV export and gives it to `sink`. Nothing is
/// written to disk, and the entries' names decide nothing but that. A record that cannot be read is
/// reported and left out; an archive beyond the limits, or without a single readable record where it has
/// any, is an error, by which time `sink` may have seen some of it.
pub fn read_archive(
    reader: impl Read + Seek,
    limits: &Limits,
    sink: &mut dyn FnMut(Advisory),
) -> Result<Imported, SourceError> {
    let mut archive = zip::ZipArchive::new(reader)?;
    let mut import = Import::new(limits, sink);
    import.check_entries(archive.len())?;
    let mut bytes = Vec::new();
    for number in 0..archive.len() {
        let mut entry = match archive.by_index(number) {
            Ok(entry) => entry,
            // An encrypted entry, or one packed in an unknown way: its neighbours may still be good.
            Err(zip::result::ZipError::Io(error)) => return Err(io_error("the archive", error)),
            Err(error) => {
                let name = format!("entry {number}");
                import.complain(&name, Malformed::new(error.to_string()));
                continue;
            }
        };
        let name = entry.name().map(std::borrow::Cow::into_owned).unwrap_or_default();
        if entry.is_dir() || !is_record(&name) {
            continue;
        }
        let name = shown(&name);
        let read = read_bounded(&mut entry, &mut bytes);
        import.count(bytes.len())?;
        match read {
            Ok(()) => import.record(&name, &bytes),
            Err(error) => import.complain(&name, Malformed::new(format!("cannot be inflated: {error}"))),
        }
    }
    import.finish()
}

/// Reads every `*.json` below a directory, in the order of the paths, and gives it to `sink`. Symbolic links
/// are not followed. Otherwise as [`read_archive`].
pub fn read_directory(
    directory: &Path,
    limits: &Limits,
    sink: &mut dyn FnMut(Advisory),
) -> Result<Imported, SourceError> {
    let mut import = Import::new(limits, sink);
    let mut files: Vec<PathBuf> = Vec::new();
    let mut left: Vec<(PathBuf, usize)> = vec![(directory.to_owned(), 0)];
    let mut seen = 0;
    while let Some((directory, depth)) = left.pop() {
        let failed = |error| io_error(&directory.display().to_string(), error);
        for entry in std::fs::read_dir(&directory).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            seen += 1;
            import.check_entries(seen)?;
            let kind = entry.file_type().map_err(failed)?;
            if kind.is_dir() && depth < limits.depth {
                left.push((entry.path(), depth + 1));
            } else if kind.is_file() && entry.file_name().to_str().is_some_and(is_record) {
                files.push(entry.path());
            }
        }
    }
    files.sort_unstable();
    let mut bytes = Vec::new();
    for path in files {
        let name = shown(&path.display().to_string());
        let read = std::fs::File::open(&path).and_then(|mut file| read_bounded(&mut file, &mut bytes));
        read.map_err(|error| io_error(&name, error))?;
        import.count(bytes.len())?;
        import.record(&name, &bytes);
    }
    import.finish()
}

struct Import<'a> {
    limits: &'a Limits,
    sink: &'a mut dyn FnMut(Advisory),
    imported: Imported,
    total_bytes: u64,
}

impl<'a> Import<'a> {
    fn new(limits: &'a Limits, sink: &'a mut dyn FnMut(Advisory)) -> Self {
        Self { limits, sink, imported: Imported::default(), total_bytes: 0 }
    }

    fn check_entries(&self, entries: usize) -> Result<(), SourceError> {
        if entries <= self.limits.entries {
            return Ok(());
        }
        Err(SourceError::TooLarge { what: "entries", limit: self.limits.entries as u64 })
    }

    fn count(&mut self, bytes: usize) -> Result<(), SourceError> {
        self.total_bytes = self.total_bytes.saturating_add(bytes as u64);
        if self.total_bytes <= self.limits.total_bytes {
            return Ok(());
        }
        Err(SourceError::TooLarge { what: "bytes of all records", limit: self.limits.total_bytes })
    }

    fn record(&mut self, name: &str, bytes: &[u8]) {
        match Advisory::parse(bytes) {
            Ok(advisory) => {
                self.imported.records += 1;
                self.imported.newest_modified = self.imported.newest_modified.max(advisory.modified);
                (self.sink)(advisory);
            }
            Err(what) => self.complain(name, what),
        }
    }

    fn complain(&mut self, name: &str, what: Malformed) {
        self.imported.malformed += 1;
        if self.imported.errors.len() < self.limits.errors {
            self.imported.errors.push(RecordError { name: name.to_owned(), what });
        }
    }

    fn finish(self) -> Result<Imported, SourceError> {
        if self.imported.records == 0 && self.imported.malformed > 0 {
            let first = self.imported.errors.first();
            let first = first.map(|error| format!("{}: {}", error.name, error.what)).unwrap_or_default();
            return Err(SourceError::NothingReadable { malformed: self.imported.malformed, first });
        }
        Ok(self.imported)
    }
}

/// One byte more than a record may have is read at most, which the parser then refuses.
fn read_bounded(reader: &mut dyn Read, into: &mut Vec<u8>) -> std::io::Result<()> {
    into.clear();
    reader.take(MAX_RECORD_BYTES as u64 + 1).read_to_end(into).map(drop)
}

fn io_error(name: &str, error: std::io::Error) -> SourceError {
    SourceError::Io { name: name.to_owned(), error }
}

fn is_record(name: &str) -> bool {
    let base = name.rsplit(['/', '\\']).next().unwrap_or(name);
    base.ends_with(".json") && !base.starts_with('.')
}

fn shown(name: &str) -> String {
    let clean = name.chars().map(|c| if c.is_control() { '?' } else { c });
    clean.take(160).collect()
}
