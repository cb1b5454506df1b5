//! Whether an answer that carries a pack is whole: `gitformat-pack` ends with the hash of all before, and
//! `gitprotocol-pack` and `gitprotocol-v2` say how it is wrapped.

use super::pktline::{self, HEAD, Length};
use crate::ReadSeek;
use lazaret_vocabulary::Malformed;
use ring::digest::{Context, SHA1_FOR_LEGACY_USE_ONLY, SHA256};
use std::io::{BufReader, ErrorKind, Read};

/// Read at a time where nothing says how long a piece is, in bytes.
const PIECE: usize = 64 << 10;
/// Length of a SHA-256, the longest that a pack may end with, in bytes.
const LONGEST_HASH: usize = 32;
/// Length of a SHA-1, in bytes.
const SHORTEST_HASH: usize = 20;
/// `PACK`, its version and a count, in bytes.
const PACK_HEAD: usize = 12;

/// Reads an answer to its end. One that carries no pack, because there is more to be said first or because the
/// server failed and says so, is whole when its last line is.
pub(super) fn is_whole(answer: &mut dyn ReadSeek) -> Result<(), Malformed> {
    answer.rewind().map_err(unreadable)?;
    let mut reader = BufReader::with_capacity(PIECE, answer);
    let mut pack = Pack::new();
    let mut payload = vec![0; pktline::LONGEST];
    let (mut announced, mut failed) = (false, false);
    loop {
        let mut digits = [0; HEAD];
        if !fill(&mut reader, &mut digits)? {
            break;
        }
        if digits == *b"PACK" && pack.is_empty() {
            // Without side bands the rest is the pack.
            pack.feed(&digits);
            raw(&mut reader, &mut pack)?;
            break;
        }
        let Length::Data(length) = pktline::length(digits)? else { continue };
        let line = payload.get_mut(..length).ok_or_else(cut)?;
        if !fill(&mut reader, line)? {
            return Err(cut());
        }
        match &*line {
            [1, data @ ..] => pack.feed(data),
            [2, ..] | [] => {}
            [3, ..] => failed = true,
            [b'E', b'R', b'R', b' ', ..] => failed = true,
            text => announced |= text.trim_ascii_end() == b"packfile",
        }
    }
    match (failed, pack.is_empty() && !announced) {
        (true, _) | (_, true) => Ok(()),
        (false, false) => pack.finish(),
    }
}

fn unreadable(error: std::io::Error) -> Malformed {
    Malformed::new(format!("the answer cannot be read: {error}"))
}

fn cut() -> Malformed {
    Malformed::new("the answer ends within a line")
}

/// Fills `buffer`; `false` where the answer ended right before it and it is not empty.
fn fill(reader: &mut impl Read, buffer: &mut [u8]) -> Result<bool, Malformed> {
    let mut filled = 0;
    while let Some(empty) = buffer.get_mut(filled..).filter(|empty| !empty.is_empty()) {
        match reader.read(empty) {
            Ok(0) if filled == 0 => return Ok(false),
            Ok(0) => return Err(cut()),
            Ok(read) => filled += read,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(unreadable(error)),
        }
    }
    Ok(true)
}

fn raw(reader: &mut impl Read, pack: &mut Pack) -> Result<(), Malformed> {
    let mut piece = vec![0; PIECE];
    loop {
        match reader.read(&mut piece) {
            Ok(0) => return Ok(()),
            Ok(read) => pack.feed(piece.get(..read).unwrap_or_default()),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(unreadable(error)),
        }
    }
}

/// A pack on its way through. The last bytes are kept back, since they are the hash of those before.
struct Pack {
    sha1: Context,
    sha256: Context,
    size: u64,
    head: Vec<u8>,
    tail: Vec<u8>,
}

impl Pack {
    fn new() -> Self {
        Self {
            sha1: Context::new(&SHA1_FOR_LEGACY_USE_ONLY),
            sha256: Context::new(&SHA256),
            size: 0,
            head: Vec::new(),
            tail: Vec::new(),
        }
    }

    fn is_empty(&self) -> bool {
        self.size == 0
    }

    fn feed(&mut self, data: &[u8]) {
        self.size = self.size.saturating_add(u64::try_from(data.len()).unwrap_or(u64::MAX));
        let missing = PACK_HEAD.saturating_sub(self.head.len());
        self.head.extend_from_slice(data.get(..missing).unwrap_or(data));
        self.tail.extend_from_slice(data);
        let ready = self.tail.len().saturating_sub(LONGEST_HASH);
        if ready > 0 {
            let rest = self.tail.split_off(ready);
            let done = std::mem::replace(&mut self.tail, rest);
            self.sha1.update(&done);
            self.sha256.update(&done);
        }
    }

    fn finish(mut self) -> Result<(), Malformed> {
        let starts = matches!(self.head.as_slice(), [b'P', b'A', b'C', b'K', 0, 0, 0, 2 | 3, ..]);
        if !starts {
            return Err(Malformed::new("the answer carries no pack of git's"));
        }
        if self.tail.len() == LONGEST_HASH && self.sha256.finish().as_ref() == self.tail {
            return Ok(());
        }
        let between = self.tail.len().saturating_sub(SHORTEST_HASH);
        let (last, hash) = self.tail.split_at_checked(between).unwrap_or_default();
        self.sha1.update(last);
        if hash.len() == SHORTEST_HASH && self.sha1.finish().as_ref() == hash {
            return Ok(());
        }
        Err(Malformed::new("the pack is not whole: its own checksum does not fit"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::github::pktline::push;
    use proptest::prelude::*;
    use std::io::Cursor;

    fn pack(content: &[u8], algorithm: &'static ring::digest::Algorithm) -> Vec<u8> {
        let mut pack = b"PACK\0\0\0\x02\0\0\0\0".to_vec();
        pack.extend_from_slice(content);
        let hash = ring::digest::digest(algorithm, &pack);
        pack.extend_from_slice(hash.as_ref());
        pack
    }

    fn banded(intro: &[&[u8]], pack: &[u8], piece: usize) -> Vec<u8> {
        let mut out = Vec::new();
        for line in intro {
            if *line == b"0001" { out.extend_from_slice(line) } else { push(&mut out, line) }
        }
        push(&mut out, b"\x02Counting objects\n");
        for chunk in pack.chunks(piece) {
            push(&mut out, &[b"\x01", chunk].concat());
        }
        push(&mut out, b"\x01");
        out.extend_from_slice(b"0000");
        out
    }

    fn check(answer: &[u8]) -> Result<(), String> {
        is_whole(&mut Cursor::new(answer)).map_err(|error| error.to_string())
    }

    #[test]
    fn whole_answers_of_each_form_pass() {
        for algorithm in [&SHA1_FOR_LEGACY_USE_ONLY, &SHA256] {
            for length in [0, 1, 19, 20, 31, 32, 33, 70_000] {
                let pack = pack(&vec![7; length], algorithm);
                for piece in [1, 13, 999, 65_000] {
                    assert_eq!(check(&banded(&[b"NAK\n"], &pack, piece)), Ok(()), "{length} {piece}");
                }
                let second: &[&[u8]] = &[b"shallow-info\n", b"shallow abc\n", b"0001", b"packfile\n"];
                assert_eq!(check(&banded(second, &pack, 500)), Ok(()));
                assert_eq!(check(&[b"0008NAK\n", pack.as_slice()].concat()), Ok(()));
            }
        }
    }

    #[test]
    fn answers_without_a_pack_pass() {
        let nak = b"0008NAK\n";
        let acks = b"0014acknowledgments\n0008NAK\n0000";
        let refused = b"0018ERR not our ref abc\n";
        for whole in [&b""[..], nak, acks, refused, b"0000"] {
            assert_eq!(check(whole), Ok(()), "{}", String::from_utf8_lossy(whole));
        }
        let mut failed = banded(&[b"packfile\n"], b"PACK\0\0\0\x02", 4);
        failed.truncate(failed.len() - 4);
        push(&mut failed, b"\x03out of memory\n");
        assert_eq!(check(&failed), Ok(()), "the server says itself that it failed");
    }

    #[test]
    fn cut_and_changed_answers_do_not_pass() {
        let pack = pack(b"something", &SHA1_FOR_LEGACY_USE_ONLY);
        let whole = banded(&[b"packfile\n"], &pack, 10);
        for length in 14..whole.len() - 9 {
            assert!(check(whole.get(..length).unwrap()).is_err(), "{length}");
        }
        let longer = [pack.as_slice(), b"x"].concat();
        assert!(check(&banded(&[b"NAK\n"], &longer, 10)).is_err());
        assert!(check(&banded(&[b"packfile\n"], b"", 10)).is_err(), "a pack was announced");
        assert!(check(&banded(&[b"NAK\n"], b"KCAP", 10)).is_err());
        assert!(check(b"<html>").is_err());
    }

    proptest! {
        #[test]
        fn one_wrong_byte_is_found(at in any::<prop::sample::Index>(), length in 0usize..200) {
            let good = pack(&vec![1; length], &SHA1_FOR_LEGACY_USE_ONLY);
            let mut bad = good.clone();
            let at = at.index(bad.len());
            bad[at] ^= 0x40;
            prop_assert!(check(&banded(&[b"NAK\n"], &bad, 33)).is_err());
        }

        #[test]
        fn anything_is_answered(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = check(&bytes);
        }
    }
}
