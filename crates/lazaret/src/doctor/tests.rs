use super::*;
use lazaret_ecosystems::Client;

const GATEWAY: Option<&str> = Some("https://gate.example");

fn client(name: &str) -> &'static Client {
    let mut clients = lazaret_ecosystems::all().iter().flat_map(|ecosystem| ecosystem.clients());
    clients.find(|client| client.name == name).unwrap()
}

fn problems(found: &[Diagnosis]) -> Vec<String> {
    let bad = found.iter().filter(|one| one.state == State::Problem);
    bad.map(|one| format!("{}: {}", one.subject, one.found)).collect()
}

#[test]
fn versions_are_read_as_clients_print_them() {
    for (printed, expected) in [
        ("11.19.1\n", Some((11, 19))),
        ("pip 23.2.1 from /usr/lib/python3.11/site-packages/pip (python 3.11)", Some((23, 2))),
        ("uv 0.13.9 (x86_64-unknown-linux-gnu)", Some((0, 13))),
        ("cargo 1.95.0 (f2d3ce0bd 2026-03-21)", Some((1, 95))),
        ("Poetry (version 2.5.1)", Some((2, 5))),
        ("v1.2rc1", Some((1, 2))),
        ("", None),
        ("command not found", None),
    ] {
        assert_eq!(clients::number(printed), expected, "{printed}");
    }
    assert_eq!(clients::version(client("npm"), "9.8.1").state, State::Problem);
    assert_eq!(clients::version(client("npm"), "10.0.0").state, State::Good);
}

#[test]
fn a_client_that_goes_around_is_told() {
    let found = clients::registry_used(client("pip"), "https://me:secret@other.example/simple", GATEWAY, "x");
    assert_eq!((found.state, found.found.contains("secret")), (State::Problem, false), "{found:?}");
    let found = clients::registry_used(client("pip"), "https://gate.example/pypi/simple/", GATEWAY, "x");
    assert_eq!(found.state, State::Good);
}

#[test]
fn variables_that_lead_elsewhere_are_told() {
    let set = |name: &str| match name {
        "PIP_EXTRA_INDEX_URL" => {
            Some("https://gate.example/pypi/simple https://other.example/simple".to_owned())
        }
        "UV_INDEX" => Some("lazaret=https://gate.example/pypi/simple/".to_owned()),
        "npm_config_registry" => Some("https://gate.example/npm/".to_owned()),
        "BUN_CONFIG_REGISTRY" => Some("https://other.example/".to_owned()),
        _ => None,
    };
    let found = clients::environment(GATEWAY, set);
    let subjects: Vec<&str> = found.iter().map(|one| one.subject.as_str()).collect();
    assert_eq!(subjects, ["variable BUN_CONFIG_REGISTRY", "variable PIP_EXTRA_INDEX_URL"]);
}

#[test]
fn a_project_that_goes_around_is_told() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join(".cargo")).unwrap();
    for (file, text) in [
        (".npmrc", "@acme:registry=https://other.example/\n"),
        ("requirements.txt", "--extra-index-url https://other.example/simple\nsix==1.16.0\n"),
        (".cargo/config.toml", "[registries.acme]\nindex = \"sparse+https://other.example/\"\n"),
        (
            "yarn.lock",
            "# yarn lockfile v1\n\n\nleft-pad@^1.3.0:\n  version \"1.3.0\"\n  resolved \"https://other.example/left-pad/-/left-pad-1.3.0.tgz#00\"\n",
        ),
        (
            "package-lock.json",
            "{\"lockfileVersion\": 3, \"packages\": {\"node_modules/left-pad\": {\"version\": \"1.3.0\",\n\"resolved\": \"https://other.example/left-pad/-/left-pad-1.3.0.tgz\"}}}",
        ),
        ("notes.txt", "--extra-index-url https://other.example/\n"),
    ] {
        std::fs::write(dir.path().join(file), text).unwrap();
    }
    let found = project::folder(dir.path(), GATEWAY);
    let told = problems(&found).join("\n");
    for expected in [".npmrc:1", "requirements.txt:1", ".cargo/config.toml:2", "yarn.lock:4"] {
        assert!(told.contains(expected), "{expected} in {told}");
    }
    assert_eq!(problems(&found).len(), 4, "{told}");
    // npm replaces the host, so its lock file is worth a note alone.
    assert!(found.iter().any(|one| one.state == State::Note && one.subject.contains("package-lock.json")));
}

#[test]
fn the_machine_is_judged() {
    assert_eq!(machine::space(100 << 20, 50 << 30).state, State::Problem);
    assert_eq!(machine::space(10 << 30, 50 << 30).state, State::Note);
    assert_eq!(machine::space(100 << 30, 50 << 30).state, State::Good);
    assert_eq!(upstreams::clock(&[]), None);
    assert_eq!(upstreams::clock(&[400, 7_200_000]).unwrap().state, State::Good);
    let found = upstreams::clock(&[-120_000, -119_000]).unwrap();
    assert!(found.state == State::Problem && found.found.contains("119 s behind"), "{found:?}");
    let data = machine::data(&lazaret_gateway::Settings::new("/proc/nothing/here"));
    assert_eq!(data[0].state, State::Problem);
}
