//! Rules of the house that no compiler checks: what a manifest may name, where an ecosystem may be named,
//! whether links lead anywhere. Each failure lists every offence, so that one run tells all.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on ends by saying why"
)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Crates that do no I/O, by DESIGN's third invariant.
const PURE: &[&str] =
    &["vocabulary", "policy", "evidence", "ecosystems", "advisories", "sbom", "transparency"];

/// What a pure crate cannot depend on, since each opens sockets or reads clocks.
const IMPURE: &[&str] = &["tokio", "hyper", "hyper-util", "axum", "sqlx", "reqwest", "object_store", "moka"];

/// Which crates of ours each may depend on. A new crate adds its line here, and with it says where it stands.
const MAY_DEPEND_ON: &[(&str, &[&str])] = &[
    ("vocabulary", &[]),
    ("policy", &["vocabulary"]),
    ("evidence", &["vocabulary"]),
    ("advisories", &["vocabulary"]),
    ("sbom", &["vocabulary"]),
    ("transparency", &["vocabulary"]),
    ("ecosystems", &["vocabulary", "policy"]),
    ("blobs", &["vocabulary", "evidence"]),
    ("metadata", &["vocabulary"]),
    ("identity", &["vocabulary"]),
    ("runner", &["vocabulary"]),
    (
        "gateway",
        &[
            "vocabulary",
            "policy",
            "evidence",
            "advisories",
            "sbom",
            "transparency",
            "ecosystems",
            "blobs",
            "metadata",
            "identity",
            "runner",
        ],
    ),
    ("web", EVERYTHING_BELOW_WEB),
    ("lazaret", EVERYTHING),
    ("testkit", EVERYTHING),
];

const EVERYTHING_BELOW_WEB: &[&str] = &[
    "vocabulary",
    "policy",
    "evidence",
    "advisories",
    "sbom",
    "transparency",
    "ecosystems",
    "blobs",
    "metadata",
    "identity",
    "runner",
    "gateway",
];

const EVERYTHING: &[&str] = &[
    "vocabulary",
    "policy",
    "evidence",
    "advisories",
    "sbom",
    "transparency",
    "ecosystems",
    "blobs",
    "metadata",
    "identity",
    "runner",
    "gateway",
    "web",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap().to_owned()
}

fn read(path: &Path) -> String {
    String::from_utf8_lossy(
        &std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display())),
    )
    .into_owned()
}

/// Files that git tracks or would track, below the root. What a build left behind is not looked at.
fn files() -> Vec<PathBuf> {
    let output = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard", "-z"])
        .current_dir(root())
        .output()
        .expect("git is there");
    assert!(output.status.success(), "git ls-files: {}", String::from_utf8_lossy(&output.stderr));
    let names = String::from_utf8(output.stdout).expect("our file names are UTF-8");
    names
        .split('\0')
        .filter(|name| !name.is_empty())
        .map(PathBuf::from)
        .filter(|path| root().join(path).is_file())
        .collect()
}

fn folders(below: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(below).unwrap_or_else(|error| panic!("{}: {error}", below.display()));
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.file_type().unwrap().is_dir())
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn complain(offences: &[String], rule: &str) {
    assert!(offences.is_empty(), "{rule}\n  {}\n", offences.join("\n  "));
}

/// Folder → manifest of every crate.
fn manifests() -> BTreeMap<String, toml::Table> {
    let crates = root().join("crates");
    let manifest = |name: &String| {
        let path = crates.join(name).join("Cargo.toml");
        path.is_file()
            .then(|| read(&path).parse().unwrap_or_else(|error| panic!("{}: {error}", path.display())))
    };
    folders(&crates).into_iter().filter_map(|name| Some((name.clone(), manifest(&name)?))).collect()
}

/// The packages that a manifest's tables of this kind name, platform tables among them.
fn dependencies(manifest: &toml::Table, kind: &str) -> Vec<String> {
    let platforms = manifest.get("target").and_then(toml::Value::as_table);
    let platforms = platforms.into_iter().flat_map(|table| table.values()).filter_map(toml::Value::as_table);
    std::iter::once(manifest)
        .chain(platforms)
        .filter_map(|table| table.get(kind)?.as_table())
        .flatten()
        .map(|(name, value)| value.get("package").and_then(toml::Value::as_str).unwrap_or(name).to_owned())
        .collect()
}

#[test]
fn a_crates_folder_is_its_name() {
    let mut wrong = Vec::new();
    for (folder, manifest) in manifests() {
        let name = manifest["package"]["name"].as_str().unwrap_or_default();
        let expected = if folder == "lazaret" { folder.clone() } else { format!("lazaret-{folder}") };
        if name != expected {
            wrong.push(format!("crates/{folder} is called {name}"));
        }
        if manifest.get("lints").and_then(|lints| lints.get("workspace")).and_then(toml::Value::as_bool)
            != Some(true)
        {
            wrong.push(format!("crates/{folder} does not take the workspace's lints"));
        }
    }
    complain(&wrong, "a crate is called as its folder and takes the workspace's lints");
}

#[test]
fn pure_crates_name_nothing_that_does_io() {
    let mut wrong = Vec::new();
    for (folder, manifest) in manifests().iter().filter(|(folder, _)| PURE.contains(&folder.as_str())) {
        for kind in ["dependencies", "build-dependencies"] {
            let named = dependencies(manifest, kind);
            wrong.extend(
                named
                    .iter()
                    .filter(|name| IMPURE.contains(&name.as_str()))
                    .map(|name| format!("{folder}: {name}")),
            );
        }
    }
    complain(&wrong, "pure crates have no dependency that opens a socket or reads a clock");
}

#[test]
fn crates_depend_in_one_direction() {
    let mut wrong = Vec::new();
    for (folder, manifest) in manifests() {
        let Some((_, may)) = MAY_DEPEND_ON.iter().find(|(name, _)| *name == folder) else {
            wrong.push(format!("{folder}: not in MAY_DEPEND_ON"));
            continue;
        };
        for kind in ["dependencies", "build-dependencies"] {
            for name in dependencies(&manifest, kind) {
                let Some(ours) = name.strip_prefix("lazaret-") else { continue };
                if !may.contains(&ours) {
                    wrong.push(format!("{folder} → {ours}"));
                }
            }
        }
        let tests = dependencies(&manifest, "dev-dependencies");
        let above = tests.iter().filter_map(|name| name.strip_prefix("lazaret-"));
        wrong.extend(
            above
                .filter(|ours| *ours != "testkit" && !may.contains(ours))
                .map(|ours| format!("{folder} ⇢ {ours} (tests)")),
        );
    }
    complain(&wrong, "dependencies between our crates go one way (MAY_DEPEND_ON)");
}

#[test]
fn every_ecosystem_is_listed() {
    let source = root().join("crates/ecosystems/src");
    let listing = read(&source.join("lib.rs"));
    let body =
        listing.split("pub fn all()").nth(1).and_then(|rest| rest.split('}').next()).expect("fn all()");
    let wrong: Vec<String> =
        folders(&source).into_iter().filter(|folder| !body.contains(&format!("&{folder}::"))).collect();
    complain(&wrong, "each folder of crates/ecosystems/src has a line in all()");
}

/// The source without its tests, line by line. Test modules stand last in a file.
fn production(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines: Vec<&str> = text.lines().collect();
    let end = lines.windows(2).position(|pair| match pair {
        [attribute, next] => {
            attribute.trim() == "#[cfg(test)]" && next.trim_start().starts_with("mod ") && next.ends_with('{')
        }
        _ => false,
    });
    let count = end.unwrap_or(lines.len());
    lines.into_iter().take(count).enumerate().map(|(at, line)| (at + 1, line))
}

/// The table of what package URLs' types make of names: types that are nobody's ecosystem stand in it too, and
/// the sbom crate reads them without knowing any.
const TYPES_OF_PURLS: &str = "crates/vocabulary/src/purl.rs";

fn is_test_file(path: &Path) -> bool {
    path.components().any(|part| matches!(part.as_os_str().to_str(), Some("tests" | "benches" | "tests.rs")))
}

#[test]
fn only_ecosystems_name_an_ecosystem() {
    let ids: Vec<String> =
        folders(&root().join("crates/ecosystems/src")).into_iter().map(|id| format!("\"{id}\"")).collect();
    assert!(!ids.is_empty());
    let mut wrong = Vec::new();
    for path in files() {
        let is_source =
            path.extension().is_some_and(|extension| extension == "rs") && path.starts_with("crates");
        let may = path.starts_with("crates/ecosystems")
            || path.starts_with("crates/testkit")
            || path == Path::new(TYPES_OF_PURLS)
            || is_test_file(&path);
        if !is_source || may {
            continue;
        }
        let text = read(&root().join(&path));
        for (number, line) in production(&text).filter(|(_, line)| !line.trim_start().starts_with("//")) {
            if ids.iter().any(|id| line.contains(id)) {
                wrong.push(format!("{}:{number}: {}", path.display(), line.trim()));
            }
        }
    }
    complain(&wrong, "no crate but ecosystems names an ecosystem in a string; use its profile");
}

/// Targets of Markdown links `[text](target)`, outside code blocks, with their line.
fn links(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut in_code = false;
    for (at, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            in_code = !in_code;
        }
        if in_code {
            continue;
        }
        // A code span may show a link without being one.
        let prose: String = line.split('`').step_by(2).collect::<Vec<_>>().join("code");
        for rest in prose.split("](").skip(1) {
            let target = rest.split([')', ' ']).next().unwrap_or_default();
            found.push((at + 1, target.to_owned()));
        }
    }
    found
}

/// The anchors that a Markdown file's headings make.
fn anchors(text: &str) -> Vec<String> {
    let headings = text.lines().filter(|line| line.starts_with('#'));
    headings
        .map(|line| {
            let title = line.trim_start_matches('#').trim().to_lowercase();
            title
                .chars()
                .filter(|letter| letter.is_alphanumeric() || matches!(letter, ' ' | '-' | '_'))
                .map(|letter| if letter == ' ' { '-' } else { letter })
                .collect()
        })
        .collect()
}

#[test]
fn links_in_documents_lead_somewhere() {
    let mut wrong = Vec::new();
    let documents =
        files().into_iter().filter(|path| path.extension().is_some_and(|extension| extension == "md"));
    for path in documents {
        let text = read(&root().join(&path));
        for (line, target) in links(&text) {
            if target.contains("://") || target.starts_with("mailto:") || target.contains('{') {
                continue;
            }
            let (file, anchor) = target.split_once('#').unwrap_or((&target, ""));
            let folder = path.parent().unwrap_or(Path::new(""));
            let aim = if file.is_empty() { root().join(&path) } else { root().join(folder).join(file) };
            let is_markdown = aim.extension().is_some_and(|extension| extension == "md");
            let leads = aim.exists()
                && (anchor.is_empty()
                    || !is_markdown
                    || anchors(&read(&aim)).iter().any(|have| have == anchor));
            if !leads {
                wrong.push(format!("{}:{line}: {target}", path.display()));
            }
        }
    }
    complain(&wrong, "every relative link leads to a file, and to a heading where it names one");
}

/// The values of the text constants in a source file.
fn text_constants(source: &str) -> Vec<String> {
    let lines = source.lines().filter(|line| line.starts_with("pub const "));
    lines.filter_map(|line| Some(line.split_once(": &str = \"")?.1.split('"').next()?.to_owned())).collect()
}

#[test]
fn every_code_is_documented() {
    let codes = text_constants(&read(&root().join("crates/policy/src/codes.rs")));
    assert!(codes.len() > 10, "the codes were not found");
    let manual = read(&root().join("docs/policy.md"));
    let headings = anchors(&manual);
    // What is no check stands in a table.
    let documented = |code: &String| headings.contains(code) || manual.contains(&format!("| `{code}` |"));
    let wrong: Vec<String> = codes.into_iter().filter(|code| !documented(code)).collect();
    complain(&wrong, "each code of crates/policy/src/codes.rs has a chapter in docs/policy.md");
}

#[test]
fn every_policy_key_is_documented() {
    let manual = read(&root().join("docs/policy.md"));
    let checks = root().join("crates/policy/src/checks");
    let mut wrong = Vec::new();
    for path in files().into_iter().filter(|path| root().join(path).starts_with(&checks)) {
        for piece in read(&root().join(&path)).split("Key::").skip(1) {
            let Some(name) = piece.split('"').nth(1).filter(|_| piece.contains("Kind::")) else { continue };
            if !manual.contains(&format!("`{name}`")) {
                wrong.push(format!("{}: {name}", path.display()));
            }
        }
    }
    complain(&wrong, "each key of a check is explained in docs/policy.md");
}

#[test]
fn every_fact_of_rules_is_documented() {
    let schema = read(&root().join("crates/policy/src/rules/schema.rs"));
    let facts = schema.lines().filter_map(|line| {
        let (name, kind) = line.trim().strip_prefix("(\"")?.split_once("\", Type::")?;
        Some((name.to_owned(), kind))
    });
    let facts: Vec<String> = facts.map(|(name, _)| name).collect();
    assert!(facts.len() > 10, "the facts were not found");
    let manual = read(&root().join("docs/policy-rules.md"));
    let wrong: Vec<String> =
        facts.into_iter().filter(|name| !manual.contains(&format!("| `{name}` |"))).collect();
    complain(&wrong, "each fact of crates/policy/src/rules/schema.rs stands in docs/policy-rules.md");
}

/// Names in the first argument of `metrics::counter!` and its like.
fn metrics_in(source: &str) -> Vec<String> {
    let macros = ["counter!(", "gauge!(", "histogram!("];
    let pieces = macros.iter().flat_map(|name| source.split(name).skip(1));
    let names = pieces.filter_map(|piece| piece.trim_start().strip_prefix('"')?.split('"').next());
    names.filter(|name| name.starts_with("lazaret_")).map(str::to_owned).collect()
}

#[test]
fn every_metric_is_documented() {
    let manual = read(&root().join("docs/operate.md"));
    let sources = files().into_iter().filter(|path| {
        path.extension().is_some_and(|extension| extension == "rs") && path.starts_with("crates/gateway/src")
    });
    let names: Vec<String> = sources.flat_map(|path| metrics_in(&read(&root().join(path)))).collect();
    assert!(!names.is_empty(), "the metrics were not found");
    let wrong: Vec<String> =
        names.into_iter().filter(|name| !manual.contains(&format!("`{name}`"))).collect();
    complain(&wrong, "each metric stands in docs/operate.md");
}

/// The code blocks of one language in a Markdown file, each with its line.
fn code_blocks<'t>(text: &'t str, language: &str) -> Vec<(usize, &'t str)> {
    let fence = format!("```{language}\n");
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(begin) = text[at..].find(&fence).map(|offset| at + offset + fence.len()) {
        let end = text[begin..].find("```").map_or(text.len(), |offset| begin + offset);
        found.push((text[..begin].lines().count() + 1, &text[begin..end]));
        at = end;
    }
    found
}

/// Enough of the ecosystems to read a policy's names.
fn known_ecosystems() -> [lazaret_policy::KnownEcosystem<'static>; 3] {
    ["npm", "pypi", "cargo"].map(|id| lazaret_policy::KnownEcosystem {
        id: lazaret_vocabulary::EcosystemId::new(id),
        purl_type: id,
        key: Box::new(|name: &str| Some(name.to_lowercase())),
    })
}

#[test]
fn policies_in_the_manual_are_valid() {
    let known = known_ecosystems();
    let mut wrong = Vec::new();
    let mut seen = 0;
    for name in ["docs/policy.md", "docs/policy-rules.md", "docs/hosting.md"] {
        let text = read(&root().join(name));
        // A block without a table is one for `lazaret.toml`, one of test cases is no policy.
        let blocks = code_blocks(&text, "toml").into_iter();
        let policies = blocks.filter(|(_, block)| {
            block.lines().any(|line| line.trim_start().starts_with('[')) && !block.contains("[[case]]")
        });
        for (line, block) in policies {
            seen += 1;
            if let Err(problems) = lazaret_policy::ValidPolicy::parse(block, "example", &known) {
                wrong.push(format!("{name}:{line}: {problems}"));
            }
        }
    }
    assert!(seen > 5, "the examples were not found");
    complain(&wrong, "each policy shown in the manual can be put in force");
}

#[test]
fn policy_cases_in_the_manual_pass() {
    let policy = std::sync::Arc::new(lazaret_policy::ValidPolicy::baseline());
    let now = lazaret_vocabulary::Timestamp::from_seconds(1_795_000_000);
    let text = read(&root().join("docs/policy-rules.md"));
    let blocks = code_blocks(&text, "toml").into_iter().filter(|(_, block)| block.contains("[[case]]"));
    let mut seen = 0;
    for (_, block) in blocks {
        for result in lazaret_policy::run_cases(&policy, block, "example", &known_ecosystems(), now)
            .expect("valid cases")
        {
            seen += 1;
            assert!(result.passed(), "{result:?}");
        }
    }
    assert!(seen > 1, "the examples were not found");
}

#[test]
fn no_file_knows_this_machine() {
    // Put together here, so that this file is not its own offence.
    let places = [["/wo", "rk/"].concat(), ["/ro", "ot/"].concat()];
    let mut wrong = Vec::new();
    for path in files() {
        let bytes = std::fs::read(root().join(&path)).unwrap();
        let Ok(text) = String::from_utf8(bytes) else { continue };
        for (at, line) in text.lines().enumerate() {
            // Behind a host's name it is a part of an address.
            let begins =
                |at: usize| !line[..at].ends_with(|before: char| before.is_alphanumeric() || before == '}');
            if places.iter().any(|place| line.match_indices(place.as_str()).any(|(at, _)| begins(at))) {
                wrong.push(format!("{}:{}", path.display(), at + 1));
            }
        }
    }
    complain(&wrong, "no file holds an absolute path of the machine it was written on");
}

#[test]
fn no_file_names_a_public_registry() {
    let script = root().join("../shared/bin/check-hosts");
    if !script.is_file() {
        eprintln!("skipped: check-hosts is not on this machine");
        return;
    }
    let output = Command::new(script).arg(root()).output().expect("the script runs");
    // 2 says that no package manager could be asked.
    assert!(
        matches!(output.status.code(), Some(0 | 2)),
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn the_readers_above_see_what_they_should() {
    let text = "see [a](b.md#c-d) and `[x](y)`\n```\n[z](w)\n```\n# C, d!\n";
    assert_eq!(links(text), [(1, "b.md#c-d".to_owned())]);
    assert_eq!(anchors(text), ["c-d"]);
    let source = "let a = 1;\n#[cfg(test)]\nmod tests {\n    x\n}\n";
    assert_eq!(production(source).count(), 1);
    assert!(is_test_file(Path::new("crates/x/src/y/tests.rs")));
    assert_eq!(text_constants("/// A.\npub const A: &str = \"a-b\";\npub const N: u8 = 1;\n"), ["a-b"]);
    assert_eq!(
        metrics_in("metrics::counter!(\"lazaret_a\").x(); gauge!(\n  \"lazaret_b\", 1)"),
        ["lazaret_a", "lazaret_b"]
    );
}
