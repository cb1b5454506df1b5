//! Looks at the beginning or the end of a source archive, where `git archive` writes the commit that it was made
//! of: in the global header of a tar (POSIX.1-2001, "pax Header Block", keyword `comment`), in the comment of a
//! zip. That an archive asked for by a tag is of the commit that the tag stood for shows nowhere else.

use super::files::{Archive, File};
use super::name;
use crate::{Inspection, ReadSeek};
use flate2::read::GzDecoder;
use lazaret_vocabulary::{Artifact, Malformed, Release, Timestamp};
use std::io::{Read, SeekFrom};

/// A block of a tar, in bytes.
const BLOCK: usize = 512;
/// Largest global header read, in bytes; git's has 52 or 76.
const LARGEST_HEADER: u64 = 64 << 10;
/// A zip's end without its comment, in bytes.
const ZIP_END: usize = 22;
/// A zip's longest comment, in bytes.
const LONGEST_COMMENT: usize = 65_535;

/// What the archive says of its commit. Of other files nothing is known.
pub(super) fn inspect(
    release: &Release,
    artifact: &Artifact,
    file: &mut dyn ReadSeek,
) -> Result<Inspection, Malformed> {
    let mut inspection = Inspection::default();
    let Some(File::Archive { kind, .. }) = File::parse(&artifact.file) else { return Ok(inspection) };
    let told = match kind {
        Archive::TarGz | Archive::LegacyTarGz => of_tar(file)?,
        Archive::Zip | Archive::LegacyZip => Told { commit: of_zip(file)?, made: None },
    };
    inspection.claimed = told.made;
    if let Some(commit) = told.commit.filter(|commit| *commit != *release.version) {
        inspection
            .disagreements
            .push(format!("the archive was made of commit {commit}, and {} was asked for", release.version));
    }
    Ok(inspection)
}

struct Told {
    commit: Option<String>,
    /// git gives every entry the commit's own date.
    made: Option<Timestamp>,
}

fn broken(error: std::io::Error) -> Malformed {
    Malformed::new(format!("the archive cannot be read: {error}"))
}

fn of_tar(file: &mut dyn ReadSeek) -> Result<Told, Malformed> {
    file.rewind().map_err(broken)?;
    let mut reader = GzDecoder::new(file);
    let mut block = [0; BLOCK];
    reader.read_exact(&mut block).map_err(broken)?;
    let header = tar::Header::from_byte_slice(&block);
    let made =
        header.mtime().ok().and_then(|seconds| i64::try_from(seconds).ok()).filter(|seconds| *seconds > 0);
    let mut told = Told { commit: None, made: made.map(Timestamp::from_seconds) };
    let size = header.size().map_err(broken)?;
    if header.entry_type() != tar::EntryType::XGlobalHeader || size > LARGEST_HEADER {
        return Ok(told);
    }
    let mut records = Vec::new();
    reader.take(size).read_to_end(&mut records).map_err(broken)?;
    told.commit = comment(&records).and_then(name::commit);
    Ok(told)
}

/// The record `<length> comment=<text>\n`.
fn comment(records: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(records).ok()?;
    let record = text.lines().find_map(|line| line.split_once(' ')?.1.strip_prefix("comment="))?;
    Some(record)
}

/// The comment in the end record (APPNOTE.TXT 4.3.16), which reaches to the end of the file.
fn of_zip(file: &mut dyn ReadSeek) -> Result<Option<String>, Malformed> {
    let size = file.seek(SeekFrom::End(0)).map_err(broken)?;
    let most = u64::try_from(ZIP_END + LONGEST_COMMENT).unwrap_or(u64::MAX);
    file.seek(SeekFrom::Start(size.saturating_sub(most))).map_err(broken)?;
    let mut end = Vec::new();
    file.take(most).read_to_end(&mut end).map_err(broken)?;
    let comment = end.windows(ZIP_END).enumerate().rev().find_map(|(at, record)| {
        let [b'P', b'K', 5, 6, .., low, high] = record else { return None };
        let length = usize::from(u16::from_le_bytes([*low, *high]));
        end.get(at + ZIP_END..).filter(|comment| comment.len() == length)
    });
    match comment {
        Some(comment) => Ok(std::str::from_utf8(comment).ok().and_then(name::commit)),
        None => Err(Malformed::new("the archive is not a whole zip: it has no end record")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::github::Github;
    use crate::{Ecosystem as _, Need};
    use flate2::{Compression, write::GzEncoder};
    use std::io::{Cursor, Write as _};

    const COMMIT: &str = "1111111111111111111111111111111111111111";

    fn tar_gz(comment: Option<&str>) -> Vec<u8> {
        let mut builder = tar::Builder::new(Vec::new());
        let mut add = |kind, path: &str, content: &[u8]| {
            let mut header = tar::Header::new_ustar();
            header.set_entry_type(kind);
            header.set_path(path).unwrap();
            header.set_size(u64::try_from(content.len()).unwrap());
            header.set_mtime(1_700_000_000);
            header.set_cksum();
            builder.append(&header, content).unwrap();
        };
        if let Some(comment) = comment {
            let record = format!(" comment={comment}\n");
            add(
                tar::EntryType::XGlobalHeader,
                "pax_global_header",
                format!("{}{record}", record.len() + 2).as_bytes(),
            );
        }
        add(tar::EntryType::Regular, "r-1/f", b"x");
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(&builder.into_inner().unwrap()).unwrap();
        encoder.finish().unwrap()
    }

    fn zip(comment: &str) -> Vec<u8> {
        let mut end = b"PK\x05\x06".to_vec();
        end.extend_from_slice(&[0; 16]);
        end.extend_from_slice(&u16::try_from(comment.len()).unwrap().to_le_bytes());
        end.extend_from_slice(comment.as_bytes());
        end
    }

    fn look(file: &str, content: Vec<u8>) -> Result<Inspection, Malformed> {
        let package = Github.name("o/r").unwrap();
        let need = Need { dates_after: None, details: false, roles: &[] };
        let release = File::parse(file).unwrap().release(&package, &need);
        Github.inspect(&release, &package, &release.artifacts[0], &mut Cursor::new(content))
    }

    #[test]
    fn an_archive_of_another_commit_is_told() {
        let other = "2".repeat(40);
        for (file, good, bad) in [
            (format!("archive/{COMMIT}/v1.tar.gz"), tar_gz(Some(COMMIT)), tar_gz(Some(&other))),
            (format!("legacy/{COMMIT}.zip"), zip(COMMIT), zip(&other)),
        ] {
            assert!(look(&file, good).unwrap().disagreements.is_empty());
            let found = look(&file, bad).unwrap().disagreements;
            assert!(found.len() == 1 && found[0].contains(&other), "{found:?}");
        }
        let file = format!("archive/{COMMIT}.tar.gz");
        let without = look(&file, tar_gz(None)).unwrap();
        assert!(without.disagreements.is_empty(), "not every host writes it");
        assert_eq!(without.claimed, Some(Timestamp::from_seconds(1_700_000_000)));
    }

    #[test]
    fn what_is_no_archive_is_malformed() {
        let (tar, zip_file) = (format!("archive/{COMMIT}.tar.gz"), format!("archive/{COMMIT}.zip"));
        for wrong in [&b""[..], b"<html>", &[0x1f, 0x8b, 8, 0], b"PK\x05\x06"] {
            assert!(
                look(&tar, wrong.to_vec()).is_err() && look(&zip_file, wrong.to_vec()).is_err(),
                "{wrong:?}"
            );
        }
        let mut cut = zip(COMMIT);
        cut.pop();
        assert!(look(&zip_file, cut).is_err());
        assert!(look("download/v1/tool", b"anything".to_vec()).is_ok());
    }
}
