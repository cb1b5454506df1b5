//! Golden texts of what a human sees: whatever changes from run to run is replaced by a word, then the
//! text is compared with a file. `UPDATE=1` rewrites the file.

use crate::clients::{Run, Session};
use regex_lite::Regex;
use std::path::Path;
use std::sync::OnceLock;

/// Patterns and what stands for them, applied in this order.
fn patterns() -> &'static [(Regex, &'static str)] {
    static PATTERNS: OnceLock<Vec<(Regex, &'static str)>> = OnceLock::new();
    PATTERNS.get_or_init(|| {
        [
            // Colour and cursor codes (ECMA-48 CSI).
            (r"\x1b\[[0-9;?]*[A-Za-z]", ""),
            // npm's name for its log file, then moments in general.
            (r"\d{4}-\d\d-\d\dT\d\d_\d\d_\d\d_\d{3}Z", "MOMENT"),
            (r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d| UTC)?", "MOMENT"),
            // The same in the slug of an address, and a date as one client writes it.
            (r"\d{4}-\d\d-\d\dt\d\d-\d\d-\d\dz", "moment"),
            (r"(until-)\d{4}-\d\d-\d\d", "${1}moment"),
            (r"(Published at )\d+/\d+/\d{4}", "${1}MOMENT"),
            (r"(127\.0\.0\.1|localhost|\[::1\])(:|%3A)\d+", "$1${2}PORT"),
            (r"\b\d+m \d+(\.\d+)?s\b", "DURATION"),
            (r"\b\d+(\.\d+)? ?(ms|µs|ns|s|seconds?|minutes?)\b", "DURATION"),
            (r"\b\d+(\.\d+)? ?([kKMG]i?B|bytes)(/s)?\b", "SIZE"),
            (r"\b(sha512-)[A-Za-z0-9+/]{86}==", "${1}DIGEST"),
            (r"\b[0-9a-f]{64}\b", "DIGEST"),
            (r"\b(v?)\d+\.\d+\.\d+( linux| node)", "${1}VERSION$2"),
            // Some clients leave a duration of nothing out.
            (r"DURATION( DURATION)+", "DURATION"),
            (r"(└ Completed)( in DURATION)?", "$1"),
            // How often a client looked, what its program was made from, and which Python there is.
            (r"( )\[\d+\]", "${1}[N]"),
            (r"\([0-9a-f]{9}\)", "(COMMIT)"),
            (r"(Using CPython) .*", "$1 VERSION"),
            (r"(:registry=)https://\S+", "${1}ADDRESS"),
            // Progress, and where in a client's own program an error was made.
            (r"(?m)^Progress: .*\n", ""),
            (r"(?m)^    at .*\n", ""),
        ]
        .into_iter()
        .map(|(pattern, replacement)| (Regex::new(pattern).expect("a constant"), replacement))
        .collect()
    })
}

/// Replaces ports, moments, durations, sizes and digests, and then each `(text, word)` of `replacements`,
/// which are for paths and for a client's own version.
pub fn normalise(text: &str, replacements: &[(&str, &str)]) -> String {
    let mut text = text.replace("\r\n", "\n").replace('\r', "\n");
    for (from, to) in replacements.iter().filter(|(from, _)| !from.is_empty()) {
        text = text.replace(from, to);
    }
    for (pattern, replacement) in patterns() {
        text = pattern.replace_all(&text, *replacement).into_owned();
    }
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    format!("{}\n", lines.join("\n").trim_end())
}

/// What a run showed, normalised: the command, the exit code, and both outputs.
pub fn of_run(session: &Session, run: &Run, replacements: &[(&str, &str)]) -> String {
    let folder = session.folder().to_string_lossy().into_owned();
    // Some clients print the path that links lead to.
    let real = std::fs::canonicalize(session.folder()).map(|path| path.to_string_lossy().into_owned());
    let tools = crate::clients::tools_folder();
    let tools = std::fs::canonicalize(&tools).unwrap_or(tools).to_string_lossy().into_owned();
    let mut all = vec![
        (real.as_deref().unwrap_or_default(), "SCRATCH"),
        (folder.as_str(), "SCRATCH"),
        (tools.as_str(), "TOOLS"),
    ];
    all.extend_from_slice(replacements);
    let status = run.status.map_or_else(|| "killed".to_owned(), |code| format!("exit code {code}"));
    normalise(&format!("$ {}\n{}{}[{status}]\n", run.title, ending(&run.stdout), ending(&run.stderr)), &all)
}

fn ending(text: &str) -> String {
    if text.is_empty() || text.ends_with('\n') { text.to_owned() } else { format!("{text}\n") }
}

/// Compares with the golden file, or writes it when `UPDATE` is `1`.
///
/// # Panics
/// When they differ, showing both, or when there is no such file.
pub fn check(golden: &Path, actual: &str) {
    if std::env::var("UPDATE").as_deref() == Ok("1") {
        if let Some(folder) = golden.parent() {
            std::fs::create_dir_all(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        }
        std::fs::write(golden, actual).unwrap_or_else(|error| panic!("{}: {error}", golden.display()));
        return;
    }
    let Ok(expected) = std::fs::read_to_string(golden) else {
        panic!("{} is missing; UPDATE=1 writes it. It would be:\n{actual}", golden.display());
    };
    if expected != actual {
        let line = expected.lines().zip(actual.lines()).take_while(|(left, right)| left == right).count() + 1;
        panic!(
            "{} differs from line {line} on (UPDATE=1 rewrites it)\n--- expected\n{expected}\n--- actual\n{actual}",
            golden.display()
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changes_from_run_to_run_is_replaced() {
        for (text, expected) in [
            ("http://127.0.0.1:41234/npm/x", "http://127.0.0.1:PORT/npm/x\n"),
            ("added 3 packages in 431ms", "added 3 packages in DURATION\n"),
            ("Finished `dev` in 1.23s", "Finished `dev` in DURATION\n"),
            ("done in 2m 3.5s", "done in DURATION\n"),
            ("/a/b/_logs/2026-11-23T10_00_00_123Z-debug-0.log  ", "P/_logs/MOMENT-debug-0.log\n"),
            ("held until 2026-12-23T10:00:00Z", "held until MOMENT\n"),
            ("\u{1b}[31mred\u{1b}[0m\r\nnext", "red\nnext\n"),
            ("good-lib@1.2.0 is 30 days old", "good-lib@1.2.0 is 30 days old\n"),
            ("Downloading x.whl (1.4 kB)", "Downloading x.whl (SIZE)\n"),
            ("└ Completed\n· Failed in 0s 523ms", "└ Completed\n· Failed in DURATION\n"),
            ("└ Completed in 1s 2ms\n· Failed in 1s", "└ Completed\n· Failed in DURATION\n"),
            ("x\n    at Socket.emit (node:events:524:28)\nProgress: 1\ny", "x\ny\n"),
            ("held-until-2026-12-19--for-2026-11-19t00-47-28z-x", "held-until-moment--for-moment-x\n"),
        ] {
            assert_eq!(normalise(text, &[("/a/b", "P")]), expected);
        }
    }

    #[test]
    #[should_panic(expected = "differs from line 2")]
    fn a_difference_is_shown() {
        let folder = tempfile::tempdir().unwrap();
        let golden = folder.path().join("golden.txt");
        std::fs::write(&golden, "one\ntwo\n").unwrap();
        check(&golden, "one\n2\n");
    }
}
