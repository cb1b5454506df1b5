//! The changelog of a package (Debian Policy §4.4): newest entry first, each ended by who and when.

use super::dates;
use flate2::read::MultiGzDecoder;
use lazaret_vocabulary::Timestamp;
use std::io::{BufRead, BufReader, Read};

/// How far the newest entry may reach, in bytes.
const LONGEST_ENTRY: u64 = 512 << 10;

/// The newest entry.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub source: String,
    pub version: String,
    pub date: Option<Timestamp>,
}

/// Reads the newest entry of a changelog, compressed or not; `None` for another kind of text.
pub(super) fn newest(bytes: &[u8]) -> Option<Entry> {
    if bytes.starts_with(&[0x1f, 0x8b]) { read(MultiGzDecoder::new(bytes)) } else { read(bytes) }
}

fn read(text: impl Read) -> Option<Entry> {
    let mut text = BufReader::new(text.take(LONGEST_ENTRY));
    let mut line = Vec::new();
    let mut entry: Option<Entry> = None;
    loop {
        line.clear();
        if text.read_until(b'\n', &mut line).ok()? == 0 {
            return entry;
        }
        let said = String::from_utf8_lossy(&line);
        let said = said.trim_end();
        match (&mut entry, said.strip_prefix(" -- ")) {
            (None, _) if said.is_empty() => {}
            (None, _) => entry = Some(head(said)?),
            (Some(entry), Some(trailer)) => {
                entry.date = trailer.rsplit_once(">  ").and_then(|(_, date)| dates::parse(date));
                return Some(Entry {
                    source: entry.source.clone(),
                    version: entry.version.clone(),
                    date: entry.date,
                });
            }
            // The next entry begins: this one was never ended.
            (Some(_), None) if !said.is_empty() && !said.starts_with([' ', '\t']) => return entry,
            _ => {}
        }
    }
}

/// `curl (7.88.1-10) unstable; urgency=medium`.
fn head(line: &str) -> Option<Entry> {
    let (source, rest) = line.split_once(" (")?;
    let (version, rest) = rest.split_once(')')?;
    let plausible = rest.contains(';') && !source.contains(char::is_whitespace);
    plausible.then(|| Entry { source: source.to_owned(), version: version.to_owned(), date: None })
}
