//! Container images and other artifacts of registries (OCI Distribution Specification 1.1). A repository is no
//! list of releases: its tags move, and an image is named by the digest of its manifest. So a release is a
//! manifest, its tags are pointers, and its layers belong to whichever images name them.

mod clients;
mod credentials;
mod details;
mod documents;
mod facts;
mod hosting;
mod inspect;
mod lists;
mod lockfile;
mod manifest;
mod name;
mod refuse;
mod render;
mod route;
mod search;
mod setup;
mod tags;
#[cfg(test)]
mod tests;
mod version;

use crate::{
    Adopted, Client, ConfigEdit, Dates, Details, Detour, Ecosystem, Hosting, Index, Inspection, Listed,
    Locked, Need, Pointers, Pointing, Probe, ProbeOutput, Profile, ReadSeek, Relaying, Route, Search,
    UpstreamRole, Variable, Wanted,
};
use http::{HeaderName, StatusCode};
use lazaret_vocabulary::{
    Artifact, BaseUrl, Digest, Document, EcosystemId, InvalidName, Malformed, PackageName, Refusal, Release,
    Reply, RequestHead,
};
use std::cmp::Ordering;

const ID: EcosystemId = EcosystemId::new("oci");

static PROFILE: Profile = Profile {
    id: ID,
    title: "Container images",
    purl_type: "oci",
    mount: "v2",
    osv_names: &[],
    upstreams: &[UpstreamRole {
        name: name::REGISTRY,
        what: "the usual registry, for names whose first part is no other role",
    }],
    open_roles: true,
    // An image's date is its builder's word, and often the beginning of the epoch.
    dates: Dates::FirstSight,
    checksums: &[],
    sidecars: &[],
    setup_guide: include_str!("setup.md"),
    setup_line: "docker pull $(echo {base} | cut -d/ -f3)/library/debian:12",
    popular: &[],
};

/// The ecosystem of container images.
#[derive(Debug)]
pub struct Oci;

impl Ecosystem for Oci {
    fn profile(&self) -> &'static Profile {
        &PROFILE
    }

    fn name(&self, text: &str) -> Result<PackageName, InvalidName> {
        name::parse(text)
    }

    fn route(&self, request: &RequestHead<'_>) -> Route {
        route::route(request)
    }

    fn client_config(&self, base: &BaseUrl, _auth_required: bool) -> Option<Reply> {
        Some(credentials::challenge(base))
    }

    /// No document lists what a repository has outside: its manifests are asked for one by one.
    fn wanted(&self, _package: &PackageName, _have: &[Document], _need: &Need<'_>) -> Wanted {
        Wanted::Enough
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

    fn inspect(
        &self,
        _release: &Release,
        package: &PackageName,
        artifact: &Artifact,
        file: &mut dyn ReadSeek,
    ) -> Result<Inspection, Malformed> {
        inspect::inspect(package, artifact, file)
    }

    fn media_type(&self, file: &str) -> &'static str {
        match name::File::parse(file) {
            Some(name::File::Manifest(_)) => manifest::OCI_MANIFEST,
            _ => "application/octet-stream",
        }
    }

    fn accept(&self, artifact: &Artifact) -> &'static str {
        match name::File::parse(&artifact.file) {
            Some(name::File::Manifest(_)) => manifest::ACCEPT,
            _ => "*/*",
        }
    }

    fn file_headers(&self, file: &str, _sha256: &Digest, _media: &str) -> Vec<(HeaderName, String)> {
        hosting::file_headers(file)
    }

    fn details(&self) -> Option<&dyn Details> {
        Some(&details::Images)
    }

    fn pointers(&self) -> Option<&dyn Pointers> {
        Some(&tags::Tags)
    }

    fn relaying(&self) -> Option<&dyn Relaying> {
        Some(&lists::Lists)
    }

    fn hosting(&self) -> Option<&dyn Hosting> {
        Some(&hosting::House)
    }

    fn search_reply(&self, _search: &Search, found: &[Listed]) -> Reply {
        search::reply(found)
    }

    fn lock_file(&self, file_name: &str, text: &[u8]) -> Option<Result<Vec<Locked>, Malformed>> {
        lockfile::read(file_name, text)
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
        scratch: &str,
        upstreams: &[(String, String)],
    ) -> Pointing {
        setup::pointing(base, token, scratch, upstreams)
    }

    fn setup(&self, base: &BaseUrl, _token: Option<&str>, upstreams: &[(String, String)]) -> Vec<ConfigEdit> {
        setup::edits(base, upstreams)
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

    fn detours(&self, file_name: &str, text: &str, gateway: Option<&str>) -> Vec<Detour> {
        clients::detours(file_name, text, gateway)
    }
}
