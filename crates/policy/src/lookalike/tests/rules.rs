use super::super::edit::{self, Slip};
use super::super::*;
use proptest::prelude::*;

const LIST: &str = "requests\nlodash\nreact\ncross-env\n@babel/core\n@types/node\npython-dateutil\njellyfish\ncolorama\n\
                    node-fetch\nfs-extra\nvue\nd3\nurllib3\nhttp-errors\nreadable-stream\nmomentum\nwebdriver-manager\n";

fn popular() -> PopularNames {
    PopularNames::from_tsv(LIST.as_bytes()).unwrap()
}

fn newcomer() -> Established {
    Established::unknown(Timestamp::parse("2026-11-23T10:00:00Z").unwrap())
}

fn found(name: &str) -> Option<(String, ResemblanceKind)> {
    let found = popular().resembles(name, &newcomer())?;
    Some((found.popular, found.kind))
}

#[test]
fn each_kind_is_told() {
    use ResemblanceKind as Kind;
    let table = [
        ("reqests", "requests", Kind::Omission),
        ("requestys", "requests", Kind::Addition),
        ("requepts", "requests", Kind::Replacement),
        ("requesrs", "requests", Kind::Keyboard),
        ("reqeusts", "requests", Kind::Transposition),
        ("rrequests", "requests", Kind::Repetition),
        ("loodassh", "lodash", Kind::Repetition),
        ("l0dash", "lodash", Kind::Homoglyph),
        ("1odash", "lodash", Kind::Homoglyph),
        ("jeIlyfish", "jellyfish", Kind::Homoglyph),
        ("rnornenturn", "momentum", Kind::Homoglyph),
        ("lоdash", "lodash", Kind::Homoglyph),
        ("ｒeact", "react", Kind::Homoglyph),
        ("réact", "react", Kind::Homoglyph),
        ("lo\u{200b}dash", "lodash", Kind::Homoglyph),
        ("crossenv", "cross-env", Kind::Separators),
        ("cross.env", "cross-env", Kind::Separators),
        ("Lodash", "lodash", Kind::Separators),
        ("types-node", "@types/node", Kind::Scope),
        ("babel-core", "@babel/core", Kind::Scope),
        ("@babe1/core", "@babel/core", Kind::Scope),
        ("@type/node", "@types/node", Kind::Scope),
        ("@lodash/lodash", "lodash", Kind::Scope),
        ("dateutil-python", "python-dateutil", Kind::WordOrder),
        ("colourama", "colorama", Kind::Addition),
        ("colouramas", "colorama", Kind::TwoSlips),
        ("node-lodash", "lodash", Kind::Affix("node")),
        ("lodash.js", "lodash", Kind::Affix("js")),
        ("lodashjs", "lodash", Kind::Affix("js")),
        ("requests-official", "requests", Kind::Affix("official")),
        ("d3.js", "d3", Kind::Affix("js")),
        ("urlib3", "urllib3", Kind::Repetition),
        ("python3-dateutil", "python-dateutil", Kind::Addition),
    ];
    for (name, target, kind) in table {
        assert_eq!(found(name), Some((target.to_owned(), kind)), "{name}");
    }
}

#[test]
fn honest_names_pass() {
    let honest = [
        "requests",
        "left-pad",
        "react-hook-form",
        "vux",
        "vie",
        "d4",
        "flask",
        "lodash-webpack-plugin",
        "requests-oauthlib",
        "@babel/traverse",
        "@babel/coer",
        "@acme/lodash",
        "@vue/cli",
        "react-utils-for-maps",
        "x",
        "",
        "@",
        "@/",
        "---",
        "node",
        "js",
        "requests-cache",
    ];
    for name in honest {
        assert_eq!(found(name), None, "{name}");
    }
}

#[test]
fn established_names_never_breach() {
    let now = Timestamp::parse("2026-11-23T10:00:00Z").unwrap();
    let seen = |first: &str, stable_releases| {
        let first_published = Some(Timestamp::parse(first).unwrap());
        popular().resembles("reqests", &Established { first_published, stable_releases, now }).is_some()
    };
    assert!(!seen("2015-01-01T00:00:00Z", 1));
    assert!(!seen("2024-06-01T00:00:00Z", 3));
    assert!(!seen("2025-06-01T00:00:00Z", 15));
    assert!(seen("2024-06-01T00:00:00Z", 2));
    assert!(seen("2026-06-01T00:00:00Z", 500));
    assert!(seen("2027-06-01T00:00:00Z", 500), "a date in the future is no age");
    assert!(seen("2015-01-01T00:00:00Z", 0), "a registry's placeholder is no release");
}

#[test]
fn house_names_join_the_list() {
    let names = popular().with_house_names([("acme-billing".to_owned(), 40), ("reqests".to_owned(), 2)]);
    let found = names.resembles("acme-biling", &newcomer()).unwrap();
    assert_eq!((found.popular.as_str(), found.rank), ("acme-billing", None));
    assert!(found.sentence().contains("much used here"), "{}", found.sentence());
    assert_eq!(names.resembles("reqests", &newcomer()), None, "a name in use here is not suspicious here");
    assert_eq!(names.resembles("lodahs", &newcomer()).unwrap().rank, Some(2));

    let only = PopularNames::default().with_house_names([("acme-billing".to_owned(), 1)]);
    assert!(only.resembles("acme-biling", &newcomer()).is_some());
    assert!(PopularNames::default().resembles("acme-biling", &newcomer()).is_none());
}

#[test]
fn ranks_of_the_list_do_not_change_for_house_names() {
    let list: String = (0..2_000).map(|number| format!("name{number}x\n")).collect();
    let house = (0..900).map(|number| (format!("house{number}y"), 1));
    let names = PopularNames::from_tsv(list.as_bytes()).unwrap().with_house_names(house);
    assert_eq!(names.len(), 2_500);
    for number in [0, 499, 500, 1_999] {
        let place = names.index.listed(&format!("name{number}x")).unwrap();
        assert_eq!(names.index.rank(place), number);
    }
}

#[test]
fn lists_are_read_with_care() {
    for good in ["a\nb\n", "a\t10\nb\t10\nc\t3\n", "a\t1\r\nb\t2", "# head\na"] {
        assert!(PopularNames::from_tsv(good.as_bytes()).is_ok(), "{good}");
    }
    let long = "x".repeat(1_000);
    for bad in ["", "# head\n", "a\tmany\n", "a\t3\nb\t5\nc\t4\n", "a b\n", "\t5\n", long.as_str()] {
        assert!(PopularNames::from_tsv(bad.as_bytes()).is_err(), "{bad}");
    }
    assert!(PopularNames::from_compressed(b"not gzip").is_err());
    let compressed = compress(LIST.as_bytes()).unwrap();
    assert_eq!(PopularNames::from_compressed(&compressed).unwrap().len(), popular().len());
}

proptest! {
    #[test]
    fn no_name_panics(name in "\\PC{0,140}") {
        popular().resembles(&name, &newcomer());
    }

    #[test]
    fn name_like_text_never_resembles_itself(name in "(@[a-z0-9]{1,5}/)?[a-z0-9._-]{1,12}") {
        let list = format!("{name}\n{LIST}");
        let names = PopularNames::from_tsv(list.as_bytes()).unwrap();
        prop_assert!(names.resembles(&name, &newcomer()).is_none());
    }

    #[test]
    fn every_neighbour_is_one_edit_away(name in "[a-z0-9]{1,9}") {
        edit::each_neighbour(name.as_bytes(), |neighbour| {
            let neighbour = std::str::from_utf8(neighbour).unwrap();
            if neighbour != name {
                assert!(edit::between(neighbour, &name).is_some(), "{neighbour} {name}");
                assert!(edit::at_most_two(neighbour.as_bytes(), name.as_bytes()));
            }
        });
    }
}

#[test]
fn slips_are_told_apart() {
    let slip = |name, target| edit::between(name, target).map(|edit| edit.slip);
    assert_eq!(slip("abc", "abc"), None);
    assert_eq!(slip("abcd", "abef"), None);
    assert_eq!(slip("acb", "abc"), Some(Slip::Transposed));
    assert_eq!(slip("abbc", "abc"), Some(Slip::Repeated));
    assert_eq!(slip("abcs", "abc"), Some(Slip::Inserted { at_end: true, digit: false }));
    assert_eq!(slip("ab", "ab3"), Some(Slip::Omitted { at_end: true, digit: true }));
    assert_eq!(slip("a4", "a5"), Some(Slip::Number));
    assert_eq!(slip("abe", "aba"), Some(Slip::Vowel));
    assert!(!edit::at_most_two(b"abcdef", b"badcfe"), "three transpositions");
}
