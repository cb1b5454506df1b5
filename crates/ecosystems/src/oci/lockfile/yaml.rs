//! Images in compose files and manifests of Kubernetes. Only the parser's events are looked at, so that no tree
//! is built, and an alias stands for nothing.

use super::{Named, variables};
use lazaret_vocabulary::Malformed;
use saphyr_parser::{Event, Parser};
use std::collections::HashSet;

/// Deeper than any such file.
const DEEPEST: usize = 64;

/// A level of the document: the key under which the value stands that is being read.
struct Level {
    mapping: bool,
    key: Option<String>,
}

/// Calls `leaf` with the keys that lead to each scalar, the scalar and its line.
fn walk(text: &str, mut leaf: impl FnMut(&[&str], &str, usize)) -> Result<(), Malformed> {
    let mut levels: Vec<Level> = Vec::new();
    for item in Parser::new_from_str(text) {
        let (event, span) = item.map_err(|error| Malformed::new(format!("the file is not YAML: {error}")))?;
        match event {
            Event::MappingStart(..) | Event::SequenceStart(..) => {
                if levels.len() >= DEEPEST {
                    return Err(Malformed::new("the file is nested too deeply"));
                }
                // A mapping as a key has no name that is looked for.
                if let Some(level) = levels.last_mut().filter(|level| level.mapping && level.key.is_none()) {
                    level.key = Some(String::new());
                }
                levels.push(Level { mapping: matches!(event, Event::MappingStart(..)), key: None });
            }
            Event::MappingEnd | Event::SequenceEnd => {
                levels.pop();
                done(&mut levels);
            }
            Event::Alias(_) => match levels.last_mut() {
                Some(level) if level.mapping && level.key.is_none() => level.key = Some(String::new()),
                _ => done(&mut levels),
            },
            Event::Scalar(value, ..) => {
                if let Some(level) = levels.last_mut().filter(|level| level.mapping && level.key.is_none()) {
                    level.key = Some(value.into_owned());
                    continue;
                }
                let path: Vec<&str> = levels.iter().filter_map(|level| level.key.as_deref()).collect();
                leaf(&path, &value, span.start.line());
                done(&mut levels);
            }
            _ => {}
        }
    }
    Ok(())
}

/// The value under the last key is complete.
fn done(levels: &mut [Level]) {
    if let Some(level) = levels.last_mut() {
        level.key = None;
    }
}

/// The images of services. Where a service is built from a Dockerfile, `image` is what the result is called.
pub(super) fn compose(text: &str) -> Result<Vec<Named>, Malformed> {
    let mut built: HashSet<String> = HashSet::new();
    let mut found: Vec<(String, Named)> = Vec::new();
    walk(text, |path, value, line| match path {
        ["services", service, "build", ..] => {
            built.insert((*service).to_owned());
        }
        ["services", service, "image"] => {
            // Without the environment that a compose file is read in, only defaults are known.
            if let Some(image) = variables::fill(value, '$', &|_| None).filter(|image| !image.is_empty()) {
                found.push(((*service).to_owned(), Named { text: image, line }));
            }
        }
        _ => {}
    })?;
    let pulled = found.into_iter().filter(|(service, _)| !built.contains(service));
    Ok(pulled.map(|(_, named)| named).collect())
}

/// The images of containers, wherever a template of a pod stands.
pub(super) fn kubernetes(text: &str) -> Result<Vec<Named>, Malformed> {
    let mut found = Vec::new();
    walk(text, |path, value, line| {
        if let [.., "containers" | "initContainers" | "ephemeralContainers", "image"] = path
            && !value.is_empty()
        {
            found.push(Named { text: value.to_owned(), line });
        }
    })?;
    Ok(found)
}
