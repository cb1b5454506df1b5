//! Whether a range's events cover a version: OSV schema, "Evaluation".
//!
//! The schema sorts events by version and lets each in turn switch the state. It leaves open in which order
//! events at the *same* version come. Here, a version at which a range both starts and ends leaves the state
//! as it was before: two ranges that touch stay joined, and a range from a version to itself is empty.

use crate::{EventKind, VersionOrder};
use std::cmp::Ordering;

/// Before every version: the position of an `introduced: "0"`.
pub(crate) const FIRST: usize = 0;

/// After every version.
pub(crate) const END: usize = usize::MAX;

/// Positions from `start` on, up to and without `end`.
///
/// With the boundary versions of some advisories sorted and numbered from 0, number `i` stands at position
/// `2i + 1` and a version between two of them at the even position between, so that any version is one
/// integer to them all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Interval {
    pub(crate) start: usize,
    pub(crate) end: usize,
}

/// What happens at one version.
#[derive(Default, Clone, Copy)]
struct Happening {
    introduced: bool,
    fixed: bool,
    last_affected: bool,
}

impl Happening {
    fn add(&mut self, kind: EventKind) {
        match kind {
            EventKind::Introduced => self.introduced = true,
            EventKind::Fixed => self.fixed = true,
            EventKind::LastAffected => self.last_affected = true,
            EventKind::Limit => {}
        }
    }

    /// The state at the very version, or for `after`, beyond it; `None` when it stays as it was.
    fn state(self, after: bool) -> Option<bool> {
        let ends = self.fixed || (self.last_affected && after);
        (self.introduced != ends).then_some(self.introduced)
    }
}

/// Whether the events cover `version`, without allocating: the state is that of the last version at or
/// before it at which something happens.
pub(crate) fn covers<'a>(
    events: impl Iterator<Item = (EventKind, &'a str)> + Clone,
    version: &str,
    order: &dyn VersionOrder,
) -> bool {
    let mut limits = events.clone().filter(|(kind, _)| *kind == EventKind::Limit).peekable();
    if limits.peek().is_some()
        && !limits.any(|(_, limit)| limit == "*" || order.compare(version, limit) == Ordering::Less)
    {
        return false;
    }
    let from_the_first = events.clone().any(|(kind, text)| kind == EventKind::Introduced && text == "0");
    let mut events_left = events.clone().count();
    let mut below: Option<&str> = None;
    loop {
        let mut last: Option<(&str, Happening)> = None;
        for (kind, text) in events.clone() {
            let counts = kind != EventKind::Limit
                && !(kind == EventKind::Introduced && text == "0")
                && order.compare(text, version) != Ordering::Greater
                && below.is_none_or(|below| order.compare(text, below) == Ordering::Less);
            if !counts {
                continue;
            }
            let standing = last.map_or(Ordering::Greater, |(at, _)| order.compare(text, at));
            if standing == Ordering::Greater {
                last = Some((text, Happening::default()));
            }
            if let (Some((_, happening)), Ordering::Greater | Ordering::Equal) = (&mut last, standing) {
                happening.add(kind);
            }
        }
        let Some((at, happening)) = last else { return from_the_first };
        if let Some(state) = happening.state(order.compare(version, at) == Ordering::Greater) {
            return state;
        }
        // Counted down so that an order which is none cannot keep this going.
        let Some(left) = events_left.checked_sub(1) else { return from_the_first };
        events_left = left;
        below = Some(at);
    }
}

/// The same as intervals. `events` have positions; those of an introduction at `0` and a limit of `*` are
/// [`FIRST`] and [`END`].
pub(crate) fn intervals(mut events: Vec<(usize, EventKind)>) -> Vec<Interval> {
    let limits = events.iter().filter(|(_, kind)| *kind == EventKind::Limit);
    let limit = limits.map(|(at, _)| *at).max().unwrap_or(END);
    events.retain(|(_, kind)| *kind != EventKind::Limit);
    events.sort_unstable_by_key(|(at, _)| *at);
    let mut found = Vec::new();
    let mut open: Option<usize> = None;
    for group in events.chunk_by(|(one, _), (other, _)| one == other) {
        let mut happening = Happening::default();
        group.iter().for_each(|(_, kind)| happening.add(*kind));
        let at = group.first().map_or(FIRST, |(at, _)| *at);
        let before = open.is_some();
        for (at, state) in [(at, happening.state(false)), (at.saturating_add(1), happening.state(true))] {
            match (state.unwrap_or(before), open) {
                (true, None) => open = Some(at),
                (false, Some(start)) => {
                    found.push(Interval { start, end: at });
                    open = None;
                }
                _ => {}
            }
        }
    }
    found.extend(open.map(|start| Interval { start, end: END }));
    for interval in &mut found {
        interval.end = interval.end.min(limit);
    }
    found.retain(|interval| interval.start < interval.end);
    found
}

/// Sorted, with what overlaps or touches joined.
pub(crate) fn join(mut intervals: Vec<Interval>) -> Vec<Interval> {
    intervals.sort_unstable();
    let mut joined: Vec<Interval> = Vec::with_capacity(intervals.len());
    for interval in intervals {
        match joined.last_mut() {
            Some(last) if interval.start <= last.end => last.end = last.end.max(interval.end),
            _ => joined.push(interval),
        }
    }
    joined
}

/// Whether one of the joined `intervals` holds `position`.
pub(crate) fn holds(intervals: &[Interval], position: usize) -> bool {
    let after = intervals.partition_point(|interval| interval.start <= position);
    after.checked_sub(1).and_then(|at| intervals.get(at)).is_some_and(|interval| position < interval.end)
}
