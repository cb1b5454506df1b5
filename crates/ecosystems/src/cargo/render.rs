//! The index file as a client may see it.

use super::documents::CrateIndex;
use super::refuse;
use crate::route::View;
use crate::{Index, Shown};
use http::StatusCode;
use lazaret_policy::Action;
use lazaret_vocabulary::{Malformed, Refusal, Release, Reply, Standing};

/// A rough size of what a release takes in memory beside its line.
const RELEASE_WEIGHT: usize = 400;

impl Index for CrateIndex {
    fn standing(&self) -> &Standing {
        &self.standing
    }

    fn releases(&self) -> &[Release] {
        &self.releases
    }

    /// Admitted lines keep their bytes. Withheld ones are marked as yanked: a line taken out would break the
    /// lock files that name it before cargo could show why, whereas a yanked one is passed over by a fresh
    /// resolution, and a locked one leads to the download, whose refusal cargo prints. Where nothing is
    /// admitted at all, the refusal itself is the answer, since cargo prints that too.
    fn render(&self, _view: &View, shown: &Shown<'_>) -> Result<Reply, Malformed> {
        if shown.allowed.len() != self.releases.len() {
            return Err(Malformed::new(format!(
                "the verdict speaks of {} releases, the index of {}",
                shown.allowed.len(),
                self.releases.len()
            )));
        }
        // The file of `foo_bar` is no answer to who asks for `foo-bar`, although no two crates may be so near.
        if self.releases.is_empty() || !shown.package.as_str().eq_ignore_ascii_case(&self.file_name) {
            return Ok(Reply::new(StatusCode::NOT_FOUND, "text/plain; charset=utf-8", ""));
        }
        if !(0..self.releases.len()).any(|index| shown.allowed.admits(index)) {
            return Ok(self.refused(shown));
        }
        let body = self.filtered(|index| shown.allowed.admits(index))?;
        Ok(Reply::new(StatusCode::OK, "text/plain; charset=utf-8", body))
    }

    fn weight(&self) -> usize {
        self.body.len().saturating_add(self.releases.len().saturating_mul(RELEASE_WEIGHT))
    }
}

impl CrateIndex {
    /// The lines, with `yanked` set in those that are not admitted.
    pub(super) fn filtered(&self, admits: impl Fn(usize) -> bool) -> Result<Vec<u8>, Malformed> {
        let lost = || Malformed::new("a line of the index file is not where it was");
        let piece = |range| self.body.get(range).ok_or_else(lost);
        let mut body =
            Vec::with_capacity(self.body.len().saturating_add(self.lines.len().saturating_mul(16)));
        for (index, span) in self.lines.iter().enumerate() {
            if admits(index) {
                body.extend_from_slice(piece(span.line.clone())?);
            } else {
                body.extend_from_slice(piece(span.line.start..span.yanked.start)?);
                body.extend_from_slice(if span.yanked.is_empty() { br#""yanked":true,"# } else { b"true" });
                body.extend_from_slice(piece(span.yanked.end..span.line.end)?);
            }
            body.push(b'\n');
        }
        Ok(body)
    }

    /// Why nothing of the crate may be had, in the words on its highest release.
    fn refused(&self, shown: &Shown<'_>) -> Reply {
        let highest = self
            .highest(|_, release| release.withdrawn.is_none() && !release.prerelease)
            .or_else(|| self.highest(|_, _| true));
        let found =
            highest.and_then(|index| Some((self.releases.get(index)?, shown.allowed.withheld(index)?)));
        match found {
            Some((release, withheld)) => refuse::text(&Refusal {
                package: shown.package.clone(),
                version: Some(release.version.to_string()),
                code: withheld.code.to_string(),
                sentence: withheld.sentence.clone(),
                until: withheld.until.filter(|_| withheld.action == Action::Hold),
                newest_allowed: None,
                page: shown.page.to_owned(),
            }),
            None => Reply::new(StatusCode::NOT_FOUND, "text/plain; charset=utf-8", ""),
        }
    }
}
