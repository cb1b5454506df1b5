//! Addresses: archives by name, each with suites below `dists/` and files anywhere else, and this house's own
//! archive, `hosted`.

use super::{hosting, name};
use crate::route::{Fetch, FetchScope, Part, Relay, Route};
use http::Method;
use lazaret_vocabulary::{Algorithm, Digest, DocumentRole, RequestHead};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// A document of an archive that passes untouched.
pub(super) const INDEX: DocumentRole = "index";
/// The archive of what is published here.
pub(super) const HOSTED: &str = "hosted";

/// Longest path looked at, in bytes.
const LONGEST_PATH: usize = 1024;
/// Most segments of a path.
const MOST_SEGMENTS: usize = 24;

/// What a segment keeps unencoded. apt encodes `+` and `~` or not; mirrors take both.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'.').remove(b'-').remove(b'_').remove(b'~').remove(b'+');

/// What binary packages' files end in.
const BINARIES: [&str; 3] = [".deb", ".udeb", ".ddeb"];
/// What source packages' files end in.
const SOURCES: [&str; 8] =
    [".dsc", ".tar.gz", ".tar.xz", ".tar.bz2", ".tar.zst", ".tar.lzma", ".diff.gz", ".tar.gz.asc"];
/// Signatures of upstream's tarballs, which the `.dsc` lists beside them.
const SIGNATURES: [&str; 3] = [".tar.xz.asc", ".tar.bz2.asc", ".tar.zst.asc"];
/// The compressions of an index that are read here; apt takes the next one when it is told that another is
/// not there.
const COMPRESSIONS: [&str; 4] = ["gz", "xz", "bz2", "zst"];

/// What `request` asks for.
pub(super) fn route(request: &RequestHead<'_>) -> Route {
    let Some(segments) = segments(request.path) else { return Route::Unknown };
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    let reading = matches!(*request.method, Method::GET | Method::HEAD);
    match segments.as_slice() {
        [HOSTED, rest @ ..] => hosted(request.method, reading, rest),
        [archive, rest @ ..] if reading && name::is_archive(archive) => upstream(archive, rest),
        _ => Route::Unknown,
    }
}

/// The decoded segments of a path. Decoding comes after splitting, so that `%2F` cannot make a segment; `.`
/// stands in the addresses of flat archives and means nothing.
pub(super) fn segments(path: &str) -> Option<Vec<String>> {
    if path.len() > LONGEST_PATH {
        return None;
    }
    let mut segments = Vec::new();
    for segment in path.strip_prefix('/')?.split('/') {
        let segment = percent_decode_str(segment).decode_utf8().ok()?;
        if segment == "." {
            continue;
        }
        if !is_plain(&segment) || segments.len() >= MOST_SEGMENTS {
            return None;
        }
        segments.push(segment.into_owned());
    }
    Some(segments)
}

/// Whether a segment of a path leads nowhere but down.
fn is_plain(segment: &str) -> bool {
    let odd = |letter: char| letter.is_control() || letter.is_whitespace() || matches!(letter, '/' | '\\');
    !segment.is_empty() && segment != "." && !segment.contains("..") && !segment.contains(odd)
}

/// A path as an index names it, split and checked by the same rules as an address; `.` is dropped.
pub(super) fn listed_path(path: &str) -> Option<Vec<&str>> {
    if path.len() > LONGEST_PATH {
        return None;
    }
    let segments: Vec<&str> = path.split('/').filter(|segment| *segment != ".").collect();
    (segments.len() <= MOST_SEGMENTS && segments.iter().all(|segment| is_plain(segment))).then_some(segments)
}

/// The encoded path, with a leading slash.
pub(super) fn encoded(path: &[&str]) -> String {
    path.iter().map(|segment| format!("/{}", utf8_percent_encode(segment, SEGMENT))).collect()
}

fn upstream(archive: &str, path: &[&str]) -> Route {
    if is_index(path) {
        return Route::Relay(Relay {
            package: None,
            hosted_view: None,
            fetch: Fetch {
                role: INDEX,
                upstream: archive.to_owned().into(),
                path: encoded(path),
                accept: "*/*",
                scope: FetchScope::Ecosystem,
            },
            key: format!("{archive}/{}", path.join("/")),
            immutable: digest_in(path).is_some(),
        });
    }
    artifact(archive, path)
}

fn artifact(archive: &str, path: &[&str]) -> Route {
    match name::of_file(path) {
        Some(package) if is_file(path) => {
            Route::Artifact { package, file: format!("{archive}/{}", path.join("/")), part: Part::Whole }
        }
        _ => Route::Unknown,
    }
}

fn hosted(method: &Method, reading: bool, rest: &[&str]) -> Route {
    match rest {
        ["key.asc"] | ["dists", ..] if reading => Route::Catalogue { name: rest.join("/") },
        ["pool", ..] if reading => artifact(HOSTED, rest),
        ["pool", .., file] if file.ends_with(".deb") && matches!(*method, Method::PUT | Method::POST) => {
            Route::Submit { action: hosting::PUBLISH, package: None, limit_bytes: hosting::LARGEST_PUBLISH }
        }
        ["packages", source, _] if *method == Method::DELETE => match name::parse(source) {
            Ok(package) => {
                Route::Submit { action: hosting::REMOVE, package: Some(package), limit_bytes: 1024 }
            }
            Err(_) => Route::Unknown,
        },
        _ => Route::Unknown,
    }
}

/// Whether a file of this name is a package or a part of one. Below `dists/` there are tarballs of other
/// kinds, unless a folder of the name `pool` says that there is one.
fn is_file(path: &[&str]) -> bool {
    let Some((file, folders)) = path.split_last() else { return false };
    let ends = |endings: &[&str]| endings.iter().any(|ending| file.ends_with(ending));
    let pooled = !folders.contains(&"dists") || folders.contains(&"pool");
    ends(&BINARIES) || file.ends_with(".dsc") || (pooled && (ends(&SOURCES) || ends(&SIGNATURES)))
}

/// Whether an archive's file is one of those that apt reads about packages. Everything else below `dists/`,
/// such as an installer's images, would pass unseen by any policy and is not served.
fn is_index(path: &[&str]) -> bool {
    let Some((file, folders)) = path.split_last() else { return false };
    // The patches (`Packages.diff/`) do not say enough about what they bring in. apt reads the whole index
    // when there are none.
    if folders.iter().any(|folder| folder.ends_with(".diff")) {
        return false;
    }
    if folders.contains(&"by-hash") {
        return digest_in(path).is_some();
    }
    if matches!(*file, "InRelease" | "Release" | "Release.gpg") {
        return true;
    }
    let starts = |words: &[&str]| words.iter().any(|word| file.starts_with(word));
    let (stem, extension) = file.rsplit_once('.').unwrap_or((file, ""));
    let read = COMPRESSIONS.contains(&extension);
    let plain = extension.is_empty() || (starts(&["Components-"]) && extension == "yml");
    if !(read || plain) {
        return false;
    }
    matches!(if read { stem } else { file }, "Packages" | "Sources")
        || starts(&["Contents-", "Translation-", "Components-", "Commands-"])
        || (starts(&["icons-"]) && folders.contains(&"dep11"))
}

/// The digest that an address names for its bytes: `…/by-hash/SHA256/<hex>`. Weaker hash functions prove
/// nothing, and apt asks for the strongest that the archive has.
pub(super) fn digest_in(path: &[&str]) -> Option<Digest> {
    let [.., "by-hash", function, hex] = path else { return None };
    let algorithm = match *function {
        "SHA256" => Algorithm::Sha256,
        "SHA512" => Algorithm::Sha512,
        _ => return None,
    };
    let lower = hex.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
    Digest::from_hex(algorithm, hex).filter(|_| lower)
}

/// Media type of a file of the pool.
pub(super) fn media_type(file: &str) -> &'static str {
    let ends = |ending: &str| file.ends_with(ending);
    if BINARIES.iter().any(|ending| ends(ending)) {
        "application/vnd.debian.binary-package"
    } else if ends(".dsc") || ends(".asc") {
        "text/plain; charset=utf-8"
    } else if ends(".gz") {
        "application/gzip"
    } else if ends(".xz") {
        "application/x-xz"
    } else {
        "application/octet-stream"
    }
}
