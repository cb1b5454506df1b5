//! Repositories on a git host: archives, single files, files of releases, and git itself over HTTPS, for reading
//! alone. The addresses are the host's own.
//!
//! A release is a **commit**, by its full id; for what a release page carries, a **tag**. Archives and files that
//! are asked for by a branch or a tag are answered through `pointers`; git's questions through `converse`.

mod clients;
mod converse;
mod details;
mod documents;
mod files;
mod inspect;
mod lockfile;
mod name;
mod pack;
mod pktline;
mod pointers;
mod refs;
mod refuse;
mod relay;
mod render;
mod route;
mod setup;
#[cfg(test)]
mod tests;
mod version;

use crate::{
    Adopted, Client, ConfigEdit, Conversing, Dates, Details, Detour, Ecosystem, Index, Inspection, Listed,
    Locked, Need, Pointers, Pointing, Probe, ProbeOutput, Profile, ReadSeek, Relaying, Route, Search,
    UpstreamRole, Variable, Wanted,
};
use http::{HeaderName, StatusCode};
use lazaret_vocabulary::{
    Artifact, BaseUrl, Digest, Document, DocumentRole, EcosystemId, InvalidName, Malformed, PackageName,
    Refusal, Release, Reply, RequestHead,
};
use std::borrow::Cow;
use std::cmp::Ordering;

const ID: EcosystemId = EcosystemId::new("github");

/// The web address: git, releases, and everything that has no address of its own.
const WEB_UPSTREAM: &str = "web";
/// The host of single files.
const RAW_UPSTREAM: &str = "raw";
/// The host of archives.
const CODELOAD_UPSTREAM: &str = "codeload";
/// The REST API.
const API_UPSTREAM: &str = "api";

static PROFILE: Profile = Profile {
    id: ID,
    title: "Git repositories",
    purl_type: "github",
    mount: "github",
    osv_names: &["GitHub Actions"],
    upstreams: &[
        UpstreamRole { name: WEB_UPSTREAM, what: "the git host's web address" },
        UpstreamRole { name: RAW_UPSTREAM, what: "where it has single files; may be left out" },
        UpstreamRole { name: CODELOAD_UPSTREAM, what: "where it has archives; may be left out" },
        UpstreamRole { name: API_UPSTREAM, what: "REST API, for dates and licences; may be left out" },
    ],
    setup_guide: include_str!("setup.md"),
    setup_line: "git -c url.{base}/.insteadOf=https://HOST/ clone https://HOST/OWNER/REPOSITORY",
    open_roles: false,
    dates: Dates::Claimed,
    checksums: &[],
    sidecars: &[],
    popular: &[],
};

/// The ecosystem of git hosts.
#[derive(Debug)]
pub struct Github;

impl Ecosystem for Github {
    fn profile(&self) -> &'static Profile {
        &PROFILE
    }

    fn name(&self, text: &str) -> Result<PackageName, InvalidName> {
        name::parse(text)
    }

    fn route(&self, request: &RequestHead<'_>) -> Route {
        route::route(request)
    }

    fn wanted(&self, package: &PackageName, have: &[Document], need: &Need<'_>) -> Wanted {
        documents::wanted(package, have, need)
    }

    fn fetch_headers(&self, role: DocumentRole) -> &'static [(&'static str, &'static str)] {
        if role == relay::CAPABILITIES { relay::SECOND_VERSION } else { &[] }
    }

    fn read(&self, package: &PackageName, have: &[Document]) -> Result<Box<dyn Index>, Malformed> {
        Ok(Box::new(documents::read(package, have)?))
    }

    fn refuse(&self, refusal: &Refusal, request: &RequestHead<'_>) -> Reply {
        refuse::refusal(refusal, request)
    }

    fn error(&self, status: StatusCode, message: &str, request: &RequestHead<'_>) -> Reply {
        refuse::error(status, message, request)
    }

    fn compare(&self, left: &str, right: &str) -> Ordering {
        version::compare(left, right)
    }

    fn advised_as<'r>(&self, release: &'r Release) -> Cow<'r, str> {
        name::advised_as(release)
    }

    fn inspect(
        &self,
        release: &Release,
        _package: &PackageName,
        artifact: &Artifact,
        file: &mut dyn ReadSeek,
    ) -> Result<Inspection, Malformed> {
        inspect::inspect(release, artifact, file)
    }

    fn media_type(&self, file: &str) -> &'static str {
        files::media_type(file)
    }

    fn file_headers(&self, file: &str, _sha256: &Digest, _media: &str) -> Vec<(HeaderName, String)> {
        files::headers(file)
    }

    /// What the law has taken away (RFC 7725) is not there.
    fn means_absent(&self, status: StatusCode) -> bool {
        status == StatusCode::UNAVAILABLE_FOR_LEGAL_REASONS
    }

    fn details(&self) -> Option<&dyn Details> {
        Some(&details::OneByOne)
    }

    fn pointers(&self) -> Option<&dyn Pointers> {
        Some(&pointers::Names)
    }

    fn relaying(&self) -> Option<&dyn Relaying> {
        Some(&relay::Advertisements)
    }

    fn conversing(&self) -> Option<&dyn Conversing> {
        Some(&converse::UploadPack)
    }

    fn search_reply(&self, _search: &Search, _found: &[Listed]) -> Reply {
        Reply::json(r#"{"total_count":0,"items":[]}"#)
    }

    fn lock_file(&self, file_name: &str, text: &[u8]) -> Option<Result<Vec<Locked>, Malformed>> {
        lockfile::is_one(file_name, text).then(|| lockfile::read(text))
    }

    fn probes(&self) -> &'static [Probe] {
        setup::PROBES
    }

    fn adopt(&self, outputs: &[ProbeOutput]) -> Result<Adopted, Malformed> {
        setup::adopt(outputs)
    }

    fn pointing(
        &self,
        base: &BaseUrl,
        token: Option<&str>,
        _scratch: &str,
        upstreams: &[(String, String)],
    ) -> Pointing {
        setup::pointing(base, token, upstreams)
    }

    fn setup(&self, base: &BaseUrl, token: Option<&str>, upstreams: &[(String, String)]) -> Vec<ConfigEdit> {
        setup::edits(base, token, upstreams)
    }

    fn clients(&self) -> &'static [Client] {
        clients::CLIENTS
    }

    fn variables(&self) -> &'static [Variable] {
        clients::VARIABLES
    }

    fn reads_settings(&self, file_name: &str) -> bool {
        clients::reads(file_name)
    }

    fn detours(&self, _file_name: &str, text: &str, gateway: Option<&str>) -> Vec<Detour> {
        clients::detours(text, gateway)
    }
}
