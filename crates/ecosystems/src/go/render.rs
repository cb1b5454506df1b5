//! The list of versions and the newest one, as a client may see them.

use super::documents::{Module, rank};
use super::{refuse, route, version};
use crate::route::View;
use crate::{Index, Shown};
use http::StatusCode;
use lazaret_policy::Action;
use lazaret_vocabulary::{Malformed, Refusal, Release, Reply, Standing};

/// A rough size of what a release takes in memory beside its line.
const RELEASE_WEIGHT: usize = 700;

impl Index for Module {
    fn standing(&self) -> &Standing {
        &self.standing
    }

    fn releases(&self) -> &[Release] {
        &self.releases
    }

    /// The go command chooses among what is listed, and asks for what a `go.mod` names without looking at the
    /// list. So withheld versions are left out here, and refused with a reason where they are asked for. Where
    /// that leaves nothing, the refusal itself is the answer, since an empty list means that there are no
    /// versions.
    fn render(&self, view: &View, shown: &Shown<'_>) -> Result<Reply, Malformed> {
        if shown.allowed.len() != self.releases.len() {
            return Err(Malformed::new(format!(
                "the verdict speaks of {} releases, the list of {}",
                shown.allowed.len(),
                self.releases.len()
            )));
        }
        let choice = |wanted: &dyn Fn(usize, &Release) -> bool| {
            let tagged = |release: &Release| !version::is_pseudo(&release.version);
            let any_tagged = self.releases.iter().any(tagged);
            let matching = self
                .releases
                .iter()
                .enumerate()
                .filter(|(at, release)| (!any_tagged || tagged(release)) && wanted(*at, release));
            matching.max_by(|(_, left), (_, right)| newer(left, right)).map(|(at, _)| at)
        };
        let Some(newest) = choice(&|_, release| release.withdrawn.is_none()).or_else(|| choice(&|_, _| true))
        else {
            return Ok(match view.form {
                route::LIST => text(String::new()),
                _ => refuse::not_found("no version of this module is known"),
            });
        };
        let best = choice(&|at, release| shown.allowed.admits(at) && release.withdrawn.is_none())
            .or_else(|| choice(&|at, _| shown.allowed.admits(at)));
        match (best, view.form) {
            (None, _) => Ok(self.refused(newest, shown)),
            (Some(_), route::LIST) => self.filtered(|at| shown.allowed.admits(at)).map(text),
            (Some(best), _) => self.newest(best),
        }
    }

    fn weight(&self) -> usize {
        self.list.len().saturating_add(self.releases.len().saturating_mul(RELEASE_WEIGHT))
    }
}

/// By version; commits by their time, as the go command does, since their versions do not tell.
fn newer(left: &Release, right: &Release) -> std::cmp::Ordering {
    let time = |release: &Release| version::pseudo_time(&release.version).or(release.claimed);
    match (version::is_pseudo(&left.version), version::is_pseudo(&right.version)) {
        (true, true) => time(left).cmp(&time(right)),
        _ => rank(&left.version, &right.version),
    }
}

fn text(body: String) -> Reply {
    Reply::new(StatusCode::OK, "text/plain; charset=utf-8", body)
}

impl Module {
    /// The lines of the list that are admitted, as they are.
    pub(super) fn filtered(&self, admits: impl Fn(usize) -> bool) -> Result<String, Malformed> {
        let lost = || Malformed::new("a line of the list of versions is not where it was");
        let mut body = String::with_capacity(self.list.len());
        for (at, line) in self.lines.iter().enumerate() {
            if !admits(at) {
                continue;
            }
            let line = match line {
                Some(line) => self.list.get(line.clone()).and_then(|line| std::str::from_utf8(line).ok()),
                // A commit is no version to choose from: the go command reads over it, as over those that some
                // proxies list themselves.
                None => self.releases.get(at).map(|release| &*release.version),
            };
            body.push_str(line.ok_or_else(lost)?);
            body.push('\n');
        }
        Ok(body)
    }

    /// A version as `@latest` gives it. The go command asks for its `.info` before it believes the time.
    fn newest(&self, at: usize) -> Result<Reply, Malformed> {
        let release =
            self.releases.get(at).ok_or_else(|| Malformed::new("the newest version is not there"))?;
        let mut told = serde_json::json!({ "Version": &*release.version });
        if let (Some(time), Some(fields)) = (release.published.or(release.claimed), told.as_object_mut()) {
            fields.insert("Time".to_owned(), time.to_string().into());
        }
        Ok(Reply::json(told.to_string()))
    }

    /// Why nothing of the module may be had, in the words on its newest version.
    fn refused(&self, newest: usize, shown: &Shown<'_>) -> Reply {
        match (self.releases.get(newest), shown.allowed.withheld(newest)) {
            (Some(release), Some(withheld)) => refuse::withheld(&Refusal {
                package: shown.package.clone(),
                version: Some(release.version.to_string()),
                code: withheld.code.to_string(),
                sentence: withheld.sentence.clone(),
                until: withheld.until.filter(|_| withheld.action == Action::Hold),
                newest_allowed: None,
                page: shown.page.to_owned(),
            }),
            _ => refuse::not_found("no version of this module is known"),
        }
    }
}
