mod documents;
mod inspecting;
mod laws;
mod publishing;
mod reading;

use super::documents::{OWNERS, PAGES, PackageIndex, REGISTRATION, SERVICE, VERSIONS};
use super::registration::write_marked;
use super::route::{ALL, FLAT, HIVES, STABLE};
use super::{Nuget, details, lockfile, name, nuspec, refuse, route, search, service, setup, version, xml};
use crate::hosting::{Change, HostedPackage, HostedRelease, StoredFile};
use crate::route::View;
use crate::{Details, Ecosystem, Index, Inspection, Listed, Need, Part, ProbeOutput, Route, Search, Wanted};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use lazaret_vocabulary::{
    Algorithm, BaseUrl, Digest, Document, Malformed, PackageName, Refusal, Release, ReleaseKind, RequestHead,
    Timestamp,
};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::io::{Cursor, Write as _};

const FEED: &str = "https://feed.example/v3";

fn package(name: &str) -> PackageName {
    name::parse(name).unwrap()
}

fn ask<T>(method: &Method, target: &str, use_it: impl FnOnce(&RequestHead<'_>) -> T) -> T {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    use_it(&RequestHead { method, path, query, headers: &HeaderMap::new() })
}

fn get(target: &str) -> Route {
    ask(&Method::GET, target, route::route)
}

fn document(role: &'static str, body: impl Into<Bytes>) -> Document {
    Document {
        role,
        body: body.into(),
        content_type: "application/json".to_owned(),
        fetched: Timestamp::EPOCH,
        modified: None,
    }
}

fn written(role: &'static str, body: &Value) -> Document {
    document(role, body.to_string())
}

/// A feed with registrations, a flat container and a search service.
fn feed() -> Document {
    written(
        SERVICE,
        &json!({"version": "3.0.0", "resources": [
            {"@id": format!("{FEED}/semver1/"), "@type": "RegistrationsBaseUrl"},
            {"@id": format!("{FEED}/semver2/"), "@type": ["RegistrationsBaseUrl/3.6.0", "x"]},
            {"@id": format!("{FEED}-flat/"), "@type": "PackageBaseAddress/3.0.0"},
            {"@id": "https://search.example/query", "@type": "SearchQueryService"},
        ]}),
    )
}

/// A leaf of `Left.Pad` with further members in its entry.
fn leaf(version: &str, more: Value) -> Value {
    let mut entry = json!({"@id": "https://feed.example/catalog", "id": "Left.Pad", "version": version,
        "published": "2020-05-06T07:08:09.1+00:00", "listed": true, "licenseExpression": "MIT",
        "packageContent": format!("{FEED}/elsewhere/{version}.nupkg")});
    if let (Some(entry), Value::Object(more)) = (entry.as_object_mut(), more) {
        entry.extend(more);
    }
    json!({"@id": "https://feed.example/leaf", "catalogEntry": entry, "registration": "https://feed.example/index",
        "commitTimeStamp": "2022-02-02T02:02:02Z", "packageContent": format!("{FEED}/content/{version}.nupkg")})
}

/// A registration index with one inlined page.
fn registration(leaves: &[Value]) -> Document {
    written(REGISTRATION, &json!({"count": 1, "items": [{"count": leaves.len(), "items": leaves}]}))
}

fn read(have: &[Document]) -> Result<PackageIndex, Malformed> {
    super::documents::read(&package("Left.Pad"), have)
}

fn index(leaves: &[Value]) -> PackageIndex {
    read(&[feed(), registration(leaves)]).unwrap()
}

const NEED: Need<'static> = Need { dates_after: None, details: true, roles: &[] };

/// What a route comes to, in a word, so that tables stay readable.
fn told(route: Route) -> String {
    match route {
        Route::Index { package, view: View { form, version: None } } => format!("{form} {package}"),
        Route::Index { package, view: View { form, version: Some(version) } } => {
            format!("{form} {package} {version}")
        }
        Route::Artifact { package, file, part } => format!("{} {} {file}", part.as_str(), package.key()),
        Route::Submit { action, package, .. } => format!("{action} {package:?}"),
        Route::Search(search) => format!("{} `{}` {} {}", search.form, search.text, search.from, search.size),
        Route::Config => "config".to_owned(),
        Route::Fixed(_) => "fixed".to_owned(),
        Route::Unknown => "unknown".to_owned(),
        other => format!("{other:?}"),
    }
}

#[test]
fn addresses_mean_what_the_protocol_says() {
    let table = [
        ("GET", "/v3/index.json", "config"),
        ("GET", "/v3/flat/left.pad/index.json", "flat left.pad"),
        ("HEAD", "/v3/flat/Left.Pad/index.json", "flat left.pad"),
        ("GET", "/v3/flat/%4ceft.pad/index.json", "flat left.pad"),
        ("GET", "/v3/flat/left.pad/1.0.0/left.pad.1.0.0.nupkg", "whole left.pad left.pad.1.0.0.nupkg"),
        ("GET", "/v3/flat/Left.Pad/1.0/Left.Pad.1.0.nupkg", "whole left.pad left.pad.1.0.0.nupkg"),
        (
            "GET",
            "/v3/flat/left.pad/1.0.0-RC.1/left.pad.1.0.0-rc.1.nupkg",
            "whole left.pad left.pad.1.0.0-rc.1.nupkg",
        ),
        ("GET", "/v3/flat/left.pad/1.0.0/left.pad.nuspec", "metadata left.pad left.pad.1.0.0.nupkg"),
        ("GET", "/v3/flat/left.pad/1.0.0/left.pad.1.0.0.snupkg", "whole left.pad left.pad.1.0.0.snupkg"),
        ("GET", "/v3/flat/left.pad/1.0.0/left.pad.1.0.1.nupkg", "unknown"),
        ("GET", "/v3/flat/left.pad/1.0.0/right.pad.1.0.0.nupkg", "unknown"),
        ("GET", "/v3/flat/left.pad/..%2f1/left.pad...%2f1.nupkg", "unknown"),
        ("GET", "/v3/registration/left.pad/index.json", "registration left.pad"),
        ("GET", "/v3/registration-gz/left.pad/index.json", "registration-gz left.pad"),
        ("GET", "/v3/registration-gz-semver2/left.pad/index.json", "registration-gz-semver2 left.pad"),
        (
            "GET",
            "/v3/registration-gz-semver2/left.pad/1.0.json",
            "registration-gz-semver2-leaf left.pad 1.0.0",
        ),
        ("GET", "/v3/registration/left.pad/page/1.0.0/2.0.0.json", "unknown"),
        ("GET", "/v3/other/left.pad/index.json", "unknown"),
        ("GET", "/v3/flat/left..pad/index.json", "unknown"),
        ("GET", "/v3/search?q=a+b%26c&skip=20&take=5&prerelease=true", "packages `a b&c` 20 5"),
        ("GET", "/v3/search?take=0&skip=x", "packages `` 0 1"),
        ("GET", "/v3/autocomplete?q=left&take=9999", "completions `left` 0 100"),
        ("GET", "/v3/autocomplete?id=Left.Pad", "versions-stable left.pad"),
        ("GET", "/v3/autocomplete?id=Left.Pad&prerelease=TRUE", "versions-all left.pad"),
        ("GET", "/v3/repository-signatures/index.json", "fixed"),
        ("PUT", "/api/v2/package", "push None"),
        ("PUT", "/api/v2/package/", "push None"),
        ("PUT", "/api/v2/symbolpackage/", "symbols None"),
        ("GET", "/api/v2/package", "unknown"),
        ("DELETE", "/api/v2/package/Left.Pad/1.0", "unlist Some(nuget:Left.Pad)"),
        ("POST", "/api/v2/package/Left.Pad/1.0", "relist Some(nuget:Left.Pad)"),
        ("POST", "/api/v2/package/Left.Pad/latest", "unknown"),
        ("PUT", "/v3/index.json", "unknown"),
        ("GET", "/v3/", "unknown"),
        ("GET", "/", "unknown"),
        ("GET", "", "unknown"),
    ];
    for (method, target, expected) in table {
        let method: Method = method.parse().unwrap();
        assert_eq!(ask(&method, target, |head| told(route::route(head))), expected, "{method} {target}");
    }
    assert_eq!(route::version_in("/api/v2/package/Left.Pad/1.0").as_deref(), Some("1.0.0"));
}

#[test]
fn ids_differ_in_more_than_case() {
    assert_eq!(package("Left.Pad"), package("left.pad"));
    assert_ne!(package("left.pad"), package("left-pad"));
    let long = "a".repeat(101);
    for wrong in ["", ".a", "a.", "a..b", "a--b", "-a", "a b", "a/b", "é", "a+b", &long] {
        assert!(name::parse(wrong).is_err(), "{wrong}");
    }
}

fn refusal() -> Refusal {
    Refusal {
        package: package("left.pad"),
        version: Some("1.0.0".to_owned()),
        code: "release-too-new".to_owned(),
        sentence: "published 2 hours ago, “young”".to_owned(),
        until: Some(Timestamp::from_seconds(1_800_000_000)),
        newest_allowed: Some("0.9.0".to_owned()),
        page: "https://gate.example/p/nuget/left.pad".to_owned(),
    }
}

#[test]
fn a_refusal_is_printed_from_its_phrase_and_its_warning() {
    let reply = refuse::refusal(&refusal());
    assert_eq!(reply.status, StatusCode::FORBIDDEN);
    let warning = reply.headers.iter().find(|(name, _)| name == "x-nuget-warning").unwrap();
    for said in [reply.phrase.clone().unwrap(), warning.1.to_str().unwrap().to_owned()] {
        assert!(said.contains("release-too-new") && said.contains("0.9.0"), "{said}");
    }
    let error = |status| ask(&Method::GET, "/v3/index.json", |head| refuse::error(status, "because", head));
    let challenge = |status| error(status).headers.iter().any(|(name, _)| name == "www-authenticate");
    assert!(challenge(StatusCode::UNAUTHORIZED) && !challenge(StatusCode::NOT_FOUND));
}

#[test]
fn our_service_index_names_what_clients_of_every_age_look_for() {
    let told = |base: &str| -> Value {
        let reply = Nuget.client_config(&BaseUrl::new(base), true).unwrap();
        serde_json::from_slice(&reply.body).unwrap()
    };
    let index = told("https://gate.example/nuget/");
    assert_eq!(index["version"], "3.0.0");
    let resources = index["resources"].as_array().unwrap();
    let find = |kind: &str| {
        let found = resources.iter().find(|resource| resource["@type"] == kind);
        found.unwrap_or_else(|| panic!("{kind}"))["@id"].as_str().unwrap().to_owned()
    };
    for (kind, path) in [
        ("PackageBaseAddress/3.0.0", "/v3/flat/"),
        ("RegistrationsBaseUrl/Versioned", "/v3/registration-gz-semver2/"),
        ("RegistrationsBaseUrl/3.6.0", "/v3/registration-gz-semver2/"),
        ("RegistrationsBaseUrl/3.4.0", "/v3/registration-gz/"),
        ("RegistrationsBaseUrl", "/v3/registration/"),
        ("SearchQueryService", "/v3/search"),
        ("SearchAutocompleteService/3.5.0", "/v3/autocomplete"),
        ("PackagePublish/2.0.0", "/api/v2/package"),
        ("SymbolPackagePublish/4.9.0", "/api/v2/symbolpackage"),
        ("RepositorySignatures/5.0.0", "/v3/repository-signatures/index.json"),
    ] {
        assert_eq!(find(kind), format!("https://gate.example/nuget{path}"));
    }
    assert!(!told("http://127.0.0.1:1/nuget").to_string().contains("RepositorySignatures"));
    // What we write, we can read.
    let own = service::read(&written(SERVICE, &index)).unwrap();
    assert_eq!(own.registrations.as_deref(), Some("https://gate.example/nuget/v3/registration-gz-semver2"));
}

#[test]
fn search_goes_both_ways() {
    let asked = search::parse("q=a%20b%26c&skip=20&take=10", search::PACKAGES);
    let fetch = Nuget.search_fetch(&asked).unwrap();
    assert_eq!(fetch.path, "?q=a%20b%26c&skip=20&take=10&prerelease=true&semVerLevel=2.0.0");
    let located = Nuget.located(fetch.clone(), &feed()).unwrap();
    assert!(located.path.starts_with("https://search.example/query?q=a%20b"), "{}", located.path);
    assert!(Nuget.located(fetch, &document(SERVICE, "{}")).is_none());
    let upstream = json!({"totalHits": 3, "data": [
        {"id": "Left.Pad", "version": "1.0.0", "description": null}, {"id": "a b"}, 7]});
    let hits = Nuget.search_hits(&written("search", &upstream)).unwrap();
    assert_eq!(hits.len(), 1);
    let shown = Listed { description: "x".to_owned(), ..hits[0].clone() };
    let told = |search: &Search| -> Value {
        serde_json::from_slice(&Nuget.search_reply(search, std::slice::from_ref(&shown)).body).unwrap()
    };
    let found = told(&asked);
    assert_eq!((found["totalHits"].as_u64(), found["data"][0]["id"].as_str()), (Some(1), Some("Left.Pad")));
    assert_eq!(found["data"][0]["versions"][0]["version"], "1.0.0");
    let completion = told(&search::parse("q=left", search::COMPLETIONS));
    assert_eq!(completion, json!({"totalHits": 1, "data": ["Left.Pad"]}));
    assert!(Nuget.search_hits(&document("search", "[]")).is_err());
}

#[test]
fn the_feed_of_this_machine_is_learned_from_its_clients() {
    let adopt = |printed: [&str; 3]| {
        let outputs = printed.map(|stdout| ProbeOutput { stdout: stdout.to_owned() });
        let found = Nuget.adopt(&outputs).map_err(|error| error.to_string())?;
        Ok::<_, String>(found.addresses.first().unwrap().1.clone())
    };
    let config = include_str!("corpus/NuGet.Config");
    let feed = "https://feed.registry.example/v3/index.json".to_owned();
    assert_eq!(adopt(["", "", config]), Ok(feed.clone()));
    let listing =
        format!("D https://off.example/v3/index.json\nE http://127.0.0.1:1/v3/index.json\nE {feed}\n");
    assert_eq!(adopt([&listing, "", ""]), Ok(feed.clone()));
    assert_eq!(adopt(["", &listing, config]), Ok(feed));
    assert!(adopt(["E https://old.example/api/v2\n", "", ""]).unwrap_err().contains("old protocol"));
    assert!(adopt(["", "", "<configuration />"]).unwrap_err().contains("no package source"));
    assert!(adopt(["No sources found.\n", "<html>", "<<<"]).is_err());
}

#[test]
fn the_wrappers_run_the_real_programs_with_our_configuration() {
    let scratch = tempfile::tempdir().unwrap();
    let base = BaseUrl::new("http://127.0.0.1:1/nuget");
    let pointing = setup::pointing(&base, Some("secret"), scratch.path().to_str().unwrap());
    for (path, content) in &pointing.files {
        let path = scratch.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
        assert!(!content.contains("secret"), "the token stays in the environment");
    }
    let real = scratch.path().join("real");
    std::fs::create_dir(&real).unwrap();
    for (program, variable) in [("dotnet", "DOTNET_CLI_HOME"), ("nuget", "XDG_CONFIG_HOME")] {
        std::fs::write(real.join(program), format!("#!/bin/sh\necho \"${variable}|$NUGET_PACKAGES|$*\"\n"))
            .unwrap();
        let made = std::process::Command::new("chmod").arg("+x").arg(real.join(program)).status().unwrap();
        assert!(made.success());
    }
    let path = pointing.environment.iter().find(|(name, _)| name == "PATH").unwrap().1.clone();
    let inherited = format!("{}:{}", real.display(), std::env::var("PATH").unwrap());
    let run = |program: &str, arguments: &[&str]| {
        let output = std::process::Command::new("sh")
            .arg(scratch.path().join("nuget/bin").join(program))
            .args(arguments)
            .env("PATH", path.replace("{PATH}", &inherited))
            .env("HOME", "/home/me")
            .env_remove("NUGET_PACKAGES")
            .env_remove("DOTNET_CLI_HOME")
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let home = scratch.path().join("nuget");
    let home = home.to_str().unwrap();
    assert_eq!(
        run("nuget", &["install", "a b"]),
        format!(
            "{home}/config|/home/me/.nuget/packages|install a b -ConfigFile {home}/.nuget/NuGet/NuGet.Config\n"
        )
    );
    assert_eq!(run("nuget", &["help"]), format!("{home}/config|/home/me/.nuget/packages|help\n"));
    assert_eq!(run("dotnet", &["restore"]), format!("{home}|/home/me/.nuget/packages|restore\n"));
    let configuration = xml::parse(pointing.files[0].1.as_bytes(), "it").unwrap();
    let source = &configuration.child("packageSources").unwrap().children[1];
    assert_eq!(source.attribute("value"), Some("http://127.0.0.1:1/nuget/v3/index.json"));
    assert_eq!(source.attribute("allowInsecureConnections"), Some("true"));
    let found = Nuget.detours("nuget.config", &pointing.files[0].1, Some("http://127.0.0.1:1"));
    assert!(found.is_empty(), "our own configuration leads nowhere else: {found:?}");
}

#[test]
fn settings_that_lead_around_the_gateway_are_found() {
    let gateway = Some("https://gate.example");
    let found = Nuget.detours("NuGet.Config", include_str!("corpus/NuGet.Config"), gateway);
    let told: Vec<_> = found.iter().map(|detour| (detour.line, detour.what.as_str())).collect();
    assert_eq!(
        told,
        [
            (Some(4), "the package source `feed` leads to https://feed.registry.example/v3/index.json"),
            (Some(5), "the package source `old` leads to https://old.registry.example/api/v2"),
        ]
    );
    let found = Nuget.detours("Acme.csproj", include_str!("corpus/Acme.csproj"), gateway);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].line, Some(3));
    assert!(Nuget.reads_settings("nuget.config") && Nuget.reads_settings("Directory.Build.props"));
    assert!(Nuget.detours("nuget.config", "<<<", gateway).is_empty());
}
