//! What pins images: Dockerfiles, compose files, and manifests of Kubernetes.

mod dockerfile;
mod reference;
mod variables;
mod yaml;

use crate::Locked;
use lazaret_vocabulary::Malformed;

/// Largest file read, in bytes.
const LARGEST: usize = 4 << 20;
/// Most images named in one file.
const MOST_IMAGES: usize = 5_000;

/// Kinds of Kubernetes objects that run containers, as their files are usually called.
const WORKLOADS: [&str; 7] =
    ["pod", "deployment", "statefulset", "daemonset", "replicaset", "job", "cronjob"];

/// What a file is, by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Dockerfile,
    Compose,
    Kubernetes,
}

/// Which kind of file names images under this name.
fn kind(file_name: &str) -> Option<Kind> {
    let file = file_name.rsplit(['/', '\\']).next().unwrap_or(file_name);
    let lower = file.to_ascii_lowercase();
    if matches!(file, "Dockerfile" | "Containerfile")
        || file.starts_with("Dockerfile.")
        || file.starts_with("Containerfile.")
        || lower.ends_with(".dockerfile")
        || lower.ends_with(".containerfile")
    {
        // What stands beside a Dockerfile tells what is not sent to the builder.
        return (!lower.ends_with(".dockerignore") && !lower.ends_with(".containerignore"))
            .then_some(Kind::Dockerfile);
    }
    let stem = lower.strip_suffix(".yaml").or_else(|| lower.strip_suffix(".yml"))?;
    let is =
        |name: &str| stem == name || stem.strip_prefix(name).is_some_and(|rest| rest.starts_with(['.', '-']));
    if is("compose") || is("docker-compose") {
        return Some(Kind::Compose);
    }
    WORKLOADS.contains(&stem).then_some(Kind::Kubernetes)
}

/// An image that a file names.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Named {
    /// As written, with its variables filled in.
    text: String,
    line: usize,
}

/// The images that a file names, as written. Those whose name hangs on a variable without a value are none.
fn named(kind: Kind, text: &str) -> Result<Vec<Named>, Malformed> {
    let found = match kind {
        Kind::Dockerfile => dockerfile::images(text),
        Kind::Compose => yaml::compose(text)?,
        Kind::Kubernetes => yaml::kubernetes(text)?,
    };
    if found.len() > MOST_IMAGES {
        return Err(Malformed::new(format!("the file names more than {MOST_IMAGES} images")));
    }
    Ok(found)
}

/// Reads such a file; `None` for any other.
pub(super) fn read(file_name: &str, text: &[u8]) -> Option<Result<Vec<Locked>, Malformed>> {
    let kind = kind(file_name)?;
    Some(check(text).and_then(|text| named(kind, text)).and_then(|found| locked(&found)))
}

fn check(text: &[u8]) -> Result<&str, Malformed> {
    if text.len() > LARGEST {
        return Err(Malformed::new("the file is larger than 4 MiB"));
    }
    let text = std::str::from_utf8(text).map_err(|_| Malformed::new("the file is not UTF-8"))?;
    Ok(text.trim_start_matches('\u{feff}'))
}

fn locked(found: &[Named]) -> Result<Vec<Locked>, Malformed> {
    let read = |named: &Named| {
        let reference = reference::parse(&named.text)
            .map_err(|error| Malformed::new(format!("line {}: {error}", named.line)))?;
        Ok(Locked {
            resolved: reference.address(),
            version: reference.version().to_owned(),
            package: reference.package,
            line: Some(named.line),
        })
    };
    found.iter().map(read).collect()
}
