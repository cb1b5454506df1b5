//! The evaluation of ranges against the schema's own pseudocode, and the prepared form against the plain.

use super::*;
use crate::coverage::{END, FIRST, covers, holds, intervals};
use crate::{Event, EventKind, VersionOrder};
use proptest::prelude::*;
use proptest::sample::Index;

/// Versions are numbers, and `3.0` is another way to write `3`.
fn numbers(left: &str, right: &str) -> Ordering {
    let read = |text: &str| text.trim_end_matches(".0").parse::<u32>().unwrap();
    read(left).cmp(&read(right))
}

/// `IncludedInRanges` of the schema, word for word, for one range. `ends_first` decides what comes first of
/// the events at one version, which the schema leaves open.
fn oracle(events: &[(EventKind, String)], version: &str, ends_first: bool) -> bool {
    let boundless = |(kind, text): &(EventKind, String)| *kind == EventKind::Introduced && text == "0";
    let limits: Vec<_> = events.iter().filter(|(kind, _)| *kind == EventKind::Limit).collect();
    let before_limits = limits.is_empty()
        || limits.iter().any(|(_, limit)| limit == "*" || numbers(version, limit) == Ordering::Less);
    let mut sorted: Vec<_> = events.iter().filter(|(kind, _)| *kind != EventKind::Limit).collect();
    sorted.sort_by(|one, other| match (boundless(one), boundless(other)) {
        (true, true) => Ordering::Equal,
        (true, false) => Ordering::Less,
        (false, true) => Ordering::Greater,
        _ => numbers(&one.1, &other.1).then_with(|| {
            let starts = |event: &(EventKind, String)| event.0 == EventKind::Introduced;
            if ends_first { starts(one).cmp(&starts(other)) } else { starts(other).cmp(&starts(one)) }
        }),
    });
    let mut vulnerable = false;
    for event in sorted {
        let at_or_after = boundless(event) || numbers(version, &event.1) != Ordering::Less;
        match event.0 {
            EventKind::Introduced if at_or_after => vulnerable = true,
            EventKind::Fixed if at_or_after => vulnerable = false,
            EventKind::LastAffected if numbers(version, &event.1) == Ordering::Greater => vulnerable = false,
            _ => {}
        }
    }
    before_limits && vulnerable
}

fn plain(events: &[(EventKind, String)], version: &str) -> bool {
    covers(events.iter().map(|(kind, text)| (*kind, text.as_str())), version, &numbers)
}

fn version() -> impl Strategy<Value = String> {
    (1u32..9, any::<bool>()).prop_map(|(number, long)| format!("{number}{}", if long { ".0" } else { "" }))
}

fn event() -> impl Strategy<Value = (EventKind, String)> {
    prop_oneof![
        4 => version().prop_map(|version| (EventKind::Introduced, version)),
        3 => version().prop_map(|version| (EventKind::Fixed, version)),
        3 => version().prop_map(|version| (EventKind::LastAffected, version)),
        1 => Just((EventKind::Introduced, "0".to_owned())),
        1 => version().prop_map(|version| (EventKind::Limit, version)),
        1 => Just((EventKind::Limit, "*".to_owned())),
    ]
}

/// Ranges and listed versions.
type Statement = (Vec<Vec<(EventKind, String)>>, Vec<String>);

fn statement() -> impl Strategy<Value = Statement> {
    let ranges = prop::collection::vec(prop::collection::vec(event(), 0..6), 0..3);
    (ranges, prop::collection::vec(version(), 0..3))
}

fn made(id: &str, aliases: &[&str], statement: &Statement) -> Advisory {
    let event = |(kind, version): &(EventKind, String)| Event { kind: *kind, version: version.clone() };
    let mut advisory = advisory(
        r#"{"id":"X-1","modified":"2025-01-01T00:00:00Z","affected":[{"package":{"ecosystem":"npm","name":"x"}}]}"#,
    );
    advisory.id = id.to_owned();
    advisory.aliases = aliases.iter().map(ToString::to_string).collect();
    advisory.affected[0].ranges = statement.0.iter().map(|range| range.iter().map(event).collect()).collect();
    advisory.affected[0].versions = statement.1.clone();
    advisory
}

/// Whether `version` lies in a range as audits write it.
fn in_written_range(range: &str, version: &str) -> bool {
    range.split(" || ").filter(|part| !part.is_empty()).any(|part| {
        part.split(' ').all(|comparator| {
            let text = comparator.trim_start_matches(['<', '>', '=']);
            let sign = &comparator[..comparator.len() - text.len()];
            let standing = |text| numbers(version, text);
            match sign {
                "" => comparator == "*",
                "<" => standing(text) == Ordering::Less,
                "<=" => standing(text) != Ordering::Greater,
                ">=" => standing(text) != Ordering::Less,
                "=" => standing(text) == Ordering::Equal,
                other => panic!("{other}"),
            }
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn follows_the_pseudocode(events in prop::collection::vec(event(), 0..8), version in version()) {
        let answer = plain(&events, &version);
        let possible = [oracle(&events, &version, false), oracle(&events, &version, true)];
        prop_assert!(possible.contains(&answer), "{answer} of {possible:?}");
    }

    #[test]
    fn the_order_of_events_is_of_no_account(
        events in prop::collection::vec(event(), 1..8),
        swaps in prop::collection::vec((any::<Index>(), any::<Index>()), 0..8),
        version in version(),
    ) {
        let mut shuffled = events.clone();
        for (one, other) in swaps {
            shuffled.swap(one.index(events.len()), other.index(events.len()));
        }
        prop_assert_eq!(plain(&events, &version), plain(&shuffled, &version));
    }

    #[test]
    fn intervals_say_the_same(events in prop::collection::vec(event(), 0..8), version in version()) {
        let place = |text: &str| text.trim_end_matches(".0").parse::<usize>().unwrap() * 2 + 1;
        let placed = events.iter().map(|(kind, text)| match (*kind, text.as_str()) {
            (EventKind::Introduced, "0") => (FIRST, *kind),
            (EventKind::Limit, "*") => (END, *kind),
            (kind, text) => (place(text), kind),
        });
        let compiled = intervals(placed.collect());
        prop_assert!(compiled.windows(2).all(|pair| pair[0].end <= pair[1].start));
        prop_assert_eq!(holds(&compiled, place(&version)), plain(&events, &version));
    }

    #[test]
    fn a_matcher_says_what_each_record_says(
        statements in prop::collection::vec(statement(), 1..5),
        asked in prop::collection::vec(version(), 1..4),
        chain in any::<bool>(),
    ) {
        let ids: Vec<String> = (0..statements.len()).map(|number| format!("X-{number}")).collect();
        let advisories: Vec<Advisory> = statements.iter().enumerate().map(|(number, statement)| {
            let alias: Vec<&str> = if chain && number > 0 { vec![&ids[number - 1]] } else { vec![] };
            made(&ids[number], &alias, statement)
        }).collect();
        let index = index_of(&advisories);
        let matcher = index.matcher(NPM, "x", &numbers).unwrap();
        for version in &asked {
            let covering: Vec<&String> = ids.iter().zip(&statements).filter(|(_, (ranges, versions))| {
                versions.iter().any(|listed| numbers(listed, version) == Ordering::Equal)
                    || ranges.iter().any(|range| plain(range, version))
            }).map(|(id, _)| id).collect();
            let hits = matcher.hits(version);
            prop_assert_eq!(hits.len(), if chain { covering.len().min(1) } else { covering.len() });
            prop_assert!(covering.iter().all(|id| hits.iter().any(|hit| hit.is_called(id))));
            prop_assert_eq!(matcher.is_affected(version), !covering.is_empty());
            prop_assert_eq!(index.is_affected(NPM, "x", version, &numbers), !covering.is_empty());
            for id in &ids {
                let one = index.for_package(NPM, "x").find(|one| one.id() == id).unwrap();
                prop_assert_eq!(one.covers(version, &numbers), covering.contains(&id));
            }
        }
        let asked: Vec<&str> = asked.iter().map(String::as_str).collect();
        for audited in matcher.audit(&asked) {
            for version in &asked {
                let listed = audited.versions.iter().any(|one| one == version);
                prop_assert_eq!(in_written_range(&audited.vulnerable, version), listed, "{}", audited.vulnerable);
            }
        }
    }

    #[test]
    fn an_order_that_is_none_harms_nothing(
        statements in prop::collection::vec(statement(), 1..4),
        version in version(),
        seed in any::<u64>(),
    ) {
        let chaos = |left: &str, right: &str| {
            let mut state = seed;
            for byte in left.bytes().chain(*b"|").chain(right.bytes()) {
                state = (state ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
            }
            [Ordering::Less, Ordering::Equal, Ordering::Greater][(state >> 33) as usize % 3]
        };
        let advisories: Vec<Advisory> =
            statements.iter().enumerate().map(|(number, one)| made(&format!("X-{number}"), &[], one)).collect();
        let index = index_of(&advisories);
        let matcher = index.matcher(NPM, "x", &chaos).unwrap();
        let _ = (matcher.hits(&version), index.is_affected(NPM, "x", &version, &chaos), matcher.audit(&[&version]));
        // A version listed literally is found under any order whatever.
        for listed in statements.iter().flat_map(|(_, versions)| versions) {
            prop_assert!(index.is_affected(NPM, "x", listed, &chaos));
            prop_assert!(matcher.is_affected(listed));
        }
    }

    #[test]
    fn sorting_sorts(mut texts in prop::collection::vec(version(), 0..40)) {
        let mut sorted: Vec<&str> = texts.iter().map(String::as_str).collect();
        crate::order::sort(&mut sorted, &numbers);
        let sorted: Vec<String> = sorted.into_iter().map(str::to_owned).collect();
        texts.sort_by(|left, right| VersionOrder::compare(&numbers, left, right));
        prop_assert_eq!(sorted, texts);
    }
}

#[test]
fn ranges_that_touch_stay_joined_and_empty_ones_cover_nothing() {
    let event = |(kind, text): &(EventKind, &str)| (*kind, text.to_string());
    let says =
        |events: &[(EventKind, &str)], version| plain(&events.iter().map(event).collect::<Vec<_>>(), version);
    use EventKind::{Fixed, Introduced, LastAffected};
    let touching = [(Introduced, "0"), (Fixed, "2"), (Introduced, "2"), (Fixed, "4")];
    assert_eq!(["1", "2", "3", "4"].map(|version| says(&touching, version)), [true, true, true, false]);
    let empty = [(Introduced, "2"), (Fixed, "2")];
    assert_eq!(["1", "2", "3"].map(|version| says(&empty, version)), [false; 3]);
    let single = [(LastAffected, "2"), (Introduced, "2")];
    assert_eq!(["1", "2", "3"].map(|version| says(&single, version)), [false, true, false]);
}
