//! Stanzas of fields (deb822(5)): the form of `Packages`, `Sources`, `control`, `copyright` and `.dsc` alike.

use lazaret_vocabulary::Malformed;
use std::io::{BufRead, Read};

/// Longest line, in bytes. The longest in Debian's indexes, lists of dependencies, stay below 32 KiB.
const LONGEST_LINE: u64 = 1 << 20;
/// Largest stanza, in bytes, counting all that is kept of it.
const LARGEST_STANZA: usize = 4 << 20;

/// The fields that were asked for, of one stanza.
#[derive(Debug, Default)]
pub(super) struct Stanza {
    /// Position of the name in what was asked for, and the value.
    fields: Vec<(usize, String)>,
}

impl Stanza {
    /// The value of the field that was asked for at this position. A field that is given twice says nothing,
    /// since nobody knows which of the two another reader takes.
    pub(super) fn get(&self, field: usize) -> Option<&str> {
        let mut values = self.fields.iter().filter(|(at, _)| *at == field);
        let (_, value) = values.next()?;
        values.next().is_none().then_some(value.as_str())
    }
}

/// Reads stanzas one by one.
pub(super) struct Stanzas<'f, R> {
    reader: R,
    wanted: &'f [&'f str],
    line: Vec<u8>,
    ended: bool,
}

impl<'f, R: BufRead> Stanzas<'f, R> {
    /// Of these fields only; names are compared without case.
    pub(super) fn new(reader: R, wanted: &'f [&'f str]) -> Self {
        Self { reader, wanted, line: Vec::new(), ended: false }
    }

    /// The next stanza; `None` at the end.
    pub(super) fn next(&mut self) -> Result<Option<Stanza>, Malformed> {
        let mut stanza = Stanza::default();
        let (mut any, mut open, mut size) = (false, false, 0usize);
        while self.read_line()? {
            if self.line.is_empty() {
                if any {
                    return Ok(Some(stanza));
                }
                continue;
            }
            any = true;
            if matches!(self.line.first(), Some(b' ' | b'\t')) {
                if let (true, Some((_, value))) = (open, stanza.fields.last_mut()) {
                    value.push('\n');
                    value.push_str(&String::from_utf8_lossy(&self.line));
                }
            } else {
                let found = field(&self.line).and_then(|(name, value)| {
                    let at =
                        self.wanted.iter().position(|wanted| wanted.as_bytes().eq_ignore_ascii_case(name));
                    Some((at?, String::from_utf8_lossy(value).trim().to_owned()))
                });
                open = found.is_some();
                stanza.fields.extend(found);
            }
            size = size.saturating_add(if open { self.line.len() } else { 0 });
            if size > LARGEST_STANZA {
                return Err(Malformed::new("a stanza is larger than 4 MiB"));
            }
        }
        Ok(any.then_some(stanza))
    }

    /// The next line, without its end; `false` when there is none.
    fn read_line(&mut self) -> Result<bool, Malformed> {
        self.line.clear();
        if self.ended {
            return Ok(false);
        }
        let mut bounded = self.reader.by_ref().take(LONGEST_LINE);
        let read = bounded.read_until(b'\n', &mut self.line);
        let read = read.map_err(|error| Malformed::new(format!("the text breaks off: {error}")))?;
        self.ended = read == 0;
        if self.line.last() == Some(&b'\n') {
            self.line.pop();
            if self.line.last() == Some(&b'\r') {
                self.line.pop();
            }
        } else if u64::try_from(read).is_ok_and(|read| read >= LONGEST_LINE) {
            return Err(Malformed::new("a line is longer than 1 MiB"));
        }
        Ok(read > 0)
    }
}

/// Name and value of a line that opens a field.
fn field(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let colon = line.iter().position(|byte| *byte == b':')?;
    let (name, value) = line.split_at_checked(colon)?;
    Some((name, value.get(1..)?))
}
