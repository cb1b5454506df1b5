use super::*;
use proptest::prelude::*;

fn rules(allow: &[&str], deny: &[&str]) -> LicenceRules {
    let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    LicenceRules::new(&owned(allow), &owned(deny)).unwrap()
}

fn short(verdict: LicenceVerdict) -> String {
    match verdict {
        Satisfied => "ok".to_owned(),
        Denied { which, by: Some(by) } => format!("{which} by {by}"),
        Denied { which, by: None } => format!("{which} not allowed"),
        Unknown { .. } => "unknown".to_owned(),
    }
}

#[test]
fn deny_lists() {
    let rules = rules(&[], &["AGPL-*", "SSPL-1.0", "BUSL-1.1", "GPL-2.0", "UNLICENSED"]);
    let table = [
        ("MIT", "ok"),
        ("mit", "ok"),
        ("(MIT OR Apache-2.0)", "ok"),
        ("mit or apache-2.0", "ok"),
        ("MIT/Apache-2.0", "ok"),
        ("AGPL-3.0", "AGPL-3.0-only by AGPL-*"),
        ("AGPL-3.0+", "AGPL-3.0-or-later by AGPL-*"),
        ("AGPL-3.0-only OR MIT", "ok"),
        ("MIT OR AGPL-3.0-only", "ok"),
        ("AGPL-3.0-only AND MIT", "AGPL-3.0-only by AGPL-*"),
        ("MIT AND (Apache-2.0 AND (SSPL-1.0 OR BUSL-1.1))", "SSPL-1.0 by SSPL-1.0"),
        ("MIT OR Apache-2.0 AND AGPL-3.0-only", "ok"),
        ("AGPL-3.0-only AND MIT OR Apache-2.0", "ok"),
        ("(MIT OR Apache-2.0) AND AGPL-3.0-only", "AGPL-3.0-only by AGPL-*"),
        ("GPL-2.0-or-later", "GPL-2.0-or-later by GPL-2.0"),
        ("GPL-2.0+", "GPL-2.0-or-later by GPL-2.0"),
        ("GPL-3.0-or-later", "ok"),
        ("GPL-2.0-only WITH Classpath-exception-2.0", "GPL-2.0-only WITH Classpath-exception-2.0 by GPL-2.0"),
        ("Apache-2.0 WITH LLVM-exception", "ok"),
        ("Apache-2.0 WITH Commons-Clause", "unknown"),
        ("Apache-2.0+", "ok"),
        ("UNLICENSED", "UNLICENSED by UNLICENSED"),
        ("LicenseRef-Acme", "unknown"),
        ("LicenseRef-Acme OR MIT", "ok"),
        ("LicenseRef-Acme AND MIT", "unknown"),
        ("DocumentRef-x:LicenseRef-y", "unknown"),
        ("MIT OR Foo", "ok"),
        ("MIT AND Foo", "unknown"),
        ("Foo AND AGPL-3.0", "AGPL-3.0-only by AGPL-*"),
        ("AGPLv3", "AGPL-3.0-only by AGPL-*"),
        ("GNU Affero General Public License v3 or later (AGPLv3+)", "AGPL-3.0-or-later by AGPL-*"),
        ("License :: OSI Approved :: GNU Affero General Public License v3", "AGPL-3.0-only by AGPL-*"),
        ("Affero GPL", "unknown"),
        ("AGPL", "AGPL by AGPL-*"),
        ("Server Side Public License", "SSPL-1.0 by SSPL-1.0"),
        ("Business Source License 1.1", "BUSL-1.1 by BUSL-1.1"),
        ("GNU General Public License v2 (GPLv2)", "GPL-2.0-only by GPL-2.0"),
        ("MIT License AND GNU Affero General Public License v3", "AGPL-3.0-only by AGPL-*"),
        ("MIT License OR AGPLv3", "ok"),
    ];
    for (text, expected) in table {
        assert_eq!(short(rules.judge(text)), expected, "{text}");
    }
}

#[test]
fn allow_lists() {
    let rules = rules(
        &["MIT", "apache-2.0", "BSD-*", "GPL-3.0", "GPL-2.0-only WITH Classpath-exception-2.0"],
        &["GPL-2.0-*"],
    );
    let table = [
        ("MIT", "ok"),
        ("Apache-2.0+", "ok"),
        ("ISC", "ISC not allowed"),
        ("ISC OR MIT", "ok"),
        ("ISC AND MIT", "ISC not allowed"),
        ("BSD-3-Clause", "ok"),
        ("GPL-3.0-only", "ok"),
        ("GPL-3.0-or-later", "ok"),
        ("GPL-2.0-only", "GPL-2.0-only by GPL-2.0-*"),
        ("GPL-2.0 WITH Classpath-exception-2.0", "ok"),
        ("GPL-2.0 WITH GCC-exception-2.0", "GPL-2.0-only WITH GCC-exception-2.0 by GPL-2.0-*"),
        ("LicenseRef-Acme", "LicenseRef-Acme not allowed"),
        ("UNLICENSED", "unknown"),
    ];
    for (text, expected) in table {
        assert_eq!(short(rules.judge(text)), expected, "{text}");
    }
    let own =
        super::LicenceRules::new(&["LicenseRef-Acme*".to_owned(), "UNLICENSED".to_owned()], &[]).unwrap();
    assert_eq!(own.judge("LicenseRef-Acme-2"), Satisfied);
    assert_eq!(own.judge("UNLICENSED"), Satisfied);
}

#[test]
fn names_that_are_certain() {
    let table = [
        ("MIT License", "MIT"),
        ("The MIT License (MIT)", "MIT"),
        ("MIT licence", "MIT"),
        ("License :: OSI Approved :: MIT License", "MIT"),
        ("MIT/X11", "MIT"),
        ("Apache 2.0", "Apache-2.0"),
        ("Apache 2", "Apache-2.0"),
        ("Apache-2", "Apache-2.0"),
        ("Apache License, Version 2.0", "Apache-2.0"),
        ("Apache License v2.0", "Apache-2.0"),
        ("Apache Software License 2.0", "Apache-2.0"),
        ("Licensed under the Apache License, Version 2.0", "Apache-2.0"),
        ("New BSD License", "BSD-3-Clause"),
        ("BSD 3-Clause", "BSD-3-Clause"),
        ("BSD 3-Clause \"New\" or \"Revised\" License", "BSD-3-Clause"),
        ("3-Clause BSD License", "BSD-3-Clause"),
        ("BSD-2-clause", "BSD-2-Clause"),
        ("ISC License (ISCL)", "ISC"),
        ("GPLv3", "GPL-3.0-only"),
        ("GPLv3+", "GPL-3.0-or-later"),
        ("GPL-3.0", "GPL-3.0-only"),
        ("GNU General Public License v3 or later (GPLv3+)", "GPL-3.0-or-later"),
        ("GNU General Public License v3.0 only", "GPL-3.0-only"),
        ("GNU Lesser General Public License v2 or later (LGPLv2+)", "LGPL-2.0-or-later"),
        ("Mozilla Public License 2.0 (MPL 2.0)", "MPL-2.0"),
        ("The Unlicense (Unlicense)", "Unlicense"),
        ("CC0 1.0 Universal (CC0 1.0) Public Domain Dedication", "CC0-1.0"),
        ("zlib/libpng License", "Zlib"),
        ("Boost Software License 1.0 (BSL-1.0)", "BSL-1.0"),
        ("European Union Public Licence 1.2 (EUPL 1.2)", "EUPL-1.2"),
        ("Zope Public License 2.1", "ZPL-2.1"),
    ];
    for (text, id) in table {
        assert_eq!(rules(&[id], &[]).judge(text), Satisfied, "{text}");
        let denied = rules(&[], &[id]).judge(text);
        // `MIT/X11` offers a choice: denying one leaves the other.
        assert!(matches!(denied, Denied { .. }) || text.contains("X11"), "{text}: {denied:?}");
    }
}

#[test]
fn names_that_are_not_certain() {
    let rules = rules(&[], &["AGPL-*"]);
    let unclear = [
        "",
        "  ",
        "BSD",
        "BSD License",
        "License :: OSI Approved :: BSD License",
        "Apache Software License",
        "GPL",
        "LGPL",
        "UNLICENSED",
        "NOASSERTION",
        "UNKNOWN",
        "NONE",
        "SEE LICENSE IN LICENSE.md",
        "see licence in COPYING",
        "Public Domain",
        "Other/Proprietary License",
        "License :: OSI Approved",
        "https://example.test/licence",
        "Copyright 2020 somebody",
        "MIT OR",
        "MIT (non-commercial)",
        "MIT (or AGPL)",
        "Apache 2.0 (with Commons Clause)",
        "MIT AND AND MIT",
        "MIT Apache-2.0",
        "+",
        "WITH",
        "MIT WITH",
        "MIT License AND Some Licence",
        "AGPL OR GPL",
    ];
    for text in unclear {
        assert_eq!(short(rules.judge(text)), "unknown", "{text}");
    }
    assert_eq!(short(rules.judge(&"MIT OR ".repeat(400))), "unknown");
    let deep = format!("{}MIT{}", "(".repeat(900), ")".repeat(900));
    assert_eq!(rules.judge(&deep), Satisfied);
}

#[test]
fn every_line_of_the_table_names_licences_that_exist() {
    let table = include_str!("../../data/licences.tsv");
    for line in table.lines().filter(|line| !line.starts_with("# ")) {
        let (name, ids) = line.split_once('\t').unwrap();
        for id in ids.split('|') {
            assert_eq!(names::id(id), Some(id), "{name}");
        }
        assert!(names::meaning(name).is_some(), "{name}");
    }
}

#[test]
fn patterns_that_cannot_be_meant() {
    let problem = |text: &str| LicenceRules::new(&[], &[text.to_owned()]).unwrap_err();
    assert_eq!(problem("AGLP-3.0-only").nearest.as_deref(), Some("AGPL-3.0-only"));
    assert_eq!(problem("Apach-2.0").nearest.as_deref(), Some("Apache-2.0"));
    assert!(problem("Apach-2.0").to_string().contains("did you mean `Apache-2.0`?"));
    assert_eq!(problem("no-such-licence-at-all").nearest, None);
    for bad in ["", "XGPL-*", "MIT WITH nothing", "AGPL-*-only", "*-1.0", "MIT OR ISC"] {
        problem(bad);
    }
    for good in
        ["*", "agpl-*", "GPL-2.0+", "GPL-2.0", "Apache-2.0+", "LicenseRef-x", "LicenseRef-*", "UNLICENSED"]
    {
        assert!(LicenceRules::new(&[good.to_owned()], &[]).is_ok(), "{good}");
    }
}

fn expression() -> impl Strategy<Value = String> {
    let leaf =
        proptest::sample::select(vec!["MIT", "AGPL-3.0-only", "Acme", "GPL-2.0+", "LicenseRef-x", "ISC"]);
    leaf.prop_map(str::to_owned).prop_recursive(5, 40, 3, |inner| {
        (inner.clone(), proptest::bool::ANY, inner)
            .prop_map(|(left, or, right)| format!("({left} {} {right})", if or { "OR" } else { "AND" }))
    })
}

proptest! {
    #[test]
    fn no_text_panics(text in "\\PC{0,80}|[a-zA-Z0-9+()/:. *-]{0,80}") {
        rules(&["MIT"], &["AGPL-*"]).judge(&text);
        let _ = LicenceRules::new(std::slice::from_ref(&text), std::slice::from_ref(&text));
    }

    #[test]
    fn no_sequence_of_tokens_panics(tokens in proptest::collection::vec(
        proptest::sample::select(vec!["MIT", "GPL-2.0", "AND", "OR", "WITH", "(", ")", "+", "/", " ", "x",
            "LicenseRef-", "LicenseRef-a", "DocumentRef-a:LicenseRef-b", "AdditionRef-c", "LLVM-exception", "é", ":"]), 0..14)) {
        rules(&[], &["GPL-2.0"]).judge(&tokens.concat());
        rules(&[], &["GPL-2.0"]).judge(&tokens.join(" "));
    }

    #[test]
    fn an_alternative_never_makes_it_worse(text in expression()) {
        let rules = rules(&[], &["AGPL-*", "GPL-2.0"]);
        prop_assert_eq!(rules.judge(&format!("{text} OR ISC")), Satisfied);
        prop_assert_eq!(short(rules.judge(&format!("({text}) AND ISC"))), short(rules.judge(&text)));
        let denied = rules.judge(&format!("({text}) AND AGPL-3.0-only"));
        let is_denied = matches!(denied, Denied { .. });
        prop_assert!(is_denied, "{:?}", denied);
    }
}
