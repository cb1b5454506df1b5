//! What a rule may say: known names, known functions, and nothing that takes long.

use super::schema::{self, Type};
use crate::pattern::shorten;
use crate::problem::suggestion;
use cel::ExecutionError;
use cel::common::ast::{CallExpr, ComprehensionExpr, Expr, IdedExpr, LiteralValue, SelectExpr, operators};
use std::collections::BTreeSet;

/// Most parts of an expression, macros unfolded.
const NODE_LIMIT: usize = 1000;
/// Deepest nesting. Trees are walked by recursion, here and in the evaluation.
const DEPTH_LIMIT: usize = 64;

/// Functions that end soon. Nothing that repeats, joins or formats is among them.
const FUNCTIONS: [&str; 11] =
    ["size", "contains", "startsWith", "endsWith", "int", "uint", "double", "string", "min", "max", "type"];

/// Names of roots below which facts stand.
const ROOTS: [&str; 4] = ["pkg", "release", "principal", "advisories"];

/// What an expression uses.
#[derive(Debug, Default)]
pub(super) struct Used {
    /// Facts named in full.
    pub(super) facts: BTreeSet<&'static str>,
    /// Roots that are asked as a whole: `advisories`, or by `has(release.licence)`.
    pub(super) roots: BTreeSet<String>,
    /// Facts that change by themselves.
    pub(super) ages: BTreeSet<&'static str>,
    /// The numbers that ages are compared with; `None` when an age is used in another way.
    pub(super) thresholds: Option<Vec<i64>>,
}

struct Lint {
    used: Used,
    nodes: usize,
    /// Variables of the macros around this part, and whether each is an advisory.
    variables: Vec<(String, bool)>,
    in_loop: bool,
}

/// Refuses text whose nesting could exhaust the stack before its tree can be looked at.
pub(super) fn bound_depth(expression: &str) -> Result<(), String> {
    let mut depth = 0usize;
    let mut run = 0usize;
    for byte in expression.bytes() {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        run = if matches!(byte, b'!' | b'-' | b'?') { run + 1 } else { 0 };
        if depth > DEPTH_LIMIT / 2 || run > DEPTH_LIMIT / 2 {
            return Err("the expression is nested too deeply".to_owned());
        }
    }
    Ok(())
}

pub(super) fn check(expression: &IdedExpr) -> Result<Used, String> {
    let used = Used { thresholds: Some(Vec::new()), ..Used::default() };
    let mut lint = Lint { used, nodes: 0, variables: Vec::new(), in_loop: false };
    lint.expression(&expression.expr, 0)?;
    Ok(lint.used)
}

/// Whether an error in evaluation is one of the expression rather than of the facts.
pub(super) fn is_mistake(error: &ExecutionError) -> bool {
    matches!(
        error,
        ExecutionError::NoSuchOverload(_)
            | ExecutionError::UndeclaredReference(_)
            | ExecutionError::UnexpectedType { .. }
            | ExecutionError::ValuesNotComparable(..)
            | ExecutionError::UnsupportedBinaryOperator(..)
            | ExecutionError::UnsupportedTargetType { .. }
            | ExecutionError::NotSupportedAsMethod { .. }
            | ExecutionError::InvalidArgumentCount { .. }
            | ExecutionError::UnsupportedIndex(..)
            | ExecutionError::NoSuchKey(_)
    )
}

impl Lint {
    fn expression(&mut self, expression: &Expr, depth: usize) -> Result<(), String> {
        self.nodes += 1;
        if self.nodes > NODE_LIMIT || depth > DEPTH_LIMIT {
            return Err("the expression is too large or nested too deeply".to_owned());
        }
        match expression {
            Expr::Literal(_) => Ok(()),
            Expr::Ident(name) => self.identifier(name),
            Expr::Select(select) => self.select(select, depth),
            Expr::Call(call) => self.call(call, depth),
            Expr::List(list) => {
                list.elements.iter().try_for_each(|element| self.expression(&element.expr, depth + 1))
            }
            Expr::Comprehension(loops) => self.comprehension(loops, depth),
            Expr::Map(_) | Expr::Struct(_) => Err("maps and messages have no use in a rule".to_owned()),
            Expr::Unspecified => Err("the expression is empty".to_owned()),
        }
    }

    fn identifier(&mut self, name: &str) -> Result<(), String> {
        if self.variables.iter().any(|(variable, _)| variable == name) {
            return Ok(());
        }
        if name == "advisories" {
            self.used.roots.insert(name.to_owned());
            return Ok(());
        }
        if ROOTS.contains(&name) {
            return Err(format!(
                "`{name}` is not a fact; its facts are named below it, such as {}",
                first_below(name)
            ));
        }
        Err(unknown(name))
    }

    fn select(&mut self, select: &SelectExpr, depth: usize) -> Result<(), String> {
        let Expr::Ident(root) = &select.operand.expr else {
            // A field of an entry picked by its number.
            self.field_of_advisory(&select.field)?;
            return self.expression(&select.operand.expr, depth + 1);
        };
        if let Some((_, of_advisory)) = self.variables.iter().rev().find(|(variable, _)| variable == root) {
            return if *of_advisory {
                self.field_of_advisory(&select.field)
            } else {
                Err(format!("`{root}` has no fields"))
            };
        }
        let path = format!("{root}.{}", select.field);
        let (name, kind) = schema::declared(&path).ok_or_else(|| unknown(&path))?;
        if select.test {
            self.used.roots.insert(root.clone());
        } else {
            self.used.facts.insert(name);
        }
        if kind == Type::Days {
            self.used.ages.insert(name);
            if !select.test {
                // Taken back by a comparison that knows how to deal with it.
                self.used.thresholds = None;
            }
        }
        Ok(())
    }

    fn field_of_advisory(&self, field: &str) -> Result<(), String> {
        if schema::ADVISORY_FIELDS.contains(&field) {
            return Ok(());
        }
        let hint = suggestion(field, schema::ADVISORY_FIELDS);
        Err(format!("an advisory has no `{}`{hint}", shorten(field)))
    }

    fn call(&mut self, call: &CallExpr, depth: usize) -> Result<(), String> {
        let name = call.func_name.as_str();
        let operator =
            name.starts_with('_') || name.starts_with('!') || name.starts_with('-') || name.starts_with('@');
        if operator && [operators::OPT_INDEX, operators::OPT_SELECT].contains(&name) {
            return Err("optional selection is not part of these rules".to_owned());
        }
        if !operator && !FUNCTIONS.contains(&name) {
            let hint = suggestion(name, FUNCTIONS);
            return Err(format!("there is no function `{}`{hint}", shorten(name)));
        }
        if let Some(numbers) = self.comparison_of_age(call) {
            // Both sides are looked at below, which would forget the thresholds.
            let known = self.used.thresholds.take();
            let result = self.operands(call, depth);
            self.used.thresholds = known.map(|mut known| {
                known.push(numbers);
                known
            });
            return result;
        }
        self.operands(call, depth)
    }

    fn operands(&mut self, call: &CallExpr, depth: usize) -> Result<(), String> {
        if let Some(target) = &call.target {
            self.expression(&target.expr, depth + 1)?;
        }
        call.args.iter().try_for_each(|argument| self.expression(&argument.expr, depth + 1))
    }

    /// `age < 30`, either way round: the number.
    fn comparison_of_age(&self, call: &CallExpr) -> Option<i64> {
        let comparisons = [
            operators::LESS,
            operators::LESS_EQUALS,
            operators::GREATER,
            operators::GREATER_EQUALS,
            operators::EQUALS,
            operators::NOT_EQUALS,
        ];
        if !comparisons.contains(&call.func_name.as_str()) {
            return None;
        }
        let [left, right] = call.args.as_slice() else { return None };
        match (&left.expr, &right.expr) {
            (Expr::Select(select), Expr::Literal(LiteralValue::Int(number)))
            | (Expr::Literal(LiteralValue::Int(number)), Expr::Select(select)) => {
                let Expr::Ident(root) = &select.operand.expr else { return None };
                let days = schema::declared(&format!("{root}.{}", select.field))?.1 == Type::Days;
                days.then(|| *number.inner())
            }
            _ => None,
        }
    }

    fn comprehension(&mut self, loops: &ComprehensionExpr, depth: usize) -> Result<(), String> {
        if self.in_loop {
            return Err("a loop inside a loop takes too long".to_owned());
        }
        self.expression(&loops.iter_range.expr, depth + 1)?;
        self.expression(&loops.accu_init.expr, depth + 1)?;
        let of_advisory = matches!(&loops.iter_range.expr, Expr::Ident(name) if name == "advisories");
        let before = self.variables.len();
        self.variables.push((loops.iter_var.clone(), of_advisory));
        self.variables.extend(loops.iter_var2.iter().map(|name| (name.clone(), false)));
        self.variables.push((loops.accu_var.clone(), false));
        self.in_loop = true;
        let result = [&loops.loop_cond, &loops.loop_step, &loops.result]
            .into_iter()
            .try_for_each(|part| self.expression(&part.expr, depth + 1));
        self.in_loop = false;
        self.variables.truncate(before);
        result
    }
}

fn unknown(name: &str) -> String {
    let names = schema::FACTS.iter().map(|(name, _)| *name).chain(["advisories"]);
    format!("there is no fact `{}`{}", shorten(name), suggestion(name, names))
}

fn first_below(root: &str) -> &'static str {
    schema::FACTS
        .iter()
        .map(|(name, _)| *name)
        .find(|name| name.starts_with(root))
        .unwrap_or("release.version")
}
