//! Reads `[[scope]]` tables.

use super::Scope;
use super::read::{FileContent, Reader};
use crate::checks;
use crate::pattern::NamePattern;
use crate::problem::suggestion;
use crate::value::{self, Table};
use lazaret_vocabulary::PrincipalClass;
use std::ops::Range;
use toml::Spanned;
use toml::de::DeValue;

/// Most `[[scope]]` tables.
const SCOPE_LIMIT: usize = 1000;

impl Reader<'_, '_> {
    pub(super) fn scopes(&mut self, value: &Spanned<DeValue<'_>>, content: &mut FileContent) {
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
                code if self.rule_codes.iter().any(|one| one == code) => {
                    self.rule_actions(code, value, &mut scope.layer);
                }
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
