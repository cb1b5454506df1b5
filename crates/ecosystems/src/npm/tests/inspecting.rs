use super::*;
use crate::Inspection;
use crate::npm::dependencies::{Dependencies, fingerprint};
use crate::npm::inspect;
use flate2::Compression;
use flate2::write::GzEncoder;
use lazaret_vocabulary::{Malformed, Release};
use proptest::prelude::*;
use std::io::{Cursor, Write as _};
use tar::{Builder, Header};

pub(super) fn tar(files: &[(&str, &str)]) -> Vec<u8> {
    let mut builder = Builder::new(Vec::new());
    for (path, content) in files {
        let mut header = Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        // Set by hand: the builder itself would refuse a hostile path.
        header.as_old_mut().name[..path.len()].copy_from_slice(path.as_bytes());
        header.set_cksum();
        builder.append(&header, content.as_bytes()).unwrap();
    }
    builder.into_inner().unwrap()
}

pub(super) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub(super) fn tarball(manifest: &str) -> Vec<u8> {
    gzip(&tar(&[("package/index.js", ""), ("package/package.json", manifest)]))
}

fn release(dependencies: &str, install_script: Option<bool>) -> Release {
    let dependencies = Dependencies { plain: Some(dependencies), ..Dependencies::default() };
    Release {
        version: "1.0.0".into(),
        install_script,
        dependencies: fingerprint(&dependencies),
        ..Release::default()
    }
}

fn look(bytes: Vec<u8>, release: &Release) -> Result<Inspection, Malformed> {
    inspect::inspect(release, &package("left-pad"), &mut Cursor::new(bytes))
}

#[test]
fn an_honest_tarball_agrees() {
    let manifest =
        r#"{"name":"left-pad","version":"v1.0.0","license":{"type":"MIT"},"dependencies":{"a":"^1"}}"#;
    let found = look(tarball(manifest), &release(r#"{"a":"^1"}"#, Some(false))).unwrap();
    assert_eq!(found.disagreements, Vec::<String>::new());
    assert_eq!((found.install_script, found.licence.as_deref()), (Some(false), Some("MIT")));
    // Any folder, a byte order mark, no compression, and the end of a second gzip member.
    let odd =
        tar(&[("./react/lib/package.json", "{}"), ("react/package.json", &format!("\u{feff}{manifest}"))]);
    let plain = look(odd.clone(), &release(r#"{"a":"^1"}"#, Some(false))).unwrap();
    assert_eq!(plain.disagreements, Vec::<String>::new());
    let (one, two) = odd.split_at(700);
    let members = look([gzip(one), gzip(two)].concat(), &release(r#"{"a":"^1"}"#, Some(false))).unwrap();
    assert_eq!(members.disagreements, Vec::<String>::new());
}

#[test]
fn confusion_is_told() {
    let table: [(&str, Option<bool>, &str); 5] = [
        (r#"{"name":"right-pad","version":"1.0.0","dependencies":{"a":"^1"}}"#, None, "calls itself"),
        (r#"{"name":"left-pad","version":"1.0.1","dependencies":{"a":"^1"}}"#, None, "of version `1.0.1`"),
        (r#"{"name":"left-pad","version":"1.0.0","dependencies":{"a":"^1","evil":"*"}}"#, None, "evil"),
        (
            r#"{"name":"left-pad","version":"1.0.0","dependencies":{"a":"^1"},"scripts":{"postinstall":"x"}}"#,
            Some(false),
            "install scripts",
        ),
        ("not json", None, "cannot be read"),
    ];
    for (manifest, script, expected) in table {
        let found = look(tarball(manifest), &release(r#"{"a":"^1"}"#, script)).unwrap();
        let told = found.disagreements.join("; ");
        assert!(found.disagreements.len() == 1 && told.contains(expected), "{manifest}: {told}");
    }
    // An index that does not say whether there are scripts is not contradicted by them.
    let manifest = r#"{"name":"left-pad","version":"1.0.0","scripts":{"install":"x"}}"#;
    let found = look(tarball(manifest), &release("{}", None)).unwrap();
    assert_eq!((found.disagreements.len(), found.install_script), (0, Some(true)));
    let none = look(gzip(&tar(&[("package/x/package.json", manifest)])), &release("{}", None)).unwrap();
    assert!(none.disagreements[0].contains("no package.json"));
}

#[test]
fn a_second_manifest_does_not_hide_behind_the_first() {
    let good = r#"{"name":"left-pad","version":"1.0.0"}"#;
    let evil = r#"{"name":"left-pad","version":"1.0.0","scripts":{"postinstall":"x"}}"#;
    for path in
        ["package/package.json", "other/package.json", "package/Package.json", "package/./package.json"]
    {
        let bytes = gzip(&tar(&[("package/package.json", good), (path, evil)]));
        let found = look(bytes, &release("{}", Some(false))).unwrap();
        assert!(found.disagreements.iter().any(|told| told.contains("differ")), "{path}");
        assert_eq!(found.install_script, Some(true), "{path}");
    }
}

#[test]
fn a_package_that_npm_compiles_runs_code() {
    let manifest = r#"{"name":"left-pad","version":"1.0.0"}"#;
    let bytes = tar(&[("package/package.json", manifest), ("package/binding.gyp", "{}")]);
    let found = look(gzip(&bytes), &release("{}", Some(false))).unwrap();
    assert_eq!((found.disagreements.len(), found.install_script), (0, Some(true)));
    let manifest = r#"{"name":"left-pad","version":"1.0.0","gypfile":false}"#;
    let bytes = tar(&[("package/package.json", manifest), ("package/binding.gyp", "{}")]);
    assert_eq!(look(gzip(&bytes), &release("{}", Some(false))).unwrap().install_script, Some(false));
}

#[test]
fn what_is_no_archive_is_said_to_be_none() {
    let whole = tarball(r#"{"name":"left-pad","version":"1.0.0"}"#);
    for bytes in [Vec::new(), b"x".to_vec(), b"\x1f\x8bnothing".to_vec(), whole[..whole.len() / 2].to_vec()] {
        assert!(look(bytes, &release("{}", None)).is_err());
    }
    let large = format!(r#"{{"name":"left-pad","x":"{}"}}"#, "x".repeat(9 << 20));
    assert!(look(tarball(&large), &release("{}", None)).is_err());
}

proptest! {
    #[test]
    fn no_bytes_make_the_inspection_panic(at in any::<prop::sample::Index>(), byte in any::<u8>(), plain in any::<bool>()) {
        let mut bytes = tar(&[("package/package.json", r#"{"name":"left-pad","version":"1.0.0"}"#)]);
        if !plain {
            bytes = gzip(&bytes);
        }
        let at = at.index(bytes.len());
        bytes[at] = byte;
        let _ = look(bytes, &release("{}", Some(false)));
    }
}
