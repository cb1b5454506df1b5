//! What is in force for one package and one who asks.

use super::needs::Appetite;
use super::{Mode, NamedRule, Specificity, ValidPolicy};
use crate::checks::{self, Answer, Check, CheckKind, OnHosted, Waivable};
use crate::codes::RELEASE_TOO_NEW;
use crate::settings::Settings;
use crate::verdict::{Action, Outcome};
use lazaret_vocabulary::{PackageName, PrincipalClass};
use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// How many combinations of scopes are kept worked out.
const RESOLVED_LIMIT: usize = 1024;

/// A check with what it leads to.
pub(crate) struct Armed {
    pub(crate) code: Cow<'static, str>,
    pub(crate) check: Arc<dyn Check>,
    action: Action,
    unknown: Action,
    /// It can come to a hold or a refusal.
    pub(crate) withholds: bool,
    pub(crate) waivable: Waivable,
    pub(crate) of_package: bool,
    on_hosted: OnHosted,
    /// Where a breach and an unknown stand in the file.
    source: [String; 2],
}

impl Armed {
    /// What an answer leads to, on a package of this house or from outside.
    pub(crate) fn action(&self, answer: &Answer, hosted: bool) -> Action {
        let action = match (answer.outcome, answer.action) {
            (Outcome::Pass, _) => return Action::Off,
            (_, Some(action)) => action,
            (Outcome::Breach, None) => self.action,
            (Outcome::Unknown, None) => self.unknown,
        };
        match self.on_hosted {
            OnHosted::Nothing if hosted => Action::Off,
            OnHosted::Warn if hosted => action.min(Action::Warn),
            _ => action,
        }
    }

    pub(crate) fn source(&self, outcome: Outcome) -> &str {
        let [breach, unknown] = &self.source;
        if outcome == Outcome::Unknown { unknown } else { breach }
    }
}

/// Everything in force for one combination of scopes.
pub(crate) struct Resolved {
    pub(crate) armed: Vec<Armed>,
    pub(crate) mode: Mode,
    pub(crate) fast_track: bool,
    pub(crate) appetite: Appetite,
}

impl ValidPolicy {
    /// What is in force for the package when that class asks.
    pub(crate) fn resolve(&self, package: &PackageName, class: PrincipalClass) -> Arc<Resolved> {
        let mut matching: Vec<(Specificity, usize)> = Vec::new();
        for (number, scope) in self.scopes.iter().enumerate() {
            if scope.asked_by(class)
                && let Some(specificity) = scope.fits(package)
            {
                scope.matched.fetch_add(1, Ordering::Relaxed);
                matching.push((specificity, number));
            }
        }
        // The later of two equally specific scopes lies on top.
        matching.sort_unstable();
        let numbers: Vec<usize> = matching.into_iter().map(|(_, number)| number).collect();
        let mut known = self.resolved.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(resolved) = known.get(&numbers) {
            return resolved.clone();
        }
        let resolved = Arc::new(self.work_out(&numbers));
        if known.len() >= RESOLVED_LIMIT {
            known.clear();
        }
        known.insert(numbers, resolved.clone());
        resolved
    }

    fn work_out(&self, scopes: &[usize]) -> Resolved {
        let settings = self.settings(scopes);
        let armed = checks::KINDS.into_iter().map(|kind| arm(kind, &settings));
        let armed = armed.chain(self.rules.iter().map(|rule| arm_rule(rule, &settings))).collect();
        let of_rules = if self.rules.is_empty() { Appetite::default() } else { Appetite::EVERYTHING };
        let scoped = scopes.iter().rev().filter_map(|number| self.scopes.get(*number)?.layer.mode.as_ref());
        let mode = scoped.map(|(mode, _)| *mode).next().unwrap_or(self.mode());
        let fast_track = settings.flag(RELEASE_TOO_NEW, "fast_track_fixes").unwrap_or(false);
        Resolved { armed, mode, fast_track, appetite: Appetite::of(&settings).and(of_rules) }
    }
}

fn arm(kind: &'static CheckKind, settings: &Settings<'_>) -> Armed {
    let code = kind.code;
    let action = settings.action(code, "action").unwrap_or(Action::Refuse);
    let unknown = settings.action(code, "unknown").unwrap_or(Action::Refuse);
    let stale = settings.action(code, "stale").unwrap_or(Action::Off);
    let source = |key| settings.place(code, key).map(ToString::to_string).unwrap_or_default();
    Armed {
        code: Cow::Borrowed(code),
        check: (kind.build)(settings),
        action,
        unknown,
        withholds: action.withholds() || unknown.withholds() || stale.withholds(),
        waivable: kind.waivable,
        of_package: kind.of_package,
        on_hosted: kind.on_hosted,
        source: [source("action"), source("unknown")],
    }
}

fn arm_rule(rule: &NamedRule, settings: &Settings<'_>) -> Armed {
    let code = rule.code.as_str();
    let action = settings.action(code, "action").unwrap_or(Action::Refuse);
    let unknown = settings.action(code, "unknown").unwrap_or(Action::Warn);
    let source = |key| settings.place(code, key).unwrap_or(&rule.place).to_string();
    Armed {
        code: Cow::Owned(rule.code.clone()),
        check: rule.rule.clone(),
        action,
        unknown,
        withholds: action.withholds() || unknown.withholds(),
        waivable: Waivable::Yes,
        of_package: false,
        on_hosted: OnHosted::Nothing,
        source: [source("action"), source("unknown")],
    }
}
