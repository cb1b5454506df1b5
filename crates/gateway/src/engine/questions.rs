//! Search and audit: answered here, so that what the house uses is nobody else's knowledge.

use super::Gateway;
use super::documents::{Keeping, ask};
use super::request::Asked;
use crate::upstream::{Coding, Fetched, Validators};
use crate::wire::{Answer, answer};
use futures_util::{StreamExt as _, stream};
use http::StatusCode;
use hyper::body::Incoming;
use lazaret_ecosystems::{Ecosystem, Fetch, Listed, Search};
use lazaret_vocabulary::{Document, PackageName};

/// Upstream results looked at per search.
const MAX_HITS: usize = 20;
/// Packages of an audit looked at.
const MAX_AUDITED: usize = 20_000;
/// Largest audit request.
const AUDIT_BYTES: usize = 16 << 20;

impl Gateway {
    pub(crate) async fn search(&self, asked: &Asked<'_>, search: Search) -> Answer {
        let ecosystem = asked.ecosystem;
        let id = ecosystem.profile().id;
        let mut names: Vec<(PackageName, String)> = Vec::new();
        match self.metadata.search_hosted(id.as_str(), &search.text, 100).await {
            Ok(rows) => {
                for row in rows {
                    if let Ok(name) = ecosystem.name(&row.name) {
                        names.push((name, row.description));
                    }
                }
            }
            Err(error) => tracing::error!(%error, "hosted packages could not be searched"),
        }
        // A text that could be one of the house's own names is not told to anyone outside.
        // Nor is a text of several words of which one could be.
        let state = self.state();
        let reserved = std::iter::once(search.text.as_str())
            .chain(search.text.split(|c: char| {
                c.is_whitespace() || matches!(c, ',' | ';' | ':' | '+' | '"' | '\'' | '(' | ')')
            }))
            .any(|text| ecosystem.name(text).is_ok_and(|name| state.firewall.is_reserved(&name)));
        let fetch = match ecosystem.search_fetch(&search).filter(|_| !reserved) {
            Some(fetch) => self.located(ecosystem, fetch).await,
            None => None,
        };
        if let Some(fetch) = fetch
            && let Some(upstream) = self.upstream(id)
        {
            match upstream.document(&ask(ecosystem, &fetch, Coding::Any), &Validators::default()).await {
                Ok(Fetched::Body { body, content_type, .. }) => {
                    let document = Document {
                        role: fetch.role,
                        body,
                        content_type,
                        fetched: self.clock.now(),
                        modified: None,
                    };
                    match ecosystem.search_hits(&document) {
                        Ok(hits) => {
                            let foreign = hits
                                .into_iter()
                                .filter(|hit| !self.state().firewall.is_reserved(&hit.package));
                            names.extend(foreign.take(MAX_HITS).map(|hit| (hit.package, hit.description)));
                        }
                        Err(error) => tracing::warn!(%error, "the upstream's search result cannot be read"),
                    }
                }
                Ok(Fetched::Unchanged) => {}
                Err(error) => tracing::info!(%error, "the upstream's search did not answer"),
            }
        }
        let viewer = asked.viewer();
        let found: Vec<Option<Listed>> = stream::iter(names)
            .map(|(name, description)| async move {
                let package = self.load(&name).await.ok()?.package;
                let judged = self.judge(&package, viewer);
                let version = package.newest_allowed(&judged.allowed)?;
                let release = package.index.releases().iter().find(|release| release.version == version)?;
                Some(Listed {
                    package: name,
                    version: version.to_string(),
                    description,
                    published: release.published,
                })
            })
            .buffered(8)
            .collect()
            .await;
        let found: Vec<Listed> = found.into_iter().flatten().collect();
        answer(ecosystem.search_reply(&search, &found))
    }

    /// Where a search goes: to its own address where one is configured, else where the upstream's directory says.
    async fn located(&self, ecosystem: &'static dyn Ecosystem, fetch: Fetch) -> Option<Fetch> {
        let upstream = self.upstream(ecosystem.profile().id)?;
        if upstream.has(&fetch.upstream) {
            return Some(fetch);
        }
        let directory = ecosystem.directory()?;
        let keeping = Keeping { owner: "", fresh: self.settings.fresh, coding: Coding::Any };
        let (document, ..) = self.current_document(ecosystem, &keeping, &directory).await.ok()?;
        let found = ecosystem.located(fetch, &document)?;
        found.path.starts_with("http").then_some(found)
    }

    pub(crate) async fn audit(&self, asked: &Asked<'_>, kind: &'static str, body: Incoming) -> Answer {
        let Some(auditing) = asked.ecosystem.auditing() else { return self.not_found(asked) };
        let (body, _share) = match self.collect(asked, body, AUDIT_BYTES).await {
            Ok(read) => read,
            Err((status, message)) => return answer(asked.ecosystem.error(status, &message, &asked.head)),
        };
        let question = match auditing.question(kind, &body) {
            Ok(question) if question.len() <= MAX_AUDITED => question,
            Ok(_) => {
                let message = format!("more than {MAX_AUDITED} packages in one audit");
                return answer(asked.ecosystem.error(StatusCode::PAYLOAD_TOO_LARGE, &message, &asked.head));
            }
            Err(error) => {
                return answer(asked.ecosystem.error(
                    StatusCode::BAD_REQUEST,
                    &error.to_string(),
                    &asked.head,
                ));
            }
        };
        let state = self.state();
        let order = |left: &str, right: &str| asked.ecosystem.compare(left, right);
        let hits: Vec<_> = question
            .iter()
            .filter(|(name, _)| !state.is_hosted(name))
            .flat_map(|(name, versions)| state.advisories.audit(name, versions, &order))
            .collect();
        match auditing.answer(kind, &body, &hits) {
            Ok(reply) => answer(reply),
            Err(error) => {
                answer(asked.ecosystem.error(StatusCode::BAD_REQUEST, &error.to_string(), &asked.head))
            }
        }
    }
}
