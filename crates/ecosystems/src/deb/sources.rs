//! apt's lists of sources (sources.list(5)): lines that begin with `deb`, and stanzas with `URIs`.

/// Most addresses read of one text.
const MOST: usize = 1000;

/// An address that apt fetches from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Source {
    /// Line of the text, counted from 1.
    pub line: usize,
    pub address: String,
}

/// The addresses in a text of either form, or of both, one after the other. A stanza that is switched off has
/// none.
pub(super) fn read(text: &str) -> Vec<Source> {
    let mut found = Vec::new();
    let mut stanza: Vec<Source> = Vec::new();
    let (mut in_addresses, mut off) = (false, false);
    for (at, line) in text.lines().enumerate().map(|(at, line)| (at + 1, line)) {
        if found.len() + stanza.len() >= MOST {
            break;
        }
        if line.starts_with('#') {
            continue;
        }
        if line.trim().is_empty() {
            found.extend(std::mem::take(&mut stanza).into_iter().filter(|_| !off));
            (in_addresses, off) = (false, false);
            continue;
        }
        let mut add = |words: &str| {
            let addresses = words.split_ascii_whitespace();
            stanza.extend(addresses.map(|address| Source { line: at, address: address.to_owned() }));
        };
        if line.starts_with([' ', '\t']) && in_addresses {
            add(line);
        } else if let Some(address) = one_line(line) {
            found.push(Source { line: at, address: address.to_owned() });
        } else if let Some((field, value)) = line.split_once(':') {
            in_addresses = field.trim().eq_ignore_ascii_case("URIs");
            if in_addresses {
                add(value);
            } else if field.trim().eq_ignore_ascii_case("Enabled") {
                off = ["no", "false", "off", "0", "without", "disable"].contains(&value.trim());
            }
        }
    }
    found.extend(stanza.into_iter().filter(|_| !off));
    found
}

/// The address in `deb [options] address suite components`.
fn one_line(line: &str) -> Option<&str> {
    let line = line.split('#').next()?.trim();
    let rest = line.strip_prefix("deb-src").or_else(|| line.strip_prefix("deb"))?;
    let rest = rest.strip_prefix([' ', '\t'])?.trim_start();
    let rest = if rest.starts_with('[') { rest.split_once(']')?.1 } else { rest };
    rest.split_ascii_whitespace().next()
}
