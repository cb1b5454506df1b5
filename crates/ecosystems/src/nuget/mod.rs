//! NuGet packages, for dotnet and nuget.exe: the V3 protocol (NuGet server API). A service index names where the
//! other resources are; of a package there are registrations, in pages, and the flat container with its files.

mod clients;
mod dependencies;
mod details;
mod documents;
mod hosting;
mod inspect;
mod json;
mod lockfile;
mod name;
mod nuspec;
mod refuse;
mod registration;
mod render;
mod route;
mod search;
mod service;
mod setup;
#[cfg(test)]
mod tests;
mod version;
mod xml;

use crate::{
    Adopted, Client, ConfigEdit, Dates, Details, Detour, Ecosystem, Fetch, Hosting, Index, Inspection,
    Listed, Locked, Need, Pointing, Probe, ProbeOutput, Profile, ReadSeek, Route, Search, UpstreamRole,
    Variable, Wanted,
};
use http::StatusCode;
use lazaret_vocabulary::{
    Artifact, BaseUrl, Document, EcosystemId, InvalidName, Malformed, PackageName, Refusal, Release, Reply,
    RequestHead,
};
use std::cmp::Ordering;

const ID: EcosystemId = EcosystemId::new("nuget");

static PROFILE: Profile = Profile {
    id: ID,
    title: "NuGet packages",
    purl_type: "nuget",
    mount: "nuget",
    osv_names: &["NuGet"],
    upstreams: &[
        UpstreamRole { name: documents::INDEX_UPSTREAM, what: "service index of the feed (…/index.json)" },
        UpstreamRole { name: search::SEARCH_UPSTREAM, what: "search service of the feed; may be left out" },
    ],
    setup_guide: include_str!("setup.md"),
    setup_line: "nuget install PACKAGE -Source {base}/v3/index.json",
    open_roles: false,
    dates: Dates::Registry,
    checksums: &[],
    sidecars: &[],
    popular: &[],
};

/// The ecosystem of NuGet packages.
#[derive(Debug)]
pub struct Nuget;

impl Ecosystem for Nuget {
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
        Some(service::client_config(base))
    }

    fn wanted(&self, package: &PackageName, have: &[Document], need: &Need<'_>) -> Wanted {
        documents::wanted(package, have, need)
    }

    fn read(&self, package: &PackageName, have: &[Document]) -> Result<Box<dyn Index>, Malformed> {
        Ok(Box::new(documents::read(package, have)?))
    }

    fn refuse(&self, refusal: &Refusal, _request: &RequestHead<'_>) -> Reply {
        refuse::refusal(refusal)
    }

    fn error(&self, status: StatusCode, message: &str, request: &RequestHead<'_>) -> Reply {
        refuse::error(status, message, request)
    }

    fn compare(&self, left: &str, right: &str) -> Ordering {
        version::compare(left, right)
    }

    fn inspect(
        &self,
        release: &Release,
        package: &PackageName,
        artifact: &Artifact,
        file: &mut dyn ReadSeek,
    ) -> Result<Inspection, Malformed> {
        inspect::inspect(release, package, artifact, file)
    }

    fn media_type(&self, _file: &str) -> &'static str {
        "application/octet-stream"
    }

    fn details(&self) -> Option<&dyn Details> {
        Some(&details::Catalog)
    }

    fn hosting(&self) -> Option<&dyn Hosting> {
        Some(&hosting::House)
    }

    fn search_fetch(&self, search: &Search) -> Option<Fetch> {
        Some(search::fetch(search))
    }

    fn directory(&self) -> Option<Fetch> {
        Some(documents::service_fetch())
    }

    fn located(&self, fetch: Fetch, directory: &Document) -> Option<Fetch> {
        documents::located(fetch, directory)
    }

    fn search_hits(&self, document: &Document) -> Result<Vec<Listed>, Malformed> {
        search::hits(document)
    }

    fn search_reply(&self, search: &Search, found: &[Listed]) -> Reply {
        search::reply(search, found)
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
        _upstreams: &[(String, String)],
    ) -> Pointing {
        setup::pointing(base, token, scratch)
    }

    fn setup(&self, base: &BaseUrl, token: Option<&str>, _upstreams: &[(String, String)]) -> Vec<ConfigEdit> {
        setup::edits(base, token)
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
