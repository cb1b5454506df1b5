//! The packument as a client may see it: pieces of the document, and of the manifests trimmed when it was
//! read, put one behind another. What is let through keeps its bytes, but for the tarball's address.

use super::documents::{Entry, Packument};
use super::json::quoted;
use super::view::{ABBREVIATED_TYPE, Form, MANIFEST, Members, TAG, TAGS, Withheld};
use super::{listing, notice, refuse, version};
use crate::route::View;
use crate::{Index, Shown};
use http::StatusCode;
use http::header::VARY;
use lazaret_policy::{Action, Withheld as Reason};
use lazaret_vocabulary::{BaseUrl, Malformed, PackageName, Refusal, Release, Reply, Standing};
use std::collections::HashSet;
use std::ops::Range;
use std::sync::Arc;

/// A rough size of what a release takes in memory beside the document.
const RELEASE_WEIGHT: usize = 700;

impl Index for Packument {
    fn standing(&self) -> &Standing {
        &self.standing
    }

    fn releases(&self) -> &[Release] {
        &self.releases
    }

    fn tags(&self) -> &[(Arc<str>, Arc<str>)] {
        &self.tags
    }

    fn render(&self, view: &View, shown: &Shown<'_>) -> Result<Reply, Malformed> {
        if shown.allowed.len() != self.releases.len() {
            return Err(Malformed::new(format!(
                "the verdict speaks of {} releases, the packument of {}",
                shown.allowed.len(),
                self.releases.len()
            )));
        }
        let verdicts = (0..self.releases.len()).map(|index| match shown.allowed.withheld(index) {
            Some(reason) => Verdict::Withheld(reason),
            None if shown.allowed.admits(index) => Verdict::Admitted,
            None => Verdict::Unjudged,
        });
        let rendering = Rendering {
            index: self,
            verdicts: verdicts.collect(),
            package: shown.package,
            base: shown.base,
            page: shown.page,
        };
        rendering.reply(view)
    }

    fn weight(&self) -> usize {
        let releases = self.releases.len().saturating_mul(RELEASE_WEIGHT);
        self.body.len().saturating_add(self.trimmed.len()).saturating_add(releases)
    }
}

/// What [`lazaret_policy::Allowed`] says of one release.
#[derive(Debug, Clone, Copy)]
pub(super) enum Verdict<'a> {
    Admitted,
    Withheld(&'a Reason),
    /// Never shown.
    Unjudged,
}

/// One rendering. Outside of tests made by [`Packument::render`] alone, from the firewall's own verdicts.
pub(super) struct Rendering<'a> {
    pub index: &'a Packument,
    /// In the order of the releases.
    pub verdicts: Vec<Verdict<'a>>,
    pub package: &'a PackageName,
    pub base: &'a BaseUrl,
    pub page: &'a str,
}

fn lost() -> Malformed {
    Malformed::new("a piece of the packument is not where it was")
}

/// What is written behind a manifest in place of the publisher's own warning.
enum Tail<'a> {
    Own,
    Because(&'a str),
}

impl<'a> Rendering<'a> {
    pub(super) fn reply(&self, view: &View) -> Result<Reply, Malformed> {
        match (view.form, view.version.as_deref()) {
            (MANIFEST, Some(wanted)) => self.manifest(wanted),
            (TAGS, _) => Ok(Reply::json(self.tags(|_| false))),
            (TAG, Some(tag)) => Ok(self.tag(tag)),
            (form, _) => self.packument(Form::named(form)),
        }
    }

    pub(super) fn admits(&self, index: usize) -> bool {
        matches!(self.verdicts.get(index), Some(Verdict::Admitted))
    }

    pub(super) fn withheld(&self, index: usize) -> Option<&'a Reason> {
        match self.verdicts.get(index)? {
            Verdict::Withheld(reason) => Some(reason),
            Verdict::Admitted | Verdict::Unjudged => None,
        }
    }

    fn piece(&self, range: &Range<usize>) -> Result<&'a [u8], Malformed> {
        self.index.body.get(range.clone()).ok_or_else(lost)
    }

    fn packument(&self, form: Form) -> Result<Reply, Malformed> {
        let listed = listing::listed(self, form.withheld);
        let size =
            if form.members == Members::All { self.index.body.len() } else { self.index.trimmed.len() };
        let room = self.index.releases.len().saturating_mul(160).saturating_add(4096);
        let mut out = Vec::with_capacity(size.saturating_add(room));
        self.head(&mut out, form.members)?;
        out.extend_from_slice(b"\"dist-tags\":");
        out.extend_from_slice(self.tags(|index| listed.contains(&index)).as_bytes());
        self.dates(&mut out, &listed)?;
        out.extend_from_slice(b",\"versions\":{");
        let (address, newest) = (self.address(), self.newest_allowed());
        let mut first = true;
        for (index, (release, entry)) in self.entries() {
            let withheld = self.withheld(index);
            let admitted = self.admits(index);
            if !admitted && !listed.contains(&index) {
                continue;
            }
            if !std::mem::take(&mut first) {
                out.push(b',');
            }
            out.extend_from_slice(self.piece(&entry.key)?);
            out.push(b':');
            let file = release.artifacts.first().map_or("", |artifact| &artifact.file);
            match (form.members, withheld) {
                (Members::All, _) => self.full(&mut out, entry, &address, file)?,
                (Members::Install, None) => self.trimmed(&mut out, entry, &address, file, &Tail::Own)?,
                (Members::Install, Some(reason)) => {
                    let slug = notice::slug(reason, newest);
                    let because = notice::line(reason, newest, self.page);
                    let address = format!("{address}{slug}/");
                    self.trimmed(&mut out, entry, &address, file, &Tail::Because(&because))?;
                }
            }
        }
        out.push(b'}');
        if form.withheld == Withheld::Restricted {
            self.restrictions(&mut out)?;
        }
        out.push(b'}');
        let reply = if form.abbreviated {
            Reply::new(StatusCode::OK, ABBREVIATED_TYPE, out)
        } else {
            Reply::json(out)
        };
        Ok(reply.with_header(VARY, "accept, user-agent"))
    }

    fn entries(&self) -> impl Iterator<Item = (usize, (&'a Release, &'a Entry))> {
        self.index.releases.iter().zip(&self.index.entries).enumerate()
    }

    /// `{` and the members before the tags, with a comma behind each.
    fn head(&self, out: &mut Vec<u8>, members: Members) -> Result<(), Malformed> {
        out.push(b'{');
        if members == Members::All {
            for (key, value) in &self.index.members {
                out.extend_from_slice(self.piece(key)?);
                out.push(b':');
                out.extend_from_slice(self.piece(value)?);
                out.push(b',');
            }
            return Ok(());
        }
        out.extend_from_slice(b"\"name\":");
        out.extend_from_slice(quoted(&self.index.name).as_bytes());
        out.push(b',');
        if let Some(modified) = &self.index.modified {
            out.extend_from_slice(b"\"modified\":");
            out.extend_from_slice(self.piece(modified)?);
            out.push(b',');
        } else if let Some(date) = self.modified_of_time()? {
            // What the abbreviated document calls `modified`, the full one has within `time`.
            out.extend_from_slice(date);
            out.push(b',');
        }
        Ok(())
    }

    fn modified_of_time(&self) -> Result<Option<&'a [u8]>, Malformed> {
        let pieces = self.index.dates.iter().map(|range| self.piece(range));
        let found = pieces.collect::<Result<Vec<_>, _>>()?;
        Ok(found.into_iter().find(|piece| piece.starts_with(b"\"modified\"")))
    }

    /// `time`, so that the clients' own age settings work. An upstream that was asked for the abbreviated
    /// document only has none, and none is made up.
    fn dates(&self, out: &mut Vec<u8>, listed: &HashSet<usize>) -> Result<(), Malformed> {
        if !self.index.has_time {
            return Ok(());
        }
        out.extend_from_slice(b",\"time\":{");
        let releases = self.entries().filter(|(index, _)| self.admits(*index) || listed.contains(index));
        let dates = self.index.dates.iter().chain(releases.map(|(_, (_, entry))| &entry.time));
        let mut first = true;
        for date in dates.filter(|date| !date.is_empty()) {
            if !std::mem::take(&mut first) {
                out.push(b',');
            }
            out.extend_from_slice(self.piece(date)?);
        }
        out.push(b'}');
        Ok(())
    }

    /// Where the package's tarballs are served, up to their names.
    fn address(&self) -> String {
        format!("{}/{}/-/", self.base, self.index.name)
    }

    fn full(&self, out: &mut Vec<u8>, entry: &Entry, address: &str, file: &str) -> Result<(), Malformed> {
        let [before, after] = &entry.full;
        out.push(b'{');
        out.extend_from_slice(self.piece(before)?);
        push_address(out, address, file);
        out.extend_from_slice(self.piece(after)?);
        out.push(b'}');
        Ok(())
    }

    fn trimmed(
        &self,
        out: &mut Vec<u8>,
        entry: &Entry,
        address: &str,
        file: &str,
        tail: &Tail<'_>,
    ) -> Result<(), Malformed> {
        let [before, after] = &entry.trimmed;
        let piece = |range: &Range<usize>| self.index.trimmed.get(range.clone()).ok_or_else(lost);
        out.extend_from_slice(piece(before)?);
        push_address(out, address, file);
        out.extend_from_slice(piece(after)?);
        match tail {
            Tail::Because(line) => {
                out.extend_from_slice(b",\"deprecated\":");
                out.extend_from_slice(quoted(line).as_bytes());
            }
            Tail::Own if !entry.deprecated.is_empty() => {
                out.extend_from_slice(b",\"deprecated\":");
                out.extend_from_slice(self.piece(&entry.deprecated)?);
            }
            Tail::Own => {}
        }
        out.push(b'}');
        Ok(())
    }

    /// `policyRestrictions` (npm-pick-manifest): the withheld versions, and why, in one message for all.
    fn restrictions(&self, out: &mut Vec<u8>) -> Result<(), Malformed> {
        let mut withheld = self
            .index
            .ascending
            .iter()
            .rev()
            .filter_map(|index| Some((*index, self.index.releases.get(*index)?, self.withheld(*index)?)));
        let Some(newest) = withheld.next() else { return Ok(()) };
        let all: Vec<_> = std::iter::once(newest).chain(withheld).collect();
        let reasons: Vec<(&str, &Reason)> =
            all.iter().map(|(_, release, reason)| (&*release.version, *reason)).collect();
        let message = notice::message(
            &self.index.name,
            &reasons,
            self.index.releases.len(),
            self.newest_allowed(),
            self.page,
        );
        out.extend_from_slice(b",\"policyRestrictions\":{\"message\":");
        out.extend_from_slice(quoted(&message).as_bytes());
        out.extend_from_slice(b",\"versions\":{");
        let name = quoted(&self.index.name);
        for (at, (index, _, _)) in all.iter().enumerate() {
            let key = self.piece(&self.index.entries.get(*index).ok_or_else(lost)?.key)?;
            if at > 0 {
                out.push(b',');
            }
            out.extend_from_slice(key);
            out.extend_from_slice(b":{\"name\":");
            out.extend_from_slice(name.as_bytes());
            out.extend_from_slice(b",\"version\":");
            out.extend_from_slice(key);
            out.push(b'}');
        }
        out.extend_from_slice(b"}}");
        Ok(())
    }

    fn any_admitted(&self) -> bool {
        (0..self.index.releases.len()).any(|index| self.admits(index))
    }

    /// The highest stable version that may be had, else the highest of any kind.
    fn newest_allowed(&self) -> Option<&'a str> {
        self.highest(|_, release| !release.prerelease)
            .or_else(|| self.highest(|_, _| true))
            .map(|release| &*release.version)
    }

    /// The highest admitted release that fits.
    fn highest(&self, fits: impl Fn(usize, &Release) -> bool) -> Option<&'a Release> {
        self.index.ascending.iter().rev().find_map(|index| {
            let release = self.index.releases.get(*index)?;
            (self.admits(*index) && fits(*index, release)).then_some(release)
        })
    }

    /// The tags as JSON. One that points at a withheld release moves to the highest admitted stable one below
    /// it (or, if it is a pre-release itself, the highest of any kind), and is left out where there is none.
    /// `keeps` says which withheld releases a tag may go on pointing at when nothing at all is admitted:
    /// without `latest`, pnpm and yarn would not come to print the reason.
    fn tags(&self, keeps: impl Fn(usize) -> bool) -> String {
        let nothing = !self.any_admitted();
        let mut out = String::from("{");
        for (tag, version) in &self.index.tags {
            let target = self.index.position(version);
            let kept = target.filter(|index| nothing && keeps(*index)).map(|_| &**version);
            let Some(version) = kept.or_else(|| self.points_at(version)) else { continue };
            if out.len() > 1 {
                out.push(',');
            }
            out.push_str(&quoted(tag));
            out.push(':');
            out.push_str(&quoted(version));
        }
        out.push('}');
        out
    }

    /// Where a tag on `wanted` points.
    fn points_at(&self, wanted: &'a str) -> Option<&'a str> {
        if self.index.position(wanted).is_some_and(|index| self.admits(index)) {
            return Some(wanted);
        }
        let parsed = version::parse(wanted);
        let prerelease = parsed.as_ref().is_some_and(|version| !version.pre.is_empty());
        let ascending = &self.index.ascending;
        let end = ascending.partition_point(|index| {
            version::compare_parsed(self.index.version(*index), (wanted, parsed.as_ref())).is_lt()
        });
        ascending.get(..end)?.iter().rev().find_map(|index| {
            let release = self.index.releases.get(*index)?;
            let fits = self.admits(*index) && (prerelease || !release.prerelease);
            fits.then_some(&*release.version)
        })
    }

    fn tag(&self, tag: &str) -> Reply {
        let found = self.index.tags.iter().find(|(known, _)| **known == *tag);
        match found.and_then(|(_, version)| self.points_at(version)) {
            Some(version) => Reply::json(quoted(version)),
            None => refuse::plain(StatusCode::NOT_FOUND, &format!("there is no tag `{tag}` to be had")),
        }
    }

    /// One version's manifest, asked for by version or tag.
    fn manifest(&self, wanted: &str) -> Result<Reply, Malformed> {
        let tagged = self.index.tags.iter().find(|(tag, _)| **tag == *wanted);
        let version = match tagged {
            // With nothing left below, the reason for the release itself is the answer.
            Some((_, version)) => self.points_at(version).unwrap_or(version),
            None => wanted,
        };
        let cleaned =
            || version::parse(version).and_then(|version| self.index.position(&version.to_string()));
        let found =
            self.index.position(version).or_else(cleaned).and_then(|index| {
                Some((index, self.index.releases.get(index)?, self.index.entries.get(index)?))
            });
        let Some((index, release, entry)) = found else {
            let body = quoted(&format!("version not found: {wanted}"));
            return Ok(Reply { status: StatusCode::NOT_FOUND, ..Reply::json(body) });
        };
        if let Some(reason) = self.withheld(index) {
            let refusal = Refusal {
                package: self.package.clone(),
                version: Some(release.version.to_string()),
                code: reason.code.to_string(),
                sentence: reason.sentence.clone(),
                until: reason.until.filter(|_| reason.action == Action::Hold),
                newest_allowed: self.newest_allowed().map(str::to_owned),
                page: self.page.to_owned(),
            };
            let line = refusal.line();
            return Ok(refuse::plain(StatusCode::FORBIDDEN, &line).with_phrase(&line));
        }
        if !self.admits(index) {
            return Err(lost());
        }
        let file = release.artifacts.first().map_or("", |artifact| &artifact.file);
        let mut out = Vec::with_capacity(8 << 10);
        self.full(&mut out, entry, &self.address(), file)?;
        Ok(Reply::json(out))
    }
}

/// The address as a JSON string: names of packages and files need no escape, the base may.
fn push_address(out: &mut Vec<u8>, address: &str, file: &str) {
    out.push(b'"');
    for byte in address.bytes().chain(file.bytes()) {
        if matches!(byte, b'"' | b'\\') {
            out.push(b'\\');
        }
        out.push(byte);
    }
    out.push(b'"');
}
