mod laws;
mod publishing;
mod reading;

use super::documents::{self, HOUSE, METADATA, MavenIndex};
use super::{Maven, details, inspect, lockfile, name, pointers, pom, route, setup};
use crate::hosting::{Change, HostedFile, HostedPackage, HostedRelease, StoredFile};
use crate::{Detail, Details, Ecosystem, Index, Need, Part, Pointers as _, ProbeOutput, Route, Wanted};
use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use lazaret_vocabulary::{
    Algorithm, Artifact, BaseUrl, Digest, Document, PackageName, Release, RequestHead, Timestamp,
};
use std::io::{Cursor, Write as _};

const POM: &str = include_str!("corpus/pom.xml");
const LISTED: &str = include_str!("corpus/maven-metadata.xml");

fn package(name: &str) -> PackageName {
    name::parse(name).unwrap()
}

fn ask<T>(method: &Method, path: &str, use_it: impl FnOnce(&RequestHead<'_>) -> T) -> T {
    use_it(&RequestHead { method, path, query: "", headers: &HeaderMap::new() })
}

fn get(path: &str) -> Route {
    ask(&Method::GET, path, route::route)
}

fn document(role: &'static str, body: impl Into<Bytes>) -> Document {
    Document {
        role,
        body: body.into(),
        content_type: "text/xml".to_owned(),
        fetched: Timestamp::EPOCH,
        modified: None,
    }
}

fn need() -> Need<'static> {
    Need { dates_after: Some(Timestamp::EPOCH), details: true, roles: &[] }
}

fn read(body: &str) -> MavenIndex {
    documents::read(&package("com.example:tools"), &[document(METADATA, body.to_owned())]).unwrap()
}

fn versions(index: &MavenIndex) -> Vec<&str> {
    index.releases.iter().map(|release| &*release.version).collect()
}

fn wanted_paths(wanted: Wanted) -> Vec<(&'static str, String)> {
    match wanted {
        Wanted::Fetch(fetches) => fetches.into_iter().map(|fetch| (fetch.role, fetch.path)).collect(),
        Wanted::Enough => Vec::new(),
    }
}

/// A ZIP with these files.
fn jar(files: &[(&str, &str)]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (path, content) in files {
        writer.start_file(*path, zip::write::SimpleFileOptions::default()).unwrap();
        writer.write_all(content.as_bytes()).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn properties(group: &str, artifact: &str, version: &str) -> String {
    format!("#Created by a tool\nversion={version}\ngroupId={group}\nartifactId={artifact}\n")
}
