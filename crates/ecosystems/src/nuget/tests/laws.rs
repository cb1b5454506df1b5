use super::inspecting::{inspect, nupkg, nuspec_of};
use super::publishing::submit;
use super::*;
use lazaret_policy::{
    AdvisoryState, Allowed, Dossier, Exceptions, Firewall, KnownEcosystem, ReleaseFacts, ValidPolicy,
};
use lazaret_vocabulary::PrincipalClass;
use std::collections::HashMap;
use std::sync::Arc;

/// Lets in what is older than a day, and nothing else matters.
const POLICY: &str = "[release-too-new]\nmin_age = \"1d\"\nunknown = \"refuse\"\n";

fn judged(index: &PackageIndex, now: Timestamp) -> Allowed {
    judged_as_of(index, now, None)
}

fn judged_as_of(index: &PackageIndex, now: Timestamp, as_of: Option<Timestamp>) -> Allowed {
    let known = [KnownEcosystem {
        id: super::super::ID,
        purl_type: "nuget",
        key: Box::new(|name| Some(name::parse(name).ok()?.key().to_owned())),
    }];
    let off: String = [
        "package-too-new",
        "known-malware",
        "vulnerable",
        "licence",
        "no-maintainer",
        "abandoned",
        "looks-alike",
        "install-script",
        "publisher-changed",
        "withdrawn",
        "bytes-changed",
    ]
    .map(|code| format!("[{code}]\naction = \"off\"\nunknown = \"off\"\n"))
    .concat();
    let policy = ValidPolicy::parse(&format!("{POLICY}{off}"), "policy.toml", &known)
        .unwrap_or_else(|problems| panic!("{problems}"));
    Firewall::new(Arc::new(policy), Arc::new(Exceptions::default())).filter(&Dossier {
        package: &package("left.pad"),
        standing: index.standing(),
        releases: index.releases(),
        known: &vec![ReleaseFacts::default(); index.releases().len()],
        order: &|left, right| version::compare(left, right),
        hosted: false,
        first_seen: None,
        advisories: AdvisoryState::NotConfigured,
        looks_like: None,
        dates: Nuget.profile().dates,
        as_of,
        class: PrincipalClass::Anonymous,
        now,
    })
}

fn rendered(index: &PackageIndex, form: &'static str, allowed: &Allowed) -> lazaret_vocabulary::Reply {
    let shown = crate::Shown {
        package: &package("left.pad"),
        allowed,
        base: &BaseUrl::new("https://gate.example/nuget"),
        page: "https://gate.example/why",
        extras: &HashMap::new(),
    };
    index.render(&View { form, version: None }, &shown).unwrap()
}

#[test]
fn a_feed_without_registrations_has_none_here() {
    let flat = json!({"resources": [{"@id": "https://feed.example/f", "@type": "PackageBaseAddress/3.0.0"}]});
    let list = json!({"versions": ["1.0.0", "1.1.0-rc.1"]});
    let index = read(&[written(SERVICE, &flat), written(VERSIONS, &list)]).unwrap();
    let allowed = judged_as_of(&index, Timestamp::EPOCH, None);
    assert_eq!(rendered(&index, FLAT, &allowed).status, StatusCode::FORBIDDEN, "no dates");
    assert_eq!(
        &*index.releases()[1].artifacts[0].url,
        "https://feed.example/f/left.pad/1.1.0-rc.1/left.pad.1.1.0-rc.1.nupkg"
    );
    for (form, leaf) in HIVES {
        assert!((0..2).all(|at| !index.is_registered(form, at) && !index.is_registered(leaf, at)));
    }
}

#[test]
fn who_asks_for_the_past_is_not_warned_of_the_future() {
    let now = Timestamp::parse("2026-11-23T10:00:00Z").unwrap();
    let leaves = [("1.0.0", "2020-01-01T00:00:00Z"), ("2.0.0", "2025-01-01T00:00:00Z")]
        .map(|(version, date)| leaf(version, json!({ "published": date })));
    let index = index(&leaves);
    let allowed = judged_as_of(&index, now, Some(Timestamp::parse("2021-01-01T00:00:00Z").unwrap()));
    let reply = rendered(&index, FLAT, &allowed);
    assert_eq!(reply.body, r#"{"versions":["1.0.0"]}"#);
    assert!(reply.headers.iter().all(|(name, _)| name != "x-nuget-warning"), "{:?}", reply.headers);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]
    #[test]
    fn every_list_shows_only_what_is_allowed(
        releases in prop::collection::vec((0u8..4, 0u8..200, any::<bool>(), "(-[a-c]{1,2}(\\.[0-9])?)?"), 1..200),
    ) {
        let now = Timestamp::parse("2026-11-23T10:00:00Z").unwrap();
        let leaves: Vec<Value> = releases
            .iter()
            .map(|(major, minor, young, label)| {
                let published = if *young { "2026-11-23T09:00:00Z" } else { "2020-01-01T00:00:00Z" };
                leaf(&format!("{major}.{minor}.0{label}"), json!({ "published": published }))
            })
            .collect();
        let index = index(&leaves);
        let allowed = judged(&index, now);
        let expected: Vec<&str> = index.releases().iter().enumerate()
            .filter(|(at, _)| allowed.admits(*at)).map(|(_, release)| &*release.version).collect();
        let flat = rendered(&index, FLAT, &allowed);
        let withheld = expected.len() < index.releases().len();
        prop_assert_eq!(withheld, flat.headers.iter().any(|(name, _)| name == "x-nuget-warning"));
        if expected.is_empty() {
            prop_assert_eq!(flat.status, StatusCode::FORBIDDEN);
            return Ok(());
        }
        let list: Value = serde_json::from_slice(&flat.body).unwrap();
        prop_assert_eq!(&list["versions"], &json!(expected.clone()));
        for (form, _) in HIVES {
            let reply = rendered(&index, form, &allowed);
            let seen: Vec<&str> = expected.iter().copied()
                .filter(|version| form == HIVES[2].0 || !version.contains("-a.") && !version.split_once('-').is_some_and(|(_, label)| label.contains('.')))
                .collect();
            if reply.status == StatusCode::NOT_FOUND {
                prop_assert!(seen.is_empty());
                continue;
            }
            let body = String::from_utf8(reply.body.to_vec()).unwrap();
            prop_assert!(!body.contains("feed.example"), "no address of the feed is left: {}", body);
            let json: Value = serde_json::from_str(&body).unwrap();
            let pages = json["items"].as_array().unwrap();
            prop_assert_eq!(json["count"].as_u64(), Some(pages.len() as u64));
            let mut shown = Vec::new();
            for page in pages {
                let items = page["items"].as_array().unwrap();
                prop_assert!(items.len() <= 64 && page["count"].as_u64() == Some(items.len() as u64));
                let versions: Vec<String> = items.iter()
                    .map(|item| version::normalise(item["catalogEntry"]["version"].as_str().unwrap()).unwrap()).collect();
                prop_assert_eq!(page["lower"].as_str(), versions.first().map(String::as_str));
                prop_assert_eq!(page["upper"].as_str(), versions.last().map(String::as_str));
                shown.extend(versions);
            }
            prop_assert_eq!(shown.iter().map(String::as_str).collect::<Vec<_>>(), seen);
        }
        for form in [STABLE, ALL] {
            let body: Value = serde_json::from_slice(&rendered(&index, form, &allowed).body).unwrap();
            let all: Vec<&str> = body["data"].as_array().unwrap().iter().map(|text| text.as_str().unwrap()).collect();
            prop_assert!(all.iter().all(|version| expected.contains(version)));
        }
    }
}

proptest! {
    #[test]
    fn any_bytes_are_answered(body in prop::collection::vec(any::<u8>(), 0..300), text in ".{0,200}") {
        let bytes = Bytes::from(body.clone());
        for role in [SERVICE, REGISTRATION, VERSIONS, OWNERS] {
            let _ = read(&[document(role, bytes.clone())]);
            let _ = read(&[feed(), document(role, bytes.clone())]);
            let _ = read(&[feed(), document(role, text.clone())]);
            let _ = Nuget.wanted(&package("a"), &[document(role, text.clone())], &NEED);
        }
        let _ = get(&text);
        let _ = get(&format!("/v3/flat/{text}"));
        let _ = get(&format!("/v3/search?{text}"));
        let _ = inspect(&body);
        let _ = nuspec::Nuspec::parse(&body);
        let _ = submit("push", &text, "/", &bytes);
        let _ = submit("unlist", "", &text, &bytes);
        for file in ["packages.lock.json", "project.assets.json", "packages.config", "a.csproj"] {
            let _ = Nuget.lock_file(file, text.as_bytes());
        }
        let _ = Nuget.adopt(&[ProbeOutput { stdout: text.clone() }, ProbeOutput { stdout: text.clone() }, ProbeOutput { stdout: text.clone() }]);
        let _ = Nuget.search_hits(&document("search", bytes));
        let _ = Nuget.detours("nuget.config", &text, None);
    }

    #[test]
    fn a_damaged_package_is_answered(at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<prop::sample::Index>()) {
        let mut file = nupkg(&[("Left.Pad.nuspec", &nuspec_of("Left.Pad", "1.0.0", "")), ("build/x.targets", "")]);
        let at = at.index(file.len());
        file[at] = byte;
        let _ = inspect(&file);
        file.truncate(cut.index(file.len()));
        let _ = inspect(&file);
    }

    #[test]
    fn a_damaged_registration_is_answered(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut body = registration(&[leaf("1.0.0", json!({})), leaf("1.1.0", json!({}))]).body.to_vec();
        let at = at.index(body.len());
        body[at] = byte;
        if let Ok(index) = read(&[feed(), document(REGISTRATION, body)]) {
            for entry in &index.entries {
                let mut text = String::new();
                write_marked(&mut text, &index.arena[entry.text.clone()], "https://gate.example", "https://gate.example/hive");
                prop_assert!(serde_json::from_str::<Value>(&text).is_ok(), "{}", text);
            }
        }
    }

    #[test]
    fn every_encoding_of_an_address_is_the_same_file(
        id in "[A-Za-z_][A-Za-z0-9_]{0,8}([.-][A-Za-z0-9]{1,5}){0,2}",
        numbers in "[0-9]{1,3}\\.[0-9]{1,3}(\\.[0-9]{1,3}){0,2}(-[A-Za-z]{1,4}(\\.[0-9])?)?",
        encoded in prop::collection::vec(any::<bool>(), 32),
    ) {
        let path = format!("/v3/flat/{id}/{numbers}/{id}.{numbers}.nupkg");
        let mut target = String::new();
        for (at, character) in path.char_indices() {
            if character != '/' && at > 9 && encoded[at % encoded.len()] {
                target.push_str(&format!("%{:02x}", u32::from(character)));
            } else {
                target.push(character);
            }
        }
        let Route::Artifact { package: found, file, .. } = get(&target) else { panic!("{target}") };
        prop_assert_eq!(&found, &package(&id));
        let normal = version::normalise(&numbers).unwrap();
        prop_assert_eq!(file.as_str(), name::package_file(found.key(), &normal));
        // And our own address of it leads back.
        let Route::Artifact { file: again, .. } = get(&route::file_path(found.key(), &normal)) else { panic!() };
        prop_assert_eq!(again, file);
    }
}
