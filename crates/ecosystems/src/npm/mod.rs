//! npm packages, for npm, pnpm, yarn and bun: packuments, tarballs, search, audits and publishing
//! (npm registry, "registry-api" and "package-metadata").

mod audit;
mod clients;
mod dependencies;
mod documents;
mod hosting;
mod inspect;
mod json;
mod listing;
mod lockfile;
mod manifest;
mod name;
mod notice;
mod refuse;
mod render;
mod route;
mod search;
mod setup;
#[cfg(test)]
mod tests;
mod version;
mod view;

use crate::{
    Adopted, Auditing, Client, ConfigEdit, Dates, Detour, Ecosystem, Fetch, Hosting, Index, Inspection,
    Listed, Locked, Need, Pointing, Probe, ProbeOutput, Profile, ReadSeek, Route, Search, UpstreamRole,
    Variable, Wanted,
};
use http::StatusCode;
use lazaret_vocabulary::{
    Artifact, BaseUrl, Document, EcosystemId, InvalidName, Malformed, PackageName, Refusal, Release, Reply,
    RequestHead,
};
use std::cmp::Ordering;

const ID: EcosystemId = EcosystemId::new("npm");

static PROFILE: Profile = Profile {
    id: ID,
    title: "npm packages",
    purl_type: "npm",
    mount: "npm",
    osv_names: &["npm"],
    upstreams: &[UpstreamRole { name: documents::REGISTRY, what: "registry with packuments and tarballs" }],
    setup_guide: include_str!("setup.md"),
    setup_line: "npm config set registry {base}/",
    open_roles: false,
    dates: Dates::Registry,
    checksums: &[],
    sidecars: &[],
    popular: include_bytes!("popular.gz"),
};

/// The ecosystem of npm packages.
#[derive(Debug)]
pub struct Npm;

impl Ecosystem for Npm {
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
        release: &Release,
        package: &PackageName,
        _artifact: &Artifact,
        file: &mut dyn ReadSeek,
    ) -> Result<Inspection, Malformed> {
        inspect::inspect(release, package, file)
    }

    fn media_type(&self, _file: &str) -> &'static str {
        "application/octet-stream"
    }

    fn hosting(&self) -> Option<&dyn Hosting> {
        Some(&hosting::House)
    }

    fn auditing(&self) -> Option<&dyn Auditing> {
        Some(&audit::Audits)
    }

    fn search_fetch(&self, search: &Search) -> Option<Fetch> {
        Some(search::fetch(search))
    }

    fn search_hits(&self, document: &Document) -> Result<Vec<Listed>, Malformed> {
        search::hits(document)
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

    fn follows_lock_addresses(&self, file_name: &str) -> bool {
        // npm replaces the host with `replace-registry-host`, which `setup` and `run` set.
        !matches!(file_name, "package-lock.json" | "npm-shrinkwrap.json")
    }
}
