//! Licences: SPDX expressions judged by what a policy allows and denies.
//!
//! Three answers, since registries hold expressions, legacy names, prose and nothing at all: what is not
//! certain stays unknown. Where a text can mean several licences and every one of them is denied, the denial
//! is certain. Expressions are read by the `spdx` crate (SPDX 3, annex on licence expressions).

mod names;
mod rules;
#[cfg(test)]
mod tests;

pub use rules::Problem;

use names::Meaning;
use rules::{Leaf, Pattern};
use spdx::expression::{ExprNode, Operator};
use spdx::{AdditionItem, Expression, LicenseItem, LicenseReq, ParseMode};

/// A longer text is a licence itself, not its name.
const LONGEST: usize = 2_000;

/// Names outside the list stay readable, so that `MIT OR Acme` can be satisfied; `BSD` is not taken for
/// one certain licence as the crate's imprecise names would have it.
const MODE: ParseMode = ParseMode {
    allow_slash_as_or_operator: true,
    allow_imprecise_license_names: false,
    allow_postfix_plus_on_gpl: true,
    allow_deprecated: true,
    allow_unknown: true,
};

/// What a policy allows and denies. A licence has to match no pattern of `deny` and, where `allow` is not
/// empty, one of `allow`.
#[derive(Debug, Clone)]
pub struct LicenceRules {
    allow: Vec<Pattern>,
    deny: Vec<Pattern>,
}

/// What the rules say of one text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LicenceVerdict {
    /// It can be used as the policy wishes.
    Satisfied,
    /// It cannot.
    Denied {
        /// The licence that stands in the way, as SPDX writes it.
        which: String,
        /// The pattern that denies it; `None` where it is merely not among the allowed ones.
        by: Option<String>,
    },
    /// It cannot be told.
    Unknown {
        /// Why, in a phrase that names the text.
        why: String,
    },
}

use LicenceVerdict::{Denied, Satisfied, Unknown};

impl LicenceRules {
    /// Reads patterns: an SPDX identifier in any case, several by a `*` at the end (`AGPL-*`), a
    /// `LicenseRef-…`, or `UNLICENSED`, by which some packages say that none is granted. `GPL-2.0` without
    /// more means it with and without later versions. `X WITH exception` means just that, and goes before
    /// patterns that know no exception. A pattern that matches nothing in the SPDX list is a problem.
    pub fn new(allow: &[String], deny: &[String]) -> Result<Self, Problem> {
        let read = |patterns: &[String]| -> Result<Vec<Pattern>, Problem> {
            patterns.iter().map(|text| Pattern::read(text)).collect()
        };
        Ok(Self { allow: read(allow)?, deny: read(deny)? })
    }

    /// Judges a licence as its package states it. Never panics; time grows with the text, of which only the
    /// first 2,000 characters are looked at.
    pub fn judge(&self, text: &str) -> LicenceVerdict {
        let text = text.trim();
        if text.is_empty() {
            return Unknown { why: "no licence is stated".to_owned() };
        }
        if text.chars().nth(LONGEST).is_some() {
            return Unknown {
                why: format!("more than {LONGEST} characters where a licence should be named"),
            };
        }
        if let Some(meaning) = names::meaning(text) {
            return self.judge_meaning(&meaning, text);
        }
        self.judge_expression(text).or_else(|| self.judge_joined(text)).unwrap_or_else(|| Unknown {
            why: format!("`{}` is no SPDX expression and no licence known by that name", excerpt(text)),
        })
    }

    /// A text that is one licence's name.
    fn judge_meaning(&self, meaning: &Meaning, text: &str) -> LicenceVerdict {
        match meaning {
            Meaning::None(why) => match self.deny.iter().find(|pattern| pattern.names(text)) {
                Some(pattern) => Denied { which: excerpt(text), by: Some(pattern.text().to_owned()) },
                None if self.allow.iter().any(|pattern| pattern.names(text)) => Satisfied,
                None => Unknown { why: format!("`{}` {why}", excerpt(text)) },
            },
            Meaning::One(id) => self.judge_leaf(&Leaf::plain(id)),
            Meaning::Either(ids) => {
                let denied: Vec<LicenceVerdict> = ids
                    .iter()
                    .map(|id| self.judge_leaf(&Leaf::plain(id)))
                    .filter(|verdict| matches!(verdict, Denied { .. }))
                    .collect();
                match denied.into_iter().next() {
                    Some(Denied { by, .. }) if self.denies_all(ids) => Denied { which: excerpt(text), by },
                    _ => Unknown { why: format!("`{}` can mean {}", excerpt(text), ids.join(", ")) },
                }
            }
        }
    }

    fn denies_all(&self, ids: &[String]) -> bool {
        ids.iter().all(|id| matches!(self.judge_leaf(&Leaf::plain(id)), Denied { .. }))
    }

    /// An SPDX expression; nothing if the text is none.
    fn judge_expression(&self, text: &str) -> Option<LicenceVerdict> {
        let text = names::canonical(text);
        let expression = Expression::parse_mode(&text, MODE).ok()?;
        let mut stack: Vec<LicenceVerdict> = Vec::new();
        // The nodes come in postfix order, so that no depth of parentheses costs stack.
        for node in expression.iter() {
            let verdict = match node {
                ExprNode::Req(node) => {
                    let span = node.span.start as usize..node.span.end as usize;
                    self.judge_requirement(&node.req, text.get(span).unwrap_or_default())
                }
                ExprNode::Op(operator) => {
                    let right = stack.pop()?;
                    let left = stack.pop()?;
                    combine(*operator, left, right)
                }
            };
            stack.push(verdict);
        }
        stack.pop()
    }

    fn judge_requirement(&self, requirement: &LicenseReq, written: &str) -> LicenceVerdict {
        let id = match &requirement.license {
            LicenseItem::Spdx { id, .. } => names::current(id.name),
            LicenseItem::Other(_) if is_reference(written) => written.to_owned(),
            LicenseItem::Other(other) => match names::meaning(&other.lic_ref) {
                Some(meaning) => return self.judge_meaning(&meaning, &other.lic_ref),
                None => {
                    return Unknown { why: format!("`{}` is not in the SPDX list", excerpt(&other.lic_ref)) };
                }
            },
        };
        let exception = requirement.addition.as_ref().map(ToString::to_string);
        let verdict = self.judge_leaf(&Leaf { id, exception });
        match (&requirement.addition, verdict) {
            // What calls itself an exception and is not in the list may just as well take rights away.
            (Some(AdditionItem::Other(addition)), Satisfied) => {
                Unknown { why: format!("`{}` is no exception of the SPDX list", excerpt(&addition.add_ref)) }
            }
            (_, verdict) => verdict,
        }
    }

    /// Names that are no SPDX identifiers, joined by one kind of operator in capitals, as adapters join
    /// several statements of one package.
    fn judge_joined(&self, text: &str) -> Option<LicenceVerdict> {
        let (operator, word) = match (text.contains(" AND "), text.contains(" OR ")) {
            (true, false) => (Operator::And, " AND "),
            (false, true) => (Operator::Or, " OR "),
            _ => return None,
        };
        let verdicts = text.split(word).map(|part| {
            let part = part.trim();
            match names::meaning(part) {
                Some(meaning) => self.judge_meaning(&meaning, part),
                None => self.judge_expression(part).unwrap_or_else(|| Unknown {
                    why: format!("`{}` is no licence known by that name", excerpt(part)),
                }),
            }
        });
        verdicts.reduce(|left, right| combine(operator, left, right))
    }

    fn judge_leaf(&self, leaf: &Leaf) -> LicenceVerdict {
        let allowed = self.allow.iter().filter_map(|pattern| pattern.matches(leaf)).max();
        let denied = self.deny.iter().filter_map(|pattern| Some((pattern.matches(leaf)?, pattern)));
        match denied.max_by_key(|(closeness, _)| *closeness) {
            Some((closeness, pattern)) if allowed.is_none_or(|allowed| allowed <= closeness) => {
                Denied { which: leaf.to_string(), by: Some(pattern.text().to_owned()) }
            }
            _ if allowed.is_some() => Satisfied,
            _ if !self.allow.is_empty() => Denied { which: leaf.to_string(), by: None },
            _ if is_reference(&leaf.id) => Unknown { why: format!("`{leaf}` is a licence of its own") },
            _ => Satisfied,
        }
    }
}

/// With `OR` the user chooses, so one good branch is enough; with `AND` everything must hold.
fn combine(operator: Operator, left: LicenceVerdict, right: LicenceVerdict) -> LicenceVerdict {
    match (operator, left, right) {
        (Operator::Or, Satisfied, _) | (Operator::Or, _, Satisfied) => Satisfied,
        (Operator::Or, Unknown { why }, _) | (Operator::Or, _, Unknown { why }) => Unknown { why },
        (Operator::And, Denied { which, by }, _) | (Operator::And, _, Denied { which, by }) => {
            Denied { which, by }
        }
        (Operator::And, Unknown { why }, _) | (Operator::And, _, Unknown { why }) => Unknown { why },
        (_, left, _) => left,
    }
}

fn is_reference(id: &str) -> bool {
    id.starts_with("LicenseRef-") || id.starts_with("DocumentRef-")
}

/// Enough of a text to know it again, on one line.
fn excerpt(text: &str) -> String {
    let mut line: String =
        text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).take(60).collect();
    if text.chars().nth(60).is_some() {
        line.push('…');
    }
    line
}
