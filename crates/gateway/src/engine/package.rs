//! A package as it stands in memory: its documents read once, its verdicts, its rendered replies' lease.

use lazaret_ecosystems::{Ecosystem, Index, KeptExtra};
use lazaret_policy::{Action, Allowed, ReleaseFacts};
use lazaret_vocabulary::{Digest, PackageName, PrincipalClass, Refusal, Timestamp};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

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
}

/// A package's documents, read; with what the house remembers of it.
pub(crate) struct Package {
    pub(crate) ecosystem: &'static dyn Ecosystem,
    pub(crate) name: PackageName,
    pub(crate) hosted: bool,
    /// Upstream lists it no more.
    pub(crate) vanished: bool,
    pub(crate) index: Box<dyn Index>,
    live: RwLock<Live>,
    pub(crate) places: HashMap<Arc<str>, Place>,
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
    pub(crate) class: PrincipalClass,
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
        let mut places = HashMap::new();
        for (release, entry) in index.releases().iter().enumerate() {
            for (artifact, file) in entry.artifacts.iter().enumerate() {
                places.entry(file.file.clone()).or_insert(Place { release, artifact });
            }
        }
        let lease = Lease::new(fetched);
        let live = RwLock::new(Live { memory: Arc::new(memory), lease });
        Self { ecosystem, name, hosted, vanished: false, index, live, places, judged: Mutex::default() }
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
        class: PrincipalClass,
        now: Timestamp,
        judge: impl FnOnce() -> Judged,
    ) -> Arc<Judged> {
        let fits = |judged: &Arc<Judged>| judged.epoch == epoch && now < judged.valid_until;
        let mut kept = self.judged.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(fits);
        if let Some(found) = kept.iter().find(|judged| judged.class == class) {
            return found.clone();
        }
        let made = Arc::new(judge());
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
