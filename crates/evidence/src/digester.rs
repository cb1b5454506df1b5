use lazaret_vocabulary::{Algorithm, Digest};
use md5::Digest as _;
use ring::digest::{Context, SHA1_FOR_LEGACY_USE_ONLY, SHA256, SHA384, SHA512};

/// Hashes bytes as they pass, under SHA-256 and whatever else was declared.
pub struct Digester {
    contexts: Vec<(Algorithm, Context)>,
    md5: Option<md5::Md5>,
    size_bytes: u64,
}

impl Digester {
    /// SHA-256 and every algorithm of `declared`.
    pub fn for_declared(declared: &[Digest]) -> Self {
        Self::for_algorithms(declared.iter().map(Digest::algorithm))
    }

    /// SHA-256 and these. MD5 proves nothing and is computed only because clients ask for it.
    pub fn for_algorithms(algorithms: impl IntoIterator<Item = Algorithm>) -> Self {
        let mut md5 = None;
        let mut contexts = vec![(Algorithm::Sha256, Context::new(&SHA256))];
        for algorithm in algorithms {
            let function = match algorithm {
                Algorithm::Sha1 => &SHA1_FOR_LEGACY_USE_ONLY,
                Algorithm::Sha384 => &SHA384,
                Algorithm::Sha512 => &SHA512,
                Algorithm::Md5 => {
                    md5 = Some(md5::Md5::new());
                    continue;
                }
                Algorithm::Sha256 => continue,
            };
            if contexts.iter().all(|(present, _)| *present != algorithm) {
                contexts.push((algorithm, Context::new(function)));
            }
        }
        Self { contexts, md5, size_bytes: 0 }
    }

    /// Takes the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        for (_, context) in &mut self.contexts {
            context.update(bytes);
        }
        if let Some(md5) = &mut self.md5 {
            md5.update(bytes);
        }
        self.size_bytes = self.size_bytes.saturating_add(bytes.len() as u64);
    }

    /// The digests, SHA-256 first, and how many bytes passed.
    pub fn finish(self) -> (Vec<Digest>, u64) {
        let digests = self
            .contexts
            .into_iter()
            .filter_map(|(algorithm, context)| Digest::from_bytes(algorithm, context.finish().as_ref()))
            .chain(self.md5.and_then(|md5| Digest::from_bytes(Algorithm::Md5, &md5.finalize())))
            .collect();
        (digests, self.size_bytes)
    }
}
