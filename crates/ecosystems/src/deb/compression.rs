//! The compressions that archives use, told apart by their first bytes and read within bounds.

use bzip2::read::MultiBzDecoder;
use flate2::read::MultiGzDecoder;
use lazaret_vocabulary::Malformed;
use lzma_rust2::XzReader;
use ruzstd::decoding::{FrameDecoder, StreamingDecoder};
use std::io::{self, BufRead, BufReader, Read};

/// Memory that an xz decoder may take, in KiB: 64 MiB of dictionary, as `xz -9` has it, and some room.
const XZ_MEMORY_KIB: u32 = 96 << 10;
/// Largest window of a zstd frame, in bytes; `zstd --ultra -22` has this much.
const ZSTD_WINDOW: u64 = 128 << 20;

/// How bytes are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Compression {
    Plain,
    Gzip,
    Xz,
    Zstd,
    Bzip2,
}

impl Compression {
    /// What the first bytes say.
    pub(super) fn of(head: &[u8]) -> Self {
        let starts = |magic: &[u8]| head.starts_with(magic);
        if starts(&[0x1f, 0x8b]) {
            Self::Gzip
        } else if starts(&[0xfd, b'7', b'z', b'X', b'Z', 0]) {
            Self::Xz
        } else if starts(&[0x28, 0xb5, 0x2f, 0xfd]) {
            Self::Zstd
        } else if starts(b"BZh") {
            Self::Bzip2
        } else {
            Self::Plain
        }
    }
}

/// Reads what is compressed in whichever way, at most so many bytes of it: one more is an error.
pub(super) fn decompressed<'r>(
    reader: impl Read + 'r,
    limit: u64,
) -> Result<Bounded<Box<dyn Read + 'r>>, Malformed> {
    let mut reader = BufReader::with_capacity(64 << 10, reader);
    let head = reader.fill_buf().map_err(broken)?;
    let inner: Box<dyn Read + 'r> = match Compression::of(head) {
        Compression::Plain => Box::new(reader),
        Compression::Gzip => Box::new(MultiGzDecoder::new(reader)),
        Compression::Xz => Box::new(XzReader::new_mem_limit(reader, true, XZ_MEMORY_KIB)),
        Compression::Zstd => Box::new(Zstd { frame: None, rest: Some(reader) }),
        Compression::Bzip2 => Box::new(MultiBzDecoder::new(reader)),
    };
    Ok(Bounded { inner, left: limit, failed: false })
}

fn broken(error: io::Error) -> Malformed {
    Malformed::new(format!("it cannot be decompressed: {error}"))
}

/// Fails where a plain `take` would end as if there were no more, and after a failure never asks the decoder
/// again.
pub(super) struct Bounded<R> {
    inner: R,
    left: u64,
    failed: bool,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.failed {
            return Err(io::Error::other("it failed before"));
        }
        let read = self.inner.read(buffer).and_then(|read| {
            let size = u64::try_from(read).unwrap_or(u64::MAX);
            self.left = self
                .left
                .checked_sub(size)
                .ok_or_else(|| io::Error::other("it is larger than may be looked at"))?;
            Ok(read)
        });
        self.failed = read.is_err();
        read
    }
}

type Frame<R> = StreamingDecoder<R, FrameDecoder>;

/// All frames of a zstd stream, one after the other.
struct Zstd<R: BufRead> {
    frame: Option<Frame<R>>,
    rest: Option<R>,
}

impl<R: BufRead> Read for Zstd<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            if let Some(mut frame) = self.frame.take() {
                let read = frame.read(buffer)?;
                if read > 0 {
                    self.frame = Some(frame);
                    return Ok(read);
                }
                self.rest = Some(frame.into_inner());
            }
            let Some(mut rest) = self.rest.take() else { return Ok(0) };
            if rest.fill_buf()?.is_empty() {
                return Ok(0);
            }
            let frame = StreamingDecoder::new_with_max_window_size(rest, ZSTD_WINDOW);
            self.frame = Some(frame.map_err(|error| io::Error::other(error.to_string()))?);
        }
    }
}
