//! Java's packages, for mvn, Gradle and whatever else reads a Maven repository: files at addresses made of group,
//! artifact and version, and one document a package that lists its versions.

mod clients;
mod details;
mod documents;
mod hosting;
mod house;
mod inspect;
mod licence;
mod lockfile;
mod name;
mod pointers;
mod pom;
mod refuse;
mod relay;
mod render;
mod route;
mod search;
mod setup;
#[cfg(test)]
mod tests;
mod version;
mod xml;

use crate::{
    Adopted, Client, ConfigEdit, Dates, Details, Detour, Ecosystem, Hosting, Index, Inspection, Listed,
    Locked, Need, Pointers, Pointing, Probe, ProbeOutput, Profile, ReadSeek, Relaying, Route, Search,
    UpstreamRole, Variable, Wanted,
};
use http::StatusCode;
use lazaret_vocabulary::{
    Algorithm, Artifact, BaseUrl, Document, EcosystemId, InvalidName, Malformed, PackageName, Refusal,
    Release, Reply, RequestHead,
};
use std::cmp::Ordering;

const ID: EcosystemId = EcosystemId::new("maven");

static PROFILE: Profile = Profile {
    id: ID,
    title: "Java packages (Maven)",
    purl_type: "maven",
    mount: "maven",
    osv_names: &["Maven"],
    upstreams: &[UpstreamRole { name: documents::REPOSITORY, what: "Maven repository" }],
    setup_guide: include_str!("setup.md"),
    setup_line: "printf '<settings><mirrors><mirror><id>lazaret</id><url>{base}/</url><mirrorOf>*</mirrorOf>\
                 </mirror></mirrors></settings>' > lazaret.xml; mvn -s lazaret.xml package",
    open_roles: false,
    dates: Dates::FirstSight,
    checksums: &[Algorithm::Md5, Algorithm::Sha1, Algorithm::Sha512],
    sidecars: &[(".sha1", Algorithm::Sha1), (".sha512", Algorithm::Sha512)],
    popular: &[],
};

/// The ecosystem of Maven repositories.
#[derive(Debug)]
pub struct Maven;

impl Ecosystem for Maven {
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

    fn refuse(&self, refusal: &Refusal, _request: &RequestHead<'_>) -> Reply {
        refuse::refusal(refusal)
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
        match file.rsplit('.').next().unwrap_or_default() {
            "pom" | "xml" => "text/xml",
            "jar" | "war" | "ear" | "aar" => "application/java-archive",
            "asc" => "text/plain",
            "module" => "application/json",
            _ => "application/octet-stream",
        }
    }

    fn details(&self) -> Option<&dyn Details> {
        Some(&details::Poms)
    }

    fn pointers(&self) -> Option<&dyn Pointers> {
        Some(&pointers::Snapshots)
    }

    fn relaying(&self) -> Option<&dyn Relaying> {
        Some(&relay::Passing)
    }

    fn hosting(&self) -> Option<&dyn Hosting> {
        Some(&hosting::Deployed)
    }

    fn search_reply(&self, _search: &Search, found: &[Listed]) -> Reply {
        search::reply(found)
    }

    fn lock_file(&self, file_name: &str, text: &[u8]) -> Option<Result<Vec<Locked>, Malformed>> {
        lockfile::read(file_name, text)
    }

    /// Lock files name no addresses.
    fn follows_lock_addresses(&self, _file_name: &str) -> bool {
        false
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
