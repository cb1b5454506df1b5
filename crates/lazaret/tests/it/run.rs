//! `lazaret run`: one command through a gateway of its own, and nothing of the user's changed.

use crate::house::{House, LAZARET};
use lazaret_testkit::clients::{Client, Session};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Output, Stdio};
use tokio::process::Command;

/// `lazaret run -- CLIENT ARGUMENTS` in a session that is itself pointed nowhere.
async fn run(house: &House, session: &Session, extra: &[(&str, &str)], command: &[&str]) -> Output {
    let mut lazaret = Command::new(LAZARET);
    lazaret
        .args(["run", "--config"])
        .arg(house.path("lazaret.toml"))
        .arg("--data")
        .arg(house.path("data-of-run"))
        .arg("--")
        .args(command)
        .current_dir(session.project())
        .env_clear()
        .envs(session.variables().iter().map(|(name, value)| (name, value)))
        .envs(extra.iter().copied())
        .stdin(Stdio::null())
        .kill_on_drop(true);
    lazaret.output().await.unwrap()
}

fn text(output: &Output) -> String {
    format!("{}\n{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// Every file below a folder with its bytes, but for what clients cache, and the `telemetry` in which every
/// command of Go counts itself.
fn files(folder: &Path, found: &mut BTreeMap<String, Vec<u8>>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if ["cache", ".npm", ".cache", "registry", ".package-cache", ".package-cache-mutate", "telemetry"]
            .contains(&name.as_str())
            || name.starts_with(".global-cache")
        {
            continue;
        }
        if path.is_dir() {
            files(&path, found);
        } else {
            found.insert(path.to_string_lossy().into_owned(), std::fs::read(&path).unwrap());
        }
    }
}

#[tokio::test]
async fn the_users_own_files_stay_as_they_are() {
    let Some(npm) = Client::find("machine-npm") else { return };
    let house = House::open().await;
    let nowhere = lazaret_testkit::clients::Endpoints {
        npm: "http://127.0.0.1:9/".to_owned(),
        pypi: "http://127.0.0.1:9/simple/".to_owned(),
        pypi_upload: "http://127.0.0.1:9/".to_owned(),
        cargo: "http://127.0.0.1:9/".to_owned(),
        ..lazaret_testkit::clients::Endpoints::default()
    };
    let session = npm.session(&nowhere);
    session.write("package.json", r#"{"name":"p","version":"1.0.0","dependencies":{"app-lib":"*"}}"#);
    let (mut before, mut after) = (BTreeMap::new(), BTreeMap::new());
    files(&session.home(), &mut before);
    let output = run(&house, &session, &[], &["npm", "install", "--no-audit"]).await;
    let said = text(&output);
    assert!(output.status.success(), "{said}");
    assert!(session.has("node_modules/good-lib/package.json"), "{said}");
    assert!(said.contains("3 "), "a summary of three files: {said}");
    files(&session.home(), &mut after);
    assert_eq!(before.keys().collect::<Vec<_>>(), after.keys().collect::<Vec<_>>());
    assert!(before == after, "a file in the home was changed");

    let refused = run(&house, &session, &[], &["npm", "install", "--no-audit", "fresh-lib@1.1.0"]).await;
    assert_eq!(refused.status.code(), Some(1), "{}", text(&refused));
    assert!(text(&refused).contains("fresh-lib"), "{}", text(&refused));
}

#[tokio::test]
async fn the_exit_code_is_the_commands() {
    let house = House::open().await;
    let Some(npm) = Client::find("machine-npm") else { return };
    let session = npm.session(&house.endpoints());
    for code in [0, 7, 42] {
        let script = format!("exit {code}");
        let output = run(&house, &session, &[], &["sh", "-c", &script]).await;
        assert_eq!(output.status.code(), Some(code), "{}", text(&output));
    }
    let output = run(&house, &session, &[], &["sh", "-c", "kill -TERM $$"]).await;
    assert_eq!(output.status.code(), Some(128 + 15), "{}", text(&output));
    let output = run(&house, &session, &[], &["no-such-command"]).await;
    assert_eq!(output.status.code(), Some(127), "{}", text(&output));
}

#[tokio::test]
async fn the_companys_gateway_is_used_where_one_is_named() {
    let Some(npm) = Client::find("machine-npm") else { return };
    let house = House::open().await;
    let token = house.token("ann", &["read"]).await;
    let session = npm.session(&house.endpoints());
    session.write("package.json", r#"{"name":"p","version":"1.0.0","dependencies":{"good-lib":"*"}}"#);
    let url = house.url().to_owned();
    let variables = [("LAZARET_URL", url.as_str()), ("LAZARET_TOKEN", token.as_str())];
    let output = run(&house, &session, &variables, &["npm", "install", "--no-audit"]).await;
    assert!(output.status.success(), "{}", text(&output));
    let metrics = house.fetch("/metrics").await;
    assert!(metrics.contains("lazaret_downloads_total{ecosystem=\"npm\"} 1"), "{metrics}");
}

/// pnpm 10 says of a pinned release that is withheld only that no version matches.
#[tokio::test]
async fn what_a_client_does_not_say_is_said_at_the_end() {
    let Some(pnpm) = Client::find("pnpm-10") else { return };
    let house = House::open().await;
    let session = pnpm.session(&house.endpoints());
    session.write("package.json", r#"{"name":"p","version":"1.0.0","dependencies":{"fresh-lib":"1.1.0"}}"#);
    let tools = lazaret_testkit::clients::tools_folder().join("pnpm-10/node_modules/pnpm/bin/pnpm.cjs");
    let tools = std::fs::canonicalize(tools).unwrap();
    let output = run(&house, &session, &[], &["node", &tools.to_string_lossy(), "install"]).await;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    for part in ["fresh-lib@1.1.0 is held by Lazaret", "Newest allowed: 1.0.0", "/why/npm/fresh-lib"] {
        assert!(said.contains(part), "`{part}` is missing: {}", text(&output));
    }
}
