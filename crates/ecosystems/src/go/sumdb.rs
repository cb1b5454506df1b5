//! The checksum database: a transparency log of the hashes of every module version (proposal 25530). It passes
//! untouched, since clients verify it. What it says of a version's place in the log tells how old that version
//! is at least, which no publisher can fake.

use super::{name, refuse, route};
use crate::route::{Fetch, FetchScope, Relay, Route};
use crate::{Relayed, Relaying};
use http::StatusCode;
use lazaret_vocabulary::{Document, DocumentRole, Malformed, PackageName, Reply, Timestamp};

/// The address right below which the database's `/lookup/…` and `/tile/…` stand.
pub(super) const UPSTREAM: &str = "sumdb";
/// A document that passes through.
const PASSING: DocumentRole = "sumdb";
/// What the database has on one version.
pub(super) const LOOKUP: DocumentRole = "lookup";

/// Largest answer to a look-up or signed tree head, in bytes; honest ones stay below a thousand.
const LARGEST_NOTE: usize = 64 << 10;
/// Largest tile of records, in bytes: 256 records of at most 64 KiB, of which honest ones are a hundredth.
const LARGEST_TILE: usize = 16 << 20;
/// Bytes of a hash in a tile.
const HASH_BYTES: usize = 32;

/// Untouched documents.
#[derive(Debug)]
pub(super) struct Database;

/// What is asked of the database, whose name comes first. The name decides nothing: the operator's database is
/// the one that is asked, and a client that trusts another one sees that the signature is not its own.
pub(super) fn route(rest: &[&str]) -> Route {
    match rest {
        // Said by this house itself: a client that hears "no" goes to the database on its own.
        [first, middle @ .., "supported"] if named(first, middle) => {
            Route::Fixed(Reply::new(StatusCode::OK, "text/plain; charset=utf-8", ""))
        }
        [first, middle @ .., "latest"] if named(first, middle) => relay("/latest".to_owned(), None, false),
        _ => {
            let Some(at) = rest.iter().position(|segment| matches!(*segment, "lookup" | "tile")) else {
                return Route::Unknown;
            };
            let (Some((first, middle)), Some((word, about))) = (
                rest.get(..at).and_then(<[&str]>::split_first),
                rest.get(at..).and_then(<[&str]>::split_first),
            ) else {
                return Route::Unknown;
            };
            match *word {
                _ if !named(first, middle) => Route::Unknown,
                "lookup" => lookup(about),
                _ if is_tile(about) => relay(format!("/tile/{}", about.join("/")), None, true),
                _ => Route::Unknown,
            }
        }
    }
}

/// Whether these segments can be a database's name: a host, perhaps with a path.
fn named(first: &str, rest: &[&str]) -> bool {
    let plain = |part: &&str| {
        !part.is_empty()
            && !part.starts_with('.')
            && part
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b':'))
    };
    plain(&first) && rest.len() < 8 && rest.iter().all(plain)
}

/// `…/lookup/{module}@{version}`. The module is named, so that nothing of a reserved one leaves the house.
fn lookup(about: &[&str]) -> Route {
    let about = about.join("/");
    let parsed = about.rsplit_once('@').and_then(|(path, version)| {
        let package = route::module(&path.split('/').collect::<Vec<_>>())?;
        let version = name::unescape(version)?;
        name::fits(&package, &version).then_some((package, version))
    });
    match parsed {
        Some((package, version)) => relay(lookup_path(&package, &version), Some(package), true),
        None => Route::Unknown,
    }
}

/// Where the database answers a look-up, below its address.
pub(super) fn lookup_path(package: &PackageName, version: &str) -> String {
    format!("/lookup/{}@{}", name::escape(package.as_str()), name::escape(version))
}

fn relay(path: String, package: Option<PackageName>, immutable: bool) -> Route {
    let fetch = Fetch {
        role: PASSING,
        upstream: UPSTREAM.into(),
        path: path.clone(),
        accept: "*/*",
        scope: if package.is_some() { FetchScope::Package } else { FetchScope::Ecosystem },
    };
    Route::Relay(Relay { package, hosted_view: None, fetch, key: path, immutable })
}

/// `{height}/{level}/{number}[.p/{width}]`, the number in groups of three digits, all but the last with an `x`
/// in front (package `golang.org/x/mod/sumdb/tlog`, `Tile.Path`).
fn is_tile(about: &[&str]) -> bool {
    let number = |text: &str, least: u32, most: u32| {
        text.parse::<u32>().is_ok_and(|number| (least..=most).contains(&number) && text == number.to_string())
    };
    let [height, level, place @ ..] = about else { return false };
    let place = match place {
        [place @ .., width] if place.last().is_some_and(|last| last.ends_with(".p")) => {
            if !number(width, 1, 255) {
                return false;
            }
            place
        }
        place => place,
    };
    let three = |text: &str| text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_digit());
    let Some((last, groups)) = place.split_last() else { return false };
    number(height, 1, 30)
        && (*level == "data" || number(level, 0, 63))
        && groups.len() < 8
        && groups.iter().all(|group| group.strip_prefix('x').is_some_and(three))
        && three(last.strip_suffix(".p").unwrap_or(last))
}

impl Relaying for Database {
    /// A module of this house is in no public database. Whoever hears so was about to look it up there. Never
    /// 404 or 410 for what was not asked: a client could ask elsewhere.
    fn absent(&self, relay: &Relay, asked: bool) -> Option<Reply> {
        if asked {
            return None;
        }
        let Some(package) = &relay.package else {
            return Some(refuse::forbidden(
                "no checksum database is configured in this gateway (role `sumdb`)",
            ));
        };
        Some(refuse::forbidden(&format!(
            "{package} is not looked up in a public checksum database: its name is reserved for this house, or no \
             database is configured here.\nIf it is this house's own: go env -w GOPRIVATE=<its prefix> GONOPROXY=none"
        )))
    }

    fn relay(&self, relay: &Relay, document: &Document) -> Result<Relayed, Malformed> {
        let body = &document.body;
        let media = if relay.key.starts_with("/tile/") {
            let hashes = !relay.key.contains("/data/");
            if body.is_empty()
                || body.len() > LARGEST_TILE
                || (hashes && !body.len().is_multiple_of(HASH_BYTES))
            {
                return Err(Malformed::new(format!("{} is no tile of a checksum database", relay.key)));
            }
            "application/octet-stream"
        } else {
            let text = std::str::from_utf8(body).ok().filter(|text| text.len() <= LARGEST_NOTE);
            if !text.is_some_and(|text| text.contains("go.sum database tree\n")) {
                return Err(Malformed::new(format!("{} has no signed tree head in it", relay.key)));
            }
            "text/plain; charset=utf-8"
        };
        Ok(Relayed {
            reply: Reply::new(StatusCode::OK, media, body.clone()),
            members: Vec::new(),
            pointers: Vec::new(),
        })
    }
}

/// The number of the record in an answer to a look-up, if the answer is about this version.
fn record(package: &PackageName, version: &str, document: &Document) -> Option<u64> {
    let text = std::str::from_utf8(&document.body).ok().filter(|text| text.len() <= LARGEST_NOTE)?;
    let (number, rest) = text.split_once('\n')?;
    let about = format!("{package} {version} ");
    rest.lines().take_while(|line| !line.is_empty()).any(|line| line.starts_with(&about)).then_some(())?;
    number.parse().ok().filter(|_| number.bytes().all(|byte| byte.is_ascii_digit()))
}

/// A moment before which the version was in the log, hence published; `None` for a version that was logged
/// after the last moment this build knows of.
pub(super) fn logged_by(package: &PackageName, version: &str, document: &Document) -> Option<Timestamp> {
    let record = record(package, version, document)?;
    let (_, day) = LOGGED.iter().find(|(last, _)| record <= *last)?;
    Timestamp::parse(&format!("{day}T00:00:00Z")).ok()
}

/// Records up to this number were in the log before this day, oldest first.
///
/// The log itself tells no time, but its records are numbered one after another. Each line rests on a commit of a
/// module of the Go project that was made the day before, and on the highest record of the modules whose hashes
/// its `go.sum` lists: they were in the log by then (the first line: at the latest). `scripts/go-logged.sh` makes
/// such lines; new ones are added with each release of this program. What was logged later counts as first seen
/// by the house.
pub(super) const LOGGED: &[(u64, &str)] = &[
    (1_928_783, "2021-03-15"),
    (13_576_612, "2022-10-20"),
    (14_637_701, "2023-01-05"),
    (17_404_792, "2023-05-09"),
    (18_876_902, "2023-08-05"),
    (20_541_079, "2023-11-09"),
    (22_621_753, "2024-02-08"),
    (25_542_286, "2024-05-07"),
    (28_861_227, "2024-08-07"),
    (31_491_539, "2024-11-08"),
    (34_367_789, "2025-02-05"),
    (36_894_552, "2025-05-06"),
    (41_730_593, "2025-08-08"),
    (44_802_653, "2025-10-09"),
    (46_249_243, "2025-11-20"),
    (47_952_245, "2025-12-09"),
    (48_842_999, "2026-01-13"),
    (49_798_526, "2026-02-10"),
    (51_100_551, "2026-03-12"),
    (52_232_500, "2026-04-10"),
    (53_802_343, "2026-05-09"),
    (54_517_586, "2026-05-23"),
    (55_348_432, "2026-06-09"),
    (57_013_175, "2026-07-09"),
    (59_512_222, "2026-08-12"),
    (62_562_259, "2026-09-09"),
    (67_540_971, "2026-10-10"),
    (71_056_071, "2026-11-12"),
];
