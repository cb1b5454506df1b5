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
