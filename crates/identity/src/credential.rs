use crate::{InvalidToken, Token};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use http::{HeaderMap, header};

/// Longest `Authorization` value that is looked at, in bytes.
const MAX_VALUE: usize = 4096;

/// An `Authorization` header that no token can be read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidCredential {
    /// More than one header: two parties could each believe another one.
    #[error("there is more than one Authorization header")]
    Several,
    /// Not one of the forms that package managers send.
    #[error("the Authorization header is neither `Bearer`, `Basic` nor a bare token")]
    Scheme,
    /// `Basic` with what is not base64 of `user:password` (RFC 7617 §2).
    #[error("the Basic credential is not base64 of `user:password`")]
    Basic,
    /// The token in it is none of this house's.
    #[error("{0}")]
    Token(#[from] InvalidToken),
}

/// The token that a request carries, in each form that clients send: `Bearer` (npm, RFC 6750 §2.1),
/// `Basic` with the token as the password (pip, uv, twine) or as the user with an empty password, and the
/// bare token that cargo puts there; or alone in `X-NuGet-ApiKey`, which goes before. `None` when there is no
/// credential, or one that says that there is none, as clients send after a token service told them so:
/// `Bearer anonymous`, and `Basic` of nothing at all.
pub fn token_from_headers(headers: &HeaderMap) -> Result<Option<Token>, InvalidCredential> {
    if let Some(key) = headers.get("x-nuget-apikey") {
        let text = key.to_str().map_err(|_| InvalidCredential::Scheme)?.trim();
        if text.len() > MAX_VALUE {
            return Err(InvalidCredential::Scheme);
        }
        return Ok(Some(Token::parse(text)?));
    }
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(InvalidCredential::Several);
    }
    let text = value.to_str().map_err(|_| InvalidCredential::Scheme)?.trim();
    if text.len() > MAX_VALUE {
        return Err(InvalidCredential::Scheme);
    }
    let Some((scheme, rest)) = text.split_once(' ') else {
        return Ok(Some(Token::parse(text)?));
    };
    let rest = rest.trim();
    if matches!((scheme, rest), ("Bearer", "anonymous") | ("Basic", "Og==")) {
        return Ok(None);
    }
    if scheme.eq_ignore_ascii_case("bearer") {
        return Ok(Some(Token::parse(rest)?));
    }
    if !scheme.eq_ignore_ascii_case("basic") {
        return Err(InvalidCredential::Scheme);
    }
    let decoded = STANDARD
        .decode(rest)
        .or_else(|_| STANDARD_NO_PAD.decode(rest))
        .map_err(|_| InvalidCredential::Basic)?;
    let decoded = String::from_utf8(decoded).map_err(|_| InvalidCredential::Basic)?;
    let (user, password) = decoded.split_once(':').ok_or(InvalidCredential::Basic)?;
    Ok(Some(Token::parse(if password.is_empty() { user } else { password })?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;
    use proptest::prelude::*;

    fn read(value: &str) -> Result<Option<Token>, InvalidCredential> {
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, HeaderValue::from_str(value).unwrap());
        token_from_headers(&headers)
    }

    #[test]
    fn each_clients_form_is_read() {
        let token = Token::generate().unwrap();
        let text = token.reveal();
        let basic = |pair: String| format!("Basic {}", STANDARD.encode(pair));
        for form in [
            format!("Bearer {text}"),
            format!("bearer  {text}"),
            text.to_owned(),
            basic(format!("__token__:{text}")),
            basic(format!("ana:{text}")),
            basic(format!("{text}:")),
            basic(format!(":{text}")),
        ] {
            assert_eq!(read(&form).unwrap(), Some(token.clone()), "{form}");
        }
        assert_eq!(token_from_headers(&HeaderMap::new()), Ok(None));
        for none in ["Bearer anonymous", "Basic Og=="] {
            assert_eq!(read(none), Ok(None), "{none}");
        }
        let mut headers = HeaderMap::new();
        headers.insert("x-nuget-apikey", HeaderValue::from_str(text).unwrap());
        headers.insert(header::AUTHORIZATION, HeaderValue::from_static("Basic !!!"));
        assert_eq!(token_from_headers(&headers).unwrap(), Some(token));
    }

    #[test]
    fn anything_else_is_refused() {
        assert_eq!(read("Digest x"), Err(InvalidCredential::Scheme));
        assert_eq!(read("Basic !!!"), Err(InvalidCredential::Basic));
        assert_eq!(read("Basic eA=="), Err(InvalidCredential::Basic));
        assert_eq!(read("Bearer npm_0123"), Err(InvalidCredential::Token(InvalidToken::Form)));
        assert_eq!(read(""), Err(InvalidCredential::Token(InvalidToken::Form)));
        let mut headers = HeaderMap::new();
        headers.append(header::AUTHORIZATION, HeaderValue::from_static("a"));
        headers.append(header::AUTHORIZATION, HeaderValue::from_static("b"));
        assert_eq!(token_from_headers(&headers), Err(InvalidCredential::Several));
    }

    proptest! {
        #[test]
        fn any_header_is_answered(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            if let Ok(value) = HeaderValue::from_bytes(&bytes) {
                let mut headers = HeaderMap::new();
                headers.insert(header::AUTHORIZATION, value);
                let _ = token_from_headers(&headers);
            }
        }

        #[test]
        fn any_basic_is_answered(text in ".{0,60}") {
            let _ = read(&format!("Basic {}", STANDARD.encode(text)));
        }
    }
}
