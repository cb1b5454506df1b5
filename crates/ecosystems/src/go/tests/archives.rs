use super::*;
use std::io::{Cursor, Write as _};
use zip::write::SimpleFileOptions;

pub(super) const MIT: &str = "MIT License\n\nCopyright (c) 2020 Somebody\n\nPermission is hereby granted, free of charge, to any person obtaining a copy of this software and associated documentation files (the \"Software\"), to deal in the Software without restriction, including without limitation the rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit persons to whom the Software is furnished to do so, subject to the following conditions:\n\nThe above copyright notice and this permission notice shall be included in all copies or substantial portions of the Software.\n\nTHE SOFTWARE IS PROVIDED \"AS IS\", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.\n";

const BSD: &str = "Copyright (c) 2009 The Authors. All rights reserved.\n\nRedistribution and use in source and binary forms, with or without\nmodification, are permitted provided that the following conditions are\nmet:\n\n   * Redistributions of source code must retain the above copyright\nnotice, this list of conditions and the following disclaimer.\n   * Redistributions in binary form must reproduce the above\ncopyright notice, this list of conditions and the following disclaimer\nin the documentation and/or other materials provided with the\ndistribution.\n   * Neither the name of Acme Inc. nor the names of its\ncontributors may be used to endorse or promote products derived from\nthis software without specific prior written permission.\n\nTHIS SOFTWARE IS PROVIDED BY THE COPYRIGHT HOLDERS AND CONTRIBUTORS\n\"AS IS\" AND ANY EXPRESS OR IMPLIED WARRANTIES, INCLUDING, BUT NOT\nLIMITED TO, THE IMPLIED WARRANTIES OF MERCHANTABILITY AND FITNESS FOR\nA PARTICULAR PURPOSE ARE DISCLAIMED. IN NO EVENT SHALL THE COPYRIGHT\nOWNER OR CONTRIBUTORS BE LIABLE FOR ANY DIRECT, INDIRECT, INCIDENTAL,\nSPECIAL, EXEMPLARY, OR CONSEQUENTIAL DAMAGES (INCLUDING, BUT NOT\nLIMITED TO, PROCUREMENT OF SUBSTITUTE GOODS OR SERVICES; LOSS OF USE,\nDATA, OR PROFITS; OR BUSINESS INTERRUPTION) HOWEVER CAUSED AND ON ANY\nTHEORY OF LIABILITY, WHETHER IN CONTRACT, STRICT LIABILITY, OR TORT\n(INCLUDING NEGLIGENCE OR OTHERWISE) ARISING IN ANY WAY OUT OF THE USE\nOF THIS SOFTWARE, EVEN IF ADVISED OF THE POSSIBILITY OF SUCH DAMAGE.\n";

pub(super) fn module_zip(entries: &[(&str, &str)]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (path, content) in entries {
        archive.start_file(*path, SimpleFileOptions::default()).unwrap();
        archive.write_all(content.as_bytes()).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

pub(super) fn inspect(file: &str, bytes: &[u8]) -> Result<Inspection, Malformed> {
    let pad = package("code.example/pad");
    let release = details::release(&pad, "v1.0.0").unwrap();
    let artifact = Artifact { file: file.into(), url: "".into(), digests: Vec::new(), size_bytes: None };
    Go.inspect(&release, &pad, &artifact, &mut Cursor::new(bytes))
}

fn wrong_with(entries: &[(&str, &str)]) -> Vec<String> {
    inspect("v1.0.0.zip", &module_zip(entries)).unwrap().disagreements
}

const ROOT: &str = "code.example/pad@v1.0.0/";

#[test]
fn a_module_tells_its_licence() {
    let of = |files: &[(&str, &str)]| {
        let named: Vec<(String, &str)> =
            files.iter().map(|(path, text)| (format!("{ROOT}{path}"), *text)).collect();
        let entries: Vec<(&str, &str)> = named.iter().map(|(path, text)| (path.as_str(), *text)).collect();
        let found = inspect("v1.0.0.zip", &module_zip(&entries)).unwrap();
        assert_eq!(found.disagreements, Vec::<String>::new());
        found.licence
    };
    let go_mod = ("go.mod", "module code.example/pad\n");
    assert_eq!(of(&[go_mod, ("LICENSE", MIT), ("a.go", "package a")]).as_deref(), Some("MIT"));
    assert_eq!(of(&[("LICENSE", BSD)]).as_deref(), Some("BSD-3-Clause"));
    assert_eq!(of(&[("LICENCE.md", MIT), ("COPYING", BSD)]).as_deref(), Some("BSD-3-Clause AND MIT"));
    assert_eq!(of(&[("LICENSE", &format!("{MIT}\n\n{BSD}"))]).as_deref(), Some("BSD-3-Clause AND MIT"));
    assert_eq!(
        of(&[("LICENSE", "SPDX-License-Identifier: MIT OR Apache-2.0\n")]).as_deref(),
        Some("(MIT OR Apache-2.0)")
    );
    let clause = format!("{MIT}\n\"Commons Clause\" License Condition v1.0: you may not sell it.\n");
    assert_eq!(of(&[("LICENSE", &clause)]).as_deref(), Some("LicenseRef-Commons-Clause AND MIT"));
    for unknown in [
        &[("a.go", MIT)][..],
        &[("sub/LICENSE", MIT)],
        &[("LICENSE", "All rights reserved. Ask us.\n")],
        &[("LICENSE", "")],
        &[("LICENSE", MIT), ("LICENSE-DATA", "Ask us about the data.")],
        &[("LICENSE", &format!("{MIT}\n{}", "And you owe us a pint of beer on Tuesdays.\n".repeat(30)))],
        &[("LICENSE", &"word ".repeat(20_000))],
    ] {
        assert_eq!(of(unknown), None);
    }
}

#[test]
fn every_kept_licence_is_recognised_as_itself() {
    let mut all = String::new();
    std::io::Read::read_to_string(
        &mut flate2::read::GzDecoder::new(&include_bytes!("../licences.gz")[..]),
        &mut all,
    )
    .unwrap();
    let mut count = 0;
    for (id, text) in all.split("\n### ").filter_map(|part| part.split_once('\n')) {
        let id = id.trim_start_matches("### ");
        count += 1;
        assert_eq!(licence::recognise(&[text.as_bytes().to_vec()]).as_deref(), Some(id));
        assert!(spdx::license_id(id).is_some(), "{id} is an identifier of SPDX");
    }
    assert!(count > 40);
}

#[test]
fn a_zip_that_the_go_command_would_not_take_is_found_out() {
    let file = |path: &str| format!("{ROOT}{path}");
    assert_eq!(
        wrong_with(&[(&file("go.mod"), "module code.example/pad\n"), (&file(".github/ä b.go"), "")]),
        Vec::<String>::new()
    );
    assert_eq!(
        wrong_with(&[(&file("go.mod"), "module fork.example/of/it\n")]),
        Vec::<String>::new(),
        "a fork for `replace`"
    );
    for (entries, expected) in [
        (&[("code.example/pad@v1.0.1/a.go", "")][..], "not below"),
        (&[("a.go", "")], "not below"),
        (&[(&*file("a/../b.go"), "")], "outside its folder"),
        (&[(&*file("aux.go"), "")], "no name for a file"),
        (&[(&*file("a:b.go"), "")], "no name for a file"),
        (&[(&*file("a//b.go"), "")], "no name for a file"),
        (&[(&*file("a."), "")], "no name for a file"),
        (&[(&*file("sub/go.mod"), "")], "belongs into the root"),
        (&[(&*file("GO.MOD"), "")], "belongs into the root"),
        (&[(&*file("a.go"), ""), (&*file("A.go"), "")], "case alone"),
        (&[(&*file("a/b.go"), ""), (&*file("A/c.go"), "")], "case alone"),
        (&[(&*file("a"), ""), (&*file("a/c.go"), "")], "as file and as folder"),
        (&[(&*file("go.mod"), "module \"")], "go.mod, line 1"),
    ] {
        let found = wrong_with(entries);
        assert!(found.iter().any(|text| text.contains(expected)), "{expected}: {found:?}");
    }
    assert!(inspect("v1.0.0.zip", b"not a zip").is_err());
    let deep = format!("{ROOT}{}", "a/".repeat(3000));
    assert!(wrong_with(&[(&format!("{deep}b"), "")])[0].contains("no name for a file"));
}

#[test]
fn the_other_files_are_looked_into() {
    let info = inspect("v1.0.0.info", br#"{"Version":"v1.0.0","Time":"2024-05-01T10:00:00Z"}"#).unwrap();
    assert_eq!((info.claimed, info.disagreements.len()), (Timestamp::parse("2024-05-01T10:00:00Z").ok(), 0));
    assert_eq!(inspect("v1.0.0.info", br#"{"Version":"v1.0.1"}"#).unwrap().disagreements.len(), 1);
    assert!(inspect("v1.0.0.info", &vec![b' '; 70_000]).is_err());
    assert!(inspect("v1.0.0.mod", b"module a.b\n").unwrap().disagreements.is_empty());
    assert_eq!(inspect("v1.0.0.mod", b"go 1.21\n").unwrap().disagreements.len(), 1);
    assert!(inspect("v1.0.0.mod", b"<html>\n\"").is_err() && inspect("v1.0.0.exe", b"").is_err());
    assert!(Go.tells_by_content(&details::release(&package("a.b"), "v1.0.0").unwrap().artifacts[2]));
}
