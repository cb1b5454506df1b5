//! A project's documents as a client may see them.
//!
//! Files that are withheld stay listed, as yanked for the reason why: resolvers pass over them, and who pins
//! one exactly goes on to the file, whose refusal pip and uv print. A page that left them out, or that was
//! itself refused, would read as "no such version"; so does one on which everything is yanked, to pip.

use super::documents::{ListedFile, ProjectIndex};
use super::page::Piece;
use super::route::{self, PROJECT_JSON, SIMPLE_JSON, SIMPLE_JSON_UV};
use super::{refuse, version};
use crate::route::{Part, View};
use crate::{Index, KeptExtra, Shown};
use http::StatusCode;
use lazaret_vocabulary::{
    Algorithm, BaseUrl, Digest, Malformed, PackageName, Refusal, Release, Reply, Standing, Timestamp,
};
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::sync::Arc;

/// A rough size of what a file takes in memory beside its bytes in the page.
const FILE_WEIGHT: usize = 500;

/// Members of `info` that speak of one release and not of the project.
const OF_ONE_RELEASE: [&str; 14] = [
    "requires_dist",
    "requires_python",
    "license",
    "license_expression",
    "license_files",
    "platform",
    "provides_extra",
    "dynamic",
    "release_url",
    "yanked_reason",
    "description",
    "description_content_type",
    "bugtrack_url",
    "docs_url",
];

impl Index for ProjectIndex {
    fn standing(&self) -> &Standing {
        &self.standing
    }

    fn releases(&self) -> &[Release] {
        &self.releases
    }

    fn render(&self, view: &View, shown: &Shown<'_>) -> Result<Reply, Malformed> {
        if shown.allowed.len() != self.releases.len() {
            return Err(Malformed::new(format!(
                "the verdict speaks of {} releases, the project of {}",
                shown.allowed.len(),
                self.releases.len()
            )));
        }
        if !self.exists || shown.package.key() != self.key.as_ref() {
            return Ok(Reply::new(StatusCode::NOT_FOUND, "text/plain; charset=utf-8", "404 Not Found"));
        }
        let why = |index: usize| match shown.allowed.withheld(index) {
            Some(withheld) => {
                Some(Why { code: &withheld.code, sentence: &withheld.sentence, until: withheld.until })
            }
            None if shown.allowed.admits(index) => None,
            None => Some(Why { code: "not-judged", sentence: "no verdict on it was given", until: None }),
        };
        let setting = Setting { base: shown.base, page: shown.page, extras: shown.extras };
        self.rendering(shown.package, setting, &why).reply(view)
    }

    fn weight(&self) -> usize {
        self.body.len().saturating_add(self.page.files.len().saturating_mul(FILE_WEIGHT))
    }
}

impl Rendering<'_> {
    /// The document in one of its forms.
    pub(super) fn reply(&self, view: &View) -> Result<Reply, Malformed> {
        match view.form {
            PROJECT_JSON => self.project(view.version.as_deref()),
            SIMPLE_JSON => Ok(Reply::new(StatusCode::OK, route::JSON_TYPE, self.json(&self.reasons(false))?)),
            SIMPLE_JSON_UV => {
                Ok(Reply::new(StatusCode::OK, route::JSON_TYPE, self.json(&self.reasons(true))?))
            }
            form => Ok(Reply::new(StatusCode::OK, route::media_type(form), self.html(&self.reasons(false)))),
        }
    }
}

/// Why a release is withheld.
pub(super) struct Why<'a> {
    pub code: &'a str,
    pub sentence: &'a str,
    pub until: Option<Timestamp>,
}

/// What a rendering needs beside documents and verdicts, see [`Shown`].
pub(super) struct Setting<'a> {
    pub base: &'a BaseUrl,
    pub page: &'a str,
    pub extras: &'a HashMap<Arc<str>, Vec<KeptExtra>>,
}

/// One rendering of one project.
pub(super) struct Rendering<'a> {
    index: &'a ProjectIndex,
    setting: Setting<'a>,
    /// Same order as the releases; `None` is admitted.
    refusals: Vec<Option<Refusal>>,
    /// The newest release that may be had, as it is told to whoever may not have another.
    newest: Option<usize>,
}

impl ProjectIndex {
    /// Prepares a rendering; `why` says of each release why it is withheld, if it is.
    pub(super) fn rendering<'a>(
        &'a self,
        package: &PackageName,
        setting: Setting<'a>,
        why: &dyn Fn(usize) -> Option<Why<'a>>,
    ) -> Rendering<'a> {
        let whys: Vec<Option<Why<'a>>> = (0..self.releases.len()).map(why).collect();
        let open = |index: usize, release: &Release| {
            matches!(whys.get(index), Some(None)) && release.withdrawn.is_none()
        };
        let newest = self
            .highest(|index, release| open(index, release) && !release.prerelease)
            .or_else(|| self.highest(open));
        let newest_allowed =
            newest.and_then(|at| self.releases.get(at)).map(|release| release.version.to_string());
        let refusals = self.releases.iter().zip(whys).map(|(release, why)| {
            let why = why?;
            Some(Refusal {
                package: package.clone(),
                version: Some(release.version.to_string()),
                code: why.code.to_owned(),
                sentence: why.sentence.to_owned(),
                until: why.until,
                newest_allowed: newest_allowed.clone(),
                page: setting.page.to_owned(),
            })
        });
        Rendering { index: self, refusals: refusals.collect(), setting, newest }
    }
}

impl Rendering<'_> {
    fn admits(&self, release: usize) -> bool {
        matches!(self.refusals.get(release), Some(None))
    }

    /// Release → why it is said to be yanked, in one line.
    ///
    /// pip and poetry do not print why a file is yanked, but they print why one is refused. So where a
    /// project has nothing to offer them, its newest release is listed as if it could be had: they go for it
    /// and are told. uv prints the reasons of yanked files and needs no such detour.
    fn reasons(&self, prints_yanked: bool) -> Vec<Option<String>> {
        let mut reasons: Vec<Option<String>> =
            self.refusals.iter().map(|refusal| refusal.as_ref().map(Refusal::line)).collect();
        if !prints_yanked && self.newest.is_none() {
            let open = |release: &Release| release.withdrawn.is_none();
            let newest = self
                .index
                .highest(|_, release| open(release) && !release.prerelease)
                .or_else(|| self.index.highest(|_, release| open(release)));
            if let Some(reason) = newest.and_then(|at| reasons.get_mut(at)) {
                *reason = None;
            }
        }
        reasons
    }

    /// SHA-256 of the core metadata that this house can serve for a file.
    fn metadata(&self, name: &str) -> Option<&Digest> {
        let kept = self.setting.extras.get(name)?;
        kept.iter().find(|extra| extra.part == Part::Metadata).map(|extra| &extra.sha256)
    }

    fn file_url(&self, name: &str) -> String {
        format!("{}{}", self.setting.base, route::file_path(&self.index.key, name))
    }

    /// PEP 691. What is admitted keeps its bytes but for the address and the members on core metadata,
    /// provenance and signatures, which speak of files that upstream serves and we do not.
    fn json(&self, reasons: &[Option<String>]) -> Result<Vec<u8>, Malformed> {
        let index = self.index;
        let piece = |range: std::ops::Range<usize>| {
            index.body.get(range).ok_or_else(|| Malformed::new("a part of the page is not where it was"))
        };
        let mut body = Vec::with_capacity(index.body.len().saturating_add(index.page.files.len() * 64));
        body.extend_from_slice(b"{\"meta\":");
        body.extend_from_slice(piece(index.page.meta.clone())?);
        body.extend_from_slice(b",\"name\":");
        body.extend_from_slice(text(&index.key).as_bytes());
        for (key, range) in [("project-status", &index.page.status), ("versions", &index.page.versions)] {
            if !range.is_empty() {
                body.extend_from_slice(format!(",\"{key}\":").as_bytes());
                body.extend_from_slice(piece(range.clone())?);
            }
        }
        body.extend_from_slice(b",\"files\":[");
        let mut first = true;
        for file in &index.page.files {
            let Some(artifact) = index.artifact(file) else { continue };
            body.extend_from_slice(if first { b"{" } else { b",{" });
            first = false;
            let reason = reasons.get(file.release).and_then(Option::as_ref);
            let mut said = false;
            for part in index.page.pieces.get(file.pieces.clone()).unwrap_or_default() {
                match (part, reason) {
                    (Piece::Keep(range), _) => body.extend_from_slice(piece(range.clone())?),
                    (Piece::Url, _) => {
                        body.extend_from_slice(text(&self.file_url(&artifact.file)).as_bytes());
                    }
                    (Piece::Yanked(range), None) => body.extend_from_slice(piece(range.clone())?),
                    (Piece::Yanked(_), Some(reason)) => {
                        said = true;
                        body.extend_from_slice(text(reason).as_bytes());
                    }
                }
            }
            if let Some(reason) = reason.filter(|_| !said) {
                body.extend_from_slice(format!(",\"yanked\":{}", text(reason)).as_bytes());
            }
            if let Some(time) = file.uploaded.as_deref().filter(|_| file.undated) {
                body.extend_from_slice(format!(",\"upload-time\":{}", text(time)).as_bytes());
            }
            if let Some(sha256) = self.metadata(&artifact.file) {
                let hash = sha256.to_hex();
                let member = format!(
                    ",\"core-metadata\":{{\"sha256\":\"{hash}\"}},\"dist-info-metadata\":{{\"sha256\":\"{hash}\"}}"
                );
                body.extend_from_slice(member.as_bytes());
            }
            body.push(b'}');
        }
        body.extend_from_slice(b"]}");
        Ok(body)
    }

    /// PEP 503, 592, 629, 658, 714, 792.
    fn html(&self, reasons: &[Option<String>]) -> String {
        let index = self.index;
        let title = escape(&index.key);
        let mut page = String::with_capacity(index.page.files.len() * 300 + 500);
        page.push_str(
            "<!DOCTYPE html>\n<html>\n<head>\n<meta name=\"pypi:repository-version\" content=\"1.1\">\n",
        );
        if let Some((status, reason)) = &index.page.standing {
            let _ = writeln!(page, "<meta name=\"pypi:project-status\" content=\"{}\">", escape(status));
            if !reason.is_empty() {
                let _ = writeln!(
                    page,
                    "<meta name=\"pypi:project-status-reason\" content=\"{}\">",
                    escape(reason)
                );
            }
        }
        let _ =
            write!(page, "<title>Links for {title}</title>\n</head>\n<body>\n<h1>Links for {title}</h1>\n");
        for file in &index.page.files {
            let reason = reasons.get(file.release).and_then(Option::as_deref);
            self.anchor(file, reason, &mut page);
        }
        page.push_str("</body>\n</html>\n");
        page
    }

    fn anchor(&self, file: &ListedFile, reason: Option<&str>, page: &mut String) {
        let Some(artifact) = self.index.artifact(file) else { return };
        let _ = write!(page, "<a href=\"{}", escape(&self.file_url(&artifact.file)));
        if let Some(digest) = strongest(&artifact.digests) {
            let _ = write!(page, "#{}={}", digest.algorithm().name(), digest.to_hex());
        }
        page.push('"');
        let mut attribute = |name: &str, value: &str| {
            let _ = write!(page, " {name}=\"{}\"", escape(value));
        };
        if let Some(specifier) = &file.requires_python {
            attribute("data-requires-python", specifier);
        }
        if let Some(time) = &file.uploaded {
            attribute("data-upload-time", time);
        }
        if let Some(reason) = reason.or(file.yanked.as_deref()) {
            attribute("data-yanked", reason);
        }
        if let Some(sha256) = self.metadata(&artifact.file) {
            let value = format!("sha256={}", sha256.to_hex());
            attribute("data-core-metadata", &value);
            attribute("data-dist-info-metadata", &value);
        }
        let _ = writeln!(page, ">{}</a><br>", escape(&artifact.file));
    }

    /// The legacy JSON document, of the newest version that may be had or of `version`. Only what is admitted
    /// is in it: nobody installs from it, and those who read it look for what there is.
    fn project(&self, version: Option<&str>) -> Result<Reply, Malformed> {
        let index = self.index;
        let releases = |wanted: &str| {
            let wanted = wanted.to_owned();
            (0..index.releases.len()).filter(move |at| {
                index.releases.get(*at).is_some_and(|release| version::same(&release.version, &wanted))
            })
        };
        let subject = match version {
            None => self.newest,
            Some(version) => {
                let admitted = releases(version).find(|at| self.admits(*at));
                if let (None, Some(refused)) = (admitted, releases(version).next()) {
                    return Ok(self.refused(refused));
                }
                admitted
            }
        };
        let Some(release) = subject.and_then(|at| index.releases.get(at)) else {
            return Ok(match (version, index.highest(|_, _| true)) {
                (None, Some(highest)) => self.refused(highest),
                _ => Reply::new(StatusCode::NOT_FOUND, "application/json", r#"{"message": "Not Found"}"#),
            });
        };
        let mut all: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
        for file in &index.page.files {
            if self.admits(file.release)
                && let Some(owner) = index.releases.get(file.release)
            {
                all.entry(&owner.version).or_default().extend(self.legacy_file(file));
            }
        }
        let urls = all.get(release.version.as_ref()).cloned().unwrap_or_default();
        let mut document = json!({
            "info": self.info(release), "last_serial": 0, "urls": urls, "vulnerabilities": [],
        });
        if let (None, Some(members)) = (version, document.as_object_mut()) {
            members.insert("releases".to_owned(), json!(all));
        }
        Ok(Reply::json(document.to_string()))
    }

    fn refused(&self, release: usize) -> Reply {
        match self.refusals.get(release) {
            Some(Some(refusal)) => refuse::problem(StatusCode::FORBIDDEN, refusal),
            _ => Reply::new(StatusCode::NOT_FOUND, "application/json", r#"{"message": "Not Found"}"#),
        }
    }

    /// Upstream's `info` where it speaks of this release; else only what it says of the project.
    fn info(&self, release: &Release) -> Value {
        let mut info = self.index.info.clone().unwrap_or_default();
        let about = info.get("version").and_then(Value::as_str).unwrap_or("");
        if !version::same(about, &release.version) {
            for key in OF_ONE_RELEASE {
                info.remove(key);
            }
        }
        info.entry("name").or_insert_with(|| self.index.key.as_ref().into());
        info.insert("version".to_owned(), release.version.as_ref().into());
        info.insert("yanked".to_owned(), release.withdrawn.is_some().into());
        if let Some(reason) = &release.withdrawn {
            info.insert("yanked_reason".to_owned(), reason.as_ref().into());
        }
        Value::Object(info)
    }

    fn legacy_file(&self, file: &ListedFile) -> Option<Value> {
        let artifact = self.index.artifact(file)?;
        let digests: BTreeMap<&str, String> =
            artifact.digests.iter().map(|digest| (digest.algorithm().name(), digest.to_hex())).collect();
        let iso = file.uploaded.as_deref();
        Some(json!({
            "comment_text": "", "digests": digests, "downloads": -1, "filename": artifact.file.as_ref(),
            "has_sig": false, "md5_digest": digests.get("md5"),
            "packagetype": version::kind(&artifact.file).package_type(&artifact.file),
            "python_version": python_tag(&artifact.file), "requires_python": file.requires_python.as_deref(),
            "size": artifact.size_bytes, "upload_time": iso.and_then(|time| time.get(..19)),
            "upload_time_iso_8601": iso, "url": self.file_url(&artifact.file),
            "yanked": file.yanked.is_some(), "yanked_reason": file.yanked.as_deref(),
        }))
    }
}

/// The Python tag of a wheel; `source` of all else.
fn python_tag(file: &str) -> &str {
    match file.strip_suffix(".whl") {
        Some(stem) => stem.rsplit('-').nth(2).unwrap_or(""),
        None => "source",
    }
}

/// The digest that is best put into an address (PEP 503 advises SHA-256).
fn strongest(digests: &[Digest]) -> Option<&Digest> {
    let named = |wanted| digests.iter().find(|digest| digest.algorithm() == wanted);
    named(Algorithm::Sha256).or_else(|| digests.iter().max_by_key(|digest| digest.algorithm()))
}

/// A JSON string.
fn text(value: &str) -> String {
    Value::from(value).to_string()
}

/// Text that can stand in HTML, also inside a quoted attribute.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            letter if letter.is_control() => escaped.push(' '),
            letter => escaped.push(letter),
        }
    }
    escaped
}
