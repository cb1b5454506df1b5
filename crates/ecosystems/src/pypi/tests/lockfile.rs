//! Lock files.

use super::*;

fn locked(file: &str, text: &str) -> Vec<String> {
    let found = Pypi.lock_file(file, text.as_bytes()).expect("a lock file").expect("a good one");
    found
        .iter()
        .map(|locked| {
            let line = locked.line.map_or("-".to_owned(), |line| line.to_string());
            let resolved = locked.resolved.as_deref().unwrap_or("-");
            format!("{}=={} {line} {resolved}", locked.package.key(), locked.version)
        })
        .collect()
}

#[test]
fn requirements_pin_what_they_pin() {
    let text = "\u{feff}# made by hand\n--index-url https://x.example/simple\n-r other.txt\n-e ./here\n\
        six==1.16.0 \\\n    --hash=sha256:aa \\\n    --hash=sha256:bb\n\
        Typing_Extensions[extra, more] == 4.0.0rc1 ; python_version < \"3.11\"  # why\n\
        idna>=2,<4\nurllib3==2.*\nrequests===2.0\n# six==9 \\\npytz (==2024.1)\n\
        torch @ https://files.example/torch-2.0.0%2Bcpu-cp311-cp311-linux_x86_64.whl#sha256=aa ; sys_platform == 'linux'\n\
        thing @ git+https://code.example/thing\n\nanyio==4.0 \\";
    assert_eq!(
        locked("requirements-dev.txt", text),
        [
            "six==1.16.0 5 -",
            "typing-extensions==4.0.0rc1 8 -",
            "requests==2.0 11 -",
            "pytz==2024.1 13 -",
            "torch==2.0.0+cpu 14 https://files.example/torch-2.0.0%2Bcpu-cp311-cp311-linux_x86_64.whl#sha256=aa",
            "anyio==4.0 17 -",
        ]
    );
}

#[test]
fn lock_files_in_toml_are_read() {
    let uv = r#"version = 1
[[package]]
name = "mine"
version = "0.1.0"
source = { editable = "." }

[[package]]
name = "six"
version = "1.16.0"
source = { registry = "https://x.example/simple" }
sdist = { url = "https://files.example/six-1.16.0.tar.gz", hash = "sha256:aa", size = 1 }
wheels = [
    { url = "https://files.example/six-1.16.0-py2.py3-none-any.whl", hash = "sha256:bb" },
]
"#;
    assert_eq!(
        locked("sub/uv.lock", uv),
        ["six==1.16.0 8 https://files.example/six-1.16.0-py2.py3-none-any.whl"]
    );
    let poetry = r#"
[[package]]
name = "Six"
version = "1.16.0"
files = [{file = "six-1.16.0.tar.gz", hash = "sha256:aa"}]

[[package]]
name = "internal"
version = "2.0"
[package.source]
type = "legacy"
url = "https://x.example/simple"
reference = "x"

[[package]]
name = "elsewhere"
version = "2.0"
[package.source]
type = "git"
url = "https://code.example/x"
"#;
    assert_eq!(
        locked("poetry.lock", poetry),
        ["six==1.16.0 3 -", "internal==2.0 8 https://x.example/simple"]
    );
    let pdm = "[[package]]\nname = \"six\"\nversion = \"1.16.0\"\nfiles = [{url = \"https://f.example/six.whl\", hash = \"a\"}]\n\
        [[package]]\nname = \"g\"\nversion = \"1\"\ngit = \"https://x.example\"\n";
    assert_eq!(locked("pdm.lock", pdm), ["six==1.16.0 2 https://f.example/six.whl"]);
    let common = "lock-version = \"1.0\"\n[[packages]]\nname = \"six\"\nversion = \"1.16.0\"\n\
        wheels = [{url = \"https://f.example/six.whl\"}]\n[[packages]]\nname = \"d\"\ndirectory = {path = \".\"}\n";
    assert_eq!(locked("pylock.toml", common), ["six==1.16.0 3 https://f.example/six.whl"]);
    assert_eq!(locked("pylock.dev.toml", common).len(), 1);
}

#[test]
fn pipfile_locks_are_read() {
    let text = r#"{"_meta":{"sources":[{"version":"==9"}]},"default":{"six":{"hashes":["sha256:aa"],"version":"==1.16.0"},
        "g":{"git":"https://x.example"}},"develop":{"idna":{"version":"==3.4"}}}"#;
    assert_eq!(locked("Pipfile.lock", text), ["six==1.16.0 - -", "idna==3.4 - -"]);
}

#[test]
fn other_files_are_not_touched_and_broken_ones_told() {
    for other in ["package-lock.json", "Cargo.lock", "notes.txt", "pyproject.toml", "requirements.in"] {
        assert!(Pypi.lock_file(other, b"").is_none(), "{other}");
    }
    for (file, text) in [
        ("uv.lock", &b"[[package]]"[..]),
        ("uv.lock", b"\xff"),
        ("poetry.lock", b"package = 7"),
        ("Pipfile.lock", b"[]"),
        ("pylock.toml", b"[[packages]]\nname = 7"),
        ("requirements.txt", b"-x\n-a-\n -==1\n_six==1"),
    ] {
        assert!(Pypi.lock_file(file, text).unwrap().is_err(), "{file} {}", String::from_utf8_lossy(text));
    }
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in "(six|==|1.0|\\\\\n|\n|@|;|\\[|\\]|#| |\\PC){0,30}") {
        for file in ["requirements.txt", "uv.lock", "Pipfile.lock", "pylock.toml"] {
            let _ = Pypi.lock_file(file, text.as_bytes());
        }
    }
}
