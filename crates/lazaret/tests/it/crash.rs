//! An end without warning, at whatever moment: what was acknowledged is there afterwards, and nothing torn.

use crate::house::House;
use crate::reading::{install, project};
use lazaret_testkit::clients::Client;
use std::time::Duration;

#[tokio::test]
async fn a_killed_gateway_comes_back_whole() {
    let Some(npm) = Client::find("npm-11") else { return };
    let mut house = House::open().await;
    let token = house.token("ann", &["read", "publish:npm/*"]).await;
    let mut acknowledged = Vec::new();
    // Each round ends a little later in the client's work than the one before.
    for round in 0..5u64 {
        let publisher = npm.session(&house.endpoints().with_token(&token));
        let version = format!("1.{round}.0");
        let manifest = serde_json::json!({ "name": "ours", "version": version, "license": "MIT" });
        publisher.write("package.json", manifest.to_string()).write("data.txt", "x".repeat(200_000));
        let reader = npm.session(&house.endpoints());
        project(&reader, npm.dialect, &[("app-lib", "*"), ("medium-lib", "*"), ("large-lib", "*")]);
        let publishing = publisher.run(&["publish"]);
        let installing = reader.run(install(npm.dialect));
        let work = async { tokio::join!(publishing, installing) };
        tokio::pin!(work);
        let early = tokio::select! {
            done = &mut work => Some(done),
            () = tokio::time::sleep(Duration::from_millis(400 + 350 * round)) => None,
        };
        house.kill().await;
        let (published, _) = match early {
            Some(done) => done,
            None => work.await,
        };
        if published.success() {
            acknowledged.push(version);
        }
        house.start().await;
        let torn = std::fs::read_dir(house.path("data/blobs/corrupt")).map_or(0, Iterator::count);
        assert_eq!(torn, 0, "round {round} left a torn file");
    }
    // Afterwards everything works as if nothing had happened.
    let last = npm.session(&house.endpoints());
    let exact: Vec<(String, String)> = acknowledged
        .iter()
        .map(|version| (format!("ours-{version}"), format!("npm:ours@{version}")))
        .collect();
    let mut needs: Vec<(&str, &str)> =
        exact.iter().map(|(name, range)| (name.as_str(), range.as_str())).collect();
    needs.extend([("app-lib", "*"), ("medium-lib", "*"), ("large-lib", "*")]);
    project(&last, npm.dialect, &needs);
    let run = last.run(install(npm.dialect)).await;
    assert!(run.success(), "{acknowledged:?}\n{run}\n{}", house.log());
    let node = last.run_program("node", &["-e", "console.log(require('app-lib'))"]).await;
    assert!(node.says("app-lib@1.0.0"), "{node}");
}
