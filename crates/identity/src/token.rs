use ring::digest::{SHA256, digest};
use ring::rand::{SecureRandom as _, SystemRandom};
use std::fmt;

/// What every token begins with, for secret scanners and for people.
const PREFIX: &str = "lzt_";
/// Hexadecimal digits of the 256 random bits.
const SECRET_DIGITS: usize = 64;
/// Hexadecimal digits of the checksum behind them.
const CHECKSUM_DIGITS: usize = 8;
/// Leading characters that may be shown to tell tokens apart: the prefix and 32 of 256 bits.
const SHOWN: usize = PREFIX.len() + 8;

/// A secret that stands for an identity: `lzt_`, 256 random bits and a checksum, both in lower-case
/// hexadecimal. The checksum lets a scanner tell a token from a look-alike, and a typing mistake be
/// answered without a look-up. `Debug` does not show the secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

/// SHA-256 of a whole token: all that is ever stored of it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TokenHash([u8; 32]);

/// The text is not a token of this house.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidToken {
    /// It does not begin as a token does, or has another length or alphabet.
    #[error("it is not a Lazaret token, which is `lzt_` and 72 hexadecimal digits")]
    Form,
    /// The last eight digits do not belong to the rest.
    #[error("its checksum is wrong; it was probably copied incompletely or with a mistake")]
    Checksum,
}

/// The operating system gave no random bytes.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("the operating system's source of randomness failed")]
pub struct NoRandomness;

impl Token {
    /// A new token from the operating system's randomness.
    pub fn generate() -> Result<Self, NoRandomness> {
        let mut secret = [0; SECRET_DIGITS / 2];
        SystemRandom::new().fill(&mut secret).map_err(|_| NoRandomness)?;
        let body = format!("{PREFIX}{}", hex::encode(secret));
        let checksum = checksum(&body);
        Ok(Self(format!("{body}{checksum}")))
    }

    /// Reads a token as a client sent it.
    pub fn parse(text: &str) -> Result<Self, InvalidToken> {
        let digits = text.strip_prefix(PREFIX).ok_or(InvalidToken::Form)?;
        let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        if digits.len() != SECRET_DIGITS + CHECKSUM_DIGITS || !digits.bytes().all(is_digit) {
            return Err(InvalidToken::Form);
        }
        let (body, sum) = text.split_at_checked(PREFIX.len() + SECRET_DIGITS).ok_or(InvalidToken::Form)?;
        if checksum(body) != sum {
            return Err(InvalidToken::Checksum);
        }
        Ok(Self(text.to_owned()))
    }

    /// The secret itself. To be shown once, to the person it was made for.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// The beginning, which may be stored and shown: it tells tokens apart and is no help in guessing one.
    pub fn shown_prefix(&self) -> &str {
        self.0.get(..SHOWN).unwrap_or(PREFIX)
    }

    /// What is stored and looked up in its place. The secret has 256 bits, so that one round of a fast hash
    /// is enough: nobody can go through them.
    pub fn hash(&self) -> TokenHash {
        TokenHash(sha256(self.0.as_bytes()))
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Token({}…)", self.shown_prefix())
    }
}

impl TokenHash {
    /// Lower-case hexadecimal, as stored.
    pub fn to_hex(self) -> String {
        hex::encode(self.0)
    }

    /// Reads what [`TokenHash::to_hex`] wrote.
    pub fn from_hex(text: &str) -> Option<Self> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes).ok()?;
        Some(Self(bytes))
    }

    /// Whether both are the same, in a time that does not depend on where they differ.
    pub fn is(&self, other: &Self) -> bool {
        let difference = self.0.iter().zip(other.0.iter()).fold(0, |sum, (left, right)| sum | (left ^ right));
        std::hint::black_box(difference) == 0
    }
}

impl fmt::Debug for TokenHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "TokenHash({})", self.to_hex())
    }
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    for (to, from) in out.iter_mut().zip(digest(&SHA256, bytes).as_ref()) {
        *to = *from;
    }
    out
}

/// The first 32 bits of the body's SHA-256.
fn checksum(body: &str) -> String {
    hex::encode(sha256(body.as_bytes())).chars().take(CHECKSUM_DIGITS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_new_token_reads_back_and_hides() {
        let token = Token::generate().unwrap();
        assert_eq!(Token::parse(token.reveal()).unwrap(), token);
        assert_eq!(token.reveal().len(), 76);
        assert_ne!(Token::generate().unwrap(), token);
        let shown = format!("{token:?} {:?}", token.hash());
        assert!(!shown.contains(token.reveal().get(SHOWN..).unwrap()));
        assert_eq!(TokenHash::from_hex(&token.hash().to_hex()), Some(token.hash()));
    }

    #[test]
    fn the_hash_is_sha256_of_the_whole_text() {
        let text = format!("lzt_{}", "0".repeat(64));
        let token = Token::parse(&format!("{text}{}", checksum(&text))).unwrap();
        assert_eq!(token.hash().0, sha256(token.reveal().as_bytes()));
        assert!(token.hash().is(&token.hash()));
        assert!(!token.hash().is(&Token::generate().unwrap().hash()));
    }

    #[test]
    fn wrong_ones_say_what_is_wrong() {
        let token = Token::generate().unwrap();
        let good = token.reveal();
        for wrong in ["", "lzt_", "npm_0123", &good[..75], &format!("{good}0"), &good.to_uppercase()] {
            assert_eq!(Token::parse(wrong), Err(InvalidToken::Form), "{wrong}");
        }
        let last = if good.ends_with('0') { '1' } else { '0' };
        assert_eq!(Token::parse(&format!("{}{last}", &good[..75])), Err(InvalidToken::Checksum));
    }

    proptest! {
        #[test]
        fn any_text_is_answered(text in "(lzt_)?[0-9a-fé]{0,80}") {
            let _ = Token::parse(&text);
            let _ = TokenHash::from_hex(&text);
        }

        #[test]
        fn one_changed_digit_is_noticed(place in 4usize..76, digit in 0u32..16) {
            let token = Token::generate().unwrap();
            let mut text: Vec<char> = token.reveal().chars().collect();
            let digit = char::from_digit(digit, 16).unwrap();
            prop_assume!(text[place] != digit);
            text[place] = digit;
            prop_assert!(Token::parse(&text.into_iter().collect::<String>()).is_err());
        }
    }
}
