use std::sync::Arc;

/// Who asks. Made by `identity` from a checked credential, or anonymous.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Principal {
    /// An opaque id that is safe in logs and records; `anonymous` for nobody.
    pub id: Arc<str>,
    /// What kind of asker it is; policy scopes can name it.
    pub class: PrincipalClass,
}

/// The kinds of askers that a policy scope can tell apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PrincipalClass {
    /// No credential was shown.
    Anonymous,
    /// A human.
    Person,
    /// A job of a CI system.
    Ci,
    /// A build that Lazaret runs itself.
    Build,
    /// An AI agent.
    Agent,
}

impl PrincipalClass {
    /// Every class.
    pub const ALL: [Self; 5] = [Self::Anonymous, Self::Person, Self::Ci, Self::Build, Self::Agent];

    /// As written in policy files and tokens.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Anonymous => "anonymous",
            Self::Person => "person",
            Self::Ci => "ci",
            Self::Build => "build",
            Self::Agent => "agent",
        }
    }
}

impl Principal {
    /// Nobody in particular.
    pub fn anonymous() -> Self {
        Self { id: "anonymous".into(), class: PrincipalClass::Anonymous }
    }
}
