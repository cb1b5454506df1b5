use lazaret_vocabulary::{Algorithm, Digest};

/// Proof that some bytes, named by their SHA-256, are the ones that were declared. It has no public
/// constructor: [`check`] and [`recheck`] make it.
///
/// ```compile_fail,E0451
/// use lazaret_evidence::{Basis, Verified};
/// use lazaret_vocabulary::{Algorithm, Digest};
/// let sha256 = Digest::from_hex(Algorithm::Sha256, &"0".repeat(64)).unwrap();
/// let forged = Verified { sha256, size_bytes: 1, basis: Basis::Declared };
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    sha256: Digest,
    size_bytes: u64,
    basis: Basis,
}

/// What the proof rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Basis {
    /// A strong digest that the registry declared.
    Declared,
    /// The digest under which this house first saw or stored the file.
    Remembered,
    /// Nothing: the registry declares no strong digest and the file was never seen. From now on its digest
    /// is remembered.
    FirstSight,
}

/// The bytes are not the declared ones.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected {expected}, got {actual}")]
pub struct Mismatch {
    /// What was declared or remembered.
    pub expected: String,
    /// What the bytes have.
    pub actual: String,
}

impl Verified {
    /// The bytes' address.
    pub fn sha256(&self) -> &Digest {
        &self.sha256
    }

    /// How many bytes there are.
    pub fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    /// What the proof rests on.
    pub fn basis(&self) -> Basis {
        self.basis
    }
}

/// Compares what bytes have (`computed`, from a [`crate::Digester`] made for `declared`) with what the
/// registry declared, with the declared size, and with the digest remembered from first sight.
///
/// Every declared digest that was computed must match, weak ones too; only strong ones count as proof.
pub fn check(
    declared: &[Digest],
    declared_size: Option<u64>,
    remembered: Option<&Digest>,
    computed: &[Digest],
    size_bytes: u64,
) -> Result<Verified, Mismatch> {
    let sha256 = computed
        .iter()
        .find(|digest| digest.algorithm() == Algorithm::Sha256)
        .ok_or_else(|| Mismatch { expected: "a SHA-256".into(), actual: "none was computed".into() })?;
    if let Some(expected) = declared_size
        && expected != size_bytes
    {
        return Err(Mismatch {
            expected: format!("{expected} bytes"),
            actual: format!("{size_bytes} bytes"),
        });
    }
    let mut basis = Basis::FirstSight;
    for expected in declared {
        // Subresource Integrity allows several digests of one algorithm, any of which may match; no registry
        // here uses that, and the strict reading cannot be fooled by it.
        match computed.iter().find(|digest| digest.algorithm() == expected.algorithm()) {
            Some(actual) if actual != expected => return Err(mismatch(expected, actual)),
            Some(_) if expected.algorithm().is_strong() => basis = Basis::Declared,
            Some(_) => {}
            None if expected.algorithm().is_strong() => {
                return Err(Mismatch { expected: expected.to_string(), actual: "not computed".into() });
            }
            None => {}
        }
    }
    if let Some(expected) = remembered {
        if expected != sha256 {
            return Err(mismatch(expected, sha256));
        }
        if basis == Basis::FirstSight {
            basis = Basis::Remembered;
        }
    }
    Ok(Verified { sha256: sha256.clone(), size_bytes, basis })
}

/// Proof for bytes that were verified before and are kept under `recorded`: their SHA-256, computed again,
/// is still the same.
pub fn recheck(recorded: &Digest, computed: &Digest, size_bytes: u64) -> Result<Verified, Mismatch> {
    if recorded.algorithm() != Algorithm::Sha256 || recorded != computed {
        return Err(mismatch(recorded, computed));
    }
    Ok(Verified { sha256: recorded.clone(), size_bytes, basis: Basis::Remembered })
}

fn mismatch(expected: &Digest, actual: &Digest) -> Mismatch {
    Mismatch { expected: expected.to_string(), actual: actual.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Digester;

    fn computed(bytes: &[u8], declared: &[Digest]) -> (Vec<Digest>, u64) {
        let mut digester = Digester::for_declared(declared);
        digester.update(bytes);
        digester.finish()
    }

    fn digest_of(algorithm: Algorithm, bytes: &[u8]) -> Digest {
        let seed = [Digest::from_bytes(algorithm, &vec![0; algorithm.size_bytes()]).unwrap()];
        computed(bytes, &seed).0.into_iter().find(|digest| digest.algorithm() == algorithm).unwrap()
    }

    #[test]
    fn only_a_strong_match_proves() {
        for (algorithm, basis) in [
            (Algorithm::Sha512, Basis::Declared),
            (Algorithm::Sha384, Basis::Declared),
            (Algorithm::Sha256, Basis::Declared),
            (Algorithm::Sha1, Basis::FirstSight),
        ] {
            let declared = [digest_of(algorithm, b"cargo")];
            let (digests, size) = computed(b"cargo", &declared);
            assert_eq!(check(&declared, Some(5), None, &digests, size).unwrap().basis(), basis);
            let (digests, size) = computed(b"Cargo", &declared);
            assert!(check(&declared, None, None, &digests, size).is_err(), "{algorithm:?}");
        }
    }

    #[test]
    fn a_wrong_size_or_memory_refuses() {
        let declared = [digest_of(Algorithm::Sha512, b"cargo")];
        let (digests, size) = computed(b"cargo", &declared);
        assert!(check(&declared, Some(6), None, &digests, size).is_err());
        let other = digest_of(Algorithm::Sha256, b"other");
        assert!(check(&declared, None, Some(&other), &digests, size).is_err());
        let same = digest_of(Algorithm::Sha256, b"cargo");
        assert_eq!(check(&[], None, Some(&same), &digests, size).unwrap().basis(), Basis::Remembered);
        assert!(recheck(&same, &other, 5).is_err());
    }

    #[test]
    fn a_strong_digest_that_was_not_computed_refuses() {
        let declared = [digest_of(Algorithm::Sha512, b"cargo")];
        let (digests, size) = computed(b"cargo", &[]);
        assert!(check(&declared, None, None, &digests, size).is_err());
    }
}
