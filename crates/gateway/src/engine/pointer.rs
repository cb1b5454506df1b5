//! Names that can be moved: where one stands now, where it stood before, and what is let in of that.

use super::Gateway;
use super::documents::{Keeping, LoadError};
use super::package::Package;
use super::request::Asked;
use crate::upstream::{Coding, UpstreamError};
use crate::wire::Answer;
use http::{StatusCode, header};
use lazaret_ecosystems::{Ecosystem, Need, Part, Pointers, Target};
use lazaret_metadata::PointerRow;
use lazaret_vocabulary::{Document, PackageName, Span, Timestamp};
use std::sync::Arc;

/// Earlier places of a pointer that are looked at.
const MAX_EARLIER: usize = 50;
/// A place that was noted so long ago is noted again, so that it is known to have lasted.
const NOTED: Span = Span::hours(1);

impl Gateway {
    pub(crate) async fn pointer(
        &self,
        asked: &Asked<'_>,
        name: PackageName,
        pointer: String,
        wanted: String,
    ) -> Answer {
        let mut response = self.pointed_at(asked, name, pointer, wanted).await;
        // The file never changes, but what the name stands for does.
        if response.status().is_success() || response.status() == StatusCode::NOT_MODIFIED {
            super::artifact::set(&mut response, header::CACHE_CONTROL, "no-cache");
        }
        response
    }

    async fn pointed_at(
        &self,
        asked: &Asked<'_>,
        name: PackageName,
        pointer: String,
        wanted: String,
    ) -> Answer {
        let Some(pointers) = asked.ecosystem.pointers() else { return self.not_found(asked) };
        let package = match self.load(&name).await {
            Ok(loaded) => loaded.package,
            Err(error) => return self.load_failed(asked, &name, &error),
        };
        let roles = self.roles(name.ecosystem());
        let need = self.need(&name, &roles);
        if package.hosted {
            return self.hosted_pointer(asked, &package, pointers, (&pointer, &wanted), &need).await;
        }
        match self.follow(asked, pointers, &package, (&pointer, &wanted), &need).await {
            Ok(Some((single, file))) => self.serve_single(asked, single, &file).await,
            Ok(None) => self.not_found(asked),
            Err(error) => self.load_failed(asked, &name, &error),
        }
    }

    async fn hosted_pointer(
        &self,
        asked: &Asked<'_>,
        package: &Arc<Package>,
        pointers: &dyn Pointers,
        (pointer, wanted): (&str, &str),
        need: &Need<'_>,
    ) -> Answer {
        let version =
            package.index.tags().iter().find(|(tag, _)| **tag == *pointer).map(|(_, version)| version);
        let target =
            version.and_then(|version| pointers.earlier(&package.name, pointer, wanted, version, need));
        match target {
            Some(target) => self.artifact(asked, package.name.clone(), target.file, Part::Whole).await,
            None => self.not_found(asked),
        }
    }

    /// The release that a pointer leads to for this client, and the file of it that is wanted.
    async fn follow(
        &self,
        asked: &Asked<'_>,
        pointers: &dyn Pointers,
        package: &Arc<Package>,
        (pointer, wanted): (&str, &str),
        need: &Need<'_>,
    ) -> Result<Option<(Arc<Package>, String)>, LoadError> {
        let name = &package.name;
        let viewer = asked.viewer();
        let at = (pointer, wanted);
        let (now, document) = match self.where_it_stands(asked.ecosystem, pointers, name, at, need).await? {
            Some((target, document)) => (Some(target), Some(document)),
            None => (None, None),
        };
        let recorded =
            now.as_ref().map_or_else(|| pointer.to_owned(), |target| recorded_name(target, pointer));
        let rows = self
            .metadata
            .pointer(name.ecosystem().as_str(), name.key(), &recorded)
            .await
            .map_err(|error| self.store_failed("pointer", &error))?;
        let mut first = None;
        if let Some(mut target) = now.filter(|target| was_there(&rows, target, viewer.as_of)) {
            self.note_place(name, &recorded, &target, &rows).await?;
            target = moved_target(target, &rows);
            let file = target.file.clone();
            let known = document.into_iter().collect();
            if let Some(single) = self.target_package(package, target, known).await? {
                if self.lets_in(&single, &file, asked) {
                    return Ok(Some((single, file)));
                }
                first = Some((single, file));
            }
        }
        if pointers.falls_back() || viewer.as_of.is_some() {
            let earlier =
                rows.iter().filter(|row| viewer.as_of.is_none_or(|moment| row.first_seen <= moment));
            for row in earlier.take(MAX_EARLIER) {
                let Some(target) = pointers.earlier(name, pointer, wanted, &row.version, need) else {
                    continue;
                };
                let file = target.file.clone();
                let Some(single) = self.target_package(package, target, Vec::new()).await? else { continue };
                if self.lets_in(&single, &file, asked) {
                    return Ok(Some((single, file)));
                }
                first = first.or(Some((single, file)));
            }
        }
        Ok(first)
    }

    /// The release at which a name stands now, for a question about that name.
    pub(crate) async fn at_pointer(
        &self,
        package: &Arc<Package>,
        pointer: &str,
    ) -> Result<Option<Arc<Package>>, LoadError> {
        let Some(pointers) = package.ecosystem.pointers() else { return Ok(None) };
        let name = &package.name;
        let roles = self.roles(name.ecosystem());
        let need = self.need(name, &roles);
        let stands = self.where_it_stands(package.ecosystem, pointers, name, (pointer, ""), &need).await?;
        let Some((target, document)) = stands else { return Ok(None) };
        let recorded = recorded_name(&target, pointer);
        let rows = self
            .metadata
            .pointer(name.ecosystem().as_str(), name.key(), &recorded)
            .await
            .map_err(|error| self.store_failed("pointer", &error))?;
        self.note_place(name, &recorded, &target, &rows).await?;
        self.target_package(package, moved_target(target, &rows), vec![document]).await
    }

    fn lets_in(&self, single: &Arc<Package>, file: &str, asked: &Asked<'_>) -> bool {
        let judged = self.judge(single, asked.viewer());
        single.place_of(file, &judged).is_some_and(|place| judged.allowed.admits(place.release))
    }

    /// The package of a target. One that was asked for by a name is another one than that of its bare digest,
    /// since the name is part of what is judged.
    async fn target_package(
        &self,
        package: &Arc<Package>,
        target: Target,
        known: Vec<Document>,
    ) -> Result<Option<Arc<Package>>, LoadError> {
        let key = match &target.release.reference {
            Some(reference) => format!(
                "{}\n{}\n{}",
                target.file,
                reference.name,
                reference.moved_from.as_deref().unwrap_or_default()
            ),
            None => target.file.clone(),
        };
        if let Some(single) = package.single(&key) {
            return Ok(Some(single));
        }
        self.single_of(package, target.release, &key, known).await
    }

    async fn where_it_stands(
        &self,
        ecosystem: &'static dyn Ecosystem,
        pointers: &dyn Pointers,
        name: &PackageName,
        (pointer, wanted): (&str, &str),
        need: &Need<'_>,
    ) -> Result<Option<(Target, Document)>, LoadError> {
        let fetch = pointers.fetch(name, pointer, need);
        let owner = format!("{}\n{}", name.as_str(), fetch.path);
        let keeping = Keeping { owner: &owner, fresh: self.settings.fresh, coding: Coding::Any };
        let document = match self.current_document(ecosystem, &keeping, &fetch).await {
            Ok((document, ..)) => document,
            Err(UpstreamError::Absent) => return Ok(None),
            Err(cause) => return Err(LoadError::Unavailable { package: name.to_string(), cause }),
        };
        let read = pointers.read(name, pointer, wanted, &document, need);
        let target =
            read.map_err(|error| LoadError::Malformed { package: name.to_string(), why: error.to_string() })?;
        Ok(target.map(|target| (target, document)))
    }

    async fn note_place(
        &self,
        name: &PackageName,
        pointer: &str,
        target: &Target,
        rows: &[PointerRow],
    ) -> Result<(), LoadError> {
        let now = self.clock.now();
        let version = &*target.release.version;
        // The newest place is the first row; while the pointer stays there, an hour's grain is enough.
        if rows.first().is_some_and(|row| row.version == version && now.since(row.last_seen) < NOTED) {
            return Ok(());
        }
        self.metadata
            .record_pointers(
                name.ecosystem().as_str(),
                name.key(),
                &[(pointer.to_owned(), version.to_owned())],
                now,
            )
            .await
            .map_err(|error| self.store_failed("pointer", &error))
    }

    /// Serves a file of a package whose release no index lists.
    pub(crate) async fn serve_single(&self, asked: &Asked<'_>, single: Arc<Package>, file: &str) -> Answer {
        let page = self.page_url(asked.root, &single.name);
        let judged = self.judge(&single, asked.viewer());
        match single.place_of(file, &judged) {
            Some(place) => self.serve_known(asked, single, place, Part::Whole, page).await,
            None => self.not_found(asked),
        }
    }
}

/// Whether a pointer stood here at the moment that the client wants to see.
fn was_there(rows: &[PointerRow], target: &Target, as_of: Option<Timestamp>) -> bool {
    as_of.is_none_or(|moment| {
        rows.iter().any(|row| *row.version == *target.release.version && row.first_seen <= moment)
    })
}

/// Under which name a place is on record: a file may be asked for by a path that has more in it than the name.
fn recorded_name(target: &Target, pointer: &str) -> String {
    target.release.reference.as_ref().map_or(pointer, |reference| &*reference.name).to_owned()
}

/// The target, with where its name stood when this house first saw it, if that was elsewhere.
fn moved_target(mut target: Target, rows: &[PointerRow]) -> Target {
    if let Some(reference) = &mut target.release.reference {
        let earliest = rows.iter().min_by_key(|row| row.first_seen);
        reference.moved_from = earliest
            .filter(|row| *row.version != *target.release.version)
            .map(|row| row.version.as_str().into());
    }
    target
}
