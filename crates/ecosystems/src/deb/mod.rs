//! Debian packages, for apt and what is built on it: archives of suites whose indexes are signed, and pools
//! of files that these vouch for (<https://wiki.debian.org/DebianRepository/Format>).
//!
//! An index passes untouched, or its signature would not hold. What it lists is remembered, and judged when
//! it is asked for: a refused file is refused at the pool. The package that policy, waivers and advisories
//! speak of is the **source package**, the version is the source's, and every file of the pool belongs to one.

mod archive;
mod changelog;
mod clients;
mod compression;
mod copyright;
mod dates;
mod details;
mod documents;
mod hosting;
mod inspect;
mod lockfile;
mod name;
mod refuse;
mod relay;
mod render;
mod route;
mod setup;
mod sources;
mod stanza;
mod suite;
#[cfg(test)]
mod tests;
mod version;

use crate::{
    Adopted, Client, ConfigEdit, Dates, Details, Detour, Ecosystem, Hosting, Index, Inspection, Listed,
    Locked, Need, Pointing, Probe, ProbeOutput, Profile, ReadSeek, Relaying, Route, Search, UpstreamRole,
    Variable, Wanted,
};
use http::StatusCode;
use lazaret_vocabulary::{
    Artifact, BaseUrl, Document, EcosystemId, InvalidName, Malformed, PackageName, Refusal, Release, Reply,
    RequestHead,
};
use std::cmp::Ordering;

const ID: EcosystemId = EcosystemId::new("deb");

static PROFILE: Profile = Profile {
    id: ID,
    title: "Debian packages",
    purl_type: "deb",
    mount: "deb",
    osv_names: &["Debian"],
    upstreams: &[UpstreamRole {
        name: "debian",
        what: "root of an archive, the folder that holds dists/; any further archive by a name of your own",
    }],
    setup_guide: include_str!("setup.md"),
    setup_line: "deb {base}/debian stable main",
    open_roles: true,
    dates: Dates::Curated,
    checksums: &[],
    sidecars: &[],
    popular: &[],
};

/// The ecosystem of Debian packages.
#[derive(Debug)]
pub struct Deb;

impl Ecosystem for Deb {
    fn profile(&self) -> &'static Profile {
        &PROFILE
    }

    fn name(&self, text: &str) -> Result<PackageName, InvalidName> {
        name::parse(text)
    }

    fn route(&self, request: &RequestHead<'_>) -> Route {
        route::route(request)
    }

    fn wanted(&self, _package: &PackageName, _have: &[Document], _need: &Need<'_>) -> Wanted {
        Wanted::Enough
    }

    fn read(&self, _package: &PackageName, have: &[Document]) -> Result<Box<dyn Index>, Malformed> {
        Ok(Box::new(documents::read(have)?))
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

    fn media_type(&self, file: &str) -> &'static str {
        route::media_type(file)
    }

    fn tells_by_content(&self, artifact: &Artifact) -> bool {
        inspect::tells(&artifact.file)
    }

    fn also_named(&self, file: &str) -> Vec<PackageName> {
        name::binary(file).into_iter().collect()
    }

    fn details(&self) -> Option<&dyn Details> {
        Some(&details::Versions)
    }

    fn relaying(&self) -> Option<&dyn Relaying> {
        Some(&relay::Signed)
    }

    fn hosting(&self) -> Option<&dyn Hosting> {
        Some(&hosting::House)
    }

    fn search_reply(&self, _search: &Search, found: &[Listed]) -> Reply {
        refuse::listed(found)
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

    /// apt's settings belong to root, not to a home directory: a person changes them by hand.
    fn setup(&self, _: &BaseUrl, _: Option<&str>, _: &[(String, String)]) -> Vec<ConfigEdit> {
        Vec::new()
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
