//! Looking into wheels and source distributions.

use super::*;
use crate::Inspection;
use crate::pypi::zip_shape;
use flate2::{Compression, write::GzEncoder};
use lazaret_vocabulary::{Artifact, Release};
use std::io::{Cursor, Write as _};

const METADATA: &str = "Metadata-Version: 2.4\r\nName: Acme_Tools\r\nVersion: 1.0.0\r\nSummary: Tools\r\n\
    License-Expression: MIT\r\nRequires-Dist: idna>=2\r\nDescription: one\r\n  two\r\n\r\nName: body\r\n";

type Entry<'a> = (&'a str, &'a [u8]);

pub(super) fn zip(entries: &[Entry<'_>]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default();
    for (name, bytes) in entries {
        writer.start_file(*name, options).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

pub(super) fn tar_gz(entries: &[Entry<'_>]) -> Vec<u8> {
    let mut builder = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    for (name, bytes) in entries {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        // Set by hand, since the crate refuses what a hostile archive holds.
        header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
        header.set_cksum();
        builder.append(&header, *bytes).unwrap();
    }
    builder.into_inner().unwrap().finish().unwrap()
}

pub(super) fn wheel(metadata: &str) -> Vec<u8> {
    zip(&[
        ("acme_tools/__init__.py", b"x = 1"),
        ("acme_tools-1.0.dist-info/METADATA", metadata.as_bytes()),
        ("acme_tools-1.0.dist-info/WHEEL", b"Wheel-Version: 1.0"),
        ("acme_tools-1.0.dist-info/RECORD", b""),
    ])
}

pub(super) fn sdist(metadata: &str) -> Vec<u8> {
    tar_gz(&[("acme_tools-1.0/setup.py", b""), ("acme_tools-1.0/PKG-INFO", metadata.as_bytes())])
}

fn inspect(file: &str, bytes: &[u8]) -> Result<Inspection, Malformed> {
    let artifact = Artifact { file: file.into(), url: "".into(), digests: Vec::new(), size_bytes: None };
    let release = Release { version: "1.0".into(), install_script: Some(true), ..Release::default() };
    Pypi.inspect(&release, &package("acme-tools"), &artifact, &mut Cursor::new(bytes))
}

const WHEEL: &str = "acme_tools-1.0-py3-none-any.whl";
const SDIST: &str = "acme_tools-1.0.tar.gz";

#[test]
fn a_sound_wheel_gives_its_metadata() {
    let inspection = inspect(WHEEL, &wheel(METADATA)).unwrap();
    assert_eq!(inspection.disagreements, Vec::<String>::new());
    assert_eq!(inspection.install_script, Some(false));
    assert_eq!(inspection.licence.as_deref(), Some("MIT"));
    assert_eq!(inspection.extras, [(Part::Metadata, METADATA.into())]);
}

#[test]
fn a_sound_source_distribution_is_read() {
    let inspection = inspect(SDIST, &sdist(METADATA)).unwrap();
    assert_eq!((inspection.disagreements.len(), inspection.install_script), (0, Some(true)));
    assert_eq!(inspection.licence.as_deref(), Some("MIT"));
    assert!(inspection.extras.is_empty());
    let zipped = zip(&[("acme_tools-1.0/PKG-INFO", METADATA.as_bytes())]);
    assert!(inspect("acme_tools-1.0.zip", &zipped).unwrap().disagreements.is_empty());
    // Those of the past had none, and kinds that nobody takes are let be.
    assert!(inspect(SDIST, &tar_gz(&[("acme_tools-1.0/setup.py", b"")])).unwrap().disagreements.is_empty());
    assert!(inspect("acme_tools-1.0.win32.exe", b"MZ").unwrap().disagreements.is_empty());
}

#[test]
fn metadata_that_speaks_of_another_release_is_told() {
    for (from, to, wanted) in [
        ("Acme_Tools", "acme-billing", "project is `acme-billing`"),
        ("1.0.0", "1.0.1", "version is `1.0.1`"),
        ("Name: Acme_Tools\r\n", "", "does not name exactly one project"),
        ("Version: 1.0.0\r\n", "Version: 1.0\r\nVersion: 2.0\r\n", "does not name exactly one version"),
    ] {
        let metadata = METADATA.replace(from, to);
        for (file, bytes) in [(WHEEL, wheel(&metadata)), (SDIST, sdist(&metadata))] {
            let inspection = inspect(file, &bytes).unwrap();
            assert!(inspection.disagreements.iter().any(|line| line.contains(wanted)), "{file} {wanted}");
            assert!(inspection.extras.is_empty(), "{file} {wanted}");
        }
    }
}

#[test]
fn a_wheel_needs_its_parts_once() {
    let info = |name: &str| format!("acme_tools-1.0.dist-info/{name}");
    let (metadata, wheel, record) = (info("METADATA"), info("WHEEL"), info("RECORD"));
    let text = METADATA.as_bytes();
    for (entries, wanted) in [
        (vec![("a.py", &b""[..])], "0 `.dist-info` folders"),
        (vec![(wheel.as_str(), b""), (record.as_str(), b"")], "no METADATA"),
        (vec![(metadata.as_str(), text), (record.as_str(), b"")], "no WHEEL"),
        (vec![(metadata.as_str(), text), (wheel.as_str(), b"")], "no RECORD"),
        (vec![(metadata.as_str(), text), ("other-1.0.dist-info/METADATA", text)], "2 `.dist-info` folders"),
        (
            vec![
                (metadata.as_str(), text),
                (wheel.as_str(), b""),
                (record.as_str(), b""),
                ("../../x.py", b""),
            ],
            "written outside its folder",
        ),
        (
            vec![(metadata.as_str(), text), (wheel.as_str(), b""), (record.as_str(), b""), ("/etc/x", b"")],
            "written outside its folder",
        ),
    ] {
        let inspection = inspect(WHEEL, &zip(&entries)).unwrap();
        assert!(
            inspection.disagreements.iter().any(|line| line.contains(wanted)),
            "{wanted}: {inspection:?}"
        );
        assert!(inspection.extras.is_empty(), "{wanted}");
    }
    let twice = tar_gz(&[("a-1/PKG-INFO", METADATA.as_bytes()), ("b-1/PKG-INFO", METADATA.as_bytes())]);
    assert!(inspect(SDIST, &twice).unwrap().disagreements[0].contains("two PKG-INFO"));
    let out = tar_gz(&[("../x", b""), ("acme_tools-1.0/PKG-INFO", METADATA.as_bytes())]);
    assert!(inspect(SDIST, &out).unwrap().disagreements[0].contains("outside"));
}

#[test]
fn code_that_runs_at_each_start_is_told() {
    let with = |name: &str, bytes: &[u8]| {
        let info = "acme_tools-1.0.dist-info";
        zip(&[
            (name, bytes),
            (&format!("{info}/METADATA"), METADATA.as_bytes()),
            (&format!("{info}/WHEEL"), b""),
            (&format!("{info}/RECORD"), b""),
        ])
    };
    for (name, bytes, wanted) in [
        ("acme.pth", &b"import os; os.system('x')"[..], true),
        ("acme_tools-1.0.data/purelib/acme.pth", b"x\nimport\tos", true),
        ("acme.pth", b"./folder\n# import os", false),
        ("acme/test.pth", b"import os", false),
    ] {
        let inspection = inspect(WHEEL, &with(name, bytes)).unwrap();
        assert_eq!(inspection.install_script, Some(wanted), "{name} {}", String::from_utf8_lossy(bytes));
    }
}

/// Offset of the first header of this kind behind `from`.
fn find(bytes: &[u8], signature: &[u8; 4], from: usize) -> usize {
    from + bytes[from..].windows(4).position(|window| window == signature).unwrap()
}

#[test]
fn archives_that_read_two_ways_are_told() {
    let sound = wheel(METADATA);
    let look =
        |bytes: Vec<u8>| zip_shape::look(&mut Cursor::new(bytes)).map(|shape| shape.complaints.join("; "));
    assert_eq!(look(sound.clone()).unwrap(), "");
    assert_eq!(look(zip(&[])).unwrap(), "");
    let local = find(&sound, b"PK\x03\x04", 1);
    let directory = find(&sound, b"PK\x01\x02", 0);

    // The header before the file names another than the directory.
    let mut renamed = sound.clone();
    renamed[local + 30] = b'x';
    assert!(look(renamed).unwrap().contains("says something else"));

    // Both directory entries name the same file.
    let mut doubled = zip(&[("same-a", b"1"), ("same-b", b"2")]);
    let second = find(&doubled, b"PK\x01\x02", find(&doubled, b"PK\x01\x02", 0) + 1);
    doubled[second + 46 + 5] = b'a';
    let told = look(doubled).unwrap();
    assert!(told.contains("`same-a` twice"), "{told}");

    // A file that only readers of the stream find.
    let mut hidden = sound.clone();
    hidden.splice(directory..directory, zip(&[("hidden.py", b"evil")]).into_iter().take(45));
    let end = hidden.len() - 22;
    let moved = (directory as u32 + 45).to_le_bytes();
    hidden[end + 16..end + 20].copy_from_slice(&moved);
    assert!(look(hidden).unwrap().contains("does not list"));

    // Two ends: the comment of the first is a second one, for an archive of its own.
    let inner = zip(&[]);
    let mut two = zip(&[("a.py", b"1")]);
    let end = two.len() - 22;
    two[end + 20] = 22;
    two.extend(inner);
    let told = look(two).map_err(|error| error.to_string());
    assert!(told.as_ref().is_err_and(|error| error.contains("not where its end says")), "{told:?}");

    // Bytes before, bytes behind, bytes missing.
    let mut before = b"#!/bin/sh\n".to_vec();
    before.extend(&sound);
    assert!(look(before).is_err());
    let mut behind = sound.clone();
    behind.push(0);
    assert!(look(behind).is_err());
    assert!(look(sound[..sound.len() - 1].to_vec()).is_err());
    assert!(look(Vec::new()).is_err());
}

#[test]
fn a_bomb_is_not_inflated() {
    let zeros = vec![b'\n'; 64 << 20];
    let mut metadata = METADATA.replace("\r\n\r\nName: body", "\r\n\r\n").into_bytes();
    metadata.extend(zeros);
    let entries = [
        ("acme_tools-1.0.dist-info/METADATA", metadata.as_slice()),
        ("acme_tools-1.0.dist-info/WHEEL", b""),
        ("acme_tools-1.0.dist-info/RECORD", b""),
    ];
    let inspection = inspect(WHEEL, &zip(&entries)).unwrap();
    assert!(inspection.extras.is_empty() && inspection.disagreements.is_empty());
}

#[test]
fn names_in_a_tar_are_those_that_clients_see() {
    let mut builder = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    let mut add = |path: &str, bytes: &[u8]| {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        builder.append_data(&mut header, path, bytes).unwrap();
    };
    add(&format!("acme_tools-1.0/{}", "x".repeat(150)), b"");
    add("acme_tools-1.0/PKG-INFO", METADATA.as_bytes());
    let long = builder.into_inner().unwrap().finish().unwrap();
    assert_eq!(inspect(SDIST, &long).unwrap().licence.as_deref(), Some("MIT"));

    let renaming = |records: &[(&str, &[u8])]| {
        let mut builder = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
        builder.append_pax_extensions(records.iter().copied()).unwrap();
        let mut header = tar::Header::new_ustar();
        header.set_path("acme_tools-1.0/innocent").unwrap();
        header.set_size(METADATA.len() as u64);
        header.set_cksum();
        builder.append(&header, METADATA.replace("1.0.0", "6.6.6").as_bytes()).unwrap();
        builder.into_inner().unwrap().finish().unwrap()
    };
    let renamed = renaming(&[("path", b"acme_tools-1.0/PKG-INFO")]);
    assert!(inspect(SDIST, &renamed).unwrap().disagreements[0].contains("6.6.6"));
    assert!(inspect(SDIST, &renaming(&[("size", b"0")])).is_err());
}

proptest! {
    #[test]
    fn a_damaged_archive_is_read_or_refused(
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
        cut in any::<bool>(),
    ) {
        for (file, bytes) in [(WHEEL, wheel(METADATA)), (SDIST, sdist(METADATA)), ("acme_tools-1.0.zip", wheel(METADATA))] {
            let mut bytes = bytes;
            let place = at.index(bytes.len());
            if cut { bytes.truncate(place) } else { bytes[place] ^= byte }
            if let Ok(inspection) = inspect(file, &bytes) {
                prop_assert!(inspection.extras.is_empty() || inspection.disagreements.is_empty());
            }
        }
    }

    #[test]
    fn any_bytes_are_read_or_refused(mut bytes in prop::collection::vec(any::<u8>(), 0..200), end in any::<bool>()) {
        if end {
            bytes.extend(b"PK\x05\x06\0\0\0\0\x01\0\x01\0");
            bytes.extend([7, 0, 0, 0, 1, 0, 0, 0, 0, 0]);
        }
        let _ = inspect(WHEEL, &bytes);
        let _ = inspect(SDIST, &bytes);
    }
}
