//! What the human sees, client by client: golden transcripts, which are also the manual's examples.

use crate::house::House;
use crate::reading::{any, exactly, install, project};
use lazaret_testkit::clients::{Client, Dialect, Session};
use lazaret_testkit::transcript;
use std::path::{Path, PathBuf};

fn golden(client: &str, case: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/transcripts").join(format!("{client}-{case}.txt"))
}

/// yarn 4 holds young releases back by itself; here the gateway is to speak.
fn session(client: &Client, house: &House) -> Session {
    let session = client.session(&house.endpoints());
    if client.dialect == Dialect::YarnModern {
        session.configure(".yarnrc.yml", "npmMinimalAgeGate: 0\n");
    }
    session
}

async fn refused(name: &str) {
    let Some(client) = Client::find(name) else { return };
    let dialect = client.dialect;
    let house = House::open().await;
    let cases = [
        ("pinned-too-new", "fresh-lib", exactly(dialect, "1.1.0")),
        ("all-too-new", "new-lib", any(dialect).to_owned()),
        ("malware", "evil-lib", exactly(dialect, "1.0.1")),
    ];
    for (case, package, requirement) in cases {
        let session = session(&client, &house);
        project(&session, dialect, &[(package, &requirement)]);
        let run = session.run(install(dialect)).await;
        assert!(!run.success(), "{run}");
        let replacements = [(client.version.as_str(), "VERSION")];
        transcript::check(&golden(name, case), &transcript::of_run(&session, &run, &replacements));
    }
}

/// What installs exactly what the lock file says.
fn locked(dialect: Dialect) -> &'static [&'static str] {
    match dialect {
        Dialect::Npm => &["ci", "--no-audit"],
        Dialect::Pnpm | Dialect::YarnClassic | Dialect::Bun => &["install", "--frozen-lockfile"],
        Dialect::YarnModern => &["install", "--immutable"],
        Dialect::Uv => &["sync", "--locked"],
        Dialect::Poetry => &["install"],
        Dialect::Cargo => &["build", "--locked"],
        _ => &[],
    }
}

/// A lock file made while the policy only observed pins a release that is then held.
async fn refused_in_a_lock_file(name: &str) {
    let Some(client) = Client::find(name) else { return };
    let dialect = client.dialect;
    let house = House::with_policy("mode = \"observe\"\n").await;
    let session = session(&client, &house);
    project(&session, dialect, &[("fresh-lib", &exactly(dialect, "1.1.0"))]);
    let run = session.run(install(dialect)).await;
    assert!(run.success(), "{run}\n{}", house.log());
    house.change_policy("").await;
    session.forget_caches();
    let run = session.run(locked(dialect)).await;
    assert!(!run.success(), "{run}");
    let replacements = [(client.version.as_str(), "VERSION")];
    transcript::check(&golden(name, "locked"), &transcript::of_run(&session, &run, &replacements));
}

macro_rules! each {
    ($asked:ident: $($test:ident $client:literal),* $(,)?) => {
        $(#[tokio::test]
        async fn $test() {
            $asked($client).await;
        })*
    };
}

each! {
    refused_in_a_lock_file:
    npm_ci_says_why "npm-11",
    pnpm_frozen_says_why "pnpm-10",
    yarn_1_frozen_says_why "yarn-1",
    yarn_4_immutable_says_why "yarn-4",
    bun_frozen_says_why "bun",
    uv_locked_says_why "uv",
    poetry_locked_says_why "poetry",
    cargo_locked_says_why "cargo",
}

each! {
    refused:
    npm_10_says_why "npm-10",
    npm_11_says_why "npm-11",
    pnpm_says_why "pnpm-10",
    yarn_1_says_why "yarn-1",
    yarn_4_says_why "yarn-4",
    bun_says_why "bun",
    pip_says_why "pip",
    uv_says_why "uv",
    poetry_says_why "poetry",
    cargo_says_why "cargo",
}
