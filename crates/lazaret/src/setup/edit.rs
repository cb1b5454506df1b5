//! Changes to a client's configuration file, as pure functions from text to text. Whatever is not ours stays
//! byte for byte.

use super::{tables, xml};
use lazaret_ecosystems::EditKind;
use serde::{Deserialize, Serialize};

/// A change, as it is kept until it is taken back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Change {
    /// `key=value` lines before any section.
    Lines(Vec<(String, String)>),
    /// Keys of one section.
    Ini { section: String, keys: Vec<(String, String)> },
    /// A TOML fragment, merged table by table.
    Toml(String),
    /// Top-level keys.
    Yaml(Vec<(String, String)>),
    /// Elements right below an XML document's root.
    Xml { root: String, sections: Vec<(String, String)> },
    /// Entries of lists right below an XML document's root.
    XmlEntries { root: String, entries: Vec<xml::Entry> },
    /// A file of ours alone.
    Whole(String),
    /// Entries of one section, where a key may stand several times.
    Git { section: String, entries: Vec<(String, String)> },
}

/// A file that cannot be changed safely; nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Unfit(pub(crate) String);

impl From<EditKind> for Change {
    fn from(kind: EditKind) -> Self {
        match kind {
            EditKind::Lines(keys) => Self::Lines(keys),
            EditKind::Ini { section, keys } => Self::Ini { section: section.to_owned(), keys },
            EditKind::Toml(fragment) => Self::Toml(fragment),
            EditKind::Yaml(keys) => Self::Yaml(keys),
            EditKind::Xml { root, sections } => {
                let sections = sections.into_iter().map(|(name, text)| (name.to_owned(), text));
                Self::Xml { root: root.to_owned(), sections: sections.collect() }
            }
            EditKind::XmlEntries { root, entries } => Self::XmlEntries {
                root: root.to_owned(),
                entries: entries.into_iter().map(xml::Entry::from).collect(),
            },
            EditKind::Whole(text) => Self::Whole(text),
            EditKind::Git { section, entries } => Self::Git { section, entries },
        }
    }
}

impl Change {
    /// The text with the change made. Made twice it is the same.
    pub(crate) fn apply(&self, text: &str) -> Result<String, Unfit> {
        let (mark, text) = split_mark(text);
        let changed = match self {
            Self::Toml(fragment) => tables::merge(text, fragment)?,
            Self::Xml { root, sections } => xml::merge(text, root, sections)?,
            Self::XmlEntries { root, entries } => xml::merge_entries(text, root, entries)?,
            Self::Whole(own) => own.clone(),
            Self::Git { section, entries } => {
                let mut file = Lines::of(text);
                entries.iter().for_each(|(key, value)| file.add_entry(section, key, value));
                file.into_text()
            }
            Self::Lines(keys) => {
                let mut file = Lines::of(text);
                keys.iter().for_each(|(key, value)| file.set_plain(key, value));
                file.into_text()
            }
            Self::Ini { section, keys } => {
                let mut file = Lines::of(text);
                keys.iter().for_each(|(key, value)| file.set_in_section(section, key, value));
                file.into_text()
            }
            Self::Yaml(keys) => {
                let mut file = Lines::of(text);
                file.is_one_yaml_mapping()?;
                keys.iter().for_each(|(key, value)| file.set_yaml(key, value));
                file.into_text()
            }
        };
        Ok(format!("{mark}{changed}"))
    }

    /// The text with what is still as the change left it put back as it was in `original`; and the keys that
    /// somebody has changed since, which stay.
    pub(crate) fn retract(&self, text: &str, original: &str) -> Result<(String, Vec<String>), Unfit> {
        let mut kept = Vec::new();
        let (mark, text) = split_mark(text);
        let (_, original) = split_mark(original);
        let changed = match self {
            Self::Toml(fragment) => tables::unmerge(text, fragment, original, &mut kept)?,
            Self::Xml { root, sections } => xml::unmerge(text, root, sections, original, &mut kept)?,
            Self::XmlEntries { root, entries } => {
                xml::unmerge_entries(text, root, entries, original, &mut kept)?
            }
            Self::Whole(own) if text == own => original.to_owned(),
            Self::Whole(_) => {
                kept.push("all of it".to_owned());
                text.to_owned()
            }
            Self::Git { section, entries } => {
                let (mut file, before) = (Lines::of(text), Lines::of(original));
                for (key, value) in entries {
                    if before.entry_place(section, key, value).is_none() {
                        file.drop_entry(section, key, value);
                    }
                }
                if before.section(section).is_none() {
                    file.drop_empty_section(section);
                }
                file.into_text()
            }
            Self::Lines(keys) => {
                let (mut file, before) = (Lines::of(text), Lines::of(original));
                for (key, value) in keys {
                    let place = file.plain_place(key);
                    let was = before.plain_place(key).map(|at| before.block(at));
                    if !file.put_back(place, &format!("{key}={value}"), was) {
                        kept.push(key.clone());
                    }
                }
                file.into_text()
            }
            Self::Ini { section, keys } => {
                let (mut file, before) = (Lines::of(text), Lines::of(original));
                for (key, value) in keys {
                    let place = file.section_place(section, key);
                    let was = before.section_place(section, key).map(|at| before.block(at));
                    if !file.put_back(place, &format!("{key} = {value}"), was) {
                        kept.push(key.clone());
                    }
                }
                if before.section(section).is_none() {
                    file.drop_empty_section(section);
                }
                file.into_text()
            }
            Self::Yaml(keys) => {
                let (mut file, before) = (Lines::of(text), Lines::of(original));
                for (key, value) in keys {
                    let was = before.yaml_place(key).map(|at| before.block(at));
                    let ours = format!("{key}: {}", with_items(value, &was));
                    let place = file.yaml_place(key);
                    if !file.put_back(place, &ours, was) {
                        kept.push(key.clone());
                    }
                }
                file.into_text()
            }
        };
        Ok((format!("{mark}{changed}"), kept))
    }
}

/// A byte-order mark and the rest.
fn split_mark(text: &str) -> (&str, &str) {
    match text.strip_prefix('\u{feff}') {
        Some(rest) => ("\u{feff}", rest),
        None => ("", text),
    }
}

/// A setting's lines: the first and the one after the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Block {
    first: usize,
    end: usize,
}

/// A text by lines, each with its own ending.
struct Lines {
    lines: Vec<String>,
    ending: &'static str,
}

impl Lines {
    fn of(text: &str) -> Self {
        let ending = if text.contains("\r\n") { "\r\n" } else { "\n" };
        Self { lines: text.split_inclusive('\n').map(str::to_owned).collect(), ending }
    }

    fn into_text(self) -> String {
        self.lines.concat()
    }

    fn line(&self, at: usize) -> &str {
        self.lines.get(at).map_or("", String::as_str)
    }

    fn block(&self, block: Block) -> String {
        self.lines.get(block.first..block.end).unwrap_or_default().concat()
    }

    fn insert(&mut self, at: usize, line: &str) {
        // The line before may be the file's last, without an ending.
        if let Some(before) = at.checked_sub(1).and_then(|before| self.lines.get_mut(before))
            && !before.ends_with('\n')
        {
            before.push_str(self.ending);
        }
        self.lines.insert(at.min(self.lines.len()), format!("{line}{}", self.ending));
    }

    fn replace(&mut self, block: Block, line: &str) {
        if self.block(block).trim_end_matches(['\r', '\n']) != line {
            self.lines.splice(block.first..block.end, [format!("{line}{}", self.ending)]);
        }
    }

    /// A setting that still is our line becomes what it was, or goes. `false` when it is another one now.
    fn put_back(&mut self, place: Option<Block>, ours: &str, was: Option<String>) -> bool {
        let Some(block) = place else { return true };
        let now = self.block(block);
        if now.trim_end() != ours {
            return was.is_some_and(|was| was.trim_end() == now.trim_end());
        }
        match was {
            Some(mut was) => {
                if !was.ends_with('\n') {
                    was.push_str(self.ending);
                }
                self.lines.splice(block.first..block.end, [was]);
            }
            None => {
                self.lines.drain(block.first..block.end);
            }
        }
        true
    }

    /// How far settings go that stand in no section.
    fn plain_end(&self) -> usize {
        self.lines.iter().position(|line| line.trim_start().starts_with('[')).unwrap_or(self.lines.len())
    }

    /// The last line of a key counts: the clients read it so.
    fn plain_place(&self, key: &str) -> Option<Block> {
        let named = |line: &&String| line.split_once('=').is_some_and(|(name, _)| name.trim() == key);
        let at = self.lines.get(..self.plain_end())?.iter().rposition(|line| named(&line))?;
        Some(Block { first: at, end: at + 1 })
    }

    fn set_plain(&mut self, key: &str, value: &str) {
        let line = format!("{key}={value}");
        match self.plain_place(key) {
            Some(block) => self.replace(block, &line),
            None => self.insert(self.plain_end(), &line),
        }
    }

    /// The lines below a section's header.
    fn section(&self, section: &str) -> Option<Block> {
        let header = |line: &String| {
            let line = line.trim();
            line.strip_prefix('[')
                .and_then(|rest| rest.split_once(']'))
                .is_some_and(|(name, _)| name == section)
        };
        let first = self.lines.iter().position(header)? + 1;
        let rest = self.lines.get(first..).unwrap_or_default();
        let length = rest.iter().position(|line| line.starts_with('[')).unwrap_or(rest.len());
        Some(Block { first, end: first + length })
    }

    /// Keys as pip reads them: without regard to case, `_` as `-`. A value goes on over indented lines.
    fn section_place(&self, section: &str, key: &str) -> Option<Block> {
        let block = self.section(section)?;
        let normal = |name: &str| name.trim().to_ascii_lowercase().replace('_', "-");
        let named = |at: &usize| {
            let line = self.line(*at);
            !line.starts_with([' ', '\t', '#', ';'])
                && line.split_once(['=', ':']).is_some_and(|(name, _)| normal(name) == normal(key))
        };
        let first = (block.first..block.end).find(named)?;
        let goes_on =
            |at: &usize| self.line(*at).starts_with([' ', '\t']) && !self.line(*at).trim().is_empty();
        let end = (first + 1..block.end).take_while(goes_on).last().map_or(first + 1, |last| last + 1);
        Some(Block { first, end })
    }

    fn set_in_section(&mut self, section: &str, key: &str, value: &str) {
        let line = format!("{key} = {value}");
        if let Some(block) = self.section_place(section, key) {
            return self.replace(block, &line);
        }
        let Some(found) = self.section(section) else {
            let end = self.lines.len();
            self.insert(end, &format!("[{section}]"));
            return self.insert(end + 1, &line);
        };
        // Below the section's last setting, above the blank lines that part it from the next.
        let blank = |at: &usize| self.line(*at).trim().is_empty();
        let blanks = (found.first..found.end).rev().take_while(blank).count();
        self.insert(found.end - blanks, &line);
    }

    fn drop_empty_section(&mut self, section: &str) {
        if let Some(block) = self.section(section)
            && self.block(block).trim().is_empty()
        {
            self.lines.drain(block.first - 1..block.end);
        }
    }

    /// The line of a section that gives a key this very value.
    fn entry_place(&self, section: &str, key: &str, value: &str) -> Option<usize> {
        let block = self.section(section)?;
        (block.first..block.end).find(|at| {
            self.line(*at)
                .split_once('=')
                .is_some_and(|(name, have)| name.trim().eq_ignore_ascii_case(key) && have.trim() == value)
        })
    }

    fn add_entry(&mut self, section: &str, key: &str, value: &str) {
        if self.entry_place(section, key, value).is_some() {
            return;
        }
        let line = format!("\t{key} = {value}");
        let Some(found) = self.section(section) else {
            let end = self.lines.len();
            self.insert(end, &format!("[{section}]"));
            return self.insert(end + 1, &line);
        };
        let blank = |at: &usize| self.line(*at).trim().is_empty();
        let blanks = (found.first..found.end).rev().take_while(blank).count();
        self.insert(found.end - blanks, &line);
    }

    fn drop_entry(&mut self, section: &str, key: &str, value: &str) {
        if let Some(at) = self.entry_place(section, key, value) {
            self.lines.remove(at);
        }
    }

    fn is_one_yaml_mapping(&self) -> Result<(), Unfit> {
        let mut content = self.lines.iter().enumerate().filter(|(_, line)| {
            let line = line.trim();
            !line.is_empty() && !line.starts_with('#')
        });
        let first = content.next().map_or("", |(_, line)| line.as_str());
        let several = content.any(|(_, line)| line.starts_with("---") || line.starts_with("..."));
        let other = first.starts_with(['{', '[', '-', ' ', '\t', '%']) && !first.starts_with("---");
        if several || other {
            return Err(Unfit(
                "it is not one mapping with keys at the line's beginning; set them by hand".into(),
            ));
        }
        Ok(())
    }

    /// A top-level key with all that is indented below it.
    fn yaml_place(&self, key: &str) -> Option<Block> {
        let named = |line: &String| {
            let name = line.split_once(':').map_or("", |(name, _)| name);
            name == key || name == format!("\"{key}\"") || name == format!("'{key}'")
        };
        let first = self.lines.iter().position(named)?;
        let belongs = |at: &usize| {
            let line = self.line(*at);
            line.starts_with([' ', '\t', ']', '}']) && !line.trim().is_empty() || line.starts_with("- ")
        };
        let end = (first + 1..self.lines.len()).take_while(belongs).last().map_or(first + 1, |last| last + 1);
        Some(Block { first, end })
    }

    fn set_yaml(&mut self, key: &str, value: &str) {
        match self.yaml_place(key) {
            Some(block) => {
                let value = with_items(value, &Some(self.block(block)));
                self.replace(block, &format!("{key}: {value}"));
            }
            None => self.insert(self.lines.len(), &format!("{key}: {value}")),
        }
    }
}

/// A list keeps the items that it had; any other value is ours alone.
fn with_items(value: &str, was: &Option<String>) -> String {
    let Some((_, before)) = was.as_deref().and_then(|was| was.split_once(':')) else {
        return value.to_owned();
    };
    let Some(ours) = value.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) else {
        return value.to_owned();
    };
    let items = before.split(['\n', ',', '[', ']']).filter_map(|item| {
        let item = item.trim().trim_start_matches("- ").trim();
        let item = item.split(" #").next().unwrap_or("").trim();
        (!item.is_empty() && !item.starts_with('#') && item != "-").then_some(item)
    });
    let plain = |item: &str| item.trim_matches(['"', '\'']).to_owned();
    let mut all: Vec<&str> = items.collect();
    if all.iter().all(|item| plain(item) != plain(ours)) {
        all.push(ours);
    }
    format!("[{}]", all.join(", "))
}
