//! `[[rule]]`: conditions of one's own, written in CEL over the facts of `docs/policy-rules.md`.
//!
//! A rule is compiled and checked when the policy is read: every name has to be a fact, every function one that
//! is known to end soon, and the expression is tried on a release of which everything is known. Its cost is
//! bounded by that: no loop inside a loop, no list longer than [`schema::LIST_LIMIT`], a limit on its size.
//! A fact that is missing makes the rule *unknown*, unless the expression comes out the same without it.

mod lint;
pub(crate) mod schema;
#[cfg(test)]
mod tests;

use crate::checks::{Answer, Check, Subject};
use crate::verdict::Outcome;
use cel::{Context, Env, Program, Value};
use lazaret_vocabulary::Span;
use lint::Used;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};

/// Longest expression, in bytes.
const EXPRESSION_LIMIT_BYTES: usize = 2000;

/// CEL's standard library, built once.
static ENVIRONMENT: LazyLock<Arc<Env>> = LazyLock::new(|| Arc::new(Env::stdlib()));

/// A condition ready to be asked.
pub(crate) struct Rule {
    message: String,
    program: Program,
    used: Used,
    matched: AtomicU64,
}

impl Rule {
    /// Compiles and checks an expression; the error says what is wrong with it.
    pub(crate) fn compile(expression: &str, message: &str) -> Result<Self, String> {
        if expression.len() > EXPRESSION_LIMIT_BYTES {
            return Err(format!(
                "expected at most {EXPRESSION_LIMIT_BYTES} bytes, found {}",
                expression.len()
            ));
        }
        lint::bound_depth(expression)?;
        let program = ENVIRONMENT.compile(expression).map_err(|errors| one_line(&errors.to_string()))?;
        let used = lint::check(program.expression())?;
        let rule = Self {
            message: message.trim_end_matches('.').to_owned(),
            program,
            used,
            matched: AtomicU64::new(0),
        };
        for sample in schema::samples() {
            rule.try_on(&sample)?;
        }
        Ok(rule)
    }

    /// Whether it looks at who asks.
    pub(crate) fn asks_who(&self) -> bool {
        self.used.facts.contains(&"principal.class") || self.used.roots.contains("principal")
    }

    /// How often it was true.
    pub(crate) fn matched(&self) -> u64 {
        self.matched.load(Ordering::Relaxed)
    }

    fn try_on(&self, sample: &schema::Facts<'_>) -> Result<(), String> {
        match self.evaluate(sample) {
            Ok(Value::Bool(_)) => Ok(()),
            Ok(other) => Err(format!("expected true or false, found {}", other.type_of())),
            Err(error) if lint::is_mistake(&error) => Err(one_line(&error.to_string())),
            // A division by zero, an index too large: these depend on the facts.
            Err(_) => Ok(()),
        }
    }

    fn evaluate(&self, facts: &schema::Facts<'_>) -> cel::ResolveResult {
        let mut context = Context::with_env(ENVIRONMENT.clone());
        for name in &self.used.facts {
            if let Some(value) = schema::fact(name, facts) {
                context.add_variable_from_value(*name, value);
            }
        }
        for root in &self.used.roots {
            if let Some(value) = schema::root(root, facts) {
                context.add_variable_from_value(root.clone(), value);
            }
        }
        self.program.execute(&context)
    }

    /// When the answer can become another one because a day has passed.
    fn changes(&self, facts: &schema::Facts<'_>) -> Option<lazaret_vocabulary::Timestamp> {
        let now = facts.dossier.now;
        let day = Span::days(1).millis();
        let moments =
            self.used.ages.iter().filter_map(|name| schema::begin(name, facts)).filter_map(|begin| {
                let days = now.since(begin).millis() / day;
                match &self.used.thresholds {
                    None => Some(begin + Span::days(days + 1)),
                    // The comparison with n comes out otherwise on the days n and n + 1.
                    Some(numbers) => numbers
                        .iter()
                        .flat_map(|number| [*number, number.saturating_add(1)])
                        .filter(|number| *number > days)
                        .min()
                        .map(|number| begin + Span::days(number)),
                }
            });
        // A date that has not come yet is no fact until it comes.
        let to_come = self.used.ages.iter().filter_map(|name| schema::begin_to_come(name, facts));
        moments.chain(to_come).filter(|moment| *moment > now).min()
    }
}

impl Check for Rule {
    fn inspect(&self, subject: &Subject<'_>) -> Answer {
        let facts = schema::Facts::of(subject);
        let outcome = match self.evaluate(&facts) {
            Ok(Value::Bool(true)) => {
                self.matched.fetch_add(1, Ordering::Relaxed);
                Outcome::Breach
            }
            Ok(Value::Bool(false)) => Outcome::Pass,
            _ => Outcome::Unknown,
        };
        let changes = self.changes(&facts);
        Answer { outcome, until: None, changes, action: None }
    }

    fn explain(&self, subject: &Subject<'_>, answer: &Answer) -> String {
        match answer.outcome {
            Outcome::Pass => String::new(),
            Outcome::Breach => self.message.clone(),
            Outcome::Unknown => {
                let facts = schema::Facts::of(subject);
                let missing = self.used.facts.iter().filter(|name| schema::fact(name, &facts).is_none());
                let missing: Vec<&str> = missing.copied().collect();
                if missing.is_empty() {
                    format!("this rule cannot be answered: {}", self.message)
                } else {
                    format!("this rule cannot be answered without {}: {}", missing.join(", "), self.message)
                }
            }
        }
    }
}

/// An error on one line, cut short.
fn one_line(text: &str) -> String {
    crate::pattern::shorten(&text.split_whitespace().collect::<Vec<_>>().join(" "))
}
