use super::*;
use crate::checks::trial::{ECOSYSTEM, NOW, Trial, advisory, days_ago, release};
use crate::facts::Severity;
use crate::pattern::KnownEcosystem;
use lazaret_vocabulary::{Algorithm, Artifact, Span};

fn waiver(codes: &[&str]) -> Waiver {
    Waiver {
        id: "w1".into(),
        ecosystem: "toy".into(),
        package: "left-pad".into(),
        versions: vec!["1.0.0".into()],
        codes: codes.iter().map(|code| (*code).into()).collect(),
        advisories: Vec::new(),
        why: "needed".into(),
        author: "ann".into(),
        approver: None,
        created: days_ago(1),
        expires: NOW + Span::days(10),
    }
}

fn kill(target: KillTarget) -> Kill {
    Kill { id: "k1".into(), target, why: "a worm runs".into(), author: "ann".into(), created: NOW }
}

fn known() -> [KnownEcosystem<'static>; 1] {
    [KnownEcosystem {
        id: ECOSYSTEM,
        purl_type: "toy",
        key: Box::new(|name: &str| Some(name.to_lowercase())),
    }]
}

fn with(waivers: Vec<Waiver>, kills: Vec<Kill>) -> Arc<Exceptions> {
    let exceptions = Exceptions::new(waivers, kills, [], &[]);
    assert_eq!(exceptions.problems(), [""; 0]);
    Arc::new(exceptions)
}

#[test]
fn a_waiver_takes_one_findings_force_from_named_releases_until_it_ends() {
    let mut trial = Trial::new();
    trial.releases[0] = release("1.0.0", 5);
    trial.releases[1] = release("1.1.0", 5);
    trial.exceptions = with(vec![waiver(&["release-too-new"])], vec![]);
    let allowed = trial.filter();
    assert!(allowed.admits(0) && !allowed.admits(1));
    assert_eq!(allowed.next_change(), Some(NOW + Span::days(10)));
    let finding = trial.finding(0, "release-too-new");
    assert_eq!((finding.action, finding.waived_by.as_deref()), (Action::Warn, Some("w1")));
    assert!(trial.exceptions.unmatched().is_empty());
    trial.now = NOW + Span::days(10);
    assert!(!trial.filter().admits(0));
}

#[test]
fn a_new_advisory_blocks_again() {
    let mut trial = Trial::new();
    trial.known[0].advisories.push(advisory("GHSA-1", Some(Severity::High)));
    let named = Waiver { advisories: vec!["ghsa-1".into()], ..waiver(&["vulnerable"]) };
    trial.exceptions = with(vec![named.clone()], vec![]);
    assert!(trial.filter().admits(0));
    trial.known[0].advisories.push(advisory("GHSA-2", Some(Severity::High)));
    assert!(!trial.filter().admits(0));
    let second = Waiver { id: "w2".into(), advisories: vec!["GHSA-2".into()], ..waiver(&["vulnerable"]) };
    trial.exceptions = with(vec![named, second], vec![]);
    assert!(trial.filter().admits(0), "two waivers name both");
    trial.advisories = crate::facts::AdvisoryState::Stale { since: None };
    trial.known[0].advisories.clear();
    assert!(!trial.filter().admits(0), "stale advisories are another matter");
}

#[test]
fn an_alias_names_the_advisory_too() {
    let mut trial = Trial::new();
    let mut flaw = advisory("GHSA-1", Some(Severity::High));
    flaw.aliases = vec!["CVE-2026-1".into()];
    trial.known[0].advisories.push(flaw);
    let named = Waiver { advisories: vec!["CVE-2026-1".into()], ..waiver(&["vulnerable"]) };
    trial.exceptions = with(vec![named], vec![]);
    assert!(trial.filter().admits(0));
}

#[test]
fn waivers_that_cannot_be_are_left_out_and_told() {
    let two = |approver: Option<&str>| Waiver {
        advisories: vec!["MAL-1".into()],
        approver: approver.map(Into::into),
        ..waiver(&["known-malware"])
    };
    for (wrong, expected) in [
        (waiver(&["reserved-name"]), "reserved-name cannot be waived"),
        (waiver(&["bytes-changed"]), "bytes-changed cannot be waived"),
        (waiver(&["killed"]), "there is no finding `killed`"),
        (
            waiver(&["release-to-new"]),
            "there is no finding `release-to-new`; did you mean `release-too-new`?",
        ),
        (waiver(&["vulnerable"]), "expected the ids of all of them"),
        (waiver(&[]), "at least one code"),
        (two(None), "needs somebody other than ann"),
        (two(Some(" Ann ")), "needs somebody other than ann"),
        (two(Some(" ")), "needs somebody other than ann"),
        (Waiver { versions: vec![], ..waiver(&["licence"]) }, "at least one version"),
        (
            Waiver { versions: vec!["*".into()], ..waiver(&["release-too-new"]) },
            "expected their versions instead of `*`",
        ),
        (Waiver { why: " ".into(), ..waiver(&["licence"]) }, "expected a text as `why`"),
        (Waiver { expires: days_ago(1), ..waiver(&["licence"]) }, "within 1 year"),
        (Waiver { expires: NOW + Span::days(365), ..waiver(&["licence"]) }, "within 1 year"),
    ] {
        let exceptions = Exceptions::new([wrong], [], [], &[]);
        assert!(exceptions.problems()[0].contains(expected), "{:?}", exceptions.problems());
        assert!(exceptions.waivers.is_empty());
    }
    assert_eq!(two(Some("bob")).validate(&[]), Ok(()));
    let every = Waiver { versions: vec!["*".into()], ..waiver(&["looks-alike"]) };
    assert_eq!(every.validate(&[]), Ok(()));
    assert!(waiver(&["mine"]).validate(&["mine"]).is_ok());
}

#[test]
fn a_kill_is_above_every_waiver_the_mode_and_the_house() {
    let mut trial = Trial::policy("mode = \"observe\"\n");
    let killed = KillTarget::parse("pkg:toy/Left-*@1.0.*", &known()).unwrap();
    let codes = ["licence", "release-too-new"];
    trial.exceptions = with(vec![waiver(&codes)], vec![kill(killed)]);
    trial.hosted = true;
    let allowed = trial.filter();
    assert!(!allowed.admits(0) && allowed.admits(1));
    let withheld = allowed.withheld(0).unwrap();
    assert_eq!((&*withheld.code, withheld.action, withheld.until), ("killed", Action::Refuse, None));
    assert_eq!(withheld.sentence, "refused at once by ann: a worm runs");
    let judgement = trial.judge(0);
    assert_eq!(judgement.findings[0].source, "kill k1");
    assert!(allowed.pass(0).is_none());
}

#[test]
fn a_kill_by_digest_finds_the_file_in_the_index_and_at_the_door() {
    let digest = Digest::from_bytes(Algorithm::Sha256, &[7; 32]).unwrap();
    let target =
        KillTarget::parse(&digest.to_string().to_uppercase().replace("SHA256", "sha256"), &[]).unwrap();
    let mut trial = Trial::new();
    trial.releases[1].artifacts.push(Artifact {
        file: "a".into(),
        url: "".into(),
        digests: vec![digest.clone()],
        size_bytes: None,
    });
    let kill = kill(target);
    assert!(kill.matches_digest(&digest));
    trial.exceptions = with(vec![], vec![kill]);
    let allowed = trial.filter();
    assert!(allowed.admits(0) && !allowed.admits(1));
    assert_eq!(&*trial.exceptions.kill_for_digest(&digest).unwrap().code, "killed");
    let other = Digest::from_bytes(Algorithm::Sha256, &[8; 32]).unwrap();
    assert!(trial.exceptions.kill_for_digest(&other).is_none());
}

#[test]
fn kills_are_read_with_care() {
    for wrong in ["", "left-pad", "pkg:tin/left-pad", "sha256:00", "pkg:toy/", "pkg:toy/a b"] {
        assert!(KillTarget::parse(wrong, &known()).is_err(), "{wrong}");
    }
    let text = KillTarget::parse("pkg:toi/x", &known()).unwrap_err().to_string();
    assert!(text.ends_with("did you mean `toy`?"), "{text}");
    let target = KillTarget::parse("pkg:toy/%40acme/*", &known()).unwrap();
    let expected = KillTarget::Package { ecosystem: "toy".into(), package: "@acme/*".into(), version: None };
    assert_eq!(target, expected);
    let text = serde_json::to_string(&kill(target.clone())).unwrap();
    assert_eq!(serde_json::from_str::<Kill>(&text).unwrap().target, target);
}
