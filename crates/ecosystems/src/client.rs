use crate::Probe;

/// A program that speaks to registries of an ecosystem: what `setup` and `doctor` know of it.
#[derive(Debug)]
pub struct Client {
    /// As typed after `setup`.
    pub name: &'static str,
    /// Whether it only ever sends packages.
    pub publishes_only: bool,
    /// The program.
    pub program: &'static str,
    /// Prints its version; the first dotted number counts.
    pub version: Probe,
    /// The oldest version that shows its human why something is withheld.
    pub since: (u32, u32),
    /// What an older one does, for people.
    pub before: &'static str,
    /// Tell which registry it uses, the first that answers; empty where no command does.
    pub registry: &'static [Probe],
    /// Reads the address from what a probe of `registry` printed.
    pub read_registry: fn(&str) -> Option<String>,
    /// Whose changes point it at a gateway, as [`crate::ConfigEdit::client`] names them.
    pub edits: &'static [&'static str],
    /// What a person does by hand instead, with `{base}` to fill in; or empty.
    pub by_hand: &'static str,
}

/// Something that leads a client around the gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Detour {
    /// Line of the file, counted from 1, where known.
    pub line: Option<usize>,
    /// What it is, for people.
    pub what: String,
    /// What to do about it.
    pub remedy: String,
}

impl Detour {
    pub(crate) fn new(line: usize, what: String, remedy: &str) -> Self {
        Self { line: Some(line), what, remedy: remedy.to_owned() }
    }
}

/// An environment variable that changes where a client fetches from.
#[derive(Debug)]
pub struct Variable {
    /// Its name.
    pub name: &'static str,
    /// Whether it adds a source, and so leads around the gateway unless it names the gateway; otherwise it
    /// replaces the source.
    pub adds: bool,
}

/// The last line of a probe's output that is an http address, without a slash at its end.
pub(crate) fn last_address(printed: &str) -> Option<String> {
    let web = |line: &&str| line.starts_with("https://") || line.starts_with("http://");
    let line = printed.lines().rev().map(str::trim).find(web)?;
    Some(line.trim_end_matches('/').to_owned())
}

/// Whether an address lies on the gateway: the same scheme, host, port and path's beginning. A user and
/// password in it do not count. Without a gateway nothing does.
pub fn lies_on(address: &str, gateway: Option<&str>) -> bool {
    let Some(gateway) = gateway else { return false };
    let plain = |address: &str| {
        let address = address.trim_start_matches("sparse+").trim_start_matches("registry+");
        let Some((scheme, rest)) = address.split_once("://") else { return address.to_owned() };
        let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
        let host = host.rsplit('@').next().unwrap_or(host);
        format!("{}://{}/{path}", scheme.to_ascii_lowercase(), host.to_ascii_lowercase())
    };
    let (address, gateway) = (plain(address), plain(gateway.trim_end_matches('/')));
    let gateway = gateway.trim_end_matches('/');
    address.strip_prefix(gateway).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// An address without user and password, for people.
pub(crate) fn shown(address: &str) -> String {
    let Some((scheme, rest)) = address.split_once("://") else { return address.chars().take(200).collect() };
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let host = host.rsplit('@').next().unwrap_or(host);
    format!("{scheme}://{host}/{path}").trim_end_matches('/').chars().take(200).collect()
}

/// Lines with their numbers from 1, comments and blank ones left out.
pub(crate) fn lines<'t>(text: &'t str, comments: &'t [char]) -> impl Iterator<Item = (usize, &'t str)> {
    text.lines()
        .enumerate()
        .map(|(at, line)| (at + 1, line.trim()))
        .filter(move |(_, line)| !line.is_empty() && !line.starts_with(comments))
}

/// Line of a byte offset, counted from 1.
pub(crate) fn line_of(text: &str, offset: usize) -> usize {
    text.as_bytes().iter().take(offset).filter(|byte| **byte == b'\n').count() + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_lies_on_the_gateway_or_not() {
        let gateway = Some("https://gate.example:8443/");
        for inside in [
            "https://gate.example:8443/npm/",
            "sparse+https://gate.example:8443/cargo/",
            "https://__token__:secret@GATE.example:8443/pypi/simple/",
        ] {
            assert!(lies_on(inside, gateway), "{inside}");
        }
        for outside in [
            "https://gate.example/npm/",
            "http://gate.example:8443/npm/",
            "https://gate.example:84430/npm/",
            "https://gate.example:8443@registry.example/npm/",
            "https://registry.example/https://gate.example:8443/",
            "",
        ] {
            assert!(!lies_on(outside, gateway), "{outside}");
        }
        assert!(!lies_on("https://gate.example/", None));
    }

    #[test]
    fn secrets_are_not_shown() {
        assert_eq!(shown("https://me:secret@registry.example/x/"), "https://registry.example/x");
    }
}
