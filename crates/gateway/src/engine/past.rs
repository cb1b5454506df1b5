//! `/at/2026-10-01T00:00:00Z/…`: the registry as it stood at a moment, under today's refusals.

use lazaret_vocabulary::Timestamp;

/// First segment of such an address.
const MARK: &str = "/at/";

/// Why an address of the past is none.
pub(crate) const EXPECTED: &str =
    "expected /at/2026-10-01T00:00:00Z/… or /at/2026-10-01/…, a moment that has passed, in UTC";

/// An address as it is looked at.
pub(crate) struct Dated<'a> {
    /// The part that names the moment, such as `/at/2026-10-01`; empty for the present.
    pub(crate) prefix: &'a str,
    /// The moment; `None` is the present.
    pub(crate) as_of: Option<Timestamp>,
    /// What follows.
    pub(crate) rest: &'a str,
}

/// Splits the moment off an address. A day means its beginning. `None` where the moment is none, or has not come
/// yet: nobody can say today how the registry will stand.
pub(crate) fn split(path: &str, now: Timestamp) -> Option<Dated<'_>> {
    let Some(after) = path.strip_prefix(MARK) else {
        return Some(Dated { prefix: "", as_of: None, rest: path });
    };
    let (text, rest) = match after.find('/') {
        Some(at) => after.split_at(at),
        None => (after, "/"),
    };
    let decoded = percent_encoding::percent_decode_str(text).decode_utf8().ok()?;
    let moment = parse(&decoded)?;
    let prefix = path.get(..MARK.len() + text.len())?;
    (moment <= now).then_some(Dated { prefix, as_of: Some(moment), rest })
}

/// Reads `2026-10-01` or `2026-10-01T00:00:00Z`.
pub fn parse(text: &str) -> Option<Timestamp> {
    let day = text.len() == 10 && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    let full = if day { format!("{text}T00:00:00Z") } else { text.to_owned() };
    if !full.ends_with(['Z', 'z']) {
        return None;
    }
    Timestamp::parse(&full).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_split_off() {
        let now = Timestamp::parse("2026-11-26T00:00:00Z").unwrap();
        let of = |path: &str| {
            split(path, now).map(|dated| {
                (dated.prefix.to_owned(), dated.as_of.map(|at| at.to_string()), dated.rest.to_owned())
            })
        };
        let there = |prefix: &str, at: &str, rest: &str| Some((prefix.into(), Some(at.into()), rest.into()));
        assert_eq!(of("/npm/x"), Some((String::new(), None, "/npm/x".into())));
        assert_eq!(
            of("/at/2026-10-01T12:00:00Z/npm/x"),
            there("/at/2026-10-01T12:00:00Z", "2026-10-01T12:00:00Z", "/npm/x")
        );
        assert_eq!(of("/at/2026-10-01/npm"), there("/at/2026-10-01", "2026-10-01T00:00:00Z", "/npm"));
        assert_eq!(
            of("/at/2026-10-01T12%3A00%3A00Z/npm"),
            there("/at/2026-10-01T12%3A00%3A00Z", "2026-10-01T12:00:00Z", "/npm")
        );
        for wrong in
            ["/at/tomorrow/npm", "/at/2027-01-01/npm", "/at//npm", "/at/", "/at/2026-13-01/x", "/at/%ff/x"]
        {
            assert!(of(wrong).is_none(), "{wrong}");
        }
    }
}
