//! What every ecosystem owes, whatever its protocol.

use crate::exchange::{House, Request};
use crate::golden::{cases, document, run};
use crate::judge::{judge, silent};
use crate::{exchange, folder};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{Method, StatusCode};
use lazaret_ecosystems::{Ecosystem, ProbeOutput, Route, all, by_id, by_osv_name, by_purl_type};
use lazaret_vocabulary::{BaseUrl, PackageName, Refusal, Reply, Timestamp};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use std::cmp::Ordering;
use std::collections::HashSet;

/// Lines of a corpus file.
fn corpus(ecosystem: &dyn Ecosystem, file: &str) -> Vec<String> {
    let path = folder(ecosystem).join("corpus").join(file);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    text.lines().map(str::to_owned).collect()
}

#[test]
fn every_folder_is_complete() {
    let source = std::path::PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src");
    let entries = std::fs::read_dir(source).unwrap().map(|entry| entry.unwrap());
    let folders: HashSet<String> = entries
        .filter(|entry| entry.file_type().unwrap().is_dir())
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    let listed: HashSet<String> = all().iter().map(|ecosystem| ecosystem.profile().id.to_string()).collect();
    assert_eq!(folders, listed, "the folders of src and all() name the same ecosystems");
    for ecosystem in all() {
        let folder = folder(*ecosystem);
        for file in [
            "mod.rs",
            "route.rs",
            "documents.rs",
            "render.rs",
            "refuse.rs",
            "version.rs",
            "tests.rs",
            "setup.md",
            "client.toml",
            "corpus/versions.txt",
            "corpus/names.txt",
        ] {
            assert!(folder.join(file).is_file(), "{} is missing", folder.join(file).display());
        }
        let cases = cases(*ecosystem);
        assert!(cases.len() >= 5, "{} has {} golden exchanges of five", folder.display(), cases.len());
        for case in cases {
            for file in ["request.http", "policy.toml", "reply.http", "notes"] {
                assert!(case.join(file).is_file(), "{} is missing", case.join(file).display());
            }
        }
    }
}

#[test]
fn recipes_for_real_clients_can_be_followed() {
    for ecosystem in all() {
        let path = folder(*ecosystem).join("client.toml");
        let recipe: toml::Table = std::fs::read_to_string(&path).unwrap().parse().unwrap();
        let clients = recipe["client"].as_array().unwrap_or_else(|| panic!("{}: [[client]]", path.display()));
        assert!(!clients.is_empty());
        for client in clients {
            let name = client["name"].as_str().expect("a name");
            assert_eq!(client["pointing"].as_str(), Some(ecosystem.profile().id.as_str()), "{name}");
            let commands = ["install", "publish"].map(|key| client.get(key).and_then(toml::Value::as_array));
            assert!(commands.iter().flatten().next().is_some(), "{name} installs or publishes");
            if let [Some(_), _] = commands {
                assert!(client["project"].to_string().contains("{version}"), "{name} pins a release");
                let channels = ["shows_on_index", "shows_on_artifact"].map(|key| client[key].as_str());
                assert!(channels.iter().all(Option::is_some), "{name} says what its output shows");
            }
        }
    }
}

#[test]
fn profiles_are_told_apart() {
    let mut taken = HashSet::new();
    for ecosystem in all() {
        let profile = ecosystem.profile();
        for word in [profile.id.as_str(), profile.mount] {
            assert!(
                !word.is_empty()
                    && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
            );
        }
        assert!(taken.insert(("mount", profile.mount)) && taken.insert(("purl", profile.purl_type)));
        assert!(profile.setup_guide.contains("{base}") && profile.setup_line.contains("{base}"));
        assert!(!profile.upstreams.is_empty() && !profile.title.is_empty());
        let id = |found: Option<&'static dyn Ecosystem>| found.map(|found| found.profile().id);
        assert_eq!(id(by_id(profile.id.as_str())), Some(profile.id));
        assert_eq!(id(by_purl_type(profile.purl_type)), Some(profile.id));
        for name in profile.osv_names {
            assert_eq!(by_osv_name(&format!("{name}:12")), Some(profile.id));
        }
    }
}

#[test]
fn version_orders_are_total() {
    for ecosystem in all() {
        let known = corpus(*ecosystem, "versions.txt");
        assert!(known.len() >= 20, "{} has too few versions in its corpus", ecosystem.profile().id);
        let damaged = (prop::sample::select(known.clone()), any::<prop::sample::Index>(), any::<char>())
            .prop_map(|(text, at, letter)| {
                let mut letters: Vec<char> = text.chars().collect();
                if letters.is_empty() {
                    letters.push(letter);
                } else {
                    let at = at.index(letters.len());
                    letters[at] = letter;
                }
                letters.into_iter().collect::<String>()
            });
        let version = || prop_oneof![3 => prop::sample::select(known.clone()), 1 => damaged.clone()];
        let laws = |(left, middle, right): (String, String, String)| {
            let compare = |left: &str, right: &str| ecosystem.compare(left, right);
            prop_assert_eq!(compare(&left, &left), Ordering::Equal);
            prop_assert_eq!(compare(&left, &right), compare(&right, &left).reverse());
            if compare(&left, &middle).is_le() && compare(&middle, &right).is_le() {
                prop_assert!(compare(&left, &right).is_le(), "{:?} ≤ {:?} ≤ {:?}", left, middle, right);
            }
            if compare(&left, &middle).is_eq() {
                prop_assert_eq!(compare(&left, &right), compare(&middle, &right));
            }
            Ok(())
        };
        let mut runner = TestRunner::new(ProptestConfig { cases: 2000, ..ProptestConfig::default() });
        runner.run(&(version(), version(), version()), laws).unwrap_or_else(|error| panic!("{error}"));
    }
}

/// The package that a request is about.
fn asked(route: &Route) -> Option<PackageName> {
    match route {
        Route::Index { package, .. } | Route::Artifact { package, .. } => Some(package.clone()),
        _ => None,
    }
}

#[test]
fn every_encoding_of_a_name_is_the_same_package() {
    for ecosystem in all() {
        let mut routed = 0;
        for case in cases(*ecosystem) {
            let request = Request::parse(&std::fs::read(case.join("request.http")).unwrap());
            let plain = ecosystem.route(&request.head());
            let Some(package) = asked(&plain) else { continue };
            routed += 1;
            let letters = request.path.char_indices().filter(|(_, letter)| letter.is_ascii_alphanumeric());
            for (at, letter) in letters {
                if request.path[..at].ends_with('%')
                    || request.path[..at.saturating_sub(1)].ends_with('%') && at > 1
                {
                    continue;
                }
                let code = u32::from(letter);
                for encoded in [format!("%{code:02x}"), format!("%{code:02X}")] {
                    let mut path = request.path.clone();
                    path.replace_range(at..=at, &encoded);
                    let query = request.query.clone();
                    let other = Request { path: path.clone(), query, ..Request::get("/") };
                    let other =
                        Request { method: request.method.clone(), headers: request.headers.clone(), ..other };
                    match ecosystem.route(&other.head()) {
                        // An encoded word of the protocol itself may mean nothing, but never another package.
                        Route::Unknown => {}
                        // A redirect to the usual spelling is as good.
                        Route::Fixed(reply) | Route::Open(reply) if reply.status.is_redirection() => {}
                        route => assert_eq!(asked(&route), Some(package.clone()), "{path}"),
                    }
                }
            }
        }
        assert!(routed > 0, "{} has an exchange about a package", ecosystem.profile().id);
    }
}

#[test]
fn names_are_read_as_they_are_printed() {
    for ecosystem in all() {
        for text in corpus(*ecosystem, "names.txt").iter().filter(|text| !text.is_empty()) {
            let name = ecosystem.name(text).unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(name.ecosystem(), ecosystem.profile().id);
            assert_eq!(ecosystem.name(name.as_str()).unwrap(), name, "{text}");
            assert_eq!(ecosystem.name(name.key()).unwrap(), name, "the key of {text} names the same package");
        }
        for wrong in ["", "/", "..", "a/../b", "a b", "a\0b", "a\nb", &"a".repeat(5000)] {
            assert!(ecosystem.name(wrong).is_err(), "{}: {wrong:?}", ecosystem.profile().id);
        }
    }
}

fn text(reply: &Reply) -> String {
    let headers =
        reply.headers.iter().map(|(_, value)| String::from_utf8_lossy(value.as_bytes()).into_owned());
    let body = String::from_utf8_lossy(&reply.body).replace("\\/", "/");
    format!("{body}\n{}", headers.collect::<Vec<_>>().join("\n"))
}

#[test]
fn refusals_say_what_a_human_needs() {
    for ecosystem in all() {
        let name = corpus(*ecosystem, "names.txt").remove(0);
        let refusal = Refusal {
            package: ecosystem.name(&name).unwrap(),
            version: Some("1.0.0".to_owned()),
            code: "release-too-new".to_owned(),
            sentence: "published 2 hours ago, the policy waits for 30 days".to_owned(),
            until: Some(Timestamp::from_seconds(1_800_000_000)),
            newest_allowed: Some("0.9.0".to_owned()),
            page: "https://gate.example/why/some/package".to_owned(),
        };
        for case in cases(*ecosystem) {
            let request = Request::parse(&std::fs::read(case.join("request.http")).unwrap());
            let artifact = matches!(ecosystem.route(&request.head()), Route::Artifact { .. });
            let reply = ecosystem.refuse(&refusal, &request.head());
            let said = text(&reply);
            // A protocol of its own may have a line for it that its client shows and a status that it hides; a
            // list that a client merges with others may have to stay a list.
            let route = ecosystem.route(&request.head());
            let told = matches!(route, Route::Converse { .. } | Route::Index { .. });
            assert!(told || reply.status.is_client_error(), "{}: {}", case.display(), reply.status);
            assert!(
                !artifact || reply.status == StatusCode::FORBIDDEN,
                "{}: every client shows 403",
                case.display()
            );
            for needed in
                ["release-too-new", "published 2 hours ago", "0.9.0", "https://gate.example/why/some/package"]
            {
                assert!(said.contains(needed), "{}: {needed} is not in {said}", case.display());
            }
            assert!(
                reply.phrase.is_some_and(|phrase| phrase.contains("release-too-new")),
                "{}",
                case.display()
            );
        }
    }
}

#[test]
fn errors_keep_their_status_and_never_echo_a_header() {
    for ecosystem in all() {
        for status in [400, 401, 404, 405, 413, 429, 500, 502, 503] {
            let status = StatusCode::from_u16(status).unwrap();
            for target in ["/", "/some/place", "/-/v1/search?text=a", "/api/v1/crates/new"] {
                let message = "because\r\nset-cookie: a=b";
                let reply = ecosystem.error(status, message, &Request::get(target).head());
                assert_eq!(reply.status, status);
                assert!(reply.headers.iter().all(|(name, _)| name != "set-cookie"));
                assert!(reply.phrase.is_none_or(|phrase| !phrase.contains(['\r', '\n'])));
            }
        }
    }
}

#[test]
fn without_a_policy_nothing_is_lost() {
    for ecosystem in all() {
        let mut seen = 0;
        for case in cases(*ecosystem) {
            let request = Request::parse(&std::fs::read(case.join("request.http")).unwrap());
            let Route::Index { package, view } = ecosystem.route(&request.head()) else { continue };
            let now = request.now();
            let upstream = |role: &'static str| document(&case, role, now);
            let policy = silent();
            let house = House { ecosystem: *ecosystem, upstream: &upstream, policy: &policy, now };
            let have = house.gather(&package);
            let Ok(index) = ecosystem.read(&package, &have) else { continue };
            let allowed = judge(*ecosystem, &package, &*index, &policy, now);
            assert!((0..index.releases().len()).all(|at| allowed.admits(at)), "{}", case.display());
            let reply = house.answer(&request);
            if view.version.is_some() || reply.status != StatusCode::OK {
                continue;
            }
            let body = String::from_utf8_lossy(&reply.body).into_owned();
            // A checksum of an index lists nothing.
            if body.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                continue;
            }
            seen += 1;
            for release in index.releases() {
                let shown = body.contains(&*release.version)
                    || release.artifacts.iter().any(|artifact| body.contains(&*artifact.file));
                assert!(shown, "{}: {} is gone", case.display(), release.version);
            }
        }
        // Where signed documents list everything, no document on one package has to.
        let listed = seen > 0 || ecosystem.relaying().is_some();
        assert!(listed, "{} has an index among its exchanges", ecosystem.profile().id);
    }
}

#[test]
fn verdicts_on_another_index_are_not_rendered() {
    for ecosystem in all() {
        for case in cases(*ecosystem) {
            let request = Request::parse(&std::fs::read(case.join("request.http")).unwrap());
            let Route::Index { package, view } = ecosystem.route(&request.head()) else { continue };
            let now = request.now();
            let upstream = |role: &'static str| document(&case, role, now);
            let house = House { ecosystem: *ecosystem, upstream: &upstream, policy: "", now };
            let Ok(index) = ecosystem.read(&package, &house.gather(&package)) else { continue };
            if index.releases().is_empty() {
                continue;
            }
            let foreign = judge(*ecosystem, &package, &Nothing::default(), &silent(), now);
            let shown = lazaret_ecosystems::Shown {
                package: &package,
                allowed: &foreign,
                base: &house.base(),
                page: "https://gate.example/why",
                extras: &std::collections::HashMap::new(),
            };
            // No release number is admitted by a verdict on nothing, so at the most an empty page may come.
            if let Ok(reply) = index.render(&view, &shown) {
                let silent_reply = exchange::House { policy: &silent(), ..house }.answer(&request);
                assert_ne!(reply.body, silent_reply.body, "{}", case.display());
            }
        }
    }
}

/// An index without releases.
#[derive(Default)]
struct Nothing {
    standing: lazaret_vocabulary::Standing,
}

impl lazaret_ecosystems::Index for Nothing {
    fn standing(&self) -> &lazaret_vocabulary::Standing {
        &self.standing
    }

    fn releases(&self) -> &[lazaret_vocabulary::Release] {
        &[]
    }

    fn render(
        &self,
        _: &lazaret_ecosystems::View,
        _: &lazaret_ecosystems::Shown<'_>,
    ) -> Result<Reply, lazaret_vocabulary::Malformed> {
        Err(lazaret_vocabulary::Malformed::new("there is nothing"))
    }

    fn weight(&self) -> usize {
        0
    }
}

/// Whether the text has the token in it, as it is or in the base64 that some clients keep credentials in.
fn holds(text: &str, token: &str) -> bool {
    let words = text.split(|letter: char| !letter.is_ascii_alphanumeric() && !"+/=".contains(letter));
    let decoded = words.filter_map(|word| STANDARD.decode(word).ok());
    text.contains(token) || decoded.into_iter().any(|pair| String::from_utf8_lossy(&pair).ends_with(token))
}

#[test]
fn clients_are_pointed_at_the_gateway_and_nowhere_else() {
    let base = BaseUrl::new("http://127.0.0.1:4873/mount");
    for ecosystem in all() {
        let upstreams: Vec<(String, String)> = ecosystem
            .profile()
            .upstreams
            .iter()
            .map(|role| (role.name.to_owned(), format!("https://{}.registry.example", role.name)))
            .collect();
        for token in [None, Some("lzt_secret")] {
            let pointing = ecosystem.pointing(&base, token, "/scratch", &upstreams);
            let values = pointing
                .environment
                .iter()
                .map(|(_, value)| value)
                .chain(pointing.files.iter().map(|(_, text)| text));
            let all_text: String = values.map(String::as_str).collect::<Vec<_>>().join("\n");
            assert!(all_text.contains("127.0.0.1:4873/mount"), "{}", ecosystem.profile().id);
            assert!(token.is_none_or(|token| holds(&all_text, token)), "{}", ecosystem.profile().id);
            for (file, _) in &pointing.files {
                assert!(
                    !file.starts_with('/') && !file.contains(".."),
                    "{file} stays in the scratch directory"
                );
            }
            for edit in ecosystem.setup(&base, token, &upstreams) {
                assert!(
                    !edit.file.starts_with('/') && !edit.file.contains(".."),
                    "{} is below the home",
                    edit.file
                );
            }
        }
        let outputs = vec![ProbeOutput::default(); ecosystem.probes().len()];
        assert!(ecosystem.adopt(&outputs).is_err(), "{}: silence names no upstream", ecosystem.profile().id);
    }
}

#[test]
fn any_request_and_document_is_answered() {
    for ecosystem in all() {
        let documents: Vec<Vec<u8>> = cases(*ecosystem)
            .iter()
            .flat_map(|case| std::fs::read_dir(case).unwrap().map(|entry| entry.unwrap().path()))
            .filter(|path| {
                path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("upstream-"))
            })
            .map(|path| std::fs::read(path).unwrap())
            .collect();
        let requests: Vec<String> = cases(*ecosystem)
            .iter()
            .map(|case| Request::parse(&std::fs::read(case.join("request.http")).unwrap()))
            .map(|request| format!("{}?{}", request.path, request.query))
            .collect();
        let damage = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6);
        let method = prop::sample::select(vec![Method::GET, Method::PUT, Method::POST, Method::DELETE]);
        let input =
            (prop::sample::select(documents), prop::sample::select(requests), damage, ".{0,40}", method);
        let mut runner = TestRunner::new(ProptestConfig { cases: 400, ..ProptestConfig::default() });
        let result = runner.run(&input, |(mut body, target, damage, tail, method)| {
            for (at, byte) in damage {
                let at = at.index(body.len().max(1));
                if let Some(place) = body.get_mut(at) {
                    *place = byte;
                }
            }
            let upstream = |role: &'static str| {
                Some(lazaret_vocabulary::Document {
                    role,
                    body: body.clone().into(),
                    content_type: "application/json".to_owned(),
                    fetched: Timestamp::EPOCH,
                    modified: None,
                })
            };
            let now = Timestamp::from_seconds(1_800_000_000);
            let house = House { ecosystem: *ecosystem, upstream: &upstream, policy: "", now };
            for target in [target.clone(), format!("{target}{tail}"), tail.clone()] {
                let (path, query) = target.split_once('?').unwrap_or((&target, ""));
                let request = Request {
                    method: method.clone(),
                    path: path.to_owned(),
                    query: query.to_owned(),
                    headers: http::HeaderMap::new(),
                    body: body.clone(),
                };
                match ecosystem.route(&request.head()) {
                    Route::Search(search) => {
                        let _ = ecosystem.search_fetch(&search);
                    }
                    _ => {
                        house.answer(&request);
                    }
                }
            }
            Ok(())
        });
        result.unwrap_or_else(|error| panic!("{}: {error}", ecosystem.profile().id));
    }
}

#[test]
fn exchanges_are_the_same_each_time() {
    for ecosystem in all() {
        for case in cases(*ecosystem) {
            let (first, second) = (run(*ecosystem, &case), run(*ecosystem, &case));
            assert_eq!((first.body, first.headers), (second.body, second.headers), "{}", case.display());
        }
    }
}
