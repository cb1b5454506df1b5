//! The lists of a repository of this house, as a client may see them.

use super::documents::Repository;
use super::lists::{self, Page, REFERRERS_FORM, TAGS_FORM};
use super::{name, refuse, route};
use crate::route::View;
use crate::{Index, Shown};
use lazaret_vocabulary::{Malformed, Release, Reply, Standing};
use serde_json::json;
use std::collections::HashSet;
use std::sync::Arc;

/// A rough size of what a release takes in memory beside its annotations.
const RELEASE_WEIGHT: usize = 1500;

impl Index for Repository {
    fn standing(&self) -> &Standing {
        &self.standing
    }

    fn releases(&self) -> &[Release] {
        &self.releases
    }

    fn tags(&self) -> &[(Arc<str>, Arc<str>)] {
        &self.tags
    }

    /// What is withheld is left out: a tag of it, and its place among what refers to another.
    fn render(&self, view: &View, shown: &Shown<'_>) -> Result<Reply, Malformed> {
        if shown.allowed.len() != self.releases.len() {
            return Err(Malformed::new(format!(
                "the verdict speaks of {} releases, the repository has {}",
                shown.allowed.len(),
                self.releases.len()
            )));
        }
        let asked = view.version.as_deref().unwrap_or_default();
        let (place, query) = asked.split_once('?').unwrap_or((asked, ""));
        match view.form {
            TAGS_FORM => Ok(self.list_tags(&Page::read(query), shown)),
            REFERRERS_FORM => self.list_referrers(place, query, shown),
            other => Err(Malformed::new(format!("a repository has no form `{other}`"))),
        }
    }

    fn weight(&self) -> usize {
        let annotations: usize = self.images.iter().map(|image| image.annotations.weight()).sum();
        let files: usize = self.releases.iter().map(|release| release.artifacts.len()).sum();
        annotations
            .saturating_add(self.releases.len().saturating_mul(RELEASE_WEIGHT))
            .saturating_add(files.saturating_mul(300))
            .saturating_add(self.tags.len().saturating_mul(100))
    }
}

impl Repository {
    fn list_tags(&self, page: &Page, shown: &Shown<'_>) -> Reply {
        let admitted: HashSet<&str> = (self.releases.iter().enumerate())
            .filter(|(at, _)| shown.allowed.admits(*at))
            .map(|(_, release)| &*release.version)
            .collect();
        let tags: Vec<&str> = (self.tags.iter())
            .filter(|(_, version)| admitted.contains(&**version))
            .map(|(tag, _)| &**tag)
            .collect();
        let (page, next) = page.cut(&tags);
        let reply = Reply::json(json!({ "name": shown.package.as_str(), "tags": page }).to_string());
        let path = format!("{}/{}/tags/list", name::path_of(shown.base), shown.package);
        refuse::with_version(lists::with_next(reply, &path, next.as_ref()))
    }

    fn list_referrers(&self, place: &str, query: &str, shown: &Shown<'_>) -> Result<Reply, Malformed> {
        let subject = place.strip_prefix("referrers/").and_then(name::digest);
        let subject = subject.ok_or_else(|| Malformed::new("the view names no digest"))?;
        let kind = route::parameter(query, "artifactType");
        let fits = |own: Option<&str>| kind.as_deref().is_none_or(|kind| own == Some(kind));
        let descriptors: Vec<_> = (self.releases.iter().zip(&self.images).enumerate())
            .filter(|(at, (_, image))| {
                shown.allowed.admits(*at)
                    && image.subject.as_ref() == Some(&subject)
                    && fits(image.kind.as_deref())
            })
            .map(|(_, (release, image))| {
                let mut descriptor = json!({
                    "mediaType": image.media_type,
                    "digest": &*release.version,
                    "size": image.size_bytes,
                });
                if let Some(fields) = descriptor.as_object_mut() {
                    fields.extend(image.kind.as_ref().map(|kind| ("artifactType".to_owned(), json!(kind))));
                    if !image.annotations.is_empty() {
                        fields.insert("annotations".to_owned(), json!(image.annotations));
                    }
                }
                descriptor
            })
            .collect();
        Ok(lists::index(&descriptors, kind.is_some()))
    }
}
