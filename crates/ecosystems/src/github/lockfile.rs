//! What workflows and actions use: `uses: owner/repository[/path]@ref` (the host's documentation, "Workflow
//! syntax", `jobs.<job_id>.steps[*].uses` and `jobs.<job_id>.uses`; "Metadata syntax", `runs.steps[*].uses`).

use super::name;
use crate::Locked;
use lazaret_vocabulary::Malformed;
use saphyr_parser::{Event, Parser};

/// Largest file read, in bytes.
const LARGEST: usize = 4 << 20;
/// Deeper than any workflow.
const DEEPEST: usize = 32;
/// Uses read of one file, at most.
const MOST_USES: usize = 10_000;

/// Where workflows stand.
const WORKFLOWS: &str = ".github/workflows/";

/// Whether it is a workflow or an action. Workflows have names of any kind, so unless its path tells, a file is
/// known by its content.
pub(super) fn is_one(file: &str, text: &[u8]) -> bool {
    if !file.ends_with(".yml") && !file.ends_with(".yaml") {
        return false;
    }
    let has = |keys: &[&str]| {
        let begins = |line: &[u8]| keys.iter().any(|key| line.starts_with(key.as_bytes()));
        text.split(|byte| *byte == b'\n').any(begins)
    };
    let base = file.rsplit('/').next().unwrap_or(file);
    if matches!(base, "action.yml" | "action.yaml") {
        return text.is_empty() || has(&["runs:"]);
    }
    file.starts_with(WORKFLOWS)
        || file.contains(&format!("/{WORKFLOWS}"))
        || (has(&["jobs:"]) && has(&["on:", "\"on\":", "'on':", "on :"]))
}

/// The repositories that are used. Those beside the file, container images, and what an expression names are
/// left out.
pub(super) fn read(text: &[u8]) -> Result<Vec<Locked>, Malformed> {
    if text.len() > LARGEST {
        return Err(Malformed::new("the workflow is larger than 4 MiB"));
    }
    let text = std::str::from_utf8(text).map_err(|_| Malformed::new("the workflow is not UTF-8"))?;
    let mut found = Vec::new();
    // For each mapping the key whose value is being read; nothing for a list.
    let mut levels: Vec<(bool, Option<String>)> = Vec::new();
    for item in Parser::new_from_str(text) {
        let (event, span) =
            item.map_err(|error| Malformed::new(format!("the workflow is not YAML: {error}")))?;
        match event {
            Event::MappingStart(..) | Event::SequenceStart(..) => {
                if levels.len() >= DEEPEST {
                    return Err(Malformed::new("the workflow is nested too deeply"));
                }
                levels.push((matches!(event, Event::MappingStart(..)), None));
            }
            Event::MappingEnd | Event::SequenceEnd => {
                levels.pop();
                done(&mut levels);
            }
            Event::Alias(_) => done(&mut levels),
            Event::Scalar(value, ..) => {
                if let Some((_, key)) = levels.last_mut().filter(|(mapping, key)| *mapping && key.is_none()) {
                    *key = Some(value.into_owned());
                    continue;
                }
                if is_use(&levels)
                    && let Some((package, version)) = used(&value)
                {
                    if found.len() >= MOST_USES {
                        return Err(Malformed::new("the workflow uses more than 10000 actions"));
                    }
                    found.push(Locked { package, version, line: Some(span.start.line()), resolved: None });
                }
                done(&mut levels);
            }
            _ => {}
        }
    }
    Ok(found)
}

/// The value under the last key is complete.
fn done(levels: &mut [(bool, Option<String>)]) {
    if let Some((_, key)) = levels.last_mut() {
        *key = None;
    }
}

/// `jobs.*.uses`, `jobs.*.steps[].uses`, `runs.steps[].uses`.
fn is_use(levels: &[(bool, Option<String>)]) -> bool {
    let keys: Vec<&str> = levels.iter().filter_map(|(_, key)| key.as_deref()).collect();
    matches!(keys.as_slice(), ["jobs", _, "uses"] | ["jobs", _, "steps", "uses"] | ["runs", "steps", "uses"])
}

fn used(value: &str) -> Option<(lazaret_vocabulary::PackageName, String)> {
    let (path, at) = value.trim().rsplit_once('@')?;
    if path.starts_with('.') || path.contains("://") || path.contains("${{") || !name::is_ref(at) {
        return None;
    }
    let mut parts = path.split('/');
    let package = name::pair(parts.next()?, parts.next()?)?;
    Some((package, name::commit(at).unwrap_or_else(|| at.to_owned())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> Vec<(String, String, Option<usize>)> {
        let locked = read(text.as_bytes()).unwrap();
        locked.into_iter().map(|one| (one.package.to_string(), one.version, one.line)).collect()
    }

    #[test]
    fn what_is_used_is_found_with_its_line() {
        let text = include_str!("corpus/workflow.yml");
        let commit = "8f4b7f84864484a7bf31766abe9204da3cbe65b3".to_owned();
        assert_eq!(
            told(text),
            [
                ("actions/checkout".to_owned(), commit, Some(11)),
                ("acme/tools".to_owned(), "v1.2.0".to_owned(), Some(15)),
                ("acme/flows".to_owned(), "main".to_owned(), Some(23)),
            ]
        );
        let action = "name: x\nruns:\n  using: composite\n  steps:\n    - uses: o/r@v1 # pinned\n    - run: 'uses: o/x@v1'\n";
        assert_eq!(told(action), [("o/r".to_owned(), "v1".to_owned(), Some(5))]);
    }

    #[test]
    fn files_are_told_apart() {
        let workflow = b"on: push\njobs:\n";
        for (file, text, expected) in [
            ("ci.yml", &workflow[..], true),
            ("ci.yml", b"", false),
            (".github/workflows/ci.yaml", b"", true),
            ("sub/.github/workflows/ci.yaml", b"", true),
            ("action.yml", b"", true),
            ("action.yml", b"name: x\n", false),
            ("compose.yml", b"services:\n", false),
            ("workflow.txt", &workflow[..], false),
        ] {
            assert_eq!(is_one(file, text), expected, "{file}");
        }
    }

    #[test]
    fn odd_workflows_are_read_or_refused() {
        for nothing in
            ["", "a", "jobs: 1", "jobs:\n  a:\n    uses: 1", "jobs:\n  a:\n    steps:\n      uses: {}\n"]
        {
            assert!(told(nothing).is_empty(), "{nothing}");
        }
        for nothing in [
            "o/r",
            "o@v1",
            "./a@v1",
            "docker://o/r@v1",
            "o/r@${{ x }}",
            "o/r@",
            "o/r@a b",
            "../o/r@v1",
            "o/..@v1",
        ] {
            assert!(told(&format!("jobs:\n  a:\n    uses: \"{nothing}\"\n")).is_empty(), "{nothing}");
        }
        assert!(read(b"jobs: [").is_err());
        assert!(read(b"\xff").is_err());
        assert!(read("[".repeat(100).as_bytes()).is_err());
    }
}
