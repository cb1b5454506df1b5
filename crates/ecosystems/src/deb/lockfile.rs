//! What is installed on a machine or in an image, for `lazaret check`. Debian has no lock file; dpkg can print
//! one, and a root directory holds dpkg's own list.

use super::stanza::Stanzas;
use super::{name, relay, version};
use crate::Locked;
use lazaret_vocabulary::Malformed;
use std::io::Cursor;

/// Made with `dpkg-query -W -f '${source:Package} ${source:Version}\n' > dpkg.list`.
const LIST: &str = "dpkg.list";
/// A copy of `/var/lib/dpkg/status`.
const STATUS: &str = "dpkg.status";

/// Largest list read, in bytes.
const LARGEST: usize = 64 << 20;
/// Most packages of one list.
const MOST: usize = 300_000;

/// Reads either kind by its name.
pub(super) fn read(file_name: &str, text: &[u8]) -> Option<Result<Vec<Locked>, Malformed>> {
    let read = match file_name {
        LIST => list,
        STATUS => status,
        _ => return None,
    };
    if text.len() > LARGEST {
        return Some(Err(Malformed::new(format!("{file_name} is larger than 64 MiB"))));
    }
    Some(read(text).map(|mut locked| {
        // A source package has many binary ones.
        let mut seen = std::collections::HashSet::new();
        locked.retain(|one| seen.insert((one.package.key().to_owned(), one.version.clone())));
        locked
    }))
}

fn list(text: &[u8]) -> Result<Vec<Locked>, Malformed> {
    let text = std::str::from_utf8(text).map_err(|_| Malformed::new("dpkg.list is not UTF-8"))?;
    let mut locked = Vec::new();
    for (at, line) in crate::client::lines(text, &['#']).take(MOST) {
        let mut words = line.split_ascii_whitespace();
        let (Some(source), Some(version), None) = (words.next(), words.next(), words.next()) else {
            return Err(Malformed::new(format!(
                "line {at} of dpkg.list is not a source package and a version"
            )));
        };
        locked.push(one(source, version, Some(at))?);
    }
    Ok(locked)
}

fn status(text: &[u8]) -> Result<Vec<Locked>, Malformed> {
    let mut stanzas = Stanzas::new(Cursor::new(text), &["Package", "Version", "Source", "Status"]);
    let mut locked = Vec::new();
    while let Some(stanza) = stanzas.next()? {
        let (Some(package), Some(own)) = (stanza.get(0), stanza.get(1)) else { continue };
        let installed = stanza.get(3).is_none_or(|status| status.ends_with(" installed"));
        if !installed || locked.len() >= MOST {
            continue;
        }
        let source = stanza.get(2).unwrap_or(package);
        locked.push(one(relay::source_name(source), relay::version_of(source, own), None)?);
    }
    Ok(locked)
}

fn one(source: &str, version: &str, line: Option<usize>) -> Result<Locked, Malformed> {
    let known_as = name::known_as(source);
    let package = name::parse(known_as).map_err(|error| Malformed::new(error.to_string()))?;
    // The sources of signed kernels count `6.1.192+2` where those of the kernels count `6.1.192-2`.
    let version = match version.rsplit_once('+') {
        Some((upstream, revision)) if known_as != source && !version.contains('-') => {
            format!("{upstream}-{revision}")
        }
        _ => version.to_owned(),
    };
    if !version::is_version(&version) {
        let short: String = version.chars().take(80).collect();
        return Err(Malformed::new(format!("`{short}` of {package} is not a version")));
    }
    Ok(Locked { package, version, line, resolved: None })
}
