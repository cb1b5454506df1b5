//! Reads `go.mod` and `go.work` files (Go Modules Reference, "go.mod files"): as the go command reads those of
//! dependencies, which is to say that directives it does not know are read over.

use super::version;
use lazaret_vocabulary::Malformed;
use std::cmp::Ordering;

/// Largest file read, in bytes, as `golang.org/x/mod/zip` allows.
pub(super) const LARGEST: usize = 16 << 20;
/// Most directives read.
const MOST_DIRECTIVES: usize = 100_000;
/// Longest comment kept, in characters.
const LONGEST_COMMENT: usize = 400;

/// What a file says, as far as it matters here.
#[derive(Debug, Default)]
pub(super) struct GoMod {
    /// Its module's path.
    pub module: Option<String>,
    /// Why the module is not to be used any more.
    pub deprecated: Option<String>,
    pub requires: Vec<Require>,
    pub replaces: Vec<Replace>,
    pub retracts: Vec<Retract>,
}

/// A version of a module that is needed.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Require {
    pub path: String,
    pub version: String,
    pub line: usize,
}

/// A module that stands in for another.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Replace {
    pub path: String,
    /// `None`: of any version.
    pub version: Option<String>,
    /// A module path, or a folder when there is no version.
    pub with: String,
    pub with_version: Option<String>,
    pub line: usize,
}

/// Versions that their author took back.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Retract {
    pub lowest: String,
    pub highest: String,
    pub reason: String,
}

impl Retract {
    /// Whether it covers a version.
    pub(super) fn covers(&self, text: &str) -> bool {
        version::compare(&self.lowest, text) != Ordering::Greater
            && version::compare(text, &self.highest) != Ordering::Greater
    }
}

impl GoMod {
    /// Reads a file.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        if bytes.len() > LARGEST {
            return Err(Malformed::new("go.mod is larger than 16 MiB"));
        }
        let text = std::str::from_utf8(bytes).map_err(|_| Malformed::new("go.mod is not UTF-8"))?;
        let mut read = Self::default();
        let (mut block, mut comments, mut directives) = (None::<String>, Vec::<&str>::new(), 0);
        for (number, line) in (1..).zip(text.lines()) {
            let wrong = |why: &str| Malformed::new(format!("go.mod, line {number}: {why}"));
            let (mut words, comment) = words(line).ok_or_else(|| wrong("a text has no end"))?;
            if words.is_empty() {
                // A blank line parts what stands above from what it would be about.
                match comment {
                    Some(comment) => comments.push(comment),
                    None => comments.clear(),
                }
                continue;
            }
            directives += 1;
            if directives > MOST_DIRECTIVES {
                return Err(wrong("more than 100000 directives"));
            }
            let about = remark(&std::mem::take(&mut comments), comment);
            if block.is_some() && words.first().is_some_and(|word| word == ")") {
                block = None;
                continue;
            }
            let verb = match &block {
                Some(verb) => verb.clone(),
                None => words.remove(0),
            };
            if block.is_none() && words.last().is_some_and(|word| word == "(") {
                block = Some(verb);
                continue;
            }
            read.directive(&verb, words, &about, number)
                .ok_or_else(|| wrong("a directive that cannot be read"))?;
        }
        if block.is_some() {
            return Err(Malformed::new("go.mod ends within a block"));
        }
        Ok(read)
    }

    fn directive(&mut self, verb: &str, words: Vec<String>, about: &str, line: usize) -> Option<()> {
        match verb {
            "module" => {
                let [path] = <[String; 1]>::try_from(words).ok()?;
                self.module.is_none().then_some(())?;
                self.module = Some(path);
                self.deprecated = deprecation(about);
            }
            "require" => {
                let [path, version] = <[String; 2]>::try_from(words).ok()?;
                self.requires.push(Require { path, version, line });
            }
            "replace" => self.replaces.push(replace(words, line)?),
            "retract" => self.retracts.push(retract(&words, about)?),
            _ => {}
        }
        Some(())
    }
}

fn replace(words: Vec<String>, line: usize) -> Option<Replace> {
    let arrow = words.iter().position(|word| word == "=>")?;
    let (left, right) = (words.get(..arrow)?, words.get(arrow + 1..)?);
    let split = |side: &[String]| match side {
        [path] => Some((path.clone(), None)),
        [path, version] => Some((path.clone(), Some(version.clone()))),
        _ => None,
    };
    let ((path, version), (with, with_version)) = (split(left)?, split(right)?);
    Some(Replace { path, version, with, with_version, line })
}

/// `v1.0.0`, or `[v1.0.0, v1.1.0]`.
fn retract(words: &[String], about: &str) -> Option<Retract> {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let (lowest, highest) = match words.as_slice() {
        [one] => (*one, *one),
        ["[", lowest, ",", highest, "]"] => (*lowest, *highest),
        _ => return None,
    };
    Some(Retract { lowest: lowest.to_owned(), highest: highest.to_owned(), reason: about.to_owned() })
}

/// The words of a line, quotes taken off, and its comment. `None` where a quoted text does not end.
fn words(line: &str) -> Option<(Vec<String>, Option<&str>)> {
    let mut words = Vec::new();
    let mut rest = line.trim();
    loop {
        rest = rest.trim_start();
        if rest.is_empty() {
            return Some((words, None));
        }
        if let Some(comment) = rest.strip_prefix("//") {
            return Some((words, Some(comment.trim())));
        }
        let first = rest.chars().next()?;
        let length = match first {
            '(' | ')' | '[' | ']' | ',' => 1,
            '"' | '`' => {
                let (text, after) = quoted(rest, first)?;
                words.push(text);
                rest = after;
                continue;
            }
            _ => {
                let stop = |letter: char| letter.is_whitespace() || "()[],\"`".contains(letter);
                let comment = rest.find("//").filter(|at| *at > 0).unwrap_or(rest.len());
                rest.find(stop).unwrap_or(rest.len()).min(comment)
            }
        };
        let (word, after) = rest.split_at_checked(length)?;
        words.push(word.to_owned());
        rest = after;
    }
}

/// A text in quotes or backquotes, and what follows. Of escapes, paths and versions need none but these two.
fn quoted(text: &str, mark: char) -> Option<(String, &str)> {
    let mut found = String::new();
    let mut letters = text.char_indices().skip(1);
    while let Some((at, letter)) = letters.next() {
        match letter {
            '\\' if mark == '"' => match letters.next()?.1 {
                escaped @ ('"' | '\\') => found.push(escaped),
                _ => return None,
            },
            _ if letter == mark => return Some((found, text.get(at + letter.len_utf8()..)?)),
            _ => found.push(letter),
        }
    }
    None
}

/// The comment on a directive: the lines above it, or what stands behind it.
fn remark(above: &[&str], behind: Option<&str>) -> String {
    let text = if above.is_empty() { behind.unwrap_or_default().to_owned() } else { above.join("\n") };
    text.chars().take(LONGEST_COMMENT).collect()
}

/// The paragraph that begins with `Deprecated:`.
fn deprecation(about: &str) -> Option<String> {
    let paragraph = about.split("\n\n").find_map(|paragraph| paragraph.strip_prefix("Deprecated:"));
    // An empty comment line ends a paragraph, as a blank line would.
    let paragraph = paragraph.or_else(|| about.split_once("\nDeprecated:").map(|(_, rest)| rest))?;
    Some(paragraph.split("\n\n").next().unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" "))
}
