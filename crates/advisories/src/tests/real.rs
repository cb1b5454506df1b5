//! The public databases themselves, where they are at hand: see `shared/data` beside the repository.

use super::*;
use crate::{Affected, Limits, PackageAdvisory, Severity, read_archive};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::File;
use std::sync::Arc;

/// Records and index of one database; `None`, said loudly, where the files are not.
fn database(name: &str) -> Option<(Vec<Advisory>, AdvisoryIndex)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/advisories").join(name);
    let Ok(file) = File::open(&path) else {
        eprintln!("NOT TESTED: {} is absent, so {name} was not read", path.display());
        return None;
    };
    let mut all = Vec::new();
    let imported = read_archive(file, &Limits::default(), &mut |advisory| all.push(advisory)).unwrap();
    assert_eq!(imported.malformed, 0, "{:?}", imported.errors);
    assert_eq!(imported.records, all.len());
    let index = index_of(&all);
    let again = AdvisoryIndex::from_bytes(index.to_bytes().to_vec(), &by_id).unwrap();
    assert_eq!(again.revision(), index.revision());
    Some((all, index))
}

/// Asks about versions that the records of each package name, prepared and plainly, and holds the answers
/// against each other and against the records.
fn check(all: &[Advisory], index: &AdvisoryIndex, ecosystem: EcosystemId, order: fn(&str, &str) -> Ordering) {
    let mut packages: BTreeMap<String, Vec<(&Advisory, &Affected)>> = BTreeMap::new();
    for advisory in all.iter().filter(|advisory| !advisory.withdrawn) {
        for affected in &advisory.affected {
            let (_, key) = normalise(&affected.ecosystem, &affected.name).unwrap();
            packages.entry(key).or_default().push((advisory, affected));
        }
    }
    assert_eq!(index.packages(), packages.len());
    for (key, statements) in packages {
        let matcher = index.matcher(ecosystem, &key, &order).unwrap();
        let own: Vec<PackageAdvisory<'_>> = index.for_package(ecosystem, &key).collect();
        let mut names: HashMap<&str, HashSet<Arc<str>>> = HashMap::new();
        let mut called = |version, id: &str| {
            let names = names.entry(version).or_insert_with(|| {
                let hits = matcher.hits(version);
                assert_eq!(matcher.is_affected(version), !hits.is_empty());
                hits.into_iter().flat_map(|hit| hit.aliases.into_iter().chain([hit.id])).collect()
            });
            names.contains(id)
        };
        for (advisory, affected) in &statements {
            for version in &affected.versions {
                assert!(called(version, &advisory.id), "{} lists {version}", advisory.id);
            }
        }
        let boundaries = statements.iter().flat_map(|(_, affected)| affected.ranges.iter().flatten());
        for event in boundaries.take(100) {
            for one in &own {
                // It can also be called so by another record that lists it as alias.
                let covers = one.covers(&event.version, &order);
                assert!(called(&event.version, one.id()) || !covers, "{} {key} {}", one.id(), event.version);
            }
        }
    }
}

#[test]
fn rustsec() {
    let Some((all, index)) = database("crates.io.zip") else { return };
    assert_eq!((all.len(), index.records(), index.withdrawn()), (1206, 1193, 13));
    check(&all, &index, CARGO, semver);
    let count = |what: &dyn Fn(&crate::Affected) -> bool| {
        all.iter().flat_map(|advisory| &advisory.affected).filter(|affected| what(affected)).count()
    };
    assert_eq!(count(&|affected| affected.informational == Some(crate::Informational::Unmaintained)), 267);
    assert_eq!(count(&|affected| affected.informational.is_some()), 476);
    assert!(count(&|affected| affected.malware) >= 72);
    // 417 have vectors, three of which come to 0.0.
    assert_eq!(count(&|affected| affected.severity > Some(Severity::None)), 414);
    let affected = |package: &str, version: &str| -> Vec<String> {
        index.matches(CARGO, package, version, &semver).iter().map(|hit| hit.id.to_string()).collect()
    };
    // Several intervals; neighbours that take the first alone miss this one.
    assert!(affected("rand", "0.9.1").contains(&"RUSTSEC-2026-0097".to_owned()));
    assert!(!affected("rand", "0.9.3").contains(&"RUSTSEC-2026-0097".to_owned()));
    assert!(affected("smallvec", "1.6.0").contains(&"RUSTSEC-2021-0003".to_owned()));
    assert!(!affected("smallvec", "1.6.1").contains(&"RUSTSEC-2021-0003".to_owned()));
    assert!(affected("wasmtime", "5.0.0").contains(&"RUSTSEC-2023-0090".to_owned()));
    assert!(!affected("wasmtime", "4.0.1").contains(&"RUSTSEC-2023-0090".to_owned()));
}

#[test]
fn pypa() {
    let Some((all, index)) = database("PyPI.zip") else { return };
    assert_eq!((all.len(), index.records(), index.withdrawn()), (2661, 2651, 10));
    check(&all, &index, PYPI, pep440);
    let hits = index.matches(PYPI, "requests", "2.19.1", &pep440);
    assert!(hits.iter().any(|hit| hit.is_called("PYSEC-2018-28") && hit.fixed_in().eq(["2.20.0"])));
    assert!(
        !index.matches(PYPI, "requests", "2.20", &pep440).iter().any(|hit| hit.is_called("PYSEC-2018-28"))
    );
}

#[test]
fn go() {
    let Some((all, index)) = database("Go.zip") else { return };
    assert_eq!((all.len(), index.records(), index.withdrawn()), (4291, 4274, 17));
    check(&all, &index, GO, semver);
}
