//! Questions to `git-upload-pack` (`gitprotocol-pack`, "Packfile Negotiation"; `gitprotocol-v2`, `ls-refs` and
//! `fetch`). Each line of a question is understood or the question does not go on.

use super::files::File;
use super::pktline::{FLUSH, Line, Lines, push};
use super::{WEB_UPSTREAM, name, pack, refs, relay, route};
use crate::{Conversing, Need, Pointed, Question, ReadSeek};
use bytes::Bytes;
use flate2::read::GzDecoder;
use http::{HeaderName, HeaderValue, header};
use lazaret_vocabulary::{Malformed, PackageName, ReferenceKind, RequestHead};
use std::collections::HashSet;
use std::io::Read as _;

/// Media type of an answer.
pub(super) const RESULT: &str = "application/x-git-upload-pack-result";
/// Media type of a question.
const REQUEST: &str = "application/x-git-upload-pack-request";

/// Commits asked for at once, at most. A whole clone asks for every branch and tag.
const MOST_WANTS: usize = 16_384;

/// Understands git.
pub(super) struct UploadPack;

impl Conversing for UploadPack {
    fn hear(
        &self,
        _kind: &'static str,
        package: &PackageName,
        _request: &RequestHead<'_>,
        body: &Bytes,
        need: &Need<'_>,
    ) -> Result<Question, Malformed> {
        let body = unpacked(body)?;
        let heard = heard(&body)?;
        let body = match heard.unpeeled {
            Some(behind) => peeled(&body, behind),
            None => body,
        };
        let mut headers = vec![
            (header::CONTENT_TYPE, HeaderValue::from_static(REQUEST)),
            (header::ACCEPT, HeaderValue::from_static(RESULT)),
        ];
        if heard.second {
            headers.extend(
                relay::SECOND_VERSION
                    .iter()
                    .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value))),
            );
        }
        let wants = heard.wants.into_iter().map(|object| File::Commit(object).release(package, need));
        Ok(Question {
            wants: wants.collect(),
            upstream: WEB_UPSTREAM.into(),
            path: format!("/{package}.git/git-upload-pack"),
            headers,
            body,
            answer_type: RESULT,
        })
    }

    fn overhear(&self, _kind: &'static str, package: &PackageName, answer: &Bytes) -> Vec<Pointed> {
        refs::listed(answer).map(|refs| refs::pointed(package, &refs)).unwrap_or_default()
    }

    fn is_fixed(&self, pointer: &str) -> bool {
        name::kind(pointer) == ReferenceKind::Fixed
    }

    fn is_whole(&self, _kind: &'static str, answer: &mut dyn ReadSeek) -> Result<(), Malformed> {
        pack::is_whole(answer)
    }
}

/// The body without gzip, which git uses from 1 KiB on. No question begins as gzip does.
fn unpacked(body: &Bytes) -> Result<Bytes, Malformed> {
    if !body.starts_with(&[0x1f, 0x8b]) {
        return Ok(body.clone());
    }
    let most = u64::try_from(route::LARGEST_QUESTION).unwrap_or(u64::MAX);
    let mut plain = Vec::new();
    let read = GzDecoder::new(body.as_ref()).take(most.saturating_add(1)).read_to_end(&mut plain);
    match read {
        Ok(size) if size <= route::LARGEST_QUESTION => Ok(plain.into()),
        Ok(_) => Err(Malformed::new("the question is larger than 8 MiB")),
        Err(error) => Err(Malformed::new(format!("the question is not gzip: {error}"))),
    }
}

/// A question for names that asks for the commits behind tags as well, without which nobody could tell whether a
/// tag was moved. `behind` says that there are arguments already.
fn peeled(body: &Bytes, behind: bool) -> Bytes {
    let end = body.len().saturating_sub(FLUSH.len());
    let mut asked = body.get(..end).unwrap_or_default().to_vec();
    if !behind {
        asked.extend_from_slice(b"0001");
    }
    push(&mut asked, b"peel\n");
    asked.extend_from_slice(FLUSH);
    asked.into()
}

/// What was understood.
#[derive(Debug, PartialEq, Eq)]
struct Heard {
    /// In the order asked, each once.
    wants: Vec<String>,
    /// Whether it is protocol version 2.
    second: bool,
    /// It asks for names and not for what is behind tags; and whether it has arguments.
    unpeeled: Option<bool>,
}

#[derive(Default)]
struct Wants {
    list: Vec<String>,
    seen: HashSet<String>,
}

impl Wants {
    fn add(&mut self, object: &str) -> Result<(), Malformed> {
        if !refs::is_object(object) {
            return Err(Malformed::new("what is wanted is no object"));
        }
        if self.seen.insert(object.to_owned()) {
            if self.list.len() >= MOST_WANTS {
                return Err(Malformed::new(
                    "more than 16384 commits are wanted at once; ask for one branch or tag",
                ));
            }
            self.list.push(object.to_owned());
        }
        Ok(())
    }
}

fn heard(body: &[u8]) -> Result<Heard, Malformed> {
    let mut lines = Lines::new(body);
    let first = lines.next().transpose()?;
    match first.and_then(Line::text) {
        Some("command=ls-refs") => {
            let mut peel = false;
            let behind = second_version(lines, |argument| {
                peel |= argument == "peel";
                is_listing(argument).then_some(()).ok_or_else(|| unknown(argument))
            })?;
            let unpeeled = (!peel).then_some(behind);
            Ok(Heard { wants: Vec::new(), second: true, unpeeled })
        }
        Some("command=fetch") => {
            let mut wants = Wants::default();
            second_version(lines, |argument| match argument.strip_prefix("want ") {
                Some(object) => wants.add(object),
                None => is_fetching(argument).then_some(()).ok_or_else(|| unknown(argument)),
            })?;
            Ok(Heard { wants: wants.list, second: true, unpeeled: None })
        }
        Some(command) if command.starts_with("command=") => Err(unknown(command)),
        _ => Ok(Heard { wants: first_version(Lines::new(body))?, second: false, unpeeled: None }),
    }
}

fn unknown(line: &str) -> Malformed {
    let shown: String = line.chars().filter(|letter| !letter.is_control()).take(80).collect();
    Malformed::new(format!("the gateway does not know what `{shown}` asks for"))
}

/// Abilities, a delimiter, arguments, a flush; nothing behind it. Whether there is a delimiter.
fn second_version(
    lines: Lines<'_>,
    mut argument: impl FnMut(&str) -> Result<(), Malformed>,
) -> Result<bool, Malformed> {
    let mut lines = lines;
    let (mut behind, mut done) = (false, false);
    while let Some(line) = lines.next().transpose()? {
        match line {
            _ if done => return Err(Malformed::new("something stands behind the end of the question")),
            Line::Flush => done = true,
            Line::Delimiter if !behind => behind = true,
            Line::Delimiter | Line::End => return Err(Malformed::new("a mark stands where none belongs")),
            Line::Data(_) => {
                let text = line.text().ok_or_else(|| Malformed::new("a line is no text"))?;
                if behind {
                    argument(text)?;
                } else if !is_ability(text) {
                    return Err(unknown(text));
                }
            }
        }
    }
    if done { Ok(behind) } else { Err(Malformed::new("the question does not end")) }
}

fn is_ability(text: &str) -> bool {
    ["agent=", "object-format=", "server-option="].iter().any(|key| text.starts_with(key))
}

fn is_listing(argument: &str) -> bool {
    matches!(argument, "peel" | "symrefs" | "unborn") || argument.starts_with("ref-prefix ")
}

/// `filter`, `want-ref`, `packfile-uris` and `sideband-all` are not offered.
fn is_fetching(argument: &str) -> bool {
    let plain = matches!(
        argument,
        "done"
            | "thin-pack"
            | "no-progress"
            | "include-tag"
            | "ofs-delta"
            | "deepen-relative"
            | "wait-for-done"
    );
    plain || is_about_history(argument)
}

/// What both versions say of what the client has and how far back it wants to see.
fn is_about_history(line: &str) -> bool {
    let Some((word, value)) = line.split_once(' ') else { return false };
    let number = || !value.is_empty() && value.len() <= 20 && value.bytes().all(|byte| byte.is_ascii_digit());
    match word {
        "have" | "shallow" => refs::is_object(value),
        "deepen" | "deepen-since" => number(),
        "deepen-not" => name::is_ref(value) || refs::is_object(value),
        _ => false,
    }
}

/// `want` lines, the first with abilities; what the client has; flushes in between.
fn first_version(lines: Lines<'_>) -> Result<Vec<String>, Malformed> {
    let mut wants = Wants::default();
    for line in lines {
        let line = line?;
        let text = match line {
            Line::Flush => continue,
            Line::Delimiter | Line::End => return Err(Malformed::new("a mark stands where none belongs")),
            Line::Data(_) => line.text().ok_or_else(|| Malformed::new("a line is no text"))?,
        };
        match text.strip_prefix("want ") {
            Some(wanted) => {
                // The first one has abilities behind it, which the server has offered or else does not know.
                let object =
                    if wants.list.is_empty() { wanted.split(' ').next().unwrap_or_default() } else { wanted };
                wants.add(object)?;
            }
            None if text == "done" || is_about_history(text) => {}
            None => return Err(unknown(text)),
        }
    }
    Ok(wants.list)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "1111111111111111111111111111111111111111";
    const OTHER: &str = "2222222222222222222222222222222222222222";

    fn lines(lines: &[&str]) -> Vec<u8> {
        let mut out = Vec::new();
        for line in lines {
            match *line {
                "0000" | "0001" | "0002" => out.extend_from_slice(line.as_bytes()),
                _ => push(&mut out, line.as_bytes()),
            }
        }
        out
    }

    fn ask(text: &[&str]) -> Result<Heard, String> {
        heard(&lines(text)).map_err(|error| error.to_string())
    }

    #[test]
    fn both_versions_are_understood() {
        let (one, other) = (format!("want {ONE}"), format!("want {OTHER}\n"));
        let first = format!("{one} multi_ack_detailed side-band-64k agent=git/2.39.5\n");
        let have = format!("have {OTHER}\n");
        let wants = |list: &[&str], second| {
            let wants = list.iter().map(|object| (*object).to_owned()).collect();
            Ok(Heard { wants, second, unpeeled: None })
        };
        let shallow = format!("shallow {OTHER}");
        assert_eq!(
            ask(&[&first, &other, &shallow, "deepen 1\n", "0000", &have, "0000", "done\n"]),
            wants(&[ONE, OTHER], false)
        );
        assert_eq!(ask(&["0000"]), wants(&[], false), "the probe before a long question");
        assert_eq!(
            ask(&[
                "command=fetch",
                "agent=git/2",
                "object-format=sha1",
                "0001",
                "thin-pack",
                "deepen 1",
                &one,
                &one,
                "done",
                "0000"
            ]),
            wants(&[ONE], true)
        );
        assert_eq!(
            ask(&[
                "command=ls-refs\n",
                "agent=git/2",
                "0001",
                "peel\n",
                "symrefs\n",
                "ref-prefix HEAD",
                "0000"
            ]),
            wants(&[], true)
        );
    }

    #[test]
    fn what_is_behind_tags_is_always_asked_for() {
        for (plain, whole) in [
            (&["command=ls-refs", "0000"][..], &["command=ls-refs", "0001", "peel\n", "0000"][..]),
            (
                &["command=ls-refs", "agent=x", "0001", "symrefs", "0000"],
                &["command=ls-refs", "agent=x", "0001", "symrefs", "peel\n", "0000"],
            ),
        ] {
            let behind = ask(plain).unwrap().unpeeled.unwrap();
            assert_eq!(peeled(&lines(plain).into(), behind), lines(whole));
            assert_eq!(ask(whole).unwrap().unpeeled, None);
        }
    }

    #[test]
    fn what_is_not_understood_does_not_go_on() {
        let want = format!("want {ONE}");
        let upper = format!("want {}", "A".repeat(40));
        for wrong in [
            &["command=object-info", "0001", "size", "0000"][..],
            &["command=fetch", "0001", &want, "filter blob:none", "0000"],
            &["command=fetch", "0001", "want-ref refs/heads/main", "0000"],
            &["command=fetch", "0001", &want, "packfile-uris https", "0000"],
            &["command=fetch", "0001", &want, "sideband-all", "0000"],
            &["command=fetch", "odd=1", "0001", &want, "0000"],
            &["command=fetch", "0001", &want, "0001", "0000"],
            &["command=fetch", "0001", &want, "0000", &want],
            &["command=fetch", "0001", &want],
            &["command=fetch", "0001", &upper, "0000"],
            &["command=fetch", "0001", "deepen x", "0000"],
            &["command=fetch", "0001", "have x", "0000"],
            &["command=ls-refs", "0001", &want, "0000"],
            &[&want, "filter blob:none", "0000"],
            &["want x", "0000"],
            &[&want, "0001", "0000"],
        ] {
            assert!(ask(wrong).is_err(), "{wrong:?}");
        }
        for wrong in [&b"0"[..], b"00", b"0003", b"zzzz", b"ffff", b"0032want", b"\0\0\0\0"] {
            assert!(heard(wrong).is_err(), "{wrong:?}");
        }
        assert!(heard(b"").is_ok_and(|heard| heard.wants.is_empty()));
        let many: Vec<u8> = (0..=MOST_WANTS).flat_map(|at| lines(&[&format!("want {at:040x}")])).collect();
        assert!(heard(&many).unwrap_err().to_string().contains("one branch"));
    }

    #[test]
    fn a_packed_question_is_unpacked_within_bounds() {
        use flate2::{Compression, write::GzEncoder};
        use std::io::Write as _;
        let pack = |bytes: &[u8]| {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
            encoder.write_all(bytes).unwrap();
            Bytes::from(encoder.finish().unwrap())
        };
        assert_eq!(unpacked(&pack(b"0000")).unwrap(), "0000");
        assert!(unpacked(&pack(&vec![0; route::LARGEST_QUESTION + 1])).is_err());
        assert!(unpacked(&pack(b"0000").slice(..12)).is_err());
        assert_eq!(unpacked(&Bytes::from_static(b"0000")).unwrap(), "0000");
    }
}
