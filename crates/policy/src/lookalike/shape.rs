//! The forms of a name in which a reader takes it for another: folded, without separators, as the eye
//! sees it, in sorted words.

use unicode_normalization::UnicodeNormalization;

/// Longer names are not compared: no registry with a popularity list accepts them.
pub(super) const LONGEST: usize = 128;

/// One name in every form that is compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Shape {
    /// `@scope/…` without the `@`, folded; empty where there is none.
    pub(super) scope: String,
    /// Folded words in their order, the scope's words first.
    pub(super) words: Vec<String>,
    /// How many of `words` are the scope's.
    pub(super) scope_words: usize,
    /// All words without separators.
    pub(super) squashed: String,
    /// The name had letters outside ASCII.
    pub(super) foreign: bool,
}

impl Shape {
    /// The forms of `name`, or nothing when it is longer than any real name.
    pub(super) fn of(name: &str) -> Option<Self> {
        if name.is_empty() || name.len() > LONGEST {
            return None;
        }
        let folded = fold(name);
        let (scope, rest) = folded
            .strip_prefix('@')
            .and_then(|inner| inner.split_once('/'))
            .map_or(("", folded.as_str()), |(scope, rest)| (scope, rest));
        let scope_words = split(scope).count();
        let words: Vec<String> = split(scope).chain(split(rest)).map(str::to_owned).collect();
        let squashed = words.concat();
        if squashed.is_empty() {
            return None;
        }
        Some(Self { scope: scope.to_owned(), scope_words, squashed, foreign: !name.is_ascii(), words })
    }

    /// Words in alphabetical order, for names of at least two.
    pub(super) fn sorted_words(&self) -> Option<String> {
        if self.words.len() < 2 {
            return None;
        }
        let mut words: Vec<&str> = self.words.iter().map(String::as_str).collect();
        words.sort_unstable();
        Some(words.join(" "))
    }

    /// The scope, without separators.
    pub(super) fn squashed_scope(&self) -> String {
        self.words.get(..self.scope_words).unwrap_or_default().concat()
    }

    /// The part after the scope, without separators.
    pub(super) fn rest(&self) -> String {
        self.words.get(self.scope_words..).unwrap_or_default().concat()
    }
}

fn split(text: &str) -> impl Iterator<Item = &str> {
    text.split(['-', '_', '.', '/', '@', '~', ' ']).filter(|word| !word.is_empty())
}

/// Lower case ASCII where a letter of another alphabet, an accent or a compatibility form stands for it.
pub(super) fn fold(name: &str) -> String {
    if name.is_ascii() {
        return name.to_ascii_lowercase();
    }
    let mut folded = String::with_capacity(name.len());
    for letter in name.nfkd().flat_map(char::to_lowercase) {
        match letter {
            // Combining marks, soft hyphen, zero-width and direction marks: not seen, or hardly.
            '\u{300}'..='\u{36f}' | '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' => {}
            '\u{2060}'..='\u{2064}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' => {}
            letter => folded.push(latin_twin(letter)),
        }
    }
    folded
}

/// The ASCII letter that a letter of another alphabet is drawn like (Unicode TR39 confusables, the part
/// that common fonts make indistinguishable).
fn latin_twin(letter: char) -> char {
    match letter {
        'а' | 'α' | 'ɑ' | '𝛼' => 'a',
        'Ь' | 'ь' | 'в' | 'ɓ' | 'ᖯ' => 'b',
        'с' | 'ϲ' | 'ᴄ' | 'ⅽ' => 'c',
        'ԁ' | 'ɗ' | 'ⅾ' => 'd',
        'е' | 'є' | 'ε' | 'ɛ' => 'e',
        'ƒ' | 'ғ' => 'f',
        'ɡ' | 'ց' => 'g',
        'һ' | 'հ' | 'н' => 'h',
        'і' | 'ι' | 'ı' | 'ɩ' => 'i',
        'ј' | 'ϳ' => 'j',
        'к' | 'κ' | 'ĸ' => 'k',
        'ӏ' | 'ⅼ' | 'ł' | 'ا' | '∣' | 'ǀ' => 'l',
        'м' | 'ⅿ' | 'ʍ' => 'm',
        'п' | 'ո' | 'η' | 'ŋ' => 'n',
        'о' | 'ο' | 'օ' | 'ø' | 'ס' | 'σ' => 'o',
        'р' | 'ρ' => 'p',
        'ԛ' | 'գ' => 'q',
        'г' | 'ʀ' => 'r',
        'ѕ' | 'ꜱ' => 's',
        'т' | 'τ' | 'ŧ' => 't',
        'υ' | 'ս' | 'ʋ' => 'u',
        'ν' | 'ѵ' | 'ⅴ' => 'v',
        'ѡ' | 'ԝ' | 'ω' => 'w',
        'х' | 'χ' | 'ⅹ' => 'x',
        'у' | 'γ' | 'ү' => 'y',
        'ᴢ' => 'z',
        '‐' | '‑' | '‒' | '–' | '—' | '−' | 'ー' => '-',
        '․' | '。' => '.',
        '⁄' | '∕' => '/',
        other => other,
    }
}

/// What the eye sees in a squashed name: letters and digits that common fonts hardly tell apart become
/// one of them.
pub(super) fn visual(squashed: &str) -> String {
    let mut seen = String::with_capacity(squashed.len());
    let mut letters = squashed.chars().peekable();
    while let Some(letter) = letters.next() {
        let next = letters.peek().copied();
        let (drawn, pair) = match (letter, next) {
            ('r', Some('n')) => ('m', true),
            ('v', Some('v')) => ('w', true),
            ('i' | '1' | '|' | '!', _) => ('l', false),
            ('0', _) => ('o', false),
            ('5' | '$', _) => ('s', false),
            (other, _) => (other, false),
        };
        if pair {
            letters.next();
        }
        seen.push(drawn);
    }
    seen
}

/// Runs of one letter become that letter.
pub(super) fn collapsed(squashed: &str) -> String {
    let mut last = None;
    squashed.chars().filter(|letter| last.replace(*letter) != Some(*letter)).collect()
}

/// Two characters that are hard to tell apart in print.
pub(super) fn drawn_alike(left: char, right: char) -> bool {
    const PAIRS: &[(char, char)] = &[
        ('i', 'l'),
        ('i', '1'),
        ('l', '1'),
        ('o', '0'),
        ('s', '5'),
        ('e', '3'),
        ('a', '4'),
        ('b', '8'),
        ('g', '9'),
        ('g', 'q'),
        ('q', '9'),
        ('z', '2'),
        ('t', '7'),
        ('b', '6'),
        ('u', 'v'),
        ('i', 'j'),
    ];
    PAIRS.iter().any(|pair| *pair == (left, right) || *pair == (right, left))
}

/// Two keys that touch on a QWERTY keyboard.
pub(super) fn neighbouring_keys(left: char, right: char) -> bool {
    let Some((row, column)) = key(left) else { return false };
    let Some((other_row, other_column)) = key(right) else { return false };
    match other_row - row {
        0 => (column - other_column).abs() == 1,
        // Each row starts a little to the right of the one above it.
        1 => other_column == column || other_column == column - 1,
        -1 => other_column == column || other_column == column + 1,
        _ => false,
    }
}

fn key(letter: char) -> Option<(i32, i32)> {
    const ROWS: [&str; 4] = ["1234567890", "qwertyuiop", "asdfghjkl", "zxcvbnm"];
    ROWS.iter().zip(0..).find_map(|(keys, row)| {
        keys.chars().zip(0..).find(|(key, _)| *key == letter).map(|(_, column)| (row, column))
    })
}
