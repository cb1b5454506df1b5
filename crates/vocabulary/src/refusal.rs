use crate::{PackageName, Timestamp};

/// Why a client does not get what it asked for, in words for the human behind it. Made by the engine from
/// a verdict, written by the ecosystem in the form its clients print.
#[derive(Debug, Clone)]
pub struct Refusal {
    /// The package asked for.
    pub package: PackageName,
    /// The version asked for, when one was.
    pub version: Option<String>,
    /// Stable code of the finding that decided, such as `release-too-new`.
    pub code: String,
    /// One sentence: what was found.
    pub sentence: String,
    /// When the hold ends by itself; `None` for a refusal that does not.
    pub until: Option<Timestamp>,
    /// The newest release of the package that is allowed.
    pub newest_allowed: Option<String>,
    /// Address of the page that lists what is hidden, why, and how to ask for a waiver.
    pub page: String,
}

impl Refusal {
    /// The one line every channel carries:
    /// `left-pad@1.3.1 is held (release-too-new): published 2 hours ago, … Allowed: 1.3.0. Held until …. See …`.
    pub fn line(&self) -> String {
        let subject = match &self.version {
            Some(version) => format!("{}@{version}", self.package),
            None => self.package.to_string(),
        };
        let state = if self.until.is_some() { "held" } else { "refused" };
        let mut line = format!(
            "{subject} is {state} by Lazaret ({}): {}",
            self.code,
            self.sentence.trim_end_matches('.')
        );
        line.push('.');
        if let Some(until) = self.until {
            line.push_str(&format!(" The hold ends {until}."));
        }
        if let Some(version) = &self.newest_allowed {
            line.push_str(&format!(" Newest allowed: {version}."));
        }
        if !self.page.is_empty() {
            line.push_str(&format!(" Details and waivers: {}", self.page));
        }
        line
    }
}
