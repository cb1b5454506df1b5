//! mvn against the gateway: what it takes, what it says when it may not, what it deploys.

use crate::house::{House, LAZARET};
use lazaret_testkit::archive;
use lazaret_testkit::clients::{Client, Endpoints, Run, Session};
use lazaret_testkit::transcript;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;

/// Resolves what the project needs, without a line for every file that comes.
const RESOLVE: &[&str] = &["--batch-mode", "--no-transfer-progress", "dependency:resolve"];

/// A project that needs these packages, each with a version or a range; `com.example` where no group is named.
fn project(session: &Session, needs: &[(&str, &str)]) {
    let needs: String = needs
        .iter()
        .map(|(name, version)| {
            let (group, artifact) = name.split_once(':').unwrap_or(("com.example", name));
            format!(
                "<dependency><groupId>{group}</groupId><artifactId>{artifact}</artifactId>\
                 <version>{version}</version></dependency>"
            )
        })
        .collect();
    session.write(
        "pom.xml",
        format!(
            "<project><modelVersion>4.0.0</modelVersion><groupId>p</groupId><artifactId>p</artifactId>\
             <version>1</version><dependencies>{needs}</dependencies></project>\n"
        ),
    );
}

/// A file of a package of `com.example` in the client's own repository.
fn has(session: &Session, name: &str, version: &str) -> bool {
    session.home().join(format!(".m2/repository/com/example/{name}/{version}/{name}-{version}.jar")).exists()
}

#[tokio::test]
async fn a_range_takes_the_newest_that_is_allowed() {
    let Some(client) = Client::find("mvn") else { return };
    let house = House::open().await;
    let session = client.session(&house.endpoints());
    project(&session, &[("fresh-lib", "[1.0,2.0)"), ("app-lib", "1.0.0")]);
    let run = session.run(RESOLVE).await;
    assert!(run.success() && has(&session, "fresh-lib", "1.0.0"), "{run}\n{}", house.log());
    assert!(!run.says("Checksum validation failed"), "{run}");
    // A chain of ranges.
    assert!(has(&session, "mid-lib", "1.0.0") && has(&session, "good-lib", "1.2.0"), "{run}");
    assert!(house.upstream().requests_for("fresh-lib-1.1.0.jar").is_empty());
}

#[tokio::test]
async fn what_is_not_what_it_says_is_not_taken() {
    let Some(client) = Client::find("mvn") else { return };
    let house = House::open().await;
    for (name, version, why) in [("tampered-lib", "1.0.0", "bytes-changed"), ("agpl-lib", "1.0.0", "licence")]
    {
        let session = client.session(&house.endpoints());
        project(&session, &[(name, version)]);
        let run = session.run(RESOLVE).await;
        assert!(!run.success() && run.says(why) && !has(&session, name, version), "{run}");
    }
}

#[tokio::test]
async fn a_licence_is_inherited() {
    let Some(client) = Client::find("mvn") else { return };
    let house = House::open().await;
    house.upstream().maven(|repository| {
        repository.package("com.example:parent").release("7").packaging("pom").licence("AGPL-3.0-only");
        repository.package("com.example:child").release("1.0").parent("com.example:parent", "7").no_licence();
    });
    let session = client.session(&house.endpoints());
    project(&session, &[("child", "1.0")]);
    let run = session.run(RESOLVE).await;
    assert!(!run.success() && run.says("(licence)"), "{run}\n{}", house.log());
}

#[tokio::test]
async fn further_files_and_unlisted_versions_are_served() {
    let Some(client) = Client::find("mvn") else { return };
    let house = House::open().await;
    house.upstream().maven(|repository| {
        let package = repository.package("com.example:native-lib").release("1.0");
        package.further("-linux.jar", "bytes of a library").further(".jar.asc", "a signature");
        repository.package("com.example:quiet-lib").unlisted().release("1.0");
    });
    let session = client.session(&house.endpoints());
    project(&session, &[("quiet-lib", "1.0"), ("native-lib", "1.0")]);
    let run = session.run(RESOLVE).await;
    assert!(run.success() && has(&session, "quiet-lib", "1.0"), "{run}\n{}", house.log());
    let place = "/maven/com/example/native-lib/1.0/native-lib-1.0";
    assert_eq!(house.fetch(&format!("{place}-linux.jar")).await, "bytes of a library");
    assert_eq!(house.fetch(&format!("{place}.jar.asc")).await, "a signature");
    let digest = archive::hash(b"bytes of a library").sha1;
    assert_eq!(house.fetch(&format!("{place}-linux.jar.sha1")).await, digest);
    let listed = house.fetch("/maven/com/example/native-lib/maven-metadata.xml").await;
    let sum = house.fetch("/maven/com/example/native-lib/maven-metadata.xml.sha1").await;
    assert_eq!(archive::hash(listed.as_bytes()).sha1, sum);
}

fn golden(case: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/transcripts").join(format!("mvn-{case}.txt"))
}

#[tokio::test]
async fn mvn_says_why() {
    let Some(client) = Client::find("mvn") else { return };
    let house = House::open().await;
    for (case, name, version) in [
        ("pinned-too-new", "fresh-lib", "1.1.0"),
        ("all-too-new", "new-lib", "[0,1)"),
        ("malware", "evil-lib", "1.0.1"),
    ] {
        let session = client.session(&house.endpoints());
        project(&session, &[(name, version)]);
        let run = session.run(RESOLVE).await;
        assert!(!run.success() && run.says("by Lazaret"), "{run}");
        let replacements = [(client.version.as_str(), "VERSION")];
        transcript::check(&golden(case), &transcript::of_run(&session, &run, &replacements));
    }
}

/// `mvn deploy:deploy-file` of a JAR with this text.
async fn deploy(session: &Session, house: &House, name: &str, version: &str, text: &str) -> Run {
    let (group, artifact) = name.split_once(':').unwrap();
    session.write("thing.jar", archive::zip(&[("thing.txt".to_owned(), text.as_bytes().to_vec())]));
    let url = format!("-Durl={}/maven/", house.url());
    let (group, artifact) = (format!("-DgroupId={group}"), format!("-DartifactId={artifact}"));
    let version = format!("-Dversion={version}");
    session
        .run(&[
            "--batch-mode",
            "--no-transfer-progress",
            "deploy:deploy-file",
            "-DrepositoryId=gateway",
            url.as_str(),
            "-Dfile=thing.jar",
            "-Dpackaging=jar",
            group.as_str(),
            artifact.as_str(),
            version.as_str(),
        ])
        .await
}

#[tokio::test]
async fn mvn_deploys_releases_and_snapshots() {
    let Some(client) = Client::find("mvn") else { return };
    let house = House::with_policy("[reserved-name]\npatterns = [\"maven:com.acme:*\"]\n").await;
    let token = house.token("ann", &["read", "publish:maven/com.acme:*"]).await;
    let sender = client.session(&house.endpoints().with_token(&token));

    let reader = client.session(&house.endpoints());
    project(&reader, &[("com.acme:billing", "[1,2)")]);
    let none = reader.run(RESOLVE).await;
    assert!(!none.success() && none.says("reserved"), "{none}");

    for version in ["1.0", "1.1"] {
        let done = deploy(&sender, &house, "com.acme:billing", version, version).await;
        assert!(done.success(), "{done}\n{}", house.log());
    }
    let again = deploy(&sender, &house, "com.acme:billing", "1.1", "other bytes").await;
    assert!(!again.success() && again.says("409") && again.says("never changes"), "{again}");
    let foreign = deploy(&sender, &house, "org.theirs:thing", "1.0", "x").await;
    assert!(!foreign.success() && foreign.says("publish:maven/org.theirs:thing"), "{foreign}");

    // The first file of a new package may be one of a snapshot's.
    for text in ["first", "second"] {
        let done = deploy(&sender, &house, "com.acme:tools", "2.0-SNAPSHOT", text).await;
        assert!(done.success(), "{done}\n{}", house.log());
    }
    let builds = house.fetch("/maven/com/acme/tools/2.0-SNAPSHOT/maven-metadata.xml").await;
    assert!(builds.contains("<buildNumber>2</buildNumber>"), "{builds}");

    let reader = client.session(&house.endpoints());
    project(&reader, &[("com.acme:billing", "[1,2)"), ("com.acme:tools", "2.0-SNAPSHOT")]);
    // Maven asks no repository for snapshots that does not say it has some.
    let snapshots = "<repositories><repository><id>house</id><url>http://house.test/</url>\
                     <snapshots><enabled>true</enabled></snapshots></repository></repositories>";
    let pom = reader.read("pom.xml").replace("<dependencies>", &format!("{snapshots}<dependencies>"));
    reader.write("pom.xml", pom);
    let got = reader.run(RESOLVE).await;
    assert!(got.success() && got.says("com.acme:billing:jar:1.1"), "{got}\n{}", house.log());
    let repository = reader.home().join(".m2/repository/com/acme");
    let jar = std::fs::read(repository.join("tools/2.0-SNAPSHOT/tools-2.0-SNAPSHOT.jar")).unwrap();
    assert_eq!(jar, archive::zip(&[("thing.txt".to_owned(), b"second".to_vec())]));
    assert!(house.upstream().requests_for("acme").is_empty(), "the upstream heard of a reserved name");
}

/// Every file of `com.example` in the client's repository with its bytes, without Maven's own notes.
fn taken(session: &Session) -> BTreeMap<String, Vec<u8>> {
    let root = session.home().join(".m2/repository/com/example");
    let (mut found, mut open) = (BTreeMap::new(), vec![root.clone()]);
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(&root).unwrap().to_string_lossy().into_owned();
            if path.is_dir() {
                open.push(path);
            } else if name.ends_with(".jar") || name.ends_with(".pom") || name.ends_with(".sha1") {
                found.insert(name, std::fs::read(&path).unwrap());
            }
        }
    }
    found
}

#[tokio::test]
async fn the_same_install_ends_with_the_same_bytes() {
    let Some(client) = Client::find("mvn") else { return };
    let house = House::with_policy("mode = \"observe\"\n").await;
    let mut installed = Vec::new();
    for endpoints in [Endpoints::of_upstream(house.upstream()), house.endpoints()] {
        let session = client.session(&endpoints);
        project(&session, &[("app-lib", "1.0.0"), ("fresh-lib", "[1.0,2)"), ("medium-lib", "1.0.0")]);
        let run = session.run(RESOLVE).await;
        assert!(run.success(), "{run}\n{}", house.log());
        installed.push(taken(&session));
    }
    let [direct, through] = installed.as_slice() else { panic!("two installs") };
    assert!(direct.keys().any(|name| name.contains("fresh-lib-1.1.0.jar")), "{:?}", direct.keys());
    assert_eq!(direct.keys().collect::<Vec<_>>(), through.keys().collect::<Vec<_>>());
    assert!(direct == through, "a file differs");
}

#[tokio::test]
async fn one_command_is_run_through_a_gateway_of_its_own() {
    let Some(client) = Client::find("mvn") else { return };
    let house = House::open().await;
    let nowhere = Endpoints { maven: "http://127.0.0.1:9/maven/".to_owned(), ..Endpoints::default() };
    let session = client.session(&nowhere);
    project(&session, &[("fresh-lib", "[1.0,2)")]);
    let repository = format!("-Dmaven.repo.local={}", session.home().join(".m2/repository").display());
    let output = tokio::process::Command::new(LAZARET)
        .args(["run", "--config"])
        .arg(house.path("lazaret.toml"))
        .arg("--data")
        .arg(house.path("data-of-run"))
        .args(["--", "mvn", repository.as_str()])
        .args(RESOLVE)
        .current_dir(session.project())
        .env_clear()
        .envs(session.variables().iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .unwrap();
    let said =
        format!("{}\n{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && has(&session, "fresh-lib", "1.0.0"), "{said}");
    assert!(!has(&session, "fresh-lib", "1.1.0"), "{said}");
}
