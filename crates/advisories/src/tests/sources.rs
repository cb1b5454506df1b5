//! Archives and directories, honest and hostile.

use super::*;
use crate::{Imported, Limits, SourceError, SourceState, read_archive, read_directory};
use lazaret_vocabulary::Timestamp;
use std::io::{Cursor, Write};

fn archive(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in entries {
        writer.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn read(bytes: &[u8], limits: &Limits) -> (Result<Imported, SourceError>, Vec<String>) {
    let mut ids = Vec::new();
    let imported = read_archive(Cursor::new(bytes), limits, &mut |advisory| ids.push(advisory.id));
    (imported, ids)
}

const GOOD: &[u8] = br#"{"id":"X-1","modified":"2025-01-02T00:00:00Z"}"#;

#[test]
fn bad_entries_do_not_spoil_good_ones() {
    let huge = vec![b' '; crate::MAX_RECORD_BYTES + 2];
    let (imported, ids) = read(
        &archive(&[
            ("X-0.json", b"{"),
            ("../../../etc/X-1.json", GOOD),
            ("README.md", b"nothing to read"),
            ("deep/.hidden.json", b"nor this"),
            ("a\x1b[2Jb.json", &huge),
            ("npm/MAL-1.json", br#"{"id":"MAL-1","modified":"2024-01-02T00:00:00Z"}"#),
        ]),
        &Limits::default(),
    );
    let imported = imported.unwrap();
    assert_eq!(ids, ["X-1", "MAL-1"]);
    assert_eq!((imported.records, imported.malformed), (2, 2));
    assert_eq!(imported.errors[0].name, "X-0.json");
    assert_eq!(imported.errors[1].name, "a?[2Jb.json");
    assert!(imported.errors[1].what.to_string().contains("4194304 bytes"));
    let now = Timestamp::from_seconds(1_764_000_000);
    let state = SourceState::after("osv", &imported, now);
    assert_eq!((state.fetched, state.records, state.malformed), (Some(now), 2, 2));
    assert_eq!(state.newest_modified, Some(Timestamp::parse("2025-01-02T00:00:00Z").unwrap()));
    let again: SourceState = serde_json::from_str(&serde_json::to_string(&state).unwrap()).unwrap();
    assert_eq!(again, state);
}

#[test]
fn limits_hold() {
    let bytes = archive(&[("1.json", GOOD), ("2.json", GOOD), ("3.json", b"{"), ("4.json", b"{")]);
    let few = Limits { entries: 3, ..Limits::default() };
    assert!(matches!(read(&bytes, &few).0, Err(SourceError::TooLarge { what: "entries", limit: 3 })));
    let small = Limits { total_bytes: GOOD.len() as u64 + 1, ..Limits::default() };
    assert!(matches!(read(&bytes, &small).0, Err(SourceError::TooLarge { .. })));
    let silent = Limits { errors: 1, ..Limits::default() };
    let imported = read(&bytes, &silent).0.unwrap();
    assert_eq!((imported.malformed, imported.errors.len()), (2, 1));
}

#[test]
fn the_wrong_file_is_an_error() {
    assert!(matches!(read(b"<html>not found</html>", &Limits::default()).0, Err(SourceError::Archive(_))));
    let bytes = archive(&[("package.json", br#"{"name":"x"}"#)]);
    assert!(matches!(
        read(&bytes, &Limits::default()).0,
        Err(SourceError::NothingReadable { malformed: 1, .. })
    ));
    let good = archive(&[("1.json", GOOD), ("2.json", GOOD)]);
    for length in 0..good.len() {
        let _ = read(&good[..length], &Limits::default());
    }
    for at in 0..good.len() {
        let mut altered = good.clone();
        altered[at] ^= 0xff;
        let _ = read(&altered, &Limits::default());
    }
    let none = read_directory(Path::new("no/such/directory"), &Limits::default(), &mut |_| {});
    assert!(matches!(none, Err(SourceError::Io { .. })));
}

#[test]
fn directories_are_read_in_order_and_to_a_depth() {
    let directory = tempfile::tempdir().unwrap();
    let put = |path: &str, id: &str| {
        let path = directory.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, format!(r#"{{"id":"{id}"}}"#)).unwrap();
    };
    put("b.json", "B-1");
    put("a/x.json", "A-1");
    put("a/b/c/x.json", "TOO-DEEP");
    put("notes.txt", "NO-RECORD");
    let limits = Limits { depth: 1, ..Limits::default() };
    let mut ids = Vec::new();
    read_directory(directory.path(), &limits, &mut |advisory| ids.push(advisory.id)).unwrap();
    assert_eq!(ids, ["A-1", "B-1"]);
    let few = Limits { entries: 2, ..Limits::default() };
    assert!(matches!(
        read_directory(directory.path(), &few, &mut |_| {}),
        Err(SourceError::TooLarge { what: "entries", .. })
    ));
}
