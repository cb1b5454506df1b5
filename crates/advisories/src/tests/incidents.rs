//! Well-known incidents, end to end: fixture files in, verdict material out.

use super::*;
use crate::{Hit, Limits, Severity, read_directory};
use lazaret_vocabulary::Timestamp;

fn known() -> AdvisoryIndex {
    let mut builder = IndexBuilder::new(&normalise);
    let imported =
        read_directory(&fixtures(), &Limits::default(), &mut |advisory| builder.add(&advisory)).unwrap();
    assert_eq!((imported.records, imported.malformed), (17, 0), "{:?}", imported.errors);
    assert_eq!(imported.newest_modified, Some(Timestamp::parse("2025-10-01T00:00:00Z").unwrap()));
    assert_eq!(builder.unknown(), 1, "the Debian record");
    builder.finish().unwrap()
}

fn hits(ecosystem: EcosystemId, package: &str, version: &str) -> Vec<Hit> {
    let order = if ecosystem == PYPI { pep440 } else { semver };
    let index = known();
    let hits = index.matches(ecosystem, package, version, &order);
    assert_eq!(index.is_affected(ecosystem, package, version, &order), !hits.is_empty());
    hits
}

#[test]
fn releases_are_told_apart() {
    let malware = [
        (NPM, "event-stream", "3.3.6", true),
        (NPM, "event-stream", "3.3.5", false),
        (NPM, "event-stream", "4.0.0", false),
        (NPM, "flatmap-stream", "0.1.1", true),
        (NPM, "flatmap-stream", "99.0.0", true),
        (NPM, "ua-parser-js", "0.7.28", false),
        (NPM, "ua-parser-js", "0.7.29", true),
        (NPM, "ua-parser-js", "0.7.30", false),
        (NPM, "ua-parser-js", "0.8.0", true),
        (NPM, "ua-parser-js", "1.0.0", true),
        (NPM, "ua-parser-js", "1.0.1", false),
        (NPM, "chalk", "5.6.1", true),
        (NPM, "chalk", "5.6.0", false),
        (NPM, "chalk", "5.6.2", false),
        (NPM, "debug", "4.4.2", true),
        (NPM, "debug", "4.4.1", false),
        (NPM, "left-padd", "1.0.0", true),
        (NPM, "left-pad", "1.3.0", false),
        (CARGO, "rustdecimal", "1.22.0", true),
    ];
    for (ecosystem, package, version, expected) in malware {
        let found = hits(ecosystem, package, version);
        assert_eq!(found.len(), usize::from(expected), "{package} {version}");
        assert_eq!(found.iter().any(|hit| hit.malware), expected, "{package} {version}");
    }
    let flaws = [
        (NPM, "lodash", "4.17.20", Some(Severity::High)),
        (NPM, "lodash", "4.17.21-rc.1", Some(Severity::High)),
        (NPM, "lodash", "4.17.21", None),
        (NPM, "lodash-es", "4.17.20", Some(Severity::High)),
        (NPM, "colors", "1.4.0", None),
        (NPM, "colors", "1.4.1", Some(Severity::Medium)),
        (NPM, "colors", "1.4.2", Some(Severity::Medium)),
        (NPM, "colors", "1.4.44-liberty-2", Some(Severity::Medium)),
        (NPM, "colors", "1.4.44-liberty-1", None),
        (CARGO, "smallvec", "0.6.2", None),
        (CARGO, "smallvec", "0.6.13", Some(Severity::Critical)),
        (CARGO, "smallvec", "0.6.14", None),
        (CARGO, "smallvec", "1.0.0-alpha.1", None),
        (CARGO, "smallvec", "1.6.0+build", Some(Severity::Critical)),
        (CARGO, "smallvec", "1.6.1", None),
        (PYPI, "requests", "2.20.0", None),
        (PYPI, "loguru", "0.5.0", None),
    ];
    for (ecosystem, package, version, expected) in flaws {
        let found = hits(ecosystem, package, version);
        assert_eq!(found.first().and_then(|hit| hit.severity), expected, "{package} {version}");
        assert_eq!(found.len(), usize::from(expected.is_some()), "{package} {version}");
    }
}

#[test]
fn records_of_the_same_thing_are_one_hit() {
    let found = hits(NPM, "chalk", "5.6.1");
    assert_eq!(&*found[0].id, "MAL-2025-46969");
    assert!(found[0].is_called("GHSA-2v46-p5h4-248w"));
    assert_eq!(found[0].severity, Some(Severity::Critical));
    assert_eq!(found[0].url.as_deref(), Some("https://github.com/advisories/GHSA-2v46-p5h4-248w"));
    assert_eq!(found[0].fixed_in().collect::<Vec<_>>(), ["5.6.2"]);

    let found = hits(PYPI, "requests", "2.19.1");
    assert_eq!(found.len(), 1);
    assert_eq!(&*found[0].id, "GHSA-x84v-xcm2-53pg");
    let aliases: Vec<&str> = found[0].aliases.iter().map(|alias| &**alias).collect();
    assert_eq!(aliases, ["CVE-2018-18074", "PYSEC-2018-28"]);
    assert_eq!(found[0].severity, Some(Severity::High), "CVSS 3.0 says 7.5, CVSS 2 only 5.0");
    assert_eq!(found[0].fixed_in().collect::<Vec<_>>(), ["2.20.0"]);
    assert_eq!(&*found[0].summary, "Insufficiently protected credentials in requests");
}

#[test]
fn what_only_one_record_covers_is_told_by_it_alone() {
    // GitHub's record ends with 2.19.1; PyPA's goes on up to 2.20.0.
    let found = hits(PYPI, "requests", "2.19.2");
    assert_eq!((found.len(), &*found[0].id), (1, "PYSEC-2018-28"));
    assert!(found[0].is_called("CVE-2018-18074") && found[0].is_called("GHSA-x84v-xcm2-53pg"));
    assert_eq!(found[0].severity, Some(Severity::Medium));
    assert_eq!(&*found[0].summary, "Impact", "the first line of the details");
}

#[test]
fn versions_are_compared_as_versions() {
    for spelling in ["2.19", "2.19.0", "v2.19.0.0"] {
        assert_eq!(hits(PYPI, "requests", spelling).len(), 1, "{spelling}");
    }
    // Names are compared by key, and events in any order.
    let found = hits(PYPI, "requests", "2.5.4");
    assert_eq!(found.len(), 2);
    assert!(found.iter().any(|hit| &*hit.id == "PYSEC-2015-17"));
}

#[test]
fn notices_are_no_vulnerabilities() {
    let found = hits(CARGO, "ansi-term", "0.12.1");
    assert!(found[0].unmaintained && found[0].informational && !found[0].malware);
    assert_eq!(found[0].severity, Some(Severity::None));
    let found = hits(CARGO, "smallvec", "1.0.0");
    assert!(!found[0].unmaintained && !found[0].informational);
}

#[test]
fn audits_name_the_range() {
    let index = known();
    let range = |package: &str, versions: &[&str]| {
        let matcher = index.matcher(NPM, package, &semver).unwrap();
        let found = matcher.audit(versions);
        assert_eq!(found.len(), 1, "{package}");
        (found[0].versions.join(" "), found[0].vulnerable.clone())
    };
    assert_eq!(
        range("lodash", &["4.17.21", "4.17.20", "3.0.0"]),
        ("4.17.20 3.0.0".into(), "<4.17.21".into())
    );
    assert_eq!(range("event-stream", &["3.3.6"]).1, ">=3.3.6 <4.0.0");
    assert_eq!(range("flatmap-stream", &["0.1.1"]).1, "*");
    assert_eq!(range("debug", &["4.4.2"]).1, "=4.4.2");
    assert_eq!(range("colors", &["1.4.1"]).1, ">=1.4.1 <=1.4.2 || =1.4.44-liberty-2");
    assert_eq!(range("ua-parser-js", &["1.0.0"]).1, ">=0.7.29 <0.7.30 || >=0.8.0 <0.8.1 || >=1.0.0 <1.0.1");
    assert!(index.matcher(NPM, "lodash", &semver).unwrap().audit(&["4.17.21"]).is_empty());
    assert!(index.matcher(NPM, "left-pad", &semver).is_none());
    assert!(index.matcher(CARGO, "lodash", &semver).is_none(), "another ecosystem's package of that name");
}
