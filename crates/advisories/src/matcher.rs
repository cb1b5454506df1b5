//! Many versions of one package against all its advisories.

use crate::Severity;
use crate::coverage::{END, FIRST, Interval, holds, intervals, join};
use crate::index::{AdvisoryIndex, PackageAdvisory};
use crate::order::{VersionOrder, sort};
use crate::osv::{EventKind, Informational};
use lazaret_vocabulary::EcosystemId;
use std::cmp::Ordering;
use std::collections::HashMap;
use std::sync::Arc;

/// An advisory that covers a version, with all others that describe the same thing folded into it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    /// The id to name it by: of the folded ones, a malware record's before GitHub's, a database's own
    /// before a CVE, and else the first in alphabetical order.
    pub id: Arc<str>,
    /// All other ids, sorted: of the folded records and all their aliases.
    pub aliases: Vec<Arc<str>>,
    /// One line on what it is about; can be empty.
    pub summary: Arc<str>,
    /// The highest of the folded ones that is known.
    pub severity: Option<Severity>,
    /// One of them says that the release is malicious.
    pub malware: bool,
    /// All of them say no more than that nobody looks after the package.
    pub unmaintained: bool,
    /// None of them is a vulnerability or malware; all are notices.
    pub informational: bool,
    /// Where to read more.
    pub url: Option<Arc<str>>,
    fixed: Arc<[Arc<str>]>,
}

impl Hit {
    /// Versions named as fixes by the folded records, without duplicates, oldest first.
    pub fn fixed_in(&self) -> impl Iterator<Item = &str> {
        self.fixed.iter().map(|version| &**version)
    }

    /// Whether `id` is the main id or an alias.
    pub fn is_called(&self, id: &str) -> bool {
        *self.id == *id || self.aliases.iter().any(|alias| **alias == *id)
    }
}

/// The advisories of one package, prepared for asking about many versions: boundary versions are sorted
/// once, so that a version costs a look-up, or some comparisons, and then integers.
pub struct Matcher<'a> {
    pub(crate) order: &'a dyn VersionOrder,
    /// All boundary and listed versions, one spelling of each, sorted.
    points: Vec<&'a str>,
    /// Their numbers, by every spelling that occurs.
    numbers: HashMap<&'a str, usize>,
    /// Advisories of the same thing stand together.
    groups: Vec<Group<'a>>,
}

pub(crate) struct Group<'a> {
    members: Vec<Member<'a>>,
    /// The hit when all members cover a version, which is nearly always.
    whole: Hit,
}

struct Member<'a> {
    advisory: PackageAdvisory<'a>,
    intervals: Vec<Interval>,
}

impl AdvisoryIndex {
    /// Prepares the advisories of a package; `None` when it has none.
    pub fn matcher<'a>(
        &'a self,
        ecosystem: EcosystemId,
        key: &str,
        order: &'a dyn VersionOrder,
    ) -> Option<Matcher<'a>> {
        let advisories: Vec<_> = self.for_package(ecosystem, key).collect();
        (!advisories.is_empty()).then(|| Matcher::new(advisories, order))
    }

    /// The advisories that cover one version. For several versions use [`matcher`](Self::matcher).
    pub fn matches(
        &self,
        ecosystem: EcosystemId,
        key: &str,
        version: &str,
        order: &dyn VersionOrder,
    ) -> Vec<Hit> {
        self.matcher(ecosystem, key, order).map(|matcher| matcher.hits(version)).unwrap_or_default()
    }
}

impl<'a> Matcher<'a> {
    fn new(advisories: Vec<PackageAdvisory<'a>>, order: &'a dyn VersionOrder) -> Self {
        let mut texts: Vec<&str> = Vec::new();
        for advisory in &advisories {
            let events = advisory.coverage.ranges().flatten();
            texts.extend(events.filter(|event| !is_boundless(*event)).map(|(_, version)| version));
            texts.extend(advisory.coverage.versions());
        }
        texts.sort_unstable();
        texts.dedup();
        sort(&mut texts, order);
        let mut points: Vec<&str> = Vec::with_capacity(texts.len());
        let mut numbers = HashMap::with_capacity(texts.len());
        for text in texts {
            if points.last().is_none_or(|last| order.compare(last, text) != Ordering::Equal) {
                points.push(text);
            }
            numbers.insert(text, points.len() - 1);
        }
        let mut matcher = Self { order, points, numbers, groups: Vec::new() };
        let members = advisories.into_iter().map(|advisory| matcher.member(advisory)).collect();
        matcher.groups = folded(members)
            .into_iter()
            .map(|members| {
                let whole = matcher.hit(&members.iter().collect::<Vec<_>>());
                Group { members, whole }
            })
            .collect();
        matcher
    }

    /// The advisories that cover `version`, worst first.
    pub fn hits(&self, version: &str) -> Vec<Hit> {
        let position = self.position(version);
        let mut hits: Vec<Hit> =
            self.groups.iter().filter_map(|group| self.hit_of(group, position)).map(|(hit, _)| hit).collect();
        hits.sort_by(|one, other| {
            (other.malware, other.severity, &one.id).cmp(&(one.malware, one.severity, &other.id))
        });
        hits
    }

    /// Whether any advisory covers `version`. Does not allocate.
    pub fn is_affected(&self, version: &str) -> bool {
        let position = self.position(version);
        self.groups.iter().flat_map(|group| &group.members).any(|member| holds(&member.intervals, position))
    }

    pub(crate) fn groups(&self) -> &[Group<'a>] {
        &self.groups
    }

    /// The group's hit at a position, with the joined intervals of the members that cover it.
    fn hit_of<'m>(&self, group: &'m Group<'a>, position: usize) -> Option<(Hit, Vec<&'m Member<'a>>)> {
        let covering: Vec<&Member<'a>> =
            group.members.iter().filter(|member| holds(&member.intervals, position)).collect();
        match covering.len() {
            0 => None,
            all if all == group.members.len() => Some((group.whole.clone(), covering)),
            _ => Some((self.hit(&covering), covering)),
        }
    }

    /// The hit of a group for any of these positions, and the union of what the covering members cover.
    pub(crate) fn hit_over(&self, group: &Group<'a>, positions: &[usize]) -> Option<(Hit, Vec<Interval>)> {
        let covers = |member: &&Member<'a>| positions.iter().any(|at| holds(&member.intervals, *at));
        let covering: Vec<&Member<'a>> = group.members.iter().filter(covers).collect();
        let intervals = covering.iter().flat_map(|member| member.intervals.iter().copied()).collect();
        (!covering.is_empty()).then(|| (self.hit(&covering), join(intervals)))
    }

    /// Where a version stands among the points; see [`Interval`].
    pub(crate) fn position(&self, version: &str) -> usize {
        if let Some(number) = self.numbers.get(version) {
            return number * 2 + 1;
        }
        match self.points.binary_search_by(|point| self.order.compare(point, version)) {
            Ok(number) => number * 2 + 1,
            Err(number) => number * 2,
        }
    }

    /// The version at an odd position, which is that of a point.
    pub(crate) fn point(&self, position: usize) -> Option<&'a str> {
        self.points.get(position / 2).copied().filter(|_| position % 2 == 1)
    }

    fn member(&self, advisory: PackageAdvisory<'a>) -> Member<'a> {
        let at = |text: &str| self.numbers.get(text).map_or(FIRST, |number| number * 2 + 1);
        let mut covered: Vec<Interval> = Vec::new();
        for range in advisory.coverage.ranges() {
            let place = |event: (EventKind, &str)| match event {
                event if !is_boundless(event) => (at(event.1), event.0),
                (EventKind::Limit, _) => (END, EventKind::Limit),
                (kind, _) => (FIRST, kind),
            };
            covered.extend(intervals(range.map(place).collect()));
        }
        covered
            .extend(advisory.coverage.versions().map(|text| Interval { start: at(text), end: at(text) + 1 }));
        Member { advisory, intervals: join(covered) }
    }

    fn hit(&self, members: &[&Member<'a>]) -> Hit {
        let all = || members.iter().map(|member| &member.advisory);
        let mut ids: Vec<&str> =
            all().flat_map(|one| std::iter::once(one.id()).chain(one.aliases())).collect();
        ids.sort_unstable();
        ids.dedup();
        let id = all().map(PackageAdvisory::id).min_by_key(|id| (rank(id), *id)).unwrap_or_default();
        let main_first = || {
            let (main, others): (Vec<_>, Vec<_>) = all().partition(|one| one.id() == id);
            main.into_iter().chain(others)
        };
        let mut fixed: Vec<&str> = all().flat_map(PackageAdvisory::fixed_in).collect();
        fixed.sort_by_key(|text| self.numbers.get(text));
        fixed.dedup_by_key(|text| self.numbers.get(*text));
        let malware = all().any(PackageAdvisory::malware);
        Hit {
            id: id.into(),
            aliases: ids.into_iter().filter(|alias| *alias != id).map(Arc::from).collect(),
            summary: main_first()
                .map(PackageAdvisory::summary)
                .find(|text| !text.is_empty())
                .unwrap_or("")
                .into(),
            severity: all().filter_map(PackageAdvisory::severity).max(),
            malware,
            unmaintained: !malware
                && all().all(|one| one.informational() == Some(Informational::Unmaintained)),
            informational: !malware && all().all(|one| one.informational().is_some()),
            url: main_first().find_map(PackageAdvisory::url).map(Arc::from),
            fixed: fixed.into_iter().map(Arc::from).collect(),
        }
    }
}

impl std::fmt::Debug for Matcher<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let ids: Vec<_> = self.groups.iter().map(|group| &group.whole.id).collect();
        formatter.debug_tuple("Matcher").field(&ids).finish()
    }
}

/// Before or after every version, rather than at one.
fn is_boundless((kind, version): (EventKind, &str)) -> bool {
    matches!((kind, version), (EventKind::Introduced, "0") | (EventKind::Limit, "*"))
}

/// Which id people should read first; see [`Hit::id`].
fn rank(id: &str) -> u8 {
    match id.split('-').next() {
        Some("MAL") => 0,
        Some("GHSA") => 1,
        Some("CVE") => 3,
        _ => 2,
    }
}

/// Puts together what is connected by aliases, which are symmetric and transitive (OSV "aliases"), and the
/// same record's several statements on one package.
fn folded(members: Vec<Member<'_>>) -> Vec<Vec<Member<'_>>> {
    let mut parents: Vec<usize> = (0..members.len()).collect();
    fn root(parents: &mut [usize], mut at: usize) -> usize {
        loop {
            let Some(parent) = parents.get(at).copied().filter(|parent| *parent != at) else { return at };
            let above = parents.get(parent).copied().unwrap_or(parent);
            if let Some(slot) = parents.get_mut(at) {
                *slot = above;
            }
            at = parent;
        }
    }
    let mut first_named: HashMap<&str, usize> = HashMap::new();
    for (number, member) in members.iter().enumerate() {
        for id in std::iter::once(member.advisory.id()).chain(member.advisory.aliases()) {
            let other = *first_named.entry(id).or_insert(number);
            let (one, other) = (root(&mut parents, number), root(&mut parents, other));
            if let Some(slot) = parents.get_mut(one.max(other)) {
                *slot = one.min(other);
            }
        }
    }
    let mut groups: Vec<Vec<Member<'_>>> = Vec::new();
    let mut group_of: HashMap<usize, usize> = HashMap::new();
    for (number, member) in members.into_iter().enumerate() {
        let group = *group_of.entry(root(&mut parents, number)).or_insert(groups.len());
        if group == groups.len() {
            groups.push(Vec::new());
        }
        if let Some(group) = groups.get_mut(group) {
            group.push(member);
        }
    }
    groups
}
