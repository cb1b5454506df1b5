//! Names that could be taken for far more popular ones: one slip of the finger, letters drawn alike, other
//! separators or scopes, words swapped or added.
//!
//! How, and how well, is told in `docs/look-alikes.md`. Nothing here names an ecosystem: each brings its own
//! list, and a name is compared with the names of its own ecosystem only.

mod affix;
mod edit;
mod index;
mod limits;
mod list;
mod search;
mod shape;
#[cfg(test)]
mod tests;

pub use list::{InvalidList, compress};

use edit::Slip;
use index::Index;
use lazaret_vocabulary::{Span, Timestamp};
use search::{Candidate, Way};
use shape::Shape;
use std::fmt;
use std::io::{self, BufRead};

/// The popular names of one ecosystem, and this house's own most used ones.
#[derive(Default)]
pub struct PopularNames {
    index: Index,
}

/// What is known of a package's age, to tell an old acquaintance from a newcomer.
#[derive(Debug, Clone, Copy)]
pub struct Established {
    /// When its first release came out, if its registry tells.
    pub first_published: Option<Timestamp>,
    /// How many releases it has that are not pre-releases. A registry's placeholder for a removed squat is a
    /// pre-release, and no more trustworthy for its age.
    pub stable_releases: usize,
    /// The moment of judgement.
    pub now: Timestamp,
}

/// A name that could be taken for a far more popular one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resemblance {
    /// The popular name, as its list writes it.
    pub popular: String,
    /// Its rank in the list, 1 being the most popular; `None` where it is popular in this house.
    pub rank: Option<u32>,
    /// In which way the names resemble each other.
    pub kind: ResemblanceKind,
}

/// In which way a name resembles a more popular one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ResemblanceKind {
    /// Characters that are drawn alike, or letters of another alphabet.
    Homoglyph,
    /// The same letters, with other separators or capitals.
    Separators,
    /// The same name in another scope, or a scope like a popular one.
    Scope,
    /// The same words in another order.
    WordOrder,
    /// Letters doubled, or double letters single.
    Repetition,
    /// Two neighbouring letters have changed places.
    Transposition,
    /// A letter replaced by its neighbour on the keyboard.
    Keyboard,
    /// One character too many.
    Addition,
    /// One character missing.
    Omission,
    /// One character replaced by another.
    Replacement,
    /// Two slips in a long and famous name.
    TwoSlips,
    /// A word put before or after the popular name, which promises to be the same thing: the word.
    Affix(&'static str),
}

impl PopularNames {
    /// Reads a list: one name a line, most popular first, optionally followed by a tab and its downloads or
    /// its rank, which must then be in order. Lines that start with `#` and a space are read over.
    pub fn from_tsv(reader: impl BufRead) -> Result<Self, InvalidList> {
        let names = list::read(reader)?;
        Ok(Self { index: Index::new(names.iter().map(String::as_str)) })
    }

    /// Reads the same list compressed with gzip, as [`compress`] writes it. It takes some 50 ms for 40,000
    /// names: do it once, when it is first needed.
    pub fn from_compressed(bytes: &[u8]) -> Result<Self, InvalidList> {
        Self::from_tsv(io::BufReader::new(list::decompress(bytes)))
    }

    /// Adds the names that this house uses most, each with how often. The 500 most used ones become as
    /// protected as the thousand most popular ones of the list, and never breach themselves: give only names
    /// whose use was decided by people or has lasted.
    #[must_use]
    pub fn with_house_names(self, names: impl IntoIterator<Item = (String, u64)>) -> Self {
        let mut used: Vec<(String, u64)> = names.into_iter().collect();
        used.sort_by(|left, right| right.1.cmp(&left.1).then_with(|| left.0.cmp(&right.0)));
        Self { index: self.index.with_house(used.iter().map(|(name, _)| name.as_str())) }
    }

    /// How many names are known.
    pub fn len(&self) -> usize {
        self.index.len()
    }

    /// Whether no name is known, so that nothing can resemble one.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether exactly this name is popular.
    pub fn contains(&self, name: &str) -> bool {
        self.index.listed(name).is_some()
    }

    /// The popular name that `name` could be taken for. `name` is the package's key (see
    /// [`lazaret_vocabulary::PackageName::key`]), since lists hold names in that form.
    ///
    /// A popular name resembles nothing, nor does one that is long established.
    pub fn resembles(&self, name: &str, established: &Established) -> Option<Resemblance> {
        if established.is_long() || self.contains(name) {
            return None;
        }
        self.closest(name)
    }

    /// The most popular name that `name` could be taken for, be it popular itself or not.
    fn closest(&self, name: &str) -> Option<Resemblance> {
        let shape = Shape::of(name)?;
        let mut closest: Option<Candidate> = None;
        search::candidates(&self.index, name, &shape, |candidate| {
            let closer = closest.is_none_or(|closest| candidate.rank < closest.rank);
            if closer && limits::breaches(&candidate) {
                closest = Some(candidate);
            }
        });
        let closest = closest?;
        let rank = (!self.index.is_house(closest.place)).then_some(closest.rank.saturating_add(1));
        let popular = self.index.name(closest.place)?.to_owned();
        Some(Resemblance { popular, rank, kind: closest.way.into() })
    }
}

impl fmt::Debug for PopularNames {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("PopularNames").field("names", &self.len()).finish()
    }
}

impl Established {
    /// Of a package of which nothing is known.
    pub fn unknown(now: Timestamp) -> Self {
        Self { first_published: None, stable_releases: 0, now }
    }

    /// Whether the package has been around for so long that its name cannot be a fresh trap: three years; or
    /// two with three releases; or one with fifteen. At least one release must be no pre-release.
    pub fn is_long(&self) -> bool {
        let Some(first) = self.first_published else { return false };
        let age = self.now.since(first);
        let years = |years: i64| age >= Span::days(years * 365);
        match self.stable_releases {
            0 => false,
            1..=2 => years(3),
            3..=14 => years(2),
            _ => years(1),
        }
    }
}

impl Resemblance {
    /// One sentence for people, without a full stop: which name it is, how popular, and what differs.
    pub fn sentence(&self) -> String {
        let Self { popular, kind, .. } = self;
        match self.rank {
            Some(rank) => format!("could be taken for `{popular}`, number {rank} by popularity: {kind}"),
            None => format!("could be taken for `{popular}`, which is much used here: {kind}"),
        }
    }
}

impl fmt::Display for ResemblanceKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Self::Homoglyph => "characters that look alike",
            Self::Separators => "the same letters with other separators or capitals",
            Self::Scope => "a scope that could be taken for another",
            Self::WordOrder => "the same words in another order",
            Self::Repetition => "a letter repeated or no longer repeated",
            Self::Transposition => "two letters have changed places",
            Self::Keyboard => "a letter replaced by its neighbour on the keyboard",
            Self::Addition => "one character too many",
            Self::Omission => "one character missing",
            Self::Replacement => "one character replaced",
            Self::TwoSlips => "two characters differ",
            Self::Affix(affix) => return write!(formatter, "the same name with `{affix}` added"),
        };
        formatter.write_str(text)
    }
}

impl From<Way> for ResemblanceKind {
    fn from(way: Way) -> Self {
        match way {
            Way::Foreign | Way::Seen | Way::Slip(Slip::DrawnAlike) => Self::Homoglyph,
            Way::Separators { scopes: false } => Self::Separators,
            Way::Separators { scopes: true } | Way::Scope { .. } | Way::OwnScope => Self::Scope,
            Way::Words => Self::WordOrder,
            Way::Repeated | Way::Slip(Slip::Repeated) => Self::Repetition,
            Way::Slip(Slip::Transposed) => Self::Transposition,
            Way::Slip(Slip::Keyboard) => Self::Keyboard,
            Way::Slip(Slip::Inserted { .. }) => Self::Addition,
            Way::Slip(Slip::Omitted { .. }) => Self::Omission,
            Way::Slip(Slip::Vowel | Slip::Number | Slip::Replaced) => Self::Replacement,
            Way::TwoSlips => Self::TwoSlips,
            Way::Affix(affix) => Self::Affix(affix.text.as_str()),
        }
    }
}
