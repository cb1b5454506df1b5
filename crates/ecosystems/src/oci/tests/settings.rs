use super::*;
use crate::ProbeOutput;
use crate::oci::setup;
use lazaret_vocabulary::BaseUrl;

fn adopt(mirrors: &str, index: &str, files: &str) -> Result<Vec<(String, String)>, String> {
    let outputs = [mirrors, index, files].map(|stdout| ProbeOutput { stdout: stdout.to_owned() });
    let adopted = Oci.adopt(&outputs).map_err(|error| error.to_string())?;
    Ok(adopted.addresses.into_iter().map(|(role, address)| (role.into_owned(), address)).collect())
}

fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
    list.iter().map(|(role, address)| ((*role).to_owned(), (*address).to_owned())).collect()
}

#[test]
fn upstreams_are_taken_from_the_clients_of_the_machine() {
    let files = format!("::: /etc/containers/registries.conf\n{}", include_str!("../corpus/registries.conf"));
    assert_eq!(
        adopt("", "", &files).unwrap(),
        pairs(&[("registry", "http://mirror.example:5000"), ("quay", "https://quay.example")])
    );
    assert_eq!(
        adopt("null\n", "https://index.registry.example/v1/\n", "").unwrap(),
        pairs(&[("registry", "https://index.registry.example")])
    );
    assert_eq!(
        adopt(r#"["https://mirror.example/"]"#, "https://index.registry.example/v1/", &files).unwrap(),
        pairs(&[
            ("registry", "https://mirror.example"),
            ("mirror", "http://mirror.example:5000"),
            ("quay", "https://quay.example"),
        ])
    );
    let old = "::: x\n[registries.search]\nregistries = ['registry.example']\n";
    assert_eq!(adopt("", "", old).unwrap(), pairs(&[("registry", "https://registry.example")]));
    let short = "::: x\n[aliases]\n'alpine' = 'images.example/library/alpine'\n'skopeo' = 'quay.example/skopeo/stable'\n";
    assert_eq!(adopt("", "", short).unwrap(), pairs(&[("registry", "https://index.images.example")]));
    let both = format!("::: y\nunqualified-search-registries = ['images.example', 'quay.example']\n{short}");
    assert_eq!(
        adopt("", "", &both).unwrap(),
        pairs(&[("registry", "https://index.images.example"), ("quay", "https://quay.example")])
    );
    for nothing in ["", "::: x\n[[[", "::: x\nunqualified-search-registries = []"] {
        assert!(adopt("", "not an address", nothing).is_err(), "{nothing}");
    }
}

#[test]
fn podman_and_its_kin_are_pointed_by_names() {
    let base = BaseUrl::new("http://127.0.0.1:4873/v2");
    let upstreams = pairs(&[
        ("registry", "https://registry-1.images.example"),
        ("quay", "https://quay.example"),
        ("same", "https://quay.example"),
    ]);
    let pointing = Oci.pointing(&base, Some("lzt_secret"), "/scratch/", &upstreams);
    let conf = &pointing.files.iter().find(|(file, _)| file == "containers/registries.conf").unwrap().1;
    let table: toml::Table = conf.parse().unwrap();
    let rows: Vec<String> = table["registry"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| format!("{} {} {}", row["prefix"], row["location"], row["insecure"]))
        .collect();
    assert_eq!(
        rows,
        [
            r#""127.0.0.1:4873" "127.0.0.1:4873" true"#,
            r#""images.example" "127.0.0.1:4873" true"#,
            r#""registry-1.images.example" "127.0.0.1:4873" true"#,
            r#""quay.example" "127.0.0.1:4873/quay" true"#,
        ]
    );
    assert_eq!(table["unqualified-search-registries"].to_string(), r#"["images.example"]"#);
    let variable = |name: &str| pointing.environment.iter().find(|(have, _)| have == name).unwrap().1.clone();
    assert_eq!(variable("CONTAINERS_REGISTRIES_CONF"), "/scratch/containers/registries.conf");
    let auth = &pointing.files.iter().find(|(file, _)| file == "containers/auth.json").unwrap().1;
    assert!(auth.contains(r#"{"127.0.0.1:4873":{"auth":""#), "{auth}");
    assert_eq!(setup::location(&BaseUrl::new("https://gate.example/v2")), "gate.example");

    let edits = Oci.setup(&base, None, &upstreams);
    let [edit] = edits.as_slice() else { panic!("one file") };
    let crate::EditKind::Toml(fragment) = &edit.kind else { panic!("TOML") };
    assert!(fragment.parse::<toml::Table>().unwrap()["registry"].is_array());
}

#[test]
fn skopeo_is_told_by_an_argument() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().to_str().unwrap();
    let pointing = Oci.pointing(&BaseUrl::new("http://127.0.0.1:4873/v2"), None, root, &[]);
    let real = folder.path().join("real");
    let mut programs = vec![(real.join("skopeo"), "#!/bin/sh\necho \"$@\"\n".to_owned())];
    programs.extend(pointing.files.iter().map(|(file, text)| (folder.path().join(file), text.clone())));
    for (path, text) in programs {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &text).unwrap();
        if text.starts_with("#!") {
            std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        }
    }
    let path = &pointing.environment.iter().find(|(name, _)| name == "PATH").unwrap().1;
    let inherited = format!("{}:{}", real.display(), std::env::var("PATH").unwrap());
    let printed = std::process::Command::new("sh")
        .arg(folder.path().join("containers/bin/skopeo"))
        .args(["copy", "docker://a b", "dir:c"])
        .env("PATH", path.replace("{PATH}", &inherited))
        .output()
        .unwrap();
    let expected = format!("--registries-conf {root}/containers/registries.conf copy docker://a b dir:c\n");
    assert_eq!(String::from_utf8(printed.stdout).unwrap(), expected);
}

#[test]
fn ways_around_the_gateway_are_found() {
    let gateway = Some("https://gate.example");
    let found = |file: &str, text: &str| {
        assert!(Oci.reads_settings(file), "{file}");
        let found = Oci.detours(file, text, gateway);
        found.into_iter().map(|detour| (detour.line.unwrap_or(0), detour.what)).collect::<Vec<_>>()
    };
    let conf = include_str!("../corpus/registries.conf");
    let lines: Vec<usize> = found("registries.conf", conf).into_iter().map(|(line, _)| line).collect();
    assert_eq!(lines, [1, 9]);
    assert!(
        found("registries.conf.d/lazaret.conf", "registry = [{ location = 'gate.example/quay' }]").is_empty()
    );
    let daemon =
        "{\n \"registry-mirrors\": [\"https://gate.example\",\n \"https://me:secret@mirror.example\"]}";
    assert_eq!(found("daemon.json", daemon), [(3, "docker's mirror https://mirror.example".to_owned())]);
    assert!(found("daemon.json", "[[[").is_empty() && found("registries.conf", "[[[").is_empty());
    assert!(!Oci.reads_settings("package.json"));
}
