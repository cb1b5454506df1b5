use super::*;
use lazaret_vocabulary::Artifact;
use zip::write::SimpleFileOptions;

/// A nuspec of `Left.Pad` with further members.
pub(super) fn nuspec_of(id: &str, version: &str, more: &str) -> String {
    format!(
        "<package><metadata><id>{id}</id><version>{version}</version><description>d</description>{more}</metadata></package>"
    )
}

pub(super) fn nupkg(members: &[(&str, &str)]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in members {
        archive.start_file(*name, SimpleFileOptions::default()).unwrap();
        archive.write_all(content.as_bytes()).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

pub(super) fn inspect_as(release: &Release, file: &[u8]) -> Result<Inspection, Malformed> {
    let artifact = Artifact {
        file: format!("left.pad.{}.nupkg", release.version).into(),
        url: "".into(),
        digests: Vec::new(),
        size_bytes: None,
    };
    Nuget.inspect(release, &package("left.pad"), &artifact, &mut Cursor::new(file))
}

pub(super) fn inspect(file: &[u8]) -> Result<Inspection, Malformed> {
    inspect_as(&Release { version: "1.0.0".into(), ..Release::default() }, file)
}

#[test]
fn a_package_that_says_what_the_feed_says() {
    let manifest = nuspec_of("Left.Pad", "1.0", "<license type='expression'>MIT</license>");
    let file =
        nupkg(&[("Left.Pad.nuspec", &manifest), ("lib/net6.0/Left.Pad.dll", "x"), (".signature.p7s", "s")]);
    let found = inspect(&file).unwrap();
    assert!(found.disagreements.is_empty(), "{:?}", found.disagreements);
    assert_eq!((found.install_script, found.licence.as_deref()), (Some(false), Some("MIT")));
    assert_eq!(found.extras, [(Part::Metadata, Bytes::from(manifest))]);
}

#[test]
fn a_licence_file_is_recognised() {
    let manifest = nuspec_of("Left.Pad", "1.0.0", "<license type='file'>docs\\LICENCE.md</license>");
    let told =
        |name: &str, text: &str| inspect(&nupkg(&[("a.nuspec", &manifest), (name, text)])).unwrap().licence;
    let text = "// SPDX-License-Identifier: Apache-2.0\n";
    assert_eq!(told("docs/Licence.md", text).as_deref(), Some("Apache-2.0"));
    assert_eq!(told("docs/LICENCE.md", "all rights reserved, by nobody in particular"), None);
    assert_eq!(told("elsewhere.md", text), None);
}

#[test]
fn disagreements_with_the_feed_are_told() {
    let told = |release: &Release, id: &str, version: &str, more: &str| {
        let file = nupkg(&[("a.nuspec", &nuspec_of(id, version, more))]);
        inspect_as(release, &file).unwrap().disagreements.join("; ")
    };
    let plain = Release { version: "1.0.0".into(), ..Release::default() };
    assert!(told(&plain, "Right.Pad", "1.0.0", "").contains("says Right.Pad 1.0.0"));
    assert!(told(&plain, "Left.Pad", "1.0.1", "").contains("says Left.Pad 1.0.1"));
    let index =
        index(&[leaf("1.0.0", json!({"dependencyGroups": [{"dependencies": [{"id": "Right.Pad"}]}]}))]);
    let release = &index.releases()[0];
    let with = |id: &str| {
        format!("<dependencies><group><dependency id='{id}' version='9' /></group></dependencies>")
    };
    assert_eq!(told(release, "left.pad", "1.0.0", &with("right.PAD")), "");
    assert!(
        told(release, "left.pad", "1.0.0", &with("evil")).contains("other dependencies than the index: evil")
    );
    assert!(told(release, "left.pad", "1.0.0", "").contains("none"));
    let gpl = format!("{}<license type='expression'>GPL-3.0-only</license>", with("Right.Pad"));
    assert!(told(release, "left.pad", "1.0.0", &gpl).contains("`GPL-3.0-only`, the index says `MIT`"));
}

#[test]
fn code_that_runs_by_itself_is_found() {
    let runs = |name: &str| {
        let file = nupkg(&[("a.nuspec", &nuspec_of("Left.Pad", "1.0.0", "")), (name, "x")]);
        inspect(&file).unwrap().install_script
    };
    for name in [
        "tools/install.ps1",
        "tools/net45/Init.ps1",
        "build/Left.Pad.targets",
        "build/net6.0/left.pad.props",
        "buildTransitive/Left.Pad.props",
        "build\\Left.Pad.targets",
        "build%2FLeft.Pad.targets",
    ] {
        assert_eq!(runs(name), Some(true), "{name}");
    }
    for name in ["tools/tool.exe", "build/other.targets", "content/install.ps1", "lib/left.pad.targets"] {
        assert_eq!(runs(name), Some(false), "{name}");
    }
}

#[test]
fn hostile_packages_are_refused_or_told() {
    let manifest = nuspec_of("Left.Pad", "1.0.0", "");
    assert!(inspect(b"no zip").is_err());
    assert!(inspect(&nupkg(&[("lib/a.dll", "x")])).is_err(), "no nuspec");
    assert!(inspect(&nupkg(&[("sub/a.nuspec", &manifest)])).is_err(), "a nuspec elsewhere is none");
    assert!(inspect(&nupkg(&[("a.nuspec", &manifest), ("b.NUSPEC", &manifest)])).is_err(), "two nuspecs");
    let large = "x".repeat(nuspec::LARGEST + 1);
    assert!(inspect(&nupkg(&[("a.nuspec", &large)])).is_err());
    let told = |name: &str| {
        let found = inspect(&nupkg(&[("a.nuspec", &manifest), (name, "x")])).unwrap();
        found.disagreements.join("; ")
    };
    for name in ["../evil", "lib/../../evil", "lib\\..\\evil", "lib/%2e%2e/evil", "C:/evil", "/evil"] {
        assert!(told(name).contains("outside its folder"), "{name}: {}", told(name));
    }
    assert_eq!(told("lib\\net45\\a.dll"), "", "packages of the first years have backslashes");
}
