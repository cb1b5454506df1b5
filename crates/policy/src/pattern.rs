//! Patterns over package names, in which `*` stands for any run of characters.

use lazaret_vocabulary::{EcosystemId, PackageName};

/// The longest pattern that is read, in bytes.
const LONGEST: usize = 256;

/// Gives the key that a name is compared by, or `None` when it is no name in its ecosystem.
pub type NameKey<'a> = Box<dyn Fn(&str) -> Option<String> + 'a>;

/// What a policy has to know of an ecosystem to read names in a file.
pub struct KnownEcosystem<'a> {
    /// Its id, as policy files write it.
    pub id: EcosystemId,
    /// Its type in package URLs.
    pub purl_type: &'a str,
    /// How its names are compared.
    pub key: NameKey<'a>,
}

/// Text in which `*` stands for any run of characters, `/` among them. Everything else stands for itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pattern {
    text: Box<str>,
}

impl Pattern {
    /// `None` when it is empty, too long, or holds blanks or control characters.
    pub(crate) fn new(text: &str) -> Option<Self> {
        let valid = !text.is_empty()
            && text.len() <= LONGEST
            && !text.chars().any(|letter| letter.is_whitespace() || letter.is_control());
        valid.then(|| Self { text: text.into() })
    }

    /// As it is compared.
    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it names one thing only.
    pub(crate) fn is_exact(&self) -> bool {
        !self.text.contains('*')
    }

    /// How many characters are given; more of them say more.
    pub(crate) fn literals(&self) -> usize {
        self.text.chars().filter(|letter| *letter != '*').count()
    }

    /// Whether all of `name` fits. Linear in both but for the search of each piece.
    pub(crate) fn matches(&self, name: &str) -> bool {
        let mut pieces = self.text.split('*');
        let first = pieces.next().unwrap_or_default();
        let Some(mut rest) = name.strip_prefix(first) else { return false };
        let Some(last) = pieces.next_back() else { return rest.is_empty() };
        for piece in pieces {
            match rest.find(piece) {
                Some(at) => rest = rest.get(at + piece.len()..).unwrap_or_default(),
                None => return false,
            }
        }
        rest.ends_with(last)
    }
}

/// A pattern over the names of one ecosystem or of all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NamePattern {
    pub(crate) ecosystem: Option<Box<str>>,
    pub(crate) pattern: Pattern,
}

/// Stands in for `*` while an ecosystem normalises the rest: letters are valid anywhere in a name.
const STAND_IN: &str = "zqxstarxqz";

impl NamePattern {
    /// Reads `left-pad`, `@acme/*` or `npm:@acme/*` into one pattern per ecosystem in which it can name
    /// something, each written in that ecosystem's own normal form. `within` names the ecosystem when the
    /// place in the file does. Without any known ecosystem, text is taken in lower case.
    pub(crate) fn read(
        text: &str,
        within: Option<&str>,
        known: &[KnownEcosystem<'_>],
    ) -> Result<Vec<Self>, String> {
        let text = text.trim();
        let (ecosystem, name) = match text.split_once(':') {
            Some((prefix, name)) if is_ecosystem(prefix, known) && within.is_none() => (Some(prefix), name),
            _ => (within, text),
        };
        let invalid =
            || format!("expected a package name, perhaps with `*` in it, found `{}`", shorten(text));
        Pattern::new(name).ok_or_else(invalid)?;
        if name.contains(STAND_IN) {
            return Err(invalid());
        }
        if known.is_empty() {
            let pattern = Pattern::new(&name.to_lowercase()).ok_or_else(invalid)?;
            return Ok(vec![Self { ecosystem: ecosystem.map(Into::into), pattern }]);
        }
        let wanted = known.iter().filter(|one| ecosystem.is_none_or(|id| id == one.id.as_str()));
        let found: Vec<Self> = wanted
            .filter_map(|one| {
                let key = normal_form(name, one)?;
                Some(Self { ecosystem: Some(one.id.as_str().into()), pattern: Pattern::new(&key)? })
            })
            .collect();
        if found.is_empty() { Err(invalid()) } else { Ok(found) }
    }

    pub(crate) fn matches(&self, package: &PackageName) -> bool {
        self.ecosystem.as_deref().is_none_or(|id| id == package.ecosystem().as_str())
            && self.pattern.matches(package.key())
    }
}

fn is_ecosystem(text: &str, known: &[KnownEcosystem<'_>]) -> bool {
    if known.is_empty() {
        return !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
    }
    known.iter().any(|one| one.id.as_str() == text)
}

fn normal_form(name: &str, ecosystem: &KnownEcosystem<'_>) -> Option<String> {
    if name.bytes().all(|byte| byte == b'*') {
        return Some("*".to_owned());
    }
    let key = (ecosystem.key)(&name.replace('*', STAND_IN))?;
    Some(key.replace(STAND_IN, "*"))
}

/// Enough of a text to know it again.
pub(crate) fn shorten(text: &str) -> String {
    let mut short: String = text.chars().filter(|letter| !letter.is_control()).take(80).collect();
    if text.chars().nth(80).is_some() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn stars_stand_for_any_run() {
        for (pattern, name, fits) in [
            ("left-pad", "left-pad", true),
            ("left-pad", "left-pads", false),
            ("@acme/*", "@acme/billing", true),
            ("@acme/*", "@acmes/billing", false),
            ("*", "", true),
            ("a*a", "a", false),
            ("a*a", "aa", true),
            ("*-internal-*", "x-internal-y", true),
            ("*ab*ab*", "ab", false),
            ("example.test/acme/*", "example.test/acme/a/b", true),
        ] {
            assert_eq!(Pattern::new(pattern).unwrap().matches(name), fits, "{pattern} {name}");
        }
        for wrong in ["", "a b", "a\n", &"x".repeat(257)] {
            assert_eq!(Pattern::new(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn each_ecosystem_normalises_its_own() {
        let fold = |name: &str| Some(name.to_lowercase().replace('_', "-"));
        let plain = |name: &str| (!name.contains('/') || name.starts_with('@')).then(|| name.to_owned());
        let known = [
            KnownEcosystem { id: EcosystemId::new("folding"), purl_type: "folding", key: Box::new(fold) },
            KnownEcosystem { id: EcosystemId::new("plain"), purl_type: "plain", key: Box::new(plain) },
        ];
        let texts = |text: &str| -> Vec<String> {
            let read = NamePattern::read(text, None, &known).unwrap();
            read.iter()
                .map(|one| format!("{}:{}", one.ecosystem.as_deref().unwrap(), one.pattern.as_str()))
                .collect()
        };
        assert_eq!(texts("Acme_*"), ["folding:acme-*", "plain:Acme_*"]);
        assert_eq!(texts("plain:@acme/*"), ["plain:@acme/*"]);
        assert_eq!(texts("group:artifact"), ["folding:group:artifact", "plain:group:artifact"]);
        assert!(NamePattern::read("plain:a/b", None, &known).is_err());
    }

    /// Tells matching by trying every split.
    fn naive(pattern: &[char], name: &[char]) -> bool {
        match pattern.split_first() {
            None => name.is_empty(),
            Some(('*', rest)) => (0..=name.len()).any(|at| naive(rest, &name[at..])),
            Some((letter, rest)) => name.first() == Some(letter) && naive(rest, &name[1..]),
        }
    }

    proptest! {
        #[test]
        fn agrees_with_trying_everything(pattern in "[ab*]{1,8}", name in "[ab]{0,10}") {
            let (letters, wanted): (Vec<char>, Vec<char>) = (name.chars().collect(), pattern.chars().collect());
            prop_assert_eq!(Pattern::new(&pattern).unwrap().matches(&name), naive(&wanted, &letters));
        }
    }
}
