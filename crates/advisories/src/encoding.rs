//! The compact form in which advisories are held in memory and on disk alike.
//!
//! An own form rather than a serialisation crate's (bincode is abandoned, postcard and rkyv decode into or
//! cast to owned structures): here nothing is decoded at start, and looking at a package borrows its texts
//! from the one buffer. Integers are LEB128, texts are their length and UTF-8 bytes.
//!
//! ```text
//! record   = id modified:8 flags:1 count alias* summary url
//! coverage = record:4 severity:1 flags:1 count range* count version*
//! range    = count (kind:1 version)*
//! package  = ecosystem:1 key count coverage*
//! ```

use crate::Severity;
use crate::osv::{Advisory, Affected, EventKind, Informational};
use lazaret_vocabulary::Timestamp;

const MALWARE: u8 = 1;
const UNMAINTAINED: u8 = 2;
const UNSOUND: u8 = 4;
const NOTICE: u8 = 8;
const WITHDRAWN: u8 = 1;

/// Takes values off the front of some bytes; every method answers `None` when they do not hold one.
#[derive(Clone, Copy)]
pub(crate) struct Reader<'a>(pub(crate) &'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) fn bytes(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    pub(crate) fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    /// A LEB128 number; lengths and counts stay below 2³².
    pub(crate) fn number(&mut self) -> Option<usize> {
        let mut number: u32 = 0;
        for shift in [0, 7, 14, 21, 28] {
            let byte = self.byte()?;
            let bits = u32::from(byte & 0x7f);
            number |= bits.checked_shl(shift).filter(|shifted| shifted >> shift == bits)?;
            if byte & 0x80 == 0 {
                return usize::try_from(number).ok();
            }
        }
        None
    }

    pub(crate) fn fixed(&mut self) -> Option<u32> {
        Some(u32::from_le_bytes(self.bytes(4)?.try_into().ok()?))
    }

    pub(crate) fn text(&mut self) -> Option<&'a str> {
        let length = self.number()?;
        std::str::from_utf8(self.bytes(length)?).ok()
    }

    /// Reads over `count` values and answers the bytes they took.
    fn span(&mut self, count: usize, mut value: impl FnMut(&mut Self) -> Option<()>) -> Option<Reader<'a>> {
        let before = self.0;
        for _ in 0..count {
            value(self)?;
        }
        let taken = before.len().checked_sub(self.0.len())?;
        before.get(..taken).map(Reader)
    }
}

/// A record, borrowed from the buffer.
#[derive(Clone, Copy)]
pub(crate) struct Record<'a> {
    pub(crate) id: &'a str,
    pub(crate) modified: Option<Timestamp>,
    pub(crate) withdrawn: bool,
    aliases: (usize, Reader<'a>),
    pub(crate) summary: &'a str,
    /// Empty when there is none.
    pub(crate) url: &'a str,
}

impl<'a> Record<'a> {
    pub(crate) fn read(reader: &mut Reader<'a>) -> Option<Self> {
        let id = reader.text()?;
        let millis = i64::from_le_bytes(reader.bytes(8)?.try_into().ok()?);
        let modified = (millis != i64::MIN).then(|| Timestamp::from_millis(millis));
        let withdrawn = reader.byte()? & WITHDRAWN != 0;
        let count = reader.number()?;
        let aliases = (count, reader.span(count, |reader| reader.text().map(drop))?);
        Some(Self { id, modified, withdrawn, aliases, summary: reader.text()?, url: reader.text()? })
    }

    pub(crate) fn aliases(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        let (count, mut reader) = self.aliases;
        (0..count).map_while(move |_| reader.text())
    }
}

/// What a record says of one package, borrowed from the buffer.
#[derive(Clone, Copy)]
pub(crate) struct Coverage<'a> {
    /// Where its record starts among the records.
    pub(crate) record: u32,
    pub(crate) severity: Option<Severity>,
    flags: u8,
    ranges: (usize, Reader<'a>),
    versions: (usize, Reader<'a>),
    /// All of it as it stands, without the record's place.
    pub(crate) raw: &'a [u8],
}

impl<'a> Coverage<'a> {
    pub(crate) fn read(reader: &mut Reader<'a>) -> Option<Self> {
        let record = reader.fixed()?;
        let before = *reader;
        let severity = Severity::from_byte(reader.byte()?)?;
        let flags = reader.byte()?;
        let count = reader.number()?;
        let ranges = (count, reader.span(count, |reader| events(reader).map(drop))?);
        let count = reader.number()?;
        let versions = (count, reader.span(count, |reader| reader.text().map(drop))?);
        let raw = before.0.get(..before.0.len().checked_sub(reader.0.len())?)?;
        Some(Self { record, severity, flags, ranges, versions, raw })
    }

    pub(crate) fn malware(&self) -> bool {
        self.flags & MALWARE != 0
    }

    pub(crate) fn informational(&self) -> Option<Informational> {
        match self.flags & (UNMAINTAINED | UNSOUND | NOTICE) {
            0 => None,
            UNMAINTAINED => Some(Informational::Unmaintained),
            UNSOUND => Some(Informational::Unsound),
            _ => Some(Informational::Notice),
        }
    }

    pub(crate) fn ranges(&self) -> impl Iterator<Item = Events<'a>> + use<'a> {
        let (count, mut reader) = self.ranges;
        (0..count).map_while(move |_| events(&mut reader))
    }

    pub(crate) fn versions(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        let (count, mut reader) = self.versions;
        (0..count).map_while(move |_| reader.text())
    }
}

/// The events of one range.
#[derive(Clone)]
pub(crate) struct Events<'a> {
    left: usize,
    reader: Reader<'a>,
}

impl<'a> Iterator for Events<'a> {
    type Item = (EventKind, &'a str);

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        event(&mut self.reader)
    }
}

fn events<'a>(reader: &mut Reader<'a>) -> Option<Events<'a>> {
    let left = reader.number()?;
    let reader = reader.span(left, |reader| event(reader).map(drop))?;
    Some(Events { left, reader })
}

fn event<'a>(reader: &mut Reader<'a>) -> Option<(EventKind, &'a str)> {
    let kind = match reader.byte()? {
        0 => EventKind::Introduced,
        1 => EventKind::Fixed,
        2 => EventKind::LastAffected,
        3 => EventKind::Limit,
        _ => return None,
    };
    Some((kind, reader.text()?))
}

pub(crate) fn write_number(into: &mut Vec<u8>, number: usize) {
    // Everything counted here is far below; a longer text could not be read back and is caught as damage.
    let mut number = u32::try_from(number).unwrap_or(u32::MAX);
    loop {
        let bits = number.to_le_bytes()[0] & 0x7f;
        number >>= 7;
        if number == 0 {
            into.push(bits);
            return;
        }
        into.push(bits | 0x80);
    }
}

pub(crate) fn write_text(into: &mut Vec<u8>, text: &str) {
    write_number(into, text.len());
    into.extend_from_slice(text.as_bytes());
}

pub(crate) fn write_record(into: &mut Vec<u8>, advisory: &Advisory) {
    write_text(into, &advisory.id);
    into.extend_from_slice(&advisory.modified.map_or(i64::MIN, Timestamp::millis).to_le_bytes());
    into.push(if advisory.withdrawn { WITHDRAWN } else { 0 });
    write_number(into, advisory.aliases.len());
    advisory.aliases.iter().for_each(|alias| write_text(into, alias));
    write_text(into, &advisory.summary);
    write_text(into, advisory.url.as_deref().unwrap_or_default());
}

/// Writes a coverage without its record's place, which is known only when all records are.
pub(crate) fn write_coverage(into: &mut Vec<u8>, affected: &Affected) {
    into.push(Severity::to_byte(affected.severity));
    let informational = match affected.informational {
        None => 0,
        Some(Informational::Unmaintained) => UNMAINTAINED,
        Some(Informational::Unsound) => UNSOUND,
        Some(Informational::Notice) => NOTICE,
    };
    into.push(informational | if affected.malware { MALWARE } else { 0 });
    write_number(into, affected.ranges.len());
    for range in &affected.ranges {
        write_number(into, range.len());
        for event in range {
            into.push(match event.kind {
                EventKind::Introduced => 0,
                EventKind::Fixed => 1,
                EventKind::LastAffected => 2,
                EventKind::Limit => 3,
            });
            write_text(into, &event.version);
        }
    }
    write_number(into, affected.versions.len());
    affected.versions.iter().for_each(|version| write_text(into, version));
}
