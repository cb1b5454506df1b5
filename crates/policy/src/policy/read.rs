//! Reads a policy file. Every mistake is found at once, and each is told with its place and what was expected.

use super::{Layer, Mode, Scope};
use crate::checks::{self, COMMON};
use crate::codes::RESERVED_NAME;
use crate::pattern::{KnownEcosystem, NamePattern};
use crate::problem::{PolicyProblems, Source, suggestion};
use crate::settings::{Key, Kind, Place, Setting, Value};
use crate::value::{self, Table};
use lazaret_vocabulary::PrincipalClass;
use std::collections::BTreeMap;
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Largest file that is read, in bytes.
const FILE_LIMIT_BYTES: usize = 1 << 20;
/// Most `[[scope]]` tables.
const SCOPE_LIMIT: usize = 1000;

/// What a file says.
#[derive(Default)]
pub(crate) struct FileContent {
    pub(crate) layer: Layer,
    pub(crate) scopes: Vec<Scope>,
}

pub(crate) struct Reader<'a, 't> {
    pub(crate) source: Source<'t>,
    pub(crate) known: &'a [KnownEcosystem<'a>],
}

/// Reads the whole file.
pub(crate) fn read(
    text: &str,
    file: &str,
    known: &[KnownEcosystem<'_>],
) -> Result<FileContent, PolicyProblems> {
    let mut reader = Reader { source: Source::new(text, file), known };
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
        for (key, value) in document {
            let name = key.get_ref().as_ref();
            match name {
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

    fn mode(&mut self, value: &Spanned<DeValue<'_>>) -> Option<(Mode, Place)> {
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

    fn is_ecosystem(&self, name: &str) -> bool {
        self.known.iter().any(|one| one.id.as_str() == name)
    }

    fn setting(
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

    fn scopes(&mut self, value: &Spanned<DeValue<'_>>, content: &mut FileContent) {
        let Some(scopes) = value.get_ref().as_array() else {
            self.source.complain(value.span(), "scope: expected [[scope]] tables");
            return;
        };
        if scopes.len() > SCOPE_LIMIT {
            self.source.complain(
                value.span(),
                format!("expected at most {SCOPE_LIMIT} scopes, found {}", scopes.len()),
            );
            return;
        }
        for scope in scopes.iter() {
            match scope.get_ref().as_table() {
                Some(table) => {
                    let scope = self.scope(table, scope.span());
                    content.scopes.push(scope);
                }
                None => self.source.complain(scope.span(), "scope: expected a table"),
            }
        }
    }

    fn scope(&mut self, table: &Table<'_>, span: Range<usize>) -> Scope {
        let mut scope = Scope::new(self.place(span.clone()));
        for (key, value) in table {
            let name = key.get_ref().as_ref();
            match name {
                "ecosystem" => scope.ecosystems = self.scope_ecosystems(value),
                "class" => scope.classes = self.classes(value),
                // Read below, when the ecosystems are known.
                "package" => {}
                "mode" => scope.layer.mode = self.mode(value),
                code if checks::kind(code).is_some() => self.check(code, value, &mut scope.layer, false),
                unknown => {
                    let codes = checks::KINDS.iter().map(|kind| kind.code);
                    let hint = suggestion(unknown, codes.chain(["ecosystem", "package", "class", "mode"]));
                    self.source.complain(
                        key.span(),
                        format!("[[scope]] {unknown}: expected `ecosystem`, `package`, `class`, `mode` or a check's code{hint}"),
                    );
                }
            }
        }
        if let Some(value) = table.get("package") {
            self.scope_packages(value, &mut scope);
        }
        let unbounded = !["ecosystem", "package", "class"].into_iter().any(|key| table.contains_key(key));
        if unbounded {
            self.source
                .complain(span, "[[scope]]: expected at least one of `ecosystem`, `package` and `class`");
        }
        scope
    }

    /// A text or a list of texts.
    fn one_or_more(
        &mut self,
        key: &str,
        what: &str,
        value: &Spanned<DeValue<'_>>,
    ) -> Vec<(String, Range<usize>)> {
        if let Some(text) = value::text(value) {
            return vec![(text.to_owned(), value.span())];
        }
        match value::texts(value.get_ref()) {
            Some(texts) if !texts.is_empty() => texts
                .into_iter()
                .enumerate()
                .map(|(number, text)| (text, value::item_span(value, number)))
                .collect(),
            _ => {
                let found = value::found(value.get_ref());
                self.source.complain(
                    value.span(),
                    format!("[[scope]] {key}: expected {what} or a list of them, found {found}"),
                );
                Vec::new()
            }
        }
    }

    fn scope_ecosystems(&mut self, value: &Spanned<DeValue<'_>>) -> Vec<String> {
        let read = self.one_or_more("ecosystem", "an ecosystem's id", value);
        for (id, span) in &read {
            if !self.known.is_empty() && !self.is_ecosystem(id) {
                let hint = suggestion(id, self.known.iter().map(|one| one.id.as_str()));
                let ids: Vec<_> = self.known.iter().map(|one| one.id.as_str()).collect();
                self.source.complain(
                    span.clone(),
                    format!("[[scope]] ecosystem: expected one of {}, found `{id}`{hint}", ids.join(", ")),
                );
            }
        }
        read.into_iter().map(|(id, _)| id).collect()
    }

    fn classes(&mut self, value: &Spanned<DeValue<'_>>) -> Vec<PrincipalClass> {
        let mut classes = Vec::new();
        for (text, span) in self.one_or_more("class", "a class of principals", value) {
            match PrincipalClass::ALL.into_iter().find(|class| class.as_str() == text) {
                Some(class) => classes.push(class),
                None => {
                    let names = PrincipalClass::ALL.map(PrincipalClass::as_str);
                    let hint = suggestion(&text, names);
                    self.source.complain(
                        span,
                        format!(
                            "[[scope]] class: expected one of {}, found `{text}`{hint}",
                            names.join(", ")
                        ),
                    );
                }
            }
        }
        classes
    }

    fn scope_packages(&mut self, value: &Spanned<DeValue<'_>>, scope: &mut Scope) {
        for (text, span) in self.one_or_more("package", "a package name", value) {
            let within: Vec<Option<&str>> = match scope.ecosystems.as_slice() {
                [] => vec![None],
                ids => ids.iter().map(|id| Some(id.as_str())).collect(),
            };
            let read = within.iter().map(|within| NamePattern::read(&text, *within, self.known));
            let (found, problems): (Vec<_>, Vec<_>) = read.partition(Result::is_ok);
            if found.is_empty()
                && let Some(Err(problem)) = problems.into_iter().next()
            {
                self.source.complain(span, format!("[[scope]] package: {problem}"));
            }
            scope.packages.extend(found.into_iter().flatten().flatten());
        }
    }
}
