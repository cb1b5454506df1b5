use super::*;

pub(super) fn locked(file: &str, text: &str) -> Vec<(String, String, Option<usize>)> {
    let found = Oci.lock_file(file, text.as_bytes()).expect("a file that names images").expect("a good one");
    found.into_iter().map(|one| (one.package.to_string(), one.version, one.line)).collect()
}

fn named(found: &[(String, String, Option<usize>)]) -> Vec<String> {
    found.iter().map(|(package, version, line)| format!("{}: {package} {version}", line.unwrap())).collect()
}

#[test]
fn dockerfiles_name_images() {
    let found = locked("docker/Dockerfile", include_str!("../corpus/Dockerfile"));
    assert_eq!(
        named(&found),
        [
            "1: docker/dockerfile 1",
            "8: library/debian 12-slim",
            "10: acme/tools 2",
            &format!("17: acme/certs sha256:{HEX}"),
            "24: library/alpine latest",
            "25: acme/later 1",
        ]
    );
    let text = "FROM gate.example:8443/hub/library/debian:12\n";
    let found = Oci.lock_file("Containerfile", text.as_bytes()).unwrap().unwrap();
    assert_eq!(found[0].package.as_str(), "hub/library/debian");
    assert_eq!(
        found[0].resolved.as_deref(),
        Some("https://gate.example:8443/v2/hub/library/debian/manifests/12")
    );
    assert!(Oci.follows_lock_addresses("Dockerfile"));
}

#[test]
fn compose_files_and_workloads_name_images() {
    let found = locked("deploy/docker-compose.prod.yml", include_str!("../corpus/compose.yaml"));
    assert_eq!(named(&found), ["5: library/postgres 16.4-alpine", "10: hub/library/redis 7"]);
    let found = locked("deployment.yaml", include_str!("../corpus/deployment.yaml"));
    assert_eq!(
        named(&found),
        [
            "8: library/busybox latest",
            "11: acme/app 1.2.3",
            &format!("12: acme/sidecar sha256:{HEX}"),
            "17: acme/job 5",
        ]
    );
}

#[test]
fn other_files_are_left_to_others_and_bad_ones_complained_of() {
    for other in
        ["package-lock.json", "config.yaml", "Dockerfile.dockerignore", "composer.json", "dockerfile-notes"]
    {
        assert!(Oci.lock_file(other, b"").is_none(), "{other}");
    }
    for file in
        ["Dockerfile.build", "app.Dockerfile", "compose.yaml", "docker-compose-test.yml", "cronjob.yml"]
    {
        assert!(Oci.lock_file(file, b"").is_some(), "{file}");
    }
    let bad = |file: &str, text: &[u8]| Oci.lock_file(file, text).unwrap().is_err();
    assert!(bad("Dockerfile", b"FROM Debian"));
    assert!(bad("Dockerfile", b"\xff"));
    assert!(bad("Dockerfile", &vec![b'#'; (4 << 20) + 1]));
    assert!(bad("compose.yaml", b"a: [}"));
    assert!(bad("compose.yaml", "[".repeat(100).as_bytes()));
    assert!(bad("Dockerfile", "FROM a\n".repeat(5001).as_bytes()));
}

#[test]
fn an_instruction_that_never_ends_is_read_to_the_end() {
    assert!(locked("Dockerfile", "RUN <<EOF\nFROM a\n").is_empty());
    assert_eq!(locked("Dockerfile", "FROM a \\").len(), 1);
    assert!(locked("Dockerfile", &"x\\\n".repeat(3000)).is_empty());
    assert_eq!(locked("Dockerfile", "# escape=`\nFROM a `\n  as b\nFROM b\n").len(), 1);
}
