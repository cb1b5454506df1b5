//! What a server says of itself and of its names (`gitprotocol-http`, "Smart Server Response";
//! `gitprotocol-pack`, "Reference Discovery"; `gitprotocol-v2`, "Capability Advertisement" and `ls-refs`).

use super::name::{self, OBJECT, TAGS};
use super::pktline::{FLUSH, Line, Lines, push};
use crate::Pointed;
use bytes::Bytes;
use lazaret_vocabulary::{Malformed, PackageName};

/// Media type of an advertisement.
pub(super) const ADVERTISEMENT: &str = "application/x-git-upload-pack-advertisement";

/// More names than any honest repository has.
const MOST_REFS: usize = 2_000_000;
/// Tags that are remembered of one answer, at most.
const MOST_REMEMBERED: usize = 20_000;

/// What is let through of a server's abilities in protocol versions 0 and 1, before `=`. `filter` is left out
/// because what is judged is a commit, whole; everything unknown, because it could lead to other servers.
const ABILITIES: &[&str] = &[
    "multi_ack",
    "multi_ack_detailed",
    "no-done",
    "thin-pack",
    "side-band",
    "side-band-64k",
    "ofs-delta",
    "agent",
    "object-format",
    "symref",
    "shallow",
    "deepen-since",
    "deepen-not",
    "deepen-relative",
    "no-progress",
    "include-tag",
    "allow-tip-sha1-in-want",
    "allow-reachable-sha1-in-want",
];
/// The same in version 2, where `packfile-uris` and `bundle-uri` do lead to other servers.
const ABILITIES_2: &[&str] = &["agent", "ls-refs", "fetch", "server-option", "object-format"];
/// The same of what follows `fetch=`.
const FETCH_ABILITIES: &[&str] = &["shallow", "wait-for-done"];

/// A name and the object it stands for; a tag with a message of its own stands for itself, and only then for
/// its commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ref<'a> {
    pub(super) name: &'a str,
    pub(super) object: &'a str,
    /// The commit behind a tag that is an object itself.
    pub(super) peeled: Option<&'a str>,
}

impl Ref<'_> {
    /// The commit.
    pub(super) fn commit(&self) -> &str {
        self.peeled.unwrap_or(self.object)
    }
}

/// An advertisement.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Advertisement<'a> {
    /// Versions 0 and 1: the names themselves.
    Names {
        /// In the server's order, which for names below `refs/` is that of their bytes.
        refs: Vec<Ref<'a>>,
        /// Separated by blanks.
        abilities: &'a str,
        /// The line in front of which the abilities stand behind a zero byte, and where it ends.
        first: &'a str,
        /// Everything behind that line.
        rest: &'a [u8],
        /// Whether the server said that it speaks version 1.
        announced: bool,
    },
    /// Version 2: what it can do.
    Abilities(Vec<&'a str>),
}

fn malformed(what: &str) -> Malformed {
    Malformed::new(format!("the answer is no advertisement of git's smart protocol: {what}"))
}

/// Reads an advertisement of any version.
pub(super) fn read(text: &[u8]) -> Result<Advertisement<'_>, Malformed> {
    let mut lines = Lines::new(text);
    let mut line = || lines.next().transpose();
    let mut first = line()?;
    if first.and_then(Line::text) == Some("# service=git-upload-pack") {
        match line()? {
            Some(Line::Flush) => first = line()?,
            _ => return Err(malformed("the first list does not end")),
        }
    }
    let mut announced = false;
    match first.and_then(Line::text) {
        Some("version 2") => return abilities(lines).map(Advertisement::Abilities),
        Some("version 1") => {
            announced = true;
            first = lines.next().transpose()?;
        }
        _ => {}
    }
    let text = first.and_then(Line::text).ok_or_else(|| malformed("there is no first line"))?;
    if let Some(said) = text.strip_prefix("ERR ") {
        return Err(Malformed::new(format!(
            "the server says: {}",
            said.chars().take(200).collect::<String>()
        )));
    }
    let (first, abilities) =
        text.split_once('\0').ok_or_else(|| malformed("the first line has no abilities"))?;
    let rest = lines.rest();
    let mut refs = Vec::new();
    add(&mut refs, first)?;
    loop {
        match lines.next().transpose()?.ok_or_else(|| malformed("the list of names does not end"))? {
            Line::Flush => break,
            line @ Line::Data(_) => {
                add(&mut refs, line.text().ok_or_else(|| malformed("a name is no text"))?)?
            }
            Line::Delimiter | Line::End => return Err(malformed("a mark stands among the names")),
        }
    }
    Ok(Advertisement::Names { refs, abilities, first, rest, announced })
}

fn abilities<'a>(lines: Lines<'a>) -> Result<Vec<&'a str>, Malformed> {
    let mut found = Vec::new();
    for line in lines {
        match line? {
            Line::Flush => return Ok(found),
            line @ Line::Data(_) if found.len() < 100 => {
                found.push(line.text().ok_or_else(|| malformed("an ability is no text"))?);
            }
            _ => break,
        }
    }
    Err(malformed("the list of abilities does not end"))
}

/// `<object> <name>`, or the commit of the name before: `<object> <name>^{}`. Lines on shallow commits and on
/// an empty repository name nothing.
fn add<'a>(refs: &mut Vec<Ref<'a>>, line: &'a str) -> Result<(), Malformed> {
    let (object, text) = line.split_once(' ').ok_or_else(|| malformed("a line has no name"))?;
    if object == "shallow" || text == "capabilities^{}" {
        return Ok(());
    }
    if !is_object(object) {
        return Err(malformed("a line has no object"));
    }
    match (text.strip_suffix("^{}"), refs.last_mut()) {
        (Some(tag), Some(last)) if last.name == tag => last.peeled = Some(object),
        (Some(_), _) => return Err(malformed("a commit belongs to no tag")),
        (None, _) => {
            if refs.len() >= MOST_REFS {
                return Err(malformed("there are too many names"));
            }
            refs.push(Ref { name: text, object, peeled: None });
        }
    }
    Ok(())
}

/// A full object name in lower case, as git writes them.
pub(super) fn is_object(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// The advertisement with what is let through of the abilities, everything else as the server sent it.
pub(super) fn narrowed(advertisement: &Advertisement<'_>) -> Bytes {
    let mut out = Vec::new();
    push(&mut out, b"# service=git-upload-pack\n");
    out.extend_from_slice(FLUSH);
    match advertisement {
        Advertisement::Names { abilities, first, rest, announced, .. } => {
            if *announced {
                push(&mut out, b"version 1\n");
            }
            let kept: Vec<&str> = abilities
                .split(' ')
                .filter(|ability| ABILITIES.contains(&ability.split('=').next().unwrap_or_default()))
                .collect();
            push(&mut out, format!("{first}\0{}\n", kept.join(" ")).as_bytes());
            out.extend_from_slice(rest);
        }
        Advertisement::Abilities(all) => {
            push(&mut out, b"version 2\n");
            for ability in all {
                let (key, value) = ability.split_once('=').map_or((*ability, None), |(k, v)| (k, Some(v)));
                if !ABILITIES_2.contains(&key) {
                    continue;
                }
                let line = match (key, value) {
                    ("fetch", Some(value)) => {
                        let kept: Vec<&str> =
                            value.split(' ').filter(|word| FETCH_ABILITIES.contains(word)).collect();
                        if kept.is_empty() { key.to_owned() } else { format!("{key}={}", kept.join(" ")) }
                    }
                    _ => (*ability).to_owned(),
                };
                push(&mut out, format!("{line}\n").as_bytes());
            }
            out.extend_from_slice(FLUSH);
        }
    }
    out.into()
}

/// The answer to `ls-refs`: `<object> <name>[ symref-target:<name>][ peeled:<object>]`.
pub(super) fn listed(text: &[u8]) -> Result<Vec<Ref<'_>>, Malformed> {
    let mut refs = Vec::new();
    for line in Lines::new(text) {
        let Some(text) = line?.text() else { break };
        let mut words = text.split(' ');
        let (Some(object), Some(name)) = (words.next(), words.next()) else {
            return Err(Malformed::new("a line of the list of names has no name"));
        };
        let peeled = words.find_map(|word| word.strip_prefix("peeled:"));
        // A branch without a commit is `unborn`.
        if is_object(object) && peeled.is_none_or(is_object) && refs.len() < MOST_REFS {
            refs.push(Ref { name, object, peeled });
        }
    }
    Ok(refs)
}

/// Where the tags stand. Branches are meant to move, so nobody asks where they stood. Of a tag with a message of
/// its own, whoever fetches it asks for the message, so that counts as a name beside it (`gitrevisions`,
/// `<rev>^{<type>}`).
pub(super) fn pointed(package: &PackageName, refs: &[Ref<'_>]) -> Vec<Pointed> {
    let at = |pointer: String, version: &str| Pointed {
        package: package.clone(),
        pointer,
        version: version.to_owned(),
    };
    let tags = refs.iter().filter(|found| found.name.starts_with(TAGS) && name::is_ref(found.name));
    tags.take(MOST_REMEMBERED)
        .flat_map(|tag| {
            let object = tag.peeled.map(|_| at(format!("{}{OBJECT}", tag.name), tag.object));
            std::iter::once(at(tag.name.to_owned(), tag.commit())).chain(object)
        })
        .collect()
}
