//! The popular names, findable by every form in which another name can be taken for them.

use super::edit::letters;
use super::shape::{Shape, collapsed, visual};
use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};
use std::ops::Range;

/// Place of a name in the list: 0 is the most popular.
pub(super) type Place = u32;

/// A house's own names rank right after this many of the list's.
const RANK_OF_HOUSE: Place = 500;

/// So many of a house's own names are taken.
const MOST_OF_HOUSE: usize = 500;

/// The rank down to which names are famous enough to be squatted at a distance of two slips.
const CELEBRITIES: Place = 400;

/// Keys are hashes already.
#[derive(Default)]
pub(super) struct Taken(u64);

impl Hasher for Taken {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        self.0 = hash(bytes);
    }
    fn write_u64(&mut self, value: u64) {
        self.0 = value;
    }
}

type ByHash<T> = HashMap<u64, T, BuildHasherDefault<Taken>>;

/// FNV-1a with a last mix, since the table uses the high bits. What it finds is compared again, so that
/// made-up collisions come to nothing.
pub(super) fn hash(text: &[u8]) -> u64 {
    let mut sum = 0xcbf2_9ce4_8422_2325_u64;
    for byte in text {
        sum = (sum ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
    }
    sum ^= sum >> 32;
    sum = sum.wrapping_mul(0xd6e8_feb8_6659_fd93);
    sum ^ (sum >> 32)
}

/// One of the very most popular names, to which even two slips are too close.
pub(super) struct Celebrity {
    pub(super) place: Place,
    pub(super) squashed: Box<str>,
    pub(super) letters: u64,
}

/// All forms of all names of one list, most popular first.
#[derive(Default)]
pub(super) struct Index {
    names: Vec<Box<str>>,
    exact: ByHash<Place>,
    squashed: ByHash<Place>,
    seen: ByHash<Place>,
    collapsed: ByHash<Place>,
    sorted: ByHash<Place>,
    scopes: ByHash<Place>,
    owned: HashSet<Box<str>>,
    words: ByHash<u32>,
    celebrities: Vec<Celebrity>,
    house: Range<Place>,
}

impl Index {
    /// Reads names, most popular first. A name given twice counts at its first place.
    pub(super) fn new<'a>(names: impl Iterator<Item = &'a str>) -> Self {
        let mut index = Self::default();
        for name in names {
            index.add(name);
        }
        index
    }

    /// The same list with a house's own names, most used first, put among the most popular ones.
    pub(super) fn with_house<'a>(self, house: impl Iterator<Item = &'a str>) -> Self {
        let mut index = Self::default();
        let listed = self.names.len().min(RANK_OF_HOUSE as usize);
        let (before, after) = self.names.split_at(listed);
        before.iter().for_each(|name| index.add(name));
        let start = index.end();
        house.take(MOST_OF_HOUSE).for_each(|name| index.add(name));
        index.house = start..index.end();
        after.iter().for_each(|name| index.add(name));
        index
    }

    fn end(&self) -> Place {
        Place::try_from(self.names.len()).unwrap_or(Place::MAX)
    }

    /// Whether the name stands there because this house uses it.
    pub(super) fn is_house(&self, place: Place) -> bool {
        self.house.contains(&place)
    }

    /// How popular the name at a place counts.
    pub(super) fn rank(&self, place: Place) -> u32 {
        if place < self.house.start || self.house.is_empty() {
            place
        } else if self.is_house(place) {
            RANK_OF_HOUSE + (place - self.house.start)
        } else {
            place - (self.house.end - self.house.start)
        }
    }

    fn add(&mut self, name: &str) {
        let Some(shape) = Shape::of(name) else { return };
        let place = self.end();
        if self.listed(name).is_some() {
            return;
        }
        if place < CELEBRITIES && shape.scope.is_empty() && shape.squashed.len() >= 7 {
            let letters = letters(shape.squashed.as_bytes());
            self.celebrities.push(Celebrity { place, squashed: shape.squashed.as_str().into(), letters });
        }
        self.names.push(name.into());
        self.exact.insert(hash(name.as_bytes()), place);
        self.squashed.entry(hash(shape.squashed.as_bytes())).or_insert(place);
        self.seen.entry(hash(visual(&shape.squashed).as_bytes())).or_insert(place);
        self.collapsed.entry(hash(collapsed(&shape.squashed).as_bytes())).or_insert(place);
        if let Some(sorted) = shape.sorted_words() {
            self.sorted.entry(hash(sorted.as_bytes())).or_insert(place);
        }
        if !shape.scope.is_empty() {
            self.scopes.entry(hash(shape.squashed_scope().as_bytes())).or_insert(place);
            self.owned.insert(shape.scope.as_str().into());
        }
        let mut counted: Vec<&str> = shape.words.iter().map(String::as_str).collect();
        counted.sort_unstable();
        counted.dedup();
        for word in counted {
            *self.words.entry(hash(word.as_bytes())).or_insert(0) += 1;
        }
    }

    pub(super) fn celebrities(&self) -> &[Celebrity] {
        &self.celebrities
    }

    pub(super) fn len(&self) -> usize {
        self.names.len()
    }

    pub(super) fn name(&self, place: Place) -> Option<&str> {
        self.names.get(usize::try_from(place).ok()?).map(AsRef::as_ref)
    }

    /// The place of exactly this name.
    pub(super) fn listed(&self, name: &str) -> Option<Place> {
        let place = *self.exact.get(&hash(name.as_bytes()))?;
        (self.name(place)? == name).then_some(place)
    }

    /// The most popular name with these letters and digits, whatever its separators. May lie: compare.
    pub(super) fn squashed(&self, text: &[u8]) -> Option<Place> {
        self.squashed.get(&hash(text)).copied()
    }

    /// The most popular name that looks so. May lie: compare.
    pub(super) fn seen(&self, text: &str) -> Option<Place> {
        self.seen.get(&hash(text.as_bytes())).copied()
    }

    /// The most popular name with these letters, repeated or not. May lie: compare.
    pub(super) fn collapsed(&self, text: &str) -> Option<Place> {
        self.collapsed.get(&hash(text.as_bytes())).copied()
    }

    /// The most popular name of these words in any order. May lie: compare.
    pub(super) fn sorted(&self, text: &str) -> Option<Place> {
        self.sorted.get(&hash(text.as_bytes())).copied()
    }

    /// The most popular name in a scope of these letters, whatever its separators. May lie: compare.
    pub(super) fn scope(&self, squashed: &[u8]) -> Option<Place> {
        self.scopes.get(&hash(squashed)).copied()
    }

    /// Whether exactly this scope holds popular names.
    pub(super) fn owns_popular(&self, scope: &str) -> bool {
        self.owned.contains(scope)
    }

    /// How many popular names hold this word.
    pub(super) fn names_with_word(&self, word: &str) -> u32 {
        self.words.get(&hash(word.as_bytes())).copied().unwrap_or(0)
    }
}
