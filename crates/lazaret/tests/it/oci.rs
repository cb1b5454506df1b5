//! Images, pulled and pushed by real clients, and the official conformance suite.

use crate::house::{House, LAZARET};
use lazaret_testkit::{FakeUpstream, clients};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Output;
use tokio::process::Command;

/// What is seen for the first time is let in.
const OPEN: &str =
    "[release-too-new]\nfirst_sight_age = \"0d\"\n[package-too-new]\nfirst_sight_age = \"0d\"\n";

/// A program, or `None` after saying that it is not there.
fn program(name: &str) -> Option<PathBuf> {
    if ["docker-registry", "oci-conformance", "buildah"].contains(&name) {
        return clients::find_tool(name);
    }
    // A client of `e2e/clients.toml`, run without a session, since images name where they come from.
    clients::Client::find(name)?;
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain([clients::tools_folder().join(name).join("bin")]);
    let file = folders.map(|folder| folder.join(name)).find(|file| file.is_file())?;
    std::path::absolute(file).ok()
}

/// A client in a scratch home.
struct Runner {
    home: tempfile::TempDir,
}

/// What it printed, both ways.
fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

impl Runner {
    fn new() -> Self {
        Self { home: tempfile::Builder::new().prefix("client-").tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    /// Runs it to its end.
    async fn run(&self, program: &Path, arguments: &[&str]) -> Output {
        Command::new(program)
            .args(arguments)
            .current_dir(self.home.path())
            .env("HOME", self.home.path())
            .env("XDG_RUNTIME_DIR", self.home.path())
            .env("DOCKER_CONFIG", self.home.path().join(".docker"))
            .env_remove("REGISTRY_AUTH_FILE")
            .env_remove("CONTAINERS_REGISTRIES_CONF")
            .kill_on_drop(true)
            .output()
            .await
            .unwrap()
    }

    /// Copies an image into a folder with skopeo.
    async fn pull(&self, skopeo: &Path, image: &str, folder: &str) -> Output {
        let (from, to) = (format!("docker://{image}"), format!("dir:{}", self.path(folder).display()));
        let arguments =
            ["--insecure-policy", "copy", "--all", "--src-tls-verify=false", from.as_str(), to.as_str()];
        self.run(skopeo, &arguments).await
    }
}

/// The files of a folder.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    entries
        .map(|entry| (entry.file_name().to_string_lossy().into_owned(), std::fs::read(entry.path()).unwrap()))
        .collect()
}

/// Host and port of an address.
fn host(url: &str) -> &str {
    url.split("://").nth(1).unwrap().trim_end_matches('/')
}

async fn open(policy: &str, fill: impl FnOnce(&FakeUpstream)) -> House {
    let upstream = FakeUpstream::start().await;
    fill(&upstream);
    let mut house = House::before(upstream, policy);
    house.start().await;
    house
}

#[tokio::test]
async fn an_image_comes_through_unchanged() {
    let Some(skopeo) = program("skopeo") else { return };
    let house = open(OPEN, |upstream| {
        upstream.oci(|registry| {
            registry.require_tokens();
            registry.repository("library/good").image("1").platforms(&["amd64", "arm64"]).digest();
        });
    })
    .await;
    let runner = Runner::new();
    let gateway = host(house.url()).to_owned();
    let got = runner.pull(&skopeo, &format!("{gateway}/library/good:1"), "gate").await;
    assert!(got.status.success(), "{}\n{}", said(&got), house.log());
    let by_role = runner.pull(&skopeo, &format!("{gateway}/hub/library/good:1"), "role").await;
    assert!(by_role.status.success(), "{}\n{}", said(&by_role), house.log());
    assert_eq!(files(&runner.path("gate")), files(&runner.path("role")));
    let gate = files(&runner.path("gate"));
    assert_eq!(
        gate.len(),
        8,
        "version, index, two manifests, two configurations, two layers: {:?}",
        gate.keys()
    );

    let before = house.upstream().requests_for("/blobs/").len();
    let again = runner.pull(&skopeo, &format!("{gateway}/library/good:1"), "again").await;
    assert!(again.status.success(), "{}", said(&again));
    assert_eq!(house.upstream().requests_for("/blobs/").len(), before, "layers come from the store");
}

#[tokio::test]
async fn a_withheld_image_is_refused_with_a_reason_and_a_tag_stays_where_it_was() {
    let Some(skopeo) = program("skopeo") else { return };
    let house = open(OPEN, |upstream| {
        upstream.oci(|registry| {
            registry.repository("library/moving").image("1").digest();
            registry.repository("library/bad").image("1").licence("AGPL-3.0-only").digest();
        });
    })
    .await;
    let runner = Runner::new();
    let gateway = host(house.url()).to_owned();
    let refused = runner.pull(&skopeo, &format!("{gateway}/library/bad:1"), "bad").await;
    assert!(!refused.status.success());
    assert!(said(&refused).contains("licence") && said(&refused).contains("AGPL"), "{}", said(&refused));

    let image = format!("{gateway}/library/moving:1");
    let first = runner.pull(&skopeo, &image, "first").await;
    assert!(first.status.success(), "{}\n{}", said(&first), house.log());
    house.upstream().oci(|registry| {
        let repository = registry.repository("library/moving");
        repository.image("1").licence("AGPL-3.0-only").file("etc/new", "new").digest();
    });
    tokio::time::sleep(std::time::Duration::from_millis(1500)).await;
    let second = runner.pull(&skopeo, &image, "second").await;
    assert!(second.status.success(), "{}\n{}", said(&second), house.log());
    assert_eq!(files(&runner.path("first")), files(&runner.path("second")), "the newest that is let in");
}

#[tokio::test]
async fn what_is_new_waits_and_what_is_damaged_never_comes() {
    let Some(skopeo) = program("skopeo") else { return };
    let fill = |upstream: &FakeUpstream| {
        upstream.oci(|registry| {
            registry.repository("library/good").image("1").digest();
            registry.repository("library/torn").image("1").tampered().digest();
        });
    };
    let runner = Runner::new();
    let house = open("", fill).await;
    let held = runner.pull(&skopeo, &format!("{}/library/good:1", host(house.url())), "held").await;
    assert!(!held.status.success());
    assert!(
        said(&held).contains("held by Lazaret") && said(&held).contains("first seen here"),
        "{}",
        said(&held)
    );
    assert!(house.upstream().requests_for("/blobs/").len() <= 1, "at most the configuration was asked for");

    let house = open(OPEN, fill).await;
    let torn = runner.pull(&skopeo, &format!("{}/library/torn:1", host(house.url())), "torn").await;
    assert!(!torn.status.success(), "{}", said(&torn));
}

#[tokio::test]
async fn image_clients_say_why() {
    let mut houses = Vec::new();
    for (case, policy, licence) in [("too-new", "", "MIT"), ("licence", OPEN, "AGPL-3.0-only")] {
        let house = open(policy, |upstream| {
            upstream.oci(|registry| {
                registry.repository("library/demo").image("1").licence(licence).digest();
            });
        });
        houses.push((case, house.await));
    }
    for name in ["skopeo", "crane", "oras"] {
        let Some(client) = program(name) else { continue };
        for (case, house) in &houses {
            let runner = Runner::new();
            let image = format!("{}/library/demo:1", host(house.url()));
            let command = match name {
                "skopeo" => format!("copy --src-tls-verify=false docker://{image} dir:image"),
                "crane" => format!("pull --insecure {image} image.tar"),
                _ => format!("copy --from-plain-http {image} --to-oci-layout image:1"),
            };
            let mut arguments: Vec<&str> = command.split(' ').collect();
            if name == "skopeo" {
                // About signatures, of which there are none here.
                arguments.insert(0, "--insecure-policy");
            }
            let told = runner.run(&client, &arguments).await;
            assert!(!told.status.success(), "{name}: {}", said(&told));
            House::check_told(
                &format!("{name}-{case}"),
                &format!("{name} {command}"),
                &told,
                runner.home.path(),
            );
        }
    }
}

#[tokio::test]
async fn images_are_published_by_real_clients() {
    let (Some(skopeo), Some(crane), Some(oras)) = (program("skopeo"), program("crane"), program("oras"))
    else {
        return;
    };
    let house = open("[reserved-name]\npatterns = [\"acme/*\"]\n", |upstream| {
        upstream.oci(|registry| {
            registry.repository("library/good").image("1").digest();
        });
    })
    .await;
    let token = house.token("ann", &["read", "publish:oci/acme/*"]).await;
    let runner = Runner::new();
    let gateway = host(house.url()).to_owned();
    // The image to publish is made by oras, from a file.
    std::fs::write(runner.path("note.txt"), "hello").unwrap();
    let image = format!("{gateway}/acme/app:1.0");
    let login = runner
        .run(&oras, &["login", "--plain-http", "--username", "__token__", "--password", &token, &gateway])
        .await;
    assert!(login.status.success(), "{}\n{}", said(&login), house.log());
    let pushed = runner.run(&oras, &["push", "--plain-http", &image, "note.txt:text/plain"]).await;
    assert!(pushed.status.success(), "{}\n{}", said(&pushed), house.log());
    let attached = runner
        .run(
            &oras,
            &[
                "attach",
                "--plain-http",
                "--artifact-type",
                "application/vnd.acme.note",
                &image,
                "note.txt:text/plain",
            ],
        )
        .await;
    assert!(attached.status.success(), "{}\n{}", said(&attached), house.log());
    let found = runner.run(&oras, &["discover", "--plain-http", &image]).await;
    assert!(said(&found).contains("application/vnd.acme.note"), "{}", said(&found));
    let listed = runner.run(&crane, &["ls", "--insecure", &format!("{gateway}/acme/app")]).await;
    assert!(said(&listed).contains("1.0"), "{}", said(&listed));

    let credentials = format!("__token__:{token}");
    let from = format!("docker://{image}");
    let to = format!("docker://{gateway}/acme/copy:2.0");
    let copied = runner
        .run(
            &skopeo,
            &[
                "--insecure-policy",
                "copy",
                "--src-tls-verify=false",
                "--dest-tls-verify=false",
                "--dest-creds",
                &credentials,
                &from,
                &to,
            ],
        )
        .await;
    assert!(copied.status.success(), "{}\n{}", said(&copied), house.log());
    let one = runner.run(&crane, &["digest", "--insecure", &image]).await;
    let other = runner.run(&crane, &["digest", "--insecure", &format!("{gateway}/acme/copy:2.0")]).await;
    assert_eq!(said(&one), said(&other), "what was copied is what it was");
    let foreign = runner
        .run(
            &skopeo,
            &[
                "--insecure-policy",
                "copy",
                "--src-tls-verify=false",
                "--dest-tls-verify=false",
                "--dest-creds",
                &credentials,
                &from,
                &format!("docker://{gateway}/theirs/copy:2.0"),
            ],
        )
        .await;
    assert!(!foreign.status.success() && said(&foreign).contains("denied"), "{}", said(&foreign));
    assert!(house.upstream().requests_for("acme").is_empty(), "the upstream heard of a reserved name");
}

/// Runs the suite; what it printed.
async fn conformance(suite: &Path, house: &House, name: &str, settings: &[(&str, &str)]) -> String {
    // Beside the build, where CI finds it: target/tmp is this binary's own.
    let results = Path::new(env!("CARGO_TARGET_TMPDIR")).join("../conformance").join(name);
    std::fs::create_dir_all(&results).unwrap();
    let output = Command::new(suite)
        .current_dir(&results)
        .envs([("OCI_REGISTRY", host(house.url())), ("OCI_TLS", "disabled"), ("OCI_VERSION", "1.1")])
        .envs(settings.iter().copied())
        .env("OCI_RESULTS_DIR", &results)
        .kill_on_drop(true)
        .output()
        .await
        .unwrap();
    std::fs::write(results.join("printed.txt"), said(&output)).unwrap();
    said(&output)
}

/// Fails with what the suite found wrong. Its exit code does not tell: it panics when it may not push.
fn passed(text: &str, house: &House) {
    let bad = |line: &&str| line.contains("FAIL") || line.contains("Error") || line.contains(": Skip");
    let bad: Vec<&str> = text.lines().filter(bad).take(60).collect();
    let result = text.contains("OCI Conformance Result: Pass");
    assert!(result, "{}\n{}", bad.join("\n"), house.log());
}

#[tokio::test]
async fn the_official_conformance_suite_passes() {
    let Some(suite) = program("oci-conformance") else { return };
    let house = open("[reserved-name]\npatterns = [\"conformance/*\"]\n", |_| {}).await;
    let token = house.token("suite", &["read", "publish:oci/conformance/*"]).await;
    let settings = [
        ("OCI_REPO1", "conformance/repo1"),
        ("OCI_REPO2", "conformance/repo2"),
        ("OCI_USERNAME", "__token__"),
        ("OCI_PASSWORD", token.as_str()),
        ("OCI_API_BLOBS_UPLOAD_CANCEL", "true"),
        ("OCI_API_BLOBS_DIGEST_HEADER", "true"),
        ("OCI_API_MANIFESTS_DIGEST_HEADER", "true"),
        ("OCI_API_MANIFESTS_TAG_PARAM", "true"),
    ];
    let text = conformance(&suite, &house, "oci-conformance", &settings).await;
    passed(&text, &house);
    assert!(house.upstream().requests().is_empty(), "nobody outside heard of it");
}

#[tokio::test]
async fn the_official_conformance_suite_passes_on_what_comes_from_outside() {
    let Some(suite) = program("oci-conformance") else { return };
    let (mut image, mut index, mut blobs) = (String::new(), String::new(), String::new());
    let house = open(OPEN, |upstream| {
        upstream.oci(|registry| {
            image = registry.repository("library/good").image("1").digest();
            // Those of the other two are vouched for by manifests that the suite does not ask for.
            blobs = registry.repository("library/good").blobs().join(" ");
            index = registry.repository("library/good").image("2").platforms(&["amd64", "arm64"]).digest();
            registry.repository("library/good").attach(&image, "application/vnd.acme.note", "hello");
        });
    })
    .await;
    let manifests = format!("{image} {index}");
    let settings = [
        ("OCI_REPO1", "library/good"),
        ("OCI_API_PUSH", "false"),
        ("OCI_API_BLOBS_DELETE", "false"),
        ("OCI_API_MANIFESTS_DELETE", "false"),
        ("OCI_API_TAGS_DELETE", "false"),
        ("OCI_RO_DATA_TAGS", "1 2"),
        ("OCI_RO_DATA_MANIFESTS", manifests.as_str()),
        ("OCI_RO_DATA_BLOBS", blobs.as_str()),
        ("OCI_RO_DATA_REFERRERS", image.as_str()),
    ];
    let text = conformance(&suite, &house, "oci-conformance-proxied", &settings).await;
    passed(&text, &house);
}

/// Debian's registry on a free port; it ends when this is dropped.
struct DebianRegistry {
    _server: tokio::process::Child,
    _folder: tempfile::TempDir,
    host: String,
}

impl DebianRegistry {
    async fn start(program: &Path) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let port = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
        let host = format!("127.0.0.1:{port}");
        let settings = format!(
            "version: 0.1\nlog: {{level: error, accesslog: {{disabled: true}}}}\n\
             storage: {{filesystem: {{rootdirectory: {}}}}}\nhttp: {{addr: \"{host}\"}}\n",
            folder.path().display()
        );
        std::fs::write(folder.path().join("registry.yml"), settings).unwrap();
        let server = Command::new(program)
            .arg("serve")
            .arg(folder.path().join("registry.yml"))
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        for _ in 0..100 {
            if tokio::net::TcpStream::connect(&host).await.is_ok() {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
        Self { _server: server, _folder: folder, host }
    }
}

#[tokio::test]
async fn debians_registry_is_an_upstream_as_any_other() {
    let (Some(skopeo), Some(registry)) = (program("skopeo"), program("docker-registry")) else { return };
    let debian = DebianRegistry::start(&registry).await;
    let house = {
        let upstream = FakeUpstream::start().await;
        upstream.oci(|registry| {
            registry.repository("a").image("1").platforms(&["amd64", "arm64"]).large(3_000_000).digest();
        });
        let mut house = House::before(upstream, OPEN);
        let settings = std::fs::read_to_string(house.path("lazaret.toml")).unwrap();
        let fake = format!("hub = \"{}\"", house.upstream().oci_url());
        let settings = settings.replace(&fake, &format!("hub = \"http://{}\"", debian.host));
        std::fs::write(house.path("lazaret.toml"), settings).unwrap();
        house.start().await;
        house
    };
    let runner = Runner::new();
    let gateway = host(house.url()).to_owned();
    // From the fake one by way of the gateway into Debian's, and from there back.
    let first = runner.pull(&skopeo, &format!("{gateway}/a:1"), "first").await;
    assert!(first.status.success(), "{}\n{}", said(&first), house.log());
    let from = format!("dir:{}", runner.path("first").display());
    let to = format!("docker://{}/b:1", debian.host);
    let arguments =
        ["--insecure-policy", "copy", "--all", "--dest-tls-verify=false", from.as_str(), to.as_str()];
    let pushed = runner.run(&skopeo, &arguments).await;
    assert!(pushed.status.success(), "{}", said(&pushed));
    let direct = runner.pull(&skopeo, &format!("{}/b:1", debian.host), "direct").await;
    assert!(direct.status.success(), "{}", said(&direct));
    let through = runner.pull(&skopeo, &format!("{gateway}/hub/b:1"), "through").await;
    assert!(through.status.success(), "{}\n{}", said(&through), house.log());
    assert_eq!(files(&runner.path("direct")), files(&runner.path("through")), "the same bytes either way");
}

/// `lazaret run -- CLIENT ARGUMENTS`, with nothing else that leads anywhere.
async fn run_through(house: &House, runner: &Runner, command: &[&str]) -> Output {
    Command::new(LAZARET)
        .args(["run", "--config"])
        .arg(house.path("lazaret.toml"))
        .arg("--data")
        .arg(house.path("data-of-run"))
        .arg("--")
        .args(command)
        .current_dir(runner.home.path())
        .env("HOME", runner.home.path())
        .env_remove("CONTAINERS_REGISTRIES_CONF")
        .stdin(std::process::Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .unwrap()
}

/// A house that is not open yet, with a good image and a bad one; and the registry that their names begin with.
async fn closed_house() -> (House, String) {
    let upstream = FakeUpstream::start().await;
    upstream.oci(|registry| {
        registry.repository("library/good").image("1").digest();
        registry.repository("library/bad").image("1").licence("AGPL-3.0-only").digest();
    });
    let registry = host(&upstream.url()).to_owned();
    (House::before(upstream, OPEN), registry)
}

#[tokio::test]
async fn one_command_of_skopeo_is_led_through_a_gateway_by_the_names_of_images() {
    let Some(_) = program("skopeo") else { return };
    let (house, registry) = closed_house().await;
    let runner = Runner::new();
    let copy = async |image: &str| {
        let from = format!("docker://{registry}/{image}");
        let to = format!("dir:{}", runner.path("copied").display());
        run_through(&house, &runner, &["skopeo", "--insecure-policy", "copy", from.as_str(), to.as_str()])
            .await
    };
    let got = copy("library/good:1").await;
    assert!(got.status.success(), "{}", said(&got));
    let refused = copy("library/bad:1").await;
    assert!(!refused.status.success() && said(&refused).contains("AGPL"), "{}", said(&refused));
}

#[tokio::test]
async fn a_build_with_buildah_is_led_through_a_gateway_by_the_names_of_images() {
    let Some(_) = program("buildah") else { return };
    let (house, registry) = closed_house().await;
    let runner = Runner::new();
    let accepts = r#"{"default":[{"type":"insecureAcceptAnything"}]}"#;
    std::fs::create_dir_all(runner.path(".config/containers")).unwrap();
    std::fs::write(runner.path(".config/containers/policy.json"), accepts).unwrap();
    let (store, state) = (runner.path("store"), runner.path("state"));
    let build = async |image: &str| {
        std::fs::write(runner.path("Containerfile"), format!("FROM {registry}/{image}\n")).unwrap();
        let (store, state) = (store.display().to_string(), state.display().to_string());
        let command = [
            "buildah",
            "--root",
            store.as_str(),
            "--runroot",
            state.as_str(),
            "--storage-driver",
            "vfs",
            "build",
            "--isolation",
            "chroot",
            ".",
        ];
        run_through(&house, &runner, &command).await
    };
    let got = build("library/good:1").await;
    assert!(got.status.success(), "{}", said(&got));
    let refused = build("library/bad:1").await;
    assert!(!refused.status.success() && said(&refused).contains("AGPL"), "{}", said(&refused));
}
