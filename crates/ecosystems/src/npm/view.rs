//! Which form of a packument a request gets: by its `Accept`, and by which client it is, since each shows a
//! withheld release to its human in another way, if at all.

use http::HeaderMap;
use lazaret_vocabulary::RequestHead;

/// Media type of the abbreviated document (npm registry, "package-metadata").
pub(super) const ABBREVIATED_TYPE: &str = "application/vnd.npm.install-v1+json";

/// A form of the packument. The names stand in [`crate::View`] and so in cache keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Form {
    pub name: &'static str,
    /// All members that upstream has, or only those that an installation reads.
    pub members: Members,
    /// What becomes of a withheld release.
    pub withheld: Withheld,
    /// The media type it is sent under.
    pub abbreviated: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Members {
    All,
    Install,
}

/// How a withheld release is taken out of choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Withheld {
    /// Moved to `policyRestrictions`: npm falls back on ranges and prints the message on exact pins. Also
    /// for clients we know nothing of, since nothing withheld is left among their `versions`.
    Restricted,
    /// Kept, deprecated with the reason, its tarball at an address that carries the reason and is refused.
    /// pnpm 12 and yarn 4 pass over deprecated releases on ranges.
    Deprecated,
    /// The same where that cannot catch a range, otherwise left out: pnpm 10, yarn 1 and bun choose the
    /// highest match, deprecated or not.
    Passable,
}

const FORMS: [Form; 7] = [
    Form { name: "full", members: Members::All, withheld: Withheld::Restricted, abbreviated: false },
    Form { name: "install", members: Members::Install, withheld: Withheld::Restricted, abbreviated: false },
    Form {
        name: "abbreviated",
        members: Members::Install,
        withheld: Withheld::Restricted,
        abbreviated: true,
    },
    Form {
        name: "deprecated",
        members: Members::Install,
        withheld: Withheld::Deprecated,
        abbreviated: false,
    },
    Form {
        name: "deprecated-abbreviated",
        members: Members::Install,
        withheld: Withheld::Deprecated,
        abbreviated: true,
    },
    Form { name: "passable", members: Members::Install, withheld: Withheld::Passable, abbreviated: false },
    Form {
        name: "passable-abbreviated",
        members: Members::Install,
        withheld: Withheld::Passable,
        abbreviated: true,
    },
];

/// The tags alone, and one tag alone.
pub(super) const TAGS: &str = "dist-tags";
pub(super) const TAG: &str = "dist-tag";
/// One version's manifest.
pub(super) const MANIFEST: &str = "manifest";

impl Form {
    /// The form of this name, `full` if there is none.
    pub(super) fn named(name: &str) -> Self {
        let [full, ..] = FORMS;
        FORMS.into_iter().find(|form| form.name == name).unwrap_or(full)
    }

    fn with(members: Members, withheld: Withheld, abbreviated: bool) -> Self {
        let fits = |form: &Form| {
            form.members == members && form.withheld == withheld && form.abbreviated == abbreviated
        };
        FORMS.into_iter().find(fits).unwrap_or_else(|| Self::named("full"))
    }

    /// The form that answers this request.
    pub(super) fn of(request: &RequestHead<'_>) -> Self {
        let abbreviated = wants_abbreviated(request.headers);
        let withheld = match client(request) {
            Client::Npm => Withheld::Restricted,
            Client::Pnpm | Client::YarnModern => Withheld::Deprecated,
            Client::OlderPnpm | Client::YarnClassic | Client::Bun => Withheld::Passable,
            Client::Other => {
                let members = if abbreviated { Members::Install } else { Members::All };
                return Self::with(members, Withheld::Restricted, abbreviated);
            }
        };
        // npm's own commands on metadata (`view`, `deprecate`, `dist-tag`, …) read what installing does not,
        // and write back what they read.
        let reads_all = withheld == Withheld::Restricted && !abbreviated && !npm_installs(request)
            || has_parameter(request.query, "write");
        let members = if reads_all { Members::All } else { Members::Install };
        if members == Members::All {
            return Self::with(members, Withheld::Restricted, false);
        }
        Self::with(members, withheld, abbreviated)
    }
}

fn has_parameter(query: &str, name: &str) -> bool {
    query.split('&').any(|pair| pair.split('=').next() == Some(name))
}

/// Who asks, as far as its answers differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Client {
    Npm,
    /// 12 and later.
    Pnpm,
    OlderPnpm,
    YarnClassic,
    YarnModern,
    Bun,
    Other,
}

/// Told by the user agent. A wrong guess costs a reason in words, never a release let through.
pub(super) fn client(request: &RequestHead<'_>) -> Client {
    let agent = request.header("user-agent");
    let begins =
        |prefix: &str| agent.get(..prefix.len()).is_some_and(|text| text.eq_ignore_ascii_case(prefix));
    if begins("npm/") {
        Client::Npm
    } else if begins("pnpm/") {
        let major = agent.get(5..).and_then(|rest| rest.split('.').next()?.parse::<u32>().ok());
        if major.is_some_and(|major| major >= 12) { Client::Pnpm } else { Client::OlderPnpm }
    } else if begins("yarn/1.") || begins("yarn/0.") {
        Client::YarnClassic
    } else if begins("yarn/") || begins("got (") && request.header("accept").is_empty() {
        // yarn 4 names only its HTTP library and sends no `Accept`.
        Client::YarnModern
    } else if begins("bun/") {
        Client::Bun
    } else {
        Client::Other
    }
}

/// The commands of npm that read a packument to install from it. `npm-command` has the canonical name.
const INSTALLING: [&str; 20] = [
    "install",
    "ci",
    "install-test",
    "install-ci-test",
    "update",
    "uninstall",
    "exec",
    "init",
    "audit",
    "outdated",
    "dedupe",
    "find-dupes",
    "prune",
    "link",
    "ls",
    "ll",
    "explain",
    "query",
    "fund",
    "shrinkwrap",
];

fn npm_installs(request: &RequestHead<'_>) -> bool {
    request.header("pacote-req-type") == "packument" && INSTALLING.contains(&request.header("npm-command"))
}

/// Whether `Accept` prefers the abbreviated document (RFC 9110 §12.5.1). It is never sent to those who do
/// not name it.
fn wants_abbreviated(headers: &HeaderMap) -> bool {
    let (mut short, mut json, mut application, mut any) = (None, None, None, None);
    let values = headers.get_all(http::header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    for item in values.flat_map(|value| value.split(',')).take(64) {
        let mut parts = item.split(';').map(str::trim);
        let kind = parts.next().unwrap_or_default().to_ascii_lowercase();
        let slot = match kind.as_str() {
            ABBREVIATED_TYPE => &mut short,
            "application/json" => &mut json,
            "application/*" => &mut application,
            "*/*" => &mut any,
            _ => continue,
        };
        let quality = parts.find_map(|part| part.strip_prefix("q=")).map_or(1000, thousandths);
        *slot = Some(slot.unwrap_or(0).max(quality));
    }
    let short = short.unwrap_or(0);
    short > 0 && short >= json.or(application).or(any).unwrap_or(0)
}

/// `0.8` → 800. What cannot be read counts as 0.
fn thousandths(text: &str) -> u32 {
    let (whole, fraction) = text.trim().split_once('.').unwrap_or((text.trim(), ""));
    let mut digits = fraction.bytes().chain(*b"000").take(3);
    let part = digits
        .try_fold(0u32, |sum, digit| digit.is_ascii_digit().then(|| sum * 10 + u32::from(digit - b'0')));
    match (whole, part) {
        ("0", Some(part)) => part,
        ("1", Some(0)) => 1000,
        _ => 0,
    }
}
