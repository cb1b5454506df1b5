use super::*;
use crate::npm::documents::{ABBREVIATED, FULL, HOUSE, read, wanted};
use crate::{Need, Wanted};
use lazaret_vocabulary::{Algorithm, Malformed, ReleaseKind};
use proptest::prelude::*;

pub(super) const SRI: &str =
    "sha512-z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXcg/SpIdNs6c5H0NE8XYXysP+DGNKHfuwvY7kxvUdBeoGlODJ6+SfaPg==";

fn read_one(body: &str) -> Result<crate::npm::documents::Packument, Malformed> {
    read(&package("left-pad"), &[document(FULL, body.to_owned())])
}

/// A packument of one version with these members beside name, version and dist.
fn one(members: &str, rest: &str) -> String {
    format!(
        r#"{{"name":"left-pad","dist-tags":{{"latest":"1.0.0"}},"versions":{{"1.0.0":{{"name":"left-pad","version":"1.0.0"{members},"dist":{{"integrity":"{SRI}","shasum":"da39a3ee5e6b4b0d3255bfef95601890afd80709","tarball":"https://registry.example/left-pad/-/left-pad-1.0.0.tgz"}}}}}}{rest}}}"#
    )
}

#[test]
fn releases_state_what_their_manifests_say() {
    let members = r#","license":"WTFPL","_npmUser":{"name":"stevemao","email":"a@b"},"deprecated":"use x","scripts":{"test":"node","postinstall":"node x"},"repository":{"url":"git+https://code.example/r.git"},"dependencies":{"a":"^1"}"#;
    let rest = r#","time":{"created":"2014-03-14T00:00:00.000Z","0.0.9":"2014-03-14T00:00:01Z","1.0.0":"2016-04-11T01:02:03.004Z","modified":"2020-01-01T00:00:00Z"},"maintainers":[{"name":"ann","email":""},"bob"]"#;
    let index = read_one(&one(members, rest)).unwrap();
    let [release] = index.releases.as_slice() else { panic!("one release") };
    assert_eq!(release.published, Some(Timestamp::parse("2016-04-11T01:02:03.004Z").unwrap()));
    assert_eq!(release.publisher.as_deref(), Some("stevemao"));
    assert_eq!(release.licence.as_deref(), Some("WTFPL"));
    assert_eq!(release.deprecated.as_deref(), Some("use x"));
    assert_eq!(release.install_script, Some(true));
    assert_eq!(release.repository.as_deref(), Some("git+https://code.example/r.git"));
    assert_eq!(release.kind, ReleaseKind::Upstream);
    let artifact = &release.artifacts[0];
    assert_eq!(&*artifact.file, "left-pad-1.0.0.tgz");
    assert_eq!(&*artifact.url, "https://registry.example/left-pad/-/left-pad-1.0.0.tgz");
    let algorithms: Vec<Algorithm> = artifact.digests.iter().map(|digest| digest.algorithm()).collect();
    assert_eq!(algorithms, [Algorithm::Sha512, Algorithm::Sha1]);
    assert_eq!(index.standing.first_published, Some(Timestamp::parse("2014-03-14T00:00:00Z").unwrap()));
    let people: Vec<&str> = index.standing.maintainers.iter().flatten().map(|name| &**name).collect();
    assert_eq!(people, ["ann", "bob"]);
    assert_eq!(index.tags, [("latest".into(), "1.0.0".into())]);
}

#[test]
fn what_is_not_said_is_not_made_up() {
    let index = read_one(&one("", "")).unwrap();
    let release = &index.releases[0];
    assert_eq!((release.published, &release.publisher, &release.licence), (None, &None, &None));
    assert_eq!((index.standing.first_published, &index.standing.maintainers), (None, &None));
    // A date that cannot be read is no date.
    let index = read_one(&one("", r#","time":{"1.0.0":"soon"}"#)).unwrap();
    assert_eq!(index.releases[0].published, None);
    let index = read_one(&one("", r#","maintainers":[]"#)).unwrap();
    assert_eq!(index.standing.maintainers, Some(Vec::new()));
}

#[test]
fn licences_of_every_age_are_read() {
    for (written, expected) in [
        (r#","license":"MIT""#, Some("MIT")),
        (r#","license":{"type":"BSD-3-Clause","url":"x"}"#, Some("BSD-3-Clause")),
        (r#","licenses":[{"type":"MIT"},{"type":"GPL-2.0"}]"#, Some("(MIT OR GPL-2.0)")),
        (r#","licenses":[{"type":"MIT"}]"#, Some("MIT")),
        (r#","license":["MIT","Apache-2.0"]"#, Some("(MIT OR Apache-2.0)")),
        (r#","license":"""#, None),
        (r#","license":7"#, None),
    ] {
        let index = read_one(&one(written, "")).unwrap();
        assert_eq!(index.releases[0].licence.as_deref(), expected, "{written}");
    }
}

#[test]
fn install_scripts_are_seen_in_each_form() {
    for (written, expected) in [
        (r#","hasInstallScript":true"#, true),
        (r#","scripts":{"install":"node-gyp rebuild"}"#, true),
        (r#","gypfile":true"#, true),
        (r#","scripts":{"\u0069nstall":"x"}"#, true),
        (r#","scripts":{"install":" "}"#, false),
        (r#","scripts":{"prepare":"tsc","test":"x"}"#, false),
        ("", false),
    ] {
        let index = read_one(&one(written, "")).unwrap();
        assert_eq!(index.releases[0].install_script, Some(expected), "{written}");
    }
    // The flag is all that an abbreviated document has, and some mirrors leave it out.
    let short = one("", r#","modified":"2016-01-01T00:00:00Z""#);
    let index = read(&package("left-pad"), &[document(ABBREVIATED, short)]).unwrap();
    assert_eq!(index.releases[0].install_script, None);
}

#[test]
fn an_abbreviated_document_dates_every_release_at_the_latest() {
    let short = one("", r#","modified":"2016-01-01T00:00:00Z""#);
    let index = read(&package("left-pad"), &[document(ABBREVIATED, short)]).unwrap();
    let modified = Timestamp::parse("2016-01-01T00:00:00Z").ok();
    assert_eq!((index.releases[0].published, index.standing.first_published), (modified, modified));
}

#[test]
fn the_full_document_is_fetched_only_where_it_matters() {
    let name = package("@types/node");
    let roles = |wanted: Wanted| match wanted {
        Wanted::Enough => Vec::new(),
        Wanted::Fetch(fetches) => {
            fetches.into_iter().map(|fetch| format!("{} {}", fetch.role, fetch.path)).collect()
        }
    };
    let after = |text: &str| Some(Timestamp::parse(text).unwrap());
    let details = Need { dates_after: None, details: true, roles: &[] };
    let young = Need { dates_after: after("2016-01-01T00:00:00Z"), details: false, roles: &[] };
    let old = Need { dates_after: after("2016-01-03T00:00:00Z"), details: false, roles: &[] };
    let none = Need { dates_after: None, details: false, roles: &[] };
    assert_eq!(roles(wanted(&name, &[], &details)), ["packument /@types%2fnode"]);
    assert_eq!(roles(wanted(&name, &[], &young)), ["abbreviated /@types%2fnode"]);
    let short = [document(ABBREVIATED, one("", r#","modified":"2016-01-02T00:00:00Z""#))];
    assert_eq!(roles(wanted(&name, &short, &young)), ["packument /@types%2fnode"]);
    assert!(roles(wanted(&name, &short, &old)).is_empty());
    assert!(roles(wanted(&name, &short, &none)).is_empty());
    // An upstream that knows no abbreviated documents sends the full one, which is enough.
    let full = [document(ABBREVIATED, one("", r#","time":{}"#))];
    assert!(roles(wanted(&name, &full, &young)).is_empty());
    let broken = [document(ABBREVIATED, "{")];
    assert_eq!(roles(wanted(&name, &broken, &old)), ["packument /@types%2fnode"]);
}

#[test]
fn a_manifest_about_something_else_is_never_a_release() {
    for written in [
        r#"{"name":"left-pad","version":"2.0.0","dist":{"tarball":"https://r.example/a.tgz"}}"#,
        r#"{"name":"right-pad","version":"1.0.0","dist":{"tarball":"https://r.example/a.tgz"}}"#,
        r#"{"name":"left-pad","version":"1.0.0","dist":{"tarball":"file:///etc/passwd"}}"#,
        r#"{"name":"left-pad","version":"1.0.0","dist":{}}"#,
        r#"{"name":"left-pad","version":"1.0.0"}"#,
        r#"{}"#,
    ] {
        let body = format!(r#"{{"name":"left-pad","versions":{{"1.0.0":{written}}}}}"#);
        assert!(read_one(&body).unwrap().releases.is_empty(), "{written}");
    }
}

#[test]
fn a_document_that_two_readers_could_read_differently_is_not_read() {
    let release = r#"{"name":"left-pad","version":"1.0.0","dist":{"tarball":"https://r.example/a.tgz"}}"#;
    for body in [
        "".to_owned(),
        "null".to_owned(),
        "[]".to_owned(),
        "{}".to_owned(),
        r#"{"name":"left-pad","versions":[]}"#.to_owned(),
        r#"{"name":"left-pad","versions":{"1.0.0":7}}"#.to_owned(),
        r#"{"name":"right-pad","versions":{}}"#.to_owned(),
        r#"{"name":"left-pad","versions":{}} x"#.to_owned(),
        format!(r#"{{"name":"left-pad","versions":{{"1.0.0":{release}}},"versions":{{}}}}"#),
        format!(r#"{{"name":"left-pad","versions":{{"1.0.0":{release},"1.0.\u0030":{release}}}}}"#),
        one(r#","version":"1.0.0""#, ""),
        one(r#","dist":{"tarball":"https://evil.example/x.tgz"}"#, ""),
        one(r#","dependencies":{},"dependencies":{"x":"1"}"#, ""),
        one(r#","bin":"a","bin":"b""#, ""),
        one("", r#","time":{},"time":{}"#),
        one("", r#","dist-tags":{}"#),
        r#"{"name":"left-pad","dist-tags":{"a":"1","a":"2"},"versions":{}}"#.to_owned(),
        r#"{"name":"left-pad","versions":{"1.0.0":{"name":"left-pad","version":"1.0.0","dist":{"tarball":"https://a.example/a.tgz","tarball":"https://b.example/b.tgz"}}}}"#.to_owned(),
    ] {
        assert!(read_one(&body).is_err(), "{body}");
    }
    let latin = [document(FULL, b"{\"name\":\"left-pad\xe9\"}".to_vec())];
    assert!(read(&package("left-pad"), &latin).is_err());
    assert!(read(&package("left-pad"), &[]).is_err());
    let deep = format!(r#"{{"name":"left-pad","x":{}{}}}"#, "[".repeat(100_000), "]".repeat(100_000));
    let _ = read_one(&deep);
}

#[test]
fn two_versions_never_share_a_file() {
    let version = |version: &str, url: &str| {
        format!(r#""{version}":{{"name":"left-pad","version":"{version}","dist":{{"tarball":"{url}"}}}}"#)
    };
    let body = format!(
        r#"{{"name":"left-pad","versions":{{{},{},{},{},{}}}}}"#,
        version("1.0.0", "https://r.example/left-pad/-/left-pad-2.0.0.tgz"),
        version("2.0.0", "https://r.example/left-pad/-/left-pad-2.0.0.tgz?x=1"),
        version("3.0.0", "https://r.example/download/3"),
        version("4.0.0", "https://r.example/%2e%2e/-rev"),
        version("5.0.0", "https://r.example/odd%20name.tgz"),
    );
    let index = read_one(&body).unwrap();
    let files: Vec<&str> = index.releases.iter().map(|release| &*release.artifacts[0].file).collect();
    assert_eq!(
        files,
        [
            "left-pad-2.0.0.tgz",
            "1-left-pad-2.0.0.tgz",
            "left-pad-3.0.0.tgz",
            "left-pad-4.0.0.tgz",
            "left-pad-5.0.0.tgz"
        ]
    );
}

#[test]
fn dependencies_are_the_same_however_they_are_written() {
    let hash = |members: &str| read_one(&one(members, "")).unwrap().releases[0].dependencies;
    let plain = hash(r#","dependencies":{"a":"^1","b":"~2"}"#);
    assert!(plain.is_some());
    assert_eq!(plain, hash(r#","dependencies":{"b": "~2", "a":" ^1 "}"#));
    assert_ne!(plain, hash(r#","dependencies":{"a":"^1"}"#));
    assert_ne!(plain, hash(r#","dependencies":{"a":"^1"},"peerDependencies":{"b":"~2"}"#));
    // Old registries copied optional dependencies into the others.
    assert_eq!(
        hash(r#","dependencies":{"a":"^1","c":"3"},"optionalDependencies":{"c":"3"}"#),
        hash(r#","dependencies":{"a":"^1"},"optionalDependencies":{"c":"3"}"#)
    );
    assert_eq!(
        hash(r#","dependencies":{"a":"user/repo#v1"}"#),
        hash(r#","dependencies":{"a":"git+ssh://git@host.example/user/repo.git#v1"}"#)
    );
    assert_eq!(hash(r#","dependencies":["a"]"#), None);
    assert_eq!(hash(""), hash(r#","dependencies":{},"peerDependencies":null"#));
}

#[test]
fn the_houses_own_packages_have_no_upstream_address() {
    let name = package("left-pad");
    let have = [document(FULL, one("", "")), document(HOUSE, "")];
    let index = read(&name, &have).unwrap();
    assert_eq!(index.releases[0].kind, ReleaseKind::Hosted);
    assert_eq!(&*index.releases[0].artifacts[0].url, "");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn no_document_makes_the_reader_panic(
        at in any::<prop::sample::Index>(),
        change in prop_oneof![
            Just(String::new()),
            Just("\"".to_owned()), Just("{".to_owned()), Just("}".to_owned()), Just("\\u0000".to_owned()),
            Just("null".to_owned()), Just("\"1.0.0\":{},".to_owned()), ".{0,4}",
        ],
        cut in 0usize..6,
        twice in any::<bool>(),
    ) {
        let members = r#","license":{"type":"MIT"},"deprecated":false,"scripts":{"install":"x"},"os":["linux"]"#;
        let body = one(members, r#","time":{"1.0.0":"2016-04-11T01:02:03.004Z","unpublished":{}},"maintainers":["a"]"#);
        let mut letters: Vec<char> = body.chars().collect();
        for _ in 0..=usize::from(twice) {
            let from = at.index(letters.len());
            let to = (from + cut).min(letters.len());
            letters.splice(from..to, change.chars());
        }
        let body: String = letters.into_iter().collect();
        if let Ok(index) = read_one(&body) {
            for form in ["install", "full", "deprecated-abbreviated", "passable"] {
                for hold in [true, false] {
                    let view = View { form, version: None };
                    let reply = render(&package("left-pad"), &body, &view, |_| hold);
                    prop_assert!(serde_json::from_slice::<Value>(&reply.body).is_ok(), "{}", body);
                }
            }
            prop_assert!(index.releases.len() <= 2);
        }
    }
}
