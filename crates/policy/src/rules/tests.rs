use super::Rule;
use crate::checks::trial::{Trial, advisory, days_ago, release};
use crate::facts::{AdvisoryState, Severity};
use crate::verdict::{Action, Outcome};
use lazaret_vocabulary::{Span, Timestamp};
use proptest::prelude::*;

fn with_rule(when: &str) -> Trial {
    Trial::policy(&format!(
        "[[rule]]\ncode = \"mine\"\nmessage = \"because.\"\nwhen = '''{when}'''\nunknown = \"hold\"\n"
    ))
}

fn outcome(trial: &Trial) -> Outcome {
    trial.finding(0, "mine").outcome
}

fn problem(when: &str) -> String {
    Rule::compile(when, "m").map(|_| ()).unwrap_err()
}

#[test]
fn rules_see_the_facts() {
    for (when, expected) in [
        ("pkg.name == 'left-pad' && pkg.ecosystem == 'toy'", Outcome::Breach),
        ("release.version.startsWith('2.')", Outcome::Pass),
        ("release.age_days == 400", Outcome::Breach),
        ("release.licence in ['MIT', 'Apache-2.0']", Outcome::Breach),
        ("size(pkg.maintainers) < 2", Outcome::Breach),
        ("pkg.maintainers.exists(one, one == 'ann')", Outcome::Breach),
        ("advisories.exists(one, one.severity_rank >= 3 && !one.malware)", Outcome::Breach),
        ("advisories.filter(one, one.severity == 'low').size() > 0", Outcome::Pass),
        ("principal.class == 'agent'", Outcome::Pass),
        ("pkg.releases == 3 && pkg.first_published_days == 400", Outcome::Breach),
        ("has(release.licence)", Outcome::Breach),
        ("release.install_script || release.prerelease", Outcome::Pass),
        ("string(release.files) + 'x' == '0x'", Outcome::Breach),
    ] {
        let mut trial = with_rule(when);
        trial.known[0].advisories.push(advisory("GHSA-1", Some(Severity::High)));
        assert_eq!(outcome(&trial), expected, "{when}");
    }
}

#[test]
fn what_is_missing_makes_a_rule_unknown_unless_it_comes_out_the_same() {
    for (when, expected) in [
        ("release.licence == 'MIT'", Outcome::Unknown),
        ("release.licence == 'MIT' || pkg.name == 'left-pad'", Outcome::Breach),
        ("release.licence == 'MIT' && pkg.name == 'x'", Outcome::Pass),
        ("!(release.licence == 'MIT')", Outcome::Unknown),
        ("has(release.licence)", Outcome::Pass),
        ("release.age_days < 5", Outcome::Unknown),
        ("size(pkg.maintainers) == 0", Outcome::Unknown),
        ("advisories.exists(one, one.malware)", Outcome::Unknown),
        ("advisories.size() > 10 / pkg.releases", Outcome::Unknown),
    ] {
        let mut trial = with_rule(when);
        trial.releases[0].licence = None;
        trial.releases[0].published = None;
        trial.standing.maintainers = None;
        trial.advisories = AdvisoryState::NotConfigured;
        assert_eq!(outcome(&trial), expected, "{when}");
    }
    let mut trial = with_rule("release.licence == 'MIT'");
    trial.releases[0].licence = None;
    let finding = trial.finding(0, "mine");
    assert_eq!(finding.action, Action::Hold);
    assert_eq!(finding.sentence, "this rule cannot be answered without release.licence: because");
    assert_eq!(finding.source, "policy.toml:5");
}

#[test]
fn a_severity_that_is_not_told_is_missing() {
    let mut trial = with_rule("advisories.exists(one, one.severity == 'high')");
    trial.known[0].advisories.push(advisory("GHSA-1", None));
    assert_eq!(outcome(&trial), Outcome::Unknown);
}

#[test]
fn mistakes_are_found_when_the_policy_is_read() {
    for (when, expected) in [
        ("release.licens == 'MIT'", "there is no fact `release.licens`; did you mean `release.licence`?"),
        ("licence == 'MIT'", "there is no fact `licence`"),
        ("pkg == 'x'", "`pkg` is not a fact"),
        ("advisories.exists(one, one.colour == 'x')", "an advisory has no `colour`"),
        ("advisories[0].colour == 'x'", "an advisory has no `colour`"),
        ("release.age_days", "expected true or false, found int"),
        ("release.age_days > 'x'", "found no matching overload"),
        ("release.version.matches('^1')", "there is no function `matches`"),
        ("release.version.bounds() == 1", "there is no function `bounds`"),
        ("advisories.all(a, advisories.all(b, a.id == b.id))", "a loop inside a loop"),
        ("size({'a': 1}) == 1", "maps and messages"),
        ("1 +", "Syntax error"),
        ("", ""),
    ] {
        let found = problem(when);
        assert!(found.contains(expected), "{when}: {found}");
    }
    assert!(problem(&format!("{}true{}", "(".repeat(500), ")".repeat(500))).contains("nested"));
    assert!(problem(&format!("{}true", "!".repeat(1500))).contains("nested"));
    assert!(problem(&format!("0{} == 1", "+1".repeat(500))).contains("nested"));
    for long in [
        "- ".repeat(900),
        "! ".repeat(900),
        "1?1:".repeat(480),
        "true&&".repeat(330),
        "[0].map(x,".repeat(190),
    ] {
        assert!(!problem(&format!("{long}1")).is_empty());
    }
    assert!(!problem(&format!("release{}", ".a".repeat(900))).is_empty());
    assert!(problem(&"x".repeat(3000)).contains("at most 2000 bytes"));
}

#[test]
fn an_answer_is_good_until_an_age_can_turn_it() {
    let mut trial = with_rule("release.age_days < 450 && release.age_days != 420");
    assert_eq!(trial.filter().next_change(), Some(days_ago(400) + Span::days(420)));
    trial.now = days_ago(400) + Span::days(421);
    assert_eq!(trial.filter().next_change(), Some(days_ago(400) + Span::days(450)));
    let trial = with_rule("release.age_days * 2 < 900");
    assert_eq!(trial.filter().next_change(), Some(days_ago(400) + Span::days(401)));
    let trial = with_rule("pkg.name == 'x'");
    assert_eq!(trial.filter().next_change(), None);
}

#[test]
fn rules_can_be_set_by_scopes_and_waived() {
    let mut trial = with_rule("pkg.name == 'left-pad'");
    assert!(!trial.filter().admits(0));
    trial.policy.push_str("[[scope]]\npackage = \"left-*\"\n[scope.mine]\naction = \"warn\"\n");
    assert!(trial.filter().admits(0));
    assert!(trial.firewall().policy().unmatched().is_empty() || trial.push(release("9.0.0", 100)) > 0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn any_expression_is_answered(
        words in proptest::collection::vec(
            prop_oneof![
                Just("release.version"), Just("release.age_days"), Just("advisories"), Just("pkg.maintainers"),
                Just("("), Just(")"), Just("["), Just("]"), Just("=="), Just("<"), Just("&&"), Just("||"), Just("!"),
                Just("+"), Just("-"), Just("/"), Just("%"), Just("1"), Just("0"), Just("'a'"), Just("9223372036854775807"),
                Just("size("), Just(".size()"), Just(".exists(x,"), Just("x"), Just("x.id"), Just("true"), Just("?"),
                Just(":"), Just(","), Just("in"), Just("int("), Just(".map(x,"), Just("has("), Just("\u{e9}"), Just("\""),
            ],
            0..12,
        )
    ) {
        if let Ok(rule) = Rule::compile(&words.join(" "), "m") {
            let trial = Trial::new();
            let dossier = trial.dossier();
            let history = crate::checks::subject::History::new(dossier.releases);
            let subject = crate::checks::Subject {
                dossier: &dossier, index: 0, release: &dossier.releases[0], known: &dossier.known[0],
                reserved: false, history: &history,
            };
            let _ = crate::checks::Check::inspect(&rule, &subject);
        }
    }

    #[test]
    fn any_text_is_refused_or_compiled(text in "\\PC{0,60}") {
        let _ = Rule::compile(&text, "m");
    }

    /// Between now and the next change nothing changes.
    #[test]
    fn nothing_changes_before_the_next_change(
        threshold in 0i64..500, age in 0i64..500, operator in 0usize..6, ahead in 0.0f64..1.0,
    ) {
        let sign = ["<", "<=", ">", ">=", "==", "!="][operator];
        let mut trial = with_rule(&format!("release.age_days {sign} {threshold}"));
        trial.releases = vec![release("1.0.0", age)];
        trial.known.truncate(1);
        trial.standing.first_published = Some(Timestamp::EPOCH);
        trial.policy.push_str("[release-too-new]\naction='off'\n[publisher-changed]\naction='off'\n");
        let before = trial.filter();
        let end = before.next_change().unwrap_or(trial.now + Span::days(2000));
        let length = (end.millis() - trial.now.millis()) as f64;
        let now = trial.now.millis();
        trial.now = Timestamp::from_millis((now + (length * ahead) as i64).min(end.millis() - 1));
        prop_assert_eq!(trial.filter().admits(0), before.admits(0));
    }
}
