//! The fixed world of packages that benches and end-to-end tests share: the same names in npm, PyPI,
//! crates.io and NuGet, with dates relative to a moment of one's choice.
//! crates.io and a Maven repository (there of the group `com.example`), with dates relative to a moment of one's
//! choice.
//!
//! | package | what is the matter with it |
//! |---|---|
//! | `good-lib` 1.0.0, 1.1.0, 1.2.0 | nothing |
//! | `app-lib` → `mid-lib` → `good-lib` | nothing: a chain of dependencies |
//! | `fresh-lib` 1.0.0, 1.1.0 | 1.1.0 is 2 hours old |
//! | `new-lib` 0.1.0 | the whole package is 5 days old |
//! | `evil-lib` 1.0.0, 1.0.1 | 1.0.1 is malware ([`advisories`] says so), from another publisher |
//! | `vuln-lib` 1.0.0, 1.0.1 | 1.0.0 has a critical vulnerability that 1.0.1, one day old, fixes |
//! | `agpl-lib` 1.0.0 | AGPL-3.0-only |
//! | `no-date-lib` 1.0.0 | no date of publication |
//! | `acme-billing` 99.9.9 (npm also `@acme/billing`) | waits for someone to confuse it with a private one |
//! | `tampered-lib` 1.0.0 | the file is not the one that the index declares |
//! | `script-lib` 1.0.0 | installing it runs code |
//! | `gone-lib` 1.0.0, 1.1.0 | 1.1.0 is deprecated or yanked |
//! | `orphan-lib` 1.0.0 | nobody maintains it (npm) |
//! | `lodahs`, `reqeusts`, `sedre` | look like far more popular names |
//! | `medium-lib` 1.0.0, `large-lib` 1.0.0 | files of 1 MB and 100 MB |
//! | `huge-lib` (npm) | 3,000 releases, packument of 10 MB |

use crate::spec::{Huge, Package, Release, Spec};
use lazaret_vocabulary::{Span, Timestamp};
use serde_json::{Value, json};

/// The world as seen at `now`.
pub fn demo(now: Timestamp) -> Spec {
    let common = packages(now);
    let named = |name: &str| Package {
        name: name.to_owned(),
        releases: vec![release("99.9.9", now, 400)],
        ..Package::default()
    };
    let mut npm = common.clone();
    npm.push(named("@acme/billing"));
    npm.push(lookalike("lodahs", now));
    let mut pypi = common.clone();
    pypi.push(lookalike("reqeusts", now));
    let (oci, nuget, maven) = (common.clone(), common.clone(), common.clone());
    let mut cargo = common;
    cargo.push(lookalike("sedre", now));
    let huge_npm = vec![Huge { name: "huge-lib".to_owned(), releases: 3000, bytes: 10_000_000 }];
    Spec { npm, pypi, cargo, oci, nuget, maven, huge_npm }
}

fn release(version: &str, now: Timestamp, days_old: i64) -> Release {
    Release {
        version: version.to_owned(),
        published: Some((now - Span::days(days_old)).to_string()),
        ..Release::default()
    }
}

fn package(name: &str, releases: Vec<Release>) -> Package {
    Package { name: name.to_owned(), releases, no_maintainers: false }
}

fn lookalike(name: &str, now: Timestamp) -> Package {
    package(name, vec![release("1.0.0", now, 90)])
}

fn needing(name: &str, version: &str, now: Timestamp) -> Release {
    let mut release = release("1.0.0", now, 700);
    release.dependencies.insert(name.to_owned(), version.to_owned());
    release
}

fn packages(now: Timestamp) -> Vec<Package> {
    let fresh = Release { published: Some((now - Span::hours(2)).to_string()), ..release("1.1.0", now, 0) };
    let evil = Release { publisher: Some("mallory".to_owned()), ..release("1.0.1", now, 60) };
    let agpl = Release { licence: Some("AGPL-3.0-only".to_owned()), ..release("1.0.0", now, 700) };
    let dateless = Release { no_date: true, published: None, ..release("1.0.0", now, 0) };
    let tampered = Release { tampered: true, ..release("1.0.0", now, 700) };
    let script = Release { install_script: true, ..release("1.0.0", now, 700) };
    let gone = Release { withdrawn: Some("it eats files".to_owned()), ..release("1.1.0", now, 600) };
    let medium = Release { noise_bytes: Some(1_000_000), ..release("1.0.0", now, 700) };
    let large = Release { noise_bytes: Some(100_000_000), ..release("1.0.0", now, 700) };
    vec![
        package(
            "good-lib",
            vec![release("1.0.0", now, 1500), release("1.1.0", now, 1100), release("1.2.0", now, 800)],
        ),
        package("mid-lib", vec![needing("good-lib", "1.0.0", now)]),
        package("app-lib", vec![needing("mid-lib", "1.0.0", now)]),
        package("fresh-lib", vec![release("1.0.0", now, 900), fresh]),
        package("new-lib", vec![release("0.1.0", now, 5)]),
        package("evil-lib", vec![release("1.0.0", now, 900), evil]),
        package("vuln-lib", vec![release("1.0.0", now, 900), release("1.0.1", now, 1)]),
        package("agpl-lib", vec![agpl]),
        package("no-date-lib", vec![dateless]),
        package("acme-billing", vec![release("99.9.9", now, 400)]),
        package("tampered-lib", vec![tampered]),
        package("script-lib", vec![script]),
        package("gone-lib", vec![release("1.0.0", now, 900), gone]),
        Package { no_maintainers: true, ..package("orphan-lib", vec![release("1.0.0", now, 700)]) },
        package("medium-lib", vec![medium]),
        package("large-lib", vec![large]),
    ]
}

/// OSV records about this world, each with its file name: `evil-lib` 1.0.1 is malware, `vuln-lib` 1.0.0
/// has a critical vulnerability, in each of the ecosystems.
pub fn advisories(now: Timestamp) -> Vec<(String, Value)> {
    let mut records = Vec::new();
    let ecosystems = [
        ("npm", "SEMVER"),
        ("PyPI", "ECOSYSTEM"),
        ("crates.io", "SEMVER"),
        ("Maven", "ECOSYSTEM"),
        ("NuGet", "ECOSYSTEM"),
    ];
    for (number, (ecosystem, range_type)) in ecosystems.into_iter().enumerate() {
        let mut add = |id: String,
                       summary: &str,
                       package: &str,
                       events: Value,
                       versions: Value,
                       severity: Value| {
            let group = if ecosystem == "Maven" { "com.example:" } else { "" };
            let record = json!({
                "schema_version": "1.7.0", "id": id, "summary": summary, "details": summary,
                "published": (now - Span::days(20)).to_string(), "modified": (now - Span::days(10)).to_string(),
                "severity": severity,
                "affected": [{
                    "package": {"ecosystem": ecosystem, "name": format!("{group}{package}")},
                    "ranges": [{"type": range_type, "events": events}], "versions": versions,
                }],
            });
            records.push((format!("{id}.json"), record));
        };
        add(
            format!("MAL-2026-{}", 9001 + number),
            "Malicious code in evil-lib",
            "evil-lib",
            json!([{"introduced": "1.0.1"}]),
            json!(["1.0.1"]),
            json!([]),
        );
        add(
            format!("OSV-2026-{}", 9101 + number),
            "vuln-lib runs what it parses",
            "vuln-lib",
            json!([{"introduced": "0"}, {"fixed": "1.0.1"}]),
            json!(["1.0.0"]),
            json!([{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}]),
        );
    }
    records
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::upstream::FakeUpstream;

    #[tokio::test]
    async fn every_package_of_the_world_is_served_by_each_registry() {
        crate::install_tls_provider();
        let upstream = FakeUpstream::start().await;
        let now = Timestamp::parse("2026-11-23T10:00:00Z").unwrap();
        let world = demo(now);
        world.apply(&upstream);
        let client = reqwest::Client::new();
        let status = |url: String| async { client.get(url).send().await.unwrap().status().as_u16() };
        for package in world.npm.iter().filter(|package| package.name != "large-lib") {
            assert_eq!(
                status(format!("{}{}", upstream.npm_url(), package.name)).await,
                200,
                "{}",
                package.name
            );
        }
        for package in world.pypi.iter().filter(|package| package.name != "large-lib") {
            assert_eq!(
                status(format!("{}{}/", upstream.pypi_url(), package.name)).await,
                200,
                "{}",
                package.name
            );
        }
        for package in world.cargo.iter().filter(|package| package.name != "large-lib") {
            let name = &package.name;
            let path = format!("{}/{}/{name}", &name[..2], &name[2..4]);
            assert_eq!(status(format!("{}{path}", upstream.cargo_url())).await, 200, "{name}");
        }
        for package in &world.nuget {
            let path =
                format!("{}/nuget/v3/registration-gz-semver2/{}/index.json", upstream.url(), package.name);
            assert_eq!(status(path).await, 200, "{}", package.name);
        }
        for package in world.maven.iter().filter(|package| package.name != "large-lib") {
            let name = &package.name;
            let path = format!("com/example/{name}/maven-metadata.xml");
            assert_eq!(status(format!("{}/maven/{path}", upstream.url())).await, 200, "{name}");
        }
        assert_eq!(advisories(now).len(), 10);
    }

    #[test]
    fn a_specification_file_may_leave_nearly_everything_out() {
        let spec: Spec = serde_json::from_str(
            r#"{"npm": [{"name": "a", "releases": [{"version": "1.0.0", "dependencies": {"b": "1.0.0"}}]}]}"#,
        )
        .unwrap();
        assert_eq!(spec.npm[0].releases[0].dependencies["b"], "1.0.0");
        assert!(serde_json::from_str::<Spec>(r#"{"nmp": []}"#).is_err());
    }
}
