use super::super::{dates, inspect};
use super::*;
use crate::Inspection;
use flate2::write::GzEncoder;
use lazaret_vocabulary::{Artifact, Malformed, Release};
use proptest::prelude::*;
use std::io::{Cursor, Write as _};
use tar::{Builder, EntryType, Header};

pub(super) const FILE: &str = "debian/pool/main/l/left-tools/left-tools_1.0-2_amd64.deb";

fn look(name: &str, version: &str, file: &str, bytes: &[u8]) -> Result<Inspection, Malformed> {
    let release = Release { version: version.into(), ..Release::default() };
    let artifact = Artifact { file: file.into(), url: "".into(), digests: Vec::new(), size_bytes: None };
    inspect::inspect(&release, &package(name), &artifact, &mut Cursor::new(bytes))
}

/// A tar archive of these entries.
pub(super) fn tar(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = Builder::new(Vec::new());
    for (path, bytes) in entries {
        let mut header = Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        builder.append_data(&mut header, path, *bytes).unwrap();
    }
    builder.into_inner().unwrap()
}

pub(super) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// An `ar` archive of these members.
pub(super) fn ar(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = b"!<arch>\n".to_vec();
    for (name, bytes) in members {
        writeln!(
            archive,
            "{name:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`",
            1_700_000_000,
            0,
            0,
            100_644,
            bytes.len()
        )
        .unwrap();
        archive.extend_from_slice(bytes);
        if bytes.len() % 2 == 1 {
            archive.push(b'\n');
        }
    }
    archive
}

/// A binary package with this control file and these further files.
pub(super) fn deb(control: &str, more: &[(&str, &[u8])], data: &[(&str, &[u8])]) -> Vec<u8> {
    let mut entries: Vec<(&str, &[u8])> = vec![("control", control.as_bytes())];
    entries.extend_from_slice(more);
    ar(&[("debian-binary", b"2.0\n"), ("control.tar.gz", &gzip(&tar(&entries))), ("data.tar", &tar(data))])
}

pub(super) const CONTROL: &str =
    "Package: left-tools\nVersion: 1:1.0-2\nArchitecture: amd64\nMaintainer: Ada\nDescription: pads\n more\n";

#[test]
fn packages_tell_of_themselves() {
    for kind in ["xz", "gz", "zst"] {
        let told = look("left-tools", "1:1.0-2", FILE, &corpus(&format!("package.{kind}.deb"))).unwrap();
        assert_eq!(told.disagreements, Vec::<String>::new(), "{kind}");
        assert_eq!(told.published.unwrap().to_string(), "2023-11-14T22:13:20Z", "{kind}");
        assert_eq!(told.claimed.unwrap().to_string(), "2023-11-14T22:13:20Z", "{kind}");
        assert_eq!(told.licence.as_deref(), Some("GPL-2.0-or-later AND (MIT OR Artistic-1.0)"), "{kind}");
        assert_eq!(told.install_script, Some(kind != "zst"), "{kind}");
    }
}

#[test]
fn a_package_that_is_another_than_listed_is_told() {
    let bytes = corpus("package.xz.deb");
    let table = [
        ("left-tools", "1:1.0-3", FILE),
        ("right-tools", "1:1.0-2", "debian/pool/main/r/right-tools/left-tools_1.0-2_amd64.deb"),
        ("left-tools", "1:1.0-2", "debian/pool/main/l/left-tools/left-tools_1.1-2_amd64.deb"),
        ("left-tools", "1:1.0-2", "debian/pool/main/l/left-tools/left-tools_1.0-2_arm64.deb"),
        ("left-tools", "1:1.0-2", "debian/pool/main/l/left-tools/openssl_1.0-2_amd64.deb"),
        ("left-tools", "2", "flat/left-tools_1.0-2_amd64.deb"),
    ];
    for (name, version, file) in table {
        let told = look(name, version, file, &bytes).unwrap();
        assert_eq!(told.disagreements.len(), 1, "{file}: {:?}", told.disagreements);
    }
    assert!(
        look("left-tools", "1:1.0-2", "flat/left-tools_1.0-2_amd64_0123.deb", &bytes)
            .unwrap()
            .disagreements
            .is_empty()
    );
}

#[test]
fn a_library_belongs_to_its_source() {
    let control = CONTROL.replace("left-tools", "libleft0").replace("1:1.0-2", "1.0-2+b1")
        + "Source: left-tools (1:1.0-2)\n";
    let file = "debian/pool/main/l/left-tools/libleft0_1.0-2+b1_amd64.deb";
    let changelog = corpus("changelog");
    let data: &[(&str, &[u8])] = &[("usr/share/doc/libleft0/changelog.Debian.gz", &gzip(&changelog))];
    let told = look("left-tools", "1:1.0-2", file, &deb(&control, &[], data)).unwrap();
    assert!(told.disagreements.is_empty(), "{:?}", told.disagreements);
    assert!(told.published.is_some() && told.licence.is_none() && told.install_script == Some(false));
    // Without a changelog of its own it has the date with which it was put together.
    let shared = look("left-tools", "1:1.0-2", file, &deb(&control, &[], &[])).unwrap();
    assert_eq!(shared.published, dates::from_seconds(1_700_000_000));
    // An entry about another version says nothing about this one.
    let told = look("left-tools", "1:1.0-3", file, &deb(&control, &[], data)).unwrap();
    assert_eq!(told.published, None);
}

#[test]
fn a_signed_kernel_is_the_kernel() {
    let control = CONTROL.replace("left-tools", "linux-image-x").replace("1:1.0-2", "6.1-2")
        + "Source: linux-signed-amd64 (6.1+2)\n";
    let file = "debian/pool/main/l/linux-signed-amd64/linux-image-x_6.1-2_amd64.deb";
    let changelog = b"linux-signed-amd64 (6.1+2) sid; urgency=low\n\n  * Sign.\n\n -- A <a>  Sun, 01 Jan 2023 00:00:00 +0000\n";
    let data: &[(&str, &[u8])] = &[("usr/share/doc/linux-image-x/changelog.gz", &gzip(changelog))];
    let told = look("linux", "6.1-2", file, &deb(&control, &[], data)).unwrap();
    assert!(told.disagreements.is_empty() && told.published.is_some(), "{:?}", told.disagreements);
}

#[test]
fn what_dpkg_might_read_otherwise_is_told() {
    let two = deb(CONTROL, &[("control", b"Package: other\n")], &[]);
    let second = deb(&format!("{CONTROL}\nPackage: other\n"), &[], &[]);
    let mut builder = Builder::new(Vec::new());
    let mut header = Header::new_gnu();
    header.set_entry_type(EntryType::GNULongName);
    header.set_size(8);
    builder.append_data(&mut header, "././@LongLink", &b"control\0"[..]).unwrap();
    let mut header = Header::new_gnu();
    header.set_size(CONTROL.len() as u64);
    builder.append_data(&mut header, "control", CONTROL.as_bytes()).unwrap();
    let long = builder.into_inner().unwrap();
    let long = ar(&[("debian-binary", b"2.0\n"), ("control.tar", &long), ("data.tar", &tar(&[]))]);
    for bytes in [two, second, long] {
        assert_eq!(look("left-tools", "1:1.0-2", FILE, &bytes).unwrap().disagreements.len(), 1);
    }
}

#[test]
fn what_is_no_package_is_refused() {
    let control = gzip(&tar(&[("control", CONTROL.as_bytes())]));
    let data = tar(&[]);
    let mut reaching = ar(&[("debian-binary", b"2.0\n"), ("control.tar.gz", &control), ("data.tar", &data)]);
    reaching.truncate(reaching.len() - 600);
    let table: Vec<Vec<u8>> = vec![
        Vec::new(),
        b"!<arch>\n".to_vec(),
        b"PK\x03\x04".to_vec(),
        ar(&[("control.tar.gz", &control), ("debian-binary", b"2.0\n"), ("data.tar", &data)]),
        ar(&[("debian-binary", b"2.0\n"), ("data.tar", &data), ("control.tar.gz", &control)]),
        ar(&[("debian-binary", b"3.0\n"), ("control.tar.gz", &control), ("data.tar", &data)]),
        ar(&[("debian-binary", b"2.0\n"), ("control.tar.gz", &control)]),
        ar(&[("debian-binary", b"2.0\n"), ("evil", b""), ("control.tar.gz", &control), ("data.tar", &data)]),
        ar(&[("debian-binary", b"2.0\n"), ("control.tar.gz", b"\x1f\x8b"), ("data.tar", &data)]),
        deb("Version: 1\n", &[], &[]),
        deb("Package: a\nPackage: b\nVersion: 1\nArchitecture: all\n", &[], &[]),
        reaching,
    ];
    for (at, bytes) in table.iter().enumerate() {
        assert!(look("left-tools", "1:1.0-2", FILE, bytes).is_err(), "{at}");
    }
    let underscore = ar(&[
        ("debian-binary", b"2.0\n"),
        ("_gpgorigin", b"x"),
        ("control.tar.gz", &control),
        ("data.tar", &data),
    ]);
    assert!(look("left-tools", "1:1.0-2", FILE, &underscore).is_ok());
    // A broken data archive is dpkg's to refuse; only the outer one tells a date.
    let broken =
        ar(&[("debian-binary", b"2.0\n"), ("control.tar.gz", &control), ("data.tar.xz", b"\xfd7zXZ\0")]);
    let told = look("left-tools", "1:1.0-2", FILE, &broken).unwrap();
    assert_eq!((told.published, told.licence), (told.claimed, None));
}

#[test]
fn source_packages_tell_too() {
    let (changelog, copyright) = (corpus("changelog"), corpus("copyright"));
    for (file, folder) in [
        ("debian/pool/main/l/left-tools/left-tools_1.0-2.debian.tar.gz", ""),
        ("debian/pool/main/l/left-tools/left-tools_1.0.tar.gz", "left-tools-1.0/"),
    ] {
        assert!(inspect::tells(file));
        let (one, other) = (format!("{folder}debian/changelog"), format!("{folder}debian/copyright"));
        let bytes = gzip(&tar(&[("README", b"x"), (&one, &changelog), (&other, &copyright)]));
        let told = look("left-tools", "1:1.0-2", file, &bytes).unwrap();
        assert!(told.published.is_some() && told.licence.is_some(), "{file}");
    }
    assert!(!inspect::tells("debian/pool/main/l/left-tools/left-tools_1.0.orig.tar.xz"));
    let file = "debian/pool/main/l/left-tools/left-tools_1.0-2.dsc";
    assert!(look("left-tools", "1:1.0-2", file, &corpus("left-tools.dsc")).unwrap().disagreements.is_empty());
    assert_eq!(
        look("left-tools", "1:1.0-1", file, &corpus("left-tools.dsc")).unwrap().disagreements.len(),
        1
    );
    assert!(look("left-tools", "1:1.0-1", file, b"nothing").is_err());
}

proptest! {
    #[test]
    fn any_damaged_package_is_survived(
        kind in prop::sample::select(vec!["xz", "gz", "zst"]),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..5),
    ) {
        let mut bytes = corpus(&format!("package.{kind}.deb"));
        for (at, byte) in damage {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        let _ = look("left-tools", "1:1.0-2", FILE, &bytes);
    }
}
