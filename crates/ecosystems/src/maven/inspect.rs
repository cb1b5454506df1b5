//! Looks into POMs and JARs: do they say of themselves what their address says?

use super::pom::{self, Coordinates};
use super::{licence, name};
use crate::{Inspection, ReadSeek};
use lazaret_vocabulary::{Artifact, Malformed, PackageName, Release};
use std::io::Read;
use zip::ZipArchive;

/// Largest POM and largest `pom.properties` read, in bytes.
const LARGEST_POM: u64 = 8 << 20;
const LARGEST_PROPERTIES: u64 = 64 << 10;
/// Where the tools that build JARs write down what they built.
const PROPERTIES: (&str, &str) = ("META-INF/maven/", "/pom.properties");

/// What the file says of itself, and where that is not what its address says. A file that cannot be read says
/// nothing: Maven looks into neither, and there are placeholders that are empty.
pub(super) fn inspect(
    release: &Release,
    package: &PackageName,
    artifact: &Artifact,
    file: &mut dyn ReadSeek,
) -> Result<Inspection, Malformed> {
    let mut inspection = Inspection::default();
    if artifact.file.ends_with(".pom") {
        let mut bytes = Vec::new();
        file.rewind().map_err(broken)?;
        file.take(LARGEST_POM + 1).read_to_end(&mut bytes).map_err(broken)?;
        if let Ok(pom) = pom::read(&bytes) {
            inspection.disagreements.extend(disagreement(package, &release.version, &pom.own, "POM"));
            inspection.licence = licence::expression(&pom.licences);
        }
    } else if artifact.file.ends_with(".jar")
        && let Some(own) = jar(file)
        && own.artifact == name::halves(package).1
    {
        inspection.disagreements.extend(disagreement(package, &release.version, &own, "JAR"));
    }
    Ok(inspection)
}

fn broken(error: std::io::Error) -> Malformed {
    Malformed::new(format!("the file cannot be read: {error}"))
}

/// What does not fit, if anything. What the file leaves to others, such as a property of its parent's, fits.
pub(super) fn disagreement(
    package: &PackageName,
    version: &str,
    own: &Coordinates,
    what: &str,
) -> Option<String> {
    let (group, artifact) = name::halves(package);
    let base = name::directory(version);
    let open = |text: &str| text.is_empty() || text.contains("${");
    let fits = |said: &str, wanted: &str| open(said) || said == wanted;
    let version_fits = fits(&own.version, version) || own.version == base;
    if fits(&own.group, group) && fits(&own.artifact, artifact) && version_fits {
        return None;
    }
    let said: String = [&own.group, &own.artifact, &own.version].map(|text| shown(text)).join(":");
    Some(format!("the {what} says {said}, its address says {package}:{version}"))
}

fn shown(text: &str) -> String {
    text.chars().filter(|letter| !letter.is_control()).take(100).collect()
}

/// The coordinates in the one `pom.properties` of a JAR. One that holds others has several, and one that has none
/// was built by other tools.
pub(super) fn jar(file: &mut dyn ReadSeek) -> Option<Coordinates> {
    file.rewind().ok()?;
    let mut archive = ZipArchive::new(file).ok()?;
    let is_properties = |path: &str| path.starts_with(PROPERTIES.0) && path.ends_with(PROPERTIES.1);
    let paths = archive.file_names().filter_map(Result::ok);
    let places: Vec<String> =
        paths.filter(|path| is_properties(path)).take(2).map(|path| path.into_owned()).collect();
    let [place] = places.as_slice() else { return None };
    let mut text = String::new();
    archive.by_name(place).ok()?.take(LARGEST_PROPERTIES).read_to_string(&mut text).ok()?;
    let value = |key: &str| {
        let lines = text.lines().filter_map(|line| line.split_once('='));
        let found = lines.map(|(name, value)| (name.trim(), value.trim())).find(|(name, _)| *name == key);
        found.map(|(_, value)| value.to_owned()).unwrap_or_default()
    };
    Some(Coordinates { group: value("groupId"), artifact: value("artifactId"), version: value("version") })
}
