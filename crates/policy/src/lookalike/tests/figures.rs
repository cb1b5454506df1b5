//! The figures of `docs/look-alikes.md`, measured on the lists that are embedded, with floors.

use super::super::*;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::LazyLock;

const SQUATS: &str = include_str!("squats.tsv");

struct List {
    names: Vec<String>,
    popular: PopularNames,
}

/// Every list that some ecosystem embeds, by the folder it stands in.
fn lists() -> &'static BTreeMap<String, List> {
    static LISTS: LazyLock<BTreeMap<String, List>> = LazyLock::new(|| {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../ecosystems/src");
        let mut lists = BTreeMap::new();
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let Ok(bytes) = std::fs::read(path.join("popular.gz")) else { continue };
            let names = list::read(io::BufReader::new(list::decompress(&bytes))).unwrap();
            let popular = PopularNames::from_compressed(&bytes).unwrap();
            lists.insert(path.file_name().unwrap().to_str().unwrap().to_owned(), List { names, popular });
        }
        assert!(lists.len() >= 2, "the embedded lists are found");
        lists
    });
    &LISTS
}

fn newcomer() -> Established {
    Established::unknown(Timestamp::parse("2026-11-23T10:00:00Z").unwrap())
}

struct Squat<'a> {
    list: &'a List,
    name: &'a str,
    target: &'a str,
    known: bool,
}

fn squats() -> impl Iterator<Item = Squat<'static>> {
    SQUATS.lines().filter(|line| !line.starts_with('#')).map(|line| {
        let mut columns = line.split('\t');
        let list = &lists()[columns.next().unwrap()];
        let (name, target) = (columns.next().unwrap(), columns.next().unwrap());
        Squat { list, name, target, known: columns.next() == Some("known") }
    })
}

fn share(part: usize, whole: usize) -> f64 {
    part as f64 * 100.0 / whole as f64
}

#[test]
fn recall_on_squats() {
    for known in [true, false] {
        let all: Vec<Squat<'_>> = squats().filter(|squat| squat.known == known).collect();
        let aimed: Vec<&Squat<'_>> =
            all.iter().filter(|squat| squat.list.popular.contains(squat.target)).collect();
        let caught = |squat: &&&Squat<'_>| squat.list.popular.resembles(squat.name, &newcomer()).is_some();
        let hits = aimed.iter().filter(caught).count();
        let missed: Vec<&str> = aimed.iter().filter(|squat| !caught(squat)).map(|squat| squat.name).collect();
        let every = all.iter().collect::<Vec<_>>().iter().filter(caught).count();
        println!(
            "squats, known={known}: {hits} of {} whose target is listed ({:.1} %), {every} of {} in all; missed: {}",
            aimed.len(),
            share(hits, aimed.len()),
            all.len(),
            missed.join(" ")
        );
        assert!(share(hits, aimed.len()) >= 85.0);
    }
}

#[test]
fn popular_names_never_breach() {
    for list in lists().values() {
        for name in &list.names {
            assert_eq!(list.popular.resembles(name, &newcomer()), None, "{name}");
        }
    }
}

/// Names of the list's less popular half, each as if it were not listed and nothing were known of its age.
#[test]
fn precision_left_out() {
    for (id, list) in lists() {
        let lower = list.names.get(list.names.len() / 2..).unwrap();
        let breaches = lower.iter().filter(|name| list.popular.closest(name).is_some()).count();
        println!(
            "{id}: {breaches} of {} left-out names breach ({:.2} %)",
            lower.len(),
            share(breaches, lower.len())
        );
        assert!(share(breaches, lower.len()) <= 1.6);
    }
}

/// Every so many places of a name are mutated, which keeps the test short and the figures the same.
const STEP: usize = 4;

/// The name changed at one place, if it can be changed there.
type Mutate = fn(&str, usize) -> Option<String>;

/// Every mutation of a kind of the thousand most popular names, of at least five letters, that is not
/// popular itself.
#[test]
fn recall_on_mutations() {
    let kinds: [(&str, Mutate); 6] = [
        ("letter missing", |name, at| Some([name.get(..at)?, name.get(at + 1..)?].concat())),
        ("letter doubled", |name, at| Some([name.get(..=at)?, name.get(at..)?].concat())),
        ("letters transposed", |name, at| {
            let (first, second) = (name.get(at..=at)?, name.get(at + 1..at + 2)?);
            Some([name.get(..at)?, second, first, name.get(at + 2..)?].concat())
        }),
        ("letter replaced", |name, at| Some([name.get(..at)?, "k", name.get(at + 1..)?].concat())),
        ("separator removed", |name, at| {
            name.get(at..=at).filter(|text| matches!(*text, "-" | "."))?;
            Some([name.get(..at)?, name.get(at + 1..)?].concat())
        }),
        ("affix", |name, at| {
            let affix = ["-js", "-node", "-official", "-latest", "-dev", "-v2", "-pkg"].get(at)?;
            Some([name, affix].concat())
        }),
    ];
    for (id, list) in lists() {
        let top = list.names.iter().take(1_000).filter(|name| !name.starts_with('@') && name.len() >= 5);
        let names: Vec<&String> = top.collect();
        for (kind, mutate) in kinds {
            let (mut all, mut caught) = (0, 0);
            for (index, name) in names.iter().enumerate() {
                let places = (index % STEP..name.len()).step_by(STEP);
                let mutations = places.filter_map(|at| mutate(name, at));
                for mutation in
                    mutations.filter(|mutation| mutation != *name && !list.popular.contains(mutation))
                {
                    all += 1;
                    caught += usize::from(list.popular.resembles(&mutation, &newcomer()).is_some());
                }
            }
            println!("{id}: {kind}: {caught} of {all} ({:.1} %)", share(caught, all));
            assert!(share(caught, all) >= 80.0, "{id} {kind}");
        }
    }
}

/// Writes the embedded lists anew from `NAME.tsv` files in the folder that `POPULAR_LISTS` names.
#[test]
#[ignore = "run by hand to refresh the embedded lists"]
fn refresh_embedded_lists() {
    let folder = PathBuf::from(std::env::var_os("POPULAR_LISTS").unwrap());
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let tsv = std::fs::read(&path).unwrap();
        let id = path.file_stem().unwrap();
        let target = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../ecosystems/src").join(id);
        std::fs::write(target.join("popular.gz"), compress(tsv.as_slice()).unwrap()).unwrap();
    }
}
