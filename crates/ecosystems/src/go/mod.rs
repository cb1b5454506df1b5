//! Go modules, for the go command: the GOPROXY protocol and the checksum database behind it (Go Modules
//! Reference). The list of a module tells its versions and nothing else; what a version is made of, its `go.mod`
//! names; how old it is, the checksum database proves.

mod archive;
mod clients;
mod dependencies;
mod details;
mod documents;
mod gomod;
mod hosting;
mod inspect;
pub(crate) mod licence;
mod lockfile;
mod name;
mod pointers;
mod refuse;
mod render;
mod route;
mod setup;
mod sumdb;
#[cfg(test)]
mod tests;
mod version;

use crate::{
    Adopted, Client, ConfigEdit, Details, Detour, Ecosystem, Hosting, Index, Inspection, Listed, Locked,
    Need, Pointers, Pointing, Probe, ProbeOutput, Profile, ReadSeek, Relaying, Route, Search, UpstreamRole,
    Variable, Wanted,
};
use http::StatusCode;
use lazaret_vocabulary::{
    Artifact, BaseUrl, Dates, Document, EcosystemId, InvalidName, Malformed, PackageName, Refusal, Release,
    Reply, RequestHead,
};
use std::cmp::Ordering;

const ID: EcosystemId = EcosystemId::new("go");

static PROFILE: Profile = Profile {
    id: ID,
    title: "Go modules",
    purl_type: "golang",
    mount: "go",
    osv_names: &["Go"],
    upstreams: &[
        UpstreamRole { name: details::PROXY, what: "module proxy" },
        UpstreamRole {
            name: sumdb::UPSTREAM,
            what: "checksum database, which also proves how old a version is",
        },
    ],
    open_roles: false,
    dates: Dates::Claimed,
    checksums: &[],
    sidecars: &[],
    setup_guide: include_str!("setup.md"),
    setup_line: "go env -w GOPROXY={base} GONOPROXY=none",
    popular: &[],
};

/// The ecosystem of Go modules.
#[derive(Debug)]
pub struct Go;

impl Ecosystem for Go {
    fn profile(&self) -> &'static Profile {
        &PROFILE
    }

    fn name(&self, text: &str) -> Result<PackageName, InvalidName> {
        name::parse(text)
    }

    fn route(&self, request: &RequestHead<'_>) -> Route {
        route::route(request)
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

    fn error(&self, status: StatusCode, message: &str, _request: &RequestHead<'_>) -> Reply {
        refuse::error(status, message)
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

    fn media_type(&self, file: &str) -> &'static str {
        match route::split(file).map(|(_, kind)| kind) {
            Some(route::Kind::Info) => "application/json",
            Some(route::Kind::Mod) => "text/plain; charset=utf-8",
            _ => "application/zip",
        }
    }

    /// The licence stands in no document, only in the zip itself.
    fn tells_by_content(&self, artifact: &Artifact) -> bool {
        route::split(&artifact.file).is_some_and(|(_, kind)| kind == route::Kind::Zip)
    }

    fn details(&self) -> Option<&dyn Details> {
        Some(&details::Versions)
    }

    fn pointers(&self) -> Option<&dyn Pointers> {
        Some(&pointers::Revisions)
    }

    fn relaying(&self) -> Option<&dyn Relaying> {
        Some(&sumdb::Database)
    }

    /// Some proxies say 403 of what they do not have. The go command asks for every prefix of an import path, and
    /// gives up on any error but 404 and 410.
    fn means_absent(&self, status: StatusCode) -> bool {
        status == StatusCode::FORBIDDEN
    }

    fn hosting(&self) -> Option<&dyn Hosting> {
        Some(&hosting::House)
    }

    /// Proxies cannot be searched.
    fn search_reply(&self, _search: &Search, _found: &[Listed]) -> Reply {
        refuse::error(StatusCode::NOT_FOUND, "a module proxy cannot be searched")
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

    fn setup(
        &self,
        base: &BaseUrl,
        _token: Option<&str>,
        _upstreams: &[(String, String)],
    ) -> Vec<ConfigEdit> {
        setup::edits(base)
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

    fn follows_lock_addresses(&self, _file_name: &str) -> bool {
        false
    }
}
