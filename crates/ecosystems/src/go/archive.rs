//! A module's zip (Go Modules Reference, "Module zip files"; package `golang.org/x/mod/zip`): no folders but
//! those in names, all below `{module}@{version}/`, and nothing that a file system could read in two ways.

use super::{gomod, licence, name};
use crate::{ReadSeek, pypi::zip_shape};
use lazaret_vocabulary::{Malformed, PackageName};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::io::{Read, Seek, SeekFrom};
use zip::ZipArchive;

/// Largest zip, and largest sum of the files in it, in bytes; as the go command allows.
pub(super) const LARGEST: u64 = 500 << 20;
/// Largest licence file, in bytes; as the go command allows.
const LARGEST_LICENCE: u64 = 16 << 20;
/// Longest name of a file, in bytes.
const LONGEST_NAME: usize = 4096;
/// Bytes of names and of the folders in them that are compared, before an archive is too odd to go on.
const MOST_COMPARED: usize = 256 << 20;
/// Disagreements told one by one.
const MOST_COMPLAINTS: usize = 8;
/// Licence files looked into.
const MOST_LICENCES: usize = 8;

/// What a zip holds, as far as it matters.
#[derive(Debug, Default)]
pub(super) struct Contents {
    /// What is wrong with it, each in a sentence.
    pub complaints: Vec<String>,
    /// Its `go.mod`, if it has one.
    pub go_mod: Option<Vec<u8>>,
    /// Its licence, if that was recognised.
    pub licence: Option<String>,
}

/// A reader by reference, since `zip` wants to own one of a known size.
struct Borrowed<'a>(&'a mut dyn ReadSeek);

impl Read for Borrowed<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.0.read(buffer)
    }
}

impl Seek for Borrowed<'_> {
    fn seek(&mut self, position: SeekFrom) -> std::io::Result<u64> {
        self.0.seek(position)
    }
}

/// Looks into the zip of a version.
pub(super) fn look(
    package: &PackageName,
    version: &str,
    file: &mut dyn ReadSeek,
) -> Result<Contents, Malformed> {
    let length = file.seek(SeekFrom::End(0)).map_err(|error| broken(&error.to_string()))?;
    if length > LARGEST {
        return Err(broken("it is larger than 500 MiB"));
    }
    let shape = zip_shape::look(file)?;
    let mut contents = Contents { complaints: shape.complaints, ..Contents::default() };
    let root = format!("{package}@{version}/");
    let inner = inner_names(&root, &shape.names, &mut contents.complaints);
    let mut archive = ZipArchive::new(Borrowed(file)).map_err(|error| broken(&error.to_string()))?;
    // Entry by entry: the sum that the reader knows is none where sizes stand behind the entries, as Go writes them.
    let sizes = (0..archive.len()).map(|at| archive.by_index_raw(at).map_or(u64::MAX, |entry| entry.size()));
    if sizes.fold(0u64, u64::saturating_add) > LARGEST {
        contents.complaints.push("its files come to more than 500 MiB".to_owned());
    }
    if contents.complaints.is_empty() {
        if inner.contains(&"go.mod") {
            contents.go_mod = read(&mut archive, &format!("{root}go.mod"), gomod::LARGEST as u64)?;
        }
        contents.licence = licences(&mut archive, &root, &inner)?;
    }
    contents.complaints.truncate(MOST_COMPLAINTS);
    Ok(contents)
}

fn broken(why: &str) -> Malformed {
    Malformed::new(format!("the module's zip cannot be read: {why}"))
}

/// The names below the root, folders left out.
fn inner_names<'n>(root: &str, names: &'n [String], complaints: &mut Vec<String>) -> Vec<&'n str> {
    let mut places = Places::default();
    let mut inner = Vec::with_capacity(names.len());
    for full in names {
        if complaints.len() >= MOST_COMPLAINTS {
            break;
        }
        let shown = || full.chars().take(100).collect::<String>().escape_debug().to_string();
        let Some(path) = full.strip_prefix(root) else {
            complaints.push(format!("it holds `{}`, which is not below {root}", shown()));
            continue;
        };
        let (plain, folder) = match path.strip_suffix('/') {
            Some(plain) => (plain, true),
            None => (path, false),
        };
        if plain.is_empty() && folder {
            continue;
        }
        if plain.len() > LONGEST_NAME || !plain.split('/').all(is_file_element) {
            complaints.push(format!("it holds `{}`, which is no name for a file", shown()));
            continue;
        }
        let base = plain.rsplit('/').next().unwrap_or(plain);
        if base.eq_ignore_ascii_case("go.mod") && plain != "go.mod" {
            complaints.push(format!("it holds `{}`: a go.mod belongs into the root", shown()));
        }
        if let Err(why) = places.add(plain, folder) {
            complaints.push(format!("it holds `{}`, {why}", shown()));
        }
        if !folder {
            inner.push(plain);
        }
    }
    inner
}

/// `CheckFilePath` of `golang.org/x/mod/module`, for one element.
fn is_file_element(element: &str) -> bool {
    let allowed = |letter: char| {
        letter.is_ascii_alphanumeric()
            || "!#$%&()+,-.=@[]^_{}~ ".contains(letter)
            || (!letter.is_ascii() && letter.is_alphabetic())
    };
    !element.is_empty()
        && !element.ends_with('.')
        && element.chars().all(allowed)
        && !name::is_device(element.split('.').next().unwrap_or_default())
}

/// Files and folders by their names in lower case.
#[derive(Default)]
struct Places<'n> {
    known: HashMap<String, (&'n str, bool)>,
    compared: usize,
}

impl<'n> Places<'n> {
    /// Notes a name and the folders it is in, until one that was noted before.
    fn add(&mut self, path: &'n str, folder: bool) -> Result<(), &'static str> {
        let (mut path, mut folder) = (path, folder);
        loop {
            self.compared = self.compared.saturating_add(path.len());
            if self.compared > MOST_COMPARED {
                return Err("where its names become too many to compare");
            }
            match self.known.entry(path.to_lowercase()) {
                Entry::Occupied(have) => {
                    let (other, other_folder) = *have.get();
                    return match () {
                        () if other != path => Err("which differs from another name in case alone"),
                        () if !folder || !other_folder => Err("which stands there as file and as folder"),
                        () => Ok(()),
                    };
                }
                Entry::Vacant(place) => place.insert((path, folder)),
            };
            match path.rsplit_once('/') {
                Some((parent, _)) => (path, folder) = (parent, true),
                None => return Ok(()),
            }
        }
    }
}

/// A file of the archive; `None` when it is larger than `limit_bytes`.
fn read(
    archive: &mut ZipArchive<Borrowed<'_>>,
    path: &str,
    limit_bytes: u64,
) -> Result<Option<Vec<u8>>, Malformed> {
    let unreadable = |why: String| broken(&format!("`{path}` in it: {why}"));
    let entry = archive.by_name(path).map_err(|error| unreadable(error.to_string()))?;
    let mut bytes = Vec::new();
    entry.take(limit_bytes + 1).read_to_end(&mut bytes).map_err(|error| unreadable(error.to_string()))?;
    Ok((bytes.len() as u64 <= limit_bytes).then_some(bytes))
}

/// The licences in the root. All of them hold, as far as their files' names tell.
fn licences(
    archive: &mut ZipArchive<Borrowed<'_>>,
    root: &str,
    inner: &[&str],
) -> Result<Option<String>, Malformed> {
    let mut texts = Vec::new();
    for file in inner.iter().filter(|path| licence::is_licence(path)).take(MOST_LICENCES) {
        texts.extend(read(archive, &format!("{root}{file}"), LARGEST_LICENCE)?);
    }
    Ok(licence::recognise(&texts))
}
