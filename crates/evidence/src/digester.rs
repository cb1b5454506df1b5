use lazaret_vocabulary::{Algorithm, Digest};
use ring::digest::{Context, SHA1_FOR_LEGACY_USE_ONLY, SHA256, SHA384, SHA512};

/// Hashes bytes as they pass, under SHA-256 and whatever else was declared.
pub struct Digester {
    contexts: Vec<(Algorithm, Context)>,
    size_bytes: u64,
}

impl Digester {
    /// SHA-256 and every algorithm of `declared` that this build computes; MD5 is not computed, since it
    /// would prove nothing.
    pub fn for_declared(declared: &[Digest]) -> Self {
        let mut contexts = vec![(Algorithm::Sha256, Context::new(&SHA256))];
        for digest in declared {
            let algorithm = digest.algorithm();
            let function = match algorithm {
                Algorithm::Sha1 => &SHA1_FOR_LEGACY_USE_ONLY,
                Algorithm::Sha384 => &SHA384,
                Algorithm::Sha512 => &SHA512,
                Algorithm::Md5 | Algorithm::Sha256 => continue,
            };
            if contexts.iter().all(|(present, _)| *present != algorithm) {
                contexts.push((algorithm, Context::new(function)));
            }
        }
        Self { contexts, size_bytes: 0 }
    }

    /// Takes the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        for (_, context) in &mut self.contexts {
            context.update(bytes);
        }
        self.size_bytes = self.size_bytes.saturating_add(bytes.len() as u64);
    }

    /// The digests, SHA-256 first, and how many bytes passed.
    pub fn finish(self) -> (Vec<Digest>, u64) {
        let digests = self
            .contexts
            .into_iter()
            .filter_map(|(algorithm, context)| Digest::from_bytes(algorithm, context.finish().as_ref()))
            .collect();
        (digests, self.size_bytes)
    }
}
