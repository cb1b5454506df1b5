//! Releases that no index lists: an image's digest, a commit's pseudo-version, a layer of an image.

use super::Gateway;
use super::documents::LoadError;
use super::package::{Package, Viewer};
use super::vouched::{self, Composed};
use lazaret_ecosystems::{Detail, Index, Shown, View};
use lazaret_vocabulary::{Document, Malformed, Release, Reply, Standing};
use std::sync::Arc;

/// Releases looked at for one file that hangs below several.
const MAX_ROOTS: usize = 64;

impl Gateway {
    /// The package of the one release that a file belongs to, where the index does not list it. Of several that
    /// it may belong to one that is let in, if any is; `None` when nobody knows the file.
    pub(crate) async fn find_unlisted(
        &self,
        package: &Arc<Package>,
        file: &str,
        viewer: Viewer,
    ) -> Result<Option<Arc<Package>>, LoadError> {
        if package.hosted {
            return Ok(None);
        }
        let roots = vouched::roots(&package.memory(), file);
        if roots.is_empty() {
            return self.single(package, file).await;
        }
        let mut withheld = None;
        for root in roots.iter().take(MAX_ROOTS) {
            let Some(single) = self.single(package, root).await? else { continue };
            if !single.places.contains_key(file) {
                continue;
            }
            let judged = self.judge(&single, viewer);
            match single.place_of(file, &judged) {
                Some(place) if judged.allowed.admits(place.release) => return Ok(Some(single)),
                _ => withheld = withheld.or(Some(single)),
            }
        }
        Ok(withheld)
    }

    /// The package of one unlisted release, by its own file.
    async fn single(&self, package: &Arc<Package>, file: &str) -> Result<Option<Arc<Package>>, LoadError> {
        if let Some(single) = package.single(file) {
            return Ok(Some(single));
        }
        let Some(details) = package.ecosystem.details() else { return Ok(None) };
        let roles = self.roles(package.name.ecosystem());
        let need = self.need(&package.name, &roles);
        let Some(mut release) = details.unlisted(&package.name, file, &need) else { return Ok(None) };
        // A further file of a release that the index lists, such as the sources beside a JAR: what the index says
        // of the release holds for it too.
        let mut listed = package.index.releases().iter();
        if let Some(listed) = listed.find(|listed| listed.version == release.version) {
            let further = std::mem::replace(&mut release, listed.clone()).artifacts;
            for artifact in further {
                if release.artifacts.iter().all(|have| have.file != artifact.file) {
                    release.artifacts.push(artifact);
                }
            }
        }
        self.single_of(package, release, file, Vec::new()).await
    }

    /// Makes the package of one release: what its own documents say, what hangs below its files, what the house
    /// remembers. `None` when there is no such release.
    pub(crate) async fn single_of(
        &self,
        package: &Arc<Package>,
        mut release: Release,
        file: &str,
        known: Vec<Document>,
    ) -> Result<Option<Arc<Package>>, LoadError> {
        let name = &package.name;
        let memory = package.memory();
        let told = match (memory.details.get(&release.version), package.ecosystem.details()) {
            (Some(told), _) => Detail::clone(told),
            (None, None) => Detail::default(),
            (None, Some(details)) => {
                let asked = self.ask_detail(package.ecosystem, details, name, &release, known).await?;
                let Some(told) = asked else { return Ok(None) };
                self.keep_details(package, vec![(release.version.clone(), told.clone())]).await?;
                told
            }
        };
        told.complete(&mut release);
        let members: Vec<_> =
            release.artifacts.iter().flat_map(|artifact| vouched::below(&memory, &artifact.file)).collect();
        for member in members {
            if release.artifacts.iter().all(|have| have.file != member.file) {
                release.artifacts.push(member);
            }
        }
        let releases = vec![release];
        let remembered = self
            .remember(name, &releases, false)
            .await
            .map_err(|error| self.store_failed("memory", &error))?;
        let standing = package.index.standing().clone();
        let index = Box::new(Composed::new(Box::new(Alone::new(standing)), releases));
        let fetched = package.lease().fetched();
        let single =
            Arc::new(Package::new(package.ecosystem, name.clone(), false, index, remembered, fetched));
        package.keep_single(file, &single);
        Ok(Some(single))
    }
}

/// The index of a release that no index lists.
pub(crate) struct Alone {
    standing: Standing,
}

impl Alone {
    pub(crate) fn new(standing: Standing) -> Self {
        Self { standing }
    }
}

impl Index for Alone {
    fn standing(&self) -> &Standing {
        &self.standing
    }

    fn releases(&self) -> &[Release] {
        &[]
    }

    fn render(&self, _view: &View, _shown: &Shown<'_>) -> Result<Reply, Malformed> {
        Err(Malformed::new("a release that no index lists has no index"))
    }

    fn weight(&self) -> usize {
        500
    }
}
