//! Reads a policy file. Every mistake is found at once, and each is told with its place and what was expected.

use super::{Layer, Mode, NamedRule, Scope};
use crate::checks::{self, COMMON};
use crate::codes::RESERVED_NAME;
use crate::pattern::{KnownEcosystem, NamePattern};
use crate::problem::{PolicyProblems, Source, suggestion};
use crate::settings::{Key, Kind, Place, Setting, Value};
use crate::value::{self, Table};
use std::collections::BTreeMap;
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Largest file that is read, in bytes.
const FILE_LIMIT_BYTES: usize = 1 << 20;

/// What a file says.
#[derive(Default)]
pub(crate) struct FileContent {
    pub(crate) layer: Layer,
    pub(crate) scopes: Vec<Scope>,
    pub(crate) rules: Vec<NamedRule>,
}

pub(crate) struct Reader<'a, 't> {
    pub(crate) source: Source<'t>,
    pub(crate) known: &'a [KnownEcosystem<'a>],
    /// Codes of the file's own rules, which scopes can set too.
    pub(crate) rule_codes: Vec<String>,
}

/// Reads the whole file.
pub(crate) fn read(
    text: &str,
    file: &str,
    known: &[KnownEcosystem<'_>],
) -> Result<FileContent, PolicyProblems> {
    let mut reader = Reader { source: Source::new(text, file), known, rule_codes: Vec::new() };
    let mut content = FileContent::default();
    if text.len() > FILE_LIMIT_BYTES {
        reader
            .source
            .complain(0..0, format!("expected at most {FILE_LIMIT_BYTES} bytes, found {}", text.len()));
        return reader.source.finish(content);
    }
    let (document, errors) = DeTable::parse_recoverable(text);
    for error in errors {
        reader.source.complain(error.span().unwrap_or(0..0), error.message().replace('\n', ", "));
    }
    reader.root(document.get_ref(), &mut content);
    reader.source.finish(content)
}

impl Reader<'_, '_> {
    fn root(&mut self, document: &Table<'_>, content: &mut FileContent) {
        // Scopes can name rules.
        if let Some(value) = document.get("rule") {
            self.rules(value, content);
        }
        for (key, value) in document {
            let name = key.get_ref().as_ref();
            match name {
                "rule" => {}
                "mode" => content.layer.mode = self.mode(value).or(content.layer.mode.take()),
                "scope" => self.scopes(value, content),
                code if checks::kind(code).is_some() => self.check(code, value, &mut content.layer, true),
                unknown => {
                    let codes = checks::KINDS.iter().map(|kind| kind.code);
                    let hint = suggestion(unknown, codes.chain(["mode", "scope", "rule"]));
                    self.source.complain(
                        key.span(),
                        format!("`{unknown}` is neither a check's code nor `mode`, `scope` or `rule`{hint}"),
                    );
                }
            }
        }
    }

    pub(crate) fn place(&self, span: Range<usize>) -> Place {
        Place { file: self.source.file.clone(), line: self.source.line(span.start) }
    }

    pub(super) fn mode(&mut self, value: &Spanned<DeValue<'_>>) -> Option<(Mode, Place)> {
        let place = self.place(value.span());
        match value::text(value) {
            Some("enforce") => return Some((Mode::Enforce, place)),
            Some("observe") => return Some((Mode::Observe, place)),
            _ => {}
        }
        let found = value::found(value.get_ref());
        self.source
            .complain(value.span(), format!("mode: expected \"enforce\" or \"observe\", found {found}"));
        None
    }

    /// One check's table. `whole` is the file's own level, where lists of names may stand.
    pub(crate) fn check(&mut self, code: &str, value: &Spanned<DeValue<'_>>, layer: &mut Layer, whole: bool) {
        let Some(kind) = checks::kind(code) else { return };
        let Some(table) = value.get_ref().as_table() else {
            let found = value::found(value.get_ref());
            self.source.complain(value.span(), format!("[{code}]: expected a table, found {found}"));
            return;
        };
        let settings = layer.tables.entry(code.to_owned()).or_default();
        for (key, value) in table {
            let name = key.get_ref().as_ref();
            let declared = COMMON.iter().chain(kind.keys).find(|one| one.name == name);
            let names = code == RESERVED_NAME && (name == "patterns" || self.is_ecosystem(name));
            if names && !whole {
                self.source.complain(
                    key.span(),
                    format!("[{code}] {name}: names are reserved for the whole house, not in a scope"),
                );
            } else if names {
                let within = (name != "patterns").then_some(name);
                self.names(code, name, within, value, settings);
            } else if let Some(declared) = declared {
                self.setting(code, declared, value, settings);
            } else {
                let keys = COMMON.iter().chain(kind.keys).map(|one| one.name);
                let hint = suggestion(name, keys);
                self.source.complain(key.span(), format!("[{code}] {name}: there is no such key{hint}"));
            }
        }
    }

    pub(super) fn is_ecosystem(&self, name: &str) -> bool {
        self.known.iter().any(|one| one.id.as_str() == name)
    }

    pub(super) fn setting(
        &mut self,
        code: &str,
        key: &Key,
        value: &Spanned<DeValue<'_>>,
        settings: &mut BTreeMap<String, Setting>,
    ) {
        match value::read(key, value.get_ref()) {
            Ok(read) => {
                if let (Kind::Licences, Value::Texts(texts)) = (key.kind, &read) {
                    self.licences(code, key.name, texts, value);
                }
                let place = self.place(value.span());
                settings.insert(key.name.to_owned(), Setting { value: read, place });
            }
            Err(expected) => {
                let found = value::found(value.get_ref());
                self.source.complain(
                    value.span(),
                    format!("[{code}] {}: expected {expected}, found {found}", key.name),
                );
            }
        }
    }

    /// Patterns that can match no licence are mistakes.
    fn licences(&mut self, code: &str, key: &str, texts: &[String], value: &Spanned<DeValue<'_>>) {
        for (number, text) in texts.iter().enumerate() {
            if let Err(problem) = crate::licence::LicenceRules::new(std::slice::from_ref(text), &[]) {
                let span = value::item_span(value, number);
                self.source.complain(span, format!("[{code}] {key}: {problem}"));
            }
        }
    }

    /// A list of patterns over package names, kept in each ecosystem's normal form.
    fn names(
        &mut self,
        code: &str,
        key: &str,
        within: Option<&str>,
        value: &Spanned<DeValue<'_>>,
        settings: &mut BTreeMap<String, Setting>,
    ) {
        let Some(texts) = value::texts(value.get_ref()) else {
            let found = value::found(value.get_ref());
            self.source.complain(
                value.span(),
                format!(
                    "[{code}] {key}: expected a list of package names such as [\"acme-*\"], found {found}"
                ),
            );
            return;
        };
        for (number, text) in texts.iter().enumerate() {
            if let Err(problem) = NamePattern::read(text, within, self.known) {
                let span = value::item_span(value, number);
                self.source.complain(span, format!("[{code}] {key}: {problem}"));
            }
        }
        let texts = texts.iter().map(|text| match within {
            Some(id) => format!("{id}:{text}"),
            None => text.clone(),
        });
        let place = self.place(value.span());
        settings.insert(key.to_owned(), Setting { value: Value::Texts(texts.collect()), place });
    }
}
