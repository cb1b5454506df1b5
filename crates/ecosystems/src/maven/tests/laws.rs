//! What holds for any input.

use super::*;
use proptest::prelude::*;

fn word() -> impl Strategy<Value = String> {
    "[a-zA-Z0-9_-][a-zA-Z0-9_-]{0,8}"
}

fn version() -> impl Strategy<Value = String> {
    "[0-9]{1,3}(\\.[0-9]{1,2}){0,3}(-(alpha|rc|jre|b)[0-9]{0,2}|-SNAPSHOT|\\.Final|\\+x)?"
}

proptest! {
    #[test]
    fn a_file_is_found_at_its_address(
        group in prop::collection::vec(word(), 1..4),
        artifact in "[a-z][a-z0-9.-]{0,8}[a-z0-9]",
        version in version(),
        rest in prop::sample::select(vec![".pom", ".jar", "-sources.jar", ".jar.asc", ".tar.gz"]),
    ) {
        prop_assume!(!artifact.contains("..") && !version.ends_with("SNAPSHOT"));
        let package = package(&format!("{}:{artifact}", group.join(".")));
        let file = name::file_key(&package, &version, rest);
        let Route::Artifact { package: found, file: key, part } = get(&format!("/{}", name::address(&package, &file))) else {
            return Err(TestCaseError::fail(file));
        };
        prop_assert_eq!((found, key, part), (package.clone(), file.clone(), Part::Whole));
        let release = details::Poms.unlisted(&package, &file, &need()).unwrap();
        prop_assert_eq!(&*release.version, &version);
        prop_assert!(release.artifacts.iter().any(|artifact| *artifact.file == *file));
    }

    #[test]
    fn only_what_is_let_in_is_listed(
        versions in prop::collection::vec(version(), 0..8),
        open in any::<u8>(),
        blank in prop::sample::select(vec!["", " ", "\n      ", "<!-- <version>9</version> -->"]),
        latest in any::<prop::sample::Index>(),
    ) {
        let list: String = versions.iter().map(|version| format!("{blank}<version>{blank}{version}</version>")).collect();
        let latest = if versions.is_empty() { "7" } else { versions[latest.index(versions.len())].as_str() };
        let text = format!("<metadata><versioning><latest>{latest}</latest><release>{latest}</release><versions>{list}</versions></versioning></metadata>");
        let index = read(&text);
        let admits = |at: usize| open & (1 << (at % 8)) != 0;
        let shown = index.filtered(admits).unwrap();
        let again = read(std::str::from_utf8(&shown).unwrap());
        let mut left: Vec<&str> =
            index.releases.iter().enumerate().filter(|(at, _)| admits(*at)).map(|(_, release)| &*release.version).collect();
        let mut found = super::versions(&again);
        left.sort_unstable();
        found.sort_unstable();
        prop_assert_eq!(found, left);
        if (0..index.releases.len()).all(admits) {
            prop_assert_eq!(&shown[..], text.as_bytes());
        }
    }

    #[test]
    fn nothing_breaks_what_reads(text in "[<>/a-zA-Z0-9!?\\[\\]&;:.\"'= -]{0,200}", path in "/[a-z0-9/.%-]{0,60}") {
        let _ = documents::read(&package("a:b"), &[document(METADATA, text.clone())]);
        let _ = documents::read(&package("a:b"), &[document(HOUSE, text.clone())]);
        let _ = pom::read(text.as_bytes());
        for file in ["pom.xml", "dependency-tree.txt", "gradle.lockfile"] {
            let _ = lockfile::read(file, text.as_bytes());
        }
        let _ = setup::registry(&text);
        for file in ["pom.xml", "settings.xml", "build.gradle", "gradle-wrapper.properties"] {
            let _ = Maven.detours(file, &text, None);
        }
        if let Route::Artifact { package, file, .. } = get(&path) {
            prop_assert!(!file.contains(".."));
            prop_assert_eq!(name::parse(package.as_str()).unwrap(), package);
        }
    }
}
