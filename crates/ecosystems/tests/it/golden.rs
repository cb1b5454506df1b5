//! Documents and policy in, reply out.

use crate::exchange::{House, Request, split_head};
use crate::folder;
use lazaret_ecosystems::{Ecosystem, all};
use lazaret_vocabulary::{Document, Reply, Timestamp};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// The cases of an ecosystem, by name.
pub(crate) fn cases(ecosystem: &dyn Ecosystem) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder(ecosystem).join("golden")) else { return Vec::new() };
    let mut cases: Vec<PathBuf> =
        entries.map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()).collect();
    cases.sort();
    cases
}

fn bytes(path: &Path) -> Vec<u8> {
    std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The upstream's document of a role, from `upstream-<role>.<extension>`.
pub(crate) fn document(case: &Path, role: &'static str, fetched: Timestamp) -> Option<Document> {
    let prefix = format!("upstream-{role}.");
    let files = std::fs::read_dir(case).unwrap().map(|entry| entry.unwrap().path());
    let path = files.into_iter().find(|path| file_name(path).starts_with(&prefix))?;
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    let content = bytes(&path);
    let (content_type, body) = match extension {
        "http" => {
            let (head, body) = split_head(&content);
            let mut fields = head.lines().filter_map(|line| line.split_once(':'));
            let declared = fields.find(|(name, _)| name.eq_ignore_ascii_case("content-type"));
            let declared =
                declared.map(|(_, value)| value.split(';').next().unwrap_or_default().trim().to_lowercase());
            (declared.unwrap_or_default(), body.to_vec())
        }
        "json" => ("application/json".to_owned(), content),
        "html" => ("text/html".to_owned(), content),
        _ => ("text/plain".to_owned(), content),
    };
    Some(Document { role, body: body.into(), content_type, fetched, modified: None })
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// A reply as text. Bytes that are no text are written as their length.
fn print(reply: &Reply) -> String {
    let phrase = reply.phrase.as_deref().or(reply.status.canonical_reason()).unwrap_or_default();
    let mut text = format!("HTTP/1.1 {} {phrase}\n", reply.status.as_u16());
    for (name, value) in &reply.headers {
        let _ = writeln!(text, "{name}: {}", String::from_utf8_lossy(value.as_bytes()));
    }
    text.push('\n');
    match std::str::from_utf8(&reply.body) {
        Ok(body) => text.push_str(body),
        Err(_) => {
            let _ = writeln!(text, "({} bytes)", reply.body.len());
        }
    }
    text
}

/// What a case comes to now.
pub(crate) fn run(ecosystem: &'static dyn Ecosystem, case: &Path) -> Reply {
    let request = Request::parse(&bytes(&case.join("request.http")));
    let policy = String::from_utf8(bytes(&case.join("policy.toml"))).expect("a policy in UTF-8");
    let now = request.now();
    let upstream = |role: &'static str| document(case, role, now);
    House { ecosystem, upstream: &upstream, policy: &policy, now }.answer(&request)
}

#[test]
fn every_exchange_ends_as_written_down() {
    let update = std::env::var_os("UPDATE").is_some();
    let mut differences = String::new();
    for ecosystem in all() {
        for case in cases(*ecosystem) {
            let reply = print(&run(*ecosystem, &case));
            let path = case.join("reply.http");
            if update {
                std::fs::write(&path, &reply).unwrap();
                continue;
            }
            let expected = std::fs::read(&path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
            if expected.as_deref().ok() != Some(reply.as_str()) {
                let expected = expected.unwrap_or_else(|error| format!("({error})"));
                let _ = writeln!(differences, "=== {}", case.display());
                let _ = writeln!(
                    differences,
                    "--- expected\n{}\n+++ got\n{}",
                    excerpt(&expected),
                    excerpt(&reply)
                );
            }
        }
    }
    assert!(differences.is_empty(), "UPDATE=1 writes these anew:\n{differences}");
}

fn excerpt(text: &str) -> String {
    text.chars().take(4000).collect()
}
