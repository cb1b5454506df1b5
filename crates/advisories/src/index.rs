use crate::encoding::{Coverage, Reader, Record};
use crate::order::VersionOrder;
use crate::osv::{EventKind, Informational};
use crate::{Severity, coverage};
use lazaret_vocabulary::{EcosystemId, Malformed};
use std::cmp::Ordering;
use std::ops::Range;

/// First bytes of the persisted form; the last of them is the form's version.
const MAGIC: &[u8; 16] = b"lazaretadvisory\x01";
const DIGEST_BYTES: usize = 32;
const BODY: usize = MAGIC.len() + DIGEST_BYTES;

/// Advisories by package: an immutable snapshot in one buffer, some 100 bytes for a malware record.
/// Made by [`crate::IndexBuilder`] or from bytes written earlier.
pub struct AdvisoryIndex {
    bytes: Vec<u8>,
    /// `None` for an ecosystem that this build does not know.
    ecosystems: Vec<Option<EcosystemId>>,
    records: Range<usize>,
    packages: Range<usize>,
    /// Little-endian `u32` places of the packages, in the order of (ecosystem's text, key).
    table: Range<usize>,
    counts: Counts,
    revision: String,
}

#[derive(Debug, Default, Clone, Copy)]
struct Counts {
    records: usize,
    withdrawn: usize,
}

/// One package's entry.
pub(crate) struct Package<'a> {
    pub(crate) ecosystem: usize,
    pub(crate) key: &'a str,
    count: usize,
    coverages: Reader<'a>,
}

impl<'a> Package<'a> {
    fn read(reader: &mut Reader<'a>) -> Option<Self> {
        let ecosystem = usize::from(reader.byte()?);
        let key = reader.text()?;
        let count = reader.number()?;
        Some(Self { ecosystem, key, count, coverages: *reader })
    }

    pub(crate) fn coverages(&self) -> impl Iterator<Item = Coverage<'a>> + use<'a> {
        let mut reader = self.coverages;
        (0..self.count).map_while(move |_| Coverage::read(&mut reader))
    }
}

impl AdvisoryIndex {
    /// An index without a single advisory.
    pub fn empty() -> Self {
        let mut bytes = vec![0; BODY];
        // No ecosystems, and three empty sections.
        bytes.extend_from_slice(&[0; 13]);
        Self::seal(bytes, &|_| None).unwrap_or_else(|_| Self {
            bytes: Vec::new(),
            ecosystems: Vec::new(),
            records: 0..0,
            packages: 0..0,
            table: 0..0,
            counts: Counts::default(),
            revision: String::new(),
        })
    }

    /// The digest of everything in here, 64 hexadecimal digits: equal exactly when the content is, in
    /// whichever order and from whichever sources it came.
    pub fn revision(&self) -> &str {
        &self.revision
    }

    /// The first 64 bits of [`revision`](Self::revision), for keys of caches.
    pub fn revision_number(&self) -> u64 {
        let digits = self.revision.get(..16).unwrap_or_default();
        u64::from_str_radix(digits, 16).unwrap_or_default()
    }

    /// How many records are in force.
    pub fn records(&self) -> usize {
        self.counts.records
    }

    /// How many records were taken back. They cover nothing.
    pub fn withdrawn(&self) -> usize {
        self.counts.withdrawn
    }

    /// How many packages have advisories.
    pub fn packages(&self) -> usize {
        self.table.len() / 4
    }

    /// The bytes in memory.
    pub fn size_bytes(&self) -> usize {
        self.bytes.len()
    }

    /// Whether any package of the ecosystem has an advisory.
    pub fn covers_ecosystem(&self, ecosystem: EcosystemId) -> bool {
        self.ecosystems.contains(&Some(ecosystem))
    }

    /// Everything said of a package, by its key.
    pub fn for_package<'a>(
        &'a self,
        ecosystem: EcosystemId,
        key: &str,
    ) -> impl Iterator<Item = PackageAdvisory<'a>> + use<'a> {
        let package = self.find(ecosystem, key);
        package.into_iter().flat_map(|package| package.coverages()).filter_map(|coverage| {
            let record = self.record(coverage.record)?;
            Some(PackageAdvisory { record, coverage })
        })
    }

    /// Whether any advisory covers the version, without allocating. For many versions of one package use
    /// [`matcher`](Self::matcher).
    pub fn is_affected(
        &self,
        ecosystem: EcosystemId,
        key: &str,
        version: &str,
        order: &dyn VersionOrder,
    ) -> bool {
        self.for_package(ecosystem, key).any(|advisory| advisory.covers(version, order))
    }

    /// The persisted form: what [`from_bytes`](Self::from_bytes) reads. Equal content gives equal bytes.
    pub fn to_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Reads what [`to_bytes`](Self::to_bytes) gave. The whole is checked, by its digest and then in its
    /// structure, so that a torn or altered file is refused and nothing is found missing later.
    /// `ecosystem` gives the ecosystem of an id; what belongs to others is kept but never found.
    pub fn from_bytes(
        bytes: Vec<u8>,
        ecosystem: &dyn Fn(&str) -> Option<EcosystemId>,
    ) -> Result<Self, Malformed> {
        let damaged =
            |what: &str| Malformed::new(format!("advisory index: {what}; it has to be built again"));
        if !bytes.starts_with(MAGIC) {
            return Err(damaged("this is no index, or one of another version of this program"));
        }
        let declared = bytes.get(MAGIC.len()..BODY).ok_or_else(|| damaged("the file is cut short"))?;
        let body = bytes.get(BODY..).unwrap_or_default();
        if ring::digest::digest(&ring::digest::SHA256, body).as_ref() != declared {
            return Err(damaged("the file was cut short or altered"));
        }
        Self::open(bytes, ecosystem).ok_or_else(|| damaged("its structure is broken"))
    }

    /// Completes a buffer, whose first bytes are still blank, by its digest.
    pub(crate) fn seal(
        mut bytes: Vec<u8>,
        ecosystem: &dyn Fn(&str) -> Option<EcosystemId>,
    ) -> Result<Self, Malformed> {
        let digest = ring::digest::digest(&ring::digest::SHA256, bytes.get(BODY..).unwrap_or_default());
        for (blank, byte) in bytes.iter_mut().zip(MAGIC.iter().chain(digest.as_ref())) {
            *blank = *byte;
        }
        Self::open(bytes, ecosystem).ok_or_else(|| Malformed::new("advisories exceed what an index can hold"))
    }

    /// An unfinished buffer that leaves room for what [`seal`](Self::seal) writes.
    pub(crate) fn blank() -> Vec<u8> {
        vec![0; BODY]
    }

    fn open(bytes: Vec<u8>, ecosystem: &dyn Fn(&str) -> Option<EcosystemId>) -> Option<Self> {
        let revision = hex::encode(bytes.get(MAGIC.len()..BODY)?);
        let mut reader = Reader(bytes.get(BODY..)?);
        let count = usize::from(reader.byte()?);
        let mut names = Vec::with_capacity(count);
        for _ in 0..count {
            names.push(reader.text()?);
        }
        let ecosystems = names.iter().map(|name| ecosystem(name)).collect();
        let section = |reader: &mut Reader<'_>| -> Option<Range<usize>> {
            let length = usize::try_from(reader.fixed()?).ok()?;
            let start = bytes.len().checked_sub(reader.0.len())?;
            reader.bytes(length)?;
            Some(start..start + length)
        };
        let (records, packages) = (section(&mut reader)?, section(&mut reader)?);
        let table = section(&mut reader)?;
        let whole = reader.0.is_empty() && table.len() % 4 == 0;
        let mut index =
            Self { ecosystems, records, packages, table, counts: Counts::default(), revision, bytes };
        index.counts = index.check(count)?;
        whole.then_some(index)
    }

    /// Walks through all of it, so that no later look-up can fail.
    fn check(&self, ecosystems: usize) -> Option<Counts> {
        let mut counts = Counts::default();
        let mut starts = Vec::new();
        let mut read = 0;
        for (start, record, raw) in self.all_records() {
            starts.push(start);
            read += raw.len();
            *(if record.withdrawn { &mut counts.withdrawn } else { &mut counts.records }) += 1;
        }
        if read != self.records.len() {
            return None;
        }
        let section = self.bytes.get(self.packages.clone())?;
        let mut reader = Reader(section);
        let mut previous: Option<(usize, &str)> = None;
        for place in self.places() {
            if section.len().checked_sub(reader.0.len())? != usize::try_from(place).ok()? {
                return None;
            }
            let package = Package::read(&mut reader)?;
            for _ in 0..package.count {
                let coverage = Coverage::read(&mut reader)?;
                starts.binary_search(&coverage.record).ok()?;
            }
            let this = (package.ecosystem, package.key);
            if package.ecosystem >= ecosystems || previous.is_some_and(|previous| previous >= this) {
                return None;
            }
            previous = Some(this);
        }
        reader.0.is_empty().then_some(counts)
    }

    /// Every record with where it starts and its bytes.
    pub(crate) fn all_records(&self) -> impl Iterator<Item = (u32, Record<'_>, &[u8])> {
        let section = self.bytes.get(self.records.clone()).unwrap_or_default();
        let mut reader = Reader(section);
        std::iter::from_fn(move || {
            let start = section.len().checked_sub(reader.0.len())?;
            let record = Record::read(&mut reader)?;
            let end = section.len().checked_sub(reader.0.len())?;
            Some((u32::try_from(start).ok()?, record, section.get(start..end)?))
        })
    }

    /// Every package in order.
    pub(crate) fn all_packages(&self) -> impl Iterator<Item = Package<'_>> {
        self.places().map_while(|place| self.package(place))
    }

    pub(crate) fn ecosystem(&self, number: usize) -> Option<EcosystemId> {
        self.ecosystems.get(number).copied().flatten()
    }

    /// The packages of which `old` says anything else, in either direction, in no useful order: those whose
    /// releases are to be judged again. The whole text of a record counts, not only what it covers.
    pub fn changed_since(&self, old: &Self) -> Vec<(EcosystemId, String)> {
        if self.revision == old.revision {
            return Vec::new();
        }
        let differs = |one: &Self, package: &Package<'_>, other: &Self| {
            let ecosystem = one.ecosystem(package.ecosystem)?;
            let theirs = other.find(ecosystem, package.key);
            let same = theirs.is_some_and(|theirs| one.statements(package).eq(other.statements(&theirs)));
            (!same).then(|| (ecosystem, package.key.to_owned()))
        };
        let mut changed: Vec<_> =
            self.all_packages().filter_map(|package| differs(self, &package, old)).collect();
        let gone = |package: &Package<'_>| {
            let ecosystem = old.ecosystem(package.ecosystem)?;
            self.find(ecosystem, package.key).is_none().then(|| (ecosystem, package.key.to_owned()))
        };
        changed.extend(old.all_packages().filter_map(|package| gone(&package)));
        changed
    }

    /// What is said of a package, apart from places in this index.
    fn statements<'a>(&'a self, package: &Package<'a>) -> impl Iterator<Item = (&'a [u8], &'a [u8])> {
        package.coverages().filter_map(|coverage| Some((self.raw_record(coverage.record)?, coverage.raw)))
    }

    fn raw_record(&self, start: u32) -> Option<&[u8]> {
        let section = self.bytes.get(self.records.clone())?.get(usize::try_from(start).ok()?..)?;
        let mut reader = Reader(section);
        Record::read(&mut reader)?;
        section.get(..section.len().checked_sub(reader.0.len())?)
    }

    fn places(&self) -> impl Iterator<Item = u32> {
        let table = self.bytes.get(self.table.clone()).unwrap_or_default();
        table.chunks_exact(4).filter_map(|place| place.try_into().ok()).map(u32::from_le_bytes)
    }

    fn package(&self, place: u32) -> Option<Package<'_>> {
        let section = self.bytes.get(self.packages.clone())?;
        Package::read(&mut Reader(section.get(usize::try_from(place).ok()?..)?))
    }

    pub(crate) fn record(&self, start: u32) -> Option<Record<'_>> {
        let section = self.bytes.get(self.records.clone())?;
        Record::read(&mut Reader(section.get(usize::try_from(start).ok()?..)?))
    }

    pub(crate) fn find(&self, ecosystem: EcosystemId, key: &str) -> Option<Package<'_>> {
        let number = self.ecosystems.iter().position(|known| *known == Some(ecosystem))?;
        let table = self.bytes.get(self.table.clone())?;
        let (mut low, mut high) = (0, table.len() / 4);
        while low < high {
            let middle = low + (high - low) / 2;
            let place = table.get(middle * 4..middle * 4 + 4)?;
            let package = self.package(u32::from_le_bytes(place.try_into().ok()?))?;
            match (package.ecosystem, package.key).cmp(&(number, key)) {
                Ordering::Less => low = middle + 1,
                Ordering::Greater => high = middle,
                Ordering::Equal => return Some(package),
            }
        }
        None
    }
}

impl std::fmt::Debug for AdvisoryIndex {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("AdvisoryIndex")
            .field("records", &self.counts.records)
            .field("packages", &self.packages())
            .field("revision", &self.revision)
            .finish_non_exhaustive()
    }
}

impl Default for AdvisoryIndex {
    fn default() -> Self {
        Self::empty()
    }
}

/// What one advisory says of one package, borrowed from the index.
#[derive(Clone, Copy)]
pub struct PackageAdvisory<'a> {
    pub(crate) record: Record<'a>,
    pub(crate) coverage: Coverage<'a>,
}

impl<'a> PackageAdvisory<'a> {
    /// The record's id.
    pub fn id(&self) -> &'a str {
        self.record.id
    }

    /// Ids of the same thing in other databases.
    pub fn aliases(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.record.aliases()
    }

    /// When the record was last changed.
    pub fn modified(&self) -> Option<lazaret_vocabulary::Timestamp> {
        self.record.modified
    }

    /// One line on what it is about; can be empty.
    pub fn summary(&self) -> &'a str {
        self.record.summary
    }

    /// Where to read more.
    pub fn url(&self) -> Option<&'a str> {
        Some(self.record.url).filter(|url| !url.is_empty())
    }

    /// How bad, if anything says so.
    pub fn severity(&self) -> Option<Severity> {
        self.coverage.severity
    }

    /// It says that the covered versions are malicious.
    pub fn malware(&self) -> bool {
        self.coverage.malware()
    }

    /// It is a notice rather than a vulnerability.
    pub fn informational(&self) -> Option<Informational> {
        self.coverage.informational()
    }

    /// The versions that the record names as fixes, one for each interval that ends in one.
    pub fn fixed_in(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        let events = self.coverage.ranges().flatten();
        events.filter(|(kind, _)| *kind == EventKind::Fixed).map(|(_, version)| version)
    }

    /// Whether it covers the version (OSV "Evaluation"): the version is listed, literally or as another
    /// spelling of a listed one, or lies within one of the ranges. Does not allocate.
    pub fn covers(&self, version: &str, order: &dyn VersionOrder) -> bool {
        self.coverage.versions().any(|listed| listed == version)
            || self.coverage.ranges().any(|events| coverage::covers(events, version, order))
            || self.coverage.versions().any(|listed| order.compare(listed, version) == Ordering::Equal)
    }
}
