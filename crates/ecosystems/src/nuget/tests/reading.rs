use super::*;
use std::collections::BTreeSet;

fn locked(file: &str, text: &[u8]) -> Vec<(String, String, Option<usize>)> {
    let read = Nuget.lock_file(file, text).unwrap_or_else(|| panic!("{file} is one of ours")).unwrap();
    read.into_iter().map(|one| (one.package.as_str().to_owned(), one.version, one.line)).collect()
}

fn pins(list: &[(&str, &str, usize)]) -> Vec<(String, String, Option<usize>)> {
    list.iter().map(|(id, version, line)| ((*id).to_owned(), (*version).to_owned(), Some(*line))).collect()
}

#[test]
fn every_kind_of_lock_file_is_read() {
    let pair = pins(&[("Left.Pad", "1.1.0", 5), ("Right.Pad", "1.2.0-rc.1", 11)]);
    assert_eq!(locked("packages.lock.json", include_bytes!("../corpus/packages.lock.json")), pair);
    assert_eq!(
        locked("packages.config", include_bytes!("../corpus/packages.config")),
        pins(&[("Left.Pad", "1.1.0", 3), ("Right.Pad", "1.2.0", 4)])
    );
    assert_eq!(
        locked("project.assets.json", include_bytes!("../corpus/project.assets.json")),
        pins(&[("Left.Pad", "1.1.0", 5)])
    );
    assert_eq!(
        locked("Acme.csproj", include_bytes!("../corpus/Acme.csproj")),
        pins(&[("Left.Pad", "1.1.0", 6), ("Right.Pad", "1.2.0", 7)])
    );
    let central = b"<Project><ItemGroup><PackageVersion Include='A;B' Version='1' /><GlobalPackageReference Include='C' Version='[2.0]' /></ItemGroup></Project>";
    assert_eq!(
        locked("Directory.Packages.props", central),
        pins(&[("A", "1.0.0", 1), ("B", "1.0.0", 1), ("C", "2.0.0", 1)])
    );
    assert!(Nuget.lock_file("Cargo.lock", b"").is_none() && Nuget.lock_file("package.json", b"{}").is_none());
}

#[test]
fn what_is_no_lock_file_says_so() {
    for (file, text) in [
        ("packages.lock.json", "[]"),
        ("packages.lock.json", "{}"),
        ("packages.lock.json", r#"{"dependencies": {"net8.0": {"a b": {"resolved": "1.0"}}}}"#),
        ("packages.lock.json", r#"{"dependencies": {"net8.0": {"a": {"resolved": "one"}}}}"#),
        ("packages.config", "<configuration />"),
        ("packages.config", "<packages><package id='a' /></packages>"),
        ("packages.config", "<packages>"),
        ("a.csproj", "<!DOCTYPE x [<!ENTITY e 'x'>]><Project>&e;</Project>"),
        ("a.csproj", "<Projects />"),
        ("project.assets.json", r#"{"libraries": []}"#),
    ] {
        let read = lockfile::read(file, text.as_bytes()).unwrap();
        assert!(read.is_err_and(|error| error.to_string().starts_with(file)), "{file}: {text}");
    }
    assert!(lockfile::read("packages.lock.json", &[0xff]).unwrap().is_err());
}

#[test]
fn xml_is_read_with_bounds() {
    let parse = |text: &str| xml::parse(text.as_bytes(), "it");
    let root = parse("<?xml version='1.0'?><!-- c --><a:R x='1&amp;2'>t<![CDATA[<&]]>&#65;&lt;<b/>u\n</a:R>")
        .unwrap();
    assert_eq!((root.name.as_str(), root.attribute("X"), root.text.as_str()), ("R", Some("1&2"), "t<&A<u"));
    for wrong in [
        "",
        "x",
        "<a>",
        "<a></b>",
        "<a/><b/>",
        "<a>&nope;</a>",
        "<!DOCTYPE a><a/>",
        "<a x=1/>",
        "<a x='1' x='2'/>",
    ] {
        assert!(parse(wrong).is_err(), "{wrong}");
    }
    assert!(parse(&format!("{}{}", "<a>".repeat(65), "</a>".repeat(65))).is_err());
    assert!(parse(&format!("<a>{}</a>", "<b/>".repeat(400_001))).is_err());
    assert!(xml::parse(&vec![b' '; xml::LARGEST + 1], "it").is_err());
    let wide: Vec<u8> =
        [0xff, 0xfe].into_iter().chain("<a>é</a>".encode_utf16().flat_map(u16::to_le_bytes)).collect();
    assert_eq!(xml::parse(&wide, "it").unwrap().text, "é");
}

#[test]
fn a_nuspec_is_read() {
    let read = nuspec::Nuspec::parse(include_bytes!("../corpus/Left.Pad.nuspec")).unwrap();
    assert_eq!((read.package.as_str(), read.normal.as_str()), ("Left.Pad", "1.1.0"));
    assert_eq!(read.licence.as_deref(), Some("MIT"));
    assert_eq!(read.text("description").as_deref(), Some("Pads <left>. & more A"));
    let names: BTreeSet<&str> = read.dependencies.iter().map(|dependency| dependency.id.as_str()).collect();
    assert_eq!(names, BTreeSet::from(["Right.Pad"]));
    assert_eq!(read.targets, [".NETStandard2.0", "net6.0"]);
    let with = |metadata: &str| {
        nuspec::Nuspec::parse(format!("<package><metadata>{metadata}</metadata></package>").as_bytes())
    };
    let old =
        with("<id>a</id><version>1.0</version><dependencies><dependency id='b' /></dependencies>").unwrap();
    assert_eq!((old.dependencies[0].id.as_str(), old.dependencies[0].target.as_str()), ("b", ""));
    for wrong in [
        "",
        "<id>a</id>",
        "<version>1.0</version>",
        "<id>a b</id><version>1.0</version>",
        "<id>a</id><version>one</version>",
        "<id>a</id><id>b</id><version>1.0</version>",
        "<id>a</id><version>1.0</version><dependencies><dependency id='../b' /></dependencies>",
    ] {
        assert!(with(wrong).is_err(), "{wrong}");
    }
    assert!(nuspec::Nuspec::parse(b"<metadata><id>a</id><version>1.0</version></metadata>").is_err());
}
