//! A package as it stands in memory: its documents read once, its verdicts, its rendered replies' lease.

use lazaret_ecosystems::{Detail, Ecosystem, Index, KeptExtra};
use lazaret_policy::{Action, Allowed, ReleaseFacts};
use lazaret_vocabulary::{Artifact, Digest, PackageName, PrincipalClass, Refusal, Timestamp};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

/// Packages of one unlisted release that are kept beside a package.
const SINGLES: usize = 4096;
/// Verdicts for different viewers that are kept of a package. Each moment in the past is a viewer of its own.
const VIEWERS: usize = 16;

/// Whether two places of an index hold the same file by a strong digest.
fn is_same_file(index: &dyn Index, left: Place, right: Place) -> bool {
    let digests = |place: Place| {
        let artifact = index.releases().get(place.release)?.artifacts.get(place.artifact)?;
        Some(&artifact.digests)
    };
    let (Some(left), Some(right)) = (digests(left), digests(right)) else { return false };
    left.iter().any(|one| one.algorithm().is_strong() && right.contains(one))
}

/// How current a package's documents are, shared by everything that was made from them.
#[derive(Debug)]
pub(crate) struct Lease {
    fetched: AtomicI64,
    superseded: AtomicBool,
}

impl Lease {
    pub(crate) fn new(fetched: Timestamp) -> Arc<Self> {
        Arc::new(Self { fetched: AtomicI64::new(fetched.millis()), superseded: AtomicBool::new(false) })
    }

    /// When upstream last said that the documents are current.
    pub(crate) fn fetched(&self) -> Timestamp {
        Timestamp::from_millis(self.fetched.load(Ordering::Acquire))
    }

    /// Upstream said so again.
    pub(crate) fn renew(&self, at: Timestamp) {
        self.fetched.store(at.millis(), Ordering::Release);
    }

    /// What was made from the documents must be made anew.
    pub(crate) fn end(&self) {
        self.superseded.store(true, Ordering::Release);
    }

    pub(crate) fn is_over(&self) -> bool {
        self.superseded.load(Ordering::Acquire)
    }
}

/// Who looks at a package, and when: all that a verdict depends on beside the package and the state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Viewer {
    pub(crate) class: PrincipalClass,
    /// The moment as of which the registry is looked at, if it is not the present.
    pub(crate) as_of: Option<Timestamp>,
}

impl Viewer {
    /// Somebody who looks at the present.
    pub(crate) fn now(class: PrincipalClass) -> Self {
        Self { class, as_of: None }
    }
}

/// Where an artifact stands in an index.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    pub(crate) release: usize,
    pub(crate) artifact: usize,
}

/// What this house remembers of a package's files, read once per package.
#[derive(Debug, Default, Clone)]
pub(crate) struct Memory {
    pub(crate) first_seen: HashMap<Arc<str>, Timestamp>,
    /// Digests that were declared at first sight and are not declared any more.
    pub(crate) first_declared: HashMap<Arc<str>, Digest>,
    pub(crate) admitted: std::collections::HashSet<Arc<str>>,
    pub(crate) disagreements: HashMap<Arc<str>, Vec<Arc<str>>>,
    pub(crate) install_script: HashMap<Arc<str>, bool>,
    pub(crate) licence: HashMap<Arc<str>, Arc<str>>,
    pub(crate) extras: HashMap<Arc<str>, Vec<KeptExtra>>,
    pub(crate) package_first_seen: Option<Timestamp>,
    /// What documents on single releases said.
    pub(crate) details: HashMap<Arc<str>, Arc<Detail>>,
    /// File → what vouches for it.
    pub(crate) members: HashMap<Arc<str>, Vec<Vouched>>,
    /// File → when its own content says it was published.
    pub(crate) published: HashMap<Arc<str>, Timestamp>,
}

impl Memory {
    /// Whether a file is a part of what another file vouches for, rather than one that stands for a release.
    pub(crate) fn belongs_to_owner(&self, file: &str) -> bool {
        self.members
            .get(file)
            .is_some_and(|vouched| vouched.iter().any(|one| one.version.is_empty() && !one.owner.is_empty()))
    }
}

/// A file that another one, or a document, vouches for.
#[derive(Debug, Clone)]
pub(crate) struct Vouched {
    /// The file that does; empty when a document does.
    pub(crate) owner: Arc<str>,
    /// The release it is a file of; empty when it belongs to its owner's.
    pub(crate) version: Arc<str>,
    pub(crate) artifact: Artifact,
}

/// A package's documents, read; with what the house remembers of it.
pub(crate) struct Package {
    pub(crate) ecosystem: &'static dyn Ecosystem,
    pub(crate) name: PackageName,
    pub(crate) hosted: bool,
    /// Upstream lists it no more.
    pub(crate) vanished: bool,
    /// Upstream has no index of it, though it may have releases.
    pub(crate) blank: bool,
    pub(crate) index: Box<dyn Index>,
    live: RwLock<Live>,
    pub(crate) places: HashMap<Arc<str>, Place>,
    /// Further places of files that stand in several releases.
    more_places: HashMap<Arc<str>, Vec<Place>>,
    /// Packages of one release that no index lists, by the file that was asked for.
    singles: Mutex<HashMap<Arc<str>, Arc<Package>>>,
    judged: Mutex<Vec<Arc<Judged>>>,
}

/// What changes while a package stays in memory.
#[derive(Clone)]
struct Live {
    memory: Arc<Memory>,
    lease: Arc<Lease>,
}

/// The firewall's verdicts on a package, good for one epoch and until `valid_until`.
pub(crate) struct Judged {
    pub(crate) epoch: u64,
    pub(crate) viewer: Viewer,
    pub(crate) valid_until: Timestamp,
    pub(crate) known: Vec<ReleaseFacts>,
    pub(crate) allowed: Allowed,
    /// Releases whose verdict somebody was told.
    pub(crate) told: Box<[AtomicBool]>,
}

impl Judged {
    /// Whether nobody was told the verdict on this release before. It is taken as told from now on.
    pub(crate) fn first_time(&self, release: usize) -> bool {
        // A plain look first: the line is shared by all who ask for this package.
        let told = |told: &&AtomicBool| !told.load(Ordering::Relaxed);
        self.told.get(release).filter(told).is_some_and(|told| !told.swap(true, Ordering::Relaxed))
    }
}

impl Package {
    pub(crate) fn new(
        ecosystem: &'static dyn Ecosystem,
        name: PackageName,
        hosted: bool,
        index: Box<dyn Index>,
        memory: Memory,
        fetched: Timestamp,
    ) -> Self {
        let (mut places, mut more_places) = (HashMap::new(), HashMap::<Arc<str>, Vec<Place>>::new());
        for (release, entry) in index.releases().iter().enumerate() {
            for (artifact, file) in entry.artifacts.iter().enumerate() {
                let place = Place { release, artifact };
                match places.entry(file.file.clone()) {
                    Entry::Vacant(vacant) => {
                        vacant.insert(place);
                    }
                    // The same bytes in another release. Other bytes under one name have no second place.
                    Entry::Occupied(first) if is_same_file(&*index, *first.get(), place) => {
                        more_places.entry(file.file.clone()).or_default().push(place);
                    }
                    Entry::Occupied(_) => {}
                }
            }
        }
        let lease = Lease::new(fetched);
        let live = RwLock::new(Live { memory: Arc::new(memory), lease });
        Self {
            ecosystem,
            name,
            hosted,
            vanished: false,
            blank: false,
            index,
            live,
            places,
            more_places,
            singles: Mutex::default(),
            judged: Mutex::default(),
        }
    }

    /// Where a file stands: of several releases that have it, one that is let in, if any is.
    pub(crate) fn place_of(&self, file: &str, judged: &Judged) -> Option<Place> {
        let first = *self.places.get(file)?;
        if judged.allowed.admits(first.release) {
            return Some(first);
        }
        let others = self.more_places.get(file).into_iter().flatten();
        Some(others.copied().find(|place| judged.allowed.admits(place.release)).unwrap_or(first))
    }

    /// An artifact with all that is declared of it, in the index and by documents on its release.
    pub(crate) fn declared(&self, place: Place) -> Option<Artifact> {
        let release = self.index.releases().get(place.release)?;
        let mut artifact = release.artifacts.get(place.artifact)?.clone();
        if let Some(detail) = self.memory().details.get(&release.version)
            && let Some(told) = detail.artifacts.iter().find(|told| told.file == artifact.file)
        {
            artifact.digests.extend(told.digests.iter().cloned());
            artifact.size_bytes = artifact.size_bytes.or(told.size_bytes);
        }
        Some(artifact)
    }

    /// The package of one unlisted release that was made for this file before.
    pub(crate) fn single(&self, file: &str) -> Option<Arc<Package>> {
        self.singles.lock().unwrap_or_else(PoisonError::into_inner).get(file).cloned()
    }

    /// Keeps one.
    pub(crate) fn keep_single(&self, file: &str, package: &Arc<Package>) {
        let mut singles = self.singles.lock().unwrap_or_else(PoisonError::into_inner);
        if singles.len() >= SINGLES {
            singles.clear();
        }
        singles.insert(file.into(), package.clone());
    }

    /// What the house remembers of its files.
    pub(crate) fn memory(&self) -> Arc<Memory> {
        self.live.read().unwrap_or_else(PoisonError::into_inner).memory.clone()
    }

    /// How current it is.
    pub(crate) fn lease(&self) -> Arc<Lease> {
        self.live.read().unwrap_or_else(PoisonError::into_inner).lease.clone()
    }

    /// Takes in what a file revealed: verdicts and replies made before are void from here on.
    pub(crate) fn learn(&self, change: impl FnOnce(&mut Memory)) {
        let mut live = self.live.write().unwrap_or_else(PoisonError::into_inner);
        let mut memory = Memory::clone(&live.memory);
        change(&mut memory);
        live.memory = Arc::new(memory);
        if !live.lease.is_over() {
            let renewed = Lease::new(live.lease.fetched());
            live.lease.end();
            live.lease = renewed;
        }
        drop(live);
        self.judged.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Takes in that a file was let out. It only counts where advisories are too old to rely on, and with that
    /// change verdicts are made anew, so nothing made before is void.
    pub(crate) fn note_admitted(&self, file: &Arc<str>) {
        let mut live = self.live.write().unwrap_or_else(PoisonError::into_inner);
        if !live.memory.admitted.contains(file) {
            let mut memory = Memory::clone(&live.memory);
            memory.admitted.insert(file.clone());
            live.memory = Arc::new(memory);
        }
    }

    /// Verdicts that are still good, or those that `judge` makes now.
    pub(crate) fn judged(
        &self,
        epoch: u64,
        viewer: Viewer,
        now: Timestamp,
        judge: impl FnOnce() -> Judged,
    ) -> Arc<Judged> {
        let fits = |judged: &Arc<Judged>| judged.epoch == epoch && now < judged.valid_until;
        let mut kept = self.judged.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(fits);
        if let Some(found) = kept.iter().find(|judged| judged.viewer == viewer) {
            return found.clone();
        }
        let made = Arc::new(judge());
        if kept.len() >= VIEWERS {
            kept.remove(0);
        }
        kept.push(made.clone());
        made
    }

    /// The newest stable release that is allowed, else the newest of any kind.
    pub(crate) fn newest_allowed(&self, allowed: &Allowed) -> Option<Arc<str>> {
        let releases = self.index.releases();
        let newest = |stable: bool| {
            releases
                .iter()
                .enumerate()
                .filter(|(index, release)| {
                    allowed.admits(*index) && release.withdrawn.is_none() && (!stable || !release.prerelease)
                })
                .max_by(|(_, left), (_, right)| self.ecosystem.compare(&left.version, &right.version))
                .map(|(_, release)| release.version.clone())
        };
        newest(true).or_else(|| newest(false))
    }

    /// The newest finished release, where it is newer than all that are allowed and withheld, so that a
    /// resolver takes an older one without a word.
    pub(crate) fn held_back(&self, allowed: &Allowed, page: &str) -> Option<Refusal> {
        let newest = self.newest_allowed(allowed);
        let (release, withheld) = self
            .index
            .releases()
            .iter()
            .enumerate()
            .filter(|(_, release)| {
                let newer = |newest: &Arc<str>| self.ecosystem.compare(&release.version, newest).is_gt();
                !release.prerelease && release.withdrawn.is_none() && newest.as_ref().is_none_or(newer)
            })
            .filter_map(|(index, release)| Some((release, allowed.withheld(index)?)))
            .max_by(|(left, _), (right, _)| self.ecosystem.compare(&left.version, &right.version))?;
        Some(Refusal {
            package: self.name.clone(),
            version: Some(release.version.to_string()),
            code: withheld.code.to_string(),
            sentence: withheld.sentence.clone(),
            until: if withheld.action == Action::Hold { withheld.until } else { None },
            newest_allowed: newest.map(|version| version.to_string()),
            page: page.to_owned(),
        })
    }

    /// About how many bytes of memory it holds.
    pub(crate) fn weight(&self) -> u32 {
        let releases = self.index.releases().len();
        u32::try_from(self.index.weight() + releases * 400 + 2000).unwrap_or(u32::MAX)
    }
}
