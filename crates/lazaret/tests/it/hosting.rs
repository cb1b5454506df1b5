//! The company's own packages, published and installed by the real clients; and names that must not leak.

use crate::house::House;
use crate::reading::{any, install, project};
use lazaret_testkit::archive;
use lazaret_testkit::clients::{Client, Session};

const RESERVED: &str = "[reserved-name]\npatterns = [\"npm:@acme/*\", \"acme-*\"]\n";

/// A project that `npm publish` takes.
fn npm_package(session: &Session, name: &str, version: &str, text: &str) {
    let manifest =
        serde_json::json!({ "name": name, "version": version, "license": "MIT", "main": "index.js" });
    session
        .write("package.json", manifest.to_string())
        .write("index.js", format!("module.exports = {};\n", serde_json::json!(text)));
}

#[tokio::test]
async fn npm_publishes_and_takes_back() {
    let Some(npm) = Client::find("npm-11") else { return };
    let house = House::with_policy(RESERVED).await;
    let token = house.token("ann", &["read", "publish:npm/@acme/*"]).await;
    let publisher = npm.session(&house.endpoints().with_token(&token));
    let reader = npm.session(&house.endpoints());
    let publish = async |version: &str, text: &str| {
        npm_package(&publisher, "@acme/billing", version, text);
        publisher.run(&["publish", "--no-audit"]).await
    };

    project(&reader, npm.dialect, &[("@acme/billing", "*")]);
    let none = reader.run(install(npm.dialect)).await;
    assert!(!none.success() && none.says("reserved"), "{none}");

    for version in ["1.1.0", "1.2.0"] {
        let done = publish(version, version).await;
        assert!(done.success(), "{done}\n{}", house.log());
    }
    let again = publish("1.2.0", "other bytes").await;
    assert!(!again.success() && again.says("1.2.0"), "{again}");
    let got = reader.run(install(npm.dialect)).await;
    assert!(got.success(), "{got}");
    assert!(reader.read("node_modules/@acme/billing/index.js").contains("1.2.0"), "{got}");

    let tag = publisher.run(&["dist-tag", "add", "@acme/billing@1.1.0", "stable"]).await;
    assert!(tag.success(), "{tag}");
    let seen = reader.run(&["view", "@acme/billing", "dist-tags", "--json"]).await;
    assert!(seen.says("\"stable\": \"1.1.0\""), "{seen}");
    let word = publisher.run(&["deprecate", "@acme/billing@1.1.0", "use 1.2"]).await;
    assert!(word.success(), "{word}");
    let seen = reader.run(&["view", "@acme/billing@1.1.0", "deprecated"]).await;
    assert!(seen.says("use 1.2"), "{seen}");

    let gone = publisher.run(&["unpublish", "@acme/billing@1.2.0", "--force"]).await;
    assert!(gone.success(), "{gone}");
    let back = publish("1.2.0", "other bytes").await;
    assert!(!back.success(), "a removed version came back: {back}");
    npm_package(&publisher, "theirs", "1.0.0", "x");
    let foreign = publisher.run(&["publish"]).await;
    assert!(!foreign.success() && foreign.says("publish:npm/theirs"), "{foreign}");
    assert!(house.upstream().requests_for("acme").is_empty(), "the upstream heard of a reserved name");
    assert!(house.upstream().requests_for("%40acme").is_empty());
}

fn wheel(version: &str, text: &str) -> Vec<u8> {
    let metadata = format!("Metadata-Version: 2.1\nName: acme-billing\nVersion: {version}\n");
    let module = format!("__version__ = \"{text}\"\n").into_bytes();
    archive::wheel(
        "acme_billing",
        version,
        "py3-none-any",
        &metadata,
        &[("acme_billing/__init__.py".into(), module)],
    )
}

#[tokio::test]
async fn twine_and_uv_publish() {
    let (Some(twine), Some(uv), Some(pip)) = (Client::find("twine"), Client::find("uv"), Client::find("pip"))
    else {
        return;
    };
    let house = House::with_policy(RESERVED).await;
    let token = house.token("ann", &["read", "publish:pypi/acme-*"]).await;
    let endpoints = house.endpoints().with_token(&token);
    let reader = pip.session(&house.endpoints());
    project(&reader, pip.dialect, &[("Acme.Billing", any(pip.dialect))]);
    let none = reader.run(install(pip.dialect)).await;
    assert!(!none.success(), "{none}");

    let sender = twine.session(&endpoints);
    sender.write("dist/acme_billing-1.1.0-py3-none-any.whl", wheel("1.1.0", "1.1.0"));
    let sent = sender.run(&["upload", "dist/acme_billing-1.1.0-py3-none-any.whl"]).await;
    assert!(sent.success(), "{sent}\n{}", house.log());
    let other = uv.session(&endpoints);
    other.write("dist/acme_billing-1.2.0-py3-none-any.whl", wheel("1.2.0", "1.2.0"));
    let sent = other.run(&["publish", "dist/acme_billing-1.2.0-py3-none-any.whl"]).await;
    assert!(sent.success(), "{sent}\n{}", house.log());
    sender.write("dist/acme_billing-1.2.0-py3-none-any.whl", wheel("1.2.0", "other bytes"));
    let again = sender.run(&["upload", "dist/acme_billing-1.2.0-py3-none-any.whl"]).await;
    assert!(!again.success(), "a version was published twice: {again}");

    let got = reader.run(install(pip.dialect)).await;
    assert!(got.success(), "{got}");
    assert!(reader.read("installed/acme_billing/__init__.py").contains("\"1.2.0\""), "{got}");
    assert!(house.upstream().requests_for("acme").is_empty(), "the upstream heard of a reserved name");
}

#[tokio::test]
async fn cargo_publishes_and_yanks() {
    let Some(cargo) = Client::find("cargo") else { return };
    let house = House::with_policy(RESERVED).await;
    let token = house.token("ann", &["read", "publish:cargo/acme-*"]).await;
    let publisher = cargo.session(&house.endpoints().with_token(&token));
    let reader = cargo.session(&house.endpoints());
    project(&reader, cargo.dialect, &[("acme-billing", "*")]);
    let none = reader.run(&["fetch"]).await;
    assert!(!none.success() && none.says("reserved"), "{none}");

    let publish = async |version: &str, text: &str| {
        publisher
            .write(
                "Cargo.toml",
                format!(
                    "[package]\nname = \"acme-billing\"\nversion = \"{version}\"\nedition = \"2021\"\n\
                     license = \"MIT\"\ndescription = \"ours\"\n[dependencies]\ngood-lib = \"1\"\n[workspace]\n"
                ),
            )
            .write("src/lib.rs", format!("pub const TEXT: &str = \"{text}\";\n"));
        publisher.run(&["publish", "--registry", "gateway", "--no-verify", "--allow-dirty"]).await
    };
    for version in ["1.1.0", "1.2.0"] {
        let done = publish(version, version).await;
        assert!(done.success(), "{done}\n{}", house.log());
    }
    let again = publish("1.2.0", "other bytes").await;
    assert!(!again.success() && again.says("1.2.0"), "{again}");
    let got = reader.run(&["fetch"]).await;
    assert!(got.success() && reader.read("Cargo.lock").contains("1.2.0"), "{got}");

    let yanked = publisher.run(&["yank", "--registry", "gateway", "acme-billing@1.2.0"]).await;
    assert!(yanked.success(), "{yanked}");
    let owner = publisher.run(&["owner", "--registry", "gateway", "--list", "acme-billing"]).await;
    assert!(owner.success() && owner.says("ann"), "{owner}");
    let later = cargo.session(&house.endpoints());
    project(&later, cargo.dialect, &[("acme-billing", "*")]);
    let got = later.run(&["fetch"]).await;
    let lock = later.read("Cargo.lock");
    assert!(got.success() && lock.contains("1.1.0"), "a yanked version was chosen: {got}\n{lock}");
    assert!(house.upstream().requests_for("acme").is_empty(), "the upstream heard of a reserved name");
}
