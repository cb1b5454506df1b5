//! The archive `hosted`: suites written and signed from what is published here. The same packages make the
//! same indexes, so that what a signature speaks of is what is served a moment later.

use super::hosting::{COMPONENT, Kept, SUITE};
use super::{dates, route};
use crate::hosting::{Catalogue, Signer, StoredFile};
use flate2::Compression;
use flate2::write::GzEncoder;
use http::StatusCode;
use lazaret_vocabulary::{Algorithm, Malformed, Reply, Timestamp};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::io::Write as _;

/// Architectures that every suite has, be it with packages for all only.
const ARCHITECTURES: [&str; 2] = ["amd64", "arm64"];
/// The date of a suite is a whole hour: it never goes back when a package is removed, which apt would take
/// for an attack, and `Release` is still the text that `Release.gpg` signs when that is asked for next.
const HOUR_SECONDS: i64 = 3600;

const TEXT: &str = "text/plain; charset=utf-8";

/// Answers for `key.asc` and everything below `dists/`.
pub(super) fn answer(catalogue: &Catalogue<'_>, signer: &dyn Signer) -> Result<Reply, Malformed> {
    let path: Vec<&str> = catalogue.name.split('/').collect();
    match path.as_slice() {
        ["key.asc"] => Ok(text(signer.public_key()?)),
        ["dists", suite, rest @ ..] => in_suite(&Suite::read(suite, catalogue), rest, signer),
        _ => Ok(nothing()),
    }
}

fn in_suite(suite: &Suite<'_>, path: &[&str], signer: &dyn Signer) -> Result<Reply, Malformed> {
    if suite.files.is_empty() && suite.name != SUITE {
        return Ok(nothing());
    }
    match path {
        ["InRelease"] => Ok(text(signer.clearsigned(&suite.release()?)?)),
        ["Release"] => Ok(text(suite.release()?)),
        ["Release.gpg"] => Ok(text(signer.detached(&suite.release()?)?)),
        [component, folder, rest @ ..] if *component == COMPONENT => {
            let Some(architecture) = folder.strip_prefix("binary-") else { return Ok(nothing()) };
            if !suite.architectures().contains(architecture) {
                return Ok(nothing());
            }
            let packages = suite.packages(architecture);
            match rest {
                ["Packages"] => Ok(text(packages)),
                ["Packages.gz"] => Ok(binary(gzip(packages.as_bytes())?)),
                ["by-hash", ..] => by_hash(path, packages),
                _ => Ok(nothing()),
            }
        }
        _ => Ok(nothing()),
    }
}

/// One of an architecture's two files, by its digest.
fn by_hash(path: &[&str], packages: String) -> Result<Reply, Malformed> {
    let Some(wanted) = route::digest_in(path) else { return Ok(nothing()) };
    let has = |bytes: &[u8]| wanted.algorithm() == Algorithm::Sha256 && sha256(bytes) == wanted.to_hex();
    let packed = gzip(packages.as_bytes())?;
    if has(&packed) {
        Ok(binary(packed))
    } else if has(packages.as_bytes()) {
        Ok(text(packages))
    } else {
        Ok(nothing())
    }
}

fn text(body: String) -> Reply {
    Reply::new(StatusCode::OK, TEXT, body)
}

fn binary(body: Vec<u8>) -> Reply {
    Reply::new(StatusCode::OK, "application/octet-stream", body)
}

fn nothing() -> Reply {
    let why = "the archive of this house has no such document";
    Reply::new(StatusCode::NOT_FOUND, TEXT, format!("{why}\n")).with_phrase(&format!("Not Found: {why}"))
}

fn sha256(bytes: &[u8]) -> String {
    ring::digest::digest(&ring::digest::SHA256, bytes).as_ref().iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

fn gzip(bytes: &[u8]) -> Result<Vec<u8>, Malformed> {
    let failed = |error: std::io::Error| Malformed::new(format!("an index cannot be compressed: {error}"));
    let mut encoder = GzEncoder::new(Vec::new(), Compression::new(6));
    encoder.write_all(bytes).map_err(failed)?;
    encoder.finish().map_err(failed)
}

/// What is in one suite.
struct Suite<'a> {
    name: &'a str,
    /// By their place in the pool, which puts them in an order that stays.
    files: BTreeMap<&'a str, (&'a StoredFile, Kept)>,
    now: Timestamp,
}

impl<'a> Suite<'a> {
    /// A release that was withdrawn is not listed; its files stay where they are.
    fn read(name: &'a str, catalogue: &'a Catalogue<'a>) -> Self {
        let releases = catalogue.packages.iter().flat_map(|package| &package.releases);
        let listed = releases.filter(|release| release.withdrawn.is_none());
        let mut files = BTreeMap::new();
        for file in listed.flat_map(|release| &release.files) {
            let Ok(kept) = serde_json::from_str::<Kept>(&file.metadata) else { continue };
            if kept.suite == name {
                files.insert(&*file.file, (file, kept));
            }
        }
        Self { name, files, now: catalogue.now }
    }

    fn architectures(&self) -> BTreeSet<&str> {
        let named = self.files.values().map(|(_, kept)| kept.architecture.as_str());
        named.filter(|name| *name != "all").chain(ARCHITECTURES).collect()
    }

    /// `Packages` of an architecture, with the packages for all.
    fn packages(&self, architecture: &str) -> String {
        let mut text = String::new();
        for (place, (file, kept)) in &self.files {
            if kept.architecture != architecture && kept.architecture != "all" {
                continue;
            }
            let place = place.strip_prefix(route::HOSTED).unwrap_or(place).trim_start_matches('/');
            let _ = write!(text, "{}Filename: {place}\nSize: {}\n", kept.control, file.size_bytes);
            for digest in &file.digests {
                let field = match digest.algorithm() {
                    Algorithm::Sha256 => "SHA256",
                    Algorithm::Sha512 => "SHA512",
                    _ => continue,
                };
                let _ = writeln!(text, "{field}: {}", digest.to_hex());
            }
            text.push('\n');
        }
        text
    }

    /// `Release`: the digests of all else.
    fn release(&self) -> Result<String, Malformed> {
        let hour = self.now.seconds().div_euclid(HOUR_SECONDS) * HOUR_SECONDS;
        let date = dates::print(Timestamp::from_seconds(hour))
            .ok_or_else(|| Malformed::new("the clock shows a time that cannot be written"))?;
        let architectures: Vec<&str> = self.architectures().into_iter().collect();
        let mut text = format!(
            "Origin: Lazaret\nLabel: Lazaret\nSuite: {name}\nCodename: {name}\nDate: {date} UTC\n\
             Architectures: {}\nComponents: {COMPONENT}\nAcquire-By-Hash: yes\n\
             Description: What is published to this house\nSHA256:\n",
            architectures.join(" "),
            name = self.name,
        );
        for architecture in architectures {
            let packages = self.packages(architecture);
            let packed = gzip(packages.as_bytes())?;
            for (bytes, ending) in [(packages.as_bytes(), ""), (packed.as_slice(), ".gz")] {
                let _ = writeln!(
                    text,
                    " {} {} {COMPONENT}/binary-{architecture}/Packages{ending}",
                    sha256(bytes),
                    bytes.len()
                );
            }
        }
        Ok(text)
    }
}
