//! kill -9 at any moment loses nothing acknowledged.

use super::{admission, at};
use crate::Metadata;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

/// Where the child shall write; set by the parent alone.
const PLACE: &str = "LAZARET_TEST_KILLED_DATABASE";

#[test]
fn what_was_acknowledged_survives_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m.db");
    let mut acknowledged = 0;
    // Each round goes on where the kill before left the file.
    for round in 1..=4 {
        acknowledged = write_and_kill(&path, acknowledged + round * 40);
        let found = admitted(&path);
        for number in 1..=acknowledged {
            assert!(found.contains(&format!("f{number}")), "f{number} was acknowledged and is gone");
        }
    }
}

/// Starts a child that admits files one after another, kills it after so many; how many it acknowledged.
fn write_and_kill(path: &Path, kill_after: usize) -> usize {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "tests::durability::child", "--ignored", "--nocapture"])
        .env(PLACE, path)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut last = 0;
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        let Some(number) = line.strip_prefix("acknowledged ") else { continue };
        last = number.parse().unwrap();
        if last == kill_after {
            // SIGKILL. What it still says until it dies counts too.
            child.kill().unwrap();
        }
    }
    child.wait().unwrap();
    assert!(last >= kill_after, "the child ended by itself after {last}");
    last
}

fn admitted(path: &Path) -> std::collections::HashSet<String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let metadata = Metadata::open_file(path).await.unwrap();
        let rows = metadata.admissions_of("kill", "p").await.unwrap();
        rows.into_iter().map(|row| row.file).collect()
    })
}

#[tokio::test]
#[ignore = "the other half of the test above, which starts it in a process of its own"]
async fn child() {
    let Some(place) = std::env::var_os(PLACE) else { return };
    let metadata = Metadata::open_file(Path::new(&place)).await.unwrap();
    let done = metadata.admissions_of("kill", "p").await.unwrap().len();
    for number in done + 1..done + 100_000 {
        let mut row = admission("kill", "p", &format!("f{number}"));
        row.at = at(i64::try_from(number).unwrap());
        assert!(metadata.admit(&row).await.unwrap());
        println!("acknowledged {number}");
    }
}
