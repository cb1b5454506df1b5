//! Rust crates, for cargo: a sparse index, downloads, and the registry's web API (the Cargo book,
//! "Registries"). The only document on a crate is its index file, one line a release.

mod clients;
mod dependencies;
mod documents;
mod hosting;
mod inspect;
mod lockfile;
mod name;
mod refuse;
mod render;
mod route;
mod search;
mod setup;
#[cfg(test)]
mod tests;
mod version;

use crate::{
    Adopted, Client, ConfigEdit, Dates, Detour, Ecosystem, Fetch, Hosting, Index, Inspection, Listed, Locked,
    Need, Pointing, Probe, ProbeOutput, Profile, ReadSeek, Route, Search, UpstreamRole, Variable, Wanted,
};
use http::StatusCode;
use lazaret_vocabulary::{
    Artifact, BaseUrl, Document, EcosystemId, InvalidName, Malformed, PackageName, Refusal, Release, Reply,
    RequestHead,
};
use std::cmp::Ordering;

const ID: EcosystemId = EcosystemId::new("cargo");

static PROFILE: Profile = Profile {
    id: ID,
    title: "Rust crates",
    purl_type: "cargo",
    mount: "cargo",
    osv_names: &["crates.io"],
    upstreams: &[
        UpstreamRole { name: documents::INDEX_UPSTREAM, what: "sparse index of the registry" },
        UpstreamRole { name: search::API_UPSTREAM, what: "web API, for searching; may be left out" },
    ],
    setup_guide: include_str!("setup.md"),
    setup_line: "cargo --config 'source.crates-io.replace-with=\"lazaret\"' \
                 --config 'source.lazaret.registry=\"sparse+{base}/\"' fetch",
    open_roles: false,
    dates: Dates::Registry,
    checksums: &[],
    sidecars: &[],
    popular: &[],
};

/// The ecosystem of Rust crates.
#[derive(Debug)]
pub struct Cargo;

impl Ecosystem for Cargo {
    fn profile(&self) -> &'static Profile {
        &PROFILE
    }

    fn name(&self, text: &str) -> Result<PackageName, InvalidName> {
        name::parse(text)
    }

    fn route(&self, request: &RequestHead<'_>) -> Route {
        route::route(request)
    }

    fn client_config(&self, base: &BaseUrl, auth_required: bool) -> Option<Reply> {
        Some(documents::client_config(base, auth_required))
    }

    fn wanted(&self, package: &PackageName, have: &[Document], _need: &Need<'_>) -> Wanted {
        documents::wanted(package, have)
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
        artifact: &Artifact,
        file: &mut dyn ReadSeek,
    ) -> Result<Inspection, Malformed> {
        inspect::inspect(release, package, artifact, file)
    }

    fn media_type(&self, _file: &str) -> &'static str {
        "application/gzip"
    }

    fn hosting(&self) -> Option<&dyn Hosting> {
        Some(&hosting::House)
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
        (file_name == "Cargo.lock").then(|| lockfile::read(text))
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
