//! One version's manifest: the facts it states, and where it has to be cut so that the tarball's address can
//! be replaced.

use super::dependencies::{Dependencies, fingerprint};
use super::json::{Pairs, span, text};
use lazaret_vocabulary::{Algorithm, Digest};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

/// The members that an installation reads: those of the abbreviated document, and what npm writes into its
/// lock file besides. `dist`, `deprecated` and `hasInstallScript` are treated apart.
fn is_for_installing(member: &str) -> bool {
    matches!(
        member,
        "name"
            | "version"
            | "dependencies"
            | "optionalDependencies"
            | "peerDependencies"
            | "peerDependenciesMeta"
            | "dependenciesMeta"
            | "bundleDependencies"
            | "bundledDependencies"
            | "acceptDependencies"
            | "bin"
            | "directories"
            | "engines"
            | "os"
            | "cpu"
            | "libc"
            | "funding"
            | "license"
            | "workspaces"
            | "_hasShrinkwrap"
    )
}

/// A manifest's members of interest, as pieces of the document.
#[derive(Debug, Default)]
pub(super) struct Manifest<'a> {
    /// From the first key to the end of the last value.
    pub members: Range<usize>,
    pub name: Option<&'a str>,
    pub version: Option<&'a str>,
    pub dist: Option<Dist<'a>>,
    pub deprecated: Option<&'a str>,
    pub dependencies: Dependencies<'a>,
    licence: Option<&'a str>,
    licences: Option<&'a str>,
    scripts: Option<&'a str>,
    has_install_script: Option<&'a str>,
    gypfile: Option<&'a str>,
    repository: Option<&'a str>,
    npm_user: Option<&'a str>,
    trimmed: Vec<(Cow<'a, str>, &'a str)>,
}

/// `dist`: where the tarball is and what its bytes must be.
#[derive(Debug)]
pub(super) struct Dist<'a> {
    whole: &'a str,
    tarball: &'a str,
    integrity: Option<&'a str>,
    shasum: Option<&'a str>,
}

/// What the manifest before had, and what it came to: most members of a release are those of the one before.
#[derive(Default)]
pub(super) struct Memo<'a> {
    scripts: Last<Option<&'a str>, bool>,
    licence: Last<Option<&'a str>, Option<Arc<str>>>,
    publisher: Last<Option<&'a str>, Option<Arc<str>>>,
    repository: Last<Option<&'a str>, Option<Arc<str>>>,
    dependencies: Last<Dependencies<'a>, Option<u64>>,
}

/// A function's last argument and result.
struct Last<K, V>(Option<(K, V)>);

impl<K, V> Default for Last<K, V> {
    fn default() -> Self {
        Self(None)
    }
}

impl<K: PartialEq + Copy, V: Clone> Last<K, V> {
    fn of(&mut self, key: K, make: impl FnOnce(K) -> V) -> V {
        match &self.0 {
            Some((last, value)) if *last == key => value.clone(),
            _ => {
                let value = make(key);
                self.0 = Some((key, value.clone()));
                value
            }
        }
    }
}

/// Reads a member once; a second one of the same name would let two readers see two things.
fn once<'a>(slot: &mut Option<&'a str>, value: &'a str, key: &str) -> Result<(), String> {
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(format!("has `{key}` twice")),
    }
}

impl<'a> Manifest<'a> {
    /// `whole` is the document that the members are pieces of.
    pub(super) fn read(whole: &str, members: &[(&'a RawValue, &'a RawValue)]) -> Result<Self, String> {
        let mut manifest = Manifest::default();
        if let (Some((first, _)), Some((_, last))) = (members.first(), members.last()) {
            manifest.members = span(whole, first.get()).start..span(whole, last.get()).end;
        }
        let mut dist = None;
        for (key, value) in members {
            let key = text(key.get()).ok_or("has a key that is no string")?;
            let value = value.get();
            let mut ignored = None;
            let slot = match &*key {
                "name" => &mut manifest.name,
                "version" => &mut manifest.version,
                "dist" => &mut dist,
                "deprecated" => &mut manifest.deprecated,
                "dependencies" => &mut manifest.dependencies.plain,
                "optionalDependencies" => &mut manifest.dependencies.optional,
                "peerDependencies" => &mut manifest.dependencies.peer,
                "license" => &mut manifest.licence,
                "licenses" => &mut manifest.licences,
                "scripts" => &mut manifest.scripts,
                "hasInstallScript" => &mut manifest.has_install_script,
                "gypfile" => &mut manifest.gypfile,
                "repository" => &mut manifest.repository,
                "_npmUser" => &mut manifest.npm_user,
                _ => &mut ignored,
            };
            once(slot, value, &key)?;
            if is_for_installing(&key) {
                if manifest.trimmed.iter().any(|(known, _)| *known == key) {
                    return Err(format!("has `{key}` twice"));
                }
                manifest.trimmed.push((key, value));
            }
        }
        manifest.dist = dist.map(Dist::read).transpose()?.flatten();
        Ok(manifest)
    }

    /// Whether installing it runs code of its own. `says_scripts` is whether the document would hold the
    /// scripts if there were any; an abbreviated one has a flag instead, which some mirrors leave out.
    pub(super) fn install_script(&self, says_scripts: bool, memo: &mut Memo<'a>) -> Option<bool> {
        let declared = self.has_install_script == Some("true") || self.gypfile == Some("true");
        if declared || memo.scripts.of(self.scripts, |raw| raw.is_some_and(runs_on_install)) {
            return Some(true);
        }
        (says_scripts || self.has_install_script.is_some()).then_some(false)
    }

    /// An SPDX expression, a name, or the older forms brought into a line.
    pub(super) fn licence(&self, memo: &mut Memo<'a>) -> Option<Arc<str>> {
        let of = |raw: Option<&str>| raw.and_then(licence_text).map(Arc::from);
        memo.licence.of(self.licence, of).or_else(|| of(self.licences))
    }

    /// Who published it.
    pub(super) fn publisher(&self, memo: &mut Memo<'a>) -> Option<Arc<str>> {
        memo.publisher.of(self.npm_user, |raw| member_text(raw?, "name").map(Arc::from))
    }

    /// The repository as written.
    pub(super) fn repository(&self, memo: &mut Memo<'a>) -> Option<Arc<str>> {
        memo.repository.of(self.repository, |raw| {
            let found = text(raw?).map(String::from).or_else(|| member_text(raw?, "url"))?;
            (!found.is_empty()).then(|| found.into())
        })
    }

    /// The dependencies' hash.
    pub(super) fn fingerprint(&self, memo: &mut Memo<'a>) -> Option<u64> {
        memo.dependencies.of(self.dependencies, |dependencies| fingerprint(&dependencies))
    }

    /// The publisher's warning, unless it was taken back.
    pub(super) fn warning(&self) -> Option<Arc<str>> {
        let raw = self.deprecated?;
        let said = text(raw).map(|text| text.trim().to_owned());
        match (said, raw) {
            (Some(said), _) => (!said.is_empty()).then(|| said.into()),
            (None, "true") => Some("deprecated".into()),
            (None, _) => None,
        }
    }

    /// Appends the manifest as an installation reads it, up to the tarball's address, and what follows that
    /// address, without the closing brace; gives the place between the two.
    pub(super) fn trim_into(&self, out: &mut Vec<u8>, dist: &Dist<'_>, install_script: bool) -> usize {
        out.push(b'{');
        for (name, value) in &self.trimmed {
            push_member(out, name, value);
        }
        if install_script {
            push_member(out, "hasInstallScript", "true");
        }
        out.extend_from_slice(b"\"dist\":");
        let tarball = span(dist.whole, dist.tarball);
        out.extend_from_slice(dist.whole.get(..tarball.start).unwrap_or_default().as_bytes());
        let cut = out.len();
        out.extend_from_slice(dist.whole.get(tarball.end..).unwrap_or_default().as_bytes());
        cut
    }
}

fn push_member(out: &mut Vec<u8>, name: &str, value: &str) {
    out.push(b'"');
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\":");
    out.extend_from_slice(value.as_bytes());
    out.push(b',');
}

impl<'a> Dist<'a> {
    /// `None` when no tarball is named, so that there is nothing to install.
    fn read(whole: &'a str) -> Result<Option<Self>, String> {
        let pairs: Pairs<'a> = serde_json::from_str(whole).map_err(|_| "has a `dist` that is no object")?;
        let (mut tarball, mut integrity, mut shasum) = (None, None, None);
        for (key, value) in pairs.0 {
            let key = text(key.get()).ok_or("has a key that is no string")?;
            let slot = match &*key {
                "tarball" => &mut tarball,
                "integrity" => &mut integrity,
                "shasum" => &mut shasum,
                _ => continue,
            };
            once(slot, value.get(), &key)?;
        }
        Ok(tarball.map(|tarball| Self { whole, tarball, integrity, shasum }))
    }

    /// The tarball's address.
    pub(super) fn address(&self) -> Option<String> {
        text(self.tarball).map(String::from)
    }

    /// Where the address stands in the document.
    pub(super) fn address_span(&self, document: &str) -> Range<usize> {
        span(document, self.tarball)
    }

    /// Every digest declared.
    pub(super) fn digests(&self) -> Vec<Digest> {
        let mut digests = self.integrity.and_then(text).map(|sri| Digest::from_sri(&sri)).unwrap_or_default();
        let shasum = self.shasum.and_then(text);
        digests.extend(shasum.and_then(|hex| Digest::from_hex(Algorithm::Sha1, &hex)));
        digests
    }
}

/// Whether `scripts` has one that an installation from a registry runs.
pub(super) fn runs_on_install(scripts: &str) -> bool {
    let Ok(pairs) = serde_json::from_str::<Pairs<'_>>(scripts) else { return false };
    pairs.0.iter().any(|(key, value)| {
        let key = text(key.get());
        matches!(key.as_deref(), Some("preinstall" | "install" | "postinstall"))
            && text(value.get()).is_some_and(|command| !command.trim().is_empty())
    })
}

/// A text member of an object.
pub(super) fn member_text(object: &str, name: &str) -> Option<String> {
    let pairs: Pairs<'_> = serde_json::from_str(object).ok()?;
    let (_, value) = pairs.0.iter().find(|(key, _)| text(key.get()).is_some_and(|key| key == name))?;
    text(value.get()).map(String::from)
}

/// `"MIT"`, `{"type":"MIT"}`, or a list of either: each of them suffices.
pub(super) fn licence_text(raw: &str) -> Option<String> {
    let one = |raw: &str| {
        let found = text(raw).map(String::from).or_else(|| {
            member_text(raw, "type").or_else(|| member_text(raw, "name")).or_else(|| member_text(raw, "url"))
        })?;
        let found = found.trim();
        (!found.is_empty()).then(|| found.chars().take(200).collect::<String>())
    };
    if !raw.starts_with('[') {
        return one(raw);
    }
    let items: Vec<&RawValue> = serde_json::from_str(raw).ok()?;
    let named: Vec<String> = items.iter().take(20).filter_map(|item| one(item.get())).collect();
    match named.as_slice() {
        [] => None,
        [only] => Some(only.clone()),
        several => Some(format!("({})", several.join(" OR "))),
    }
}
