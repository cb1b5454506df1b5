//! Finding, for one name, the popular names that it could be taken for.

use super::affix::{self, Affix, Side};
use super::edit::{self, Slip};
use super::index::{Index, Place};
use super::shape::{Shape, collapsed, visual};

/// A scope that adds at most this many letters to a popular one of at least `SCOPE_STEM` poses as it.
const SCOPE_SUFFIX: usize = 3;
const SCOPE_STEM: usize = 9;

/// Slips are not looked for in longer names: each letter costs some 70 look-ups.
const LONGEST_WITH_SLIPS: usize = 64;

/// In which way a name resembles a more popular one, as finely as the limits need it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Way {
    /// Letters of another alphabet, accents, invisible characters.
    Foreign,
    /// Several letters drawn alike.
    Seen,
    /// The same letters and digits, other separators or capitals; which scope is not the same scope.
    Separators { scopes: bool },
    /// A scope one slip from a popular one. `same_rest`: and the same name in it.
    Scope { same_rest: bool },
    /// `@name/name`, where the scope is nobody known.
    OwnScope,
    /// The same words in another order.
    Words,
    /// Letters repeated, at more than one place.
    Repeated,
    /// One slip.
    Slip(Slip),
    /// Two slips, in a long name of the very most popular.
    TwoSlips,
    /// A popular name with a word before or after it that promises to be the same thing.
    Affix(&'static Affix),
}

/// One resemblance before it is judged.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Candidate {
    pub(super) place: Place,
    /// How popular it counts: 0 is the most popular.
    pub(super) rank: u32,
    pub(super) way: Way,
    /// Letters and digits of the shorter of both names.
    pub(super) length: usize,
    /// The slip is at the first letter.
    pub(super) first: bool,
    /// What differs is a word that other popular names hold: a choice of words rather than a slip.
    pub(super) real_word: bool,
    /// Both have several words, and not the same number of them.
    pub(super) resplit: bool,
}

/// Calls `found` for every popular name that `name` resembles, itself excepted.
pub(super) fn candidates(index: &Index, name: &str, shape: &Shape, mut found: impl FnMut(Candidate)) {
    let own = index.listed(name);
    let search = Search { index, shape, own };
    if shape.scope.is_empty() {
        search.same_letters(&mut found);
        search.one_slip(&mut found);
        search.affixes(&mut found);
        search.two_slips(&mut found);
    } else if !index.owns_popular(&shape.scope) {
        // A scope belongs to one publisher, so only a scope of unknown hands can pose as another.
        search.scopes(&mut found);
    }
}

struct Search<'a> {
    index: &'a Index,
    shape: &'a Shape,
    own: Option<Place>,
}

impl Search<'_> {
    fn target(&self, place: Option<Place>) -> Option<(Place, Shape)> {
        let place = place.filter(|place| self.own.is_none_or(|own| *place < own))?;
        Some((place, Shape::of(self.index.name(place)?)?))
    }

    fn candidate(&self, place: Place, way: Way, target: &Shape) -> Candidate {
        let length = self.shape.squashed.len().min(target.squashed.len());
        let words = self.shape.words.len();
        let resplit = words > 1 && words != target.words.len();
        Candidate {
            place,
            rank: self.index.rank(place),
            way,
            length,
            first: false,
            real_word: false,
            resplit,
        }
    }

    fn same_letters(&self, found: &mut impl FnMut(Candidate)) {
        let shape = self.shape;
        if let Some((place, target)) = self.target(self.index.squashed(shape.squashed.as_bytes()))
            && target.squashed == shape.squashed
        {
            let way = if shape.foreign {
                Way::Foreign
            } else {
                Way::Separators { scopes: target.scope != shape.scope }
            };
            found(self.candidate(place, way, &target));
        }
        let seen = visual(&shape.squashed);
        if let Some((place, target)) = self.target(self.index.seen(&seen))
            && target.squashed != shape.squashed
            && visual(&target.squashed) == seen
        {
            found(self.candidate(place, Way::Seen, &target));
        }
        let once = collapsed(&shape.squashed);
        if let Some((place, target)) = self.target(self.index.collapsed(&once))
            && target.squashed != shape.squashed
            && collapsed(&target.squashed) == once
        {
            found(self.candidate(place, Way::Repeated, &target));
        }
        if let Some(sorted) = shape.sorted_words()
            && let Some((place, target)) = self.target(self.index.sorted(&sorted))
            && target.squashed != shape.squashed
            && target.sorted_words().is_some_and(|words| words == sorted)
        {
            found(self.candidate(place, Way::Words, &target));
        }
    }

    fn one_slip(&self, found: &mut impl FnMut(Candidate)) {
        if self.shape.squashed.len() > LONGEST_WITH_SLIPS {
            return;
        }
        edit::each_neighbour(self.shape.squashed.as_bytes(), |neighbour| {
            let Some(hit) = self.index.squashed(neighbour) else { return };
            let Some((place, target)) = self.target(Some(hit)) else { return };
            let Some(edit) = edit::between(&self.shape.squashed, &target.squashed) else { return };
            let mut candidate = self.candidate(place, Way::Slip(edit.slip), &target);
            candidate.first = edit.position == 0;
            candidate.real_word = self.chosen_word(&target);
            found(candidate);
        });
    }

    fn two_slips(&self, found: &mut impl FnMut(Candidate)) {
        let name = self.shape.squashed.as_bytes();
        let mask = edit::letters(name);
        for celebrity in self.index.celebrities() {
            if edit::letters_apart(mask, celebrity.letters) <= 4
                && name.first() == celebrity.squashed.as_bytes().first()
                && edit::at_most_two(name, celebrity.squashed.as_bytes())
                && let Some((place, target)) = self.target(Some(celebrity.place))
                && target.words.len() == self.shape.words.len()
            {
                let mut candidate = self.candidate(place, Way::TwoSlips, &target);
                candidate.real_word = self.chosen_word(&target);
                found(candidate);
            }
        }
    }

    /// Whether every word in which `target` differs is a word of other popular names.
    fn chosen_word(&self, target: &Shape) -> bool {
        let mine = &self.shape.words;
        if mine.len() != target.words.len() || mine.len() == 1 && mine.concat().len() <= 3 {
            return false;
        }
        let own = u32::from(self.own.is_some());
        mine.iter()
            .zip(&target.words)
            .filter(|(mine, theirs)| mine != theirs)
            .all(|(mine, _)| mine.len() <= 3 || self.index.names_with_word(mine) > own)
    }

    fn scopes(&self, found: &mut impl FnMut(Candidate)) {
        let scope = self.shape.squashed_scope();
        let rest = self.shape.rest();
        if scope == rest
            && let Some((place, target)) = self.target(self.index.squashed(rest.as_bytes()))
            && target.squashed == rest
        {
            found(self.candidate(place, Way::OwnScope, &target));
        }
        self.posing_scope(scope.as_bytes(), &rest, found);
        edit::each_neighbour(scope.as_bytes(), |neighbour| self.posing_scope(neighbour, &rest, found));
        for cut in 2..=SCOPE_SUFFIX {
            let kept = scope.len().checked_sub(cut).filter(|kept| *kept >= SCOPE_STEM);
            if let Some(stem) = kept.and_then(|kept| scope.get(..kept)) {
                self.posing_scope(stem.as_bytes(), &rest, found);
            }
        }
    }

    /// The resemblance of the scope to a popular one that reads `known` without separators.
    fn posing_scope(&self, known: &[u8], rest: &str, found: &mut impl FnMut(Candidate)) {
        let Some((place, target)) = self.target(self.index.scope(known)) else { return };
        let (mine, theirs) = (self.shape.squashed_scope(), target.squashed_scope());
        if theirs.as_bytes() != known {
            return;
        }
        let length = mine.len().min(theirs.len());
        let plain = match edit::between(&mine, &theirs) {
            Some(edit) => matches!(edit.slip, Slip::Transposed | Slip::Repeated | Slip::DrawnAlike),
            None => true,
        };
        if plain {
            let way = Way::Scope { same_rest: false };
            found(Candidate { length, ..self.candidate(place, way, &target) });
        }
        if let Some((place, target)) = self.target(self.index.squashed(&[known, rest.as_bytes()].concat()))
            && target.squashed_scope() == theirs
            && target.rest() == rest
        {
            let way = Way::Scope { same_rest: true };
            found(Candidate { length, ..self.candidate(place, way, &target) });
        }
    }

    fn affixes(&self, found: &mut impl FnMut(Candidate)) {
        let whole = self.shape.squashed.as_str();
        for affix in affix::all() {
            let core = match affix.side {
                Side::Before => whole.strip_prefix(affix.text.as_str()),
                Side::After => whole.strip_suffix(affix.text.as_str()),
            };
            let edge = match affix.side {
                Side::Before => self.shape.words.first(),
                Side::After => self.shape.words.last(),
            };
            let separate = edge.is_some_and(|word| *word == affix.text);
            let shortest = if separate { 2 } else { 3 };
            let fits = |core: &&str| core.len() >= shortest && (separate || !affix.word);
            let Some(core) = core.filter(fits) else { continue };
            if let Some((place, target)) = self.target(self.index.squashed(core.as_bytes()))
                && target.squashed == core
                && target.scope.is_empty()
            {
                found(self.candidate(place, Way::Affix(affix), &target));
            }
        }
    }
}
