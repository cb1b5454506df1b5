use super::hosting::{hosted, index_of, render, submit, verdict};
use super::images::{INDEX_TEXT, MANIFEST_TEXT, inspect};
use super::*;
use crate::ProbeOutput;
use proptest::prelude::*;

fn name_text() -> impl Strategy<Value = String> {
    "[a-z0-9]{1,6}([._-][a-z0-9]{1,4}){0,2}(/[a-z0-9]{1,6}){0,3}"
}

proptest! {
    #[test]
    fn every_encoding_of_an_address_is_the_same_repository(
        name in name_text(),
        tag in "[A-Za-z0-9_][A-Za-z0-9_.-]{0,20}",
        encoded in prop::collection::vec(any::<bool>(), 32),
    ) {
        let mut target = String::new();
        for (at, character) in format!("/{name}/manifests/{tag}").char_indices() {
            if character != '/' && encoded[at % encoded.len()] {
                target.push_str(&format!("%{:02x}", u32::from(character)));
            } else {
                target.push(character);
            }
        }
        let Route::Pointer { package: found, pointer, .. } = ask("GET", &target, route::route) else {
            panic!("{target}")
        };
        prop_assert_eq!(found.as_str(), name.as_str());
        prop_assert_eq!(pointer, tag);
    }

    #[test]
    fn files_and_keys_go_both_ways(name in name_text(), hex in "[0-9a-f]{64}", manifest in any::<bool>()) {
        let digest = Digest::from_hex(Algorithm::Sha256, &hex).unwrap();
        let file = if manifest { File::Manifest(digest) } else { File::Blob(digest) };
        prop_assert_eq!(File::parse(&file.key()), Some(file.clone()));
        let Route::Artifact { file: key, .. } = ask("GET", &format!("/{name}/{}", file.key()), route::route) else {
            panic!("a file")
        };
        prop_assert_eq!(&key, &file.key());
        let place = Place::of(&package(&name), &need(&roles(&["registry"])));
        prop_assert_eq!(Place::of_file(&place.url(&file), &file), Some(place));
    }

    #[test]
    fn a_list_shows_only_what_is_allowed(withheld in prop::collection::vec(any::<bool>(), 3)) {
        let index = index_of(&hosted());
        let killed = index.releases().iter().zip(&withheld).filter(|(_, withheld)| **withheld);
        let killed: Vec<&str> = killed.map(|(release, _)| &*release.version).collect();
        let allowed = verdict(&*index, &killed);
        let tags = render(&*index, &allowed, "/acme/app/tags/list");
        let tags = json(&tags)["tags"].as_array().unwrap().clone();
        let referrers = render(&*index, &allowed, &format!("/acme/app/referrers/{}", digest('9')));
        let referrers = json(&referrers)["manifests"].as_array().unwrap().clone();
        for (at, release) in index.releases().iter().enumerate() {
            let admitted = !withheld[at];
            prop_assert_eq!(allowed.admits(at), admitted);
            let listed = referrers.iter().any(|one| one["digest"] == *release.version);
            prop_assert_eq!(listed, admitted && at > 0);
            for (tag, version) in index.tags() {
                if *version == release.version {
                    prop_assert_eq!(tags.iter().any(|one| *one == **tag), admitted);
                }
            }
        }
    }

    #[test]
    fn any_bytes_are_answered(body in prop::collection::vec(any::<u8>(), 0..300), text in ".{0,200}") {
        let _ = manifest::read(&body);
        let _ = manifest::read(text.as_bytes());
        let _ = manifest::Config::read(&body);
        let _ = inspect("@registry/v2/a/manifests/DIGEST", &body);
        for method in ["GET", "PUT", "POST", "PATCH", "DELETE"] {
            let _ = ask(method, &text, route::route);
            let _ = ask(method, &format!("/a/blobs/uploads/{text}"), route::route);
            let _ = ask(method, &format!("/a/manifests/{text}"), route::route);
        }
        let _ = submit("put-manifest", "PUT", &format!("/a/manifests/{text}"), "application/json", &body);
        let _ = submit("delete-manifest", "DELETE", &text, "application/json", &body);
        for file in ["Dockerfile", "compose.yaml", "pod.yaml"] {
            let _ = Oci.lock_file(file, text.as_bytes());
        }
        for file in ["registries.conf", "daemon.json"] {
            let _ = Oci.detours(file, &text, Some("https://gate.example"));
        }
        let outputs = [text.clone(), text.clone(), format!("::: x\n{text}")];
        let _ = Oci.adopt(&outputs.map(|stdout| ProbeOutput { stdout }));
        let _ = Oci.read(&package("a"), &[document("house", body)]);
    }

    #[test]
    fn a_damaged_manifest_is_answered(
        index in any::<bool>(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut body = if index { INDEX_TEXT } else { MANIFEST_TEXT }.as_bytes().to_vec();
        for (at, byte) in damage {
            let at = at.index(body.len());
            body[at] = byte;
        }
        if cut.index(4) == 0 {
            body.truncate(cut.index(body.len()));
        }
        if let Ok(read) = manifest::read(&body) {
            for (file, _) in read.files() {
                prop_assert_eq!(File::parse(&file.key()), Some(file));
            }
        }
        let _ = submit("put-manifest", "PUT", "/a/manifests/x", "", &body);
    }

    #[test]
    fn dockerfiles_of_any_shape_are_read(
        lines in prop::collection::vec(
            prop_oneof![
                Just("FROM a:${V:-1}"), Just("ARG V=2"), Just("FROM a AS b \\"), Just("# x"), Just(""),
                Just("RUN <<E"), Just("E"), Just("COPY --from=b . ."), Just("COPY --from=9 . ."), Just("\\"),
            ],
            0..30,
        ),
    ) {
        let text = lines.join("\n");
        let _ = Oci.lock_file("Dockerfile", text.as_bytes());
    }
}
