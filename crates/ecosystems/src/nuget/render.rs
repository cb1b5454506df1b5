//! A package's documents as a client may see them: only what is admitted is in them.
//!
//! NuGet has no word for "there, but not for you". Clients restore the lowest version that fits, from the flat
//! container's list, which knows nothing of `listed: false`; so a version that is withheld stands in none of
//! the lists, and resolution passes over it. Why it is not there goes with each list as a warning, which the
//! clients print; who asks for the file itself reads it from the refusal. Where nothing of a package is
//! admitted, the refusal is the answer to its lists, since clients print that too.

use super::documents::PackageIndex;
use super::json::quoted;
use super::refuse;
use super::registration::{BASE, HIVE, marked, write_marked};
use super::route::{ALL, FLAT, HIVES, STABLE, file_path};
use crate::route::View;
use crate::{Index, Shown};
use http::StatusCode;
use lazaret_policy::{Action, NOT_YET_THERE};
use lazaret_vocabulary::{Malformed, Refusal, Release, Reply, Standing};
use std::fmt::Write as _;

/// Versions on one page of a registration index, as at the public feed.
const PAGE: usize = 64;
/// Withheld versions named in a warning beside the one it explains.
const MOST_NAMED: usize = 8;
/// A rough size of what a release takes in memory beside its catalog entry.
const RELEASE_WEIGHT: usize = 500;

impl Index for PackageIndex {
    fn standing(&self) -> &Standing {
        &self.standing
    }

    fn releases(&self) -> &[Release] {
        &self.releases
    }

    fn render(&self, view: &View, shown: &Shown<'_>) -> Result<Reply, Malformed> {
        if shown.allowed.len() != self.releases.len() {
            return Err(Malformed::new(format!(
                "the verdict speaks of {} releases, the index of {}",
                shown.allowed.len(),
                self.releases.len()
            )));
        }
        let admitted: Vec<usize> = (0..self.releases.len()).filter(|at| shown.allowed.admits(*at)).collect();
        if let Some(version) = view.version.as_deref() {
            return Ok(self.leaf(view.form, version, shown));
        }
        if self.releases.is_empty() {
            return Ok(nothing());
        }
        if admitted.is_empty() {
            let highest = self.highest(&|at| !shown.allowed.admits(at));
            let highest = highest.and_then(|at| self.refusal(at, shown));
            return Ok(highest.map_or_else(nothing, |refusal| refuse::refusal(&refusal)));
        }
        let reply = match view.form {
            FLAT => Reply::json(self.version_list(&admitted)),
            STABLE | ALL => Reply::json(self.completion(&admitted, view.form == ALL)),
            form => match self.pages(form, &admitted, shown) {
                Some(body) => Reply::json(body),
                None => nothing(),
            },
        };
        Ok(match self.warning(shown) {
            Some(warning) => refuse::warn(reply, &warning),
            None => reply,
        })
    }

    fn weight(&self) -> usize {
        self.arena.len().saturating_add(self.releases.len().saturating_mul(RELEASE_WEIGHT))
    }
}

fn nothing() -> Reply {
    Reply::new(StatusCode::NOT_FOUND, "text/plain; charset=utf-8", "")
}

/// The address of a hive. `form` is a view's.
fn hive(form: &str, shown: &Shown<'_>) -> String {
    let name = HIVES.iter().find(|(all, leaf)| *all == form || *leaf == form).map_or(form, |(all, _)| all);
    format!("{}/v3/{name}", shown.base)
}

/// Whether a hive has versions that only SemVer 2.0.0 knows.
fn takes_semver_2(form: &str) -> bool {
    HIVES.last().is_some_and(|(all, leaf)| *all == form || *leaf == form)
}

impl PackageIndex {
    /// The flat container's list: every version, lowest first.
    fn version_list(&self, admitted: &[usize]) -> String {
        let versions: Vec<&str> = admitted
            .iter()
            .filter_map(|at| self.releases.get(*at))
            .map(|release| &*release.version)
            .collect();
        serde_json::json!({ "versions": versions }).to_string()
    }

    /// Versions for completion: without those that are unlisted.
    fn completion(&self, admitted: &[usize], prereleases: bool) -> String {
        let listed = admitted
            .iter()
            .filter_map(|at| self.releases.get(*at))
            .filter(|release| release.withdrawn.is_none() && (prereleases || !release.prerelease));
        let versions: Vec<&str> = listed.map(|release| &*release.version).collect();
        serde_json::json!({ "totalHits": versions.len(), "data": versions }).to_string()
    }

    /// Whether registrations of this form have the release.
    pub(super) fn is_registered(&self, form: &str, at: usize) -> bool {
        let entry = self.entries.get(at);
        entry.is_some_and(|entry| !entry.text.is_empty() && (takes_semver_2(form) || !entry.semver_2))
    }

    /// The registration index, all pages inlined; `None` when the hive has no version.
    fn pages(&self, form: &str, admitted: &[usize], shown: &Shown<'_>) -> Option<String> {
        let hive = hive(form, shown);
        let known: Vec<usize> = admitted.iter().copied().filter(|at| self.is_registered(form, *at)).collect();
        if known.is_empty() {
            return None;
        }
        let index = marked(HIVE, &format!("/{}/index.json", self.key));
        let mut text = format!(
            "{{\"@id\":{index},\"@type\":[\"catalog:CatalogRoot\",\"PackageRegistration\",\"catalog:Permalink\"],\"count\":{},\"items\":[",
            known.len().div_ceil(PAGE)
        );
        for (number, page) in known.chunks(PAGE).enumerate() {
            let bound = |at: Option<&usize>| {
                at.and_then(|at| self.releases.get(*at)).map_or("", |release| &*release.version)
            };
            let (lower, upper) = (bound(page.first()), bound(page.last()));
            let id = marked(HIVE, &format!("/{}/index.json#page/{lower}/{upper}", self.key));
            let _ = write!(
                text,
                "{}{{\"@id\":{id},\"@type\":\"catalog:CatalogPage\",\"count\":{},\"parent\":{index},\"lower\":{},\"upper\":{},\"items\":[",
                if number == 0 { "" } else { "," },
                page.len(),
                quoted(lower),
                quoted(upper),
            );
            for (place, at) in page.iter().enumerate() {
                if place > 0 {
                    text.push(',');
                }
                self.write_leaf(*at, true, &mut text);
            }
            text.push_str("]}");
        }
        text.push_str("]}");
        Some(self.addressed(&text, &hive, shown))
    }

    /// A leaf: in a page with its catalog entry, by itself with the two facts that the protocol gives it.
    fn write_leaf(&self, at: usize, inlined: bool, text: &mut String) {
        let (Some(release), Some(entry)) = (self.releases.get(at), self.entries.get(at)) else { return };
        let id = marked(HIVE, &format!("/{}/{}.json", self.key, release.version));
        let _ = write!(text, "{{\"@id\":{id},\"@type\":\"Package\",");
        if inlined {
            text.push_str("\"catalogEntry\":");
            text.push_str(self.arena.get(entry.text.clone()).unwrap_or("null"));
            text.push(',');
        } else {
            let _ = write!(text, "\"listed\":{},", release.withdrawn.is_none());
            if let Some(published) = release.published {
                let _ = write!(text, "\"published\":{},", quoted(&published.to_string()));
            }
        }
        let content = marked(BASE, &file_path(&self.key, &release.version));
        let index = marked(HIVE, &format!("/{}/index.json", self.key));
        let _ = write!(text, "\"packageContent\":{content},\"registration\":{index}}}");
    }

    /// The document of one version.
    fn leaf(&self, form: &str, wanted: &str, shown: &Shown<'_>) -> Reply {
        let place = self.releases.iter().position(|release| *release.version == *wanted);
        let Some(at) = place.filter(|at| self.is_registered(form, *at)) else { return nothing() };
        if !shown.allowed.admits(at) {
            return self.refusal(at, shown).map_or_else(nothing, |refusal| refuse::refusal(&refusal));
        }
        let mut text = String::new();
        self.write_leaf(at, false, &mut text);
        Reply::json(self.addressed(&text, &hive(form, shown), shown))
    }

    fn addressed(&self, text: &str, hive: &str, shown: &Shown<'_>) -> String {
        let mut body = String::with_capacity(text.len() + text.len() / 8);
        write_marked(&mut body, text, &json_inner(shown.base.as_str()), &json_inner(hive));
        body
    }

    /// The highest release for which `wanted` holds; a stable and listed one if there is any.
    fn highest(&self, wanted: &dyn Fn(usize) -> bool) -> Option<usize> {
        let of = |at: &usize| wanted(*at);
        let good = |at: &usize| {
            self.releases.get(*at).is_some_and(|release| release.withdrawn.is_none() && !release.prerelease)
        };
        let all = 0..self.releases.len();
        all.clone().rev().filter(of).find(good).or_else(|| all.rev().find(of))
    }

    fn refusal(&self, at: usize, shown: &Shown<'_>) -> Option<Refusal> {
        let (release, withheld) = (self.releases.get(at)?, shown.allowed.withheld(at)?);
        let newest = self.highest(&|at| shown.allowed.admits(at)).and_then(|at| self.releases.get(at));
        Some(Refusal {
            package: shown.package.clone(),
            version: Some(release.version.to_string()),
            code: withheld.code.to_string(),
            sentence: withheld.sentence.clone(),
            until: withheld.until.filter(|_| withheld.action == Action::Hold),
            newest_allowed: newest.map(|release| release.version.to_string()),
            page: shown.page.to_owned(),
        })
    }

    /// Why the highest release that is withheld is, and which others are. Who asks for the registry as it stood
    /// at a moment is not told of everything that came later.
    fn warning(&self, shown: &Shown<'_>) -> Option<String> {
        let told =
            |at: usize| shown.allowed.withheld(at).is_some_and(|withheld| withheld.code != NOT_YET_THERE);
        let explained = self.highest(&told)?;
        let line = self.refusal(explained, shown)?.line();
        let others: Vec<&str> = (0..self.releases.len())
            .rev()
            .filter(|at| *at != explained && told(*at))
            .filter_map(|at| self.releases.get(at))
            .map(|release| &*release.version)
            .collect();
        if others.is_empty() {
            return Some(line);
        }
        let named = others.iter().take(MOST_NAMED).copied().collect::<Vec<_>>().join(", ");
        let more = others.len().saturating_sub(MOST_NAMED);
        let more = if more == 0 { String::new() } else { format!(" and {more} more") };
        Some(format!("{line} Also withheld: {named}{more}."))
    }
}

/// An address as it stands inside a JSON string.
fn json_inner(text: &str) -> String {
    quoted(text).trim_matches('"').to_owned()
}
