use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use std::fmt;
use std::sync::Arc;

/// Which family of packages. Made only from an ecosystem's profile, so that no other crate can name one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EcosystemId(&'static str);

impl EcosystemId {
    /// To be called by an ecosystem's `Profile` alone.
    pub const fn new(id: &'static str) -> Self {
        Self(id)
    }

    /// As in configuration, metrics labels and stored rows.
    pub const fn as_str(self) -> &'static str {
        self.0
    }
}

impl fmt::Display for EcosystemId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.0)
    }
}

/// A package's name in its ecosystem. Two names are the same package when their **keys** are equal; the
/// key is the ecosystem's own normalisation taken far enough that no two names a client could confuse
/// differ in it (PEP 503 for Python; lower case and `-` for `_` in cargo).
#[derive(Clone)]
pub struct PackageName {
    ecosystem: EcosystemId,
    name: Arc<str>,
    key: Arc<str>,
}

/// The text cannot be a package's name in that ecosystem.
#[derive(Debug, Clone, thiserror::Error)]
#[error("`{name}` is not a valid package name: {why}")]
pub struct InvalidName {
    /// What was given, cut short.
    pub name: String,
    /// What a name has to look like.
    pub why: &'static str,
}

impl InvalidName {
    /// Names `name` and the rule it broke.
    pub fn new(name: &str, why: &'static str) -> Self {
        Self { name: name.chars().take(120).collect(), why }
    }
}

impl PackageName {
    /// To be called by the ecosystem alone, which has checked the name and knows its key.
    pub fn new(ecosystem: EcosystemId, name: &str, key: &str) -> Self {
        let name: Arc<str> = name.into();
        let key = if *name == *key { name.clone() } else { key.into() };
        Self { ecosystem, name, key }
    }

    /// Its ecosystem.
    pub fn ecosystem(&self) -> EcosystemId {
        self.ecosystem
    }

    /// As the registry writes it and upstream is asked for it.
    pub fn as_str(&self) -> &str {
        &self.name
    }

    /// What it is compared by.
    pub fn key(&self) -> &str {
        &self.key
    }
}

impl PartialEq for PackageName {
    fn eq(&self, other: &Self) -> bool {
        self.ecosystem == other.ecosystem && self.key == other.key
    }
}

impl Eq for PackageName {}

impl std::hash::Hash for PackageName {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.ecosystem.hash(state);
        self.key.hash(state);
    }
}

impl fmt::Display for PackageName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.name)
    }
}

impl fmt::Debug for PackageName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.ecosystem, self.name)
    }
}

/// A package URL (ECMA-427): `pkg:npm/%40scope/name@1.0.0`. Qualifiers and subpaths are read over.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Purl {
    /// The type, in lower case.
    pub kind: String,
    /// Namespace and name, joined with `/`, decoded.
    pub name: String,
    /// The version, decoded, if one is named.
    pub version: Option<String>,
}

/// What a purl's segments keep unencoded (ECMA-427 §5.6).
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'.').remove(b'-').remove(b'_').remove(b'~').remove(b':');

impl Purl {
    /// Reads a purl; `None` when the scheme, type or name is missing.
    pub fn parse(text: &str) -> Option<Self> {
        let rest = text.trim().strip_prefix("pkg:")?.trim_start_matches('/');
        let rest = rest.split('#').next()?.split('?').next()?;
        let (kind, rest) = rest.split_once('/')?;
        let decode = |text: &str| percent_decode_str(text).decode_utf8().ok().map(|text| text.into_owned());
        // A literal `@` may open a namespace (`pkg:npm/@scope/name`): the version follows the last one, and
        // never the first character of a segment.
        let (name, version) = match rest.rfind('@') {
            Some(at) if at > 0 && !rest.get(..at)?.ends_with('/') => {
                (rest.get(..at)?, Some(decode(rest.get(at + 1..)?)?))
            }
            _ => (rest, None),
        };
        let name = decode(name.trim_matches('/'))?;
        let valid = !kind.is_empty() && !name.is_empty();
        valid.then(|| Self {
            kind: kind.to_ascii_lowercase(),
            name,
            version: version.filter(|text| !text.is_empty()),
        })
    }
}

impl fmt::Display for Purl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "pkg:{}", self.kind)?;
        for segment in self.name.split('/') {
            write!(formatter, "/{}", utf8_percent_encode(segment, SEGMENT))?;
        }
        if let Some(version) = &self.version {
            write!(formatter, "@{}", utf8_percent_encode(version, SEGMENT))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn purls_read_and_print() {
        let scoped = Purl::parse("pkg:npm/%40scope/name@1.0.0-a%2Bb?arch=x#sub").unwrap();
        assert_eq!((scoped.name.as_str(), scoped.version.as_deref()), ("@scope/name", Some("1.0.0-a+b")));
        assert_eq!(scoped.to_string(), "pkg:npm/%40scope/name@1.0.0-a%2Bb");
        assert_eq!(Purl::parse("pkg:npm/@scope/name").unwrap().version, None);
        assert_eq!(Purl::parse("pkg:npm/@scope/name@2").unwrap().version.as_deref(), Some("2"));
        for wrong in ["", "npm/x", "pkg:npm", "pkg:npm/", "pkg:/x"] {
            assert_eq!(Purl::parse(wrong), None, "{wrong}");
        }
    }
}
