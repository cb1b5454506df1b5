//! Variables in Dockerfiles and compose files: `$NAME`, `${NAME}`, `${NAME:-default}` and their kin.

/// Most variables in one text, and how deep one may stand in another's default.
const MOST: usize = 50;
const DEEPEST: usize = 5;
/// Longest text that comes out, in bytes.
const LONGEST: usize = 4096;

/// The text with its variables filled in; `None` where one has no value, or the text cannot be understood.
/// `escape` stands before a `$` that is meant.
pub(super) fn fill(text: &str, escape: char, value: &dyn Fn(&str) -> Option<String>) -> Option<String> {
    fill_within(text, escape, value, DEEPEST)
}

fn fill_within(
    text: &str,
    escape: char,
    value: &dyn Fn(&str) -> Option<String>,
    depth: usize,
) -> Option<String> {
    let mut filled = String::new();
    let mut rest = text;
    for _ in 0..=MOST {
        let Some(at) = rest.find('$') else {
            filled.push_str(rest);
            return (filled.len() <= LONGEST).then_some(filled);
        };
        let (before, after) = (rest.get(..at)?, rest.get(at + 1..)?);
        if let Some(plain) = before.strip_suffix(escape) {
            filled.push_str(plain);
            filled.push('$');
            rest = after;
            continue;
        }
        filled.push_str(before);
        if let Some(doubled) = after.strip_prefix('$').filter(|_| escape == '$') {
            filled.push('$');
            rest = doubled;
        } else if let Some(braced) = after.strip_prefix('{') {
            let end = closing(braced)?;
            filled.push_str(&substitute(braced.get(..end)?, escape, value, depth)?);
            rest = braced.get(end + 1..)?;
        } else {
            let end = after.find(|letter: char| !is_name(letter)).unwrap_or(after.len());
            let (name, tail) = after.split_at_checked(end)?;
            filled.push_str(&value(name)?);
            rest = tail;
        }
    }
    None
}

fn is_name(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || letter == '_'
}

/// Where the brace ends that was opened before `text`.
fn closing(text: &str) -> Option<usize> {
    let mut open = 0usize;
    for (at, letter) in text.char_indices() {
        match letter {
            '{' => open += 1,
            '}' if open == 0 => return Some(at),
            '}' => open -= 1,
            _ => {}
        }
    }
    None
}

/// What stands between the braces.
fn substitute(
    inner: &str,
    escape: char,
    value: &dyn Fn(&str) -> Option<String>,
    depth: usize,
) -> Option<String> {
    let end = inner.find(|letter: char| !is_name(letter)).unwrap_or(inner.len());
    let (name, rest) = inner.split_at_checked(end)?;
    if name.is_empty() || depth == 0 {
        return None;
    }
    let found = value(name);
    let otherwise = |text: &str| fill_within(text, escape, value, depth - 1);
    let full = found.clone().filter(|text| !text.is_empty());
    if rest.is_empty() {
        return found;
    }
    if let Some(default) = rest.strip_prefix(":-") {
        return full.or_else(|| otherwise(default));
    }
    if let Some(default) = rest.strip_prefix('-') {
        return found.or_else(|| otherwise(default));
    }
    if let Some(instead) = rest.strip_prefix(":+") {
        return full.map_or_else(|| Some(String::new()), |_| otherwise(instead));
    }
    if let Some(instead) = rest.strip_prefix('+') {
        return found.map_or_else(|| Some(String::new()), |_| otherwise(instead));
    }
    if rest.starts_with(":?") {
        return full;
    }
    if rest.starts_with('?') {
        return found;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_filled_in() {
        let value = |name: &str| match name {
            "A" => Some("1".to_owned()),
            "EMPTY" => Some(String::new()),
            _ => None,
        };
        let table = [
            ("plain", Some("plain")),
            ("x:$A", Some("x:1")),
            ("x:${A}-y", Some("x:1-y")),
            ("x:${B:-2}", Some("x:2")),
            ("x:${B:-${A}}", Some("x:1")),
            ("x:${EMPTY:-2}${EMPTY-3}", Some("x:2")),
            ("x${A:+-slim}${B:+-fat}", Some("x-slim")),
            ("${A:?needed}", Some("1")),
            ("$B", None),
            ("${B}", None),
            ("${B:?needed}", None),
            ("${A", None),
            ("${A//1/2}", None),
            ("${}", None),
        ];
        for (text, filled) in table {
            assert_eq!(fill(text, '\\', &value).as_deref(), filled, "{text}");
        }
        assert_eq!(fill("a$$b", '$', &value).as_deref(), Some("a$b"));
        assert_eq!(fill("a\\$b", '\\', &value).as_deref(), Some("a$b"));
        let deep = format!("{}x{}", "${B:-".repeat(20), "}".repeat(20));
        assert_eq!(fill(&deep, '\\', &value), None);
    }
}
