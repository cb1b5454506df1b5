//! Answers to a client's own vulnerability audit.

use crate::coverage::{END, FIRST, Interval};
use crate::matcher::{Hit, Matcher};

/// Longest range that is written out; beyond it, its hull is.
const LONGEST_RANGE: usize = 4096;

/// An advisory that covers some of the versions somebody asked about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Audited {
    /// The advisory.
    pub hit: Hit,
    /// The versions it covers, of those asked about, in the order they were asked.
    pub versions: Vec<String>,
    /// Everything it covers, as npm writes ranges: `<4.17.21`, `>=1.0.0 <1.2.3 || =2.0.0`, `*`.
    pub vulnerable: String,
}

impl Matcher<'_> {
    /// The advisories that cover at least one of `versions`, worst first.
    pub fn audit(&self, versions: &[&str]) -> Vec<Audited> {
        let positions: Vec<usize> = versions.iter().map(|version| self.position(version)).collect();
        let mut found: Vec<Audited> = Vec::new();
        for group in self.groups() {
            let Some((hit, intervals)) = self.hit_over(group, &positions) else { continue };
            let covered = versions.iter().zip(&positions);
            let covered = covered.filter(|(_, at)| crate::coverage::holds(&intervals, **at));
            let versions = covered.map(|(version, _)| (*version).to_owned()).collect();
            found.push(Audited { hit, versions, vulnerable: self.range(&intervals) });
        }
        found.sort_by(|one, other| {
            (other.hit.malware, other.hit.severity, &one.hit.id).cmp(&(
                one.hit.malware,
                one.hit.severity,
                &other.hit.id,
            ))
        });
        found
    }

    fn range(&self, intervals: &[Interval]) -> String {
        let parts: Vec<String> = intervals.iter().map(|interval| self.part(*interval)).collect();
        let range = parts.join(" || ");
        match (intervals.first(), intervals.last()) {
            (Some(first), Some(last)) if range.len() > LONGEST_RANGE => {
                self.part(Interval { start: first.start, end: last.end })
            }
            _ => range,
        }
    }

    fn part(&self, interval: Interval) -> String {
        let start = self.point(interval.start).unwrap_or_default();
        // An interval ends without its end: at a point, or just after one.
        let (sign, end) = match self.point(interval.end) {
            Some(end) => ("<", end),
            None => ("<=", self.point(interval.end.saturating_sub(1)).unwrap_or_default()),
        };
        match (interval.start == FIRST, interval.end == END) {
            (true, true) => "*".to_owned(),
            (true, false) => format!("{sign}{end}"),
            (false, true) => format!(">={start}"),
            (false, false) if interval.end == interval.start + 1 => format!("={start}"),
            (false, false) => format!(">={start} {sign}{end}"),
        }
    }
}
