//! Addresses, documents, POMs, files.

use super::*;

#[test]
fn addresses_say_what_they_are_of() {
    let Route::Artifact { package, file, part } =
        get("/org/slf4j/slf4j-api/2.0.13/slf4j-api-2.0.13.jar.sha1")
    else {
        panic!("a file")
    };
    assert_eq!((package.as_str(), file.as_str()), ("org.slf4j:slf4j-api", "2.0.13/slf4j-api-2.0.13.jar"));
    assert_eq!(part, Part::Checksum(Algorithm::Sha1));
    for (path, version) in [
        ("/a/b/1/b-1.jar", "1"),
        ("/a/b/1/b-1-sources.jar.asc", "1"),
        ("/a/b/1-SNAPSHOT/b-1-20260123.101500-7-tests.jar", "1-20260123.101500-7"),
        ("/a/b/1-SNAPSHOT/b-1-SNAPSHOT.jar", "1-SNAPSHOT"),
        ("/a/b/SNAPSHOT/b-20260123.101500-7.pom", "20260123.101500-7"),
        ("/a/b/1%2B2/b-1+2.pom", "1+2"),
    ] {
        let Some(route::Address::File { version: found, .. }) = route::read(path) else { panic!("{path}") };
        assert_eq!(found, version, "{path}");
    }
    for path in [
        "",
        "/",
        "/a",
        "/a/b",
        "/a/b/1/",
        "/b/1/b-1.jar",
        "/a/b/1/c-1.jar",
        "/a/b/1/b-1",
        "/a/b/1/b-2.jar",
        "/a/b/1/b-1x.jar",
        "/a/b/../b-...jar",
        "/a/b/1%2F2/b-1%2F2.jar",
        "/a.b/c/1/c-1.jar",
        "/a.b/c/maven-metadata.xml",
        "/a//b/1/b-1.jar",
        "/a/b/1-20260123.101500-7/b-1-20260123.101500-7.jar",
        "/a/b/1-SNAPSHOT/b-2-20260123.101500-7.jar",
        "/a/b/1-SNAPSHOT/b-1-20260123.101500-.jar",
        "/a/b/1-SNAPSHOT/b-1-SNAPSHOT.jar.sha1",
        "/a/b/maven-metadata.xml.asc",
        "/maven-metadata.xml",
        "/a/archetype-catalog.xml",
    ] {
        assert!(matches!(get(path), Route::Unknown), "{path}");
    }
    assert!(matches!(get(&format!("/{}", "a/".repeat(900))), Route::Unknown));
    assert!(matches!(ask(&Method::POST, "/a/b/1/b-1.jar", route::route), Route::Unknown));
}

#[test]
fn metadata_is_an_index_and_that_of_a_snapshot_passes() {
    let Route::Index { package, view } = get("/com/example/tools/maven-metadata.xml.sha256") else {
        panic!("an index")
    };
    assert_eq!((package.as_str(), view.form), ("com.example:tools", "metadata.sha256"));
    let Route::Relay(relay) = get("/com/example/tools/1-SNAPSHOT/maven-metadata.xml") else {
        panic!("a relay")
    };
    assert_eq!(relay.fetch.path, "/com/example/tools/1-SNAPSHOT/maven-metadata.xml");
    assert_eq!(relay.hosted_view.and_then(|view| view.version).as_deref(), Some("1-SNAPSHOT"));
    let Route::Relay(sum) = get("/com/example/tools/1-SNAPSHOT/maven-metadata.xml.md5") else {
        panic!("a relay")
    };
    assert_eq!(sum.fetch.path, "/com/example/tools/1-SNAPSHOT/maven-metadata.xml");
    assert_ne!(sum.key, relay.key);
    for path in ["/archetype-catalog.xml", "/archetype-catalog.xml.sha1", "/example/maven-metadata.xml"] {
        let Route::Relay(relay) = get(path) else { panic!("{path}") };
        assert_eq!((relay.fetch.path.as_str(), relay.package), (path, None));
    }
}

#[test]
fn a_snapshot_s_own_name_stands_for_its_newest_upload() {
    let Route::Pointer { package, pointer, wanted } =
        get("/com/example/tools/2.1-SNAPSHOT/tools-2.1-SNAPSHOT-sources.jar")
    else {
        panic!("a pointer")
    };
    let pointers = pointers::Snapshots;
    let fetch = pointers.fetch(&package, &pointer, &need());
    assert_eq!(fetch.path, "/com/example/tools/2.1-SNAPSHOT/maven-metadata.xml");
    let text = include_str!("../corpus/snapshot-metadata.xml");
    let read = |wanted: &str, text: &str| {
        let document = document("snapshot", text.to_owned());
        pointers.read(&package, &pointer, wanted, &document, &need()).unwrap()
    };
    let target = read(&wanted, text).unwrap();
    assert_eq!(target.file, "2.1-SNAPSHOT/tools-2.1-20261101.120000-4-sources.jar");
    assert_eq!(&*target.release.version, "2.1-20261101.120000-4");
    assert_eq!(target.release.reference.unwrap().kind, lazaret_vocabulary::ReferenceKind::Moving);
    let other = text.replace("<value>2.1-20261101.120000-4", "<value>2.1-20261101.110000-3");
    assert_eq!(&*read(".jar", &other).unwrap().release.version, "2.1-20261101.110000-3");
    for wrong in ["2.1", "3.0-20261101.120000-4", "../x", "2.1-SNAPSHOT"] {
        assert!(
            read(".jar", &text.replace("<value>2.1-20261101.120000-4", &format!("<value>{wrong}"))).is_none()
        );
    }
    assert!(read(".jar", "<metadata/>").is_none());
    // What passes is remembered as well.
    let Route::Relay(relay) = get("/com/example/tools/2.1-SNAPSHOT/maven-metadata.xml") else {
        panic!("a relay")
    };
    let pass = |text: &str| Maven.relaying().unwrap().relay(&relay, &document("document", text.to_owned()));
    let passed = pass(text).unwrap();
    assert_eq!(&passed.reply.body[..], text.as_bytes());
    let [stands] = passed.pointers.as_slice() else { panic!("one name") };
    assert_eq!((stands.pointer.as_str(), stands.version.as_str()), ("2.1-SNAPSHOT", "2.1-20261101.120000-4"));
    assert!(pass("<metadata/>").unwrap().pointers.is_empty());
    assert!(pass("<html><p></html>").is_err());
}

#[test]
fn the_first_version_dates_the_package() {
    let tools = package("com.example:tools");
    let listed = [document(METADATA, LISTED)];
    let ask = |have: &[Document], after: &str| {
        let need = Need { dates_after: Some(Timestamp::parse(after).unwrap()), ..need() };
        wanted_paths(documents::wanted(&tools, have, &need))
    };
    assert!(ask(&listed, "2024-02-01T00:00:00Z").is_empty(), "the list proves everything older");
    let path = "/com/example/tools/1.0/tools-1.0.pom".to_owned();
    assert_eq!(ask(&listed, "2024-01-01T00:00:00Z"), [("first", path)]);
    let dated = Document { modified: Some(Timestamp::from_seconds(7)), ..document("first", "") };
    let have = [listed[0].clone(), dated];
    assert!(ask(&have, "2024-01-01T00:00:00Z").is_empty());
    let index = documents::read(&tools, &have).unwrap();
    assert_eq!(index.standing.first_published, Some(Timestamp::from_seconds(7)));
}

#[test]
fn names_of_files_have_kinds() {
    for (file, classifier, extension) in [
        ("b-1.jar", "", "jar"),
        ("b-1-sources.jar", "sources", "jar"),
        ("b-1-linux-x86_64.tar.gz", "linux-x86_64", "tar.gz"),
        ("b-1.jar.asc", "", "jar.asc"),
        ("b-1-bin.tar.gz.asc", "bin", "tar.gz.asc"),
        ("b-1-jdk1.8.jar", "jdk1.8", "jar"),
        ("b-1.module", "", "module"),
    ] {
        let read = name::read_file("b", "1", file).unwrap();
        assert_eq!(read.kind(), (classifier, extension), "{file}");
    }
    assert_eq!(name::snapshot_of("1.0-20260123.101500-7").unwrap().0, "1.0-SNAPSHOT");
    assert_eq!(name::directory("20260123.101500-7"), "SNAPSHOT");
    for plain in ["1.0", "1.0-SNAPSHOT", "1.0-2026.1-7", "1.0-20260123.101500", "1.0-20260123.101500-x"] {
        assert_eq!(name::directory(plain), plain);
    }
}

#[test]
fn a_list_is_read() {
    let index = read(LISTED);
    assert_eq!(versions(&index), ["1.0", "1.1", "2.0-rc1"]);
    let release = &index.releases[1];
    assert_eq!(release.no_later_than, Some(Timestamp::parse("2024-01-15T09:30:00Z").unwrap()));
    let files: Vec<&str> = release.artifacts.iter().map(|artifact| &*artifact.file).collect();
    assert_eq!(files, ["1.1/tools-1.1.pom", "1.1/tools-1.1.jar"]);
    assert_eq!(&*release.artifacts[0].url, "com/example/tools/1.1/tools-1.1.pom");
    assert!(index.releases[2].prerelease && !release.prerelease);
    let tags: Vec<(&str, &str)> = index.tags().iter().map(|(tag, version)| (&**tag, &**version)).collect();
    assert_eq!(tags, [("latest", "2.0-rc1"), ("release", "1.1")]);
}

#[test]
fn the_later_of_two_bounds_counts() {
    let later = Timestamp::parse("2025-01-01T00:00:00Z").unwrap();
    let own = document(METADATA, LISTED);
    let bound = |modified| {
        let document = Document { modified, ..own.clone() };
        let index = documents::read(&package("com.example:tools"), &[document]).unwrap();
        index.releases[0].no_later_than
    };
    assert_eq!(bound(Some(later)), Some(later));
    assert_eq!(bound(Some(Timestamp::EPOCH)), bound(None));
    for wrong in ["2024011509300", "202401150930000", "2024-01-15T0930", "20241315093000", "x"] {
        assert_eq!(documents::moment(wrong), None, "{wrong}");
    }
    assert!(read(&LISTED.replace("20240115093000", "soon")).releases[0].no_later_than.is_none());
}

#[test]
fn nothing_that_a_client_would_read_stays_in() {
    let text = "<metadata><version>3</version><versioning><latest>2</latest><release> 2 </release>\
        <versions><version>1</version><version>2</version><version>2<!-- x --></version><version>1<b/></version></versions>\
        <versions><version>2</version></versions></versioning>\
        <versioning><versions><version>&#50;</version></versions><latest/></versioning></metadata>";
    let index = read(text);
    assert_eq!(versions(&index), ["1", "2", "3"]);
    let shown = index.filtered(|at| at == 0).unwrap();
    assert_eq!(
        std::str::from_utf8(&shown).unwrap(),
        "<metadata><version>1</version><versioning><latest>1</latest><release>1</release>\
        <versions><version>1</version></versions><versions></versions></versioning>\
        <versioning><versions></versions></versioning></metadata>"
    );
}

#[test]
fn what_is_no_list_of_a_package_is_refused_or_empty() {
    let read = |body: &str| documents::read(&package("a:b"), &[document(METADATA, body.to_owned())]);
    for wrong in ["", "<html/>", "{}", "<metadata>", "<!DOCTYPE metadata><metadata/>"] {
        assert!(read(wrong).is_err(), "{wrong}");
    }
    assert!(read("<metadata/>").unwrap().releases.is_empty());
    assert!(read(include_str!("../corpus/plugins-metadata.xml")).unwrap().releases.is_empty());
    let many: String = (0..60_000).map(|number| format!("<version>{number}</version>")).collect();
    let many = format!("<metadata><versioning><versions>{many}</versions></versioning></metadata>");
    assert!(read(&many).is_err());
}

#[test]
fn a_pom_is_read() {
    let pom = pom::read(POM.as_bytes()).unwrap();
    assert_eq!((pom.own.group.as_str(), pom.own.version.as_str()), ("com.example", "1.1"));
    assert_eq!(pom.title, "Tools of all kinds.");
    assert_eq!(pom.repository.as_deref(), Some("https://code.example/tools.git"));
    assert_eq!(pom.licences.len(), 2);
    let named: Vec<String> = pom
        .named
        .iter()
        .filter_map(|named| named.coordinates.release())
        .map(|(package, version)| format!("{package}:{version}"))
        .collect();
    assert_eq!(
        named,
        [
            "com.example:parent:7",
            "org.slf4j:slf4j-api:2.0.13",
            "com.example:bom:3",
            "org.apache.maven.plugins:maven-compiler-plugin:3.13.0"
        ]
    );
    assert_eq!(pom.repositories, [("repository", "https://elsewhere.example/maven".to_owned(), 66)]);
}

#[test]
fn properties_that_go_in_circles_end() {
    let pom = "<project><groupId>${a}</groupId><artifactId>x</artifactId><version>${v}</version>\
        <properties><a>${b}${b}</a><b>${a}${a}</b><v>${project.version}</v></properties></project>";
    let pom = pom::read(pom.as_bytes()).unwrap();
    assert!(pom.own.group.len() < 20_000 && pom.own.release().is_none());
}

#[test]
fn old_encodings_are_read_as_far_as_names_go() {
    let latin = b"<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>\n<project><groupId>a</groupId><artifactId>b</artifactId><version>1</version><name>J\xfcrgen</name></project>";
    assert_eq!(pom::read(latin).unwrap().own.artifact, "b");
    for wrong in [&b""[..], b"<settings/>", b"\x00", b"PK\x03\x04"] {
        assert!(pom::read(wrong).is_err());
    }
}

#[test]
fn relocations_are_told() {
    let pom = "<project><groupId>a</groupId><artifactId>b</artifactId><version>2</version><distributionManagement>\
        <relocation><groupId>c</groupId><message>moved\n  on</message></relocation></distributionManagement></project>";
    let relocation = pom::read(pom.as_bytes()).unwrap().relocation;
    assert_eq!(relocation.as_deref(), Some("relocated to c:b:2: moved on"));
}

fn release(version: &str) -> Release {
    Release { version: version.into(), ..Release::default() }
}

#[test]
fn licences_are_inherited_and_no_further_asked_for() {
    let (poms, tools) = (details::Poms, package("com.example:tools"));
    let child = "<project><parent><groupId>com.example</groupId><artifactId>parent</artifactId><version>7</version></parent><artifactId>tools</artifactId></project>";
    let parent = "<project><groupId>com.example</groupId><artifactId>parent</artifactId><version>7</version><licenses><license><name>MIT License</name></license></licenses><scm><url>https://code.example/x</url></scm></project>";
    let release = release("7");
    let ask = |have: &[Document]| wanted_paths(poms.wanted(&tools, &release, have, &need()));
    assert_eq!(ask(&[]), [("pom", "/com/example/tools/7/tools-7.pom".to_owned())]);
    let mut have = vec![document("pom", child)];
    assert_eq!(ask(&have), [("parent-1", "/com/example/parent/7/parent-7.pom".to_owned())]);
    have.push(document("parent-1", parent));
    assert!(ask(&have).is_empty());
    let detail = poms.read(&tools, &release, &have).unwrap().unwrap();
    assert_eq!(detail.licence.as_deref(), Some("MIT"));
    assert_eq!(detail.repository.as_deref(), Some("https://code.example/x"));
    // A parent that is a snapshot, a range or a property stands at no address that could be told.
    for version in ["7-SNAPSHOT", "[1,2)", "${v}", "../../x"] {
        let child = child.replace("<version>7", &format!("<version>{version}"));
        assert!(ask(&[document("pom", child)]).is_empty(), "{version}");
    }
    // What upstream does not have is not asked for again under another name.
    assert!(ask(&[document("pom", "<broken")]).is_empty());
}

#[test]
fn a_release_without_a_pom_is_one_only_where_it_is_listed() {
    let (poms, tools) = (details::Poms, package("com.example:tools"));
    assert_eq!(poms.read(&tools, &release("1"), &[]).unwrap(), None);
    let listed = Release { no_later_than: Some(Timestamp::EPOCH), ..release("1") };
    assert_eq!(poms.read(&tools, &listed, &[]).unwrap(), Some(Detail::default()));
    let broken = poms.read(&tools, &release("1"), &[document("pom", "<broken")]).unwrap().unwrap();
    assert_eq!((broken.licence, broken.dependencies), (None, None));
    let dated = Document { modified: Some(Timestamp::from_seconds(5)), ..document("pom", POM) };
    let detail = poms.read(&tools, &release("1.1"), &[dated]).unwrap().unwrap();
    assert_eq!(detail.published, Some(Timestamp::from_seconds(5)));
    assert_eq!(detail.licence.as_deref(), Some("Apache-2.0 OR GPL-2.0-only WITH Classpath-exception-2.0"));
}

#[test]
fn unlisted_files_are_releases_by_their_names() {
    let (poms, tools) = (details::Poms, package("com.example:tools"));
    let found = poms.unlisted(&tools, "3-SNAPSHOT/tools-3-20260123.101500-7-sources.jar", &need()).unwrap();
    assert_eq!(&*found.version, "3-20260123.101500-7");
    assert!(found.prerelease && found.no_later_than.is_none());
    let urls: Vec<&str> = found.artifacts.iter().map(|artifact| &*artifact.url).collect();
    let folder = "com/example/tools/3-SNAPSHOT";
    assert_eq!(
        urls,
        [
            format!("{folder}/tools-3-20260123.101500-7.pom"),
            format!("{folder}/tools-3-20260123.101500-7.jar"),
            format!("{folder}/tools-3-20260123.101500-7-sources.jar"),
        ]
    );
    for wrong in ["", "x", "1/x-1.jar", "1/../tools-1.jar", "/tools-1.jar", "a/b/c"] {
        assert!(poms.unlisted(&tools, wrong, &need()).is_none(), "{wrong}");
    }
    assert_eq!(poms.main_file(&tools, "1").as_deref(), Some("1/tools-1.pom"));
    assert_eq!(poms.main_file(&tools, "../1"), None);
}

#[test]
fn fingerprints_see_what_users_get() {
    let print = |text: &str| details::fingerprint(&pom::read(text.as_bytes()).unwrap());
    let plain = print(POM);
    assert_eq!(plain, print(&POM.replace("[4.12,5)", "5")), "tests are nobody's");
    assert_ne!(plain, print(&POM.replace("2.0.13", "2.0.14")));
    assert_ne!(plain, print(&POM.replace("<artifactId>slf4j-api<", "<artifactId>slf4j-apl<")));
}

fn look(file: &str, bytes: Vec<u8>) -> Vec<String> {
    let artifact = Artifact { file: file.into(), url: "".into(), digests: Vec::new(), size_bytes: None };
    let tools = package("com.example:tools");
    inspect::inspect(&release("1.1"), &tools, &artifact, &mut Cursor::new(bytes)).unwrap().disagreements
}

#[test]
fn files_that_say_to_be_others_are_told() {
    assert!(look("1.1/tools-1.1.pom", POM.into()).is_empty());
    assert_eq!(
        look("1.1/tools-1.1.pom", POM.replace("<revision>1.1", "<revision>1.2").into()),
        ["the POM says com.example:tools:1.2, its address says com.example:tools:1.1"]
    );
    assert_eq!(look("1.1/tools-1.1.pom", POM.replace(">tools<", ">spools<").into()).len(), 1);
    assert!(look("1.1/tools-1.1.pom", POM.replace("<revision>1.1</revision>", "").into()).is_empty());
    assert!(look("1.1/tools-1.1.pom", b"<not a pom".to_vec()).is_empty());
    let place = "META-INF/maven/com.example/tools/pom.properties";
    let good = properties("com.example", "tools", "1.1");
    let bad = properties("com.example", "tools", "0.9");
    let other = properties("org.example", "shaded", "3");
    let other_place = "META-INF/maven/org.example/shaded/pom.properties";
    let file = "1.1/tools-1.1.jar";
    assert!(look(file, jar(&[(place, &good)])).is_empty());
    assert_eq!(look(file, jar(&[(place, &bad)])).len(), 1);
    assert!(look(file, jar(&[(place, &bad), (other_place, &other)])).is_empty());
    assert!(look(file, jar(&[(other_place, &other)])).is_empty());
    assert!(look(file, jar(&[])).is_empty());
    for odd in [b"".to_vec(), b"PK".to_vec(), vec![0; 100]] {
        assert!(look(file, odd).is_empty());
    }
}

fn pins(file: &str, text: &str) -> Vec<(String, String, Option<usize>)> {
    let list = lockfile::read(file, text.as_bytes()).unwrap().unwrap();
    list.into_iter().map(|pin| (pin.package.as_str().to_owned(), pin.version, pin.line)).collect()
}

fn pin(package: &str, version: &str, line: usize) -> (String, String, Option<usize>) {
    (package.to_owned(), version.to_owned(), Some(line))
}

#[test]
fn builds_say_what_they_take() {
    assert_eq!(
        pins("dependency-tree.txt", include_str!("../corpus/dependency-tree.txt")),
        [
            pin("org.slf4j:slf4j-api", "2.0.13", 2),
            pin("com.example:deep", "1.2", 3),
            pin("junit:junit", "4.13.2", 4),
            pin("org.hamcrest:hamcrest-core", "1.3", 5),
        ]
    );
    assert_eq!(
        pins("dependency-list.txt", include_str!("../corpus/dependency-list.txt")),
        [pin("org.slf4j:slf4j-api", "2.0.13", 3), pin("junit:junit", "4.13.2", 4)]
    );
    assert_eq!(
        pins("gradle.lockfile", include_str!("../corpus/gradle.lockfile")),
        [pin("com.google.guava:guava", "33.3.1-jre", 4), pin("org.slf4j:slf4j-api", "2.0.13", 5)]
    );
    assert_eq!(pins("pom.xml", POM).len(), 4);
    assert_eq!(pins("pom.xml", POM)[1], pin("org.slf4j:slf4j-api", "2.0.13", 47));
    let coloured = "[\u{1b}[1;34mINFO\u{1b}[m] +- a:b:jar:1:compile\n[INFO] |  \\- c:d:jar:2:test\n";
    assert_eq!(pins("dependency-tree.txt", coloured).last(), Some(&pin("c:d", "2", 2)));
    for other in ["pom.txt", "package.json", "x.lockfile"] {
        assert!(lockfile::read(other, b"").is_none(), "{other}");
    }
    assert!(lockfile::read("pom.xml", b"").unwrap().is_err());
    assert!(lockfile::read("gradle.lockfile", b"\xff").unwrap().is_err());
    assert!(lockfile::read("gradle.lockfile", b"").unwrap().unwrap().is_empty());
}

#[test]
fn maven_says_where_it_fetches_from() {
    let settings = include_str!("../corpus/settings.xml");
    assert_eq!(setup::registry(settings).as_deref(), Some("https://mirror.example/maven"));
    let super_pom = "<project><repositories><repository><id>central</id><url>https://repository.example/maven2</url></repository></repositories></project>";
    let printed = |texts: [&str; 3]| texts.map(|text| ProbeOutput { stdout: text.to_owned() });
    let adopted = setup::adopt(&printed(["", "<settings/>", super_pom])).unwrap();
    assert_eq!(adopted.addresses, [("repository".into(), "https://repository.example/maven2".to_owned())]);
    let adopted = setup::adopt(&printed([settings, "", super_pom])).unwrap();
    assert_eq!(adopted.addresses[0].1, "https://mirror.example/maven");
    for (of, takes) in [
        ("*", true),
        ("central", true),
        ("external:*", true),
        ("*,!own", true),
        ("*,!central", false),
        ("own", false),
        ("external:http:*", false),
        ("", false),
    ] {
        assert_eq!(setup::takes_central(of), takes, "{of}");
    }
    assert_eq!(
        setup::registry(
            "<settings><mirrors><mirror><mirrorOf>*</mirrorOf><url>file:///x</url></mirror></mirrors></settings>"
        ),
        None
    );
}

#[test]
fn detours_are_found() {
    let gateway = Some("https://gate.example");
    let lines = |file: &str, text: &str| -> Vec<Option<usize>> {
        Maven.detours(file, text, gateway).into_iter().map(|detour| detour.line).collect()
    };
    assert_eq!(lines("pom.xml", POM), [Some(66)]);
    assert!(lines("pom.xml", &POM.replace("elsewhere.example", "gate.example")).is_empty());
    assert_eq!(lines(".m2/settings.xml", include_str!("../corpus/settings.xml")), [Some(9)]);
    let partly = "<settings><mirrors><mirror><mirrorOf>central</mirrorOf><url>https://gate.example/maven/</url></mirror></mirrors></settings>";
    assert_eq!(lines("settings.xml", partly), [Some(1)]);
    assert!(lines("settings.xml", &partly.replace(">central<", ">*<")).is_empty());
    let script = "repositories {\n  mavenCentral()\n  maven { url = 'https://elsewhere.example/m2' }\n  maven { url = uri(\"https://gate.example/maven/\") }\n  // maven { url 'https://no.example' }\n}\n";
    assert_eq!(lines("app/build.gradle.kts", script), [Some(3)]);
    let wrapper = "# x\ndistributionUrl=https\\://tools.example/gradle-8.zip\n";
    assert_eq!(lines("gradle/wrapper/gradle-wrapper.properties", wrapper), [Some(2)]);
    for file in ["pom.xml", "settings.xml", "build.gradle"] {
        assert!(Maven.reads_settings(file) && lines(file, "\u{0}<<<").is_empty());
    }
}

#[test]
fn clients_get_one_mirror() {
    let base = BaseUrl::new("http://127.0.0.1:4873/maven");
    let pointing = setup::pointing(&base, Some("a<b'c"), "/scratch/");
    let text = |name: &str| pointing.files.iter().find(|(file, _)| file == name).unwrap().1.clone();
    assert_eq!(setup::registry(&text("maven/settings.xml")).as_deref(), Some("http://127.0.0.1:4873/maven"));
    assert!(text("maven/settings.xml").contains("Bearer a&lt;b"));
    assert!(text("gradle/init.d/lazaret.gradle").contains("'a<b\\'c'"));
    assert!(text("maven/bin/mvn").starts_with("#!/bin/sh"));
}
