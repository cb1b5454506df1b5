use super::archives::{MIT, inspect, module_zip};
use super::publishing::submit;
use super::*;
use crate::{Details, Need, Pointers, Relaying};

fn some_path() -> impl Strategy<Value = String> {
    "[a-z]{1,5}\\.[a-z]{2,3}(/[A-Za-z][A-Za-z0-9_~-]{0,6}x){0,3}(/v[2-9])?"
}

fn some_version() -> impl Strategy<Value = String> {
    "v[01]\\.[0-9]{1,2}\\.[0-9](-[A-Za-z]{1,3}(\\.[1-9])?)?|v0\\.0\\.0-20[12][0-9]0[1-9]1[0-9]0203[0-5][0-9]-[0-9a-f]{12}|v[2-9]\\.0\\.0\\+incompatible"
}

proptest! {
    #[test]
    fn every_encoding_of_an_address_is_the_same_file(
        path in some_path(),
        version in some_version(),
        encoded in prop::collection::vec(any::<bool>(), 32),
    ) {
        let Ok(module) = name::parse(&path) else { return Ok(()) };
        prop_assume!(name::fits(&module, &version));
        for kind in route::Kind::ALL {
            let plain = format!("/{}", route::file_path(&module, &version, kind));
            let mut target = String::new();
            for (at, letter) in plain.char_indices() {
                if letter != '/' && encoded[at % encoded.len()] {
                    target.push_str(&format!("%{:02x}", u32::from(letter)));
                } else {
                    target.push(letter);
                }
            }
            let Route::Artifact { package: found, file, .. } = get(&target) else { panic!("{target}") };
            prop_assert_eq!(found.as_str(), path.as_str());
            prop_assert_eq!(&file, &route::file_name(&version, kind));
            prop_assert_eq!(route::version_in(&plain), Some(version.clone()));
            let need = Need { dates_after: None, details: true, roles: &[] };
            let release = details::Versions.unlisted(&module, &file, &need).unwrap();
            prop_assert_eq!(&*release.version, version.as_str());
            let served = release.artifacts.iter().find(|artifact| *artifact.file == *file).unwrap();
            prop_assert_eq!(format!("/{}", served.url), plain);
        }
    }

    #[test]
    fn two_names_never_share_an_address(one in some_path(), other in some_path()) {
        prop_assert_eq!(name::escape(&one) == name::escape(&other), one == other);
        prop_assert_eq!(name::unescape(&name::escape(&one)), Some(one));
    }

    #[test]
    fn a_list_shows_only_what_is_allowed(lines in prop::collection::vec((some_version(), any::<bool>()), 1..15)) {
        let module = package("code.example/pad");
        let list: String = lines.iter().map(|(version, _)| format!("{version}\n")).collect();
        let index = documents::read(&module, &[document(documents::LIST, list)]).unwrap();
        let admits = |at: usize| lines.iter().any(|(version, admitted)| **version == *index.releases[at].version && *admitted);
        let shown = index.filtered(admits).unwrap();
        let shown: Vec<&str> = shown.lines().collect();
        prop_assert_eq!(index.lines.len(), index.releases.len());
        let expected: Vec<&str> =
            (0..index.releases.len()).filter(|at| admits(*at)).map(|at| &*index.releases[at].version).collect();
        prop_assert_eq!(shown, expected);
    }

    #[test]
    fn any_bytes_are_answered(body in prop::collection::vec(any::<u8>(), 0..300), text in ".{0,200}") {
        let module = package("code.example/pad");
        let need = Need { dates_after: None, details: true, roles: &[] };
        for body in [body.clone(), text.clone().into_bytes()] {
            for role in [documents::LIST, documents::LATEST, documents::NEWEST_MOD, documents::HOUSE] {
                let _ = documents::wanted(&module, &[document(role, body.clone())]);
                let _ = documents::read(&module, &[document(documents::LIST, "v1.0.0\n"), document(role, body.clone())]);
                let _ = documents::read(&module, &[document(role, body.clone())]);
            }
            let release = details::release(&module, "v1.0.0").unwrap();
            let both = [document("info", body.clone()), document(sumdb::LOOKUP, body.clone())];
            let _ = details::Versions.read(&module, &release, &both);
            let _ = pointers::Revisions.read(&module, &text, "info", &both[0], &need);
            let _ = gomod::GoMod::parse(&body);
            let _ = licence::recognise(std::slice::from_ref(&body));
            for file in ["v1.0.0.info", "v1.0.0.mod", "v1.0.0.zip"] {
                let _ = inspect(file, &body);
            }
            for name in ["go.sum", "go.mod", "go.work.sum"] {
                let _ = Go.lock_file(name, &body);
            }
            let _ = submit(&Method::PUT, "/code.example/pad/@v/v1.0.0.zip", &body.into());
        }
        for target in [text.clone(), format!("/sumdb/sums.example/{text}"), format!("/code.example/pad/@v/{text}.info")] {
            if let Route::Relay(relay) = get(&target) {
                let _ = sumdb::Database.relay(&relay, &document("sumdb", body.clone()));
            }
        }
        let _ = name::parse(&text);
        let _ = Go.adopt(&[ProbeOutput { stdout: text.clone() }]);
        for file in ["env", "vendor/modules.txt"] {
            let _ = Go.detours(file, &text, Some("https://gate.example"));
        }
    }

    #[test]
    fn damaged_directives_are_answered(at in any::<prop::sample::Index>(), letter in any::<char>()) {
        let mut letters: Vec<char> = include_str!("../corpus/go.mod").chars().collect();
        let at = at.index(letters.len());
        letters[at] = letter;
        let text: String = letters.into_iter().collect();
        if let Ok(read) = gomod::GoMod::parse(text.as_bytes()) {
            prop_assert!(read.requires.len() <= 5 && read.retracts.len() <= 2);
        }
    }

    #[test]
    fn a_damaged_zip_is_answered(at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<prop::sample::Index>()) {
        let mut file = module_zip(&[("code.example/pad@v1.0.0/go.mod", "module code.example/pad\n"), ("code.example/pad@v1.0.0/LICENSE", MIT)]);
        let at = at.index(file.len());
        file[at] = byte;
        let _ = inspect("v1.0.0.zip", &file);
        file.truncate(cut.index(file.len()));
        let _ = inspect("v1.0.0.zip", &file);
    }
}
