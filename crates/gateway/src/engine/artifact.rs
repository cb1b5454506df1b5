//! Serving a file: the same verdict as its index, then the store or upstream, then the bytes.

use super::Gateway;
use super::arrival::{ArrivalError, Progress};
use super::documents::LoadError;
use super::package::{Judged, Package, Place};
use super::request::Asked;
use super::store::Stored;
use super::unlisted::Alone;
use super::vouched::Composed;
use crate::wire::{Answer, Body, ByteRange, RangeAnswer, answer, matches_etag, requested};
use bytes::Bytes;
use futures_util::stream;
use http::{HeaderValue, Method, Response, StatusCode, header};
use lazaret_ecosystems::Part;
use lazaret_evidence::Verified;
use lazaret_policy::{Pass, Withheld, codes};
use lazaret_vocabulary::{Algorithm, Artifact, PackageName, Principal, Refusal, Release, ReleaseKind, Reply};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::io::AsyncReadExt as _;
use tokio::sync::watch;

/// Files up to this size are waited for whole, so that a failure or a refusal after inspection can still be
/// an answer in words.
const WAIT_WHOLE: u64 = 8 << 20;
/// So many bytes of a larger file stay back until it is verified and its admission is recorded.
const HELD_BACK: u64 = 64 << 10;

/// What is being asked for, once it is known to exist.
struct Wanted {
    package: Arc<Package>,
    place: Place,
    judged: Arc<Judged>,
    page: String,
}

impl Gateway {
    pub(crate) async fn artifact(
        &self,
        asked: &Asked<'_>,
        name: PackageName,
        file: String,
        part: Part,
    ) -> Answer {
        let page = self.page_url(asked.root, &name);
        let reserved = |other: &PackageName| *other != name && self.state().firewall.is_reserved(other);
        if !self.is_hosted(&name)
            && let Some(other) = asked.ecosystem.also_named(&file).into_iter().find(reserved)
        {
            return self.load_failed(asked, &other, &LoadError::Reserved(other.to_string()));
        }
        let loaded = match self.load(&name).await {
            Ok(loaded) => loaded,
            Err(LoadError::Absent(_)) => return self.unpublished(asked, &name, &file, part, page).await,
            Err(error) => return self.load_failed(asked, &name, &error),
        };
        let package = loaded.package;
        let found = match self.find(asked, &package, &file).await {
            Ok(found) => found,
            Err(error) => return self.load_failed(asked, &name, &error),
        };
        match found {
            Some((package, place)) => self.serve_known(asked, package, place, part, page).await,
            None if package.hosted => self.uploaded(asked, &package, file, part, page).await,
            None => self.unpublished(asked, &name, &file, part, page).await,
        }
    }

    /// Where a file stands: in the package's index, or in a release that no index lists. All that documents on
    /// its release say is known then.
    async fn find(
        &self,
        asked: &Asked<'_>,
        package: &Arc<Package>,
        file: &str,
    ) -> Result<Option<(Arc<Package>, Place)>, LoadError> {
        let viewer = asked.viewer();
        if let Some(place) = package.places.get(file) {
            self.detail(package, place.release).await?;
            let judged = self.judge(package, viewer);
            return Ok(package.place_of(file, &judged).map(|place| (package.clone(), place)));
        }
        let Some(single) = self.find_unlisted(package, file, viewer).await? else { return Ok(None) };
        let judged = self.judge(&single, viewer);
        Ok(single.place_of(file, &judged).map(|place| (single, place)))
    }

    /// A file that was uploaded to a package of this house and that no release names yet.
    async fn uploaded(
        &self,
        asked: &Asked<'_>,
        package: &Arc<Package>,
        file: String,
        part: Part,
        page: String,
    ) -> Answer {
        let stored = match self.stored(&package.name, &file.as_str().into()).await {
            Ok(Some(stored)) if stored.facts.version.is_empty() => stored,
            Ok(_) => return self.not_found(asked),
            Err(error) => return self.load_failed(asked, &package.name, &error),
        };
        let release = Release {
            artifacts: vec![Artifact {
                file: stored.file.clone(),
                url: "".into(),
                digests: vec![stored.sha256.clone()],
                size_bytes: Some(stored.size_bytes),
            }],
            kind: ReleaseKind::Hosted,
            ..Release::default()
        };
        let standing = package.index.standing().clone();
        let index = Composed::new(Box::new(Alone::new(standing)), vec![release]);
        let memory = package.memory().as_ref().clone();
        let (ecosystem, name, now) = (package.ecosystem, package.name.clone(), self.clock.now());
        let single = Package::new(ecosystem, name, true, Box::new(index), memory, now);
        self.serve_known(asked, Arc::new(single), Place { release: 0, artifact: 0 }, part, page).await
    }

    /// A file whose package and place are known.
    pub(crate) async fn serve_known(
        &self,
        asked: &Asked<'_>,
        package: Arc<Package>,
        place: Place,
        part: Part,
        page: String,
    ) -> Answer {
        let judged = self.judge(&package, asked.viewer());
        self.serve_file(asked, Wanted { package, place, judged, page }, part).await
    }

    async fn serve_file(&self, asked: &Asked<'_>, wanted: Wanted, part: Part) -> Answer {
        let wanted = match self.looked_into(asked, wanted).await {
            Ok(wanted) => wanted,
            Err(answer) => return answer,
        };
        let Wanted { package, place, judged, page } = &wanted;
        self.note_decision(package, judged, place.release);
        if let Some(withheld) = judged.allowed.withheld(place.release) {
            return self.withhold(asked, package, *place, judged, withheld, page);
        }
        let Some(pass) = judged.allowed.pass(place.release) else {
            return self.not_found(asked);
        };
        let Some(artifact) = &package.declared(*place) else { return self.not_found(asked) };
        match self.stored_as_declared(&package.name, artifact).await {
            Ok(Some(stored)) => match self.serve_stored(asked, &wanted, &stored, part, pass).await {
                Some(answer) => return answer,
                // Damaged or gone: fetch it again, below. Hosted bytes exist nowhere else.
                None if package.hosted => {
                    return answer(asked.ecosystem.error(
                        StatusCode::INTERNAL_SERVER_ERROR,
                        "the stored file is damaged and exists nowhere else; restore it from a backup",
                        &asked.head,
                    ));
                }
                None => {}
            },
            Ok(None) if package.hosted => return self.not_found(asked),
            Ok(None) if part == Part::Whole => {
                if let Some(answer) = self.head_of_cold(asked, package, artifact) {
                    return answer;
                }
            }
            Ok(None) => {}
            Err(error) => return self.load_failed(asked, &package.name, &error),
        }
        let Some(progress) = self.arrival(package, *place) else { return self.not_found(asked) };
        self.serve_arriving(asked, wanted, part, progress).await
    }

    /// A file of which nothing but its content tells what policy needs is fetched before it is judged. What is
    /// refused whatever it may contain is not.
    async fn looked_into(&self, asked: &Asked<'_>, mut wanted: Wanted) -> Result<Wanted, Answer> {
        let (package, place) = (wanted.package.clone(), wanted.place);
        let releases = package.index.releases();
        let artifact = releases.get(place.release).and_then(|release| release.artifacts.get(place.artifact));
        let Some(artifact) =
            artifact.filter(|artifact| !package.hosted && asked.ecosystem.tells_by_content(artifact))
        else {
            return Ok(wanted);
        };
        let whatever = [codes::KILLED, codes::RESERVED_NAME, codes::NOT_YET_THERE, codes::KNOWN_MALWARE];
        let withheld = wanted.judged.allowed.withheld(place.release);
        if withheld.is_some_and(|withheld| whatever.contains(&&*withheld.code)) {
            return Ok(wanted);
        }
        match self.stored_as_declared(&package.name, artifact).await {
            Ok(Some(_)) => return Ok(wanted),
            Ok(None) => {}
            Err(error) => return Err(self.load_failed(asked, &package.name, &error)),
        }
        let Some(mut progress) = self.arrival(&package, place) else { return Err(self.not_found(asked)) };
        loop {
            let now = progress.borrow_and_update().clone();
            match now {
                Progress::Whole { .. } => break,
                Progress::Failed(error) => return Err(self.arrival_failed(asked, &wanted, &error)),
                _ => {}
            }
            if progress.changed().await.is_err() && !progress.borrow().is_over() {
                return Err(self.arrival_failed(asked, &wanted, &ArrivalError::Store));
            }
        }
        wanted.judged = self.judge(&package, asked.viewer());
        Ok(wanted)
    }

    /// The answer to a question about a file that is not here yet, where its index declares all that is asked.
    fn head_of_cold(&self, asked: &Asked<'_>, package: &Package, artifact: &Artifact) -> Option<Answer> {
        if asked.head.method != Method::HEAD || asked.head.headers.contains_key(header::RANGE) {
            return None;
        }
        // What stands for a release, as an image's manifest does, may be of a kind that only its content tells.
        if asked.ecosystem.pointers().is_some() && !package.memory().belongs_to_owner(&artifact.file) {
            return None;
        }
        let sha256 = artifact.digests.iter().find(|digest| digest.algorithm() == Algorithm::Sha256)?;
        let size = artifact.size_bytes?;
        let mut response = Response::new(Body::empty());
        let media = asked.ecosystem.media_type(&artifact.file);
        artifact_headers(&mut response, &sha256.to_hex(), media);
        for (name, value) in asked.ecosystem.file_headers(&artifact.file, sha256, media) {
            set(&mut response, name, &value);
        }
        set(&mut response, header::CONTENT_LENGTH, &size.to_string());
        Some(response)
    }

    /// A file's digest as text, from what was computed when it came.
    fn checksum(&self, asked: &Asked<'_>, wanted: &Wanted, stored: &Stored, algorithm: Algorithm) -> Answer {
        let kept = stored.facts.checksums.iter().filter_map(|text| text.parse().ok());
        let releases = wanted.package.index.releases();
        let declared = releases
            .get(wanted.place.release)
            .and_then(|release| release.artifacts.get(wanted.place.artifact))
            .map_or_else(Vec::new, |artifact| artifact.digests.clone());
        let mut all = std::iter::once(stored.sha256.clone()).chain(kept).chain(declared);
        match all.find(|digest| digest.algorithm() == algorithm) {
            Some(digest) => answer(Reply::new(StatusCode::OK, "text/plain; charset=utf-8", digest.to_hex())),
            None => self.not_found(asked),
        }
    }

    /// A file in the store. `None` when its bytes are damaged or missing.
    async fn serve_stored(
        &self,
        asked: &Asked<'_>,
        wanted: &Wanted,
        stored: &Arc<Stored>,
        part: Part,
        pass: Pass,
    ) -> Option<Answer> {
        if let Some(refused) = self.last_look(asked, wanted, stored) {
            return Some(refused);
        }
        if let Part::Checksum(algorithm) = part {
            return Some(self.checksum(asked, wanted, stored, algorithm));
        }
        let digest = match part {
            Part::Whole => &stored.sha256,
            other => match stored.extra(other) {
                Some(digest) => digest,
                None => return Some(self.not_found(asked)),
            },
        };
        let (verified, source) = match self.open_verified(digest).await {
            Ok(Some(found)) => found,
            Ok(None) => {
                self.forget_stored(&wanted.package.name, &stored.file);
                return None;
            }
            Err(error) => return Some(self.load_failed(asked, &wanted.package.name, &error)),
        };
        if let Err(error) =
            self.admit(&wanted.package, stored, &wanted.judged, &asked.identity.principal).await
        {
            return Some(self.load_failed(asked, &wanted.package.name, &error));
        }
        self.record_download(&wanted.package, stored, &asked.identity.principal, part);
        let media = match (part, &stored.facts.media_type) {
            (Part::Whole, Some(media)) => media.as_str(),
            (Part::Whole, None) => asked.ecosystem.media_type(&stored.file),
            _ => "text/plain; charset=utf-8",
        };
        let extra = match part {
            Part::Whole => asked.ecosystem.file_headers(&stored.file, &stored.sha256, media),
            _ => Vec::new(),
        };
        let mut response = self.release(asked, &pass, &verified, media, source);
        for (name, value) in extra {
            set(&mut response, name, &value);
        }
        Some(response)
    }

    /// What only the bytes can tell: a digest that was killed, a manifest that disagrees. Judged once more,
    /// since the verdict that let the request through may be older than what the file revealed.
    fn last_look(&self, asked: &Asked<'_>, wanted: &Wanted, stored: &Arc<Stored>) -> Option<Answer> {
        let judged = self.judge(&wanted.package, asked.viewer());
        if let Some(withheld) = judged.allowed.withheld(wanted.place.release) {
            self.note_decision(&wanted.package, &judged, wanted.place.release);
            return Some(self.withhold(
                asked,
                &wanted.package,
                wanted.place,
                &judged,
                withheld,
                &wanted.page,
            ));
        }
        let killed = self.killed_digest(&stored.sha256)?;
        Some(self.withhold(asked, &wanted.package, wanted.place, &judged, &killed, &wanted.page))
    }

    /// The bytes leave. Needs both proofs: that policy lets them, and that they are the declared ones.
    fn release(
        &self,
        asked: &Asked<'_>,
        _pass: &Pass,
        verified: &Verified,
        media: &str,
        source: Source,
    ) -> Answer {
        let tag = verified.sha256().to_hex();
        let size = verified.size_bytes();
        let headers = asked.head.headers;
        let mut response = Response::new(Body::empty());
        artifact_headers(&mut response, &tag, media);
        if matches_etag(headers, &tag) {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            return response;
        }
        let range = match requested(asked.head.method, headers, size, &tag) {
            RangeAnswer::Whole => ByteRange { first: 0, last: size.saturating_sub(1) },
            RangeAnswer::Part(range) => {
                *response.status_mut() = StatusCode::PARTIAL_CONTENT;
                set(
                    &mut response,
                    header::CONTENT_RANGE,
                    &format!("bytes {}-{}/{size}", range.first, range.last),
                );
                range
            }
            RangeAnswer::Unsatisfiable => {
                *response.status_mut() = StatusCode::RANGE_NOT_SATISFIABLE;
                set(&mut response, header::CONTENT_RANGE, &format!("bytes */{size}"));
                return response;
            }
        };
        let length = if size == 0 { 0 } else { range.length() };
        set(&mut response, header::CONTENT_LENGTH, &length.to_string());
        if asked.head.method == Method::HEAD || size == 0 {
            return response;
        }
        *response.body_mut() = match source {
            Source::Memory(bytes) => {
                let first = usize::try_from(range.first).unwrap_or(usize::MAX);
                let end = usize::try_from(range.last).unwrap_or(usize::MAX).saturating_add(1);
                Body::whole(bytes.slice(first.min(bytes.len())..end.min(bytes.len())))
            }
            Source::File(file) => Body::coming(self.file_stream(file, range), Some(length)),
        };
        response
    }

    /// A file that is still coming.
    async fn serve_arriving(
        &self,
        asked: &Asked<'_>,
        wanted: Wanted,
        part: Part,
        mut progress: watch::Receiver<Progress>,
    ) -> Answer {
        let wants_part = asked.head.headers.contains_key(header::RANGE) || part != Part::Whole;
        let streamable = !wants_part && asked.head.method == Method::GET;
        loop {
            let now = progress.borrow_and_update().clone();
            match now {
                Progress::Whole { stored, .. } => {
                    let Some(pass) = wanted.judged.allowed.pass(wanted.place.release) else {
                        return self.not_found(asked);
                    };
                    return self
                        .serve_stored(asked, &wanted, &stored, part, pass)
                        .await
                        .unwrap_or_else(|| self.load_failed(asked, &wanted.package.name, &LoadError::Store));
                }
                Progress::Failed(error) => return self.arrival_failed(asked, &wanted, &error),
                // A file that is longer anyway is not waited for at all.
                Progress::Flowing { path, length, written }
                    if streamable && length.unwrap_or(written) > WAIT_WHOLE =>
                {
                    return self.stream_arriving(asked, wanted, path, length, progress).await;
                }
                _ => {}
            }
            if progress.changed().await.is_err() && !progress.borrow().is_over() {
                return self.arrival_failed(asked, &wanted, &ArrivalError::Store);
            }
        }
    }

    /// Sends what has come so far and what comes, all but the last bytes, which wait for the proof and for
    /// the admission's record.
    async fn stream_arriving(
        &self,
        asked: &Asked<'_>,
        wanted: Wanted,
        path: PathBuf,
        length: Option<u64>,
        progress: watch::Receiver<Progress>,
    ) -> Answer {
        let file = match tokio::fs::File::open(&path).await {
            Ok(file) => file,
            Err(error) => {
                let failure = self.store_failed("spool", &error);
                return self.load_failed(asked, &wanted.package.name, &failure);
            }
        };
        let media = wanted
            .package
            .index
            .releases()
            .get(wanted.place.release)
            .and_then(|release| release.artifacts.get(wanted.place.artifact))
            .map_or("application/octet-stream", |artifact| asked.ecosystem.media_type(&artifact.file));
        let mut response = Response::new(Body::empty());
        set(&mut response, header::CONTENT_TYPE, media);
        set(&mut response, header::CACHE_CONTROL, "no-store");
        self.declared_headers(asked, &wanted, &mut response, media);
        if let Some(length) = length {
            set(&mut response, header::CONTENT_LENGTH, &length.to_string());
        }
        let tail = Tail {
            gateway: self.arc(),
            principal: asked.identity.principal.clone(),
            wanted,
            file,
            progress,
            sent: 0,
            is_proven: false,
        };
        let chunks = stream::try_unfold(tail, |mut tail| async move {
            tail.next().await.map(|chunk| chunk.map(|chunk| (chunk, tail)))
        });
        *response.body_mut() = Body::coming(chunks, length);
        response
    }

    /// Headers of a file that is still coming, as far as its declared digest has them.
    fn declared_headers(&self, asked: &Asked<'_>, wanted: &Wanted, response: &mut Answer, media: &str) {
        let releases = wanted.package.index.releases();
        let artifact = releases
            .get(wanted.place.release)
            .and_then(|release| release.artifacts.get(wanted.place.artifact));
        let Some(artifact) = artifact else { return };
        let sha256 = artifact.digests.iter().find(|digest| digest.algorithm() == Algorithm::Sha256);
        if let Some(sha256) = sha256 {
            for (name, value) in asked.ecosystem.file_headers(&artifact.file, sha256, media) {
                set(response, name, &value);
            }
        }
    }

    fn arrival_failed(&self, asked: &Asked<'_>, wanted: &Wanted, error: &ArrivalError) -> Answer {
        let release = wanted.package.index.releases().get(wanted.place.release);
        let version = release.map(|release| release.version.to_string());
        match error {
            ArrivalError::Mismatch(why) | ArrivalError::Malformed(why) => {
                let code = lazaret_policy::codes::BYTES_CHANGED;
                let refusal = Refusal {
                    package: wanted.package.name.clone(),
                    code: code.into(),
                    sentence: format!("{error}"),
                    until: None,
                    newest_allowed: wanted.package.newest_allowed(&wanted.judged.allowed).and_then(
                        // The one that was asked for is still allowed by its facts; it is no way out.
                        |newest| (version.as_deref() != Some(&*newest)).then(|| newest.to_string()),
                    ),
                    version,
                    page: wanted.page.clone(),
                };
                self.record_refusal(&refusal, &[code.into()], &asked.identity.principal);
                tracing::warn!(package = %wanted.package.name, why, "an artifact was refused for its bytes");
                answer(asked.ecosystem.refuse(&refusal, &asked.head))
            }
            ArrivalError::Upstream(cause) => {
                let status = match cause {
                    crate::UpstreamError::Absent => StatusCode::NOT_FOUND,
                    crate::UpstreamError::Refused(_) => StatusCode::BAD_GATEWAY,
                    _ => StatusCode::SERVICE_UNAVAILABLE,
                };
                let message = format!("{} could not be fetched: {cause}", wanted.package.name);
                answer(asked.ecosystem.error(status, &message, &asked.head))
            }
            ArrivalError::Store => self.load_failed(asked, &wanted.package.name, &LoadError::Store),
        }
    }
}

/// A reader of a spool file that grows.
struct Tail {
    gateway: Arc<Gateway>,
    principal: Principal,
    wanted: Wanted,
    file: tokio::fs::File,
    progress: watch::Receiver<Progress>,
    sent: u64,
    /// The whole file was verified, judged once more and recorded.
    is_proven: bool,
}

impl Tail {
    /// The next bytes that may go; `None` at the end. An error breaks the connection, so that nobody takes
    /// a part for the whole.
    async fn next(&mut self) -> io::Result<Option<Bytes>> {
        loop {
            let now = self.progress.borrow_and_update().clone();
            let (free, whole) = match now {
                Progress::Flowing { written, length, .. } => {
                    // Of a known length only the end stays back, so that the first bytes go at once.
                    let until = length.unwrap_or(written).saturating_sub(HELD_BACK);
                    (written.min(until), false)
                }
                Progress::Whole { stored, .. } => {
                    if !std::mem::replace(&mut self.is_proven, true) {
                        self.finish(&stored).await?;
                    }
                    (stored.size_bytes, true)
                }
                Progress::Failed(error) => return Err(io::Error::other(error.to_string())),
                Progress::Asking => (0, false),
            };
            if self.sent < free {
                let want = usize::try_from(free - self.sent).unwrap_or(usize::MAX).min(256 << 10);
                let mut chunk = vec![0; want];
                self.file.read_exact(&mut chunk).await?;
                self.sent += want as u64;
                return Ok(Some(chunk.into()));
            }
            if whole {
                return Ok(None);
            }
            if self.progress.changed().await.is_err() && !self.progress.borrow().is_over() {
                return Err(io::Error::other("the download was given up"));
            }
        }
    }

    /// Verified and stored: judge once more with what the file revealed, record, let go.
    async fn finish(&mut self, stored: &Arc<Stored>) -> io::Result<()> {
        let judged = self.gateway.judge(&self.wanted.package, self.wanted.judged.viewer);
        let withheld: Option<&Withheld> = judged.allowed.withheld(self.wanted.place.release);
        if let Some(withheld) = withheld {
            return Err(io::Error::other(format!("withheld: {}", withheld.code)));
        }
        if self.gateway.killed_digest(&stored.sha256).is_some() {
            return Err(io::Error::other("killed"));
        }
        if judged.allowed.pass(self.wanted.place.release).is_none() {
            return Err(io::Error::other("not judged"));
        }
        self.gateway
            .admit(&self.wanted.package, stored, &judged, &self.principal)
            .await
            .map_err(|error| io::Error::other(error.to_string()))?;
        self.gateway.record_download(&self.wanted.package, stored, &self.principal, Part::Whole);
        Ok(())
    }
}

/// Where verified bytes are read from.
pub(crate) enum Source {
    Memory(Bytes),
    File(std::fs::File),
}

fn artifact_headers(response: &mut Answer, tag: &str, media: &str) {
    set(response, header::ETAG, &format!("\"{tag}\""));
    set(response, header::ACCEPT_RANGES, "bytes");
    set(response, header::CONTENT_TYPE, media);
    // A version's bytes never change; that it may be refused later is why nobody but the client keeps it.
    set(response, header::CACHE_CONTROL, "private, max-age=31536000, immutable");
}

pub(crate) fn set(response: &mut Answer, name: header::HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}
