use super::*;
use proptest::prelude::*;
use serde_json::Value;

/// The official suite for the types we have, a test a line: type, input, expected output.
const SUITE: &str = include_str!("../../tests/vectors/purl/suite.jsonl");

/// Tests of the suite that do not hold here, and why.
const DEVIATIONS: &[(&str, &str)] = &[];

fn text<'a>(parts: &'a Value, key: &str) -> Option<&'a str> {
    parts[key].as_str()
}

fn build(parts: &Value) -> Option<Purl> {
    let name = text(parts, "name").unwrap_or_default();
    let name = text(parts, "namespace").map_or(name.to_owned(), |namespace| format!("{namespace}/{name}"));
    let qualifiers = parts["qualifiers"].as_object().into_iter().flatten();
    let qualifiers = qualifiers.map(|(key, value)| (key.as_str(), value.as_str().unwrap()));
    let purl = Purl::new(text(parts, "type").unwrap_or_default(), &name, text(parts, "version"))?;
    Some(purl.with_qualifiers(qualifiers)?.with_subpath(text(parts, "subpath").unwrap_or_default()))
}

fn is(purl: &Purl, parts: &Value) -> bool {
    let qualifiers = parts["qualifiers"].as_object().into_iter().flatten();
    let wanted: Vec<_> = qualifiers.map(|(key, value)| (key.as_str(), value.as_str().unwrap())).collect();
    Some(purl.kind.as_str()) == text(parts, "type")
        && purl.namespace() == text(parts, "namespace")
        && Some(purl.base_name()) == text(parts, "name")
        && purl.version.as_deref() == text(parts, "version")
        && purl.subpath.as_deref() == text(parts, "subpath")
        && purl.qualifiers.len() == wanted.len()
        && wanted.iter().all(|(key, value)| purl.qualifier(key) == Some(value))
}

fn holds(kind: &str, input: &Value, expected: &Value) -> bool {
    let printed = |purl: Option<Purl>| purl.map(|purl| purl.to_string());
    match kind {
        "parse" => match Purl::parse(input.as_str().unwrap()) {
            Some(purl) => is(&purl, expected),
            None => expected.is_null(),
        },
        "validate" => printed(Purl::parse(input.as_str().unwrap())).as_deref() == expected.as_str(),
        "build" => printed(build(input)).as_deref() == expected.as_str(),
        _ => panic!("`{kind}` is no test"),
    }
}

#[test]
fn the_official_suite_holds() {
    let (mut wrong, mut count) = (Vec::new(), 0);
    for line in SUITE.lines() {
        let test: Value = serde_json::from_str(line).unwrap();
        let deviates = DEVIATIONS.iter().any(|(known, _)| *known == line);
        if holds(test[0].as_str().unwrap(), &test[1], &test[2]) == deviates {
            wrong.push(line);
        }
        count += 1;
    }
    assert!(wrong.is_empty(), "{} of {count}:\n{}", wrong.len(), wrong.join("\n"));
    assert!(count > 150, "{count} tests");
}

#[test]
fn purls_read_and_print() {
    let scoped = Purl::parse("pkg:npm/%40scope/name@1.0.0-a%2Bb?Arch=x&os=#a/./b//c").unwrap();
    assert_eq!((scoped.name.as_str(), scoped.version.as_deref()), ("@scope/name", Some("1.0.0-a+b")));
    assert_eq!((scoped.namespace(), scoped.base_name()), (Some("@scope"), "name"));
    assert_eq!((scoped.qualifier("arch"), scoped.qualifier("os")), (Some("x"), None));
    assert_eq!(scoped.to_string(), "pkg:npm/%40scope/name@1.0.0-a%2Bb?arch=x#a/b/c");
    assert_eq!(Purl::parse("pkg:npm/@scope/name").unwrap().version, None);
    assert_eq!(Purl::parse("pkg:npm/@scope/name@2").unwrap().version.as_deref(), Some("2"));
    assert_eq!(
        Purl::parse("pkg:golang/a.example/b@feature/x").unwrap().version.as_deref(),
        Some("feature/x")
    );
    for wrong in [
        "",
        "npm/x",
        "pkg:npm",
        "pkg:npm/",
        "pkg:/x",
        "pkg:npm/@1",
        "pkg:npm/x?a=1&A=2",
        "pkg:npm/x?1=2",
        "pkg:n:m/x",
    ] {
        assert_eq!(Purl::parse(wrong), None, "{wrong}");
    }
    assert_eq!(Purl::parse(&format!("pkg:npm/{}", "x".repeat(LONGEST_PURL))), None);
}

#[test]
fn names_are_as_their_types_have_them() {
    for (text, name) in [
        ("pkg:pypi/Django_Package", "django-package"),
        ("pkg:pypi/zope.interface", "zope.interface"),
        ("pkg:github/Actions/Checkout", "actions/checkout"),
        ("pkg:deb/Debian/Curl", "debian/curl"),
        ("pkg:oci/Debian", "debian"),
        ("pkg:golang/github.com/BurntSushi/toml", "github.com/BurntSushi/toml"),
        ("pkg:nuget/Newtonsoft.Json", "Newtonsoft.Json"),
        ("pkg:cargo/serde_json", "serde_json"),
    ] {
        assert_eq!(Purl::parse(text).unwrap().name, name, "{text}");
    }
    let native = Purl::new("maven", "org.example:app", Some("1")).unwrap();
    assert_eq!(native.to_string(), "pkg:maven/org.example/app@1");
}

proptest! {
    #[test]
    fn what_is_printed_reads_the_same(text in "(pkg:|PKG:)?[a-z]{0,3}(/|:|@|%40|%2F|[a-zA-Z._é* -]|%C3|\\?|&|=|#|\\.\\.|,){0,24}") {
        if let Some(purl) = Purl::parse(&text) {
            let printed = purl.to_string();
            prop_assert_eq!(Purl::parse(&printed), Some(purl), "{}", printed);
        }
    }
}
