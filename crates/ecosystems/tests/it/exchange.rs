//! One exchange without an engine: a request and the upstream's documents in, a reply out.

use crate::judge::judge;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use lazaret_ecosystems::{Ecosystem, Index, Listed, Need, Route, Shown, Wanted};
use lazaret_policy::{Action, Allowed};
use lazaret_vocabulary::{BaseUrl, Document, PackageName, Refusal, Reply, RequestHead, Timestamp};
use std::cmp::Ordering;
use std::collections::HashMap;

/// A request with its body, as text in `request.http`.
pub(crate) struct Request {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Request {
    /// A plain GET.
    pub(crate) fn get(target: &str) -> Self {
        Self::parse(format!("GET {target} HTTP/1.1\n\n").as_bytes())
    }

    /// Reads the text of a request. Lines of the head end with a line feed, with or without carriage return.
    pub(crate) fn parse(text: &[u8]) -> Self {
        let (head, body) = split_head(text);
        let mut lines = head.lines();
        let mut first = lines.next().expect("a request line").split(' ');
        let method = first.next().unwrap_or_default().parse().expect("a method");
        let target = first.next().expect("a path");
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let headers = lines.map(header).collect();
        Self { method, path: path.to_owned(), query: query.to_owned(), headers, body: body.to_vec() }
    }

    /// As an ecosystem gets it.
    pub(crate) fn head(&self) -> RequestHead<'_> {
        RequestHead { method: &self.method, path: &self.path, query: &self.query, headers: &self.headers }
    }

    /// When it is asked.
    pub(crate) fn now(&self) -> Timestamp {
        let text = self.headers.get("x-now").expect("the header x-now").to_str().expect("ASCII");
        Timestamp::parse(text).expect("a date-time in x-now")
    }
}

/// Head and body at the first blank line.
pub(crate) fn split_head(text: &[u8]) -> (String, &[u8]) {
    let mut end = 0;
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        end += line.len();
        if line.trim_ascii().is_empty() {
            break;
        }
    }
    let (head, body) = text.split_at(end);
    (String::from_utf8(head.to_vec()).expect("a head in UTF-8").trim_end().to_owned(), body)
}

fn header(line: &str) -> (HeaderName, HeaderValue) {
    let (name, value) = line.split_once(':').unwrap_or_else(|| panic!("`{line}` is no header"));
    (
        name.trim().parse().expect("a header's name"),
        HeaderValue::from_str(value.trim()).expect("a header's value"),
    )
}

/// A gateway reduced to what an ecosystem does in it.
pub(crate) struct House<'a> {
    pub(crate) ecosystem: &'static dyn Ecosystem,
    /// The upstream's documents by role.
    pub(crate) upstream: &'a dyn Fn(&'static str) -> Option<Document>,
    /// Over the baseline.
    pub(crate) policy: &'a str,
    pub(crate) now: Timestamp,
}

impl House<'_> {
    /// Where this client finds the ecosystem.
    pub(crate) fn base(&self) -> BaseUrl {
        BaseUrl::new(&format!("https://gate.example/{}", self.ecosystem.profile().mount))
    }

    fn page(&self, package: &PackageName) -> String {
        format!("https://gate.example/why/{}/{package}", self.ecosystem.profile().mount)
    }

    /// The documents that the ecosystem asks for, round by round, as the engine does.
    pub(crate) fn gather(&self, package: &PackageName) -> Vec<Document> {
        let need = Need { dates_after: Some(Timestamp::EPOCH), details: true };
        let (mut have, mut asked) = (Vec::new(), Vec::new());
        for _ in 0..4 {
            let Wanted::Fetch(fetches) = self.ecosystem.wanted(package, &have, &need) else { break };
            let new: Vec<_> = fetches.into_iter().filter(|fetch| !asked.contains(&fetch.role)).collect();
            if new.is_empty() {
                break;
            }
            for fetch in new {
                assert!(fetch.path.starts_with('/'), "{} is below the upstream's address", fetch.path);
                let upstreams = self.ecosystem.profile().upstreams;
                assert!(
                    upstreams.iter().any(|role| role.name == fetch.upstream),
                    "{} is declared",
                    fetch.upstream
                );
                asked.push(fetch.role);
                have.extend((self.upstream)(fetch.role));
            }
        }
        have
    }

    /// What is answered.
    pub(crate) fn answer(&self, request: &Request) -> Reply {
        let head = request.head();
        match self.ecosystem.route(&head) {
            Route::Index { package, view } => self.with_index(&package, request, |index, allowed| {
                let shown = Shown {
                    package: &package,
                    allowed,
                    base: &self.base(),
                    page: &self.page(&package),
                    extras: &HashMap::new(),
                };
                index
                    .render(&view, &shown)
                    .unwrap_or_else(|error| self.malformed(&error.to_string(), request))
            }),
            Route::Artifact { package, file, .. } => self.with_index(&package, request, |index, allowed| {
                self.artifact(&package, &file, request, index, allowed)
            }),
            Route::Submit { action, package, limit_bytes } => {
                self.submit(action, package.as_ref(), limit_bytes, request)
            }
            Route::Audit { kind } => {
                let auditing = self.ecosystem.auditing().expect("a route to audits means auditing");
                let answer = auditing
                    .question(kind, &request.body)
                    .and_then(|_| auditing.answer(kind, &request.body, &[]));
                answer
                    .unwrap_or_else(|error| self.error(StatusCode::BAD_REQUEST, &error.to_string(), request))
            }
            Route::Search(search) => {
                let document =
                    self.ecosystem.search_fetch(&search).and_then(|fetch| (self.upstream)(fetch.role));
                let found: Vec<Listed> = document
                    .map(|document| self.ecosystem.search_hits(&document).expect("hits"))
                    .unwrap_or_default();
                self.ecosystem.search_reply(&search, &found)
            }
            Route::WhoAmI => {
                self.ecosystem.hosting().expect("a route to whoami means hosting").whoami("alice")
            }
            Route::Config => {
                self.ecosystem.client_config(&self.base(), false).expect("a route to it means one")
            }
            Route::Fixed(reply) | Route::Open(reply) => reply,
            Route::Unknown => self.error(StatusCode::NOT_FOUND, "there is nothing at this address", request),
        }
    }

    fn with_index(
        &self,
        package: &PackageName,
        request: &Request,
        work: impl FnOnce(&dyn Index, &Allowed) -> Reply,
    ) -> Reply {
        let have = self.gather(package);
        if have.is_empty() {
            return self.error(StatusCode::NOT_FOUND, "there is no such package", request);
        }
        match self.ecosystem.read(package, &have) {
            Ok(index) => {
                let allowed = judge(self.ecosystem, package, &*index, self.policy, self.now);
                work(&*index, &allowed)
            }
            Err(error) => self.malformed(&error.to_string(), request),
        }
    }

    /// An admitted file is not at hand here: the reply tells where it would come from and what it must be.
    fn artifact(
        &self,
        package: &PackageName,
        file: &str,
        request: &Request,
        index: &dyn Index,
        allowed: &Allowed,
    ) -> Reply {
        let mut places =
            index.releases().iter().enumerate().flat_map(|(at, release)| {
                release.artifacts.iter().map(move |artifact| (at, release, artifact))
            });
        let Some((at, release, artifact)) = places.find(|(_, _, artifact)| &*artifact.file == file) else {
            return self.error(StatusCode::NOT_FOUND, "there is no such file or version", request);
        };
        if let Some(withheld) = allowed.withheld(at) {
            let refusal = Refusal {
                package: package.clone(),
                version: Some(release.version.to_string()),
                code: withheld.code.to_string(),
                sentence: withheld.sentence.clone(),
                until: withheld.until.filter(|_| withheld.action == Action::Hold),
                newest_allowed: self.newest_allowed(index, allowed),
                page: self.page(package),
            };
            return self.ecosystem.refuse(&refusal, &request.head());
        }
        let mut reply = Reply::new(StatusCode::OK, self.ecosystem.media_type(file), "");
        reply = reply.with_header(HeaderName::from_static("x-fetched-from"), &artifact.url);
        for digest in &artifact.digests {
            reply = reply.with_header(HeaderName::from_static("x-must-be"), &digest.to_string());
        }
        reply
    }

    fn newest_allowed(&self, index: &dyn Index, allowed: &Allowed) -> Option<String> {
        let admitted = index.releases().iter().enumerate().filter(|(at, _)| allowed.admits(*at));
        let usable = admitted.filter(|(_, release)| release.withdrawn.is_none());
        let order = |left: &str, right: &str| -> Ordering { self.ecosystem.compare(left, right) };
        let stable_first = usable.max_by(|(_, left), (_, right)| {
            right.prerelease.cmp(&left.prerelease).then_with(|| order(&left.version, &right.version))
        });
        stable_first.map(|(_, release)| release.version.to_string())
    }

    fn submit(
        &self,
        action: &'static str,
        package: Option<&PackageName>,
        limit: usize,
        request: &Request,
    ) -> Reply {
        if request.body.len() > limit {
            return self.error(StatusCode::PAYLOAD_TOO_LARGE, "the body is too large", request);
        }
        let hosting = self.ecosystem.hosting().expect("a route to changes means hosting");
        match hosting.read(action, package, &request.head(), &request.body.clone().into()) {
            Ok(change) => hosting.done(&change),
            Err(error) => self.error(error.status, &error.message, request),
        }
    }

    fn malformed(&self, why: &str, request: &Request) -> Reply {
        self.error(
            StatusCode::BAD_GATEWAY,
            &format!("the upstream's document cannot be filtered: {why}"),
            request,
        )
    }

    fn error(&self, status: StatusCode, message: &str, request: &Request) -> Reply {
        self.ecosystem.error(status, message, &request.head())
    }
}
