//! Upstreams that fail, stall, lie or flood; many clients at once.

use crate::house::{House, KINDS, Kind};
use lazaret_testkit::{Behaviour, Fault};
use lazaret_vocabulary::Span;
use std::sync::Arc;
use std::time::Duration;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_hundred_clients_cause_one_download_and_one_question() {
    let house = Arc::new(House::open().await);
    let slow = Behaviour { file_bytes_per_second: Some(4_000_000), ..Behaviour::default() };
    house.upstream.behave(slow);
    let path = Kind::Npm.file("medium-lib", "1.0.0");
    // The first one begins the download and hangs up.
    let first = house.client.get(format!("{}{path}", house.base)).timeout(Duration::from_millis(80)).send();
    assert!(first.await.is_err());
    let mut clients = tokio::task::JoinSet::new();
    for number in 0..500 {
        let (house, path) = (house.clone(), path.clone());
        clients.spawn(async move {
            let index = number % 2 == 0;
            let got = house.get(if index { "/npm/good-lib" } else { &path }).await;
            (index, got)
        });
    }
    let mut whole: Option<Vec<u8>> = None;
    while let Some(done) = clients.join_next().await {
        let (index, got) = done.unwrap();
        assert_eq!(got.status, 200);
        if !index {
            assert!(got.body.len() > 900_000);
            assert_eq!(whole.get_or_insert_with(|| got.body.clone()), &got.body);
        }
    }
    assert_eq!(house.files_fetched(Kind::Npm, "medium-lib"), 1);
    assert_eq!(house.upstream.requests_for("good-lib").len(), 1);
}

#[tokio::test]
async fn a_passing_failure_is_tried_again() {
    let house = House::open().await;
    for (fault, name) in [
        (Fault::status(503), "good-lib"),
        (Fault::too_many_requests(0), "mid-lib"),
        (Fault::Reset, "app-lib"),
    ] {
        house.upstream.fail(name, fault).times(1);
        assert_eq!(house.get(&Kind::Npm.index(name)).await.status, 200, "{name}");
        house.upstream.heal();
    }
}

#[tokio::test]
async fn what_cannot_be_fetched_or_filtered_is_not_served() {
    let house = House::with("", |settings| settings.document_limit_bytes = 1 << 20).await;
    let faults = [
        Fault::RedirectLoop,
        Fault::redirect_to_metadata_service(),
        Fault::Redirect("http://10.0.0.1/x".to_owned()),
        Fault::Redirect("file:///etc/passwd".to_owned()),
        Fault::GzipBomb(1 << 30),
        Fault::Endless(4 << 20),
        Fault::CutQuietly(40),
        Fault::WrongBytes("[1,2".into()),
        Fault::WrongBytes("".into()),
    ];
    for kind in KINDS {
        for fault in &faults {
            // An index file without lines is one of a crate without releases.
            if kind == Kind::Cargo && matches!(fault, Fault::WrongBytes(bytes) if bytes.is_empty()) {
                continue;
            }
            house.upstream.fail("good-lib", fault.clone());
            let got = house.get(&kind.index("good-lib")).await;
            assert!(got.status >= 400, "{kind:?} {fault:?}: {} {}", got.status, got.text());
            assert!(!got.text().contains("1.2.0"), "{kind:?} {fault:?}");
            house.upstream.heal();
        }
    }
    // And it is well again as soon as the upstream is.
    for kind in KINDS {
        assert_eq!(house.get(&kind.index("good-lib")).await.status, 200, "{kind:?}");
    }
}

#[tokio::test]
async fn a_stale_document_is_served_within_its_bound_and_marked() {
    let house = House::open().await;
    for kind in KINDS {
        let fresh = house.get(&kind.index("good-lib")).await;
        assert_eq!((fresh.status, fresh.header("x-lazaret-stale")), (200, ""));
    }
    house.upstream.fail("/", Fault::status(500));
    house.advance(Span::days(2));
    for kind in KINDS {
        let got = house.get(&kind.index("good-lib")).await;
        assert_eq!((got.status, got.header("x-lazaret-stale")), (200, "1"), "{kind:?} {}", got.text());
    }
    house.advance(Span::days(6));
    for kind in KINDS {
        let got = house.get(&kind.index("good-lib")).await;
        assert_eq!(got.status, 503, "{kind:?} {}", got.text());
    }
}

#[tokio::test]
async fn a_broken_file_reaches_nobody_and_is_whole_the_next_time() {
    let house = House::open().await;
    for kind in KINDS {
        for fault in [
            Fault::FlipByte(9),
            Fault::CutQuietly(30),
            Fault::Truncate(30),
            Fault::WrongBytes("other".into()),
        ] {
            let pattern = if kind == Kind::Pypi { "good_lib-1.0.0" } else { "1.0.0" };
            let pattern = format!("*{pattern}*{}*", if kind == Kind::Cargo { "download" } else { "" });
            let path = kind.file("good-lib", "1.0.0");
            house.upstream.fail(&pattern, fault.clone());
            let got = house.get(&path).await;
            assert!(got.status >= 400, "{kind:?} {fault:?} {}", got.status);
            house.upstream.heal();
        }
        assert_eq!(house.get(&kind.file("good-lib", "1.0.0")).await.status, 200, "{kind:?}");
    }
}

#[tokio::test]
async fn documents_that_only_add_facts_may_be_missing() {
    let house = House::open().await;
    house.upstream.fail("/pypi/pypi/", Fault::status(500));
    house.upstream.fail("/cargo/api/", Fault::status(500));
    for kind in [Kind::Pypi, Kind::Cargo] {
        assert_eq!(house.get(&kind.index("good-lib")).await.status, 200, "{kind:?}");
        assert_eq!(house.get(&kind.file("good-lib", "1.0.0")).await.status, 200, "{kind:?}");
    }
}

fn blobs(directory: &std::path::Path, found: &mut Vec<std::path::PathBuf>) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { blobs(&path, found) } else { found.push(path) }
    }
}

#[tokio::test]
async fn a_flipped_bit_is_found_before_it_is_served_and_healed() {
    let house = House::open().await;
    let path = Kind::Npm.file("good-lib", "1.0.0");
    let good = house.get(&path).await.body;
    let data = house.data();
    let house = house.reopened().await;
    let mut files = Vec::new();
    blobs(&data.join("blobs"), &mut files);
    let mut flipped = 0;
    for file in files {
        let mut bytes = std::fs::read(&file).unwrap();
        if bytes == good {
            bytes[20] ^= 1;
            let mut permissions = std::fs::metadata(&file).unwrap().permissions();
            #[expect(clippy::permissions_set_readonly_false, reason = "a file in a test's own directory")]
            permissions.set_readonly(false);
            std::fs::set_permissions(&file, permissions).unwrap();
            std::fs::write(&file, bytes).unwrap();
            flipped += 1;
        }
    }
    assert_eq!(flipped, 1);
    let again = house.get(&path).await;
    assert_eq!((again.status, &again.body), (200, &good));
    assert_eq!(house.files_fetched(Kind::Npm, "good-lib"), 2);
    assert_eq!(house.get(&path).await.body, good);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_file_that_breaks_on_its_way_is_never_taken_for_whole() {
    let house = House::open().await;
    house.upstream.npm(|all| {
        all.package("wide-lib").release("1.0.0").published("2020-01-01T00:00:00Z").large(20_000_000);
    });
    let path = Kind::Npm.file("wide-lib", "1.0.0");
    for fault in [Fault::FlipByte(15_000_000), Fault::Truncate(15_000_000), Fault::ResetAfter(15_000_000)] {
        house.upstream.fail("wide-lib-1.0.0.tgz", fault.clone());
        // Sent on while it comes, so that the status is told before the end is known.
        let response = house.client.get(format!("{}{path}", house.base)).send().await.unwrap();
        let is_success = response.status().is_success();
        let came = response.bytes().await;
        house.upstream.heal();
        let Ok(came) = came else { continue };
        // What merely broke off may be taken up again, and is whole then. Other bytes never are.
        assert!(!is_success || !matches!(fault, Fault::FlipByte(_)), "{fault:?}");
        if is_success {
            let whole = house.get(&path).await;
            assert_eq!((whole.status, whole.body.len()), (200, came.len()), "{fault:?}");
            assert!(whole.body == came, "{fault:?}");
        }
    }
    let whole = house.get(&path).await;
    assert!(whole.status == 200 && whole.body.len() > 19_000_000, "{} {}", whole.status, whole.body.len());
}
