//! Files of any size that are generated while they are sent: real `.tar.gz` archives whose one member is
//! noise, kept in stored (uncompressed) deflate blocks, so that a gigabyte costs no memory.

use crate::archive::{Hashed, Hasher};
use bytes::Bytes;

/// Payload of one stored deflate block (RFC 1951 §3.2.4 allows 65,535).
const BLOCK: usize = 65_024;

/// The recipe of a large archive. Same recipe, same bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LargeFile {
    head: Vec<u8>,
    noise_bytes: u64,
    seed: u64,
}

impl LargeFile {
    /// A tarball with `entries` in front and then `noise_path`, `noise_bytes` long.
    pub fn tar_gz(entries: &[(String, Vec<u8>)], noise_path: &str, noise_bytes: u64, seed: u64) -> Self {
        let mut head = Vec::new();
        for (path, bytes) in entries {
            head.extend_from_slice(header(path, bytes.len() as u64).as_bytes());
            head.extend_from_slice(bytes);
            head.resize(head.len().next_multiple_of(512), 0);
        }
        head.extend_from_slice(header(noise_path, noise_bytes).as_bytes());
        Self { head, noise_bytes, seed }
    }

    fn tar_bytes(&self) -> u64 {
        (self.head.len() as u64 + self.noise_bytes).next_multiple_of(512) + 1024
    }

    /// The length of the compressed file in bytes.
    pub fn size_bytes(&self) -> u64 {
        let blocks = self.tar_bytes().div_ceil(BLOCK as u64);
        10 + self.tar_bytes() + blocks * 5 + 8
    }

    /// The file in pieces.
    pub fn chunks(&self) -> Chunks {
        Chunks { file: self.clone(), noise: noise(self.seed), at: 0, checksum: flate2::Crc::new(), stage: 0 }
    }

    /// Its digests, by generating it once.
    pub fn hashed(&self) -> Hashed {
        let mut hasher = Hasher::default();
        self.chunks().for_each(|chunk| hasher.update(&chunk));
        hasher.finish()
    }
}

fn header(path: &str, size: u64) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.set_path(path).expect("a short path");
    header.set_size(size);
    header.set_mode(0o644);
    header.set_mtime(499_162_500);
    header.set_entry_type(tar::EntryType::Regular);
    header.set_cksum();
    header
}

/// Pseudo-random bytes (xorshift64*), longer than deflate's window so that it does not compress.
fn noise(seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut bytes = Vec::with_capacity(BLOCK + 8);
    while bytes.len() < BLOCK {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        bytes.extend_from_slice(&state.wrapping_mul(0x2545_f491_4f6c_dd1d).to_le_bytes());
    }
    bytes.truncate(BLOCK);
    bytes
}

/// Iterator over the pieces of a [`LargeFile`].
pub struct Chunks {
    file: LargeFile,
    noise: Vec<u8>,
    at: u64,
    checksum: flate2::Crc,
    stage: u8,
}

impl Chunks {
    /// The tar stream at `self.at`, at most one block.
    fn plain(&mut self) -> Vec<u8> {
        let total = self.file.tar_bytes();
        let wanted = (total - self.at).min(BLOCK as u64) as usize;
        let mut block = Vec::with_capacity(wanted);
        let head = self.file.head.len() as u64;
        let noise_end = head + self.file.noise_bytes;
        if self.at < head {
            let start = self.at as usize;
            let end = (start + wanted).min(self.file.head.len());
            block.extend_from_slice(self.file.head.get(start..end).unwrap_or_default());
        }
        let position = self.at + block.len() as u64;
        if position < noise_end {
            let length = ((noise_end - position) as usize).min(wanted - block.len());
            let from = block.len();
            block.extend_from_slice(self.noise.get(..length).unwrap_or_default());
            // The position makes each block different, so that no two halves of a file are equal.
            for (target, byte) in block.iter_mut().skip(from).zip(position.to_le_bytes()) {
                *target ^= byte;
            }
        }
        block.resize(wanted, 0);
        self.at += wanted as u64;
        block
    }
}

impl Iterator for Chunks {
    type Item = Bytes;

    fn next(&mut self) -> Option<Bytes> {
        if self.stage == 0 {
            self.stage = 1;
            return Some(Bytes::from_static(&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]));
        }
        if self.stage == 1 {
            let block = self.plain();
            self.checksum.update(&block);
            let last = self.at >= self.file.tar_bytes();
            let length = block.len() as u16;
            let mut piece = Vec::with_capacity(block.len() + 13);
            piece.push(u8::from(last));
            piece.extend_from_slice(&length.to_le_bytes());
            piece.extend_from_slice(&(!length).to_le_bytes());
            piece.extend_from_slice(&block);
            if last {
                self.stage = 2;
                piece.extend_from_slice(&self.checksum.sum().to_le_bytes());
                piece.extend_from_slice(&(self.file.tar_bytes() as u32).to_le_bytes());
            }
            return Some(Bytes::from(piece));
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read as _;

    #[test]
    fn a_large_file_is_a_true_archive_of_the_promised_length() {
        let entries = vec![("package/package.json".to_owned(), b"{}".to_vec())];
        for noise_bytes in [0, 1, 65_024, 300_001] {
            let file = LargeFile::tar_gz(&entries, "package/noise.bin", noise_bytes, 7);
            let whole: Vec<u8> = file.chunks().flat_map(|chunk| chunk.to_vec()).collect();
            assert_eq!(whole.len() as u64, file.size_bytes());
            assert_eq!(crate::archive::hash(&whole).sha256, file.hashed().sha256);
            let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(whole.as_slice()));
            let mut sizes = Vec::new();
            for entry in archive.entries().unwrap() {
                let mut entry = entry.unwrap();
                let mut content = Vec::new();
                entry.read_to_end(&mut content).unwrap();
                sizes.push(content.len() as u64);
            }
            assert_eq!(sizes, vec![2, noise_bytes]);
        }
    }
}
