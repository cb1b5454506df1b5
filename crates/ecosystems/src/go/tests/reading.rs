use super::*;
use crate::{Details, Need, Pointers, Relaying};
use lazaret_vocabulary::{Reference, ReferenceKind};
use std::sync::Arc;

const PAD: &str = "code.example/left/pad";

fn need(roles: &[Arc<str>]) -> Need<'_> {
    Need { dates_after: Some(Timestamp::EPOCH), details: true, roles }
}

fn versions(module: &documents::Module) -> Vec<&str> {
    module.releases.iter().map(|release| &*release.version).collect()
}

fn asked(wanted: Wanted) -> Vec<String> {
    match wanted {
        Wanted::Fetch(fetches) => {
            fetches.into_iter().map(|fetch| format!("{} {}", fetch.upstream, fetch.path)).collect()
        }
        Wanted::Enough => Vec::new(),
    }
}

#[test]
fn the_list_is_asked_for_first() {
    let wanted = |have: &[Document]| asked(documents::wanted(&package("code.example/A"), have));
    assert_eq!(wanted(&[]), ["proxy /code.example/!a/@v/list"]);
    let list = document(
        documents::LIST,
        "v1.0.0\nv1.2.0-RC.1\nv1.1.0\nv0.0.0-20391109021931-daa7c04131f5\nv9.0.0\n",
    );
    assert_eq!(wanted(std::slice::from_ref(&list)), ["proxy /code.example/!a/@v/v1.1.0.mod"]);
    assert!(wanted(&[list, document(documents::NEWEST_MOD, "")]).is_empty());
    let early = document(documents::LIST, "v1.2.0-RC.1\n");
    assert_eq!(wanted(&[early]), ["proxy /code.example/!a/@v/v1.2.0-!r!c.1.mod"]);
    let none = document(documents::LIST, "v0.0.0-20191109021931-daa7c04131f5\n");
    assert_eq!(wanted(std::slice::from_ref(&none)), ["proxy /code.example/!a/@latest"]);
    assert!(wanted(&[none, document(documents::LATEST, "")]).is_empty());
    assert!(wanted(&[document(documents::HOUSE, "")]).is_empty());
}

#[test]
fn a_list_is_read_line_by_line() {
    let read = |list: &str| documents::read(&package(PAD), &[document(documents::LIST, list.to_owned())]);
    let module = read(include_str!("../corpus/list.txt")).unwrap();
    assert_eq!(versions(&module), ["v1.0.0", "v1.1.0", "v1.2.0-rc.1"], "a commit is no version to choose");
    assert_eq!(module.lines.len(), 3);
    let [_, dated, early] = module.releases.as_slice() else { panic!("three releases") };
    assert_eq!(dated.claimed, Timestamp::parse("2024-05-01T10:00:00Z").ok());
    assert_eq!(dated.published, None);
    assert!(early.prerelease && !dated.prerelease);
    let told: Vec<(&str, &str)> = early.artifacts.iter().map(|file| (&*file.file, &*file.url)).collect();
    assert_eq!(
        told,
        [
            ("v1.2.0-rc.1.info", "code.example/left/pad/@v/v1.2.0-rc.1.info"),
            ("v1.2.0-rc.1.mod", "code.example/left/pad/@v/v1.2.0-rc.1.mod"),
            ("v1.2.0-rc.1.zip", "code.example/left/pad/@v/v1.2.0-rc.1.zip")
        ]
    );
    assert_eq!(versions(&read("v1.0.0\r\nv1.0.0\n  v1.1.0  \n").unwrap()), ["v1.0.0", "v1.1.0"]);
    assert_eq!(read("v1.0.0\r\nv1.1.0").unwrap().filtered(|_| true).unwrap(), "v1.0.0\nv1.1.0\n");
    assert!(read("").unwrap().releases.is_empty());
    for wrong in ["<html>", "v2.0.0\n", "not found\n"] {
        assert!(read(wrong).is_err(), "{wrong}");
    }
    assert!(documents::read(&package(PAD), &[document(documents::LIST, &b"v1.0.0\n\xff"[..])]).is_err());
    let many: String = (0..100_001).map(|number| format!("v1.{number}.0\n")).collect();
    assert!(read(&many).unwrap_err().to_string().contains("100000"));
}

#[test]
fn a_module_without_versions_has_a_newest_commit() {
    let read = |list: &str, latest: &str| {
        let have =
            [document(documents::LIST, list.to_owned()), document(documents::LATEST, latest.to_owned())];
        documents::read(&package(PAD), &have)
    };
    let latest = r#"{"Version":"v0.0.0-20191109021931-daa7c04131f5","Time":"2019-11-09T02:19:31Z"}"#;
    let module = read("", latest).unwrap();
    assert_eq!(
        (versions(&module), module.lines.as_slice()),
        (vec!["v0.0.0-20191109021931-daa7c04131f5"], &[None][..])
    );
    assert_eq!(module.filtered(|_| true).unwrap(), "v0.0.0-20191109021931-daa7c04131f5\n");
    let older = read("v0.0.0-20181109021931-aaa7c04131f5\n", latest).unwrap();
    assert_eq!(older.releases.len(), 2);
    assert_eq!(read("v1.0.0\n", latest).unwrap().releases.len(), 1, "the list has the say");
    assert!(read("", "{}").is_err() && read("", r#"{"Version":"v7.0.0"}"#).is_err());
}

#[test]
fn the_newest_go_mod_speaks_for_the_module() {
    let have = [
        document(documents::LIST, "v1.0.0\nv1.0.1\nv1.0.4\nv1.1.0\n"),
        document(documents::NEWEST_MOD, include_str!("../corpus/go.mod")),
    ];
    let module = documents::read(&package(PAD), &have).unwrap();
    let reasons: Vec<Option<&str>> =
        module.releases.iter().map(|release| release.withdrawn.as_deref()).collect();
    assert_eq!(reasons, [None, Some("Broken on Tuesdays."), Some("leaked a key"), None]);
    assert_eq!(module.standing.retired.as_deref(), Some("use code.example/left/pad/v2 instead."));
    let have = [have[0].clone(), document(documents::NEWEST_MOD, "module (")];
    assert!(documents::read(&package(PAD), &have).unwrap().standing.retired.is_none());
}

#[test]
fn a_go_mod_is_read_as_the_go_command_reads_it() {
    let parse = |text: &str| gomod::GoMod::parse(text.as_bytes());
    let found = parse("module (\n\tx.y/z // here\n)\nretract ( [v1.0.0, v1.1.0]\n)\n").map(|_| ());
    assert!(found.is_err(), "a block's first line ends with its bracket");
    let found = parse(
        "module (\n\tx.y/z // here\n)\nretract (\n\t[v1.0.0,v1.1.0]\n\tv1.3.0 // why\n)\nunknown a b => c\n",
    )
    .unwrap();
    assert_eq!(found.module.as_deref(), Some("x.y/z"));
    assert_eq!(found.retracts.len(), 2);
    assert!(found.retracts[0].covers("v1.0.5") && !found.retracts[0].covers("v1.1.1"));
    assert_eq!(found.retracts[1].reason, "why");
    let plain = parse("module x.y/z//comment\nrequire \"a.b\" v1.0.0\n").unwrap();
    assert_eq!((plain.module.as_deref(), plain.requires[0].path.as_str()), (Some("x.y/z"), "a.b"));
    assert_eq!(parse("module x.y/z // Deprecated: gone").unwrap().deprecated.as_deref(), Some("gone"));
    assert_eq!(
        parse("// Deprecated: gone\n\nmodule x.y/z").unwrap().deprecated,
        None,
        "a blank line parts them"
    );
    for wrong in [
        "module a\nmodule b\n",
        "module\n",
        "module \"a\n",
        "require a\n",
        "require (\n",
        "replace a b\n",
        "retract [v1.0.0\n",
        "replace a => b c d\n",
        "module `a\n",
        "require a \"v1\\n\"\n",
    ] {
        assert!(parse(wrong).is_err(), "{wrong}");
    }
    assert!(gomod::GoMod::parse(b"module \xff").is_err());
    assert!(parse(&"use a\n".repeat(100_001)).unwrap_err().to_string().contains("100000"));
}

#[test]
fn an_info_is_about_the_version_that_was_asked_for() {
    let roles = [Arc::from("proxy"), Arc::from("sumdb")];
    let release = details::release(&package(PAD), "v1.1.0").unwrap();
    let read = |documents: &[Document]| details::Versions.read(&package(PAD), &release, documents);
    let info = document("info", include_str!("../corpus/version.info"));
    let detail = read(std::slice::from_ref(&info)).unwrap().unwrap();
    assert_eq!((detail.no_later_than, detail.claimed), (None, Timestamp::parse("2024-05-01T10:00:00Z").ok()));
    assert_eq!(detail.repository.as_deref(), Some("https://code.example/left/pad"));
    assert_eq!(read(&[]).unwrap(), None, "nothing came, so there is no such release");
    for wrong in [
        r#"{"Version":"v1.1.1"}"#,
        r#"{"version":"v1.1.0","Version":"v1.1.0"}"#,
        r#"{"Version":"v1.1.0","Time":1}"#,
        r#"{"Time":"2024-05-01T10:00:00Z"}"#,
        "[]",
        "",
    ] {
        assert!(read(&[document("info", wrong)]).is_err(), "{wrong}");
    }
    let zero =
        read(&[document("info", r#"{"Version":"v1.1.0","Time":"0001-01-01T00:00:00Z"}"#)]).unwrap().unwrap();
    assert_eq!(zero.claimed, None);
    let wanted = |roles, have: &[Document]| {
        asked(details::Versions.wanted(&package(PAD), &release, have, &need(roles)))
    };
    assert_eq!(
        wanted(&roles, &[]),
        ["proxy /code.example/left/pad/@v/v1.1.0.info", "sumdb /lookup/code.example/left/pad@v1.1.0"]
    );
    assert_eq!(wanted(&roles[..1], &[]), ["proxy /code.example/left/pad/@v/v1.1.0.info"]);
    assert!(wanted(&roles, &[info]).is_empty());
}

#[test]
fn the_log_proves_an_age_that_no_publisher_can_fake() {
    let text = include_str!("../corpus/lookup.txt");
    let by = |name: &str, version: &str, text: &str| {
        sumdb::logged_by(&package(name), version, &document(sumdb::LOOKUP, text.to_owned()))
            .map(|at| at.to_string())
    };
    assert_eq!(by("golang.org/x/text", "v0.14.0", text).as_deref(), Some("2023-11-09T00:00:00Z"));
    assert_eq!(by("golang.org/x/text", "v0.14.1", text), None, "about another version");
    assert_eq!(by("golang.org/x/tex", "v0.14.0", text), None, "about another module");
    let first = |number: &str| by("golang.org/x/text", "v0.14.0", &text.replacen("20485573", number, 1));
    assert_eq!(first("0").as_deref(), Some("2021-03-15T00:00:00Z"));
    assert_eq!(first("71056071").as_deref(), Some("2026-11-12T00:00:00Z"));
    for none in ["71056072", "18446744073709551616", "-1", "+1", "", "x"] {
        assert_eq!(first(none), None, "{none}");
    }
    assert_eq!(
        by("golang.org/x/text", "v0.14.0", &format!("1\n\n{text}")),
        None,
        "the record ends at a blank line"
    );
}

#[test]
fn days_of_the_log_rise_with_its_records() {
    let days: Vec<Timestamp> =
        sumdb::LOGGED.iter().map(|(_, day)| Timestamp::parse(&format!("{day}T00:00:00Z")).unwrap()).collect();
    assert!(sumdb::LOGGED.is_sorted_by_key(|(record, _)| *record) && days.is_sorted());
}

#[test]
fn the_database_passes_as_it_is() {
    let relay = |target: &str, body: &[u8]| {
        let Route::Relay(relay) = get(target) else { panic!("{target}") };
        sumdb::Database.relay(&relay, &document("sumdb", body.to_vec())).map(|relayed| relayed.reply.body)
    };
    let lookup = include_str!("../corpus/lookup.txt").as_bytes();
    assert_eq!(relay("/sumdb/sums.example/lookup/golang.org/x/text@v0.14.0", lookup).unwrap(), lookup);
    assert_eq!(relay("/sumdb/sums.example/tile/8/0/001", &[7; 64]).unwrap(), [7; 64].as_slice());
    for (target, body) in [
        ("/sumdb/sums.example/latest", &b"<html>"[..]),
        ("/sumdb/sums.example/latest", &[0xff; 64]),
        ("/sumdb/sums.example/tile/8/0/001", &[7; 63]),
        ("/sumdb/sums.example/tile/8/0/001", &[]),
    ] {
        assert!(relay(target, body).is_err(), "{target}");
    }
}

#[test]
fn a_branch_stands_for_a_version() {
    let pad = package(PAD);
    let read = |pointer: &str, version: &str| {
        let answer = document("query", format!(r#"{{"Version":"{version}","Time":"2019-11-09T02:19:31Z"}}"#));
        pointers::Revisions.read(&pad, pointer, "info", &answer, &need(&[])).map(Option::unwrap)
    };
    let commit = "v0.0.0-20191109021931-daa7c04131f5";
    let target = read("main", commit).unwrap();
    assert_eq!(
        (&*target.file, &*target.release.version),
        ("v0.0.0-20191109021931-daa7c04131f5.info", commit)
    );
    let reference = |pointer: &str, version: &str| {
        read(pointer, version)
            .unwrap()
            .release
            .reference
            .map(|Reference { name, kind, .. }| (name.to_string(), kind))
    };
    assert_eq!(reference("main", commit), Some(("main".to_owned(), ReferenceKind::Moving)));
    assert_eq!(reference("v1.2", "v1.2.0"), Some(("v1.2".to_owned(), ReferenceKind::Fixed)));
    for id in ["daa7c04", "daa7c04131f5", "daa7c04131f5daa7c04131f5daa7c04131f5daa7"] {
        assert_eq!(reference(id, commit), None, "{id} cannot be moved");
    }
    assert_eq!(
        reference("dead", commit).map(|(_, kind)| kind),
        Some(ReferenceKind::Moving),
        "a word of hex digits"
    );
    assert_eq!(reference("ffa7c04131f5", commit).map(|(_, kind)| kind), Some(ReferenceKind::Moving));
    assert_eq!(reference("daa7c04131f5daa7c04131f5daa7c04131f5daa7", "v1.0.0"), None);
    assert!(read("main", "v3.0.0").is_err() && read("main", "main").is_err());
    let fetch = pointers::Revisions.fetch(&package("code.example/A"), "Feature {1}+x", &need(&[]));
    assert_eq!(fetch.path, "/code.example/!a/@v/!feature%20%7B1%7D%2Bx.info");
    assert!(pointers::Revisions.earlier(&pad, "main", "info", commit, &need(&[])).is_some());
    assert!(pointers::Revisions.earlier(&pad, "main", "info", "v3.0.0", &need(&[])).is_none());
    assert!(!pointers::Revisions.falls_back());
}
