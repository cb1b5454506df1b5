use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::fmt;
use std::str::FromStr;

/// A hash function that registries declare digests in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Algorithm {
    /// Broken; counted as no proof at all.
    Md5,
    /// Broken; counted as no proof at all.
    Sha1,
    /// SHA-256, the address of every blob.
    Sha256,
    /// SHA-384, allowed by Subresource Integrity.
    Sha384,
    /// SHA-512, npm's `integrity`.
    Sha512,
}

impl Algorithm {
    /// Its name as in `sha256:…` and `sha512-…`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Md5 => "md5",
            Self::Sha1 => "sha1",
            Self::Sha256 => "sha256",
            Self::Sha384 => "sha384",
            Self::Sha512 => "sha512",
        }
    }

    /// Length of the digest in bytes.
    pub const fn size_bytes(self) -> usize {
        match self {
            Self::Md5 => 16,
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }

    /// Whether a match proves anything. MD5 and SHA-1 collide on demand.
    pub const fn is_strong(self) -> bool {
        !matches!(self, Self::Md5 | Self::Sha1)
    }

    fn from_name(name: &str) -> Option<Self> {
        [Self::Md5, Self::Sha1, Self::Sha256, Self::Sha384, Self::Sha512]
            .into_iter()
            .find(|algorithm| algorithm.name() == name)
    }
}

/// The hash of some bytes under a named algorithm. Printed as `sha256:<hex>`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest {
    algorithm: Algorithm,
    bytes: Box<[u8]>,
}

/// The text is not a digest of a known algorithm and of its length.
#[derive(Debug, Clone, thiserror::Error)]
#[error("`{0}` is not a digest such as sha256:<64 hex digits>")]
pub struct InvalidDigest(String);

impl Digest {
    /// From raw hash bytes; `None` unless the length is the algorithm's.
    pub fn from_bytes(algorithm: Algorithm, bytes: &[u8]) -> Option<Self> {
        (bytes.len() == algorithm.size_bytes()).then(|| Self { algorithm, bytes: bytes.into() })
    }

    /// From lower- or upper-case hexadecimal, as in PyPI's `hashes` and cargo's `cksum`.
    pub fn from_hex(algorithm: Algorithm, text: &str) -> Option<Self> {
        Self::from_bytes(algorithm, &hex::decode(text).ok()?)
    }

    /// Every digest of a Subresource Integrity string (W3C SRI §3.5: `sha512-<base64>`, separated by
    /// blanks, options after `?` ignored). Unknown algorithms are skipped, as the specification says.
    pub fn from_sri(text: &str) -> Vec<Self> {
        text.split_ascii_whitespace()
            .filter_map(|item| {
                let (name, rest) = item.split_once('-')?;
                let encoded = rest.split('?').next()?;
                Self::from_bytes(Algorithm::from_name(name)?, &STANDARD.decode(encoded).ok()?)
            })
            .collect()
    }

    /// Which hash function.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The raw hash.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Lower-case hexadecimal without the algorithm.
    pub fn to_hex(&self) -> String {
        // Thousands are printed for each index, and `hex::encode` makes text one character at a time.
        let mut text = vec![0; self.bytes.len() * 2];
        let written = hex::encode_to_slice(&self.bytes, &mut text);
        debug_assert!(written.is_ok(), "two digits for each byte are enough");
        String::from_utf8(text).unwrap_or_default()
    }

    /// `sha512-<base64>`, the form npm and browsers use.
    pub fn to_sri(&self) -> String {
        format!("{}-{}", self.algorithm.name(), STANDARD.encode(&self.bytes))
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.algorithm.name(), self.to_hex())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{self}")
    }
}

impl FromStr for Digest {
    type Err = InvalidDigest;

    /// Reads `sha256:<hex>`.
    fn from_str(text: &str) -> Result<Self, InvalidDigest> {
        text.split_once(':')
            .and_then(|(name, hex)| Self::from_hex(Algorithm::from_name(name)?, hex))
            .ok_or_else(|| InvalidDigest(text.chars().take(80).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_prints_each_form() {
        let hex = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        let digest: Digest = format!("sha256:{hex}").parse().unwrap();
        assert_eq!(digest.to_hex(), hex);
        assert_eq!(Digest::from_sri(&digest.to_sri()), vec![digest.clone()]);
        assert_eq!(
            Digest::from_sri("sha999-AAAA sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=?x"),
            vec![digest]
        );
        for wrong in ["", "sha256:", "sha256:zz", "sha256:e3b0", "crc32:00000000"] {
            assert!(wrong.parse::<Digest>().is_err(), "{wrong}");
        }
    }
}
