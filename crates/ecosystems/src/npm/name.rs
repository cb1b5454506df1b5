//! Package names: `left-pad`, `@scope/name`, and the older ones that today's rules would not let in.

use super::ID;
use lazaret_vocabulary::{InvalidName, PackageName};

/// Longest name the registry takes, scope included (validate-npm-package-name).
const LONGEST: usize = 214;

/// Checks a name. Upper case is let through, since hundreds of old packages have it, but two names that
/// differ in nothing else are compared as one: no reader tells them apart.
pub(super) fn parse(text: &str) -> Result<PackageName, InvalidName> {
    let invalid = |why| Err(InvalidName::new(text, why));
    if text.is_empty() || text.len() > LONGEST {
        return invalid("it must have between 1 and 214 characters");
    }
    let bare = match text.strip_prefix('@') {
        None => text,
        Some(scoped) => match scoped.split_once('/') {
            Some((scope, bare)) if is_part(scope) => bare,
            _ => return invalid("a scoped name is written @scope/name"),
        },
    };
    if !is_part(bare) || text.starts_with('_') {
        return invalid("it must be made of a-z, 0-9 and -._ and not begin with a dot or an underscore");
    }
    if bare.eq_ignore_ascii_case("node_modules") || bare.eq_ignore_ascii_case("favicon.ico") {
        return invalid("the name is taken by the tools themselves");
    }
    Ok(PackageName::new(ID, text, &text.to_ascii_lowercase()))
}

/// What `encodeURIComponent` leaves as it is, which is the registry's own rule.
fn is_part(text: &str) -> bool {
    let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.!~*'()".contains(&byte);
    !text.is_empty() && !text.starts_with('.') && text.bytes().all(unreserved)
}

/// The name without its scope, as tarballs are called by.
pub(super) fn bare(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}

/// The name as clients put it into an address: the slash of a scope is encoded.
pub(super) fn encoded(name: &str) -> String {
    name.replace('/', "%2f")
}
