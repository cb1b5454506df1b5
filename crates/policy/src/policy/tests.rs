use super::ValidPolicy;
use crate::pattern::KnownEcosystem;
use lazaret_vocabulary::EcosystemId;

fn known() -> Vec<KnownEcosystem<'static>> {
    ["toy", "doll"]
        .map(|id| KnownEcosystem {
            id: EcosystemId::new(id),
            purl_type: id,
            key: Box::new(|name: &str| Some(name.to_lowercase())),
        })
        .into()
}

/// The problems of a file, one a line.
fn problems(text: &str) -> String {
    ValidPolicy::parse(text, "policy.toml", &known()).unwrap_err().to_string()
}

#[test]
fn the_baseline_is_valid_and_complete() {
    let policy = ValidPolicy::baseline();
    assert_eq!(policy.revision().len(), 64, "the embedded file was read");
    for kind in crate::checks::KINDS {
        let shown = policy.show();
        for key in crate::checks::COMMON.iter().chain(kind.keys).filter(|key| !key.optional) {
            let path = format!("{}.{}", kind.code, key.name);
            assert!(
                shown.iter().any(|row| row.path == path && row.source.starts_with("baseline:")),
                "{path}"
            );
        }
    }
}

#[test]
fn mistakes_are_told_with_place_and_expectation_all_at_once() {
    assert_eq!(
        problems(
            "[release-too-new]\nmin_age = 30\nminage = \"1d\"\n\n[licences]\n[licence]\ndeny = [\"AGPL-9\"]\naction = \"deny\"\n"
        ),
        "policy.toml:2:11: [release-too-new] min_age: expected a duration such as \"30d\", found 30\n\
         policy.toml:3:1: [release-too-new] minage: there is no such key; did you mean `min_age`?\n\
         policy.toml:5:2: `licences` is neither a check's code nor `mode`, `scope` or `rule`; did you mean `licence`?\n\
         policy.toml:7:9: [licence] deny: `AGPL-9` matches no licence of the SPDX list\n\
         policy.toml:8:10: [licence] action: expected one of \"off\", \"warn\", \"hold\", \"refuse\", found \"deny\""
    );
}
