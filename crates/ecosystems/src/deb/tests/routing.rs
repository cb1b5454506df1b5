use super::*;
use proptest::prelude::*;

#[test]
fn addresses_mean_what_an_archive_has_there() {
    let digest = EMPTY;
    let by_hash = format!("/debian/dists/sid/main/binary-amd64/by-hash/SHA256/{digest}");
    let table = [
        ("/debian/dists/sid/InRelease", "relay debian /dists/sid/InRelease debian/dists/sid/InRelease"),
        (
            "/security/dists/a/b/Release.gpg",
            "relay security /dists/a/b/Release.gpg security/dists/a/b/Release.gpg",
        ),
        (
            "/debian/dists/sid/main/i18n/Translation-en.bz2",
            "relay debian /dists/sid/main/i18n/Translation-en.bz2 debian/dists/sid/main/i18n/Translation-en.bz2",
        ),
        (
            "/debian/dists/sid/main/dep11/icons-48x48.tar.gz",
            "relay debian /dists/sid/main/dep11/icons-48x48.tar.gz debian/dists/sid/main/dep11/icons-48x48.tar.gz",
        ),
        ("/flat/./Packages.gz", "relay flat /Packages.gz flat/Packages.gz"),
        (
            "/debian/pool/main/c/curl/curl_7.88.1-10_amd64.deb",
            "file curl debian/pool/main/c/curl/curl_7.88.1-10_amd64.deb",
        ),
        (
            "/debian/pool/main/c/curl/libcurl4_7.88.1-10%2bdeb12u5_amd64.deb",
            "file curl debian/pool/main/c/curl/libcurl4_7.88.1-10+deb12u5_amd64.deb",
        ),
        (
            "/debian/pool/main/libc/libcaca/x_1_all.udeb",
            "file libcaca debian/pool/main/libc/libcaca/x_1_all.udeb",
        ),
        (
            "/debian/pool/main/g/gcc-12/cpp_12.2.0-14_amd64.deb",
            "file gcc-12 debian/pool/main/g/gcc-12/cpp_12.2.0-14_amd64.deb",
        ),
        (
            "/debian/pool/updates/main/c/curl/curl_1.dsc",
            "file curl debian/pool/updates/main/c/curl/curl_1.dsc",
        ),
        (
            "/debian/pool/main/c/curl/curl_1.orig.tar.gz.asc",
            "file curl debian/pool/main/c/curl/curl_1.orig.tar.gz.asc",
        ),
        ("/debian/pool/main/c/curl/curl_1.diff.gz", "file curl debian/pool/main/c/curl/curl_1.diff.gz"),
        (
            "/docker/dists/bookworm/pool/stable/amd64/docker-ce_24.0_amd64.deb",
            "file docker-ce docker/dists/bookworm/pool/stable/amd64/docker-ce_24.0_amd64.deb",
        ),
        ("/flat/code_1%253a2_amd64.deb", "file code flat/code_1%3a2_amd64.deb"),
        ("/hosted/key.asc", "catalogue key.asc"),
        ("/hosted/dists/stable/InRelease", "catalogue dists/stable/InRelease"),
        ("/hosted/pool/main/a/acme/acme_1_all.deb", "file acme hosted/pool/main/a/acme/acme_1_all.deb"),
    ];
    for (target, expected) in table {
        assert_eq!(told(get(target)), expected, "{target}");
    }
    assert!(told(get(&by_hash)).starts_with("immutable debian "));
}

#[test]
fn everything_else_means_nothing() {
    let digest = EMPTY;
    for target in [
        "/",
        "/debian",
        "/debian/",
        "/debian/README",
        "/debian/dists/sid/Release.key",
        "/debian/dists/sid/main/installer-amd64/current/images/netboot/netboot.tar.gz",
        "/debian/dists/sid/main/installer-amd64/current/images/netboot/linux",
        "/debian/dists/sid/main/binary-amd64/Packages.diff/Index",
        &format!("/debian/dists/sid/main/binary-amd64/Packages.diff/by-hash/SHA256/{digest}"),
        &format!("/debian/dists/sid/main/by-hash/SHA256/{}", digest.to_uppercase()),
        "/debian/dists/sid/main/by-hash/SHA256/e3b0",
        "/debian/dists/sid/main/by-hash/MD5Sum/d41d8cd98f00b204e9800998ecf8427e",
        "/debian/dists/sid/main/binary-amd64/Packages.lz4",
        "/debian/dists/sid/main/binary-amd64/Packagesx",
        "/debian/pool/main/c/curl/../../../x.deb",
        "/debian/pool/main/c/curl/%2e%2e/x.deb",
        "/debian/pool/main/c/cu%2frl/x.deb",
        "/debian/pool/main/c/curl//x.deb",
        "/debian/pool/main/c/curl/x%00.deb",
        "/debian/pool/main/c/curl/x%0a.deb",
        "/debian/pool/main/c/curl/%ff.deb",
        "/debian/pool/main/c/curl/_1_all.deb/x",
        "/Debian/dists/sid/InRelease",
        "/..%2f/dists/sid/InRelease",
        "/hosted/pool/x.txt",
        "/hosted/README",
    ] {
        assert_eq!(told(get(target)), "unknown", "{target}");
    }
    let long = format!("/debian/{}/x.deb", "a".repeat(2000));
    let deep = format!("/debian{}/x.deb", "/a".repeat(40));
    assert_eq!((told(get(&long)), told(get(&deep))), ("unknown".to_owned(), "unknown".to_owned()));
    let post = |target: &str| told(ask(&Method::POST, target, route::route));
    assert_eq!(post("/debian/pool/main/c/curl/curl_1_all.deb"), "unknown");
    assert_eq!(post("/hosted/pool/curl_1_all.deb?suite=a"), "publish None");
    assert_eq!(
        told(ask(&Method::DELETE, "/hosted/packages/curl/1:2-3", route::route)),
        "remove Some(deb:curl)"
    );
}

#[test]
fn names_of_vendors_are_read_over() {
    assert_eq!(package("debian/curl"), package("curl"));
    assert_eq!(package("Mixed"), package("mixed"));
    for wrong in ["a/b/c", "-a", "+a", "a_b", "a~b", "a:b", "/a", "a/", "ä"] {
        assert!(name::parse(wrong).is_err(), "{wrong}");
    }
}

proptest! {
    /// Whatever an index lists is found again by the address that a client makes of it.
    #[test]
    fn listed_files_and_addresses_meet(
        folders in prop::collection::vec("[a-z0-9+~.%: -]{1,8}", 0..5),
        file in "[a-z][a-z0-9+.~%-]{0,10}_[0-9][a-z0-9+.~%:-]{0,10}_(all|amd64)\\.deb",
    ) {
        let path = folders.iter().map(String::as_str).chain([file.as_str()]).collect::<Vec<_>>().join("/");
        let text = format!("Package: x\nVersion: 1\nFilename: {path}\nSHA256: {EMPTY}\n");
        let Some(member) = members(&text).pop() else { return Ok(()) };
        let below = member.artifact.url.strip_prefix("@debian").unwrap();
        match get(&format!("/debian{below}")) {
            Route::Artifact { package, file, part: Part::Whole } => {
                prop_assert_eq!(&*member.artifact.file, file.as_str());
                prop_assert_eq!(member.package, package);
            }
            // A tarball that is no package, or an index called so.
            Route::Unknown | Route::Relay(_) => {}
            other => prop_assert!(false, "{:?}", other),
        }
        prop_assert!(!member.artifact.file.contains(".."), "{}", member.artifact.file);
    }

    #[test]
    fn no_address_leads_up_or_out(target in "/[a-z./%2e2f\\\\ -]{0,60}") {
        match get(&target) {
            Route::Relay(relay) => {
                let outside = relay.fetch.path.split('/').any(|segment| segment == ".." || segment == ".");
                prop_assert!(!outside, "{}", relay.fetch.path);
            }
            Route::Artifact { file, .. } => prop_assert!(!file.split('/').any(|segment| segment == ".."), "{file}"),
            _ => {}
        }
    }
}
