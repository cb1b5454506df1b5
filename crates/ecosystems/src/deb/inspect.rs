//! Looks into a file of a pool. A binary package says its name, version and architecture, whether it runs code
//! when it is installed, when its newest change was made, and under which licence it stands; a source package's
//! `debian` folder says when and under which.

use super::archive::{self, Parts, Step};
use super::changelog::{self, Entry};
use super::compression::decompressed;
use super::stanza::Stanzas;
use super::{copyright, dates, name, relay};
use crate::{Inspection, ReadSeek};
use lazaret_vocabulary::{Artifact, Malformed, PackageName, Release};
use std::io::{Cursor, Read};
use tar::{Archive, EntryType};

/// How much of a package's control archive is looked at, in bytes.
const LARGEST_CONTROL: u64 = 32 << 20;
/// How much of what a package installs is decompressed in search of its changelog, in bytes. A kernel's
/// modules stay below it; what a package has behind it is not looked for.
const LARGEST_DATA: u64 = 512 << 20;
/// Members of a control archive, at most.
const MOST_CONTROL: usize = 1000;
/// Members of a data archive, at most.
const MOST_DATA: usize = 500_000;
/// Largest `control`, in bytes.
const LARGEST_STANZA: u64 = 1 << 20;
/// Largest changelog or copyright file that is read, in bytes.
const LARGEST_TEXT: u64 = 8 << 20;
/// Scripts that dpkg runs (Debian Policy §6.1) and debconf's.
const SCRIPTS: [&str; 5] = ["preinst", "postinst", "prerm", "postrm", "config"];

/// Whether the date and licence of a release stand in a file of this name.
pub(super) fn tells(file: &str) -> bool {
    is_binary(file) || is_packaging(file)
}

fn is_binary(file: &str) -> bool {
    [".deb", ".udeb", ".ddeb"].iter().any(|ending| file.ends_with(ending))
}

/// A source package's `debian` folder: `…​.debian.tar.xz`, or the only tarball of a native one.
fn is_packaging(file: &str) -> bool {
    let file = file.rsplit('/').next().unwrap_or(file);
    let tarball =
        file.rsplit_once(".tar.").filter(|(_, ending)| matches!(*ending, "gz" | "xz" | "bz2" | "zst"));
    tarball.is_some_and(|(stem, _)| !stem.contains(".orig"))
}

/// What the file says of itself, and where that is not what its name and its index say.
pub(super) fn inspect(
    release: &Release,
    package: &PackageName,
    artifact: &Artifact,
    file: &mut dyn ReadSeek,
) -> Result<Inspection, Malformed> {
    let mut inspection = Inspection::default();
    if is_binary(&artifact.file) {
        let parts = archive::parts(file)?;
        let control = control(archive::tar(file, &parts.control, LARGEST_CONTROL)?)?;
        compare(&control, release, package, &artifact.file, &mut inspection);
        inspection.install_script = Some(control.scripts);
        inspection.disagreements.extend(control.odd.clone());
        inspection.claimed = dates::from_seconds(parts.modified);
        // What is not the package that it should be is not asked for its age.
        if inspection.disagreements.is_empty() {
            // An oversized or broken data archive has no changelog here: dpkg unpacks it or does not.
            if let Ok(documents) = installed(&control.package, file, &parts) {
                let source = control.source.as_deref().and_then(relay::source_version);
                let versions = [&*control.version, &*release.version, source.unwrap_or_default()];
                documents.tell(&versions, &mut inspection);
            }
            // Packages of one source often share one changelog, which only one of them holds. dpkg stamps each
            // with the date of that same changelog, unless its builder does otherwise.
            inspection.published = inspection.published.or(inspection.claimed);
        }
    } else if is_packaging(&artifact.file) {
        file.rewind().map_err(archive::broken)?;
        let documents = packaging(Archive::new(decompressed(file, LARGEST_DATA)?))?;
        documents.tell(&[&release.version], &mut inspection);
    } else if artifact.file.ends_with(".dsc") {
        description(release, package, file, &mut inspection)?;
    }
    Ok(inspection)
}

/// What `control` and its neighbours say.
#[derive(Debug, Default)]
pub(super) struct Control {
    pub package: String,
    pub version: String,
    pub architecture: String,
    /// As written, with a version in parentheses where it is another one.
    pub source: Option<String>,
    /// All of the stanza.
    pub text: String,
    pub scripts: bool,
    /// What dpkg might read otherwise than we do.
    pub odd: Option<String>,
}

impl Control {
    /// Name and version of the source package.
    pub(super) fn source(&self) -> (&str, &str) {
        let source = self.source.as_deref().unwrap_or(&self.package);
        (relay::source_name(source), relay::version_of(source, &self.version))
    }
}

/// Reads a control archive.
pub(super) fn control(archive: Archive<impl Read>) -> Result<Control, Malformed> {
    let mut found = Control::default();
    let mut text: Option<Vec<u8>> = None;
    archive::walk(archive, MOST_CONTROL, |mut entry| {
        if !matches!(entry.kind, EntryType::Regular | EntryType::Directory) {
            found.odd = Some("the package's control archive has members that are no files".to_owned());
        }
        if SCRIPTS.contains(&entry.path) {
            found.scripts = true;
        }
        if entry.path == "control" && text.is_some() {
            found.odd = Some("the package has two control files".to_owned());
        } else if entry.path == "control" {
            let read = entry.read(LARGEST_STANZA)?;
            let too_large = || Malformed::new("the package's control file is larger than 1 MiB");
            text = Some(read.ok_or_else(too_large)?);
        }
        Ok(Step::On)
    })?;
    let text = text.ok_or_else(|| Malformed::new("the package has no control file"))?;
    let text =
        String::from_utf8(text).map_err(|_| Malformed::new("the package's control file is not UTF-8"))?;
    let mut stanzas =
        Stanzas::new(Cursor::new(text.as_bytes()), &["Package", "Version", "Architecture", "Source"]);
    let stanza = stanzas.next()?.ok_or_else(|| Malformed::new("the package's control file is empty"))?;
    let field = |at: usize, name: &str| {
        let value = stanza.get(at).map(str::to_owned);
        value.ok_or_else(|| Malformed::new(format!("the package's control file has not one field {name}")))
    };
    found.package = field(0, "Package")?;
    found.version = field(1, "Version")?;
    found.architecture = field(2, "Architecture")?;
    found.source = stanza.get(3).map(str::to_owned);
    if stanzas.next()?.is_some() {
        found.odd = Some("the package's control file has a second stanza".to_owned());
    }
    found.text = text;
    Ok(found)
}

/// Where the package's own words are not those of its index or its file's name.
fn compare(
    control: &Control,
    release: &Release,
    package: &PackageName,
    file: &str,
    inspection: &mut Inspection,
) {
    let mut disagree = |what: &str, own: &str, other: &str| {
        let short = |text: &str| text.chars().take(100).collect::<String>();
        let sentence =
            format!("the package says {what} {}, its place in the pool {}", short(own), short(other));
        inspection.disagreements.push(sentence);
    };
    let path: Vec<&str> = file.split('/').collect();
    let (source, version) = control.source();
    if name::is_by_source(&path) {
        if !name::known_as(source).eq_ignore_ascii_case(package.as_str()) {
            disagree("its source is", source, package.as_str());
        }
        if version != &*release.version {
            disagree("its source's version is", version, &release.version);
        }
    } else if control.version != *release.version {
        disagree("its version is", &control.version, &release.version);
    }
    let Some(named) = name::file_name(file) else { return };
    if named.package != control.package {
        disagree("it is", &control.package, named.package);
    }
    if name::is_by_source(&path) {
        if named.version != file_version(&control.version) {
            disagree("its version is", &control.version, named.version);
        }
        if named.architecture != control.architecture {
            disagree("it is for", &control.architecture, named.architecture);
        }
    }
}

/// A version as files are called by it: without the epoch.
pub(super) fn file_version(version: &str) -> &str {
    version.split_once(':').map_or(version, |(_, rest)| rest)
}

/// The texts that tell date and licence.
#[derive(Default)]
struct Documents {
    changelog: Option<Entry>,
    /// The inner `None` is a copyright file in free text.
    licence: Option<Option<String>>,
}

impl Documents {
    /// The newest entry counts where it is about this very version; another one's date says nothing.
    fn tell(self, versions: &[&str], inspection: &mut Inspection) {
        let entry = self.changelog.filter(|entry| versions.contains(&entry.version.as_str()));
        inspection.published = entry.and_then(|entry| entry.date);
        inspection.licence = self.licence.flatten();
    }

    fn are_whole(&self) -> Step {
        if self.changelog.is_some() && self.licence.is_some() { Step::Stop } else { Step::On }
    }
}

/// Finds changelog and copyright file among what a binary package installs.
fn installed(package: &str, file: &mut dyn ReadSeek, parts: &Parts) -> Result<Documents, Malformed> {
    let folder = format!("usr/share/doc/{package}/");
    let mut found = Documents::default();
    archive::walk(archive::tar(file, &parts.data, LARGEST_DATA)?, MOST_DATA, |mut entry| {
        let Some(name) = entry.path.strip_prefix(&folder).map(str::to_owned) else {
            return Ok(Step::On);
        };
        if entry.kind != EntryType::Regular {
            return Ok(Step::On);
        }
        match name.as_str() {
            // A native package's changelog is its upstream's own.
            "changelog.Debian.gz" | "changelog.Debian" | "changelog.gz" | "changelog" => {
                let read = entry.read(LARGEST_TEXT)?.and_then(|bytes| changelog::newest(&bytes));
                if name.starts_with("changelog.Debian") || found.changelog.is_none() {
                    found.changelog = read.or(found.changelog.take());
                }
            }
            "copyright" => {
                found.licence = Some(entry.read(LARGEST_TEXT)?.and_then(|bytes| copyright::licence(&bytes)))
            }
            _ => {}
        }
        Ok(found.are_whole())
    })?;
    Ok(found)
}

/// Finds both in the `debian` folder of a source package, which a native one has below its own.
fn packaging(archive: Archive<impl Read>) -> Result<Documents, Malformed> {
    let mut found = Documents::default();
    archive::walk(archive, MOST_DATA, |mut entry| {
        let inner = match entry.path.split_once('/') {
            Some((folder, rest)) if folder != "debian" => rest,
            _ => entry.path,
        };
        match inner {
            "debian/changelog" => {
                found.changelog = entry.read(LARGEST_TEXT)?.and_then(|bytes| changelog::newest(&bytes));
            }
            "debian/copyright" => {
                found.licence = Some(entry.read(LARGEST_TEXT)?.and_then(|bytes| copyright::licence(&bytes)));
            }
            _ => {}
        }
        Ok(found.are_whole())
    })?;
    Ok(found)
}

/// A source package's description has to be about the release it stands for.
fn description(
    release: &Release,
    package: &PackageName,
    file: &mut dyn ReadSeek,
    inspection: &mut Inspection,
) -> Result<(), Malformed> {
    file.rewind().map_err(archive::broken)?;
    let mut text = Vec::new();
    file.take(LARGEST_STANZA).read_to_end(&mut text).map_err(archive::broken)?;
    let mut stanzas = Stanzas::new(Cursor::new(text), &["Source", "Version"]);
    // The first stanza of a signed one is the signature's head.
    for _ in 0..2 {
        let Some(stanza) = stanzas.next()? else { break };
        let (Some(source), Some(version)) = (stanza.get(0), stanza.get(1)) else { continue };
        if !source.eq_ignore_ascii_case(package.as_str()) || version != &*release.version {
            let short = |text: &str| text.chars().take(100).collect::<String>();
            inspection.disagreements.push(format!(
                "the source package says it is {} {}, its index {package} {}",
                short(source),
                short(version),
                release.version
            ));
        }
        return Ok(());
    }
    Err(Malformed::new("the source package's description names no source and version"))
}
