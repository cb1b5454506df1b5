use super::super::{clients, setup};
use super::*;
use crate::ProbeOutput;
use lazaret_vocabulary::BaseUrl;
use std::process::Command;

fn lists() -> String {
    let text = |file| String::from_utf8(corpus(file)).unwrap();
    format!("{}\n\n{}\n\n", text("sources.list"), text("debian.sources"))
}

#[test]
fn archives_get_names() {
    let adopted = setup::adopt(&[ProbeOutput { stdout: lists() }]).unwrap();
    let told: Vec<String> =
        adopted.addresses.iter().map(|(role, address)| format!("{role} {address}")).collect();
    assert_eq!(
        told,
        [
            "debian http://archive.registry.example/debian",
            "security https://archive.registry.example/debian-security",
            "vendor https://packages.vendor.example/apt",
            "debian-2 https://mirror.registry.example/debian",
        ]
    );
    for (address, expected) in [
        ("https://deb.vendor.example/node_20.x", "node-20-x"),
        ("https://download.vendor.example/linux/debian", "vendor"),
        ("http://archive.registry.example/ubuntu/", "ubuntu"),
        ("https://user:secret@vendor.example:8443/", "vendor"),
        ("http://localhost/hosted", "hosted-2"),
    ] {
        let stdout = format!("deb {address} x main\n");
        let adopted = setup::adopt(&[ProbeOutput { stdout }]).unwrap();
        assert_eq!(adopted.addresses[0].0, expected, "{address}");
    }
    assert!(setup::adopt(&[ProbeOutput { stdout: "deb cdrom:[x]/ y main\n".to_owned() }]).is_err());
}

#[test]
fn sources_beside_the_gateway_are_found() {
    let gateway = Some("https://gate.example");
    let text = "deb https://gate.example/deb/debian bookworm main\ndeb https://u:p@archive.registry.example/debian x main\n";
    assert!(
        clients::reads("sources.list") && clients::reads("debian.sources") && !clients::reads("pip.conf")
    );
    let found = clients::detours("sources.list", text, gateway);
    assert_eq!(found.len(), 1);
    assert_eq!(
        (found[0].line, found[0].what.as_str()),
        (Some(2), "an archive is read from https://archive.registry.example/debian")
    );
}

/// The lists that the script makes of those of a machine.
#[test]
fn lists_are_pointed_at_the_gateway() {
    let scratch = tempfile::tempdir().unwrap();
    let etc = scratch.path().join("etc");
    std::fs::create_dir_all(etc.join("sources.list.d")).unwrap();
    std::fs::write(etc.join("sources.list"), corpus("sources.list")).unwrap();
    std::fs::write(etc.join("sources.list.d/debian.sources"), corpus("debian.sources")).unwrap();
    let base = BaseUrl::new("http://127.0.0.1:4873/deb");
    let upstreams = [
        ("debian", "http://archive.registry.example/debian"),
        ("security", "http://archive.registry.example/debian-security"),
    ];
    let upstreams = upstreams.map(|(role, address)| (role.to_owned(), address.to_owned()));
    let pointing = setup::pointing(&base, Some("lzt_x"), &scratch.path().to_string_lossy(), &upstreams);
    for (file, text) in &pointing.files {
        let path = scratch.path().join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let home = scratch.path().join("apt");
    let output = Command::new("sh").arg(home.join("point")).arg(&home).arg(&etc).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let complaint = String::from_utf8(output.stderr).unwrap();
    for left_out in
        ["https://packages.vendor.example/apt", "cdrom:", "https://mirror.registry.example/debian/"]
    {
        assert!(complaint.contains(left_out), "{complaint}");
    }
    let made = |file: &str| std::fs::read_to_string(home.join("sources.list.d").join(file)).unwrap();
    assert_eq!(
        made("1.list"),
        "deb http://127.0.0.1:4873/deb/debian bookworm main\n\
         deb [arch=amd64 signed-by=/usr/share/keyrings/x.gpg] http://127.0.0.1:4873/deb/security bookworm-security main \n"
    );
    assert_eq!(
        made("2.sources"),
        "Types: deb deb-src\nSuites: bookworm bookworm-updates\nComponents: main\nURIs: http://127.0.0.1:4873/deb/debian\n\n\
         Types: deb\nSuites: bookworm-security\nComponents: main\nSigned-By: /usr/share/keyrings/debian-archive-keyring.gpg\n\
         URIs: http://127.0.0.1:4873/deb/security\n\n"
    );
    let auth = std::fs::read_to_string(home.join("auth.conf")).unwrap();
    assert_eq!(auth, "machine http://127.0.0.1:4873/deb/ login __token__ password lzt_x\n");
    assert!(std::fs::read_to_string(home.join("apt.conf")).unwrap().contains("Proxy::127.0.0.1 \"DIRECT\""));
}
