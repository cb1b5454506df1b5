//! git's lines (`gitprotocol-common`, "pkt-line format"): four hexadecimal digits of length, which count
//! themselves, and a payload; lengths 0 to 2 are marks without one.

use lazaret_vocabulary::Malformed;

/// Longest line with its length, in bytes.
pub(super) const LONGEST: usize = 65_520;
/// The digits in front.
pub(super) const HEAD: usize = 4;

/// A line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Line<'a> {
    /// The end of a list of lines.
    Flush,
    /// Between the parts of a list.
    Delimiter,
    /// The end of an answer, where one line of communication carries several.
    End,
    /// With this payload, which may be empty.
    Data(&'a [u8]),
}

impl<'a> Line<'a> {
    /// The payload as text without the line feed at its end.
    pub(super) fn text(self) -> Option<&'a str> {
        let Self::Data(payload) = self else { return None };
        let text = std::str::from_utf8(payload).ok()?;
        Some(text.strip_suffix('\n').unwrap_or(text))
    }
}

/// What the digits in front say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Length {
    Flush,
    Delimiter,
    End,
    /// Bytes of the payload.
    Data(usize),
}

/// Reads the digits in front.
pub(super) fn length(digits: [u8; HEAD]) -> Result<Length, Malformed> {
    let value = digits.iter().try_fold(0usize, |value, digit| {
        let digit = char::from(*digit).to_digit(16)?;
        Some(value * 16 + usize::try_from(digit).ok()?)
    });
    match value {
        Some(0) => Ok(Length::Flush),
        Some(1) => Ok(Length::Delimiter),
        Some(2) => Ok(Length::End),
        Some(length @ HEAD..=LONGEST) => Ok(Length::Data(length - HEAD)),
        _ => Err(Malformed::new("a line of git's protocol does not begin with its length")),
    }
}

/// The lines of a text, one by one.
#[derive(Debug, Clone)]
pub(super) struct Lines<'a> {
    rest: &'a [u8],
}

impl<'a> Lines<'a> {
    pub(super) fn new(text: &'a [u8]) -> Self {
        Self { rest: text }
    }

    /// What has not been read yet.
    pub(super) fn rest(&self) -> &'a [u8] {
        self.rest
    }
}

impl<'a> Iterator for Lines<'a> {
    type Item = Result<Line<'a>, Malformed>;

    /// After an error there is nothing more.
    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let rest = std::mem::take(&mut self.rest);
        let cut = || Malformed::new("git's protocol ends within a line");
        let Some((digits, behind)) = rest.split_first_chunk::<HEAD>() else { return Some(Err(cut())) };
        let line = match length(*digits) {
            Err(error) => return Some(Err(error)),
            Ok(Length::Flush) => Line::Flush,
            Ok(Length::Delimiter) => Line::Delimiter,
            Ok(Length::End) => Line::End,
            Ok(Length::Data(length)) => {
                let Some((payload, behind)) = behind.split_at_checked(length) else {
                    return Some(Err(cut()));
                };
                self.rest = behind;
                return Some(Ok(Line::Data(payload)));
            }
        };
        self.rest = behind;
        Some(Ok(line))
    }
}

/// Appends a line; a longer payload is cut, at the beginning of a character where it is text.
pub(super) fn push(out: &mut Vec<u8>, payload: &[u8]) {
    let most = LONGEST - HEAD;
    let mut end = payload.len().min(most);
    if end < payload.len() {
        while end > 0 && payload.get(end).is_some_and(|byte| byte & 0xc0 == 0x80) {
            end -= 1;
        }
    }
    let payload = payload.get(..end).unwrap_or_default();
    out.extend_from_slice(format!("{:04x}", payload.len() + HEAD).as_bytes());
    out.extend_from_slice(payload);
}

/// The mark at the end of a list.
pub(super) const FLUSH: &[u8] = b"0000";
