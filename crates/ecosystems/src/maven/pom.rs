//! What a POM says (the Maven documentation, "POM Reference"): as much of it as this gateway looks at.

use super::name;
use super::xml::{self, Element};
use crate::client::line_of;
use lazaret_vocabulary::{Malformed, PackageName};
use std::borrow::Cow;
use std::collections::HashMap;

/// Largest POM read, in bytes. The largest known, which manage dependencies, stay below 1 MiB.
const LARGEST: usize = 8 << 20;
/// Most times that a value may lead to another.
const MOST_STEPS: usize = 8;
/// Longest value that comes out of replacing, in bytes.
const LONGEST_VALUE: usize = 4096;

/// A group, an artifact and a version.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Coordinates {
    pub group: String,
    pub artifact: String,
    pub version: String,
}

impl Coordinates {
    /// Package and version, where all of it is literal and well-formed: no property, no range.
    pub(super) fn release(&self) -> Option<(PackageName, &str)> {
        let package = name::join(&self.group, &self.artifact)?;
        let version = literal(&self.version)?;
        Some((package, version))
    }
}

/// A version that is one, not a range or a property (Maven's "Version Order Specification").
pub(super) fn literal(version: &str) -> Option<&str> {
    let named = matches!(version, "LATEST" | "RELEASE");
    let plain = name::is_segment(version) && !version.contains(['[', ']', '(', ')', ',', '$', '{', '}']);
    (plain && !named).then_some(version)
}

/// Something that a POM names: a dependency, a plugin, a parent, an extension.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Named {
    pub coordinates: Coordinates,
    pub scope: String,
    pub optional: bool,
    /// Line of the file, counted from 1.
    pub line: usize,
}

/// A POM, read.
#[derive(Debug, Default)]
pub(super) struct Pom {
    /// Its own coordinates, the parent's where it has none, properties replaced as far as it tells them.
    pub own: Coordinates,
    pub parent: Option<Coordinates>,
    /// Name and address of each licence.
    pub licences: Vec<(String, String)>,
    pub repository: Option<String>,
    pub title: String,
    /// What its users shall take instead, in Maven's words.
    pub relocation: Option<String>,
    pub dependencies: Vec<Named>,
    /// Everything it names with a version: parent, dependencies, managed ones that are imported, plugins,
    /// extensions.
    pub named: Vec<Named>,
    /// Places it asks for packages: kind, address and line.
    pub repositories: Vec<(&'static str, String, usize)>,
}

/// The text of a POM. Old ones come in other encodings than UTF-8, of which only what is ASCII matters.
fn decoded(bytes: &[u8]) -> Result<Cow<'_, str>, Malformed> {
    if bytes.len() > LARGEST {
        return Err(Malformed::new("the POM is larger than 8 MiB"));
    }
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => Cow::Owned(
            bytes.iter().map(|byte| if byte.is_ascii() { char::from(*byte) } else { '?' }).collect(),
        ),
    };
    // Whatever the declaration says: it was decoded above, and it is the parser's business no more.
    match text.trim_start().strip_prefix("<?xml").and_then(|rest| rest.find("?>")) {
        Some(end) => {
            let start = text.len() - text.trim_start().len();
            let blank: String = text
                .get(start..start + end + 7)
                .unwrap_or_default()
                .chars()
                .map(|letter| if letter == '\n' { letter } else { ' ' })
                .collect();
            let rest = text.get(start + end + 7..).unwrap_or_default();
            Ok(Cow::Owned(format!("{blank}{rest}")))
        }
        None => Ok(text),
    }
}

/// Reads a POM.
pub(super) fn read(bytes: &[u8]) -> Result<Pom, Malformed> {
    let text = decoded(bytes)?;
    let root = xml::parse(&text)?;
    if &*root.name != "project" {
        return Err(Malformed::new("the POM's root is not `project`"));
    }
    let parent = root.child("parent").map(plain_coordinates);
    let mut own = plain_coordinates(&root);
    if let Some(parent) = &parent {
        if own.group.is_empty() {
            own.group.clone_from(&parent.group);
        }
        if own.version.is_empty() {
            own.version.clone_from(&parent.version);
        }
    }
    let values = Values::new(&root, &own, parent.as_ref());
    own = values.coordinates(&own);
    let list = |path: &[&str]| -> Vec<Named> {
        root.find(path).into_iter().map(|element| values.named(element, &text)).collect()
    };
    let mut pom = Pom {
        licences: licences(&root, &values),
        repository: repository(&root, &values),
        title: title(&root),
        relocation: relocation(&root, &values, &own),
        dependencies: list(&["dependencies", "dependency"]),
        repositories: repositories(&root, &text),
        named: Vec::new(),
        parent,
        own,
    };
    pom.named.extend(root.child("parent").map(|element| values.named(element, &text)));
    pom.named.extend(pom.dependencies.iter().cloned());
    let managed = list(&["dependencyManagement", "dependencies", "dependency"]);
    pom.named.extend(managed.into_iter().filter(|named| named.scope == "import"));
    for path in [&["build", "plugins", "plugin"], &["build", "extensions", "extension"]] {
        let mut plugins = list(path);
        for plugin in &mut plugins {
            if plugin.coordinates.group.is_empty() {
                plugin.coordinates.group = "org.apache.maven.plugins".to_owned();
            }
        }
        pom.named.append(&mut plugins);
    }
    Ok(pom)
}

fn plain_coordinates(element: &Element) -> Coordinates {
    let text = |name| element.text_of(name).unwrap_or_default().to_owned();
    Coordinates { group: text("groupId"), artifact: text("artifactId"), version: text("version") }
}

/// What `${…}` stands for, as far as the POM itself says.
struct Values(HashMap<String, String>);

impl Values {
    fn new(root: &Element, own: &Coordinates, parent: Option<&Coordinates>) -> Self {
        let properties = root.child("properties").into_iter().flat_map(|properties| &properties.children);
        let mut values: HashMap<String, String> =
            properties.map(|property| (property.name.to_string(), property.text.clone())).collect();
        let mut add = |prefix: &str, coordinates: &Coordinates| {
            let Coordinates { group, artifact, version } = coordinates;
            for (name, value) in [("groupId", group), ("artifactId", artifact), ("version", version)] {
                values.insert(format!("{prefix}{name}"), value.clone());
            }
        };
        for prefix in ["project.", "pom.", ""] {
            add(prefix, own);
        }
        if let Some(parent) = parent {
            add("project.parent.", parent);
            add("parent.", parent);
        }
        Self(values)
    }

    /// The text with what is known replaced; the rest stays as it stands.
    fn replace(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for _ in 0..MOST_STEPS {
            let mut replaced = String::new();
            let mut rest = text.as_str();
            let mut changed = false;
            while let Some((before, name, after)) = reference(rest) {
                replaced.push_str(before);
                match self.0.get(name) {
                    Some(value) => {
                        replaced.push_str(value);
                        changed = true;
                    }
                    None => replaced.push_str(&format!("${{{name}}}")),
                }
                rest = after;
                if replaced.len() > LONGEST_VALUE {
                    return replaced;
                }
            }
            if !changed {
                return text;
            }
            replaced.push_str(rest);
            text = replaced;
        }
        text
    }

    fn coordinates(&self, raw: &Coordinates) -> Coordinates {
        Coordinates {
            group: self.replace(&raw.group),
            artifact: self.replace(&raw.artifact),
            version: self.replace(&raw.version),
        }
    }

    fn named(&self, element: &Element, text: &str) -> Named {
        Named {
            coordinates: self.coordinates(&plain_coordinates(element)),
            scope: self.replace(element.text_of("scope").unwrap_or_default()),
            optional: element.text_of("optional") == Some("true"),
            line: line_of(text, element.span.start),
        }
    }
}

/// What stands before the first `${name}`, the name, and what follows.
fn reference(text: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = text.split_once("${")?;
    let (name, after) = rest.split_once('}')?;
    Some((before, name, after))
}

fn licences(root: &Element, values: &Values) -> Vec<(String, String)> {
    let text = |element: &Element, name| values.replace(element.text_of(name).unwrap_or_default());
    root.find(&["licenses", "license"])
        .into_iter()
        .take(20)
        .map(|element| (text(element, "name"), text(element, "url")))
        .filter(|(name, url)| !name.is_empty() || !url.is_empty())
        .collect()
}

fn repository(root: &Element, values: &Values) -> Option<String> {
    let scm = root.child("scm")?;
    let text = ["url", "connection", "developerConnection"].into_iter().find_map(|name| scm.text_of(name))?;
    let text = values.replace(text);
    let plain = text
        .strip_prefix("scm:")
        .map_or(text.as_str(), |rest| rest.split_once(':').map_or(rest, |(_, address)| address));
    (!plain.is_empty() && plain.len() <= 500).then(|| plain.to_owned())
}

fn title(root: &Element) -> String {
    let text = root.text_of("description").or_else(|| root.text_of("name")).unwrap_or_default();
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    text.chars().take(1000).collect()
}

fn relocation(root: &Element, values: &Values, own: &Coordinates) -> Option<String> {
    let element = root.child("distributionManagement")?.child("relocation")?;
    let to = values.coordinates(&plain_coordinates(element));
    let or = |text: String, other: &str| if text.is_empty() { other.to_owned() } else { text };
    let (group, artifact) = (or(to.group, &own.group), or(to.artifact, &own.artifact));
    let mut said = format!("relocated to {group}:{artifact}:{}", or(to.version, &own.version));
    if let Some(why) = element.text_of("message") {
        said.push_str(": ");
        said.push_str(why);
    }
    let clean = said.split_whitespace().collect::<Vec<_>>().join(" ");
    Some(clean.chars().take(500).collect())
}

fn repositories(root: &Element, text: &str) -> Vec<(&'static str, String, usize)> {
    let kinds = [
        ("repository", ["repositories", "repository"]),
        ("pluginRepository", ["pluginRepositories", "pluginRepository"]),
    ];
    let profiles = root.find(&["profiles", "profile"]);
    let mut found = Vec::new();
    for element in std::iter::once(root).chain(profiles) {
        for (kind, path) in kinds {
            for entry in element.find(&path) {
                let address = entry.text_of("url").unwrap_or_default();
                let at = entry.child("url").map_or(entry.span.start, |url| url.span.start);
                found.push((kind, address.to_owned(), line_of(text, at)));
            }
        }
    }
    found
}
