//! Licences as POMs write them, in SPDX's words where the name or the address is known.

/// Words that say nothing in a licence's name.
const FILLERS: &[&str] = &[
    "the",
    "license",
    "licence",
    "licenses",
    "version",
    "v",
    "software",
    "foundation",
    "public",
    "gnu",
    "general",
    "style",
    "new",
    "revised",
    "modified",
    "simplified",
    "of",
    "with",
    "or",
    "later",
    "and",
    "only",
];

/// Parts of addresses → SPDX. The longer of two that fit comes first.
const ADDRESSES: &[(&str, &str)] = &[
    ("licenses/license-2.0", "Apache-2.0"),
    ("licenses/apache-2.0", "Apache-2.0"),
    ("licenses/license-1.1", "Apache-1.1"),
    ("licenses/mit-0", "MIT-0"),
    ("licenses/mit", "MIT"),
    ("licenses/isc", "ISC"),
    ("licenses/bsd-2-clause", "BSD-2-Clause"),
    ("licenses/bsd-3-clause", "BSD-3-Clause"),
    ("legal/epl-2.0", "EPL-2.0"),
    ("legal/epl-v20", "EPL-2.0"),
    ("licenses/epl-2.0", "EPL-2.0"),
    ("legal/epl-v10", "EPL-1.0"),
    ("licenses/epl-1.0", "EPL-1.0"),
    ("org/documents/edl-v10", "BSD-3-Clause"),
    ("licenses/lgpl-2.1", "LGPL-2.1-only"),
    ("licenses/lgpl-3.0", "LGPL-3.0-only"),
    ("licenses/agpl-3.0", "AGPL-3.0-only"),
    ("licenses/gpl-2.0", "GPL-2.0-only"),
    ("licenses/gpl-3.0", "GPL-3.0-only"),
    ("mpl/2.0", "MPL-2.0"),
    ("licenses/mpl-2.0", "MPL-2.0"),
    ("publicdomain/zero/1.0", "CC0-1.0"),
    ("licenses/upl", "UPL-1.0"),
];

/// Names, as [`words`] makes them → SPDX.
const NAMES: &[(&str, &str)] = &[
    ("apache 2", "Apache-2.0"),
    ("apache 2.0", "Apache-2.0"),
    ("apache2", "Apache-2.0"),
    ("al 2.0", "Apache-2.0"),
    ("asl 2", "Apache-2.0"),
    ("asl 2.0", "Apache-2.0"),
    ("apache 1.1", "Apache-1.1"),
    ("mit", "MIT"),
    ("mit x11", "MIT"),
    ("mit 0", "MIT-0"),
    ("isc", "ISC"),
    ("bsd 2 clause", "BSD-2-Clause"),
    ("bsd 2", "BSD-2-Clause"),
    ("freebsd", "BSD-2-Clause"),
    ("bsd 3 clause", "BSD-3-Clause"),
    ("bsd 3", "BSD-3-Clause"),
    ("3 clause bsd", "BSD-3-Clause"),
    ("2 clause bsd", "BSD-2-Clause"),
    ("edl 1.0", "BSD-3-Clause"),
    ("eclipse distribution 1.0", "BSD-3-Clause"),
    ("eclipse distribution 1.0 edl", "BSD-3-Clause"),
    ("eclipse 1.0", "EPL-1.0"),
    ("eclipse 2.0", "EPL-2.0"),
    ("eclipse 1.0 epl", "EPL-1.0"),
    ("eclipse 2.0 epl", "EPL-2.0"),
    ("epl 1.0", "EPL-1.0"),
    ("epl 2.0", "EPL-2.0"),
    ("mozilla 2.0", "MPL-2.0"),
    ("mozilla 2.0 mpl", "MPL-2.0"),
    ("mpl 2.0", "MPL-2.0"),
    ("mozilla 1.1", "MPL-1.1"),
    ("mpl 1.1", "MPL-1.1"),
    ("cddl 1.0", "CDDL-1.0"),
    ("cddl 1.1", "CDDL-1.1"),
    ("common development distribution 1.0", "CDDL-1.0"),
    ("common development distribution cddl 1.0", "CDDL-1.0"),
    ("common development distribution cddl 1.1", "CDDL-1.1"),
    ("lgpl 2.1", "LGPL-2.1-only"),
    ("lesser 2.1", "LGPL-2.1-only"),
    ("lesser 2.1 lgpl", "LGPL-2.1-only"),
    ("lgpl 3.0", "LGPL-3.0-only"),
    ("lgpl 3", "LGPL-3.0-only"),
    ("lesser 3", "LGPL-3.0-only"),
    ("lesser 3.0", "LGPL-3.0-only"),
    ("gpl 2", "GPL-2.0-only"),
    ("gpl 2.0", "GPL-2.0-only"),
    ("gpl2 w cpe", "GPL-2.0-only WITH Classpath-exception-2.0"),
    ("gpl 2 classpath exception", "GPL-2.0-only WITH Classpath-exception-2.0"),
    ("gpl 2 ce", "GPL-2.0-only WITH Classpath-exception-2.0"),
    ("gpl 3", "GPL-3.0-only"),
    ("gpl 3.0", "GPL-3.0-only"),
    ("affero 3", "AGPL-3.0-only"),
    ("affero 3.0", "AGPL-3.0-only"),
    ("agpl 3", "AGPL-3.0-only"),
    ("agpl 3.0", "AGPL-3.0-only"),
    ("cc0", "CC0-1.0"),
    ("cc0 1.0", "CC0-1.0"),
    ("cc0 1.0 universal", "CC0-1.0"),
    ("unlicense", "Unlicense"),
    ("universal permissive 1.0", "UPL-1.0"),
    ("upl 1.0", "UPL-1.0"),
    ("bouncy castle", "MIT"),
    ("business source 1.1", "BUSL-1.1"),
    ("server side 1", "SSPL-1.0"),
];

/// One licence's text of all that a POM names. Whoever uses it may choose one of several (the Maven
/// documentation, "POM Reference", "Licenses"), hence `OR`; `None` where it names none.
pub(super) fn expression(licences: &[(String, String)]) -> Option<String> {
    let mut known = Vec::new();
    for (name, url) in licences {
        let text = one(name, url);
        if !known.contains(&text) {
            known.push(text);
        }
    }
    match known.as_slice() {
        [] => None,
        [one] => Some(one.clone()),
        several => Some(
            several
                .iter()
                .map(|text| {
                    if text.contains(" OR ") || text.contains(" AND ") {
                        format!("({text})")
                    } else {
                        text.clone()
                    }
                })
                .collect::<Vec<_>>()
                .join(" OR "),
        ),
    }
}

/// SPDX's word for a licence; its name as written where that is not known, or its address where it has none.
fn one(name: &str, url: &str) -> String {
    let plain = words(name);
    let by_name = NAMES.iter().find(|(known, _)| *known == plain).map(|(_, spdx)| *spdx);
    let address = url.to_ascii_lowercase();
    let by_address = || ADDRESSES.iter().find(|(part, _)| address.contains(part)).map(|(_, spdx)| *spdx);
    let text = match by_name.or_else(|| if is_expression(name) { None } else { by_address() }) {
        Some(spdx) => spdx,
        None if !name.is_empty() => name,
        None => url,
    };
    let clean = text.split_whitespace().collect::<Vec<_>>().join(" ");
    clean.chars().take(200).collect()
}

/// Whether a name is in SPDX's own form already, such as `Apache-2.0 OR MIT`: no address can say it better.
fn is_expression(name: &str) -> bool {
    let words = name.split_whitespace();
    let allowed =
        |word: &str| word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-+()".contains(&byte));
    let joined = [" OR ", " AND ", " WITH "].iter().any(|word| name.contains(word));
    let single = name.contains('-') && !name.contains(' ');
    (joined || single) && words.into_iter().all(allowed)
}

/// A name in lower case, its numbers and telling words alone.
fn words(name: &str) -> String {
    let lower = name.to_ascii_lowercase();
    let split = lower.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '.');
    let kept = split
        .map(|word| word.trim_matches('.'))
        .map(|word| match word.strip_prefix('v') {
            Some(number) if number.starts_with(|digit: char| digit.is_ascii_digit()) => number,
            _ => word,
        })
        .filter(|word| !word.is_empty() && (!FILLERS.contains(word) || *word == "unlicense"));
    kept.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(list: &[(&str, &str)]) -> Option<String> {
        let list: Vec<_> = list.iter().map(|(name, url)| ((*name).to_owned(), (*url).to_owned())).collect();
        expression(&list)
    }

    #[test]
    fn names_become_spdx() {
        for (name, spdx) in [
            ("The Apache Software License, Version 2.0", "Apache-2.0"),
            ("Apache License, Version 2.0", "Apache-2.0"),
            ("Apache License 2.0", "Apache-2.0"),
            ("Apache-2.0", "Apache-2.0"),
            ("The MIT License", "MIT"),
            ("MIT License", "MIT"),
            ("BSD-3-Clause", "BSD-3-Clause"),
            ("The BSD 3-Clause License", "BSD-3-Clause"),
            ("New BSD License", "New BSD License"),
            ("Eclipse Public License 1.0", "EPL-1.0"),
            ("Eclipse Public License - v 2.0", "EPL-2.0"),
            ("EDL 1.0", "BSD-3-Clause"),
            ("GNU Lesser General Public License, Version 2.1", "LGPL-2.1-only"),
            ("GPL2 w/ CPE", "GPL-2.0-only WITH Classpath-exception-2.0"),
            ("GNU Affero General Public License v3", "AGPL-3.0-only"),
            ("Mozilla Public License, Version 2.0", "MPL-2.0"),
            ("Apache-2.0 OR MIT", "Apache-2.0 OR MIT"),
            ("Our own terms", "Our own terms"),
        ] {
            assert_eq!(told(&[(name, "")]).as_deref(), Some(spdx), "{name}");
        }
    }

    #[test]
    fn addresses_help_where_names_do_not() {
        let url = "https://www.example.org/licenses/LICENSE-2.0.txt";
        assert_eq!(told(&[("Like Apache", url)]).as_deref(), Some("Apache-2.0"));
        assert_eq!(told(&[("LicenseRef-own", url)]).as_deref(), Some("LicenseRef-own"));
        assert_eq!(told(&[("", "https://example.org/own")]).as_deref(), Some("https://example.org/own"));
        assert_eq!(told(&[]), None);
    }

    #[test]
    fn of_several_one_may_be_chosen() {
        let two = [("EPL 2.0", ""), ("GPL2 w/ CPE", ""), ("EPL-2.0", "")];
        assert_eq!(told(&two).as_deref(), Some("EPL-2.0 OR GPL-2.0-only WITH Classpath-exception-2.0"));
        assert_eq!(told(&[("MIT OR ISC", ""), ("MIT", "")]).as_deref(), Some("(MIT OR ISC) OR MIT"));
    }
}
