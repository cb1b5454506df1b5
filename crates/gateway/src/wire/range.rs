use super::conditional::matches_etag;
use http::{HeaderMap, Method, header};

/// A run of bytes, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ByteRange {
    pub(crate) first: u64,
    pub(crate) last: u64,
}

impl ByteRange {
    pub(crate) fn length(self) -> u64 {
        self.last - self.first + 1
    }
}

/// What part of a representation is to be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RangeAnswer {
    /// All of it.
    Whole,
    /// This run, as 206.
    Part(ByteRange),
    /// None; 416.
    Unsatisfiable,
}

/// Reads `Range` and `If-Range` (RFC 9110 §13.1.5, §14.2). Several ranges, other units and anything odd get
/// the whole, as the specification allows; what ends before it begins is rejected, as it allows too.
pub(crate) fn requested(method: &Method, headers: &HeaderMap, size: u64, tag: &str) -> RangeAnswer {
    if method != Method::GET && method != Method::HEAD {
        return RangeAnswer::Whole;
    }
    let Some(text) = headers.get(header::RANGE).and_then(|value| value.to_str().ok()) else {
        return RangeAnswer::Whole;
    };
    if let Some(condition) = headers.get(header::IF_RANGE) {
        let mut as_list = HeaderMap::new();
        as_list.insert(header::IF_NONE_MATCH, condition.clone());
        let strong = !condition.as_bytes().starts_with(b"W/") && condition.as_bytes().first() == Some(&b'"');
        if !strong || !matches_etag(&as_list, tag) {
            return RangeAnswer::Whole;
        }
    }
    let Some(spec) = text.trim().strip_prefix("bytes=") else { return RangeAnswer::Whole };
    let Some((first, last)) = spec.trim().split_once('-').filter(|_| !spec.contains(',')) else {
        return RangeAnswer::Whole;
    };
    let digits = |text: &str| {
        let all = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        // More digits than a u64 holds is still a number, only a very large one.
        all.then(|| text.parse::<u64>().unwrap_or(u64::MAX))
    };
    match (first.trim(), last.trim()) {
        ("", suffix) => match digits(suffix) {
            None => RangeAnswer::Whole,
            Some(0) => RangeAnswer::Unsatisfiable,
            Some(_) if size == 0 => RangeAnswer::Unsatisfiable,
            Some(count) => RangeAnswer::Part(ByteRange { first: size.saturating_sub(count), last: size - 1 }),
        },
        (first, last) => {
            let Some(first) = digits(first) else { return RangeAnswer::Whole };
            let last = match last {
                "" => u64::MAX,
                text => match digits(text) {
                    Some(last) if last >= first => last,
                    // May be passed over or rejected; the OCI conformance suite counts only the latter.
                    Some(_) => return RangeAnswer::Unsatisfiable,
                    None => return RangeAnswer::Whole,
                },
            };
            if first >= size {
                return RangeAnswer::Unsatisfiable;
            }
            RangeAnswer::Part(ByteRange { first, last: last.min(size - 1) })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(range: &str, if_range: Option<&str>, size: u64) -> RangeAnswer {
        let mut headers = HeaderMap::new();
        headers.insert(header::RANGE, range.parse().unwrap());
        if let Some(text) = if_range {
            headers.insert(header::IF_RANGE, text.parse().unwrap());
        }
        requested(&Method::GET, &headers, size, "tag")
    }

    fn part(first: u64, last: u64) -> RangeAnswer {
        RangeAnswer::Part(ByteRange { first, last })
    }

    #[test]
    fn ranges_as_the_specification_says() {
        assert_eq!(ask("bytes=0-0", None, 10), part(0, 0));
        assert_eq!(ask("bytes=5-", None, 10), part(5, 9));
        assert_eq!(ask("bytes=5-99", None, 10), part(5, 9));
        assert_eq!(ask("bytes=-3", None, 10), part(7, 9));
        assert_eq!(ask("bytes=-99", None, 10), part(0, 9));
        assert_eq!(ask("bytes=10-", None, 10), RangeAnswer::Unsatisfiable);
        assert_eq!(ask("bytes=-0", None, 10), RangeAnswer::Unsatisfiable);
        assert_eq!(ask("bytes=3-1", None, 10), RangeAnswer::Unsatisfiable);
        assert_eq!(ask("bytes=-1", None, 0), RangeAnswer::Unsatisfiable);
        assert_eq!(ask("bytes=0-", None, 0), RangeAnswer::Unsatisfiable);
        assert_eq!(ask("bytes=99999999999999999999999-", None, 10), RangeAnswer::Unsatisfiable);
        for odd in ["bytes=a-b", "bytes=0-1,3-4", "lines=1-2", "bytes", "bytes=--1"] {
            assert_eq!(ask(odd, None, 10), RangeAnswer::Whole, "{odd}");
        }
    }

    #[test]
    fn if_range_needs_a_strong_match() {
        assert_eq!(ask("bytes=0-0", Some("\"tag\""), 10), part(0, 0));
        for other in ["\"other\"", "W/\"tag\"", "Mon, 01 Jan 2024 00:00:00 GMT"] {
            assert_eq!(ask("bytes=0-0", Some(other), 10), RangeAnswer::Whole, "{other}");
        }
    }
}
