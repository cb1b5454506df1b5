use crate::encoding::{write_coverage, write_number, write_record, write_text};
use crate::index::AdvisoryIndex;
use crate::osv::Advisory;
use lazaret_vocabulary::{EcosystemId, Malformed, Timestamp};
use std::collections::{BTreeMap, HashMap};

/// Gives the ecosystem and the package's key for the ecosystem as OSV names it, suffix included
/// (`Debian:12`), and the name as a record writes it. `None` if this house does not know the ecosystem or the
/// name cannot be one in it.
pub type Normalise<'n> = dyn Fn(&str, &str) -> Option<(EcosystemId, String)> + 'n;

/// A package, and what a record says of it in its final form.
type Statement = (EcosystemId, Box<str>, Box<[u8]>);

/// Collects advisories, from any number of sources and in any order, and makes an index of them.
///
/// Of several records with one id the last modified is authoritative, and of equally old ones the one added
/// last; a withdrawn record takes back its older copies. Records of ecosystems that the names' normaliser
/// does not know are counted and left out.
pub struct IndexBuilder<'n> {
    normalise: &'n Normalise<'n>,
    pending: BTreeMap<Box<str>, Pending>,
    unknown: usize,
}

/// A record in its final form but for the places of things.
struct Pending {
    modified: Option<Timestamp>,
    withdrawn: bool,
    record: Box<[u8]>,
    coverages: Vec<Statement>,
}

impl<'n> IndexBuilder<'n> {
    /// An empty builder that finds packages by `normalise`.
    pub fn new(normalise: &'n Normalise<'n>) -> Self {
        Self { normalise, pending: BTreeMap::new(), unknown: 0 }
    }

    /// How many records were left out because they concern no known ecosystem.
    pub fn unknown(&self) -> usize {
        self.unknown
    }

    /// How many records it holds, withdrawn ones among them.
    pub fn len(&self) -> usize {
        self.pending.len()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.pending.is_empty()
    }

    /// Adds one record.
    pub fn add(&mut self, advisory: &Advisory) {
        let mut coverages = Vec::new();
        for affected in &advisory.affected {
            let Some((ecosystem, key)) = (self.normalise)(&affected.ecosystem, &affected.name) else {
                continue;
            };
            let mut bytes = Vec::new();
            write_coverage(&mut bytes, affected);
            coverages.push((ecosystem, key.into_boxed_str(), bytes.into_boxed_slice()));
        }
        let known_before = self.pending.contains_key(advisory.id.as_str());
        if coverages.is_empty() && !advisory.withdrawn && !known_before {
            self.unknown += 1;
            return;
        }
        let mut record = Vec::new();
        write_record(&mut record, advisory);
        let record = record.into_boxed_slice();
        let (modified, withdrawn) = (advisory.modified, advisory.withdrawn);
        self.put(advisory.id.as_str().into(), Pending { modified, withdrawn, record, coverages });
    }

    /// Adds everything of another index, as if record by record.
    pub fn add_index(&mut self, index: &AdvisoryIndex) {
        let mut by_record: HashMap<u32, Vec<Statement>> = HashMap::new();
        for package in index.all_packages() {
            let Some(ecosystem) = index.ecosystem(package.ecosystem) else { continue };
            for coverage in package.coverages() {
                let coverages = by_record.entry(coverage.record).or_default();
                coverages.push((ecosystem, package.key.into(), coverage.raw.into()));
            }
        }
        for (start, record, raw) in index.all_records() {
            let coverages = by_record.remove(&start).unwrap_or_default();
            let (modified, withdrawn) = (record.modified, record.withdrawn);
            self.put(record.id.into(), Pending { modified, withdrawn, record: raw.into(), coverages });
        }
    }

    fn put(&mut self, id: Box<str>, pending: Pending) {
        let newer = self.pending.get(&id).is_none_or(|known| known.modified <= pending.modified);
        if newer {
            self.pending.insert(id, pending);
        }
    }

    /// The index of everything added. Fails only beyond 4 GiB or 255 ecosystems.
    pub fn finish(self) -> Result<AdvisoryIndex, Malformed> {
        let too_large = || Malformed::new("advisories exceed the 4 GiB that an index can hold");
        let mut records = Vec::new();
        let mut coverages = Vec::new();
        for pending in self.pending.values() {
            let start = u32::try_from(records.len()).map_err(|_| too_large())?;
            records.extend_from_slice(&pending.record);
            if !pending.withdrawn {
                let listed = pending.coverages.iter();
                coverages.extend(listed.map(|(ecosystem, key, raw)| (*ecosystem, &**key, start, &**raw)));
            }
        }
        coverages.sort_unstable();
        coverages.dedup();

        let mut ecosystems: Vec<EcosystemId> = Vec::new();
        let (mut packages, mut table) = (Vec::new(), Vec::new());
        for of_package in coverages.chunk_by(|one, other| (one.0, one.1) == (other.0, other.1)) {
            let Some((ecosystem, key, ..)) = of_package.first() else { continue };
            if ecosystems.last() != Some(ecosystem) {
                ecosystems.push(*ecosystem);
            }
            let place = u32::try_from(packages.len()).map_err(|_| too_large())?;
            table.extend_from_slice(&place.to_le_bytes());
            let number = u8::try_from(ecosystems.len() - 1).map_err(|_| too_large())?;
            packages.push(number);
            write_text(&mut packages, key);
            write_number(&mut packages, of_package.len());
            for (_, _, record, raw) in of_package {
                packages.extend_from_slice(&record.to_le_bytes());
                packages.extend_from_slice(raw);
            }
        }

        let mut bytes = AdvisoryIndex::blank();
        bytes.push(u8::try_from(ecosystems.len()).map_err(|_| too_large())?);
        ecosystems.iter().for_each(|ecosystem| write_text(&mut bytes, ecosystem.as_str()));
        for section in [records, packages, table] {
            let length = u32::try_from(section.len()).map_err(|_| too_large())?;
            bytes.extend_from_slice(&length.to_le_bytes());
            bytes.extend_from_slice(&section);
        }
        AdvisoryIndex::seal(bytes, &|name| ecosystems.iter().copied().find(|known| known.as_str() == name))
    }
}
