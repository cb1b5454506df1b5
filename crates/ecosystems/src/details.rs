use crate::{Need, Wanted};
use lazaret_vocabulary::{Artifact, Document, Malformed, PackageName, Release, Timestamp};
use serde::{Deserialize, Serialize};

/// Documents on single releases, for ecosystems whose index tells little more than versions. They are asked
/// for when a release is judged, read once into a [`Detail`], and that is kept for ever.
pub trait Details: Sync {
    /// A release that the index does not list and whose file name says all that is needed to ask for it: a
    /// commit's pseudo-version, an image's digest. It may still turn out not to exist.
    fn unlisted(&self, package: &PackageName, file: &str, need: &Need<'_>) -> Option<Release>;

    /// Which documents are still wanted to describe `release`, seen what is there already; asked again for at
    /// most four rounds. `Enough` at once where nothing more is to be had.
    fn wanted(&self, package: &PackageName, release: &Release, have: &[Document], need: &Need<'_>) -> Wanted;

    /// What they say. `None`: there is no such release.
    fn read(
        &self,
        package: &PackageName,
        release: &Release,
        have: &[Document],
    ) -> Result<Option<Detail>, Malformed>;

    /// The file of a version that stands for all of it, for a question about the version alone.
    fn main_file(&self, _package: &PackageName, _version: &str) -> Option<String> {
        None
    }

    /// Whether an index cannot be judged without the details of what it lists. The engine then gathers those
    /// of the highest [`DETAILED_RELEASES`] releases whose dates it does not know; what is below them stays
    /// listed or not as policy takes an unknown date.
    fn for_listing(&self) -> bool;
}

/// How many releases of one index are looked into one by one, at most.
pub const DETAILED_RELEASES: usize = 300;

/// What documents on one release say beyond its package's index. What is `None` or empty leaves the index's
/// word as it is.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Detail {
    /// See [`Release::published`].
    pub published: Option<Timestamp>,
    /// See [`Release::claimed`].
    pub claimed: Option<Timestamp>,
    /// See [`Release::no_later_than`].
    pub no_later_than: Option<Timestamp>,
    /// See [`Release::publisher`].
    pub publisher: Option<String>,
    /// See [`Release::licence`].
    pub licence: Option<String>,
    /// See [`Release::deprecated`].
    pub deprecated: Option<String>,
    /// See [`Release::withdrawn`].
    pub withdrawn: Option<String>,
    /// See [`Release::repository`].
    pub repository: Option<String>,
    /// See [`Release::install_script`].
    pub install_script: Option<bool>,
    /// See [`Release::dependencies`].
    pub dependencies: Option<u64>,
    /// Further files of the release, or digests of those that the index lists.
    #[serde(with = "crate::stored")]
    pub artifacts: Vec<Artifact>,
}

impl Detail {
    /// Lays it over what the index says of the release.
    pub fn complete(&self, release: &mut Release) {
        fn over<T>(slot: &mut Option<T>, told: Option<T>) {
            if told.is_some() {
                *slot = told;
            }
        }
        let text = |told: &Option<String>| told.as_deref().map(std::sync::Arc::from);
        over(&mut release.published, self.published);
        over(&mut release.claimed, self.claimed);
        over(&mut release.no_later_than, self.no_later_than);
        over(&mut release.publisher, text(&self.publisher));
        over(&mut release.licence, text(&self.licence));
        over(&mut release.deprecated, text(&self.deprecated));
        over(&mut release.withdrawn, text(&self.withdrawn));
        over(&mut release.repository, text(&self.repository));
        over(&mut release.install_script, self.install_script);
        over(&mut release.dependencies, self.dependencies);
        for told in &self.artifacts {
            match release.artifacts.iter_mut().find(|have| have.file == told.file) {
                Some(have) => {
                    have.digests.extend(told.digests.iter().cloned());
                    over(&mut have.size_bytes, told.size_bytes);
                }
                None => release.artifacts.push(told.clone()),
            }
        }
    }
}
