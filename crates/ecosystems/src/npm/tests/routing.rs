use super::*;
use crate::npm::{Npm, refuse, route, setup, version, view};
use crate::{Ecosystem, Part, ProbeOutput, Search};
use http::StatusCode;
use lazaret_vocabulary::Refusal;
use proptest::prelude::*;
use std::cmp::Ordering;

/// What a route comes to, in a word, so that tables stay readable.
fn told(route: Route) -> String {
    match route {
        Route::Index { package, view } => match view.version {
            Some(version) => format!("{} {package} {version}", view.form),
            None => format!("{} {package}", view.form),
        },
        Route::Artifact { package, file, part: Part::Whole } => format!("file {package} {file}"),
        Route::Submit { action, package, .. } => {
            format!("{action} {}", package.map(|package| package.to_string()).unwrap_or_default())
        }
        Route::Search(Search { text, from, size, .. }) => format!("search {text} {from} {size}"),
        Route::Audit { kind } => format!("audit {kind}"),
        Route::WhoAmI => "whoami".to_owned(),
        Route::Fixed(reply) | Route::Open(reply) => reply.status.as_u16().to_string(),
        Route::Unknown => "unknown".to_owned(),
        other => format!("{other:?}"),
    }
}

#[test]
fn addresses_mean_what_the_clients_mean() {
    let table = [
        ("GET", "/left-pad", "full left-pad"),
        ("HEAD", "/left-pad", "full left-pad"),
        ("GET", "/left-pad/", "full left-pad"),
        ("GET", "/left%2dpad", "full left-pad"),
        ("GET", "/left%252dpad", "unknown"),
        ("GET", "/@types%2fnode", "full @types/node"),
        ("GET", "/@types%2Fnode", "full @types/node"),
        ("GET", "/%40types%2fnode", "full @types/node"),
        ("GET", "/@types/node", "full @types/node"),
        ("GET", "/@types%2fnode/20.1.0", "manifest @types/node 20.1.0"),
        ("GET", "/left-pad/latest", "manifest left-pad latest"),
        ("GET", "/left-pad/1.0.0%2Bbuild", "manifest left-pad 1.0.0+build"),
        ("GET", "/JSONStream", "full JSONStream"),
        ("GET", "/-", "full -"),
        ("GET", "/-/-/--0.0.1.tgz", "file - --0.0.1.tgz"),
        ("GET", "/left-pad/-/left-pad-1.0.0.tgz", "file left-pad left-pad-1.0.0.tgz"),
        ("GET", "/left-pad/-/held--because--x/left-pad-1.0.0.tgz", "file left-pad left-pad-1.0.0.tgz"),
        ("GET", "/@types/node/-/node-1.0.0.tgz", "file @types/node node-1.0.0.tgz"),
        ("GET", "/@types%2fnode/-/node-1.0.0.tgz", "file @types/node node-1.0.0.tgz"),
        ("GET", "/npm/left-pad/-/left-pad-1.0.0.tgz", "file left-pad left-pad-1.0.0.tgz"),
        ("GET", "/x/npm/@types/node/-/node-1.0.0.tgz", "file @types/node node-1.0.0.tgz"),
        ("GET", "/npm/left-pad/-/left-pad-1.0.0.tgz/-rev/1-a", "unknown"),
        ("GET", "/left-pad/-/..%2f..%2fetc", "unknown"),
        ("GET", "/left-pad/-/%2e%2e", "unknown"),
        ("GET", "/../left-pad", "unknown"),
        ("GET", "/left-pad%00", "unknown"),
        ("GET", "/left-pad%5c..", "unknown"),
        ("GET", "/@types", "unknown"),
        ("GET", "/@/node", "unknown"),
        ("GET", "/@a/b/c/d", "unknown"),
        ("GET", "//left-pad", "unknown"),
        ("GET", "/_design/app", "unknown"),
        ("GET", "/node_modules", "unknown"),
        ("GET", "/", "200"),
        ("GET", "/-/npm/left-pad/-/left-pad-1.0.0.tgz", "unknown"),
        ("GET", "/-/ping?write=true", "200"),
        ("GET", "/-/whoami", "whoami"),
        ("GET", "/-/v1/search?text=left+pad%26x&size=5&from=10&x=1", "search left pad&x 10 5"),
        ("GET", "/-/v1/search?size=9999", "search  0 250"),
        ("POST", "/-/npm/v1/security/advisories/bulk", "audit bulk"),
        ("POST", "/-/npm/v1/security/audits", "audit tree"),
        ("POST", "/-/npm/v1/security/audits/quick", "audit tree"),
        ("GET", "/-/npm/v1/security/advisories/bulk", "unknown"),
        ("GET", "/-/npm/v1/keys", "404"),
        ("GET", "/-/npm/v1/attestations/left-pad@1.0.0", "404"),
        ("GET", "/-/package/left-pad/dist-tags", "dist-tags left-pad"),
        ("GET", "/-/package/@types%2fnode/dist-tags", "dist-tags @types/node"),
        ("GET", "/-/package/left-pad/dist-tags/next", "dist-tag left-pad next"),
        ("PUT", "/-/package/left-pad/dist-tags/next", "tag left-pad"),
        ("DELETE", "/-/package/@a/b/dist-tags/next", "untag @a/b"),
        ("POST", "/-/v1/login", "405"),
        ("PUT", "/-/user/org.couchdb.user:alice", "405"),
        ("DELETE", "/-/user/token/abc", "405"),
        ("PUT", "/@acme%2ftools", "publish @acme/tools"),
        ("PUT", "/left-pad/-rev/1-a", "replace left-pad"),
        ("DELETE", "/left-pad/-rev/1-a", "unpublish left-pad"),
        ("DELETE", "/left-pad/-/left-pad-1.0.0.tgz/-rev/1-a", "remove-file left-pad"),
        ("DELETE", "/left-pad", "unknown"),
        ("POST", "/left-pad", "unknown"),
    ];
    for (method, target, expected) in table {
        let got = ask(method, target, &[], |head| told(route::route(head)));
        assert_eq!(got, expected, "{method} {target}");
    }
    assert_eq!(route::file_in("/@a%2fb/-/b-1.0.0.tgz/-rev/2-x").as_deref(), Some("b-1.0.0.tgz"));
    assert_eq!(route::tag_in("/-/package/@a%2fb/dist-tags/next").as_deref(), Some("next"));
}

#[test]
fn every_client_gets_the_form_that_it_understands() {
    let write = [NPM[0], NPM[1], ("npm-command", "deprecate")];
    let npm_view = [NPM[0], NPM[1], ("npm-command", "view"), NPM[3]];
    let npm_9 = [NPM[0], PNPM[1], ("npm-command", "install"), NPM[3]];
    let pnpm_full = [PNPM[0], ("accept", "application/json; q=1.0")];
    let bun = [("user-agent", "Bun/1.4.5"), PNPM[1]];
    let weighed = [CURL[0], ("accept", "application/vnd.npm.install-v1+json;q=0.2, application/json")];
    let named = [CURL[0], ("accept", "application/vnd.npm.install-v1+json")];
    let refused = [CURL[0], ("accept", "application/vnd.npm.install-v1+json;q=0")];
    let pnpm_10 = [("user-agent", "pnpm/10.34.9 npm/? node/v20.20.2 linux x64"), PNPM[1]];
    let table: [(&[(&str, &str)], &str); 14] = [
        (&pnpm_10, "passable-abbreviated"),
        (&NPM, "install"),
        (&write, "full"),
        (&npm_view, "full"),
        (&npm_9, "abbreviated"),
        (&PNPM, "deprecated-abbreviated"),
        (&pnpm_full, "deprecated"),
        (&YARN_1, "passable-abbreviated"),
        (&YARN_4, "deprecated"),
        (&bun, "passable-abbreviated"),
        (&CURL, "full"),
        (&weighed, "full"),
        (&named, "abbreviated"),
        (&refused, "full"),
    ];
    for (list, expected) in table {
        assert_eq!(ask("GET", "/x", list, |head| view::Form::of(head).name), expected, "{list:?}");
    }
    // What is written back must be whole.
    assert_eq!(ask("GET", "/x?write=true", &PNPM, |head| view::Form::of(head).name), "full");
}

#[test]
fn refusals_reach_each_client() {
    let refusal = Refusal {
        package: package("left-pad"),
        version: Some("1.3.1".into()),
        code: "release-too-new".into(),
        sentence: "published 2 hours ago — too new".into(),
        until: Some(Timestamp::from_seconds(1_800_000_000)),
        newest_allowed: Some("1.3.0".into()),
        page: PAGE.into(),
    };
    let npm = ask("GET", "/x", &NPM, |head| refuse::refusal(&refusal, head));
    assert_eq!(npm.status, StatusCode::FORBIDDEN);
    assert!(value(&npm)["error"].as_str().unwrap().contains("left-pad@1.3.1 is held"));
    assert!(header(&npm, "npm-notice").contains("Newest allowed: 1.3.0"));
    assert_eq!(npm.phrase.as_deref(), Some("Held by Lazaret (release-too-new)"));
    let pnpm = ask("GET", "/x", &PNPM, |head| refuse::refusal(&refusal, head));
    assert!(pnpm.phrase.unwrap().contains("Newest allowed: 1.3.0"));
}

#[test]
fn versions_are_ordered_as_semver_says() {
    let ascending = [
        "not-a-version",
        "nota",
        "0.0.0-0",
        "0.0.1",
        "1.0.0-alpha",
        "1.0.0-alpha.1",
        "1.0.0-alpha.beta",
        "1.0.0-beta",
        "1.0.0-beta.2",
        "1.0.0-beta.11",
        "1.0.0-rc.1",
        "1.0.0",
        "1.2.0",
        "1.10.0",
        "2.0.0",
    ];
    for (at, left) in ascending.iter().enumerate() {
        for (other, right) in ascending.iter().enumerate() {
            assert_eq!(version::compare(left, right), at.cmp(&other), "{left} {right}");
        }
    }
    for (left, right) in [
        ("v1.0.0", "1.0.0"),
        ("=1.0.0", "1.0.0"),
        ("01.02.003", "1.2.3"),
        ("1.2.3beta", "1.2.3-beta"),
        ("1.0.0+a", "1.0.0+b"),
        ("1.0.0-01", "1.0.0-1"),
    ] {
        assert_eq!(version::compare(left, right), Ordering::Equal, "{left} {right}");
    }
}

#[test]
fn the_machines_own_registry_is_adopted() {
    let output = |text: &str| ProbeOutput { stdout: text.to_owned() };
    let found = setup::adopt(&[
        output("https://registry.example/npm/\n"),
        output(r#"{"@acme:registry":"https://acme.example/","registry":"https://registry.example/npm/"}"#),
    ])
    .unwrap();
    assert_eq!(found.addresses, [("registry".into(), "https://registry.example/npm".to_owned())]);
    assert!(found.source.contains("@acme"), "{}", found.source);
    let yarn = setup::adopt(&[output(""), output(""), output("undefined"), output("https://r.example")]);
    assert_eq!(yarn.unwrap().addresses[0].1, "https://r.example");
    assert!(setup::adopt(&[]).is_err());
}

#[test]
fn clients_are_pointed_by_variables() {
    let pointing = setup::pointing(&BaseUrl::new("http://127.0.0.1:4873/npm"), Some("t0k"), "/scratch");
    let get = |name: &str| {
        pointing.environment.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    };
    assert_eq!(get("npm_config_registry"), Some("http://127.0.0.1:4873/npm/"));
    assert_eq!(get("YARN_UNSAFE_HTTP_WHITELIST"), Some("127.0.0.1"));
    assert_eq!(get("NPM_CONFIG_USERCONFIG"), Some("/scratch/npmrc"));
    assert_eq!(get("pnpm_config_//127.0.0.1:4873/npm/:_authToken"), Some("t0k"));
    let (file, text) = &pointing.files[0];
    assert_eq!(file, "npmrc");
    assert!(text.contains("//127.0.0.1:4873/npm/:_authToken=t0k\n"), "{text}");
}

proptest! {
    #[test]
    fn any_request_is_answered(path in ".{0,80}", query in ".{0,40}", accept in "[ -~]{0,60}", method in "[A-Z]{1,7}") {
        let (method, headers) = (method.parse::<Method>().unwrap(), headers(&[("accept", &accept)]));
        let head = RequestHead { method: &method, path: &path, query: &query, headers: &headers };
        if let Route::Index { package, .. } | Route::Artifact { package, .. } = route::route(&head) {
            prop_assert!(!package.as_str().contains("..") || !package.as_str().contains("/../"));
            prop_assert_eq!(Npm.name(package.as_str()).unwrap(), package);
        }
    }

    #[test]
    fn every_spelling_of_a_name_is_one_package(scope in prop::option::of("[a-z0-9][a-z0-9._-]{0,10}"), bare in "[a-z0-9][a-z0-9._-]{0,20}") {
        let plain = scope.map_or(bare.clone(), |scope| format!("@{scope}/{bare}"));
        let everything: String = plain.bytes().map(|byte| format!("%{byte:02X}")).collect();
        for spelled in [plain.clone(), plain.replace('/', "%2f"), plain.replace('@', "%40"), everything] {
            let found = ask("GET", &format!("/{spelled}"), &[], route::route);
            let Route::Index { package, .. } = found else { panic!("{spelled}: {found:?}") };
            prop_assert_eq!(package.as_str(), plain.as_str());
        }
    }

    #[test]
    fn names_in_upper_case_are_compared_without_it(name in "[a-zA-Z0-9][a-zA-Z0-9._-]{0,30}") {
        prop_assume!(!["node_modules", "favicon.ico"].contains(&name.to_ascii_lowercase().as_str()));
        prop_assert_eq!(package(&name), package(&name.to_ascii_lowercase()));
        let found = package(&name);
        prop_assert_eq!(found.as_str(), name.as_str());
    }

    #[test]
    fn the_order_is_total(versions in prop::collection::vec("[v=]?[0-9]{1,2}\\.[0-9]{1,2}\\.[0-9]{1,2}(-[a-z0-9.]{1,6})?(\\+[a-z0-9]{1,3})?|.{0,8}", 3)) {
        let [a, b, c] = [&versions[0], &versions[1], &versions[2]];
        prop_assert_eq!(version::compare(a, b), version::compare(b, a).reverse());
        prop_assert_eq!(version::compare(a, a), Ordering::Equal);
        if version::compare(a, b).is_le() && version::compare(b, c).is_le() {
            prop_assert!(version::compare(a, c).is_le());
        }
    }
}
