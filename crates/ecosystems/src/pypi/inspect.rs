//! What an artifact says of itself: METADATA of a wheel (PEP 427, 566), PKG-INFO of a source distribution
//! (PEP 625, 643). Read with bounds, believed nothing.

use super::version::{self, FileKind};
use super::{project, zip_shape};
use crate::route::Part;
use crate::{Inspection, ReadSeek};
use bytes::Bytes;
use lazaret_vocabulary::{Artifact, Malformed, PackageName, Release};
use std::io::{Read, SeekFrom};
use zip::ZipArchive;

/// Largest METADATA kept and served, in bytes; a long README is a tenth of it.
const LARGEST_METADATA: u64 = 4 << 20;
/// Largest `.pth` file looked into, in bytes.
const LARGEST_PTH: u64 = 64 << 10;
/// Most `.pth` files looked into.
const MOST_PTH: usize = 16;
/// Most entries of a tar looked at.
const MOST_ENTRIES: usize = 250_000;
/// Most bytes of a tar inflated. What lies behind is not looked at.
const MOST_INFLATED: u64 = 1 << 30;
/// Largest extended header of a tar read, in bytes.
const LARGEST_HEADER: u64 = 64 << 10;

/// Looks into an artifact by its kind. Kinds of the past are let be: today's clients do not take them.
pub(super) fn inspect(
    release: &Release,
    package: &PackageName,
    artifact: &Artifact,
    file: &mut dyn ReadSeek,
) -> Result<Inspection, Malformed> {
    let name = artifact.file.as_ref();
    let expected = Expected { package, version: version::of_file(package.key(), name) };
    let mut inspection = look(&expected, name, file)?.inspection;
    if version::kind(name) == FileKind::Sdist {
        // Where there is a wheel, that is what clients take.
        inspection.install_script = release.install_script;
    }
    Ok(inspection)
}

/// An inspection, and the metadata it is about.
#[derive(Default)]
pub(super) struct Looked {
    pub inspection: Inspection,
    /// METADATA or PKG-INFO, cut at its largest size; `None` when there is none.
    pub metadata: Option<Vec<u8>>,
}

/// Looks into a file by the kind that its name says.
pub(super) fn look(
    expected: &Expected<'_>,
    name: &str,
    file: &mut dyn ReadSeek,
) -> Result<Looked, Malformed> {
    let lower = name.to_ascii_lowercase();
    match version::kind(name) {
        FileKind::Wheel => wheel(expected, file),
        FileKind::Sdist if lower.ends_with(".zip") => sdist_zip(expected, file),
        FileKind::Sdist if lower.ends_with(".tar.gz") || lower.ends_with(".tgz") => sdist_tar(expected, file),
        FileKind::Sdist | FileKind::Legacy => Ok(Looked::default()),
    }
}

/// What the file name promises.
pub(super) struct Expected<'a> {
    pub package: &'a PackageName,
    /// `None` when the name tells none.
    pub version: Option<String>,
}

impl Expected<'_> {
    /// Where metadata says something else.
    fn compare(&self, manifest: &str, fields: &Fields, disagreements: &mut Vec<String>) {
        let short = |text: &str| text.chars().take(80).collect::<String>().escape_debug().to_string();
        match fields.only("Name") {
            Some(name) if version::normalise(name) == self.package.key() => {}
            Some(name) => disagreements.push(format!(
                "{manifest} says that the project is `{}`, the index says `{}`",
                short(name),
                self.package
            )),
            None => disagreements.push(format!("{manifest} does not name exactly one project")),
        }
        match (fields.only("Version"), &self.version) {
            (None, _) => disagreements.push(format!("{manifest} does not name exactly one version")),
            (Some(found), Some(wanted)) if !version::same(found, wanted) => disagreements.push(format!(
                "{manifest} says that the version is `{}`, the file name says `{}`",
                short(found),
                short(wanted)
            )),
            _ => {}
        }
    }
}

/// Header fields of core metadata (RFC 822 form, one value a line, continued lines joined).
pub(super) struct Fields(Vec<(String, String)>);

impl Fields {
    /// Reads the header; a body behind it is left.
    pub(super) fn parse(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes);
        let mut fields: Vec<(String, String)> = Vec::new();
        for line in text.trim_start_matches('\u{feff}').lines() {
            if line.trim().is_empty() {
                break;
            }
            if line.starts_with([' ', '\t']) {
                if let Some((_, value)) = fields.last_mut() {
                    value.push('\n');
                    value.push_str(line.trim());
                }
            } else if let Some((name, value)) = line.split_once(':') {
                fields.push((name.trim().to_owned(), value.trim().to_owned()));
            }
        }
        Self(fields)
    }

    /// Every value of a field.
    pub(super) fn all<'a>(&'a self, name: &'static str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The value of a field that stands there once.
    pub(super) fn only(&self, name: &'static str) -> Option<&str> {
        let mut values = self.all(name);
        values.next().filter(|_| values.next().is_none())
    }

    /// The licence as its author states it.
    pub(super) fn licence(&self) -> Option<String> {
        let classifiers: Vec<&str> = self.all("Classifier").collect();
        project::licence(self.only("License-Expression"), &classifiers, self.only("License"))
    }
}

/// A reader by reference, since `zip` wants to own one of a known size.
struct Borrowed<'a>(&'a mut dyn ReadSeek);

impl Read for Borrowed<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.0.read(buffer)
    }
}

impl std::io::Seek for Borrowed<'_> {
    fn seek(&mut self, position: SeekFrom) -> std::io::Result<u64> {
        self.0.seek(position)
    }
}

/// A wheel: one `.dist-info` with METADATA, WHEEL and RECORD. Its METADATA is kept, to be served beside it.
fn wheel(expected: &Expected<'_>, file: &mut dyn ReadSeek) -> Result<Looked, Malformed> {
    let shape = zip_shape::look(file)?;
    let mut inspection =
        Inspection { disagreements: shape.complaints, install_script: Some(false), ..Inspection::default() };
    let mut folders: Vec<&str> = shape
        .names
        .iter()
        .filter_map(|name| name.split_once('/').map(|(folder, _)| folder))
        .filter(|folder| folder.to_ascii_lowercase().ends_with(".dist-info"))
        .collect();
    folders.sort_unstable();
    folders.dedup();
    let [folder] = folders.as_slice() else {
        inspection
            .disagreements
            .push(format!("it has {} `.dist-info` folders instead of one", folders.len()));
        return Ok(Looked { inspection, metadata: None });
    };
    for needed in ["METADATA", "WHEEL", "RECORD"] {
        if !shape
            .names
            .iter()
            .any(|name| name.strip_prefix(folder).and_then(|rest| rest.strip_prefix('/')) == Some(needed))
        {
            inspection.disagreements.push(format!("it has no {needed}, which every wheel must have"));
        }
    }
    let path = format!("{folder}/METADATA");
    if !inspection.disagreements.is_empty() && !shape.names.contains(&path) {
        return Ok(Looked { inspection, metadata: None });
    }
    let mut archive = ZipArchive::new(Borrowed(file))
        .map_err(|error| Malformed::new(format!("the wheel cannot be opened: {error}")))?;
    let metadata = read_entry(&mut archive, &path, LARGEST_METADATA)?;
    let fields = Fields::parse(&metadata);
    expected.compare("METADATA in the wheel", &fields, &mut inspection.disagreements);
    inspection.licence = fields.licence();
    inspection.install_script = Some(runs_at_start(&mut archive, &shape.names));
    if inspection.disagreements.is_empty() && (metadata.len() as u64) <= LARGEST_METADATA {
        inspection.extras.push((Part::Metadata, Bytes::from(metadata.clone())));
    }
    Ok(Looked { inspection, metadata: Some(metadata) })
}

/// Up to one byte more than `limit_bytes` of an entry, so that a longer one can be told.
fn read_entry(
    archive: &mut ZipArchive<Borrowed<'_>>,
    path: &str,
    limit_bytes: u64,
) -> Result<Vec<u8>, Malformed> {
    let unreadable = |why: String| Malformed::new(format!("`{path}` in the archive cannot be read: {why}"));
    let entry = archive.by_name(path).map_err(|error| unreadable(error.to_string()))?;
    let mut bytes = Vec::new();
    entry.take(limit_bytes + 1).read_to_end(&mut bytes).map_err(|error| unreadable(error.to_string()))?;
    Ok(bytes)
}

/// Whether the wheel brings a `.pth` file with code: the interpreter runs it each time that it starts, which
/// comes to the same as a script that runs at installation.
fn runs_at_start(archive: &mut ZipArchive<Borrowed<'_>>, names: &[String]) -> bool {
    let installed_at_root = |name: &&String| {
        let depth = name.matches('/').count();
        name.ends_with(".pth") && (depth == 0 || (depth == 2 && name.contains(".data/")))
    };
    names.iter().filter(installed_at_root).take(MOST_PTH).any(|name| {
        let Ok(bytes) = read_entry(archive, name, LARGEST_PTH) else { return true };
        // Python, `site`: lines that begin with `import` and a blank are run.
        bytes.len() as u64 > LARGEST_PTH
            || bytes.split(|byte| matches!(byte, b'\n' | b'\r')).any(|line| {
                line.strip_prefix(b"import")
                    .is_some_and(|rest| rest.starts_with(b" ") || rest.starts_with(b"\t"))
            })
    })
}

fn sdist_zip(expected: &Expected<'_>, file: &mut dyn ReadSeek) -> Result<Looked, Malformed> {
    let shape = zip_shape::look(file)?;
    let mut inspection = Inspection { disagreements: shape.complaints, ..Inspection::default() };
    let Some(path) = shape.names.iter().find(|name| is_package_info(name)) else {
        return Ok(Looked { inspection, metadata: None });
    };
    let mut archive = ZipArchive::new(Borrowed(file))
        .map_err(|error| Malformed::new(format!("the source distribution cannot be opened: {error}")))?;
    let metadata = read_entry(&mut archive, path, LARGEST_METADATA)?;
    let fields = Fields::parse(&metadata);
    expected.compare("PKG-INFO in the source distribution", &fields, &mut inspection.disagreements);
    inspection.licence = fields.licence();
    Ok(Looked { inspection, metadata: Some(metadata) })
}

/// `{name}-{version}/PKG-INFO`.
fn is_package_info(path: &str) -> bool {
    let plain = path.strip_prefix("./").unwrap_or(path);
    matches!(plain.split('/').collect::<Vec<_>>().as_slice(), [_, "PKG-INFO"])
}

fn sdist_tar(expected: &Expected<'_>, file: &mut dyn ReadSeek) -> Result<Looked, Malformed> {
    let broken = |error: &std::io::Error| {
        Malformed::new(format!("the source distribution cannot be read as a compressed tar: {error}"))
    };
    file.seek(SeekFrom::Start(0)).map_err(|error| broken(&error))?;
    let plain = flate2::read::MultiGzDecoder::new(std::io::BufReader::new(file)).take(MOST_INFLATED);
    let mut archive = tar::Archive::new(plain);
    let mut inspection = Inspection::default();
    let mut metadata: Option<Vec<u8>> = None;
    // Raw, since the crate would take extended headers of any length into memory.
    let entries = archive.entries().map_err(|error| broken(&error))?.raw(true);
    let mut renamed: Option<String> = None;
    let mut inflated = 0u64;
    for (count, entry) in entries.enumerate() {
        let mut entry = match entry {
            Ok(entry) => entry,
            // The bound cuts the archive short; that is not its fault.
            Err(_) if inflated > MOST_INFLATED / 2 => break,
            Err(error) => return Err(broken(&error)),
        };
        inflated = inflated.saturating_add(entry.size()).saturating_add(512);
        if count >= MOST_ENTRIES || inflated > MOST_INFLATED {
            break;
        }
        let kind = entry.header().entry_type();
        if kind.is_gnu_longname() || kind.is_pax_local_extensions() {
            renamed = extended_name(&mut entry, kind.is_gnu_longname())?.or(renamed);
            continue;
        }
        let own = || String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let path = renamed.take().unwrap_or_else(own);
        if !zip_shape::is_inside(&path) && !path.is_empty() && inspection.disagreements.len() < 8 {
            let shown: String = path.chars().take(80).collect();
            inspection
                .disagreements
                .push(format!("it holds `{}`, which is written outside its folder", shown.escape_debug()));
        }
        if kind.is_file() && is_package_info(&path) {
            if metadata.is_some() {
                inspection.disagreements.push("it holds two PKG-INFO files".to_owned());
                break;
            }
            let mut bytes = Vec::new();
            entry.take(LARGEST_METADATA).read_to_end(&mut bytes).map_err(|error| broken(&error))?;
            let fields = Fields::parse(&bytes);
            expected.compare("PKG-INFO in the source distribution", &fields, &mut inspection.disagreements);
            inspection.licence = fields.licence();
            metadata = Some(bytes);
        }
    }
    Ok(Looked { inspection, metadata })
}

/// The name that the next entry has (GNU `L`; POSIX.1-2001 pax `path`).
fn extended_name(entry: &mut impl Read, is_gnu: bool) -> Result<Option<String>, Malformed> {
    let mut bytes = Vec::new();
    entry
        .take(LARGEST_HEADER + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| Malformed::new(format!("an extended header of the tar cannot be read: {error}")))?;
    if bytes.len() as u64 > LARGEST_HEADER {
        return Err(Malformed::new("an extended header of the tar is longer than 64 KiB"));
    }
    if is_gnu {
        let name = bytes.split(|byte| *byte == 0).next().unwrap_or_default();
        return Ok(Some(String::from_utf8_lossy(name).into_owned()));
    }
    let mut name = None;
    for extension in tar::PaxExtensions::new(&bytes) {
        let extension = extension
            .map_err(|error| Malformed::new(format!("an extended header of the tar is not pax: {error}")))?;
        match extension.key_bytes() {
            b"path" => name = Some(String::from_utf8_lossy(extension.value_bytes()).into_owned()),
            // Would move every entry behind it for some readers and not for others.
            b"size" => {
                return Err(Malformed::new("the tar overrides the size of a file in an extended header"));
            }
            _ => {}
        }
    }
    Ok(name)
}
