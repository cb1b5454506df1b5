//! Reads `[[rule]]` tables.

use super::read::{FileContent, Reader};
use super::{Layer, NamedRule};
use crate::checks::{self, COMMON};
use crate::codes::{KILLED, NOT_JUDGED};
use crate::problem::suggestion;
use crate::rules::Rule;
use crate::settings::{Setting, Value};
use crate::value::{self, Table};
use crate::verdict::Action;
use std::ops::Range;
use std::sync::Arc;
use toml::Spanned;
use toml::de::DeValue;

/// Most `[[rule]]` tables: with the checks they have to fit into the bits of a verdict.
const RULE_LIMIT: usize = 100;

impl Reader<'_, '_> {
    pub(super) fn rules(&mut self, value: &Spanned<DeValue<'_>>, content: &mut FileContent) {
        let Some(rules) = value.get_ref().as_array() else {
            self.source.complain(value.span(), "rule: expected [[rule]] tables");
            return;
        };
        if rules.len() > RULE_LIMIT {
            let found = rules.len();
            self.source.complain(value.span(), format!("expected at most {RULE_LIMIT} rules, found {found}"));
            return;
        }
        for rule in rules.iter() {
            match rule.get_ref().as_table() {
                Some(table) => {
                    let rule = self.rule(table, rule.span(), &mut content.layer);
                    self.rule_codes.extend(rule.iter().map(|rule| rule.code.clone()));
                    content.rules.extend(rule);
                }
                None => self.source.complain(rule.span(), "rule: expected a table"),
            }
        }
    }

    fn rule(&mut self, table: &Table<'_>, span: Range<usize>, layer: &mut Layer) -> Option<NamedRule> {
        for (key, _) in table {
            let name = key.get_ref().as_ref();
            let keys = ["code", "message", "when", "action", "unknown"];
            if !keys.contains(&name) {
                let hint = suggestion(name, keys);
                self.source.complain(key.span(), format!("[[rule]] {name}: there is no such key{hint}"));
            }
        }
        let code = self.rule_text(table, &span, "code");
        let message = self.rule_text(table, &span, "message");
        let when = self.rule_text(table, &span, "when");
        let (code, code_span) = code?;
        self.rule_code(&code, code_span)?;
        let (message, (when, when_span)) = (message?.0, when?);
        let rule = match Rule::compile(&when, &message) {
            Ok(rule) => Arc::new(rule),
            Err(problem) => {
                self.source.complain(when_span, format!("[[rule]] {code}: when: {problem}"));
                return None;
            }
        };
        let place = self.place(span);
        let defaults = [("action", Action::Refuse), ("unknown", Action::Warn)];
        let settings = layer.tables.entry(code.clone()).or_default();
        for (key, action) in defaults {
            settings.insert(key.to_owned(), Setting { value: Value::Action(action), place: place.clone() });
        }
        for key in &COMMON {
            if let Some(value) = table.get(key.name) {
                self.setting(&code, key, value, settings);
            }
        }
        Some(NamedRule { code, place, when, message, rule })
    }

    fn rule_text(
        &mut self,
        table: &Table<'_>,
        span: &Range<usize>,
        key: &str,
    ) -> Option<(String, Range<usize>)> {
        match table.get(key).map(|value| (value, value::text(value))) {
            Some((value, Some(text))) if !text.trim().is_empty() && text.len() <= 4000 => {
                return Some((text.to_owned(), value.span()));
            }
            Some((value, _)) => {
                let found = value::found(value.get_ref());
                self.source.complain(value.span(), format!("[[rule]] {key}: expected a text, found {found}"));
            }
            None => self.source.complain(span.clone(), format!("[[rule]]: expected a text as `{key}`")),
        }
        None
    }

    /// A code that can stand beside the others.
    fn rule_code(&mut self, code: &str, span: Range<usize>) -> Option<()> {
        let letters = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if code.len() > 64
            || !code.bytes().all(letters)
            || !code.starts_with(|first: char| first.is_ascii_lowercase())
        {
            let expected = "expected lower-case letters, digits and hyphens, such as \"no-left-pad\"";
            self.source.complain(span, format!("[[rule]] code: {expected}, found \"{code}\""));
            return None;
        }
        let reserved = ["mode", "scope", "rule", "ecosystem", "package", "class", KILLED, NOT_JUDGED];
        let taken = checks::kind(code).is_some() || reserved.contains(&code);
        if taken || self.rule_codes.iter().any(|one| one == code) {
            self.source.complain(span, format!("[[rule]] code: `{code}` is taken already"));
            return None;
        }
        Some(())
    }

    /// What a scope says of a rule.
    pub(super) fn rule_actions(&mut self, code: &str, value: &Spanned<DeValue<'_>>, layer: &mut Layer) {
        let Some(table) = value.get_ref().as_table() else {
            let found = value::found(value.get_ref());
            self.source.complain(value.span(), format!("[{code}]: expected a table, found {found}"));
            return;
        };
        let settings = layer.tables.entry(code.to_owned()).or_default();
        for (key, value) in table {
            let name = key.get_ref().as_ref();
            match COMMON.iter().find(|one| one.name == name) {
                Some(declared) => self.setting(code, declared, value, settings),
                None => {
                    let message =
                        format!("[{code}] {name}: a scope can set `action` and `unknown` of a rule");
                    self.source.complain(key.span(), message);
                }
            }
        }
    }
}
