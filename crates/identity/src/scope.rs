use lazaret_vocabulary::{EcosystemId, PackageName};
use std::fmt;
use std::str::FromStr;

/// Longest pattern of a scope, in bytes.
const MAX_PATTERN: usize = 200;
/// Most scopes of one token.
const MAX_SCOPES: usize = 50;

/// Something that a token allows. Each stands for itself; only `admin` includes the others.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Scope {
    /// Read indexes and files: `read`.
    Read,
    /// Publish, yank, tag and own packages: `publish:<ecosystem>/<pattern>`. Either side may be or hold
    /// `*`, which stands for any run of characters, `/` among them.
    Publish {
        /// Ecosystem id, or `*`.
        ecosystem: String,
        /// Compared with package **keys**, so that it has to be written in the ecosystem's normalised form;
        /// one that is not matches nothing.
        pattern: String,
    },
    /// Waivers, kills, tokens, policy, and everything else: `admin`.
    Admin,
}

/// The text is not a scope.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a scope: {why}")]
pub struct InvalidScope {
    /// What was given, cut short.
    pub text: String,
    /// What is wrong with it.
    pub why: &'static str,
}

impl Scope {
    /// Whether it lets its bearer publish under this name.
    pub fn allows_publish(&self, package: &PackageName) -> bool {
        match self {
            Self::Admin => true,
            Self::Read => false,
            Self::Publish { ecosystem, pattern } => {
                matches(ecosystem, package.ecosystem().as_str()) && matches(pattern, package.key())
            }
        }
    }

    /// Whether it lets its bearer publish anything in this ecosystem.
    pub fn allows_publish_in(&self, id: EcosystemId) -> bool {
        match self {
            Self::Admin => true,
            Self::Read => false,
            Self::Publish { ecosystem, .. } => matches(ecosystem, id.as_str()),
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read => formatter.write_str("read"),
            Self::Publish { ecosystem, pattern } => write!(formatter, "publish:{ecosystem}/{pattern}"),
            Self::Admin => formatter.write_str("admin"),
        }
    }
}

impl FromStr for Scope {
    type Err = InvalidScope;

    fn from_str(text: &str) -> Result<Self, InvalidScope> {
        let wrong = |why| InvalidScope { text: text.chars().take(120).collect(), why };
        match text {
            "read" => return Ok(Self::Read),
            "admin" => return Ok(Self::Admin),
            _ => {}
        }
        let rest = text
            .strip_prefix("publish:")
            .ok_or_else(|| wrong("expected `read`, `admin` or `publish:<ecosystem>/<pattern>`"))?;
        let (ecosystem, pattern) = rest.split_once('/').ok_or_else(|| {
            wrong("`publish:` needs an ecosystem and a pattern, such as `publish:*/acme-*`")
        })?;
        if ecosystem.is_empty() || pattern.is_empty() {
            return Err(wrong("neither the ecosystem nor the pattern may be empty; `*` stands for all"));
        }
        if rest.len() > MAX_PATTERN {
            return Err(wrong("it is longer than 200 bytes"));
        }
        if rest.chars().any(|c| c.is_whitespace() || c.is_control() || c == ',') {
            return Err(wrong("blanks, commas and control characters cannot stand in a name"));
        }
        Ok(Self::Publish { ecosystem: ecosystem.to_owned(), pattern: pattern.to_owned() })
    }
}

/// Reads scopes separated by blanks or commas; at least one, at most 50.
pub fn parse_scopes(text: &str) -> Result<Vec<Scope>, InvalidScope> {
    let wrong = |why| InvalidScope { text: text.chars().take(120).collect(), why };
    let mut scopes: Vec<Scope> = Vec::new();
    for item in text.split(|c: char| c.is_whitespace() || c == ',').filter(|item| !item.is_empty()) {
        let scope = item.parse()?;
        if !scopes.contains(&scope) {
            scopes.push(scope);
        }
        if scopes.len() > MAX_SCOPES {
            return Err(wrong("a token has at most 50 scopes"));
        }
    }
    if scopes.is_empty() {
        return Err(wrong("a token needs at least one"));
    }
    Ok(scopes)
}

/// Writes scopes as [`parse_scopes`] reads them, separated by one blank.
pub fn print_scopes(scopes: &[Scope]) -> String {
    scopes.iter().map(Scope::to_string).collect::<Vec<_>>().join(" ")
}

/// Whether `*` in the pattern can be filled so that it becomes the text. Greedy with one point of return:
/// time is at most the product of both lengths, and both are bounded.
fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut at, mut read) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while let Some(byte) = text.get(read) {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at, read));
                at += 1;
            }
            Some(wanted) if wanted == byte => {
                at += 1;
                read += 1;
            }
            _ => match star {
                Some((star_at, star_read)) => {
                    star = Some((star_at, star_read + 1));
                    at = star_at + 1;
                    read = star_read + 1;
                }
                None => return false,
            },
        }
    }
    pattern.get(at..).is_some_and(|rest| rest.iter().all(|byte| *byte == b'*'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use lazaret_vocabulary::EcosystemId;
    use proptest::prelude::*;

    const ONE: EcosystemId = EcosystemId::new("one");

    fn name(key: &str) -> PackageName {
        PackageName::new(ONE, key, key)
    }

    #[test]
    fn they_allow_what_they_say_and_no_more() {
        let table = [
            ("publish:one/acme-*", "acme-billing", true),
            ("publish:one/acme-*", "acme", false),
            ("publish:one/acme-*", "evil-acme-x", false),
            ("publish:one/@acme/*", "@acme/a", true),
            ("publish:one/@acme/*", "@acmex/a", false),
            ("publish:two/acme-*", "acme-billing", false),
            ("publish:*/*", "anything", true),
            ("publish:one/left-pad", "left-pad", true),
            ("publish:one/left-pad", "left-pad2", false),
            ("publish:one/*a*b", "xxaxxab", true),
            ("read", "left-pad", false),
            ("admin", "left-pad", true),
        ];
        for (scope, package, allowed) in table {
            let parsed: Scope = scope.parse().unwrap();
            assert_eq!(parsed.allows_publish(&name(package)), allowed, "{scope} on {package}");
            assert_eq!(parsed.to_string(), scope);
        }
    }

    #[test]
    fn wrong_ones_are_refused() {
        for wrong in ["", "Read", "write", "publish", "publish:", "publish:one", "publish:/x", "publish:one/"]
        {
            assert!(wrong.parse::<Scope>().is_err(), "{wrong}");
        }
        assert!(format!("publish:one/{}", "x".repeat(300)).parse::<Scope>().is_err());
        assert!(parse_scopes(" , ").is_err());
        let many: Vec<String> = (0..60).map(|number| format!("publish:one/p{number}")).collect();
        assert!(parse_scopes(&many.join(" ")).is_err());
        assert_eq!(print_scopes(&parse_scopes("read, publish:one/a read").unwrap()), "read publish:one/a");
    }

    proptest! {
        #[test]
        fn any_text_is_answered_and_reads_back(text in ".{0,60}") {
            if let Ok(scopes) = parse_scopes(&text) {
                prop_assert_eq!(parse_scopes(&print_scopes(&scopes)).unwrap(), scopes);
            }
        }

        #[test]
        fn a_star_takes_anything(left in "[ab]{0,4}", middle in "[ab]{0,6}", right in "[ab]{0,4}") {
            let whole = format!("{left}{middle}{right}");
            let pattern = format!("{left}*{right}");
            prop_assert!(matches(&pattern, &whole));
            prop_assert!(matches(&whole, &whole));
        }
    }
}
