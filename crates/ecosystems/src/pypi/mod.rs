//! Python packages: the simple repository API and the legacy JSON and upload APIs.

mod clients;
mod documents;
mod hosting;
mod html;
mod inspect;
mod lockfile;
mod page;
mod project;
mod refuse;
mod render;
mod route;
mod search;
mod setup;
mod version;
pub(crate) mod zip_shape;

#[cfg(test)]
mod tests;

use crate::{
    Adopted, Client, ConfigEdit, Dates, Detour, Ecosystem, Hosting, Index, Inspection, Listed, Locked, Need,
    Pointing, Probe, ProbeOutput, Profile, ReadSeek, Route, Search, UpstreamRole, Variable, Wanted,
};
use http::StatusCode;
use lazaret_vocabulary::{
    Artifact, BaseUrl, Document, EcosystemId, InvalidName, Malformed, PackageName, Refusal, Release, Reply,
    RequestHead,
};
use std::cmp::Ordering;

/// Its id.
const ID: EcosystemId = EcosystemId::new("pypi");

/// Longest project name accepted, in bytes.
const LONGEST_NAME: usize = 200;

static PROFILE: Profile = Profile {
    id: ID,
    title: "PyPI",
    purl_type: "pypi",
    mount: "pypi",
    osv_names: &["PyPI"],
    upstreams: &[
        UpstreamRole { name: documents::SIMPLE_UPSTREAM, what: "simple index, ends in /simple" },
        UpstreamRole { name: documents::JSON_UPSTREAM, what: "legacy JSON API, ends in /pypi (optional)" },
    ],
    setup_guide: include_str!("setup.md"),
    setup_line: "pip config set global.index-url {base}/simple/",
    open_roles: false,
    dates: Dates::Registry,
    checksums: &[],
    sidecars: &[],
    popular: include_bytes!("popular.gz"),
};

/// Python packages, as pip, uv, poetry, pdm, pipenv and twine speak of them.
pub struct Pypi;

/// The name rule of the core metadata specification (PEP 508); the key is PEP 503's normal form, and so is
/// the name, since both index and files stand under it.
fn name(text: &str) -> Result<PackageName, InvalidName> {
    if text.is_empty() || text.len() > LONGEST_NAME {
        return Err(InvalidName::new(text, "a project's name has 1 to 200 characters"));
    }
    let edge = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric());
    let inner = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    if !edge(text.bytes().next()) || !edge(text.bytes().next_back()) || !text.bytes().all(inner) {
        return Err(InvalidName::new(
            text,
            "a project's name consists of ASCII letters, digits, `.`, `-` and `_`, and starts and ends with a letter or digit",
        ));
    }
    let key = version::normalise(text);
    Ok(PackageName::new(ID, &key, &key))
}

impl Ecosystem for Pypi {
    fn profile(&self) -> &'static Profile {
        &PROFILE
    }

    fn name(&self, text: &str) -> Result<PackageName, InvalidName> {
        name(text)
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
        artifact: &Artifact,
        file: &mut dyn ReadSeek,
    ) -> Result<Inspection, Malformed> {
        inspect::inspect(release, package, artifact, file)
    }

    fn media_type(&self, file: &str) -> &'static str {
        match file.rsplit_once('.').map_or("", |(_, ending)| ending) {
            "whl" | "zip" | "egg" => "application/zip",
            "gz" | "tgz" => "application/gzip",
            "bz2" => "application/x-bzip2",
            "xz" => "application/x-xz",
            "metadata" => "text/plain; charset=utf-8",
            _ => "application/octet-stream",
        }
    }

    fn hosting(&self) -> Option<&dyn Hosting> {
        Some(&hosting::House)
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
