//! The policy that is in force: the embedded baseline, a file laid over it, and its scopes.

mod needs;
mod read;
mod read_rule;
mod read_scope;
mod resolve;
#[cfg(test)]
mod tests;

use crate::checks;
use crate::codes::RESERVED_NAME;
use crate::pattern::{KnownEcosystem, NamePattern};
use crate::problem::PolicyProblems;
use crate::rules::Rule;
use crate::settings::{Place, Settings, Tables, Value};
use lazaret_vocabulary::{PackageName, PrincipalClass};
use std::collections::{BTreeSet, HashMap};
use std::fmt::{self, Write as _};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

pub use needs::Needs;
pub(crate) use resolve::{Armed, Resolved};

/// The policy of a house that has said nothing.
pub const BASELINE: &str = include_str!("../baseline.toml");

/// How the baseline calls itself as a source.
const BASELINE_NAME: &str = "baseline";

/// Whether verdicts are carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// They are.
    Enforce,
    /// They are only recorded.
    Observe,
}

impl Mode {
    /// As policy files write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Enforce => "enforce",
            Self::Observe => "observe",
        }
    }
}

/// Settings of one level.
#[derive(Default)]
pub(crate) struct Layer {
    pub(crate) tables: Tables,
    pub(crate) mode: Option<(Mode, Place)>,
}

/// Settings for some packages or some who ask.
pub(crate) struct Scope {
    pub(crate) place: Place,
    /// Empty is all.
    pub(crate) ecosystems: Vec<String>,
    /// Empty is all.
    pub(crate) packages: Vec<NamePattern>,
    /// Empty is all.
    pub(crate) classes: Vec<PrincipalClass>,
    pub(crate) layer: Layer,
    pub(crate) matched: AtomicU64,
}

/// A condition of the house's own.
pub(crate) struct NamedRule {
    pub(crate) code: String,
    pub(crate) place: Place,
    pub(crate) when: String,
    pub(crate) message: String,
    pub(crate) rule: Arc<Rule>,
}

/// How much a scope says about what it is for. Compared from left to right: a name in full before a pattern,
/// a pattern with more characters before one with fewer, a class, an ecosystem.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Specificity {
    exact: bool,
    literals: usize,
    class: bool,
    ecosystem: bool,
}

impl Scope {
    pub(crate) fn new(place: Place) -> Self {
        Self {
            place,
            ecosystems: Vec::new(),
            packages: Vec::new(),
            classes: Vec::new(),
            layer: Layer::default(),
            matched: AtomicU64::new(0),
        }
    }

    /// Whether it can speak of the package, whoever asks, and how much it says.
    fn fits(&self, package: &PackageName) -> Option<Specificity> {
        let ecosystem = package.ecosystem().as_str();
        if !self.ecosystems.is_empty() && !self.ecosystems.iter().any(|id| id == ecosystem) {
            return None;
        }
        let nothing = Specificity {
            exact: false,
            literals: 0,
            class: !self.classes.is_empty(),
            ecosystem: !self.ecosystems.is_empty(),
        };
        if self.packages.is_empty() {
            return Some(nothing);
        }
        let matching = self.packages.iter().filter(|pattern| pattern.matches(package));
        matching
            .map(|name| Specificity {
                exact: name.pattern.is_exact(),
                literals: name.pattern.literals(),
                ..nothing
            })
            .max()
    }

    fn asked_by(&self, class: PrincipalClass) -> bool {
        self.classes.is_empty() || self.classes.contains(&class)
    }
}

/// A value in force, for people.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Shown {
    /// `release-too-new.min_age`, or with the scope's place before it: `scope(policy.toml:12).mode`.
    pub path: String,
    /// The value as a policy file writes it.
    pub value: String,
    /// `policy.toml:12` or `baseline:40`.
    pub source: String,
}

/// A policy that was read whole and found free of mistakes; [`ValidPolicy::parse`] is the only way to one.
pub struct ValidPolicy {
    baseline: Layer,
    file: Layer,
    scopes: Vec<Scope>,
    pub(crate) rules: Vec<NamedRule>,
    reserved: Vec<NamePattern>,
    revision: Arc<str>,
    resolved: Mutex<HashMap<Vec<usize>, Arc<Resolved>>>,
}

impl fmt::Debug for ValidPolicy {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("ValidPolicy").field("revision", &self.revision).finish_non_exhaustive()
    }
}

impl ValidPolicy {
    /// The policy of a house that has said nothing.
    pub fn baseline() -> Self {
        Self::parse("", "policy.toml", &[]).unwrap_or_else(|_| Self::closed())
    }

    /// Reads a policy file over the baseline. `file_name` is how mistakes and sources name it; `ecosystems` is
    /// what it may speak of. Without any, every id passes and names are compared in lower case.
    pub fn parse(
        text: &str,
        file_name: &str,
        ecosystems: &[KnownEcosystem<'_>],
    ) -> Result<Self, PolicyProblems> {
        let baseline = read::read(BASELINE, BASELINE_NAME, &[])?.layer;
        let content = read::read(text, file_name, ecosystems)?;
        let mut policy = Self {
            baseline,
            file: content.layer,
            scopes: content.scopes,
            rules: content.rules,
            reserved: Vec::new(),
            revision: "".into(),
            resolved: Mutex::default(),
        };
        policy.reserved = policy.read_reserved(ecosystems);
        policy.revision = policy.digest().into();
        Ok(policy)
    }

    /// What stands in for a baseline that cannot be read, which a test rules out: nothing is known, and
    /// every check falls back to refusing.
    fn closed() -> Self {
        Self {
            baseline: Layer::default(),
            file: Layer::default(),
            scopes: Vec::new(),
            rules: Vec::new(),
            reserved: Vec::new(),
            revision: "closed".into(),
            resolved: Mutex::default(),
        }
    }

    fn read_reserved(&self, known: &[KnownEcosystem<'_>]) -> Vec<NamePattern> {
        let settings = self.settings(&[]);
        let keys = settings
            .layers
            .iter()
            .filter_map(|layer| layer.get(RESERVED_NAME))
            .flat_map(|table| table.keys());
        let keys: BTreeSet<&String> = keys.collect();
        let texts = keys.into_iter().flat_map(|key| settings.texts(RESERVED_NAME, key));
        texts.filter_map(|text| NamePattern::read(text, None, known).ok()).flatten().collect()
    }

    /// The layers in force, with these scopes over them.
    fn settings(&self, scopes: &[usize]) -> Settings<'_> {
        let own = [&self.baseline.tables, &self.file.tables].into_iter();
        let scoped = scopes.iter().filter_map(|number| Some(&self.scopes.get(*number)?.layer.tables));
        Settings { layers: own.chain(scoped).collect() }
    }

    /// Hexadecimal SHA-256 of everything in force; comments, order and layout of the file do not change it.
    pub fn revision(&self) -> &str {
        &self.revision
    }

    /// Its first twelve digits, for people.
    pub fn short_revision(&self) -> &str {
        self.revision.get(..12).unwrap_or(&self.revision)
    }

    pub(crate) fn shared_revision(&self) -> Arc<str> {
        self.revision.clone()
    }

    fn digest(&self) -> String {
        let mut text = String::from("lazaret policy 1\n");
        for (key, value, _) in self.general() {
            let _ = writeln!(text, "{key} = {value}");
        }
        for scope in &self.scopes {
            text.push_str("[[scope]]\n");
            for (key, value, _) in scope.rows() {
                let _ = writeln!(text, "{key} = {value}");
            }
        }
        hex::encode(ring::digest::digest(&ring::digest::SHA256, text.as_bytes()))
    }

    /// The mode where no scope says otherwise.
    pub fn mode(&self) -> Mode {
        let mode = self.file.mode.as_ref().or(self.baseline.mode.as_ref());
        mode.map_or(Mode::Enforce, |(mode, _)| *mode)
    }

    /// Every value in force and where it stands: the general ones first, then what each scope says.
    pub fn show(&self) -> Vec<Shown> {
        let general = self.general().into_iter().map(|(path, value, place)| Shown {
            path,
            value,
            source: place.to_string(),
        });
        let scoped = self.scopes.iter().flat_map(|scope| {
            scope.rows().into_iter().map(|(key, value, place)| Shown {
                path: format!("scope({}).{key}", scope.place),
                value,
                source: place.to_string(),
            })
        });
        general.chain(scoped).collect()
    }

    fn general(&self) -> Vec<Row<'_>> {
        let mut rows = Vec::new();
        if let Some((mode, place)) = self.file.mode.as_ref().or(self.baseline.mode.as_ref()) {
            rows.push(("mode".to_owned(), format!("\"{}\"", mode.as_str()), place));
        }
        let settings = self.settings(&[]);
        for kind in checks::KINDS {
            let tables = settings.layers.iter().filter_map(|layer| layer.get(kind.code));
            let keys: BTreeSet<&String> = tables.flat_map(|table| table.keys()).collect();
            let of_kind = keys.into_iter().filter_map(|key| Some((key, settings.get(kind.code, key)?)));
            rows.extend(of_kind.map(|(key, setting)| {
                (format!("{}.{key}", kind.code), setting.value.to_string(), &setting.place)
            }));
        }
        for rule in &self.rules {
            let code = &rule.code;
            rows.push((format!("rule.{code}.when"), format!("{:?}", rule.when), &rule.place));
            rows.push((format!("rule.{code}.message"), format!("{:?}", rule.message), &rule.place));
            let actions = ["action", "unknown"].into_iter();
            let actions = actions.filter_map(|key| Some((key, settings.get(code, key)?)));
            rows.extend(actions.map(|(key, setting)| {
                (format!("rule.{code}.{key}"), setting.value.to_string(), &setting.place)
            }));
        }
        rows
    }

    /// Whether the name belongs to this house by a pattern of the policy. Such a name is never asked of an
    /// upstream, in any mode.
    pub fn is_reserved(&self, package: &PackageName) -> bool {
        self.reserved.iter().any(|pattern| pattern.matches(package))
    }

    /// Whether verdicts on the package can differ between classes of principals.
    pub fn class_matters(&self, package: &PackageName) -> bool {
        self.rules.iter().any(|rule| rule.rule.asks_who())
            || self.scopes.iter().any(|scope| !scope.classes.is_empty() && scope.fits(package).is_some())
    }

    /// Codes of the policy's own rules.
    pub fn rule_codes(&self) -> Vec<&str> {
        self.rules.iter().map(|rule| rule.code.as_str()).collect()
    }

    /// The scopes and rules that matched nothing since the policy was read, by their places.
    pub fn unmatched(&self) -> Vec<String> {
        let scopes = self.scopes.iter().filter(|scope| scope.matched.load(Ordering::Relaxed) == 0);
        let scopes = scopes.map(|scope| format!("{}: this [[scope]] matched nothing", scope.place));
        let rules = self.rules.iter().filter(|rule| rule.rule.matched() == 0);
        let rules = rules.map(|rule| format!("{}: the rule {} matched nothing", rule.place, rule.code));
        scopes.chain(rules).collect()
    }
}

/// Key, value as a policy file writes it, place.
type Row<'p> = (String, String, &'p Place);

impl Scope {
    fn rows(&self) -> Vec<Row<'_>> {
        let list = |texts: Vec<String>| Value::Texts(texts).to_string();
        let names = self.packages.iter().map(|name| match &name.ecosystem {
            Some(id) => format!("{id}:{}", name.pattern.as_str()),
            None => name.pattern.as_str().to_owned(),
        });
        let classes = self.classes.iter().map(|class| class.as_str().to_owned());
        let lists = [
            ("ecosystem", self.ecosystems.clone()),
            ("package", names.collect()),
            ("class", classes.collect()),
        ];
        let lists = lists.into_iter().filter(|(_, texts)| !texts.is_empty());
        let mode = self.layer.mode.iter();
        let tables = self.layer.tables.iter().flat_map(|(code, table)| {
            table.iter().map(move |(key, setting)| {
                (format!("{code}.{key}"), setting.value.to_string(), &setting.place)
            })
        });
        lists
            .map(|(key, texts)| (key.to_owned(), list(texts), &self.place))
            .chain(mode.map(|(mode, place)| ("mode".to_owned(), format!("\"{}\"", mode.as_str()), place)))
            .chain(tables)
            .collect()
    }
}
