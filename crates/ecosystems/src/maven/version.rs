//! Maven's version order: `ComparableVersion` of Maven 3.9, made total.
//!
//! Maven nests lists: `-` and every change between digits and letters open one inside the one before, and
//! nothing ever closes it. So a version is one flat row of tokens, in which [`Token::Open`] says that what
//! follows lies one list deeper.
//!
//! Maven's own order has circles: `1-alpha` < `1` < `1.sp.1` < `1-alpha`, since a list is above every
//! qualifier even when the list stands for less than nothing. Here such a list is below nothing wherever it
//! meets something, which breaks the circles and changes no other pair.

use std::cmp::Ordering;

/// Longer texts are no versions, in bytes.
const LONGEST_VERSION: usize = 256;

/// Qualifiers below the release, in order; `cr` is `rc`.
const BEFORE_RELEASE: [&str; 5] = ["alpha", "beta", "milestone", "rc", "snapshot"];

/// Qualifiers that say nothing.
const RELEASE: [&str; 3] = ["ga", "final", "release"];

/// Words that publishers use for what comes before a release, though Maven sorts them above it.
const UNKNOWN_TO_MAVEN: [&str; 6] = ["pre", "preview", "ea", "dev", "nightly", "canary"];

#[derive(Debug, Clone, Copy)]
enum Token<'a> {
    /// The rest lies in a list inside this one.
    Open,
    /// Digits without leading zeros; empty for nought.
    Number(&'a str),
    /// Place in [`BEFORE_RELEASE`].
    Before(usize),
    /// One of [`RELEASE`].
    Release,
    /// The one known qualifier above the release.
    ServicePack,
    /// Any other, in whatever case.
    Other(&'a str),
}

/// A token, and whether the row from it on is below the empty row.
#[derive(Debug)]
struct Placed<'a> {
    token: Token<'a>,
    below: bool,
}

impl Token<'_> {
    /// What it weighs against nothing; `Equal` where that depends on what follows.
    fn sign(&self) -> Ordering {
        match self {
            Token::Open | Token::Number("") | Token::Release => Ordering::Equal,
            Token::Before(_) => Ordering::Less,
            Token::Number(_) | Token::ServicePack | Token::Other(_) => Ordering::Greater,
        }
    }
}

/// Compares as Maven does. Texts that are no versions sort below all that are, then by bytes.
pub(super) fn compare(left: &str, right: &str) -> Ordering {
    match (parse(left), parse(right)) {
        (Some(left), Some(right)) => compare_rows(&left, &right),
        (Some(_), None) => Ordering::Greater,
        (None, Some(_)) => Ordering::Less,
        (None, None) => left.cmp(right),
    }
}

/// Whether it comes before a release: a snapshot, or any qualifier that says so.
pub(super) fn is_prerelease(text: &str) -> bool {
    let unknown = |word: &str| UNKNOWN_TO_MAVEN.iter().any(|known| known.eq_ignore_ascii_case(word));
    parse(text).is_some_and(|row| {
        let says_so = row.iter().any(|placed| match placed.token {
            Token::Before(_) => true,
            Token::Other(word) => unknown(word),
            _ => false,
        });
        says_so || is_dated_snapshot(text)
    })
}

/// `1.0-20260123.101500-7`: one upload of `1.0-SNAPSHOT`, by the name of its file.
fn is_dated_snapshot(text: &str) -> bool {
    let digits = |text: &str, count| text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
    text.rsplit_once('-').is_some_and(|(rest, upload)| {
        !upload.is_empty()
            && digits(upload, upload.len())
            && rest
                .rsplit_once('-')
                .and_then(|(_, moment)| moment.split_once('.'))
                .is_some_and(|(date, time)| digits(date, 8) && digits(time, 6))
    })
}

fn compare_rows(left: &[Placed<'_>], right: &[Placed<'_>]) -> Ordering {
    let (mut left, mut right) = (left.iter(), right.iter());
    loop {
        let (one, other) = (left.next(), right.next());
        let order = rank(one).cmp(&rank(other)).then_with(|| match (one, other) {
            (Some(one), Some(other)) => compare_alike(one.token, other.token),
            _ => Ordering::Equal,
        });
        if order.is_ne() || one.is_none() {
            return order;
        }
    }
}

/// Two tokens of the same rank.
fn compare_alike(left: Token<'_>, right: Token<'_>) -> Ordering {
    match (left, right) {
        (Token::Number(one), Token::Number(other)) => compare_digits(one, other),
        (Token::Before(one), Token::Before(other)) => one.cmp(&other),
        (Token::Other(one), Token::Other(other)) => compare_words(one, other),
        _ => Ordering::Equal,
    }
}

/// Where a row that begins with this token stands among all rows. Qualifiers are below lists and lists below
/// numbers, and each of them is on the side of the empty row (5) that it weighs.
fn rank(first: Option<&Placed<'_>>) -> u8 {
    let Some(Placed { token, below }) = first else { return 5 };
    match (token, below) {
        (Token::Before(_), _) => 1,
        (Token::Release, true) => 2,
        (Token::Open, true) => 3,
        (Token::Number(_), true) => 4,
        (Token::Release, false) => 6,
        (Token::ServicePack, _) => 7,
        (Token::Other(_), _) => 8,
        (Token::Open, false) => 9,
        (Token::Number(""), false) => 10,
        (Token::Number(_), false) => 11,
    }
}

fn compare_digits(left: &str, right: &str) -> Ordering {
    left.len().cmp(&right.len()).then_with(|| left.cmp(right))
}

fn compare_words(left: &str, right: &str) -> Ordering {
    left.chars().flat_map(char::to_lowercase).cmp(right.chars().flat_map(char::to_lowercase))
}

/// The tokens of a version, without what adds nothing to it; `None` for what is empty or too long.
fn parse(text: &str) -> Option<Vec<Placed<'_>>> {
    if text.is_empty() || text.len() > LONGEST_VERSION {
        return None;
    }
    let mut row = Row { tokens: Vec::with_capacity(8), list_is_empty: true };
    let (mut start, mut digits) = (0, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'.' | b'-' => {
                row.push(if at == start {
                    Token::Number("")
                } else {
                    token(text.get(start..at)?, digits, false)
                });
                if byte == b'-' {
                    row.open();
                }
                start = at + 1;
            }
            b'0'..=b'9' => {
                if !digits && at > start {
                    row.open_for_word();
                    row.push(token(text.get(start..at)?, false, true));
                    row.open();
                    start = at;
                }
                digits = true;
            }
            _ => {
                if digits && at > start {
                    row.push(token(text.get(start..at)?, true, false));
                    row.open();
                    start = at;
                }
                digits = false;
            }
        }
    }
    if start < text.len() {
        if !digits {
            row.open_for_word();
        }
        row.push(token(text.get(start..)?, digits, false));
    }
    Some(trim(row.tokens))
}

struct Row<'a> {
    tokens: Vec<Token<'a>>,
    list_is_empty: bool,
}

impl<'a> Row<'a> {
    fn push(&mut self, token: Token<'a>) {
        self.tokens.push(token);
        self.list_is_empty = false;
    }

    fn open(&mut self) {
        self.tokens.push(Token::Open);
        self.list_is_empty = true;
    }

    /// `1.x` is `1-x`.
    fn open_for_word(&mut self) {
        if !self.list_is_empty {
            self.open();
        }
    }
}

fn token(text: &str, digits: bool, before_digit: bool) -> Token<'_> {
    if digits {
        return Token::Number(text.trim_start_matches('0'));
    }
    let is = |word: &&str| word.eq_ignore_ascii_case(text);
    if before_digit && let Some(place) = ["a", "b", "m"].iter().position(is) {
        return Token::Before(place);
    }
    if is(&"cr") {
        return Token::Before(3);
    }
    match BEFORE_RELEASE.iter().position(is) {
        Some(place) => Token::Before(place),
        None if RELEASE.iter().any(is) => Token::Release,
        None if is(&"sp") => Token::ServicePack,
        None => Token::Other(text),
    }
}

/// Takes away what stands for nothing at the end of each list: `1.0.0-rc` is `1-rc`.
fn trim(tokens: Vec<Token<'_>>) -> Vec<Placed<'_>> {
    let mut kept: Vec<Placed<'_>> = Vec::with_capacity(tokens.len());
    let mut below = false;
    for token in tokens.into_iter().rev() {
        let ends_its_list = matches!(kept.last(), None | Some(Placed { token: Token::Open, .. }));
        let says_nothing = match token {
            Token::Open => kept.is_empty(),
            _ => ends_its_list && token.sign().is_eq(),
        };
        if !says_nothing {
            below = token.sign().is_lt() || (below && token.sign().is_eq());
            kept.push(Placed { token, below });
        }
    }
    kept.reverse();
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn qualifiers_are_known() {
        let rising = [
            "",
            "1-alpha-1",
            "1-alpha2",
            "1b1",
            "1.0-M1",
            "1.0-cr1",
            "1-rc2",
            "1.0-SNAPSHOT",
            "1",
            "1-sp",
            "1-a",
            "1-jre",
            "1-1",
            "1.0.1",
            "1.1",
            "1.10",
            "12345678901234567890",
        ];
        for pair in rising.windows(2) {
            assert_eq!(compare(pair[0], pair[1]), Ordering::Less, "{pair:?}");
            assert_eq!(compare(pair[1], pair[0]), Ordering::Greater, "{pair:?}");
        }
        for (one, other) in
            [("1.0.0", "1"), ("1.0.GA", "1"), ("1.0.Final", "1"), ("1-A1", "1.alpha.1"), ("1X", "1x")]
        {
            let wanted = if one == "1-A1" { Ordering::Greater } else { Ordering::Equal };
            assert_eq!(compare(one, other), wanted, "{one} {other}");
        }
    }

    #[test]
    fn circles_are_broken() {
        for (one, other) in
            [("1-alpha", "1"), ("1", "1.sp.1"), ("1-alpha", "1.sp.1"), ("1.0.alpha.1", "1.sp.1")]
        {
            assert_eq!(compare(one, other), Ordering::Less, "{one} {other}");
        }
    }

    #[test]
    fn what_comes_before_a_release() {
        for text in [
            "1.0-SNAPSHOT",
            "1.0-rc1",
            "1.0.0.CR2",
            "2.0-M1",
            "1.0b2",
            "1.0-alpha-jre",
            "3-pre",
            "1-20260123.101500-7",
        ] {
            assert!(is_prerelease(text), "{text}");
        }
        for text in
            ["1.0", "1.0.Final", "31.1-jre", "1.0-b", "1.0-sp1", "", "1.0.RELEASE", "1-20260123.1015-7"]
        {
            assert!(!is_prerelease(text), "{text}");
        }
    }
}
