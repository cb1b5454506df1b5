//! Looks into a package: a zip with one nuspec at its root (NuGet "Package layout"). Only the nuspec is read; of
//! the rest only names are looked at.

use super::dependencies::{names_half, names_hash};
use super::nuspec::{self, Nuspec};
use crate::go::licence;
use crate::pypi::zip_shape;
use crate::route::Part;
use crate::{Inspection, ReadSeek};
use lazaret_vocabulary::{Artifact, Malformed, PackageName, Release};
use std::io::Read as _;
use zip::ZipArchive;

/// Largest licence file read, in bytes.
const LARGEST_LICENCE: usize = 256 << 10;
/// Disagreements told one by one; a package that is wrong all over needs no more.
const MOST_DISAGREEMENTS: usize = 16;
/// What the walk over the zip's structure says of a name with a backslash, as packages of the first years have.
/// NuGet reads it as a slash, so that these names are looked at here instead.
const OUTSIDE: &str = "which is written outside its folder";

/// A package that was looked into.
pub(super) struct Looked {
    pub nuspec: Nuspec,
    /// Its bytes.
    pub manifest: Vec<u8>,
    /// What could be read in two ways, and what leads out of the folder it is unpacked to.
    pub complaints: Vec<String>,
    /// The licence that its licence file is recognised as, where the nuspec says no more than which file it is.
    pub licence_text: Option<String>,
    /// Whether something in it runs when it is installed or used in a build.
    pub runs_code: bool,
}

/// What the package says of itself, and where that is not what the index says.
pub(super) fn inspect(
    release: &Release,
    package: &PackageName,
    artifact: &Artifact,
    file: &mut dyn ReadSeek,
) -> Result<Inspection, Malformed> {
    let looked = look(file)?;
    let nuspec = &looked.nuspec;
    let mut inspection = Inspection { disagreements: looked.complaints, ..Inspection::default() };
    if nuspec.package != *package || nuspec.normal != *release.version {
        inspection.disagreements.push(format!(
            "the package's nuspec says {} {}, the index says {package} {}",
            nuspec.package, nuspec.normal, release.version
        ));
    }
    if artifact.file.ends_with(".snupkg") {
        return Ok(inspection);
    }
    if let Some(fingerprint) = release.dependencies
        && names_hash(&nuspec.dependencies) != names_half(fingerprint)
    {
        let list: Vec<&str> =
            nuspec.dependencies.iter().map(|dependency| dependency.id.as_str()).take(20).collect();
        inspection.disagreements.push(format!(
            "the package's nuspec names other dependencies than the index: {}",
            if list.is_empty() { "none".to_owned() } else { list.join(", ") }
        ));
    }
    if let (Some(own), Some(told)) = (&nuspec.licence, release.licence.as_deref())
        && !told.contains("://")
        && !own.eq_ignore_ascii_case(told)
    {
        let short = |text: &str| text.chars().take(80).collect::<String>().escape_debug().to_string();
        inspection.disagreements.push(format!(
            "the package's nuspec says the licence is `{}`, the index says `{}`",
            short(own),
            short(told)
        ));
    }
    inspection.licence = nuspec.licence.clone().or(looked.licence_text);
    inspection.install_script = Some(looked.runs_code);
    inspection.extras = vec![(Part::Metadata, looked.manifest.into())];
    inspection.disagreements.truncate(MOST_DISAGREEMENTS);
    Ok(inspection)
}

/// Looks into a package, whatever it is said to be.
pub(super) fn look(file: &mut dyn ReadSeek) -> Result<Looked, Malformed> {
    let shape = zip_shape::look(file)?;
    let mut complaints: Vec<String> =
        shape.complaints.into_iter().filter(|complaint| !complaint.contains(OUTSIDE)).collect();
    let names: Vec<String> = shape.names.iter().map(|name| plain(name)).collect();
    for name in names.iter().filter(|name| !zip_shape::is_inside(name)).take(4) {
        let shown: String = name.chars().take(80).collect();
        complaints.push(format!("it holds `{}`, {OUTSIDE}", shown.escape_debug()));
    }
    let manifests: Vec<&String> = shape
        .names
        .iter()
        .zip(&names)
        .filter(|(_, plain)| !plain.contains('/') && plain.to_ascii_lowercase().ends_with(".nuspec"))
        .map(|(name, _)| name)
        .collect();
    let [manifest] = manifests.as_slice() else {
        return Err(Malformed::new(format!(
            "the package has {} nuspecs at its root, expected one",
            manifests.len()
        )));
    };
    let manifest = member(file, manifest, nuspec::LARGEST)?;
    let nuspec = Nuspec::parse(&manifest)?;
    let runs_code = names.iter().any(|name| runs(name, nuspec.package.key()));
    let licence_text = nuspec.licence_file.as_deref().and_then(|wanted| {
        let wanted = plain(wanted);
        let (name, _) =
            shape.names.iter().zip(&names).find(|(_, plain)| plain.eq_ignore_ascii_case(&wanted))?;
        licence::recognise(&[member(file, name, LARGEST_LICENCE).ok()?])
    });
    Ok(Looked { nuspec, manifest, complaints, licence_text, runs_code })
}

/// A name as NuGet unpacks it: backslashes are slashes, and percent-encoding is undone.
fn plain(name: &str) -> String {
    let decoded = percent_encoding::percent_decode_str(name).decode_utf8_lossy();
    decoded.replace('\\', "/")
}

/// A file of the package, cut off just above `largest` bytes.
fn member(file: &mut dyn ReadSeek, name: &str, largest: usize) -> Result<Vec<u8>, Malformed> {
    let broken = |error: &dyn std::fmt::Display| {
        let shown: String = name.chars().take(80).collect();
        Malformed::new(format!("the package's `{}` cannot be unpacked: {error}", shown.escape_debug()))
    };
    file.rewind().map_err(|error| broken(&error))?;
    let mut archive = ZipArchive::new(file).map_err(|error| broken(&error))?;
    let entry = archive.by_name(name).map_err(|error| broken(&error))?;
    let mut bytes = Vec::new();
    entry.take(largest as u64 + 1).read_to_end(&mut bytes).map_err(|error| broken(&error))?;
    Ok(bytes)
}

/// Whether a file of a package runs by itself: PowerShell scripts that the console and `packages.config`
/// projects run, and the MSBuild files that NuGet imports into every project which uses the package, which are
/// called as the package is.
fn runs(name: &str, key: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let (folder, file) = name.split_once('/').unwrap_or(("", &name));
    let file = file.rsplit('/').next().unwrap_or(file);
    match folder {
        "tools" => matches!(file, "init.ps1" | "install.ps1" | "uninstall.ps1"),
        "build" | "buildtransitive" | "buildmultitargeting" | "buildcrosstargeting" => {
            let stem = file.strip_suffix(".targets").or_else(|| file.strip_suffix(".props"));
            stem == Some(key)
        }
        _ => false,
    }
}
