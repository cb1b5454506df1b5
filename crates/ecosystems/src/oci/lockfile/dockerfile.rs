//! Dockerfiles: the images that a build starts from, copies from and mounts, and the one that reads the file
//! itself (`# syntax=`).

use super::{Named, variables};
use std::collections::{HashMap, HashSet};

/// Most lines joined into one instruction.
const MOST_JOINED: usize = 1_000;
/// The image that has nothing in it is none.
const NOTHING: &str = "scratch";

/// What was read so far.
struct Reading {
    escape: char,
    /// Arguments before the first stage, which alone a FROM hears.
    arguments: HashMap<String, String>,
    stages: HashSet<String>,
    count: usize,
    found: Vec<Named>,
}

/// The images that a Dockerfile names.
pub(super) fn images(text: &str) -> Vec<Named> {
    let mut reading = Reading {
        escape: '\\',
        arguments: HashMap::new(),
        stages: HashSet::new(),
        count: 0,
        found: Vec::new(),
    };
    let mut lines = text.lines().enumerate().map(|(at, line)| (at + 1, line)).peekable();
    while let Some((number, line)) = lines.peek().copied() {
        let Some((key, value)) = directive(line) else { break };
        match key.as_str() {
            "syntax" => reading.add(value, number),
            "escape" if value == "`" => reading.escape = '`',
            _ => {}
        }
        lines.next();
    }
    while let Some((number, line)) = lines.next() {
        let trimmed = line.trim();
        if trimmed.is_empty() || trimmed.starts_with('#') {
            continue;
        }
        let mut whole = trimmed.to_owned();
        let mut joined = 0;
        while let Some(begun) = whole.strip_suffix(reading.escape).map(str::to_owned) {
            whole = begun;
            // Comments and blank lines between the parts of an instruction are read over.
            let next = lines.find(|(_, line)| !line.trim().is_empty() && !line.trim().starts_with('#'));
            let Some((_, next)) = next else { break };
            whole.push_str(next.trim_end());
            joined += 1;
            if joined > MOST_JOINED {
                return reading.found;
            }
        }
        for end in heredocs(&whole) {
            let _ = lines.find(|(_, line)| line.trim_start_matches('\t') == end);
        }
        reading.instruction(&whole, number);
    }
    reading.found
}

/// `# key=value` at the very beginning.
fn directive(line: &str) -> Option<(String, &str)> {
    let (key, value) = line.trim().strip_prefix('#')?.split_once('=')?;
    let key = key.trim().to_ascii_lowercase();
    matches!(key.as_str(), "syntax" | "escape" | "check").then(|| (key, value.trim()))
}

/// The words that end the texts which follow an instruction (`RUN <<EOF`).
fn heredocs(instruction: &str) -> Vec<String> {
    let word = instruction.split_whitespace().next().unwrap_or_default().to_ascii_uppercase();
    if !matches!(word.as_str(), "RUN" | "COPY" | "ADD") {
        return Vec::new();
    }
    instruction
        .split("<<")
        .skip(1)
        .filter_map(|rest| {
            let rest = rest.strip_prefix('-').unwrap_or(rest).trim_start_matches(['"', '\'']);
            let end = rest.find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
            let word = rest.get(..end.unwrap_or(rest.len()))?;
            word.starts_with(|letter: char| letter.is_ascii_alphabetic() || letter == '_')
                .then(|| word.to_owned())
        })
        .take(20)
        .collect()
}

impl Reading {
    fn instruction(&mut self, text: &str, line: usize) {
        let mut words = text.split_whitespace();
        let word = words.next().unwrap_or_default().to_ascii_uppercase();
        let words: Vec<&str> = words.collect();
        match word.as_str() {
            "ARG" if self.count == 0 => words.iter().for_each(|word| self.argument(word)),
            "FROM" => self.from(&words, line),
            "COPY" | "ADD" => {
                let flags = words.iter().take_while(|word| word.starts_with("--"));
                let from: Vec<&str> = flags.filter_map(|flag| flag.strip_prefix("--from=")).collect();
                from.into_iter().for_each(|image| self.take_from(image, line));
            }
            "RUN" => {
                let flags = words.iter().take_while(|word| word.starts_with("--"));
                let mounts = flags.filter_map(|flag| flag.strip_prefix("--mount="));
                let from: Vec<&str> = mounts
                    .flat_map(|mount| mount.split(','))
                    .filter_map(|part| part.strip_prefix("from="))
                    .collect();
                from.into_iter().for_each(|image| self.take_from(image, line));
            }
            // What a later build would start from is written down after this word.
            "ONBUILD" => {
                let rest = words.join(" ");
                if !rest.to_ascii_uppercase().starts_with("ONBUILD") {
                    self.instruction(&rest, line);
                }
            }
            _ => {}
        }
    }

    fn argument(&mut self, word: &str) {
        let Some((name, value)) = word.split_once('=') else { return };
        if let Some(value) = self.filled(unquoted(value)) {
            self.arguments.insert(name.to_owned(), value);
        }
    }

    fn filled(&self, text: &str) -> Option<String> {
        variables::fill(text, self.escape, &|name| self.arguments.get(name).cloned())
    }

    fn from(&mut self, words: &[&str], line: usize) {
        let mut words = words.iter().skip_while(|word| word.starts_with("--"));
        let image = words.next().copied().unwrap_or_default();
        self.take_from(image, line);
        if let (Some(keyword), Some(stage)) = (words.next(), words.next())
            && keyword.eq_ignore_ascii_case("as")
        {
            self.stages.insert(stage.to_ascii_lowercase());
        }
        self.count += 1;
    }

    /// An image, unless it is a stage of this very file, by name or number.
    fn take_from(&mut self, image: &str, line: usize) {
        let Some(image) = self.filled(unquoted(image)) else { return };
        let number = image.parse::<usize>().is_ok_and(|number| number < self.count);
        if !number && image != NOTHING && !self.stages.contains(&image.to_ascii_lowercase()) {
            self.add(&image, line);
        }
    }

    fn add(&mut self, image: &str, line: usize) {
        if !image.is_empty() {
            self.found.push(Named { text: image.to_owned(), line });
        }
    }
}

fn unquoted(text: &str) -> &str {
    let within = |quote: char| text.strip_prefix(quote)?.strip_suffix(quote);
    within('"').or_else(|| within('\'')).unwrap_or(text)
}
