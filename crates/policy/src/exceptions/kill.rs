//! The kill switch.

use crate::pattern::{KnownEcosystem, NamePattern, Pattern, shorten};
use crate::problem::suggestion;
use lazaret_vocabulary::{Digest, Purl, Timestamp};
use std::str::FromStr;
use std::sync::Arc;

/// Something refused at once, above every waiver.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kill {
    /// Its id, as records name it.
    pub id: Arc<str>,
    /// What is refused.
    pub target: KillTarget,
    /// Why, in a sentence.
    pub why: Arc<str>,
    /// Who threw the switch.
    pub author: Arc<str>,
    /// When.
    pub created: Timestamp,
}

/// What a kill switch refuses.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KillTarget {
    /// Releases by name.
    Package {
        /// The ecosystem's id.
        ecosystem: Arc<str>,
        /// A pattern over keys, in which `*` stands for any run of characters.
        package: Arc<str>,
        /// A pattern over versions; `None` is every one.
        version: Option<Arc<str>>,
    },
    /// Files by digest, as `sha256:<hex>`.
    Digest(Arc<str>),
}

/// The text names nothing that can be refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected a package URL such as pkg:npm/left-pad@1.3.*, or sha256:<64 hex digits>; found `{found}`{hint}"
)]
pub struct InvalidKill {
    found: String,
    hint: String,
}

impl KillTarget {
    /// Reads `pkg:npm/%40acme/*`, `pkg:npm/left-pad@1.3.*` or `sha256:<hex>`. In a package URL `*` stands for
    /// any run of characters, in the name and in the version.
    pub fn parse(text: &str, known: &[KnownEcosystem<'_>]) -> Result<Self, InvalidKill> {
        let text = text.trim();
        let invalid = |hint: String| InvalidKill { found: shorten(text), hint };
        if !text.starts_with("pkg:") {
            let digest = Digest::from_str(text).map_err(|_| invalid(String::new()))?;
            return Ok(Self::Digest(digest.to_string().into()));
        }
        let purl = Purl::parse(text).ok_or_else(|| invalid(String::new()))?;
        let ecosystem = known
            .iter()
            .find(|one| one.purl_type == purl.kind)
            .ok_or_else(|| invalid(suggestion(&purl.kind, known.iter().map(|one| one.purl_type))))?;
        let named = NamePattern::read(&purl.name, Some(ecosystem.id.as_str()), known);
        let package = named
            .ok()
            .and_then(|all| all.into_iter().next())
            .ok_or_else(|| invalid(format!("; `{}` is no name in {}", shorten(&purl.name), ecosystem.id)))?;
        let version = match purl.version {
            Some(version) => {
                let pattern = Pattern::new(&version).ok_or_else(|| invalid(String::new()))?;
                Some(pattern.as_str().into())
            }
            None => None,
        };
        let package = package.pattern.as_str().into();
        Ok(Self::Package { ecosystem: ecosystem.id.as_str().into(), package, version })
    }
}

impl Kill {
    /// Whether a file with this digest is refused.
    pub fn matches_digest(&self, digest: &Digest) -> bool {
        match &self.target {
            KillTarget::Digest(text) => Digest::from_str(text).is_ok_and(|killed| killed == *digest),
            KillTarget::Package { .. } => false,
        }
    }

    pub(crate) fn sentence(&self) -> String {
        format!("refused at once by {}: {}", self.author, self.why.trim_end_matches('.'))
    }
}
