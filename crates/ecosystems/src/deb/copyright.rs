//! The copyright file (Debian Policy §12.5), where it can be read by machines (DEP-5, version 1.0): one stanza
//! for each set of files with its licence. What comes out is one SPDX expression over all of them.

use super::stanza::Stanzas;
use std::io::Cursor;

/// Most licences joined; beyond that nobody could say what the whole is under.
const MOST_LICENCES: usize = 64;
/// Longest expression made, in bytes; nothing reads a longer one.
const LONGEST: usize = 2000;

const FIELDS: [&str; 3] = ["Format", "Files", "License"];

/// The licences of a package's files, all of which hold. Those of the packaging alone (`debian/*`) are left
/// out, since they are not in what is installed. `None` when the file is free text.
pub(super) fn licence(bytes: &[u8]) -> Option<String> {
    let mut stanzas = Stanzas::new(Cursor::new(bytes), &FIELDS);
    let header = stanzas.next().ok()??;
    let format = header.get(0)?.to_ascii_lowercase();
    if !format.contains("copyright-format") && !format.contains("dep5") && !format.contains("dep-5") {
        return None;
    }
    let mut found: Vec<String> = Vec::new();
    while let Ok(Some(stanza)) = stanzas.next() {
        let (Some(files), Some(licence)) = (stanza.get(1), stanza.get(2)) else { continue };
        let mut files = files.split_ascii_whitespace().peekable();
        if files.peek().is_some() && files.all(|files| files.starts_with("debian/")) {
            continue;
        }
        let expression = expression(licence.lines().next().unwrap_or_default())?;
        if !found.contains(&expression) {
            found.push(expression);
        }
        if found.len() > MOST_LICENCES {
            return None;
        }
    }
    let grouped = |text: &String| if text.contains(" OR ") { format!("({text})") } else { text.clone() };
    let whole = match found.as_slice() {
        [] => return header.get(2).and_then(|text| expression(text.lines().next()?)),
        [one] => one.clone(),
        several => several.iter().map(grouped).collect::<Vec<_>>().join(" AND "),
    };
    (whole.len() <= LONGEST).then_some(whole)
}

/// A synopsis such as `GPL-2+ or Artistic, and BSD-3-clause` as an SPDX expression. A comma binds weaker than
/// the words (DEP-5, "License specification").
fn expression(synopsis: &str) -> Option<String> {
    let mut groups: Vec<(&str, String)> = Vec::new();
    for group in synopsis.split(',') {
        let mut group = group.trim();
        let mut joint = "AND";
        for (word, operator) in [("or ", "OR"), ("and/or ", "OR"), ("and ", "AND")] {
            if let Some(rest) = group.strip_prefix(word) {
                (group, joint) = (rest, operator);
            }
        }
        if !group.is_empty() {
            groups.push((joint, flat(group)?));
        }
    }
    let mut groups = groups.into_iter();
    let (_, mut whole) = groups.next()?;
    for (joint, group) in groups {
        let grouped = |text: String| if text.contains(' ') { format!("({text})") } else { text };
        whole = format!("{} {joint} {}", grouped(whole), grouped(group));
    }
    (whole.len() <= LONGEST).then_some(whole)
}

/// Names joined by words, without commas.
fn flat(text: &str) -> Option<String> {
    let mut parts: Vec<String> = Vec::new();
    let mut name: Vec<&str> = Vec::new();
    for word in text.split_ascii_whitespace() {
        let operator = match word.to_ascii_lowercase().as_str() {
            "and" => "AND",
            "or" | "and/or" => "OR",
            _ => {
                name.push(word);
                continue;
            }
        };
        parts.push(one(&name)?);
        parts.push(operator.to_owned());
        name.clear();
    }
    parts.push(one(&name)?);
    Some(parts.join(" "))
}

/// One licence, with its exception if it has one. An exception that SPDX does not know is left out: it would
/// only have allowed more.
fn one(words: &[&str]) -> Option<String> {
    let at = words.iter().position(|word| word.eq_ignore_ascii_case("with"));
    let (name, exception) = match at {
        Some(at) => words.split_at_checked(at)?,
        None => (words, &[][..]),
    };
    let licence = spdx(&name.join("-"))?;
    let exception = exception.get(1).map(|word| word.to_ascii_lowercase());
    let known = exception.and_then(|word| {
        let known = EXCEPTIONS.iter().find(|(name, _)| *name == word)?;
        Some(known.1)
    });
    Some(known.map_or_else(|| licence.clone(), |exception| format!("{licence} WITH {exception}")))
}

/// Exceptions by the word that DEP-5 has before `exception`.
const EXCEPTIONS: [(&str, &str); 6] = [
    ("autoconf", "Autoconf-exception-3.0"),
    ("bison", "Bison-exception-2.2"),
    ("classpath", "Classpath-exception-2.0"),
    ("font", "Font-exception-2.0"),
    ("gcc", "GCC-exception-3.1"),
    ("libtool", "Libtool-exception"),
];

/// Names that DEP-5 gives to licences (its "Short name" table) and that SPDX has others for, in lower case.
const NAMES: [(&str, &str); 22] = [
    ("expat", "MIT"),
    ("mit/x11", "MIT"),
    ("artistic", "Artistic-1.0"),
    ("apache", "Apache-2.0"),
    ("apache-2", "Apache-2.0"),
    ("apache2", "Apache-2.0"),
    ("bsd-2-clause", "BSD-2-Clause"),
    ("bsd-3-clause", "BSD-3-Clause"),
    ("bsd-4-clause", "BSD-4-Clause"),
    ("bsd-2", "BSD-2-Clause"),
    ("bsd-3", "BSD-3-Clause"),
    ("bsd-4", "BSD-4-Clause"),
    ("isc", "ISC"),
    ("zlib", "Zlib"),
    ("zlib/libpng", "Zlib"),
    ("cc0", "CC0-1.0"),
    ("boost", "BSL-1.0"),
    ("boost-1.0", "BSL-1.0"),
    ("psf-2", "PSF-2.0"),
    ("python-2.0", "Python-2.0"),
    ("w3c", "W3C"),
    ("perl", "Artistic-1.0-Perl OR GPL-1.0-or-later"),
];

/// Families of which DEP-5 writes `GPL-2+` and SPDX `GPL-2.0-or-later`.
const FAMILIES: [&str; 4] = ["GPL", "LGPL", "AGPL", "GFDL"];

fn spdx(name: &str) -> Option<String> {
    let lower = name.to_ascii_lowercase();
    if let Some((_, known)) = NAMES.iter().find(|(known, _)| *known == lower) {
        return Some((*known).to_owned());
    }
    if let Some(known) = family(name) {
        return Some(known);
    }
    // Some write the words into the name: `GPL-2+-or-X11`, `GPL-3+-WITH-BISON-EXCEPTION`.
    if let Some(at) = lower.find("-with-") {
        return spdx(name.get(..at)?);
    }
    if let Some(at) = lower.find("-or-") {
        return Some(format!("{} OR {}", spdx(name.get(..at)?)?, spdx(name.get(at + 4..)?)?));
    }
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.');
    let stem = name.strip_suffix('+').unwrap_or(name);
    // `public-domain` is DEP-5's own word, and no licence.
    if lower != "public-domain" && !stem.is_empty() && stem.len() <= 80 && stem.bytes().all(plain) {
        return Some(name.to_owned());
    }
    let safe = |letter: char| if letter.is_ascii_alphanumeric() || letter == '.' { letter } else { '-' };
    let safe: String = name.chars().take(60).map(safe).collect();
    (!safe.is_empty()).then(|| format!("LicenseRef-{safe}"))
}

fn family(name: &str) -> Option<String> {
    let (family, version) = name.split_once('-')?;
    let family = FAMILIES.iter().find(|known| known.eq_ignore_ascii_case(family))?;
    let (version, invariants) = match version.strip_prefix("NIV-") {
        Some(version) => (version, "-no-invariants"),
        None => (version, ""),
    };
    let (number, later) = match version.strip_suffix('+') {
        Some(number) => (number, "or-later"),
        None => (version.strip_suffix("-only").unwrap_or(version), "only"),
    };
    let (number, later) = match number.strip_suffix("-or-later") {
        Some(number) => (number, "or-later"),
        None => (number, later),
    };
    let number = if number.contains('.') { number.to_owned() } else { format!("{number}.0") };
    let digits = number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') && number.len() == 3;
    digits.then(|| format!("{family}-{number}{invariants}-{later}"))
}
