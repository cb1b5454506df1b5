use super::*;

/// What a route comes to, in a word, so that tables stay readable.
fn told(route: Route) -> String {
    match route {
        Route::Index { package, view } => format!("{} {package}", view.form),
        Route::Artifact { package, file, part: Part::Whole } => format!("file {package} {file}"),
        Route::Pointer { package, pointer, .. } => format!("pointer {package} {pointer}"),
        Route::Relay(relay) => format!("relay {:?} {} {}", relay.package, relay.fetch.path, relay.immutable),
        Route::Submit { action, package, .. } => format!("{action} {package:?}"),
        Route::Fixed(reply) => format!("fixed {}", reply.status.as_u16()),
        Route::Unknown => "unknown".to_owned(),
        other => format!("{other:?}"),
    }
}

#[test]
fn addresses_mean_what_the_reference_says() {
    let table = [
        ("GET", "/code.example/a/@v/list", "list code.example/a"),
        ("HEAD", "/code.example/a/@latest", "latest code.example/a"),
        ("GET", "/code.example/a/%40v/list", "list code.example/a"),
        ("GET", "/github.com/!burnt!sushi/toml/@v/list", "list github.com/BurntSushi/toml"),
        ("GET", "/github.com/%21burnt%21sushi/toml/@v/list", "list github.com/BurntSushi/toml"),
        ("GET", "/github.com/BurntSushi/toml/@v/list", "unknown"),
        ("GET", "/github.com/%42urntSushi/toml/@v/list", "unknown"),
        ("GET", "/github.com/!Burnt/@v/list", "unknown"),
        ("GET", "/github.com/burnt!/@v/list", "unknown"),
        ("GET", "/code.example/a/@v/v1.0.0.info", "file code.example/a v1.0.0.info"),
        ("GET", "/code.example/a/@v/v1.0.0-!r!c.1.mod", "file code.example/a v1.0.0-RC.1.mod"),
        ("GET", "/code.example/a/@v/v2.0.0+incompatible.zip", "file code.example/a v2.0.0+incompatible.zip"),
        (
            "GET",
            "/code.example/a/@v/v2.0.0%2Bincompatible.zip",
            "file code.example/a v2.0.0+incompatible.zip",
        ),
        ("GET", "/code.example/a/@v/v2.0.0.zip", "unknown"),
        ("GET", "/code.example/a/@v/v2.0.0.info", "pointer code.example/a v2.0.0"),
        ("GET", "/code.example/a/v2/@v/v2.0.0.zip", "file code.example/a/v2 v2.0.0.zip"),
        ("GET", "/code.example/a/@v/main.info", "pointer code.example/a main"),
        ("GET", "/code.example/a/@v/!feature-1.2.info", "pointer code.example/a Feature-1.2"),
        ("GET", "/code.example/a/@v/daa7c04131f5.info", "pointer code.example/a daa7c04131f5"),
        ("GET", "/code.example/a/@v/main.mod", "unknown"),
        ("GET", "/code.example/a/@v/a%2Fb.info", "unknown"),
        ("GET", "/code.example/a/@v/...info", "unknown"),
        ("GET", "/code.example/a/@v/.info", "unknown"),
        ("GET", "/code.example/a/@v/v1.0.0.ziphash", "unknown"),
        ("GET", "/code.example/a/@v/v1.0.0", "unknown"),
        ("GET", "/code.example/../a/@v/list", "unknown"),
        ("GET", "/code.example%2Fa/@v/list", "unknown"),
        ("GET", "/example/a/@v/list", "unknown"),
        ("GET", "/stdlib/@v/list", "unknown"),
        ("GET", "//a.b/@v/list", "unknown"),
        ("GET", "/@v/list", "unknown"),
        ("GET", "/@latest", "unknown"),
        ("GET", "/", "unknown"),
        ("GET", "", "unknown"),
        ("POST", "/code.example/a/@v/list", "unknown"),
        ("PUT", "/code.example/!a/@v/v1.0.0.zip", "publish Some(go:code.example/A)"),
        ("DELETE", "/code.example/a/@v/v1.0.0.zip", "remove Some(go:code.example/a)"),
        ("PUT", "/code.example/a/@v/v1.0.0.mod", "unknown"),
        ("GET", "/sumdb/sums.example/supported", "fixed 200"),
        ("GET", "/sumdb/sums.example/deep/supported", "fixed 200"),
        ("GET", "/sumdb/supported", "unknown"),
        ("GET", "/sumdb/sums.example/latest", "relay None /latest false"),
        (
            "GET",
            "/sumdb/sums.example/lookup/code.example/!a@v1.0.0-!r!c",
            "relay Some(go:code.example/A) /lookup/code.example/!a@v1.0.0-!r!c true",
        ),
        ("GET", "/sumdb/sums.example/lookup/code.example/a@main", "unknown"),
        ("GET", "/sumdb/sums.example/lookup/code.example/a", "unknown"),
        ("GET", "/sumdb/sums.example/lookup/code.example/A@v1.0.0", "unknown"),
        ("GET", "/sumdb/sums.example/tile/8/0/001", "relay None /tile/8/0/001 true"),
        (
            "GET",
            "/sumdb/sums.example/tile/8/1/x001/x002/003.p/255",
            "relay None /tile/8/1/x001/x002/003.p/255 true",
        ),
        ("GET", "/sumdb/sums.example/tile/8/data/000", "relay None /tile/8/data/000 true"),
        ("GET", "/sumdb/sums.example/tile/8/0/1", "unknown"),
        ("GET", "/sumdb/sums.example/tile/08/0/001", "unknown"),
        ("GET", "/sumdb/sums.example/tile/8/0/001/002", "unknown"),
        ("GET", "/sumdb/sums.example/tile/8/0/001.p/256", "unknown"),
        ("GET", "/sumdb/sums.example/tile/8/0/001.p", "relay None /tile/8/0/001.p true"),
        ("GET", "/sumdb/../tile/8/0/001", "unknown"),
        ("GET", "/sumdb/sums.example/other", "unknown"),
    ];
    for (method, target, expected) in table {
        let method: Method = method.parse().unwrap();
        assert_eq!(ask(&method, target, |head| told(route::route(head))), expected, "{method} {target}");
    }
}

/// The tables of `golang.org/x/mod/module`, as far as they speak of module paths.
#[test]
fn module_paths_are_those_of_the_go_command() {
    for right in [
        "x.y/z",
        "x.y",
        "x.y/z/v3",
        "x.y/z/v10",
        "x.y/z/vx",
        "x.y/a_b~c",
        "gopkg.in/yaml.v2",
        "gopkg.in/a/b.v0",
        "gopkg.in/yaml.v2-unstable",
        "x.y/v1x",
        "x.y/com",
        "x.y/com10",
        "x.y/aux~x",
        "github.com/A/B",
    ] {
        assert!(name::parse(right).is_ok_and(|name| name.key() == right), "{right}");
    }
    for wrong in [
        "",
        ".x.y/z",
        "-x.y/z",
        "x.y/",
        "/x.y",
        "x.y//z",
        "x.y/.z",
        "x.y/z.",
        "x.y/..",
        "x.y/z/v1",
        "x.y/z/v0",
        "x.y/z/v02",
        "x.y/z/v2.1",
        "X.y/z",
        "x.y/ß",
        "x.y/a b",
        "x.y/a!b",
        "x.y/a@b",
        "x.y/CON",
        "x.y/aux.go",
        "x.y/lpt1.x",
        "x.y/foo~1",
        "x.y/foo~12.go",
        "gopkg.in/yaml",
        "gopkg.in/yaml.v02",
        "gopkg.in/yaml.v",
        "x.y/a\\b",
        "x.y/a:b",
    ] {
        assert!(name::parse(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn versions_fit_their_paths() {
    let table = [
        ("x.y/a", "v0.1.0", true),
        ("x.y/a", "v1.2.3-pre", true),
        ("x.y/a", "v2.0.0", false),
        ("x.y/a", "v2.0.0+incompatible", true),
        ("x.y/a/v2", "v2.0.0", true),
        ("x.y/a/v2", "v1.0.0", false),
        ("x.y/a/v2", "v20.0.0", false),
        ("gopkg.in/a.v1", "v1.0.0", true),
        ("gopkg.in/a.v1", "v0.0.0-20191109021931-daa7c04131f5", true),
        ("gopkg.in/a.v2", "v0.0.0-20191109021931-daa7c04131f5", false),
        ("gopkg.in/a.v2-unstable", "v2.0.0", true),
        ("x.y/a", "v1", false),
        ("x.y/a", "v1.0.0+meta", false),
        ("x.y/a", "1.0.0", false),
        ("x.y/a", "main", false),
    ];
    for (path, version, expected) in table {
        assert_eq!(name::fits(&package(path), version), expected, "{path} {version}");
    }
    assert!(!name::fits(&package("x.y/a"), &format!("v1.0.0-{}", "a".repeat(300))));
}
