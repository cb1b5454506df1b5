//! What the human sees, client by client: golden transcripts, which are also the manual's examples.

use crate::house::House;
use crate::reading::{any, exactly, install, project};
use lazaret_testkit::clients::Client;
use lazaret_testkit::transcript;
use std::path::{Path, PathBuf};

fn golden(client: &str, case: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/transcripts").join(format!("{client}-{case}.txt"))
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
        let session = client.session(&house.endpoints());
        project(&session, dialect, &[(package, &requirement)]);
        let run = session.run(install(dialect)).await;
        assert!(!run.success(), "{run}");
        let replacements = [(client.version.as_str(), "VERSION")];
        transcript::check(&golden(name, case), &transcript::of_run(&session, &run, &replacements));
    }
}

macro_rules! each {
    ($($test:ident $client:literal),* $(,)?) => {
        $(#[tokio::test]
        async fn $test() {
            refused($client).await;
        })*
    };
}

each! {
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
