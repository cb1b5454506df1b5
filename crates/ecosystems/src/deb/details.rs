//! A version by itself, for questions such as `lazaret check dpkg.list`: what advisories and policy say of it can
//! be told though no index that passed here lists it. Files are another matter: only an index vouches for them.

use super::version;
use crate::{Detail, Details, Need, Wanted};
use lazaret_vocabulary::{Document, Malformed, PackageName, Release};

/// What stands before a version in place of a file's name. No archive is called so.
const VERSION: &str = ":";

/// Versions without files.
#[derive(Debug)]
pub(super) struct Versions;

impl Details for Versions {
    fn unlisted(&self, _package: &PackageName, file: &str, _need: &Need<'_>) -> Option<Release> {
        let version = file.strip_prefix(VERSION).filter(|version| version::is_version(version))?;
        Some(Release {
            version: version.into(),
            prerelease: version::is_prerelease(version),
            ..Release::default()
        })
    }

    fn wanted(
        &self,
        _package: &PackageName,
        _release: &Release,
        _have: &[Document],
        _need: &Need<'_>,
    ) -> Wanted {
        Wanted::Enough
    }

    fn read(
        &self,
        _package: &PackageName,
        _release: &Release,
        _have: &[Document],
    ) -> Result<Option<Detail>, Malformed> {
        Ok(Some(Detail::default()))
    }

    fn main_file(&self, _package: &PackageName, version: &str) -> Option<String> {
        version::is_version(version).then(|| format!("{VERSION}{version}"))
    }

    fn for_listing(&self) -> bool {
        false
    }
}
