//! Looks into a tarball: a tar, usually gzip'd, whose members stand below one folder of any name (npm takes
//! the first segment off every path). Only `package.json` is read; nothing is written anywhere.

use super::dependencies::{Dependencies, fingerprint, names};
use super::json::{Pairs, text};
use super::manifest::{licence_text, runs_on_install};
use super::version;
use crate::{Inspection, ReadSeek};
use flate2::read::MultiGzDecoder;
use lazaret_vocabulary::{Malformed, PackageName, Release};
use std::io::{self, Read, SeekFrom};
use tar::{Archive, EntryType};

/// The longest that a tarball may become when it is unpacked.
const LARGEST_UNPACKED: u64 = 2 << 30;
const MOST_MEMBERS: usize = 200_000;
const LARGEST_MANIFEST: u64 = 8 << 20;

/// What the tarball holds, as far as it matters.
#[derive(Default)]
struct Contents {
    manifests: Vec<Vec<u8>>,
    binding_gyp: bool,
}

/// What the tarball says of itself, and where that is not what the index says (manifest confusion).
pub(super) fn inspect(
    release: &Release,
    package: &PackageName,
    file: &mut dyn ReadSeek,
) -> Result<Inspection, Malformed> {
    let contents = contents(file)?;
    let mut inspection = Inspection::default();
    // The last one of a name is what unpacking leaves on disk.
    let Some(bytes) = contents.manifests.last() else {
        inspection.disagreements.push("the tarball has no package.json".to_owned());
        return Ok(inspection);
    };
    if contents.manifests.iter().any(|other| other != bytes) {
        inspection.disagreements.push("the tarball has several package.json that differ".to_owned());
    }
    match read(bytes) {
        Ok(manifest) => compare(&manifest, release, package, contents.binding_gyp, &mut inspection),
        Err(why) => inspection.disagreements.push(format!("the tarball's package.json {why}")),
    }
    Ok(inspection)
}

fn broken(error: io::Error) -> Malformed {
    Malformed::new(format!("the tarball is not a whole tar archive: {error}"))
}

fn contents(file: &mut dyn ReadSeek) -> Result<Contents, Malformed> {
    let mut magic = [0u8; 2];
    file.rewind().map_err(broken)?;
    file.read_exact(&mut magic).map_err(broken)?;
    file.seek(SeekFrom::Start(0)).map_err(broken)?;
    // A few old tarballs are plain tar; npm unpacks both.
    if magic == [0x1f, 0x8b] {
        members(Bounded { inner: MultiGzDecoder::new(file), left: LARGEST_UNPACKED })
    } else {
        members(Bounded { inner: file, left: LARGEST_UNPACKED })
    }
}

/// Fails, rather than ending early, behind so many bytes.
struct Bounded<R> {
    inner: R,
    left: u64,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.left = self.left.checked_sub(count as u64).ok_or_else(|| {
            io::Error::other(format!("it unpacks to more than {} MiB", LARGEST_UNPACKED >> 20))
        })?;
        Ok(count)
    }
}

fn members(reader: impl Read) -> Result<Contents, Malformed> {
    let mut archive = Archive::new(reader);
    let mut contents = Contents::default();
    for (count, entry) in archive.entries().map_err(broken)?.enumerate() {
        let mut entry = entry.map_err(broken)?;
        if count >= MOST_MEMBERS {
            return Err(Malformed::new(format!("the tarball has more than {MOST_MEMBERS} members")));
        }
        if !matches!(entry.header().entry_type(), EntryType::Regular | EntryType::Continuous) {
            continue;
        }
        match root_file(&entry.path_bytes()).as_deref() {
            Some("package.json") => {
                let mut bytes = Vec::new();
                entry.by_ref().take(LARGEST_MANIFEST + 1).read_to_end(&mut bytes).map_err(broken)?;
                if bytes.len() as u64 > LARGEST_MANIFEST || contents.manifests.len() >= 8 {
                    return Err(Malformed::new(
                        "the tarball's package.json is too large or there many times",
                    ));
                }
                contents.manifests.push(bytes);
            }
            Some("binding.gyp") => contents.binding_gyp = true,
            _ => {}
        }
    }
    Ok(contents)
}

/// The name of a file that lands directly in the package's folder, in lower case, since not every disk tells
/// case apart.
fn root_file(path: &[u8]) -> Option<String> {
    let path = std::str::from_utf8(path).ok()?;
    let parts: Vec<&str> = path.split(['/', '\\']).filter(|part| !part.is_empty() && *part != ".").collect();
    match parts.as_slice() {
        [_, file] => Some(file.to_ascii_lowercase()),
        _ => None,
    }
}

/// The members of a `package.json` that matter, as JSON texts.
#[derive(Default)]
struct Manifest<'a> {
    name: Option<&'a str>,
    version: Option<&'a str>,
    dependencies: Dependencies<'a>,
    scripts: Option<&'a str>,
    licence: Option<&'a str>,
    gypfile: Option<&'a str>,
}

fn read(bytes: &[u8]) -> Result<Manifest<'_>, String> {
    let whole = std::str::from_utf8(bytes).map_err(|_| "is not UTF-8")?;
    let pairs: Pairs<'_> = serde_json::from_str(whole.trim_start_matches('\u{feff}'))
        .map_err(|error| format!("cannot be read: {error}"))?;
    let mut manifest = Manifest::default();
    for (key, value) in pairs.0 {
        let value = Some(value.get());
        match text(key.get()).as_deref() {
            Some("name") => manifest.name = value,
            Some("version") => manifest.version = value,
            Some("dependencies") => manifest.dependencies.plain = value,
            Some("optionalDependencies") => manifest.dependencies.optional = value,
            Some("peerDependencies") => manifest.dependencies.peer = value,
            Some("scripts") => manifest.scripts = value,
            Some("license") => manifest.licence = value,
            Some("licenses") => manifest.licence = manifest.licence.or(value),
            Some("gypfile") => manifest.gypfile = value,
            _ => {}
        }
    }
    Ok(manifest)
}

fn compare(
    manifest: &Manifest<'_>,
    release: &Release,
    package: &PackageName,
    binding_gyp: bool,
    inspection: &mut Inspection,
) {
    let said = |raw: Option<&str>| raw.and_then(text).map(|text| text.trim().to_owned()).unwrap_or_default();
    let excerpt = |text: &str| text.chars().take(80).collect::<String>();
    let name = said(manifest.name);
    if !name.eq_ignore_ascii_case(package.as_str()) {
        let name = excerpt(&name);
        inspection.disagreements.push(format!("the tarball calls itself `{name}`, the index `{package}`"));
    }
    let own_version = said(manifest.version);
    // Build metadata is dropped when a version is published.
    let same = match (version::parse(&own_version), version::parse(&release.version)) {
        (Some(own), Some(listed)) => own.cmp_precedence(&listed).is_eq(),
        _ => own_version == *release.version,
    };
    if !same {
        inspection.disagreements.push(format!(
            "the tarball is of version `{}`, the index says `{}`",
            excerpt(&own_version),
            release.version
        ));
    }
    if let (Some(listed), Some(own)) = (release.dependencies, fingerprint(&manifest.dependencies))
        && listed != own
    {
        let found: Vec<String> = names(&manifest.dependencies).into_iter().take(20).collect();
        let found = if found.is_empty() { "none".to_owned() } else { excerpt(&found.join(", ")) };
        inspection
            .disagreements
            .push(format!("the tarball's dependencies ({found}) are not those that the index lists"));
    }
    let runs = manifest.scripts.is_some_and(runs_on_install);
    if runs && release.install_script == Some(false) {
        inspection
            .disagreements
            .push("the tarball has install scripts, of which the index says nothing".to_owned());
    }
    // npm compiles a package that has a `binding.gyp`, unless the package says that it does not want that.
    let compiles = binding_gyp && manifest.gypfile != Some("false");
    inspection.install_script = Some(runs || compiles);
    inspection.licence = manifest.licence.and_then(licence_text);
}
