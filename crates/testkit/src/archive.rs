//! Package files made in memory: tarballs and zips with fixed times and owners, so that the same input
//! gives the same bytes, and with it the same digest, in every run.

use flate2::{Compression, GzBuilder};
use ring::digest;
use std::io::{Cursor, Write as _};

/// One file inside an archive: its path and its bytes.
pub type Entry = (String, Vec<u8>);

/// A gzip-compressed tarball (npm `.tgz`, cargo `.crate`, Python `.tar.gz`).
pub fn tar_gz(entries: &[Entry]) -> Vec<u8> {
    let encoder = GzBuilder::new().mtime(0).write(Vec::new(), Compression::new(6));
    let mut builder = tar::Builder::new(encoder);
    for (path, bytes) in entries {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        // npm's own fixed date; a zero makes some clients warn.
        header.set_mtime(499_162_500);
        header.set_entry_type(tar::EntryType::Regular);
        builder.append_data(&mut header, path, bytes.as_slice()).expect("writing into memory");
    }
    builder.into_inner().and_then(flate2::write::GzEncoder::finish).expect("writing into memory")
}

/// An `ar` archive (Debian `.deb`), its members made at this moment in seconds since the epoch.
pub fn ar(modified: i64, members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = b"!<arch>\n".to_vec();
    for (name, bytes) in members {
        let head = format!("{name:<16}{modified:<12}{:<6}{:<6}{:<8}{:<10}`\n", 0, 0, 100_644, bytes.len());
        archive.extend_from_slice(head.as_bytes());
        archive.extend_from_slice(bytes);
        if bytes.len() % 2 == 1 {
            archive.push(b'\n');
        }
    }
    archive
}

/// A zip (Python wheel).
pub fn zip(entries: &[Entry]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default()
        .compression_method(zip::CompressionMethod::Deflated)
        .last_modified_time(zip::DateTime::default())
        .unix_permissions(0o644);
    for (path, bytes) in entries {
        writer.start_file(path.as_str(), options).expect("writing into memory");
        writer.write_all(bytes).expect("writing into memory");
    }
    writer.finish().expect("writing into memory").into_inner()
}

/// A wheel: `files` as they are installed, plus `METADATA`, `WHEEL` and a true `RECORD`
/// (binary distribution format, PyPA specifications).
pub fn wheel(distribution: &str, version: &str, tag: &str, metadata: &str, files: &[Entry]) -> Vec<u8> {
    let info = format!("{distribution}-{version}.dist-info");
    let mut entries = files.to_vec();
    entries.push((format!("{info}/METADATA"), metadata.as_bytes().to_vec()));
    let wheel =
        format!("Wheel-Version: 1.0\nGenerator: lazaret-testkit\nRoot-Is-Purelib: true\nTag: {tag}\n");
    entries.push((format!("{info}/WHEEL"), wheel.into_bytes()));
    let mut record = String::new();
    for (path, bytes) in &entries {
        let hash = base64_url(digest::digest(&digest::SHA256, bytes).as_ref());
        record.push_str(&format!("{path},sha256={hash},{}\n", bytes.len()));
    }
    record.push_str(&format!("{info}/RECORD,,\n"));
    entries.push((format!("{info}/RECORD"), record.into_bytes()));
    zip(&entries)
}

fn base64_url(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes)
}

/// Text of about this length, the same for the same seed, that compresses about as well as source code.
pub fn prose(seed: &str, length: usize) -> String {
    const WORDS: [&str; 32] = [
        "const",
        "return",
        "function",
        "value",
        "index",
        "=>",
        "{\n  ",
        "}\n",
        "if (",
        ") ",
        "options",
        "===",
        "undefined",
        "this.",
        "length",
        "for (",
        "let ",
        "result",
        "Object",
        "keys",
        "throw new Error(",
        "'",
        "export",
        "default",
        "import",
        "from",
        "config",
        "callback",
        "module",
        "string",
        ";\n",
        "null",
    ];
    let sum = digest::digest(&digest::SHA256, seed.as_bytes());
    let mut state = sum.as_ref().iter().take(8).fold(1u64, |state, byte| (state << 8) | u64::from(*byte)) | 1;
    let mut text = String::with_capacity(length + 64);
    while text.len() < length {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        let draw = state.wrapping_mul(0x2545_f491_4f6c_dd1d);
        text.push_str(WORDS.get((draw >> 32) as usize % WORDS.len()).copied().unwrap_or(" "));
        // Names that occur once or twice, as in code.
        if draw % 5 == 0 {
            text.push_str(&format!("{:x}", (draw >> 40) & 0xffff));
        }
        text.push(' ');
    }
    text
}

/// Bytes with every digest that a registry declares for them.
#[derive(Debug, Clone)]
pub struct Hashed {
    /// Lower-case hexadecimal SHA-1, npm's `shasum`.
    pub sha1: String,
    /// Lower-case hexadecimal SHA-256, PyPI's `hashes` and cargo's `cksum`.
    pub sha256: String,
    /// `sha512-<base64>`, npm's `integrity`.
    pub sri: String,
    /// Length in bytes.
    pub size: u64,
}

/// Hashes bytes as they come, for files which are never held whole.
pub struct Hasher {
    sha1: digest::Context,
    sha256: digest::Context,
    sha512: digest::Context,
    size: u64,
}

impl Default for Hasher {
    fn default() -> Self {
        Self {
            sha1: digest::Context::new(&digest::SHA1_FOR_LEGACY_USE_ONLY),
            sha256: digest::Context::new(&digest::SHA256),
            sha512: digest::Context::new(&digest::SHA512),
            size: 0,
        }
    }
}

impl Hasher {
    /// Takes the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.sha1.update(bytes);
        self.sha256.update(bytes);
        self.sha512.update(bytes);
        self.size += bytes.len() as u64;
    }

    /// The digests of everything taken.
    pub fn finish(self) -> Hashed {
        use base64::Engine as _;
        let encoded = base64::engine::general_purpose::STANDARD.encode(self.sha512.finish());
        Hashed {
            sha1: hex::encode(self.sha1.finish()),
            sha256: hex::encode(self.sha256.finish()),
            sri: format!("sha512-{encoded}"),
            size: self.size,
        }
    }
}

/// All digests of bytes at hand.
pub fn hash(bytes: &[u8]) -> Hashed {
    let mut hasher = Hasher::default();
    hasher.update(bytes);
    hasher.finish()
}
