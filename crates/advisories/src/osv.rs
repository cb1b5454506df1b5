//! One record of the Open Source Vulnerability format, schema 1.7.5.

use crate::{Severity, marks};
use lazaret_vocabulary::{Malformed, Timestamp};
use serde::Deserialize;
use serde_json::Value;

/// Largest record that is read, in bytes. The largest of the public databases has 1.5 MB.
pub const MAX_RECORD_BYTES: usize = 4 << 20;

const MAX_ID: usize = 128;
const MAX_ALIASES: usize = 256;
const MAX_AFFECTED: usize = 20_000;
const MAX_RANGES: usize = 2_000;
const MAX_EVENTS: usize = 4_000;
const MAX_VERSIONS: usize = 100_000;
const MAX_NAME: usize = 512;
const MAX_VERSION: usize = 256;
const MAX_SUMMARY: usize = 200;
const MAX_URL: usize = 500;

/// What an advisory says, reduced to what verdicts need. Made by [`Advisory::parse`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advisory {
    /// Its id, such as `GHSA-…`, `RUSTSEC-…`, `MAL-…`: graphic ASCII.
    pub id: String,
    /// Ids of the same thing in other databases.
    pub aliases: Vec<String>,
    /// When it was last changed. Of two records with one id the later is authoritative (OSV "id, modified").
    pub modified: Option<Timestamp>,
    /// It was taken back: it covers nothing any more, and is kept only to take back older copies of itself.
    pub withdrawn: bool,
    /// One line of at most 200 characters, safe to show: `summary`, or else the first line of `details`.
    pub summary: String,
    /// Where to read more: an http(s) address.
    pub url: Option<String>,
    /// Which packages it covers. A package can stand here several times.
    pub affected: Vec<Affected>,
}

/// One element of `affected`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Affected {
    /// The ecosystem as OSV names it, its suffix included (`Debian:12`).
    pub ecosystem: String,
    /// The package's name as the record writes it.
    pub name: String,
    /// Events of each range that version order can evaluate (`SEMVER`, `ECOSYSTEM`), in the record's order.
    pub ranges: Vec<Vec<Event>>,
    /// Versions listed one by one.
    pub versions: Vec<String>,
    /// The highest of all vectors of the record and of this element; without a readable one, the database's
    /// rating word; without that, `Severity::None` for an informational record, and else unknown.
    pub severity: Option<Severity>,
    /// The release is malicious, not merely flawed.
    pub malware: bool,
    /// It is not a vulnerability but a notice.
    pub informational: Option<Informational>,
}

impl Affected {
    /// `ecosystem` without its suffix: `Debian` of `Debian:12`.
    pub fn plain_ecosystem(&self) -> &str {
        self.ecosystem.split(':').next().unwrap_or(&self.ecosystem)
    }
}

/// Kinds of records that are no vulnerabilities (RustSec's `informational`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Informational {
    /// Nobody looks after the package any more.
    Unmaintained,
    /// A safe interface can be used to break memory safety, though no way to exploit it is known.
    Unsound,
    /// Anything else.
    Notice,
}

/// A change of state along the version order (OSV `affected[].ranges[].events`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// What happens.
    pub kind: EventKind,
    /// At which version. `0` of an introduction lies before every version, `*` of a limit after every one.
    pub version: String,
}

/// What an [`Event`] does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EventKind {
    /// This version and those after it are affected.
    Introduced,
    /// This version and those after it are not.
    Fixed,
    /// Those after this version are not.
    LastAffected,
    /// The range speaks only of versions before one of its limits.
    Limit,
}

#[derive(Deserialize)]
struct WireRecord {
    id: String,
    modified: Option<String>,
    withdrawn: Option<String>,
    aliases: Option<Vec<String>>,
    summary: Option<String>,
    details: Option<String>,
    severity: Option<Vec<WireSeverity>>,
    affected: Option<Vec<WireAffected>>,
    references: Option<Vec<WireReference>>,
    #[serde(default)]
    database_specific: Value,
}

#[derive(Deserialize)]
struct WireSeverity {
    #[serde(rename = "type")]
    kind: Option<String>,
    #[serde(default)]
    score: Value,
}

#[derive(Deserialize)]
struct WireAffected {
    package: Option<WirePackage>,
    severity: Option<Vec<WireSeverity>>,
    ranges: Option<Vec<WireRange>>,
    versions: Option<Vec<String>>,
    #[serde(default)]
    ecosystem_specific: Value,
    #[serde(default)]
    database_specific: Value,
}

#[derive(Deserialize)]
struct WirePackage {
    ecosystem: String,
    name: String,
}

#[derive(Deserialize)]
struct WireRange {
    #[serde(rename = "type")]
    kind: String,
    events: Option<Vec<WireEvent>>,
}

#[derive(Deserialize)]
struct WireEvent {
    introduced: Option<String>,
    fixed: Option<String>,
    last_affected: Option<String>,
    limit: Option<String>,
}

#[derive(Deserialize)]
struct WireReference {
    #[serde(rename = "type")]
    kind: Option<String>,
    url: Option<String>,
}

impl Advisory {
    /// Reads one record. Unknown fields, range types, events and severity types are read over; a record
    /// beyond the bounds, or without what the schema demands, is refused with the reason.
    ///
    /// Two departures from the letter of the schema, both for malware alone:
    /// - A record that names a package but no versions and no range to evaluate covers **every** version.
    ///   By the schema's evaluation it would cover none, which for malicious code cannot be meant.
    /// - A `MAL-` record that lists versions **and** has a range that starts at `0` and never ends covers
    ///   the list alone. Such records are merged from several reports of one hijacked package, and by the
    ///   letter would condemn every clean release of it.
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        if bytes.len() > MAX_RECORD_BYTES {
            return Err(Malformed::new(format!("an OSV record of more than {MAX_RECORD_BYTES} bytes")));
        }
        let record: WireRecord = serde_json::from_slice(bytes)
            .map_err(|error| Malformed::new(format!("no OSV record: {error}")))?;
        record.checked()
    }
}

impl WireRecord {
    fn checked(self) -> Result<Advisory, Malformed> {
        if !is_id(&self.id) {
            let start: String = self.id.chars().take(40).collect();
            return Err(Malformed::new(format!("`id` {start:?} is not up to {MAX_ID} graphic characters")));
        }
        let wrong = |error: Malformed| Malformed::new(format!("{}: {error}", self.id));
        let aliases = self.aliases.unwrap_or_default();
        within("aliases", aliases.len(), MAX_ALIASES).map_err(wrong)?;
        let aliases: Vec<String> =
            aliases.into_iter().filter(|alias| is_id(alias) && *alias != self.id).collect();
        let listed = self.affected.unwrap_or_default();
        within("affected", listed.len(), MAX_AFFECTED).map_err(wrong)?;

        let common = Common {
            collected: self.id.starts_with("MAL-"),
            malware: self.id.starts_with("MAL-")
                || aliases.iter().any(|alias| alias.starts_with("MAL-"))
                || marks::malware(&self.database_specific),
            vector: highest(self.severity.as_deref()),
            rating: marks::rating(&self.database_specific),
            informational: marks::informational(&self.database_specific).map(Informational::from_word),
        };
        let mut affected = Vec::with_capacity(listed.len());
        for one in listed {
            affected.extend(one.checked(&common).map_err(wrong)?);
        }
        Ok(Advisory {
            modified: self.modified.and_then(|text| Timestamp::parse(&text).ok()),
            withdrawn: self.withdrawn.is_some(),
            summary: line(self.summary.as_deref())
                .or_else(|| line(self.details.as_deref()))
                .unwrap_or_default(),
            url: address(self.references.as_deref().unwrap_or_default()),
            id: self.id,
            aliases,
            affected,
        })
    }
}

/// What the record says of all its packages.
struct Common {
    /// From the OpenSSF's collection of malicious packages.
    collected: bool,
    malware: bool,
    vector: Option<Severity>,
    rating: Option<Severity>,
    informational: Option<Informational>,
}

impl WireAffected {
    /// `None` for an element without package, which only Git ranges can be evaluated for.
    fn checked(self, common: &Common) -> Result<Option<Affected>, Malformed> {
        let Some(WirePackage { ecosystem, name }) = self.package else { return Ok(None) };
        if name.is_empty() || name.len() > MAX_NAME || ecosystem.len() > MAX_NAME {
            return Err(Malformed::new(format!(
                "a package's name is empty or has more than {MAX_NAME} bytes"
            )));
        }
        let versions = self.versions.unwrap_or_default();
        within("versions", versions.len(), MAX_VERSIONS)?;
        for version in &versions {
            check_version(version)?;
        }
        let wire_ranges = self.ranges.unwrap_or_default();
        within("ranges", wire_ranges.len(), MAX_RANGES)?;
        let mut ranges = Vec::with_capacity(wire_ranges.len());
        for range in wire_ranges.into_iter().filter(|range| ["SEMVER", "ECOSYSTEM"].contains(&&*range.kind)) {
            ranges.push(range.checked()?);
        }
        let malware = common.malware || marks::malware(&self.database_specific);
        if common.collected && !versions.is_empty() {
            ranges.retain(|events| !is_everything(events));
        }
        if malware && versions.is_empty() && ranges.is_empty() {
            ranges.push(vec![Event { kind: EventKind::Introduced, version: "0".to_owned() }]);
        }
        let informational = marks::informational(&self.database_specific)
            .map(Informational::from_word)
            .or(common.informational);
        let own_vector = highest(self.severity.as_deref()).max(marks::vector(&self.database_specific));
        let severity = common
            .vector
            .max(own_vector)
            .or_else(|| marks::rating(&self.database_specific))
            .or_else(|| marks::rating(&self.ecosystem_specific))
            .or(common.rating)
            .or(informational.map(|_| Severity::None));
        Ok(Some(Affected { ecosystem, name, ranges, versions, severity, malware, informational }))
    }
}

impl WireRange {
    fn checked(self) -> Result<Vec<Event>, Malformed> {
        let wire_events = self.events.unwrap_or_default();
        within("events", wire_events.len(), MAX_EVENTS)?;
        let mut events = Vec::with_capacity(wire_events.len());
        for event in wire_events {
            // The schema allows one of them in each object; nothing is lost by reading several.
            for (kind, version) in [
                (EventKind::Introduced, event.introduced),
                (EventKind::Fixed, event.fixed),
                (EventKind::LastAffected, event.last_affected),
                (EventKind::Limit, event.limit),
            ] {
                if let Some(version) = version {
                    check_version(&version)?;
                    events.push(Event { kind, version });
                }
            }
        }
        Ok(events)
    }
}

impl Informational {
    fn from_word(word: &str) -> Self {
        match word {
            "unmaintained" => Self::Unmaintained,
            "unsound" => Self::Unsound,
            _ => Self::Notice,
        }
    }
}

/// From the first version to the last.
fn is_everything(events: &[Event]) -> bool {
    !events.is_empty()
        && events.iter().all(|event| match event.kind {
            EventKind::Introduced => event.version == "0",
            EventKind::Limit => event.version == "*",
            EventKind::Fixed | EventKind::LastAffected => false,
        })
}

fn highest(severities: Option<&[WireSeverity]>) -> Option<Severity> {
    let read = |severity: &WireSeverity| {
        let score = severity.score.as_str()?;
        Severity::from_vector(score).or_else(|| {
            // Ubuntu's priorities are words (OSV "severity[].type").
            Severity::from_word(score).filter(|_| severity.kind.as_deref() == Some("Ubuntu"))
        })
    };
    severities.unwrap_or_default().iter().take(MAX_ALIASES).filter_map(read).max()
}

fn is_id(text: &str) -> bool {
    !text.is_empty() && text.len() <= MAX_ID && text.bytes().all(|byte| byte.is_ascii_graphic())
}

fn within(what: &str, count: usize, limit: usize) -> Result<(), Malformed> {
    if count <= limit {
        return Ok(());
    }
    Err(Malformed::new(format!("`{what}` has {count} elements where {limit} are the limit")))
}

fn check_version(version: &str) -> Result<(), Malformed> {
    if version.is_empty() || version.len() > MAX_VERSION || version.chars().any(char::is_control) {
        return Err(Malformed::new(format!(
            "a version is empty, has more than {MAX_VERSION} bytes or controls"
        )));
    }
    Ok(())
}

/// The first line that says something, without what could disturb a terminal or a page's reading direction.
fn line(text: Option<&str>) -> Option<String> {
    let first =
        text?.lines().map(|line| line.trim().trim_start_matches('#').trim()).find(|line| !line.is_empty())?;
    let disturbs = |c: &char| matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}');
    let mut clean: String = first
        .chars()
        .filter(|c| !disturbs(c))
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(MAX_SUMMARY + 1)
        .collect();
    if clean.chars().count() > MAX_SUMMARY {
        clean = clean.chars().take(MAX_SUMMARY - 1).chain(['…']).collect();
    }
    Some(clean).filter(|clean| !clean.is_empty())
}

/// The best of the references: an advisory's page, or else the first address.
fn address(references: &[WireReference]) -> Option<String> {
    let usable = |reference: &&WireReference| {
        reference.url.as_deref().is_some_and(|url| {
            (url.starts_with("https://") || url.starts_with("http://"))
                && url.len() <= MAX_URL
                && url.bytes().all(|byte| byte.is_ascii_graphic() && !b"<>\"'`".contains(&byte))
        })
    };
    let advisory = |reference: &&WireReference| reference.kind.as_deref() == Some("ADVISORY");
    let mut found = references.iter().filter(usable);
    let best = found.clone().find(advisory).or_else(|| found.next())?;
    best.url.clone()
}
