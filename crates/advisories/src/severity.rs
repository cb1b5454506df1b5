use std::fmt;

/// Qualitative severity (CVSS v3.1 §5, v4.0 §6), worst last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// 0.0
    None,
    /// 0.1–3.9
    Low,
    /// 4.0–6.9
    Medium,
    /// 7.0–8.9
    High,
    /// 9.0–10.0
    Critical,
}

/// No vector that means anything is longer; CVSS v4.0 with every metric has 170 characters.
const LONGEST_VECTOR: usize = 512;

impl Severity {
    /// As in CVSS, lower case: `none`, `low`, `medium`, `high`, `critical`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }

    /// The word npm's audit uses: `info`, `low`, `moderate`, `high`, `critical`.
    pub const fn audit_word(self) -> &'static str {
        match self {
            Self::None => "info",
            Self::Medium => "moderate",
            other => other.as_str(),
        }
    }

    /// Reads a database's rating word in any case: GitHub's `MODERATE`, `important` and `negligible` of
    /// distributions, CVSS's own words.
    pub fn from_word(word: &str) -> Option<Self> {
        let words = [
            ("none", Self::None),
            ("negligible", Self::Low),
            ("low", Self::Low),
            ("medium", Self::Medium),
            ("moderate", Self::Medium),
            ("high", Self::High),
            ("important", Self::High),
            ("critical", Self::Critical),
        ];
        let word = word.trim();
        words.into_iter().find(|(known, _)| word.eq_ignore_ascii_case(known)).map(|(_, severity)| severity)
    }

    /// Computes a CVSS v2.0, v3.0, v3.1 or v4.0 vector: the base score, for v4.0 with its threat and
    /// environmental metrics. v2.0 has no scale of its own; NIST's is used, so it never gives `Critical`.
    /// A bare number from 0 to 10, which some databases write instead, is read on the v3.1 scale.
    /// `None` when it is no such vector.
    pub fn from_vector(vector: &str) -> Option<Self> {
        let vector = vector.trim().trim_start_matches('(').trim_end_matches(')');
        if vector.is_empty() || vector.len() > LONGEST_VECTOR {
            return None;
        }
        if let Ok(score) = vector.parse::<f64>() {
            return Self::from_score(score);
        }
        let read = vector.parse::<cvss::Cvss>().ok().filter(|_| is_complete(vector))?;
        if read.score() <= 0.0 {
            return Some(Self::None);
        }
        Some(match read.severity() {
            cvss::Severity::None => Self::None,
            cvss::Severity::Low => Self::Low,
            cvss::Severity::Medium => Self::Medium,
            cvss::Severity::High => Self::High,
            cvss::Severity::Critical => Self::Critical,
        })
    }

    fn from_score(score: f64) -> Option<Self> {
        (0.0..=10.0).contains(&score).then_some(match score {
            _ if score <= 0.0 => Self::None,
            _ if score < 4.0 => Self::Low,
            _ if score < 7.0 => Self::Medium,
            _ if score < 9.0 => Self::High,
            _ => Self::Critical,
        })
    }

    pub(crate) const fn to_byte(severity: Option<Self>) -> u8 {
        match severity {
            None => 0,
            Some(Self::None) => 1,
            Some(Self::Low) => 2,
            Some(Self::Medium) => 3,
            Some(Self::High) => 4,
            Some(Self::Critical) => 5,
        }
    }

    /// Outer `None`: no such byte.
    pub(crate) const fn from_byte(byte: u8) -> Option<Option<Self>> {
        Some(match byte {
            0 => None,
            1 => Some(Self::None),
            2 => Some(Self::Low),
            3 => Some(Self::Medium),
            4 => Some(Self::High),
            5 => Some(Self::Critical),
            _ => return None,
        })
    }
}

/// Whether every mandatory metric is there (CVSS v2.0 §2.4, v3.1 §6, v4.0 §7). The `cvss` crate counts a
/// missing one as harmless, which would turn a mangled vector into `Severity::None`.
fn is_complete(vector: &str) -> bool {
    let mandatory: &[&str] = match vector.get(..6) {
        Some("CVSS:3") => &["AV", "AC", "PR", "UI", "S", "C", "I", "A"],
        Some("CVSS:4") => &["AV", "AC", "AT", "PR", "UI", "VC", "VI", "VA", "SC", "SI", "SA"],
        _ => &["AV", "AC", "Au", "C", "I", "A"],
    };
    let named = |metric: &&str| {
        vector
            .split('/')
            .any(|part| part.split(':').next().is_some_and(|name| name.eq_ignore_ascii_case(metric)))
    };
    mandatory.iter().all(named)
}

impl fmt::Display for Severity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}
