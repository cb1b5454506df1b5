//! What the findings come to, and the two proofs that only the firewall makes.

use lazaret_vocabulary::Timestamp;
use std::borrow::Cow;
use std::sync::Arc;

/// What one check says of one release.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Looked at, nothing wrong.
    Pass,
    /// The rule is broken.
    Breach,
    /// What the rule needs to know is not known.
    Unknown,
}

/// What a finding leads to, after scopes, modes, waivers and kill switches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// Nothing.
    Off,
    /// Told, not stopped.
    Warn,
    /// Kept back until a moment, or until a human decides.
    Hold,
    /// Not let in.
    Refuse,
}

impl Action {
    /// Every action, the mildest first.
    pub const ALL: [Self; 4] = [Self::Off, Self::Warn, Self::Hold, Self::Refuse];

    /// As policy files write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Warn => "warn",
            Self::Hold => "hold",
            Self::Refuse => "refuse",
        }
    }

    /// Whether it keeps a release from being shown.
    pub const fn withholds(self) -> bool {
        matches!(self, Self::Hold | Self::Refuse)
    }
}

/// What all findings on a release come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Let in.
    Admit,
    /// Kept back until a moment, or until a human decides.
    Hold,
    /// Not let in.
    Refuse,
}

impl Verdict {
    /// As records and test cases write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Admit => "admit",
            Self::Hold => "hold",
            Self::Refuse => "refuse",
        }
    }
}

impl From<Option<&Withheld>> for Verdict {
    fn from(withheld: Option<&Withheld>) -> Self {
        match withheld.map(|withheld| withheld.action) {
            None => Self::Admit,
            Some(Action::Hold) => Self::Hold,
            Some(_) => Self::Refuse,
        }
    }
}

/// One check's answer with all a human needs to follow it.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Finding {
    /// Stable code, such as `release-too-new`.
    pub code: Cow<'static, str>,
    /// What the check said.
    pub outcome: Outcome,
    /// What it leads to.
    pub action: Action,
    /// The evidence in one sentence without a full stop; on a pass empty, or a remark.
    pub sentence: String,
    /// When a hold ends by itself.
    pub until: Option<Timestamp>,
    /// Where the rule stands: `policy.toml:12`, or `baseline:40`.
    pub source: String,
    /// The waiver that took the finding's force, by id.
    pub waived_by: Option<Arc<str>>,
}

/// Why a release is not shown. The finding that decided comes first.
#[derive(Debug, Clone)]
pub struct Withheld {
    /// `Hold` or `Refuse`.
    pub action: Action,
    /// Code of the deciding finding.
    pub code: Cow<'static, str>,
    /// Its sentence.
    pub sentence: String,
    /// When every hold on it ends; `None` when one does not end by itself.
    pub until: Option<Timestamp>,
    /// All codes that hold or refuse it.
    pub codes: Vec<Cow<'static, str>>,
}

/// All findings on one release and what they come to. For people: `explain`, refusals, records.
#[derive(Debug, Clone)]
pub struct Judgement {
    /// Every check's finding, passes included.
    pub findings: Vec<Finding>,
    /// Why it is withheld; `None` is admitted.
    pub withheld: Option<Withheld>,
    /// Why it would be withheld, where the policy merely observes.
    pub observed: Option<Withheld>,
}

/// The firewall's verdict on every release of one package: proof that a policy was asked, and the only key
/// to rendering an index. It has no public constructor.
///
/// ```compile_fail,E0451
/// use lazaret_policy::Allowed;
/// let forged =
///     Allowed { verdicts: Vec::new(), observed: Vec::new(), next_change: None, revision: "1".into() };
/// ```
#[derive(Debug)]
pub struct Allowed {
    /// `None` is admitted; same order as the dossier's releases.
    pub(crate) verdicts: Vec<Option<Box<Withheld>>>,
    /// What the verdict would be if the policy did more than observe; empty where it does.
    pub(crate) observed: Vec<Option<Box<Withheld>>>,
    pub(crate) next_change: Option<Timestamp>,
    pub(crate) revision: Arc<str>,
}

/// Proof that the firewall lets one release pass. Serving its bytes needs it.
///
/// ```compile_fail,E0451
/// let forged = lazaret_policy::Pass { revision: "1".into() };
/// ```
#[derive(Debug)]
pub struct Pass {
    revision: Arc<str>,
}

impl Judgement {
    /// What is done with the release.
    pub fn verdict(&self) -> Verdict {
        self.withheld.as_ref().into()
    }
}

impl Allowed {
    /// Whether release number `index` may be seen. A number out of range may not.
    pub fn admits(&self, index: usize) -> bool {
        matches!(self.verdicts.get(index), Some(None))
    }

    /// Why release number `index` is withheld; `None` when it is admitted or does not exist.
    pub fn withheld(&self, index: usize) -> Option<&Withheld> {
        self.verdicts.get(index)?.as_deref()
    }

    /// Why release number `index` would be withheld if the policy did more than observe.
    pub fn observed(&self, index: usize) -> Option<&Withheld> {
        self.observed.get(index)?.as_deref()
    }

    /// The proof that release number `index` may be served.
    pub fn pass(&self, index: usize) -> Option<Pass> {
        self.admits(index).then(|| Pass { revision: self.revision.clone() })
    }

    /// How many releases were judged.
    pub fn len(&self) -> usize {
        self.verdicts.len()
    }

    /// Whether there was nothing to judge.
    pub fn is_empty(&self) -> bool {
        self.verdicts.is_empty()
    }

    /// The next moment at which the verdict changes by itself, because a hold ends or an age check begins
    /// to speak. What was rendered from this is good until then.
    pub fn next_change(&self) -> Option<Timestamp> {
        self.next_change
    }

    /// Digest of the policy that judged.
    pub fn revision(&self) -> &str {
        &self.revision
    }
}

impl Pass {
    /// Digest of the policy that judged.
    pub fn revision(&self) -> &str {
        &self.revision
    }
}
