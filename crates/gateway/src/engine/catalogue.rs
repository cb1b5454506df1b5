//! Documents over all packages of an ecosystem: a hosted suite's index, the list of repositories.

use super::Gateway;
use super::documents::LoadError;
use super::request::Asked;
use crate::wire::{Answer, answer};
use http::StatusCode;
use lazaret_ecosystems::{Catalogue, HostedPackage};
use lazaret_metadata::MetadataError;
use lazaret_vocabulary::PackageName;

/// Names of admitted packages that are listed at most.
const MAX_NAMES: u32 = 100_000;

impl Gateway {
    pub(crate) async fn catalogue(&self, asked: &Asked<'_>, name: String) -> Answer {
        let Some(hosting) = asked.ecosystem.hosting() else { return self.not_found(asked) };
        let failed = |error: MetadataError| {
            let status = LoadError::Store.status();
            tracing::error!(%error, "the store failed while a catalogue was made");
            answer(asked.ecosystem.error(status, &LoadError::Store.to_string(), &asked.head))
        };
        let (packages, admitted) = match self.known_packages(asked).await {
            Ok(known) => known,
            Err(error) => return failed(error),
        };
        let catalogue = Catalogue {
            name: &name,
            query: asked.head.query,
            packages: &packages,
            admitted: &admitted,
            base: &asked.base,
            now: self.clock.now(),
        };
        match hosting.catalogue(&catalogue, &self.signer) {
            Ok(reply) => answer(reply),
            Err(error) => {
                answer(asked.ecosystem.error(StatusCode::NOT_FOUND, &error.to_string(), &asked.head))
            }
        }
    }

    async fn known_packages(
        &self,
        asked: &Asked<'_>,
    ) -> Result<(Vec<HostedPackage>, Vec<PackageName>), MetadataError> {
        let ecosystem = asked.ecosystem;
        let id = ecosystem.profile().id;
        let hosted: Vec<PackageName> = {
            let state = self.state();
            let own = state.hosted.iter().filter(|(of, _)| *of == id);
            own.filter_map(|(_, key)| ecosystem.name(key).ok()).collect()
        };
        let mut packages = Vec::new();
        for name in hosted {
            packages.extend(self.hosted_package(&name).await?);
        }
        packages.sort_by(|left, right| left.package.as_str().cmp(right.package.as_str()));
        let admitted = self.metadata.admitted_names(id.as_str(), MAX_NAMES).await?;
        let admitted = admitted.iter().filter_map(|name| ecosystem.name(name).ok());
        Ok((packages, admitted.filter(|name| !self.is_hosted(name)).collect()))
    }
}
