//! What a policy file can set, as typed values that know where they stand.

use crate::facts::Severity;
use crate::verdict::Action;
use lazaret_vocabulary::{Span, Timestamp};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// A place in a policy file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) file: Arc<str>,
    pub(crate) line: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.file, self.line)
    }
}

/// What the values of a key look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Action,
    Span,
    Moment,
    Bool,
    Severity,
    /// Patterns over licences.
    Licences,
    /// Patterns over package names.
    Names,
    Choice(&'static [&'static str]),
}

/// One key of a check's table.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Key {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    /// `"none"` takes it away again.
    pub(crate) optional: bool,
}

impl Key {
    pub(crate) const fn new(name: &'static str, kind: Kind) -> Self {
        Self { name, kind, optional: false }
    }

    pub(crate) const fn optional(name: &'static str, kind: Kind) -> Self {
        Self { name, kind, optional: true }
    }
}

/// A value of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value {
    Action(Action),
    Span(Span),
    Moment(Timestamp),
    Bool(bool),
    Severity(Severity),
    Texts(Vec<String>),
    Choice(&'static str),
    None,
}

impl fmt::Display for Value {
    /// As a policy file writes it, in one form only: the revision is made from this.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Action(action) => write!(formatter, "\"{}\"", action.as_str()),
            Self::Span(span) => write!(formatter, "\"{}\"", short_span(*span)),
            Self::Moment(moment) => write!(formatter, "{moment}"),
            Self::Bool(value) => write!(formatter, "{value}"),
            Self::Severity(severity) => write!(formatter, "\"{}\"", severity.as_str()),
            Self::Texts(texts) => write!(formatter, "{texts:?}"),
            Self::Choice(choice) => write!(formatter, "\"{choice}\""),
            Self::None => write!(formatter, "\"none\""),
        }
    }
}

/// `30d`, in the largest unit that divides it.
fn short_span(span: Span) -> String {
    let millis = span.millis();
    let units = [(86_400_000, "d"), (3_600_000, "h"), (60_000, "m")];
    let unit = units.into_iter().find(|(length, _)| millis % length == 0);
    let (length, unit) = unit.unwrap_or((1000, "s"));
    format!("{}{unit}", millis / length)
}

/// A value with the line that says it.
#[derive(Debug, Clone)]
pub(crate) struct Setting {
    pub(crate) value: Value,
    pub(crate) place: Place,
}

/// Code → key → setting.
pub(crate) type Tables = BTreeMap<String, BTreeMap<String, Setting>>;

/// Tables laid over each other, the most general first.
pub(crate) struct Settings<'a> {
    pub(crate) layers: Vec<&'a Tables>,
}

impl<'a> Settings<'a> {
    pub(crate) fn get(&self, code: &str, key: &str) -> Option<&'a Setting> {
        self.layers.iter().rev().find_map(|layer| layer.get(code)?.get(key))
    }

    pub(crate) fn action(&self, code: &str, key: &str) -> Option<Action> {
        match self.get(code, key)?.value {
            Value::Action(action) => Some(action),
            _ => None,
        }
    }

    pub(crate) fn span(&self, code: &str, key: &str) -> Option<Span> {
        match self.get(code, key)?.value {
            Value::Span(span) => Some(span),
            _ => None,
        }
    }

    pub(crate) fn moment(&self, code: &str, key: &str) -> Option<Timestamp> {
        match self.get(code, key)?.value {
            Value::Moment(moment) => Some(moment),
            _ => None,
        }
    }

    pub(crate) fn flag(&self, code: &str, key: &str) -> Option<bool> {
        match self.get(code, key)?.value {
            Value::Bool(flag) => Some(flag),
            _ => None,
        }
    }

    pub(crate) fn severity(&self, code: &str, key: &str) -> Option<Severity> {
        match self.get(code, key)?.value {
            Value::Severity(severity) => Some(severity),
            _ => None,
        }
    }

    pub(crate) fn choice(&self, code: &str, key: &str) -> Option<&'static str> {
        match self.get(code, key)?.value {
            Value::Choice(choice) => Some(choice),
            _ => None,
        }
    }

    pub(crate) fn texts(&self, code: &str, key: &str) -> &'a [String] {
        match self.get(code, key).map(|setting| &setting.value) {
            Some(Value::Texts(texts)) => texts,
            _ => &[],
        }
    }

    /// The line that speaks for a check: of the most specific layer that says anything about it, the line of
    /// `first` if it is there, otherwise the table's first.
    pub(crate) fn place(&self, code: &str, first: &str) -> Option<&'a Place> {
        let table = self.layers.iter().rev().find_map(|layer| layer.get(code))?;
        let by_line = || table.values().min_by_key(|setting| setting.place.line);
        table.get(first).or_else(by_line).map(|setting| &setting.place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn spans_print_as_they_are_read(seconds in 0i64..10_000_000_000) {
            let span = Span::seconds(seconds);
            prop_assert_eq!(Span::parse(&short_span(span)), Some(span));
        }
    }
}
