//! The document on a package as a client may see it.

use super::documents::{Entry, MavenIndex};
use super::{house, name, refuse, route, version, xml};
use crate::route::View;
use crate::{Index, Shown};
use bytes::Bytes;
use http::StatusCode;
use lazaret_policy::Action;
use lazaret_vocabulary::{Algorithm, Digest, Malformed, Refusal, Release, Reply, Standing};
use md5::Digest as _;
use ring::digest;
use std::ops::Range;
use std::sync::Arc;

pub(super) const XML: &str = "text/xml";

/// A rough size of what a release takes in memory beside its text.
const RELEASE_WEIGHT: usize = 700;

impl Index for MavenIndex {
    fn standing(&self) -> &Standing {
        &self.standing
    }

    fn releases(&self) -> &[Release] {
        &self.releases
    }

    fn tags(&self) -> &[(Arc<str>, Arc<str>)] {
        &self.tags
    }

    /// Withheld versions are taken out of the list: Maven looks at it only to choose from a range, asks for the
    /// POM of every version in it, and gives up over the first that is refused. Where nothing is left the
    /// refusal is the answer, since mvn prints its phrase and says nothing of an empty list but that it is empty.
    fn render(&self, view: &View, shown: &Shown<'_>) -> Result<Reply, Malformed> {
        if shown.allowed.len() != self.releases.len() {
            return Err(Malformed::new(format!(
                "the verdict speaks of {} releases, the index of {}",
                shown.allowed.len(),
                self.releases.len()
            )));
        }
        let admits = |at: usize| shown.allowed.admits(at);
        if !self.releases.is_empty() && !(0..self.releases.len()).any(admits) {
            return Ok(self.refused(shown));
        }
        let body = match (&self.house, view.version.as_deref()) {
            (Some(_), None) => house::metadata(shown.package, &self.releases, admits),
            (Some(_), Some(base)) => house::snapshot(shown.package, &self.releases, base, admits),
            (None, None) if !self.body.is_empty() => Some(self.filtered(admits)?),
            (None, _) => None,
        };
        Ok(match (body, route::checksum_of_form(view.form)) {
            (None, _) => refuse::error(StatusCode::NOT_FOUND, "there is no such document"),
            (Some(body), Some(algorithm)) => checksum(algorithm, &body),
            (Some(body), None) => Reply::new(StatusCode::OK, XML, body),
        })
    }

    fn weight(&self) -> usize {
        let house = self.house.as_ref().map_or(0, |house| house.weight());
        self.body
            .len()
            .saturating_add(self.releases.len().saturating_mul(RELEASE_WEIGHT))
            .saturating_add(house)
    }
}

/// A document's digest in hexadecimal, as Maven writes it beside a file.
pub(super) fn checksum(algorithm: Algorithm, body: &[u8]) -> Reply {
    let ring = |kind| digest::digest(kind, body).as_ref().to_vec();
    let bytes = match algorithm {
        Algorithm::Md5 => md5::Md5::digest(body).to_vec(),
        Algorithm::Sha1 => ring(&digest::SHA1_FOR_LEGACY_USE_ONLY),
        Algorithm::Sha256 => ring(&digest::SHA256),
        Algorithm::Sha384 => ring(&digest::SHA384),
        Algorithm::Sha512 => ring(&digest::SHA512),
    };
    let text = Digest::from_bytes(algorithm, &bytes).map(|digest| digest.to_hex()).unwrap_or_default();
    Reply::new(StatusCode::OK, "text/plain", text)
}

impl MavenIndex {
    /// The document without what is withheld; the elements that single a version out are moved to the highest
    /// that is left.
    pub(super) fn filtered(&self, admits: impl Fn(usize) -> bool) -> Result<Bytes, Malformed> {
        let open = |entry: &Entry| entry.release.is_some_and(&admits);
        let mut changes: Vec<(Range<usize>, String)> = self
            .listed
            .iter()
            .filter(|entry| !open(entry))
            .map(|entry| (entry.span.clone(), String::new()))
            .collect();
        for (entries, stable) in [(&self.latest, false), (&self.newest, true)] {
            for entry in entries.iter().filter(|entry| !open(entry)) {
                changes.push(match self.highest(&admits, stable) {
                    Some(release) if !entry.inner.is_empty() => {
                        (entry.inner.clone(), xml::escape(&release.version))
                    }
                    _ => (entry.span.clone(), String::new()),
                });
            }
        }
        if changes.is_empty() {
            return Ok(self.body.clone());
        }
        changes.sort_by_key(|(span, _)| span.start);
        let lost = || Malformed::new("an element of the metadata is not where it was");
        let mut body = Vec::with_capacity(self.body.len());
        let mut at = 0;
        for (span, text) in changes {
            body.extend_from_slice(self.body.get(at..span.start).ok_or_else(lost)?);
            body.extend_from_slice(text.as_bytes());
            at = span.end;
        }
        body.extend_from_slice(self.body.get(at..).ok_or_else(lost)?);
        Ok(body.into())
    }

    /// The highest release that is let in; where `stable`, no snapshot, and one that comes before no other if there
    /// is any.
    fn highest(&self, admits: impl Fn(usize) -> bool, stable: bool) -> Option<&Release> {
        let open = self.releases.iter().enumerate().filter(|(at, _)| admits(*at)).map(|(_, release)| release);
        open.filter(|release| !stable || !name::is_snapshot(&release.version)).max_by(|left, right| {
            let settled = right.prerelease.cmp(&left.prerelease);
            let order = version::compare(&left.version, &right.version);
            if stable { settled.then(order) } else { order }
        })
    }

    /// Why nothing of the package may be had, in the words on its highest release.
    fn refused(&self, shown: &Shown<'_>) -> Reply {
        let highest = self.releases.iter().enumerate().max_by(|(_, left), (_, right)| {
            let settled = right.prerelease.cmp(&left.prerelease);
            settled.then_with(|| version::compare(&left.version, &right.version))
        });
        let found = highest.and_then(|(at, release)| Some((release, shown.allowed.withheld(at)?)));
        match found {
            Some((release, withheld)) => refuse::refusal(&Refusal {
                package: shown.package.clone(),
                version: Some(release.version.to_string()),
                code: withheld.code.to_string(),
                sentence: withheld.sentence.clone(),
                until: withheld.until.filter(|_| withheld.action == Action::Hold),
                newest_allowed: None,
                page: shown.page.to_owned(),
            }),
            None => refuse::error(StatusCode::NOT_FOUND, "there is no such document"),
        }
    }
}
