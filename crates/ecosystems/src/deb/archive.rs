//! Binary packages: an `ar` archive of `debian-binary`, `control.tar.*` and `data.tar.*`, in this order
//! (deb(5)), and the tar archives inside.

use super::compression::{Bounded, decompressed};
use crate::ReadSeek;
use lazaret_vocabulary::Malformed;
use std::io::{Read, SeekFrom};
use tar::{Archive, EntryType};

const MAGIC: &[u8; 8] = b"!<arch>\n";
const HEADER: usize = 60;
/// Members of the `ar` archive looked at, at most.
const MOST_MEMBERS: usize = 16;

/// A member of the `ar` archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Part {
    pub name: String,
    /// Where its bytes begin.
    pub start: u64,
    pub size: u64,
    /// Seconds since the epoch.
    pub modified: i64,
}

/// The three parts of a binary package.
#[derive(Debug)]
pub(super) struct Parts {
    pub control: Part,
    pub data: Part,
    /// When the package was put together, by its own word.
    pub modified: i64,
}

/// Finds the parts as dpkg does: in this order, and with nothing between them but what begins with `_`.
pub(super) fn parts(file: &mut dyn ReadSeek) -> Result<Parts, Malformed> {
    let mut members = members(file)?.into_iter().filter(|part| !part.name.starts_with('_'));
    let mut next = |name: &str| {
        members
            .next()
            .filter(|part| {
                part.name == name || part.name.strip_prefix(name).is_some_and(|rest| rest.starts_with('.'))
            })
            .ok_or_else(|| Malformed::new(format!("the package has no {name} where one has to be")))
    };
    let first = next("debian-binary")?;
    let (control, data) = (next("control.tar")?, next("data.tar")?);
    let mut format = [0; 2];
    file.seek(SeekFrom::Start(first.start)).map_err(broken)?;
    file.read_exact(&mut format).map_err(broken)?;
    if format != *b"2." {
        return Err(Malformed::new("the package is not of format 2"));
    }
    Ok(Parts { control, data, modified: first.modified })
}

/// The members' heads. A member that would reach beyond the file is an error.
fn members(file: &mut dyn ReadSeek) -> Result<Vec<Part>, Malformed> {
    let size = file.seek(SeekFrom::End(0)).map_err(broken)?;
    file.rewind().map_err(broken)?;
    let mut magic = [0; 8];
    file.read_exact(&mut magic).map_err(broken)?;
    if magic != *MAGIC {
        return Err(Malformed::new("the package is no ar archive"));
    }
    let mut found = Vec::new();
    let mut at = 8u64;
    while at < size && found.len() < MOST_MEMBERS {
        let mut head = [0; HEADER];
        file.seek(SeekFrom::Start(at)).map_err(broken)?;
        file.read_exact(&mut head).map_err(broken)?;
        let part = part(&head, at)?;
        let end = part.start.checked_add(part.size).filter(|end| *end <= size);
        let end = end.ok_or_else(|| Malformed::new(format!("the package breaks off in {}", part.name)))?;
        found.push(part);
        // Members begin at even offsets.
        at = end.saturating_add(end % 2);
    }
    Ok(found)
}

fn part(head: &[u8; HEADER], at: u64) -> Result<Part, Malformed> {
    let wrong = || Malformed::new("the package has a member without a proper head");
    let text =
        |range| std::str::from_utf8(head.get(range).unwrap_or_default()).map(str::trim).map_err(|_| wrong());
    if head.get(58..) != Some(b"`\n") {
        return Err(wrong());
    }
    Ok(Part {
        name: text(0..16)?.trim_end_matches('/').to_owned(),
        start: at.saturating_add(60),
        size: text(48..58)?.parse().map_err(|_| wrong())?,
        modified: text(16..28)?.parse().unwrap_or(0),
    })
}

/// A part's own archive, decompressed, at most so many bytes of it.
pub(super) fn tar<'f>(
    file: &'f mut dyn ReadSeek,
    part: &Part,
    limit: u64,
) -> Result<Archive<Bounded<Box<dyn Read + 'f>>>, Malformed> {
    file.seek(SeekFrom::Start(part.start)).map_err(broken)?;
    Ok(Archive::new(decompressed(file.take(part.size), limit)?))
}

/// What a walk through a tar archive does next.
pub(super) enum Step {
    On,
    Stop,
}

/// An entry of a tar archive: its path without `./` in front, its kind, and its bytes.
pub(super) struct Entry<'e> {
    pub path: &'e str,
    pub kind: EntryType,
    pub bytes: &'e mut dyn Read,
}

impl Entry<'_> {
    /// All of it; `None` when it is larger than `limit`.
    pub(super) fn read(&mut self, limit: u64) -> Result<Option<Vec<u8>>, Malformed> {
        let mut bytes = Vec::new();
        let read = self.bytes.take(limit.saturating_add(1)).read_to_end(&mut bytes).map_err(broken)?;
        Ok(u64::try_from(read).is_ok_and(|read| read <= limit).then_some(bytes))
    }
}

/// Calls `look` for each entry, at most `most` of them. Long names are not put together, since the parts of a
/// package that matter here have short ones, and their size is the archive's own word: they come as entries
/// of their kind.
pub(super) fn walk(
    mut archive: Archive<impl Read>,
    most: usize,
    mut look: impl FnMut(Entry<'_>) -> Result<Step, Malformed>,
) -> Result<(), Malformed> {
    for (count, entry) in archive.entries().map_err(broken)?.raw(true).enumerate() {
        let mut entry = entry.map_err(broken)?;
        if count >= most {
            return Err(Malformed::new(format!("the package has more than {most} members")));
        }
        let kind = entry.header().entry_type();
        let path = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let path = path.strip_prefix("./").unwrap_or(&path);
        if matches!(look(Entry { path, kind, bytes: &mut entry })?, Step::Stop) {
            break;
        }
    }
    Ok(())
}

pub(super) fn broken(error: std::io::Error) -> Malformed {
    Malformed::new(format!("the package cannot be read: {error}"))
}
