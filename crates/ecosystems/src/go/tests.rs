mod archives;
mod laws;
mod names;
mod publishing;
mod reading;

use super::*;
use crate::route::{Part, Route};
use bytes::Bytes;
use http::{HeaderMap, Method};
use lazaret_vocabulary::Timestamp;
use proptest::prelude::*;

fn package(name: &str) -> PackageName {
    name::parse(name).unwrap()
}

fn ask<T>(method: &Method, target: &str, work: impl FnOnce(&RequestHead<'_>) -> T) -> T {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    work(&RequestHead { method, path, query, headers: &HeaderMap::new() })
}

fn get(target: &str) -> Route {
    ask(&Method::GET, target, route::route)
}

fn document(role: &'static str, body: impl Into<Bytes>) -> Document {
    Document {
        role,
        body: body.into(),
        content_type: "text/plain".to_owned(),
        fetched: Timestamp::EPOCH,
        modified: None,
    }
}

fn refusal(code: &str) -> Refusal {
    Refusal {
        package: package("code.example/left/pad"),
        version: Some("v1.0.0".to_owned()),
        code: code.to_owned(),
        sentence: "published 2 hours ago, the policy waits for 30 days".to_owned(),
        until: Some(Timestamp::from_seconds(1_800_000_000)),
        newest_allowed: Some("v0.9.0".to_owned()),
        page: "https://gate.example/p/go/code.example/left/pad".to_owned(),
    }
}

#[test]
fn a_refusal_fits_into_what_the_go_command_shows() {
    let shown = |refusal: &Refusal, target: &str| ask(&Method::GET, target, |head| Go.refuse(refusal, head));
    let target = "/code.example/left/pad/@v/v1.0.0.zip";
    let plain = refusal("release-too-new");
    let long = Refusal { sentence: "é".repeat(2000), ..plain.clone() };
    let odd = Refusal { sentence: "a\r\n\u{1b}[31mb".to_owned(), ..plain.clone() };
    for refusal in [&plain, &long, &odd] {
        let reply = shown(refusal, target);
        assert_eq!(reply.status, StatusCode::FORBIDDEN);
        let body = std::str::from_utf8(&reply.body).unwrap();
        assert!(body.len() <= 640 && body.lines().count() <= 7, "{body}");
        assert!(body.ends_with("Details and waivers: https://gate.example/p/go/code.example/left/pad\n"));
        assert!(body.chars().all(|letter| letter == '\n' || !letter.is_control()));
        assert_eq!(reply.phrase.as_deref(), Some("held by Lazaret (release-too-new)"));
    }
    let error = ask(&Method::GET, target, |head| Go.error(StatusCode::UNAUTHORIZED, "who are you?", head));
    assert!(
        error
            .headers
            .iter()
            .any(|(name, value)| name == "www-authenticate" && value == "Basic realm=\"Lazaret\"")
    );
}

#[test]
fn a_reserved_name_keeps_the_go_command_from_going_elsewhere() {
    let reserved = Refusal { version: None, until: None, ..refusal("reserved-name") };
    let told = |target: &str| {
        let reply = ask(&Method::GET, target, |head| Go.refuse(&reserved, head));
        (reply.status.as_u16(), String::from_utf8(reply.body.to_vec()).unwrap())
    };
    assert_eq!(told("/code.example/left/pad/@v/list"), (200, String::new()));
    assert_eq!(told("/code.example/left/pad/@latest").0, 404);
    for target in ["/code.example/left/pad/@v/v1.0.0.mod", "/code.example/left/pad/@v/main.info"] {
        assert_eq!(told(target).0, 403, "{target}");
    }
    let Route::Relay(relay) = get("/sumdb/sums.example/lookup/code.example/left/pad@v1.0.0") else {
        panic!("a relay")
    };
    let reply = Go.relaying().unwrap().absent(&relay, false).unwrap();
    let text = std::str::from_utf8(&reply.body).unwrap();
    assert!(reply.status == StatusCode::FORBIDDEN && text.contains("GOPRIVATE"), "{text}");
    assert!(Go.relaying().unwrap().absent(&relay, true).is_none());
}

#[test]
fn the_proxy_of_this_machine_is_learned_from_the_go_command() {
    let adopt = |stdout: &str| {
        let adopted = Go.adopt(&[ProbeOutput { stdout: stdout.to_owned() }]);
        let addresses = adopted.map(|adopted| adopted.addresses).map_err(|error| error.to_string());
        addresses.map(|list| {
            list.into_iter().map(|(role, address)| format!("{role} {address}")).collect::<Vec<_>>()
        })
    };
    let both =
        ["proxy https://mods.example".to_owned(), "sumdb https://mods.example/sumdb/sums.example".to_owned()];
    assert_eq!(adopt("https://mods.example,direct\nsums.example\n").as_deref(), Ok(&both[..]));
    assert_eq!(
        adopt("off|https://mods.example/|direct\nsums.example+0a1b+KEY==\n").as_deref(),
        Ok(&both[..])
    );
    let own = ["proxy http://mods.example/a".to_owned(), "sumdb https://log.example/x".to_owned()];
    assert_eq!(
        adopt("http://mods.example/a\nsums.example+0a1b+KEY== https://log.example/x/\n").as_deref(),
        Ok(&own[..])
    );
    assert_eq!(adopt("https://mods.example\noff\n").as_deref(), Ok(&both[..1]));
    for none in ["direct\nsums.example\n", "off\n\n", "", "file:///srv/mods\n"] {
        assert!(adopt(none).unwrap_err().contains("names no server"), "{none}");
    }
}

#[test]
fn the_command_is_pointed_by_variables_alone() {
    let base = BaseUrl::new("https://gate.example:8443/go/");
    let pointing = setup::pointing(&base, Some("secret"), "/scratch/");
    let value =
        |name: &str| pointing.environment.iter().find(|(have, _)| have == name).map(|(_, value)| &**value);
    assert_eq!(value("GOPROXY"), Some("https://gate.example:8443/go"));
    assert_eq!((value("GONOPROXY"), value("GOVCS")), (Some("none"), Some("*:off")));
    assert_eq!(value("NETRC"), Some("/scratch/go/netrc"));
    assert_eq!(
        pointing.files,
        [("go/netrc".to_owned(), "machine gate.example login lazaret password secret\n".to_owned())]
    );
    assert!(pointing.caveats.iter().all(|caveat| !caveat.contains("plain http")));
    let plain = setup::pointing(&BaseUrl::new("http://127.0.0.1:1/go"), Some("secret"), "/scratch");
    assert!(plain.caveats.iter().any(|caveat| caveat.contains("plain http")));
    assert!(setup::pointing(&base, None, "/scratch").files.is_empty());
}

#[test]
fn ways_around_the_gateway_are_found() {
    let gateway = Some("https://gate.example");
    let told = |file: &str, text: &str| -> Vec<(Option<usize>, String)> {
        Go.detours(file, text, gateway).into_iter().map(|detour| (detour.line, detour.what)).collect()
    };
    assert!(
        told("env", "GOPROXY=https://gate.example/go\nGONOPROXY=none\nGOPRIVATE=corp.example\nPATH=/bin\n")
            .is_empty()
    );
    let found = told("env", include_str!("corpus/env"));
    assert_eq!(found.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [Some(1), Some(2), Some(3)]);
    assert!(found[0].1.contains("fetched from its origin"), "{found:?}");
    let other = told(
        "go.env",
        "# mine\nGOPROXY=https://gate.example/go|https://me:secret@other.example/x\nGOSUMDB=off\n",
    );
    assert_eq!(other[0], (Some(2), "GOPROXY: leads to https://other.example/x".to_owned()));
    assert_eq!(other.len(), 2);
    assert_eq!(told("vendor/modules.txt", include_str!("corpus/modules.txt")).len(), 1);
    assert!(Go.reads_settings("env") && !Go.reads_settings("go.mod"));
}

#[test]
fn lock_files_are_read() {
    let read = |name: &str, text: &str| -> Result<Vec<String>, Malformed> {
        let locked = Go.lock_file(name, text.as_bytes()).unwrap()?;
        Ok(locked
            .iter()
            .map(|one| format!("{} {} {}", one.line.unwrap(), one.package, one.version))
            .collect())
    };
    assert_eq!(
        read("go.sum", include_str!("corpus/go.sum")).unwrap(),
        ["1 github.com/BurntSushi/toml v1.3.2", "4 golang.org/x/text v0.14.0"]
    );
    assert_eq!(
        read("go.mod", include_str!("corpus/go.mod")).unwrap(),
        [
            "7 github.com/BurntSushi/toml v1.3.2",
            "21 code.example/text v0.14.1",
            "11 gopkg.in/yaml.v3 v3.0.1",
            "14 example.test/old v2.0.0+incompatible"
        ]
    );
    assert_eq!(read("go.work.sum", "").unwrap(), Vec::<String>::new());
    for wrong in
        ["a", "code.example/a v1", "code.example/a main h1:x=", "../a v1.0.0 h1:x=", "a.b v1.0.0 h1:x= more"]
    {
        assert!(read("go.sum", wrong).is_err(), "{wrong}");
    }
    assert!(read("go.mod", "require code.example/a main\n").is_err());
    assert!(Go.lock_file("Cargo.lock", b"").is_none());
}
