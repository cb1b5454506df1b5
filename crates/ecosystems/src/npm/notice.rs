//! What a document says of the releases it withholds, in the lengths that its members bear.

use lazaret_policy::{Action, Withheld};
use std::fmt::Write as _;

/// How many withheld versions the message to npm names.
const NAMED: usize = 10;

fn state(reason: &Withheld) -> String {
    match reason.until.filter(|_| reason.action == Action::Hold) {
        Some(until) => format!("held until {until}"),
        None if reason.action == Action::Hold => "held".to_owned(),
        None => "refused".to_owned(),
    }
}

/// One line on one release.
pub(super) fn line(reason: &Withheld, newest_allowed: Option<&str>, page: &str) -> String {
    let mut line = capital(&state(reason));
    let _ = write!(line, " by Lazaret ({}): {}.", reason.code, reason.sentence.trim_end_matches('.'));
    append(&mut line, newest_allowed, page);
    line
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_ascii_uppercase().to_string()).unwrap_or_default() + letters.as_str()
}

fn append(line: &mut String, newest_allowed: Option<&str>, page: &str) {
    match newest_allowed {
        Some(version) => line.push_str(&format!(" Newest allowed: {version}.")),
        None => line.push_str(" No release of it is allowed."),
    }
    if !page.is_empty() {
        line.push_str(&format!(" Details and waivers: {page}"));
    }
}

/// A path segment that says why, for clients that print the address of what they cannot get and nothing else.
pub(super) fn slug(reason: &Withheld, newest_allowed: Option<&str>) -> String {
    let dashed = |text: &str, longest: usize| {
        let mut slug = String::new();
        for c in text.chars() {
            let fine = c.is_ascii_alphanumeric() || c == '.';
            if fine {
                slug.push(c.to_ascii_lowercase());
            } else if !slug.is_empty() && !slug.ends_with('-') {
                slug.push('-');
            }
            if slug.len() >= longest {
                break;
            }
        }
        slug.trim_matches(['-', '.']).to_owned()
    };
    let until = reason.until.filter(|_| reason.action == Action::Hold);
    let state = match until {
        Some(until) => format!("held-until-{}", until.to_string().get(..10).unwrap_or("later")),
        None if reason.action == Action::Hold => "held".to_owned(),
        None => "refused".to_owned(),
    };
    let mut slug = format!("{state}--{}--{}", dashed(&reason.code, 60), dashed(&reason.sentence, 140));
    if let Some(version) = newest_allowed {
        slug.push_str("--newest-allowed-");
        slug.push_str(&dashed(version, 60));
    }
    slug
}

/// The message on all withheld versions of a package, newest first; npm prints it whole.
pub(super) fn message(
    name: &str,
    withheld: &[(&str, &Withheld)],
    releases: usize,
    newest_allowed: Option<&str>,
    page: &str,
) -> String {
    let mut message = format!("Lazaret withholds {} of {releases} releases of {name}.", withheld.len());
    append(&mut message, newest_allowed, page);
    for (version, reason) in withheld.iter().take(NAMED) {
        let sentence = reason.sentence.trim_end_matches('.');
        let _ = write!(message, "\n  {version} is {} ({}): {sentence}.", state(reason), reason.code);
    }
    if withheld.len() > NAMED {
        let _ = write!(message, "\n  … and {} older ones", withheld.len() - NAMED);
    }
    message
}
