use super::*;
use proptest::prelude::*;

const ROOT: &str = "http://127.0.0.1:7117";

fn wish(root: &str, undo: bool) -> Wish {
    let clients = if undo { Vec::new() } else { vec![ALL.to_owned()] };
    Wish {
        clients,
        undo,
        url: root.to_owned(),
        token: Some("lzt_secret".to_owned()),
        addresses: Box::new(|_| Vec::new()),
    }
}

/// What was said, and whether everything could be done.
fn run(dir: &Path, root: &str, undo: bool) -> (Vec<String>, bool) {
    let (places, wish) = (Places::below(dir), wish(root, undo));
    let mut state = State::load(&places.state).unwrap();
    let plan = if undo { plan_undo(&wish, &state) } else { plan(&wish, &places, &state) };
    let (steps, mut said, failed) = plan.unwrap();
    said.extend(steps.iter().filter_map(|step| step.note.clone()));
    carry_out(&steps, &mut state, &places.state, wish.token.is_some()).unwrap();
    (said, !failed)
}

/// Every file below a folder but the state.
fn tree(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![dir.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.ends_with("state") {
                continue;
            } else if path.is_dir() {
                folders.push(path);
            } else {
                found.insert(path.clone(), std::fs::read(&path).unwrap());
            }
        }
    }
    found
}

fn put(dir: &Path, file: &str, text: &str) {
    let path = dir.join(file);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

fn get(dir: &Path, file: &str) -> String {
    std::fs::read_to_string(dir.join(file)).unwrap()
}

const NPMRC: &str = "; mine\r\nregistry = https://old.example/\r\n//old.example/:_authToken=abc\r\n\r\n[x]\r\nregistry=no\r\n";
const PIP: &str = "# mine\n[install]\nno-compile = yes\n[global]\nindex_url=https://old.example/simple\ntimeout = 60\nextra-index-url =\n    https://a.example/\n    https://b.example/\n";
const UV: &str = "# mine\noffline = false # no\n\n[[index]]\nname = \"house\"\nurl = \"https://house.example/\"\n\n[pip]\nstrict = true\n";
const CARGO: &str = "[build] # fast\njobs = 4\n\n[source.crates-io]\nreplace-with = \"mirror\" # ours\n\n[source.mirror]\nregistry = \"sparse+https://mirror.example/\"\n";
const YARN: &str = "# mine\nnodeLinker: node-modules\nunsafeHttpWhitelist:\n  - \"a.example\"\nnpmScopes:\n  acme:\n    npmRegistryServer: \"https://acme.example\"\n";

fn fill(dir: &Path) {
    put(dir, ".npmrc", NPMRC);
    put(dir, ".config/pip/pip.conf", PIP);
    put(dir, ".config/uv/uv.toml", UV);
    put(dir, ".cargo/config.toml", CARGO);
    put(dir, ".yarnrc.yml", YARN);
}

#[test]
fn what_was_there_stays_and_comes_back() {
    let dir = tempfile::tempdir().unwrap();
    fill(dir.path());
    let before = tree(dir.path());
    assert!(run(dir.path(), ROOT, false).1);
    let npmrc = get(dir.path(), ".npmrc");
    assert!(npmrc.starts_with("; mine\r\nregistry=http://127.0.0.1:7117/npm/\r\n//old.example/"), "{npmrc}");
    assert!(
        npmrc.contains("replace-registry-host=always\r\n") && npmrc.ends_with("\r\n[x]\r\nregistry=no\r\n")
    );
    let pip = get(dir.path(), ".config/pip/pip.conf");
    assert!(pip.contains("\nindex-url = http://__token__:lzt%5Fsecret@127.0.0.1:7117/"), "{pip}");
    assert!(pip.contains("    https://b.example/\n") && !pip.contains("old.example"), "{pip}");
    let uv: toml::Table = toml::from_str(&get(dir.path(), ".config/uv/uv.toml")).unwrap();
    let names: Vec<_> =
        uv["index"].as_array().unwrap().iter().map(|index| index["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["house", "lazaret"]);
    assert_eq!(uv["pip"]["strict"].as_bool(), Some(true));
    let cargo = get(dir.path(), ".cargo/config.toml");
    assert!(cargo.contains("replace-with = \"lazaret\" # ours"), "{cargo}");
    assert!(cargo.contains("[build] # fast"), "{cargo}");
    let yarn = get(dir.path(), ".yarnrc.yml");
    assert!(
        yarn.contains("unsafeHttpWhitelist: [\"a.example\", \"127.0.0.1\"]\nnpmScopes:\n  acme:"),
        "{yarn}"
    );
    assert!(run(dir.path(), ROOT, true).1);
    assert_eq!(tree(dir.path()), before);
}

#[test]
fn twice_is_once_and_another_gateway_takes_the_place_of_the_first() {
    let dir = tempfile::tempdir().unwrap();
    fill(dir.path());
    let before = tree(dir.path());
    assert!(run(dir.path(), ROOT, false).1);
    let once = tree(dir.path());
    assert!(run(dir.path(), ROOT, false).1);
    assert_eq!(tree(dir.path()), once);
    assert!(run(dir.path(), "https://gate.example", false).1);
    assert!(tree(dir.path()).values().all(|text| !String::from_utf8_lossy(text).contains("127.0.0.1")));
    assert!(run(dir.path(), ROOT, true).1);
    assert_eq!(tree(dir.path()), before);
}

#[test]
fn a_file_edited_since_loses_our_keys_alone() {
    let dir = tempfile::tempdir().unwrap();
    fill(dir.path());
    assert!(run(dir.path(), ROOT, false).1);
    for file in [".npmrc", ".config/pip/pip.conf", ".config/uv/uv.toml", ".cargo/config.toml", ".yarnrc.yml"]
    {
        let text = get(dir.path(), file);
        put(dir.path(), file, &format!("# added later\n{text}"));
    }
    let (remarks, _) = run(dir.path(), ROOT, true);
    assert!(remarks.iter().filter(|remark| remark.starts_with("edited since")).count() == 5, "{remarks:?}");
    assert_eq!(get(dir.path(), ".npmrc"), format!("# added later\n{NPMRC}"));
    assert_eq!(get(dir.path(), ".config/pip/pip.conf"), format!("# added later\n{PIP}"));
    assert_eq!(get(dir.path(), ".config/uv/uv.toml"), format!("# added later\n{UV}"));
    assert_eq!(get(dir.path(), ".cargo/config.toml"), format!("# added later\n{CARGO}"));
    assert_eq!(get(dir.path(), ".yarnrc.yml"), format!("# added later\n{YARN}"));
}

#[test]
fn a_key_changed_since_is_left_and_told() {
    let dir = tempfile::tempdir().unwrap();
    fill(dir.path());
    assert!(run(dir.path(), ROOT, false).1);
    let npmrc = get(dir.path(), ".npmrc")
        .replace("registry=http://127.0.0.1:7117/npm/", "registry=https://new.example/");
    put(dir.path(), ".npmrc", &npmrc);
    let (remarks, _) = run(dir.path(), ROOT, true);
    assert!(
        remarks.iter().any(|remark| remark.ends_with("`registry` was changed since and stays as it is")),
        "{remarks:?}"
    );
    let npmrc = get(dir.path(), ".npmrc");
    assert!(npmrc.contains("https://new.example/") && !npmrc.contains("lzt_secret"), "{npmrc}");
}

#[test]
fn links_stay_and_tokens_are_kept_private() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().unwrap();
    put(dir.path(), "dotfiles/npmrc", "a=1\n");
    let target = dir.path().join("dotfiles/npmrc");
    std::fs::set_permissions(&target, std::fs::Permissions::from_mode(0o640)).unwrap();
    std::os::unix::fs::symlink(&target, dir.path().join(".npmrc")).unwrap();
    assert!(run(dir.path(), ROOT, false).1);
    assert!(dir.path().join(".npmrc").is_symlink());
    assert_eq!(
        std::fs::metadata(&target).unwrap().permissions().mode() & 0o777,
        0o600,
        "what holds a token is nobody else's to read"
    );
    assert_eq!(
        std::fs::metadata(dir.path().join(".yarnrc.yml")).unwrap().permissions().mode() & 0o777,
        0o600
    );
    assert!(run(dir.path(), ROOT, true).1);
    assert_eq!(get(dir.path(), "dotfiles/npmrc"), "a=1\n");
}

#[test]
fn what_cannot_be_changed_with_care_is_not_changed() {
    for (file, text, why) in [
        (".config/uv/uv.toml", "index = 4\n", "is no list of tables"),
        (".cargo/config.toml", "[source\n", "is no TOML"),
        (".cargo/config.toml", "source = 1\n", "is no table"),
        (".yarnrc.yml", "{a: b}\n", "not one mapping"),
        (".yarnrc.yml", "a: b\n---\nc: d\n", "not one mapping"),
    ] {
        let dir = tempfile::tempdir().unwrap();
        put(dir.path(), file, text);
        let (said, done) = run(dir.path(), ROOT, false);
        assert!(!done && said.iter().any(|line| line.contains(why)), "{said:?}");
        assert_eq!(get(dir.path(), file), text);
    }
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join(".npmrc"), [0xff, b'\n']).unwrap();
    assert!(!run(dir.path(), ROOT, false).1);
    assert_eq!(std::fs::read(dir.path().join(".npmrc")).unwrap(), [0xff, b'\n']);
    let unknown = chosen(&["nothing".into()]).err().unwrap().to_string();
    assert!(unknown.contains("expected npm, pnpm"), "{unknown}");
}

#[test]
fn an_empty_home_is_left_empty() {
    let dir = tempfile::tempdir().unwrap();
    let (said, done) = run(dir.path(), ROOT, false);
    assert!(done && said.iter().any(|line| line.starts_with("poetry: in each project")), "{said:?}");
    assert_eq!(get(dir.path(), ".bunfig.toml").lines().next(), Some("[install]"));
    let state = dir.path().join("state/setup.json");
    use std::os::unix::fs::PermissionsExt as _;
    assert_eq!(std::fs::metadata(&state).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(run(dir.path(), ROOT, true).1);
    assert!(!state.exists() && !dir.path().join(".config").exists());
    assert!(tree(dir.path()).is_empty());
}

#[test]
fn another_default_index_comes_after_ours() {
    let dir = tempfile::tempdir().unwrap();
    let text = "[[index]]\nurl = \"https://x.example/\"\ndefault = true\n\n[pip]\nstrict = true\n";
    put(dir.path(), ".config/uv/uv.toml", text);
    assert!(run(dir.path(), ROOT, false).1);
    let uv: toml::Table = get(dir.path(), ".config/uv/uv.toml").parse().unwrap();
    assert_eq!(uv["index"][0]["name"].as_str(), Some("lazaret"));
    assert_eq!(uv["index"][1]["url"].as_str(), Some("https://x.example/"));
}

fn any_lines() -> impl Strategy<Value = String> {
    let line = prop_oneof![
        Just("registry=https://a.example/".to_owned()),
        Just("[global]".to_owned()),
        Just("[distutils]".to_owned()),
        Just("index-url: x".to_owned()),
        Just("trusted-host = a\n  b".to_owned()),
        Just("npmRegistryServer: \"x\"".to_owned()),
        Just("unsafeHttpWhitelist:\n- a\n- b".to_owned()),
        Just("[source.crates-io]".to_owned()),
        Just("[[index]]\nname = \"lazaret\"".to_owned()),
        Just("\u{feff}registry=x".to_owned()),
        "[ -~äß]{0,20}",
    ];
    (proptest::collection::vec(line, 0..12), prop_oneof![Just("\n"), Just("\r\n")], any::<bool>())
        .prop_map(|(lines, end, last)| lines.join(end) + if last { end } else { "" })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn undo_gives_the_same_bytes_back(text in any_lines(), file in 0usize..6) {
        let dir = tempfile::tempdir().unwrap();
        let file =
            [".npmrc", ".config/pip/pip.conf", ".config/uv/uv.toml", ".cargo/config.toml", ".yarnrc.yml", ".cargo/credentials.toml"][file];
        put(dir.path(), file, &text);
        let before = tree(dir.path());
        run(dir.path(), ROOT, false);
        let once = tree(dir.path());
        run(dir.path(), ROOT, false);
        prop_assert_eq!(&tree(dir.path()), &once);
        run(dir.path(), "https://gate.example", false);
        run(dir.path(), ROOT, true);
        prop_assert_eq!(tree(dir.path()), before);
    }

    #[test]
    fn every_change_made_twice_is_made_once(text in any_lines()) {
        for ecosystem in lazaret_ecosystems::all() {
            for edit in ecosystem.setup(&BaseUrl::new(ROOT), Some("t"), &[]) {
                let change = Change::from(edit.kind);
                if let Ok(once) = change.apply(&text) {
                    prop_assert_eq!(change.apply(&once).unwrap(), once.clone());
                    let _ = change.retract(&text, &once);
                    let _ = change.retract(&once, &text);
                }
            }
        }
    }
}
