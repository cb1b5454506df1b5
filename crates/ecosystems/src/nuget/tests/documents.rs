use super::*;

#[test]
fn documents_are_asked_for_round_by_round() {
    let wanted = |have: &[Document], need: &Need<'_>| -> Vec<(String, String)> {
        match Nuget.wanted(&package("Left.Pad"), have, need) {
            Wanted::Fetch(list) => {
                list.into_iter().map(|fetch| (fetch.role.to_owned(), fetch.path)).collect()
            }
            Wanted::Enough => Vec::new(),
        }
    };
    let pair = |role: &str, path: &str| (role.to_owned(), path.to_owned());
    assert_eq!(wanted(&[], &NEED), [pair(SERVICE, "")]);
    let owners =
        "https://search.example/query?q=packageid:left.pad&skip=0&take=1&prerelease=true&semVerLevel=2.0.0";
    let index = "https://feed.example/v3/semver2/left.pad/index.json";
    assert_eq!(wanted(&[feed()], &NEED), [pair(REGISTRATION, index), pair(OWNERS, owners)]);
    let lighter = Need { details: false, ..NEED };
    assert_eq!(wanted(&[feed()], &lighter), [pair(REGISTRATION, index)]);
    let paged = written(
        REGISTRATION,
        &json!({"items": [{"@id": "https://feed.example/p0"}, {"items": []}, {"@id": "https://feed.example/p2"}]}),
    );
    assert_eq!(
        wanted(&[feed(), paged.clone()], &NEED),
        [pair("page-00", "https://feed.example/p0"), pair("page-02", "https://feed.example/p2")]
    );
    let page = |role| document(role, "{}");
    assert!(wanted(&[feed(), paged.clone(), page("page-00"), page("page-02")], &NEED).is_empty());
    assert_eq!(
        wanted(&[feed(), paged, page("page-00")], &NEED),
        [pair("page-02", "https://feed.example/p2")]
    );
    let flat = json!({"resources": [{"@id": "https://feed.example/f", "@type": "PackageBaseAddress/3.0.0"}]});
    let flat = written(SERVICE, &flat);
    assert_eq!(
        wanted(std::slice::from_ref(&flat), &NEED),
        [pair(VERSIONS, "https://feed.example/f/left.pad/index.json")]
    );
    assert!(wanted(&[flat, document(VERSIONS, "")], &NEED).is_empty());
    assert!(wanted(&[document(SERVICE, "nonsense")], &NEED).is_empty(), "reading says what is wrong");
    assert!(wanted(&[document(super::super::documents::HOUSE, "")], &NEED).is_empty());
    let roles: std::collections::HashSet<_> = PAGES.iter().collect();
    assert_eq!(roles.len(), PAGES.len());
}

#[test]
fn releases_state_what_their_leaves_say() {
    let groups = json!([{"@id": "x", "targetFramework": "net6.0", "dependencies": [
        {"@id": "x", "id": "Right.Pad", "range": "[1.2.0, )", "registration": "https://feed.example/r"}]}]);
    let index = index(&[
        leaf(
            "1.1.0",
            json!({"dependencyGroups": groups, "packageHash": "z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXcg/SpIdNs6c5H0NE8XYXysP+DGNKHfuwvY7kxvUdBeoGlODJ6+SfaPg==",
            "packageHashAlgorithm": "SHA512", "packageSize": 12,
            "deprecation": {"reasons": ["Legacy"], "message": "old", "alternatePackage": {"id": "Right.Pad"}}}),
        ),
        leaf("1.0.0-RC.1+build", json!({"licenseExpression": "", "licenseUrl": "https://licence.example/x"})),
        leaf(
            "0.9",
            json!({"listed": false, "published": "1900-01-01T00:00:00+00:00",
            "licenseExpression": "", "licenseUrl": "https://x.example/deprecateLicenseUrl"}),
        ),
    ]);
    let [oldest, candidate, newest] = index.releases() else { panic!("three releases, by version") };
    assert_eq!((&*oldest.version, &*candidate.version, &*newest.version), ("0.9.0", "1.0.0-rc.1", "1.1.0"));
    assert_eq!(oldest.published, None);
    assert_eq!(oldest.no_later_than, Some(Timestamp::parse("2022-02-02T02:02:02Z").unwrap()));
    assert_eq!(oldest.withdrawn.as_deref(), Some("unlisted"));
    assert_eq!(oldest.licence, None);
    assert!(candidate.prerelease && candidate.withdrawn.is_none());
    assert_eq!(candidate.licence.as_deref(), Some("https://licence.example/x"));
    assert_eq!(candidate.dependencies, None, "a feed that says nothing of dependencies");
    assert_eq!(newest.licence.as_deref(), Some("MIT"));
    assert_eq!(newest.deprecated.as_deref(), Some("Legacy: old: use Right.Pad instead"));
    assert_eq!(newest.no_later_than, None);
    assert!(newest.dependencies.is_some());
    let [artifact] = newest.artifacts.as_slice() else { panic!("one file") };
    assert_eq!(&*artifact.file, "left.pad.1.1.0.nupkg");
    assert_eq!(&*artifact.url, "https://feed.example/v3-flat/left.pad/1.1.0/left.pad.1.1.0.nupkg");
    assert_eq!((artifact.size_bytes, artifact.digests.len()), (Some(12), 1));
    assert_eq!(index.standing().first_published, newest.published);
    assert_eq!(index.standing().maintainers, None);
}

#[test]
fn owners_come_from_the_search_service_alone() {
    let with = |owners: Value| {
        let hit = json!({"data": [{"id": "other", "owners": ["eve"]}, {"id": "left.pad", "owners": owners}]});
        let index =
            read(&[feed(), registration(&[leaf("1.0.0", json!({}))]), written(OWNERS, &hit)]).unwrap();
        index
            .standing()
            .maintainers
            .clone()
            .map(|list| list.iter().map(ToString::to_string).collect::<Vec<_>>())
    };
    assert_eq!(with(json!(["alice", "bob"])), Some(vec!["alice".to_owned(), "bob".to_owned()]));
    assert_eq!(with(json!("alice")), Some(vec!["alice".to_owned()]));
    assert_eq!(with(json!([])), Some(Vec::new()));
    assert_eq!(with(Value::Null), None);
    assert_eq!(with(json!({"a": 1})), None);
}

#[test]
fn addresses_of_licences_name_them() {
    use super::super::registration::named_by;
    for (url, licence) in [
        ("https://www.a.example/licenses/LICENSE-2.0.txt", Some("Apache-2.0")),
        ("http://a.example/licenses/mit-license.php", Some("MIT")),
        ("https://licenses.a.example/BSD-3-Clause", Some("BSD-3-Clause")),
        ("https://a.example/licenses/something", None),
        ("https://code.example/me/repo/blob/main/MIT", None),
        ("licenses/MIT", None),
    ] {
        assert_eq!(named_by(url), licence, "{url}");
    }
}

#[test]
fn what_cannot_be_used_is_left_out_and_nothing_else() {
    let other = leaf("1.0.1", json!({"id": "Right.Pad"}));
    let bad =
        [json!(7), json!({}), json!({"catalogEntry": "https://feed.example/x"}), other, leaf("x", json!({}))];
    for bad in &bad {
        let index = index(&[bad.clone(), leaf("1.0.0", json!({}))]);
        assert_eq!(index.releases().len(), 1, "{bad}");
    }
    assert!(read(&[feed(), registration(&bad)]).is_err(), "a document without one usable leaf is not served");
    let twice =
        index(&[leaf("1.0", json!({"summary": "first"})), leaf("1.0.0", json!({"summary": "second"}))]);
    assert_eq!(twice.releases().len(), 1);
    assert!(twice.arena.contains("first") && !twice.arena.contains("second"));
    let empty = read(&[feed()]).unwrap();
    assert!(empty.releases().is_empty());
}

#[test]
fn a_registration_with_a_hole_is_not_served() {
    let paged = |pages: usize| {
        let pages: Vec<Value> =
            (0..pages).map(|at| json!({"@id": format!("https://feed.example/{at}")})).collect();
        written(REGISTRATION, &json!({ "items": pages }))
    };
    let page = |role, version: &str| written(role, &json!({"items": [leaf(version, json!({}))]}));
    let whole = read(&[feed(), paged(2), page("page-01", "2.0.0"), page("page-00", "1.0.0")]).unwrap();
    assert_eq!(whole.releases().len(), 2);
    assert!(read(&[feed(), paged(2), page("page-00", "1.0.0")]).is_err());
    let every: Vec<Document> =
        [feed(), paged(129)].into_iter().chain(PAGES.iter().map(|role| page(role, "1.0.0"))).collect();
    assert!(read(&every).is_err_and(|error| error.to_string().contains("129 pages")));
    let bounded = |role, lower: &str, upper: &str| {
        written(role, &json!({"lower": lower, "upper": upper, "items": [leaf("1.0.0", json!({}))]}))
    };
    let named = json!({"items": [{"@id": "https://feed.example/0", "lower": "1.0.0", "upper": "1.0"}]});
    let named = written(REGISTRATION, &named);
    assert!(read(&[feed(), named.clone(), bounded("page-00", "1.0", "1.0.0")]).is_ok());
    assert!(read(&[feed(), named, bounded("page-00", "1.0.0", "2.0.0")]).is_err(), "a page that was kept");
    let nowhere = written(REGISTRATION, &json!({"items": [{"count": 3}]}));
    assert!(read(&[feed(), nowhere]).is_err());
}

#[test]
fn service_indexes_are_read_by_what_they_name() {
    for wrong in [
        "",
        "[]",
        "{}",
        r#"{"resources": []}"#,
        r#"{"resources": [{"@id": "ftp://x", "@type": "PackageBaseAddress/3.0.0"}]}"#,
    ] {
        assert!(service::read(&document(SERVICE, wrong)).is_err(), "{wrong}");
        assert!(read(&[document(SERVICE, wrong)]).is_err(), "{wrong}");
    }
    let marked =
        "\u{feff}{\"resources\": [{\"@id\": \"https://a.example/\", \"@type\": \"registrationsbaseurl\"}]}";
    let found = service::read(&document(SERVICE, marked)).unwrap();
    assert_eq!(found.registrations.as_deref(), Some("https://a.example"));
    let old = json!({"resources": [
        {"@id": "https://a.example/plain", "@type": "RegistrationsBaseUrl"},
        {"@id": "https://a.example/gz", "@type": "RegistrationsBaseUrl/3.4.0"}]});
    let found = service::read(&written(SERVICE, &old)).unwrap();
    assert_eq!(found.registrations.as_deref(), Some("https://a.example/gz"));
}

#[test]
fn the_catalog_adds_the_digest_and_the_date() {
    let catalog = details::Catalog;
    let index = index(&[leaf("1.0.0", json!({"listed": false, "published": "1900-01-01T00:00:00Z"}))]);
    let release = &index.releases()[0];
    let wanted = |have: &[Document]| match catalog.wanted(&package("left.pad"), release, have, &NEED) {
        Wanted::Fetch(list) => list.into_iter().map(|fetch| fetch.path).collect(),
        Wanted::Enough => Vec::new(),
    };
    assert_eq!(wanted(&[]), [""]);
    assert_eq!(wanted(&[feed()]), ["https://feed.example/v3/semver2/left.pad/1.0.0.json"]);
    let leaf = |entry: Value| written(details::LEAF, &json!({ "catalogEntry": entry }));
    let named = leaf(json!("https://feed.example/catalog/x.json"));
    assert_eq!(wanted(&[feed(), named.clone()]), ["https://feed.example/catalog/x.json"]);
    assert_eq!(
        wanted(&[feed(), leaf(json!({"@id": "https://feed.example/catalog/y.json"}))]),
        ["https://feed.example/catalog/y.json"]
    );
    assert!(wanted(&[feed(), leaf(Value::Null)]).is_empty());
    assert!(wanted(&[feed(), leaf(json!("https://other.example/catalog/x.json"))]).is_empty());
    let entry = json!({"id": "Left.Pad", "version": "1.0.0", "created": "2019-01-02T03:04:05Z",
        "published": "1900-01-01T00:00:00Z", "packageHashAlgorithm": "SHA512", "packageSize": 77,
        "packageHash": "z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXcg/SpIdNs6c5H0NE8XYXysP+DGNKHfuwvY7kxvUdBeoGlODJ6+SfaPg=="});
    let have = [feed(), named.clone(), written(details::CATALOG, &entry)];
    assert!(wanted(&have).is_empty());
    let detail = catalog.read(&package("left.pad"), release, &have).unwrap().unwrap();
    let mut complete = release.clone();
    detail.complete(&mut complete);
    assert_eq!(complete.published, Some(Timestamp::parse("2019-01-02T03:04:05Z").unwrap()));
    assert_eq!(complete.artifacts.len(), 1);
    assert_eq!(complete.artifacts[0].digests[0].algorithm(), Algorithm::Sha512);
    assert!(!complete.artifacts[0].url.is_empty());
    assert_eq!(
        catalog.read(&package("left.pad"), release, &[feed()]).unwrap(),
        Some(crate::Detail::default())
    );
    let mut other = entry;
    other["version"] = "1.0.1".into();
    let have = [feed(), named, written(details::CATALOG, &other)];
    assert!(catalog.read(&package("left.pad"), release, &have).is_err());
    let hosted = Release { kind: ReleaseKind::Hosted, ..release.clone() };
    assert!(matches!(catalog.wanted(&package("left.pad"), &hosted, &[], &NEED), Wanted::Enough));
    assert!(catalog.unlisted(&package("left.pad"), "left.pad.9.0.0.nupkg", &NEED).is_none());
}
