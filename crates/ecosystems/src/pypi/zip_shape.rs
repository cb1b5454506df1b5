//! The structure of a zip, looked at without trusting it (APPNOTE.TXT 6.3.10, sections 4.3 and 4.4).
//!
//! A zip says everything twice: in a header before each file and in the directory at its end. Installers
//! read one or the other, so an archive in which the two differ, or in which a name stands twice, installs
//! different things by different hands. The `zip` crate reads the directory and lets a later entry replace an
//! earlier one of the same name, and no other crate reports the difference; hence this walk over the fixed-size
//! records, which inflates nothing.

use crate::ReadSeek;
use lazaret_vocabulary::Malformed;
use std::collections::HashSet;
use std::io::{Read as _, SeekFrom};

/// Most entries looked at; the largest wheels known have a tenth of it.
const MOST_ENTRIES: u64 = 250_000;
/// Largest directory read, in bytes.
const LARGEST_DIRECTORY: u64 = 64 << 20;
/// Most complaints kept: one is enough to refuse.
const MOST_COMPLAINTS: usize = 8;

const LOCAL: u32 = 0x0403_4b50;
const CENTRAL: u32 = 0x0201_4b50;
const END: u32 = 0x0605_4b50;
const END_64: u32 = 0x0606_4b50;
const LOCATOR_64: u32 = 0x0706_4b50;
/// Stands in a 32-bit field whose value is in the Zip64 extra field.
const IN_EXTRA: u64 = 0xffff_ffff;

/// What the directory lists, and what is odd about the whole.
pub(crate) struct Shape {
    /// Names in the directory's order.
    pub names: Vec<String>,
    /// Each oddity in a sentence.
    pub complaints: Vec<String>,
}

struct Entry {
    name: Vec<u8>,
    flags: u16,
    method: u16,
    checksum: u32,
    packed_bytes: u64,
    plain_bytes: u64,
    offset: u64,
}

/// A cursor over bytes that answers `None` past their end.
struct Cut<'a>(&'a [u8]);

impl<'a> Cut<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(head)
    }

    fn number(&mut self, width: usize) -> Option<u64> {
        Some(self.take(width)?.iter().rev().fold(0, |sum, byte| sum << 8 | u64::from(*byte)))
    }

    fn short(&mut self) -> Option<u16> {
        u16::try_from(self.number(2)?).ok()
    }

    fn word(&mut self) -> Option<u32> {
        u32::try_from(self.number(4)?).ok()
    }
}

fn broken(what: &str) -> Malformed {
    Malformed::new(format!("the archive is no zip that can be read: {what}"))
}

fn read_at(file: &mut dyn ReadSeek, offset: u64, count: usize) -> Result<Vec<u8>, Malformed> {
    file.seek(SeekFrom::Start(offset)).map_err(|error| broken(&error.to_string()))?;
    let mut bytes = Vec::new();
    file.take(count as u64).read_to_end(&mut bytes).map_err(|error| broken(&error.to_string()))?;
    Ok(bytes)
}

/// Walks through the whole structure. What cannot be a zip at all is an error; what could be read in two ways
/// is a complaint.
pub(crate) fn look(file: &mut dyn ReadSeek) -> Result<Shape, Malformed> {
    let length = file.seek(SeekFrom::End(0)).map_err(|error| broken(&error.to_string()))?;
    let mut complaints = Vec::new();
    let (directory, size_bytes, count) = find_directory(file, length, &mut complaints)?;
    if count > MOST_ENTRIES || size_bytes > LARGEST_DIRECTORY {
        return Err(broken("it lists more files than are looked at"));
    }
    let bytes = read_at(file, directory, usize::try_from(size_bytes).unwrap_or(usize::MAX))?;
    let mut entries = Vec::new();
    let mut cut = Cut(&bytes);
    while !cut.0.is_empty() {
        if entries.len() as u64 == count {
            complaints.push("its directory holds more entries than it announces".to_owned());
            break;
        }
        entries.push(central(&mut cut).ok_or_else(|| broken("an entry of its directory is cut short"))?);
    }
    if (entries.len() as u64) < count {
        complaints.push("its directory holds fewer entries than it announces".to_owned());
    }
    let names = check_names(&entries, &mut complaints);
    check_places(file, &mut entries, directory, &mut complaints)?;
    complaints.truncate(MOST_COMPLAINTS);
    Ok(Shape { names, complaints })
}

/// Offset and size of the directory, and how many entries it announces.
fn find_directory(
    file: &mut dyn ReadSeek,
    length: u64,
    complaints: &mut Vec<String>,
) -> Result<(u64, u64, u64), Malformed> {
    const RECORD: usize = 22;
    let tail_start = length.saturating_sub(RECORD as u64 + 0xffff);
    let tail = read_at(file, tail_start, RECORD + 0xffff)?;
    let mut found = None;
    for at in (0..tail.len().saturating_sub(RECORD - 1)).rev() {
        let Some(mut cut) = tail.get(at..).map(Cut) else { continue };
        if cut.word() != Some(END) {
            continue;
        }
        let fields = (|| {
            let disks = (cut.short()?, cut.short()?);
            let counts = (cut.number(2)?, cut.number(2)?);
            Some((disks, counts, cut.number(4)?, cut.number(4)?, cut.number(2)?, cut.0.len() as u64))
        })();
        let Some((disks, counts, size_bytes, offset, comment, rest)) = fields else { continue };
        if comment != rest {
            continue;
        }
        if found.is_some() {
            complaints.push("it has two ends, so that it can be read as two archives".to_owned());
            break;
        }
        if disks != (0, 0) || counts.0 != counts.1 {
            return Err(broken("it is one part of several"));
        }
        found = Some((tail_start.saturating_add(at as u64), counts.1, size_bytes, offset));
    }
    let (end, count, size_bytes, offset) = found.ok_or_else(|| broken("it has no end record"))?;
    let wide = count == 0xffff || size_bytes == IN_EXTRA || offset == IN_EXTRA;
    let (end, count, size_bytes, offset) = match if wide { find_wide(file, end)? } else { None } {
        Some(wide) => wide,
        None => (end, count, size_bytes, offset),
    };
    if offset.checked_add(size_bytes) != Some(end) {
        return Err(broken("its directory is not where its end says"));
    }
    Ok((offset, size_bytes, count))
}

/// The Zip64 end record, where there is one (APPNOTE 4.3.14): its own offset, entries, size and offset of the
/// directory.
fn find_wide(file: &mut dyn ReadSeek, end: u64) -> Result<Option<(u64, u64, u64, u64)>, Malformed> {
    let Some(locator) = end.checked_sub(20) else { return Ok(None) };
    let bytes = read_at(file, locator, 20)?;
    let mut cut = Cut(&bytes);
    if cut.word() != Some(LOCATOR_64) {
        return Ok(None);
    }
    let place =
        cut.take(4).and_then(|_| cut.number(8)).ok_or_else(|| broken("its Zip64 locator is cut short"))?;
    let bytes = read_at(file, place, 56)?;
    let mut cut = Cut(&bytes);
    let fields = (|| {
        let signature = cut.word()?;
        let size_bytes = cut.number(8)?;
        cut.take(2 + 2 + 4 + 4 + 8)?;
        Some((signature, size_bytes, cut.number(8)?, cut.number(8)?, cut.number(8)?))
    })();
    match fields {
        Some((END_64, own, count, size_bytes, offset)) if place.checked_add(own + 12) == Some(locator) => {
            Ok(Some((place, count, size_bytes, offset)))
        }
        _ => Err(broken("its Zip64 end record is not where its locator says")),
    }
}

fn central(cut: &mut Cut<'_>) -> Option<Entry> {
    if cut.word()? != CENTRAL {
        return None;
    }
    cut.take(4)?;
    let (flags, method) = (cut.short()?, cut.short()?);
    cut.take(4)?;
    let checksum = cut.word()?;
    let (packed, plain) = (cut.number(4)?, cut.number(4)?);
    let (name, extra, comment) = (cut.short()?, cut.short()?, cut.short()?);
    cut.take(2 + 2 + 4)?;
    let offset = cut.number(4)?;
    let name = cut.take(usize::from(name))?.to_vec();
    let extra = cut.take(usize::from(extra))?;
    cut.take(usize::from(comment))?;
    // APPNOTE 4.5.3: in this order, and only those whose 32-bit field is full.
    let mut wide = Cut(wide_extra(extra).unwrap_or_default());
    let mut widen = |value: u64| if value == IN_EXTRA { wide.number(8) } else { Some(value) };
    let plain_bytes = widen(plain)?;
    let packed_bytes = widen(packed)?;
    let offset = widen(offset)?;
    Some(Entry { name, flags, method, checksum, packed_bytes, plain_bytes, offset })
}

fn wide_extra(extra: &[u8]) -> Option<&[u8]> {
    let mut cut = Cut(extra);
    loop {
        let (id, size) = (cut.short()?, cut.short()?);
        let field = cut.take(usize::from(size))?;
        if id == 1 {
            return Some(field);
        }
    }
}

fn check_names(entries: &[Entry], complaints: &mut Vec<String>) -> Vec<String> {
    let mut seen = HashSet::with_capacity(entries.len());
    let mut names = Vec::with_capacity(entries.len());
    for entry in entries {
        let name = String::from_utf8_lossy(&entry.name).into_owned();
        let shown: String = name.chars().take(80).collect();
        if !is_inside(&name) {
            complaints
                .push(format!("it holds `{}`, which is written outside its folder", shown.escape_debug()));
        }
        // A trailing slash makes a folder, which cannot stand beside a file of that name.
        if !seen.insert(name.trim_end_matches('/').to_owned()) {
            complaints.push(format!("it holds `{}` twice", shown.escape_debug()));
        }
        names.push(name);
    }
    names
}

/// Whether a name stays below the folder that the archive is unpacked into, on every system.
pub(crate) fn is_inside(name: &str) -> bool {
    let drive = name.as_bytes().get(1) == Some(&b':');
    !name.is_empty()
        && !drive
        && !name.starts_with('/')
        && !name.contains(['\\', '\0'])
        && name.split('/').all(|part| part != "..")
}

/// Compares each file's own header with the directory, and looks for files that the directory does not list.
fn check_places(
    file: &mut dyn ReadSeek,
    entries: &mut [Entry],
    directory: u64,
    complaints: &mut Vec<String>,
) -> Result<(), Malformed> {
    entries.sort_by_key(|entry| entry.offset);
    let mut free = 0;
    for entry in entries.iter() {
        if complaints.len() >= MOST_COMPLAINTS {
            return Ok(());
        }
        let shown: String = String::from_utf8_lossy(&entry.name).chars().take(80).collect();
        let shown = shown.escape_debug().to_string();
        if entry.offset < free {
            complaints.push(format!("`{shown}` overlaps another file in it"));
        } else if entry.offset > free {
            look_between(file, free, entry.offset, complaints)?;
        }
        let head = read_at(file, entry.offset, 30 + entry.name.len())?;
        let Some((same, data)) = compare_local(&head, entry) else {
            return Err(broken("a file in it has no header of its own"));
        };
        if !same {
            complaints.push(format!("the header of `{shown}` in it says something else than its directory"));
        }
        let end = entry.offset.saturating_add(data).saturating_add(entry.packed_bytes);
        if end > directory {
            return Err(broken("a file in it reaches into its directory"));
        }
        free = end.saturating_add(descriptor_bytes(file, entry, end)?).min(directory);
    }
    look_between(file, free, directory, complaints)
}

/// Whether a header agrees with the directory, and how many bytes lie before the data.
fn compare_local(head: &[u8], entry: &Entry) -> Option<(bool, u64)> {
    let mut cut = Cut(head);
    if cut.word()? != LOCAL {
        return None;
    }
    cut.take(2)?;
    let (flags, method) = (cut.short()?, cut.short()?);
    cut.take(4)?;
    let checksum = cut.word()?;
    let (packed, plain) = (cut.number(4)?, cut.number(4)?);
    let (name, extra) = (cut.short()?, cut.short()?);
    let data = 30 + u64::from(name) + u64::from(extra);
    // No more was read than a name of the same length; a longer one is another.
    let name = cut.take(usize::from(name)).unwrap_or_default();
    // With bit 3 the numbers stand behind the data instead; with IN_EXTRA in the extra field.
    let later = flags & 8 != 0;
    let fits = |here: u64, there: u64| here == there || here == IN_EXTRA || (later && here == 0);
    let same = name == entry.name
        && method == entry.method
        && flags & 8 == entry.flags & 8
        && (checksum == entry.checksum || (later && checksum == 0))
        && fits(packed, entry.packed_bytes)
        && fits(plain, entry.plain_bytes);
    Some((same, data))
}

/// Length of the data descriptor behind the data, which may or may not have a signature and wide sizes.
fn descriptor_bytes(file: &mut dyn ReadSeek, entry: &Entry, end: u64) -> Result<u64, Malformed> {
    if entry.flags & 8 == 0 {
        return Ok(0);
    }
    const SIGNATURE: u32 = 0x0807_4b50;
    let bytes = read_at(file, end, 24)?;
    let mut cut = Cut(&bytes);
    let signed = cut.word() == Some(SIGNATURE);
    let mut cut = Cut(bytes.get(if signed { 4 } else { 0 }..).unwrap_or_default());
    let wide = cut.take(4).is_some()
        && cut.number(8) == Some(entry.packed_bytes)
        && cut.number(8) == Some(entry.plain_bytes);
    Ok(if signed { 4 } else { 0 } + if wide { 20 } else { 12 })
}

/// A gap may be padding; one that begins like a file is a file that only some readers find.
fn look_between(
    file: &mut dyn ReadSeek,
    from: u64,
    to: u64,
    complaints: &mut Vec<String>,
) -> Result<(), Malformed> {
    if to.saturating_sub(from) >= 4 {
        let bytes = read_at(file, from, usize::try_from(to - from).unwrap_or(usize::MAX).min(1 << 20))?;
        if bytes.windows(4).any(|window| window == LOCAL.to_le_bytes()) {
            complaints.push("it holds a file that its directory does not list".to_owned());
        }
    }
    Ok(())
}
