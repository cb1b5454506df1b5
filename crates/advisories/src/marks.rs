//! What databases say of a record in the blocks whose meaning the OSV schema leaves to them. Read with
//! complete tolerance: a block of an unforeseen shape says nothing, and never costs the record.

use crate::Severity;
use serde_json::Value;

/// MITRE's "Embedded Malicious Code", which GitHub gives to its malware advisories.
const EMBEDDED_MALICIOUS_CODE: &str = "CWE-506";

/// Whether a `database_specific` block calls its record malware.
///
/// `malicious-packages-origins` is where the OpenSSF's collection names its sources, in nothing but malware
/// records; RustSec writes `categories: ["malicious"]`.
pub(crate) fn malware(block: &Value) -> bool {
    let origins = match block.get("malicious-packages-origins") {
        None | Some(Value::Null | Value::Bool(false)) => false,
        Some(Value::Array(origins)) => !origins.is_empty(),
        Some(_) => true,
    };
    let flags = ["malicious", "malware"];
    let words = ["type", "category", "categories", "classification", "cwe_ids"];
    origins
        || flags.iter().any(|key| block.get(key).and_then(Value::as_bool) == Some(true))
        || words.iter().any(|key| block.get(key).is_some_and(names_malware))
}

fn names_malware(value: &Value) -> bool {
    match value {
        Value::String(text) => ["malicious", "malware", EMBEDDED_MALICIOUS_CODE]
            .iter()
            .any(|word| text.trim().eq_ignore_ascii_case(word)),
        Value::Array(values) => values.iter().any(|value| value.is_string() && names_malware(value)),
        _ => false,
    }
}

/// RustSec's `informational`: the record is no vulnerability but a notice of this kind.
pub(crate) fn informational(block: &Value) -> Option<&str> {
    block.get("informational").and_then(Value::as_str).filter(|kind| !kind.is_empty())
}

/// The database's own rating, as GitHub's `severity: "MODERATE"`.
pub(crate) fn rating(block: &Value) -> Option<Severity> {
    block.get("severity").and_then(Value::as_str).and_then(Severity::from_word)
}

/// A vector given outside of `severity`, as RustSec's `cvss`.
pub(crate) fn vector(block: &Value) -> Option<Severity> {
    block.get("cvss").and_then(Value::as_str).and_then(Severity::from_vector)
}
