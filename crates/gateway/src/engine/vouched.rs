//! Releases that are made of what files and documents vouch for: a distribution's pool, an image's layers.

use super::package::{Memory, Vouched};
use lazaret_ecosystems::{Index, Shown, View};
use lazaret_vocabulary::{Artifact, Malformed, Release, Reply, Standing};
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

/// Files of one release that are gathered from what vouches for what, at most.
const FILES: usize = 20_000;

/// The releases of a package whose index is what other documents vouch for; `None` where there are none.
pub(crate) fn releases_of(memory: &Memory, hosted: bool) -> Option<Vec<Release>> {
    if hosted {
        return None;
    }
    let mut releases: BTreeMap<Arc<str>, Vec<Artifact>> = BTreeMap::new();
    for (_, vouched) in sorted(memory) {
        if let Some(first) = vouched.iter().find(|one| !one.version.is_empty()) {
            releases.entry(first.version.clone()).or_default().push(first.artifact.clone());
        }
    }
    let made = |(version, artifacts)| Release { version, artifacts, ..Release::default() };
    let releases: Vec<Release> = releases.into_iter().map(made).collect();
    (!releases.is_empty()).then_some(releases)
}

/// In one order, so that equal memories make equal releases.
fn sorted(memory: &Memory) -> Vec<(&Arc<str>, &Vec<Vouched>)> {
    let mut all: Vec<_> = memory.members.iter().collect();
    all.sort_unstable_by_key(|(file, _)| *file);
    all
}

/// The files at whose top a file hangs: those that nothing vouches for. Empty when the file is not known.
pub(crate) fn roots(memory: &Memory, file: &str) -> Vec<Arc<str>> {
    let mut found = Vec::new();
    let mut seen: HashSet<&str> = HashSet::new();
    let mut open: Vec<&str> = vec![file];
    while let Some(next) = open.pop() {
        if !seen.insert(next) || seen.len() > FILES {
            continue;
        }
        match memory.members.get(next) {
            Some(vouched) => {
                open.extend(vouched.iter().map(|one| &*one.owner).filter(|owner| !owner.is_empty()))
            }
            None if next != file => found.push(Arc::from(next)),
            None => {}
        }
    }
    found.sort_unstable();
    found
}

/// Everything that hangs below a file.
pub(crate) fn below(memory: &Memory, root: &str) -> Vec<Artifact> {
    let mut found: Vec<Artifact> = Vec::new();
    let mut owners: HashSet<Arc<str>> = HashSet::from([Arc::from(root)]);
    let all = sorted(memory);
    loop {
        let before = owners.len();
        for (file, vouched) in &all {
            let belongs = vouched.iter().find(|one| one.version.is_empty() && owners.contains(&one.owner));
            if let Some(one) = belongs
                && owners.len() < FILES
                && owners.insert((*file).clone())
            {
                found.push(one.artifact.clone());
            }
        }
        if owners.len() == before {
            return found;
        }
    }
}

/// An index whose releases come from elsewhere than its own document.
pub(crate) struct Composed {
    index: Box<dyn Index>,
    releases: Vec<Release>,
}

impl Composed {
    pub(crate) fn new(index: Box<dyn Index>, releases: Vec<Release>) -> Self {
        Self { index, releases }
    }
}

impl Index for Composed {
    fn standing(&self) -> &Standing {
        self.index.standing()
    }

    fn releases(&self) -> &[Release] {
        &self.releases
    }

    fn tags(&self) -> &[(Arc<str>, Arc<str>)] {
        self.index.tags()
    }

    fn render(&self, view: &View, shown: &Shown<'_>) -> Result<Reply, Malformed> {
        self.index.render(view, shown)
    }

    fn weight(&self) -> usize {
        let files = self.releases.iter().map(|release| release.artifacts.len()).sum::<usize>();
        self.index.weight() + files * 300
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn memory(edges: &[(&str, &str)]) -> Memory {
        let mut memory = Memory::default();
        for (file, owner) in edges {
            let artifact =
                Artifact { file: (*file).into(), url: "".into(), digests: Vec::new(), size_bytes: None };
            let vouched = Vouched { owner: (*owner).into(), version: "".into(), artifact };
            memory.members.entry((*file).into()).or_default().push(vouched);
        }
        memory
    }

    #[test]
    fn a_layer_belongs_to_every_image_above_it() {
        let memory = memory(&[
            ("arm", "index"),
            ("amd", "index"),
            ("amd", "index2"),
            ("layer", "amd"),
            ("other", "arm"),
        ]);
        let texts = |found: Vec<Arc<str>>| found.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(texts(roots(&memory, "layer")), ["index", "index2"]);
        assert_eq!(texts(roots(&memory, "other")), ["index"]);
        assert!(roots(&memory, "index").is_empty() && roots(&memory, "unheard-of").is_empty());
        let files =
            |root: &str| below(&memory, root).iter().map(|one| one.file.to_string()).collect::<Vec<_>>();
        assert_eq!(files("index2"), ["amd", "layer"]);
        let mut all = files("index");
        all.sort();
        assert_eq!(all, ["amd", "arm", "layer", "other"]);
    }

    #[test]
    fn rings_end() {
        let memory = memory(&[("a", "b"), ("b", "a")]);
        assert!(roots(&memory, "a").is_empty());
        assert_eq!(below(&memory, "a").len(), 1);
    }
}
