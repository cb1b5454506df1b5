//! Patterns of licences, as a policy file writes them.

use super::names;
use std::fmt;

/// A pattern that cannot be meant: nothing in the SPDX list matches it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{pattern}` matches no licence of the SPDX list{}", nearest.as_ref().map_or(String::new(), |nearest| format!("; did you mean `{nearest}`?")))]
pub struct Problem {
    /// The pattern as written.
    pub pattern: String,
    /// The identifier it is most like, if any is near.
    pub nearest: Option<String>,
}

/// One licence in an expression: an identifier and perhaps an exception.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Leaf {
    pub(super) id: String,
    pub(super) exception: Option<String>,
}

/// How closely a pattern fits: one that names the exception goes before all others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Closeness {
    Licence,
    WithException,
}

/// One entry of `allow` or `deny`.
#[derive(Debug, Clone)]
pub(super) struct Pattern {
    text: String,
    form: Form,
}

#[derive(Debug, Clone)]
enum Form {
    /// Identifiers that begin so, in lower case.
    Prefix(String),
    /// Exactly these identifiers, in lower case; a GNU licence without suffix stands for both.
    Ids(Vec<String>),
    /// An identifier with an exception, in lower case.
    Pair(String, String),
    /// A word that stands in place of a licence, in lower case.
    Word(String),
}

/// Words that a package puts in place of a licence and that a policy may name.
const WORDS: [&str; 2] = ["unlicensed", "noassertion"];

impl Pattern {
    pub(super) fn read(text: &str) -> Result<Self, Problem> {
        let plain = text.trim().to_ascii_lowercase();
        let problem = || Problem { pattern: text.to_owned(), nearest: names::nearest(&plain) };
        let form = if let Some(prefix) = plain.strip_suffix('*') {
            let known = names::ids().any(|id| id.starts_with(prefix));
            let reference = prefix.starts_with("licenseref-") || prefix.starts_with("documentref-");
            (known || reference).then(|| Form::Prefix(prefix.to_owned()))
        } else if WORDS.contains(&plain.as_str()) {
            Some(Form::Word(plain.clone()))
        } else if plain.starts_with("licenseref-") || plain.starts_with("documentref-") {
            Some(Form::Ids(vec![plain.clone()]))
        } else if let Some((id, exception)) = plain.split_once(" with ") {
            let known = names::id(id.trim()).zip(names::exception(exception.trim()));
            known.map(|(id, exception)| {
                Form::Pair(names::current(id).to_ascii_lowercase(), exception.to_ascii_lowercase())
            })
        } else {
            names::meant_by_pattern(&plain).map(Form::Ids)
        };
        Ok(Self { text: text.trim().to_owned(), form: form.ok_or_else(problem)? })
    }

    /// As the policy writes it.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn matches(&self, leaf: &Leaf) -> Option<Closeness> {
        let id = leaf.id.to_ascii_lowercase();
        match &self.form {
            Form::Prefix(prefix) => id.starts_with(prefix.as_str()).then_some(Closeness::Licence),
            Form::Ids(ids) => ids.contains(&id).then_some(Closeness::Licence),
            Form::Pair(with, exception) => {
                let same = leaf.exception.as_ref().is_some_and(|other| other.eq_ignore_ascii_case(exception));
                (same && *with == id).then_some(Closeness::WithException)
            }
            Form::Word(_) => None,
        }
    }

    /// Whether it names this text, which is no licence.
    pub(super) fn names(&self, text: &str) -> bool {
        matches!(&self.form, Form::Word(word) if word.eq_ignore_ascii_case(text))
    }
}

impl Leaf {
    pub(super) fn plain(id: &str) -> Self {
        Self { id: id.to_owned(), exception: None }
    }
}

impl fmt::Display for Leaf {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.id)?;
        match &self.exception {
            Some(exception) => write!(formatter, " WITH {exception}"),
            None => Ok(()),
        }
    }
}
