//! Reading single records: what is tolerated, what refused, what made of it.

use super::*;
use crate::{EventKind, Informational, MAX_RECORD_BYTES, Severity};
use proptest::prelude::*;
use proptest::sample::Index;

fn of(rest: &str) -> Advisory {
    advisory(&format!(r#"{{"id":"X-1","modified":"2025-01-01T00:00:00Z",{rest}}}"#))
}

fn affected(rest: &str) -> crate::Affected {
    let record = of(&format!(r#""affected":[{{"package":{{"ecosystem":"npm","name":"x"}},{rest}}}]"#));
    record.affected.into_iter().next().unwrap()
}

#[test]
fn unknown_parts_are_read_over() {
    let record = of(
        r#""novel":{"a":[1]},"aliases":null,"severity":null,"references":null,"database_specific":[1],
        "affected":[
          {"ranges":[{"type":"GIT","repo":"r","events":[{"introduced":"0"}]}]},
          {"package":{"ecosystem":"Debian:12","name":"x","purl":"pkg:deb/x"},"ecosystem_specific":7,"database_specific":"?",
           "severity":[{"type":"NOVEL_V9","score":[1]}],
           "ranges":[{"type":"NOVEL","events":[{"novel":"1"}]},
                     {"type":"GIT","repo":"r","events":[{"introduced":"0"}]},
                     {"type":"SEMVER","events":[{"introduced":"1","fixed":"2"},{"novel":true}],"database_specific":{}}]}]"#,
    );
    assert_eq!(record.affected.len(), 1, "an element without package needs a commit graph");
    let one = &record.affected[0];
    assert_eq!((one.plain_ecosystem(), one.ecosystem.as_str()), ("Debian", "Debian:12"));
    let kinds: Vec<EventKind> = one.ranges.iter().flatten().map(|event| event.kind).collect();
    assert_eq!((one.ranges.len(), kinds), (1, vec![EventKind::Introduced, EventKind::Fixed]));
    assert_eq!(one.severity, None);
    assert_eq!(of(r#""affected":null"#).affected, []);
}

#[test]
fn broken_records_are_refused_with_the_reason() {
    let long = "9".repeat(300);
    let many = format!(r#"{{"id":"X-1","aliases":[{}"A-1"]}}"#, r#""A-1","#.repeat(256));
    for (json, reason) in [
        ("", "no OSV record"),
        ("[]", "no OSV record"),
        (r#"{"modified":"2025-01-01T00:00:00Z"}"#, "missing field `id`"),
        (r#"{"id":""}"#, "`id`"),
        (r#"{"id":"a b"}"#, "`id`"),
        (r#"{"id":"X-1","affected":{}}"#, "no OSV record"),
        (r#"{"id":"X-1","affected":[{"package":{"ecosystem":"npm"}}]}"#, "missing field `name`"),
        (r#"{"id":"X-1","affected":[{"package":{"ecosystem":"npm","name":""}}]}"#, "X-1: a package's name"),
        (
            &format!(
                r#"{{"id":"X-1","affected":[{{"package":{{"ecosystem":"npm","name":"x"}},"versions":["{long}"]}}]}}"#
            ),
            "a version is empty",
        ),
        (&many, "`aliases` has 257 elements where 256"),
        (&" ".repeat(MAX_RECORD_BYTES + 1), "more than 4194304 bytes"),
        (&format!(r#"{{"id":"X-1","x":{}}}"#, "[".repeat(5000)), "no OSV record"),
    ] {
        let error = Advisory::parse(json.as_bytes()).unwrap_err().to_string();
        assert!(error.contains(reason), "{error}");
    }
}

#[test]
fn malware_is_told_by_any_mark() {
    let package = r#""affected":[{"package":{"ecosystem":"npm","name":"x"},"versions":["1"]}]"#;
    let marked = |rest: &str| of(&format!("{package},{rest}")).affected[0].malware;
    for mark in [
        r#""aliases":["MAL-2024-1"]"#,
        r#""database_specific":{"malicious-packages-origins":[{"source":"s"}]}"#,
        r#""database_specific":{"type":"malicious"}"#,
        r#""database_specific":{"category":"Malware"}"#,
        r#""database_specific":{"cwe_ids":["CWE-20","CWE-506"]}"#,
        r#""database_specific":{"malicious":true}"#,
    ] {
        assert!(marked(mark), "{mark}");
    }
    for mark in [
        r#""aliases":["NORMAL-1"]"#,
        r#""database_specific":{"malicious-packages-origins":[]}"#,
        r#""database_specific":{"malicious":false,"type":"reviewed","cwe_ids":["CWE-20"]}"#,
        r#""database_specific":{"categories":[["malicious"]]}"#,
        r#""summary":"malicious""#,
    ] {
        assert!(!marked(mark), "{mark}");
    }
    assert!(affected(r#""database_specific":{"categories":["malicious"]}"#).malware);
}

#[test]
fn malware_without_versions_is_all_of_them_and_a_list_stands_against_no_end() {
    let everything = |json: &str| {
        let index = index_of(&[advisory(json)]);
        (index.is_affected(NPM, "x", "1.0.0", &semver), index.is_affected(NPM, "x", "2.0.0", &semver))
    };
    let record = |id: &str, rest: &str| {
        format!(r#"{{"id":"{id}","affected":[{{"package":{{"ecosystem":"npm","name":"x"}}{rest}}}]}}"#)
    };
    let open = r#","ranges":[{"type":"SEMVER","events":[{"introduced":"0"}]}]"#;
    let closed = r#","ranges":[{"type":"SEMVER","events":[{"introduced":"0"},{"fixed":"1.5.0"}]}]"#;
    let git = r#","ranges":[{"type":"GIT","repo":"r","events":[{"introduced":"0"}]}]"#;
    let list = r#","versions":["2.0.0"]"#;
    assert_eq!(everything(&record("MAL-1", "")), (true, true));
    assert_eq!(everything(&record("MAL-1", git)), (true, true));
    assert_eq!(everything(&record("MAL-1", open)), (true, true));
    assert_eq!(everything(&record("MAL-1", list)), (false, true));
    assert_eq!(everything(&record("MAL-1", &format!("{list}{open}"))), (false, true));
    assert_eq!(everything(&record("MAL-1", &format!("{list}{closed}"))), (true, true));
    // Of anything else the schema's evaluation holds to the letter.
    assert_eq!(everything(&record("X-1", "")), (false, false));
    assert_eq!(everything(&record("X-1", git)), (false, false));
    assert_eq!(everything(&record("X-1", &format!("{list}{open}"))), (true, true));
}

#[test]
fn severities() {
    let of_vector = |text: &str| Severity::from_vector(text);
    for (vector, expected) in [
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H", Some(Severity::Critical)),
        ("CVSS:3.0/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H", Some(Severity::High)),
        ("CVSS:3.1/AV:L/AC:H/PR:H/UI:R/S:U/C:L/I:N/A:N", Some(Severity::Low)),
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:N", Some(Severity::None)),
        ("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N", Some(Severity::Critical)),
        ("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:N/VI:N/VA:L/SC:N/SI:N/SA:N", Some(Severity::Medium)),
        ("AV:N/AC:L/Au:N/C:P/I:P/A:P", Some(Severity::High)),
        ("(AV:L/AC:H/Au:N/C:P/I:N/A:N)", Some(Severity::Low)),
        ("9.8", Some(Severity::Critical)),
        ("11", None),
        ("NaN", None),
        ("", None),
        ("CVSS:5.0/AV:N", None),
        ("CVSS:3.1/AV:N", None),
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H", None),
        ("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H", None),
        ("AV:N/AC:L/Au:N/C:P/I:P", None),
    ] {
        assert_eq!(of_vector(vector), expected, "{vector}");
    }
    for (word, expected) in [
        ("LOW", Some(Severity::Low)),
        ("Moderate", Some(Severity::Medium)),
        ("CRITICAL", Some(Severity::Critical)),
        ("unknown", None),
    ] {
        assert_eq!(Severity::from_word(word), expected);
    }
    assert!(
        None < Some(Severity::None) && Severity::None < Severity::Low && Severity::High < Severity::Critical
    );
}

#[test]
fn the_highest_vector_wins_and_words_only_without_one() {
    let record = of(
        r#""severity":[{"type":"CVSS_V2","score":"AV:N/AC:L/Au:N/C:P/I:N/A:N"},{"type":"CVSS_V3","score":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H"}],
        "database_specific":{"severity":"CRITICAL"},
        "affected":[{"package":{"ecosystem":"npm","name":"x"},"severity":[{"type":"CVSS_V3","score":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H"}]},
                    {"package":{"ecosystem":"npm","name":"y"}}]"#,
    );
    assert_eq!(record.affected[0].severity, Some(Severity::Critical), "of this package alone");
    assert_eq!(record.affected[1].severity, Some(Severity::High), "the record's vector, not its word");
    assert_eq!(affected(r#""ecosystem_specific":{"severity":"HIGH"}"#).severity, Some(Severity::High));
    assert_eq!(
        affected(r#""severity":[{"type":"Ubuntu","score":"medium"}]"#).severity,
        Some(Severity::Medium)
    );
    assert_eq!(affected(r#""database_specific":{"cvss":null}"#).severity, None);
    let notice = affected(r#""database_specific":{"informational":"unsound"}"#);
    assert_eq!((notice.informational, notice.severity), (Some(Informational::Unsound), Some(Severity::None)));
}

#[test]
fn texts_are_safe_to_show() {
    let record = of(
        "\"details\":\"\\n\\n## Red\\u001b[31m \\u202eherring\\nmore\",\"references\":[{\"type\":\"WEB\",\"url\":\"javascript:alert(1)\"},{\"type\":\"WEB\",\"url\":\"https://a.test/\\\"x\"},{\"type\":\"FIX\",\"url\":\"https://b.test/\"}]",
    );
    assert_eq!(record.summary, "Red [31m herring");
    assert_eq!(record.url.as_deref(), Some("https://b.test/"));
    let long = of(&format!(r#""summary":"{}""#, "ä".repeat(500)));
    assert_eq!(long.summary.chars().count(), 200);
}

proptest! {
    #[test]
    fn mutated_records_never_panic(
        file in any::<Index>(),
        edits in prop::collection::vec((any::<Index>(), any::<u8>(), 0u8..4), 1..12),
    ) {
        let mut files: Vec<_> = std::fs::read_dir(fixtures()).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        let mut bytes = std::fs::read(&files[file.index(files.len())]).unwrap();
        for (at, byte, what) in edits {
            let at = at.index(bytes.len());
            match what {
                0 => bytes[at] = byte,
                1 => bytes.insert(at, byte),
                2 if bytes.len() > 1 => { bytes.remove(at); }
                _ => { let piece = bytes[at..(at + 30).min(bytes.len())].to_vec(); bytes.splice(at..at, piece); }
            }
        }
        if let Ok(advisory) = Advisory::parse(&bytes) {
            let index = index_of(&[advisory]);
            let again = AdvisoryIndex::from_bytes(index.to_bytes().to_vec(), &by_id).unwrap();
            prop_assert_eq!(again.revision(), index.revision());
        }
    }

    #[test]
    fn any_vector_is_answered(text in "(CVSS:[234]\\.[01]/)?([A-Za-z]{1,3}:[A-Z]{1,3}/?){0,14}|.{0,40}") {
        let _ = Severity::from_vector(&text);
    }
}
