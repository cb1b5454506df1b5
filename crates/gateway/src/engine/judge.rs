//! Facts together, verdict out. The one place that calls the firewall for a request.

use super::Gateway;
use super::package::{Judged, Memory, Package, Place, Viewer};
use super::request::Asked;
use super::state::State;
use crate::wire::{Answer, answer};
use http::StatusCode;
use lazaret_policy::{Action, Dossier, Judgement, ReleaseFacts, Withheld};
use lazaret_vocabulary::{Digest, PackageName, Refusal, Release, ReleaseKind, Timestamp};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

impl Gateway {
    /// The verdicts on a package as things stand now.
    pub(crate) fn judge(&self, package: &Arc<Package>, viewer: Viewer) -> Arc<Judged> {
        let state = self.state();
        let now = self.clock.now();
        package.judged(state.epoch, viewer, now, || {
            let memory = package.memory();
            let releases = self.releases_with_memory(package, &memory);
            let known = self.known_facts(package, &state, &memory, &releases);
            self.with_dossier(package, &state, &memory, &releases, &known, viewer, now, |dossier| {
                let allowed = state.firewall.filter(dossier);
                let (_, advisories_until) =
                    state.advisory_state(package.name.ecosystem(), now, self.settings.advisory_staleness);
                let ends = [allowed.next_change(), advisories_until, state.waiver_ends];
                let valid_until = ends.into_iter().flatten().min().unwrap_or(Timestamp::MAX);
                let told = (0..allowed.len()).map(|_| AtomicBool::new(false)).collect();
                Judged { epoch: state.epoch, viewer, valid_until, known: Vec::new(), allowed, told }
            })
            .with_known(known)
        })
    }

    /// Every finding on one release, for people.
    pub(crate) fn findings(&self, package: &Arc<Package>, index: usize, viewer: Viewer) -> Judgement {
        let state = self.state();
        let now = self.clock.now();
        let memory = package.memory();
        let releases = self.releases_with_memory(package, &memory);
        let known = self.known_facts(package, &state, &memory, &releases);
        self.with_dossier(package, &state, &memory, &releases, &known, viewer, now, |dossier| {
            state.firewall.judge(dossier, index)
        })
    }

    /// The index's releases, completed by what their files revealed where the index is silent.
    pub(crate) fn releases_with_memory<'a>(
        &self,
        package: &'a Package,
        memory: &Memory,
    ) -> std::borrow::Cow<'a, [Release]> {
        let releases = package.index.releases();
        let nothing = memory.install_script.is_empty() && memory.licence.is_empty();
        if nothing && memory.details.is_empty() && memory.published.is_empty() {
            return releases.into();
        }
        let mut releases = releases.to_vec();
        for release in &mut releases {
            if let Some(detail) = memory.details.get(&release.version) {
                detail.complete(release);
            }
            for artifact in &release.artifacts {
                let script = memory.install_script.get(&artifact.file).copied();
                if script == Some(true) || release.install_script.is_none() {
                    release.install_script = script.or(release.install_script);
                }
                if release.published.is_none() {
                    release.published = memory.published.get(&artifact.file).copied();
                }
                if release.licence.is_none() {
                    release.licence = memory.licence.get(&artifact.file).cloned();
                }
            }
        }
        releases.into()
    }

    fn known_facts(
        &self,
        package: &Package,
        state: &State,
        memory: &Memory,
        releases: &[Release],
    ) -> Vec<ReleaseFacts> {
        let order = |left: &str, right: &str| package.ecosystem.compare(left, right);
        let covering = state.advisories.covering(&package.name, &order);
        releases
            .iter()
            .map(|release| {
                let mut facts = ReleaseFacts { unpublished: package.vanished, ..ReleaseFacts::default() };
                if let Some(covering) = &covering {
                    facts.advisories = covering(&package.ecosystem.advised_as(release));
                }
                for artifact in &release.artifacts {
                    if let Some(found) = memory.disagreements.get(&artifact.file) {
                        facts.disagreements.extend(found.iter().cloned());
                    }
                    // A layer may be old and well known; what is made of it is not so for that.
                    if memory.belongs_to_owner(&artifact.file) {
                        continue;
                    }
                    let seen = memory.first_seen.get(&artifact.file).copied();
                    facts.first_seen = [facts.first_seen, seen].into_iter().flatten().min();
                    facts.admitted_before |= memory.admitted.contains(&artifact.file);
                }
                facts
            })
            .collect()
    }

    #[expect(clippy::too_many_arguments, reason = "one private helper that lends a dossier's parts together")]
    pub(crate) fn with_dossier<T>(
        &self,
        package: &Package,
        state: &State,
        memory: &Memory,
        releases: &[Release],
        known: &[ReleaseFacts],
        viewer: Viewer,
        now: Timestamp,
        work: impl FnOnce(&Dossier<'_>) -> T,
    ) -> T {
        let order = |left: &str, right: &str| package.ecosystem.compare(left, right);
        let resemblance = self.resemblance(package, now);
        let (advisories, _) =
            state.advisory_state(package.name.ecosystem(), now, self.settings.advisory_staleness);
        work(&Dossier {
            package: &package.name,
            standing: package.index.standing(),
            releases,
            known,
            order: &order,
            hosted: package.hosted,
            first_seen: memory.package_first_seen,
            advisories,
            looks_like: resemblance.as_deref(),
            dates: package.ecosystem.profile().dates,
            as_of: viewer.as_of,
            class: viewer.class,
            now,
        })
    }

    /// The popular package whose name this one's could be taken for.
    fn resemblance(&self, package: &Package, now: Timestamp) -> Option<String> {
        if package.hosted {
            return None;
        }
        let names = self.popular.names(package.name.ecosystem())?;
        let stable = package.index.releases().iter().filter(|release| !release.prerelease);
        let established = lazaret_policy::lookalike::Established {
            first_published: package.index.standing().first_published,
            stable_releases: stable.count(),
            now,
        };
        names.resembles(package.name.key(), &established).map(|found| found.sentence())
    }

    /// What a release that upstream took away is judged by: the facts kept when it was admitted.
    pub(crate) async fn unpublished(
        &self,
        asked: &Asked<'_>,
        name: &PackageName,
        file: &str,
        part: lazaret_ecosystems::Part,
        page: String,
    ) -> Answer {
        let file: Arc<str> = file.into();
        let stored = match self.stored(name, &file).await {
            Ok(Some(stored)) if !self.is_hosted(name) => stored,
            Ok(_) => return self.not_found(asked),
            Err(error) => return self.load_failed(asked, name, &error),
        };
        let release = Release {
            version: stored.facts.version.as_str().into(),
            published: stored.facts.published,
            publisher: stored.facts.publisher.as_deref().map(Arc::from),
            licence: stored.facts.licence.as_deref().map(Arc::from),
            install_script: stored.facts.install_script,
            artifacts: vec![lazaret_vocabulary::Artifact {
                file: file.clone(),
                url: "".into(),
                digests: vec![stored.sha256.clone()],
                size_bytes: Some(stored.size_bytes),
            }],
            kind: ReleaseKind::Upstream,
            ..Release::default()
        };
        let memory = match self.remember(name, &[], false).await {
            Ok(memory) => memory,
            Err(error) => {
                let failure = self.store_failed("memory", &error);
                return self.load_failed(asked, name, &failure);
            }
        };
        let first_published = stored.facts.package_first_published;
        let index = Box::new(super::vanished::Vanished::new(release, first_published));
        let mut package = Package::new(asked.ecosystem, name.clone(), false, index, memory, self.clock.now());
        package.vanished = true;
        self.serve_known(asked, Arc::new(package), Place { release: 0, artifact: 0 }, part, page).await
    }

    /// A digest that was killed, as a reason.
    pub(crate) fn killed_digest(&self, digest: &Digest) -> Option<Withheld> {
        self.state().exceptions.kill_for_digest(digest)
    }

    /// The refusal of a withheld release, in the client's form, recorded.
    pub(crate) fn withhold(
        &self,
        asked: &Asked<'_>,
        package: &Arc<Package>,
        place: Place,
        judged: &Judged,
        withheld: &Withheld,
        page: &str,
    ) -> Answer {
        let version = package.index.releases().get(place.release).map(|release| release.version.to_string());
        let refusal = Refusal {
            package: package.name.clone(),
            version,
            code: withheld.code.to_string(),
            sentence: withheld.sentence.clone(),
            until: if withheld.action == Action::Hold { withheld.until } else { None },
            newest_allowed: package.newest_allowed(&judged.allowed).map(|version| version.to_string()),
            page: page.to_owned(),
        };
        let codes: Vec<String> = withheld.codes.iter().map(ToString::to_string).collect();
        self.record_refusal(&refusal, &codes, &asked.identity.principal);
        answer(asked.ecosystem.refuse(&refusal, &asked.head))
    }

    pub(crate) fn not_found(&self, asked: &Asked<'_>) -> Answer {
        answer(asked.ecosystem.error(StatusCode::NOT_FOUND, "there is no such file or version", &asked.head))
    }

    /// A package that cannot be judged, in the client's form.
    pub(crate) fn load_failed(
        &self,
        asked: &Asked<'_>,
        name: &PackageName,
        error: &super::documents::LoadError,
    ) -> Answer {
        if let super::documents::LoadError::Reserved(_) = error {
            let refusal = Refusal {
                package: name.clone(),
                version: None,
                code: lazaret_policy::codes::RESERVED_NAME.into(),
                sentence: error.to_string(),
                until: None,
                newest_allowed: None,
                page: self.page_url(asked.root, name),
            };
            self.record_refusal(
                &refusal,
                &[lazaret_policy::codes::RESERVED_NAME.into()],
                &asked.identity.principal,
            );
            return answer(asked.ecosystem.refuse(&refusal, &asked.head));
        }
        answer(asked.ecosystem.error(error.status(), &error.to_string(), &asked.head))
    }
}

impl Judged {
    fn with_known(mut self, known: Vec<ReleaseFacts>) -> Self {
        self.known = known;
        self
    }
}
