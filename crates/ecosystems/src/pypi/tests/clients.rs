//! Pointing, setting up, adopting.

use super::*;
use crate::pypi::setup;
use crate::{EditKind, ProbeOutput};

fn outputs(printed: &[&str]) -> Vec<ProbeOutput> {
    printed.iter().map(|stdout| ProbeOutput { stdout: (*stdout).to_owned() }).collect()
}

#[test]
fn the_index_is_the_one_pip_would_use() {
    for (printed, simple, json) in [
        (["https://mirror.example/root/simple/\n", "", "", ""], "https://mirror.example/root/simple", true),
        (["None\n", "warning: x\nhttp://m.example/simple\n", "", ""], "http://m.example/simple", true),
        (["", "", "global.index-url='https://m.example/idx/'\n", ""], "https://m.example/idx", false),
        (
            ["", "", "global.index-url='https://a.example/'\n:env:.index-url='https://b.example/simple'", ""],
            "https://b.example/simple",
            true,
        ),
        (["", "", "", "https://default.example/simple/"], "https://default.example/simple", true),
    ] {
        let adopted = setup::adopt(&outputs(&printed)).unwrap();
        assert_eq!(adopted.addresses[0], ("simple".into(), simple.to_owned()));
        let wanted = json.then(|| ("json".into(), simple.replace("/simple", "/pypi")));
        assert_eq!(adopted.addresses.get(1).cloned(), wanted);
    }
    assert!(setup::adopt(&outputs(&["", "", "", ""])).is_err());
    assert!(setup::adopt(&[]).is_err());
    let extra =
        setup::adopt(&outputs(&["https://m.example/simple", "", "global.extra-index-url='x'", ""])).unwrap();
    assert!(extra.source.contains("extra indexes are left out"));
}

#[test]
fn one_command_is_pointed_by_variables_alone() {
    let base = BaseUrl::new("http://127.0.0.1:8080/pypi");
    let pointing = setup::pointing(&base, Some("la/z:1"), "/tmp/scratch");
    let value = |name: &str| {
        pointing.environment.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    };
    let index = "http://__token__:la%2Fz%3A1@127.0.0.1:8080/pypi/simple/";
    for name in ["PIP_INDEX_URL", "UV_DEFAULT_INDEX", "UV_INDEX_URL", "PDM_PYPI_URL", "PIPENV_PYPI_MIRROR"] {
        assert_eq!(value(name), Some(index), "{name}");
    }
    assert_eq!(value("PIP_TRUSTED_HOST"), Some("127.0.0.1:8080"));
    assert_eq!(value("PIP_CONFIG_FILE"), Some("/dev/null"));
    assert_eq!(value("TWINE_PASSWORD"), Some("la/z:1"));
    assert!(pointing.files.is_empty());
    for name in ["PIP_EXTRA_INDEX_URL", "UV_EXTRA_INDEX_URL", "UV_INDEX", "PIP_FIND_LINKS"] {
        assert!(pointing.removed.iter().any(|removed| removed == name), "{name}");
    }
    let open = setup::pointing(&BaseUrl::new("https://gate.example/pypi"), None, "");
    let named = |name: &str| open.environment.iter().any(|(key, _)| key == name);
    assert!(!named("PIP_TRUSTED_HOST") && !named("TWINE_PASSWORD"));
}

#[test]
fn each_client_gets_its_own_file() {
    let edits = setup::edits(&BaseUrl::new("https://gate.example/pypi"), Some("t"));
    let of = |client: &str| edits.iter().filter(|edit| edit.client == client).collect::<Vec<_>>();
    let EditKind::Ini { section: "global", keys } = &of("pip")[0].kind else { panic!("pip") };
    assert_eq!(keys, &[("index-url".to_owned(), "https://__token__:t@gate.example/pypi/simple/".to_owned())]);
    let EditKind::Toml(text) = &of("uv")[0].kind else { panic!("uv") };
    let table: toml::Table = toml::from_str(text).unwrap();
    assert_eq!(table["publish-url"].as_str(), Some("https://gate.example/pypi/legacy/"));
    assert_eq!(table["index"][0]["default"].as_bool(), Some(true));
    assert_eq!(of("twine").len(), 2);
}

#[test]
fn the_recipe_and_the_guide_can_be_read() {
    let recipe: toml::Table = toml::from_str(include_str!("../client.toml")).unwrap();
    assert!(recipe["client"].as_array().unwrap().len() >= 2);
    assert!(Pypi.profile().setup_guide.contains("{base}/simple/"));
    assert!(Pypi.profile().setup_line.contains("{base}"));
}
