use std::fmt;
use std::ops::{Add, Sub};

/// A moment, in milliseconds since 1970-01-01T00:00:00Z. Made by a clock at the edge or parsed from a
/// document; this crate reads no clock.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct Timestamp(i64);

/// The text was not an RFC 3339 date-time.
#[derive(Debug, Clone, thiserror::Error)]
#[error("`{0}` is not a date-time such as 2026-11-23T10:00:00Z")]
pub struct InvalidTimestamp(String);

impl Timestamp {
    /// The beginning of the epoch.
    pub const EPOCH: Self = Self(0);
    /// Later than every moment that can be written.
    pub const MAX: Self = Self(i64::MAX);

    /// From milliseconds since the epoch.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// From seconds since the epoch, saturating.
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1000))
    }

    /// Milliseconds since the epoch.
    pub const fn millis(self) -> i64 {
        self.0
    }

    /// Whole seconds since the epoch.
    pub const fn seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// Reads RFC 3339 (any offset, any fraction), the form every registry uses. A missing offset is read
    /// as UTC, since PyPI's older `upload_time` has none.
    pub fn parse(text: &str) -> Result<Self, InvalidTimestamp> {
        if let Some(fast) = parse_utc(text.as_bytes()) {
            return Ok(fast);
        }
        if let Ok(moment) = text.parse::<jiff::Timestamp>() {
            return Ok(Self(moment.as_millisecond()));
        }
        if text.len() <= 40
            && let Ok(moment) = format!("{text}Z").parse::<jiff::Timestamp>()
        {
            return Ok(Self(moment.as_millisecond()));
        }
        Err(InvalidTimestamp(text.chars().take(40).collect()))
    }

    /// How long ago `earlier` was, seen from here; zero when it lies in the future.
    pub fn since(self, earlier: Self) -> Span {
        Span::from_millis(self.0.saturating_sub(earlier.0).max(0))
    }
}

/// `YYYY-MM-DDTHH:MM:SS[.fff…]Z`, the form in nearly every document, without the general parser: a
/// packument has thousands of them.
fn parse_utc(text: &[u8]) -> Option<Timestamp> {
    let number = |range: std::ops::Range<usize>| -> Option<i64> {
        text.get(range)?
            .iter()
            .try_fold(0i64, |sum, byte| byte.is_ascii_digit().then(|| sum * 10 + i64::from(byte - b'0')))
    };
    let at = |index: usize| text.get(index).copied();
    if at(4)? != b'-' || at(7)? != b'-' || at(10)? != b'T' || at(13)? != b':' || at(16)? != b':' {
        return None;
    }
    let (year, month, day) = (number(0..4)?, number(5..7)?, number(8..10)?);
    let (hour, minute, second) = (number(11..13)?, number(14..16)?, number(17..19)?);
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let month_days = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => return None,
    };
    if day < 1 || day > month_days || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let mut millis = 0;
    let end = text.len().checked_sub(1)?;
    match at(19)? {
        b'Z' if end == 19 => {}
        b'.' if at(end)? == b'Z' && (21..=29).contains(&end) => {
            for (place, scale) in [(20, 100), (21, 10), (22, 1)] {
                if place < end {
                    millis += number(place..place + 1)? * scale;
                }
            }
            number(20..end)?;
        }
        _ => return None,
    }
    // Days from civil, Howard Hinnant's public-domain algorithm.
    let shifted = if month <= 2 { year - 1 } else { year };
    let era = shifted.div_euclid(400);
    let year_of_era = shifted - era * 400;
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    let days = era * 146_097 + day_of_era - 719_468;
    Some(Timestamp((((days * 24 + hour) * 60 + minute) * 60 + second) * 1000 + millis))
}

impl fmt::Display for Timestamp {
    /// RFC 3339 in UTC, to the second: `2026-11-23T10:00:00Z`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_second(self.seconds()) {
            Ok(moment) => write!(formatter, "{moment}"),
            Err(_) => write!(formatter, "never"),
        }
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{self}")
    }
}

impl Add<Span> for Timestamp {
    type Output = Self;
    fn add(self, span: Span) -> Self {
        Self(self.0.saturating_add(span.0))
    }
}

impl Sub<Span> for Timestamp {
    type Output = Self;
    fn sub(self, span: Span) -> Self {
        Self(self.0.saturating_sub(span.0))
    }
}

/// A length of time, never negative, in milliseconds. Written in policy files as `30d`, `12h`, `90m`,
/// `45s`, `2w` or `3y` (365 days).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Span(i64);

impl Span {
    /// No time at all.
    pub const ZERO: Self = Self(0);

    /// From milliseconds; negative becomes zero.
    pub const fn from_millis(millis: i64) -> Self {
        Self(if millis < 0 { 0 } else { millis })
    }

    /// Whole days.
    pub const fn days(days: i64) -> Self {
        Self::from_millis(days.saturating_mul(86_400_000))
    }

    /// Whole hours.
    pub const fn hours(hours: i64) -> Self {
        Self::from_millis(hours.saturating_mul(3_600_000))
    }

    /// Whole seconds.
    pub const fn seconds(seconds: i64) -> Self {
        Self::from_millis(seconds.saturating_mul(1000))
    }

    /// Its length in milliseconds.
    pub const fn millis(self) -> i64 {
        self.0
    }

    /// Twice as long.
    pub const fn doubled(self) -> Self {
        Self(self.0.saturating_mul(2))
    }

    /// Reads `30d`, `12h`, `90m`, `45s`, `2w`, `3y`; a bare `0` is no time.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if text == "0" {
            return Some(Self::ZERO);
        }
        let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
        let count: i64 = number.trim().parse().ok().filter(|count| *count >= 0)?;
        let unit_millis = match unit {
            "s" => 1000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            "w" => 604_800_000,
            "y" => 31_536_000_000,
            _ => return None,
        };
        count.checked_mul(unit_millis).map(Self)
    }
}

impl fmt::Display for Span {
    /// The largest unit that says it well: `3 years`, `12 days`, `5 hours`, `40 seconds`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let units = [(31_536_000_000, "year"), (86_400_000, "day"), (3_600_000, "hour"), (60_000, "minute")];
        for (length, name) in units {
            let count = self.0 / length;
            if count >= 2 || (count == 1 && self.0 % length == 0) {
                let plural = if count == 1 { "" } else { "s" };
                return write!(formatter, "{count} {name}{plural}");
            }
        }
        write!(formatter, "{} seconds", self.0 / 1000)
    }
}

impl fmt::Debug for Span {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{self}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_what_registries_write() {
        let expected = Timestamp::from_millis(1_492_697_641_123);
        assert_eq!(Timestamp::parse("2017-04-20T14:14:01.123Z").unwrap(), expected);
        assert_eq!(Timestamp::parse("2017-04-20T14:14:01.123456Z").unwrap(), expected);
        assert_eq!(Timestamp::parse("2017-04-20T16:14:01.123+02:00").unwrap(), expected);
        assert_eq!(Timestamp::parse("2017-04-20T14:14:01").unwrap(), Timestamp::from_seconds(1_492_697_641));
        for wrong in
            ["", "yesterday", "2017-13-01T00:00:00Z", "2017-02-29T00:00:00Z", "2017-04-20T14:14:01.Z"]
        {
            assert!(Timestamp::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn spans_read_and_print() {
        assert_eq!(Span::parse("30d"), Some(Span::days(30)));
        assert_eq!(Span::parse("1y"), Some(Span::days(365)));
        assert_eq!(Span::parse("0"), Some(Span::ZERO));
        for wrong in ["", "d", "-1d", "3 months", "999999999999y", "5", "é"] {
            assert_eq!(Span::parse(wrong), None, "{wrong}");
        }
        assert_eq!(Span::days(30).to_string(), "30 days");
        assert_eq!(Span::days(1).to_string(), "1 day");
        assert_eq!(Span::hours(30).to_string(), "30 hours");
    }

    proptest! {
        #[test]
        fn fast_path_agrees_with_jiff(seconds in -62_000_000_000i64..250_000_000_000, millis in 0i64..1000) {
            let moment = jiff::Timestamp::from_millisecond(seconds * 1000 + millis).unwrap();
            let text = moment.to_string();
            prop_assume!(text.len() >= 20 && !text.starts_with('-'));
            prop_assert_eq!(Timestamp::parse(&text).unwrap().millis(), moment.as_millisecond());
        }

        #[test]
        fn any_text_is_answered(text in ".{0,40}") {
            let _ = Timestamp::parse(&text);
            let _ = Span::parse(&text);
        }
    }
}
