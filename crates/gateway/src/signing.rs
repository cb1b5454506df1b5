//! The key with which this house signs the indexes of what it publishes itself, where clients check OpenPGP
//! signatures. It is made at first use and lies in the data directory, readable by its owner alone.
//!
//! Ed25519 in the form of version 4 keys, which every gpgv of the last ten years reads (RFC 9580 §5.5.5.5).

use lazaret_ecosystems::Signer;
use lazaret_vocabulary::Malformed;
use pgp::composed::{
    ArmorOptions, CleartextSignedMessage, Deserializable as _, DetachedSignature, KeyType,
    SecretKeyParamsBuilder, SignedSecretKey,
};
use pgp::crypto::hash::HashAlgorithm;
use pgp::types::Password;
use rand::rngs::OsRng;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

/// The file of the key.
const FILE: &str = "archive.asc";
/// Whose it says it is.
const NAME: &str = "Lazaret hosted packages";

/// Signs with the house's own key.
pub(crate) struct HouseSigner {
    folder: PathBuf,
    key: Mutex<Option<SignedSecretKey>>,
}

impl HouseSigner {
    /// The key lies in `folder`; it is read, or made, when it is first needed.
    pub(crate) fn new(folder: PathBuf) -> Self {
        Self { folder, key: Mutex::new(None) }
    }

    fn with_key<T>(
        &self,
        work: impl FnOnce(&SignedSecretKey) -> Result<T, pgp::errors::Error>,
    ) -> Result<T, Malformed> {
        let mut slot = self.key.lock().unwrap_or_else(PoisonError::into_inner);
        let key = match slot.take() {
            Some(key) => key,
            None => self.read_or_make()?,
        };
        let result = work(&key).map_err(|error| Malformed::new(format!("it could not be signed: {error}")));
        *slot = Some(key);
        result
    }

    fn read_or_make(&self) -> Result<SignedSecretKey, Malformed> {
        let path = self.folder.join(FILE);
        let failed = |what: &str, error: &dyn std::fmt::Display| {
            tracing::error!(path = %path.display(), %error, "the archive's key cannot be {what}");
            Malformed::new(format!(
                "the archive's signing key cannot be {what}; its operator finds why in the log"
            ))
        };
        match std::fs::read_to_string(&path) {
            Ok(text) => {
                let (key, _) = SignedSecretKey::from_string(&text).map_err(|error| failed("read", &error))?;
                return Ok(key);
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(failed("read", &error)),
        }
        let key = make().map_err(|error| failed("made", &error))?;
        let text =
            key.to_armored_string(ArmorOptions::default()).map_err(|error| failed("written", &error))?;
        let write = || -> std::io::Result<()> {
            std::fs::create_dir_all(&self.folder)?;
            let fresh = self.folder.join(format!("{FILE}.new"));
            let mut file = std::fs::OpenOptions::new()
                .write(true)
                .create(true)
                .truncate(true)
                .mode(0o600)
                .open(&fresh)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            // A second node that was quicker wins: a key that is there is never replaced.
            match std::fs::hard_link(&fresh, &path) {
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
                other => other?,
            }
            std::fs::remove_file(&fresh)?;
            std::fs::File::open(&self.folder)?.sync_all()
        };
        write().map_err(|error| failed("written", &error))?;
        let text = std::fs::read_to_string(&path).map_err(|error| failed("read", &error))?;
        let (key, _) = SignedSecretKey::from_string(&text).map_err(|error| failed("read", &error))?;
        Ok(key)
    }
}

fn make() -> Result<SignedSecretKey, Box<dyn std::error::Error>> {
    let mut parameters = SecretKeyParamsBuilder::default();
    parameters
        .key_type(KeyType::Ed25519Legacy)
        .can_sign(true)
        .can_certify(true)
        .primary_user_id(NAME.to_owned());
    Ok(parameters.build()?.generate(OsRng)?)
}

impl Signer for HouseSigner {
    fn clearsigned(&self, text: &str) -> Result<String, Malformed> {
        self.with_key(|key| {
            CleartextSignedMessage::sign(OsRng, text, &key.primary_key, &Password::empty())?
                .to_armored_string(ArmorOptions::default())
        })
    }

    fn detached(&self, text: &str) -> Result<String, Malformed> {
        self.with_key(|key| {
            DetachedSignature::sign_binary_data(
                OsRng,
                &key.primary_key,
                &Password::empty(),
                HashAlgorithm::Sha512,
                text.as_bytes(),
            )?
            .to_armored_string(ArmorOptions::default())
        })
    }

    fn public_key(&self) -> Result<String, Malformed> {
        self.with_key(|key| key.to_public_key().to_armored_string(ArmorOptions::default()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pgp::composed::SignedPublicKey;

    #[test]
    fn what_is_signed_verifies_with_the_key_that_is_handed_out() {
        let folder = tempfile::tempdir().unwrap();
        let keys = folder.path().join("keys");
        let signer = HouseSigner::new(keys.clone());
        let signed = signer.clearsigned("Origin: Lazaret\n- dashed\n").unwrap();
        let public = signer.public_key().unwrap();
        // Another node, or the next start, has the same key.
        assert_eq!(HouseSigner::new(keys.clone()).public_key().unwrap(), public);
        let (public, _) = SignedPublicKey::from_string(&public).unwrap();
        let (message, _) = CleartextSignedMessage::from_string(&signed).unwrap();
        assert!(message.verify(&public).is_ok());
        let (signature, _) =
            DetachedSignature::from_string(&signer.detached("Origin: Lazaret\n").unwrap()).unwrap();
        assert!(signature.verify(&public, b"Origin: Lazaret\n").is_ok());
        assert!(signature.verify(&public, b"Origin: Other\n").is_err());
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(keys.join(FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "nobody else reads the key");
    }

    #[test]
    fn a_key_that_cannot_be_read_is_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(FILE), "torn").unwrap();
        assert!(HouseSigner::new(folder.path().to_owned()).public_key().is_err());
        assert_eq!(std::fs::read_to_string(folder.path().join(FILE)).unwrap(), "torn");
    }
}
