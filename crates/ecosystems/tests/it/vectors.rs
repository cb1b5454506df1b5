//! Version orders against published comparisons, and the laws of an order on made-up texts.
//!
//! `tests/vectors/` holds google/osv-scanner's comparisons and those of the vers test suite, the latter made
//! into lines of the same form: `left < right`, `=`, `>` or `!=`.

use lazaret_ecosystems::{all, by_id};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use std::cmp::Ordering;

type Order = Box<dyn Fn(&str, &str) -> Ordering>;

/// One file of comparisons, held against one ecosystem's order.
struct Vectors {
    id: &'static str,
    file: &'static str,
    text: &'static str,
    /// Comparisons that do not hold here, and why.
    deviations: &'static [(&'static str, &'static str)],
}

const DEBIAN: &str = include_str!("../vectors/osv-scanner/debian-versions.txt");
const MAVEN: &str = include_str!("../vectors/osv-scanner/maven-versions.txt");
const NUGET: &str = include_str!("../vectors/osv-scanner/nuget-versions.txt");
const PYPI: &str = include_str!("../vectors/osv-scanner/pypi-versions.txt");
const SEMVER: &str = include_str!("../vectors/osv-scanner/semver-versions.txt");
const VERS_MAVEN: &str = include_str!("../vectors/vers/maven.txt");
const VERS_NUGET: &str = include_str!("../vectors/vers/nuget.txt");

const NO_V: &str = "to cargo a text with `v` in front is no version";
const BUILD: &str = "cargo orders by build metadata what is otherwise equal";

const CARGO_DEVIATIONS: &[(&str, &str)] = &[
    ("v0.0.0 > 0.0.0-foo", NO_V),
    ("v0.0.1 > 0.0.0", NO_V),
    ("v1.0.0 > 0.9.9", NO_V),
    ("v0.10.0 > 0.9.0", NO_V),
    ("v0.99.0 > 0.10.0", NO_V),
    ("v2.0.0 > 1.2.3", NO_V),
    ("0.0.0-foo < v0.0.0", NO_V),
    ("0.0.0 < v0.0.1", NO_V),
    ("0.9.9 < v1.0.0", NO_V),
    ("0.9.0 < v0.10.0", NO_V),
    ("0.10.0 < v0.99.0", NO_V),
    ("1.2.3 < v2.0.0", NO_V),
    ("1.2.3 = v1.2.3", NO_V),
    ("1.2.3-0 = v1.2.3-0", NO_V),
    ("1.2.3-1 = v1.2.3-1", NO_V),
    ("1.2.3-beta = v1.2.3-beta", NO_V),
    ("v1.2.3+build = 1.2.3+otherbuild", NO_V),
    ("1.2.3-beta+build = 1.2.3-beta+otherbuild", BUILD),
    ("1.2.3+build = 1.2.3+otherbuild", BUILD),
];

const VECTORS: &[Vectors] = &[
    Vectors { id: "deb", file: "debian-versions.txt", text: DEBIAN, deviations: &[] },
    Vectors { id: "go", file: "semver-versions.txt", text: SEMVER, deviations: &[] },
    Vectors {
        id: "maven",
        file: "maven-versions.txt",
        text: MAVEN,
        deviations: &[("1-1 = 1-ga-1", "the list of `ga` is one list more; Maven 3.9.11 says `>` as well")],
    },
    Vectors {
        id: "maven",
        file: "vers/maven.txt",
        text: VERS_MAVEN,
        deviations: &[
            ("2-1 < 2.0.a", "Maven 3.9 reads `.a` as `-a` and says `>`; the suite is of an older Maven"),
            ("2-1 < 2.0.0.a", "likewise"),
            ("2.0.a < 2.0.0.a", "likewise: both are `2-a`"),
        ],
    },
    Vectors { id: "nuget", file: "nuget-versions.txt", text: NUGET, deviations: &[] },
    Vectors { id: "nuget", file: "vers/nuget.txt", text: VERS_NUGET, deviations: &[] },
    Vectors { id: "npm", file: "semver-versions.txt", text: SEMVER, deviations: &[] },
    Vectors { id: "cargo", file: "semver-versions.txt", text: SEMVER, deviations: CARGO_DEVIATIONS },
    Vectors { id: "pypi", file: "pypi-versions.txt", text: PYPI, deviations: &[] },
];

/// Ecosystems for whose order nobody publishes comparisons.
const WITHOUT_VECTORS: &[&str] = &["github", "oci"];

/// The order of the ecosystem with this id, if there is one.
fn order(id: &str) -> Option<Order> {
    let ecosystem = by_id(id)?;
    Some(Box::new(|left, right| ecosystem.compare(left, right)))
}

/// `left`, the sign and `right` of each line.
fn comparisons(text: &'static str) -> impl Iterator<Item = (&'static str, [&'static str; 3])> {
    let lines = text.lines().map(str::trim);
    let meant = lines.filter(|line| !line.is_empty() && !line.starts_with("//") && !line.starts_with('#'));
    meant.map(|line| {
        let words: Vec<&str> = line.split(' ').collect();
        (line, words.try_into().unwrap_or_else(|_| panic!("`{line}` is no comparison")))
    })
}

fn holds(order: &Order, [left, sign, right]: [&str; 3]) -> bool {
    let (there, back) = (order(left, right), order(right, left));
    let wanted = match sign {
        "<" => there.is_lt(),
        "=" => there.is_eq(),
        ">" => there.is_gt(),
        "!=" => there.is_ne(),
        _ => panic!("`{sign}` is no sign"),
    };
    wanted && there == back.reverse()
}

#[test]
fn published_comparisons_hold() {
    let mut wrong = Vec::new();
    for Vectors { id, file, text, deviations } in VECTORS {
        let Some(order) = order(id) else {
            wrong.push(format!("{id}: no ecosystem here has this id"));
            continue;
        };
        let mut count = 0;
        for (line, comparison) in comparisons(text) {
            count += 1;
            let deviates = deviations.iter().any(|(known, _)| *known == line);
            match (holds(&order, comparison), deviates) {
                (false, false) => wrong.push(format!("{id}: {file}: {line}")),
                (true, true) => {
                    wrong.push(format!("{id}: {file}: {line} holds and is listed as a deviation"))
                }
                _ => {}
            }
        }
        assert!(count >= 30, "{file} has only {count} comparisons");
        let strays = deviations.iter().filter(|(known, _)| !text.lines().any(|line| line.trim() == *known));
        wrong.extend(strays.map(|(known, _)| format!("{id}: {file} has no `{known}`")));
    }
    assert!(wrong.is_empty(), "\n  {}", wrong.join("\n  "));
}

#[test]
fn every_ecosystem_has_comparisons_or_none_are_published() {
    for ecosystem in all() {
        let id = ecosystem.profile().id.as_str();
        let has = VECTORS.iter().any(|vectors| vectors.id == id);
        assert!(has != WITHOUT_VECTORS.contains(&id), "{id}: in VECTORS or in WITHOUT_VECTORS");
    }
}

/// Pieces of which every ecosystem's versions are made. Few, so that they often meet.
const PIECES: &[&str] = &[
    "0",
    "1",
    "2",
    "10",
    "01",
    "00",
    "99999999999999999999",
    ".",
    ".",
    ".",
    "-",
    "-",
    "-",
    "+",
    "~",
    ":",
    "_",
    "/",
    "v",
    "a",
    "b",
    "m",
    "alpha",
    "Alpha",
    "beta",
    "rc",
    "cr",
    "RC",
    "ga",
    "final",
    "sp",
    "snapshot",
    "pre",
    "dev",
    "post",
    "x",
    "foo",
    "alpine",
    "é",
    "0.",
    ".0",
    "-0",
    "-1",
    "20260123101500",
    "sha256:",
    "abcdef",
];

#[test]
fn orders_of_made_up_texts_are_total() {
    let ids = VECTORS.iter().map(|vectors| vectors.id).chain(WITHOUT_VECTORS.iter().copied());
    for id in ids {
        let Some(order) = order(id) else { panic!("{id}: no ecosystem here has this id") };
        let known: Vec<String> = VECTORS
            .iter()
            .filter(|vectors| vectors.id == id)
            .flat_map(|vectors| comparisons(vectors.text))
            .flat_map(|(_, [left, _, right])| [left.to_owned(), right.to_owned()])
            .chain(["v1.2.3".to_owned(), "latest".to_owned(), "a".repeat(40), "f".repeat(64)])
            .collect();
        let text = || {
            let tail =
                || prop::collection::vec(prop::sample::select(PIECES), 0..7).prop_map(|all| all.concat());
            let grown = (prop::sample::select(vec!["", "1", "1.0", "v1.2.3", "1.2.3-"]), tail());
            prop_oneof![
                1 => prop::sample::select(known.clone()),
                3 => grown.prop_map(|(head, tail)| format!("{head}{tail}")),
            ]
        };
        let laws = |texts: Vec<String>| {
            for left in &texts {
                prop_assert_eq!(order(left, left), Ordering::Equal);
                for right in &texts {
                    prop_assert_eq!(
                        order(left, right),
                        order(right, left).reverse(),
                        "{:?} {:?}",
                        left,
                        right
                    );
                }
            }
            let mut sorted = texts;
            sorted.sort_by(|left, right| order(left, right));
            for (at, left) in sorted.iter().enumerate() {
                for right in sorted.iter().skip(at) {
                    prop_assert!(order(left, right).is_le(), "{:?} {:?} of {:?}", left, right, sorted);
                    if order(left, right).is_eq() {
                        let same = sorted.iter().all(|third| order(left, third) == order(right, third));
                        prop_assert!(same, "{:?} {:?} of {:?}", left, right, sorted);
                    }
                }
            }
            Ok(())
        };
        let mut runner = TestRunner::new(ProptestConfig { cases: 100, ..ProptestConfig::default() });
        let texts = prop::collection::vec(text(), 12);
        runner.run(&texts, laws).unwrap_or_else(|error| panic!("{id}: {error}"));
    }
}
