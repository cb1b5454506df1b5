use super::super::compression::{Compression, decompressed};
use super::super::stanza::Stanzas;
use super::super::{changelog, copyright, dates, lockfile, sources};
use super::*;
use crate::Relaying;
use bzip2::write::BzEncoder;
use flate2::write::GzEncoder;
use lazaret_vocabulary::Malformed;
use proptest::prelude::*;
use ruzstd::encoding::{CompressionLevel, compress_to_vec};
use std::io::{Read, Write as _};

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn bzip2(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = BzEncoder::new(Vec::new(), bzip2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    compress_to_vec(bytes, CompressionLevel::Fastest)
}

fn read(bytes: &[u8], limit: u64) -> Result<Vec<u8>, String> {
    let mut read = Vec::new();
    let mut reader = decompressed(bytes, limit).map_err(|error| error.to_string())?;
    reader.read_to_end(&mut read).map_err(|error| error.to_string())?;
    Ok(read)
}

#[test]
fn an_index_lists_what_it_vouches_for() {
    let found = relay::members("debian", &corpus("Packages")).unwrap();
    let told: Vec<String> = found
        .iter()
        .map(|member| {
            let version = member.version.as_deref().unwrap();
            format!("{} {version} {} {}", member.package, member.artifact.file, member.artifact.url)
        })
        .collect();
    assert_eq!(
        told,
        [
            "left-tools 1:1.0-2 debian/pool/main/l/left-tools/left-tools_1.0-2_amd64.deb @debian/pool/main/l/left-tools/left-tools_1.0-2_amd64.deb",
            "left-tools 1:1.0-2 debian/pool/main/l/left-tools/libleft0_1.0-2+b1_amd64.deb @debian/pool/main/l/left-tools/libleft0_1.0-2+b1_amd64.deb",
            "libpad++ 2:0.3~rc1-1 debian/pool/main/libp/libpad++/libpad++-dev_0.3~rc1-1_all.deb @debian/pool/main/libp/libpad++/libpad++-dev_0.3~rc1-1_all.deb",
            "vendor-tool 7.2 debian/binaries/vendor-tool_7.2_amd64_0123abcd.deb @debian/binaries/vendor-tool_7.2_amd64_0123abcd.deb",
        ]
    );
    let found = relay::members("debian", &corpus("Sources")).unwrap();
    assert_eq!(found.len(), 3);
    assert!(
        found
            .iter()
            .all(|member| member.package == package("left-tools") && member.artifact.size_bytes == Some(0))
    );
}

#[test]
fn a_signed_kernel_is_the_kernel() {
    let path = "pool/main/l/linux-signed-amd64/linux-image-6.1.0-56-amd64_6.1.192-2_amd64.deb";
    let text = format!(
        "Package: linux-image-6.1.0-56-amd64\nSource: linux-signed-amd64 (6.1.192+2)\nVersion: 6.1.192-2\n\
         Filename: {path}\nSHA256: {EMPTY}\n"
    );
    let found = members(&text);
    assert_eq!((&found[0].package, found[0].version.as_deref()), (&package("linux"), Some("6.1.192-2")));
    assert_eq!(told(get(&format!("/debian/{path}"))), format!("file linux debian/{path}"));
    let locked = lockfile::read("dpkg.list", b"linux-signed-amd64 6.1.192+2\n").unwrap().unwrap();
    assert_eq!((&locked[0].package, locked[0].version.as_str()), (&package("linux"), "6.1.192-2"));
    let status = b"Package: linux-image-x\nSource: linux-signed-amd64 (6.1.192+2)\nVersion: 6.1.192-2\n";
    let locked = lockfile::read("dpkg.status", status).unwrap().unwrap();
    assert_eq!((&locked[0].package, locked[0].version.as_str()), (&package("linux"), "6.1.192-2"));
}

#[test]
fn every_compression_is_read() {
    let plain = corpus("Packages");
    for packed in [gzip(&plain), bzip2(&plain), zstd(&plain)] {
        assert_ne!(Compression::of(&packed), Compression::Plain);
        assert_eq!(relay::members("a", &packed).unwrap().len(), 4);
        let twice = [packed.clone(), packed.clone()].concat();
        assert_eq!(read(&twice, 1 << 20).unwrap(), [plain.clone(), plain.clone()].concat());
        assert!(read(&packed, 100).unwrap_err().contains("larger"));
        assert!(read(&packed[..packed.len() - 9], 1 << 20).is_err());
    }
}

#[test]
fn a_dictionary_that_fills_memory_is_refused() {
    // A stream's head, and a block's head that asks for a dictionary of 4 GiB - 1.
    let mut bytes = vec![0xfd, b'7', b'z', b'X', b'Z', 0, 0, 1, 0x69, 0x22, 0xde, 0x36];
    let head = [0x02, 0x00, 0x21, 0x01, 40, 0, 0, 0];
    let mut check = flate2::Crc::new();
    check.update(&head);
    bytes.extend(head);
    bytes.extend(check.sum().to_le_bytes());
    bytes.extend([0; 64]);
    let error = read(&bytes, 1 << 30).unwrap_err();
    assert!(error.to_lowercase().contains("memory"), "{error}");
    // A zstd frame with a window of 2 GiB.
    assert!(read(&[0x28, 0xb5, 0x2f, 0xfd, 0x00, 0xa8, 1, 0, 0], 1 << 30).is_err());
}

#[test]
fn what_does_not_say_enough_is_not_vouched_for() {
    let sha = format!("SHA256: {EMPTY}\n");
    for stanza in [
        "Package: a\nVersion: 1\nFilename: pool/a.deb\n".to_owned(),
        format!("Package: a\nFilename: pool/a.deb\n{sha}"),
        format!("Package: a\nVersion: 1\nVersion: 2\nFilename: pool/a.deb\n{sha}"),
        format!("Package: a\nVersion: 1\nFilename: pool/a.deb\nFilename: pool/b.deb\n{sha}"),
        format!("Package: a\nVersion: 1\nFilename: ../a.deb\n{sha}"),
        format!("Package: a\nVersion: 1\nFilename: /etc/a.deb\n{sha}"),
        format!("Package: a\nVersion: 1\nFilename: pool//a.deb\n{sha}"),
        format!("Package: a\nVersion: 1\nFilename: http://registry.example/a.deb\n{sha}"),
        format!("Package: a\nVersion: 1 2\nFilename: pool/a.deb\n{sha}"),
        format!("Package: a\nVersion: {}\nFilename: pool/a.deb\n{sha}", "1".repeat(300)),
        "Package: a\nVersion: 1\nFilename: pool/a.deb\nSHA256: zz\n".to_owned(),
        format!("Package: a\nVersion: 1\nFilename: pool/ä b.deb\n{sha}"),
    ] {
        assert_eq!(members(&stanza), [], "{stanza}");
        // It does not take the next one along.
        let next = format!("{stanza}\nPackage: b\nVersion: 1\nFilename: pool/b.deb\n{sha}");
        assert_eq!(members(&next).len(), 1, "{next}");
    }
}

#[test]
fn texts_have_an_end() {
    let endless = format!("Package: a\nDescription: {}", "x".repeat(2 << 20));
    assert!(relay::members("a", endless.as_bytes()).is_err());
    let wide = format!("Package: a\nSource: {}", " x\n".repeat(3 << 20));
    assert!(relay::members("a", wide.as_bytes()).is_err());
    let many = "Package: a\n\n".repeat(300_001);
    assert!(relay::members("a", many.as_bytes()).is_err());
    // Neither a translation nor a list of contents lists files of a pool.
    assert_eq!(members("usr/bin/a  utils/a\n"), []);
    assert_eq!(members("Package: a\nDescription-md5: x\nDescription-en: y\n"), []);
    assert_eq!(members(""), []);
}

fn relayed(key: &str, body: Vec<u8>) -> Result<crate::Relayed, Malformed> {
    let Route::Relay(relay) = get(&format!("/{key}")) else { panic!("{key} is relayed") };
    relay::Signed.relay(&relay, &document(body))
}

#[test]
fn an_index_passes_untouched() {
    let packed = gzip(&corpus("Packages"));
    let passed = relayed("debian/dists/sid/main/binary-amd64/Packages.gz", packed.clone()).unwrap();
    assert_eq!((passed.reply.body.as_ref(), passed.members.len()), (packed.as_slice(), 4));
    // Where the address does not tell, the folder does.
    let hash = ring::digest::digest(&ring::digest::SHA256, &packed);
    let hex: String = hash.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    for (folder, expected) in [("main/binary-amd64", 4), ("main/source", 4), ("main/i18n", 0), ("main", 0)] {
        let key = format!("debian/dists/sid/{folder}/by-hash/SHA256/{hex}");
        assert_eq!(relayed(&key, packed.clone()).unwrap().members.len(), expected, "{folder}");
        assert!(relayed(&key, b"other".to_vec()).is_err());
    }
    assert_eq!(relayed(&format!("flat/by-hash/SHA256/{hex}"), packed).unwrap().members.len(), 4);
    // A signed release is not looked into.
    assert!(relayed("debian/dists/sid/InRelease", vec![0xff; 100]).is_ok());
    assert!(relayed("debian/dists/sid/main/binary-amd64/Packages.gz", vec![0x1f, 0x8b, 8, 0]).is_err());
}

#[test]
fn the_date_of_a_document_goes_on() {
    let Route::Relay(relay) = get("/debian/dists/sid/InRelease") else { panic!("it is relayed") };
    let modified = Some(Timestamp::parse("2026-11-22T09:05:07Z").unwrap());
    let reply = relay::Signed.relay(&relay, &Document { modified, ..document("x") }).unwrap().reply;
    let header = reply.headers.iter().find(|(name, _)| name == "last-modified").unwrap();
    assert_eq!(header.1, "Sun, 22 Nov 2026 09:05:07 GMT");
    // What is on record already is answered alike.
    let again = relay::Signed.reply(&relay, &Document { modified, ..document("x") }).unwrap();
    assert_eq!((again.headers, again.body), (reply.headers, reply.body));
}

#[test]
fn dates_are_read_and_printed() {
    for (text, expected) in [
        ("Tue, 14 Nov 2023 23:13:20 +0100", Some("2023-11-14T22:13:20Z")),
        ("Sun, 1 Jan 2023 00:00:00 +0000", Some("2023-01-01T00:00:00Z")),
        ("01 Jan 2023 9:00:00 GMT", Some("2023-01-01T09:00:00Z")),
        ("Thu, 01 Jan 1970 00:00:00 +0000", None),
        ("Tue, 14 Nov 23 23:13:20 +0100", None),
        ("Tue, 32 Nov 2023 23:13:20 +0100", None),
        ("Tue, 14 Nov 2023 23:13:20 +01", None),
        ("Tue, 14 Nov 2023 23:13:20 ä0100", None),
        ("", None),
    ] {
        assert_eq!(dates::parse(text).map(|date| date.to_string()).as_deref(), expected, "{text}");
    }
    let moment = Timestamp::parse("2024-02-29T01:02:03Z").unwrap();
    assert_eq!(dates::print(moment).unwrap(), "Thu, 29 Feb 2024 01:02:03");
}

#[test]
fn the_newest_entry_of_a_changelog_counts() {
    let entry = changelog::newest(&corpus("changelog")).unwrap();
    assert_eq!((entry.source.as_str(), entry.version.as_str()), ("left-tools", "1:1.0-2"));
    assert_eq!(entry.date.unwrap().to_string(), "2023-11-14T22:13:20Z");
    assert_eq!(changelog::newest(&gzip(&corpus("changelog"))), Some(entry));
    let open = "a (1) x; urgency=low\n\n  * Never ended.\n\na (0) x; urgency=low\n\n -- A <a>  Sun, 01 Jan 2023 00:00:00 +0000\n";
    assert_eq!(changelog::newest(open.as_bytes()).unwrap().date, None);
    for wrong in ["", "Version 1.2\n\n - better\n", "* 2020-01-01 (x)\n"] {
        assert_eq!(changelog::newest(wrong.as_bytes()), None, "{wrong}");
    }
    assert_eq!(changelog::newest(&[0x1f, 0x8b, 1, 2]), None);
}

#[test]
fn licences_become_one_expression() {
    assert_eq!(
        copyright::licence(&corpus("copyright")).unwrap(),
        "GPL-2.0-or-later AND (MIT OR Artistic-1.0)"
    );
    let head = "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n";
    for (written, expected) in [
        ("GPL-3", "GPL-3.0-only"),
        ("LGPL-2.1+", "LGPL-2.1-or-later"),
        ("GFDL-NIV-1.3+", "GFDL-1.3-no-invariants-or-later"),
        ("GPL-2+ with OpenSSL exception", "GPL-2.0-or-later"),
        ("GPL-2+ with Autoconf exception", "GPL-2.0-or-later WITH Autoconf-exception-3.0"),
        ("GPL-2+ or Artistic, and BSD-3-clause", "(GPL-2.0-or-later OR Artistic-1.0) AND BSD-3-Clause"),
        ("GPL-1+ and/or MPL-2.0", "GPL-1.0-or-later OR MPL-2.0"),
        ("public-domain", "LicenseRef-public-domain"),
        ("GPL-3.0-or-later", "GPL-3.0-or-later"),
        ("some (odd) thing", "LicenseRef-some--odd--thing"),
        ("Apache-2.0", "Apache-2.0"),
        ("GPL-2+-or-X11", "GPL-2.0-or-later OR X11"),
        ("GPL-3+-WITH-BISON-EXCEPTION", "GPL-3.0-or-later"),
        ("a+b", "LicenseRef-a-b"),
    ] {
        let text = format!("{head}\nFiles: *\nCopyright: a\nLicense: {written}\n Its text.\n");
        assert_eq!(copyright::licence(text.as_bytes()).as_deref(), Some(expected), "{written}");
    }
    assert_eq!(copyright::licence(format!("{head}License: ISC\n").as_bytes()).as_deref(), Some("ISC"));
    assert_eq!(copyright::licence(b"This package was debianized by hand.\n"), None);
    assert_eq!(copyright::licence(format!("{head}\nFiles: *\nLicense: and\n").as_bytes()), None);
}

#[test]
fn what_is_installed_can_be_checked() {
    let told = |file: &str| {
        let locked = lockfile::read(file, &corpus(file)).unwrap().unwrap();
        locked.iter().map(|one| format!("{} {} {:?}", one.package, one.version, one.line)).collect::<Vec<_>>()
    };
    assert_eq!(
        told("dpkg.list"),
        ["curl 7.88.1-10+deb12u5 Some(2)", "gcc-12 12.2.0-14 Some(3)", "left-tools 1:1.0-2 Some(4)"]
    );
    assert_eq!(told("dpkg.status"), ["left-tools 1:1.0-2 None", "curl 7.88.1-10 None"]);
    assert!(lockfile::read("status", b"").is_none());
    for wrong in ["curl\n", "curl 1 2\n", "c/u/r/l 1\n", "curl x y\n", "curl a_b\n"] {
        assert!(lockfile::read("dpkg.list", wrong.as_bytes()).unwrap().is_err(), "{wrong}");
    }
}

#[test]
fn a_version_can_be_asked_about_and_a_file_cannot() {
    let details = Deb.details().unwrap();
    let need = crate::Need { dates_after: None, details: false, roles: &[] };
    let file = details.main_file(&package("curl"), "1:7.88~rc1-1").unwrap();
    let release = details.unlisted(&package("curl"), &file, &need).unwrap();
    assert!(&*release.version == "1:7.88~rc1-1" && release.prerelease && release.artifacts.is_empty());
    assert_eq!(details.main_file(&package("curl"), "no version"), None);
    for target in ["/debian/pool/main/c/curl/curl_1_all.deb", "/:1/x_1_all.deb", "/:1"] {
        if let Route::Artifact { file, .. } = get(target) {
            assert!(details.unlisted(&package("curl"), &file, &need).is_none(), "{target}");
        }
    }
}

#[test]
fn sources_of_both_forms_are_found() {
    let told = |file: &str| {
        let text = String::from_utf8(corpus(file)).unwrap();
        let found = sources::read(&text).into_iter();
        found.map(|source| format!("{} {}", source.line, source.address)).collect::<Vec<_>>()
    };
    assert_eq!(
        told("sources.list"),
        [
            "2 http://archive.registry.example/debian",
            "3 https://archive.registry.example/debian-security/",
            "5 https://packages.vendor.example/apt",
            "6 cdrom:[Debian",
        ]
    );
    assert_eq!(
        told("debian.sources"),
        [
            "2 http://archive.registry.example/debian",
            "3 https://mirror.registry.example/debian/",
            "9 http://archive.registry.example/debian-security",
        ]
    );
}

proptest! {
    #[test]
    fn any_text_is_read(text in "(Package|Filename|Version|SHA256|Files|License|Format|URIs|deb|Enabled| |:|\n|[a-z0-9/+~.]{1,8}){0,80}") {
        let _ = relay::members("a", text.as_bytes());
        let _ = copyright::licence(text.as_bytes());
        let _ = changelog::newest(text.as_bytes());
        let _ = sources::read(&text);
        let _ = lockfile::read("dpkg.list", text.as_bytes());
        let _ = lockfile::read("dpkg.status", text.as_bytes());
        let mut stanzas = Stanzas::new(text.as_bytes(), &["Package"]);
        while let Ok(Some(_)) = stanzas.next() {}
    }

    #[test]
    fn any_damage_is_survived(at in any::<prop::sample::Index>(), byte in any::<u8>(), kind in 0usize..4) {
        let plain = corpus("Packages");
        let mut packed = match kind { 0 => plain, 1 => gzip(&plain), 2 => bzip2(&plain), _ => zstd(&plain) };
        let at = at.index(packed.len());
        packed[at] = byte;
        let _ = relay::members("a", &packed);
    }
}
