//! nuget.exe against the gateway. It is the newest client of the V3 protocol that the registries of this machine
//! carry; `dotnet`, which is built of the same libraries, is in none of them.

use crate::house::{House, LAZARET};
use crate::reading::{install, project};
use lazaret_testkit::clients::{Client, Dialect, Run, Session};
use lazaret_testkit::upstream::nupkg;
use lazaret_testkit::{FakeUpstream, transcript};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;

const RESERVED: &str = "[reserved-name]\npatterns = [\"nuget:Acme.*\"]\n";

/// `nuget install` of one package; an empty version is the newest.
async fn get(session: &Session, id: &str, version: &str) -> Run {
    let mut arguments = vec!["install", id, "-OutputDirectory", "installed", "-NonInteractive"];
    if !version.is_empty() {
        arguments.extend(["-Version", version]);
    }
    session.run(&arguments).await
}

fn has(session: &Session, id: &str, version: &str) -> bool {
    session.has(&format!("installed/{id}.{version}/lib/netstandard2.0/{id}.dll"))
}

#[tokio::test]
async fn the_newest_allowed_is_installed_and_the_held_one_is_explained() {
    let Some(client) = Client::find("nuget") else { return };
    let house = House::open().await;
    let session = client.session(&house.endpoints());
    let run = get(&session, "fresh-lib", "").await;
    assert!(run.success() && has(&session, "fresh-lib", "1.0.0"), "{run}\n{}", house.log());
    assert!(run.says("fresh-lib@1.1.0 is held by Lazaret"), "{run}");
    assert!(house.upstream().requests_for("fresh-lib.1.1.0.nupkg").is_empty());
    let run = get(&session, "app-lib", "").await;
    assert!(run.success(), "{run}\n{}", house.log());
    for (id, version) in [("app-lib", "1.0.0"), ("mid-lib", "1.0.0"), ("good-lib", "1.0.0")] {
        assert!(has(&session, id, version), "{id} {version}: {run}");
    }
    let run = get(&session, "no-such-lib", "").await;
    assert!(!run.success() && run.says("Unable to find package 'no-such-lib'"), "{run}");
    // The digest comes from the catalog, and the date of what is unlisted is at least bounded.
    assert!(!house.upstream().requests_for("/catalog/app-lib/1.0.0.json").is_empty());
    let run = get(&session, "gone-lib", "1.1.0").await;
    assert!(run.success() && has(&session, "gone-lib", "1.1.0"), "{run}\n{}", house.log());
}

#[tokio::test]
async fn pages_that_stand_apart_are_gathered() {
    let Some(client) = Client::find("nuget") else { return };
    let house = House::open().await;
    house.upstream().nuget(|registry| {
        registry.pages(2, 0);
        let mut package = registry.package("Many.Lib");
        for minor in 0..9 {
            package = package.release(&format!("1.{minor}.0"));
        }
    });
    let session = client.session(&house.endpoints());
    let run = get(&session, "Many.Lib", "").await;
    assert!(run.success() && has(&session, "Many.Lib", "1.8.0"), "{run}\n{}", house.log());
    assert!(house.upstream().requests_for("/many.lib/page/").len() >= 5);
}

#[tokio::test]
async fn bytes_that_the_catalog_does_not_declare_are_not_installed() {
    let Some(client) = Client::find("nuget") else { return };
    let house = House::open().await;
    house.upstream().nuget(|registry| {
        registry.package("packed-lib").release("1.0.0").packed_as("6.6.6");
    });
    let session = client.session(&house.endpoints());
    for id in ["tampered-lib", "packed-lib"] {
        let run = get(&session, id, "1.0.0").await;
        assert!(!run.success() && !has(&session, id, "1.0.0"), "{run}");
    }
}

fn golden(case: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/transcripts").join(format!("nuget-{case}.txt"))
}

#[tokio::test]
async fn nuget_says_why() {
    let Some(client) = Client::find("nuget") else { return };
    let house = House::open().await;
    let check = |case: &str, session: &Session, run: &Run| {
        assert!(!run.success() && run.says("by Lazaret"), "{run}");
        let replacements = [(client.version.as_str(), "VERSION")];
        transcript::check(&golden(case), &transcript::of_run(session, run, &replacements));
    };
    for (case, id, version) in [
        ("pinned-too-new", "fresh-lib", "1.1.0"),
        ("all-too-new", "new-lib", ""),
        ("malware", "evil-lib", "1.0.1"),
    ] {
        let session = client.session(&house.endpoints());
        let run = get(&session, id, version).await;
        check(case, &session, &run);
    }
    let session = client.session(&house.endpoints());
    project(&session, Dialect::Nuget, &[("fresh-lib", "1.1.0")]);
    let run = session.run(install(Dialect::Nuget)).await;
    check("locked", &session, &run);
}

/// A package and its symbols of this version in the session's project.
fn write_package(session: &Session, version: &str, text: &str) {
    let library = ("lib/netstandard2.0/Acme.Billing.dll".to_owned(), text.as_bytes().to_vec());
    let needs = "<license type=\"expression\">MIT</license>\
                 <dependencies><dependency id=\"good-lib\" version=\"1.0.0\" /></dependencies>";
    session
        .write(&format!("Acme.Billing.{version}.nupkg"), nupkg("Acme.Billing", version, needs, &[library]));
    let kind = "<packageTypes><packageType name=\"SymbolsPackage\" /></packageTypes>";
    let symbols = ("lib/netstandard2.0/Acme.Billing.pdb".to_owned(), text.as_bytes().to_vec());
    session
        .write(&format!("Acme.Billing.{version}.snupkg"), nupkg("Acme.Billing", version, kind, &[symbols]));
}

#[tokio::test]
async fn nuget_pushes_and_unlists() {
    let Some(client) = Client::find("nuget") else { return };
    let house = House::with_policy(RESERVED).await;
    let token = house.token("ann", &["read", "publish:nuget/acme.*"]).await;
    let sender = client.session(&house.endpoints());
    let reader = || client.session(&house.endpoints());
    let none = get(&reader(), "Acme.Billing", "").await;
    assert!(!none.success() && none.says("reserved"), "{none}");
    let push = async |version: &str, text: &str| {
        write_package(&sender, version, text);
        let file = format!("Acme.Billing.{version}.nupkg");
        sender
            .run(&["push", file.as_str(), "-Source", "gateway", "-ApiKey", token.as_str(), "-NonInteractive"])
            .await
    };
    for version in ["1.1.0", "1.2.0"] {
        let done = push(version, version).await;
        assert!(done.success() && done.says("snupkg"), "{done}\n{}", house.log());
    }
    let again = push("1.2.0", "other bytes").await;
    assert!(!again.success() && again.says("409"), "{again}");
    let session = reader();
    let got = get(&session, "Acme.Billing", "").await;
    assert!(got.success() && has(&session, "Acme.Billing", "1.2.0"), "{got}\n{}", house.log());
    assert!(has(&session, "good-lib", "1.0.0"), "{got}");
    let symbols = house.fetch("/nuget/v3/flat/acme.billing/1.2.0/acme.billing.1.2.0.snupkg").await;
    assert!(symbols.starts_with("PK"), "{symbols}");

    let unlist = [
        "delete",
        "Acme.Billing",
        "1.2.0",
        "-Source",
        "gateway",
        "-ApiKey",
        token.as_str(),
        "-NonInteractive",
    ];
    let done = sender.run(&unlist).await;
    assert!(done.success(), "{done}\n{}", house.log());
    // nuget.exe's `install` takes unlisted versions too, from any feed; so the documents have to tell.
    let leaf = async |version: &str| {
        house.fetch(&format!("/nuget/v3/registration-gz-semver2/acme.billing/{version}.json")).await
    };
    assert!(
        leaf("1.2.0").await.contains("\"listed\":false") && leaf("1.1.0").await.contains("\"listed\":true")
    );
    let listed = house.fetch("/nuget/v3/autocomplete?id=Acme.Billing").await;
    assert!(listed.contains("1.1.0") && !listed.contains("1.2.0"), "{listed}");
    let session = reader();
    let pinned = get(&session, "Acme.Billing", "1.2.0").await;
    assert!(pinned.success() && has(&session, "Acme.Billing", "1.2.0"), "{pinned}");

    sender.write("Theirs.1.0.0.nupkg", nupkg("Theirs", "1.0.0", "", &[]));
    let foreign = sender
        .run(&[
            "push",
            "Theirs.1.0.0.nupkg",
            "-Source",
            "gateway",
            "-ApiKey",
            token.as_str(),
            "-NonInteractive",
        ])
        .await;
    assert!(!foreign.success() && foreign.says("publish:nuget/theirs"), "{foreign}");
    assert!(house.upstream().requests_for("acme").is_empty(), "the upstream heard of a reserved name");
}

/// Every file below a folder with its bytes, by its path in there.
fn files(folder: &Path, root: &Path, found: &mut BTreeMap<String, Vec<u8>>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, root, found);
        } else {
            let name = path.strip_prefix(root).unwrap().to_string_lossy().into_owned();
            found.insert(name, std::fs::read(&path).unwrap());
        }
    }
}

#[tokio::test]
async fn the_same_install_ends_with_the_same_bytes() {
    let Some(client) = Client::find("nuget") else { return };
    let house = House::with_policy("mode = \"observe\"\n").await;
    let upstream: &FakeUpstream = house.upstream();
    let endpoints = [lazaret_testkit::clients::Endpoints::of_upstream(upstream), house.endpoints()];
    let mut installed = Vec::new();
    for endpoints in endpoints {
        let session = client.session(&endpoints);
        for id in ["app-lib", "fresh-lib", "gone-lib"] {
            let run = get(&session, id, "").await;
            assert!(run.success(), "{run}\n{}", house.log());
        }
        let mut found = BTreeMap::new();
        let folder = session.project().join("installed");
        files(&folder, &folder, &mut found);
        installed.push(found);
    }
    let [direct, through] = installed.as_slice() else { panic!("two installs") };
    assert!(direct.keys().any(|name| name.contains("fresh-lib.1.1.0")), "{:?}", direct.keys());
    assert_eq!(direct.keys().collect::<Vec<_>>(), through.keys().collect::<Vec<_>>());
    assert!(direct == through, "a file differs");
}

#[tokio::test]
async fn one_command_is_run_through_a_gateway_of_its_own() {
    let Some(client) = Client::find("nuget") else { return };
    let house = House::open().await;
    let nowhere = lazaret_testkit::clients::Endpoints {
        nuget: "http://127.0.0.1:9/v3/index.json".to_owned(),
        ..lazaret_testkit::clients::Endpoints::default()
    };
    let session = client.session(&nowhere);
    let program =
        lazaret_testkit::clients::tools_folder().join("nuget/node_modules/nuget-exe/nuget-5.8.0.exe");
    let program = std::fs::canonicalize(program).unwrap();
    let script = format!("#!/bin/sh\nexec mono '{}' \"$@\"\n", program.display());
    session.write("bin/nuget", script);
    let made =
        std::process::Command::new("chmod").arg("+x").arg(session.project().join("bin/nuget")).status();
    assert!(made.unwrap().success());
    let path = format!("{}:{}", session.project().join("bin").display(), std::env::var("PATH").unwrap());
    let output = tokio::process::Command::new(LAZARET)
        .args(["run", "--config"])
        .arg(house.path("lazaret.toml"))
        .arg("--data")
        .arg(house.path("data-of-run"))
        .args(["--", "nuget", "install", "fresh-lib", "-OutputDirectory", "installed", "-NonInteractive"])
        .current_dir(session.project())
        .env_clear()
        .envs(session.variables().iter().map(|(name, value)| (name, value)))
        .env("PATH", path)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .unwrap();
    let said =
        format!("{}\n{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && has(&session, "fresh-lib", "1.0.0"), "{said}");
    assert!(!session.has("installed/fresh-lib.1.1.0"), "{said}");
}
