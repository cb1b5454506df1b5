//! TOML values into the values of keys.

use crate::facts::Severity;
use crate::pattern::shorten;
use crate::problem::suggestion;
use crate::settings::{Key, Kind, Value};
use crate::verdict::Action;
use lazaret_vocabulary::{Span, Timestamp};
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

pub(crate) type Table<'t> = DeTable<'t>;

/// Most entries of one list.
const LIST_LIMIT: usize = 10_000;

/// The text of a text.
pub(crate) fn text<'v>(value: &'v Spanned<DeValue<'_>>) -> Option<&'v str> {
    value.get_ref().as_str()
}

/// The texts of a list that holds nothing else.
pub(crate) fn texts(value: &DeValue<'_>) -> Option<Vec<String>> {
    let list = value.as_array().filter(|list| list.len() <= LIST_LIMIT)?;
    list.iter().map(|item| item.get_ref().as_str().map(str::to_owned)).collect()
}

/// Where one item of a list stands.
pub(crate) fn item_span(value: &Spanned<DeValue<'_>>, number: usize) -> Range<usize> {
    let item = value.get_ref().as_array().and_then(|list| list.get(number));
    item.map_or_else(|| value.span(), Spanned::span)
}

/// A value as a complaint shows it.
pub(crate) fn found(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => format!("\"{}\"", shorten(text)),
        DeValue::Integer(number) => number.to_string(),
        DeValue::Float(number) => number.to_string(),
        DeValue::Boolean(value) => value.to_string(),
        DeValue::Datetime(moment) => moment.to_string(),
        DeValue::Array(list) if list.len() > LIST_LIMIT => format!("a list of {}", list.len()),
        DeValue::Array(_) => "a list".to_owned(),
        DeValue::Table(_) => "a table".to_owned(),
    }
}

/// Reads a key's value; the error says what was expected.
pub(crate) fn read(key: &Key, value: &DeValue<'_>) -> Result<Value, String> {
    if key.optional && value.as_str() == Some("none") {
        return Ok(Value::None);
    }
    let none = if key.optional { " or \"none\"" } else { "" };
    let text = value.as_str();
    match key.kind {
        Kind::Action => action(text).map(Value::Action),
        Kind::Span => text
            .and_then(Span::parse)
            .map(Value::Span)
            .ok_or_else(|| format!("a duration such as \"30d\"{none}")),
        Kind::Moment => moment(value)
            .map(Value::Moment)
            .ok_or_else(|| format!("a moment with its offset such as 2026-11-23T08:00:00Z{none}")),
        Kind::Bool => value.as_bool().map(Value::Bool).ok_or_else(|| "true or false".to_owned()),
        Kind::Severity => Severity::ALL
            .into_iter()
            .find(|severity| text == Some(severity.as_str()))
            .map(Value::Severity)
            .ok_or_else(|| choices(Severity::ALL.map(Severity::as_str), text)),
        Kind::Licences | Kind::Names => {
            texts(value).map(Value::Texts).ok_or_else(|| "a list of texts".to_owned())
        }
        Kind::Choice(names) => names
            .iter()
            .find(|name| text == Some(name))
            .map(|name| Value::Choice(name))
            .ok_or_else(|| choices(names.iter().copied(), text)),
    }
}

/// Reads an action; the error says what was expected.
pub(crate) fn action(text: Option<&str>) -> Result<Action, String> {
    let found = Action::ALL.into_iter().find(|action| text == Some(action.as_str()));
    found.ok_or_else(|| choices(Action::ALL.map(Action::as_str), text))
}

fn choices<'c>(names: impl IntoIterator<Item = &'c str> + Clone, found: Option<&str>) -> String {
    let list: Vec<String> = names.clone().into_iter().map(|name| format!("\"{name}\"")).collect();
    let hint = found.map(|found| suggestion(found, names)).unwrap_or_default();
    format!("one of {}{hint}", list.join(", "))
}

/// A moment as TOML writes it or as a text; one without an offset means another moment on every machine.
fn moment(value: &DeValue<'_>) -> Option<Timestamp> {
    match value {
        DeValue::Datetime(moment) if moment.offset.is_some() => Timestamp::parse(&moment.to_string()).ok(),
        DeValue::String(text) if text.ends_with('Z') || text.rfind('+').is_some() => {
            Timestamp::parse(text).ok()
        }
        _ => None,
    }
}
