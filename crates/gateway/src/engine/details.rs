//! Documents on single releases: asked for when a release is judged, read once, kept for ever.

use super::Gateway;
use super::documents::{LoadError, ask};
use super::package::Package;
use crate::upstream::{Coding, Fetched, UpstreamError, Validators};
use futures_util::{StreamExt as _, stream};
use lazaret_ecosystems::{DETAILED_RELEASES, Detail, Details, Ecosystem, Fetch, Wanted};
use lazaret_vocabulary::{Document, PackageName, Release};
use std::sync::Arc;

/// Rounds of questions about one release.
const MAX_ROUNDS: usize = 4;
/// Releases of one index that are asked about at a time.
const AT_A_TIME: usize = 12;

impl Gateway {
    /// What documents on one release say; `None` where it does not exist. `known` are documents at hand.
    pub(crate) async fn ask_detail(
        &self,
        ecosystem: &'static dyn Ecosystem,
        details: &dyn Details,
        name: &PackageName,
        release: &Release,
        known: Vec<Document>,
    ) -> Result<Option<Detail>, LoadError> {
        let id = ecosystem.profile().id;
        let unavailable = |cause: UpstreamError| LoadError::Unavailable { package: name.to_string(), cause };
        let Some(upstream) = self.upstream(id) else {
            return Err(unavailable(UpstreamError::NotConfigured(id.to_string())));
        };
        let roles = self.roles(id);
        let need = self.need(name, &roles);
        let mut asked: Vec<&'static str> = known.iter().map(|document| document.role).collect();
        let had_any = !known.is_empty();
        let mut have = known;
        let mut asked_any = false;
        for _ in 0..MAX_ROUNDS {
            let Wanted::Fetch(fetches) = details.wanted(name, release, &have, &need) else { break };
            let fetches: Vec<Fetch> =
                fetches.into_iter().filter(|fetch| !asked.contains(&fetch.role)).collect();
            if fetches.is_empty() {
                break;
            }
            asked_any = true;
            asked.extend(fetches.iter().map(|fetch| fetch.role));
            let answers = futures_util::future::join_all(fetches.iter().map(|fetch| async move {
                (fetch, upstream.document(&ask(ecosystem, fetch, Coding::Any), &Validators::default()).await)
            }));
            for (fetch, answer) in answers.await {
                match answer {
                    Ok(Fetched::Body { body, content_type, modified, .. }) => have.push(Document {
                        role: fetch.role,
                        body,
                        content_type,
                        fetched: self.clock.now(),
                        modified,
                    }),
                    Ok(Fetched::Unchanged) | Err(UpstreamError::Absent | UpstreamError::NotConfigured(_)) => {
                    }
                    Err(UpstreamError::Status(status)) if ecosystem.means_absent(status) => {}
                    Err(cause) => return Err(unavailable(cause)),
                }
            }
        }
        if !asked_any && !had_any {
            return Ok(Some(Detail::default()));
        }
        let read = details.read(name, release, &have);
        read.map_err(|error| LoadError::Malformed { package: name.to_string(), why: error.to_string() })
    }

    /// Makes sure that what documents on one release of a package say is known. `false`: there is no such
    /// release.
    pub(crate) async fn detail(&self, package: &Arc<Package>, release: usize) -> Result<bool, LoadError> {
        let Some(details) = package.ecosystem.details().filter(|_| !package.hosted) else { return Ok(true) };
        let Some(release) = package.index.releases().get(release) else { return Ok(false) };
        if package.vanished || package.memory().details.contains_key(&release.version) {
            return Ok(true);
        }
        let told = self.ask_detail(package.ecosystem, details, &package.name, release, Vec::new()).await?;
        let Some(told) = told else { return Ok(false) };
        self.keep_details(package, vec![(release.version.clone(), told)]).await?;
        Ok(true)
    }

    /// The same for the highest releases of an index that cannot be judged without.
    pub(crate) async fn detail_all(&self, package: &Arc<Package>) -> Result<(), LoadError> {
        let Some(details) = package.ecosystem.details().filter(|_| !package.hosted) else { return Ok(()) };
        let roles = self.roles(package.name.ecosystem());
        let Some(after) = self.need(&package.name, &roles).dates_after.filter(|_| details.for_listing())
        else {
            return Ok(());
        };
        let memory = package.memory();
        let mut open: Vec<Release> = package
            .index
            .releases()
            .iter()
            .filter(|release| {
                release.published.is_none()
                    && release.no_later_than.is_none_or(|bound| bound > after)
                    && !memory.details.contains_key(&release.version)
            })
            .cloned()
            .collect();
        open.sort_by(|left, right| package.ecosystem.compare(&right.version, &left.version));
        open.truncate(DETAILED_RELEASES);
        if open.is_empty() {
            return Ok(());
        }
        let told: Vec<_> = stream::iter(open)
            .map(|release| async move {
                let told = self.ask_detail(package.ecosystem, details, &package.name, &release, Vec::new());
                (release.version.clone(), told.await)
            })
            .buffer_unordered(AT_A_TIME)
            .collect()
            .await;
        let mut known = Vec::new();
        for (version, told) in told {
            match told {
                Ok(Some(told)) => known.push((version, told)),
                Ok(None) => {}
                Err(error) => {
                    tracing::warn!(package = %package.name, %version, %error, "details of a release are missing");
                }
            }
        }
        self.keep_details(package, known).await
    }

    pub(crate) async fn keep_details(
        &self,
        package: &Arc<Package>,
        told: Vec<(Arc<str>, Detail)>,
    ) -> Result<(), LoadError> {
        if told.is_empty() {
            return Ok(());
        }
        let name = &package.name;
        let rows: Vec<(String, String)> = told
            .iter()
            .map(|(version, detail)| {
                (version.to_string(), serde_json::to_string(detail).unwrap_or_else(|_| "{}".into()))
            })
            .collect();
        self.metadata
            .put_details(name.ecosystem().as_str(), name.key(), &rows, self.clock.now())
            .await
            .map_err(|error| self.store_failed("details", &error))?;
        package.learn(|memory| {
            memory.details.extend(told.into_iter().map(|(version, detail)| (version, Arc::new(detail))));
        });
        Ok(())
    }
}
