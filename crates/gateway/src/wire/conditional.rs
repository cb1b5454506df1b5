use http::{HeaderMap, header};

/// Whether `If-None-Match` names this entity tag (RFC 9110 §13.1.2, weak comparison). `tag` is given
/// without quotes; a tag that a compressed answer carried (`…-gzip`) names the same entity.
pub(crate) fn matches_etag(headers: &HeaderMap, tag: &str) -> bool {
    headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok()).any(|value| {
        value.split(',').any(|item| {
            let item = item.trim();
            let item = item.strip_prefix("W/").unwrap_or(item).trim_matches('"');
            item == "*" || item.strip_suffix("-gzip").unwrap_or(item) == tag
        })
    })
}

/// Whether the client's copy is as new as what would be sent (RFC 9110 §13.1.3). Only where both have a date.
pub(crate) fn not_modified_since(request: &HeaderMap, response: &HeaderMap) -> bool {
    let moment = |headers: &HeaderMap, name: header::HeaderName| {
        let text = headers.get(name)?.to_str().ok()?;
        httpdate::parse_http_date(text).ok()
    };
    match (moment(request, header::IF_MODIFIED_SINCE), moment(response, header::LAST_MODIFIED)) {
        (Some(have), Some(now)) => now <= have,
        _ => false,
    }
}

/// Whether the client takes gzip (RFC 9110 §12.5.3).
pub(crate) fn accepts_gzip(headers: &HeaderMap) -> bool {
    let mut any = None;
    for value in headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok()) {
        for item in value.split(',') {
            let mut parts = item.split(';');
            let name = parts.next().unwrap_or("").trim();
            let quality = parts
                .find_map(|part| part.trim().strip_prefix("q=")?.trim().parse::<f32>().ok())
                .unwrap_or(1.0);
            if name.eq_ignore_ascii_case("gzip") || name.eq_ignore_ascii_case("x-gzip") {
                return quality > 0.0;
            }
            if name == "*" {
                any = Some(quality > 0.0);
            }
        }
    }
    any.unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: header::HeaderName, text: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(name, text.parse().unwrap());
        headers
    }

    #[test]
    fn tags_compare_weakly() {
        for (text, expected) in [
            ("\"a\"", true),
            ("W/\"a\"", true),
            ("\"b\", \"a-gzip\"", true),
            ("*", true),
            ("\"ab\"", false),
            ("", false),
        ] {
            assert_eq!(matches_etag(&headers(header::IF_NONE_MATCH, text), "a"), expected, "{text}");
        }
    }

    #[test]
    fn gzip_is_negotiated() {
        for (text, expected) in [
            ("gzip, deflate", true),
            ("gzip;q=0", false),
            ("br, *;q=0.1", true),
            ("identity", false),
            ("*;q=0", false),
        ] {
            assert_eq!(accepts_gzip(&headers(header::ACCEPT_ENCODING, text)), expected, "{text}");
        }
    }
}
