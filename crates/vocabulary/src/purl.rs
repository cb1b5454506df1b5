#[cfg(test)]
mod tests;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use std::fmt;

/// Longest purl read, in bytes.
const LONGEST_PURL: usize = 16 << 10;

/// What stays unencoded everywhere (ECMA-427 §5.4).
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'.').remove(b'-').remove(b'_').remove(b'~').remove(b':');

/// A package URL (ECMA-427): `pkg:npm/%40scope/name@1.0.0?arch=x86#lib`.
///
/// Always in canonical form, so that two are equal when they name the same thing, and printing gives the one
/// spelling. Two things are read more widely than the standard has it: a `/` that was encoded inside a segment
/// counts as one between segments, and whether a type wants a namespace or has none is left to the ecosystem,
/// which checks names (`pkg:maven/*` is a pattern, and Go's own library has no namespace).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub struct Purl {
    /// The type, in lower case.
    pub kind: String,
    /// Namespace and name, joined with `/`, decoded, as the type's definition normalises them.
    pub name: String,
    /// The version, decoded, if one is named.
    pub version: Option<String>,
    /// Keys in lower case, in rising order and each once; values decoded and never empty.
    pub qualifiers: Vec<(String, String)>,
    /// Segments joined with `/`, decoded, none of them empty, `.` or `..`.
    pub subpath: Option<String>,
}

/// What a type's definition makes of names.
struct Rule {
    kind: &'static str,
    /// Letters are in lower case.
    lower: bool,
    /// `_` is `-`.
    dashes: bool,
    /// The native name joins namespace and name with `:`.
    colon: bool,
}

/// The types whose names are not kept as they are. Go's is not among them: its definition calls names
/// case-sensitive and wants them in lower case, and to the go command they are two modules.
const RULES: &[Rule] = &[
    Rule { kind: "deb", lower: true, dashes: false, colon: false },
    Rule { kind: "github", lower: true, dashes: false, colon: false },
    Rule { kind: "maven", lower: false, dashes: false, colon: true },
    Rule { kind: "oci", lower: true, dashes: false, colon: false },
    Rule { kind: "pypi", lower: true, dashes: true, colon: false },
];

impl Purl {
    /// A purl of this type for a package, whose namespace and name are joined with `/`. `None` when the type
    /// or the name is none.
    pub fn new(kind: &str, name: &str, version: Option<&str>) -> Option<Self> {
        let mut letters = kind.bytes();
        let valid = letters.next().is_some_and(|first| first.is_ascii_alphabetic())
            && letters.all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-'));
        let kind = valid.then(|| kind.to_ascii_lowercase())?;
        let name = normalise(&kind, &join(name.split('/')));
        let version = version.filter(|text| !text.is_empty()).map(str::to_owned);
        (!name.is_empty()).then_some(Self { kind, name, version, qualifiers: Vec::new(), subpath: None })
    }

    /// The same with these qualifiers instead of its own; empty ones are left out. `None` when a key is none
    /// or comes twice.
    pub fn with_qualifiers<'a>(
        mut self,
        pairs: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Option<Self> {
        self.qualifiers = pairs
            .into_iter()
            .map(|(key, value)| is_key(key).then(|| (key.to_ascii_lowercase(), value.to_owned())))
            .collect::<Option<_>>()?;
        self.qualifiers.sort();
        let mut neighbours = self.qualifiers.iter().zip(self.qualifiers.iter().skip(1));
        if neighbours.any(|((one, _), (other, _))| one == other) {
            return None;
        }
        self.qualifiers.retain(|(_, value)| !value.is_empty());
        Some(self)
    }

    /// The same with this path below the package instead of its own.
    pub fn with_subpath(mut self, path: &str) -> Self {
        let path = join(path.split('/').filter(|segment| !matches!(*segment, "." | "..")));
        self.subpath = (!path.is_empty()).then_some(path);
        self
    }

    /// Reads a purl, canonical or not. `None` when scheme, type or name is missing or a part is not what the
    /// standard allows.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if text.len() > LONGEST_PURL {
            return None;
        }
        let (scheme, rest) = text.split_once(':')?;
        if !scheme.eq_ignore_ascii_case("pkg") {
            return None;
        }
        let (rest, subpath) = rest.rsplit_once('#').unwrap_or((rest, ""));
        let (rest, qualifiers) = rest.rsplit_once('?').unwrap_or((rest, ""));
        let (kind, rest) = rest.trim_matches('/').split_once('/')?;
        let (name, version) = split_version(rest);
        let version = match version.map(decode) {
            Some(None) => return None,
            version => version.flatten(),
        };
        let pairs = qualifiers.split('&').filter(|pair| !pair.is_empty());
        let pairs: Vec<(&str, String)> = pairs
            .map(|pair| {
                let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
                Some((key, decode(value)?))
            })
            .collect::<Option<_>>()?;
        Self::new(kind, &decode(name)?, version.as_deref())?
            .with_qualifiers(pairs.iter().map(|(key, value)| (*key, value.as_str())))
            .and_then(|purl| Some(purl.with_subpath(&decode(subpath)?)))
    }

    /// What stands before the last segment of its name: npm's scope, Maven's group, a vendor.
    pub fn namespace(&self) -> Option<&str> {
        self.name.rsplit_once('/').map(|(namespace, _)| namespace)
    }

    /// The last segment of its name.
    pub fn base_name(&self) -> &str {
        self.name.rsplit_once('/').map_or(&self.name, |(_, name)| name)
    }

    /// The value of a qualifier, whose key is given in lower case.
    pub fn qualifier(&self, key: &str) -> Option<&str> {
        self.qualifiers.iter().find(|(known, _)| known == key).map(|(_, value)| value.as_str())
    }
}

/// A literal `@` may open a namespace (`pkg:npm/@scope/name`): the version follows the last one, unless that
/// is the first character of a segment behind which another comes.
fn split_version(text: &str) -> (&str, Option<&str>) {
    match text.rsplit_once('@') {
        Some((name, version)) if (name.is_empty() || name.ends_with('/')) && version.contains('/') => {
            (text, None)
        }
        Some((name, version)) => (name, Some(version)),
        None => (text, None),
    }
}

fn decode(text: &str) -> Option<String> {
    percent_decode_str(text).decode_utf8().ok().map(|text| text.into_owned())
}

fn join<'a>(segments: impl Iterator<Item = &'a str>) -> String {
    let mut joined = String::new();
    for segment in segments.filter(|segment| !segment.is_empty()) {
        if !joined.is_empty() {
            joined.push('/');
        }
        joined.push_str(segment);
    }
    joined
}

fn normalise(kind: &str, name: &str) -> String {
    let Some(rule) = RULES.iter().find(|rule| rule.kind == kind) else { return name.to_owned() };
    let name = if rule.lower { name.to_lowercase() } else { name.to_owned() };
    let name = if rule.dashes { name.replace('_', "-") } else { name };
    if rule.colon { join(name.split(['/', ':'])) } else { name }
}

/// ECMA-427 §5.6.6: letters, digits, `.`, `-` and `_`, the first of them a letter.
fn is_key(text: &str) -> bool {
    text.starts_with(|letter: char| letter.is_ascii_alphabetic())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'))
}

impl fmt::Display for Purl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "pkg:{}", self.kind)?;
        for segment in self.name.split('/') {
            write!(formatter, "/{}", utf8_percent_encode(segment, PLAIN))?;
        }
        if let Some(version) = &self.version {
            write!(formatter, "@{}", utf8_percent_encode(version, PLAIN))?;
        }
        for (place, (key, value)) in self.qualifiers.iter().enumerate() {
            let mark = if place == 0 { '?' } else { '&' };
            write!(formatter, "{mark}{key}={}", utf8_percent_encode(value, PLAIN))?;
        }
        for (place, segment) in self.subpath.iter().flat_map(|path| path.split('/')).enumerate() {
            let mark = if place == 0 { '#' } else { '/' };
            write!(formatter, "{mark}{}", utf8_percent_encode(segment, PLAIN))?;
        }
        Ok(())
    }
}
