//! Releases as the REST API lists them, and the redirects of the web site to the newest one.

use super::documents::{Entry, Releases};
use super::files::encoded;
use super::{refuse, route, version};
use crate::route::View;
use crate::{Index, Shown};
use http::{StatusCode, header};
use lazaret_policy::Action;
use lazaret_vocabulary::{Malformed, Refusal, Release, Reply, Standing};
use serde_json::{Map, Value};

/// A rough size of what a release takes in memory beside its text.
const RELEASE_WEIGHT: usize = 600;

impl Index for Releases {
    fn standing(&self) -> &Standing {
        &self.standing
    }

    fn releases(&self) -> &[Release] {
        &self.releases
    }

    /// Withheld releases are left out, and so are files that came later and are withheld by themselves. The
    /// newest release is the highest that is let in, as the host chooses unless it is told otherwise.
    fn render(&self, view: &View, shown: &Shown<'_>) -> Result<Reply, Malformed> {
        if shown.allowed.len() != self.releases.len() {
            return Err(Malformed::new(format!(
                "the verdict speaks of {} releases, the index of {}",
                shown.allowed.len(),
                self.releases.len()
            )));
        }
        if !self.told {
            let why = "no address of the API is configured here, so releases are not listed";
            return Ok(missing(why));
        }
        let wanted = view.version.as_deref().unwrap_or_default();
        match view.form {
            route::NO_MORE => Ok(Reply::json("[]")),
            route::LIST => self.list(shown),
            route::ONE => self.one(wanted, shown),
            _ => Ok(self.newest(view.form, wanted, shown)),
        }
    }

    fn weight(&self) -> usize {
        let texts = self.entries.iter().map(|entry| entry.text.len());
        texts.sum::<usize>().saturating_add(self.releases.len().saturating_mul(RELEASE_WEIGHT))
    }
}

fn missing(message: &str) -> Reply {
    let body = serde_json::json!({ "message": message }).to_string();
    Reply { status: StatusCode::NOT_FOUND, ..Reply::json(body) }
}

impl Releases {
    fn list(&self, shown: &Shown<'_>) -> Result<Reply, Malformed> {
        let admitted = self.entries.iter().filter(|entry| shown.allowed.admits(entry.at));
        let list = admitted.map(|entry| object(entry, shown)).collect::<Result<Vec<_>, _>>()?;
        Ok(Reply::json(Value::Array(list).to_string()))
    }

    fn one(&self, tag: &str, shown: &Shown<'_>) -> Result<Reply, Malformed> {
        match self.entries.iter().find(|entry| *entry.tag == *tag) {
            None => Ok(missing("there is no such release among the newest 300")),
            Some(entry) if shown.allowed.admits(entry.at) => {
                Ok(Reply::json(object(entry, shown)?.to_string()))
            }
            Some(entry) => Ok(self.refused(entry, false, shown)),
        }
    }

    /// The highest release that is let in, releases before pre-releases.
    fn newest(&self, form: &str, file: &str, shown: &Shown<'_>) -> Reply {
        let web = form != route::LATEST;
        let admitted = self.highest(|entry| shown.allowed.admits(entry.at));
        let Some(entry) = admitted else {
            return match self.highest(|_| true) {
                Some(entry) => self.refused(entry, web, shown),
                None => missing("there is no release"),
            };
        };
        let (base, package, tag) = (shown.base, shown.package, encoded(&entry.tag));
        match form {
            route::LATEST_PAGE => found(&format!("{base}/{package}/releases/tag/{tag}")),
            route::LATEST_FILE => {
                found(&format!("{base}/{package}/releases/download/{tag}/{}", encoded(file)))
            }
            _ => match object(entry, shown) {
                Ok(object) => Reply::json(object.to_string()),
                Err(error) => missing(&error.to_string()),
            },
        }
    }

    fn highest(&self, wanted: impl Fn(&Entry) -> bool) -> Option<&Entry> {
        let stable = |entry: &Entry| self.releases.get(entry.at).is_some_and(|release| !release.prerelease);
        let candidates = self.entries.iter().filter(|entry| wanted(entry));
        candidates.max_by(|left, right| {
            stable(left).cmp(&stable(right)).then_with(|| version::compare(&left.tag, &right.tag))
        })
    }

    /// Why a release may not be had.
    fn refused(&self, entry: &Entry, web: bool, shown: &Shown<'_>) -> Reply {
        let Some(withheld) = shown.allowed.withheld(entry.at) else { return missing("there is no release") };
        let newest = self.highest(|entry| shown.allowed.admits(entry.at));
        let refusal = Refusal {
            package: shown.package.clone(),
            version: Some(entry.tag.to_string()),
            code: withheld.code.to_string(),
            sentence: withheld.sentence.clone(),
            until: withheld.until.filter(|_| withheld.action == Action::Hold),
            newest_allowed: newest.map(|entry| entry.tag.to_string()),
            page: shown.page.to_owned(),
        };
        if web { refuse::text(&refusal) } else { refuse::json(&refusal) }
    }
}

/// A redirect that may lead elsewhere tomorrow.
fn found(location: &str) -> Reply {
    Reply { status: StatusCode::FOUND, ..Reply::new(StatusCode::FOUND, "text/plain", "") }
        .with_header(header::LOCATION, location)
}

/// A release's object with addresses that lead here, and without those that lead nowhere here.
fn object(entry: &Entry, shown: &Shown<'_>) -> Result<Value, Malformed> {
    let mut object: Map<String, Value> = serde_json::from_str(&entry.text)
        .map_err(|error| Malformed::new(format!("a release of the API: {error}")))?;
    let (base, package, tag) = (shown.base, shown.package, encoded(&entry.tag));
    for key in ["assets_url", "upload_url", "discussion_url"] {
        object.remove(key);
    }
    let addresses = [
        ("url", format!("{base}/repos/{package}/releases/tags/{tag}")),
        ("html_url", format!("{base}/{package}/releases/tag/{tag}")),
        ("tarball_url", format!("{base}/repos/{package}/tarball/refs/tags/{tag}")),
        ("zipball_url", format!("{base}/repos/{package}/zipball/refs/tags/{tag}")),
    ];
    for (key, address) in addresses {
        object.insert(key.to_owned(), address.into());
    }
    let withheld =
        |name: &str| entry.later.iter().any(|(file, at)| file == name && !shown.allowed.admits(*at));
    if let Some(assets) = object.get_mut("assets").and_then(Value::as_array_mut) {
        let name = |asset: &Value| asset.get("name").and_then(Value::as_str).map(str::to_owned);
        assets.retain(|asset| name(asset).is_some_and(|name| !withheld(&name)));
        for asset in assets {
            let Some(name) = name(asset) else { continue };
            let address = format!("{base}/{package}/releases/download/{tag}/{}", encoded(&name));
            if let Some(asset) = asset.as_object_mut() {
                asset.insert("url".to_owned(), address.clone().into());
                asset.insert("browser_download_url".to_owned(), address.into());
            }
        }
    }
    Ok(Value::Object(object))
}
