//! What a release's POM and its parents say: Maven's index lists versions and nothing else.

use super::documents::{NOTHING_RUNS, REPOSITORY, artifact};
use super::pom::{self, Pom};
use super::{licence, name, version};
use crate::{Detail, Details, Fetch, FetchScope, Need, Wanted};
use lazaret_vocabulary::{Artifact, Document, DocumentRole, Malformed, PackageName, Release};

/// The release's own POM.
const POM: DocumentRole = "pom";
/// Those it inherits from, nearest first.
const PARENTS: [DocumentRole; 3] = ["parent-1", "parent-2", "parent-3"];

/// Descriptions of single releases.
#[derive(Debug)]
pub(super) struct Poms;

/// The files that nearly every release has.
pub(super) fn files(package: &PackageName, version: &str) -> Vec<Artifact> {
    [".pom", ".jar"].map(|rest| artifact(package, &name::file_key(package, version, rest))).into()
}

fn fetch(role: DocumentRole, path: String) -> Wanted {
    Wanted::Fetch(vec![Fetch {
        role,
        upstream: REPOSITORY.into(),
        path: format!("/{path}"),
        accept: "*/*",
        scope: FetchScope::Package,
    }])
}

/// A release that stands in no list.
pub(super) fn release(version: String, artifacts: Vec<Artifact>) -> Release {
    Release {
        prerelease: version::is_prerelease(&version),
        install_script: NOTHING_RUNS,
        version: version.into(),
        artifacts,
        ..Release::default()
    }
}

/// The POMs at hand that can be read, the release's own first.
fn chain(have: &[Document]) -> Vec<Pom> {
    let roles = std::iter::once(POM).chain(PARENTS);
    let documents = roles.map_while(|role| have.iter().find(|document| document.role == role));
    documents.map_while(|document| pom::read(&document.body).ok()).collect()
}

/// Dependencies that the users of a release get as well.
pub(super) fn fingerprint(pom: &Pom) -> u64 {
    let counts = |scope: &str| !matches!(scope, "test" | "provided" | "system");
    let mut lines: Vec<String> = pom
        .dependencies
        .iter()
        .filter(|named| counts(&named.scope))
        .map(|named| {
            let pom::Coordinates { group, artifact, version } = &named.coordinates;
            [group.as_str(), artifact, version, &named.scope, if named.optional { "?" } else { "" }]
                .join("\n")
        })
        .collect();
    lines.sort_unstable();
    lines.dedup();
    // FNV-1a, 64 bits, as for crates: stable between builds.
    let mut state = 0xcbf2_9ce4_8422_2325_u64;
    for byte in lines.iter().flat_map(|line| line.bytes().chain([0])) {
        state = (state ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    state
}

impl Details for Poms {
    /// Any file of any version: many repositories have no list, and a list names neither the uploads of a snapshot
    /// nor what a release consists of. The POM tells whether there is such a release.
    fn unlisted(&self, package: &PackageName, file: &str, _need: &Need<'_>) -> Option<Release> {
        let (_, artifact_id) = name::halves(package);
        let (directory, file_name) = file.split_once('/')?;
        let version = name::read_file(artifact_id, directory, file_name)?.version;
        let mut artifacts = files(package, &version);
        if artifacts.iter().all(|known| &*known.file != file) {
            artifacts.push(artifact(package, file));
        }
        // A snapshot's name stands for whatever was uploaded last: [`super::pointers`].
        (!name::is_snapshot(&version)).then(|| release(version, artifacts))
    }

    /// The POM, and as long as no licence stands in it the one it inherits from. `1.0-SNAPSHOT` itself is a name
    /// for whatever was uploaded last and has no POM of its own.
    fn wanted(
        &self,
        package: &PackageName,
        release: &Release,
        have: &[Document],
        _need: &Need<'_>,
    ) -> Wanted {
        if name::is_snapshot(&release.version) || !name::is_segment(&release.version) {
            return Wanted::Enough;
        }
        if have.is_empty() {
            return fetch(POM, name::address(package, &name::file_key(package, &release.version, ".pom")));
        }
        let chain = chain(have);
        let Some(last) = chain.last().filter(|_| chain.len() == have.len()) else { return Wanted::Enough };
        let (Some(role), Some(parent)) = (PARENTS.get(chain.len() - 1), &last.parent) else {
            return Wanted::Enough;
        };
        match parent.release() {
            Some((above, version)) if last.licences.is_empty() && !name::is_snapshot(version) => {
                fetch(role, name::address(&above, &name::file_key(&above, version, ".pom")))
            }
            _ => Wanted::Enough,
        }
    }

    /// No POM, no release; unless a list says that there is one, as of some from before there were POMs. A POM
    /// that cannot be read says nothing: mvn too takes the release without it then.
    fn read(
        &self,
        _package: &PackageName,
        release: &Release,
        have: &[Document],
    ) -> Result<Option<Detail>, Malformed> {
        let Some(own) = have.iter().find(|document| document.role == POM) else {
            let listed = release.no_later_than.is_some();
            return Ok(listed.then(Detail::default));
        };
        let chain = chain(have);
        let licences = chain.iter().map(|pom| &pom.licences).find(|licences| !licences.is_empty());
        let first = chain.first();
        Ok(Some(Detail {
            published: own.modified,
            licence: licences.and_then(|licences| licence::expression(licences)),
            deprecated: first.and_then(|pom| pom.relocation.clone()),
            repository: chain.iter().find_map(|pom| pom.repository.clone()),
            dependencies: first.map(fingerprint),
            ..Detail::default()
        }))
    }

    fn main_file(&self, package: &PackageName, version: &str) -> Option<String> {
        name::is_segment(version).then(|| name::file_key(package, version, ".pom"))
    }

    /// Dates stand nowhere but beside the POMs.
    fn for_listing(&self) -> bool {
        true
    }
}
