//! The index as bytes: what comes back, what is refused, and what its revision depends on.

use super::*;
use crate::{Limits, read_directory};
use lazaret_vocabulary::Timestamp;
use proptest::prelude::*;
use proptest::sample::Index;

fn known() -> Vec<Advisory> {
    let mut all = Vec::new();
    read_directory(&fixtures(), &Limits::default(), &mut |advisory| all.push(advisory)).unwrap();
    all
}

fn changed(id: &str, edit: impl FnOnce(&mut Advisory)) -> Vec<Advisory> {
    let mut all = known();
    edit(all.iter_mut().find(|advisory| advisory.id == id).unwrap());
    all
}

#[test]
fn bytes_come_back_as_the_same_index() {
    let index = index_of(&known());
    let again = AdvisoryIndex::from_bytes(index.to_bytes().to_vec(), &by_id).unwrap();
    assert_eq!(again.revision(), index.revision());
    assert_eq!(again.revision_number(), index.revision_number());
    assert_ne!(index.revision_number(), 0);
    assert_eq!((again.records(), again.withdrawn(), again.packages()), (15, 1, 13));
    assert!(again.covers_ecosystem(NPM) && !again.covers_ecosystem(GO));
    assert_eq!(again.matches(NPM, "chalk", "5.6.1", &semver), index.matches(NPM, "chalk", "5.6.1", &semver));
    // An ecosystem that a later build no longer knows is not found, and costs nothing else.
    let fewer = AdvisoryIndex::from_bytes(index.to_bytes().to_vec(), &|id| by_id(id).filter(|id| *id != NPM))
        .unwrap();
    assert!(fewer.matcher(NPM, "chalk", &semver).is_none());
    assert!(fewer.matcher(CARGO, "smallvec", &semver).is_some());
    assert!(!fewer.covers_ecosystem(NPM));
}

#[test]
fn an_empty_index_is_one() {
    let empty = AdvisoryIndex::empty();
    assert_eq!((empty.records(), empty.packages(), empty.revision().len()), (0, 0, 64));
    assert_eq!(empty.revision(), IndexBuilder::new(&normalise).finish().unwrap().revision());
    assert!(!empty.is_affected(NPM, "x", "1.0.0", &semver));
    AdvisoryIndex::from_bytes(empty.to_bytes().to_vec(), &by_id).unwrap();
}

#[test]
fn torn_and_altered_files_are_refused() {
    let bytes = index_of(&known()).to_bytes().to_vec();
    for length in 0..bytes.len() {
        assert!(AdvisoryIndex::from_bytes(bytes[..length].to_vec(), &by_id).is_err(), "{length}");
    }
    for at in 0..bytes.len() {
        let mut altered = bytes.clone();
        altered[at] ^= 0x10;
        assert!(AdvisoryIndex::from_bytes(altered, &by_id).is_err(), "{at}");
    }
    let mut longer = bytes;
    longer.push(0);
    assert!(AdvisoryIndex::from_bytes(longer, &by_id).is_err());
}

#[test]
fn the_later_record_is_authoritative() {
    let later = Timestamp::parse("2026-01-01T00:00:00Z").unwrap();
    let back = |modified| {
        let taken = |advisory: &mut Advisory| {
            advisory.withdrawn = true;
            advisory.modified = modified;
        };
        let withdrawn = changed("GHSA-35jh-r3h4-6jhm", taken);
        let (old, new) = (index_of(&known()), index_of(&withdrawn));
        assert!(!new.is_affected(NPM, "lodash", "4.17.20", &semver));
        // Old over new and new over old, as records and as indexes.
        let mut revisions = Vec::new();
        for (first, second) in [(&old, &new), (&new, &old)] {
            let mut builder = IndexBuilder::new(&normalise);
            builder.add_index(first);
            builder.add_index(second);
            let merged = builder.finish().unwrap();
            revisions
                .push((merged.is_affected(NPM, "lodash", "4.17.20", &semver), merged.revision().to_owned()));
        }
        let all: Vec<Advisory> = known().into_iter().chain(withdrawn).collect();
        assert_eq!(index_of(&all).revision(), revisions[0].1);
        revisions.into_iter().map(|(affected, _)| affected).collect::<Vec<_>>()
    };
    assert_eq!(back(Some(later)), [false, false], "a withdrawal outlives an older copy from another source");
    assert_eq!(back(None), [true, true], "a withdrawal without a date is older than the record");
}

#[test]
fn the_revision_is_of_the_content() {
    let index = index_of(&known());
    let backwards: Vec<Advisory> = known().into_iter().rev().collect();
    assert_eq!(index_of(&backwards).to_bytes(), index.to_bytes());
    let mut merged = IndexBuilder::new(&normalise);
    merged.add_index(&index);
    merged.add_index(&index);
    assert_eq!(merged.finish().unwrap().to_bytes(), index.to_bytes());
    let other = changed("MAL-2025-46974", |advisory| advisory.affected[0].versions = vec!["4.4.3".into()]);
    assert_ne!(index_of(&other).revision(), index.revision());
}

#[test]
fn changed_packages_are_named() {
    let old = index_of(&known());
    let new =
        index_of(&changed("MAL-2025-46974", |advisory| advisory.affected[0].versions.push("4.4.3".into())));
    assert_eq!(new.changed_since(&old), [(NPM, "debug".to_owned())]);
    assert_eq!(old.changed_since(&new), [(NPM, "debug".to_owned())]);
    assert_eq!(old.changed_since(&old), []);
    let fewer: Vec<Advisory> =
        known().into_iter().filter(|advisory| !advisory.id.starts_with("PYSEC")).collect();
    assert_eq!(index_of(&fewer).changed_since(&old), [(PYPI, "requests".to_owned())]);
    assert_eq!(AdvisoryIndex::empty().changed_since(&old).len(), old.packages());
    assert_eq!(old.changed_since(&AdvisoryIndex::empty()).len(), old.packages());
}

proptest! {
    /// Damage that even the digest agrees with: refused, or harmless.
    #[test]
    fn a_broken_structure_never_panics(edits in prop::collection::vec((any::<Index>(), any::<u8>()), 1..6), cut in any::<Index>()) {
        let mut bytes = index_of(&known()).to_bytes().to_vec();
        for (at, byte) in edits {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if cut.index(3) == 0 {
            bytes.truncate(cut.index(bytes.len()));
        }
        if let Ok(index) = AdvisoryIndex::seal(bytes, &by_id) {
            for (ecosystem, key) in [(NPM, "chalk"), (NPM, "colors"), (PYPI, "requests"), (CARGO, "smallvec")] {
                let _ = index.matches(ecosystem, key, "1.0.0", &semver);
                let _ = index.is_affected(ecosystem, key, "1.0.0", &semver);
            }
        }
    }
}
