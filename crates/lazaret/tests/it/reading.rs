//! What every client does every day: an install whose newest release is held, so that it gets the one below.

use crate::house::House;
use lazaret_testkit::clients::{Client, Dialect, Session};

/// A project of this client's kind that needs these packages, each with a requirement.
pub(crate) fn project(session: &Session, dialect: Dialect, needs: &[(&str, &str)]) {
    match dialect {
        Dialect::Npm | Dialect::Pnpm | Dialect::YarnClassic | Dialect::YarnModern | Dialect::Bun => {
            let needs: serde_json::Map<String, serde_json::Value> =
                needs.iter().map(|(name, range)| ((*name).to_owned(), (*range).into())).collect();
            let manifest = serde_json::json!({
                "name": "p", "version": "1.0.0", "license": "MIT", "private": true, "dependencies": needs,
            });
            session.write("package.json", manifest.to_string());
        }
        Dialect::Pip => {
            let lines: Vec<String> = needs.iter().map(|(name, range)| format!("{name}{range}\n")).collect();
            session.write("requirements.txt", lines.concat());
        }
        Dialect::Uv | Dialect::Poetry | Dialect::Twine => {
            let needs: Vec<String> = needs.iter().map(|(name, range)| format!("\"{name}{range}\"")).collect();
            let source = if dialect == Dialect::Poetry { session.poetry_source() } else { String::new() };
            session.write(
                "pyproject.toml",
                format!(
                    "[project]\nname = \"p\"\nversion = \"1.0.0\"\nrequires-python = \">=3.9\"\n\
                     dependencies = [{}]\n\n[tool.poetry]\npackage-mode = false\n\n{source}",
                    needs.join(", ")
                ),
            );
        }
        Dialect::Nuget => {
            let lines: Vec<String> = needs
                .iter()
                .map(|(name, version)| format!("  <package id=\"{name}\" version=\"{version}\" />\n"))
                .collect();
            session.write("packages.config", format!("<packages>\n{}</packages>\n", lines.concat()));
        }
        Dialect::Cargo => {
            let lines: Vec<String> =
                needs.iter().map(|(name, range)| format!("{name} = \"{range}\"\n")).collect();
            session
                .write(
                    "Cargo.toml",
                    format!(
                        "[package]\nname = \"p\"\nversion = \"0.1.0\"\nedition = \"2021\"\n\n[dependencies]\n{}\n\
                         [workspace]\n",
                        lines.concat()
                    ),
                )
                .write("src/main.rs", "fn main() {}\n");
        }
        other => panic!("tests of {other:?} write projects of their own"),
    }
}

/// The arguments that install a project.
pub(crate) fn install(dialect: Dialect) -> &'static [&'static str] {
    match dialect {
        Dialect::Npm => &["install", "--no-audit"],
        Dialect::Pnpm | Dialect::YarnClassic | Dialect::YarnModern | Dialect::Bun => &["install"],
        Dialect::Pip => &["install", "--target", "installed", "-r", "requirements.txt"],
        Dialect::Uv => &["sync"],
        Dialect::Poetry => &["install"],
        Dialect::Cargo => &["build"],
        Dialect::Twine => &["check"],
        Dialect::Nuget => {
            &["restore", "packages.config", "-PackagesDirectory", "installed", "-NonInteractive"]
        }
        _ => &[],
    }
}

/// Any version, as this client writes it.
pub(crate) fn any(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Pip | Dialect::Uv | Dialect::Poetry | Dialect::Twine => ">=0",
        _ => "*",
    }
}

/// Exactly this version, as this client writes it.
pub(crate) fn exactly(dialect: Dialect, version: &str) -> String {
    match dialect {
        Dialect::Pip | Dialect::Uv | Dialect::Poetry | Dialect::Twine => format!("=={version}"),
        Dialect::Cargo => format!("={version}"),
        _ => version.to_owned(),
    }
}

/// Where the client writes down what it chose, or what it installed.
fn chosen(session: &Session, dialect: Dialect) -> String {
    match dialect {
        Dialect::Npm => session.read("package-lock.json"),
        Dialect::Pnpm => session.read("pnpm-lock.yaml"),
        Dialect::YarnClassic | Dialect::YarnModern => session.read("yarn.lock"),
        Dialect::Bun => session.read("bun.lock"),
        Dialect::Pip => ["good_lib", "fresh_lib"]
            .map(|name| format!("{name} {}", session.read(&format!("installed/{name}/__init__.py"))))
            .concat(),
        Dialect::Uv => session.read("uv.lock"),
        Dialect::Poetry => session.read("poetry.lock"),
        Dialect::Cargo => session.read("Cargo.lock"),
        _ => String::new(),
    }
}

async fn gets_the_newest_allowed(name: &str) {
    let Some(client) = Client::find(name) else { return };
    let house = House::open().await;
    let session = client.session(&house.endpoints());
    let any = any(client.dialect);
    project(&session, client.dialect, &[("app-lib", any), ("fresh-lib", any)]);
    let run = session.run(install(client.dialect)).await;
    assert!(run.success(), "{run}\n{}", house.log());
    let chosen = chosen(&session, client.dialect);
    assert!(!chosen.contains("1.1.0"), "the held release of fresh-lib was chosen: {chosen}");
    for text in ["good", "fresh", "1.2.0", "1.0.0"] {
        assert!(chosen.contains(text), "`{text}` is missing: {chosen}\n{run}");
    }
    assert!(house.upstream().requests_for("fresh-lib-1.1.0").is_empty());
    assert!(house.upstream().requests_for("fresh_lib-1.1.0").is_empty());
}

macro_rules! each {
    ($($test:ident $client:literal),* $(,)?) => {
        $(#[tokio::test]
        async fn $test() {
            gets_the_newest_allowed($client).await;
        })*
    };
}

each! {
    npm_10_gets_the_newest_allowed "npm-10",
    npm_11_gets_the_newest_allowed "npm-11",
    pnpm_gets_the_newest_allowed "pnpm-10",
    yarn_1_gets_the_newest_allowed "yarn-1",
    yarn_4_gets_the_newest_allowed "yarn-4",
    bun_gets_the_newest_allowed "bun",
    pip_gets_the_newest_allowed "pip",
    uv_gets_the_newest_allowed "uv",
    poetry_gets_the_newest_allowed "poetry",
    cargo_gets_the_newest_allowed "cargo",
}
