use super::inspecting::{MANIFEST, crate_file, inspect};
use super::publishing::submit;
use super::*;

/// Lines as several registries write them: with and without blanks, the flag first, last or absent.
fn some_line() -> impl Strategy<Value = (String, bool)> {
    let form = prop_oneof![
        Just((r#"{"name":"a","vers":"V","deps":[],"cksum":"C","yanked":false}"#, false)),
        Just((
            r#"{"name": "a", "vers": "V", "cksum": "C", "features": {"yanked": ["x"]}, "yanked": true}"#,
            true
        )),
        Just((
            r#"  { "yanked" :true, "vers":"V","name":"a","cksum":"C","pubtime":"2020-01-01T00:00:00Z" }  "#,
            true
        )),
        Just((r#"{"cksum":"C","name":"a","vers":"V","links":"\"yanked\":false"}"#, false)),
        Just((r#"{"cksum":"C","name":"a","yanked":null,"vers":"V","rust_version":"1.0","v":3}"#, false)),
    ];
    (form, 0u64..1000).prop_map(|((form, yanked), number)| {
        (form.replace('C', CHECKSUM).replace('V', &format!("1.{number}.0")), yanked)
    })
}

proptest! {
    #[test]
    fn an_index_shows_only_what_is_allowed(lines in prop::collection::vec((some_line(), any::<bool>()), 1..12)) {
        let body = lines.iter().map(|((line, _), _)| line.as_str()).collect::<Vec<_>>().join("\n");
        let index = read("a", body.as_bytes()).unwrap();
        let admits: Vec<bool> = (0..index.releases.len()).map(|at| lines[at].1).collect();
        let shown = index.filtered(|at| admits[at]).unwrap();
        let shown: Vec<&[u8]> = shown.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).collect();
        prop_assert_eq!(shown.len(), index.releases.len());
        for (at, line) in shown.iter().enumerate() {
            let json: serde_json::Value = serde_json::from_slice(line).unwrap();
            let release = &index.releases[at];
            prop_assert_eq!(json["vers"].as_str(), Some(&*release.version));
            let yanked = json["yanked"].as_bool().unwrap_or(false);
            prop_assert_eq!(yanked, !admits[at] || release.withdrawn.is_some());
            if admits[at] {
                prop_assert_eq!(*line, &body.as_bytes()[index.lines[at].line.clone()], "bytes are kept");
            } else {
                let mut before: serde_json::Value = serde_json::from_slice(&body.as_bytes()[index.lines[at].line.clone()]).unwrap();
                before["yanked"] = true.into();
                prop_assert_eq!(&json, &before, "nothing but the flag changes");
            }
        }
    }

    #[test]
    fn any_bytes_are_answered(body in prop::collection::vec(any::<u8>(), 0..300), text in ".{0,200}") {
        let _ = read("a", &body);
        let _ = read("a", text.as_bytes());
        let _ = get(&text);
        let _ = get(&format!("/api/v1/crates/{text}"));
        let _ = inspect(&body);
        let _ = submit("publish", &Method::PUT, "/api/v1/crates/new", &body.clone().into());
        let _ = submit("yank", &Method::DELETE, &text, &body.clone().into());
        let _ = Cargo.lock_file("Cargo.lock", text.as_bytes());
        let _ = Cargo.adopt(&[ProbeOutput { stdout: text.clone() }, ProbeOutput { stdout: text }]);
        let _ = Cargo.search_hits(&document("search", body));
    }

    #[test]
    fn a_damaged_index_is_answered((line, _) in some_line(), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut body = line.into_bytes();
        let at = at.index(body.len());
        body[at] = byte;
        if let Ok(index) = read("a", &body) {
            let shown = index.filtered(|_| false).unwrap();
            for line in shown.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
                let json: serde_json::Value = serde_json::from_slice(line).unwrap();
                prop_assert_eq!(json["yanked"].as_bool(), Some(true));
            }
        }
    }

    #[test]
    fn a_damaged_crate_is_answered(at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<prop::sample::Index>()) {
        let mut file = crate_file(&[("Demo-1.0.0/Cargo.toml", MANIFEST), ("Demo-1.0.0/build.rs", "")]);
        let at = at.index(file.len());
        file[at] = byte;
        file.truncate(cut.index(file.len()));
        let _ = inspect(&file);
    }

    #[test]
    fn every_encoding_of_an_address_is_the_same_crate(
        name in "[A-Za-z][A-Za-z0-9_-]{0,20}",
        encoded in prop::collection::vec(any::<bool>(), 32),
    ) {
        let path = format!("/{}/{name}", name::prefix(&name));
        let mut target = String::new();
        for (at, character) in path.char_indices() {
            if character != '/' && encoded[at % encoded.len()] {
                target.push_str(&format!("%{:02x}", u32::from(character)));
            } else {
                target.push(character);
            }
        }
        let Route::Index { package: found, .. } = get(&target) else { panic!("{target}") };
        prop_assert_eq!(found.as_str(), name.as_str());
        prop_assert_eq!(&found, &package(&name.to_uppercase().replace('-', "_")));
        let Route::Artifact { file, package: of_file, .. } = get(&format!("/api/v1/crates/{name}/1.2.3-rc.1%2Bx/download")) else { panic!("{name}") };
        prop_assert_eq!(file, format!("{name}-1.2.3-rc.1+x.crate"));
        prop_assert_eq!(of_file, found);
    }

    #[test]
    fn the_version_order_is_total(
        left in "[0-9]{1,2}\\.[0-9]\\.[0-9](-[a-z0-9.]{1,4})?(\\+[a-z0-9]{1,2})?|.{0,4}",
        middle in "[0-9]{1,2}\\.[0-9]\\.[0-9](-[a-z0-9.]{1,4})?(\\+[a-z0-9]{1,2})?|.{0,4}",
        right in "[0-9]{1,2}\\.[0-9]\\.[0-9](-[a-z0-9.]{1,4})?(\\+[a-z0-9]{1,2})?|.{0,4}",
    ) {
        let compare = version::compare;
        prop_assert_eq!(compare(&left, &left), Ordering::Equal);
        prop_assert_eq!(compare(&left, &right), compare(&right, &left).reverse());
        prop_assert_eq!(compare(&left, &right) == Ordering::Equal, left == right);
        if compare(&left, &middle) != Ordering::Greater && compare(&middle, &right) != Ordering::Greater {
            prop_assert_ne!(compare(&left, &right), Ordering::Greater);
        }
    }
}
