use super::*;
use crate::world;
use lazaret_vocabulary::Timestamp;

async fn upstream() -> FakeUpstream {
    let upstream = FakeUpstream::start().await;
    world::demo(Timestamp::parse("2026-11-23T10:00:00Z").unwrap()).apply(&upstream);
    upstream
}

/// Installs the chain `app-lib` → `mid-lib` → `good-lib` with a client of the npm family.
async fn installs_a_chain(name: &str, arguments: &[&str]) {
    let Some(client) = Client::find(name) else { return };
    let upstream = upstream().await;
    let session = client.session(&Endpoints::of_upstream(&upstream));
    session.write("package.json", r#"{"name":"p","version":"1.0.0","dependencies":{"app-lib":"^1.0.0"}}"#);
    let run = session.run(arguments).await;
    assert!(run.success(), "{run}");
    // pnpm keeps what is only depended upon out of reach, so the chain is walked from within.
    let script = "const a = require.resolve('app-lib'); const from = (n, p) => require.resolve(n, {paths: [p]}); \
                  console.log(require(from('good-lib', from('mid-lib', a))))";
    let node = session.run_program("node", &["-e", script]).await;
    assert_eq!(node.stdout.trim(), "good-lib@1.2.0", "{run}{node}");
    assert!(!upstream.requests_for("good-lib-1.2.0.tgz").is_empty());
}

#[tokio::test]
async fn npm_10_installs() {
    installs_a_chain("npm-10", &["install"]).await;
}

#[tokio::test]
async fn npm_11_installs() {
    installs_a_chain("npm-11", &["install"]).await;
}

#[tokio::test]
async fn the_machines_npm_installs() {
    installs_a_chain("machine-npm", &["install"]).await;
}

#[tokio::test]
async fn pnpm_installs() {
    installs_a_chain("pnpm-10", &["install"]).await;
}

#[tokio::test]
async fn yarn_1_installs() {
    installs_a_chain("yarn-1", &["install"]).await;
}

#[tokio::test]
async fn yarn_4_installs() {
    installs_a_chain("yarn-4", &["install"]).await;
}

#[tokio::test]
async fn bun_installs() {
    installs_a_chain("bun", &["install"]).await;
}

async fn python_installs(name: &str, before: &[&str]) {
    let Some(client) = Client::find(name) else { return };
    let upstream = upstream().await;
    let session = client.session(&Endpoints::of_upstream(&upstream));
    let mut arguments = before.to_vec();
    arguments.extend(["install", "--target", "installed", "app-lib", "script-lib"]);
    let run = session.run(&arguments).await;
    assert!(run.success(), "{run}");
    assert!(session.read("installed/good_lib/__init__.py").contains("1.2.0"), "{run}");
    assert!(session.has("installed/script_lib/__init__.py"), "{run}");
}

#[tokio::test]
async fn pip_installs() {
    python_installs("pip", &[]).await;
}

#[tokio::test]
async fn the_machines_pip_installs() {
    python_installs("machine-pip", &[]).await;
}

#[tokio::test]
async fn uv_installs() {
    python_installs("uv", &["pip"]).await;
}

#[tokio::test]
async fn poetry_locks() {
    let Some(client) = Client::find("poetry") else { return };
    let upstream = upstream().await;
    let session = client.session(&Endpoints::of_upstream(&upstream));
    let project = "[project]\nname = \"p\"\nversion = \"1.0.0\"\nrequires-python = \">=3.9\"\n\
                   dependencies = [\"app-lib>=1\"]\n\n[tool.poetry]\npackage-mode = false\n\n";
    session.write("pyproject.toml", format!("{project}{}", session.poetry_source()));
    let run = session.run(&["lock"]).await;
    assert!(run.success(), "{run}");
    assert!(session.read("poetry.lock").contains("good_lib-1.2.0-py3-none-any.whl"), "{run}");
}

#[tokio::test]
async fn cargo_builds() {
    let Some(client) = Client::find("cargo") else { return };
    let upstream = upstream().await;
    let session = client.session(&Endpoints::of_upstream(&upstream));
    session
        .write("Cargo.toml", "[package]\nname = \"p\"\nversion = \"0.1.0\"\nedition = \"2021\"\n[dependencies]\napp-lib = \"1\"\nscript-lib = \"1\"\n[workspace]\n")
        .write("src/main.rs", "fn main() { println!(\"{}\", app_lib::VERSION) }\n");
    let run = session.run(&["run"]).await;
    assert!(run.success() && run.stdout.trim() == "1.0.0", "{run}");
    assert!(session.read("Cargo.lock").contains("good-lib"), "{run}");
}

#[tokio::test]
async fn clients_notice_wrong_bytes() {
    let upstream = upstream().await;
    let cases: [(&str, &[&str], &str); 3] = [
        ("machine-npm", &["install", "tampered-lib"], "EINTEGRITY"),
        ("machine-pip", &["download", "tampered-lib"], "DO NOT MATCH THE HASHES"),
        ("cargo", &["fetch"], "failed to verify the checksum"),
    ];
    for (name, arguments, message) in cases {
        let Some(client) = Client::find(name) else { continue };
        let session = client.session(&Endpoints::of_upstream(&upstream));
        if client.dialect == Dialect::Cargo {
            session.write("Cargo.toml", "[package]\nname = \"p\"\nversion = \"0.1.0\"\n[dependencies]\ntampered-lib = \"1\"\n[workspace]\n");
            session.write("src/lib.rs", "");
        }
        let run = session.run(arguments).await;
        assert!(!run.success() && run.says(message), "{run}");
    }
}

#[tokio::test]
async fn tokens_go_out_in_each_clients_own_form() {
    let upstream = upstream().await;
    let endpoints = Endpoints::of_upstream(&upstream).with_token("s3cret");
    let basic = "Basic X190b2tlbl9fOnMzY3JldA==";
    let npm: &[&str] = &["install"];
    let cases: [(&str, &[&str], &str); 7] = [
        ("npm-11", npm, "Bearer s3cret"),
        ("pnpm-10", npm, "Bearer s3cret"),
        ("yarn-1", npm, "Bearer s3cret"),
        ("yarn-4", npm, "Bearer s3cret"),
        ("bun", npm, "Bearer s3cret"),
        ("pip", &["download", "good-lib"], basic),
        ("uv", &["pip", "install", "--target", "installed", "good-lib"], basic),
    ];
    for (name, arguments, expected) in cases {
        let Some(client) = Client::find(name) else { continue };
        let session = client.session(&endpoints);
        session
            .write("package.json", r#"{"name":"p","version":"1.0.0","dependencies":{"good-lib":"1.2.0"}}"#);
        upstream.clear_log();
        let run = session.run(arguments).await;
        assert!(run.success(), "{run}");
        let requests = upstream.requests_for("good");
        assert!(!requests.is_empty(), "{run}");
        for request in requests {
            assert_eq!(request.header("authorization"), Some(expected), "{name} {}", request.path);
        }
    }
}

#[tokio::test]
async fn a_client_that_hangs_is_killed() {
    let Some(client) = Client::find("machine-pip") else { return };
    let upstream = upstream().await;
    upstream.fail("good-lib", crate::Fault::Silence);
    let mut session = client.session(&Endpoints::of_upstream(&upstream));
    session.time_limit(Duration::from_secs(3));
    let run = session.run(&["download", "good-lib"]).await;
    assert!(run.timed_out && run.status.is_none(), "{run}");
}
