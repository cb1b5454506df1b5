//! Reading and writing lists of popular names.

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use std::io::{self, BufRead, Read, Write};

/// A list with more names than this is refused: it is no list of popular names.
const MOST_NAMES: usize = 200_000;

/// No registry with a list accepts longer names; the rest of a line is a number.
const LONGEST_LINE: u64 = 400;

/// What a compressed list may unpack to.
const LARGEST: u64 = 32 << 20;

/// A list of popular names that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum InvalidList {
    /// It could not be read or unpacked.
    #[error("the list of popular names cannot be read: {0}")]
    Unreadable(#[from] io::Error),
    /// A line has the wrong form.
    #[error("line {line} of the list of popular names: {why}")]
    Line {
        /// Counted from 1.
        line: usize,
        /// What was expected.
        why: &'static str,
    },
}

/// The names of a list, in its order.
pub(super) fn read(mut reader: impl BufRead) -> Result<Vec<String>, InvalidList> {
    let mut names = Vec::new();
    let mut order = Order::default();
    let mut line = String::new();
    for number in 1.. {
        line.clear();
        let wrong = |why| InvalidList::Line { line: number, why };
        if reader.by_ref().take(LONGEST_LINE).read_line(&mut line)? == 0 {
            break;
        }
        let text = line.trim_end_matches(['\n', '\r']);
        if text.is_empty() || text.starts_with("# ") {
            continue;
        }
        if !line.ends_with('\n') && line.len() as u64 >= LONGEST_LINE {
            return Err(wrong("expected a name and at most a number, in 400 bytes"));
        }
        let (name, count) = text.split_once('\t').unwrap_or((text, ""));
        if name.is_empty() || name.contains(char::is_whitespace) {
            return Err(wrong("expected a package's name at its beginning"));
        }
        if !count.is_empty() {
            let count = count.parse().map_err(|_| wrong("expected a whole number after the tab"))?;
            if !order.follows(count) {
                return Err(wrong("expected the names in the order of their popularity"));
            }
        }
        names.push(name.to_owned());
        if names.len() > MOST_NAMES {
            return Err(wrong("expected at most 200,000 names"));
        }
    }
    if names.is_empty() {
        return Err(InvalidList::Line { line: 1, why: "expected at least one name" });
    }
    Ok(names)
}

/// Numbers that only fall (downloads) or only rise (ranks).
#[derive(Default)]
struct Order {
    last: Option<u64>,
    rises: bool,
    falls: bool,
}

impl Order {
    fn follows(&mut self, count: u64) -> bool {
        if let Some(last) = self.last.replace(count) {
            self.rises |= count > last;
            self.falls |= count < last;
        }
        !(self.rises && self.falls)
    }
}

/// The form in which a list is embedded: its names alone, one a line, most popular first, with gzip.
pub fn compress(reader: impl BufRead) -> Result<Vec<u8>, InvalidList> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    for name in read(reader)? {
        writeln!(encoder, "{name}")?;
    }
    Ok(encoder.finish()?)
}

pub(super) fn decompress(bytes: &[u8]) -> impl Read {
    GzDecoder::new(bytes).take(LARGEST)
}
