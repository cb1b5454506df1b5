//! One exchange without an engine: a request and the upstream's documents in, a reply out.

use crate::judge::judge;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use lazaret_ecosystems::{
    Catalogue, Detail, Ecosystem, Fetch, Index, Listed, Need, Route, Shown, Signer, Target, Uploaded, Wanted,
};
use lazaret_policy::{Action, Allowed};
use lazaret_vocabulary::{
    BaseUrl, Document, Malformed, PackageName, Refusal, Release, Reply, RequestHead, Standing, Timestamp,
};
use std::cmp::Ordering;
use std::collections::HashMap;
use std::sync::Arc;

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
        self.rounds(|have, need| self.ecosystem.wanted(package, have, need)).1
    }

    /// The roles that have an address here: all that are declared.
    fn roles(&self) -> Vec<Arc<str>> {
        self.ecosystem.profile().upstreams.iter().map(|role| role.name.into()).collect()
    }

    fn check(&self, fetch: &Fetch) {
        // Empty is the address itself.
        let inside = fetch.path.is_empty() || fetch.path.starts_with('/') || fetch.path.starts_with("http");
        assert!(inside, "{} is below the upstream's address", fetch.path);
        let profile = self.ecosystem.profile();
        let declared = profile.upstreams.iter().any(|role| role.name == fetch.upstream);
        assert!(declared || profile.open_roles, "{} is declared", fetch.upstream);
    }

    /// Whether anything was asked for, and what came.
    fn rounds(&self, mut wanted: impl FnMut(&[Document], &Need<'_>) -> Wanted) -> (bool, Vec<Document>) {
        let roles = self.roles();
        let need = Need { dates_after: Some(Timestamp::EPOCH), details: true, roles: &roles };
        let (mut have, mut asked) = (Vec::new(), Vec::new());
        for _ in 0..4 {
            let Wanted::Fetch(fetches) = wanted(&have, &need) else { break };
            let new: Vec<_> = fetches.into_iter().filter(|fetch| !asked.contains(&fetch.role)).collect();
            if new.is_empty() {
                break;
            }
            for fetch in new {
                self.check(&fetch);
                asked.push(fetch.role);
                have.extend((self.upstream)(fetch.role));
            }
        }
        (!asked.is_empty(), have)
    }

    /// What the documents on one release say, as the engine asks for them; `Err` where there is none such.
    fn detail(&self, package: &PackageName, release: &Release) -> Result<Option<Detail>, Malformed> {
        let Some(details) = self.ecosystem.details() else { return Ok(Some(Detail::default())) };
        let (asked, have) = self.rounds(|have, need| details.wanted(package, release, have, need));
        if !asked {
            return Ok(Some(Detail::default()));
        }
        details.read(package, release, &have)
    }

    /// An index completed as the engine does before it judges.
    fn detailed(&self, package: &PackageName, index: Box<dyn Index>) -> Box<dyn Index> {
        if !self.ecosystem.details().is_some_and(|details| details.for_listing()) {
            return index;
        }
        let mut releases = index.releases().to_vec();
        for release in &mut releases {
            if release.published.is_none()
                && let Ok(Some(detail)) = self.detail(package, release)
            {
                detail.complete(release);
            }
        }
        Box::new(Completed { index, releases })
    }

    /// With the files that a document vouched for which passed earlier: the one at the address in the
    /// request's header `x-relayed`. The engine has them in its database.
    fn vouched(&self, package: &PackageName, index: Box<dyn Index>, request: &Request) -> Box<dyn Index> {
        let Some(address) = request.headers.get("x-relayed") else { return index };
        let earlier = Request::get(address.to_str().expect("an address"));
        let Route::Relay(relay) = self.ecosystem.route(&earlier.head()) else {
            panic!("{address:?} is relayed")
        };
        let relaying = self.ecosystem.relaying().expect("a route to relays means relaying");
        let document = (self.upstream)(relay.fetch.role).expect("the document that was relayed");
        let mut releases = index.releases().to_vec();
        let relayed = relaying.relay(&relay, &document);
        for member in relayed.map(|relayed| relayed.members).unwrap_or_default() {
            let Some(version) = member.version.filter(|_| member.package == *package) else { continue };
            match releases.iter_mut().find(|release| release.version == version) {
                Some(release) => release.artifacts.push(member.artifact),
                None => {
                    let artifacts = vec![member.artifact];
                    releases.push(Release { version, artifacts, ..Release::default() });
                }
            }
        }
        Box::new(Completed { index, releases })
    }

    /// What is answered.
    pub(crate) fn answer(&self, request: &Request) -> Reply {
        let head = request.head();
        let roles = self.roles();
        let need = Need { dates_after: Some(Timestamp::EPOCH), details: true, roles: &roles };
        match self.ecosystem.route(&head) {
            Route::Pointer { package, pointer, wanted } => {
                let pointers = self.ecosystem.pointers().expect("a route to pointers means pointers");
                let fetch = pointers.fetch(&package, &pointer, &need);
                self.check(&fetch);
                let Some(document) = (self.upstream)(fetch.role) else {
                    return self.error(StatusCode::NOT_FOUND, "there is no such name", request);
                };
                match pointers.read(&package, &pointer, &wanted, &document, &need) {
                    Ok(Some(Target { release, file })) => self.single(&package, release, &file, request),
                    Ok(None) => self.error(StatusCode::NOT_FOUND, "there is no such name", request),
                    Err(error) => self.malformed(&error.to_string(), request),
                }
            }
            Route::Relay(relay) => {
                let relaying = self.ecosystem.relaying().expect("a route to relays means relaying");
                self.check(&relaying.fetch(&relay, &need));
                let Some(document) = (self.upstream)(relay.fetch.role) else {
                    let absent = relaying.absent(&relay, true);
                    return absent.unwrap_or_else(|| {
                        self.error(StatusCode::NOT_FOUND, "the upstream does not have it", request)
                    });
                };
                match relaying.relay(&relay, &document) {
                    Ok(relayed) => relayed.reply,
                    Err(error) => self.malformed(&error.to_string(), request),
                }
            }
            Route::Converse { package, kind, .. } => {
                let conversing = self.ecosystem.conversing().expect("a route to questions means conversing");
                match conversing.hear(kind, &package, &head, &request.body.clone().into(), &need) {
                    Err(error) => self.error(StatusCode::BAD_REQUEST, &error.to_string(), request),
                    Ok(question) => {
                        let withheld = question
                            .wants
                            .iter()
                            .map(|release| self.single(&package, release.clone(), "", request))
                            // A refusal in a protocol's own words has a status that says nothing.
                            .find(|reply| reply.status == StatusCode::FORBIDDEN || reply.phrase.is_some());
                        withheld.unwrap_or_else(|| {
                            Reply::new(StatusCode::OK, question.answer_type, "")
                                .with_header(HeaderName::from_static("x-forwarded-to"), &question.path)
                        })
                    }
                }
            }
            Route::Catalogue { name } => {
                let hosting = self.ecosystem.hosting().expect("a route to catalogues means hosting");
                let catalogue = Catalogue {
                    name: &name,
                    query: &request.query,
                    packages: &[],
                    admitted: &[],
                    base: &self.base(),
                    now: self.now,
                };
                hosting
                    .catalogue(&catalogue, &Unsigned)
                    .unwrap_or_else(|error| self.error(StatusCode::NOT_FOUND, &error.to_string(), request))
            }
            Route::Upload { package, step } => {
                let hosting = self.ecosystem.hosting().expect("a route to uploads means hosting");
                let uploading = hosting.uploading().expect("a route to uploads means uploading");
                let state = Uploaded::Open { session: "session-1".to_owned(), size_bytes: 0 };
                uploading.answer(&package, &step, &state, &self.base())
            }
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
        let (asked, have) = self.rounds(|have, need| self.ecosystem.wanted(package, have, need));
        if asked && have.is_empty() {
            return self.error(StatusCode::NOT_FOUND, "there is no such package", request);
        }
        match self.ecosystem.read(package, &have) {
            Ok(index) => {
                let index = self.vouched(package, index, request);
                let index = self.detailed(package, index);
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
            let roles = self.roles();
            let need = Need { dates_after: Some(Timestamp::EPOCH), details: true, roles: &roles };
            let details = self.ecosystem.details();
            if let Some(mut release) = details.and_then(|details| details.unlisted(package, file, &need)) {
                let releases = index.releases().iter();
                if let Some(listed) = releases.into_iter().find(|listed| listed.version == release.version) {
                    // A further file of a release that the index lists.
                    let further = std::mem::replace(&mut release, listed.clone()).artifacts;
                    let known: Vec<Arc<str>> =
                        release.artifacts.iter().map(|artifact| artifact.file.clone()).collect();
                    release.artifacts.extend(further.into_iter().filter(|new| !known.contains(&new.file)));
                }
                return self.single(package, release, file, request);
            }
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

    /// A release that no index lists.
    fn single(&self, package: &PackageName, mut release: Release, file: &str, request: &Request) -> Reply {
        match self.detail(package, &release) {
            Ok(Some(detail)) => detail.complete(&mut release),
            Ok(None) => return self.error(StatusCode::NOT_FOUND, "there is no such release", request),
            Err(error) => return self.malformed(&error.to_string(), request),
        }
        let first = release.artifacts.first().map(|artifact| artifact.file.to_string());
        let first = first.unwrap_or_else(|| "answer".to_owned());
        let file = if file.is_empty() { first.as_str() } else { file };
        if release.artifacts.is_empty() {
            release.artifacts.push(lazaret_vocabulary::Artifact {
                file: file.into(),
                url: "".into(),
                digests: Vec::new(),
                size_bytes: None,
            });
        }
        let index = Single { standing: Standing::default(), releases: vec![release] };
        let allowed = judge(self.ecosystem, package, &index, self.policy, self.now);
        self.artifact(package, file, request, &index, &allowed)
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

/// An index and what is known of its releases beside it.
struct Completed {
    index: Box<dyn Index>,
    releases: Vec<Release>,
}

impl Index for Completed {
    fn standing(&self) -> &Standing {
        self.index.standing()
    }

    fn releases(&self) -> &[Release] {
        &self.releases
    }

    fn render(&self, view: &lazaret_ecosystems::View, shown: &Shown<'_>) -> Result<Reply, Malformed> {
        self.index.render(view, shown)
    }

    fn weight(&self) -> usize {
        self.index.weight()
    }
}

/// One release without an index.
struct Single {
    standing: Standing,
    releases: Vec<Release>,
}

impl Index for Single {
    fn standing(&self) -> &Standing {
        &self.standing
    }

    fn releases(&self) -> &[Release] {
        &self.releases
    }

    fn render(&self, _: &lazaret_ecosystems::View, _: &Shown<'_>) -> Result<Reply, Malformed> {
        Err(Malformed::new("a single release has no index"))
    }

    fn weight(&self) -> usize {
        0
    }
}

/// Signs nothing, visibly.
struct Unsigned;

impl Signer for Unsigned {
    fn clearsigned(&self, text: &str) -> Result<String, Malformed> {
        Ok(format!("(signed)\n{text}"))
    }

    fn detached(&self, _: &str) -> Result<String, Malformed> {
        Ok("(signature)".to_owned())
    }

    fn public_key(&self) -> Result<String, Malformed> {
        Ok("(key)".to_owned())
    }
}
