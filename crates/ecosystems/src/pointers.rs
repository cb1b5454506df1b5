use crate::{Fetch, Need};
use lazaret_vocabulary::{Document, Malformed, PackageName, Release};

/// Names that stand for a release and can be moved: an image's tags, a repository's tags and branches. Where
/// each stood, and since when this house knows it, is kept.
pub trait Pointers: Sync {
    /// What to ask upstream where `pointer` stands now.
    fn fetch(&self, package: &PackageName, pointer: &str, need: &Need<'_>) -> Fetch;

    /// What it stands for. `None`: there is no such name. `wanted` is the route's.
    fn read(
        &self,
        package: &PackageName,
        pointer: &str,
        wanted: &str,
        document: &Document,
        need: &Need<'_>,
    ) -> Result<Option<Target>, Malformed>;

    /// The file that was wanted of a release at which the pointer stood earlier.
    fn earlier(
        &self,
        package: &PackageName,
        pointer: &str,
        wanted: &str,
        version: &str,
        need: &Need<'_>,
    ) -> Option<Target>;

    /// Whether the newest release at which the pointer ever stood and that is let in may be answered while the
    /// present one is withheld. Right where the name is meant to move and the answer names the release; wrong
    /// where somebody asked for one thing and would get another.
    fn falls_back(&self) -> bool;
}

/// Where a pointer stands.
#[derive(Debug, Clone)]
pub struct Target {
    /// The release, with the file among its artifacts and [`Release::reference`] set.
    pub release: Release,
    /// The file of it that was wanted, by [`lazaret_vocabulary::Artifact::file`].
    pub file: String,
}
