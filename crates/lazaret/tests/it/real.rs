//! Well-known packages from the real registries: the same install, direct and through the gateway, ends
//! with the same bytes. The gateway's store is kept between runs, so that the registries are asked once.

use crate::house::House;
use lazaret_testkit::clients::{Client, Endpoints, Session};
use lazaret_testkit::registries::{RealRegistries, real_registries_or_skip};
use std::collections::BTreeMap;
use std::path::Path;

/// Everything is judged and nothing is withheld: the gateway as a plain proxy.
const SILENT: &str = "mode = \"observe\"\n";

/// Path below `folder` → bytes, of every file whose path `keep` likes.
fn contents(folder: &Path, keep: &dyn Fn(&str) -> bool) -> BTreeMap<String, Vec<u8>> {
    fn walk(root: &Path, folder: &Path, keep: &dyn Fn(&str) -> bool, found: &mut BTreeMap<String, Vec<u8>>) {
        let Ok(entries) = std::fs::read_dir(folder) else { return };
        for entry in entries {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(root).unwrap().to_string_lossy().into_owned();
            if path.is_symlink() || !keep(&name) {
                continue;
            }
            if path.is_dir() {
                walk(root, &path, keep, found);
            } else {
                found.insert(name, std::fs::read(&path).unwrap());
            }
        }
    }
    let mut found = BTreeMap::new();
    walk(folder, folder, keep, &mut found);
    found
}

fn direct(real: &RealRegistries) -> Endpoints {
    let slash = |url: &url::Url| format!("{}/", url.as_str().trim_end_matches('/'));
    Endpoints {
        npm: slash(&real.npm),
        pypi: slash(&real.pypi),
        pypi_upload: String::new(),
        cargo: slash(&real.cargo),
        ..Endpoints::default()
    }
}

/// What is installed, and what of it is compared.
struct Case<'a> {
    /// The project's files.
    project: &'a [(&'a str, &'a str)],
    arguments: &'a [&'a str],
    /// The folder of the project that is compared.
    folder: &'a str,
    /// Which paths in it.
    keep: &'a dyn Fn(&str) -> bool,
    /// How many files there are at least.
    at_least: usize,
}

/// Installs in two sessions and compares what lies there afterwards.
async fn same(client: &Client, real: &RealRegistries, name: &str, case: Case<'_>) {
    let mut house = House::of_real(real, SILENT, name);
    house.start().await;
    let plain = client.session(&direct(real));
    let gated = client.session(&house.endpoints());
    for session in [&plain, &gated] {
        for (path, text) in case.project {
            session.write(path, text);
        }
        let run = session.run(case.arguments).await;
        assert!(run.success(), "{run}\n{}", house.log());
    }
    let below = |session: &Session| contents(&session.project().join(case.folder), case.keep);
    let (left, right) = (below(&plain), below(&gated));
    assert!(left.len() >= case.at_least, "only {} files", left.len());
    let differing: Vec<&String> =
        left.keys().chain(right.keys()).filter(|name| left.get(*name) != right.get(*name)).collect();
    assert!(differing.is_empty(), "{} differs: {differing:?}", client.name);
}

#[tokio::test]
async fn npm_installs_the_same_bytes() {
    let Some(real) = real_registries_or_skip("npm_installs_the_same_bytes") else { return };
    let Some(client) = Client::find("npm-11") else { return };
    let manifest = r#"{"name":"p","version":"1.0.0","dependencies":{
        "express":"4.19.2","@types/node":"20.14.2","lodash":"4.17.21","is-number":"7.0.0","semver":"7.6.2",
        "chalk":"4.1.2","commander":"12.1.0","debug":"4.3.5","uuid":"9.0.1","yargs":"17.7.2"}}"#;
    let case = Case {
        project: &[("package.json", manifest)],
        arguments: &["install", "--no-audit", "--ignore-scripts"],
        folder: "node_modules",
        // npm's own note of where each came from.
        keep: &|name| name != ".package-lock.json",
        at_least: 500,
    };
    same(&client, real, "npm", case).await;
}

#[tokio::test]
async fn pip_installs_the_same_bytes() {
    let Some(real) = real_registries_or_skip("pip_installs_the_same_bytes") else { return };
    let Some(client) = Client::find("pip") else { return };
    let needs = "requests==2.32.3\nflask==3.0.3\nclick==8.1.7\nsix==1.16.0\nattrs==23.2.0\nidna==3.7\n\
                 packaging==24.1\ntyping-extensions==4.12.2\npyyaml==6.0.1\ncertifi==2024.6.2\n";
    let case = Case {
        project: &[("requirements.txt", needs)],
        arguments: &["install", "--no-compile", "--target", "installed", "-r", "requirements.txt"],
        folder: "installed",
        // Scripts name the interpreter's own path.
        keep: &|name| name != "bin" && !name.ends_with("RECORD"),
        at_least: 200,
    };
    same(&client, real, "pypi", case).await;
}

#[tokio::test]
async fn cargo_fetches_the_same_bytes() {
    let Some(real) = real_registries_or_skip("cargo_fetches_the_same_bytes") else { return };
    let Some(client) = Client::find("cargo") else { return };
    let manifest = "[package]\nname = \"p\"\nversion = \"0.1.0\"\nedition = \"2021\"\n[dependencies]\n\
                    serde = \"=1.0.203\"\nanyhow = \"=1.0.86\"\nitoa = \"=1.0.11\"\nlibc = \"=0.2.155\"\n\
                    log = \"=0.4.21\"\nbitflags = \"=2.5.0\"\ncfg-if = \"=1.0.0\"\nmemchr = \"=2.7.4\"\n\
                    smallvec = \"=1.13.2\"\nonce_cell = \"=1.19.0\"\n[workspace]\n";
    let case = Case {
        project: &[("Cargo.toml", manifest), ("src/lib.rs", "")],
        arguments: &["vendor", "--versioned-dirs", "vendor"],
        folder: "vendor",
        keep: &|_| true,
        at_least: 300,
    };
    same(&client, real, "cargo", case).await;
}
