use super::*;

pub(super) fn crate_file(entries: &[(&str, &str)]) -> Vec<u8> {
    let mut archive = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    for (path, content) in entries {
        let mut header = tar::Header::new_gnu();
        // Straight into the field: the builder would refuse the paths that are to be refused here.
        header.as_mut_bytes()[..path.len()].copy_from_slice(path.as_bytes());
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        if let Some(target) = content.strip_prefix("-> ") {
            header.set_entry_type(tar::EntryType::Symlink);
            header.set_link_name(target).unwrap();
            header.set_size(0);
        }
        header.set_cksum();
        let body = if content.starts_with("-> ") { &[] } else { content.as_bytes() };
        archive.append(&header, body).unwrap();
    }
    archive.into_inner().unwrap().finish().unwrap()
}

pub(super) const MANIFEST: &str = "[package]\nname = \"Demo\"\nversion = \"1.0.0\"\nlicense = \"MIT OR Apache-2.0\"\n\
    [dependencies]\nserde = \"1\"\nown = { path = \"..\" }\n[dev-dependencies]\nproptest = \"1\"\n\
    [target.'cfg(unix)'.build-dependencies.renamed]\nversion = \"1\"\npackage = \"cc\"\n";

pub(super) fn demo() -> Release {
    let deps = r#"[{"name":"serde","req":"^1"},{"name":"renamed","package":"cc","req":"^1","kind":"build","target":"cfg(unix)"}]"#;
    read("demo", line("Demo", "1.0.0", "").replace("[]", deps).as_bytes()).unwrap().releases[0].clone()
}

pub(super) fn inspect(bytes: &[u8]) -> Result<Inspection, Malformed> {
    let release = demo();
    Cargo.inspect(&release, &package("demo"), &release.artifacts[0], &mut Cursor::new(bytes))
}

#[test]
fn a_crate_that_agrees_with_the_index_tells_its_facts() {
    let found =
        inspect(&crate_file(&[("Demo-1.0.0/Cargo.toml", MANIFEST), ("Demo-1.0.0/src/lib.rs", "")])).unwrap();
    assert_eq!(found.disagreements, Vec::<String>::new());
    assert_eq!((found.licence.as_deref(), found.install_script), (Some("MIT OR Apache-2.0"), Some(false)));
    let scripted = crate_file(&[("Demo-1.0.0/Cargo.toml", MANIFEST), ("Demo-1.0.0/build.rs", "")]);
    assert_eq!(inspect(&scripted).unwrap().install_script, Some(true));
    let off = MANIFEST.replace("version = \"1.0.0\"", "version = \"1.0.0\"\nbuild = false");
    let switched_off = crate_file(&[("Demo-1.0.0/Cargo.toml", &off), ("Demo-1.0.0/build.rs", "")]);
    assert_eq!(inspect(&switched_off).unwrap().install_script, Some(false));
    let elsewhere = MANIFEST.replace("version = \"1.0.0\"", "version = \"1.0.0\"\nbuild = \"src/b.rs\"");
    assert_eq!(
        inspect(&crate_file(&[("Demo-1.0.0/Cargo.toml", &elsewhere)])).unwrap().install_script,
        Some(true)
    );
}

#[test]
fn a_crate_that_disagrees_with_the_index_is_found_out() {
    let manifest = ("Demo-1.0.0/Cargo.toml", MANIFEST);
    let renamed = MANIFEST.replace("\"Demo\"", "\"Other\"");
    let newer = MANIFEST.replace("1.0.0", "1.0.1");
    let more = MANIFEST.replace("serde = \"1\"", "serde = \"1\"\nevil = \"1\"");
    let fewer = MANIFEST.replace("serde = \"1\"", "");
    let table: &[(&[(&str, &str)], &str)] = &[
        (&[("Demo-1.0.0/Cargo.toml", &renamed)], "says Other 1.0.0"),
        (&[("Demo-1.0.0/Cargo.toml", &newer)], "says Demo 1.0.1"),
        (&[("Demo-1.0.0/Cargo.toml", &more)], "other dependencies than the index: cc, evil, own, serde"),
        (&[("Demo-1.0.0/Cargo.toml", &fewer)], "other dependencies"),
        (&[("Demo-1.0.0/Cargo.toml", "[package")], "cannot be read"),
        (&[("Demo-1.0.0/src/lib.rs", "")], "no Demo-1.0.0/Cargo.toml"),
        (&[manifest, ("Demo-1.0.0/../../etc/x", "")], "outside Demo-1.0.0/"),
        (&[manifest, ("/etc/x", "")], "outside"),
        (&[manifest, ("Other-1.0.0/x", "")], "outside"),
        (&[manifest, ("Demo-1.0.0/x", "-> /etc/passwd")], "is no file"),
        (&[manifest, ("Demo-1.0.0/Cargo.toml", "")], "second"),
        (&[manifest, ("Demo-1.0.0/cargo.toml", MANIFEST)], "second"),
    ];
    for (entries, expected) in table {
        let found = inspect(&crate_file(entries)).unwrap().disagreements;
        assert!(found.iter().any(|text| text.contains(expected)), "{expected}: {found:?}");
    }
    let twice = inspect(&crate_file(&[manifest, manifest])).unwrap().disagreements;
    assert_eq!(twice, Vec::<String>::new(), "the same manifest twice, as in crates of 2015");
    let whole = crate_file(&[manifest]);
    assert!(inspect(&whole[..whole.len() / 2]).is_err());
    assert!(inspect(b"").is_err());
}
